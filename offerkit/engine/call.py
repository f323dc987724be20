"""A call to the engine: one space, one contact, one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from offerkit.engine.report import Report
from offerkit.rules.types import Row

MAX_COUNT = 100
"""The most offers that one call may ask for."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who is asking, and when. ``contact`` None: nothing is known of them.

    ``key`` is the contact's canonical key (or cookie) as text, ``""`` when there is none; ``now`` is the
    proposition date, aware; ``seed`` decides how ties are shuffled. ``many``: the call is made for a whole
    population, so its space need not be unitary, and nobody has to pass call data. ``hints``: what is told of unknown
    names names those like them.
    """

    contact: Row | None
    key: str
    now: datetime
    seed: str = ""
    anonymous: bool = False
    many: bool = False
    hints: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, checked (check_call.py). ``contact`` and ``data`` hold every declared field.

    ``offers``: only these, whatever their categories; None: those of the categories and themes. ``exclude``: offers
    already proposed in this call. ``reports``: warnings about the call, which the decision repeats. ``nowhere``: none
    of the categories, or none of the themes, exists: the answer is empty.
    """

    space: str
    n: int
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    data: Row
    contact: Row
    key: str
    now: datetime
    seed: str = ""
    exclude: frozenset[str] = field(default_factory=frozenset)
    anonymous: bool = False
    nowhere: bool = False
    reports: tuple[Report, ...] = ()
    offers: frozenset[str] | None = None
