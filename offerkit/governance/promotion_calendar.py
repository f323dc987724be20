"""Whether an environment takes promotions at a moment: its windows and freezes, and when it is possible next.

They hold for promotions alone. A stop takes effect at any time, and a rollback returns to what was live before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from offerkit.address import Address, environment_address
from offerkit.diagnostics import Code, Diagnostic
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.governance.overrides import Obstacle, OverrideKind
from offerkit.models.environment import Promotion
from offerkit.models.promotion_calendar import DAYS, Freeze, PromotionWindow, freeze_bounds
from offerkit.times import clock_change, display_time, first_instant, instants_of, last_instant, wall_clock

_DAY = timedelta(days=1)
_NEVER = 9999
"""The year that stands for no end: what begins or ends in it never does."""
_TRIES = 1_000
"""Ends of freezes and begins of windows that are looked at for the next opening."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Why an environment takes no promotions at a moment.

    ``until``: when this reason ends, in UTC; None if it never does. ``meaning``: identifies what the environment
    declares; ``zone``: its clocks.
    """

    environment: str
    code: Code
    why: str
    until: datetime | None
    meaning: str
    zone: tzinfo

    @property
    def address(self) -> Address:
        """The environment."""
        return environment_address(self.environment)

    def fingerprint(self, changes: str) -> str:
        """What an override of it is bound to: this freeze or gap, and ``changes``, what waits and what is live."""
        end = self.until.isoformat() if self.until is not None else ""
        return digest(b"closed", canonical([self.environment, self.code.value, self.meaning, end, changes]))


@dataclass(frozen=True)
class PromotionCalendar:
    """What one body of an environment says of when it takes promotions."""

    environment: str
    zone: tzinfo
    windows: tuple[PromotionWindow, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    @classmethod
    def of(cls, environment: str, body: JsonMap | None) -> PromotionCalendar | None:
        """The calendar in the body of an environment; None if that takes promotions at any time."""
        promotion = (body or {}).get("promotion")
        if (
            body is None
            or not isinstance(promotion, dict)
            or not (promotion.get("windows") or promotion.get("freezes"))
        ):
            return None
        declared = Promotion.model_validate(promotion)
        zone = ZoneInfo(str(body.get("time_zone", "UTC")))
        return cls(environment, zone, declared.windows, declared.freezes)

    def closures(self, moment: datetime) -> Iterator[Closure]:
        """Why there can be no promotion at ``moment``; nothing if there can."""
        for freeze in self.freezes:
            begin, end = freeze_bounds(freeze.from_, freeze.until)
            if begin.year >= _NEVER or first_instant(begin, self.zone) > moment:
                continue
            closed_until = last_instant(end, self.zone) if end.year < _NEVER else None
            if closed_until is None or moment < closed_until:
                shown = (
                    f"until {display_time(closed_until, self.zone)}" if closed_until is not None else "without an end"
                )
                why = f"{self.environment} is frozen {shown}: {freeze.reason}"
                yield self._closure(Code.FROZEN, why, closed_until, freeze.model_dump(mode="json"))
        if self.windows and not self._in_window(moment):
            named = " and ".join(map(_words, self.windows))
            why = f"{self.environment} takes promotions only {named} ({_zone_name(self.zone)})"
            declared: Json = [window.model_dump(mode="json") for window in self.windows]
            yield self._closure(Code.OUTSIDE_WINDOWS, why, self._next_window(moment), declared)

    def _closure(self, code: Code, why: str, until: datetime | None, declared: Json) -> Closure:
        meaning = digest(b"calendar", canonical([declared, _zone_name(self.zone)]))
        return Closure(self.environment, code, why, until, meaning, self.zone)

    def _next_window(self, moment: datetime) -> datetime | None:
        """When a window begins next after ``moment``; also when clocks go back into one."""
        today = wall_clock(moment, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        begins: list[datetime] = []
        for number in range(16):  # two weeks, because a zone may skip a day, and a day more for clocks that change
            try:
                day = today + number * _DAY
                begins += filter(None, (clock_change(day, day + _DAY, self.zone),))
            except OverflowError:
                break
            for window in self.windows:
                begin = day + timedelta(minutes=_minutes(window.from_))
                begins += instants_of(begin, self.zone) or (first_instant(begin, self.zone),)
        inside = (begin for begin in begins if begin > moment and self._in_window(begin))
        return min(inside, default=None)

    def _in_window(self, moment: datetime) -> bool:
        return any(_contains(window, wall_clock(moment, self.zone)) for window in self.windows)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _contains(window: PromotionWindow, now: datetime) -> bool:
    """Whether local time ``now`` is within a window; its end is not."""
    minute, begin, end = now.hour * 60 + now.minute, _minutes(window.from_), _minutes(window.until)
    today = not window.days or DAYS[now.weekday()] in window.days
    if begin < end:
        return today and begin <= minute < end
    begun_yesterday = not window.days or DAYS[now.weekday() - 1] in window.days
    return (today and minute >= begin) or (begun_yesterday and minute < end)


def _words(window: PromotionWindow) -> str:
    days = f"on {', '.join(window.days)} " if window.days else ""
    return f"{days}from {window.from_} until {window.until}"


def _zone_name(zone: tzinfo) -> str:
    return str(getattr(zone, "key", zone))


def closures(calendars: Iterable[PromotionCalendar], moment: datetime) -> list[Closure]:
    """All reasons against a promotion at ``moment``, each once."""
    found = {(one.environment, one.meaning): one for calendar in calendars for one in calendar.closures(moment)}
    return list(found.values())


def next_opening(calendars: Sequence[PromotionCalendar], moment: datetime) -> datetime | None:
    """The first time from ``moment`` on at which nothing is against a promotion; None if none was found."""
    for _ in range(_TRIES):
        ends = [closure.until for closure in closures(calendars, moment)]
        if not ends:
            return moment.astimezone(UTC)
        known = [end for end in ends if end is not None]
        if len(known) < len(ends) or max(known) <= moment:
            return None
        moment = max(known)
    return None


def closed_diagnostics(
    found: Iterable[Closure], opening: datetime | None, own: Collection[Closure] = ()
) -> Iterator[Diagnostic]:
    """The refusal of a promotion for each reason, with the time at which it is possible next.

    ``own``: what the operator who promotes has overridden.
    """
    for closure in found:
        when = display_time(opening, closure.zone) if opening is not None else ""
        command = f"offerkit override {closure.address} --calendar --message TEXT"
        yield Diagnostic(
            closure.code,
            closure.why,
            (f"A promotion is possible from {when} on. " if when else "")
            + "What is live can still be stopped, and rolled back.",
            "You have overridden this yourself: let another operator promote it."
            if closure in own
            else f"Promote it later, or let a second operator override it: {command}",
            closure.address,
        )


def closure_obstacle(closure: Closure, changes: str, authors: Iterable[str]) -> Obstacle:
    """What an override of ``closure`` lifts, for what waits now."""
    says = f"that {closure.why}"
    details: Mapping[str, Json] = {"until": closure.until.isoformat() if closure.until is not None else ""}
    return Obstacle(
        OverrideKind.CALENDAR, closure.address, closure.fingerprint(changes), says, frozenset(authors), details
    )
