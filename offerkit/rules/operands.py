"""Names, constants, arithmetic and ``||``: turns sqlglot's nodes into checked ones."""

from __future__ import annotations

from sqlglot import exp

from offerkit.rules import constants, resolve
from offerkit.rules.convert import typed_null
from offerkit.rules.grammar import TokenType
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.operators import arithmetic as operate
from offerkit.rules.operators import is_text
from offerkit.rules.tree_walk import TreeWalk
from offerkit.rules.type_words import BOOLEAN, DATE, NULL, TEXT, TIMESTAMP, family, words

T = TokenType
_NAMES = (T.VAR, T.IDENTIFIER)
_OPERATORS = {T.PLUS: "add", T.DASH: "sub", T.STAR: "mul", T.SLASH: "div", T.MOD: "mod"}
_LEFT_TO_RIGHT = ((exp.Add, exp.Sub), (exp.Mul, exp.Div, exp.Mod))


def paren(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    if walk.peek() is not T.L_PAREN:  # sqlglot inserted it
        return walk.node(tree.this)
    walk.take(T.L_PAREN)
    node = walk.node(tree.this)
    walk.take(T.R_PAREN)
    return node


def literal(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    token = walk.take(T.STRING, T.NUMBER)
    start, end = token.start, token.end + 1
    if token.token_type is T.STRING:
        return Literal(TEXT, start, end, token.text)
    return constants.number(walk.report.text[start:end], start, end, walk.report)


def boolean(walk: TreeWalk, tree: exp.Expression) -> Node:
    token = walk.take(T.TRUE, T.FALSE)
    return Literal(BOOLEAN, token.start, token.end + 1, token.token_type is T.TRUE)


def null(walk: TreeWalk, tree: exp.Expression) -> Node:
    token = walk.take(T.NULL)
    return Literal(NULL, token.start, token.end + 1, None)


def column(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    first = walk.take(*_NAMES)
    parts = [first.text]
    while walk.accept(T.DOT):
        parts.append(walk.take(*_NAMES).text)
    start, end = first.start, walk.end()
    if len(parts) > 1:
        return resolve.resolve(parts, start, end, walk.scope, walk.report)
    quoted = first.token_type is T.IDENTIFIER
    if not quoted and parts[0].lower() in resolve.NOW:
        return CallNode(TIMESTAMP, start, end, "now", ())
    if not quoted and parts[0].lower() in resolve.TODAY:
        return CallNode(DATE, start, end, "current_date", ())
    resolve.bare(parts[0], quoted, start, end, walk.scope, walk.report)
    return None


def negative(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.take(T.DASH).start
    if walk.peek() is T.NUMBER:
        token = walk.take(T.NUMBER)
        end = token.end + 1
        return constants.number("-" + walk.report.text[token.start : end], start, end, walk.report)
    node = walk.node(tree.this)
    if isinstance(node, Interval):
        return Interval(start, node.end, -node.months, -node.days, -node.seconds)
    return None if node is None else operate("neg", [node], start, walk.end(), walk.report)


def arithmetic(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    kinds = next(kinds for kinds in _LEFT_TO_RIGHT if isinstance(tree, kinds))
    operands = walk.chain(tree, kinds)
    start = walk.start()
    if (name := _hyphenated(operands)) and walk.report.text.startswith(name, start):
        walk.take(*_NAMES)
        for _ in operands[1:]:
            walk.take(T.DASH)
            walk.take(*_NAMES)
        resolve.bare(name, False, start, walk.end(), walk.scope, walk.report)
        return None
    left, failed = walk.node(operands[0]), False
    for operand in operands[1:]:
        name = _OPERATORS[walk.take(*_OPERATORS).token_type]
        right = walk.node(operand)
        failed = failed or left is None or right is None
        if left is not None and right is not None and not failed:
            left = operate(name, [left, right], start, walk.end(), walk.report)
    return None if failed else left


def _hyphenated(operands: list[object]) -> str:
    """``web-home``, which is read as a subtraction of two names: a text or a name without its quotes."""
    names = [one.name for one in operands if isinstance(one, exp.Column) and not one.table and not one.this.quoted]
    alone = len(names) == len(operands) and not any(name.lower() in (*resolve.NOW, *resolve.TODAY) for name in names)
    return "-".join(names) if alone else ""


def concat(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    parts: list[Node | None] = []
    for operand in walk.chain(tree, (exp.DPipe,)):
        if parts:
            walk.take(T.DPIPE)
        part = walk.value(operand)
        parts.append(part if part is None else text_only(walk, part, "|| joins texts only."))
    if any(part is None for part in parts):
        return None
    return CallNode(TEXT, start, walk.end(), "concat", tuple(part for part in parts if part is not None))


def text_only(walk: TreeWalk, node: Node, hint: str = "") -> Node | None:
    if is_text(node):
        return typed_null(node, TEXT)
    in_list = f"To test whether it has an entry, write contains({walk.report.text[node.start : node.end]}, 'text')."
    walk.report.add(
        node.start,
        node.end,
        f"{walk.report.quote(node.start, node.end)} is {words(node)}, but a text is needed here",
        hint=in_list if family(node) == "list" else hint,
    )
    return None
