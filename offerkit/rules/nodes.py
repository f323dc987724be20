"""The checked tree, from which both evaluators (Python, SQL) are made. Every node has its type and position.

Nothing is left to infer: the checker has inserted each conversion (``to_decimal``, ``to_timestamp``), resolved every
name, and turned operators and functions into :class:`CallNode` with the canonical names of ``functions.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from offerkit.rules.types import FieldType, Value


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number, date, true, false or null."""

    type: FieldType
    start: int
    end: int
    value: Value


@dataclass(frozen=True, slots=True)
class FieldNode:
    """``namespace.name``."""

    type: FieldType
    start: int
    end: int
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time: ``interval '3 days'``; months for months, quarters and years, days for days and weeks."""

    start: int
    end: int
    months: int = 0
    days: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class CallNode:
    """An operator or function by its canonical name; ``start``/``end``: offsets into the expression's text."""

    type: FieldType
    start: int
    end: int
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class CaseNode:
    """``case when … then … else … end``; the checker expands the simple form. Without a default: null."""

    type: FieldType
    start: int
    end: int
    branches: tuple[tuple[Node, Node], ...]
    default: Node | None


Node: TypeAlias = Literal | FieldNode | Interval | CallNode | CaseNode


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """A checked expression: its text, tree, type, and the (namespace, field) pairs it reads, sorted.

    ``uses_clock``: whether it reads ``now`` or ``current_date``.
    """

    text: str
    root: Node
    type: FieldType
    fields: tuple[tuple[str, str], ...]
    uses_clock: bool

    def uses(self, namespace: str) -> bool:
        """Whether it reads any field of ``namespace``."""
        return any(space == namespace for space, _ in self.fields)


def asks_clock(node: CallNode) -> bool:
    """Whether a call itself depends on the time, whatever its arguments are."""
    if node.name in ("now", "current_date", "days_since", "days_until"):
        return True
    return node.name == "age_in_years" and len(node.args) == 1


def expression_of(root: Node, text: str = "") -> CheckedExpression:
    """A part of a checked tree as an expression of its own."""
    assert not isinstance(root, Interval)  # no part that stands alone is one
    nodes = list(walk(root))
    pairs = {(node.namespace, node.name) for node in nodes if isinstance(node, FieldNode)}
    clock = any(asks_clock(node) for node in nodes if isinstance(node, CallNode))
    return CheckedExpression(text, root, root.type, tuple(sorted(pairs)), clock)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    match node:
        case CallNode():
            below: tuple[Node, ...] = node.args
        case CaseNode():
            pairs = tuple(part for branch in node.branches for part in branch)
            below = pairs if node.default is None else (*pairs, node.default)
        case _:
            below = ()
    for part in below:
        yield from walk(part)
