"""Reads what the solver says: the verdict of a check, and the values of terms."""

from __future__ import annotations

import re

Plain = bool | int | str

_TOKEN = re.compile(r'\(|\)|"(?:[^"]|"")*"|[^\s()"]+')
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})")


def values_in(output: str) -> list[Plain]:
    """The values that ``(get-value (…))`` printed, in the order of the terms. Raises ValueError if it is nothing such.

    The terms must be names, and the values Booleans, integers or strings.
    """
    tokens = _TOKEN.findall(output)
    values: list[Plain] = []
    at = tokens.index("(") + 1  # (( name value ) ( name value ) …)
    while at < len(tokens) and tokens[at] == "(":
        at += 2
        if tokens[at] == "(":  # (- 5)
            values.append(-int(tokens[at + 2]))
            at += 5
        else:
            values.append(_value(tokens[at]))
            at += 2
    return values


def _value(written: str) -> Plain:
    if written in ("true", "false"):
        return written == "true"
    if written.startswith('"'):
        return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), written[1:-1].replace('""', '"'))
    return int(written)
