"""The live catalog and the histories of the benchmark of decisions, generated from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from decisions_rules import CALL_DATA, ENUMERATIONS, NOW, RECIPIENT, TODAY, rules, sql

from offerkit.address import Address, parse_address
from offerkit.engine.history import PastProposition
from offerkit.fingerprint import Json

ENVIRONMENT = "recipients"
CHANNEL_OF = {
    "web-home": "inbound-web",
    "web-cart": "inbound-web",
    "call-center": "inbound-call-center",
    "newsletter": "email",
}
SPACE = "web-home"
"""The space that is asked."""
HISTORY = 20
"""Propositions made to each contact before."""
ROOTS = 10
STATUSES = ("presented", "interested", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of each kind go with a number of offers: categories, themes and rules grow with its square root.

    ``distinct``: this many rules instead.
    """

    offers: int
    distinct: int = 0

    def _grown(self, at_thousand: int) -> int:
        return round(at_thousand * math.sqrt(self.offers / 1000))

    @property
    def categories(self) -> int:
        return self._grown(100)

    @property
    def themes(self) -> int:
        return self._grown(20)

    @property
    def rules(self) -> int:
        return self.distinct or self._grown(200)


@dataclass(frozen=True, slots=True)
class Live:
    """What a live stage holds: canonical bodies by address, and the spaces that each offer is activated on."""

    shape: Shape
    bodies: Mapping[Address, dict[str, Json]]
    activated: Mapping[Address, tuple[str, ...]]


def category_name(number: int) -> str:
    """The path of a category: ten roots, all others below them."""
    return f"group-{number}" if number < ROOTS else f"group-{number % ROOTS}/cat-{number}"


def theme_name(number: int) -> str:
    return f"theme-{number}"


def offer_name(number: int) -> str:
    return f"offer-{number:05d}"


def category_of(shape: Shape, number: int) -> str:
    """The category of an offer; the roots have none of their own."""
    return category_name(ROOTS + number % (shape.categories - ROOTS))


def live(shape: Shape, seed: int = 1) -> Live:
    """Generate the live stage."""
    rng = random.Random(f"catalog {seed}")
    texts = [sql(rule) for rule in rules(shape.rules, seed)]
    bodies: dict[str, dict[str, Json]] = {**_shared(), **_presentation_rules()}
    bodies |= {f"{ENVIRONMENT}/space.{name}": _space(channel) for name, channel in CHANNEL_OF.items()}
    for number in range(shape.categories):
        bodies[f"{ENVIRONMENT}/category.{category_name(number)}"] = _category(shape, number)
    for number in range(0, len(texts), 2):
        bodies[f"{ENVIRONMENT}/filter.filter-{number}"] = {"when": texts[number]}
    chosen = [number % len(texts) for number in range(shape.offers)]
    rng.shuffle(chosen)
    activated: dict[str, tuple[str, ...]] = {}
    for number, rule in enumerate(chosen):
        address = f"{ENVIRONMENT}/offer.{offer_name(number)}"
        bodies[address] = _offer(rng, shape, number, rule, texts[rule])
        spaces = [name for name in CHANNEL_OF if rng.random() < (0.9 if name == SPACE else 0.5)]
        activated[address] = tuple(spaces)
    on = {parse_address(text): spaces for text, spaces in activated.items()}
    return Live(shape, {parse_address(text): body for text, body in bodies.items()}, on)


def history(shape: Shape, seed: str) -> tuple[PastProposition, ...]:
    """What a contact was offered in the last sixty days, a few offers more often than others, oldest first."""
    rng = random.Random(f"history {seed}")
    found: list[PastProposition] = []
    for _ in range(HISTORY):
        number = int(shape.offers * rng.random() ** 3)
        space = rng.choice(tuple(CHANNEL_OF))
        found.append(
            PastProposition(
                offer=offer_name(number),
                category=category_of(shape, number),
                space=space,
                channel=CHANNEL_OF[space],
                status=rng.choices(STATUSES, weights=(14, 3, 1, 2))[0],
                time=NOW - timedelta(minutes=rng.randint(1, 60 * 24 * 60)),
                weight=Decimal(rng.randint(1, 40)),
                rank=rng.randint(1, 3),
            )
        )
    return tuple(sorted(found, key=lambda past: past.time))


def _shared() -> dict[str, dict[str, Json]]:
    return {
        "dimension.recipient": {
            "key": ["id"],
            "fields": _fields(RECIPIENT),
        },
        f"environment.{ENVIRONMENT}": {
            "dimension": "recipient",
            "typology": "pressure",
            "time_zone": "Europe/Paris",
            "when": "recipient.email is not null",
            "call_data": _fields(CALL_DATA),
        },
    }


def _fields(types: Mapping[str, str]) -> dict[str, Json]:
    return {name: _field(type_, ENUMERATIONS.get(name, ())) for name, type_ in types.items()}


def _field(type_: str, values: Sequence[str]) -> Json:
    return {"type": type_, "values": [*values]} if values else {"type": type_}


def _space(channel: str) -> dict[str, Json]:
    return {
        "channel": channel,
        "unitary": channel != "email",
        "fields": [{"name": "title", "required": True}, {"name": "html"}],
        "render": {"html": "<h3>{{ title }}</h3>"},
    }


def _category(shape: Shape, number: int) -> dict[str, Json]:
    body: dict[str, Json] = {"label": f"Category {number}"}
    if number < ROOTS:
        if number % 3 == 0:
            body["eligible"] = {"when": f"recipient.age >= {18 + number}"}
        return body
    body["themes"] = [theme_name(number % shape.themes)]
    if number % 20 == 13:
        body["enabled"] = False
    if number == ROOTS:
        body["always_include"] = True
    if number % 4 == 0:
        start = TODAY - timedelta(days=number % 60)
        until = start + timedelta(days=45)
        body["multiplier"] = {"factor": "1.5", "from": start.isoformat(), "until": until.isoformat()}
    return body


def _offer(rng: random.Random, shape: Shape, number: int, rule: int, text: str) -> dict[str, Json]:
    start = TODAY - timedelta(days=rng.randint(-30, 300))
    eligible: dict[str, Json] = {
        "from": start.isoformat(),
        "until": (start + timedelta(days=330)).isoformat(),
        **({"filters": [{"filter": f"filter-{rule}"}]} if rule % 2 == 0 else {"when": text}),
    }
    season: dict[str, Json] = {
        "label": "season",
        "weight": str(20 + rng.randint(0, 20)),
        "from": (TODAY - timedelta(days=rng.randint(0, 90))).isoformat(),
        "until": (TODAY + timedelta(days=rng.randint(0, 45))).isoformat(),
        "spaces": [rng.choice(tuple(CHANNEL_OF))],
    }
    return {
        "label": f"Offer {number}",
        "code": f"T{number:05d}",
        "category": category_of(shape, number),
        "eligible": eligible,
        "weights": [{"weight": str(rng.randint(1, 20))}, season],
        "content": {"title": f"Offer {number}", "html": f"<p>From {90 + number % 400} euros.</p>"},
    }


def _presentation_rules() -> dict[str, dict[str, Json]]:
    bodies: dict[str, dict[str, Json]] = {
        "seen": {"counted": {"of": "offer"}, "period": {"before": "14d"}, "max": 2},
        "declined": {"counted": {"of": "offer", "status": "rejected"}, "period": {"before": "60d"}, "max": 1},
        "bought": {"counted": {"of": "offer", "status": "accepted"}, "max": 1},
        "category-pressure": {"counted": {"of": "category", "same_channel": True}, "max": 3},
        "partners": {
            "applies_to": {"categories": ["group-2", "group-7"]},
            "channel": "inbound-web",
            "contacts": "recipient.loyalty <> 'gold'",
            "counted": {"of": "applies-to", "when": "proposition.weight >= 5 and proposition.rank <= 2"},
            "period": {"before": "20d 12h"},
            "max": 3,
        },
    }
    found = {f"{ENVIRONMENT}/rule.{name}": body for name, body in bodies.items()}
    return {**found, f"{ENVIRONMENT}/typology.pressure": {"rules": [*sorted(bodies)]}}
