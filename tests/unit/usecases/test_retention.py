"""Propositions are kept as long as their dimension says, and removed in batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import PropositionRow
from offerkit.usecases import purge

DIMENSION = {"specs/shared.yaml": {"dimensions": {"person": {"history": {"retention": "10d"}}}}}


def kept(shop: Workspace) -> set[str]:
    with shop.store() as store:
        return {row.id for row in store.propositions(limit=0)}


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    """Live for a while, with a proposition a day of the last 30 days."""
    shop.change(DIMENSION)
    shop.go_live()
    shop.later(days=100)
    with shop.session().writing() as store:
        rows = []
        for day in range(30):
            time = (shop.now - timedelta(days=day)).isoformat(timespec="microseconds").replace("+00:00", "Z")
            rows.append(
                PropositionRow(
                    f"p-{day}", "shop", "1", "web", "inbound-web", "safari", "travel", "i", 1, Decimal(1),
                    Status.PRESENTED, time, time, 1,
                )
            )  # fmt: skip
        store.add_propositions(rows)
    return shop


@pytest.fixture
def batches_of_three(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(purge, "BATCH", 3)
    yield


def found(shop: Workspace) -> list[purge.ExpiredPropositions]:
    session = shop.session("ada")
    with session.existing() as store:
        return purge.expired_propositions(session, store)


@pytest.mark.usefixtures("batches_of_three")
def test_what_is_older_goes_in_batches_and_the_rest_stays(live: Workspace) -> None:
    (over,) = found(live)
    assert (over.environment, over.retention, over.count) == ("shop", "10d", 20)
    assert list(purge.purge_propositions(live.session("ada"), [over])) == [3] * 6 + [2]
    assert kept(live) == {f"p-{day}" for day in range(10)}
    assert found(live)[0].count == 0


@pytest.mark.usefixtures("batches_of_three")
def test_one_that_is_ended_on_its_way_has_removed_whole_batches_of_the_oldest(live: Workspace) -> None:
    removing = purge.purge_propositions(live.session("ada"), found(live))
    next(removing)
    next(removing)
    removing.close()  # type: ignore[attr-defined]
    assert kept(live) == {f"p-{day}" for day in range(24)}


def test_only_administrators_may(live: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        list(purge.purge_propositions(live.session("omar"), found(live)))
    assert [one.code for one in refused.value.diagnostics] == [Code.NOT_ALLOWED]
    assert len(kept(live)) == 30


def test_without_a_retention_everything_is_kept(shop: Workspace) -> None:
    shop.go_live()
    (over,) = found(shop)
    assert (over.retention, over.count, over.counted) == ("", 0, False)
    assert list(purge.purge_propositions(shop.session("ada"), [over])) == []


def test_rules_that_look_further_back_are_told(live: Workspace) -> None:
    assert found(live)[0].counted is (found(live)[0].longest > timedelta(days=10))
    live.change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"period": {"before": "60d"}}}}})
    live.apply("ada")
    live.approve_all()
    live.promote("ada")
    (over,) = found(live)
    assert over.longest == timedelta(days=60)
    assert over.counted


def test_an_environment_that_is_not_there(live: Workspace) -> None:
    session = live.session("ada")
    with session.existing() as store, pytest.raises(Refused) as refused:
        purge.expired_propositions(session, store, ["shp"])
    assert "shop" in refused.value.diagnostics[0].hint
