"""Diagnostics: their order, their codes, and what is suggested for a near miss."""

from __future__ import annotations

import re

import pytest

from offerkit.diagnostics import (
    CODES,
    Code,
    Diagnostic,
    Position,
    Refused,
    nearest,
    or_list,
    ordered,
    refuse,
    suggestion,
)


def test_every_code_has_a_meaning_and_a_number_of_its_own() -> None:
    assert set(CODES) == set(Code)
    assert all(re.fullmatch(r"OFR[1-9]\d\d", code) for code in Code)
    assert all(text.endswith(".") for text in CODES.values())


def test_findings_are_sorted_by_place_and_told_once() -> None:
    def found(file: str, line: int, column: int, text: str = "x") -> Diagnostic:
        return Diagnostic(Code.BAD_VALUE, text, position=Position(file, line, column))

    placeless = Diagnostic(Code.NO_MATCH, "nowhere")
    given = [
        found("b", 1, 1),
        found("a", 10, 1),
        found("a", 2, 9),
        found("a", 2, 1, "z"),
        found("a", 2, 1, "y"),
        placeless,
        found("b", 1, 1),
    ]
    told = [(d.position and str(d.position), d.summary) for d in ordered(given)]
    assert told == [(None, "nowhere"), ("a:2:1", "y"), ("a:2:1", "z"), ("a:2:9", "x"), ("a:10:1", "x"), ("b:1:1", "x")]
    assert ordered(reversed(given)) == ordered(given)


def test_a_refusal_carries_all_its_findings() -> None:
    refused = Refused([Diagnostic(Code.NO_MATCH, "two"), Diagnostic(Code.BAD_VALUE, "one")])
    assert [d.summary for d in refused.diagnostics] == ["one", "two"]
    assert str(refused) == "one; two"
    single = refuse(Code.GIT, "what", detail="why", hint="how", address="shop/offer.a").diagnostics[0]
    assert single == Diagnostic(Code.GIT, "what", "why", "how", "shop/offer.a")


def test_placing_a_finding_keeps_what_it_had() -> None:
    place = Position("a", 1, 1)
    assert Diagnostic(Code.GIT, "x").at(place, "shop/offer.a").address == "shop/offer.a"
    assert Diagnostic(Code.GIT, "x", address="shop/offer.b", position=place).at(None).position == place


@pytest.mark.parametrize(
    ("name", "known", "close"),
    [
        ("safary", ["safari", "saver", "gold-card"], ["safari"]),
        ("SAFARI", ["safari"], ["safari"]),
        ("x", ["safari"], []),
        ("offer.a", ["offer.b", "offer.c", "offer.d", "offer.e"], ["offer.e", "offer.d", "offer.c"]),
        ("y" * 201, ["y" * 200], []),
        ("", ["a"], []),
    ],
)
def test_the_nearest_names(name: str, known: list[str], close: list[str]) -> None:
    assert nearest(name, known) == nearest(name, reversed(known)) == close


def test_suggestions() -> None:
    assert suggestion("safary", ["safari", "saver"]) == "Did you mean safari?"
    assert suggestion("x", ["safari"], "Say it.") == "Say it."
    assert suggestion("x", ["b", "a"]) == "Known: a, b."
    assert suggestion("x", []) == ""
    assert suggestion("x", [f"name{n}" for n in range(13)]) == ""


@pytest.mark.parametrize(
    ("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_or_list(names: list[str], text: str) -> None:
    assert or_list(names) == text
