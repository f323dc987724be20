"""What was approved and rejected with an earlier release means what it meant: fingerprints of scheme 1 and 2."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.address import Address, Kind, Stage, parse_address
from offerkit.diagnostics import Refused
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance import aspects, scheme1
from offerkit.governance.approvals import Approval, Decision, approved, rejected
from offerkit.plans.plan import ApprovalKey, Aspect, Plan, decode, envelope
from offerkit.state.changes import Body, Entry
from offerkit.state.snapshot import Snapshot
from offerkit.store import Draft, Store
from offerkit.store.stage_snapshots import Stages

HERE = Path(__file__).parent
STORES = sorted(HERE.glob("store-[1-5].sql"))
"""Those of earlier releases; in one of format 6 things are stopped, and approvals from before do not count."""
VECTORS = json.loads((HERE / "fingerprints.json").read_text(encoding="utf-8"))
SAFARI, SAVER = parse_address("shop/offer.safari"), parse_address("shop/offer.saver")
TIME = "2027-01-01T00:00:00.000000Z"
FORMAT_1 = json.loads((HERE / "plan-1.json").read_text(encoding="utf-8"))["plan"].keys()
OFFERS = "specs/shop/offers.yaml"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_fingerprint_never_changes(vector: dict[str, Any]) -> None:
    """Those of scheme 1 were worked out by the release that wrote them."""
    entries, bodies = {}, {}
    for text, value in vector["bodies"].items():
        address, body = parse_address(text), canonical(value)
        print_ = fingerprint(address.kind, body)
        entries[address], bodies[print_] = Entry(print_), Body(address.kind, body.decode())
    view, offer = Snapshot(entries, bodies), parse_address(vector["offer"])
    spaces = [name for name in vector["scheme 2"] if name != "eligibility"]
    assert vector["scheme 2"] == {
        "eligibility": aspects.eligibility_fingerprint(view, offer),
        **dict(zip(spaces, aspects.content_fingerprints(view, offer, spaces), strict=True)),
    }
    assert vector["scheme 1"] == {
        "eligibility": scheme1.scheme1_eligibility_fingerprint(view, offer),
        **{space: scheme1.scheme1_content_fingerprint(view, offer, space).fingerprint for space in spaces},
    }


def old(view: Snapshot, key: ApprovalKey) -> ApprovalKey:
    """What an earlier release would have called ``key``."""
    if key.aspect is Aspect.ELIGIBILITY:
        return replace(key, fingerprint=scheme1.scheme1_eligibility_fingerprint(view, key.address))
    return replace(key, fingerprint=scheme1.scheme1_content_fingerprint(view, key.address, key.space).fingerprint)


def keys(view: Snapshot) -> list[ApprovalKey]:
    return [key for offer in view.of_kind(Kind.OFFER) for key in aspects.approval_keys(view, offer)]


@pytest.mark.embedded
@pytest.mark.parametrize("path", STORES, ids=lambda path: path.stem)
def test_decisions_in_an_old_store_count(path: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.executescript(path.read_text(encoding="utf-8"))
    db.close()
    with Store.open(tmp_path / "store.db", write=True) as store:
        rows = store.approvals()
        design, standing = Stages(store).side(Stage.DESIGN), Stages(store).effective_decisions()
        counted = [key for key in keys(design) if approved(standing, key)]
        assert {(key.address, key.aspect, key.space) for key in counted} == {
            (row.key.address, row.key.aspect, row.key.space) for row in rows
        }
        assert all(
            row.key.fingerprint == old(design, key).fingerprint for key in counted for row in [standing.on(key)] if row
        )
        # One that is rejected and not yet promoted, as the release that wrote the store would have put it.
        key = counted[0]
        with store.transaction():
            no = Approval(old(design, key), Decision.REJECTED, "risk")
            store.append(Draft("reject", "risk", TIME, approvals=(no,)))
        assert rejected(Stages(store).effective_decisions(), key) is not None
        assert store.approvals()[: len(rows)] == rows, "stored decisions are never rewritten"
        assert store.verify() == []


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A shop whose approvals are those of an earlier release."""
    workspace = Workspace(tmp_path, base())
    workspace.apply("ada")
    decide(workspace, Decision.APPROVED, "omar", SAFARI, SAVER)
    return workspace


def decide(workspace: Workspace, decision: Decision, who: str, *offers: Address) -> None:
    """Decide as an earlier release did."""
    with workspace.session(who).writing() as store, store.lock(who=who, timeout=9), store.transaction():
        view = Stages(store).side(Stage.DESIGN)
        made = [Approval(old(view, key), decision, who) for key in keys(view) if not offers or key.address in offers]
        store.append(Draft("approve" if decision is Decision.APPROVED else "reject", who, TIME, approvals=tuple(made)))


@pytest.mark.embedded
def test_old_approvals_take_offers_live(shop: Workspace) -> None:
    shop.promote("ada")
    assert shop.active()[SAVER] == ("mail", "web")


@pytest.mark.embedded
def test_an_old_rejection_takes_an_offer_out(shop: Workspace) -> None:
    shop.promote("ada")
    decide(shop, Decision.REJECTED, "omar", SAFARI)
    shop.promote("ada")
    assert shop.active()[SAFARI] == ()


@pytest.mark.embedded
def test_a_new_rejection_is_the_last_word_on_an_old_approval(shop: Workspace) -> None:
    shop.promote("ada")
    shop.reject("omar", str(SAFARI))
    shop.promote("ada")
    assert shop.active()[SAFARI] == ()


@pytest.mark.embedded
def test_a_new_approval_is_the_last_word_on_an_old_rejection(shop: Workspace) -> None:
    decide(shop, Decision.REJECTED, "omar", SAFARI)
    shop.approve("omar", str(SAFARI))
    shop.promote("ada")
    assert shop.active()[SAFARI] == ("web",)


@pytest.mark.embedded
def test_an_old_approval_of_a_text_that_hid_what_it_read_does_not_count(shop: Workspace) -> None:
    """Scheme 1 took such a text for one that says nothing of the offer; its label was approved by nobody."""
    hidden = "{% set offer = offer.label %}{{ offer }}"
    shop.change({OFFERS: {"offers": {"safari": {"content": {"title": hidden}}}}})
    shop.apply("ada")
    decide(shop, Decision.APPROVED, "omar", SAFARI)
    blocked = {b.address: b.why for b in shop.promotion("ada").blocked}
    assert blocked[SAFARI] == "its content on web is not approved"
    shop.approve("omar", str(SAFARI))
    assert SAFARI not in {b.address for b in shop.promotion("ada").blocked}


@pytest.mark.embedded
def test_an_old_approval_of_another_text_does_not_count(shop: Workspace) -> None:
    shop.change({OFFERS: {"offers": {"safari": {"content": {"title": "Tigers"}}}}})
    shop.apply("ada")
    assert {SAFARI, SAVER} & {b.address for b in shop.promotion("ada").blocked} == {SAFARI}


def saved(workspace: Workspace, plan: Plan) -> Plan:
    """A promotion as an earlier release would have saved it: format 1, with fingerprints of scheme 1."""
    with workspace.store() as store:
        view = Stages(store).side(Stage.DESIGN)
    made = replace(plan, approvals=tuple(old(view, key) for key in plan.approvals), format=1)
    data = {key: value for key, value in json.loads(envelope(made))["plan"].items() if key in FORMAT_1}
    for blocked in data["blocked"]:
        blocked.pop("keys", None)
    text = canonical(data)
    return decode(b'{"digest":"%s","plan":%s}' % (sha256(text).hexdigest().encode(), text), "plan.json")


@pytest.mark.embedded
def test_a_promotion_saved_by_an_earlier_release_is_applied(shop: Workspace) -> None:
    shop.execute("ada", saved(shop, shop.promotion("ada")))
    assert shop.active()[SAFARI] == ("web",)


@pytest.mark.embedded
def test_a_promotion_saved_by_an_earlier_release_is_stale_after_a_rejection(shop: Workspace) -> None:
    plan = saved(shop, shop.promotion("ada"))
    shop.reject("omar", str(SAFARI))
    with pytest.raises(Refused, match="no longer approved"):
        shop.execute("ada", plan)
