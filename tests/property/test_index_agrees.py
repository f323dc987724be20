"""The predicate index leaves exactly what all conditions of each thing hold for: beside each condition evaluated alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from unittest.mock import patch

import pytest
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_trees import DATE, FIELDS, INT, NOW, TIME, B, D, S, Trees, row, value

from offerkit.engine import predicate_index
from offerkit.engine.condition import BoundCondition, CallFacts, CompiledExpression
from offerkit.engine.predicate_index import PredicateIndex, SharedParts
from offerkit.rules.nodes import CallNode, CaseNode, FieldNode, Literal, Node, expression_of
from offerkit.rules.types import BaseType, FieldType, Row, Value

SEEDS = st.integers(0, 2**32)
MOMENTS = (
    NOW,
    NOW + timedelta(hours=11),
    NOW.replace(hour=23, minute=59, second=59, microsecond=999999),
    NOW - timedelta(days=365),
)
"""The second is after midnight."""
TICK = timedelta(microseconds=1)


def condition(root: Node, bound: Row | None = None) -> BoundCondition:
    """A condition; with ``bound``, what it reads of the call is bound instead."""
    spaces = ("recipient", "interaction") if bound is None else ("recipient", "call", "interaction")
    return BoundCondition(CompiledExpression("", expression_of(root), "", spaces), () if bound is None else (bound,))


def facts_of(made: dict[tuple[str, str], Value], now: datetime) -> CallFacts:
    """What these values are, as a call at ``now``."""
    contact, data = (
        {name: found for (of, name), found in made.items() if of == space} for space in ("recipient", "interaction")
    )
    return CallFacts(contact, data, now, now.date())


def agree(random: Random, conditions: Sequence[BoundCondition], rows: Sequence[dict[tuple[str, str], Value]]) -> None:
    """Hold an index of things that need some of ``conditions`` against the conditions, for each row and moment."""
    parts = SharedParts("recipient")
    needs = [random.sample(conditions, random.choice((0, 1, 1, 2, 3))) for _ in range(random.choice((1, 5, 40)))]
    for now in random.sample(MOMENTS, 2):
        index = PredicateIndex(needs, parts, now.date())
        for made in (*rows, *rows):
            facts = facts_of(made, now)
            left = [all(each.value(facts) is True for each in need) for need in needs]
            found = [mark == "1" for mark in f"{index.alive(facts):0{len(needs)}b}"]
            assert found == left, [
                (each.expression.checked, made, now)
                for need, one, other in zip(needs, left, found, strict=True)
                if one is not other
                for each in need
            ]


class Comparisons:
    """Conditions that compare one term with constants, in all ways; and values right beside these."""

    def __init__(self, random: Random) -> None:
        self.random = random
        (space, name), base = random.choice(sorted(FIELDS.items()))
        self.field = (space, name)
        self.node: Node = FieldNode(FieldType(base), 0, 0, space, name)
        pool: list[Value] = [value(random, base) for _ in range(4)]
        if base in (INT, D) and random.random() < 0.5:  # next to True and False, which equal numbers
            pool = [0, 1] if base is INT else [Decimal(0), Decimal(1)]
        self.values = [beside for each in pool for beside in _beside(each)]
        self.base, self.pool = base, pool
        if base is DATE and random.random() < 0.7:
            self._of_days(random.choice(("days_since", "days_until", "age_in_years")))
        elif base is S and random.random() < 0.5:
            self.node = self._call(S, random.choice(("lower", "trim", "upper")), self.node)
        elif base is TIME and random.random() < 0.5:
            self.pool = [NOW, NOW - timedelta(days=30)]
            self.values = [beside for each in self.pool for beside in _beside(each)]

    def _of_days(self, name: str) -> None:
        self.node, self.base = self._call(INT, name, self.node), INT
        self.pool = [self.random.choice((0, 1, -1, 18, 30, 365)) for _ in range(4)]
        years = 365.25 if name == "age_in_years" else 1
        for moment in MOMENTS:
            for number in self.pool:
                assert isinstance(number, int)
                for sign in (-1, 1):
                    day = moment.date() + timedelta(days=sign * round(number * years))
                    self.values += [day + timedelta(days=beside) for beside in range(-2, 3)]

    def _call(self, base: BaseType, name: str, *args: Node) -> CallNode:
        return CallNode(FieldType(base), 0, 0, name, args)

    def constant(self) -> Node:
        """One of the pool, seldom null; of dates, one that depends on the day, too."""
        chance = self.random.random()
        if self.base is DATE and chance < 0.2:
            return self._call(DATE, "current_date")
        if self.base is TIME and chance < 0.1:
            return self._call(TIME, "now")
        found = None if chance > 0.95 else self.random.choice(self.pool)
        return Literal(FieldType(self.base), 0, 0, found)

    def value(self, depth: int) -> Node:
        """The term, or something of its type that is made of it and constants."""
        chance = self.random.random()
        if depth <= 0 or chance < 0.6:
            return self.node
        if chance < 0.75:
            return self._call(
                self.base, self.random.choice(("coalesce", "nullif")), self.value(depth - 1), self.constant()
            )
        branches = tuple((self.test(depth - 1), self.constant()) for _ in range(self.random.choice((1, 2))))
        default = self.value(depth - 1) if self.random.random() < 0.6 else None
        return CaseNode(FieldType(self.base), 0, 0, branches, default)

    def test(self, depth: int) -> Node:
        """A condition."""
        chance = self.random.random()
        if depth > 0 and chance < 0.3:
            parts = [self.test(depth - 1) for _ in range(self.random.choice((2, 2, 3)))]
            return self._call(B, self.random.choice(("and", "or")), *parts)
        if depth > 0 and chance < 0.45:
            return self._call(B, self.random.choice(("not", "is_true", "is_false")), self.test(depth - 1))
        if chance < 0.55:
            return self._call(B, "is_null", self.value(depth - 1))
        if chance < 0.75:
            return self._call(
                B, "in", self.value(depth - 1), *(self.constant() for _ in range(self.random.randint(1, 3)))
            )
        if self.base is B:
            return self.value(depth - 1)
        sides = [self.value(depth - 1), self.constant()]
        self.random.shuffle(sides)
        ordered = () if self.base is BaseType.LIST else ("lt", "le", "gt", "ge")
        return self._call(B, self.random.choice(("eq", "ne", *ordered)), *sides)

    def rows(self) -> Iterator[dict[tuple[str, str], Value]]:
        """Rows with every value, and without any."""
        other = row(self.random)
        return ({**other, self.field: each} for each in (None, *self.values))


def _beside(each: Value) -> list[Value]:
    """The value, and those next to it."""
    match each:
        case bool() | tuple():
            return [True, False] if isinstance(each, bool) else [each, (*each, ""), each[:-1]]
        case int():
            return [each - 1, each, each + 1]
        case Decimal():
            return [each - Decimal("0.000001"), each, each + Decimal("0.000001")]
        case str():
            return [each, each + "\0", each[:-1], each.swapcase()]
        case datetime():
            ticks = (each - datetime.min) // TICK
            return [
                datetime.min + TICK * min(max(0, ticks + step), (datetime.max - datetime.min) // TICK)
                for step in (-1, 0, 1)
            ]
        case date():
            return [date.fromordinal(min(max(1, each.toordinal() + step), 3652059)) for step in (-1, 0, 1)]
        case _:
            return [each]


def of_one_term(seed: int) -> None:
    random = Random(seed)
    compared = [Comparisons(random) for _ in range(random.choice((1, 2)))]
    conditions = [condition(random.choice(compared).test(3)) for _ in range(30)]
    agree(random, conditions, [made for each in compared for made in each.rows()])


def of_any_terms(seed: int) -> None:
    random = Random(seed)
    trees, bound = Trees(random), {name: found for (of, name), found in row(random).items() if of == "interaction"}
    roots = [trees.tree(B, random.randint(1, 4)) for _ in range(25)]
    conditions = [condition(root, random.choice((None, bound))) for root in roots]
    agree(random, conditions, [row(random) for _ in range(8)])


@pytest.mark.parametrize("examples", [25, pytest.param(often(200, 3000), marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", [of_one_term, of_any_terms])
@pytest.mark.parametrize("table_bytes", [1 << 19, 0], ids=["whole tables", "derived masks"])
def test_an_index_leaves_what_the_conditions_hold_for(examples: int, how: object, table_bytes: int) -> None:
    assert callable(how)
    with patch.object(predicate_index, "TABLE_BYTES", table_bytes or 2):
        settings(max_examples=examples, deadline=None)(given(SEEDS)(how))()
