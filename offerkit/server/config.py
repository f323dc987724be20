"""How the server was started; the command hands it to each worker."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

import orjson

VARIABLE = "OFFERKIT_SERVE"
"""The environment variable that carries the config to a worker. It holds no secret: a store's URL that has one
stays in :data:`STORE`."""
STORE = "OFFERKIT_STORE"


@dataclass(frozen=True)
class ServerConfig:
    """What ``offerkit serve`` was asked for.

    ``project`` is the project's folder. ``public_url`` is how browsers reach the service (``https://offers.example``);
    empty: as each request says. ``poll`` is how often, in seconds, the store is asked for a new revision; ``threads``
    how many calls are decided at once where contacts are in a database.
    ``proxies``: the addresses whose ``X-Forwarded-For`` is believed, separated by commas.
    ``demo``: show the bundled bank's page.
    ``ui``: ``local`` shows the pages at ``/ui`` to callers on this machine without a login, ``login`` requires a login
    of everybody, ``off`` serves no pages.
    """

    project: str
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    public_url: str = ""
    poll: float = 0.25
    threads: int = 8
    grace: int = 10
    proxies: str = "127.0.0.1"
    log_level: str = "info"
    demo: bool = False
    ui: str = "local"

    def hand_over(self, store: str) -> None:
        """Leave the config, and where the store is, where workers find them."""
        os.environ[VARIABLE] = orjson.dumps(asdict(self)).decode()
        if store:
            os.environ[STORE] = store
        else:
            os.environ.pop(STORE, None)

    @classmethod
    def taken_over(cls) -> ServerConfig:
        """The config that a worker was handed. Raises KeyError outside of one."""
        return cls(**orjson.loads(os.environ[VARIABLE]))
