"""Dynamic offer: turns one offer into several products, each with its own weight and data.

The stock is a small file here; in a company it is the booking system.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files

from offerkit.hooks import DynamicOfferHook, HookCall, HookOffer, Row


def rooms_tonight(offer: HookOffer, contact: Row, data: Row, call: HookCall) -> list[tuple[dict[str, object], Decimal]]:
    """One product for each hotel of the offer's supplier with a free room, where the visitor wants to go.

    What earns more weighs more: the weight is the offer's own, times its margin on the price.
    """
    margin = offer.fields["margin"]
    share = margin if isinstance(margin, Decimal) else Decimal("0.1")
    return [
        (
            {
                "title": f"{room['hotel']}, {room['city']}",
                "hotel": room["hotel"],
                "city": room["city"],
                "price": Decimal(room["price"]),
            },
            offer.weight * share * Decimal(room["price"]),
        )
        for room in _stock()
        if room["supplier"] == offer.fields["supplier"]
        and int(room["free"]) > 0
        and data["searched"] in (None, room["city"])
    ]


@cache
def _stock() -> Sequence[dict[str, str]]:
    return list(csv.DictReader(files(__name__).joinpath("rooms.csv").read_text("utf-8").splitlines()))


check: DynamicOfferHook = rooms_tonight
