"""Conditions as steps: for which values of one term each part of a condition holds.

A part that only compares one term with constants, tests it for null and joins the results depends on nothing but where
the term's value lies among these constants: ``recipient.age < 18 or recipient.age > 60``, and with other terms
``lower(recipient.city) in ('paris', 'lyon')`` and ``days_since(recipient.seen) < 30``. Whether such a part holds is
found out once for each constant and for what lies between two of them, with the evaluator that decides everywhere else
(python.py). Any other part, such as one with several terms or ``like``, is a test: a boolean term itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from offerkit.rules.flatten import parts_of, rebuilt
from offerkit.rules.nodes import (
    CallNode,
    CaseNode,
    CheckedExpression,
    FieldNode,
    Interval,
    Literal,
    Node,
    expression_of,
    walk,
)
from offerkit.rules.python import BundleEvaluator, Evaluator, compile_many, compile_one, tree_key
from offerkit.rules.python_calls import NEGATED
from offerkit.rules.types import BaseType, FieldType, Row, Value

_COMPARING = NEGATED.keys() | {"and", "or", "not", "is_true", "is_false", "is_null", "in", "coalesce", "nullif"}
"""What these give depends on how their arguments compare with each other, and on nothing else about them."""
_TERM, _CONSTANT = "term", "constant"
"""The namespaces of a shape."""
_ANY_TIME = datetime(2000, 1, 1)
"""For what does not read the time of day."""
_SAMPLES: Mapping[BaseType, Value] = MappingProxyType(
    {
        BaseType.STRING: "",
        BaseType.ENUMERATION: "",
        BaseType.INTEGER: 0,
        BaseType.DECIMAL: Decimal(0),
        BaseType.BOOLEAN: False,
        BaseType.DATE: _ANY_TIME.date(),
        BaseType.TIMESTAMP: _ANY_TIME,
        BaseType.LIST: (),
    }
)
"""A known value of each type."""
_FINEST = Context(prec=60)
NOTHING_BOUND: Mapping[str, Row] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class ComparedTerm:
    """What a part compares with constants: a field or a larger expression, or the whole part."""

    expression: CheckedExpression
    namespaces: Sequence[str]

    @cached_property
    def evaluate(self) -> Evaluator:
        """Its value; called as the functions of python.py are."""
        return compile_one(self.expression, self.namespaces)

    @property
    def field(self) -> tuple[str, str] | None:
        """The only field that its value depends on; None if there are more, or if it reads the time of day."""
        fields = self.expression.fields
        return fields[0] if len(fields) == 1 and not _reads_now(self.expression.root) else None

    @property
    def is_field(self) -> bool:
        """Whether its value is that of a field."""
        return isinstance(self.expression.root, FieldNode)


class Steps(NamedTuple):
    """For which values something holds: if it is ``unknown``; if it is below all ``changes``; and where that changes.

    ``changes`` ascend. At each, and above it up to the next, the answer is the opposite of the one before.
    """

    unknown: bool
    lowest: bool
    changes: tuple[Value, ...]


WHEN_TRUE = Steps(unknown=False, lowest=False, changes=(True,))
"""Those of a test, a whole part as a term of its own. Only this object: other steps can be equal to it."""


@dataclass(frozen=True, slots=True, eq=False)
class SteppedPart:
    """A part of a condition: it holds for the values of ``term`` that ``steps`` say."""

    term: ComparedTerm
    steps: Steps


def all_tests(terms: Sequence[ComparedTerm]) -> BundleEvaluator:
    """Whether each of ``terms``, which are tests, is true, as one function."""
    return compile_many([term.expression for term in terms], terms[0].namespaces, exact=False)


def all_hold(parts: Sequence[SteppedPart]) -> Steps:
    """Where all ``parts``, which have the same term, hold."""
    if len(parts) == 1:
        return parts[0].steps
    each = [part.steps for part in parts]
    turns: dict[Any, int] = {}
    for steps in each:
        turn = -1 if steps.lowest else 1
        for change in steps.changes:
            turns[change] = turns.get(change, 0) + turn
            turn = -turn
    missing = sum(not steps.lowest for steps in each)
    lowest = truth = not missing
    changes: list[Value] = []
    for change in sorted(turns):
        missing -= turns[change]
        if truth is bool(missing):
            changes.append(change)
            truth = not truth
    return Steps(all(steps.unknown for steps in each), lowest, tuple(changes))


class SteppedParts(NamedTuple):
    """What must hold for a condition to hold; None if it never does. ``daily``: only that day, because of constants."""

    parts: tuple[SteppedPart, ...] | None
    daily: bool


class _Read(NamedTuple):
    part: SteppedPart | bool
    """True or False if it is the same for everybody."""
    daily: bool


class StepReader:
    """Reads conditions as steps. It remembers parts, terms and what it compiled, so that each is one object.

    Two threads may read the same part at once; either result is valid.
    """

    def __init__(self, namespaces: Sequence[str]) -> None:
        """``namespaces``: those of the rows that terms are evaluated with."""
        self._namespaces = namespaces
        self._terms: dict[object, ComparedTerm] = {}
        self._shapes: dict[object, Evaluator] = {}
        self._steady: dict[object, _Read] = {}
        self._daily: tuple[date, dict[object, _Read]] = _ANY_TIME.date(), {}

    def read(self, condition: CheckedExpression, today: date, bound: Mapping[str, Row] = NOTHING_BOUND) -> SteppedParts:
        """The parts of a condition on the day ``today``; ``bound``: the rows of namespaces that are not evaluated."""
        root = _with_values(condition.root, bound) if bound else condition.root
        read = [self._part(part, today) for part in _conjuncts(root)]
        daily = any(each.daily for each in read)
        if any(each.part is False for each in read):
            return SteppedParts(None, daily)
        return SteppedParts(
            tuple(dict.fromkeys(each.part for each in read if isinstance(each.part, SteppedPart))), daily
        )

    def _part(self, part: Node, today: date) -> _Read:
        key = tree_key(part)
        day, of_day = self._daily
        if day != today:
            of_day = {}
            self._daily = today, of_day
        known = self._steady.get(key) or of_day.get(key)
        if known is None:
            found = self._new_part(part, key, today)
            known = (of_day if found.daily else self._steady).setdefault(key, found)
        return known

    def _new_part(self, part: Node, key: object, today: date) -> _Read:
        shape = _Shape(today)
        root = shape.of(part)
        if not shape.terms and not _reads_now(part):
            holds = self._evaluator(root)({}, shape.row, _ANY_TIME, today)
            return _Read(holds is True, shape.daily)
        found = [*shape.terms.items()]
        if len(found) != 1 or _is_test(found[0][1]):
            return _Read(SteppedPart(self._term(part, key), WHEN_TRUE), daily=False)
        [(term_key, node)] = found
        term, evaluate = self._term(node, term_key), self._evaluator(root)
        steps = _steps(
            term.expression.type.base,
            shape.row.values(),
            lambda value: evaluate({_TERM: value}, shape.row, _ANY_TIME, today) is True,
        )
        return _Read(SteppedPart(term, steps), shape.daily)

    def _term(self, node: Node, key: object) -> ComparedTerm:
        return self._terms.setdefault(key, ComparedTerm(expression_of(node), self._namespaces))

    def _evaluator(self, shape: Node) -> Evaluator:
        key = tree_key(shape)
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = compile_one(expression_of(shape), (_TERM, _CONSTANT), exact=False)
        return known


class _Shape:
    """A part with fields in the place of its terms and constants, so that parts that differ only in these are one.

    ``terms``: by their key; one of them can be evaluated. ``row``: the constants, those that depend on the day as of
    ``today``. ``daily``: whether any does.
    """

    def __init__(self, today: date) -> None:
        self.terms: dict[object, Node] = {}
        self.row: dict[str, object] = {}
        self.daily = False
        self._today = today

    def of(self, node: Node) -> Node:
        """The shape of a part."""
        match node:
            case Literal(value=None):
                return node
            case Literal():
                return self._constant(node.value, node.type)
            case CallNode(name="in", args=(operand, *items)) if _known_literals(items):
                alternatives = frozenset(item.value for item in items if isinstance(item, Literal))
                listed = self._constant(alternatives, FieldType(BaseType.LIST))
                return replace(node, name="list_contains", args=(listed, self.of(operand)))
            case CallNode(name="list_contains", args=(Literal(value=tuple() as entries) as listed, operand)):
                return replace(node, args=(self._constant(frozenset(entries), listed.type), self.of(operand)))
            case CallNode() | CaseNode() if isinstance(node, CaseNode) or node.name in _COMPARING:
                return rebuilt(node, [self.of(part) for part in parts_of(node)])
            case Interval():
                raise AssertionError("an interval is no value")
            case _ if not any(isinstance(below, FieldNode) for below in walk(node)) and not _reads_now(node):
                self.daily = self.daily or expression_of(node).uses_clock
                return self._constant(compile_one(expression_of(node), ())(_ANY_TIME, self._today), node.type)
            case _:
                self.terms[tree_key(node)] = node
                return FieldNode(node.type, node.start, node.end, _TERM, _TERM)

    def _constant(self, value: object, type_: FieldType) -> Node:
        name = str(len(self.row))
        self.row[name] = value
        return FieldNode(type_, 0, 0, _CONSTANT, name)


def _conjuncts(root: Node) -> Iterator[Node]:
    """The parts of an ``and``, and of those in it; a ``between`` is one, too."""
    if isinstance(root, CallNode) and root.name == "and":
        for part in root.args:
            yield from _conjuncts(part)
    else:
        yield root


def _with_values(node: Node, bound: Mapping[str, Row]) -> Node:
    """The tree with the values of ``bound`` in the place of its fields."""
    if isinstance(node, FieldNode):
        row = bound.get(node.namespace)
        return node if row is None else Literal(node.type, node.start, node.end, row[node.name])
    return rebuilt(node, [_with_values(part, bound) for part in parts_of(node)])


def _known_literals(items: Sequence[Node]) -> bool:
    return all(isinstance(item, Literal) and item.value is not None for item in items)


def _is_test(term: Node) -> bool:
    """Whether it is a condition itself, such as ``like``, and no field."""
    return not isinstance(term, FieldNode | Interval) and term.type.base is BaseType.BOOLEAN


def _reads_now(node: Node) -> bool:
    return any(isinstance(below, CallNode) and below.name == "now" for below in walk(node))


def _steps(base: BaseType, constants: Iterable[object], holds: Callable[[Value], bool]) -> Steps:
    """The steps of a part that compares a term of type ``base`` with ``constants``."""
    points = set(_points(base, constants)) or {_SAMPLES[base]}
    cuts: list[Any] = sorted(points.union(after for point in points if (after := _after(point)) is not None))
    below = _before(cuts[0])
    lowest = truth = below is not None and holds(below)
    changes: list[Value] = []
    for cut in cuts:
        if holds(cut) is not truth:
            changes.append(cut)
            truth = not truth
    return Steps(holds(None), lowest, tuple(changes))


def _points(base: BaseType, constants: Iterable[object]) -> Iterator[Any]:
    """The constants that are of type ``base``; the others are compared with something else."""
    kind = type(_SAMPLES[base])
    for constant in constants:
        for each in constant if isinstance(constant, frozenset) else (constant,):
            if type(each) is kind:
                yield each


def _after(value: Any) -> Any:
    """The value right after ``value`` in the order of its type; None if it is the last."""
    match value:
        case bool():
            return True if value is False else None
        case int():
            return value + 1
        case Decimal():
            return _FINEST.next_plus(value)
        case str():
            return value + "\0"
        case tuple():
            return (*value, "")
        case _:
            return _shifted(value, 1)


def _before(value: Any) -> Any:
    """A value before ``value``; None if it is the first."""
    match value:
        case bool():
            return False if value is True else None
        case int():
            return value - 1
        case Decimal():
            return _FINEST.next_minus(value)
        case str() | tuple():
            return type(value)() if value else None
        case _:
            return _shifted(value, -1)


def _shifted(moment: date, by: int) -> date | None:
    """A date or timestamp, moved by the smallest step of its type."""
    step = timedelta(microseconds=by) if isinstance(moment, datetime) else timedelta(days=by)
    with suppress(OverflowError):
        return moment + step
    return None
