"""Numbers of contacts: exact, or rounded for operators who cannot read contacts (docs/roles.md, “Reading contacts”).

A rounded number is a value of its own, so that no report can take it for an exact one. In JSON an exact number is a
number, a rounded one an object: ``{"about": 430}`` or ``{"fewer_than": 5}``. 0 is always exact.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TypeAlias

from offerkit.fingerprint import Json

FEWEST = 5
"""The smallest number, other than 0, that operators who cannot read contacts are shown."""


@dataclass(frozen=True, slots=True)
class About:
    """A number of contacts, rounded to two significant digits."""

    about: int


@dataclass(frozen=True, slots=True)
class FewerThan:
    """At least one contact, but fewer than that."""

    fewer_than: int


Count: TypeAlias = int | About | FewerThan
"""A number of contacts."""


def rounded(count: int) -> Count:
    """0, fewer than 5, or two significant digits.

    Each number is rounded by itself and totals are rounded last, so that neither sums nor differences give exact ones.
    """
    if count < FEWEST:
        return FewerThan(FEWEST) if count else 0
    unit = 10 ** max(0, len(str(count)) - 2)
    return About((count + unit // 2) // unit * unit)


def size(count: Count) -> int:
    """A plain number for ``count``, to sort, draw and divide; of a rounded count, the rounded value."""
    match count:
        case About(about):
            return about
        case FewerThan(fewer_than):
            return fewer_than - 1
        case _:
            return count


def is_exact(count: Count) -> bool:
    """Whether ``count`` is exact; 0 always is."""
    return isinstance(count, int)


def said(count: Count, sign: str = "") -> str:
    """``1,204``, ``+1,204``, ``about 1,200``, ``fewer than 5``. Only exact numbers carry a ``sign``."""
    match count:
        case About(about):
            return f"about {about:,}"
        case FewerThan(fewer_than):
            return f"fewer than {fewer_than}"
        case _:
            return f"{sign}{count:,}" if count else "0"


def share(count: Count, of: Count) -> str:
    """``12.5%``, or ``about 13%`` for rounded numbers; empty if it cannot be computed."""
    if isinstance(of, int):
        return f"{size(count) / of:.1%}" if of else "0.0%"
    if count == 0:
        return "0%"
    if isinstance(count, FewerThan) or isinstance(of, FewerThan):
        return ""
    percent = 100 * size(count) / size(of)
    return f"about {percent:.0f}%" if percent >= 1 else "less than 1%"


def as_json(count: Count) -> Json:
    """``count`` as a JSON value."""
    return count if isinstance(count, int) else dict(asdict(count))


def count_of(found: Json) -> Count | None:
    """The count in a value from :func:`as_json`; None for any other value."""
    match found:
        case bool():
            return None
        case int(exact):
            return exact
        case {"about": int(about)}:
            return About(about)
        case {"fewer_than": int(fewer)}:
            return FewerThan(fewer)
        case _:
            return None


def exceeds(lost: Count, served: Count, limit: str) -> bool:
    """Whether ``lost`` is a larger part of ``served`` than ``limit`` (``10%``) allows, as far as these numbers tell."""
    if not limit or isinstance(lost, FewerThan):
        return False
    return size(lost) * 100 > Decimal(limit.rstrip("%")) * size(served)
