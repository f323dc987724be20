"""A shop whose promotions are scheduled, and what became of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from helpers.workspace import Workspace
from offerkit.diagnostics import Code, Refused
from offerkit.store import RevisionRow
from offerkit.times import utc
from offerkit.usecases import schedule as scheduling
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.run_due import DueOutcome, run_due

SAFARI = "shop/offer.safari"
HOUR = timedelta(hours=1)


def changed(shop: Workspace, weight: int = 77) -> Workspace:
    """Another weight of an offer, applied and approved."""
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": weight}]}}}})
    shop.apply("ada")
    shop.approve("omar", SAFARI)
    return shop


def promised(shop: Workspace, who: str = "omar", *targets: str, hours: float = 24, not_after: float = 0) -> RevisionRow:
    """A promotion that ``who`` schedules, some hours ahead."""
    plan = shop.promotion(who, *targets)
    latest = utc(shop.now + not_after * HOUR) if not_after else ""
    return scheduling.schedule(shop.session(who), plan, ScheduleRequest(utc(shop.now + hours * HOUR), latest))


def due(shop: Workspace, hours: float = 25) -> list[DueOutcome]:
    """What becomes of what is due some hours later."""
    shop.later(hours=hours)
    return list(run_due(shop.session(), lambda: shop.now))


def codes(outcome: DueOutcome) -> list[str]:
    return [finding.code.value for finding in outcome.findings]


def last(shop: Workspace) -> RevisionRow:
    with shop.store() as store:
        row = store.revision(store.last_serial())
    assert row is not None
    return row


def refused(work: Any) -> list[Code]:
    with pytest.raises(Refused) as caught:
        work()
    return [finding.code for finding in caught.value.diagnostics]


def in_paris(shop: Workspace, **promotion: Any) -> Workspace:
    """The shop in Europe/Paris, live, with some settings of promotions."""
    environment = {"time_zone": "Europe/Paris", **({"promotion": promotion} if promotion else {})}
    shop.change({"environments/shop.yaml": {"environment": environment}})
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")
    return shop
