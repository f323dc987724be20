"""Reads constants: numbers, dates, timestamps, intervals. Mistakes are reported, and give None."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from offerkit.diagnostics.suggest import suggestion
from offerkit.rules.functions import UNITS
from offerkit.rules.nodes import Interval, Literal
from offerkit.rules.problems import ProblemList, shortened
from offerkit.rules.type_words import DATE, DECIMAL, INTEGER, TIMESTAMP

LARGEST = 2**63
_PART = re.compile(r"\s*([+-]?\d{1,12})\s*([a-zA-Z]+)", re.ASCII)
INTERVAL = re.compile(r"\s*[+-]?\d{1,12}\s*(?:year|quarter|month|week|day|hour|minute|second)s?\s*", re.IGNORECASE)
"""Matches a text that was probably meant as an interval."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\Z", re.ASCII)


def number(written: str, start: int, end: int, report: ProblemList) -> Literal | None:
    """A 64-bit integer, or a decimal with at most twelve digits before the point and six after it."""
    if "." not in written:
        digits = written.lstrip("-").lstrip("0") or "0"
        if len(digits) <= 19 and -LARGEST <= int(written) < LARGEST:
            return Literal(INTEGER, start, end, int(written))
        report.add(
            start,
            end,
            f"{report.quote(start, end)} is too large",
            "A whole number has 64 bits: at most 9,223,372,036,854,775,807.",
        )
        return None
    integer_part, fraction = written.lstrip("-").split(".")
    if len(fraction.rstrip("0")) > 6:
        report.add(
            start,
            end,
            f"{report.quote(start, end)} has more than six digits after the point",
            "A decimal number has at most six.",
            "Round it.",
        )
    elif len(integer_part.lstrip("0")) > 12:
        report.add(
            start,
            end,
            f"{report.quote(start, end)} has more than twelve digits before the point",
            "A decimal number has at most twelve.",
        )
    else:
        value = Decimal(f"{'-' if written[0] == '-' else ''}{integer_part or 0}.{fraction or 0}")
        return Literal(DECIMAL, start, end, value + 0)  # + 0: minus zero is zero
    return None


def as_date(text: str, start: int, end: int, report: ProblemList) -> Literal | None:
    """The date in ``text``."""
    if _DATE.match(text):
        try:
            return Literal(DATE, start, end, date.fromisoformat(text))
        except ValueError:
            report.add(start, end, f"{report.quote(start, end)} is not a calendar date", hint="Write '2026-01-31'.")
            return None
    hint = "Write '2026-01-31': year, month, day."
    if _TIMESTAMP.match(text):
        hint = f"A date is a whole day: write '{text[:10]}', or timestamp '{text}'."
    report.add(start, end, f"{report.quote(start, end)} is not a date", hint=hint)
    return None


def as_timestamp(text: str, start: int, end: int, report: ProblemList) -> Literal | None:
    """The timestamp in ``text``; a date alone means its midnight."""
    if _TIMESTAMP.match(text) or _DATE.match(text):
        try:
            return Literal(TIMESTAMP, start, end, datetime.fromisoformat(text))
        except ValueError:
            pass
    report.add(
        start,
        end,
        f"{report.quote(start, end)} is not a timestamp",
        "Timestamps are in the environment's time zone, without an offset.",
        "Write '2026-01-31 18:30:00'.",
    )
    return None


def as_moment(text: str, start: int, end: int, report: ProblemList) -> Literal | None:
    """A timestamp if ``text`` has a time of day, else a date."""
    return (as_timestamp if _TIMESTAMP.match(text) else as_date)(text, start, end, report)


def interval(text: str, start: int, end: int, report: ProblemList) -> Interval | None:
    """``3 days``, ``1 year 6 months``, ``-2 hours``: whole numbers and units."""
    months = days = seconds = at = 0
    while match := _PART.match(text, at):
        count, word = int(match[1]), match[2].lower()
        unit = word if word in UNITS else word.removesuffix("s")
        if unit not in UNITS:
            report.add(start, end, f"“{shortened(match[2])}” is not a unit of time", hint=suggestion(word, UNITS))
            return None
        months += count * _MONTHS.get(unit, 0)
        days += count * _DAYS.get(unit, 0)
        seconds += count * _SECONDS.get(unit, 0)
        at = match.end()
    if at == 0 or text[at:].strip():
        unit = f"The unit is missing: interval '{text} days'." if text.isascii() and text.isdecimal() else ""
        hint = "Write interval '3 days' or interval '1 year 6 months': whole numbers and units."
        report.add(start, end, f"{report.quote(start, end)} is not an interval", hint=unit or hint)
        return None
    if abs(months) > 120_000 or abs(days) > 3_660_000 or abs(seconds) > 3_660_000 * 86_400:
        report.add(start, end, "The interval is longer than 10,000 years")
        return None
    return Interval(start, end, months, days, seconds)
