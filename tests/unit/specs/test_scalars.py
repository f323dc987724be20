"""Plain scalars mean what YAML 1.2's core schema says, and numbers keep their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.models.base import Number
from offerkit.specs.scalars import resolve


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_booleans(text: str, value: bool) -> None:
    assert resolve(text) is value


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "tRUE",
        "nUll",
        "2026-01-01",
        "2026-01-01 12:00:00",
        "12:30:45",
        "1_000",
        "0b11",
        "017z",
        "1.2.3",
        "+",
        "-",
        ".",
        "e5",
        "1e",
        "0x",
        "0o8",
        "0xg",
        "--1",
        "<<",
        "=",
        ".Nan",
        "inf",
        "1,5",
        "٣",
    ],
)
def test_text(text: str) -> None:
    value = resolve(text)
    assert value == text
    assert type(value) is str


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1",
        "-1",
        "+1",
        "010",
        "1e3",
        "1E+3",
        "1.5",
        "1.",
        ".5",
        "-.5e-2",
        "0x1F",
        "0o17",
        ".inf",
        "-.INF",
        ".nan",
        "123456789012345678901234567890",
    ],
)
def test_numbers_stay_text(text: str) -> None:
    value = resolve(text)
    assert value == text
    assert type(value) is Number


@given(st.text(max_size=12))
def test_nothing_else_becomes_anything_else(text: str) -> None:
    value = resolve(text)
    assert value is None or isinstance(value, bool) or value == text
