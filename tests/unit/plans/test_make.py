"""Targets and excludes: what comes along, and what cannot be done alone."""

from __future__ import annotations

import pytest

from offerkit.address import Address, Stage, StageRef, parse_address
from offerkit.diagnostics import Code, Refused
from offerkit.plans.make import AddressPatterns, select_changes
from offerkit.state import changes
from offerkit.state.changes import Delta, Entry

STAGE = StageRef("s", Stage.DESIGN)
AFTER = {
    "s/offer.a": ["s/category.x/y", "s/filter.f"],
    "s/offer.b": ["s/category.x"],
    "s/category.x/y": ["s/category.x"],
    "s/category.x": [],
    "s/filter.f": [],
}


def typed(refs: dict[str, list[str]]) -> dict[Address, list[Address]]:
    return {parse_address(address): [*map(parse_address, targets)] for address, targets in refs.items()}


def delta(
    stage: StageRef, current: dict[str, Entry], desired: dict[str, Entry], moves: dict[str, str] | None = None
) -> list[Delta]:
    was, will = ({parse_address(a): entry for a, entry in side.items()} for side in (current, desired))
    renamed = {parse_address(old): parse_address(new) for old, new in (moves or {}).items()}
    return changes.delta(stage, was, will, renamed)


NEW = delta(STAGE, {}, dict.fromkeys(AFTER, Entry("1")))


def chosen(
    deltas: list[Delta],
    targets: list[str],
    excludes: list[str] | None = None,
    before: dict[str, list[str]] | None = None,
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    known = typed(before or {})
    result = select_changes(
        deltas, AddressPatterns.of(targets, excludes or []), typed(AFTER), lambda address: known.get(address, [])
    )
    return [d.address for d in result.chosen], result.notes, [(b.address, b.why) for b in result.blocked]


def test_without_patterns_everything_is_chosen() -> None:
    assert chosen(NEW, []) == ([d.address for d in NEW], [], [])


def test_a_target_takes_along_all_it_needs() -> None:
    addresses, notes, blocked = chosen(NEW, ["s/offer.a"])
    assert addresses == ["s/filter.f", "s/category.x", "s/category.x/y", "s/offer.a"]
    assert notes == [
        f"{x} comes along because s/offer.a needs it." for x in ("s/category.x", "s/category.x/y", "s/filter.f")
    ]
    assert blocked == []


def test_what_needs_the_excluded_stays_behind() -> None:
    addresses, _, blocked = chosen(NEW, [], ["s/filter.*"])
    assert addresses == ["s/category.x", "s/category.x/y", "s/offer.b"]
    assert blocked == [("s/offer.a", "it needs s/filter.f, which is excluded")]


def test_an_update_of_what_is_needed_may_be_excluded() -> None:
    deltas = delta(STAGE, {"s/category.x": Entry("0")}, {"s/category.x": Entry("1"), "s/offer.b": Entry("1")})
    assert chosen(deltas, ["s/offer.b"], ["s/category.x"]) == (["s/offer.b"], [], [])
    assert chosen(deltas, ["s/offer.b"])[0] == ["s/category.x", "s/offer.b"]


GOES = delta(
    STAGE,
    {"s/filter.g": Entry("0"), "s/offer.a": Entry("0"), "s/offer.b": Entry("0")},
    {
        "s/filter.f": Entry("1"),
        "s/offer.a": Entry("1"),
        "s/category.x": Entry("1"),
        "s/category.x/y": Entry("1"),
        "s/offer.b": Entry("1"),
    },
)
NAMED = {"s/offer.a": ["s/filter.g"]}


def test_a_removal_takes_along_who_names_it_and_what_they_need() -> None:
    addresses, notes, blocked = chosen(GOES, ["s/filter.g"], before=NAMED)
    assert addresses == ["s/filter.f", "s/filter.g", "s/category.x", "s/category.x/y", "s/offer.a"]
    assert "s/offer.a comes along because it names s/filter.g, which goes." in notes
    assert blocked == []


def test_a_removal_stays_when_who_names_it_is_excluded() -> None:
    addresses, _, blocked = chosen(GOES, ["s/filter.g"], ["s/offer.a"], NAMED)
    assert addresses == []
    assert blocked == [("s/filter.g", "s/offer.a, which is excluded, still names s/filter.g")]


def test_a_removal_stays_when_who_names_it_needs_the_excluded() -> None:
    addresses, _, blocked = chosen(GOES, ["s/filter.g"], ["s/filter.f"], NAMED)
    assert addresses == []
    assert {address for address, _ in blocked} == {"s/offer.a", "s/filter.g"}


def test_a_rename_takes_along_who_names_the_old_name() -> None:
    deltas = delta(
        STAGE,
        {"s/filter.g": Entry("1"), "s/offer.a": Entry("0")},
        {"s/filter.f": Entry("1"), "s/offer.a": Entry("1")},
        {"s/filter.g": "s/filter.f"},
    )
    for target in ("s/filter.f", "s/filter.g", "s/offer.a"):
        assert chosen(deltas, [target], before=NAMED)[0] == ["s/filter.f", "s/offer.a"]
    assert chosen(deltas, ["s/filter.f"], ["s/offer.a"], NAMED)[0] == []


def test_removals_of_a_branch_go_together() -> None:
    deltas = delta(STAGE, {"s/category.x": Entry("1"), "s/category.x/y": Entry("1"), "s/offer.a": Entry("1")}, {})
    before = {"s/category.x/y": ["s/category.x"], "s/offer.a": ["s/category.x/y"]}
    assert chosen(deltas, ["s/category.x"], before=before)[0] == ["s/category.x", "s/category.x/y", "s/offer.a"]
    assert chosen(deltas, ["s/category.x"], ["s/offer.a"], before)[0] == []


def test_patterns_that_match_nothing_are_refused_all_at_once() -> None:
    patterns = AddressPatterns.of(["s/ofer.a", "s/offer.*"], ["t"])
    with pytest.raises(Refused) as caught:
        patterns.check_known(typed(AFTER))
    told = [(d.code, d.summary, d.hint) for d in caught.value.diagnostics]
    assert [code for code, _, _ in told] == [Code.PLAN_EMPTY_TARGET] * 2
    assert told[0][1] == "nothing matches “s/ofer.a”"
    assert "s/offer.a" in told[0][2]


def test_targeted_and_excluded() -> None:
    patterns = AddressPatterns.of(["s/offer.*"], ["s/offer.b"])
    assert patterns.targeted(parse_address("s/offer.b"))
    assert patterns.targeted(parse_address("s/filter.f"), parse_address("s/offer.a"))
    assert patterns.targeted(parse_address("s/offer.a"), "")
    assert not patterns.targeted(parse_address("s/filter.f"))
    assert patterns.excluded(parse_address("s/offer.b"))
    assert not patterns.excluded(parse_address("s/offer.a"), "")
    assert AddressPatterns().targeted(parse_address("s/offer.a"))
