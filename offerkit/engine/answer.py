"""The rendered answer to a call: what commands print and the server sends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from offerkit.engine.decision import DecisionTrace
from offerkit.engine.identify import IdentifiedBy
from offerkit.engine.report import Report
from offerkit.rules.types import Value


class ProposedOffer(NamedTuple):
    """One offer of the answer. ``id`` is empty when the proposition is not stored; ``rendered`` is by output format."""

    id: str
    offer: str
    label: str
    category: str
    rank: int
    weight: Decimal
    status: str
    fields: Mapping[str, str]
    rendered: Mapping[str, str]
    product: Mapping[str, Value] | None = None
    product_fields: Mapping[str, Value] = MappingProxyType({})
    """The known values of the product that the environment declares: those that every caller is given."""


class SpaceAnswer(NamedTuple):
    """What one space of the call shows. ``environment`` and ``space`` are those that answered, possibly the fallback.

    ``excluded`` counts the offers of the slice that are not shown, by reason: ``environment-condition`` (all of them,
    counted as one), ``not-eligible`` (steps 4 to 7), ``presentation-rule``, ``not-rendered``, ``beyond-n`` (ranked
    too low, shown on another space of the call, or dropped by a hook).
    """

    asked: str
    environment: str
    space: str
    how: IdentifiedBy
    contact: str
    revision: int
    proposed: tuple[ProposedOffer, ...]
    reports: tuple[Report, ...]
    trace: DecisionTrace | None = None
    stored: bool = False
    excluded: Mapping[str, int] = MappingProxyType({})

    @property
    def name(self) -> str:
        """``ENVIRONMENT/SPACE`` of the space that answered."""
        return f"{self.environment}/{self.space}"


class Answer(NamedTuple):
    """The answer to one call; ``interaction`` identifies the call in the history of propositions.

    ``at`` is the time of the call in the first space's time zone. ``cookie`` is the visitor's new cookie; empty if
    the cookie that came with the call stays valid.
    """

    interaction: str
    at: datetime
    spaces: tuple[SpaceAnswer, ...]
    cookie: str = ""
