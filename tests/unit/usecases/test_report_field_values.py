"""A report by a field of offers names its values as a simulation by that field does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from offerkit.fingerprint import Json
from offerkit.rules.types import Value
from offerkit.rules.values import show
from offerkit.usecases.status_report import field_text


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        (True, True),
        (10.0, Decimal(10)),
        (0.25, Decimal("0.25")),
        (3, 3),
        ("Lyon", "Lyon"),
        (["sea", "sun"], ("sea", "sun")),
    ],
)
def test_field_text(value: Json, typed: Value) -> None:
    assert field_text(value) == show(typed)
