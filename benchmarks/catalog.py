"""The catalog that both peers are given, as plain data that neither of them knows.

Why a neutral form: the YAML of offerkit and the HCL of Terraform are written from the same resources, so
the number of resources, of fields and of references is equal by construction, not by two generators that are
kept in step.
Everything follows from the number of offers and an offer's number: no randomness, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ref:
    """One resource named by another: a name in YAML, a reference (an edge of the graph) in HCL."""

    kind: str
    name: str


Value: TypeAlias = "str | bool | int | float | date | Ref | Sequence[Value] | Mapping[str, Value]"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing to manage. ``parent`` is the tree: the path of the name in YAML, a reference in HCL."""

    kind: str
    name: str
    fields: Mapping[str, Value]
    parent: Ref | None = None
    references: tuple[Ref, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = dict.fromkeys(references_of(self.fields))
        if self.parent is not None:
            found[self.parent] = None
        object.__setattr__(self, "references", tuple(found))


def references_of(value: Value) -> Iterator[Ref]:
    """Yield every reference inside a value, in the order written."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references_of(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from references_of(inner)


ADMINISTRATOR = "ada"
CHANNELS = ("email", "inbound-web", "inbound-call-center", "sms")
COUNTRIES = ("FR", "US", "CA")
PLACES = (
    "the Rockies",
    "the Atlantic coast",
    "Cape Town",
    "the Loire",
    "Yosemite",
    "the Great Lakes",
    "Zanzibar",
)
THEMES = ("travel", "family", "winter", "summer", "partner", "best")
OPERATORS = {
    ADMINISTRATOR: ("Ada", "administrator"),
    "omar": ("Omar", "offer-manager"),
    "brand": ("Brand team", "offer-manager"),
    "risk": ("Risk team", "offer-manager"),
    "dana": ("Dana", "delivery-manager"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of each kind go with a number of offers."""

    offers: int

    @property
    def categories(self) -> int:
        return max(1, self.offers // 10)

    @property
    def spaces(self) -> int:
        return max(8, min(40, self.offers // 1000))

    @property
    def filters(self) -> int:
        return max(10, min(200, self.offers // 500))

    @property
    def templates(self) -> int:
        return 5

    @property
    def resources(self) -> int:
        """All resources, with the dimension, the environment and the operators."""
        small = 2 + len(OPERATORS) + self.spaces + self.filters + self.templates
        return small + self.categories + self.offers


def shape_of_resources(total: int) -> Shape:
    """Return the largest shape of at most ``total`` resources: "creating 2,000" means 2,000 in all."""
    offers = total
    while offers > 1 and Shape(offers).resources > total:
        offers -= 1
    return Shape(offers)


def dimension() -> Resource:
    """Return the people offers are made to."""
    fields: dict[str, Value] = {
        "label": "Recipients",
        "key": ["id"],
        "fields": {
            "id": {"type": "string"},
            "email": {"type": "string"},
            "first_name": {"type": "string"},
            "country": {"type": "enumeration", "values": list(COUNTRIES)},
            "age": {"type": "integer"},
        },
    }
    return Resource("dimension", "recipient", fields)


def environment() -> Resource:
    """Return the one environment, for the one dimension."""
    fields: dict[str, Value] = {
        "label": "Recipients",
        "dimension": Ref("dimension", "recipient"),
        "time_zone": "Europe/Paris",
    }
    return Resource("environment", "recipients", fields)


def operators() -> Iterator[Resource]:
    """Yield the operators: an administrator who applies, and some of every other profile."""
    for name, (label, profile) in OPERATORS.items():
        yield Resource("operator", name, {"label": label, "email": f"{name}@example.com", "profile": profile})


def space_name(number: int) -> str:
    return f"{CHANNELS[number % len(CHANNELS)]}-{number:02d}"


def spaces(shape: Shape) -> Iterator[Resource]:
    """Yield the spaces, all with the same four content fields, so that every offer fits every space."""
    for number in range(shape.spaces):
        fields: dict[str, Value] = {
            "label": f"Space {number:02d}",
            "channel": CHANNELS[number % len(CHANNELS)],
            "unitary": True,
            "fields": [
                {"name": "title", "required": True},
                {"name": "destination_url", "required": True},
                {"name": "image_url"},
                {"name": "html", "required": True},
            ],
            "render": {"html": '<a href="{{ destination_url }}"><h3>{{ title }}</h3>{{ html }}</a>'},
            "identification": {"keys": ["email"]},
            "storage": {"proposed": "presented", "accepted": "accepted"},
        }
        yield Resource("space", space_name(number), fields)


def filter_name(number: int) -> str:
    return f"filter-{number:03d}"


def filters(shape: Shape) -> Iterator[Resource]:
    """Yield the named conditions, no two alike."""
    for number in range(shape.filters):
        country = COUNTRIES[number % len(COUNTRIES)]
        when = f"recipient.age >= {18 + number % 50} and recipient.country <> '{country}'"
        yield Resource("filter", filter_name(number), {"label": f"Filter {number:03d}", "when": when})


def templates(shape: Shape) -> Iterator[Resource]:
    """Yield the offer templates."""
    for number in range(shape.templates):
        fields: dict[str, Value] = {"label": f"Template {number}", "weights": [{"weight": 5 + number}]}
        yield Resource("template", f"template-{number}", fields)


def category_name(number: int) -> str:
    """Return the path of a category: ten roots, and up to ten children of each category below."""
    return f"cat-{number}" if number < 10 else f"{category_name(number // 10)}/cat-{number}"


def categories(shape: Shape) -> Iterator[Resource]:
    """Yield the category tree, parents before children."""
    for number in range(shape.categories):
        fields: dict[str, Value] = {
            "label": f"Category {number}, {PLACES[number % len(PLACES)]}",
            "themes": [THEMES[number % len(THEMES)]],
            "multiplier": {
                "factor": 1.25 + (number % 4) / 4,
                "from": date(2026, 12, 1),
                "until": date(2026, 12, 1 + number % 31),
            },
        }
        parent = Ref("category", category_name(number // 10)) if number >= 10 else None
        yield Resource("category", category_name(number), fields, parent)


def offer(shape: Shape, number: int, revision: int = 0) -> Resource:
    """Return an offer. A revision other than 0 has another title, and differs in nothing else."""
    place = PLACES[number % len(PLACES)]
    edited = f", edition {revision}" if revision else ""
    here, there = space_name(number % shape.spaces), space_name((number + 1) % shape.spaces)
    start = date(2026, 1, 1) + timedelta(days=number % 365)
    chosen = [number % shape.filters, (number + 3) % shape.filters][: 1 + number % 2]
    places = [there, here][: 1 + number % 2]
    country = COUNTRIES[number % len(COUNTRIES)]
    fields: dict[str, Value] = {
        "label": f"Offer {number}, {place} by train",
        "code": f"T{number:06d}",
        "category": Ref("category", category_name(number % shape.categories)),
        "template": Ref("template", f"template-{number % shape.templates}"),
        "eligible": {
            "from": start,
            "until": date(2028, 6, 30),
            "filters": [Ref("filter", filter_name(index)) for index in chosen],
            "when": f"recipient.country <> '{country}' and recipient.age >= {18 + number % 60}",
        },
        "weights": [
            {"weight": 1 + number % 20},
            {
                "label": "season",
                "weight": 20 + number % 30,
                "from": start,
                "until": start + timedelta(days=60),
                "spaces": [Ref("space", each) for each in places],
            },
        ],
        "content": {
            "title": f"{10 + number % 9} days in {place}{edited}",
            "destination_url": f"https://travel.example/offers/{number}",
            "image_url": f"https://images.example/offers/{number}.jpg",
            "html": f"<p>From {90 + number % 400} euros: see <em>{place}</em>, with offer {number}.</p>",
        },
        "representations": {
            there: {"title": f"{{{{ recipient.first_name }}}}, {10 + number % 9} days in {place} ({number})"},
        },
    }
    return Resource("offer", f"offer-{number:06d}", fields)
