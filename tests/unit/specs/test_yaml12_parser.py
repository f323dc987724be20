"""The parser by the letter of YAML 1.2: what it adds to the C parser, that it agrees with it, and its bounds."""

from __future__ import annotations

from typing import Any

import _ruamel_yaml as c
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, SequenceEndEvent, SequenceStartEvent, StreamEndEvent

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs import yaml_parsers
from offerkit.specs.limits import MAX_DEPTH, MAX_SECOND_OPINION
from offerkit.specs.yaml12_parser import Yaml12Parser
from offerkit.specs.yaml12_scanner import NotYaml
from offerkit.specs.yaml_events import _document
from offerkit.specs.yaml_parsers import Doubtful, Doubts, Events, built
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_values import YamlList, YamlMap, locate, unpack


def value_of(text: str) -> Any:
    value, found = parse("x.yaml", text.encode())
    assert found == []
    return value


def refusal(text: str) -> Diagnostic:
    with pytest.raises(Refused) as refused:
        parse("x.yaml", text.encode())
    (found,) = refused.value.diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{destination_url: https://t.example/x}", {"destination_url": "https://t.example/x"}),
        ("{title: Need a loan?}", {"title": "Need a loan?"}),
        ("{a: 12:30}", {"a": "12:30"}),
        ("[a:b]", ["a:b"]),
        ("[?a, {?b: c}]", ["?a", {"?b": "c"}]),
        ("[a?b, a?, -1, :x]", ["a?b", "a?", "-1", ":x"]),
        ("{a:, 'b':c, \"d\":[e]}", {"a": None, "b": "c", "d": ["e"]}),
        ("{'a'\n: b, c d\n  e\n: f}", {"a": "b", "c d e": "f"}),
        ("[a: b, ? c : d, : e]", [{"a": "b"}, {"c": "d"}, {"": "e"}]),
        ('"\\ud83d\\ude00\\/\\u00e9"', "😀/é"),
        ('"\\U0001F600\\x41"', "😀A"),
        ("a:\t- b\n  c", None),
        ("a: b\t\nc:\t|\n  d\n", {"a": "b", "c": "d\n"}),
        ("a:\n \t'b'\n", {"a": "b"}),
        ("x: a\u2028b # c\u0085d\ny: 1\n", {"x": "a\u2028b", "y": "1"}),
        ('"a\x7fb"', "a\x7fb"),
        ("%FOO bar\n---\na: 1\n", {"a": "1"}),
        ("a: &b:c d\ne: *b:c\n", {"a": "d", "e": "d"}),
        ("a: &ü d\ne: *ü\n", {"a": "d", "e": "d"}),
        ("a: |+\n  ", {"a": "\n"}),
        ("a: |\n  x", {"a": "x"}),
        ("a: [\n  b,\n]\n", {"a": ["b"]}),
        ("a: [\n b, # c\n # d\n c\n ]\n", {"a": ["b", "c"]}),
        ("a: {\r\n  b: c:d\r\n  }\r\n", {"a": {"b": "c:d"}}),
        ("a: &b?:c d\n", {"a": "d"}),
        ("a: &b%c d\ne: *b%c\n", {"a": "d", "e": "d"}),
        ("a: [&b :c]\n", {"a": [":c"]}),
        ("a: [ # b\n  ?c]\n", {"a": ["?c"]}),
        ("a: '\ufeffb'\n", {"a": "\ufeffb"}),
        ("a: &b # |\n  |\n  c\n", {"a": "c\n"}),
    ],
)
def test_what_yaml_1_2_allows(text: str, value: Any) -> None:
    if value is None:
        assert refusal(text).code == Code.YAML_SYNTAX
    else:
        assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: {b: c:d}\ne: [f\n", "2:4", "the bracket that begins here is not closed"),
        ("a: {b: c:d}\ne: 'f\n", "2:4", "the quoted text that begins here is not closed"),
        ("a: {b: c:d}\ne: f: g\n", "2:5", "a map cannot begin here"),
        ("a: {b: c:d}\ne\nf: g\n", "2:1", "a colon is missing after this key"),
        ("a: {b: c:d}\ne\n f: g\n", "3:3", "a key must be on one line"),
        ("a: {b: c:d}\ne\n", "2:1", "a colon is missing after this key"),
        ("a: {b: c:d}\n e: f\n", "2:2", "deeper than the entries before it"),
        ("a:\n  b: [c:d]\n e: f\n", "3:2", "deeper than the entries before it"),
        ("a: [b:c, d e\nf: g\n", "2:1", "not indented deeper than its key"),
        ("a: {b: c:d}\ne: @f\n", "2:4", "cannot begin with “@”"),
        ("a: {b: c:d}\ne: f\n- g\n", "3:1", "an item of a list is not allowed among the keys"),
        ("a: [b,, c:d]\n", "1:7", "nothing before this comma"),
        ("a: [b c:d 'e']\nf: {'x' y}\n", "2:9", "“,” or “}” is missing here"),
        ("a: [b:c]]\n", "1:9", "cannot follow"),
        ('a: {b: c:d}\ne: "\\q"\n', "2:5", "is not an escape"),
        ('a: {b: c:d}\ne: "\\ud83d"\n', "2:5", "is not a character"),
        ('a: {b: c:d}\ne: "\\ude00\\ud83d"\n', "2:5", "is not a character"),
        ('a: {b: c:d}\ne: "\\u12"\n', "2:5", "4 hexadecimal digits"),
        ("a: {b: c:d}\n\te: f\n", "2:1", "a tab cannot indent"),
        ("a: {b: c:d}\ne: |x\n", "2:4", "“|” can be followed by"),
        ("a: {b: c:d}\ne: &f &g h\n", "2:7", "one anchor"),
        ("a: {b: c:d}\ne: & f\n", "2:4", "followed by a name"),
        ("a: {b: c:d}\n" + "k" * 1025 + ": 1\n", "2:1", "1,024 characters"),
        ("a: {b: c:d} \x07\n", "1:13", "control character"),
        ("a: 'x'#y\n", "1:7", "cannot follow a quoted text"),
        ('a: "b "c" d"\n', "1:8", "cannot follow a quoted text"),
        ("a: [x]#y\n", "1:7", "cannot follow"),
        ("a: [x,#y\n  z]\n", "1:7", "cannot begin with “#”"),
        ("a: |#y\n  z\n", "1:4", "“|” can be followed by"),
        ("a: [x,\ny]\n", "2:1", "not indented deeper than its key"),
        ("a: 'x\ny'\n", "1:4", "nor indented on line 2"),
        ("a: >\n   \n x\n", "3:2", "more spaces than it"),
        ("a: [-]\n", "1:5", "cannot begin with “-”"),
        ("a: {b: -}\n", "1:8", "cannot begin with “-”"),
        ("a: [ # b\n -]\n", "2:2", "cannot begin with “-”"),
        ("a: [&b -]\n", "1:8", "cannot begin with “-”"),
        ("a: &b{c: d}\n", "1:6", "an anchor's name must be followed by a space"),
        ("- &b\n|\n c\n", "2:1", "cannot follow"),
        ("a: b\n\ufeffc: d\n", "2:1", "a byte order mark is not allowed here"),
        ("a: 1\n... x\n", "2:5", "only a comment can follow"),
        ("%YAML 1.2 x\n---\na: 1\n", "1:1", "with one version"),
        ("%FOO\na: {b: c:d}\n", "2:1", "“---” must follow"),
    ],
)
def test_what_is_no_yaml_is_told_at_its_place(text: str, place: str, words: str) -> None:
    found = refusal(text)
    assert found.code == Code.YAML_SYNTAX
    assert words in found.summary
    assert str(found.position) == f"x.yaml:{place}"
    assert found.hint


def test_every_key_and_value_knows_its_place() -> None:
    text = "a: {b: c:d}\n? e\n: - - é: 'f'\n    - {g: [h:i, j]}\n"
    value = value_of(text)

    def place(*path: str | int, on_key: bool = False) -> tuple[int, int]:
        position = unpack("x.yaml", locate(value, path, on_key=on_key))
        return position.line, position.column

    assert (place("a", on_key=True), place("a"), place("a", "b")) == ((1, 1), (1, 4), (1, 8))
    assert (place("e", on_key=True), place("e"), place("e", 0), place("e", 0, 0)) == ((2, 3), (3, 3), (3, 5), (3, 7))
    assert (place("e", 0, 0, "é"), place("e", 0, 1, "g", 1)) == ((3, 10), (4, 17))


def test_limits_hold_as_well() -> None:
    deep = "[a:b, " + "[" * MAX_DEPTH
    assert refusal(deep).code == Code.TOO_DEEP
    assert refusal("a: [b:c]\nd: " + "[" * 500_000).code == Code.TOO_DEEP
    assert refusal("a: &x [b:c, b:c, b:c, b:c]\nd: [" + "*x, " * 3_000 + "]").code == Code.ALIAS_BUDGET
    assert refusal("a: [b:c]\n---\n" + "x" * 100).summary == "a second document begins here"


def test_a_large_file_has_no_second_opinion() -> None:
    padding = "#" * MAX_SECOND_OPINION
    found = refusal(f"a: [b:c, ?d]\n{padding}\n")
    assert found.code == Code.YAML_SYNTAX
    assert found.position is not None
    assert found.position.line == 1
    assert f"{MAX_SECOND_OPINION:,}" in found.hint
    assert value_of(f"a: [b, c]\n{padding}\n") == {"a": ["b", "c"]}
    assert value_of("a: [b:c]\n" + padding[: MAX_SECOND_OPINION - 20]) == {"a": ["b:c"]}


PIECES = [
    "a",
    "b",
    "key",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "?",
    "\n",
    "\n",
    "\n ",
    "\n  ",
    "\n   ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    "'",
    '"',
    "|",
    "> ",
    ">-",
    "|+",
    "#",
    " #c",
    " ",
    "  ",
    "&x ",
    "*x",
    "\t",
    "1",
    "--- ",
    "...",
    "\\n",
    "\\\n",
    "!t ",
    "''",
    "é",
    "%",
    "\r\n",
    "\r",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_both_parsers_agree(text: str) -> None:
    """What the C parser reads without a doubt is read the same by the letter, keys at the same places.

    A document that is a block text as a whole is not a spec file; there the C parser takes the text for comments.
    """
    text = f"{text}\n"
    if yaml_parsers._doubtful(text) or text.lstrip(" \r\n&x!t-")[:1] in (">", "|"):
        return
    try:
        read = _read(c.CParser(text.encode()), Doubts(text))
    except (Doubtful, c.YAMLError):
        return
    if read is None:
        return
    try:
        again = _read(Yaml12Parser(text), None)
    except NotYaml as error:
        raise AssertionError(f"{error.problem} at {error.at.line + 1}:{error.at.column + 1}") from None
    assert again == read


def _read(events: Events, doubts: Doubts | None) -> Any:
    try:
        value, found = _document("x", events, doubts)
    except Refused:
        return None
    return _placed(value), len(found)


def _placed(value: Any) -> Any:
    if isinstance(value, YamlMap):
        return {key: (_placed(item), value.keys_at[key]) for key, item in value.items()}
    return [_placed(item) for item in value] if isinstance(value, YamlList) else (type(value), value)


@given(
    st.text(st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,\n \t\\<.0u\ud83d\r\ufeff\x85".replace("\ud83d", "é")), max_size=60)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        events = Yaml12Parser(text)
    except NotYaml as error:
        assert 0 <= error.at.index <= len(text)
        assert error.hint
        return
    depth = 0
    while not isinstance(event := events.get_event(), StreamEndEvent):
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, MappingEndEvent | SequenceEndEvent)
        assert 0 <= event.start_mark.index <= event.end_mark.index <= len(text)
    assert depth == 0


def test_the_c_parser_is_asked_first() -> None:
    kinds: list[type] = []

    def build(events: Events, _: Doubts | None) -> None:
        kinds.append(type(events))

    for text in ("a: 1\n", "a: [?b]\n"):
        built(text.encode(), text, build)
    assert kinds == [c.CParser, Yaml12Parser]


def test_usual_styles_raise_no_doubt() -> None:
    """Reading by the letter is slow: what people write every day is read by the C parser alone."""
    text = """\
a: [
  b, "c d",
]
d:
  - {e: 'f
      g', h: [
    i, j
    ]}
k: <a href="#x">, # y
l: |

  <p class="#m">n</p>
o: "p
  q"
"""
    value, found = _document("x", c.CParser(text.encode()), Doubts(text))
    assert not yaml_parsers._doubtful(text)
    assert (_placed(value), found) == (_placed(value_of(text)), [])
