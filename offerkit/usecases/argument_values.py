"""Times and call data as people write them: on a command line, in a call, in the name of a state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, tzinfo

from offerkit.address import Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import StoredBodies, environments
from offerkit.times import common_zone, instant

DAY_BEGINS, NOON, DAY_ENDS = time(), time(12), time.max
"""What a day without a time of day means: where propositions are looked for, where it is decided, and to a state."""


def zone_of_stage(store: Store | None, stage: Stage, names: Iterable[str] = ()) -> tzinfo:
    """:func:`common_zone` of environments (none named: of all) as they are in a stage now, else in design."""
    if store is None:
        return UTC
    from zoneinfo import ZoneInfo

    from offerkit.models.environment import Environment

    known = environments(store)
    bodies = StoredBodies(store)
    zones: list[tzinfo] = []
    for name in [name for name in names if name in known] or known:
        for side in (stage, Stage.DESIGN):
            body = Snapshot(store.entries(StageRef(name, side), Kind.ENVIRONMENT), bodies)(environment_address(name))
            if body is not None:
                zones.append(ZoneInfo(Environment.model_validate(body).time_zone))
                break
    return common_zone(zones)


def names_zone(text: str) -> bool:
    """Whether a time says by itself in which zone it is."""
    try:
        return len(text) > 10 and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def parse_time(text: str, zone: tzinfo, now: str, day: time = NOON) -> datetime:
    """The time that ``text`` means, in UTC; empty: ``now`` (ISO, UTC). A day means its ``day``; no zone means ``zone``.

    A time that the clocks of the zone show twice is the first of both. Raises Refused when it is no time.
    """
    if not text:
        return instant(now)
    found = time_or_none(text, zone, day)
    if found is None:
        hint = "Write a day (2026-12-24) or a time (2026-12-24T18:00, or with its zone: …+01:00)."
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is not a time", hint=hint)
    return found


def time_or_none(text: str, zone: tzinfo, day: time) -> datetime | None:
    """As :func:`parse_time`; None when ``text`` is written like no time. Raises Refused outside of the calendar."""
    try:
        found = datetime.combine(date.fromisoformat(text), day) if _is_day(text) else datetime.fromisoformat(text)
        found = (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(UTC)
        if not 2 <= found.year <= 9998:
            raise OverflowError
    except ValueError:
        return None
    except OverflowError:
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is outside of the calendar") from None
    return found


def _is_day(text: str) -> bool:
    """Whether ``text`` is a day without a time of day, in any of the ways of ISO 8601 (2026-12-24, 20261224)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def parse_call_data(texts: Sequence[str]) -> dict[str, object]:
    """Call data given as ``name=value``. Raises Refused with each that is not written so, or given twice."""
    found: list[Diagnostic] = []
    values: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            found.append(
                Diagnostic(
                    Code.BAD_CALL_DATA, f"“{text[:80]}” is not NAME=VALUE", hint="Write --data destination=Banff."
                )
            )
        elif name.strip() in values:
            found.append(Diagnostic(Code.BAD_CALL_DATA, f"call data “{name.strip()[:80]}” is given twice"))
        else:
            values[name.strip()] = value
    if found:
        raise Refused(found)
    return values
