"""The rules and the contacts of the benchmark of decisions, as plain data that no engine knows.

Why a neutral form: the SQL of offerkit, the expressions of zen-engine and those of CEL are written from the same
conditions, so that all three are asked the same. Everything follows from a seed; nothing asks the clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = str | int | Decimal | bool | date | tuple[str, ...] | None

NOW = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
WALL_CLOCK = datetime(2026, 11, 2, 12, 0)
"""What a clock on the wall shows at that moment in the environment's zone, Europe/Paris."""
TODAY = WALL_CLOCK.date()

COUNTRIES = ("FR", "US", "CA", "DE", "GB", "ES", "IT", "BE", "NL", "CH", "AT", "PT")
LANGUAGES = ("fr", "en", "de", "es", "it")
LOYALTY = ("none", "bronze", "silver", "gold")
DEVICES = ("mobile", "desktop", "tablet")
INTERESTS = ("ski", "city", "beach", "family", "golf", "food", "music", "trek", "art", "spa")

RECIPIENT: Mapping[str, str] = {
    "id": "string",
    "email": "string",
    "first_name": "string",
    "country": "enumeration",
    "language": "enumeration",
    "loyalty": "enumeration",
    "age": "integer",
    "orders": "integer",
    "spent": "decimal",
    "score": "decimal",
    "member_since": "date",
    "last_order": "date",
    "newsletter": "boolean",
    "interests": "list",
    "city": "string",
}
"""The fields of a contact with their types."""
ENUMERATIONS = {"country": COUNTRIES, "language": LANGUAGES, "loyalty": LOYALTY, "device": DEVICES}
CALL_DATA: Mapping[str, str] = {"device": "enumeration", "basket": "decimal"}
"""The fields that a call may pass with their types."""
NULLABLE = ("country", "language", "age", "score", "last_order", "interests", "city", "basket")


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact with the data of its call."""

    recipient: Mapping[str, Value]
    interaction: Mapping[str, Value]

    @property
    def complete(self) -> bool:
        """Whether nothing is unknown, except the city, which rules ask about by name."""
        values = {**self.recipient, **self.interaction, "city": ""}
        return all(value is not None for value in values.values())


@dataclass(frozen=True, slots=True)
class OneOf:
    """``field in (…)``."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotEqual:
    """``not (field = value)``: unknown when the field is; the peers say true."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Between:
    """``low <= field <= high``, of integers."""

    field: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``field >= low``, of a decimal or an integer."""

    field: str
    low: int


@dataclass(frozen=True, slots=True)
class OrElse:
    """``coalesce(field, default) >= low``, of decimals."""

    field: str
    default: int
    low: int


@dataclass(frozen=True, slots=True)
class Before:
    """``field < day``."""

    field: str
    day: date


@dataclass(frozen=True, slots=True)
class Within:
    """``field`` is at most so many days ago."""

    field: str
    days: int


@dataclass(frozen=True, slots=True)
class Has:
    """The list has the entry."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Known:
    """``field is not null``."""

    field: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean that must be true."""

    field: str


Condition: TypeAlias = OneOf | NotEqual | Between | AtLeast | OrElse | Before | Within | Has | Known | Flag
Rule: TypeAlias = tuple[Condition, ...]
"""Conditions that must all hold."""

_DRAWS: tuple[Callable[[random.Random], Condition], ...] = (
    lambda rng: OneOf("country", tuple(sorted(rng.sample(COUNTRIES, rng.randint(4, 8))))),
    lambda rng: OneOf("language", tuple(sorted(rng.sample(LANGUAGES, rng.randint(2, 3))))),
    lambda rng: OneOf("loyalty", tuple(sorted(rng.sample(LOYALTY, rng.randint(2, 3))))),
    lambda rng: OneOf("device", tuple(sorted(rng.sample(DEVICES, 2)))),
    lambda rng: NotEqual("country", rng.choice(COUNTRIES)),
    lambda rng: Between("age", rng.randint(18, 35), rng.randint(45, 80)),
    lambda rng: AtLeast("age", rng.randint(18, 50)),
    lambda rng: AtLeast("orders", rng.randint(1, 6)),
    lambda rng: AtLeast("spent", 25 * rng.randint(1, 24)),
    lambda rng: AtLeast("basket", 5 * rng.randint(1, 12)),
    lambda rng: OrElse("score", 50, 5 * rng.randint(2, 13)),
    lambda rng: Before("member_since", TODAY - timedelta(days=rng.randint(60, 1200))),
    lambda rng: Within("member_since", rng.randint(900, 3000)),
    lambda rng: Within("last_order", 15 * rng.randint(6, 30)),
    lambda rng: Has("interests", rng.choice(INTERESTS)),
    lambda rng: Known("city"),
    lambda rng: Flag("newsletter"),
)


def rules(count: int, seed: int = 1) -> list[Rule]:
    """Return so many rules, no two alike, of three to five conditions, each on a field of its own."""
    rng = random.Random(f"rules {seed}")
    found: dict[Rule, None] = {}
    while len(found) < count:
        chosen: dict[str, Condition] = {}
        size = rng.randint(3, 5)
        while len(chosen) < size:
            condition = rng.choice(_DRAWS)(rng)
            chosen.setdefault(condition.field, condition)
        found[tuple(chosen.values())] = None
    return list(found)


def contacts(count: int, seed: int = 1) -> list[Contact]:
    """Return so many contacts; one in sixteen of each field that may be unknown is."""
    rng = random.Random(f"contacts {seed}")
    return [_contact(rng, number) for number in range(count)]


def contact_name(number: int) -> str:
    """The key of a contact."""
    return f"c-{number:06d}"


def _contact(rng: random.Random, number: int) -> Contact:
    orders = min(60, int(rng.expovariate(1 / 6)))
    recipient: dict[str, Value] = {
        "id": contact_name(number),
        "email": f"{contact_name(number)}@example.com",
        "first_name": rng.choice(("Ada", "Bo", "Chloé", "Dan", "Eva", "Finn", "Gia")),
        "country": rng.choices(COUNTRIES, weights=range(len(COUNTRIES), 0, -1))[0],
        "language": rng.choices(LANGUAGES, weights=(5, 4, 3, 2, 1))[0],
        "loyalty": rng.choices(LOYALTY, weights=(4, 3, 2, 1))[0],
        "age": rng.randint(18, 85),
        "orders": orders,
        "spent": Decimal(orders * rng.randint(1000, 15000)) / 100,
        "score": Decimal(rng.randint(0, 1000)) / 10,
        "member_since": TODAY - timedelta(days=rng.randint(1, 4000)),
        "last_order": TODAY - timedelta(days=rng.randint(0, 500)),
        "newsletter": rng.random() < 0.6,
        "interests": tuple(sorted(rng.sample(INTERESTS, rng.randint(1, 6)))),
        "city": rng.choice(("Paris", "Lyon", "Berlin", "Boston", "Montréal")),
    }
    interaction: dict[str, Value] = {
        "device": rng.choices(DEVICES, weights=(6, 3, 1))[0],
        "basket": Decimal(rng.randint(0, 20000)) / 100,
    }
    for row in (recipient, interaction):
        for name in row:
            if name in NULLABLE and rng.random() < 1 / 16:
                row[name] = None
    return Contact(recipient, interaction)


def _namespace(field: str) -> str:
    return "interaction" if field in CALL_DATA else "recipient"


def sql(rule: Rule) -> str:
    """Return a rule as offerkit reads it."""
    return " and ".join(_sql(condition) for condition in rule)


def _sql(condition: Condition) -> str:
    name = f"{_namespace(condition.field)}.{condition.field}"
    match condition:
        case OneOf():
            return f"{name} in ({_quoted(condition.values)})"
        case NotEqual():
            return f"not ({name} = '{condition.value}')"
        case Between():
            return f"{name} between {condition.low} and {condition.high}"
        case AtLeast():
            return f"{name} >= {condition.low}"
        case OrElse():
            return f"coalesce({name}, {condition.default}) >= {condition.low}"
        case Before():
            return f"{name} < date '{condition.day}'"
        case Within():
            return f"days_since({name}) <= {condition.days}"
        case Has():
            return f"contains({name}, '{condition.value}')"
        case Known():
            return f"{name} is not null"
        case Flag():
            return name


def zen(rule: Rule, *, guarded: bool = False) -> str:
    """Return a rule in the expression language of zen-engine, over the fields of :func:`flat`.

    ``guarded``: what may be unknown is compared only when it is known, so that null is no error.
    """
    return " and ".join(_guarded(condition) if guarded else _zen(condition) for condition in rule)


def _guarded(condition: Condition) -> str:
    free = condition.field not in NULLABLE or isinstance(condition, OneOf | OrElse | Known)
    return _zen(condition) if free else f"({condition.field} != null and {_zen(condition)})"


def _zen(condition: Condition) -> str:
    name = condition.field
    match condition:
        case OneOf():
            return f"{name} in [{_quoted(condition.values)}]"
        case NotEqual():
            return f"not ({name} == '{condition.value}')"
        case Between():
            return f"{name} >= {condition.low} and {name} <= {condition.high}"
        case AtLeast():
            return f"{name} >= {condition.low}"
        case OrElse():
            return f"({name} ?? {condition.default}) >= {condition.low}"
        case Before():
            return f"{name} < {condition.day.toordinal()}"
        case Within():
            return f"today - {name} <= {condition.days}"
        case Has():
            return f"contains({name}, '{condition.value}')"
        case Known():
            return f"{name} != null"
        case Flag():
            return name


def cel(rule: Rule) -> str:
    """Return a rule in CEL, over the fields of :func:`flat`."""
    return " && ".join(_cel(condition) for condition in rule)


def _cel(condition: Condition) -> str:
    name = condition.field
    match condition:
        case OneOf():
            return f"{name} in [{_quoted(condition.values)}]"
        case NotEqual():
            return f"!({name} == '{condition.value}')"
        case Between():
            return f"{name} >= {condition.low} && {name} <= {condition.high}"
        case AtLeast():
            return f"{name} >= {_number(condition.field, condition.low)}"
        case OrElse():
            # “score == null” is an error in cel-python when score is a number; this is not.
            known = f"type({name}) == null_type ? {condition.default}.0 : {name}"
            return f"({known}) >= {_number(condition.field, condition.low)}"
        case Before():
            return f"{name} < {condition.day.toordinal()}"
        case Within():
            return f"today - {name} <= {condition.days}"
        case Has():
            return f"'{condition.value}' in {name}"
        case Known():
            return f"type({name}) != null_type"
        case Flag():
            return name


def _number(field: str, value: int) -> str:
    return f"{value}.0" if {**RECIPIENT, **CALL_DATA}[field] == "decimal" else str(value)


def _quoted(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def flat(contact: Contact) -> dict[str, object]:
    """Return a contact as the peers take it: JSON values without namespaces, days as numbers.

    Both peers would otherwise parse dates in every condition; this is made before anything is timed.
    """
    both = {**contact.recipient, **contact.interaction}
    return {"today": TODAY.toordinal(), **{name: _plain(value) for name, value in both.items()}}


def _plain(value: Value) -> object:
    match value:
        case Decimal():
            return float(value)
        case date():
            return value.toordinal()
        case tuple():
            return list(value)
        case _:
            return value
