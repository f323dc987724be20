"""The reader of the usual style: what it reads, and that the parsers read it in the same way, at the same positions."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offerkit.specs.yaml12_parser import Yaml12Parser
from offerkit.specs.yaml_events import _document
from offerkit.specs.yaml_parsers import built
from offerkit.specs.yaml_usual import _LONGEST, read_usual
from offerkit.specs.yaml_values import YamlList, YamlMap

OFFERS = """\
# Offers of the summer
version: 1
offers:   # by name
  canada-rockies:
    label: "Fourteen days in the \\"Rockies\\""
    code: T000175
    enabled: true
    category: 'travel/canada''s'
    eligible: {from: 2026-06-25, until: "2028-06-30", filters: [adult, {filter: country, with: {in: CA}}]}  # a year

    weights:
    - {weight: 16.50}
    - label: season
      formula: 10 + 20 * coalesce(recipient.score, 0)   # by propensity
      spaces: []
      when: >-
        recipient.country <> 'US'
        and recipient.age >= 73

        or true
    content:
      title: 14 days in the Rockies: no
      html: |
        <p class="#a">Days</p>

          <p>- more</p>

      text: |-
        Days
    representations:
    reviewers:
      content:
        - ada
        # and
        - é-mile
  empty: ~
"""


def placed(value: Any) -> Any:
    """A value with its type and all positions."""
    if isinstance(value, YamlMap):
        return [(key, placed(item), value.keys_at[key], value.value_position(key)) for key, item in value.items()]
    if isinstance(value, YamlList):
        return [(placed(item), at) for item, at in zip(value, value.items_at, strict=True)], "list"
    return type(value), value


def agrees(text: str) -> bool:
    """Whether the text is read; the parsers must then give the same, and no mistake."""
    usual = read_usual(text)
    if usual is None:
        return False
    for value, mistakes in (
        built(text.encode(), text, partial(_document, "x")),
        _document("x", Yaml12Parser(text), None),
    ):
        assert mistakes == []
        assert placed(usual) == placed(value)
    return True


def test_the_usual_style_is_read_line_by_line() -> None:
    text = OFFERS.replace("Rockies: no", "Rockies")
    assert agrees(text)
    read: Any = read_usual(text)
    offer = read["offers"]["canada-rockies"]
    assert offer["content"]["html"] == '<p class="#a">Days</p>\n\n  <p>- more</p>\n'
    assert offer["weights"][1]["when"] == "recipient.country <> 'US' and recipient.age >= 73\nor true"


@pytest.mark.parametrize(
    "text",
    [
        OFFERS,
        "",
        "# nothing\n",
        "a\n",
        "- a\n",
        "a: b\na: c\n",
        "a: {b: 1, b: 2}\n",
        'a: {b: "c", b: "d"}\n',
        'a: "b" c\n',
        "- \n",
        "a b\n",
        '"a b"\n',
        "a: b\n c\n",
        "a: b\n  c: d\n",
        "a:\n  b: c\n d: e\n",
        " a: b\nc: d\n",
        "a: *b\n",
        "a: &b c\n",
        "a: !b c\n",
        "a: b: c\n",
        "a: b:\n",
        "a: [b,\n  c]\n",
        "a: [b c: d]\n",
        "a: [b]c\n",
        "a: 'b'#c\n",
        'a: "b\\u0041"\n',
        'a: "b\n  c"\n',
        "a:\tb\n",
        "a: b\r\n",
        "a: |+\n  b\n",
        "a: |2\n  b\n",
        "a: |\n\n  b\n",
        "a: |\n    b\n  c\n",
        "a: >\n  b\n    c\n",
        "a: |\n  b",
        "a: |\nb: c\n",
        "a:\n- - b\n",
        "a:\n-\n",
        "---\na: b\n",
        "a: b\n---\nc: d\n",
        "a: b\n...\n",
        "\ufeffa: b\n",
        "a: \u2028\n",
        "a: b\n\xa0\n",
        "a: b\n  \xa0\nc: d\n",
        "a:\n\u3000\n  b: c\n",
        "'a': b\n",
        "? a\n: b\n",
        "a: @b\n",
        "a: -\n",
        "".join(f"{'  ' * depth}a:\n" for depth in range(40)),
        "a: " + "[" * 20 + "]" * 20 + "\n",
        "a: b\n" + "#" * _LONGEST,
    ],
)
def test_anything_else_is_left_to_the_parsers(text: str) -> None:
    assert read_usual(text) is None


WORDS = ["a", "b", "a-1", "12", "1e3", "-5", "true", "null", "~", "é", "x/y.z", "https://a.b/c", "a b", "a#b"]
QUOTED = ["'a''b'", "''", '"a \\" b"', '""']
BRACKETS = ["[]", "{}", "[a, 'b', \"c\"]", "[ a b , 1 ]", "{a: 1, b: [x, {c: d}]}", "{ a: 10:30 }", "[a:b]"]
BRACKETS += [
    '{a: "b c"}',
    '{a: "", b: c-d, e: 10%}',
    "{a: 2026-01-02, b: null}",
    "{a: true,b: 1}",
    "{a: b }",
    '{a: "b", c: {d: "e"}}',
]
VALUES = [*WORDS, *QUOTED, *BRACKETS, "", "10:30", "a, b", "a > 'b'", "(a) [b]", "a # c", "'b' # c", "[a]  # c", "# c"]
VALUES += ["2026-01-02", "2026-01-02 ", "2026-01-02x", '"a: b # c"', "null ", " a", "a  b", "a\xa0", "x-1 # c"]
BLOCKS = ["|", "|-", ">", ">-"]
KEYS = ["a", "b", "c-d", "e.f"]


def documents(depth: int) -> st.SearchStrategy[Any]:
    inner = st.sampled_from(VALUES)
    block = st.tuples(st.sampled_from(BLOCKS), st.lists(st.sampled_from(["a", "b c", "", "#d", "- e: f"]), max_size=4))
    return inner if not depth else inner | block | st.lists(documents(depth - 1), max_size=3) | maps(depth - 1)


def maps(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(KEYS), documents(depth), min_size=1, max_size=3)


def written(value: Any, indent: int) -> str:
    """A value in the usual style, behind the colon of its key."""
    margin = "\n" + " " * indent
    if isinstance(value, dict):
        return "".join(f"{margin}{key}:{written(item, indent + 2)}" for key, item in value.items())
    if isinstance(value, tuple):
        return f" {value[0]}" + "".join(margin + line for line in ["x", *value[1]])
    if isinstance(value, list):
        unusual = (item == "# c" or isinstance(item, list | tuple) for item in value)
        items = (written("a" if bad else item or "''", indent + 2) for item, bad in zip(value, unusual, strict=True))
        return "".join(f"{margin}- {item.lstrip()}" for item in items) or " []"
    return f" {value}" if value else ""


def changed(document: dict[str, Any], changes: list[tuple[int, int]]) -> str:
    """A document with a few lines changed."""
    lines = written(document, 0).lstrip().split("\n")
    for place, way in changes:
        at = place % len(lines)
        line = lines[at]
        lines[at] = [f" {line}", f"  {line}", line[1:], line[2:], f"{line} ", f"{line} # c", f"- {line}", f"{line}:"][
            way % 8
        ]
        if way > 7:
            lines.insert(at, ["", " ", "    ", "# c", "  # c", lines[at - 1], "\xa0"][way - 8])
    return "\n".join(lines)


usual = st.builds(changed, maps(3), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 14)), max_size=2))


@given(usual, st.booleans())
@example("a:\n- b: c\n- b: d\ne:\n- f\n", False)
@example("a: # b\n  c: # d\ne: 1\n", False)
@example("a:\n  - b:\n      c: |\n        d\n       \n    e: f\n", False)
def test_all_readers_agree(text: str, ends: bool) -> None:
    agrees(text + "\n" if ends else text)


@given(maps(3))
def test_what_is_written_in_the_usual_style_is_read_here(document: dict[str, Any]) -> None:
    assert agrees(written(document, 0).lstrip() + "\n")


@given(st.text(st.sampled_from("ab1:-[]{},'\"|>#\n \xa0\\."), max_size=30).map(lambda text: f"a: {text}\n"))
def test_all_readers_agree_on_any_text(text: str) -> None:
    agrees(text)
