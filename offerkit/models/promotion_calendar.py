"""When an environment takes promotions: weekly windows, and freezes with their reasons."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from offerkit.diagnostics import or_list, suggestion
from offerkit.models.base import Part, unique_sorted

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of a week, as windows name them."""
MAX_WINDOWS = 50
MAX_FREEZES = 200
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::00)?)?")


def _days(names: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in names if name not in DAYS]:
        hint = suggestion(unknown[0], DAYS, f"Known: {', '.join(DAYS)}.")
        named = or_list([f"“{name[:80]}”" for name in unknown[: len(DAYS)]])
        raise PydanticCustomError("days", "there is no day {name}. {hint}", {"name": named, "hint": hint})
    return tuple(sorted(unique_sorted(names), key=DAYS.index))


def _clock(value: object) -> str:
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        return str(value)
    raise PydanticCustomError(
        "clock", "“{text}” is not a time of day; write hours and minutes, as in 06:00", {"text": str(value)[:80]}
    )


def _moment(value: object) -> str:
    """A day, or a day with a time, in canonical form: ``2026-11-27``, ``2026-11-27T18:00``."""
    text = value.isoformat() if isinstance(value, date) else value
    match = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None or date.fromisoformat(match[1]).year < 2:
            raise ValueError
    except ValueError:
        raise PydanticCustomError(
            "moment",
            "“{text}” is not a day or a time; write 2026-11-27, or 2026-11-27T18:00 in the environment's time zone",
            {"text": str(value)[:80]},
        ) from None
    return match[1] + (f"T{match[2]}" if match[2] else "")


_DAY_SCHEMA = {"type": "array", "items": {"enum": [*DAYS]}, "uniqueItems": True}
DaySet = Annotated[tuple[str, ...], AfterValidator(_days), WithJsonSchema(_DAY_SCHEMA)]
"""Days of a week, in their order."""
ClockTime = Annotated[str, BeforeValidator(_clock)]
"""A time of day: hours and minutes, 24:00 as the last."""
LocalMoment = Annotated[str, BeforeValidator(_moment)]
"""A day or a time on the clocks of the environment."""


class PromotionWindow(Part):
    """A time of the week in which promotions are possible, in the environment's time zone."""

    days: DaySet = Field((), description="The days on which it begins; if empty, every day.")
    from_: ClockTime = Field("00:00", alias="from", description="When it begins, such as 06:00.")
    until: ClockTime = Field(
        "24:00", description="When it ends, such as 18:00; if that is earlier than from, on the next day."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.from_ in (self.until, "24:00") or (self.from_, self.until) == ("00:00", "00:00"):
            raise PydanticCustomError(
                "window", "a window that begins at {a} and ends at {b} is empty", {"a": self.from_, "b": self.until}
            )
        return self


class Freeze(Part):
    """A time without promotions, in the environment's time zone; what is live can still be stopped and rolled back."""

    from_: LocalMoment = Field(alias="from", description="The first day, or when it begins (2026-11-27T18:00).")
    until: LocalMoment = Field(description="The last day, or when it ends (2026-11-30T06:00).")
    reason: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Why; shown to whoever wants to promote meanwhile."
    )

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        begin, end = freeze_bounds(self.from_, self.until)
        if end <= begin:
            text = "it ends when it begins ({from_})" if end == begin else "until ({until}) is before from ({from_})"
            raise PydanticCustomError("period", text, {"until": self.until, "from_": self.from_})
        return self


def freeze_bounds(begin: str, end: str) -> tuple[datetime, datetime]:
    """When a freeze begins and ends on local clocks, without a zone. A day as its end is the last one."""
    first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
    if "T" not in end:
        try:
            last = datetime.combine(date.fromordinal(last.toordinal() + 1), datetime.min.time())
        except ValueError:
            last = datetime.max
    return first, last
