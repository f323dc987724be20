"""What a contact was offered before, as presentation rules count it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Past(NamedTuple):
    """A stored proposition; ``time`` is the proposition date: an aware datetime in UTC.

    ``category`` is the one the offer had when it was proposed; ``status`` one of ``generated presented
    interested accepted scheduled rejected``.
    """

    offer: str
    category: str
    space: str
    channel: str
    status: str
    time: datetime
    weight: Decimal
    rank: int
