"""Audits judge again who made tokens, scheduled promotions and erased contacts: forged ones are found, honest ones not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from helpers.judged import LATER, findings, forge, verified
from helpers.workspace import Workspace

from offerkit.diagnostics import Code
from offerkit.plans.plan import encode, plan_digest
from offerkit.store import Draft, RevisionRow, Store, scheduled
from offerkit.store.tokens import TokenRow
from offerkit.times import utc
from offerkit.usecases import restore, store_maintenance, tokens
from offerkit.usecases.contact_erasure import erase_contact
from offerkit.usecases.requests import ContactRequest, ScheduleRequest
from offerkit.usecases.run_due import run_due
from offerkit.usecases.schedule import schedule, withdraw

EXPIRES = "2027-06-01T00:00:00.000000Z"
MADE = TokenRow("abcdef012345", "0" * 64, "omar", "", LATER, "ada", EXPIRES, scope="all")


def summaries(shop: Workspace) -> str:
    found = findings(shop)
    assert {one.code for one in found} == {Code.RECORD_UNCOVERED}
    return "\n".join(one.summary for one in found)


def changed(shop: Workspace) -> Workspace:
    """An approved change that can be promoted."""
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    shop.apply("ada")
    shop.approve("omar", "shop/offer.safari")
    return shop


def promised(shop: Workspace, who: str = "omar") -> RevisionRow:
    request = ScheduleRequest(utc(shop.now + timedelta(hours=24)))
    return schedule(shop.session(who), shop.promotion(who), request)


def forged_schedule(shop: Workspace, who: str, **facts: Any) -> None:
    """Somebody schedules what they may not promote, with all rows and digests as they ought to be."""
    plan = shop.promotion("ada")
    about = {"due": EXPIRES, "not_after": "", "environments": ["shop"], "steps": 1, "changes": "", **facts}
    draft = Draft("schedule", who, LATER, plan_digest=plan_digest(plan), details={"schedule": about})
    with Store.open(shop.location, write=True) as store, store.transaction():
        scheduled.add(store.database, draft, about["due"], encode(plan).decode())


def test_honest_operations(live_shop: Workspace) -> None:
    """Tokens for oneself and, by administrators, for others; promotions carried out, refused and withdrawn."""
    row, _ = tokens.create(live_shop.session("omar"), "omar", "", "90d", ("apply", "promote"))
    tokens.revoke(live_shop.session("ada"), row.id)
    tokens.create(live_shop.session("ada"), "omar", "", "90d", ("all",))
    shop = changed(live_shop)
    withdraw(shop.session("ada"), promised(shop).serial, "wrong day")
    for _ in ("carried out", "refused"):
        promised(shop)
        shop.later(hours=25)
        list(run_due(shop.session(), lambda: shop.now))
        shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 78}]}}}})
        shop.apply("ada")
        shop.approve("omar", "shop/offer.safari")
    erase_contact(shop.session("ada"), ContactRequest("1"))
    assert verified(shop).revisions


def test_an_operator_who_was_renamed_stays_who_scheduled_it(live_shop: Workspace) -> None:
    shop = changed(live_shop)
    row = promised(shop)
    renamed = {"omar": None, "otto": {"profile": "offer-manager"}}
    shop.change({"specs/shared.yaml": {"operators": renamed, "moved": {"operator.omar": "operator.otto"}}})
    shop.apply("ada")
    withdraw(shop.session("otto"), row.serial, "mine")
    assert verified(shop).revisions


@pytest.mark.embedded
def test_what_a_restore_revokes_again_is_its_operators(live_shop: Workspace) -> None:
    """The restored store does not know bert, who is an administrator of the one that it replaces."""
    row, _ = tokens.create(live_shop.session("ada"), "omar", "", "90d")
    backup = live_shop.root / "backup.db"
    store_maintenance.copy(live_shop.location, backup)
    tokens.revoke(live_shop.session("ada"), row.id)
    live_shop.change({"specs/shared.yaml": {"operators": {"bert": {"profile": "administrator"}}}})
    live_shop.apply("ada")
    with restore.prepare_restore(live_shop.session("bert"), backup) as restoration:
        restore.restore(restoration)
    assert verified(live_shop).revisions


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (replace(MADE, created_by="brand"), "brand (delivery-manager) is not allowed to manage tokens of omar"),
        (replace(MADE, created_by="mallory"), "there was no operator mallory"),
        (replace(MADE, operator="mallory"), "there was no operator mallory"),
        (replace(MADE, scope="read,approve,relay"), "the scope relay cannot be combined with approve"),
        (replace(MADE, scope="read,relay"), "only an automation can have a token with the scope relay"),
    ],
)
def test_forged_tokens_are_found(live_shop: Workspace, made: TokenRow, found: str) -> None:
    with Store.open(live_shop.location, write=True) as store, store.transaction():
        store.add_token(made)
    assert found in summaries(live_shop)


def test_a_token_that_somebody_else_revoked_is_found(live_shop: Workspace) -> None:
    row, _ = tokens.create(live_shop.session("ada"), "omar", "", "90d")
    with Store.open(live_shop.location, write=True) as store, store.transaction():
        store.revoke_token(row.id, LATER, "brand")
    assert "brand (delivery-manager) is not allowed to manage tokens of omar" in summaries(live_shop)


def test_tokens_that_are_taken_over_once_more_are_found(live_shop: Workspace) -> None:
    """As if they were from before the history had tokens."""
    tokens.create(live_shop.session("ada"), "omar", "", "90d")
    facts = {name: getattr(MADE, name) for name in ("id", "operator", "name", "scope", "created", "created_by")}
    with Store.open(live_shop.location, write=True) as store, store.transaction():
        store.database.insert(
            "token",
            "id, hash, operator, name, created, created_by, expires, revoked, scope",
            [(MADE.id, MADE.hash, "omar", "", LATER, "ada", EXPIRES, "", "all")],
        )
        adopted = {**facts, "expires": EXPIRES, "revoked": "", "digest": MADE.digest}
        store.append(Draft("token-adopt", "offerkit", LATER, details={"tokens": [adopted]}))
    assert "once, before any is made" in summaries(live_shop)


@pytest.mark.parametrize(
    ("who", "facts", "found"),
    [
        ("brand", {}, "brand (delivery-manager) is not allowed to promote shop@live"),
        ("mallory", {}, "there was no operator mallory"),
        ("omar", {"due": "2026-01-01T00:00:00.000000Z"}, "which was past"),
        ("omar", {"environments": []}, "it schedules nothing"),
    ],
)
def test_forged_schedules_are_found_before_they_are_due(
    live_shop: Workspace, who: str, facts: dict[str, Any], found: str
) -> None:
    forged_schedule(changed(live_shop), who, **facts)
    assert found in summaries(live_shop)


@pytest.mark.parametrize(
    ("action", "who", "found"),
    [
        ("unschedule", "risk", "risk (delivery-manager) is not allowed to withdraw a promotion that omar scheduled"),
        ("unschedule", "mallory", "there was no operator mallory"),
        ("schedule-refused", "ada", "omar scheduled it"),
    ],
)
def test_forged_ends_are_found(live_shop: Workspace, action: str, who: str, found: str) -> None:
    shop = changed(live_shop)
    serial = promised(shop).serial
    with Store.open(shop.location, write=True) as store, store.transaction():
        revision = store.append(Draft(action, who, LATER, details={"scheduled": serial}))
        scheduled.end(store.database, serial, revision.serial)
    assert found in summaries(shop)


def test_the_end_of_nothing_is_found(live_shop: Workspace) -> None:
    forge(live_shop, "unschedule", details={"scheduled": 1})
    assert "it ends what no revision scheduled" in summaries(live_shop)


@pytest.mark.parametrize(("who", "found"), [("omar", "omar (offer-manager) was not allowed to erase"), ("ada", "")])
def test_contacts_are_erased_by_administrators(live_shop: Workspace, who: str, found: str) -> None:
    forge(live_shop, "erase", actor=who, details={"erased": {}})
    assert found in summaries(live_shop) if found else verified(live_shop).revisions
