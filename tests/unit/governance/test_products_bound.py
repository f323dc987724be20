"""Approvals and declared values of products: content is bound to those that it reads, settings to all, and to hooks."""

from __future__ import annotations

from typing import Any

import pytest

from offerkit.address import parse_address
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.aspects import (
    affecting,
    content_fingerprint,
    content_reads,
    eligibility_fingerprint,
)
from offerkit.governance.settings import settings_key
from offerkit.models import model_of
from offerkit.state.changes import Body, Entry
from offerkit.state.snapshot import Snapshot

OFFER = parse_address("s/offer.o")
ENVIRONMENT, SPACE = parse_address("environment.s"), parse_address("s/space.web")
STAGE: dict[str, dict[str, Any]] = {
    "s/offer.o": {
        "category": "a",
        "weights": [{"weight": "1", "dynamic": "rates"}],
        "content": {"title": "In {{ product.city }}", "text": "x"},
    },
    "s/category.a": {},
    "s/space.web": {"channel": "inbound-web", "fields": [{"name": "title"}]},
    "s/space.list": {
        "channel": "inbound-web",
        "fields": [{"name": "text"}],
        "render": {"html": "{{ text }} {{ product.price }}"},
    },
    "environment.s": {
        "dimension": "person",
        "product_fields": {"city": {}, "price": {"type": "decimal"}, "stars": {"type": "integer"}},
    },
}


def _view(patch: dict[str, dict[str, Any]]) -> Snapshot:
    entries, texts = {}, {}
    for text, value in {**STAGE, **{name: {**STAGE[name], **change} for name, change in patch.items()}}.items():
        address = parse_address(text)
        body = canonical(model_of(address.kind).model_validate(value).body())
        entries[address] = Entry(fingerprint(address.kind, body))
        texts[entries[address].fingerprint] = Body(address.kind, body.decode())
    return Snapshot(entries, texts)


def _prints(patch: dict[str, dict[str, Any]]) -> dict[str, str]:
    view = _view(patch)
    return {
        "eligibility": eligibility_fingerprint(view, OFFER),
        "web": content_fingerprint(view, OFFER, "web"),
        "list": content_fingerprint(view, OFFER, "list"),
        "environment": settings_key(view, ENVIRONMENT).fingerprint,
        "space": settings_key(view, SPACE).fingerprint,
    }


BEFORE = _prints({})


def _declared(**fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    declared: dict[str, Any] = {**STAGE["environment.s"]["product_fields"], **fields}
    return {"environment.s": {"product_fields": declared}}


@pytest.mark.parametrize(
    ("patch", "void"),
    [
        (_declared(city={"label": "City", "sample": "Oslo"}), []),  # for authors and previews
        (_declared(city={"type": "enumeration", "values": ["Oslo"]}), ["web", "environment"]),
        (_declared(price={"type": "integer"}), ["list", "environment"]),  # its function reads it
        (_declared(stars={"type": "decimal"}), ["environment"]),  # nothing shows it
        (_declared(more={}), ["environment"]),
        ({"s/space.web": {"hooks": {"post_processing": "mine"}}}, ["space"]),
        ({"s/space.web": {"hooks": {"target_loading": "mine"}}}, ["space"]),
        ({"s/space.web": {"storage": {"proposed_data": {"city": "product.city"}}}}, ["space"]),
        ({"s/offer.o": {"weights": [{"weight": "1", "dynamic": "mine"}]}}, ["eligibility"]),
    ],
)
def test_what_makes_an_approval_void(patch: dict[str, dict[str, Any]], void: list[str]) -> None:
    after = _prints(patch)
    assert [name for name in BEFORE if after[name] != BEFORE[name]] == void


def test_the_environment_affects_an_offer_where_it_declares_products() -> None:
    assert ENVIRONMENT in affecting(_view({}), OFFER)
    assert ENVIRONMENT not in affecting(_view({"environment.s": {"product_fields": {}}}), OFFER)


def test_content_that_reads_products_is_more_than_scheme_1_knew() -> None:
    assert content_reads(_view({}), OFFER, "web") == (False, True)
    assert content_reads(_view({"environment.s": {"product_fields": {}}}), OFFER, "web") == (False, False)


def test_a_template_that_cannot_be_read_is_bound_to_all_declarations() -> None:
    broken = {"s/offer.o": {"content": {"title": "{{ product.city"}}}
    assert _prints(broken)["web"] != _prints({**broken, **_declared(stars={"type": "decimal"})})["web"]
