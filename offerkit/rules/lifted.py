"""Parts that read no field (``current_date - interval '30 days'``): computed once for all expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from offerkit.rules.nodes import Call, Case, Field, Interval, Literal, Node
from offerkit.rules.shallow import LOCAL, parts_of, rebuilt


def lifted(root: Node, name: Callable[[Call], str]) -> Node:
    """The tree with each largest call that reads no field replaced by the local that ``name`` gives."""
    return _lifted(root, name)[0]


def _lifted(node: Node, name: Callable[[Call], str]) -> tuple[Node, bool]:
    """The node, and whether it reads no field."""
    parts = parts_of(node)
    if not parts:
        return node, not isinstance(node, Field)
    found = [_lifted(part, name) for part in parts]
    if all(fixed for _, fixed in found):
        return node, True
    return rebuilt(node, [_named(part, name) if fixed else part for part, fixed in found]), False


def replaced(node: Node, names: Mapping[object, str]) -> Node:
    """The tree with each call of a field whose :func:`meaning` is in ``names`` replaced by the local of that name."""
    of_field = isinstance(node, Call) and bool(node.args) and isinstance(node.args[0], Field)
    name = names.get(meaning(node)) if of_field else None
    if name is not None:
        assert not isinstance(node, Interval)
        return Field(node.type, node.start, node.end, LOCAL, name)
    parts = parts_of(node)
    return rebuilt(node, [replaced(part, names) for part in parts]) if parts else node


def _named(part: Node, name: Callable[[Call], str]) -> Node:
    if isinstance(part, Call) and part.args:
        return Field(part.type, part.start, part.end, LOCAL, name(part))
    return part


def meaning(node: Node) -> object:
    """Equal for parts that give the same, wherever they stand."""
    match node:
        case Literal():
            return ("literal", node.type, type(node.value), node.value)
        case Field():
            return ("field", node.namespace, node.name)
        case Interval():
            return ("interval", node.months, node.days, node.seconds)
        case Call():
            return (node.name, node.type, *map(meaning, node.args))
        case Case():
            return ("case", node.default is None, *map(meaning, parts_of(node)))
