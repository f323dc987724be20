"""Conditions and ``case``: turns sqlglot's nodes into checked ones."""

from __future__ import annotations

from sqlglot import exp

from offerkit.rules.convert import Values, align
from offerkit.rules.grammar import TokenType
from offerkit.rules.nodes import CallNode, CaseNode, Node
from offerkit.rules.operands import text_only
from offerkit.rules.operators import compare
from offerkit.rules.operators import logic as as_condition
from offerkit.rules.problems import shortened
from offerkit.rules.tree_walk import Mismatch, TreeWalk
from offerkit.rules.type_words import BOOLEAN, is_text_literal

T = TokenType
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_SIGNS = {T.EQ: "eq", T.NEQ: "ne", T.LT: "lt", T.LTE: "le", T.GT: "gt", T.GTE: "ge"}


def connective(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    name, kind, cls = ("and", T.AND, exp.And) if isinstance(tree, exp.And) else ("or", T.OR, exp.Or)
    start = walk.start()
    parts: list[Node | None] = []
    for operand in walk.chain(tree, (cls,)):
        if parts:
            walk.take(kind)
        parts.append(as_condition(walk.value(operand), walk.report))
    if any(part is None for part in parts):
        return None
    flat: list[Node] = []
    for part in parts:
        inner = isinstance(part, CallNode) and part.name == name and not is_between(part)
        flat += part.args if inner and isinstance(part, CallNode) else [part] if part is not None else []
    return CallNode(BOOLEAN, start, walk.end(), name, tuple(flat))


def is_between(node: CallNode) -> bool:
    """Whether an ``and`` was written as ``between``: both parts then have the position of the whole."""
    return (node.args[0].start, node.args[0].end) == (node.start, node.end)


def negation(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    if walk.peek() is not T.NOT:  # x not in (…): the inner node consumes the word
        return walk.node(tree.this)
    start = walk.take(T.NOT).start
    node = as_condition(walk.value(tree.this), walk.report)
    return None if node is None else CallNode(BOOLEAN, start, walk.end(), "not", (node,))


def _turned(node: Node | None, negated: bool) -> Node | None:
    return CallNode(BOOLEAN, node.start, node.end, "not", (node,)) if node is not None and negated else node


def comparison(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    if isinstance(tree.this, COMPARISONS):
        _twice(walk, tree)
        return None
    left = walk.value(tree.this)
    name = _SIGNS[walk.take(*_SIGNS).token_type]
    open_is = walk.at
    right = walk.value(tree.args.get("expression"))
    if isinstance(_inner(tree.args.get("expression")), exp.Is) and walk.tokens[open_is].token_type is not T.L_PAREN:
        walk.report.add(
            start,
            walk.end(),
            "It is unclear what “is” refers to",
            hint="Put parentheses around one of the two: (x = y) is null.",
        )
        return None
    if left is None or right is None:
        return None
    return compare(name, left, right, start, walk.end(), walk.report)


def _inner(tree: object) -> object:
    while isinstance(tree, (exp.Not, exp.Paren)):
        tree = tree.this
    return tree


def _twice(walk: TreeWalk, tree: exp.Expression) -> None:
    """Report ``a = b = c``, and what is wrong with each operand."""
    start = walk.start()
    for index, operand in enumerate(walk.chain(tree, COMPARISONS)):
        if index:
            walk.take(*_SIGNS)
        walk.value(operand)
    walk.report.add(
        start,
        walk.end(),
        "Comparisons cannot be chained",
        "“a = b = c” would compare a condition with c.",
        "Write a = b and b = c; for limits: b between a and c.",
    )


def is_null_or_truth(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    walk.take(T.IS)
    negated = walk.accept(T.NOT)
    kind = walk.peek()
    if kind not in (T.NULL, T.TRUE, T.FALSE):
        walk.report.add(
            walk.start(),
            walk.tokens[walk.at].end + 1,
            "“is” must be followed by null, true or false",
            hint=_meant(walk.tokens[walk.at].text, negated),
        )
        raise Mismatch
    walk.at += 1
    if kind is not T.NULL:
        node = as_condition(node, walk.report)
    if node is None:
        return None
    name = "is_null" if kind is T.NULL else "is_true" if kind is T.TRUE else "is_false"
    return _turned(CallNode(BOOLEAN, start, walk.end(), name, (node,)), negated)


def _meant(word: str, negated: bool) -> str:
    if word.lower() in ("empty", "blank"):
        return "Write x <> '', which also means that x is known." if negated else "Write x = '' or x is null."
    return "Write <> to compare." if negated else "Write = to compare."


def membership(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    negated = walk.accept(T.NOT)
    walk.take(T.IN)
    items = tree.args.get("expressions")
    if not items or walk.peek() is not T.L_PAREN:
        entry = walk.report.text[start : walk.tokens[walk.at - (2 if negated else 1)].start].strip()
        walk.report.add(
            walk.start(),
            walk.tokens[-1].end + 1,
            "“in” must be followed by values in parentheses",
            hint=_values(walk, shortened(entry)),
        )
        raise Mismatch
    walk.take(T.L_PAREN)
    parts = [node]
    for index, item in enumerate(items):
        if index:
            walk.take(T.COMMA)
        parts.append(walk.value(item))
    walk.take(T.R_PAREN)
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    return _turned(compare("in", known[0], known[1:], start, walk.end(), walk.report), negated)


def _values(walk: TreeWalk, entry: str) -> str:
    at = walk.at
    while walk.accept(T.VAR) or walk.accept(T.IDENTIFIER) or walk.accept(T.DOT):
        pass
    named = (
        shortened(walk.report.text[walk.tokens[at].start : walk.tokens[walk.at - 1].end + 1]) if walk.at > at else ""
    )
    walk.at = at
    if named:
        return f"To test whether a list has an entry, write contains({named}, {entry})."
    return "Write x in ('a', 'b'); for the entries of a list: contains(list, x)."


def between(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    negated = walk.accept(T.NOT)
    walk.take(T.BETWEEN)
    low = walk.value(tree.args.get("low"))
    walk.take(T.AND)
    high = walk.value(tree.args.get("high"))
    if node is None or low is None or high is None:
        return None
    end = walk.end()
    above = compare("ge", node, low, start, end, walk.report)
    below = compare("le", node, high, start, end, walk.report)
    if above is None or below is None:
        return None
    return _turned(CallNode(BOOLEAN, start, end, "and", (above, below)), negated)


def like(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    negated = walk.accept(T.NOT)
    walk.take(T.LIKE)
    pattern = walk.value(tree.args.get("expression"))
    if node is not None:
        node = text_only(walk, node)
    if pattern is not None and not is_text_literal(pattern):
        walk.report.add(
            pattern.start,
            pattern.end,
            "The pattern of like must be a text in quotes",
            hint="For other texts write starts_with, ends_with or contains.",
        )
        return None
    if node is None or pattern is None:
        return None
    return _turned(CallNode(BOOLEAN, start, walk.end(), "like", (node, pattern)), negated)


def case(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.take(T.CASE).start
    subject = tree.args.get("this")
    of = walk.value(subject) if subject is not None else None
    conditions: list[Node | None] = []
    results: list[Node | None] = []
    for branch in tree.args.get("ifs") or ():
        walk.take(T.WHEN)
        begin, condition = walk.start(), walk.value(branch.this)
        if subject is None:
            condition = as_condition(condition, walk.report)
        elif of is not None and condition is not None:
            condition = compare("eq", of, condition, begin, walk.end(), walk.report)
        conditions.append(None if subject is not None and of is None else condition)
        walk.take(T.THEN)
        results.append(walk.value(branch.args.get("true")))
    default = tree.args.get("default")
    if default is not None:
        walk.take(T.ELSE)
        results.append(walk.value(default))
    walk.take(T.END)
    if any(part is None for part in (*conditions, *results)):
        return None
    return _joined(walk, start, [part for part in conditions if part], [part for part in results if part])


def _joined(walk: TreeWalk, start: int, conditions: list[Node], results: list[Node]) -> Node | None:
    aligned = align(results, Values.LOOSE, walk.report)
    if aligned is None:
        return None
    type_, converted = aligned
    branches = tuple(zip(conditions, converted, strict=False))
    default = converted[-1] if len(converted) > len(conditions) else None
    return CaseNode(type_, start, walk.end(), branches, default)
