"""Writers to a store in PostgreSQL that are killed, race, or lose their server, leave it as before or as after."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import psycopg
import pytest
from helpers.forked import Child
from helpers.postgres import Server, new_schema
from running import begin

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import Store, parse_location
from offerkit.store.location import PostgresAddress
from offerkit.store.postgres_lease import advisory_key

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[1] / "unit/store"

REVISE = """
import sys, itertools
sys.path.insert(0, sys.argv[2])
from dataclasses import replace
from store_samples import change, draft, entry
from offerkit.diagnostics import Refused
from offerkit.store import Store, parse_location
with Store.open(parse_location(sys.argv[1]), write=True, busy_timeout=60) as store:
    for number in itertools.count() if len(sys.argv) < 5 else range(int(sys.argv[4])):
        with store.lock(who=sys.argv[3], timeout=60), store.transaction():
            serial = store.last_serial()
            names = [f"{sys.argv[3]}-{serial}-{part}" for part in range(20)]
            row = store.append(draft(*(change(name, None, entry("one")) for name in names)))
        print(row.serial, flush=True)
"""

PROPOSE = """
import sys, itertools
sys.path.insert(0, sys.argv[2])
from proposition_samples import made
from offerkit.store import Store, parse_location
with Store.open(parse_location(sys.argv[1]), write=True, busy_timeout=60) as store:
    for call in itertools.count() if len(sys.argv) < 5 else range(int(sys.argv[4])):
        ids = [f"{sys.argv[3]}.{call}.{rank}" for rank in (1, 2, 3)]
        with store.recording():
            store.add_propositions([made(1, id=id_, interaction=f"{sys.argv[3]}.{call}") for id_ in ids])
            store.remember("recipients", f"c-{call % 5}", "42", "2026-11-01T12:00:00.000000Z")
        print(ids[0], flush=True)
"""


def start(code: str, *args: str) -> Child:
    return begin(code, args[0], str(SAMPLES), *args[1:])


def check(url: str, told: list[str]) -> None:
    """The store is sound, whole calls only, and everything that was told to be kept is there."""
    with Store.open(parse_location(url)) as store:
        assert store.verify() == []
        assert all(row.serial for row in store.revisions())
        calls: dict[str, int] = {}
        rows = store.propositions(limit=0)
        for row in rows:
            calls[row.interaction] = calls.get(row.interaction, 0) + 1
        assert set(calls.values()) <= {3}
        kept = {row.id for row in rows}
        last = store.last_serial()
        assert all(int(text) <= last if text.isdigit() else text in kept for text in told)
        assert sum(len(store.changes(serial)) for serial in range(1, last + 1)) == 20 * last


def test_killed_at_any_moment() -> None:
    url = new_schema()
    Store.open(parse_location(url), create=True).close()
    told: list[str] = []
    chance = random.Random(16)
    for number in range(12):
        writers = [start(code, url, f"w{number}{kind}") for kind, code in (("r", REVISE), ("p", PROPOSE))]
        time.sleep(0.2 + chance.random() * 0.6)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            told += [line for line in writer.communicate()[0].split("\n")[:-1] if line]
    check(url, told)
    assert sum(text.isdigit() for text in told) > 12
    assert sum(not text.isdigit() for text in told) > 12


def test_many_at_once_lose_nothing() -> None:
    url = new_schema()
    Store.open(parse_location(url), create=True).close()
    writers = [start(code, url, f"{kind}{n}", "60") for kind, code in (("r", REVISE), ("p", PROPOSE)) for n in range(3)]
    told = []
    for writer in writers:
        out, error = writer.communicate(timeout=120)
        assert error == ""
        told += out.split()
    assert len(told) == 6 * 60
    assert sorted(int(text) for text in told if text.isdigit()) == list(range(1, 181))
    check(url, told)


def test_a_paused_holder_that_was_cut_off_wakes_up_and_commits_nothing() -> None:
    """The holder stands still in its transaction, the server ends it, another goes on; then it wakes up."""
    url = new_schema()
    Store.open(parse_location(url), create=True).close()
    holder = start(REVISE, url, "slow")
    assert holder.stdout.readline()
    time.sleep(0.2)
    holder.send_signal(signal.SIGSTOP)
    location = parse_location(url)
    assert isinstance(location, PostgresAddress)
    key = advisory_key("lock", location.schema)
    with psycopg.connect(location.conninfo, autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32 | objid::bigint) = %s",
            [key],
        )
    time.sleep(0.2)
    quick = start(REVISE, url, "quick", "5")
    out, error = quick.communicate(timeout=60)
    assert (len(out.split()), error) == (5, "")
    holder.send_signal(signal.SIGCONT)
    rest, error = holder.communicate(timeout=60)
    assert "the connection to the store" in error
    assert "lost" in error
    with Store.open(location) as store:
        assert [row.serial for row in store.revisions(limit=5)] == [int(text) for text in reversed(out.split())]
    check(url, out.split() + rest.split())


def test_the_server_crashes(database: Server) -> None:
    url = database.url()
    Store.open(parse_location(url), create=True).close()
    writers = [start(REVISE, url, "r"), start(PROPOSE, url, "p"), start(PROPOSE, url, "q")]
    time.sleep(2)
    database.stop(signal.SIGQUIT)
    told = []
    for writer in writers:
        out, error = writer.communicate(timeout=60)
        assert "the connection to the store" in error, error[-500:]
        assert "lost" in error, error[-500:]
        told += out.split()
    with pytest.raises(Refused) as refused:
        Store.open(parse_location(url))
    assert refused.value.diagnostics[0].code is Code.STORE_CONNECTION
    database.start()
    check(url, told)
    assert len(told) > 20
    with Store.open(parse_location(url), write=True) as store:
        assert store.set_status(
            store.propositions(limit=1)[0].id, Status.ACCEPTED, "2026-11-02T00:00:00.000000Z"
        ).changed


COPY = """
import sys
from offerkit.store import parse_location
from offerkit.usecases.store_maintenance import copy
copy(parse_location(sys.argv[1]), parse_location(sys.argv[3]))
print("done", flush=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_that_is_killed_leaves_nothing(kind: str, tmp_path: Path) -> None:
    sys.path.insert(0, str(SAMPLES))
    from proposition_samples import made
    from store_samples import sample

    source = tmp_path / "source.db"
    with sample(source) as store:
        store.add_propositions([made(1, id=f"p-{n}") for n in range(30_000)])
    killed = 0
    for pause in (0.05, 0.2, 0.4, 0.6, 0.8, 1.1):
        target = str(tmp_path / f"t{pause}.db") if kind == "sqlite" else new_schema()
        copying = start(COPY, str(source), target)
        time.sleep(pause)
        copying.kill()
        if "done" in copying.communicate()[0]:
            continue
        killed += 1
        again = start(COPY, str(source), target)
        _, error = again.communicate(timeout=120)
        assert again.returncode == 0, error[-400:]
    assert killed >= 2
