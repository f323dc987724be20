"""Writes texts as YAML scalars that offerkit and all other YAML 1.2 readers read back as the same text.

A text stays plain where that is safe, and is quoted otherwise. The C parser follows YAML 1.1, so “:” and “?” are always
quoted in flow style, and the line ends that only 1.1 knows (U+0085, U+2028, U+2029) are always escaped.
"""

from __future__ import annotations

import re

from offerkit.models.base import Number
from offerkit.specs.scalars import resolve

LINE = 110
"""A text that would reach beyond this column is folded where its spaces allow it."""

_NOT_PLAIN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_SPECIAL = re.compile(f"[{_NOT_PLAIN}]")
_SPECIAL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_BLOCK = re.compile(rf"[^-\s?:,\[\]{{}}#&*!|>'\"%@`{_NOT_PLAIN}][^{_NOT_PLAIN}]*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPED = re.compile(rf'["\\{_NOT_PLAIN}]')
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\0": "\\0",
    "\x85": "\\N",
    "\u2028": "\\L",
    "\u2029": "\\P",
}
_SINGLE_SPACE = re.compile(r"(?<! ) (?! )")


def plain(text: str) -> bool:
    """Whether ``text`` can stand without quotes after ``key: `` and is read as text there."""
    if _WORD.fullmatch(text):
        return resolve(text) is text
    if _BLOCK.fullmatch(text) is None or text[-1] == ":" or text[-1].isspace() or ": " in text or " #" in text:
        return False
    return type(resolve(text)) is str


def plain_in_flow(text: str) -> bool:
    """Whether ``text`` can stand without quotes in ``[a, b]`` and ``{a: b}`` as well."""
    return plain(text) and not any(sign in text for sign in ",[]{}:?")


def decimal(text: str) -> bool:
    """Whether ``text`` is a decimal number in its usual spelling, which every reader takes for the same number."""
    return _DECIMAL.fullmatch(text) is not None


def number(text: str) -> bool:
    """Whether ``text``, unquoted, is read as a number."""
    return bool(text) and type(resolve(text)) is Number


def quoted(text: str) -> str:
    """``text`` in quotes: single ones if they do, double ones where there is something to escape."""
    if _SPECIAL.search(text) is None:
        if "'" not in text:
            return f"'{text}'"
        if '"' not in text and "\\" not in text:
            return f'"{text}"'
        return "'" + text.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    sign = match[0]
    known = _ESCAPES.get(sign)
    if known is not None:
        return known
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"


def literal(text: str) -> tuple[str, list[str]] | None:
    """The header and lines of a literal block (``|``) that holds ``text``; None where none can."""
    if not text.strip(" \t\n") or _SPECIAL_BUT_LINES.search(text) is not None:
        return None
    body = text[:-1] if text.endswith("\n") else text
    lines = body.split("\n")
    if lines[-1] and not lines[-1].strip(" \t"):
        return None  # it would look like a blank line between entries
    return "|" + indicators(text, lines), lines


def indicators(text: str, lines: list[str]) -> str:
    """What follows ``|`` or ``>``: the indentation if it cannot be seen, and whether the last line end is kept."""
    first = next((line for line in lines if line), "")
    keep = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
    return ("2" if first.startswith((" ", "\t")) else "") + keep


def folded(text: str, width: int) -> list[str] | None:
    """The lines of a folded block (``>-``) that holds ``text``, broken at single spaces; None where none can."""
    if _SPECIAL.search(text) is not None or text != text.strip():
        return None
    lines: list[str] = []
    for word in _SINGLE_SPACE.split(text):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) > 1 else None
