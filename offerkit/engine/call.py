"""A call to the engine: one space, one contact, one moment."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeAlias

from offerkit.engine.hooks import Hooks
from offerkit.engine.report import Report
from offerkit.rules.types import Row

MAX_COUNT = 100
"""The most offers that one call can request."""


class CallContext(NamedTuple):
    """Who a call is for, and when. ``contact`` is None when nothing is known about the contact.

    ``key`` is the contact's canonical key (or cookie) as text, ``""`` if unknown; ``now`` is the proposition
    date, with a time zone; ``seed`` decides how ties are shuffled. ``many``: the call is for all contacts, so its
    space need not be unitary and required call data can be left out. ``hints``: messages about unknown names suggest
    similar ones. ``permanent`` and ``session``: the ids of the visitor's browser, for hooks. ``identification``: how
    the contact was identified (``interaction.identification``).
    """

    contact: Row | None
    key: str
    now: datetime
    seed: str = ""
    anonymous: bool = False
    many: bool = False
    hints: bool = True
    identification: str = "explicit"
    permanent: str = ""
    session: str = ""


OwnPart: TypeAlias = tuple[Row, Row, str, datetime, str, str, str]
"""What is each call's own: its ``data``, ``contact``, ``key``, ``now``, ``seed``, ``permanent`` and ``session``."""


class Call(NamedTuple):
    """A checked call (check_call.py). ``contact`` and ``data`` hold every declared field.

    ``offers``: only these, whatever their categories; None: those of the categories and themes. ``exclude``: offers
    already proposed in this call. ``reports``: warnings about the call, which the decision repeats. ``ruled``: whether
    presentation rules exclude offers. ``nowhere``: none of the requested categories, or none of the themes, exists, so
    the answer is empty. ``permanent`` and ``session``: the ids of the visitor's browser, for hooks. ``wanted``: the
    number of offers wanted, for hooks; 0: ``n``. ``hooks``: instead of the catalog's, with a tape. What is each call's
    own stands together, from ``data`` to ``session``.
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
    permanent: str = ""
    session: str = ""
    exclude: frozenset[str] = frozenset()
    anonymous: bool = False
    nowhere: bool = False
    reports: tuple[Report, ...] = ()
    offers: frozenset[str] | None = None
    ruled: bool = True
    wanted: int = 0
    hooks: Hooks | None = None

    def with_own(self, own: OwnPart) -> Call:
        """This call as one contact makes it now; ``own`` in the order of the fields."""
        return Call._make((*self[:4], *own, *self[11:]))

    @property
    def wanted_count(self) -> int:
        """The number of offers wanted, for hooks; ``n`` can be greater, to have some to spare."""
        return self.wanted or self.n
