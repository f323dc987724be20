"""Ids that cannot be guessed.

The system's randomness is asked for in portions: each time it is asked, other threads get their turn, which under load
takes longer than everything else that an id needs.
"""

from __future__ import annotations

import os

_PORTION = 256
_DIGITS = 32
_ready: list[str] = []


def random_hex(digits: int) -> str:
    """So many hexadecimal digits of chance, at most 32: 4 bits each. Never the same twice; safe between threads."""
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
