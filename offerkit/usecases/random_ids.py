"""Random identifiers that cannot be guessed.

Random bytes are read from the system in batches: every system call lets other threads run, which under load takes
longer than everything else that an identifier needs.
"""

from __future__ import annotations

import os

_PORTION = 256
_DIGITS = 32
_ready: list[str] = []


def random_hex(digits: int) -> str:
    """Return ``digits`` random hexadecimal digits (4 bits each, 32 at most). Thread-safe; never repeats."""
    if digits > _DIGITS:
        raise ValueError(f"at most {_DIGITS} digits: {digits}")
    try:
        return _ready.pop()[:digits]
    except IndexError:
        text = os.urandom(_PORTION * _DIGITS // 2).hex()
        pieces = [text[at : at + _DIGITS] for at in range(0, len(text), _DIGITS)]
        mine = pieces.pop()[:digits]
        _ready.extend(pieces)
        return mine


os.register_at_fork(after_in_child=_ready.clear)
