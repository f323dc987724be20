"""What the canonical form looks like; tests/property shows that it means what it should."""

from __future__ import annotations

import textwrap

import pytest

from offerkit.address import Kind
from offerkit.fingerprint import canonical
from offerkit.models import model_of
from offerkit.specs.quoting import folded, literal, plain, plain_in_flow, quoted
from offerkit.specs.serialize import environment_text, resource_text, section_text, section_texts


def written(kind: Kind, body: object, name: str = "x") -> str:
    """The text of a resource, given as a person would."""
    text = resource_text(kind, name, canonical(model_of(kind).model_validate(body).body()))
    return textwrap.dedent(text)


def block(text: str) -> str:
    """A text as it is indented here, without its first line end."""
    return textwrap.dedent(text).removeprefix("\n")


def test_keys_come_in_the_order_of_the_reader() -> None:
    body = {
        "weights": [
            {"spaces": ["web"], "until": "2026-12-31", "from": "2026-12-01", "weight": "1.50", "label": "Advent"}
        ],
        "eligible": {"when": "p.age > 3", "from": "2026-01-01"},
        "content": {"url": "u", "destination_url": "d", "html": "<p>x</p>", "title": "T"},
        "enabled": False,
        "code": "C",
        "category": "a/b",
        "template": "t",
        "protected": True,
        "label": "L",
    }
    assert written(Kind.OFFER, body) == block(
        """
        x:
          label: L
          protected: true
          template: t
          category: a/b
          code: C
          enabled: false
          eligible: {from: 2026-01-01, when: p.age > 3}
          weights:
            - {label: Advent, weight: 1.5, from: 2026-12-01, until: 2026-12-31, spaces: [web]}
          content:
            title: T
            html: <p>x</p>
            destination_url: d
            url: u
        """
    )


def test_a_filter_without_values_is_its_name() -> None:
    one = {"category": "a", "eligible": {"filters": [{"filter": "f"}, "g"]}}
    two = {"category": "a", "eligible": {"filters": ["f", {"filter": "g", "with": {"days": "30", "word": "010"}}]}}
    assert "eligible: {filters: [f, g]}\n" in written(Kind.OFFER, one)
    assert written(Kind.OFFER, two).endswith(
        "    filters:\n      - f\n      - filter: g\n        with: {days: 30, word: '010'}\n"
    )


def test_examples_of_fields_need_no_quotes_where_their_type_decides() -> None:
    fields = {
        "age": {"type": "integer", "range": {"max": "110", "min": "0"}, "examples": ["44", "8"], "label": "Age"},
        "zip": {"examples": ["010", "no"]},
        "seen": {"type": "boolean", "examples": [True]},
    }
    assert written(Kind.DIMENSION, {"key": ["age"], "fields": fields}) == block(
        """
        x:
          key: [age]
          fields:
            age:
              type: integer
              label: Age
              range: {min: 0, max: 110}
              examples: [44, 8]
            seen: {type: boolean, examples: ['true']}
            zip: {examples: ['010', no]}
        """
    )


def test_sql_is_rather_a_block_than_quoted() -> None:
    text = written(Kind.FILTER, {"when": "a in ('x', 'y')"})
    assert text == "x:\n  when: a in ('x', 'y')\n"
    weights = written(Kind.OFFER, {"category": "a", "weights": [{"formula": "max(a, b)"}, {"formula": "a + b"}]})
    assert weights.endswith("  weights:\n    - formula: max(a, b)\n    - {formula: a + b}\n")


def test_long_lists_and_maps_become_blocks() -> None:
    themes = [f"theme-number-{n}" for n in range(6)]
    assert written(Kind.CATEGORY, {"themes": themes[:5]}).count("\n") == 2
    assert written(Kind.CATEGORY, {"themes": themes}).count("\n") == 8
    assert written(Kind.CATEGORY, {}) == "x: {}\n"


def test_long_texts_are_folded_where_spaces_allow_it() -> None:
    text = written(Kind.CATEGORY, {"description": "word " * 40 + "end"})
    lines = text.splitlines()
    assert lines[1] == "  description: >-"
    assert all(len(line) <= 108 for line in lines)
    assert "\n  description: " + "x" * 300 in written(Kind.CATEGORY, {"description": "x" * 300})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n", "|\n    a\n"),
        ("a\nb", "|-\n    a\n    b\n"),
        ("a\n\nb\n\n", "|+\n    a\n\n    b\n\n"),
        ("  a\nb\n", "|2\n      a\n    b\n"),
        ("a\u2028b", '"a\\Lb"\n'),
        ("\n", '"\\n"\n'),
        ("a\r\nb", '"a\\r\\nb"\n'),
        ("a\tb", '"a\\tb"\n'),
        ("a\n ", '"a\\n "\n'),
    ],
)
def test_line_ends(text: str, expected: str) -> None:
    assert written(Kind.CATEGORY, {"description": text}) == f"x:\n  description: {expected}"


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "2026-01-01", "12:30", "a:b", "a#b", "https://x.example/?a=b", "<p>", "é"]
)
def test_what_stands_without_quotes(text: str) -> None:
    assert plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "null",
        "true",
        "False",
        "010",
        "1e3",
        "0x1F",
        ".inf",
        "1",
        "a: b",
        "a:",
        "a #b",
        "- a",
        " a",
        "a ",
        "#a",
        "&a",
        "*a",
        "!a",
        "[a",
        "{a",
        "'a",
        '"a',
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "? a",
        ": a",
        "a\tb",
        "a\x00",
    ],
)
def test_what_is_quoted(text: str) -> None:
    assert not plain(text)


def test_quotes() -> None:
    assert [quoted(t) for t in ("", "it's", 'it\'s "a"', "a\nb", 'a"', "\x00\x1f\x85\ufeff")] == [
        "''",
        '"it\'s"',
        "'it''s \"a\"'",
        '"a\\nb"',
        "'a\"'",
        '"\\0\\x1f\\N\\ufeff"',
    ]
    assert [plain_in_flow(text) for text in ("a b", "a,b", "a]", "a:b", "a?b", "{")] == [True] + [False] * 5
    assert folded("a  b c", 3) == ["a  b", "c"]
    assert literal(" \n") is None


def test_resources_are_sorted_and_large_sections_are_split() -> None:
    resources = [(name, b'{"label":"' + b"x" * 50 + b'"}') for name in ("c", "a", "b")]
    whole = list(section_texts(Kind.CATEGORY, resources, 10_000))
    assert [count for _, count in whole] == [3]
    assert [line for line in whole[0][0].splitlines() if line.startswith("  ") and line[2] != " "] == [
        "  a:",
        "  b:",
        "  c:",
    ]
    parts = list(section_texts(Kind.CATEGORY, resources, 150))
    assert [count for _, count in parts] == [2, 1]
    assert all(text.startswith("version: 1\ncategories:\n") for text, _ in parts)


def test_files() -> None:
    assert environment_text(b'{"dimension":"person"}') == "version: 1\nenvironment:\n  dimension: person\n"
    assert section_text(Kind.OPERATOR, ["  a: {}\n", "  b: {}\n"]) == "version: 1\noperators:\n  a: {}\n\n  b: {}\n"
    assert resource_text(Kind.CATEGORY, "true", b"{}") == "  'true': {}\n"
