"""Dates and times as SMT-LIB (rules/calendar.py): days since 0001-01-01 and microseconds; the Gregorian calendar.

The year, month and day of a date are three integers. That they make that date is *exact* knowledge, with quotients that
slow the solver down; a question is asked first without it, with bounds that follow from it (:class:`Script`). Dates
are compared by year, month and day wherever these are known: that needs no quotient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from offerkit.prove.smt import NoEncodingError, Script, app, conj, constant, disj, ite, neg, number
from offerkit.prove.terms import DAY, LAST_DAY, Term, in_range
from offerkit.rules.calendar import age_in_years
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.types import BaseType

_ORDERED = 8
"""The most dates whose order is spelled out: it takes a constraint for each two of them."""
_CLOCK = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}
_YEAR, _MONTH = 384, 32
"""Weights of a year and a month in a number that is ordered as dates are; a day weighs 1."""
_DRIFT = (-14_922, 6_159)
"""Bounds of 4,800 times a date's number, less its day, less 146,097 times its months: the days of 4,800 months."""


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """The year, month and day of a date, as terms."""

    year: str
    month: str
    day: str

    @property
    def months(self) -> str:
        """The months from the year 0."""
        return f"(+ (* 12 {self.year}) {self.month} (- 1))"

    @property
    def order(self) -> str:
        """A number that is ordered as dates are, and grows by 384 from a birthday to the next."""
        return f"(+ (* {_YEAR} {self.year}) (* {_MONTH} {self.month}) {self.day})"


class Calendar:
    """Encodes the functions of time in one script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._days: dict[str, CalendarDay] = {}
        self._shifted: dict[str, tuple[CalendarDay, str]] = {}
        """By the term of a date or timestamp that was made from a year, month and day: these, and the time of day."""
        self._dates: dict[str, str] = {}
        self._times: dict[str, str] = {}
        """By the term of a timestamp, the terms of its day and of its time of day."""

    def day_of(self, moment: str) -> str:
        """The day of a timestamp."""
        fixed = constant(moment)
        if fixed is not None:
            return number(fixed // DAY)
        if moment not in self._dates:
            # Variables and an equation: a quotient in every comparison would slow the solver down.
            place = len(self._dates)
            day, time = (self._script.declare("Int", f"t{place}{part}") for part in "dt")
            self._script.require(conj(f"(<= 0 {time} {DAY - 1})", f"(= {moment} (+ (* {DAY} {day}) {time}))"))
            self._dates[moment] = day
            self._times[moment] = time
        return self._dates[moment]

    def _time_of(self, moment: str) -> str:
        """The time of day of a timestamp."""
        fixed = constant(moment)
        if fixed is not None:
            return str(fixed % DAY)
        self.day_of(moment)
        return self._times[moment]

    def parts_of(self, value: str, *, is_timestamp: bool) -> CalendarDay | None:
        """The variables for the year, month and day of a date or timestamp, if there are any."""
        day = self._dates.get(value) if is_timestamp else value
        return None if day is None or constant(day) is not None else self._days.get(day)

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
                    for x, y, one, other in ((a, b, first, second), (b, a, second, first)):
                        same = app("=", app("<=", x, y), app("<=", one.order, other.order))
                        self._script.require(app("=>", valid, same))

    def ordered(self, a: str, b: str, *, are_timestamps: bool) -> tuple[str, str]:
        """Two terms that are ordered as the dates or timestamps ``a`` and ``b`` are.

        Where months were added, the number of the day is hard for the solver; its year, month and day are not.
        """
        if a not in self._shifted and b not in self._shifted:
            return a, b
        return self._sortable(a, are_timestamps), self._sortable(b, are_timestamps)

    def _sortable(self, value: str, is_timestamp: bool) -> str:
        known = self._shifted.get(value)
        if known is None:
            known = self.day(self._of(value, is_timestamp)), self._time_of(value) if is_timestamp else "0"
        return f"(+ (* {DAY} {known[0].order}) {known[1]})" if is_timestamp else known[0].order

    def compared_age(self, sign: str, term: str, on: str, years: int) -> str:
        """Whether the age of a contact born on the day ``term`` is ``>=``, ``=`` … ``years`` on the day ``on``."""
        match sign:
            case ">=":
                return self._at_least(term, on, years)
            case ">":
                return self._at_least(term, on, years + 1)
            case "<":
                return neg(self._at_least(term, on, years))
            case "<=":
                return neg(self._at_least(term, on, years + 1))
            case _:
                return conj(self._at_least(term, on, years), neg(self._at_least(term, on, years + 1)))

    def _at_least(self, birth: str, on: str, years: int) -> str:
        """An age only falls as births get later: one day of birth is the last with it."""
        fixed = constant(on)
        if fixed is None:
            passed = f"(- {self.day(on).order} {self.day(birth).order})"
            return (
                f"(<= {number(_YEAR * years)} {passed})" if years > 0 else f"(< {number(_YEAR * (years - 1))} {passed})"
            )
        today = date.fromordinal(fixed)
        youngest, beyond = 0, LAST_DAY + 1
        while beyond - youngest > 1:
            middle = (youngest + beyond) // 2
            if age_in_years(date.fromordinal(middle), today) >= years:
                youngest = middle
            else:
                beyond = middle
        return f"(<= {birth} {youngest})"

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
            drift = f"(- (* 4800 (- {days} {parts.day})) (* 146097 (- {parts.months} 12)))"
            bounds = conj(
                f"(<= 1 {parts.year} 9999)",
                f"(<= 1 {parts.month} 12)",
                f"(<= 1 {parts.day} 31)",
                app("=>", _short(parts.month), f"(<= {parts.day} 30)"),
                app("=>", f"(= {parts.month} 2)", f"(<= {parts.day} 29)"),
                f"(<= {number(_DRIFT[0])} {drift} {_DRIFT[1]})",
            )
            possible = f"(<= {parts.day} {_length(parts.year, parts.month)})"
            # Where a date is unknown or leaves the calendar, its number is arbitrary and must not exclude anything.
            self._script.require(app("=>", in_range(days, BaseType.DATE), bounds))
            self._script.require_later(0, app("=>", in_range(days, BaseType.DATE), possible))
            exact = app("=", days, _days(parts))
            self._script.require_later(1, app("=>", in_range(days, BaseType.DATE), exact))
        self._days[days] = parts
        return parts

    def _of(self, moment: str, is_timestamp: bool) -> str:
        """The day of a date or timestamp."""
        return self.day_of(moment) if is_timestamp else moment

    def _age(self, birth: str, on: str) -> str:
        passed = self._script.define("Int", app("-", self.day(on).order, self.day(birth).order))
        return ite(app("<=", "0", passed), f"(div {passed} {_YEAR})", f"(- (div (- {passed}) {_YEAR}))")

    def _date_add(self, term: Term, is_timestamp: bool, by: Interval) -> Term:
        null, value = term.null, term.value
        base, step = (BaseType.TIMESTAMP, DAY) if is_timestamp else (BaseType.DATE, 1)
        if by.months:
            today = self._of(value, is_timestamp)
            shifted, months = self._month_added(self.day(today), by.months)
            null = disj(null, neg(f"(<= 12 {months} {12 * 9999 + 11})"))
            time = self._time_of(value) if is_timestamp else "0"
            days = self._script.define("Int", _days(shifted))
            value = self._script.define("Int", f"(+ (* {DAY} {days}) {time})" if is_timestamp else days)
            self._shifted[value] = shifted, time
        for amount in (by.days * step, by.seconds * 1_000_000):
            if amount:
                value = self._script.define("Int", app("+", value, number(amount)))
                null = disj(null, neg(in_range(value, base)))
        return Term(null, value)

    def _month_added(self, day: CalendarDay, count: int) -> tuple[CalendarDay, str]:
        """A date with months added (its day becomes the last of a shorter month), and its months from the year 0."""
        script = self._script
        months = script.define("Int", f"(+ {day.months} {number(count)})")
        if constant(day.year) is not None:
            year, month = divmod(12 * int(day.year) + int(day.month) - 1 + count, 12)
            names = [number(year), str(month + 1)]
        else:
            names = [script.declare("Int", f"s{len(self._shifted)}{part}") for part in "ym"]
            script.require(conj(f"(= {months} (+ (* 12 {names[0]}) {names[1]} (- 1)))", f"(<= 1 {names[1]} 12)"))
        longest = script.declare("Int", f"s{len(self._shifted)}d")
        script.require(f"(ite (= {names[1]} 2) (<= 28 {longest} 29) (= {longest} (ite {_short(names[1])} 30 31)))")
        script.require_later(0, app("=", longest, _length(*names)))
        return CalendarDay(names[0], names[1], ite(app("<", longest, day.day), longest, day.day)), months

    def _truncated(self, unit: str, moment: str, is_timestamp: bool) -> str:
        if unit in _CLOCK:
            return f"(- {moment} (mod {moment} {_CLOCK[unit]}))" if is_timestamp else moment
        days = self._of(moment, is_timestamp)
        start: CalendarDay | None = None
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
                start = CalendarDay(day.year, self._script.define("Int", month), "1")
                begin = self._script.define("Int", _days(start))
        value = self._script.define("Int", app("*", str(DAY), begin)) if is_timestamp else begin
        if start is not None:
            self._shifted[value] = start, "0"
        return value

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
    return f"(ite (= {month} 2) (ite {_leap(year)} 29 28) (ite {_short(month)} 30 31))"


def _short(month: str) -> str:
    """Whether a month has 30 days."""
    return f"(or {' '.join(f'(= {month} {number_})' for number_ in (4, 6, 9, 11))})"


def _days(day: CalendarDay) -> str:
    """The number of a date, counted since 0001-01-01, which is 1."""
    before = f"(- {day.year} 1)"
    years = f"(* 365 {before}) (div {before} 4) (- (div {before} 100)) (div {before} 400)"
    if day.month == "1":
        return f"(+ {years} {day.day})"
    # The sum of the lengths of the months before, if February had 30 days; then what it lacks.
    months = f"(div (- (* 367 {day.month}) 362) 12)"
    lacking = f"(ite (<= {day.month} 2) 0 (ite {_leap(day.year)} (- 1) (- 2)))"
    return f"(+ {years} {months} {lacking} {day.day})"


def _unit(node: Node) -> str:
    assert isinstance(node, Literal)
    return str(node.value)


def _is_timestamp(node: Node) -> bool:
    return not isinstance(node, Interval) and node.type.base is BaseType.TIMESTAMP
