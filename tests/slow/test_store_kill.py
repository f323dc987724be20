"""The store under real processes that are killed at any instant, and that race each other."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from helpers.forked import Child
from helpers.repeats import kills, often
from running import begin

from offerkit.diagnostics import Code, Refused
from offerkit.store import Holder, Store, write_lock

pytestmark = pytest.mark.slow

ROUNDS = often(20, 60)
APPENDING = often(18, 40)
"""Fewer, as each reads the whole history, which grows."""
STAGES = ("recipients@design", "recipients@live")
WIDTH = 150

PRELUDE = """
import sys, time
from pathlib import Path
from offerkit.diagnostics import Refused
from offerkit.fingerprint import fingerprint
from offerkit.state.changes import Body, Entry
from offerkit.store import ChangeRow, Draft, Store, write_lock

STAGES, WIDTH, path = ("recipients@design", "recipients@live"), 150, Path(sys.argv[1])

def body(number):
    return Body("offer", '{"label":"%s%d"}' % ("x" * 500, number))

def entry(number):
    given = body(number)
    return Entry(fingerprint(given.kind, given.text.encode()))

def draft(rows, *numbers):
    bodies = {entry(number).fingerprint: body(number) for number in numbers}
    return Draft("apply", "anna", "2026-01-01T00:00:00.000000Z", changes=tuple(rows), bodies=bodies)

def say(word):
    print(word, flush=True)
"""

REVISE = """
store = Store.open(path, create=True)
say("ready")
while True:
    with store.transaction():
        last = store.last_serial()
        after = entry(last + 1)
        rows = []
        for stage in STAGES:
            for address in (f"recipients/offer.o-{i:04}" for i in range(WIDTH)):
                rows.append(ChangeRow(0, stage, address, "any", store.entry(stage, address), after))
        store.append(draft(rows, last + 1))
    say(last + 1)
"""

CREATE = """
say("ready")
with Store.open(path, create=True) as store, store.transaction():
    store.append(draft([ChangeRow(0, STAGES[0], "recipients/offer.a", "create", None, entry(1))], 1))
say("done")
"""

TOKENS = """
from offerkit.store.tokens import TokenRow
store = Store.open(path, create=True)
say("ready")
while True:
    with store.transaction():
        number = store.last_serial() + 1
        at = f"2026-01-01T00:00:00.{number:06}Z"
        if number % 3:
            store.add_token(TokenRow(f"{number:012}", "0" * 64, "ada", "", at, "ada", at.replace("2026", "2027"), scope="all"))
        else:
            assert store.revoke_token(f"{number - 1:012}", at, "ada") is not None
    say(number)
"""

RACE = """
name, locked = sys.argv[2], sys.argv[3] == "locked"
with Store.open(path, create=True, busy_timeout=60) as store:
    say(store.project)
    for i in range(40):
        row = ChangeRow(0, STAGES[0], f"recipients/offer.{name}-{i}", "create", None, entry(i))
        if locked:
            with write_lock(path, who=name, timeout=60), store.transaction():
                store.append(draft([row], i))
        else:
            with store.transaction():
                store.append(draft([row], i))
"""

CONTEND = """
wins = 0
with Store.open(path, create=True, busy_timeout=60) as store:
    for i in range(60):
        try:
            with store.transaction():
                store.append(draft([ChangeRow(0, STAGES[0], f"recipients/offer.o-{i}", "create", None, entry(i))], i))
            wins += 1
        except Refused as refused:
            assert [d.code.name for d in refused.diagnostics] == ["PLAN_STALE"]
say(wins)
"""

HOLD = """
with write_lock(path, who="the holder", timeout=0):
    say("held")
    time.sleep(float(sys.argv[2]))
"""


def start(code: str, path: Path, *args: str) -> Child:
    return begin(PRELUDE + code, str(path), *args)


def word(process: Child) -> str:
    return process.stdout.readline().strip()


def rest(process: Child) -> list[str]:
    return process.communicate(timeout=120)[0].split()


def standing(store: Store) -> list[str]:
    """The one body that both stages hold everywhere; fails when a revision shows in part."""
    with store.reading():
        entries = [entry for stage in STAGES for entry in store.entries(stage).values()]
        fingerprints = {entry.fingerprint for entry in entries}
        assert len(fingerprints) <= 1
        assert len(entries) in (0, len(STAGES) * WIDTH)
        labels = [
            body.text.strip('{}"').removeprefix('label":"').strip("x") for body in store.bodies(fingerprints).values()
        ]
        assert labels in ([], [str(store.last_serial())])
    return labels


def test_killed_while_appending(tmp_path: Path) -> None:
    path = tmp_path / ".offerkit" / "store.db"
    chance = random.Random(20260101)
    acknowledged = 0
    turns = kills(APPENDING, lambda: acknowledged > APPENDING / 4)
    for longer in turns:
        process = start(REVISE, path)
        assert word(process) == "ready"
        time.sleep(chance.uniform(0, 0.08) * longer)
        process.kill()
        acknowledged = max([acknowledged, *map(int, rest(process))])
        with Store.open(path, write=True) as store:
            assert store.verify() == []
            assert acknowledged <= store.last_serial() <= acknowledged + 1, "what was said to be kept is kept"
            standing(store)
            acknowledged = store.last_serial()
    assert acknowledged > APPENDING / 4, "the rounds were long enough to write something"


def test_killed_while_tokens_are_made_and_revoked(tmp_path: Path) -> None:
    """A token is there with its revision, or neither is."""
    path = tmp_path / ".offerkit" / "store.db"
    chance = random.Random(20260103)
    acknowledged = 0
    turns = kills(ROUNDS, lambda: acknowledged > ROUNDS / 4)
    for longer in turns:
        process = start(TOKENS, path)
        assert word(process) == "ready"
        time.sleep(chance.uniform(0, 0.05) * longer)
        process.kill()
        acknowledged = max([acknowledged, *map(int, rest(process))])
        with Store.open(path, write=True) as store:
            assert store.verify() == []
            last = store.last_serial()
            assert acknowledged <= last <= acknowledged + 1, "what was said to be kept is kept"
            found = store.tokens()
            assert len(found) == last - last // 3
            assert sum(bool(row.revoked) for row in found) == last // 3
            acknowledged = last
    assert acknowledged > ROUNDS / 4, "the rounds were long enough to write something"


def test_killed_while_creating(tmp_path: Path) -> None:
    chance = random.Random(20260102)
    seen: set[bool] = set()
    for number, longer in enumerate(kills(ROUNDS, lambda: len(seen) == 2)):
        path = tmp_path / str(number) / "store.db"
        process = start(CREATE, path)
        assert word(process) == "ready"
        time.sleep(chance.uniform(0, 0.02) * longer)
        process.kill()
        rest(process)
        there = Store.find(path)
        seen.add(there is not None)
        if there is not None:
            there.close()
        with Store.open(path, create=True) as store:
            assert store.verify() == []
            assert store.last_serial() == len(store.entries(STAGES[0])) <= 1
    assert seen == {False, True}, "the instants lie before and after"


def test_readers_see_whole_revisions(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    process = start(REVISE, path)
    assert word(process) == "ready"
    seen = set()
    with Store.open(path) as store:
        begun = time.monotonic()
        while (took := time.monotonic() - begun) < 3 or (len(seen) <= 3 and took < 60):
            seen |= set(standing(store))
    process.kill()
    rest(process)
    assert len(seen) > 3


@pytest.mark.parametrize("how", ["locked", "unlocked"])
def test_racing_processes_lose_nothing(tmp_path: Path, how: str) -> None:
    path = tmp_path / "store.db"
    processes = [start(RACE, path, name, how) for name in "abcd"]
    told = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, [err[-500:] for _, err in told]
    said = [out.split() for out, _ in told]
    with Store.open(path) as store:
        assert said == [[store.project]] * 4, "all made or found the same store"
        assert store.verify() == []
        assert store.last_serial() == 160
        wanted = {f"recipients/offer.{name}-{i}" for name in "abcd" for i in range(40)}
        assert set(store.entries(STAGES[0])) == wanted


def test_of_two_that_want_the_same_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    processes = [start(CONTEND, path) for _ in range(3)]
    wins = [int(rest(process)[0]) for process in processes]
    assert sum(wins) == 60
    with Store.open(path) as store:
        assert store.verify() == []
        assert store.last_serial() == 60


def test_a_killed_holder_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for _ in range(5):
        process = start(HOLD, path, "60")
        assert word(process) == "held"
        with pytest.raises(Refused) as refused, write_lock(path, who="me", timeout=0):
            pass
        (found,) = refused.value.diagnostics
        assert found.code is Code.STORE_LOCKED
        assert f"the holder (process {process.pid})" in found.summary
        process.kill()
        process.wait()
        with write_lock(path, who="me", timeout=0):
            pass


def test_waiting_for_a_holder_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    process = start(HOLD, path, "0.5")
    assert word(process) == "held"
    told: list[Holder] = []
    with write_lock(path, who="me", timeout=60, waiting=told.append):
        pass
    assert [holder.pid for holder in told] == [process.pid]
    rest(process)
