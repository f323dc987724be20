"""The hooks that the bundled specs name: one of each of the three kinds (docs/hooks.md).

They are plain functions of plain values, without network or clock, so that they can be read and tested in a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from offerkit.hooks import Candidate, Row

AIRPORTS = {
    "BOS": "Boston",
    "EWR": "New York",
    "JFK": "New York",
    "LAS": "Las Vegas",
    "RAK": "Marrakech",
    "YQB": "Québec",
}
"""The city of an airport, by its code."""

RATES = (
    ("Boston", "Harbour House", Decimal("129")),
    ("Las Vegas", "The Mojave", Decimal("84")),
    ("New York", "Bryant Park Rooms", Decimal("189")),
    ("New York", "Hudson Yard Inn", Decimal("164")),
)
"""What the booking system of a real company would be asked for: city, hotel, euros for a night."""


def device_location(contact: Row, data: Row) -> dict[str, object]:
    """Target loading: the destination is the city of the airport that the phone is at.

    The app names the airport in the page it asks for: ``/start?airport=JFK``. A destination that the call passes stays.
    """
    if data["destination"] is not None or not isinstance(page := data["page"], str):
        return {}
    codes = parse_qs(urlsplit(page).query).get("airport", [])
    city = AIRPORTS.get(codes[0].upper()) if codes else None
    return {} if city is None else {"destination": city}


def hotel_rates(offer: str, contact: Row, data: Row) -> list[tuple[dict[str, object], Decimal]]:
    """Dynamic offer: one product for each hotel, the cheapest first; those where the phone is weigh more."""
    return [
        (
            {
                "title": f"{hotel}, {city}",
                "text": f"Tonight from €{rate}. Free cancellation until the evening before.",
                "city": city,
                "rate": rate,
            },
            Decimal(20) if city == data["destination"] else Decimal(8),
        )
        for city, hotel, rate in sorted(RATES, key=lambda row: row[2])
    ]


def one_of_a_kind(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Post-processing: of each category the first only, so that no screen has two cards of one kind."""
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.category, candidate)
    return list(best.values())
