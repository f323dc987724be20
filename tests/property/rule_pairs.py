"""Pairs of conditions that are hard to tell apart, contacts on the boundaries of their literals, and judging verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import rule_trees
from helpers.rules import tree
from rule_trees import DATE, FIELDS, INT, TIME, B, D, E, S, Trees, checked

from offerkit.prove.prover import Prover
from offerkit.prove.question import Holds
from offerkit.prove.result import CommonFact, Comparison, Existence, Extent
from offerkit.rules.flatten import parts_of, rebuilt
from offerkit.rules.nodes import CallNode, FieldNode, Literal, Node, walk
from offerkit.rules.numbers import DECIMAL_LIMIT
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, FieldType, Value

SPACES = ("recipient", "interaction")
MOMENTS = (
    rule_trees.NOW,
    datetime(2026, 11, 28, 10, 30),
    datetime(2027, 2, 28),
    datetime(2024, 12, 31, 23, 59, 59, 999999),
    datetime(2100, 3, 31, 12),
)
ROWS = 40
_OPPOSITE = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq", "and": "or", "or": "and"}
_STEPS: dict[BaseType, Any] = {
    INT: 1,
    D: Decimal("0.000001"),
    DATE: timedelta(days=1),
    TIME: timedelta(microseconds=1),
}
_CONSTANT = frozenset({"date_trunc", "extract", "date_diff", "round"})
"""Functions with arguments that must stay as they are: units, digits."""


def call(name: str, *args: Node, base: BaseType = B) -> CallNode:
    return CallNode(FieldType(base), 0, 0, name, args)


class Pairs:
    """Makes pairs of conditions: mutations of each other, or independent."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.trees = Trees(random)

    def pair(self, depth: int = 3) -> tuple[Node, Node]:
        """Two conditions."""
        old = self.trees.tree(B, depth)
        match self.random.randrange(10):
            case 0:
                return old, self.trees.tree(B, depth - 1)
            case 1 | 2:
                other = self.trees.tree(B, depth - 1)
                args = [old, other]
                self.random.shuffle(args)
                return old, call(self.random.choice(["and", "or"]), *args)
            case 3:
                return old, self._coalesced(old)
            case _:
                return old, self.mutated(old)

    def mutated(self, root: Node) -> Node:
        """The tree with another node in the place of one; at the top if nothing below can be changed."""
        fixed = {
            id(arg) for node in walk(root) if isinstance(node, CallNode) and node.name in _CONSTANT for arg in node.args
        }
        nodes = [node for node in walk(root) if _changes(node) and id(node) not in fixed]
        if not nodes:
            return call("not", root)
        chosen = self.random.choice(nodes)
        return _replaced(root, chosen, self._changed(chosen))

    def _changed(self, node: Node) -> Node:
        if isinstance(node, Literal):
            return replace(node, value=self._near(node.value, node.type.base))
        assert isinstance(node, CallNode)
        if node.name in _OPPOSITE and self.random.random() < 0.6:
            return replace(node, name=_OPPOSITE[node.name])
        match self.random.randrange(4):
            case 0:
                return call("not", node)
            case 1:
                return self._coalesced(node)
            case 2:
                return call(self.random.choice(["is_true", "is_false"]), node)
            case _:
                return call(self.random.choice(["and", "or"]), node, self.trees.tree(B, 1))

    def _coalesced(self, node: Node) -> Node:
        return call("coalesce", node, Literal(FieldType(B), 0, 0, self.random.random() < 0.5))

    def _near(self, value: Value, base: BaseType) -> Value:
        if isinstance(value, bool):
            return not value
        return self.random.choice(neighbours(value, base) or [rule_trees.value(self.random, base)])


def _changes(node: Node) -> bool:
    return (isinstance(node, CallNode) and node.type.base is B) or (
        isinstance(node, Literal) and node.value is not None and node.type.base in (B, INT, D, DATE, TIME, S)
    )


def _replaced(root: Node, old: Node, new: Node) -> Node:
    if root is old:
        return new
    parts = parts_of(root)
    changed: list[Node] = []
    for part in parts:
        changed.append(_replaced(part, old, new) if all(a is b for a, b in zip(changed, parts, strict=False)) else part)
    return rebuilt(root, changed)


def neighbours(value: Any, base: BaseType) -> list[Value]:
    """One below, equal, one above; texts with a character more or fewer."""
    step = _STEPS.get(base)
    if step is None or value is None:
        if isinstance(value, str):
            return [value, value + "a", value[:-1], value.upper(), value.lower(), f" {value}", f"a{value}b"]
        return []
    near: list[Value] = [value]
    for sign in (-1, 1):
        try:
            moved = value + sign * step
        except OverflowError:
            continue
        limit = {int: 2**63, Decimal: DECIMAL_LIMIT}.get(type(moved))
        if limit is None or abs(moved) < limit:  # what is beyond is no value of the type
            near.append(moved)
    return near


class BoundaryRows:
    """Rows with values on the boundaries of the literals of some conditions."""

    def __init__(self, random: Random, moments: Sequence[datetime], *roots: Node) -> None:
        self.random = random
        self.pools: dict[BaseType, list[Value]] = {base: [] for base in (*rule_trees.TYPES, E)}
        for root in roots:
            for node in walk(root):
                if isinstance(node, Literal) and node.value is not None:
                    self._literal(node.value, node.type.base, moments)
        for moment in moments:
            self.pools[TIME] += neighbours(moment, TIME)
            self.pools[DATE] += neighbours(moment.date(), DATE)

    def _literal(self, value: Value, base: BaseType, moments: Sequence[datetime]) -> None:
        pools = self.pools
        if base in pools:
            pools[base] += neighbours(value, base)
        match value:
            case bool():
                pass
            case int() | Decimal():
                whole = int(value)
                if abs(whole) < 2**62:
                    pools[INT] += [whole - 1, whole, whole + 1]
                if abs(whole) < 10**11:
                    for more in ("-0.5", "0", "0.5", "-0.000001", "0.000001"):
                        pools[D].append(Decimal(whole) + Decimal(more).quantize(Decimal("0.000001")))
                for moment in moments:
                    self._ago(moment.date(), whole)
            case datetime():
                pools[DATE] += neighbours(value.date(), DATE)
            case date():
                pools[TIME] += neighbours(datetime(value.year, value.month, value.day), TIME)
            case str():
                pools[E] += neighbours(value, S)
                pools[S] += neighbours(value, S)
                pools[INT] += [len(value) - 1, len(value), len(value) + 1]
                pools[BaseType.LIST] += [(value,), ("a", value), (value, value)]
            case _:
                pass

    def _ago(self, today: date, count: int) -> None:
        """Dates so many days or years before or after a day."""
        for days in (count, -count):
            if abs(days) < 300_000:
                self.pools[DATE] += _shifted(today, days)
        for years in (count, -count):
            year = today.year - years
            if 1 <= year <= 9999:
                day = min(today.day, 28) if today.month == 2 else today.day
                self.pools[DATE] += neighbours(date(year, today.month, day), DATE)

    def row(self) -> dict[tuple[str, str], Value]:
        """A value for each field; one in six unknown, half of the others on a boundary."""
        row = rule_trees.row(self.random)
        for key, base in FIELDS.items():
            pool = self.pools[base]
            if row[key] is not None and pool and self.random.random() < 0.6:
                row[key] = self.random.choice(pool)
        return row


def _shifted(day: date, days: int) -> list[Value]:
    try:
        return neighbours(day - timedelta(days=days), DATE)
    except OverflowError:
        return []


@dataclass
class Tally:
    """What judging found: counts of verdicts, and every verdict that is wrong, with its pair."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def judge(
    prover: Prover, pair: tuple[Node, Node], at: datetime, random: Random, tally: Tally, rows: int = ROWS
) -> None:
    """Compare a pair, and hold the verdicts against rows on its boundaries: pinned at ``at``, free at four moments."""
    old, new = (checked(node) for node in pair)
    comparison = prover.compare(Holds(old), Holds(new), at)
    moments = [at, at + timedelta(minutes=5), at + timedelta(days=random.choice([1, 28, 31, 365, 366, 1461, 10_000]))]
    later = [node.value for root in pair for node in walk(root) if isinstance(node, Literal)]
    for value in later:
        if isinstance(value, date) and not isinstance(value, datetime) and value.year < 9998:
            value = datetime(value.year, value.month, value.day) + timedelta(days=random.choice([0, 0, 1]))
        if isinstance(value, datetime) and value > at:
            moments.append(value)
    moments[3:] = random.sample(moments[3:], min(2, len(moments) - 3)) or [datetime(9999, 12, 31, 23, 59, 59)]
    functions = [compile_one(each, SPACES) for each in (old, new)]

    def answers(row: dict[tuple[str, str], Value], moment: datetime) -> tuple[bool, bool]:
        spaces = [{name: value for (of, name), value in row.items() if of == space} for space in SPACES]
        was, will = (function(*spaces, moment, moment.date()) for function in functions)
        return was is True, will is True

    tally.counts[f"now {comparison.now.verdict}"] += 1
    tally.counts[f"later {comparison.later.verdict}"] += 1
    tally.counts["described"] += bool(comparison.now.gained.facts or comparison.now.lost.facts)
    faults = list(_faults(comparison, answers))
    contacts = BoundaryRows(random, moments, *pair)
    for _ in range(rows):
        row = contacts.row()
        for moment in moments:
            was, will = answers(row, moment)
            for reading in (comparison.now, comparison.later) if moment == at else (comparison.later,):
                name = "now" if reading is comparison.now else "later"
                if will and not was and reading.gained.answer is Existence.NONE:
                    faults.append(f"{name}: gained by {_shown(row, pair)} at {moment}")
                if was and not will and reading.lost.answer is Existence.NONE:
                    faults.append(f"{name}: lost by {_shown(row, pair)} at {moment}")
                for extent, holds in ((reading.before, was), (reading.after, will)):
                    if (extent is Extent.NOBODY and holds) or (extent is Extent.EVERYBODY and not holds):
                        faults.append(f"{name}: {extent} is wrong for {_shown(row, pair)} at {moment}")
                for side, changed in ((reading.gained, will and not was), (reading.lost, was and not will)):
                    true = [_is_true_of(fact, row[fact.field]) for fact in side.facts]
                    if (changed and not all(true)) or (side.exact and all(true) and not changed):
                        faults.append(f"{name}: {side.facts} {side.exact} for {_shown(row, pair)} at {moment}")
    if faults:
        tally.wrong.append(f"{faults[0]} (and {len(faults) - 1} more)\n  {tree(pair[0])}\n  {tree(pair[1])}\n  {at}")


def _faults(
    comparison: Comparison, answers: Callable[[dict[tuple[str, str], Value], datetime], tuple[bool, bool]]
) -> list[str]:
    """Examples that the evaluator does not confirm."""
    faults = []
    for name, reading in (("now", comparison.now), ("later", comparison.later)):
        for side, expected in ((reading.gained, (False, True)), (reading.lost, (True, False))):
            if side.answer is not Existence.SOME:
                continue
            witness = side.witness
            if witness is None or witness.moment < comparison.at or (name == "now" and witness.moment != comparison.at):
                faults.append(f"{name}: no example, or not at such a moment: {witness}")
            elif answers(dict.fromkeys(FIELDS) | dict(witness.values), witness.moment) != expected:
                faults.append(f"{name}: the example {witness} is none")
    return faults


def _is_true_of(fact: CommonFact, value: Any) -> bool:
    if fact.among:
        return value in fact.among
    if value is None or (fact.least is None and fact.most is None):
        return value is None and fact.least is None and fact.most is None
    least: Any = fact.least
    most: Any = fact.most
    return (least is None or value >= least) and (most is None or value <= most)


def _shown(row: dict[tuple[str, str], Value], pair: tuple[Node, Node]) -> str:
    read = {(node.namespace, node.name) for root in pair for node in walk(root) if isinstance(node, FieldNode)}
    return ", ".join(f"{space}.{name} = {row[space, name]!r}" for space, name in sorted(read))
