"""A CSV file cut into records, and a record cut into cells (RFC 4180; UTF-8, commas, double quotes).

Records are cut as bytes, so that a scan for one contact need not decode the others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from offerkit.diagnostics import Code, Diagnostic, Position, Refused

MAX_RECORD = 1024 * 1024
"""Bytes that a record may have."""
_FIRST, _CHUNK = 8 * 1024, 256 * 1024
"""Bytes read at once: little at first, since a header or the one record that an index leads to is often all."""
_BOM = b"\xef\xbb\xbf"
_NEVER_CLOSED = "Perhaps a double quote is never closed."
_QUOTING = "Write a cell that holds commas, quotes or line ends in double quotes, and each quote in it twice."
_NOT_UTF8 = "Save it as UTF-8; spreadsheet programs offer that as “CSV UTF-8”."

_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
_CELL = re.compile(r'(?:"[^"]*(?:""[^"]*)*"(?!")|[^",\r\n][^,\r\n]*+|)(?:,|\r?\n?\Z)')
"""A cell with the comma behind it."""


class Record(NamedTuple):
    """The bytes of a record without its newline, the line it begins on (from 1), and its offset in the file."""

    raw: bytes
    line: int
    offset: int


def records(file: BinaryIO, path: str, offset: int = 0, line: int = 1) -> Iterator[Record]:
    """The records from ``offset`` on, where line ``line`` begins; empty lines are left out.

    A line with an odd number of quotes goes on on the next one. Raises Refused for a record that is too long, and
    for a quote that is never closed.
    """
    file.seek(offset)
    rest = b""
    parts: list[bytes] = []
    size = 0
    begin = line
    portion = _FIRST
    while chunk := file.read(portion):
        portion = _CHUNK
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for text in lines:
            line += 1
            if parts or (b'"' in text and text.count(b'"') % 2):
                parts.append(text)
                size += len(text) + 1
                if size > MAX_RECORD:
                    raise _too_long(path, begin)
                if len(parts) > 1 and text.count(b'"') % 2:
                    yield Record(b"\n".join(parts), begin, offset)
                    offset, begin, parts, size = offset + size, line, [], 0
                continue
            if len(text) > MAX_RECORD:
                raise _too_long(path, begin)
            if text and text != b"\r":
                yield Record(text, begin, offset)
            offset += len(text) + 1
            begin = line
        if size + len(rest) > MAX_RECORD:
            raise _too_long(path, begin)
    if parts or rest:
        raw = b"\n".join([*parts, rest])
        if raw.count(b'"') % 2:
            raise bad_record(path, begin, "a double quote is opened in this row and never closed", _QUOTING)
        yield Record(raw, begin, offset)


def cells(record: Record, path: str) -> list[str]:
    """The cells of a record. Raises Refused for bytes that are not UTF-8, and for quotes that do not fit."""
    raw = record.raw.removeprefix(_BOM) if record.offset == 0 else record.raw
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = record.line + raw.count(b"\n", 0, error.start)
        column = error.start - raw.rfind(b"\n", 0, error.start)
        why = f"this is not UTF-8: byte 0x{raw[error.start]:02X}"
        raise bad_record(path, line, why, _NOT_UTF8, column) from error
    if "\0" in text:
        raise bad_record(path, record.line, "the row has a NUL character; this is no text in UTF-8", _NOT_UTF8)
    text = text.removesuffix("\r")
    if '"' not in text and "\r" not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise _not_cut(text, record, path) from None


def _not_cut(text: str, record: Record, path: str) -> Refused:
    """Why a record cannot be cut into cells, and at which character of it."""
    at = 0
    why, hint = "", _QUOTING
    while not why and (cell := _CELL.match(text, at)) is not None and cell.end() > at:
        if len(cell.group()) > csv.field_size_limit():
            why, hint = f"a cell is longer than {csv.field_size_limit():,} characters", _NEVER_CLOSED
        else:
            at = cell.end()
    if not why:
        quoted = _QUOTED.match(text, at)
        at = quoted.end() if quoted else max(text.find("\r", at), at)
        if text[at : at + 1] == "\r":
            why = "a carriage return (CR) stands alone, without a line feed"
            hint = (
                "End lines with LF or CR LF, as “CSV UTF-8” of spreadsheet programs does; in a cell, CR needs quotes."
            )
        else:
            why = "more text follows the closing double quote of a cell"
    line = record.line + text.count("\n", 0, at)
    place = f"character {at - text.rfind(chr(10), 0, at)}" + (f" of line {line}" if line > record.line else "")
    return bad_record(path, record.line, f"the row cannot be cut into cells: {why} ({place})", hint)


def bad_record(path: str, line: int, summary: str, hint: str = "", column: int = 1) -> Refused:
    """A refusal at a place of the file."""
    return Refused([Diagnostic(Code.CONTACT_ROW, summary, hint=hint, position=Position(path, line, column))])


def _too_long(path: str, line: int) -> Refused:
    return bad_record(
        path, line, f"the row that begins here is longer than {MAX_RECORD:,} bytes",
        _NEVER_CLOSED,
    )  # fmt: skip
