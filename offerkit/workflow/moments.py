"""Times and call data as people write them on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, tzinfo

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse


def moment(text: str, zone: tzinfo, now: str) -> datetime:
    """The time that ``text`` means, aware; empty: ``now`` (ISO, UTC). A day means its noon; no zone means ``zone``.

    Raises Refused when it is no time.
    """
    if not text:
        return datetime.fromisoformat(now)
    try:
        found = datetime.fromisoformat(text)
        if len(text) == 10:
            found = datetime.combine(found.date(), time(12))
        found = found.replace(tzinfo=zone) if found.tzinfo is None else found
        if not 2 <= found.astimezone(UTC).year <= 9998:
            raise OverflowError
    except ValueError:
        hint = "Write a day (2026-12-24) or a time (2026-12-24T18:00, or with its zone: …+01:00)."
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is not a time", hint=hint) from None
    except OverflowError:
        raise refuse(Code.BAD_POINT, f"“{text[:60]}” is outside of the calendar") from None
    return found.astimezone(UTC)


def pairs(texts: Sequence[str]) -> dict[str, object]:
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
