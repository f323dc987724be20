"""The builder over the C parser's events: values, places, and every limit on input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs.limits import MAX_ALIASED_NODES, MAX_BYTES, MAX_DEPTH
from offerkit.specs.yaml_reader import parse
from offerkit.specs.yaml_values import Value, YamlList, YamlMap, locate, unpack


def value_of(text: str) -> Any:
    value, found = parse("x.yaml", text.encode())
    assert found == []
    return value


def refusal(content: str | bytes) -> Diagnostic:
    with pytest.raises(Refused) as caught:
        parse("x.yaml", content.encode() if isinstance(content, str) else content)
    assert len(caught.value.diagnostics) == 1
    return caught.value.diagnostics[0]


def place(value: Value, *path: str | int, on_key: bool = False) -> tuple[int, int]:
    position = unpack("x.yaml", locate(value, path, on_key=on_key))
    return position.line, position.column


DOCUMENT = """\
# a comment
version: 1
offers:
  a-b:   {title: "x",  list: [p,  q]}
  "q k": |
    two
    lines
  ünï:
  - - deep
    - k: v
"""


def test_every_key_and_value_knows_its_place() -> None:
    value = value_of(DOCUMENT)
    assert value["offers"]["q k"] == "two\nlines\n"
    assert place(value, "version", on_key=True) == (2, 1)
    assert place(value, "version") == (2, 10)
    assert place(value, "offers", "a-b", on_key=True) == (4, 3)
    assert place(value, "offers", "a-b") == (4, 10)
    assert place(value, "offers", "a-b", "title") == (4, 18)
    assert place(value, "offers", "a-b", "list", 1) == (4, 35)
    assert place(value, "offers", "q k", on_key=True) == (5, 3)
    assert place(value, "offers", "q k") == (5, 10)
    assert place(value, "offers", "ünï", 0, 1, "k", on_key=True) == (10, 7)
    assert place(value, "offers", "ünï", 0, 1, "k") == (10, 10)


def test_a_path_that_leads_nowhere_is_the_last_part_that_is_there() -> None:
    value = value_of(DOCUMENT)
    assert place(value, "offers", "a-b", "nothing", "below") == (4, 3)
    assert place(value, "nothing") == (1, 1)
    assert place(value, "offers", "ünï", 7) == (8, 3)


def test_positions_count_characters_not_bytes() -> None:
    value = value_of("é€😀: {kéy: 1}\n")
    assert place(value, "é€😀", "kéy", on_key=True) == (1, 7)


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    value, found = parse("x.yaml", b"\xef\xbb\xbfversion: 1\n")
    assert (value, found) == ({"version": "1"}, [])


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_line_ends(line_end: str) -> None:
    value = value_of(f"a: 1{line_end}b: 2{line_end}")
    assert value == {"a": "1", "b": "2"}
    assert place(value, "b", on_key=True) == (2, 1)


def test_quotes_make_text() -> None:
    assert value_of("{a: 'true', b: \"null\", c: '1', d: true, e: , f: no}") == {
        "a": "true",
        "b": "null",
        "c": "1",
        "d": True,
        "e": None,
        "f": "no",
    }


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(value_of("010: a\nno: b\n~: c\n1e3: d\n2026-01-01: e\n")) == ["010", "no", "~", "1e3", "2026-01-01"]


def test_duplicate_keys_are_all_told_and_the_first_one_kept() -> None:
    value, found = parse("x.yaml", b"a: 1\nb: {c: 1, c: 2, c: 3}\na: {x: 1, x: 1}\n")
    assert value == {"a": "1", "b": {"c": "1"}}
    told = [(d.code, str(d.position), [str(at) for _, at in d.related]) for d in found]
    assert sorted(told) == [
        (Code.DUPLICATE_KEY, "x.yaml:2:11", ["x.yaml:2:5"]),
        (Code.DUPLICATE_KEY, "x.yaml:2:17", ["x.yaml:2:5"]),
        (Code.DUPLICATE_KEY, "x.yaml:3:1", ["x.yaml:1:1"]),
        (Code.DUPLICATE_KEY, "x.yaml:3:11", ["x.yaml:3:5"]),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: !env HOME",
        "a: !!python/object:os.system {}",
        "a: !!str 1",
        "a: ! 1",
        "!x\na: 1",
        "- !x y",
        "a: !!binary aGk=",
        "!!str a: 1",
        "&k a: 1",
    ],
)
def test_tags_are_refused(text: str) -> None:
    assert refusal(text).code == Code.CUSTOM_TAG


def test_a_tag_is_named_at_its_place() -> None:
    found = refusal("a: 1\nb:\n  - !env HOME\n")
    assert str(found.position) == "x.yaml:3:5"
    assert "!env" in found.summary


def test_aliases_stand_for_their_anchors() -> None:
    value = value_of("a: &x {k: [1]}\nb: *x\nc: &y text\nd: *y\n")
    assert value["b"] == {"k": ["1"]}
    assert value["d"] == "text"


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: *x", "has no anchor"), ("a: &x [*x]", "refers to itsel"), ("a: &x {b: *x}", "refers to itself")],
)
def test_an_alias_to_nothing_or_to_itself(text: str, words: str) -> None:
    found = refusal(text)
    assert found.code == Code.YAML_SYNTAX
    assert words in found.summary


def test_the_last_anchor_of_a_name_counts() -> None:
    assert value_of("a: &x 1\nb: &x 2\nc: *x\n")["c"] == "2"


def test_a_billion_laughs() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    found = refusal("\n".join(lines))
    assert found.code == Code.ALIAS_BUDGET
    assert found.position is not None
    assert found.position.line == 4  # a1 and a2 add 110 and 1,110 nodes, a3 would add 11,110


def test_fifty_megabytes_of_aliases_are_too_large() -> None:
    assert refusal(b"a: &a 1\nb: [" + b"*a, " * 13_000_000 + b"]").code == Code.FILE_TOO_LARGE


def test_aliases_up_to_the_budget() -> None:
    text = "a: &a 1\nb: [" + "*a, " * MAX_ALIASED_NODES + "]"
    assert len(value_of(text)["b"]) == MAX_ALIASED_NODES
    assert refusal(text[:-1] + "*a]").code == Code.ALIAS_BUDGET


def test_depth() -> None:
    assert value_of("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).code == Code.TOO_DEEP
    assert refusal("".join(f"{' ' * n}a:\n" for n in range(40))).code == Code.TOO_DEEP
    assert refusal("[" * 100_000).code == Code.TOO_DEEP


def test_size() -> None:
    fits = b"a: " + b"x" * (MAX_BYTES - 4) + b"\n"
    assert parse("x.yaml", fits)[1] == []
    assert refusal(fits + b"#").code == Code.FILE_TOO_LARGE


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"a: 1\nb: \xff\n", "x.yaml:2:4"),
        ("a: é".encode("latin-1"), "x.yaml:1:4"),
        ("a: 1".encode("utf-16"), "x.yaml:1:1"),
        (b"a: \xed\xa0\x80", "x.yaml:1:4"),
    ],
)
def test_only_utf8(content: bytes, place: str) -> None:
    found = refusal(content)
    assert found.code == Code.NOT_UTF8
    assert str(found.position) == place


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\tb: 1\n", 2, "a tab cannot indent"),
        ("a:\n  b: 1\n\tc: 2\n", 3, "a tab cannot indent"),
        ("a: \x01\n", 1, "control character"),
        ("ok: 1\nb: x\x07y\n", 2, "control character"),
        ("a: 'open\nb: 1\n", 1, "neither closed nor indented on line 2"),
        ("a: [1, 2\nb: 1\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a: 1\n b: 2\n", 2, "not YAML"),
        ("a\nb: 1\n", 2, "not YAML"),
        ("- a\nb: 1\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "another version of YAML"),
        ("? [a]\n: b\n", 1, "a key must be"),
        ("{a: 1}: b\n", 1, "a key must be"),
        ("a: &x 1\n*x : 2\n", 2, "a key must be"),
        ("a: @x\n", 1, "not YAML"),
        ("a: %x\n", 1, "not YAML"),
        ("}\n", 1, "not YAML"),
    ],
)
def test_what_is_not_yaml(text: str, line: int, words: str) -> None:
    found = refusal(text)
    assert found.code == Code.YAML_SYNTAX
    assert words in found.summary
    assert found.position is not None
    assert found.position.line == line


def test_yaml_1_2_may_be_asked_for() -> None:
    assert value_of("%YAML 1.2\n---\na: 1\n") == {"a": "1"}
    assert value_of("---\na: 1\n...\n") == {"a": "1"}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file(text: str) -> None:
    assert refusal(text).code == Code.EMPTY_FILE


def test_a_merge_key_is_an_ordinary_key() -> None:
    assert value_of("a: &a {x: 1}\nb: {<<: *a}\n")["b"] == {"<<": {"x": "1"}}


plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)
documents = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(plain, documents, min_size=1, max_size=3))
def test_what_ruamel_writes_is_read_back(document: dict[str, Any]) -> None:
    import io

    stream = io.BytesIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(document, stream)
    value, found = parse("x.yaml", stream.getvalue())
    assert found == []
    assert _plain(value) == document
    _positions_are_inside(value, stream.getvalue().count(b"\n") + 1)


@given(st.binary(max_size=60) | st.text("ab:-?[]{}&*!|>'\"%@`#,\n \t~<.0", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_a_refusal(content: bytes) -> None:
    try:
        parse("x.yaml", content)
    except Refused as refused:
        assert refused.diagnostics[0].position is not None


def _plain(value: Any) -> Any:
    if isinstance(value, YamlMap):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, YamlList) else value


def _positions_are_inside(value: Any, lines: int) -> None:
    if isinstance(value, YamlMap):
        assert value.keys() == value.keys_at.keys()
        for key, item in value.items():
            assert unpack("", value.keys_at[key]).line <= unpack("", value.value_position(key)).line <= lines
            _positions_are_inside(item, lines)
    elif isinstance(value, YamlList):
        assert len(value) == len(value.items_at)
        for item in value:
            _positions_are_inside(item, lines)
