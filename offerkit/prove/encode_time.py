"""Dates and times as SMT-LIB (rules/calendar.py): days from 0001-01-01 and microseconds; the Gregorian calendar.

The year, month and day of a date are three integers that are constrained to make that date. There is exactly one such
triple for each date of the years 1 to 9999, so nothing is lost and nothing is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from offerkit.prove.smt import NoEncodingError, Script, app, conj, constant, disj, ite, neg, number
from offerkit.prove.terms import DAY, Term, in_range
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.types import BaseType

_ORDERED = 8
"""The most dates whose order is spelled out: it takes a constraint for each two of them."""
_CLOCK = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """The year, month and day of a date, as terms."""

    year: str
    month: str
    day: str


class Calendar:
    """Encodes the functions of time in one script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._days: dict[str, CalendarDay] = {}
        self._shifted: dict[str, tuple[CalendarDay, str]] = {}
        """By the term of a date or timestamp that months were added to: its day, and the time of day."""

    def function(self, node: CallNode, terms: Sequence[Term], today: str) -> Term:
        """The value of a function for arguments that are encoded; ``today`` for those that read the clock."""
        null = disj(*(term.null for term in terms))
        args = node.args
        if null == "true":
            return Term("true", "0")
        match node.name:
            case "to_timestamp":
                return Term(null, app("*", str(DAY), terms[0].value))
            case "days_since" | "days_until":
                x = terms[0].value
                return Term(null, app("-", today, x) if node.name == "days_since" else app("-", x, today))
            case "age_in_years":
                return Term(null, self._age(terms[0].value, terms[1].value if len(terms) > 1 else today))
            case "date_add":
                assert isinstance(args[1], Interval)
                moment, is_timestamp = terms[0], node.type.base is BaseType.TIMESTAMP
                if is_timestamp and not _is_timestamp(args[0]):
                    moment = Term(null, app("*", str(DAY), moment.value))
                return self._date_add(moment, is_timestamp, args[1])
            case "date_trunc":
                return Term(null, self._truncated(_unit(args[0]), terms[1].value, _is_timestamp(args[1])))
            case "extract":
                return Term(null, self._part(_unit(args[0]), terms[1].value, _is_timestamp(args[1])))
            case "date_diff":
                unit = _unit(args[0])
                begin, end = (
                    self._count(unit, term.value, _is_timestamp(arg))
                    for term, arg in zip(terms[1:], args[1:], strict=True)
                )
                return Term(null, app("-", end, begin))
            case _:
                raise NoEncodingError(node.name)

    def finish(self) -> None:
        """Require that dates are ordered as their years, months and days are.

        That follows from the calendar, but the solver finds it out only slowly.
        """
        dates = list(self._days.items())[:_ORDERED]
        for place, (a, first) in enumerate(dates):
            for b, second in dates[:place]:
                if constant(a) is None or constant(b) is None:
                    valid = conj(in_range(a, BaseType.DATE), in_range(b, BaseType.DATE))
                    same = app("=", app("<=", a, b), app("<=", _as_number(first), _as_number(second)))
                    self._script.require(app("=>", valid, same))

    def ordered(self, a: str, b: str, *, are_timestamps: bool) -> tuple[str, str]:
        """Two terms that are ordered as the dates or timestamps ``a`` and ``b`` are.

        Where months were added, the number of the day is hard for the solver; its year, month and day are not.
        """
        if a not in self._shifted and b not in self._shifted:
            return a, b
        return self._sortable(a, are_timestamps), self._sortable(b, are_timestamps)

    def _sortable(self, value: str, is_timestamp: bool) -> str:
        time = f"(mod {value} {DAY})" if is_timestamp else "0"
        day, time = self._shifted.get(value) or (self.day(self._of(value, is_timestamp)), time)
        number_ = _as_number(day)
        return f"(+ (* {DAY} {number_}) {time})" if is_timestamp else number_

    def day(self, days: str) -> CalendarDay:
        """The year, month and day of a date."""
        known = self._days.get(days)
        if known is not None:
            return known
        fixed = constant(days)
        if fixed is not None:
            when = date.fromordinal(fixed)
            parts = CalendarDay(str(when.year), str(when.month), str(when.day))
        else:
            names = [self._script.declare("Int", f"c{len(self._days)}{part}") for part in "ymd"]
            parts = CalendarDay(*names)
            valid = conj(
                f"(<= 1 {parts.year} 9999)",
                f"(<= 1 {parts.month} 12)",
                f"(<= 1 {parts.day} {_length(parts.year, parts.month)})",
                app("=", days, _days(parts)),
            )
            # Where a date is unknown or leaves the calendar, its number is arbitrary and must not exclude anything.
            self._script.require(app("=>", in_range(days, BaseType.DATE), valid))
        self._days[days] = parts
        return parts

    def _of(self, moment: str, is_timestamp: bool) -> str:
        """The day of a date or timestamp."""
        return self._script.define("Int", app("div", moment, str(DAY))) if is_timestamp else moment

    def _age(self, birth: str, on: str) -> str:
        passed = app("-", _as_number(self.day(on)), _as_number(self.day(birth)))
        passed = self._script.define("Int", passed)
        return ite(app("<=", "0", passed), app("div", passed, "10000"), f"(- (div (- {passed}) 10000))")

    def _date_add(self, term: Term, is_timestamp: bool, by: Interval) -> Term:
        null, value = term.null, term.value
        base, step = (BaseType.TIMESTAMP, DAY) if is_timestamp else (BaseType.DATE, 1)
        if by.months:
            day = self.day(self._of(value, is_timestamp))
            months = self._script.define("Int", f"(+ (* 12 {day.year}) (- {day.month} 1) {number(by.months)})")
            year = self._script.define("Int", app("div", months, "12"))
            month = self._script.define("Int", f"(+ 1 (mod {months} 12))")
            longest = self._script.define("Int", _length(year, month))
            shifted = CalendarDay(year, month, ite(app("<", longest, day.day), longest, day.day))
            days = self._script.define("Int", _days(shifted))
            null = disj(null, neg(f"(<= 1 {year} 9999)"))
            value = f"(+ (* {DAY} {days}) (mod {value} {DAY}))" if is_timestamp else days
            value = self._script.define("Int", value)
            self._shifted[value] = shifted, f"(mod {term.value} {DAY})" if is_timestamp else "0"
        for amount in (by.days * step, by.seconds * 1_000_000):
            if amount:
                value = self._script.define("Int", app("+", value, number(amount)))
                null = disj(null, neg(in_range(value, base)))
        return Term(null, value)

    def _truncated(self, unit: str, moment: str, is_timestamp: bool) -> str:
        if unit in _CLOCK:
            return f"(- {moment} (mod {moment} {_CLOCK[unit]}))" if is_timestamp else moment
        days = self._of(moment, is_timestamp)
        match unit:
            case "day":
                begin = days
            case "week":
                begin = f"(- {days} (mod (- {days} 1) 7))"
            case _:
                day = self.day(days)
                month = {
                    "year": "1",
                    "quarter": f"(- {day.month} (mod (- {day.month} 1) 3))",
                    "month": day.month,
                }[unit]
                begin = _days(CalendarDay(day.year, self._script.define("Int", month), "1"))
        return app("*", str(DAY), begin) if is_timestamp else begin

    def _count(self, unit: str, moment: str, is_timestamp: bool) -> str:
        """The number of the unit that contains the moment."""
        if unit in _CLOCK:
            return app("div", moment, str(_CLOCK[unit])) if is_timestamp else app("*", moment, str(DAY // _CLOCK[unit]))
        days = self._of(moment, is_timestamp)
        if unit in ("day", "week"):
            return days if unit == "day" else f"(div (- {days} 1) 7)"
        day = self.day(days)
        match unit:
            case "year":
                return day.year
            case "quarter":
                return f"(+ (* 4 {day.year}) (div (- {day.month} 1) 3))"
            case "month":
                return f"(+ (* 12 {day.year}) {day.month})"
            case _:
                raise NoEncodingError(unit)

    def _part(self, unit: str, moment: str, is_timestamp: bool) -> str:
        if unit in _CLOCK:
            if not is_timestamp:
                return "0"
            period = {"hour": 24, "minute": 60, "second": 60}[unit]
            return f"(mod (div {moment} {_CLOCK[unit]}) {period})"
        days = self._of(moment, is_timestamp)
        if unit == "dow":
            return app("mod", days, "7")  # day 1 was a Monday
        if unit == "week":
            # ISO 8601: a week belongs to the year of its Thursday.
            thursday = self._script.define("Int", f"(+ (- {days} (mod (- {days} 1) 7)) 3)")
            first = _days(CalendarDay(self.day(thursday).year, "1", "1"))
            return f"(+ 1 (div (- {thursday} {first}) 7))"
        day = self.day(days)
        match unit:
            case "year":
                return day.year
            case "quarter":
                return f"(div (+ {day.month} 2) 3)"
            case "month":
                return day.month
            case "day":
                return day.day
            case "doy":
                return f"(+ 1 (- {days} {_days(CalendarDay(day.year, '1', '1'))}))"
            case _:
                raise NoEncodingError(unit)


def _leap(year: str) -> str:
    return f"(and (= (mod {year} 4) 0) (or (not (= (mod {year} 100) 0)) (= (mod {year} 400) 0)))"


def _length(year: str, month: str) -> str:
    """The number of days of a month."""
    short = " ".join(f"(= {month} {number_})" for number_ in (4, 6, 9, 11))
    return f"(ite (= {month} 2) (ite {_leap(year)} 29 28) (ite (or {short}) 30 31))"


def _days(day: CalendarDay) -> str:
    """The number of a date, counted from 0001-01-01, which is 1."""
    before = f"(- {day.year} 1)"
    years = f"(* 365 {before}) (div {before} 4) (- (div {before} 100)) (div {before} 400)"
    if day.month == "1":
        return f"(+ {years} {day.day})"
    # The sum of the lengths of the months before, if February had 30 days; then what it lacks.
    months = f"(div (- (* 367 {day.month}) 362) 12)"
    lacking = f"(ite (<= {day.month} 2) 0 (ite {_leap(day.year)} (- 1) (- 2)))"
    return f"(+ {years} {months} {lacking} {day.day})"


def _as_number(day: CalendarDay) -> str:
    """2026-12-31 as 20261231."""
    return f"(+ (* 10000 {day.year}) (* 100 {day.month}) {day.day})"


def _unit(node: Node) -> str:
    assert isinstance(node, Literal)
    return str(node.value)


def _is_timestamp(node: Node) -> bool:
    return not isinstance(node, Interval) and node.type.base is BaseType.TIMESTAMP
