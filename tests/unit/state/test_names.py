"""What resources were called before, told from the renames of design."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import pytest

from offerkit.address import Address, parse_address
from offerkit.state.changes import Entry, FormerAddress
from offerkit.state.names import FirstNames, NameHistory


def at(name: str) -> Address:
    return parse_address(f"s/category.{name}")


def names(*renames: tuple[int, str, str]) -> NameHistory:
    return NameHistory((serial, at(old), at(new)) for serial, old, new in renames)


def spans(known: NameHistory, name: str) -> list[tuple[str, int, float]]:
    return [(span.name.name, span.since, span.until) for span in known.spans(at(name))]


def before(known: NameHistory, name: str) -> list[list[str]]:
    return [[span.name.name for span in spans] for spans in known.predecessors(at(name))]


def test_a_name_that_was_never_another() -> None:
    known = names((3, "a", "b"))
    assert not known.touches(at("c"))
    assert spans(known, "c") == [("c", 0, inf)]
    assert known.origin(at("c")) == "c"


def test_a_chain_of_names() -> None:
    known = names((3, "a", "b"), (5, "b", "c"))
    assert spans(known, "c") == [("c", 5, inf), ("b", 3, 5), ("a", 0, 3)]
    assert before(known, "c") == []
    assert known.origin(at("c")) == "a"
    assert known.origin(at("b"), 4) == "a"


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_name_that_was_given_up_is_declared_again(name: str) -> None:
    known = names((3, "a", "b"), (5, "b", "c"))
    assert before(known, name) == [["c", "b", "a"]]
    assert known.origin(at(name)) == f"{name}@{3 if name == 'a' else 5}"


def test_names_that_are_swapped_are_two_resources() -> None:
    known = names((3, "a", "b"), (3, "b", "a"))
    assert spans(known, "a") == [("a", 3, inf), ("b", 0, 3)]
    assert before(known, "a") == []
    assert (known.origin(at("a")), known.origin(at("b"))) == ("b", "a")


def test_a_name_that_is_given_up_twice() -> None:
    known = names((3, "a", "b"), (6, "a", "c"))
    assert before(known, "a") == [["c", "a"], ["b", "a"]]
    assert before(known, "c") == [["b", "a"]]
    assert (known.origin(at("c")), known.origin(at("a"))) == ("a@3", "a@6")


def test_a_resource_that_was_gone_when_another_got_its_name() -> None:
    known = names((3, "a", "b"), (7, "z", "b"), (9, "b", "y"))
    assert before(known, "a") == [["b", "a"]]
    assert spans(known, "y") == [("y", 9, inf), ("b", 7, 9), ("z", 0, 7)]


def test_back_to_the_first_name() -> None:
    known = names((3, "a", "b"), (5, "b", "a"))
    assert spans(known, "a") == [("a", 5, inf), ("b", 3, 5), ("a", 0, 3)]
    assert known.origin(at("a")) == "a"
    assert before(known, "b") == [["a", "b", "a"]]


def test_a_family_is_all_names() -> None:
    known = names((3, "a", "b"), (5, "b", "c"))
    assert known.family([at("a"), at("x")]) == {at("a"), at("b"), at("c"), at("x")}


class Change(NamedTuple):
    address: Address
    after: Entry | None
    moved_from: FormerAddress = ""


def test_what_a_state_becomes() -> None:
    first = FirstNames().after([Change(at("trips"), Entry("1"), at("travel")), Change(at("travel"), Entry("2"))])
    assert (first.of(at("trips")), first.of(at("travel"))) == ("travel", "travel@new")
    assert first.after([Change(at("journeys"), Entry("1"), at("trips"))]).of(at("journeys")) == "travel"


def test_what_comes_to_live_is_what_design_has() -> None:
    live = FirstNames({}, FirstNames({at("travel"): "travel@7"}))
    assert live.after([Change(at("travel"), Entry("2"))]).of(at("travel")) == "travel@7"
    assert live.after([Change(at("other"), Entry("2"))]).of(at("other")) == "other"
