"""Checks expressions: text to a checked tree, or all its problems (docs/rules.md)."""

from __future__ import annotations

from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node, asks_clock
from offerkit.rules.problems import Problem, ProblemList, RuleError
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

__all__ = ["DEPTH", "NODES", "Problem", "RuleError", "check", "conjuncts"]

NODES = 2_000
"""The most nodes of a checked tree, counting each occurrence."""
DEPTH = 100
"""The most levels of a checked tree: evaluators and printers recurse."""


def check(text: str, scope: NameScope, expected: ExpectedResult) -> CheckedExpression:
    """Parse and check ``text``, which can use the names in ``scope`` and must give the result ``expected``.

    Raises RuleError with every problem found. Pure: the same arguments give the same result.
    """
    from offerkit.rules.infer import infer  # here, because it imports sqlglot, which takes 0.1 s

    report = ProblemList(text)
    root = infer(text, scope, report)
    if root is not None:
        root = _fitting(root, expected, report)
    if report.problems or root is None:
        raise report.stop()
    checked = _checked(text, root)
    if checked is None:
        report.add(
            0,
            len(text),
            f"The expression has more than {NODES:,} parts, or more than {DEPTH} levels",
            hint="Split it into filters.",
        )
        raise report.stop()
    return checked


def conjuncts(checked: CheckedExpression) -> tuple[CheckedExpression, ...]:
    """The parts of the top-level ``and``, in order; the whole expression if it is no ``and``, or a ``between``.

    Each has its own part of the text; the nodes' offsets stay relative to the whole text.
    """
    root = checked.root
    if not isinstance(root, CallNode) or root.name != "and":
        return (checked,)
    if (root.args[0].start, root.args[0].end) == (root.start, root.end):
        return (checked,)
    parts = (_checked(checked.text[part.start : part.end], part) for part in root.args)
    return tuple(part for part in parts if part is not None)


def _fitting(root: Node, expected: ExpectedResult, report: ProblemList) -> Node | None:
    from offerkit.rules.convert import typed_null
    from offerkit.rules.operators import logic
    from offerkit.rules.type_words import DECIMAL, family, is_null, words

    if expected is ExpectedResult.VALUE:
        return root
    if expected is ExpectedResult.CONDITION:
        return logic(root, report)
    if is_null(root):
        return typed_null(root, DECIMAL)
    if family(root) == "number":
        return root
    hint = "Write case when x then 20 else 10 end." if family(root) == "boolean" else ""
    report.add(
        root.start,
        root.end,
        f"{report.quote(root.start, root.end)} is {words(root)}, but a formula must give a number",
        hint=hint,
    )
    return None


def _checked(text: str, root: Node) -> CheckedExpression | None:
    """The expression with the fields it reads; None if the tree is too large or too deep. Not recursive."""
    fields: set[tuple[str, str]] = set()
    clock, count = False, 0
    stack: list[tuple[Node, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > NODES or depth > DEPTH:
            return None
        below: tuple[Node, ...] = ()
        match node:
            case FieldNode():
                fields.add((node.namespace, node.name))
            case CallNode():
                clock = clock or asks_clock(node)
                below = node.args
            case CaseNode():
                below = tuple(part for branch in node.branches for part in branch)
                below = below if node.default is None else (*below, node.default)
            case Literal() | Interval():
                pass
        stack += [(part, depth + 1) for part in below]
    type_ = FieldType(BaseType.NULL) if isinstance(root, Interval) else root.type
    return CheckedExpression(text, root, type_, tuple(sorted(fields)), clock)
