"""Differences that are meant: answers of before which were wrong. Each rule is as narrow as it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offerkit_compare.differences import Difference


@dataclass(frozen=True)
class Expected:
    """Explains a difference; ``explains`` sees all those of one command, and the one it is asked about."""

    name: str
    why: str
    explains: Callable[[Sequence[Difference], Difference], bool]


EXPECTED: tuple[Expected, ...] = ()
