"""A stored proposition explained: what decided it then, as far as it can be known, and the decision repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offerkit.engine.decision import DecisionTrace


@dataclass(frozen=True, slots=True)
class PastRevision:
    """A revision of the history: what it did, who, and when (UTC)."""

    revision: int
    action: str
    actor: str
    time: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class PastApproval:
    """Who had approved an aspect of the offer as it was live; ``revision`` is None if no approval of it is recorded.

    ``address``: the offer, or what settings are of.
    """

    address: str
    aspect: str
    space: str
    operator: str = ""
    comment: str = ""
    revision: PastRevision | None = None


@dataclass(frozen=True, slots=True)
class PastRule:
    """One thing that decided about the offer: where it stood, its text, and with evidence what it gave.

    ``part``: of the environment, a category, the offer, its weight or the typology. ``result``: what it gave; empty if
    not known. ``read``: the values that it read, by name.
    """

    part: str
    where: str
    text: str
    result: str = ""
    read: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repetition:
    """The decision made again, from what it read then (``evidence``), or with the contact as it is now.

    ``differences``: where the two answers differ, a sentence each; none: they are equal. ``engine``: the version of
    offerkit that decided; ``now``: the one that repeats. ``read``: the values that the decision read.
    """

    differences: tuple[str, ...]
    engine: str
    now: str
    read: Mapping[str, str]
    trace: DecisionTrace | None = None
    evidence: bool = True


@dataclass(frozen=True, slots=True)
class ExplainedProposition:
    """A proposition and what decided it. ``contact`` is its key; times are UTC.

    ``delivery``: the one that made it (CAMPAIGN/NAME), if one did. ``decided_by``: the live revision that decided; None
    if the store no longer has it. ``promoted_by``: the last one that changed the offer in live. ``content``: the texts
    of the offer on the space then; ``shown``: as the contact saw them, which needs evidence. ``unknown``: what can no
    longer be known, a sentence each. ``repeated``: None without evidence. ``present``: the decision with the contact as
    it is now, if that was asked for.
    """

    id: str
    time: str
    environment: str
    space: str
    channel: str
    contact: str
    interaction: str
    offer: str
    label: str
    category: str
    rank: int
    weight: str
    status: str
    changed: str
    revision: int
    product: Mapping[str, Any] | None
    delivery: str
    decided_by: PastRevision | None
    promoted_by: PastRevision | None
    content: Mapping[str, str]
    shown: Mapping[str, str]
    approvals: tuple[PastApproval, ...]
    rules: tuple[PastRule, ...]
    unknown: tuple[str, ...]
    repeated: Repetition | None = None
    present: Repetition | None = None
