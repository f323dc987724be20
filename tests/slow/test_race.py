"""Two who change the store at once, and many who read meanwhile."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from running import FILES, begin, copied, make_project, run, standing, start, sure, write_offers

from offerkit.fingerprint import manifest_digest
from offerkit.store import Store

pytestmark = pytest.mark.slow

ROUNDS = 5


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is applied."""
    root = make_project(tmp_path_factory.mktemp("race") / "applied")
    sure(root, "apply", "--yes")
    return root


def saved(root: Path, title: str, files: range, name: str) -> str:
    """A plan that gives the offers of some files another title; the files are as before afterwards."""
    write_offers(root, title, files)
    sure(root, "plan", "--out", name)
    write_offers(root, "First", files)
    return name


def test_two_with_different_changes(applied: Path, tmp_path: Path) -> None:
    """Both wait their turn: what neither touches twice is fine, and both changes are there."""
    root = copied(applied, tmp_path / "p")
    left = saved(root, "Left", range(FILES // 2), "left.json")
    right = saved(root, "Right", range(FILES // 2, FILES), "right.json")
    both = copied(root, tmp_path / "both")
    sure(both, "apply", left, "--yes")
    sure(both, "apply", right, "--yes")
    expected = standing(both)
    for number in range(ROUNDS):
        victim = copied(root, tmp_path / "victim")
        runs = [start(victim, "apply", plan, "--yes", "--lock-timeout", "60") for plan in (left, right)]
        ends = [process.communicate(timeout=120) for process in runs]
        assert [process.returncode for process in runs] == [0, 0], (number, ends)
        assert standing(victim) == expected
        assert sum("nothing that the plan touches or relies on" in out for out, _ in ends) == 1


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "not waiting"])
def test_two_with_the_same_change(applied: Path, tmp_path: Path, waits: bool) -> None:
    """One wins. The other is told that its plan is stale, or, if it does not wait, who is ahead of it."""
    root = copied(applied, tmp_path / "p")
    plan = saved(root, "Same", range(FILES), "same.json")
    for number in range(ROUNDS):
        victim = copied(root, tmp_path / "victim")
        option = ["--lock-timeout", "60"] if waits else []
        runs = [start(victim, "apply", plan, "--yes", *option, who=who) for who in ("ada", "omar")]
        ends = [process.communicate(timeout=120) for process in runs]
        assert sorted(process.returncode for process in runs) == [0, 1], (number, ends)
        winner, loser = ("ada", ends[1][1]) if runs[0].returncode == 0 else ("omar", ends[0][1])
        if "error[OFR604]" in loser:
            assert not waits
            assert f"locked by {winner} (process" in loser or "locked by another process" in loser
        else:
            assert "error[OFR505]" in loser and f"in revision 2 by {winner}" in loser
        assert standing(victim).revisions == 2


def test_first_apply_of_two(applied: Path, tmp_path: Path) -> None:
    """Two make the store at once: there is one store afterwards, with one history."""
    for _ in range(ROUNDS):
        root = make_project(tmp_path / "new")
        runs = [start(root, "apply", "--yes", "--lock-timeout", "60") for _ in range(2)]
        ends = [process.communicate(timeout=120) for process in runs]
        assert sorted(process.returncode for process in runs) in ([0, 0], [0, 1]), ends
        found = standing(root)
        assert (
            found.revisions == 1 and found.stages["recipients@design"] == standing(applied).stages["recipients@design"]
        )
        shutil.rmtree(root)


def test_lock_is_visible_and_dies_with_its_holder(applied: Path, tmp_path: Path) -> None:
    """Whoever holds it is named; killed, it holds nothing any more, though its note still lies there."""
    root = copied(applied, tmp_path / "p")
    write_offers(root, "Second")
    program = (
        "import sys, time; from pathlib import Path; from offerkit.store import write_lock\n"
        "with write_lock(Path(sys.argv[1]), who='someone else', timeout=0):\n"
        "    print('held', flush=True); time.sleep(120)"
    )
    holder = begin(program, str(root / ".offerkit/store.db"))
    assert holder.stdout.readline() == "held\n"
    name = f"someone else (process {holder.pid})"
    told = run(root, "apply", "--yes")
    assert told.code == 1 and "error[OFR604]" in told.err and name in told.err
    waited = run(root, "apply", "--yes", "--lock-timeout", "0.5")
    assert (
        waited.code == 1 and waited.err.startswith("Waiting for the store: ") and "This run waited 0.5 s." in waited.err
    )
    waiting = start(root, "apply", "--yes", "--lock-timeout", "60")
    assert name in waiting.stderr.readline()
    holder.kill()
    holder.wait()
    assert (root / ".offerkit/store.db.holder").exists()
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, (out, err)
    assert standing(root).revisions == 2


def test_readers_see_before_or_after(applied: Path, tmp_path: Path) -> None:
    """While a writer goes there and back, nobody sees anything between, and nobody waits or fails."""
    root = copied(applied, tmp_path / "p")
    write_offers(root, "Second")
    before = standing(root).stages["recipients@design"]
    sure(root, "apply", "--yes")
    after = standing(root).stages["recipients@design"]
    sure(root, "rollback", "recipients@design", "--to", "1", "--yes")
    stop = threading.Event()
    seen: list[tuple[str, int]] = []
    consistent = 0

    def plans() -> None:
        while not stop.is_set():
            done = run(root, "plan", "--format", "json")
            assert done.code == 0, done.err
            plan = json.loads(done.out)
            digests = {base["stage"]: base["digest"] for base in plan["base"]}
            seen.append((digests["recipients@design"], len(plan["steps"])))

    def manifests() -> int:
        count = 0
        while not stop.is_set():
            with Store.open(root / ".offerkit/store.db") as store, store.reading():
                entries = store.entries("recipients@design")
                rows = [(address, entry.fingerprint, entry.activation_text) for address, entry in entries.items()]
                assert manifest_digest(rows) == store.heads()["recipients@design"].digest
                count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(plans) for _ in range(3)]
        checker = pool.submit(manifests)
        try:
            for _ in range(4):
                sure(root, "apply", "--yes")
                sure(root, "rollback", "recipients@design", "--to", "1", "--yes")
        finally:
            stop.set()
        for reader in readers:
            reader.result()
        consistent = checker.result()
    offers = max(steps for _, steps in seen)
    assert set(seen) <= {(before, offers), (after, 0)}, set(seen)
    assert len(seen) > 10 and consistent > 10
    assert standing(root).revisions == 3 + 8
