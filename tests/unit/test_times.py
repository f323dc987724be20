"""Instants as text, on the clocks of a zone, and moved to the ends of the calendar."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from offerkit.rules.values import parse_instant
from offerkit.times import check_utc, display_time, instant, shift, utc, wall_clock

PARIS, CAIRO, KATHMANDU = ZoneInfo("Europe/Paris"), ZoneInfo("Africa/Cairo"), ZoneInfo("Asia/Kathmandu")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-11-01T12:00:00.000000Z"),
        (datetime(2026, 11, 1, 13, tzinfo=PARIS), "2026-11-01T12:00:00.000000Z"),
        (datetime(2026, 11, 1, 12, 0, 0, 1, timezone(timedelta(hours=-3, minutes=-30))), "2026-11-01T15:30:00.000001Z"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=PARIS), "2026-10-25T00:30:00.000000Z"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1), "2026-10-25T01:30:00.000000Z"),
        (datetime(33, 1, 1, tzinfo=UTC), "0033-01-01T00:00:00.000000Z"),
    ],
)
def test_an_instant_has_one_text_and_comes_back_from_it(moment: datetime, text: str) -> None:
    assert utc(moment) == text
    assert instant(text) == moment.astimezone(UTC) and instant(text).tzinfo is UTC
    check_utc(text)


@pytest.mark.parametrize("text", ["", "2026-11-01", "2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000000+00:00"])
def test_another_text_is_no_time_of_the_store(text: str) -> None:
    with pytest.raises(ValueError, match="not a UTC time"):
        check_utc(text)


def test_texts_sort_as_the_instants_do() -> None:
    moments = [
        datetime(year, 3, 29, tzinfo=UTC) + timedelta(microseconds=step)
        for year in (2, 999, 2026)
        for step in (0, 1, 10**6)
    ]
    assert sorted(map(utc, reversed(moments))) == [utc(moment) for moment in moments]


@pytest.mark.parametrize(
    ("moment", "zone", "wall", "text"),
    [
        (NOON, PARIS, datetime(2026, 11, 1, 13), "2026-11-01 13:00 CET"),
        (NOON, KATHMANDU, datetime(2026, 11, 1, 17, 45), "2026-11-01 17:45 +0545"),
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), PARIS, datetime(2026, 3, 29, 1, 59, 59), "2026-03-29 01:59 CET"),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), PARIS, datetime(2026, 3, 29, 3), "2026-03-29 03:00 CEST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), PARIS, datetime(2026, 10, 25, 2, 30), "2026-10-25 02:30 CEST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), PARIS, datetime(2026, 10, 25, 2, 30), "2026-10-25 02:30 CET"),
        # the clocks of Cairo go from 23:59 to 01:00: that day has no midnight
        (datetime(2026, 4, 24, tzinfo=CAIRO), CAIRO, datetime(2026, 4, 24, 1), "2026-04-24 01:00 EEST"),
        (datetime(2026, 3, 29, 2, 30, tzinfo=PARIS), PARIS, datetime(2026, 3, 29, 3, 30), "2026-03-29 03:30 CEST"),
    ],
)
def test_what_the_clocks_show(moment: datetime, zone: ZoneInfo, wall: datetime, text: str) -> None:
    on_the_wall = wall_clock(moment, zone)
    assert (on_the_wall, on_the_wall.tzinfo, on_the_wall.fold) == (wall, None, 0)
    assert display_time(moment, zone) == text


def test_beyond_the_calendar_is_its_end() -> None:
    assert shift(NOON, timedelta(days=-1)) == datetime(2026, 10, 31, 12, tzinfo=UTC)
    assert shift(NOON, timedelta(days=10**7)) == datetime.max.replace(tzinfo=UTC)
    assert shift(NOON, timedelta(days=-(10**7))) == datetime.min.replace(tzinfo=UTC)
    assert utc(shift(NOON, timedelta(days=10**7))) == "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25 02:30 Z", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 5, 31, 22, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        (datetime(2026, 6, 1).date(), datetime(2026, 5, 31, 22, tzinfo=UTC)),
    ],
)
def test_an_offset_says_which_of_two_equal_hours_is_meant(raw: object, expected: datetime) -> None:
    assert parse_instant(raw, PARIS) == expected


@pytest.mark.parametrize("raw", ["soon", "2026-02-30", "0001-01-01T00:00+14:00", 7, None])
def test_what_is_no_instant_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        parse_instant(raw, PARIS)


def test_nobody_else_turns_instants_into_text_or_clocks() -> None:
    """Where it must be done otherwise, the place is named here with its reason."""
    elsewhere = {
        "offerkit/engine/check_call.py",  # a call's instant, normalized
        "offerkit/forges/fields.py",  # a forge's instant, with whatever offset it has
        "offerkit/rules/values.py",  # text as people write it
        "offerkit/governance/promotion_calendar.py",  # clock times of a week in the environment's zone
        "offerkit/usecases/past_live.py",  # a past moment, in UTC
        "offerkit/usecases/space_calls.py",  # an answer's time keeps its offset
        "offerkit/usecases/argument_values.py",  # the same, on a command line
        "offerkit/usecases/propose.py",  # an answer's time keeps its offset
    }
    root = Path(__file__).resolve().parents[2]
    found = set()
    for path in (root / "offerkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "astimezone":
                found.add(path.relative_to(root).as_posix())
            if isinstance(node, ast.Constant) and node.value == "+00:00":
                found.add(path.relative_to(root).as_posix())
    assert found - {"offerkit/times.py"} == elsewhere
