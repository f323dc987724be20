"""The answer to a call, rendered: what commands print and the server sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from offerkit.engine.decision import DecisionTrace
from offerkit.engine.identify import IdentifiedBy
from offerkit.engine.report import Report
from offerkit.rules.types import Value


@dataclass(frozen=True)
class ProposedOffer:
    """One offer of the answer. ``id`` is empty when it is not stored; ``rendered`` by output."""

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


@dataclass(frozen=True)
class SpaceAnswer:
    """What one space of the call shows. ``space`` and ``environment`` answered: the fallback's, maybe.

    ``excluded`` counts the offers of the slice that are not shown, by what kept them out: ``environment-condition``
    (all of them, counted as one), ``not-eligible`` (steps 4 to 7), ``presentation-rule``, ``not-rendered``,
    ``beyond-n`` (ranked too low, shown on another space of the call, or dropped by a hook).
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
    excluded: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``ENVIRONMENT/SPACE`` of the space that answered."""
        return f"{self.environment}/{self.space}"


@dataclass(frozen=True)
class Answer:
    """The answer to one call; ``interaction`` names the call in the history of propositions.

    ``at`` is the time of the call in the first space's time zone. ``cookie`` is the visitor's from now on, where that
    is another one than the call came with; empty: there is no new one.
    """

    interaction: str
    at: datetime
    spaces: tuple[SpaceAnswer, ...]
    cookie: str = ""
