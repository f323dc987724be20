"""The plots of a report: each day has its place, and what is written beside them fits."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from offerkit.engine.status_report import StatusCounts, StatusReport, StatusRow
from offerkit.reports.status_chart import MOST_COLUMNS, status_chart


def chart(*days: str, proposed: int = 10) -> str:
    rows = [StatusRow([day], StatusCounts(proposed)) for day in days]
    return status_chart(StatusReport(["date"], rows, StatusCounts(proposed * len(days)), "UTC"))


def test_days_without_propositions_are_gaps() -> None:
    assert re.findall(r"<title>(\S+): (\d+) proposed", chart("2026-02-27", "2026-03-02")) == [
        ("2026-02-27", "10"),
        ("2026-02-28", "0"),
        ("2026-03-01", "0"),
        ("2026-03-02", "10"),
    ]


def test_only_the_last_days_are_shown() -> None:
    first, last = date(2024, 1, 1), date(2024, 1, 1) + timedelta(MOST_COLUMNS)
    shown = re.findall(r"<title>(\S+): ", chart(first.isoformat(), last.isoformat()))
    assert (len(shown), shown[0], shown[-1]) == (MOST_COLUMNS, "2024-01-02", last.isoformat())
    assert "The last 400 are shown." in chart("0002-01-01", "9998-12-31")


def test_a_day_that_no_calendar_has_is_only_text() -> None:
    assert re.findall(r"<title>(\S+): ", chart("(none)", "2026-03-02")) == ["(none)", "2026-03-02"]


@pytest.mark.parametrize(("proposed", "scale"), [(1, "2"), (7, "8"), (10_000_000, "10,000,000")])
def test_the_scale_has_whole_numbers_that_fit(proposed: int, scale: str) -> None:
    found = chart("2026-03-02", proposed=proposed)
    top, half = (int(text.replace(",", "")) for text in re.findall(r'text-anchor="end">([\d,]+)<', found)[::-1][:2])
    assert (f"{top:,}", half * 2) == (scale, top)
    (left,) = set(re.findall(r'<line x1="(\d+)"', found))
    assert int(left) >= 13 * len(scale)
