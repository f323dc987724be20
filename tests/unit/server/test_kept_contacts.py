"""Contacts stay open and remembered from one revision to the next, unless they are declared in another way."""

from __future__ import annotations

from pathlib import Path
from time import sleep
from typing import Any

import pytest
from helpers.serving import PEOPLE, with_people
from helpers.workspace import Workspace

from offerkit.contacts.source import Contacts
from offerkit.rules.types import Row
from offerkit.server.live import ServedCatalogs, served_catalogs
from offerkit.server.thread_worker import ThreadWorker

SHARED, OFFERS, ENVIRONMENT = "specs/shared.yaml", "specs/shop/offers.yaml", "environments/shop.yaml"


def _people(worker: ThreadWorker, served: ServedCatalogs) -> tuple[Contacts, Row | None]:
    sources = worker.people(served)
    return sources.of("shop"), sources.by_key("shop", "1")


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({OFFERS: {"offers": {"safari": {"content": {"title": "Tigers"}}}}}, True),
        ({SHARED: {"dimensions": {"person": {"source": {"path": "others.csv"}}}}}, False),
        ({SHARED: {"dimensions": {"person": {"fields": {"age": {"type": "decimal"}}}}}}, False),
        ({ENVIRONMENT: {"environment": {"time_zone": "Asia/Tokyo"}}}, False),
    ],
)
def test_what_another_revision_declares(shop: Workspace, change: dict[str, Any], kept: bool) -> None:
    with_people(shop).go_live()
    (Path(shop.root) / "others.csv").write_text(PEOPLE.replace("example.com", "example.org"), encoding="utf-8")
    sleep(0.05)  # of a file that changed just now, nothing is remembered for long
    worker = ThreadWorker(shop.session())
    try:
        before, row = _people(worker, served_catalogs(worker.store))
        shop.change(change)
        shop.apply("ada")
        shop.approve_all()
        shop.promote("ada")
        served = served_catalogs(worker.store)
        after, now = _people(worker, served)
        assert (after is before) == kept
        assert (now is row) == kept
        fresh = ThreadWorker(shop.session())
        assert repr(now) == repr(_people(fresh, served)[1])
        fresh.close()
    finally:
        worker.close()
