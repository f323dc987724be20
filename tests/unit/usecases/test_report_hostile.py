"""Reports over names that try to be markup, formulas or terminal codes, and over very many groups."""

from __future__ import annotations

import csv
import io
from collections import Counter
from decimal import Decimal
from typing import Any

from helpers.workspace import Workspace

from offerkit.models.status import Status
from offerkit.reports.status_report import (
    NONE,
    SHOWN,
    status_report_csv,
    status_report_html,
    status_report_markdown,
    status_report_text,
)
from offerkit.store import PropositionRow, Store
from offerkit.usecases.requests import StatusReportRequest
from offerkit.usecases.status_report import NOT_LIVE, status_report

HOSTILE = ("<script>alert(1)</script>", "=HYPERLINK(1)", "\u202eevil", "a\x1b[31m", "x" * 1_000, 'a,b"c\n', "-1+1", "☃")
TIME = "2026-11-01T12:00:00.000000Z"
MANY = 20_000


def proposed(number: int, offer: str, space: str = "web") -> PropositionRow:
    status = Status.PRESENTED if number % 3 else Status.ACCEPTED
    return PropositionRow(
        f"{number:032x}", "shop", "1", space, "inbound-web", offer, "all", f"call-{number}", 1, Decimal(1),
        status, TIME, TIME, 1,
    )  # fmt: skip


def store(shop: Workspace, rows: list[PropositionRow]) -> None:
    with Store.open(shop.location, write=True) as store:
        store.add_propositions(rows)


def report(shop: Workspace, *by: str, **more: Any) -> Any:
    return status_report(shop.session(), StatusReportRequest(by, **more))


def test_without_propositions(live_shop: Workspace) -> None:
    for by in ((), ("date",), ("theme", "category", "offer", "space", "delivery", "campaign", "channel")):
        empty = report(live_shop, *by)
        assert (empty.rows, empty.total.proposed) == ([], 0)
        assert NONE in status_report_text(empty)
        for form in (status_report_csv, status_report_html, status_report_markdown):
            assert form(empty).endswith("\n")


def test_hostile_names_are_only_text(live_shop: Workspace) -> None:
    store(live_shop, [proposed(number, HOSTILE[number % 8], HOSTILE[number // 8]) for number in range(64)])
    found = report(live_shop, "offer", "space")
    assert len(found.rows) == 64
    for form in (status_report_html, status_report_markdown, status_report_text):
        text = form(found)
        assert "\x1b[31m" not in text and "\u202e" not in text, form
    assert "<script" not in status_report_html(found)
    cells = [cell for row in csv.reader(io.StringIO(status_report_csv(found), newline="")) for cell in row]
    assert "'=HYPERLINK(1)" in cells and "'-1+1" in cells and 'a,b"c\n' in cells
    assert not [cell for cell in cells if cell.startswith(("=", "-", "+", "@"))]


def test_offers_that_nobody_has_any_more_and_very_many_groups(live_shop: Workspace) -> None:
    """They keep their numbers; every database counts the same."""
    rows = [proposed(number, f"offer-{number}") for number in range(MANY)]
    rows += [proposed(MANY + number, "safari") for number in range(9)]
    store(live_shop, rows)
    found = report(live_shop, "offer")
    expected = Counter(row.offer for row in rows)
    assert {row.values[0]: row.counts.proposed for row in found.rows} == expected
    assert found.total.accepted == sum(row.status is Status.ACCEPTED for row in rows)
    assert len(status_report_csv(found).splitlines()) >= MANY + 1
    assert f"{MANY + 1 - SHOWN:,} more groups" in status_report_html(found)
    gone = report(live_shop, "category")
    assert {row.values[0]: row.counts.proposed for row in gone.rows}[NOT_LIVE] == MANY
    assert len(gone.gone) == MANY and len(status_report_text(gone)) < 3_000
    assert report(live_shop, offers=("offer-7",)).total.proposed == 1


def test_an_offer_with_several_themes_and_one_that_was_renamed(live_shop: Workspace) -> None:
    """It is counted in each theme, as the report says, and once in the total; the old name keeps its propositions."""
    live_shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"themes": ["sun", "wild"]}}}})
    live_shop.apply("ada")
    live_shop.approve("omar", "shop/offer.safari")
    live_shop.promote("ada")
    store(live_shop, [proposed(number, "safari" if number else "safari-of-old") for number in range(4)])
    found = report(live_shop, "theme")
    assert {row.values[0]: row.counts.proposed for row in found.rows} == {"sun": 3, "wild": 3, NOT_LIVE: 1}
    assert (found.total.proposed, found.several, found.gone) == (4, True, ["shop/offer.safari-of-old"])
