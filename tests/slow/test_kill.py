"""Kill -9 at any instant leaves before or after, and the next run works without any cleaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import chance, copied, kill_at, make_project, run, standing, start, sure, write_offers

pytestmark = pytest.mark.slow

KILLS = 10
"""How many of each command; half of them at any time, half while the lock is held, that is while it writes."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with nothing applied."""
    return make_project(tmp_path_factory.mktemp("kill") / "fresh")


@pytest.fixture(scope="module")
def changed(fresh: Path) -> Path:
    """Applied, and then every offer changed on disk."""
    root = copied(fresh, fresh.parent / "changed")
    sure(root, "apply", "--yes")
    write_offers(root, "Second")
    return root


@pytest.fixture(scope="module")
def unapproved(changed: Path) -> Path:
    """All of it applied to design."""
    root = copied(changed, changed.parent / "unapproved")
    sure(root, "apply", "--yes")
    return root


@pytest.fixture(scope="module")
def approved(unapproved: Path) -> Path:
    """Everything approved."""
    root = copied(unapproved, unapproved.parent / "approved")
    sure(root, "approve", "*/offer.*", who="omar")
    return root


@pytest.fixture(scope="module")
def live(approved: Path) -> Path:
    """Everything live."""
    root = copied(approved, approved.parent / "live")
    sure(root, "promote", "--yes", who="omar")
    return root


RUNS = {
    "first apply": ("fresh", ("apply", "--yes")),
    "apply": ("changed", ("apply", "--yes")),
    "approve": ("unapproved", ("approve", "*/offer.*")),
    "promote": ("approved", ("promote", "--yes")),
    "rollback": ("live", ("rollback", "recipients@design", "--to", "1", "--yes")),
}


@pytest.mark.parametrize("name", RUNS)
def test_kill(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whatever was being written is there as a whole, or not at all."""
    start_of, command = RUNS[name]
    source: Path = request.getfixturevalue(start_of)
    before = standing(source)
    whole = copied(source, tmp_path / "whole")
    seconds = sure(whole, *command).seconds
    after = standing(whole)
    assert after != before
    rng = chance(name)
    seen = {"before": 0, "after": 0}
    for number in range(KILLS):
        root = copied(source, tmp_path / "victim")
        process = start(root, *command)
        if number % 2:
            kill_at(process, rng.uniform(0, 0.12), root / ".offerkit/store.db.holder")
        else:
            kill_at(process, rng.uniform(0, seconds * 1.1))
        found = standing(root)
        assert found in (before, after), number
        seen["before" if found == before else "after"] += 1
        again = sure(root, *command)
        ended = standing(root)
        assert ended.stages == after.stages and ended.approvals == after.approvals, (number, again)
        assert ended.revisions == after.revisions
    assert seen["before"], seen  # the kills did hit runs that had not ended


def test_kill_while_planning(changed: Path, tmp_path: Path) -> None:
    """A plan that is killed while it writes the parse cache or its file leaves no half of either."""
    root = copied(changed, tmp_path / "victim")
    cache, saved = root / ".offerkit/cache", root / "plans/next.json"
    sure(root, "--no-cache", "plan", "--out", "reference.json")
    reference = (root / "reference.json").read_bytes()
    for path in cache.glob("*"):
        path.unlink()
    seconds = sure(root, "plan", "--out", str(saved)).seconds
    assert saved.read_bytes() == reference
    rng = chance("plan")
    written = 0
    for _ in range(KILLS * 2):
        if rng.random() < 0.7:
            for path in cache.glob("*"):
                path.unlink()
        saved.unlink(missing_ok=True)
        kill_at(start(root, "plan", "--out", str(saved)), rng.uniform(seconds * 0.2, seconds * 1.2))
        if saved.exists():
            assert saved.read_bytes() == reference
            written += 1
    assert sure(root, "plan", "--format", "json").out == sure(root, "--no-cache", "plan", "--format", "json").out
    sure(root, "plan", "--out", str(saved))
    assert saved.read_bytes() == reference
    assert standing(root) == standing(changed)
    assert written < KILLS * 2


def test_killed_while_it_waits(changed: Path, tmp_path: Path) -> None:
    """Who waits for the lock and is killed has held nothing up."""
    root = copied(changed, tmp_path / "victim")
    from offerkit.store import write_lock

    with write_lock(root / ".offerkit/store.db", who="the test", timeout=0):
        waiting = start(root, "apply", "--yes", "--lock-timeout", "60")
        assert "the test (process" in waiting.stderr.readline()
        kill_at(waiting, 0)
        told = run(root, "apply", "--yes")
        assert told.code == 1 and "error[OFR604]" in told.err and "the test (process" in told.err
    sure(root, "apply", "--yes")
    assert standing(root).revisions == 2
