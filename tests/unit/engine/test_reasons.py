"""The list of reasons is whole, and decision cases give each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.files import load_yaml

from offerkit.engine.reasons import DECIDED, REASONS, ExclusionReason

CASES = Path(__file__).parents[2] / "cases/engine"
ELSEWHERE = {ExclusionReason.STOPPED, ExclusionReason.NOT_RENDERED}
"""Reasons that a catalog written in a case cannot give: stops are made in live, and rendering comes after deciding."""


def test_every_reason_has_its_line_in_the_order_of_checking() -> None:
    """The order of the members sorts counts, the order of the lines is that of the reference."""
    assert list(REASONS) == list(ExclusionReason), "REASONS has one line for each reason, in the order of its members"


@pytest.mark.parametrize("reason", sorted(set(DECIDED) - ELSEWHERE))
def test_every_reason_of_a_decision_has_a_case(reason: ExclusionReason) -> None:
    expected = {why for file in CASES.glob("*.yaml") for why in _expected(load_yaml(file)["cases"])}
    assert reason.value in expected, f"a case in tests/cases/engine must expect {reason}"


def _expected(value: Any) -> Iterator[str]:
    """Every text below ``expect``, in which reasons stand."""
    match value:
        case dict():
            for key, below in value.items():
                yield from _texts(below) if key in ("expect", "nothing") else _expected(below)
        case list():
            for below in value:
                yield from _expected(below)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for below in value.values():
                yield from _texts(below)
        case list():
            for below in value:
                yield from _texts(below)
        case str():
            yield value
