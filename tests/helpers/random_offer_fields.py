"""Fields of offers made up from a seed, of every type, read wherever there is one offer."""

from __future__ import annotations

from random import Random
from typing import Any

FIELDS: dict[str, dict[str, Any]] = {
    "margin": {"type": "decimal"},
    "seats": {"type": "integer"},
    "city": {"type": "string"},
    "exclusive": {"type": "boolean"},
    "sold-from": {"type": "date"},
    "sold-until": {"type": "timestamp"},
    "grade": {"type": "enumeration", "values": ["a", "b", "c"]},
    "tags": {"type": "list"},
}
VALUES: dict[str, tuple[Any, ...]] = {
    "margin": ("0", "0.25", "0.5", "-1", "40.000001", "999999999999"),
    "seats": ("0", "20", "33", "40", "9223372036854775807"),
    "city": ("", "gold", "silver", "it's \"x\" \\ {{ y }} % ünï"),
    "exclusive": (True, False),
    "sold-from": ("2026-06-01", "2026-06-02", "2026-06-05"),
    "sold-until": ("2026-06-02 00:30:00", "2026-06-02T00:30:00+02:00", "2026-06-01 22:30:00.000001", "9999-12-31 23:59:59"),
    "grade": ("a", "b", "c"),
    "tags": ("gold|/a", ["gold", "silver"], [], "", ["a, b", "c|d"]),
}  # fmt: skip
CONDITIONS = (
    "offer.margin > 0.1", "offer.margin > person.score", "offer.seats = person.age", "offer.seats + 1 > person.age",
    "offer.city = person.tier", "lower(offer.city) like 'g%' or person.age > 30", "offer.exclusive", "not offer.exclusive",
    "offer.exclusive is null and person.tier is null", 'offer."sold-from" <= current_date',
    'offer."sold-until" > now or person.age = 33', "offer.grade in ('a', 'b') and person.age >= 20", "offer.grade is null",
    "contains(offer.tags, person.tier)", "length(offer.tags) > 1", "contains(offer.tags, interaction.page)",
    "offer.margin / offer.seats > 0.001", "coalesce(offer.city, offer.code) <> 'o1' and person.score > 0.5",
    'days_since(offer."sold-from") between 0 and 5',
)  # fmt: skip
"""Read by offers, templates, weights and categories."""
FORMULAS = (
    "offer.margin", "100 * offer.margin", "offer.seats", "offer.margin * person.score", "offer.seats - person.age",
    "case when offer.exclusive then 3 when offer.grade = 'b' then 2 end", "10 / offer.margin",
)  # fmt: skip
APPLIES_TO = (
    "offer.margin > 0.1", "offer.grade = 'a' or category.path = 'a'", "contains(offer.tags, 'gold')", "offer.exclusive",
    'offer."sold-from" <= current_date', 'offer."sold-until" > now', "offer.seats % 2 = 0", "offer.city = offer.code",
)  # fmt: skip
FILTERS = {
    "near": {"when": "offer.city = person.tier"},
    "gainful": {
        "when": "offer.margin >= parameter.least or person.age > 60",
        "parameters": {"least": {"type": "decimal", "default": "0.25"}},
    },
}


def declare(rng: Random, sections: dict[str, Any]) -> None:
    """Declare fields of offers in ``sections``, give values for some, and read them."""
    sections["environment"]["offer_fields"] = FIELDS
    sections["filters"] |= FILTERS
    if rng.random() < 0.2:
        sections["environment"]["filters"] = rng.sample(("plain", "older"), rng.randint(1, 2))
    for section, chance in (("categories", 0.3), ("templates", 0.4), ("offers", 0.5)):
        for body in sections[section].values():
            given = {name: rng.choice(VALUES[name]) for name in FIELDS if rng.random() < chance}
            if given:
                body["fields"] = given
            _read(rng, section, body)
    for rule in sections["rules"].values():
        if rng.random() < 0.5:
            rule["applies_to"]["when"] = rng.choice(APPLIES_TO)


def _read(rng: Random, section: str, body: dict[str, Any]) -> None:
    if rng.random() < (0.15 if section == "categories" else 0.4):
        own = body.get("eligible", {}).get("when")
        when = rng.choice(CONDITIONS)
        body["eligible"] = {**body.get("eligible", {}), "when": f"({when}) and ({own})" if own else when}
    if rng.random() < (0.2 if section == "categories" else 0.3):
        use = rng.choice(("near", "gainful", {"filter": "gainful", "with": {"least": "0.5"}}))
        eligible = body.get("eligible", {})
        body["eligible"] = {**eligible, "filters": [*eligible.get("filters", ()), use]}
    for weight in body.get("weights", ()):
        if rng.random() < 0.1:
            weight["filters"] = [rng.choice(("near", "gainful"))]
        if rng.random() < 0.3:
            weight["when"] = rng.choice(CONDITIONS)
        if rng.random() < 0.3:
            weight.pop("weight", None)
            weight["formula"] = rng.choice(FORMULAS)
