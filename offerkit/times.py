"""Times: as UTC text, as local time in a zone, and for display; and durations.

In code, a time is an aware ``datetime``. In the store, plans and JSON it is the text of :func:`utc`, which has a fixed
length, so that text sorts like times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

_DURATION = re.compile(r"(?:(\d{1,5})d)?(?: ?(\d{1,7})h)?")
_LENGTH = len("2026-11-01T12:00:00.000000Z")


def utc(moment: datetime, timespec: str = "microseconds") -> str:
    """A time as text: ``2026-11-01T12:00:00.000000Z``. ``moment`` is aware; ``timespec`` as in isoformat."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Parse the text of :func:`utc`. Raises ValueError for anything that is not ISO 8601."""
    return datetime.fromisoformat(text)


def check_utc(text: str) -> None:
    """Raise ValueError if ``text`` is not in the form of :func:`utc`, which would be a bug."""
    if len(text) != _LENGTH or not text.endswith("Z"):
        raise ValueError(f"not a UTC time with microseconds: {text!r}")


def shift(moment: datetime, span: timedelta) -> datetime:
    """The time ``span`` after ``moment``, in UTC, limited to the first or last representable time."""
    try:
        return moment.astimezone(UTC) + span
    except OverflowError:
        return (datetime.min if span < timedelta() else datetime.max).replace(tzinfo=UTC)


def wall_clock(moment: datetime, zone: tzinfo) -> datetime:
    """The local time in ``zone``, without a zone. The two passes of a repeated hour give the same result.

    The fold is dropped: local time does not say which pass it is (nor does SQL).
    """
    return local(moment, zone).replace(tzinfo=None, fold=0)


def display_time(moment: datetime, zone: tzinfo) -> str:
    """A time for display: ``2026-11-01 13:00 CET``."""
    return f"{local(moment, zone):%Y-%m-%d %H:%M %Z}"


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The same instant with the offset that ``zone`` has then."""
    # convert through UTC: a local time that the zone skips would otherwise stay unchanged
    return moment.astimezone(UTC).astimezone(zone)


def common_zone(zones: Iterable[tzinfo]) -> tzinfo:
    """The zone for a time without one, given the zones of the environments concerned.

    It is their common zone; UTC if they differ or the list is empty.
    """
    result = set(zones)
    return result.pop() if len(result) == 1 else UTC


def duration(text: str) -> timedelta:
    """Parse a duration such as ``2d 6h``; a day is 24 hours. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"“{text[:80]}” is not a duration; write days and hours, as in 2d 6h")
    days, hours = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours)


def instants_of(moment: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The instants (UTC, in order) at which clocks in ``zone`` show ``moment``, which has no zone.

    None in the hour that is skipped when clocks go forward, two in the hour that is repeated when they go back.
    """
    candidates = {moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(instant for instant in candidates if wall_clock(instant, zone) == moment))


def first_instant(moment: datetime, zone: tzinfo) -> datetime:
    """The first instant at which clocks in ``zone`` show ``moment``, or have skipped it."""
    return (instants_of(moment, zone) or (_after_skipped(moment, zone),))[0]


def last_instant(moment: datetime, zone: tzinfo) -> datetime:
    """The last instant at which clocks in ``zone`` show ``moment``, or the one at which they skip it."""
    return (instants_of(moment, zone) or (_after_skipped(moment, zone),))[-1]


def _after_skipped(moment: datetime, zone: tzinfo) -> datetime:
    """The instant at which clocks in ``zone`` go forward over ``moment``, to the second."""
    before, after = sorted(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if wall_clock(middle, zone) < moment:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def clock_change(begin: datetime, end: datetime, zone: tzinfo) -> datetime | None:
    """The instant between two local times (without a zone) at which clocks in ``zone`` change, to the second.

    None if they do not.
    """
    before, after = first_instant(begin, zone), first_instant(end, zone)
    offset = local(before, zone).utcoffset()
    if local(after, zone).utcoffset() == offset:
        return None
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if local(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
