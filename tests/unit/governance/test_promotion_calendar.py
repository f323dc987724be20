"""Windows and freezes on the clocks of a zone: every quarter of an hour of days in which clocks change, against a plain reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from offerkit.diagnostics import Code
from offerkit.fingerprint import JsonMap
from offerkit.governance.promotion_calendar import PromotionCalendar, closures, next_opening
from offerkit.models.environment import Promotion
from offerkit.models.promotion_calendar import DAYS
from offerkit.times import first_instant, instants_of, last_instant, utc, wall_clock

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)


def calendar(zone: str = "Europe/Paris", **promotion: object) -> PromotionCalendar:
    body: JsonMap = {"time_zone": zone, "promotion": promotion}  # type: ignore[dict-item]
    found = PromotionCalendar.of("shop", body)
    assert found is not None
    return found


def is_open(one: PromotionCalendar, moment: datetime) -> bool:
    return not closures([one], moment)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("body", [None, {}, {"promotion": {}}, {"promotion": {"tests": True}}])
def test_without_either_there_is_no_calendar(body: JsonMap | None) -> None:
    assert PromotionCalendar.of("shop", body) is None


@pytest.mark.parametrize("begin", ["2026-03-28", "2026-10-24", "2026-12-30"])
@pytest.mark.parametrize(
    ("days", "from_", "until"),
    [
        (("mon", "thu"), "06:00", "18:00"),
        ((), "02:30", "03:30"),
        (("sat", "sun"), "22:00", "04:00"),
        (("sun",), "02:15", "02:45"),
        (("sun",), "01:30", "02:30"),
        (("wed",), "00:00", "24:00"),
    ],
)
def test_windows_quarter_by_quarter(begin: str, days: tuple[str, ...], from_: str, until: str) -> None:
    """Also in the nights in which clocks go forward and back; the next opening is the first open minute."""
    one = calendar(windows=[{"days": list(days), "from": from_, "until": until}])
    moment, end = at(begin), at(begin) + timedelta(days=3)
    opening = next_opening([one], moment)
    while moment < end:
        local = wall_clock(moment, PARIS)
        clock, yesterday = local.strftime("%H:%M"), local - timedelta(days=1)
        today = not days or DAYS[local.weekday()] in days
        if from_ < until:
            expected = today and from_ <= clock < until
        else:
            begun = not days or DAYS[yesterday.weekday()] in days
            expected = (today and clock >= from_) or (begun and clock < until)
        assert is_open(one, moment) is expected, (moment, local)
        if expected and opening is not None and opening > moment:
            raise AssertionError(f"open at {moment}, and not from {opening} on only")
        if not expected and (opening is None or opening <= moment):
            opening = next_opening([one], moment)
        moment += MINUTE * 15


def test_a_freeze_of_days_ends_with_its_last_day() -> None:
    one = calendar(freezes=[{"from": "2026-11-27", "until": "2026-11-30", "reason": "Black Friday"}])
    for text, expected in (
        ("2026-11-26T22:59", True), ("2026-11-26T23:00", False), ("2026-11-30T22:59", False), ("2026-11-30T23:00", True),
    ):  # fmt: skip
        assert is_open(one, at(text)) is expected
    (closure,) = closures([one], at("2026-11-28T00:00"))
    assert (closure.code, closure.why) == (Code.FROZEN, "shop is frozen until 2026-12-01 00:00 CET: Black Friday")


def test_a_freeze_covers_both_passes_of_a_repeated_hour_and_none_of_a_skipped_one() -> None:
    repeated = calendar(freezes=[{"from": "2026-10-25T02:30", "until": "2026-10-25T02:40", "reason": "x"}])
    assert [is_open(repeated, at(f"2026-10-25T{clock}")) for clock in ("00:29", "00:30", "01:00", "01:39", "01:40")] == [
        True, False, False, False, True,
    ]  # fmt: skip
    skipped = calendar(freezes=[{"from": "2026-03-29T02:10", "until": "2026-03-29T02:50", "reason": "x"}])
    assert all(is_open(skipped, at("2026-03-29T00:00") + MINUTE * n) for n in range(180))


def test_what_is_possible_next_goes_around_all() -> None:
    live = calendar(
        windows=[{"days": ["mon", "tue"], "from": "06:00", "until": "18:00"}],
        freezes=[{"from": "2026-11-23", "until": "2026-12-01", "reason": "Black Friday"}],
    )
    design = calendar(windows=[{"from": "16:00", "until": "20:00"}])
    found = next_opening([live, design], at("2026-11-24T12:00"))
    assert found is not None and utc(found) == "2026-12-07T15:00:00.000000Z"
    assert (
        next_opening([calendar(windows=[{"days": ["mon"]}]), calendar(windows=[{"days": ["tue"]}])], at("2026-11-24"))
        is None
    )
    forever = calendar(freezes=[{"from": "0002-01-01", "until": "9999-12-31", "reason": "x"}])
    assert not is_open(forever, at("2026-01-01"))


def test_an_override_is_bound_to_the_freeze_and_to_what_waits() -> None:
    freeze = {"from": "2026-11-27", "until": "2026-11-30", "reason": "Black Friday"}
    (one,) = closures([calendar(freezes=[freeze])], at("2026-11-28T00:00"))
    (same,) = closures([calendar(freezes=[freeze], tests=True)], at("2026-11-29T00:00"))
    (longer,) = closures([calendar(freezes=[{**freeze, "until": "2026-12-01"}])], at("2026-11-28T00:00"))
    assert one.fingerprint("a") == same.fingerprint("a")
    assert len({one.fingerprint("a"), one.fingerprint("b"), longer.fingerprint("a")}) == 3


@pytest.mark.parametrize(
    "promotion",
    [
        {"windows": [{"days": ["monday"]}]},
        {"windows": [{"days": ["mon", "mon"]}]},
        {"windows": [{"from": "6:00"}]},
        {"windows": [{"from": "25:00"}]},
        {"windows": [{"from": 360}]},
        {"windows": [{"from": "08:00", "until": "08:00"}]},
        {"windows": [{"from": "00:00", "until": "00:00"}]},
        {"windows": [{"from": "24:00"}]},
        {"windows": [{"form": "06:00"}]},
        {"windows": [{}] * 51},
        {"freezes": [{"from": "2026-11-27", "until": "2026-11-30"}]},
        {"freezes": [{"from": "2026-11-27", "until": "2026-11-30", "reason": ""}]},
        {"freezes": [{"from": "2026-11-30", "until": "2026-11-27", "reason": "x"}]},
        {"freezes": [{"from": "2026-11-30T06:00", "until": "2026-11-30T06:00", "reason": "x"}]},
        {"freezes": [{"from": "2026-02-30", "until": "2026-11-27", "reason": "x"}]},
        {"freezes": [{"from": "2026-02-03T06:00+01:00", "until": "2026-11-27", "reason": "x"}]},
        {"freezes": [{"from": "0001-01-01", "until": "2026-11-27", "reason": "x"}]},
    ],
)
def test_what_cannot_be_declared(promotion: JsonMap) -> None:
    with pytest.raises(ValidationError):
        Promotion.model_validate(promotion)


def test_all_days_that_do_not_exist_are_told_at_once() -> None:
    with pytest.raises(ValidationError, match="no day “tu” or “Mon”"):
        Promotion.model_validate({"windows": [{"days": ["wed", "tu", "Mon"]}]})


def test_what_is_written_differently_is_the_same() -> None:
    one = Promotion.model_validate({"windows": [{"days": ["tue", "mon"]}], "freezes": [
        {"from": "2026-11-27 18:00:00", "until": "2026-11-30", "reason": "x"}]})  # fmt: skip
    assert (one.windows[0].days, one.freezes[0].from_) == (("mon", "tue"), "2026-11-27T18:00")


@pytest.mark.parametrize(
    "zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
)
def test_local_times_and_instants_agree(zone: str) -> None:
    """Every hour of a year is found again among the instants of its local time."""
    there, moment = ZoneInfo(zone), at("2026-01-01")
    for _ in range(366 * 24):
        local = wall_clock(moment, there)
        found = instants_of(local, there)
        assert moment in found and len(found) in (1, 2)
        assert (first_instant(local, there), last_instant(local, there)) == (found[0], found[-1])
        moment += timedelta(hours=1)
    for skipped in ("2026-03-29T02:00", "2026-03-29T02:30", "2026-03-29T02:59"):
        local = datetime.fromisoformat(skipped)
        if not instants_of(local, there):
            assert first_instant(local, there) == last_instant(local, there) == at("2026-03-29T01:00")


def test_what_is_possible_next_where_a_day_was_skipped() -> None:
    """Kwajalein had no Saturday, 21 August 1993: the next one is more than a week ahead."""
    one = calendar("Pacific/Kwajalein", windows=[{"days": ["sat"], "from": "03:00"}])
    assert next_opening([one], at("1993-08-19T21:15")) == at("1993-08-27T15:00")
