"""Parses values from outside (files, calls, parameters) into a field's type, and formats values as text and JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TypeAlias

from offerkit.rules.problems import shortened
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.times import wall_clock

LONGEST = 100_000
"""The most characters of a text, or of a list written as text."""
ENTRIES = 10_000
"""The most entries of a list."""
_SHORT = 18
"""Digits that certainly fit into 64 bits."""
_STEP = Decimal("0.000001")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)
_LIMIT = Decimal(10) ** 12
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?\Z", re.ASCII)
_UNCLEAN = re.compile(r"[\x00\ud800-\udfff]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?\s?(Z|z|[+-]\d{2}(:?\d{2})?)?\Z", re.ASCII
)
_UNKNOWN = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity")
_KINDS: dict[type, str] = {list: "a list", tuple: "a list", dict: "an object", bytes: "binary data"}
_AS_A_TIMESTAMP = "a timestamp such as 2026-01-31 18:30:00"
_TRUTHS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False}


def parse_value(raw: object, type_: FieldType, zone: tzinfo) -> Value:
    """``raw`` as a value of ``type_``. None, NaN, infinity and (except for a string) empty text give None (unknown).

    ``raw``: str, int, float, Decimal, bool, date, datetime or a list or tuple of str. A decimal is rounded half away
    from zero to six digits; a timestamp with an offset becomes the wall clock of ``zone``.
    Raises ValueError with a short reason; it never repeats more than 80 characters of ``raw``.
    """
    if raw is None or (isinstance(raw, (float, Decimal)) and not math.isfinite(raw)):
        return None
    if isinstance(raw, str):
        if len(raw) > LONGEST:
            raise ValueError(f"a text of more than {LONGEST:,} characters")
        if type_.base is not BaseType.STRING and not raw.strip():
            return None
    match type_.base:
        case BaseType.STRING:
            return _text(raw)
        case BaseType.ENUMERATION:
            return _one_of(raw, type_.values)
        case BaseType.INTEGER:
            return _integer(raw)
        case BaseType.DECIMAL:
            return _decimal(raw)
        case BaseType.BOOLEAN:
            return _boolean(raw)
        case BaseType.DATE:
            return _date(raw, zone)
        case BaseType.TIMESTAMP:
            return _timestamp(raw, zone)
        case BaseType.LIST:
            return _list(raw)
        case BaseType.NULL:
            raise ValueError("no field has the type null")


def show(value: Value) -> str:
    """A value as text: dates in ISO 8601, decimals without exponent or trailing zeros, lists as JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            plain = f"{value:f}"
            plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
            return "0" if plain in ("-0", "") else plain
        case tuple():
            return json.dumps(list(value), ensure_ascii=False)
        case _:
            return str(value)


def _wrong(raw: object, expected: str) -> ValueError:
    if not isinstance(raw, (str, int, float, Decimal, date)):
        return ValueError(f"{_KINDS.get(type(raw), 'a value of another kind')} is not {expected}")
    shown = str(raw)
    return ValueError(f"“{shortened(' '.join(shown[:200].split()), 70)}” is not {expected}")


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return _clean(raw)
    if isinstance(raw, (bool, int, Decimal, datetime, date)):
        return show(raw)
    if isinstance(raw, float):
        return show(Decimal(repr(raw)))
    raise _wrong(raw, "a text")


def _clean(raw: str) -> str:
    """``raw``. Raises ValueError for characters that no store or page can hold."""
    if _UNCLEAN.search(raw):
        raise ValueError("a text with a null character or half a character (a lone surrogate)")
    return raw


def _one_of(raw: object, values: tuple[str, ...]) -> str:
    text = raw if isinstance(raw, str) and raw in values else _text(raw)
    if text not in values:
        known = ", ".join(values[:8]) + (", …" if len(values) > 8 else "")
        raise ValueError(f"“{shortened(text, 40)}” is not one of {shortened(known, 200)}")
    return text


def _number(raw: object, expected: str) -> Decimal | None:
    """None for NaN and infinity."""
    if type(raw) is float:
        return Decimal(repr(raw))
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        raise _wrong(raw, expected)
    if isinstance(raw, str):
        text = raw.strip()
        if text.lower() in _UNKNOWN:
            return None
        if not _NUMBER.match(text):
            raise _wrong(raw, expected)
        return Decimal(text)
    if isinstance(raw, int) and raw.bit_length() > 128:
        raise ValueError(f"a number too large for {expected}")
    return Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)


def _integer(raw: object) -> int | None:
    if isinstance(raw, str) and len(raw) <= _SHORT and raw.isascii() and raw.isdigit():
        return int(raw)
    number = _number(raw, "a whole number")
    if number is None:
        return None
    if abs(number) > 2**64:
        raise ValueError("a number that does not fit into 64 bits")
    if number != number.to_integral_value():
        raise _wrong(raw, "a whole number")
    if not -(2**63) <= number < 2**63:
        raise ValueError("a number that does not fit into 64 bits")
    return int(number)


def _decimal(raw: object) -> Decimal | None:
    number = _number(raw, "a number")
    if number is None:
        return None
    try:
        rounded = number.quantize(_STEP, context=_CONTEXT)
    except InvalidOperation:
        raise ValueError("a number with more than twelve digits before the point") from None
    if abs(rounded) >= _LIMIT:
        raise ValueError("a number with more than twelve digits before the point")
    return rounded if rounded else abs(rounded)


def _boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int) and raw in (0, 1):
        return raw == 1
    truth = _TRUTHS.get(raw.strip().lower()) if isinstance(raw, str) else None
    if truth is None:
        raise _wrong(raw, "true or false")
    return truth


def _date(raw: object, zone: tzinfo) -> date:
    if isinstance(raw, datetime):
        return _wall(raw, zone).date()
    if isinstance(raw, date):
        return raw
    if isinstance(raw, str) and _DATE.match(text := raw.strip()):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _wrong(raw, "a calendar date") from None
    raise _wrong(raw, "a date such as 2026-01-31")


def parse_instant(raw: object, zone: tzinfo) -> datetime:
    """The instant of a timestamp, in UTC. A timestamp without an offset is read in ``zone``.

    In an hour that occurs twice there, it is the first. Raises ValueError if ``raw`` is not a timestamp.
    """
    moment = _written(raw)
    try:
        return (moment.replace(tzinfo=zone, fold=0) if moment.tzinfo is None else moment).astimezone(UTC)
    except OverflowError:
        raise _beyond() from None


def _timestamp(raw: object, zone: tzinfo) -> datetime:
    moment = _written(raw)
    try:
        return _wall(moment, zone)
    except ValueError:
        if isinstance(raw, str):
            raise _wrong(raw, _AS_A_TIMESTAMP) from None
        raise


def _written(raw: object) -> datetime:
    """A timestamp as written, with or without an offset."""
    if isinstance(raw, datetime):
        return raw
    if isinstance(raw, date):
        return datetime.combine(raw, time())
    if isinstance(raw, str):
        text = raw.strip()
        if _DATE.match(text) or _TIMESTAMP.match(text):
            with suppress(ValueError):
                return datetime.fromisoformat(re.sub(r"\s(?=[Zz+-])", "", text).replace("z", "Z"))
    raise _wrong(raw, _AS_A_TIMESTAMP)


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    """``moment`` on the wall clock of ``zone``; without an offset it already is."""
    if moment.tzinfo is None:
        return moment.replace(fold=0)
    try:
        return wall_clock(moment, zone)
    except OverflowError:
        raise _beyond() from None


def _beyond() -> ValueError:
    return ValueError("a timestamp outside the years 1 to 9999")


def _list(raw: object) -> tuple[str, ...]:
    """A list from a sequence, a JSON array, or parts separated by ``|``."""
    parts: object = raw
    if isinstance(raw, str):
        text = raw.strip()
        parts = [part.strip() for part in text.split("|")]
        if text.startswith("["):
            try:
                parts = json.loads(text)
            except (ValueError, RecursionError):
                raise _wrong(raw, "a JSON array of texts") from None
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise _wrong(raw, "a list of texts")
    if len(parts) > ENTRIES:
        raise ValueError(f"a list of more than {ENTRIES:,} entries")
    return tuple(_clean(part) for part in parts)


TypedTexts: TypeAlias = dict[tuple[str, object], Value]
"""Values of declared fields by the field and what is written: many offers have the same."""


def typed_fields(
    given: Mapping[str, object],
    types: Mapping[str, FieldType],
    zone: tzinfo = UTC,
    known: TypedTexts | None = None,
) -> Row:
    """The values of all declared fields, typed; None (unknown) for one without a value, or with an unreadable one.

    ``given``: the effective values of an offer, as bodies have them. ``known``: what was typed before of these fields.
    """
    known = {} if known is None else known
    values: dict[str, Value] = dict.fromkeys(types)
    for name in types.keys() & given.keys():
        written = given[name]
        key = name, tuple(written) if isinstance(written, list) else written
        if key not in known:
            known[key] = _typed(written, types[name], zone)
        values[name] = known[key]
    return values


def _typed(written: object, type_: FieldType, zone: tzinfo) -> Value:
    try:
        return parse_value(written, type_, zone)
    except ValueError:  # live since before the field had this type; checking the specs reports it
        return None
