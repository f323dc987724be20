"""Catalogs, contacts, calls and histories made up from a seed: small, crowded, with everything that rules can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from helpers import random_offer_fields
from helpers.former_names import as_stored
from offerkit.engine.call import Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.history import PastProposition
from offerkit.engine.hooks import Hooks
from offerkit.engine.identify import IdentifyingSpace, identify
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.hooks import Candidate, HookCall, HookOffer
from offerkit.models.status import Status
from offerkit.rules.types import Row
from offerkit.store import DeliveryRun, PropositionRow, Store
from offerkit.times import utc

NOW = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
CONDITIONS = (
    "person.age >= 30", "person.age < 60 or person.tier = 'gold'", "not (person.tier = 'gold')", "person.tier is null",
    "person.score > 0.5 and person.age > 20", "interaction.page = '/a'", "current_date >= date '2026-06-02'",
    "person.score / (person.age - 40) > 0", "interaction.space <> 'app'",
    "interaction.channel = 'inbound-web' or person.age > 50", "interaction.identification in ('explicit', 'batch')",
    "interaction.environment = 'shop' and person.age is not null",
)  # fmt: skip
FORMULAS = ("10 * person.score", "person.age - 40", "case when person.tier = 'gold' then 3 else 1 end", "2")
APPLIES_TO = (
    "offer.code = 'gold'",
    "category.path <> 'f'",
    "current_date > date '2026-06-03'",
    "offer.weight > 1",
    "offer.weight >= 2 and offer.code = 'gold'",
    "offer.weight * 2 < 6 or contains(offer.themes, 'x')",
    "offer.until < date '2026-06-10'",
    "offer.from is not null and offer.weight <> 4",
    "days_until(offer.until) < 10",
    "offer.weight > 0.5 and current_date > date '2026-06-03'",
)
COUNTED = (
    "proposition.weight > 1",
    "proposition.space = 'web'",
    "extract(hour from proposition.time) < 12",
    "proposition.status <> 'rejected' and proposition.rank <= 2",
    "proposition.delivery = 'first'",
    "proposition.campaign is null",
    "proposition.campaign = 'spring' and proposition.delivery <> 'first'",
    "stored.score > 0.9",
    "stored.tier = 'gold' or contains(stored.tags, 'x')",
    "stored.tier = 'a b ''c''\"d'",
    "days_since(stored.seen) < 2 and stored.young",
    "product.nights > 1 or stored.score is null",
    "product.nights is null",
)
_PLAIN = 7
"""The conditions before this one read no stored data."""
PATHS = ("a", "a/b", "a/b/c", "d", "d/e", "f")
DELIVERIES = ("first", "second")
STATUSES = ("presented", "accepted", "rejected", "scheduled")
CHANNELS = {"web": "inbound-web", "app": "inbound-mobile", "hook": "inbound-web"}

_ANSWERS = IdentifyingSpace("shop", "app", False, False, "", ())


class _NoContacts:
    """Nobody is known by key or cookie; another space answers."""

    def by_key(self, door: IdentifyingSpace, key: str) -> None: ...

    def by_cookie(self, door: IdentifyingSpace, cookie: str) -> None: ...

    def door(self, name: str) -> IdentifyingSpace:
        return _ANSWERS


def _weighed_anew(candidates: Sequence[Candidate], call: HookCall) -> Sequence[Candidate | tuple[Candidate, object]]:
    """Reads all that a hook is told; some candidates keep their weight, some get another or 0, some are dropped."""
    age = call.contact["age"]
    weights = {"gold": 0, "silver": Decimal("1.25") if call.data["page"] is None else 7}
    found = [
        (candidate, weights[candidate.code]) if candidate.code in weights else candidate
        for number, candidate in enumerate(candidates)
        if number % 3 != int(call.key or 0) % 3 or "x" in candidate.themes
    ]
    return found[: call.n] if isinstance(age, int) and age > 60 else found[::-1]


def _tariffs(offer: HookOffer, contact: Row, data: Row, call: HookCall) -> Sequence[tuple[dict[str, object], object]]:
    """Products that differ by offer, contact and call; for some contacts there is none."""
    if call.contact["tier"] == "silver" and offer.code == "gold":
        return []
    return [
        ({"tariff": offer.name, "price": Decimal(len(offer.themes))}, offer.weight),
        ({"tariff": call.key, "price": call.n}, offer.weight * 2 if call.key == "2" else 0),
    ]


HOOKS = Hooks(
    dynamic_offer={
        "two": lambda offer, contact, data: [({"name": f"{offer}-x"}, 2), ({"name": f"{offer}-y"}, Decimal("3.5"))],
        "zero": lambda offer, contact, data: [({"name": "x"}, 0)],
        "tariffs": _tariffs,
        "dear": lambda offer, contact, data: [({"price": "dear"}, 9)],
    },
    post_processing={"every-other": lambda candidates: candidates[::-2], "weigh-anew": _weighed_anew},
    target_loading={
        "page-by-age": lambda contact, data: {"page": "/a" if (contact["age"] or 0) > 30 else None},
        "page-by-call": lambda contact, data, call: {"page": "/a" if call.key == "1" or call.session else None},
    },
)
TEMPLATES = ("t0", "t1", "t2")
"""The last one builds on the first."""
DOOR = IdentifyingSpace("shop", "web", False, False, "shop/app", ("a/b", "d"))
"""A space that falls back to another for who is nobody there."""


def catalog(rng: Random, *, filtered: bool = False, stored: bool = True) -> Catalog:
    """A catalog of up to 25 offers.

    ``filtered``: its environment may have a filter. ``stored``: its rules may count by stored data.
    """
    sections, activated = sections_of(rng, filtered=filtered, stored=stored)
    return _stopped(rng, inline_catalog(sections, activated, hooks=HOOKS))


def sections_of(
    rng: Random, *, filtered: bool = False, stored: bool = True
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The sections of a catalog as plain data, and by offer the spaces that it is activated on if not on all."""
    rules = [f"r{place}" for place in range(rng.randint(0, 4))]
    sections: dict[str, Any] = {
        "dimensions": {"person": {"key": ["id"], "fields": {
            "id": {"type": "integer"}, "age": {"type": "integer"}, "tier": {"type": "string"}, "score": {"type": "decimal"},
        }}},
        "environment": {"dimension": "person", "typology": "t", "time_zone": "Europe/Paris",
                        "product_fields": {"nights": {"type": "integer"}, "price": {"type": "decimal"}},
                        "call_data": {"page": {"type": "string"}, "likes": {"type": "list"}}},
        "spaces": {name: _space(rng, name) for name in CHANNELS},
        "typologies": {"t": {"rules": rules}},
        "rules": {name: _rule(rng, COUNTED if stored else COUNTED[:_PLAIN]) for name in rules},
        "filters": {
            "plain": {"when": rng.choice(CONDITIONS)},
            "coded": {"when": "offer.code <> person.tier or person.age > 50"},
            "older": {"when": "person.age > parameter.age", "parameters": {"age": {"type": "integer", "default": "33"}}},
        },
        "categories": {path: _category(rng) for path in PATHS},
        "templates": {name: _template(rng, name) for name in TEMPLATES},
        "offers": {f"o{place}": _offer(rng) for place in range(rng.randint(1, 25))},
    }  # fmt: skip
    activated = {
        name: rng.sample(sorted(CHANNELS), rng.randint(1, 3)) for name in sections["offers"] if rng.random() < 0.4
    }
    if filtered and rng.random() < 0.4:
        sections["environment"]["when"] = rng.choice(CONDITIONS)
    if filtered and rng.random() < 0.2:
        sections["environment"]["filters"] = rng.sample(("plain", "older"), rng.choice((1, 2)))
    if rng.random() < 0.4:
        random_offer_fields.declare(rng, sections)
    return sections, activated


def _stopped(rng: Random, made: Catalog) -> Catalog:
    """The catalog with some offers stopped on some spaces, and so not activated there."""
    offers = []
    for offer in made.offers:
        gone = rng.sample(sorted(CHANNELS), rng.randint(1, 3)) if rng.random() < 0.1 else []
        why = dict.fromkeys(gone, 'shop/offer.x was stopped by omar in revision 7: "wrong" {price}')
        offers.append(replace(offer, spaces=offer.spaces - set(gone), stopped=why))
    return replace(made, offers=tuple(offers))


def call(rng: Random, made: Catalog) -> Call:
    """A call from somebody, now or in a week."""
    contact = {
        "id": rng.randint(1, 3),
        "age": rng.choice((None, 20, 33, 40, 70)),
        "tier": rng.choice((None, "", "gold", "silver")),
        "score": rng.choice((None, Decimal(0), Decimal("0.7"), Decimal(1))),
    }
    space, who = rng.choice(sorted(CHANNELS)), rng.choice((None, contact))
    categories = rng.sample((*PATHS, "nowhere"), rng.choice((0, 0, 1, 2)))
    if space == DOOR.space and who is None:
        found = identify(DOOR, "", "", _NoContacts())
        space, categories = found.space, categories or list(found.categories)
    asked = make_call(
        made,
        space,
        who=CallContext(who, str(contact["id"]), NOW + timedelta(days=rng.choice((0, 7))), "s"),
        n=rng.choice((1, 2, 5, 100)),
        categories=categories,
        themes=rng.sample(("x", "y", "z"), rng.choice((0, 0, 1))),
        data={"page": "/a"} if rng.random() < 0.5 else {},
    )
    return asked._replace(exclude=frozenset(rng.sample([offer.name for offer in made.offers], rng.choice((0, 1)))))


def history(rng: Random, made: Catalog) -> list[PastProposition]:
    """Up to 12 propositions of the last days, some of offers that are gone."""
    return [
        PastProposition(
            offer=rng.choice(["gone", *made.position_of]),
            category=rng.choice(PATHS),
            space=(space := rng.choice(sorted(CHANNELS))),
            channel=CHANNELS[space],
            status=rng.choice(STATUSES),
            time=NOW + timedelta(hours=rng.randint(-60, 12)),
            weight=Decimal(rng.randint(1, 3)),
            rank=1,
            **_more(rng),
        )
        for _ in range(rng.randint(0, 12))
    ]


def rows_of(made: Catalog, past: Mapping[str, Sequence[PastProposition]]) -> list[PropositionRow]:
    """These propositions of contacts, by key, as a store has them: by former names, where the catalog has some."""
    rows = [
        PropositionRow(
            f"{key}-{number}", made.environment, key, one.space, one.channel, one.offer, one.category,
            f"run-{one.delivery}" if one.delivery else "call", one.rank, one.weight, Status(one.status), utc(one.time),
            utc(one.time), 1, proposed=one.stored or {}, product=one.product,
        )
        for key, history in past.items()
        for number, one in enumerate(history)
    ]  # fmt: skip
    return [as_stored(Random(row.id), made.former_names, row) for row in rows] if made.former_names else rows


def fill(store: Store, made: Catalog, past: Mapping[str, Sequence[PastProposition]]) -> None:
    """Store these propositions, and the deliveries that made some of them."""
    store.add_propositions(rows_of(made, past))
    for name in DELIVERIES:
        run = DeliveryRun(made.environment, "spring", name, f"run-{name}", "web", 1, utc(NOW), utc(NOW), "ada", 1, 1)
        store.add_delivery(run, ())


def _more(rng: Random) -> dict[str, Any]:
    """What was stored with a proposition: of a delivery or not, typed as declared or as it was declared before."""
    made = {"campaign": "spring", "delivery": rng.choice(DELIVERIES)} if rng.random() < 0.4 else {}
    data = {
        "score": rng.choice(("0.7", "1", 2, None, "high")),
        "tier": rng.choice(("gold", "a b 'c'\"d", "a\nb", "", 7)),
        "seen": rng.choice(("2026-06-01", "2026-05-30", "soon")),
        "tags": rng.choice((["x", "y"], [], "x")),
        "young": rng.choice((True, False, None)),
    }
    stored = {name: value for name, value in data.items() if rng.random() < 0.7}
    product = {"nights": rng.choice((1, 3, "many"))} if rng.random() < 0.3 else None
    return {**made, "stored": stored if rng.random() < 0.7 else {}, "product": product}


def _maybe(rng: Random, key: str, value: Any, chance: float = 0.3) -> dict[str, Any]:
    return {key: value} if rng.random() < chance else {}


def _period(rng: Random) -> dict[str, Any]:
    return {
        **_maybe(rng, "from", rng.choice(("2026-01-01", "2026-06-02", "2026-06-05")), 0.2),
        **_maybe(rng, "until", rng.choice(("2026-06-05", "2026-12-31")), 0.2),
    }


def _space(rng: Random, name: str) -> dict[str, Any]:
    return {
        "channel": CHANNELS[name],
        "unitary": True,
        "fields": [{"name": "title"}],
        **_maybe(rng, "defaults", {"categories": ["a"], **_maybe(rng, "themes", ["x"])}),
        **({"identification": _FALLBACK} if name == DOOR.space else {}),
        **({"hooks": _hooks(rng)} if name == "hook" else {}),
        "storage": _STORAGE[name],
    }


_STORAGE = {
    "web": {"proposed_data": {"score": "person.score", "tier": "person.tier", "seen": "current_date"}},
    "app": {"accepted_data": {"tags": "interaction.likes", "young": "person.age < 30"}},
    "hook": {"status_data": {"rejected": {"score": "person.age"}}},
}
_FALLBACK = {"fallback": DOOR.fallback, "anonymous_categories": list(DOOR.categories)}


def _hooks(rng: Random) -> dict[str, Any]:
    asked = {"post_processing": ("every-other", "weigh-anew"), "target_loading": ("page-by-age", "page-by-call")}
    return {name: rng.choice(asked[name]) for name in rng.choice((["post_processing"], ["target_loading"], [*asked]))}


def _template(rng: Random, name: str) -> dict[str, Any]:
    return {**({"template": TEMPLATES[0]} if name == TEMPLATES[-1] else {}), **_rules(rng)}


def _category(rng: Random) -> dict[str, Any]:
    return {
        **_maybe(rng, "enabled", False, 0.05),
        "eligible": {
            **_period(rng),
            "filters": _filters(rng, 0.9),
            **_maybe(rng, "when", rng.choice(CONDITIONS), 0.2),
            **_maybe(rng, "history", [_history(rng)], 0.1),
        },
        **_maybe(rng, "themes", [rng.choice(("x", "y"))]),
        **_maybe(rng, "multiplier", {"factor": rng.choice(("0", "0.5", "2")), **_period(rng)}),
        **_maybe(rng, "always_include", True, 0.15),
    }


def _offer(rng: Random) -> dict[str, Any]:
    made = _rules(rng)
    template = _maybe(rng, "template", rng.choice(TEMPLATES))
    if template:  # what the template says is the offer's where it says nothing of its own
        made = {name: value for name, value in made.items() if rng.random() < 0.5}
    return {
        "category": rng.choice(PATHS),
        **_maybe(rng, "enabled", False, 0.05),
        **_maybe(rng, "code", rng.choice(("gold", "silver"))),
        **template,
        **made,
    }


def _rules(rng: Random) -> dict[str, Any]:
    """What an offer says, or its template."""
    return {
        **_maybe(rng, "themes", [rng.choice(("y", "z"))]),
        "eligible": {
            **_period(rng),
            "filters": _filters(rng, 0.5),
            **_maybe(rng, "when", rng.choice(CONDITIONS), 0.5),
            **_maybe(rng, "history", [_history(rng) for _ in range(rng.choice((1, 1, 2)))], 0.2),
        },
        "weights": [_weight(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))],
    }


def _filters(rng: Random, none: float) -> list[Any]:
    """Filters, or no filters with this probability."""
    uses = ("plain", "coded", "older", {"filter": "older", "with": {"age": "20"}})
    return [] if rng.random() < none else rng.sample(uses, rng.choice((1, 2)))


def _history(rng: Random) -> dict[str, Any]:
    """How often something was proposed to the contact before."""
    about = rng.choice(({"offer": "o1"}, {"offer": "gone"}, {"category": "a"}, {"category": "d/e"}, {"theme": "y"}))
    limits = rng.choice(
        ({"at_least": 1}, {"at_most": 1}, {"at_most": 1}, {"at_most": 0}, {"at_least": 1, "at_most": 2})
    )
    status = rng.choice(("any", "any", "accepted", "presented", "accepted-or-rejected"))
    return {**about, "status": status, "period": rng.choice(("1d", "2d 6h", "12h")), **limits}


def _weight(rng: Random) -> dict[str, Any]:
    value = {"formula": rng.choice(FORMULAS)} if rng.random() < 0.25 else {"weight": rng.choice(("0", "1", "2", "2.5"))}
    return {
        **value,
        **_period(rng),
        "filters": _filters(rng, 0.9),
        **_maybe(rng, "when", rng.choice(CONDITIONS)),
        **_maybe(rng, "spaces", ["web"], 0.2),
        **_maybe(rng, "dynamic", rng.choice(("two", "zero", "missing", "tariffs", "dear")), 0.15),
    }


def _rule(rng: Random, counted: Sequence[str]) -> dict[str, Any]:
    about = {
        **_maybe(rng, "offers", ["o1", "o2"]),
        **_maybe(rng, "categories", ["a/b"]),
        **_maybe(rng, "themes", ["y"], 0.2),
        **_maybe(rng, "when", rng.choice(APPLIES_TO), 0.5),
    }
    return {
        **_maybe(rng, "enabled", False, 0.1),
        "applies_to": about,
        **_maybe(rng, "channel", "inbound-web"),
        **_maybe(rng, "contacts", rng.choice(CONDITIONS)),
        "counted": {
            "of": rng.choice(("all", "offer", "category", "applies-to")),
            "status": rng.choice(("any", "accepted", "rejected", "accepted-or-rejected")),
            "same_channel": rng.random() < 0.3,
            **_maybe(rng, "when", rng.choice(counted), 0.5),
        },
        "period": {"before": rng.choice(("1d", "2d 6h", "12h")), **_maybe(rng, "after", "6h")},
        "max": rng.randint(1, 3),
    }
