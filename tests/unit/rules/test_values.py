"""Values from outside, read as a field's type; and how values are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.rules.types import BaseType, FieldType, Value
from offerkit.rules.values import TypedTexts, parse_value, show, typed_fields

PARIS = ZoneInfo("Europe/Paris")
TIER = FieldType(BaseType.ENUMERATION, ("gold", "silver"))


def read(raw: object, base: BaseType) -> Value:
    return parse_value(raw, TIER if base is BaseType.ENUMERATION else FieldType(base), PARIS)


B = BaseType
READ: list[tuple[object, BaseType, Value]] = [
    ("", B.STRING, ""), (" x ", B.STRING, " x "), (12, B.STRING, "12"), (1.5, B.STRING, "1.5"), (True, B.STRING, "true"),
    ("12", B.INTEGER, 12), (" -3 ", B.INTEGER, -3), (12.0, B.INTEGER, 12), ("12.00", B.INTEGER, 12), ("1e3", B.INTEGER, 1000),
    (2**63 - 1, B.INTEGER, 2**63 - 1), (-(2**63), B.INTEGER, -(2**63)), ("", B.INTEGER, None),
    ("0.1", B.DECIMAL, Decimal("0.1")), (0.1, B.DECIMAL, Decimal("0.1")), (3, B.DECIMAL, Decimal(3)),
    ("0.0000005", B.DECIMAL, Decimal("0.000001")), ("-0.0000005", B.DECIMAL, Decimal("-0.000001")),
    ("0.00000049", B.DECIMAL, Decimal(0)), ("999999999999.999999", B.DECIMAL, Decimal("999999999999.999999")),
    (float("nan"), B.DECIMAL, None), (Decimal("Infinity"), B.DECIMAL, None), ("NaN", B.DECIMAL, None), ("-inf", B.DECIMAL, None),
    ("true", B.BOOLEAN, True), ("FALSE", B.BOOLEAN, False), (1, B.BOOLEAN, True), ("0", B.BOOLEAN, False), (" ", B.BOOLEAN, None),
    ("2026-01-31", B.DATE, date(2026, 1, 31)), (date(2026, 1, 31), B.DATE, date(2026, 1, 31)),
    (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), B.DATE, date(2026, 2, 1)),
    ("2026-01-31", B.TIMESTAMP, datetime(2026, 1, 31)), ("2026-07-01T10:00:00Z", B.TIMESTAMP, datetime(2026, 7, 1, 12)),
    ("2026-01-01 10:00:00.5 +05:30", B.TIMESTAMP, datetime(2026, 1, 1, 5, 30, 0, 500000)),
    ("2026-01-01 10:00", B.TIMESTAMP, datetime(2026, 1, 1, 10)), (date(2026, 1, 1), B.TIMESTAMP, datetime(2026, 1, 1)),
    (datetime(2026, 7, 1, 10, tzinfo=timezone(timedelta(hours=-4))), B.TIMESTAMP, datetime(2026, 7, 1, 16)),
    ("gold", B.ENUMERATION, "gold"), ("", B.ENUMERATION, None),
    ('["a", "b|c"]', B.LIST, ("a", "b|c")), ("a|b", B.LIST, ("a", "b")), ("[]", B.LIST, ()), ("", B.LIST, None), (["a"], B.LIST, ("a",)),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "base", "expected"), READ, ids=[f"{raw!r} {base}" for raw, base, _ in READ])
def test_read(raw: object, base: BaseType, expected: Value) -> None:
    found = read(raw, base)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("base", [base for base in BaseType if base is not BaseType.NULL])
def test_none_is_unknown_of_every_type(base: BaseType) -> None:
    assert read(None, base) is None


REFUSED: list[tuple[object, BaseType]] = [
    ("x", B.INTEGER), ("1.5", B.INTEGER), (2**63, B.INTEGER), ("1e999", B.INTEGER), (True, B.INTEGER), ("٣", B.INTEGER), ([], B.INTEGER),
    ("1000000000000", B.DECIMAL), ("999999999999.9999995", B.DECIMAL), ("1e99", B.DECIMAL), ("1,5", B.DECIMAL), ("0x1f", B.DECIMAL),
    ("maybe", B.BOOLEAN), (2, B.BOOLEAN), ("2026-02-30", B.DATE), ("31.01.2026", B.DATE), ("2026-W01-1", B.DATE), (20260131, B.DATE),
    ("2026-01-01 25:00", B.TIMESTAMP), ("0001-01-01T00:00:00+05:00", B.TIMESTAMP), ("GOLD", B.ENUMERATION), ("[1]", B.LIST),
    ("[" * 5000, B.LIST), ({"a": 1}, B.LIST), ("x\x00y", B.STRING), ("\ud800", B.STRING), (b"x", B.STRING), ("x" * 100_001, B.STRING),
    (10**5000, B.INTEGER), (10**5000, B.DECIMAL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "base"), REFUSED, ids=[f"{type(raw)!s} {base} {index}" for index, (raw, base) in enumerate(REFUSED)]
)
def test_refused_with_a_short_reason(raw: object, base: BaseType) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read(raw, base)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"), (True, "true"), (False, "false"), (3, "3"), (Decimal("1.500000"), "1.5"), (Decimal("1E+3"), "1000"),
        (Decimal("-0.000000"), "0"), (Decimal(100), "100"), ("", ""), ("é", "é"), (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 10), "2026-01-31T10:00:00"), (("a", "é"), '["a", "é"]'), ((), "[]"),
    ],
)  # fmt: skip
def test_show(value: Value, shown: str) -> None:
    assert show(value) == shown


VALUES = st.one_of(
    st.tuples(st.just(B.INTEGER), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(B.DECIMAL), st.decimals("-999999999999", "999999999999", places=6)),
    st.tuples(st.just(B.DATE), st.dates()),
    st.tuples(st.just(B.TIMESTAMP), st.datetimes()),
    st.tuples(st.just(B.BOOLEAN), st.booleans()),
    st.tuples(
        st.just(B.LIST),
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))).map(tuple),
    ),
)


@given(VALUES)
def test_what_is_shown_is_read_again(typed: tuple[BaseType, Value]) -> None:
    base, value = typed
    assert read(show(value), base) == value


@given(
    st.one_of(
        st.text(),
        st.floats(),
        st.integers(),
        st.decimals(),
        st.datetimes(timezones=st.timezones()),
        st.lists(st.text()),
    ),
    st.sampled_from([base for base in BaseType if base is not B.NULL]),
)
def test_anything_is_read_or_refused(raw: object, base: BaseType) -> None:
    try:
        value = read(raw, base)
    except ValueError as refused:
        assert len(str(refused)) < 300
    else:
        assert isinstance(show(value), str)


@pytest.mark.parametrize(
    ("raw", "kind"), [({"a": 1}, "an object"), ([1], "a list"), ((1,), "a list"), (b"x", "binary data")]
)
def test_what_is_no_value_is_not_named_by_its_class(raw: object, kind: str) -> None:
    with pytest.raises(ValueError, match=f"^{kind} is not a whole number$"):
        parse_value(raw, FieldType(BaseType.INTEGER), UTC)


def test_what_many_offers_give_alike_is_typed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    types = {
        "margin": FieldType(BaseType.DECIMAL),
        "code": FieldType(BaseType.STRING),
        "tags": FieldType(BaseType.LIST),
    }
    typed: list[object] = []

    def counted(raw: object, *rest: Any) -> Value:
        typed.append(raw)
        return parse_value(raw, *rest)

    monkeypatch.setattr("offerkit.rules.values.parse_value", counted)
    known: TypedTexts = {}
    offers = [{"margin": "1", "code": "1", "tags": ["a"], "gone": "x"}, {"tags": ["a"], "margin": "1"}, {"margin": "2"}]
    rows = [typed_fields(offer, types, known=known) for offer in offers]
    assert rows == [
        {"margin": Decimal(1), "code": "1", "tags": ("a",)},
        {"margin": Decimal(1), "code": None, "tags": ("a",)},
        {"margin": Decimal(2), "code": None, "tags": None},
    ]
    assert sorted(map(str, typed)) == ["1", "1", "2", "['a']"]
