"""The predicate index: the bits that are left for a contact, looked up by its values instead of asking each condition.

Conditions are cut at ``and``. What a part says of a term, such as a field, are steps (rules/steps.py). One table for
each term joins the steps of all parts: between two values where something changes, the same bits are left. A decision
looks up the value of each field and keeps the bits that every table leaves. The cost depends on the fields that
conditions read, and hardly on how many conditions there are.

A table is complete when it is made, so that no value makes it grow. The masks of values that were looked up are
remembered up to a limit (docs/adr/0065-predicate-index.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from itertools import chain, compress
from operator import not_, or_
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from offerkit.engine.condition import BoundCondition, CallFacts
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.python import BundleEvaluator, Evaluator, compile_lookup
from offerkit.rules.steps import (
    WHEN_TRUE,
    ComparedTerm,
    SteppedPart,
    SteppedParts,
    StepReader,
    Steps,
    all_hold,
    all_tests,
)
from offerkit.rules.types import Value

TABLE_BYTES = FIELD_BYTES = 1 << 19
"""About the most that the masks of one table take, and that is remembered for the values of one field."""
CATALOG_BYTES = 1 << 26
"""About the most that is remembered for all fields of a catalog, in the indexes of all its spaces and slices."""
LONGEST = 200
"""Values of more characters are not remembered."""
_ENTRY = 200
"""About the bytes of a remembered value besides its mask and its characters."""


class SharedParts:
    """What the indexes of a catalog share: the parts of its conditions, and what may be remembered.

    Each condition is read once, or once a day if its constants depend on the day.
    """

    def __init__(self, dimension: str) -> None:
        self.namespaces = (dimension, "interaction")
        self._reader = StepReader(self.namespaces)
        self._known: dict[BoundCondition, SteppedParts] = {}
        self.remembered = RememberedBytes()

    def of(self, condition: BoundCondition, checked: CheckedExpression, today: date) -> SteppedParts:
        """The parts of ``condition``, whose expression is ``checked``."""
        known = self._known.get(condition)
        if known is None:
            bound = dict(zip(condition.expression.namespaces[2:], condition.bound, strict=True))
            known = self._reader.read(checked, today, bound)
            if not known.daily:
                self._known[condition] = known
        return known


class RememberedBytes:
    """About how much all fields of a catalog's indexes remember; if it is too much, all forget all."""

    def __init__(self) -> None:
        self._fields: WeakValueDictionary[int, FieldMasks] = WeakValueDictionary()
        self._lock = Lock()
        self._used = 0

    def register(self, field: FieldMasks) -> None:
        """Let ``field`` forget with the others."""
        with self._lock:
            self._fields[id(field)] = field

    def add(self, size: int) -> None:
        """Count what is remembered next. What a field has forgotten meanwhile still counts."""
        with self._lock:
            self._used += size
            if self._used <= CATALOG_BYTES:
                return
            self._used = size
            fields = list(self._fields.values())
        for field in fields:
            field.forget()


class PredicateIndex:
    """For one day, by bit, whether all conditions hold that something needs; the first thing has the highest bit."""

    def __init__(self, needs: Sequence[Sequence[BoundCondition]], parts: SharedParts, today: date) -> None:
        """``needs``: the conditions of each thing."""
        size = len(needs)
        groups, self._whole, never = _grouped(needs, parts, today)
        self._everything = ((1 << size) - 1) & ~never
        self._terms: list[tuple[Evaluator, StepTable, int]] = []
        self._tests = AskedTests()
        self._fields: dict[tuple[str, str], FieldMasks] = {}
        for term, of_parts in groups.items():
            of_field = None
            if term.field is not None:
                if term.field not in self._fields:
                    self._fields[term.field] = FieldMasks(term.field[1], today, self._everything, parts.remembered)
                of_field = self._fields[term.field]
            bits = mask_of(chain.from_iterable(of_parts.values()))
            if all(part.steps is WHEN_TRUE for group in of_parts for part in group):
                (self._tests if of_field is None else of_field.tests).bits[term] = bits
                continue
            table = StepTable([(all_hold(group), bits) for group, bits in of_parts.items()], size)
            if of_field is None:
                self._terms.append((term.evaluate, table, bits))
            else:
                of_field.tables.append((None if term.is_field else term.evaluate, table))
        self._look_up = compile_lookup(self._fields, parts.namespaces) if self._fields else None
        self._more = bool(self._terms or self._tests.bits or self._whole)

    @property
    def size_bytes(self) -> int:
        """About what the masks take, without those that are remembered."""
        tables = [
            *(table for masks in self._fields.values() for _, table in masks.tables),
            *(table for _, table, _ in self._terms),
        ]
        tests = sum(len(asked.bits) for asked in (self._tests, *(masks.tests for masks in self._fields.values())))
        return (sum(table.kept for table in tables) + tests) * (self._everything.bit_length() // 8 + 32)

    def compile(self) -> None:
        """Compile what is otherwise compiled when it is first asked."""
        for asked in (self._tests, *(masks.tests for masks in self._fields.values())):
            if asked.bits:
                asked.compile()

    def alive(self, facts: CallFacts) -> int:
        """The bits of what all conditions hold for."""
        look_up = self._look_up
        alive = self._everything if look_up is None else look_up(facts[0], facts[1], None, None)
        return self._asked(facts, alive) if self._more and alive else alive

    def _asked(self, facts: CallFacts, alive: int) -> int:
        """Those of ``alive`` that are left by what depends on several fields, the time of day or the history."""
        contact, data, now, today, _ = facts
        for evaluate, table, bits in self._terms:
            if alive & bits:
                alive &= table.find(evaluate(contact, data, now, today))
        if self._tests.bits:
            alive &= ~self._tests.failed(contact, data, now, today)
        for condition, bits in self._whole.items():
            if alive & bits and condition.value(facts) is not True:
                alive &= ~bits
        return alive


class AskedTests:
    """Tests, compiled into one function on first use, with the bits that need each."""

    __slots__ = ("_ask", "bits")

    def __init__(self) -> None:
        self.bits: dict[ComparedTerm, int] = {}
        self._ask: BundleEvaluator | None = None

    def failed(self, *values: object) -> int:
        """The bits that need a test that is not true; ``values`` as for functions of rules/python.py."""
        ask = self._ask or self.compile()
        return reduce(or_, compress(self.bits.values(), map(not_, ask(*values))), 0)

    def compile(self) -> BundleEvaluator:
        """Compile the function unless it is, and return it."""
        if self._ask is None:
            self._ask = all_tests([*self.bits])
        return self._ask


def mask_of(numbers: Iterable[int]) -> int:
    """The bits with these numbers, of which the lowest is 0; in one pass, since masks of many things are long."""
    known = [*numbers]
    if not known:
        return 0
    found = bytearray(max(known) // 8 + 1)
    for number in known:
        found[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(found, "little")


class StepTable:
    """The bits that are left by where a term's value lies among the values where something changes.

    In a large table masks are kept at equal distances; the others are one of these with some bits turned.
    """

    __slots__ = ("_apart", "_cuts", "_masks", "_turns", "_unknown")

    def __init__(self, groups: Sequence[tuple[Steps, Sequence[int]]], size: int) -> None:
        """``groups``: where some bits are left, by their numbers; no bit is in two."""
        others = ((1 << size) - 1) & ~mask_of(number for _, numbers in groups for number in numbers)
        lowest = others | mask_of(number for steps, numbers in groups if steps.lowest for number in numbers)
        self._unknown = others | mask_of(number for steps, numbers in groups if steps.unknown for number in numbers)
        turns: dict[Any, list[int]] = {}
        for steps, numbers in groups:
            for change in steps.changes:
                turns.setdefault(change, []).extend(numbers)
        self._cuts = sorted(turns)
        self._apart = 1 + len(turns) * size // (8 * TABLE_BYTES)
        self._masks = [lowest]
        self._turns: list[tuple[int, ...]] = []
        for place, cut in enumerate(self._cuts, 1):
            lowest ^= mask_of(turns[cut])
            if place % self._apart == 0:
                self._masks.append(lowest)
            if self._apart > 1:
                self._turns.append(tuple(turns[cut]))

    @property
    def kept(self) -> int:
        """How many masks are kept."""
        return len(self._masks)

    def find(self, value: Any) -> int:
        """The bits that are left for a term's value; None is unknown."""
        if value is None:
            return self._unknown
        place = bisect_right(self._cuts, value)
        if self._apart == 1:
            return self._masks[place]
        kept = place // self._apart
        mask = self._masks[kept]
        for turned in self._turns[kept * self._apart : place]:
            for bit in turned:
                mask ^= 1 << bit
        return mask


class FieldMasks(dict[Value, int]):
    """The bits that are left by the value of one field, as its tables say; some values are remembered.

    Threads may look up and remember values at the same time; each finds the same bits.
    """

    __slots__ = ("__weakref__", "_entry", "_everything", "_name", "_remembered", "_today", "_used", "tables", "tests")

    def __init__(self, name: str, today: date, everything: int, remembered: RememberedBytes) -> None:
        self._name, self._today, self._everything = name, today, everything
        self._entry, self._remembered, self._used = everything.bit_length() // 8 + _ENTRY, remembered, 0
        remembered.register(self)
        self.tables: list[tuple[Evaluator | None, StepTable]] = []
        self.tests = AskedTests()

    def __missing__(self, value: Value) -> int:
        alive, row = self._everything, {self._name: value}
        for evaluate, table in self.tables:
            alive &= table.find(value if evaluate is None else evaluate(row, row, None, self._today))
        if self.tests.bits:
            alive &= ~self.tests.failed(row, row, None, self._today)
        characters = _characters(value)
        if characters <= LONGEST:
            size = self._entry + 4 * characters
            self._used += size
            if self._used > FIELD_BYTES:
                self.forget()
                self._used = size
            self._remembered.add(size)
            self[value] = alive
        return alive

    def forget(self) -> None:
        """Remember no value. What another thread remembers meanwhile may be counted less, as much as a few values."""
        self.clear()
        self._used = 0


def _characters(value: Value) -> int:
    """About how many characters take as much as ``value``; each entry of a list as much as 20 more."""
    match value:
        case str():
            return len(value)
        case tuple():
            return 20 * len(value) + sum(map(len, value))
        case _:
            return 0


def _grouped(
    needs: Sequence[Sequence[BoundCondition]], parts: SharedParts, today: date
) -> tuple[dict[ComparedTerm, dict[tuple[SteppedPart, ...], list[int]]], dict[BoundCondition, int], int]:
    """By term the numbers of the bits with the same parts; those of conditions without parts; those that never hold."""
    groups: dict[ComparedTerm, dict[tuple[SteppedPart, ...], list[int]]] = {}
    whole: dict[BoundCondition, int] = {}
    never = 0
    for number, conditions in zip(range(len(needs) - 1, -1, -1), needs, strict=True):
        by_term: dict[ComparedTerm, dict[SteppedPart, None]] = {}
        for condition in conditions:
            checked = condition.expression.checked
            found = parts.of(condition, checked, today).parts if checked is not None else ()
            if checked is None:
                whole[condition] = whole.get(condition, 0) | 1 << number
            elif found is None:
                never |= 1 << number
            for part in found or ():
                by_term.setdefault(part.term, {})[part] = None
        for term, of_term in by_term.items():
            groups.setdefault(term, {}).setdefault(tuple(of_term), []).append(number)
    return groups, whole, never
