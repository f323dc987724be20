"""A place inside a text leads to the very character of the file that it was read from."""

from __future__ import annotations

import re

import pytest
from helpers.work import at_most
from hypothesis import given
from hypothesis import strategies as st

from offerkit.diagnostics import Refused
from offerkit.specs.comments import LINE_END
from offerkit.specs.text_positions import TextPositions
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_values import YamlMap, locate, unpack

WORDS = "recipient.age >= 18 and\nrecipient.country\n\n  <> 'été'\n"


def character(text: str, packed: int) -> str:
    """What stands at a packed position, found by counting lines and columns anew."""
    place = unpack("f", packed)
    line = LINE_END.split(text)[place.line - 1]
    return line[place.column - 1 : place.column] or "\n"


def mapped(text: str) -> tuple[str, str]:
    """The value of ``a.b`` in a file, and the characters that its offsets lead to."""
    document, found = parse("f", text.encode())
    assert not found
    assert isinstance(document, YamlMap)
    value = document["a"]["b"]
    at = locate(document, ("a", "b"))
    source = TextPositions(text.encode())
    return value, "".join(character(text, source.inside(at, value, offset)) for offset in range(len(value)))


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b: age = 'é' and  x\n",
        "a: {b: age = x, c: 1}\n",
        "a:\n  b: age =\n     18\n\n\n     and x\n",
        "a:\n  b: &anchor age = 18\n",
        "a:\n  b: &anchor |\n    age = 18\n",
        "a:\n  b: 'age = ''x'' and ''''= y'\n",
        "a:\n  b: 'age =\n\n     x   \n   y'\n",
        'a:\n  b: "age =\n\n     x   \n   y"\n',
        "a:\n  b: |\n    age = 18\n      and x\n\n    or y\n",
        "a:\n  b: |2\n     age = 18\n    or y\n",
        "a:\n  b: |-\n    age = 18\n",
        "a:\n  b: |+ # a comment\n    age = 18\n\n\nc: 1\n",
        "a:\n  b: >\n    age = 18\n    and x\n\n    or y\n\n\n    or z\n",
        "a:\n  b: >-\n\n    age = 18\n      indented\n    and x",
        "a:\r\n  b: >\r\n    age = 18\r\n    and x\r\n",
        "a:\r\n  b: 'age\r\n    = 18'\r\n",
        "\ufeffa:\n  b: age = 18\n",
    ],
)
def test_same_character(text: str) -> None:
    """Every style of scalar; a line break that became a space is the only character that differs."""
    value, seen = mapped(text)
    assert [(a, b) for a, b in zip(value, seen, strict=True) if a != b and (a, b) != (" ", "\n")] == []
    assert len(value) > 5


def test_escapes() -> None:
    """An escape is placed at its backslash; an escaped line end joins two lines."""
    text = 'a:\n  b: "x\\t\\u00e9\\\\y \\\n     z  \n   \\"q\\"\\x41"\n'
    value, seen = mapped(text)
    assert value == 'x\té\\y z "q"A'
    assert seen == "x\\\\\\y z\n\\q\\\\"


def test_end_and_aliases() -> None:
    """The end is behind the last character; an alias has no text of its own."""
    text = "c: &x age = 18\na:\n  b: *x\n"
    document, _ = parse("f", text.encode())
    source = TextPositions(text.encode())
    assert unpack("f", source.inside(locate(document, ("c",)), "age = 18", 8))[1:] == (1, 15)
    at = locate(document, ("a", "b"))
    assert source.inside(at, "age = 18", 4) == at


def test_not_what_was_said() -> None:
    """A value that the source does not give leads to the beginning, never to a wrong place."""
    document, _ = parse("f", b"a: age = 18\n")
    at = locate(document, ("a",))
    for value in ("age <> 18", "", "age = 18 and more"):
        assert TextPositions(b"a: age = 18\n").inside(at, value, 5) == at


ALPHABET = st.text(alphabet="ab '\"\\\n\té€😀.:#=>-{}[]&*|", min_size=1, max_size=40)


@st.composite
def scalars(draw: st.DrawFn) -> str:
    """A text as a YAML scalar in some style; not every one can be read."""
    text = draw(ALPHABET)
    style = draw(st.sampled_from(["plain", "single", "double", "|", ">"]))
    if style in "|>":
        chomp = draw(st.sampled_from(["", "-", "+"]))
        given = draw(st.booleans())
        depth = draw(st.integers(1, 4))
        lines = "".join(f"\n{'  ' + ' ' * depth + line if line.strip() else line}" for line in text.split("\n"))
        return f"{style}{depth if given else ''}{chomp}{lines}\n"
    text = text.replace("\n", "\n    ")
    if style == "single":
        return "'" + text.replace("'", "''") + "'"
    if style == "double":
        return (
            '"' + text.replace("\\", draw(st.sampled_from(["\\\\", "\\\n", "\\x41", "\\/"]))).replace('"', '\\"') + '"'
        )
    return text


@given(scalars())
def test_any_scalar(scalar: str) -> None:
    """Whatever the C parser makes of a scalar, each character of it is found where it was read."""
    text = f"a:\n  b: {scalar}\nc: 1\n"
    try:
        document, found = parse("f", text.encode())
    except Refused:
        return
    if found or not isinstance(document, YamlMap) or not isinstance(document.get("a"), YamlMap):
        return
    value = document["a"].get("b")
    if not isinstance(value, str) or not value.strip():
        return
    at = document["a"].value_position("b")
    if character(text, at) == "*" or re.match(r"\S+\s*:(\s|$)", scalar):
        return
    source = TextPositions(text.encode())
    if character(text, at) != "&":
        assert source.inside(at, value, len(value)) != at, (text, value)
    for offset, wanted in enumerate(value):
        packed = source.inside(at, value, offset)
        if packed == at and offset:
            continue
        seen = character(text, packed)
        assert seen == wanted or (wanted, seen) == (" ", "\n") or seen == "\\", (text, value, offset)


def test_thousands_of_escaped_line_ends_and_spaces_are_little_work() -> None:
    """They were followed one inside the other, and indentations tried one after the other."""
    for text in ('a:\n  b: "x' + "\\\n   " * 20_000 + ' y"\n', "a:\n  b: |1\n   " + " " * 9_000 + "x\n"):
        with at_most(4_000_000):
            document, _ = parse("f", text.encode())
            assert isinstance(document, YamlMap)
            value, at = document["a"]["b"], locate(document, ("a", "b"))
            last = len(value.rstrip()) - 1
            found = TextPositions(text.encode()).inside(at, value, last)
        assert character(text, found) == value[last]
