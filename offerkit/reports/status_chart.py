"""The plots of a report as SVG: columns by day, bars for other groups. The page's style gives the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from offerkit.engine.status_report import StatusCounts, StatusReport
from offerkit.reports.escape import clip
from offerkit.reports.templating import call

MOST_BARS, MOST_COLUMNS = 30, 400
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 240, 72, 34, 16
_BAR, _LABEL, _DATE, _LETTER = 52, 26, 130, 13
"""``_LETTER``: the width of a digit of a scale on a small screen."""
_PARTS = ("accepted", "interested", "rejected", "other")
"""The parts of a bar, from its beginning; ``other``: waiting, or presented without an answer."""


class ChartPart(NamedTuple):
    """One part of a bar or column: what it counts, where it begins, and its length."""

    name: str
    at: float
    size: float


class Bar(NamedTuple):
    """A group: its name, what is said of it, where it lies, and its parts."""

    label: str
    said: str
    at: float
    parts: Sequence[ChartPart]


def status_chart(report: StatusReport) -> str:
    """An SVG element; empty where there is nothing to compare. The table of the report says the same in numbers."""
    if not report.by or not report.rows:
        return ""
    dates = "date" in report.by
    axis = "date" if dates else report.by[0] if len(report.by) == 1 else ", ".join(report.by)
    merged: dict[str, StatusCounts] = {}
    for row in report.rows:
        value = row.values[report.by.index("date")] if dates else " · ".join(row.values)
        counts = merged.setdefault(value, StatusCounts())
        for name in StatusCounts.__slots__:
            setattr(counts, name, getattr(counts, name) + getattr(row.counts, name))
    return _columns(_every_day(merged), axis) if dates else _bars(list(merged.items()), axis)


def _every_day(counted: Mapping[str, StatusCounts]) -> Sequence[tuple[str, StatusCounts]]:
    """The last days up to the newest, with those on which nothing was proposed: as far apart as they are."""
    try:
        first, last = date.fromisoformat(min(counted)), date.fromisoformat(max(counted))
    except ValueError:  # edited: no calendar has such a day
        return list(counted.items())
    if (last - first).days > MOST_COLUMNS:
        first = last - timedelta(MOST_COLUMNS)
    days = ((first + timedelta(number)).isoformat() for number in range((last - first).days + 1))
    return [(day, counted.get(day, StatusCounts())) for day in days]


def _bars(groups: Sequence[tuple[str, StatusCounts]], axis: str) -> str:
    shown = groups[:MOST_BARS]
    most = max(counts.proposed for _, counts in shown) or 1
    scale = _WIDTH / most
    bars = [
        Bar(clip(name, 80), _said(counts), place * _BAR, _parts(counts, 0, scale))
        for place, (name, counts) in enumerate(shown)
    ]
    left = f" The first {MOST_BARS} of {len(groups):,} are shown." if len(groups) > MOST_BARS else ""
    size = (_WIDTH, len(shown) * _BAR)
    return call(
        "status_chart.html", "bars", size, f"Propositions by {axis}", f"A bar for each group.{left}", bars, _LABEL
    )


def _columns(groups: Sequence[tuple[str, StatusCounts]], axis: str) -> str:
    shown = groups[-MOST_COLUMNS:]
    most = max(counts.proposed for _, counts in shown) or 1
    most += most % 2  # half of it is a tick, too
    height = _HEIGHT - _TOP - _BOTTOM
    left = max(_LEFT, _LETTER * (len(f"{most:,}") + 1))
    step = (_WIDTH - left) / len(shown)
    bars = [
        Bar(name, _said(counts), left + place * step, _parts(counts, 0, height / most))
        for place, (name, counts) in enumerate(shown)
    ]
    every = -(-len(shown) // 5)
    labels = [(bar.label, bar.at) for place, bar in enumerate(bars) if place % every == 0 and bar.at < _WIDTH - _DATE]
    ticks = [(f"{most * half // 2:,}", _TOP + height * (2 - half) / 2) for half in (0, 1, 2)]
    more = f" The last {MOST_COLUMNS} are shown." if len(groups) > MOST_COLUMNS else ""
    frame = (_WIDTH, _HEIGHT, left, _TOP + height)
    return call(
        "status_chart.html",
        "columns",
        frame,
        f"Propositions by {axis}",
        f"A column for each day.{more}",
        bars,
        max(step - 1, step * 0.7),
        labels=labels,
        ticks=ticks,
    )


def _parts(counts: StatusCounts, start: float, scale: float) -> list[ChartPart]:
    sizes = {name: getattr(counts, name) for name in _PARTS[:-1]}
    sizes["other"] = counts.proposed - sum(sizes.values())
    parts = []
    for name in _PARTS:
        if sizes[name]:
            parts.append(ChartPart(name, start, sizes[name] * scale))
            start += sizes[name] * scale
    return parts


def _said(counts: StatusCounts) -> str:
    numbers = {name: getattr(counts, name) for name in ("proposed", *_PARTS[:-1])}
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items())
