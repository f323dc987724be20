"""The server's application, asked in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from helpers.workspace import Workspace
from offerkit.server.app import application
from offerkit.server.config import ServerConfig

PEOPLE = "id,email,first_name,age,country\n1,ann@example.com,Ann,41,FR\n2,bob@example.com,Bob,17,FR\n3,cyd@example.com,Cyd,30,\n"
SOURCE = {"source": {"format": "csv", "path": "people.csv"}}
"""What the dimension of the small project lacks to identify anybody."""


def with_people(shop: Workspace) -> Workspace:
    """The small project with three contacts in a file."""
    (shop.root / "people.csv").write_text(PEOPLE, encoding="utf-8")
    shop.change({"specs/shared.yaml": {"dimensions": {"person": SOURCE}}})
    return shop


@contextmanager
def client(shop: Workspace, environ: Mapping[str, str] | None = None, **settings: Any) -> Iterator[TestClient]:
    """Asks the application of a live project; mistakes of the server are answers, as they are for others.

    Without the pages for people, which take longer to make than all the rest, unless ``ui`` is said.
    """
    chosen = {"poll": 0.02, "ui": "off", **settings}
    made = application(shop.session(environ=environ or {}), ServerConfig(str(shop.root), **chosen))
    with TestClient(made, raise_server_exceptions=False) as asking:
        yield asking
