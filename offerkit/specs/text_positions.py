"""From a position inside a text to the position in the file: “column 12 of this condition” → file, line, column.

A YAML scalar is written in many ways: quotes with escapes, lines that are folded, blocks whose indentation
does not count. The scalar's source is read once more, character by character as the parser reads it, and
what comes out is compared with the value: a position is exact, or it is the beginning of the value.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

from offerkit.specs.yaml12_scanner import ESCAPES, LINE_END, WIDTHS

_SHIFT = 24
_ANCHOR = re.compile(r"&[^\s]+\s+")
_HEADER = re.compile(r"[|>]([-+]?)([1-9]?)([-+]?)[ \t]*(?:#[^\n\r]*)?")
_CONTINUED = "\0"
"""An escaped line end; no YAML file holds a NUL as it is."""
_BREAK = "\n\r"

Piece = tuple[str, int]
"""A character of the value, and where in the file it comes from."""


class TextPositions:
    """A file's text, in which positions inside scalars are looked up."""

    def __init__(self, content: bytes) -> None:
        """``content`` was parsed without a mistake, so it is UTF-8."""
        self._text = content.decode("utf-8-sig")
        self._starts = [0, *(match.end() for match in LINE_END.finditer(self._text))]

    def inside(self, at: int, value: str, offset: int) -> int:
        """The packed position of character ``offset`` of ``value``, the text of the scalar at ``at`` (packed).

        ``at`` itself when the scalar is not written out there (an alias). The position after the last character
        is right behind it.
        """
        start = self._starts[at >> _SHIFT] + (at & ((1 << _SHIFT) - 1))
        anchor = _ANCHOR.match(self._text, start)
        positions = _positions(self._text, anchor.end() if anchor else start, value)
        if not positions:
            return at
        position = positions[offset] if offset < len(positions) else positions[-1] + 1
        line = bisect_right(self._starts, position) - 1
        return line << _SHIFT | position - self._starts[line]


def _positions(text: str, start: int, value: str) -> list[int]:
    """Where each character of ``value`` stands; empty when the source does not read as ``value``."""
    if not value or start >= len(text):
        return []
    match text[start]:
        case "'" | '"' as quote:
            return _same(_folded(_quoted(text, start + 1, quote)), value)
        case "|" | ">":
            return _block(text, start, value)
        case "*":
            return []
        case _:
            # Where a plain scalar ends depends on what is around it; its value says how far to read.
            return _same(_folded(_raw(text, start)), value)


def _same(pieces: Iterator[Piece], value: str, *, whole: bool = False) -> list[int]:
    """The positions of ``pieces`` as far as they are ``value``; ``whole``: nothing may come after it."""
    positions = []
    for expected in value:
        char, position = next(pieces, ("", 0))
        if char != expected:
            return []
        positions.append(position)
    return [] if whole and next(pieces, None) else positions


def _raw(text: str, at: int) -> Iterator[Piece]:
    while at < len(text):
        yield text[at], at
        at += 1


def _quoted(text: str, at: int, quote: str) -> Iterator[Piece]:
    """The characters between quotes; before an escaped one stands a NUL, so that it is never folded."""
    while at < len(text):
        char = text[at]
        if char == quote == "'" == text[at + 1 : at + 2]:
            yield char, at
            at += 2
        elif char == quote:
            return
        elif char == "\\" and quote == '"':
            width = WIDTHS.get(text[at + 1 : at + 2], 0)
            if width:
                code = int(text[at + 2 : at + 2 + width], 16)
                if 0xD800 <= code < 0xDC00:  # JSON writes a character beyond U+FFFF as two escapes
                    code = 0x10000 + (code - 0xD800 << 10) + int(text[at + 8 : at + 12], 16) - 0xDC00
                    width += 6
                yield _CONTINUED + chr(code), at
            elif text[at + 1 : at + 2] in _BREAK:
                yield _CONTINUED, at
                width = -1
            else:
                yield _CONTINUED + ESCAPES[text[at + 1]], at
            at += 2 + width
        else:
            yield char, at
            at += 1


def _folded(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Flow scalars: a line break with the spaces around it is one space; of several, each but the first is kept."""
    blank: list[Piece] = []
    previous = ""
    for char, position in pieces:
        if char == "\n" and previous == "\r":
            previous = char
            continue
        previous = char
        if char in " \t" or char in _BREAK or char == _CONTINUED:
            blank.append((char, position))
            continue
        yield from _joined(blank)
        blank = []
        yield char[-1], position
    yield from _joined(blank)


def _joined(blank: list[Piece]) -> Iterator[Piece]:
    """The characters that spaces and line breaks between two words become."""
    escaped = [number for number, piece in enumerate(blank) if piece[0] == _CONTINUED]
    blank_before = blank[: escaped[0]] if escaped else blank
    breaks = [position for char, position in blank_before if char in _BREAK]
    if not breaks:
        yield from blank_before
    elif len(breaks) == 1:
        yield " ", breaks[0]
    else:
        yield from [("\n", position) for position in breaks[1:]]
    for begin, end in pairwise([*escaped, len(blank)]):
        # An escaped line end itself counts for nothing, and neither do the spaces on the next line.
        yield from [("\n", position) for char, position in blank[begin + 1 : end] if char in _BREAK][1:]


def _block(text: str, start: int, value: str) -> list[int]:
    header = _HEADER.match(text, start)
    if header is None:
        return []
    lines = _lines(text, header.end())
    folds = text[start] == ">"
    chomp = header[1] or header[3]
    indent = _indent(text, lines, value if header[2] else "")
    return _same(_block_pieces(text, lines, indent, chomp, folds=folds), value, whole=True)


def _lines(text: str, at: int) -> list[tuple[int, int, int]]:
    """The lines after the one that ends at ``at``: begin, end, end with its break."""
    lines = []
    first_end = LINE_END.match(text, at)
    begin = first_end.end() if first_end else len(text)
    for line_end in LINE_END.finditer(text, begin):
        lines.append((begin, line_end.start(), line_end.end()))
        begin = line_end.end()
    if begin < len(text):
        lines.append((begin, len(text), len(text)))
    return lines


def _indent(text: str, lines: list[tuple[int, int, int]], value: str) -> int:
    """The block's indentation: the first line's, without the spaces that ``value`` kept of it."""
    depths = (_depth(text, begin, end) for begin, end, _ in lines if text[begin:end].strip(" "))
    first_line = next((line for line in value.split("\n") if line.strip(" ")), "")
    return max(next(depths, 0) - len(first_line) + len(first_line.lstrip(" ")), 0)


def _depth(text: str, begin: int, end: int) -> int:
    return end - begin - len(text[begin:end].lstrip(" "))


def _block_pieces(
    text: str, lines: list[tuple[int, int, int]], indent: int, chomp: str, *, folds: bool
) -> Iterator[Piece]:
    """The characters that the parser reads from a block's lines."""
    line_break: Piece | None = None
    empty: list[Piece] = []
    was_blank = False
    for begin, end, next_line in lines:
        if _depth(text, begin, end) == end - begin <= indent:
            if next_line > end:
                empty.append(("\n", end))
            continue
        if _depth(text, begin, end) < indent:
            break
        blank = text[begin + indent] in " \t"
        if line_break is not None and folds and not was_blank and not blank:
            if not empty:
                yield " ", line_break[1]
        elif line_break is not None:
            yield line_break
        yield from empty
        empty, was_blank = [], blank
        yield from [(text[position], position) for position in range(begin + indent, end)]
        line_break = ("\n", end) if next_line > end else None
    if line_break is not None and chomp != "-":
        yield line_break
    if chomp == "+":
        yield from empty
