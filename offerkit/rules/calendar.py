"""Date and timestamp functions for known values; a result outside the years 1 to 9999 is unknown (None)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta

FARTHEST = {"months": 120_000, "days": 3_700_000, "seconds": 320_000_000_000}
"""Longer intervals leave the years 1 to 9999 from any date."""
_UNIX = datetime(1970, 1, 1)
_CLOCK = {"hour": 3600, "minute": 60, "second": 1}


def to_timestamp(day: date) -> datetime:
    """The midnight of ``day``."""
    return datetime(day.year, day.month, day.day)


def date_add(moment: date, months: int, days: int, seconds: int) -> date | None:
    """Adds months (a day that the month does not have becomes its last one), then days, then seconds."""
    if months:
        shifted = _add_months(moment, months)
        if shifted is None:
            return None
        moment = shifted
    try:
        later = moment + timedelta(days) if days else moment
        return later + timedelta(0, seconds) if seconds else later
    except OverflowError:
        return None


def _add_months(moment: date, months: int) -> date | None:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    day = moment.day
    return moment.replace(year, month + 1, day if day <= 28 else min(day, monthrange(year, month + 1)[1]))


def date_trunc(unit: str, moment: date) -> date:
    """The beginning of the unit (weeks begin on Monday), in the type of ``moment``."""
    if unit in _CLOCK:
        if not isinstance(moment, datetime):
            return moment
        return moment.replace(
            minute=0 if unit == "hour" else moment.minute,
            second=moment.second if unit == "second" else 0,
            microsecond=0,
        )
    match unit:
        case "year":
            day = date(moment.year, 1, 1)
        case "quarter":
            day = date(moment.year, moment.month - (moment.month - 1) % 3, 1)
        case "month":
            day = date(moment.year, moment.month, 1)
        case "week":
            day = date.fromordinal(moment.toordinal() - moment.weekday())
        case _:
            day = date(moment.year, moment.month, moment.day)
    return datetime.combine(day, time()) if isinstance(moment, datetime) else day


def date_diff(unit: str, begin: date, end: date) -> int:
    """How often the unit changes from ``begin`` to ``end``."""
    return _count(unit, end) - _count(unit, begin)


def _count(unit: str, moment: date) -> int:
    """The number of the unit that contains ``moment``, counted from a fixed point."""
    match unit:
        case "year":
            return moment.year
        case "quarter":
            return moment.year * 4 + (moment.month - 1) // 3
        case "month":
            return moment.year * 12 + moment.month
        case "week":
            return (moment.toordinal() - 1) // 7  # 0001-01-01 was a Monday
        case "day":
            return moment.toordinal()
        case _:
            clock = moment if isinstance(moment, datetime) else to_timestamp(moment)
            return (clock - _UNIX) // timedelta(seconds=_CLOCK[unit])


def extract(unit: str, moment: date) -> int:
    """The part ``unit`` of ``moment``; ``dow``: 0 is Sunday; ``week``: of ISO 8601."""
    match unit:
        case "quarter":
            return (moment.month + 2) // 3
        case "week":
            return moment.isocalendar().week
        case "dow":
            return moment.isoweekday() % 7
        case "doy":
            return moment.timetuple().tm_yday
        case "hour" | "minute" | "second" if not isinstance(moment, datetime):
            return 0
        case _:
            part: int = getattr(moment, unit)
            return part


def age_in_years(birth: date, on: date) -> int:
    """Full years from ``birth`` to ``on``; in common years, a birthday on 29 February counts as 1 March."""
    passed = _number(on) - _number(birth)
    return passed // 10_000 if passed >= 0 else -(-passed // 10_000)


def _number(day: date) -> int:
    """2026-12-31 as 20261231."""
    return day.year * 10_000 + day.month * 100 + day.day
