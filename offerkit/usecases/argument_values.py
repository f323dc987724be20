"""Reads times and call data as users write them: on the command line, in API calls and in names of states."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import TYPE_CHECKING

from offerkit.address import Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import StoredBodies, environments
from offerkit.times import common_zone, display_time, instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY_BEGINS, NOON, DAY_ENDS = time(), time(12), time.max
"""The time of day that a bare date stands for: when searching propositions, when deciding, and when naming a state."""


def known_environments(names: Iterable[str], known: Collection[str], where: str = "") -> list[str]:
    """The environments named, each once. Raises Refused with all that are not ``known``; ``where`` says in what."""
    chosen = list(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise Refused(
            Diagnostic(Code.NO_MATCH, f"there is no environment “{name[:80]}”{where}", hint=suggestion(name, known))
            for name in unknown
        )
    return chosen


def zone_of_stage(store: Store | None, stage: Stage, names: Iterable[str] = ()) -> tzinfo:
    """The :func:`common_zone` of some environments (default: all) as they are in a stage, otherwise as in design."""
    if store is None:
        return UTC
    known = environments(store)
    return common_zone(zones_of_stage(store, stage, [name for name in names if name in known] or known).values())


def zones_of_stage(store: Store, stage: Stage, names: Iterable[str]) -> dict[str, ZoneInfo]:
    """The time zone of each environment as it is in a stage, otherwise as in design; without those that are in neither.

    Raises ValueError or LookupError for a body that no offerkit has written.
    """
    from zoneinfo import ZoneInfo

    from offerkit.models.environment import Environment

    bodies, zones = StoredBodies(store), dict[str, ZoneInfo]()
    for name in names:
        for side in (stage, Stage.DESIGN):
            body = Snapshot(store.entries(StageRef(name, side), Kind.ENVIRONMENT), bodies)(environment_address(name))
            if body is not None:
                zones[name] = ZoneInfo(Environment.model_validate(body).time_zone)
                break
    return zones


def shown_time(store: Store, names: Iterable[str], moment: str) -> str:
    """A time of the store on the clocks of some environments, for display."""
    zones = sorted(set(zones_of_stage(store, Stage.LIVE, names).values()), key=str)
    return ", ".join(display_time(instant(moment), zone) for zone in zones or (UTC,))


def names_zone(text: str) -> bool:
    """Whether a time names its own time zone."""
    try:
        return len(text) > 10 and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def parse_time(text: str, zone: tzinfo, now: str, day: time = NOON) -> datetime:
    """The time that ``text`` means, in UTC; empty means ``now`` (ISO 8601, UTC).

    A bare date gets the time of day ``day``; a time without a zone is read in ``zone``. A local time that occurs twice
    (when clocks go back) is the first of the two. Raises Refused if ``text`` is not a time.
    """
    if not text:
        return instant(now)
    moment = time_or_none(text, zone, day)
    if moment is None:
        hint = "Write a day (2026-12-24) or a time (2026-12-24T18:00, or with its zone: …+01:00)."
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is not a time", hint=hint)
    return moment


def time_or_none(text: str, zone: tzinfo, day: time) -> datetime | None:
    """Like :func:`parse_time`, but None if ``text`` is not a time. Raises Refused for a year outside 2 to 9998."""
    try:
        moment = datetime.combine(date.fromisoformat(text), day) if _is_day(text) else datetime.fromisoformat(text)
        moment = (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
        if not 2 <= moment.year <= 9998:
            raise OverflowError
    except ValueError:
        return None
    except OverflowError:
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is outside the calendar") from None
    return moment


def _is_day(text: str) -> bool:
    """Whether ``text`` is a date in any ISO 8601 form (2026-12-24, 20261224)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def parse_call_data(texts: Sequence[str]) -> dict[str, object]:
    """Call data from ``name=value`` arguments. Raises Refused listing all that are malformed or repeated."""
    diagnostics: list[Diagnostic] = []
    values: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            diagnostics.append(
                Diagnostic(
                    Code.BAD_CALL_DATA,
                    f"“{text[:80]}” is not NAME=VALUE",
                    hint="Example: --data destination=Banff.",
                )
            )
        elif name.strip() in values:
            diagnostics.append(Diagnostic(Code.BAD_CALL_DATA, f"call data “{name.strip()[:80]}” is set twice"))
        else:
            values[name.strip()] = value
    if diagnostics:
        raise Refused(diagnostics)
    return values
