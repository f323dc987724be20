"""Instants: as text in UTC, on the wall clock of a time zone, and as they are shown; and periods.

Inside, an instant is an aware ``datetime``. The text that :func:`utc` gives has one length, so that it sorts as the
instants do: the store, plans and JSON hold no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

_DURATION = re.compile(r"(?:(\d{1,5})d)?(?: ?(\d{1,7})h)?")
_LENGTH = len("2026-11-01T12:00:00.000000Z")


def utc(moment: datetime, timespec: str = "microseconds") -> str:
    """An instant as text: ``2026-11-01T12:00:00.000000Z``. ``moment`` is aware; only what is just told is shorter."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """The instant that :func:`utc` wrote, in UTC. Raises ValueError for anything that is not ISO 8601."""
    return datetime.fromisoformat(text)


def check_utc(text: str) -> None:
    """Raise ValueError when ``text`` is not as :func:`utc` writes it; only a mistake of ours makes it so."""
    if len(text) != _LENGTH or not text.endswith("Z"):
        raise ValueError(f"not a UTC time with microseconds: {text!r}")


def shift(moment: datetime, span: timedelta) -> datetime:
    """The instant ``span`` after ``moment``, in UTC; the first or last of the calendar where it would be beyond."""
    try:
        return moment.astimezone(UTC) + span
    except OverflowError:
        return (datetime.min if span < timedelta() else datetime.max).replace(tzinfo=UTC)


def wall_clock(moment: datetime, zone: tzinfo) -> datetime:
    """What the clocks of ``zone`` show at an instant, without zone. Of an hour that they show twice both are the same.

    The fold is dropped: what is on the wall does not say which of both hours it is (nor does SQL).
    """
    return _local(moment, zone).replace(tzinfo=None, fold=0)


def display_time(moment: datetime, zone: tzinfo) -> str:
    """An instant for people: ``2026-11-01 13:00 CET``."""
    return f"{_local(moment, zone):%Y-%m-%d %H:%M %Z}"


def _local(moment: datetime, zone: tzinfo) -> datetime:
    # by way of UTC: a time of the zone's own that its clocks skip would otherwise stay as it is
    return moment.astimezone(UTC).astimezone(zone)


def common_zone(zones: Iterable[tzinfo]) -> tzinfo:
    """The zone in which a time without one is read, given those of the environments that it is about.

    Theirs, if they have the same; UTC for several different ones, and for none.
    """
    found = set(zones)
    return found.pop() if len(found) == 1 else UTC


def duration(text: str) -> timedelta:
    """A period as rules and options write it: ``2d 6h``; a day is 24 hours. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"“{text[:80]}” is not a duration; write days and hours, as in 2d 6h")
    days, hours = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours)
