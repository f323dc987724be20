"""A server holds what it is sent to its own policies, and records overrides by those whom they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Plan, envelope
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.plan import plan_design
from offerkit.usecases.policy_checks import plan_denials

POLICIES, OFFERS = "specs/shop/policies.yaml", "specs/shop/offers.yaml"
LIGHT = {"require": "offer.weight <= 20", "message": "Too heavy.", "override": ["risk"]}
SAFARI = "shop/offer.safari"


@pytest.fixture
def heavy(shop: Workspace) -> Workspace:
    """A policy is live; in the specs, which have none any more, an offer breaks it."""
    shop.change({POLICIES: {"version": 1, "policies": {"light": LIGHT}}})
    shop.go_live()
    shop.change({POLICIES: {"policies": None}, OFFERS: {"offers": {"safari": {"weights": [{"weight": 70}]}}}})
    return shop


@pytest.fixture
def server(heavy: Workspace) -> Iterator[TestClient]:
    with client(heavy) as found:
        yield found


def unheld(shop: Workspace) -> tuple[Plan, list[dict[str, Any]]]:
    """The plan as a client makes it that knows nothing of policies; and what one that does finds in it."""
    session = shop.session("omar")
    with session.existing() as store:
        plan = plan_design(session, session.load(), store, AddressPatterns.of(("*/offer.*",)), check_policies=False)
        return plan, [asdict(found) for found in plan_denials(session, Stages(store), plan)]


def asked(server: TestClient, shop: Workspace, who: str, path: str, **body: object) -> Any:
    scope = "apply" if path == "apply" else "approve"
    headers = {"Authorization": f"Bearer {token(shop, who, scope)}"}
    return server.post(f"/api/v1/store/{path}", json=body, headers=headers)


def test_a_plan_of_a_client_that_knows_no_policies(heavy: Workspace, server: TestClient) -> None:
    plan, found = unheld(heavy)
    body = envelope(plan).decode()
    refused = asked(server, heavy, "omar", "apply", plan=body)
    assert refused.status_code == 422
    assert "OFR716" in refused.text
    wish = {"patterns": [SAFARI], "reason": "Only in spring", "lifts": ["policies"]}
    assert "OFR801" in asked(server, heavy, "risk", "override", **wish).text  # design has nothing of it
    assert "OFR701" in asked(server, heavy, "ada", "override", **wish, found=found).text
    made = asked(server, heavy, "risk", "override", **wish, found=found)
    assert made.status_code == 200
    assert "shop/policy.light denies it" in made.json()["says"][0]
    assert "OFR713" in asked(server, heavy, "omar", "apply", plan=body).text  # it does not say what was overridden
    body = envelope(heavy.plan("*/offer.*")).decode()
    done = asked(server, heavy, "omar", "apply", plan=body)
    assert done.status_code == 200, done.text


@pytest.mark.parametrize(
    "forged",
    [
        {"meaning": "0" * 64},
        {"judged": "0" * 64},
        {"policy": "shop/policy.none"},
        {"address": "shop/offer.saver"},
        {"address": "no address"},
        {"policy": "x" * 500},
    ],
    ids=["meaning", "judged", "policy", "address", "no address", "no policy"],
)
def test_what_a_client_makes_up_lifts_nothing(heavy: Workspace, server: TestClient, forged: dict[str, str]) -> None:
    plan, (found,) = unheld(heavy)
    asked(server, heavy, "risk", "override", patterns=["*"], reason="x", found=[{**found, **forged}])
    refused = asked(server, heavy, "omar", "apply", plan=envelope(plan).decode())
    assert "OFR716" in refused.text


@pytest.mark.parametrize("wrong", [[{}], [{"policy": 1}], [7], "x", [{"meaning": "g" * 64}]])
def test_what_is_no_finding_is_refused(heavy: Workspace, server: TestClient, wrong: object) -> None:
    assert asked(server, heavy, "risk", "override", patterns=["*"], reason="x", found=wrong).status_code == 422
