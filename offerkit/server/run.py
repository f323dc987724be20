"""Starting and stopping: one process, or several that share a socket, under uvicorn."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from offerkit.server import collector
from offerkit.server.app import application
from offerkit.server.config import STORE, ServerConfig
from offerkit.server.logs import set_up as set_up_logs
from offerkit.server.thread_worker import now
from offerkit.specs import Project, find_project
from offerkit.store.location import Location, parse_location
from offerkit.times import utc
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.session import Session

HEALTHCHECK = 60
"""Seconds that a worker has to answer its supervisor, which ends it otherwise; also while it is starting.

Importing the server takes longer than uvicorn's 5 seconds where the machine is busy: workers would be ended and started
again, and keep it busy. One that has died is noticed at once in any case.
"""


def serve(config: ServerConfig, store: str) -> None:
    """Serve until told to stop (SIGINT, SIGTERM): no new calls then, and those under way are answered and stored."""
    import uvicorn

    from offerkit.server.connections import Connection

    config.hand_over(store)
    # uvicorn raises the signal again once it has ended well: that is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    set_up_logs(config.log_level)
    with tempfile.TemporaryDirectory(prefix="offerkit-metrics-") as folder:
        if config.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "offerkit.server.run:worker",
            factory=True,
            host=config.host,
            port=config.port,
            workers=config.workers,
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=True,
            forwarded_allow_ips=config.proxies,
            timeout_graceful_shutdown=config.grace,
            timeout_keep_alive=15,
            timeout_worker_healthcheck=HEALTHCHECK,
            limit_concurrency=2_000,
        )


def worker() -> ASGIApp:
    """The application of one worker process, as :func:`serve` set it up."""
    return set_up(ServerConfig.taken_over())


def set_up(config: ServerConfig) -> ASGIApp:
    """The application in this process. Raises Refused when there is no project, or its store cannot be opened."""
    set_up_logs(config.log_level)
    app = application(session_of(config), config)
    collector.set_up()
    return app


def session_of(config: ServerConfig) -> Session:
    """The session that the server's own reads and writes are made in."""
    store = os.environ.get(STORE)
    project = find_project(Path(config.project))
    return _session(config, project, parse_location(store, project.root) if store else None)


def session_at(config: ServerConfig, store: Location | None, store_project: str) -> Session:
    """The same with the store at ``store``, which has to be the one of ``store_project``."""
    return replace(_session(config, find_project(Path(config.project)), store), store_project=store_project)


def _session(config: ServerConfig, project: Project, store: Location | None) -> Session:
    return Session(project, utc(now()), store_path=store, environ=dict(os.environ), backend=LOCAL)
