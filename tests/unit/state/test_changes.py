"""The difference of two maps, with renames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.address import Address, Kind, Stage, StageRef, parse_address
from offerkit.state.changes import Action, Entry, delta, final_names, rename_chains, with_changes

A, B, C = (Address("s", Kind.OFFER, name) for name in "abc")
DESIGN = StageRef("s", Stage.DESIGN)
ONE, TWO, THREE = Entry("1"), Entry("2"), Entry("3")


def told(current: dict[str, Entry], desired: dict[str, Entry], moves: dict[str, str] | None = None) -> list[str]:
    return [
        " ".join(
            filter(
                None,
                [
                    d.action,
                    d.address,
                    d.moved_from and f"from {d.moved_from}",
                    f"{d.before.fingerprint if d.before else '-'}→{d.after.fingerprint if d.after else '-'}",
                ],
            )
        )
        for d in delta(DESIGN, current, desired, moves)
    ]


def test_what_comes_goes_and_changes() -> None:
    assert told({A: ONE, B: ONE}, {B: TWO, C: ONE}) == [
        f"delete {A} 1→-",
        f"update {B} 1→2",
        f"create {C} -→1",
    ]
    assert told({A: ONE}, {A: ONE}) == []
    assert told({}, {}) == []


def test_sorted_by_environment_kind_and_name() -> None:
    desired = dict.fromkeys(
        map(parse_address, ["t/offer.a", "s/offer.b", "s/category.z", "s/offer.a", "environment.s"]), ONE
    )
    found = [d.address for d in delta(DESIGN, {}, desired)]
    assert found == ["environment.s", "s/category.z", "s/offer.a", "s/offer.b", "t/offer.a"]


def test_an_offer_that_loses_its_last_space_is_deactivated() -> None:
    live, off = Entry("1", ("web",)), Entry("1", ())
    assert told({A: live}, {A: off}) == [f"deactivate {A} 1→1"]
    assert told({A: off}, {A: live}) == [f"update {A} 1→1"]
    assert told({A: Entry("1", ("mail", "web"))}, {A: live}) == [f"update {A} 1→1"]


def test_a_rename_is_one_step() -> None:
    assert told({A: ONE}, {B: ONE}, {A: B}) == [f"move {B} from {A} 1→1"]
    assert told({A: ONE}, {B: TWO}, {A: B}) == [f"move {B} from {A} 1→2"]


def test_a_chain_of_renames_leads_to_its_end() -> None:
    moves = {A: B, B: C}
    assert told({A: ONE}, {C: ONE}, moves) == [f"move {C} from {A} 1→1"]
    assert told({B: ONE}, {C: ONE}, moves) == [f"move {C} from {B} 1→1"]


def test_of_two_links_of_a_chain_the_nearer_is_renamed_whatever_the_order() -> None:
    for moves in ({A: B, B: C}, {B: C, A: B}):
        assert told({A: ONE, B: TWO}, {C: TWO}, moves) == [f"delete {A} 1→-", f"move {C} from {B} 2→2"]


def test_a_rename_that_happened_is_no_step() -> None:
    assert told({B: ONE}, {B: ONE}, {A: B}) == []
    assert told({B: ONE}, {B: TWO}, {A: B}) == [f"update {B} 1→2"]


def test_a_rename_of_what_is_not_there_or_onto_what_is_there() -> None:
    assert told({}, {B: ONE}, {A: B}) == [f"create {B} -→1"]
    assert told({A: ONE, B: TWO}, {B: TWO}, {A: B}) == [f"delete {A} 1→-"]


def test_a_rename_whose_new_name_is_not_desired_is_a_deletion() -> None:
    assert told({A: ONE}, {}, {A: B}) == [f"delete {A} 1→-"]


SWAP = {A: B, B: A}
RING = {A: B, B: C, C: A}


def test_names_that_are_swapped_are_two_renames() -> None:
    assert told({A: ONE, B: TWO}, {A: TWO, B: ONE}, SWAP) == [f"move {A} from {B} 2→2", f"move {B} from {A} 1→1"]
    assert told({A: ONE, B: TWO}, {A: TWO, B: ONE}) == [f"update {A} 1→2", f"update {B} 2→1"]


def test_a_ring_of_names_is_passed_on() -> None:
    assert told({A: ONE, B: TWO, C: THREE}, {A: THREE, B: ONE, C: TWO}, RING) == [
        f"move {A} from {C} 3→3",
        f"move {B} from {A} 1→1",
        f"move {C} from {B} 2→2",
    ]


def test_a_chain_of_names_is_passed_on_whose_end_is_free() -> None:
    moves = {A: B, B: C}
    assert told({A: ONE, B: TWO}, {B: ONE, C: TWO}, moves) == [f"move {B} from {A} 1→1", f"move {C} from {B} 2→2"]
    assert told({B: ONE, C: TWO}, {B: ONE, C: TWO}, moves) == []
    assert told({B: ONE, C: TWO}, {B: ONE, C: THREE}, moves) == [f"update {C} 2→3"]


FOUR = Entry("4")


@pytest.mark.parametrize(
    ("desired", "happened", "moved"),
    [
        ({A: ONE, B: TWO}, False, False),  # nothing differs: it has happened
        ({A: TWO, B: FOUR}, True, True),  # one was edited as well; what stands there tells
        ({A: ONE, B: FOUR}, False, False),  # one is what it was: the other was edited
        ({A: THREE, B: FOUR}, False, True),  # both were edited: the history tells
        ({A: THREE, B: FOUR}, True, False),
    ],
)
def test_whether_a_swap_is_still_to_come(desired: dict[str, Entry], happened: bool, moved: bool) -> None:
    found = delta(DESIGN, {A: ONE, B: TWO}, desired, SWAP, lambda old, new: happened)
    assert (Action.MOVE in {d.action for d in found}) is moved


def test_a_swap_of_what_is_alike() -> None:
    assert told({A: ONE, B: ONE}, {A: ONE, B: ONE}, SWAP) == []
    assert [d.action for d in delta(DESIGN, {A: ONE, B: ONE}, {A: ONE, B: TWO}, SWAP, lambda *_: True)] == ["update"]


def test_chains_of_names() -> None:
    assert rename_chains({A: B, B: A}) == [[A, B, A]]
    assert rename_chains({B: C, A: B}) == [[A, B, C]]
    assert rename_chains({C: A, A: B, B: C}) == [[A, B, C, A]]
    assert rename_chains({}) == []


def test_circular_renames_end() -> None:
    assert told({A: ONE}, {C: ONE}, {A: B, B: A}) == [f"delete {A} 1→-", f"create {C} -→1"]


entries = st.dictionaries(st.sampled_from([A, B, C, "s/offer.d", "s/category.x"]), st.sampled_from([ONE, TWO, THREE]))
renames = st.dictionaries(st.sampled_from([A, B, C]), st.sampled_from([A, B, C, "s/offer.d"]))


@given(entries, entries, renames)
def test_carrying_out_a_difference_leads_to_what_was_desired(
    current: dict[str, Entry], desired: dict[str, Entry], moves: dict[str, str]
) -> None:
    found = delta(DESIGN, current, desired, moves)
    state = dict(current)
    for item in found:
        if item.before is not None:
            assert state.pop(item.moved_from or item.address) == item.before
    for item in found:
        if item.after is not None:
            assert item.address not in state
            state[item.address] = item.after
    assert state == desired == with_changes(current, found)
    assert delta(DESIGN, desired, desired, moves) == []


@given(entries, entries, renames)
def test_the_order_of_maps_does_not_matter(
    current: dict[str, Entry], desired: dict[str, Entry], moves: dict[str, str]
) -> None:
    turned = [dict(reversed(list(part.items()))) for part in (current, desired, moves)]
    assert delta("x", *turned) == delta("x", current, desired, moves)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moves", "final"),
    [
        ({}, {}),
        ({"a": "b", "b": "c"}, {"a": "c", "b": "c"}),
        ({"b": "c", "a": "b"}, {"a": "c", "b": "c"}),
        ({"a": "b", "b": "a"}, {"a": "a", "b": "b"}),
        ({"x": "a", "a": "b", "b": "a"}, {"x": "a", "a": "a", "b": "b"}),
        ({"a": "b", "b": "a", "x": "y", "y": "b"}, {"a": "a", "b": "b", "x": "b", "y": "b"}),
    ],
)
def test_chains_of_renames(moves: dict[str, str], final: dict[str, str]) -> None:
    assert final_names(moves) == final
