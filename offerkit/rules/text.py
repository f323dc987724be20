"""Text functions for known values: by code point, independent of the locale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

LONGEST: Final = 1_000_000
"""The longest result of ``replace``; beyond it is unknown, because nested calls could fill any memory."""

# Where Python maps to several characters, or Unicode has no simple mapping, but DuckDB maps to one character.
_LOWER = {"İ": "i"}
_UPPER = {
    "ß": "ẞ",
    **{chr(code): chr(code + 8) for first in (0x1F80, 0x1F90, 0x1FA0) for code in range(first, first + 8)},
    **{chr(code): chr(code + 9) for code in (0x1FB3, 0x1FC3, 0x1FF3)},
}


def lower(text: str) -> str:
    """In lower case, one character for each character."""
    return text.lower() if text.isascii() else "".join(map(_lower_one, text))


def upper(text: str) -> str:
    """In upper case, one character for each character."""
    return text.upper() if text.isascii() else "".join(map(_upper_one, text))


def _lower_one(sign: str) -> str:
    small = sign.lower()
    return small if len(small) == 1 else _LOWER.get(sign, sign)


def _upper_one(sign: str) -> str:
    capital = sign.upper()
    return capital if len(capital) == 1 else _UPPER.get(sign, sign)


def trim(text: str) -> str:
    """Without leading and trailing spaces; other white space stays."""
    return text.strip(" ")


def substring_from(text: str, start: int) -> str:
    """From position ``start`` (the first is 1) to the end."""
    return text[max(start, 1) - 1 :]


def substring(text: str, start: int, length: int) -> str | None:
    """``length`` characters from ``start``; positions below 1 count but are empty. A negative length gives None."""
    if length < 0:
        return None
    return text[max(start, 1) - 1 : max(start + length, 1) - 1]


def replace(text: str, old: str, new: str) -> str | None:
    """Each ``old`` replaced; unchanged if ``old`` is empty, None if the result has more than LONGEST characters."""
    if not old:
        return text
    growth = len(new) - len(old)
    if growth > 0 and len(text) + text.count(old) * growth > LONGEST:
        return None
    return text.replace(old, new)


def like(pattern: str) -> Callable[[str], bool]:
    """A test for ``pattern`` (``%`` any text, ``_`` one character). It never backtracks, so no pattern is slow."""
    first, *others = pattern.split("%")
    if not others:
        return lambda text: len(text) == len(first) and _fits(text, 0, first)
    *middles, last = others
    finders = [_finder(part) for part in middles if part]
    shortest = len(first) + len(last)

    def matches(text: str) -> bool:
        end = len(text) - len(last)
        if len(text) < shortest or not _fits(text, 0, first) or not _fits(text, end, last):
            return False
        position = len(first)
        for find in finders:
            # The leftmost match leaves the most room for the rest, so no other one has to be tried.
            position = find(text, position, end)
            if position < 0:
                return False
        return True

    return matches


def _fits(text: str, position: int, part: str) -> bool:
    if "_" not in part:
        return text.startswith(part, position)
    return all(
        expected in ("_", character)
        for expected, character in zip(part, text[position : position + len(part)], strict=True)
    )


def _finder(part: str) -> Callable[[str, int, int], int]:
    """Returns a function that finds the leftmost ``part`` between two indexes: the index after it, or -1."""
    size = len(part)
    if "_" not in part:

        def find(text: str, begin: int, end: int) -> int:
            match = text.find(part, begin, end)
            return match if match < 0 else match + size

        return find
    # Shift-and: bit i means that the last i + 1 characters are the first i + 1 of the part. One step per character.
    anything = sum(1 << index for index, character in enumerate(part) if character == "_")
    masks = dict.fromkeys(part, anything)
    for index, character in enumerate(part):
        masks[character] |= 1 << index
    full = 1 << (size - 1)

    def shift_and(text: str, begin: int, end: int) -> int:
        state = 0
        for at in range(begin, end):
            state = (state << 1 | 1) & masks.get(text[at], anything)
            if state & full:
                return at + 1
        return -1

    return shift_and
