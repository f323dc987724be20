"""Plausible values of fields, as dimensions and call data declare them (``range``, ``examples``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from zoneinfo import ZoneInfo

from offerkit.fingerprint import JsonMap
from offerkit.models.dimension import Dimension, DimensionField
from offerkit.models.environment import CallData, Environment
from offerkit.prove.question import CALL, FieldHint, Hints
from offerkit.rules.types import Value
from offerkit.rules.values import parse_value


def hints_of(dimension: JsonMap, environment: JsonMap) -> Hints:
    """The plausible values of an environment's contacts and call data, from the bodies of both resources.

    The sample of call data is its last example. Timestamps are on the wall clock of the environment.
    """
    model = Environment.model_validate(environment)
    zone = ZoneInfo(model.time_zone)
    fields = Dimension.model_validate(dimension).fields
    return {
        **dict(_hints(model.dimension, fields, zone)),
        **dict(_hints(CALL, model.call_data, zone)),
    }


def _hints(
    namespace: str, fields: Mapping[str, DimensionField], zone: tzinfo
) -> Iterator[tuple[tuple[str, str], FieldHint]]:
    """The hints of the fields that declare anything."""
    for name, field in fields.items():
        texts = field.examples
        if isinstance(field, CallData) and field.sample is not None:
            texts = (*texts, field.sample)
        hint = FieldHint(
            _value(field, field.range.min, zone),
            _value(field, field.range.max, zone),
            tuple(dict.fromkeys(value for text in texts if (value := _value(field, text, zone)) is not None)),
        )
        if hint != FieldHint():
            yield (namespace, name), hint


def _value(field: DimensionField, text: str | None, zone: tzinfo) -> Value:
    if text is None:
        return None
    try:
        return parse_value(text, field.value_type, zone)
    except ValueError:  # beyond the year 9999 in this zone; checking the specs reports all other wrong values
        return None
