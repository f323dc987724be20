"""The predicate index and conditions as they are written: each whole condition alone, in Python and by DuckDB.

Written conditions go through the grammar, which converts numbers and moments; rows lie on, beside and far from every
constant of the conditions, and days go forwards and back on the same shared parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import duckdb
import pytest
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.engine.condition import BoundCondition, CallFacts, CompiledExpression
from offerkit.engine.predicate_index import PredicateIndex, SharedParts
from offerkit.rules.check import RuleError, check
from offerkit.rules.duckdb import to_duckdb
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope, Value

_TYPES = {
    "whole": FieldType(BaseType.INTEGER),
    "number": FieldType(BaseType.DECIMAL),
    "text": FieldType(BaseType.STRING),
    "kind": FieldType(BaseType.ENUMERATION, ("a", "B", "é")),
    "truth": FieldType(BaseType.BOOLEAN),
    "day": FieldType(BaseType.DATE),
    "moment": FieldType(BaseType.TIMESTAMP),
    "list": FieldType(BaseType.LIST),
}
_FIELDS = {name + number: type_ for name, type_ in _TYPES.items() for number in ("1", "2")}
SCOPE = NameScope({"person": _FIELDS, "interaction": _FIELDS, "offer": _FIELDS, "parameter": _FIELDS})
_COLUMNS = {
    "integer": "BIGINT", "decimal": "DECIMAL(18,6)", "string": "VARCHAR", "enumeration": "VARCHAR", "boolean": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMP", "list": "VARCHAR[]",
}  # fmt: skip
_WHOLE = [0, 1, -1, 2, 17, 18, 30, 365, 2**31, 2**62, 2**63 - 1, 1 - 2**63]
_NUMBER = ["0", "0.0", "1", "1.000000", "-1", "17.5", "0.000001", "-0.000001", "999999999999.999999", "-0.5", "18"]
_TEXT = ["", "a", "A", "b", "ab", "a%b", "a_b", "%", "é", "É", "ß", " a ", "\U0010ffff", "x" * 300, "B"]
_DAY = ["0001-01-01", "9999-12-31", "2024-02-29", "2023-02-28", "2024-03-31", "2024-10-27", "2023-12-31", "2024-01-01"]
_CLOCK = ["00:00:00", "23:59:59.999999", "02:30:00", "00:00:00.000001"]
MOMENTS = [
    datetime.fromisoformat(each)
    for each in (
        "2023-12-31 23:59:59.999999", "2024-01-01", "2024-02-28 23:59:59.999999", "2024-02-29", "2024-03-01",
        "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 23:59:59", "2024-01-31", "0001-01-01", "9999-12-31 12:00:00",
    )
]  # fmt: skip
_SPANS = ("1 day", "-30 days", "1 month", "12 months", "9999 years", "1 hour")


class Rules:
    """Random conditions, as somebody writes them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def constant(self, kind: str) -> str:
        pick = self.random.choice
        if self.random.random() < 0.04:
            return "null"
        if self.random.random() < 0.15:  # bound to a value
            return f"{pick(('offer', 'parameter'))}.{kind}{pick('12')}"
        match kind:
            case "whole":
                return str(pick(_WHOLE))
            case "number":
                return str(pick(_NUMBER)) if self.random.random() < 0.7 else str(pick(_WHOLE[:7]))
            case "text":
                return f"'{pick(_TEXT)}'"
            case "kind":
                return f"'{pick(('a', 'B', 'é'))}'"
            case "truth":
                return pick(("true", "false"))
            case "day":
                if self.random.random() < 0.3:
                    return pick(("current_date", f"current_date - interval '{pick(_SPANS)}'"))
                return f"date '{pick(_DAY)}'"
            case _:
                if self.random.random() < 0.3:
                    return pick(("now", "current_date", f"now + interval '{pick(_SPANS)}'", f"date '{pick(_DAY)}'"))
                return f"timestamp '{pick(_DAY)} {pick(_CLOCK)}'"

    def field(self, kind: str) -> str:
        return f"{self.random.choice(('person', 'person', 'interaction'))}.{kind}{self.random.choice('12')}"

    def term(self, kind: str) -> str:
        field, pick = self.field(kind), self.random.choice
        if self.random.random() < 0.5:
            return field
        number, other = pick(("0", "1", "2", "-1", self.field("whole"))), self.field(kind)
        match kind:
            case "whole":
                return pick((
                    f"days_since({self.field('day')})", f"days_until({self.field('day')})", f"{field} + {number}",
                    f"age_in_years({self.field('day')})", f"length({self.field('text')})", f"{field} * {field}",
                    f"{field} % {number}", f"abs({field})", f"-{field}", f"extract(month from {self.field('day')})",
                    f"date_diff('month', {self.field('day')}, current_date)", f"floor({self.field('number')})",
                    f"days_since({self.field('day')}) / 1 - {other}", f"extract(hour from now) + {field}",
                ))  # fmt: skip
            case "number":
                return pick((f"{field} / {number}", f"{field} * {other}", f"round({field}, 1)", f"{self.field('whole')} / {number}", f"{field} % 3",
                             f"-{field}", f"{field} + 0.5", f"abs({field})"))  # fmt: skip
            case "text":
                return pick((f"lower({field})", f"upper({field})", f"trim({field})", f"substring({field}, 1, 1)", f"{field} || 'a'",
                             f"replace({field}, 'a', 'b')", self.field("kind")))  # fmt: skip
            case "day":
                return pick((f"date_trunc('month', {field})", f"{field} + interval '{pick(_SPANS)}'", f"greatest({field}, {other})"))  # fmt: skip
            case "moment":
                return pick((f"date_trunc('day', {field})", f"{field} + interval '{pick(_SPANS)}'", self.field("day")))
            case _:
                return field

    def value(self, kind: str, depth: int) -> str:
        chance = self.random.random()
        if depth <= 0 or chance < 0.6:
            return self.term(kind)
        if chance < 0.75:
            return f"coalesce({self.value(kind, depth - 1)}, {self.constant(kind)})"
        if chance < 0.87:
            return f"nullif({self.value(kind, depth - 1)}, {self.constant(kind)})"
        end = f" else {self.value(kind, depth - 1)}" if self.random.random() < 0.6 else ""
        return f"case when {self.rule(depth - 1)} then {self.value(kind, depth - 1)}{end} end"

    def rule(self, depth: int) -> str:
        pick, chance = self.random.choice, self.random.random()
        if depth > 0 and chance < 0.3:
            return "(" + f" {pick(('and', 'or'))} ".join(self.rule(depth - 1) for _ in range(pick((2, 2, 3)))) + ")"
        if depth > 0 and chance < 0.45:
            inner = self.rule(depth - 1)
            return pick((f"not ({inner})", f"({inner}) is true", f"({inner}) is not true", f"({inner}) is false"))
        kind = pick(("whole", "whole", "number", "number", "text", "text", "kind", "truth", "day", "day", "moment"))
        left = self.value(kind, depth - 1)
        match self.random.randrange(10):
            case 0:
                return f"{left} is {pick(('', 'not '))}null"
            case 1:
                items = ", ".join(self.constant(kind) for _ in range(pick((1, 2, 2, 4))))
                return f"{left} {pick(('', 'not '))}in ({items})"
            case 2 if kind not in ("truth", "kind"):
                return f"{left} {pick(('', 'not '))}between {self.constant(kind)} and {self.constant(kind)}"
            case 3:
                text = self.field("text")
                return pick((
                    f"{text} like '{pick(('a%', '%b', 'a_b', '%', '', '_', '%a%', '%%'))}'", f"starts_with({text}, {self.constant('text')})",
                    f"contains({self.field('list')}, {self.constant('text')})", f"contains(offer.list1, {text})",
                    f"length({self.field('list')}) > {pick((0, 1, 2))}", f"{self.field('list')} is not null",
                ))  # fmt: skip
            case 4:  # of different types, or of one field with another
                return pick((
                    f"{self.term('whole')} {pick(('>', '<=', '=', '<>'))} {self.constant('number')}",
                    f"{self.term('number')} {pick(('>', '<=', '=', '<>'))} {self.constant('whole')}",
                    f"{self.term('day')} {pick(('>', '<=', '=', '<>'))} {self.constant('moment')}",
                    f"{self.term('moment')} {pick(('>', '<=', '=', '<>'))} {self.constant('day')}",
                    f"{left} {pick(('=', '<>'))} {self.term(kind)}",
                ))  # fmt: skip
            case _:
                sides = [left, self.constant(kind)]
                self.random.shuffle(sides)
                signs = ("=", "<>") if kind in ("truth", "kind") else ("=", "<>", "<", "<=", ">", ">=")
                return f"{sides[0]} {pick(signs)} {sides[1]}"

    def read(self, depth: int) -> tuple[str, Any]:
        """A condition that the grammar takes, and its tree."""
        while True:
            text = self.rule(depth)
            try:
                return text, check(text, SCOPE, ExpectedResult.CONDITION)
            except RuleError:
                continue  # out of range, or of enumerations that are never equal

    def a(self, name: str) -> Value:
        """A value of a field, often on or right beside a constant; one in seven unknown."""
        pick, step = self.random.choice, self.random.choice((-1, 0, 0, 1))
        if self.random.random() < 1 / 7:
            return None
        match name[:-1]:
            case "whole":
                return min(max(-(2**63), pick(_WHOLE) + step), 2**63 - 1)
            case "number":
                found = Decimal(pick((*_NUMBER, *map(str, _WHOLE[:7])))) + step * Decimal("0.000001")
                return min(found.quantize(Decimal("0.000001")), Decimal("999999999999.999999"))
            case "text":
                return pick((pick(_TEXT), pick(_TEXT).swapcase(), pick(_TEXT) + "\U0010ffff", pick(_TEXT)[:-1]))
            case "kind":
                return pick(("a", "B", "é"))
            case "truth":
                return pick((True, False))
            case "day":
                near = pick((*map(date.fromisoformat, _DAY), *(moment.date() for moment in MOMENTS)))
                days = near.toordinal() + step + pick((0, 0, 1, -1)) * pick((0, 17, 18, 30, 365, 366))
                return date.fromordinal(min(max(1, days), date.max.toordinal()))
            case "moment":
                stamps = [datetime.fromisoformat(f"{pick(_DAY)} {clock}") for clock in _CLOCK]
                at = pick((*stamps, *MOMENTS))
                try:
                    return at + timedelta(microseconds=step)
                except OverflowError:
                    return at
            case _:
                return tuple(pick(_TEXT) for _ in range(pick((0, 1, 2, 2, 5))))

    def row(self) -> dict[str, Value]:
        return {name: self.a(name) for name in _FIELDS}


def _by_duckdb(roots: Sequence[Any], bound: Sequence[Any], facts: CallFacts) -> list[bool]:
    spaces = dict(zip(SCOPE.namespaces, (facts.contact, facts.data), strict=False))
    found = []
    for checked, rows in zip(roots, bound, strict=True):
        every = {**spaces, "offer": rows[0], "parameter": rows[1]}
        columns = ", ".join(
            f'?::{_COLUMNS[_FIELDS[name].base.value]} "{space}.{name}"' for space, name in checked.fields
        )
        values = [every[space][name] for space, name in checked.fields]
        sql = to_duckdb(checked, lambda s, n: f'"{s}.{n}"', f"TIMESTAMP '{facts.now}'", f"DATE '{facts.today}'")
        source = f"(SELECT {columns})" if columns else "(SELECT 1)"
        given_values = [list(value) if isinstance(value, tuple) else value for value in values]
        answer = duckdb.execute(f"SELECT {sql} FROM {source}", given_values).fetchone()
        assert answer is not None
        found.append(answer[0] is True)
    return found


def _agree(seed: int) -> None:
    random = Random(seed)
    rules = Rules(random)
    read = [rules.read(random.randint(0, 3)) for _ in range(40)]
    bound = [(rules.row(), rules.row()) for _ in read]
    for one, other in pairwise(bound):
        if random.random() < 0.5:
            other[0].update(one[0])
    conditions = [
        BoundCondition(CompiledExpression(text, checked, "", tuple(SCOPE.namespaces)), rows)
        for (text, checked), rows in zip(read, bound, strict=True)
    ]
    exact: list[Callable[..., Value]] = [
        compile_one(checked, tuple(SCOPE.namespaces), exact=True) for _, checked in read
    ]
    parts = SharedParts("person")
    days = random.sample(MOMENTS, 3)
    needs = [[condition] for condition in conditions] + [random.sample(conditions, 3) for _ in range(10)]
    for now in (*days, days[0]):
        index = PredicateIndex(needs, parts, now.date())
        for _ in range(12):
            facts = CallFacts(rules.row(), rules.row(), now, now.date())
            truth = {
                condition: evaluate(facts.contact, facts.data, *condition.bound, facts.now, facts.today) is True
                for condition, evaluate in zip(conditions, exact, strict=True)
            }
            for _ in range(2):
                marks = [mark == "1" for mark in f"{index.alive(facts):0{len(needs)}b}"]
                wrong = [
                    (need[0].expression.text, need[0].bound, facts)
                    for need, mark in zip(needs, marks, strict=True)
                    if mark is not all(truth[each] for each in need)
                ]
                assert not wrong, wrong[0]
        if now is days[0]:
            some = random.sample(range(len(read)), 3)
            sure = _by_duckdb([read[number][1] for number in some], [bound[number] for number in some], facts)
            assert sure == [truth[conditions[number]] for number in some], [read[number][0] for number in some]


@pytest.mark.parametrize("examples", [10, pytest.param(often(60, 1000), marks=pytest.mark.slow)])
def test_an_index_leaves_what_written_conditions_hold_for(examples: int) -> None:
    settings(max_examples=examples, deadline=None)(given(st.integers(0, 2**32))(_agree))()
