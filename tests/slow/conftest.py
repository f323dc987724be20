"""Everything in this folder is slow."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.postgres import Server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The default run does not look into this folder, so what is in it is to be found by the other one."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def database() -> Iterator[Server]:
    """A PostgreSQL server of this test's own, which does care for crashes."""
    own = Server(Path("/tmp") / f"offerkit-pg-{secrets.token_hex(6)}")
    own.init()
    own.start()
    yield own
    own.stop()
    shutil.rmtree(own.folder)
