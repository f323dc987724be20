"""What every test may use."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from helpers.files import temporary
from helpers.forked import Forked, forked
from helpers.order import longest_first
from helpers.postgres import announce_server, new_schema, stop_shared_server
from helpers.repeats import announce_repeats, often
from helpers.workspace import Workspace
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine

from offerkit.store import parse_location

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(temporary()))
os.environ.setdefault("PIP_CACHE_DIR", str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "pip"))
"""Tests that install something give programs a home of their own, but need not download all packages again."""
SLOW = Path(__file__).parent / "slow"
LONG = Path(__file__).with_name("long.txt")
"""The tests that take longest; “scripts/long_tests” measures and lists them."""
IN_POSTGRESQL = 12
"""Of so many tests that need some database, one is run in PostgreSQL as well."""
sys.dont_write_bytecode = False  # rewriting every assert of the tests takes each worker longer than all its imports
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True, scope="session")
def _users_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What offerkit keeps for its user is not kept for the one who runs the tests."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL server for all workers of a run: where it will be is known before they start."""
    thorough = config.getoption("thorough")
    announce_repeats(thorough)
    settings.register_profile(
        "offerkit",
        deadline=None,  # no test of ours measures time
        derandomize=not thorough,  # a push fails for what it changes; new examples are sought before a release
        max_examples=25,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("offerkit")
    engine.MAX_SHRINKING_SECONDS = often(60, 300)  # what fails in CI is to be told before CI gives up
    if not hasattr(config, "workerinput"):
        announce_server()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whoever started the workers ends the server after them."""
    if not hasattr(config, "workerinput"):
        stop_shared_server()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a quarter of the time a test waits, for a process, a lock or the end of a wait."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """What may be asked of a run."""
    parser.addoption(
        "--all-databases", action="store_true", help="run every test that needs a database in PostgreSQL as well"
    )
    parser.addoption(
        "--thorough", action="store_true", help="kill, race and make up examples as often as before a release"
    )
    parser.addoption("--measure", action="store_true", help="leave nothing to the slow run only since it takes long")


@cache
def _long() -> frozenset[str]:
    lines = LONG.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def _files_of_long() -> frozenset[str]:
    return frozenset(name.partition("::")[0] for name in _long())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long is left to the slow run, that the default one may be run after every change."""
    for item in items:
        if item.nodeid in _long() and not config.getoption("measure"):
            item.add_marker(pytest.mark.slow)
    if config.getoption("markexpr") == "slow":
        slow = [item for item in items if item.get_closest_marker("slow")]
        others = [item for item in items if not item.get_closest_marker("slow")]
        items[:] = longest_first(slow, getattr(config, "workerinput", {}).get("workercount", 1)) + others


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files without a test of the kind that is wanted are not even imported; all in the folder of slow tests are slow."""
    wanted = config.getoption("markexpr")
    if wanted == "not slow":
        return True if collection_path == SLOW else None
    return True if wanted == "slow" and collection_path.suffix == ".py" and not _may_be_slow(collection_path) else None


@cache
def _may_be_slow(path: Path) -> bool:
    """Whether a file of tests names the mark, or a fixture that gives it to some of those who take it."""
    if path.relative_to(LONG.parent.parent).as_posix() in _files_of_long():
        return True
    return any(word in path.read_text(encoding="utf-8") for word in ("slow", "shop", "team: Session"))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """What the default run leaves to the slow one must be found there."""
    lost = {item.path for item in items if item.get_closest_marker("slow") and not _may_be_slow(item.path)}
    assert not lost, f"the slow run would not look into {lost}"


def pytest_collection_finish() -> None:
    """What was collected and imported stays to the end: no collection of garbage need walk over it again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What takes a project with a store runs on both databases, in PostgreSQL when it is slow tests' turn.

    The store's own tests all run in both. Those of what stands above it, one in six, chosen by its name: always the
    same ones, some of every file.
    """
    for fixture in ("shop", "team"):
        if fixture in metafunc.fixturenames:
            one = metafunc.definition.get_closest_marker("embedded") is not None
            chosen = crc32(metafunc.definition.nodeid.encode()) % IN_POSTGRESQL == 0
            both = not one and (chosen or metafunc.config.getoption("all_databases"))
            others = [pytest.param("postgresql", marks=pytest.mark.slow)] if both else []
            metafunc.parametrize(fixture, ["sqlite", *others], indirect=True)


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Workspace:
    """The small project of tests/cases/base/shop.yaml, nothing applied yet; with its store in either database."""
    location = parse_location(new_schema()) if request.param == "postgresql" else tmp_path / ".offerkit/store.db"
    return Workspace(tmp_path, location=location)


@pytest.fixture
def live_shop(shop: Workspace) -> Workspace:
    """The same with everything approved and live."""
    return shop.go_live()


@pytest.fixture(scope="session")
def forks() -> Iterator[Forked]:
    """Runs commands without importing anew for each."""
    with forked() as server:
        yield server
