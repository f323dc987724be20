"""What was written is read back, now and as it was at every revision."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import DESIGN, LIVE, append, bodies, change, draft, entry, offer, time

from offerkit.diagnostics import Code, Refused
from offerkit.fingerprint import manifest_digest
from offerkit.state.changes import Entry
from offerkit.store import ChangeRow, Draft, Store
from offerkit.store.revisions import revision_digest


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.heads() == {}
    assert store.entries(DESIGN) == {}
    assert store.last_serial() == 0
    assert store.revisions() == []
    assert store.revision(1) is None
    assert store.entries_at(DESIGN, 0) == {}
    assert store.verify() == []
    assert len(store.project) == 32


def test_the_project_stays(store: Store) -> None:
    with Store.open(store.location) as again:
        assert again.project == store.project


def test_entries_are_read_back(history: Store) -> None:
    assert history.entries(DESIGN) == {offer("c"): entry("three")}
    assert history.entries(LIVE) == {offer("a"): entry("three", ("email", "web")), offer("b"): entry("two", ())}
    assert history.entry(LIVE, offer("b")) == entry("two", ())
    assert history.entry(LIVE, offer("z")) is None


def test_heads_carry_the_manifest_digest(history: Store) -> None:
    heads = history.heads()
    assert {stage: head.revision for stage, head in heads.items()} == {DESIGN: 5, LIVE: 5}
    for stage, head in heads.items():
        rows = [(a, e.fingerprint, e.activation_text) for a, e in history.entries(stage).items()]
        assert head.digest == manifest_digest(rows)


def test_every_earlier_state_is_rebuilt(history: Store) -> None:
    assert history.entries_at(DESIGN, 0) == {}
    assert history.entries_at(DESIGN, 1) == {offer("a"): entry("one"), offer("b"): entry("two")}
    assert history.entries_at(DESIGN, 4) == {offer("a"): entry("three"), offer("b"): entry("two")}
    assert history.entries_at(DESIGN, 5) == history.entries(DESIGN)
    assert history.entries_at(LIVE, 3) == {}
    assert history.entries_at(LIVE, 4)[offer("b")] == entry("two", ("web",))


@pytest.mark.parametrize("serial", [-1, 6, 10**30])
def test_a_revision_that_is_not_there(history: Store, serial: int) -> None:
    with pytest.raises(Refused) as refused:
        history.entries_at(DESIGN, serial)
    assert refused.value.diagnostics[0].code is Code.BAD_POINT
    assert history.revision(serial) is None
    assert history.changes(serial) == []


def test_revisions_newest_first_and_narrowed(history: Store) -> None:
    def serials(**wanted: str | int) -> list[int]:
        return [row.serial for row in history.revisions(**wanted)]  # type: ignore[arg-type]

    assert serials() == [5, 4, 3, 2, 1]
    assert serials(limit=2) == [5, 4]
    assert serials(action="approve") == [3]
    assert serials(stage=LIVE) == [5, 4]
    assert serials(address=offer("a")) == [5, 4, 3, 2, 1]
    assert serials(address=offer("c")) == [5]
    assert serials(stage=DESIGN, address=offer("b")) == [5, 1]
    assert serials(stage=LIVE, address=offer("a"), action="apply", limit=1) == [4]
    assert serials(stage="nowhere@live") == []


def test_a_revision_is_read_back(history: Store) -> None:
    row = history.revision(2)
    assert row is not None
    assert (row.action, row.actor, row.time, row.message) == ("apply", "anna", time(2), "because")
    assert (row.plan_digest, row.details) == ("p" * 64, {"n": 2})
    first = history.revision(1)
    assert first is not None
    assert row.parent_digest == first.digest


def test_changes(history: Store) -> None:
    assert history.changes(2) == [
        ChangeRow(2, DESIGN, offer("a"), "update", entry("one"), entry("three"), "", "declared")
    ]
    since = history.changes_since(DESIGN, 1)
    assert [(row.serial, row.address) for row in since] == [(2, offer("a")), (5, offer("b")), (5, offer("c"))]
    assert since[2].moved_from == offer("a")


def test_the_last_change_of_an_address_may_be_the_move_away_from_it(history: Store) -> None:
    last = history.last_change(DESIGN, [offer("a"), offer("b"), offer("c"), offer("never")])
    assert {address: (row.serial, row.action) for address, row in last.items()} == {
        offer("a"): (5, "move"),
        offer("b"): (5, "delete"),
        offer("c"): (5, "move"),
    }


def test_approvals_oldest_first(history: Store) -> None:
    found = history.approvals()
    assert [(a.key.address, a.key.space, a.revision, a.time) for a in found] == [
        (offer("a"), "web", 3, time(3)),
        (offer("a"), "", 3, time(3)),
        (offer("b"), "web", 3, time(3)),
    ]
    assert history.approvals([offer("b")]) == [found[2]]
    assert history.approvals([]) == []


def test_serials_at(history: Store) -> None:
    assert history.serials_at("2025-12-31T23:59:59.999999Z") == [0]
    assert history.serials_at(time(3)) == [3]
    assert history.serials_at("2026-01-03T11:59:59.999999Z") == [2]
    assert history.serials_at("2027-01-01T00:00:00.000000Z") == [5]


def test_json_bodies(history: Store) -> None:
    wanted = bodies("one", "two")
    assert history.bodies(wanted) == wanted
    assert history.known([*wanted, "0" * 64]) == set(wanted)
    with pytest.raises(Refused) as refused:
        history.bodies(["0" * 64])
    assert refused.value.diagnostics[0].code is Code.STORE_DAMAGED


def test_bodies_that_no_change_introduces_are_not_kept(history: Store) -> None:
    assert history.known(bodies("four")) == set()


def test_one_kind_of_entries(store: Store) -> None:
    names = {
        DESIGN: ["environment.recipients", *(f"recipients/{kind}" for kind in ("offer.a", "offer.b", "rule.c"))],
        "shared@design": ["dimension.recipient", "operator.anna"],
    }
    rows = [ChangeRow(0, stage, address, "create", None, entry("one")) for stage in names for address in names[stage]]
    append(store, Draft("apply", "anna", time(1), changes=tuple(rows), bodies=bodies("one")))
    assert list(store.entries(DESIGN, "offer")) == ["recipients/offer.a", "recipients/offer.b"]
    assert list(store.entries(DESIGN, "environment")) == ["environment.recipients"]
    assert list(store.entries("shared@design", "operator")) == ["operator.anna"]
    assert list(store.entries(DESIGN, "space")) == []
    assert list(store.entries(DESIGN)) == sorted(names[DESIGN])


def test_two_offers_swap_their_names(store: Store) -> None:
    append(store, draft(change("a", None, entry("one")), change("b", None, entry("two"))))
    swap = (
        change("b", entry("one"), entry("one"), moved_from="a"),
        change("a", entry("two"), entry("two"), moved_from="b"),
    )
    append(store, draft(*swap, day=2))
    assert store.entries(DESIGN) == {offer("a"): entry("two"), offer("b"): entry("one")}
    assert store.entries_at(DESIGN, 1) == {offer("a"): entry("one"), offer("b"): entry("two")}
    assert store.verify() == []


def test_recorded_revisions_carry_all_that_their_digests_cover(history: Store) -> None:
    rows = list(history.recorded())
    assert [row.revision.serial for row in rows] == [1, 2, 3, 4, 5]
    for row in rows:
        assert revision_digest(row.revision, row.changes, row.approvals, row.outcomes) == row.revision.digest


def test_a_reader_sees_one_state(history: Store) -> None:
    with Store.open(history.location) as reader:
        with reader.reading():
            assert reader.last_serial() == 5
            append(history, draft(change("d", None, entry("four")), day=6))
            assert reader.last_serial() == 5
            assert offer("d") not in reader.entries(DESIGN)
        assert reader.last_serial() == 6


def test_importing_the_store_is_cheap() -> None:
    heavy = {"pydantic", "networkx", "filelock", "ruamel", "click"}
    code = f"import sys, offerkit.store; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


States = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(st.sampled_from(["one", "two", "three"]), st.sampled_from([None, (), ("web",), ("email", "web")])),
)


@given(states=st.lists(States, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_history_is_kept(states: list[dict[str, tuple[str, tuple[str, ...] | None]]], tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    seen: list[dict[str, Entry]] = [{}]
    with Store.open(path, create=True) as store:
        for state in states:
            old, new = seen[-1], {offer(name): entry(*what) for name, what in state.items()}
            rows = tuple(
                ChangeRow(0, DESIGN, address, "any", old.get(address), new.get(address))
                for address in sorted({*old, *new})
                if old.get(address) != new.get(address)
            )
            append(store, Draft("apply", "anna", time(1), changes=rows, bodies=bodies("one", "two", "three")))
            seen.append(new)
        assert store.entries(DESIGN) == seen[-1]
        assert [store.entries_at(DESIGN, serial) for serial in range(len(seen))] == seen
        assert store.verify() == []
