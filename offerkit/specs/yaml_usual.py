"""Reads a spec file in the usual style line by line, twice as fast as the events of a parser.

One key or list item a line, values on the line or indented below it, quotes and brackets that close on their line,
comments, block texts. Whatever else a file has in it, valid or not, is left to the parsers as a whole
(docs/adr/0071-usual-yaml.md). What is read here, both of them read in the same way, with the same positions.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from offerkit.specs.scalars import WORDS, resolve
from offerkit.specs.yaml_values import SHIFT, Value, YamlList, YamlMap

_UNUSUAL = re.compile("[\x00-\t\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Tabs, other line ends, byte order marks, and what is not allowed in YAML."""
_KEY = "[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}"
_LINE = re.compile(
    rf"( *+)(- ++)?(?:({_KEY}+):( ++|$))?"
    r'(?:"([^"\\\n]++)"\n|([A-Za-z][^:#\n]*+(?<! )|[0-9]{4}-[0-9]{2}-[0-9]{2})\n|([^\n]*+)\n?)',
    re.MULTILINE,
)
"""Every line: its indentation, the dash of a list's item, a key, the spaces behind it, and a value.

Most values need no further look: a text in quotes without escapes, a word, sentence or date without quotes. All others
are the last group.
"""
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_QUOTED = re.compile(r"""'(?:[^'\n]|'')*'|"(?:[^"\\\n]|\\["\\/bfnrt])*\"""")
_KEY_IN_BRACKETS = re.compile(rf"({_KEY}): +")
_NAMES = re.compile(r"\[[A-Za-z][A-Za-z0-9_-]*(?:, [A-Za-z][A-Za-z0-9_-]*)*\]")
_PAIR = rf"""({_KEY}): ("[^"\\\n]*"|[A-Za-z0-9][A-Za-z0-9_.%/-]*)"""
_PAIRS = re.compile(rf"\{{{_PAIR}(?:, {_PAIR})*\}}")
_PAIR_IN_BRACKETS = re.compile(_PAIR)
_PLAIN_IN_BRACKETS = re.compile(r"""[A-Za-z0-9_](?:[^,\[\]{}:#"'\n]|:(?![ ,\[\]{}]|$))*""")
_SPACES = re.compile(" *")
_COMMENT = re.compile(" +(?:#.*)?$")
_LINE_BREAKS = re.compile("\n+")
_LONGEST = 1_000_000
"""Longer texts are left to the parsers, which do not hold all lines at once."""
_DEEPEST_BLOCK, _DEEPEST_BRACKETS = 16, 8
"""Deeper values are left to the parsers, which have a limit that is greater than both together."""


class _Unusual(Exception):  # noqa: N818 - never reaches a user: a parser reads the text instead
    """The text has something in it that is not read here."""


def read_usual(text: str) -> YamlMap | None:
    """The document of ``text`` with all positions; None if it is in another style than the usual one, or invalid."""
    if len(text) > _LONGEST or _UNUSUAL.search(text):
        return None
    try:
        return _document(text)
    except (_Unusual, IndexError):
        return None


def _document(text: str) -> YamlMap | None:
    root = YamlMap()
    container: Any = root
    keys_at, values_at, in_map = root.keys_at, root.values_at, True
    column, pending, behind = 0, "", 0
    outer: list[tuple[Any, int]] = []
    lines: list[str] = []
    for number, (indent, dash, key, gap, quoted, plain, rest) in enumerate(_LINE.findall(text)):
        if number < behind:
            continue  # a line of a block text
        here = len(indent)
        at = number << SHIFT | here
        if here != column or dash or not key or not in_map:
            if not key and not dash:
                if quoted or plain or (rest and rest[0] != "#"):
                    return None
                continue
            while here < column:
                container, column = outer.pop()
                pending = ""
            in_map = type(container) is YamlMap
            if here > column or (dash and in_map):
                if not pending or len(outer) > _DEEPEST_BLOCK:
                    return None
                outer.append((container, column))
                container[pending], container.values_at[pending] = YamlList() if dash else YamlMap(), at
                container, column = container[pending], here
            elif not dash and not in_map:  # the list's dashes stand at the column of its key
                container, column = outer.pop()
            if dash:
                here, at, pending = here + len(dash), at + len(dash), ""
                container.items_at.append(at)
                if not key:
                    container.append(quoted or (WORDS.get(plain, plain) if plain else _value(rest, at)))
                    in_map = False
                    continue
                outer.append((container, column))
                container.append(YamlMap())
                container, column = container[-1], here
            if type(container) is not YamlMap or column != here:
                return None
            keys_at, values_at, in_map = container.keys_at, container.values_at, True
        if key in keys_at:
            return None
        keys_at[key] = at
        if quoted:
            container[key] = quoted
        elif plain:
            container[key] = WORDS.get(plain, plain)
        elif not rest or rest[0] == "#":
            container[key], values_at[key] = None, at + len(key) + 1
            pending = key
            continue
        elif rest[0] in "|>":
            lines = lines or text.split("\n")
            container[key], behind = _block_text(lines, number, column, rest)
        else:
            container[key] = _value(rest, at + len(key) + 1 + len(gap))
        pending = ""
        if gap != " ":
            values_at[key] = at + len(key) + 1 + len(gap)
    return root or None


def _block_text(lines: list[str], header: int, column: int, style: str) -> tuple[str, int]:
    """The text below line ``header`` in a map at ``column``, and the number of the first line behind it."""
    begin = lines[header + 1]
    indent = len(begin) - len(begin.lstrip(" "))
    if style not in ("|", "|-", ">", ">-") or indent <= column or not begin[indent:]:
        raise _Unusual
    behind, margin = header + 1, " " * indent
    while behind < len(lines):
        line = lines[behind]
        blank = not line.strip(" ")
        if not blank and not line.startswith(margin):
            break
        if line[indent : indent + 1] == " " and (blank or style[0] == ">"):
            raise _Unusual  # spaces that are part of the text, and keep lines from being folded
        behind += 1
    following = lines[behind] if behind < len(lines) else ""
    if len(following) - len(following.lstrip(" ")) > column or (behind == len(lines) and lines[-1]):
        raise _Unusual  # neither text nor behind it, or a text whose last line does not end
    content = "\n".join([line[indent:] for line in lines[header + 1 : behind]]).rstrip("\n")
    if style[0] == ">":
        content = _LINE_BREAKS.sub(lambda breaks: breaks[0][1:] or " ", content)
    return content if style[1:] else content + "\n", behind


def _value(text: str, at: int) -> Value:
    """The value of a text, with a comment perhaps; ``at``: its packed position."""
    first = text[0]
    if first not in _INDICATORS or (first == "-" and text[1:2].isalnum()):
        if " #" in text or text[-1] == " ":
            text = text.partition(" #")[0].rstrip(" ")
        if ": " in text or text[-1] == ":":
            raise _Unusual
        return resolve(text)
    if first == '"' and text.find('"', 1) == len(text) - 1 and "\\" not in text:
        return text[1:-1]
    if first == "[" and _NAMES.fullmatch(text):
        return _names(text, at)
    if first == "{" and _PAIRS.fullmatch(text):
        return _pairs(text, at)
    if first in "[{":
        value, end = _brackets(text, 0, at, 1)
    else:
        value, end = _quoted(text, 0)
    if end < len(text) and not _COMMENT.match(text, end):
        raise _Unusual
    return value


def _names(text: str, at: int) -> YamlList:
    """The most frequent list in brackets: names."""
    result = YamlList()
    at += 1
    for word in text[1:-1].split(", "):
        result.append(resolve(word))
        result.items_at.append(at)
        at += len(word) + 2
    return result


def _pairs(text: str, at: int) -> YamlMap:
    """The most frequent map in brackets: texts and numbers, none with an escape."""
    result = YamlMap()
    at += 1
    for key, value in _PAIR_IN_BRACKETS.findall(text):
        if key in result:
            raise _Unusual
        result[key] = value[1:-1] if value[0] == '"' else resolve(value)
        result.keys_at[key] = at
        at += len(key) + len(value) + 4
    return result


def _quoted(text: str, start: int) -> tuple[Any, int]:
    quoted = _QUOTED.match(text, start)
    if quoted is None:
        raise _Unusual
    if text[start] == "'":
        return quoted[0][1:-1].replace("''", "'"), quoted.end()
    return orjson.loads(quoted[0]), quoted.end()


def _behind_spaces(text: str, start: int) -> int:
    spaces = _SPACES.match(text, start)
    return spaces.end() if spaces is not None else start


def _brackets(text: str, start: int, at: int, depth: int) -> tuple[YamlMap | YamlList, int]:
    """The list or map in brackets at ``start``, and where it ends; ``at``: the packed position of the text."""
    result: YamlMap | YamlList
    result, close = (YamlList(), "]") if text[start] == "[" else (YamlMap(), "}")
    here = _behind_spaces(text, start + 1)
    if text[here] == close:
        return result, here + 1
    while True:
        if isinstance(result, YamlMap):
            named = _KEY_IN_BRACKETS.match(text, here)
            if named is None or named[1] in result:
                raise _Unusual
            key = named[1]
            result.keys_at[key], result.values_at[key] = at + here, at + named.end()
            result[key], here = _in_brackets(text, named.end(), at, depth)
        else:
            result.items_at.append(at + here)
            item, here = _in_brackets(text, here, at, depth)
            result.append(item)
        here = _behind_spaces(text, here)
        if text[here] == close:
            return result, here + 1
        if text[here] != ",":
            raise _Unusual
        here = _behind_spaces(text, here + 1)


def _in_brackets(text: str, start: int, at: int, depth: int) -> tuple[Value, int]:
    if text[start] in "[{":
        if depth == _DEEPEST_BRACKETS:
            raise _Unusual
        return _brackets(text, start, at, depth + 1)
    if text[start] in "\"'":
        return _quoted(text, start)
    plain = _PLAIN_IN_BRACKETS.match(text, start)
    if plain is None:
        raise _Unusual
    return resolve(plain[0].rstrip(" ")), plain.end()
