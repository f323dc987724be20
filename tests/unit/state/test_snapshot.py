"""Snapshots: what a difference says is what carrying it out does, whatever is renamed, swapped or passed around."""

from __future__ import annotations

import random

import orjson
from hypothesis import given
from hypothesis import strategies as st

from offerkit.address import Address, Kind, Stage, parse_address
from offerkit.fingerprint import fingerprint
from offerkit.state.changes import Action, Bodies, Body, Delta, Entry, LayeredBodies
from offerkit.state.snapshot import Snapshot

ADDRESSES = [Address(env, Kind.OFFER, name) for env in ("a", "b") for name in "pqrst"]
entries = st.dictionaries(
    st.sampled_from(ADDRESSES),
    st.builds(Entry, st.sampled_from("1234"), st.sampled_from([(), ("web",), ("app", "web")])),
)


@st.composite
def renames(draw: st.DrawFn) -> dict[str, str]:
    """Renames inside each environment, one to one: chains and rings among them."""
    found: dict[str, str] = {}
    for environment in ("a", "b"):
        names = [address for address in ADDRESSES if address.environment == environment]
        old = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
        new = draw(st.permutations(names))
        found |= {before: after for before, after in zip(old, new, strict=False) if before != after}
    return found


def made(*rows: tuple[str, str]) -> Snapshot:
    """A state of filters, each with a label."""
    bodies, found = {}, {}
    for address, label in rows:
        text = orjson.dumps({"label": label, "when": "1 = 1"}).decode()
        print_ = fingerprint("filter", text.encode())
        bodies[print_] = Body("filter", text)
        found[parse_address(address)] = Entry(print_)
    return Snapshot(found, bodies)


@given(entries, entries, renames())
def test_a_difference_carried_out_gives_what_was_desired(
    was: dict[str, Entry], will: dict[str, Entry], moves: dict[str, str]
) -> None:
    before, after = Snapshot(was), Snapshot(will)
    changes = before.diff(after, Stage.LIVE, moves)
    assert before.apply(changes).entries == will
    assert not Snapshot(will).diff(before.apply(changes), Stage.LIVE)


@given(entries, entries, renames(), st.randoms(use_true_random=False))
def test_the_order_of_changes_means_nothing(
    was: dict[str, Entry], will: dict[str, Entry], moves: dict[str, str], order: random.Random
) -> None:
    changes = Snapshot(was).diff(Snapshot(will), Stage.LIVE, moves)
    shuffled = list(changes)
    order.shuffle(shuffled)
    assert Snapshot(was).apply(shuffled).entries == Snapshot(was).apply(changes).entries


@given(entries, entries, renames())
def test_a_difference_says_each_change_once_in_its_own_stage(
    was: dict[str, Entry], will: dict[str, Entry], moves: dict[str, str]
) -> None:
    changes = Snapshot(was).diff(Snapshot(will), Stage.DESIGN, moves)
    assert len({change.address for change in changes}) == len(changes)
    for change in changes:
        assert change.stage == f"{parse_address(change.address).environment}@design"
        assert change.before == was.get(change.moved_from or change.address)
        assert change.after == will.get(change.address)


@given(entries, entries)
def test_what_is_not_said_stays(was: dict[str, Entry], will: dict[str, Entry]) -> None:
    changes = Snapshot(was).diff(Snapshot(will), Stage.LIVE)
    for left_out in changes:
        made = Snapshot(was).apply(change for change in changes if change is not left_out)
        assert made.entries.get(left_out.address) == was.get(left_out.address)


def test_names_are_swapped_and_passed_around_a_ring() -> None:
    one, two, three = (Address("a", Kind.OFFER, name) for name in ("one", "two", "three"))
    before = Snapshot({one: Entry("1", ()), two: Entry("2", ()), three: Entry("3", ())})
    after = Snapshot({two: Entry("1", ()), three: Entry("2", ()), one: Entry("3", ())})
    changes = before.diff(after, Stage.LIVE, {one: two, two: three, three: one})
    assert [(change.action, change.moved_from, change.address) for change in changes] == [
        (Action.MOVE, three, one),
        (Action.MOVE, two, three),
        (Action.MOVE, one, two),
    ]
    assert before.apply(changes).entries == after.entries


def test_a_rename_leaves_nothing_behind() -> None:
    old, new = Address("a", Kind.OFFER, "old"), Address("a", Kind.OFFER, "new")
    move = Delta(new, "a@live", Action.MOVE, Entry("1", ()), Entry("2", ()), old)
    assert Snapshot({old: Entry("1", ())}).apply([move]).entries == {new: Entry("2", ())}


def test_environments_are_told_apart() -> None:
    here, there = Address("a", Kind.OFFER, "x"), Address("b", Kind.OFFER, "x")
    changes = Snapshot({here: Entry("1")}).diff(Snapshot({there: Entry("1")}), Stage.DESIGN)
    assert [(c.address, c.stage, c.action) for c in changes] == [
        (here, "a@design", Action.DELETE),
        (there, "b@design", Action.CREATE),
    ]


def test_a_state_is_not_changed_by_what_becomes_of_it() -> None:
    before = made(("a/filter.x", "X"))
    after = before.apply([Delta("a/filter.x", "a@design", Action.DELETE, before.entries["a/filter.x"], None)])
    assert after("a/filter.x") is None
    assert before("a/filter.x") == {"label": "X", "when": "1 = 1"}
    assert before.of_kind(Kind.FILTER) == ["a/filter.x"]
    assert after.of_kind(Kind.FILTER) == []


def test_bodies_that_changes_bring_count_first() -> None:
    """The plan's bodies are found, and those of the state stay there."""
    before, coming = made(("a/filter.x", "X"), ("a/filter.y", "Y")), made(("a/filter.x", "new"))
    entry = coming.entries["a/filter.x"]
    change = Delta("a/filter.x", "a@design", Action.UPDATE, before.entries["a/filter.x"], entry)
    after = before.apply([change], coming.bodies)
    assert (after("a/filter.x") or {})["label"] == "new"
    assert (after("a/filter.y") or {})["label"] == "Y"
    assert (before("a/filter.x") or {})["label"] == "X"


def test_what_was_parsed_is_shared_and_what_depends_on_entries_is_not() -> None:
    before = made(("a/filter.x", "X"))
    body = before("a/filter.x")
    before.memo["told", "a"] = 1
    before.derived["told"] = 2
    after = before.with_entries(before.entries)
    assert after("a/filter.x") is body
    assert after.derived["told"] == 2
    assert not after.memo


class Counted(Bodies):
    """Bodies that say how often they were asked."""

    def __init__(self, bodies: dict[str, Body]) -> None:
        self.bodies, self.fetched = bodies, [set[str]()]

    def fetch(self, fingerprints: object) -> None:
        self.fetched.append(set(fingerprints))  # type: ignore[call-overload]

    def __getitem__(self, key: str) -> Body:
        return self.bodies[key]

    def __iter__(self) -> object:  # type: ignore[override]
        return iter(self.bodies)

    def __len__(self) -> int:
        return len(self.bodies)


def test_only_what_is_missing_is_fetched() -> None:
    stored = Counted({"1": Body("filter", "{}"), "2": Body("filter", "[]")})
    layered = LayeredBodies({"2": Body("filter", "new")}, stored)
    layered.fetch(["1", "2"])
    assert stored.fetched[-1] == {"1"}
    assert layered["2"].text == "new"
    assert list(Snapshot({}, layered).bodies_of(["2", "1"])) == ["1", "2"]
