"""data/contacts/visitors.csv: eight visitors made by hand, each for a reason, then a thousand others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from offerkit_contacts.recipients import TODAY

COUNT = 1000
FIELDS = (
    "id", "device", "language", "country", "referrer", "landing_page", "visits", "first_seen", "searched",
    "newsletter", "bot",
)  # fmt: skip
_PLACES = ("Banff", "Canada", "Jasper", "Lisbon", "Marrakech", "New York", "Québec", "Roma")
_PAGES = ("/travel", "/travel/canada", "/travel/africa", "/bank", "/bank/cards", "/horizons")
_HOSTS = ("https://search.example/", "https://news.example/travel", "https://maps.example/")

BY_HAND = (
    # A first visit: nothing but the cookie is known.
    ("c-0001", "", "", "", "", "", "", "", "", "", ""),
    # A robot: the environment's condition leaves it out.
    ("c-0002", "desktop", "en", "US", "", "/travel", "250", "2026-01-05T03:00:00", "[]", "false", "true"),
    # Comes back and searches for Marrakech; speaks French, so the cinema is for them as well.
    ("c-0003", "mobile", "fr", "FR", "https://search.example/", "/travel/africa", "6", "2026-09-30T20:41:00",
     "Marrakech|Lisbon", "true", "false"),
    # Sits in the United States: no journey to the Americas.
    ("c-0004", "desktop", "en", "US", "", "/travel/canada", "2", "2026-11-20T16:05:00", "Banff", "false", "false"),
    # Where they are is unknown, and whether they are a robot.
    ("c-0005", "tablet", "de", "", "", "/horizons", "1", "2026-11-22T21:12:00", "", "", ""),
    # The third visit exactly: from now on they count as returning.
    ("c-0006", "desktop", "fr", "BE", "", "/bank/cards", "3", "2026-11-01T09:00:00", "[]", "false", "false"),
    # Came by an address that breaks pages which do not escape it.
    ("c-0007", "mobile", "de", "DE", "https://news.example/?q=<script>alert('1')</script>&x=\"2\"", "/travel?ref=a,b",
     "1", "2026-11-23T07:59:59+01:00", "Québec", "false", "false"),
    # Has seen us for a year, wants the newsletter, searched for nothing.
    ("c-0008", "desktop", "fr", "FR", "", "/travel", "41", "2025-11-24T12:00:00", "[]", "true", "false"),
)  # fmt: skip


def rows() -> Iterator[list[str]]:
    """All rows."""
    yield from map(list, BY_HAND)
    dice = random.Random(20261124)  # noqa: S311 - the same data on every run
    for _ in range(COUNT):
        yield _anyone(dice)


def _anyone(dice: random.Random) -> list[str]:
    visits = min(60, int(dice.expovariate(0.35)) + 1)
    seen = TODAY - timedelta(days=dice.randrange(1 if visits == 1 else visits, 390))
    searched = dice.sample(_PLACES, dice.choices((0, 1, 2, 3), (55, 25, 14, 6))[0])
    return [
        f"{dice.getrandbits(64):016x}",
        dice.choices(("desktop", "mobile", "tablet"), (40, 52, 8))[0],
        dice.choices(("fr", "en", "de"), (60, 25, 15))[0],
        dice.choices(("FR", "BE", "CH", "DE", "LU", "GB", "US", "CA", ""), (50, 12, 8, 10, 4, 6, 4, 3, 3))[0],
        dice.choice(_HOSTS) if dice.random() < 0.6 else "",
        dice.choice(_PAGES),
        str(visits),
        f"{seen}T{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}",
        "|".join(searched) or "[]",
        "true" if dice.random() < 0.1 else "false",
        dice.choices(("false", "true", ""), (94, 3, 3))[0],
    ]
