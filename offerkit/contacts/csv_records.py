"""CSV as records and cells: where a record ends, and how it is cut.

The dialect is RFC 4180 in UTF-8, with or without a byte order mark: commas, double quotes, lines that end with LF or
CR LF; empty lines are left out. Records are cut as bytes, so that a search for one contact need not decode the others.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from offerkit.contacts.key_index import FileRecord, Readable
from offerkit.diagnostics import Code, Diagnostic, Position, Refused

MAX_RECORD = 1024 * 1024
"""Bytes in a record, at most."""
_FIRST_READ, _NEXT_READ = 2 * 1024, 256 * 1024
"""Bytes read at once: few at first, since the header or the one record that an index leads to is often all."""
_SCAN_READ = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_NEVER_CLOSED = "A double quote may never be closed."
_QUOTING = "Write a cell that holds commas, quotes or line ends in double quotes, and each quote in it twice."
_NOT_UTF8 = "Save it as UTF-8; spreadsheet programs offer that as “CSV UTF-8”."
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
_CELL = re.compile(r'(?:"[^"]*(?:""[^"]*)*"(?!")|[^",\r\n][^,\r\n]*+|)(?:,|\r?\n?\Z)')
"""A cell with the comma behind it."""


def records(
    file: Readable, path: str, offset: int = 0, line: int = 1, taken: Callable[[bytes, int], bool] | None = None
) -> Iterator[FileRecord]:
    """The records from ``offset`` on, where line ``line`` begins; empty lines are left out.

    A line with an odd number of quotes continues on the next one. Lines that are whole records together are first
    offered to ``taken`` with their offset, many at a time; those that it takes are not given again.
    Raises Refused for a record that is too long, and for a quote that is never closed.
    """
    file.seek(offset)
    remainder = b""
    parts: list[bytes] = []
    size = 0
    begin = line
    portion = _FIRST_READ
    while chunk := file.read(portion):
        portion = _NEXT_READ
        text = remainder + chunk
        end = text.rfind(b"\n") + 1
        whole = 0 < end <= MAX_RECORD and not parts and text.count(b'"', 0, end) % 2 == 0
        if whole and taken is not None and taken(text[:end], offset):
            offset, line, remainder = offset + end, line + text.count(b"\n"), text[end:]
            begin = line
            continue
        lines = text.split(b"\n")
        remainder = lines.pop()
        for text in lines:
            line += 1
            if parts or (b'"' in text and text.count(b'"') % 2):
                parts.append(text)
                size += len(text) + 1
                if size > MAX_RECORD:
                    raise _too_long(path, begin)
                if len(parts) > 1 and text.count(b'"') % 2:
                    yield FileRecord(b"\n".join(parts), begin, offset)
                    offset, begin, parts, size = offset + size, line, [], 0
                continue
            if len(text) > MAX_RECORD:
                raise _too_long(path, begin)
            if text and text != b"\r":
                yield FileRecord(text, begin, offset)
            offset += len(text) + 1
            begin = line
        if size + len(remainder) > MAX_RECORD:
            raise _too_long(path, begin)
    if parts or remainder:
        raw = b"\n".join([*parts, remainder])
        if raw.count(b'"') % 2:
            raise bad_record(path, begin, "a double quote is opened in this row and never closed", _QUOTING)
        yield FileRecord(raw, begin, offset)


def cut(record: FileRecord, path: str) -> list[str]:
    """The cells of a record. Raises Refused for bytes that are not UTF-8, and for misplaced quotes."""
    raw = record.raw.removeprefix(_BOM) if record.offset == 0 else record.raw
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = record.line + raw.count(b"\n", 0, error.start)
        column = error.start - raw.rfind(b"\n", 0, error.start)
        problem = f"this is not UTF-8: byte 0x{raw[error.start]:02X}"
        raise bad_record(path, line, problem, _NOT_UTF8, column) from error
    if "\0" in text:
        raise bad_record(path, record.line, "the row has a NUL character; this is not text in UTF-8", _NOT_UTF8)
    text = text.removesuffix("\r")
    if '"' not in text and "\r" not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error:
        raise _uncut(text, record, path) from None


def _uncut(text: str, record: FileRecord, path: str) -> Refused:
    """Why a record cannot be cut into cells, and at which character of it."""
    at = 0
    problem, hint = "", _QUOTING
    while not problem and (cell := _CELL.match(text, at)) is not None and cell.end() > at:
        if len(cell.group()) > csv.field_size_limit():
            problem, hint = f"a cell is longer than {csv.field_size_limit():,} characters", _NEVER_CLOSED
        else:
            at = cell.end()
    if not problem:
        quoted = _QUOTED.match(text, at)
        at = quoted.end() if quoted else max(text.find("\r", at), at)
        if text[at : at + 1] == "\r":
            problem = "a carriage return (CR) stands alone, without a line feed"
            hint = (
                "End lines with LF or CR LF, as “CSV UTF-8” of spreadsheet programs does; in a cell, CR needs quotes."
            )
        else:
            problem = "more text follows the closing double quote of a cell"
    line = record.line + text.count("\n", 0, at)
    position = f"character {at - text.rfind(chr(10), 0, at)}" + (f" of line {line}" if line > record.line else "")
    return bad_record(path, record.line, f"the row cannot be cut into cells: {problem} ({position})", hint)


def bad_record(path: str, line: int, summary: str, hint: str = "", column: int = 1) -> Refused:
    """The error for a record that cannot be read."""
    return Refused([Diagnostic(Code.CONTACT_ROW, summary, hint=hint, position=Position(path, line, column))])


def _too_long(path: str, line: int) -> Refused:
    return bad_record(path, line, f"the row that begins here is longer than {MAX_RECORD:,} bytes", _NEVER_CLOSED)


def plain_lines(file: BinaryIO) -> int | None:
    """How many lines a file has that needs only to be cut at newlines and commas; None for any other file.

    Such a file has neither quotes nor NUL nor empty lines, no carriage return except before a newline, and no line of
    :data:`MAX_RECORD` bytes: DuckDB drops longer ones without a word, or fails.
    """
    lines = length = 0
    last = b"\n"  # so that an empty first line is noticed
    file.seek(0)
    while chunk := file.read(_SCAN_READ):
        joined = last + chunk
        if b'"' in chunk or b"\0" in chunk or b"\n\n" in joined or b"\n\r" in joined:
            return None
        if b"\r" in joined and joined.count(b"\r") - joined.endswith(b"\r") != joined.count(b"\r\n"):
            return None
        first = chunk.find(b"\n")
        if length + (first if first >= 0 else len(chunk)) >= MAX_RECORD:
            return None
        length = len(chunk) - 1 - chunk.rfind(b"\n") + (0 if first >= 0 else length)
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    if last == b"\r":
        return None
    return lines + (last != b"\n")
