"""The filters and functions of the template language: small, for as many values as possible, with limited output.

An unknown value (None) becomes an empty text: ``{{ recipient.first_name|upper }}`` is empty, not “NONE”.
Each raises ValueError with the reason when it is used wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from urllib.parse import quote

from offerkit.diagnostics import or_list
from offerkit.templates.language import MAX_RANGE
from offerkit.templates.values import shown

_MAX_TEXT = 200_000
_MAX_PLACES = 6
_MAX_DIGITS = 20
_DATES: dict[str, str] = {
    "dmy": "{0.day:02}/{0.month:02}/{0.year:04}",
    "mdy": "{0.month:02}/{0.day:02}/{0.year:04}",
    "dots": "{0.day:02}.{0.month:02}.{0.year:04}",
    "year": "{0.year}",
    "month": "{0.month}",
    "day": "{0.day}",
    "time": "{0.hour:02}:{0.minute:02}",
}


def _bounded(text: str) -> str:
    if len(text) > _MAX_TEXT:
        raise ValueError(f"the text has more than {_MAX_TEXT:,} characters")
    return text


def _items(value: object) -> list[object]:
    if value is None:
        return []
    if isinstance(value, str | list | tuple):
        return list(value)
    raise ValueError(f"not a list or a text: {shown(value)[:40]}")


def _number(value: object, filter_: str) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(shown(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{filter_}: not a number: {shown(value)[:40]}")
    if number and number.adjusted() >= _MAX_DIGITS:
        raise ValueError(f"{filter_}: the number is too large")
    return number


def _places(places: int) -> Decimal:
    if not isinstance(places, int) or not 0 <= places <= _MAX_PLACES:
        raise ValueError(f"the number of decimal places must be 0 to {_MAX_PLACES}")
    return Decimal(1).scaleb(-places)


def date_(value: object, form: str = "iso") -> str:
    """A date or timestamp, given as ISO text, in one of the closed forms."""
    if value is None or value == "":
        return ""
    if form != "iso" and form not in _DATES:
        raise ValueError(f"date takes {or_list(['iso', *_DATES])}, not “{str(form)[:20]}”")
    text = shown(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"date: not a date: {text[:40]}") from None
    if form == "iso":
        return (moment.date() if len(text) <= len("2027-01-31") else moment).isoformat()
    return _DATES[form].format(moment)


def default(value: object = None, otherwise: object = "", *_: object) -> object:
    """``otherwise`` for what is unknown or an empty text or list."""
    return otherwise if value is None or value in ("", (), []) else value


def number(value: object, places: int = 0) -> str:
    """A number with exactly ``places`` digits after the point."""
    exact = _number(value, "number")
    return "" if exact is None else format(exact.quantize(_places(places), ROUND_HALF_UP), "f")


def round_(value: object, places: int = 0) -> int | float | None:
    """A number rounded half away from zero."""
    exact = _number(value, "round")
    if exact is None:
        return None
    rounded = exact.quantize(_places(places), ROUND_HALF_UP)
    return int(rounded) if places == 0 else float(rounded)


def replace(value: object, old: object, new: object) -> str:
    """``new`` for each ``old``; an empty ``old`` changes nothing."""
    text, search, other = shown(value), shown(old), shown(new)
    if not search:
        return text
    if len(text) + text.count(search) * len(other) > 2 * _MAX_TEXT:
        raise ValueError(f"the text has more than {_MAX_TEXT:,} characters")
    return _bounded(text.replace(search, other))


def truncate(value: object, length: int = 255) -> str:
    """At most ``length`` characters, with an ellipsis for what was cut off."""
    text = shown(value)
    if not isinstance(length, int) or length < 1:
        raise ValueError("truncate takes a length of at least 1")
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _join(value: object, between: object = ", ") -> str:
    if isinstance(value, str):
        return value
    parts = [shown(item) for item in _items(value)]
    glue = shown(between)
    if len(parts) * len(glue) > _MAX_TEXT:
        raise ValueError(f"the text has more than {_MAX_TEXT:,} characters")
    return _bounded(glue.join(parts))


def _one(index: int) -> Callable[[object], object]:
    def one(value: object) -> object:
        items: Sequence[object] = _items(value)
        return items[index] if items else None

    return one


def _text(change: Callable[[str], str]) -> Callable[[object], str]:
    return lambda value: change(shown(value))


def _sorted(value: object) -> list[str]:
    return sorted(shown(item) for item in _items(value))


def _unique(value: object) -> list[object]:
    return list(dict.fromkeys(_items(value)))


FILTERS: dict[str, Callable[..., object]] = {
    "capitalize": _text(str.capitalize),
    "date": date_,
    "default": default,
    "first": _one(0),
    "join": _join,
    "last": _one(-1),
    "length": lambda value: len(_items(value)),
    "lower": _text(str.lower),
    "number": number,
    "replace": replace,
    "round": round_,
    "sort": _sorted,
    "title": _text(lambda text: " ".join(word.capitalize() for word in text.split(" "))),
    "trim": _text(str.strip),
    "truncate": truncate,
    "unique": _unique,
    "upper": _text(str.upper),
    "urlencode": _text(lambda text: quote(text, safe="", errors="replace")),
}


def range_(start: int, stop: int | None = None, step: int = 1) -> list[int]:
    """Numbers to loop over, at most 1,000 of them."""
    if not all(isinstance(bound, int) for bound in (start, stop or 0, step)) or step == 0:
        raise ValueError("range takes whole numbers, and a step that is not 0")
    numbers = range(start) if stop is None else range(start, stop, step)
    if len(numbers) > MAX_RANGE:
        raise ValueError(f"range can give at most {MAX_RANGE:,} numbers")
    return list(numbers)
