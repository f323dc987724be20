"""A file's sections: the version, what belongs where, names, renames."""

from __future__ import annotations

import json

import pytest

from offerkit.diagnostics import Code, Diagnostic
from offerkit.specs.parse import Parsed, parse_file
from offerkit.specs.project import SpecFile


def parsed(text: str, environment: str = "shop", *, declares: bool = False) -> Parsed:
    return parse_file(SpecFile("x.yaml", environment, declares, text.encode()))


def only(text: str, environment: str = "shop", *, declares: bool = False) -> Diagnostic:
    found = parsed(text, environment, declares=declares).diagnostics
    assert len(found) == 1, [(d.summary, str(d.position)) for d in found]
    return found[0]


@pytest.mark.parametrize(
    ("text", "place", "summary"),
    [
        ("offers: {}\n", "1:1", "has no version"),
        ("offers: {}\nversion: 2\n", "2:10", "version 2 is not supported"),
        ("version: 1.0\n", "1:10", "version 1.0 is not supported"),
        ("version: [1]\n", "1:10", "is not supported"),
        ("version:\n", "1:9", "is not supported"),
        (f"version: {'9' * 100}\n", "1:10", "version 9999"),
    ],
)
def test_the_version(text: str, place: str, summary: str) -> None:
    found = only(text)
    assert (found.code, str(found.position)) == (Code.VERSION, f"x.yaml:{place}")
    assert summary in found.summary
    assert len(found.summary) < 120


def test_a_quoted_version_is_as_good() -> None:
    assert parsed("version: '1'\n").diagnostics == []


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("- a\n", Code.WRONG_TYPE, "1:1", "a map of sections, not a list"),
        ("just text\n", Code.WRONG_TYPE, "1:1", "not a single value"),
        ("version: 1\nofers: {}\n", Code.UNKNOWN_KEY, "2:1", "Did you mean offers, filters or profiles?"),
        ("version: 1\nenvironment: {}\n", Code.UNKNOWN_KEY, "2:1", "no section “environment”"),
        ("version: 1\noffers: [a]\n", Code.WRONG_TYPE, "2:9", "offers is a map by name, not a list"),
        ("version: 1\noffers: a\n", Code.WRONG_TYPE, "2:9", "not a single value"),
        ("version: 1\noperators: {}\n", Code.MISPLACED, "2:1", "shared by all environments"),
        ("version: 1\nmoved: [a]\n", Code.WRONG_TYPE, "2:8", "moved is a map"),
    ],
)
def test_sections(text: str, code: Code, place: str, words: str) -> None:
    found = only(text)
    assert (found.code, str(found.position)) == (code, f"x.yaml:{place}")
    assert words in found.summary + found.hint


def test_what_belongs_to_an_environment_is_not_shared() -> None:
    found = only("version: 1\noffers: {}\n", "shared")
    assert found.code == Code.MISPLACED
    assert "belong to an environment" in found.summary


@pytest.mark.parametrize(
    ("text", "words"),
    [("version: 1\n", "declares no environment"), ("version: 1\noffers: {}\nenvironment: {dimension: d}\n", "offers")],
)
def test_a_file_of_environments_declares_one_and_nothing_else(text: str, words: str) -> None:
    assert words in only(text, declares=True).summary


def test_an_empty_section_is_no_mistake() -> None:
    assert parsed("version: 1\noffers:\ncategories: {}\n").diagnostics == []


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a b",
        " a",
        "-a",
        "_a",
        "ä",
        "a\u202eb",
        "a\u0000b",
        "a.b",
        "a\nb",
        "x" * 65,
        "x" * 900,
        "",
        "а",
        "a\u200b",
        "..",
        "a%b",
    ],
)
def test_names_that_names_may_not_have(name: str) -> None:
    found = only(f"version: 1\noffers:\n  ok: {{category: c}}\n  {json.dumps(name)}: {{category: c}}\n")
    assert (found.code, str(found.position)) == (Code.BAD_NAME, "x.yaml:4:3")
    assert len(found.summary) < 120


def test_a_key_that_is_too_long_for_yaml_is_one_mistake_too() -> None:
    found = only(f"version: 1\noffers:\n  {'x' * 10_000}: {{category: c}}\n")
    assert found.code == Code.YAML_SYNTAX
    assert found.position is not None
    assert found.position.line == 3
    assert len(found.summary) < 200


def test_a_category_s_path_has_up_to_eight_parts() -> None:
    text = "version: 1\ncategories:\n  a/b/c/d/e/f/g/h: {}\n  a/b/c/d/e/f/g/h/i: {}\n  /a: {}\n  a/: {}\n"
    assert [str(d.position) for d in parsed(text).diagnostics] == ["x.yaml:4:3", "x.yaml:5:3", "x.yaml:6:3"]


def test_records_know_their_place_references_and_fingerprint() -> None:
    result = parsed("version: 1\ncategories:\n  a: {label: x}\n  a/b: {}\noffers:\n  o:\n    category: a/b\n")
    told = [(r.address, r.position.line, [(ref.target, ref.path) for ref in r.refs]) for r in result.records]
    assert told == [
        ("shop/category.a", 3, [("environment.shop", ())]),
        ("shop/category.a/b", 4, [("shop/category.a", ())]),
        ("shop/offer.o", 6, [("shop/category.a/b", ("category",)), ("environment.shop", ())]),
    ]
    assert result.bodies == {
        "shop/category.a": b'{"label":"x"}',
        "shop/category.a/b": b"{}",
        "shop/offer.o": b'{"category":"a/b"}',
    }


def test_a_resource_with_mistakes_keeps_its_name() -> None:
    record = parsed("version: 1\noffers:\n  o: {category: 1/}\n").records[0]
    assert (record.address, record.valid, record.fingerprint) == ("shop/offer.o", False, "")


def test_renames() -> None:
    result = parsed("version: 1\nmoved:\n  offer.a: offer.b\n  shop/category.x/y: category.z\n")
    assert result.diagnostics == []
    assert result.moves == {
        "shop/offer.a": ("shop/offer.b", 3, 3),
        "shop/category.x/y": ("shop/category.z", 4, 3),
    }


def test_shared_things_are_renamed_in_shared_files() -> None:
    assert parsed("version: 1\nmoved: {operator.a: operator.b}\n", "shared").moves == {
        "operator.a": ("operator.b", 2, 9)
    }
    assert only("version: 1\nmoved: {operator.a: operator.b}\n").code == Code.BAD_MOVE
    assert only("version: 1\nmoved: {offer.a: offer.b}\n", "shared").code == Code.BAD_MOVE


@pytest.mark.parametrize(
    "move",
    [
        "offer.a: category.a",
        "offer.a: offer.a",
        "offer.a: guests/offer.b",
        "guests/offer.a: offer.b",
        "a: b",
        "offer.a: [x]",
        "offer.a:",
        "offer.a b: offer.c",
        "environment.a: environment.b",
        "ofer.a: ofer.b",
        "offer.a: 3",
    ],
)
def test_renames_that_cannot_be(move: str) -> None:
    found = only(f"version: 1\nmoved:\n  {move}\n")
    assert (found.code, str(found.position)) == (Code.BAD_MOVE, "x.yaml:3:3")
