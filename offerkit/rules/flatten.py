"""Splits deep trees into several shallow ones, to stay below the nesting limits of Python and DuckDB.

Every part that is too deep gets a name, is evaluated first, and is replaced by that name. Nothing in the language has
side effects or fails, so the order changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from offerkit.rules.nodes import CallNode, CaseNode, FieldNode, Interval, Node

LOCAL = ""
"""The namespace of a :class:`FieldNode` that stands for a named part; ``name`` is the part's."""
_WIDEST = 8
"""The most branches or alternatives that are translated one inside the other; more are split."""


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part with its name."""

    name: str
    node: Node


def flatten(root: Node, fresh: Callable[[], str], deepest: int) -> tuple[list[NamedPart], Node]:
    """The named parts in the order of evaluation, and the rest; each has at most about ``deepest`` levels."""
    steps: list[NamedPart] = []
    done: list[tuple[Node, int]] = []
    todo: list[tuple[Node, bool]] = [(root, False)]
    while todo:
        node, ready = todo.pop()
        if not ready:
            node = _narrow(node)
            todo.append((node, True))
            todo.extend((part, False) for part in reversed(parts_of(node)))
            continue
        count = len(parts_of(node))
        below = done[len(done) - count :]
        del done[len(done) - count :]
        node = rebuilt(node, [part for part, _ in below])
        height = _own_height(node) + max((depth for _, depth in below), default=0)
        if height >= deepest:
            steps.append(NamedPart(fresh(), node))
            assert not isinstance(node, Interval)  # it has no parts, so it is never too deep
            node, height = FieldNode(node.type, node.start, node.end, LOCAL, steps[-1].name), 1
        done.append((node, height))
    return steps, done[0][0]


def nodes_of(root: Node) -> Iterator[Node]:
    """All nodes of a tree, in written order; without recursion, for trees of any depth."""
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(parts_of(node)))


def fields_of(root: Node) -> list[tuple[str, str]]:
    """The (namespace, field) pairs in a tree, in written order."""
    return [(node.namespace, node.name) for node in nodes_of(root) if isinstance(node, FieldNode)]


def parts_of(node: Node) -> tuple[Node, ...]:
    """The direct children of a node, in the order of evaluation."""
    match node:
        case CallNode():
            return node.args
        case CaseNode():
            pairs = tuple(part for branch in node.branches for part in branch)
            return pairs if node.default is None else (*pairs, node.default)
        case _:
            return ()


def rebuilt(node: Node, parts: list[Node]) -> Node:
    """The node with other children, in the order of :func:`parts_of`."""
    if all(new is old for new, old in zip(parts, parts_of(node), strict=True)):
        return node
    match node:
        case CallNode():
            return replace(node, args=tuple(parts))
        case CaseNode():
            count = len(node.branches)
            branches = tuple((parts[2 * i], parts[2 * i + 1]) for i in range(count))
            return replace(node, branches=branches, default=parts[-1] if node.default is not None else None)
        case _:
            return node


def _own_height(node: Node) -> int:
    match node:
        case CaseNode():
            return len(node.branches)
        case CallNode(name="coalesce"):
            return len(node.args)
        case _:
            return 1


def _narrow(node: Node) -> Node:
    """A wide ``case`` or ``coalesce`` split into one that ends in another."""
    match node:
        case CaseNode() if len(node.branches) > _WIDEST:
            rest = replace(node, branches=node.branches[_WIDEST:])
            return replace(node, branches=node.branches[:_WIDEST], default=rest)
        case CallNode(name="coalesce") if len(node.args) > _WIDEST:
            rest_call = replace(node, args=node.args[_WIDEST:])
            return replace(node, args=(*node.args[:_WIDEST], rest_call))
        case _:
            return node
