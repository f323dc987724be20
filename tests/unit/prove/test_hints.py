"""Plausible values: how they are declared, what they become, and that no decision or approval depends on them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.workspace import Workspace
from pydantic import ValidationError

from offerkit.address import Kind
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.models.dimension import DimensionField
from offerkit.models.environment import CallData
from offerkit.prove.hints import hints_of
from offerkit.prove.question import FieldHint

FIELDS: dict[str, Any] = {
    "id": {"type": "integer"},
    "age": {"type": "integer", "range": {"min": "0", "max": "110"}, "examples": ["44", "8", "44"]},
    "score": {"type": "decimal", "range": {"max": "1"}},
    "born": {"type": "date", "range": {"min": "1900-01-01"}, "examples": ["1984-02-29"]},
    "seen": {"type": "timestamp", "examples": ["2026-07-01T10:00:00Z", "2026-07-01 10:00"]},
    "interests": {"type": "list", "examples": ["city|snow", '["a|b"]']},
    "vip": {"type": "boolean", "examples": [True]},
    "city": {"examples": ["Lyon", ""]},
}


def test_hints_are_typed_and_on_the_environments_clock() -> None:
    environment = {
        "dimension": "person",
        "time_zone": "Europe/Paris",
        "call_data": {
            "page": {"sample": "/cards"},
            "departure": {"type": "date", "examples": ["2026-02-04"], "sample": "2026-03-05"},
            "other": {"type": "boolean"},
        },
    }
    assert hints_of({"key": ["id"], "fields": FIELDS}, environment) == {
        ("person", "age"): FieldHint(0, 110, (44, 8)),
        ("person", "score"): FieldHint(None, Decimal("1.000000")),
        ("person", "born"): FieldHint(date(1900, 1, 1), None, (date(1984, 2, 29),)),
        ("person", "seen"): FieldHint(examples=(datetime(2026, 7, 1, 12), datetime(2026, 7, 1, 10))),
        ("person", "interests"): FieldHint(examples=(("city", "snow"), ("a|b",))),
        ("person", "vip"): FieldHint(examples=(True,)),
        ("person", "city"): FieldHint(examples=("Lyon", "")),
        ("interaction", "page"): FieldHint(examples=("/cards",)),
        ("interaction", "departure"): FieldHint(examples=(date(2026, 2, 4), date(2026, 3, 5))),
    }


def test_a_moment_that_the_zone_does_not_reach_is_no_hint() -> None:
    fields = {"id": {}, "end": {"type": "timestamp", "examples": ["9999-12-31T23:59:59Z"]}}
    environment = {"dimension": "person", "time_zone": "Asia/Tokyo"}
    assert hints_of({"key": ["id"], "fields": fields}, environment) == {}


@pytest.mark.parametrize("model", [DimensionField, CallData])
@pytest.mark.parametrize(
    ("declared", "places"),
    [
        ({"type": "integer", "range": {"min": "5", "max": "3"}, "examples": ["4"]}, [("range", "max")]),
        ({"type": "integer", "range": {"min": "5"}, "examples": ["5", "4"]}, [("examples", 1)]),
        ({"type": "decimal", "range": {"min": "a", "max": "b"}}, [("range", "min"), ("range", "max")]),
        ({"type": "date", "range": {"max": "2026-02-29"}}, [("range", "max")]),
        ({"type": "timestamp", "range": {"min": "2026-01-02", "max": "2026-01-01 23:59:59"}}, [("range", "max")]),
        ({"type": "boolean", "range": {"min": "false"}, "examples": ["maybe"]}, [("range",), ("examples", 0)]),
        ({"type": "list", "range": {"max": "a"}}, [("range",)]),
        ({"type": "string", "range": {"max": "a"}}, [("range",)]),
        (
            {"type": "enumeration", "values": ["a"], "range": {"min": "a"}, "examples": ["a", "b"]},
            [("range",), ("examples", 1)],
        ),
        ({"type": "integer", "examples": [""]}, [("examples", 0)]),
        ({"examples": ["x"] * 21}, [("examples",)]),
        ({"examples": ["x" * 201]}, [("examples", 0)]),
        ({"type": "decimal", "range": {"min": "1" * 201}}, [("range", "min")]),
    ],
)
def test_every_wrong_value_is_named_once(
    model: type[DimensionField], declared: dict[str, Any], places: list[tuple[str | int, ...]]
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(declared)
    assert [error["loc"] for error in caught.value.errors()] == places


@pytest.mark.parametrize("field", [{"range": {}}, {"examples": []}, {"range": {"min": None, "max": None}}])
def test_a_field_that_declares_none_keeps_its_fingerprint(field: dict[str, Any]) -> None:
    bodies = [
        model_of(Kind.DIMENSION).model_validate({"key": ["id"], "fields": {"id": {"type": "integer", **more}}}).body()
        for more in ({}, field)
    ]
    assert bodies[0] == bodies[1] == {"key": ["id"], "fields": {"id": {"type": "integer"}}}
    assert len({fingerprint(Kind.DIMENSION, canonical(body)) for body in bodies}) == 1


def _changed(field: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specs/shared.yaml": {"dimensions": {"person": {"fields": {"age": field}}}},
        "environments/shop.yaml": {"environment": {"call_data": {"page": data}}},
    }


def test_plausible_values_reset_no_approval_and_wait_for_none(tmp_path: Path) -> None:
    """Settings have a reviewer here, and duties are separated: any other change of a field would wait."""
    shop = Workspace(tmp_path)
    shop.change(
        {
            "environments/shop.yaml": {
                "environment": {
                    "reviewers": {"settings": ["risk"]},
                    "promotion": {"separation_of_duties": True},
                    "call_data": {"page": {"type": "date"}},
                }
            }
        }
    )
    shop.apply("ada")
    shop.approve("risk", "*", settings=True)
    shop.approve_all()
    shop.promote("olga")
    assert shop.active()
    shop.change(
        _changed(
            {"range": {"min": "0", "max": "110"}, "examples": ["44"]},
            {"examples": ["2026-01-01"], "range": {"min": "2026-01-01"}},
        )
    )
    assert not any(step.approvals_reset for step in shop.apply("ada").steps)
    plan = shop.promotion("ada")
    assert sorted(step.address for step in plan.steps) == ["dimension.person", "environment.shop"]
    assert not plan.blocked
    shop.execute("ada", plan)
    shop.change(_changed({"type": "decimal", "range": None, "examples": None}, {"label": "Page"}))
    shop.apply("ada")
    assert {item.address for item in shop.promotion("ada").blocked} == {"dimension.person", "environment.shop"}
