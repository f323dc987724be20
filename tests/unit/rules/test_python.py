"""Compiled rules as functions: how they are called, what they can reach, what they can take."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Context, Decimal, localcontext

import pytest
from evaluated import NOW, checked

from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node
from offerkit.rules.python import compile_many, compile_one
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, Value

BOOLEAN, INTEGER, DATE = FieldType(BaseType.BOOLEAN), FieldType(BaseType.INTEGER), FieldType(BaseType.DATE)
AGE = FieldNode(INTEGER, 0, 0, "recipient", "age")
ACTIVE = FieldNode(BOOLEAN, 0, 0, "recipient", "active")


def of(root: Node) -> CheckedExpression:
    """Checked without the checker, so that no limit of it applies."""
    assert not isinstance(root, Interval)
    return CheckedExpression("", root, root.type, (("recipient", "active"), ("recipient", "age")), False)


def number(value: int) -> Literal:
    return Literal(INTEGER, 0, 0, value)


class Reads(Mapping[str, Value]):
    """A row that remembers what was read."""

    def __init__(self, **values: Value) -> None:
        self.values_, self.read = values, list[str]()

    def __getitem__(self, name: str) -> Value:
        self.read.append(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_exact_is_what_one_gets_without_asking() -> None:
    condition = checked("age >= 18", ExpectedResult.CONDITION)
    assert compile_one(condition, ["recipient"])({"age": None}, NOW, NOW.date()) is None
    assert compile_many([condition], ["recipient"])({"age": None}, NOW, NOW.date()) == (None,)
    assert compile_one(condition, ["recipient"], exact=False)({"age": None}, NOW, NOW.date()) is False
    assert compile_many([condition], ["recipient"], exact=False)({"age": None}, NOW, NOW.date()) == (False,)


def test_rows_come_in_the_order_of_the_namespaces() -> None:
    quick = compile_one(checked("age = 5"), ["interaction", "offer", "recipient"])
    assert quick({}, {}, {"age": 5}, NOW, NOW.date()) is True


def test_the_clock_is_an_argument() -> None:
    then = datetime(1999, 12, 31, 23, 59)
    both = compile_many(
        [checked("now"), checked("current_date - interval '1 day'"), checked("days_until(born)")], ["recipient"]
    )
    assert both({"born": then.date()}, then, then.date()) == (then, datetime(1999, 12, 30).date(), 0)


def test_a_bundle_reads_each_field_once() -> None:
    row = Reads(age=20, country="FR")
    rules = [checked(text) for text in ("age > 1 and age < 30", "country = 'FR'", "age + age = 40 or country is null")]
    assert compile_many(rules, ["recipient"], exact=False)(row, NOW, NOW.date()) == (True, True, True)
    assert sorted(row.read) == ["age", "country"]


def test_a_condition_reads_no_field_after_the_part_that_failed() -> None:
    row = Reads(age=20, country="FR")
    quick = compile_one(checked("age < 18 and country = 'FR'", ExpectedResult.CONDITION), ["recipient"], exact=False)
    assert quick(row, NOW, NOW.date()) is False
    assert row.read == ["age"]


def test_nothing_but_a_tree_is_compiled_and_no_builtin_is_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    real = builtins.compile
    monkeypatch.setattr(builtins, "compile", lambda source, *rest: (seen.append(source), real(source, *rest))[1])
    nasty = checked('name = \'__import__("os").system("true")\'', ExpectedResult.CONDITION)
    function = compile_one(nasty, ["recipient"])
    assert [type(source) for source in seen] == [ast.Module]
    assert function.__globals__["__builtins__"] == {}


def test_no_host_program_changes_how_decimals_are_rounded() -> None:
    function = compile_one(checked("abs(score * 3 / 7 + 0.1 - score % 0.7)"), ["recipient"])
    row: dict[str, Value] = {"score": Decimal("123456789.123456")}
    plain = function(row, NOW, NOW.date())
    with localcontext(Context(prec=3)):
        assert function(row, NOW, NOW.date()) == plain


@pytest.mark.parametrize("exact", [True, False])
def test_no_depth_is_too_deep(exact: bool) -> None:
    total: Node = AGE
    negated: Node = ACTIVE
    nested: Node = ACTIVE
    for _ in range(1_990):
        total = CallNode(INTEGER, 0, 0, "add", (total, number(1)))
        negated = CallNode(BOOLEAN, 0, 0, "not", (negated,))
        nested = CallNode(BOOLEAN, 0, 0, "eq", (nested, Literal(BOOLEAN, 0, 0, True)))
    results = compile_many([of(total), of(negated), of(nested)], ["recipient"], exact=exact)
    assert results({"age": 1, "active": True}, NOW, NOW.date()) == (1_991, True, True)


def test_no_width_is_too_wide() -> None:
    branches = tuple((CallNode(BOOLEAN, 0, 0, "eq", (AGE, number(n))), number(-n)) for n in range(600))
    case = CaseNode(INTEGER, 0, 0, branches, number(7))
    nulls = CallNode(
        INTEGER, 0, 0, "coalesce", (*(CallNode(INTEGER, 0, 0, "nullif", (AGE, AGE)) for _ in range(600)), number(3))
    )
    either = CallNode(BOOLEAN, 0, 0, "or", tuple(test for test, _ in branches))
    together = compile_many([of(case), of(nulls), of(either)], ["recipient"])
    assert together({"age": 599, "active": None}, NOW, NOW.date()) == (-599, 3, True)
    assert together({"age": 600, "active": None}, NOW, NOW.date()) == (7, 3, False)


def test_the_result_grows_with_the_tree_only() -> None:
    """Conditions that are compared with conditions would double at each level if any part were translated twice."""
    tree: Node = ACTIVE
    for _ in range(60):
        tree = CallNode(BOOLEAN, 0, 0, "eq", (CallNode(BOOLEAN, 0, 0, "and", (tree, ACTIVE)), ACTIVE))
    code = compile_one(of(tree), ["recipient"], exact=False).__code__.co_code
    assert len(code) < 60 * 200


@pytest.mark.parametrize("pattern", ["%a%a%a%a%a%a%a%a%a%a%a%b", "%a_a_a_a_a_a_a_a_a_b%", "%" * 500 + "b"])
def test_no_pattern_is_slow(pattern: str) -> None:
    """Each takes milliseconds; a matcher that goes back would take longer than the universe has."""
    function = compile_one(checked(f"name like '{pattern}'"), ["recipient"])
    assert function({"name": "a" * 3_000}, NOW, NOW.date()) is False
