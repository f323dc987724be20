"""The project that is attacked, live."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from attacking import Session
from helpers.files import load_yaml, write
from helpers.postgres import new_schema

PROJECT = load_yaml(Path(__file__).with_name("project.yaml"))


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project with all of it live, made once."""
    root = tmp_path_factory.mktemp("attacked")
    write(root, PROJECT)
    session = Session(root, PROJECT)
    session.do("ada", "apply --yes")
    session.do("omar", "approve offer.*")
    session.do("brand", "approve offer.gold-card")
    session.do("risk", "approve offer.*")
    session.do("omar", "promote --yes")
    return root


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path, begun: Path) -> Session:
    """A copy of it, whose store is in either database."""
    root = tmp_path / "p"
    shutil.copytree(begun, root)
    if request.param == "sqlite":
        return Session(root, PROJECT)
    store = new_schema()
    Session(root, PROJECT).do("", f"store copy .offerkit/store.db {store}")
    (root / ".offerkit/store.db").unlink()
    return Session(root, PROJECT, store)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is left to the slow run anyway is played on SQLite only: the rules stand above the database."""
    here = Path(__file__).parent
    items[:] = [item for item in items if here not in item.path.parents or len(list(item.iter_markers("slow"))) < 2]
