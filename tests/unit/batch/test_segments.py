"""Contacts told apart by a field: nobody is lost, whatever the values are and however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.batch import open_contact_table
from offerkit.batch.decide import DecidedChunk
from offerkit.batch.segments import OTHERS, UNKNOWN, Segments
from offerkit.rules.types import BaseType, FieldType

VALUES = {
    BaseType.STRING: (None, "", " ", "unknown", '"unknown"', OTHERS, f'"{OTHERS}"', "a", "A", "é'\"", "NULL", "1", "%"),
    BaseType.BOOLEAN: (None, True, False),
    BaseType.INTEGER: (None, 0, -1, 1, 2**40),
    BaseType.DECIMAL: (None, Decimal(0), Decimal("0.5"), Decimal("-2.25")),
    BaseType.DATE: (None, date(2026, 1, 1), date(2026, 12, 31)),
    BaseType.LIST: (None, (), ("a",), ("a", "b")),
}


def _segments(base: BaseType, values: Sequence[Any], limit: int | None, fewest: int = 1) -> tuple[Segments, list[int]]:
    """The segments of contacts with ``values``, and how many contacts of each are counted one by one."""
    types = {"id": FieldType(BaseType.INTEGER), "value": FieldType(base)}
    rows = [{"id": number, "value": value} for number, value in enumerate(values)]
    with open_contact_table(rows, ("id",), types) as people:
        found = Segments(people, "value", limit, fewest)
        half = len(values) // 2
        parts = [found.count(0, numpy.ones(half, bool)), found.count(half, numpy.ones(len(values) - half, bool))]
        _check_given(found, len(values))
    return found, (parts[0] + parts[1]).tolist()


def _check_given(found: Segments, contacts: int) -> None:
    """Two offers in two ranks for one contact of three each; who is given nothing is counted, too."""
    picks = numpy.full((2, contacts), -1, numpy.int32)
    picks[0, ::3], picks[1, ::3], picks[0, 1::3] = 0, 1, 1
    none = numpy.zeros((2, contacts), bool)
    counts = found.given()
    half = contacts // 2
    counts.add(DecidedChunk(0, picks[:, :half], none, none, none))
    counts.add(DecidedChunk(half, picks[:, half:], none, none, none))
    sums = Counter[int]()
    by_segment: dict[int, Counter[int]] = {}
    for segment, item, count in counts.counted():
        sums[item] += count
        by_segment.setdefault(segment, Counter())[item] += count
    expected = {0: len(picks[0, ::3]), 1: len(picks[0, ::3]) + len(picks[0, 1::3]), -1: len(picks[0, 2::3])}
    assert sums == {item: count for item, count in expected.items() if count}
    for segment, items in by_segment.items():
        most = found.sizes[segment]
        assert all(0 < count <= most for count in items.values())


@pytest.mark.parametrize("base", VALUES, ids=str)
def test_every_kind_of_value(base: BaseType) -> None:
    @settings(max_examples=8, deadline=None)
    @given(
        st.lists(st.sampled_from(VALUES[base]), min_size=1, max_size=60), st.sampled_from((None, 1, 2, 20)),
        st.integers(1, 5),
    )  # fmt: skip
    def check(values: list[Any], limit: int | None, fewest: int) -> None:
        found, counted = _segments(base, values, limit, fewest)
        assert sum(found.sizes) == len(values) and counted == found.sizes
        told = sorted((size for size in Counter(values).values() if size >= fewest), reverse=True)[:limit]
        assert found.sizes[: len(told)] == told
        assert found.sizes[len(told) :] == ([len(values) - sum(told)] if sum(told) < len(values) else [])
        assert len({*found.names}) == len(found.names)
        assert found.names[len(told) :] == [OTHERS] * (len(found.names) - len(told))

    check()


def test_who_has_no_value_is_a_segment() -> None:
    found, _ = _segments(BaseType.STRING, [None, None, "a", "", None], None)
    assert list(zip(found.names, found.sizes, strict=True)) == [(UNKNOWN, 3), ("", 1), ("a", 1)]


def test_a_value_that_is_called_like_a_segment_is_another_one() -> None:
    values = [*[None] * 2, *["unknown"] * 3, *['"unknown"'] * 4, *[OTHERS] * 5, *["o", "p"]]
    found, counted = _segments(BaseType.STRING, values, 4)
    assert found.names == [f'"{OTHERS}"', '""unknown""', '"unknown"', UNKNOWN, OTHERS]
    assert found.sizes == counted == [5, 4, 3, 2, 2]


@pytest.mark.parametrize("count", [255, 256, 257, 70_000])
def test_as_many_values_as_contacts(count: int) -> None:
    found, counted = _segments(BaseType.INTEGER, range(count), None)
    assert len(set(found.names)) == count and set(found.sizes) == {1} and counted == found.sizes


def test_a_long_tail_is_one_segment() -> None:
    found, counted = _segments(BaseType.INTEGER, [*range(500), *([7] * 10), *([8] * 5)], 2)
    assert found.names == ["7", "8", OTHERS] and found.sizes == counted == [11, 6, 498]


def test_rare_values_are_not_told() -> None:
    found, counted = _segments(BaseType.STRING, [*("a" * 5), *("b" * 4), None], 20, fewest=5)
    assert found.names == ["a", OTHERS] and found.sizes == counted == [5, 5]
