"""What refers to a resource: by name, and an offer also by what it is."""

from __future__ import annotations

from typing import Any

import pytest

from offerkit.address import parse_address
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.state.changes import Body, Entry
from offerkit.state.referrers import referrers
from offerkit.state.snapshot import Snapshot

BODIES: dict[str, dict[str, Any]] = {
    "dimension.person": {"fields": {"id": {"type": "string"}}, "key": ["id"]},
    "operator.ann": {"profile": "offer-manager"},
    "environment.s": {"dimension": "person", "typology": "calm", "promotion": {"promoters": ["ann"]}},
    "environment.v": {"dimension": "person"},
    "s/space.mail": {"channel": "email", "fields": [{"name": "title", "required": True}]},
    "s/space.wall": {"channel": "paper", "fields": [{"name": "text", "required": True}]},
    "s/space.set": {
        "channel": "email",
        "fields": [{"name": "title"}],
        "defaults": {"categories": ["bank"], "themes": ["gold"]},
    },
    "v/space.web": {
        "channel": "inbound-web",
        "fields": [{"name": "title"}],
        "identification": {"fallback": "s/mail", "anonymous_categories": ["bank"]},
    },
    "s/rule.named": {"applies_to": {"offers": ["card"]}, "max": 1},
    "s/rule.all": {"max": 1},
    "s/rule.below": {"applies_to": {"categories": ["bank"], "when": "offer.code = 'x'"}, "max": 1},
    "s/rule.themed": {"applies_to": {"themes": ["blue"]}, "max": 1},
    "s/typology.calm": {"rules": ["all", "named"]},
    "s/category.bank": {"themes": ["gold"]},
    "s/category.bank/cards": {"eligible": {"history": [{"offer": "card", "status": "accepted", "at_most": 0}]}},
    "s/category.ever": {"always_include": True},
    "s/template.plain": {"content": {"title": "T"}},
    "s/offer.card": {"category": "bank/cards", "template": "plain"},
    "s/offer.app": {"category": "ever", "template": "plain"},
    "s/offer.poster": {"category": "bank", "content": {"text": "T"}},
    "s/campaign.june": {
        "outlines": {"short": {"offers": ["card", "app"]}},
        "deliveries": {
            "whole": {"space": "mail", "engine": {}},
            "by-both": {"space": "mail", "engine": {"categories": ["bank"], "themes": ["gold", "blue"]}},
            "not-both": {"space": "mail", "engine": {"categories": ["bank"], "themes": ["blue"]}},
            "by-default": {"space": "set", "engine": {}},
            "elsewhere": {"space": "wall", "engine": {"categories": ["bank"]}},
            "listed": {"space": "mail", "outline": "short"},
            "fixed": {"space": "mail", "offers": ["card"]},
            "slots": {
                "slots": [
                    {"name": "one", "space": "mail", "offers": ["app"]},
                    {"name": "two", "space": "mail", "engine": {"themes": ["gold"]}},
                ]
            },
        },
    },
    "s/cases.good": {
        "activated": {"card": ["mail"]},
        "cases": {
            "first": {"space": "s/mail", "contact": "app", "expect": {"offers": ["card"]}},
            "second": {"space": "s/mail", "contact": "1", "expect": {"out": {"poster": "enabled"}}},
        },
    },
    "s/policy.labelled": {"require": "offer.label <> ''", "message": "Give it a label"},
    "s/policy.calm": {"applies_to": ["step"], "require": "step.action <> 'delete'", "message": "Delete nothing"},
}


@pytest.fixture
def seen() -> Snapshot:
    entries, stored = {}, {}
    for address, value in ((parse_address(text), value) for text, value in BODIES.items()):
        body = canonical(model_of(address.kind).model_validate(value).body())
        entries[address] = Entry(fingerprint(address.kind, body))
        stored[entries[address].fingerprint] = Body(address.kind, body.decode())
    return Snapshot(entries, stored)


def told(seen: Snapshot, address: str) -> set[str]:
    return {
        f"{each.address} {'.'.join(map(str, each.path))}: {each.way}"
        for each in referrers(seen, parse_address(address))
        if "policy" not in each.address
    }


def test_an_offer_by_name_and_by_what_it_is(seen: Snapshot) -> None:
    assert told(seen, "s/offer.card") == {
        "s/rule.named applies_to.offers.0: names it",
        "s/rule.all applies_to: applies to all offers",
        "s/rule.below applies_to: applies to the category bank",
        "s/rule.below applies_to: applies to offers for which: offer.code = 'x'",
        "s/category.bank/cards eligible.history.0.offer: names it",
        "s/campaign.june outlines.short.offers.0: names it",
        "s/campaign.june deliveries.fixed.offers.0: names it",
        "s/campaign.june deliveries.listed.outline: sends the outline short",
        "s/campaign.june deliveries.whole.engine: lets the engine choose from the whole catalog",
        "s/campaign.june deliveries.by-both.engine: lets the engine choose by category bank and theme gold",
        "s/campaign.june deliveries.by-default.engine: lets the engine choose by category bank and theme gold",
        "s/campaign.june deliveries.slots.slots.1.engine: lets the engine choose by theme gold",
        "s/cases.good activated: assumes where it is live",
        "s/cases.good cases.first: expects a result for it",
    }


def test_an_offer_that_is_always_included(seen: Snapshot) -> None:
    ways = {each for each in told(seen, "s/offer.app") if "engine" in each}
    assert "s/campaign.june deliveries.not-both.engine: lets the engine choose what is always included" in ways
    assert len(ways) == 5, "everywhere but on the space where it is not shown"
    assert not any("cases" in each for each in told(seen, "s/offer.app")), "a contact's key is no offer"


def test_an_offer_on_another_space(seen: Snapshot) -> None:
    engines = {each for each in told(seen, "s/offer.poster") if "engine" in each}
    assert {each.split()[1] for each in engines} == {
        "deliveries.elsewhere.engine:",
        "deliveries.by-default.engine:",
    }, "that space requires nothing, so it is shown there too"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s/category.bank", {
            "s/space.set defaults.categories.0: names it", "s/rule.below applies_to.categories.0: names it",
            "s/category.bank/cards : is below it", "s/offer.poster category: names it",
            "v/space.web identification.anonymous_categories.0: names it",
            *(f"s/campaign.june deliveries.{name}.engine.categories.0: names it" for name in ("by-both", "not-both", "elsewhere")),
        }),
        ("s/space.mail", {
            "v/space.web identification.fallback: names it", "s/offer.card : is shown on it", "s/offer.app : is shown on it",
            *(f"s/campaign.june deliveries.{name}.space: names it" for name in ("whole", "by-both", "not-both", "listed", "fixed")),
            *(f"s/campaign.june deliveries.slots.slots.{n}.space: names it" for n in (0, 1)),
        }),
        ("s/template.plain", {"s/offer.card template: names it", "s/offer.app template: names it"}),
        ("s/typology.calm", {"environment.s typology: names it"}),
        ("dimension.person", {"environment.s dimension: names it", "environment.v dimension: names it"}),
        ("operator.ann", {"environment.s promotion.promoters.0: names it"}),
        ("s/campaign.june", set()),
    ],
)  # fmt: skip
def test_other_kinds(seen: Snapshot, address: str, expected: set[str]) -> None:
    named = {each for each in told(seen, address) if not each.startswith("s/campaign.june outlines")}
    assert named == expected


def test_policies_by_kind(seen: Snapshot) -> None:
    def policies(address: str) -> dict[str, str]:
        return {
            each.address.name: each.way for each in referrers(seen, parse_address(address)) if "policy" in each.address
        }

    assert policies("s/offer.card") == {
        "labelled": "applies to every offer", "calm": "applies to every change",
    }  # fmt: skip
    assert policies("s/category.bank") == {"calm": "applies to every change"}
    assert policies("v/space.web") == {}
