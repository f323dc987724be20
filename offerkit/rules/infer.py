"""sqlglot's tree to the checked tree: a closed list of node types, each with its layout in the token stream.

The walk goes over the tree and the tokens at the same time. So every node's place is exact, whatever sqlglot keeps of
it, and a tree that does not match what was written (a part dropped, moved or made up) is refused.
A part that is wrong gives None after it was reported; what contains it then gives None without another report.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from offerkit.rules import constants, names
from offerkit.rules.convert import Values, align, to_decimal, typed_null
from offerkit.rules.nodes import Call, Case, Interval, Literal, Node
from offerkit.rules.operators import arithmetic, compare, logic
from offerkit.rules.problems import Report
from offerkit.rules.types import FieldType, Scope
from offerkit.rules.words import BOOLEAN, DATE, NULL, TEXT, TIMESTAMP, is_null, is_text_literal, words

T = TokenType
_NAMES = (T.VAR, T.IDENTIFIER)
_OPERATORS: dict[TokenType, str] = {
    T.EQ: "eq", T.NEQ: "ne", T.LT: "lt", T.LTE: "le", T.GT: "gt", T.GTE: "ge",
    T.PLUS: "add", T.DASH: "sub", T.STAR: "mul", T.SLASH: "div", T.MOD: "mod",
}  # fmt: skip
_LEFT_TO_RIGHT = ((exp.Add, exp.Sub), (exp.Mul, exp.Div, exp.Mod))
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


class Mismatch(Exception):  # noqa: N818 - never leaves check.py
    """The tree has a node that the language does not have, or does not match the tokens."""


class Walk:
    """The walk over one expression. ``at`` is the token that the next node begins with."""

    def __init__(self, tokens: list[Token], scope: Scope, report: Report) -> None:
        """Begin at the first token."""
        self.tokens = tokens
        self.scope = scope
        self.report = report
        self.at = 0

    # --- tokens

    def peek(self) -> TokenType | None:
        """The kind of the token here."""
        return self.tokens[self.at].token_type if self.at < len(self.tokens) else None

    def take(self, *kinds: TokenType) -> Token:
        """Go past the token here, which is one of ``kinds``."""
        if self.peek() not in kinds:
            raise Mismatch
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, kind: TokenType) -> bool:
        """Go past the token here if it is a ``kind``."""
        if self.peek() is not kind:
            return False
        self.at += 1
        return True

    def start(self) -> int:
        """Where the token here begins in the text."""
        if self.at >= len(self.tokens):
            raise Mismatch
        return self.tokens[self.at].start

    def end(self) -> int:
        """Where the token before this one ends in the text."""
        return self.tokens[self.at - 1].end + 1

    # --- nodes

    def value(self, tree: object) -> Node | None:
        """The node for ``tree``, which may not be an interval."""
        node = self.node(tree)
        if isinstance(node, Interval):
            self.report.add(node.start, node.end, "An interval stands where a value is needed",
                            hint="It is added to a date or taken from it: current_date - interval '3 days'.")  # fmt: skip
            return None
        return node

    def node(self, tree: object) -> Node | None:
        """The node for ``tree``; None when something in it is wrong and was reported."""
        handler = _HANDLERS.get(type(tree))
        if handler is None:
            raise Mismatch
        return handler(self, tree)

    def chain(self, tree: exp.Expression, kinds: tuple[type[exp.Expression], ...]) -> list[object]:
        """The operands of ``a op b op c``, which sqlglot nests to the left, in order."""
        operands: list[object] = []
        here: object = tree
        while isinstance(here, kinds) and isinstance(here, exp.Expression):
            operands.append(here.args.get("expression"))
            here = here.args.get("this")
        operands.append(here)
        operands.reverse()
        return operands


def _paren(walk: Walk, tree: exp.Expression) -> Node | None:
    if walk.peek() is not T.L_PAREN:  # one that sqlglot put in
        return walk.node(tree.this)
    walk.take(T.L_PAREN)
    node = walk.node(tree.this)
    walk.take(T.R_PAREN)
    return node


def _literal(walk: Walk, tree: exp.Expression) -> Node | None:
    token = walk.take(T.STRING, T.NUMBER)
    start, end = token.start, token.end + 1
    if token.token_type is T.STRING:
        return Literal(TEXT, start, end, token.text)
    return constants.number(walk.report.text[start:end], start, end, walk.report)


def _boolean(walk: Walk, tree: exp.Expression) -> Node:
    token = walk.take(T.TRUE, T.FALSE)
    return Literal(BOOLEAN, token.start, token.end + 1, token.token_type is T.TRUE)


def _null(walk: Walk, tree: exp.Expression) -> Node:
    token = walk.take(T.NULL)
    return Literal(NULL, token.start, token.end + 1, None)


def _column(walk: Walk, tree: exp.Expression) -> Node | None:
    first = walk.take(*_NAMES)
    parts = [first.text]
    while walk.accept(T.DOT):
        parts.append(walk.take(*_NAMES).text)
    start, end = first.start, walk.end()
    if len(parts) > 1:
        return names.resolve(parts, start, end, walk.scope, walk.report)
    quoted = first.token_type is T.IDENTIFIER
    if not quoted and parts[0].lower() in names.NOW:
        return Call(TIMESTAMP, start, end, "now", ())
    if not quoted and parts[0].lower() in names.TODAY:
        return Call(DATE, start, end, "current_date", ())
    names.bare(parts[0], quoted, start, end, walk.scope, walk.report)
    return None


def _negative(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.take(T.DASH).start
    if walk.peek() is T.NUMBER:
        token = walk.take(T.NUMBER)
        end = token.end + 1
        return constants.number("-" + walk.report.text[token.start : end], start, end, walk.report)
    node = walk.node(tree.this)
    if isinstance(node, Interval):
        return Interval(start, node.end, -node.months, -node.days, -node.seconds)
    return None if node is None else arithmetic("neg", [node], start, walk.end(), walk.report)


def _arithmetic(walk: Walk, tree: exp.Expression) -> Node | None:
    kinds = next(kinds for kinds in _LEFT_TO_RIGHT if isinstance(tree, kinds))
    operands = walk.chain(tree, kinds)
    start = walk.start()
    left, failed = walk.node(operands[0]), False
    for operand in operands[1:]:
        name = _OPERATORS.get(walk.take(T.PLUS, T.DASH, T.STAR, T.SLASH, T.MOD).token_type, "")
        right = walk.node(operand)
        failed = failed or left is None or right is None
        if left is not None and right is not None and not failed:
            left = arithmetic(name, [left, right], start, walk.end(), walk.report)
    return None if failed else left


def _concat(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    parts: list[Node | None] = []
    for operand in walk.chain(tree, (exp.DPipe,)):
        if parts:
            walk.take(T.DPIPE)
        part = walk.value(operand)
        parts.append(part if part is None else _text(walk, part))
    if any(part is None for part in parts):
        return None
    return Call(TEXT, start, walk.end(), "concat", tuple(part for part in parts if part is not None))


def _text(walk: Walk, node: Node) -> Node | None:
    from offerkit.rules.operators import is_text

    if is_text(node):
        return typed_null(node, TEXT)
    walk.report.add(node.start, node.end, f"{walk.report.quote(node.start, node.end)} is {words(node)}, "
                    "but a text is needed here", hint="|| joins texts only.")  # fmt: skip
    return None


def _logic(walk: Walk, tree: exp.Expression) -> Node | None:
    name, kind, cls = ("and", T.AND, exp.And) if isinstance(tree, exp.And) else ("or", T.OR, exp.Or)
    start = walk.start()
    parts: list[Node | None] = []
    for operand in walk.chain(tree, (cls,)):
        if parts:
            walk.take(kind)
        parts.append(logic(walk.value(operand), walk.report))
    if any(part is None for part in parts):
        return None
    flat: list[Node] = []
    for part in parts:
        inner = isinstance(part, Call) and part.name == name and not is_between(part)
        flat += part.args if inner and isinstance(part, Call) else [part] if part is not None else []
    return Call(BOOLEAN, start, walk.end(), name, tuple(flat))


def is_between(node: Call) -> bool:
    """Whether an ``and`` was written as ``between``: both parts then have its place."""
    return (node.args[0].start, node.args[0].end) == (node.start, node.end)


def _not(walk: Walk, tree: exp.Expression) -> Node | None:
    if walk.peek() is not T.NOT:  # x not in (…): the inner node takes the word
        return walk.node(tree.this)
    start = walk.take(T.NOT).start
    node = logic(walk.value(tree.this), walk.report)
    return None if node is None else Call(BOOLEAN, start, walk.end(), "not", (node,))


def _turned(node: Node | None, negated: bool) -> Node | None:
    return Call(BOOLEAN, node.start, node.end, "not", (node,)) if node is not None and negated else node


def _comparison(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    if isinstance(tree.this, _COMPARISONS):
        return _twice(walk, tree)
    left = walk.value(tree.this)
    name = _OPERATORS.get(walk.take(T.EQ, T.NEQ, T.LT, T.LTE, T.GT, T.GTE).token_type, "")
    open_is = walk.at
    right = walk.value(tree.args.get("expression"))
    if isinstance(_inner(tree.args.get("expression")), exp.Is) and walk.tokens[open_is].token_type is not T.L_PAREN:
        walk.report.add(start, walk.end(), "It is not clear what “is” belongs to",
                        hint="Put parentheses around one of the two: (x = y) is null.")  # fmt: skip
        return None
    if left is None or right is None:
        return None
    return compare(name, left, right, start, walk.end(), walk.report)


def _inner(tree: object) -> object:
    while isinstance(tree, (exp.Not, exp.Paren)):
        tree = tree.this
    return tree


def _twice(walk: Walk, tree: exp.Expression) -> None:
    """``a = b = c``: report it, and what is wrong with each operand."""
    start = walk.start()
    for index, operand in enumerate(walk.chain(tree, _COMPARISONS)):
        if index:
            walk.take(T.EQ, T.NEQ, T.LT, T.LTE, T.GT, T.GTE)
        walk.value(operand)
    walk.report.add(start, walk.end(), "Comparisons do not form chains",
                    "“a = b = c” would compare a condition with c.", "Write a = b and b = c.")  # fmt: skip


def _is(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    walk.take(T.IS)
    negated = walk.accept(T.NOT)
    kind = walk.peek()
    if kind not in (T.NULL, T.TRUE, T.FALSE):
        walk.report.add(walk.start(), walk.tokens[walk.at].end + 1, "After “is” stands null, true or false",
                        hint="Write = to compare.")  # fmt: skip
        raise Mismatch
    walk.at += 1
    if kind is not T.NULL:
        node = logic(node, walk.report)
    if node is None:
        return None
    name = "is_null" if kind is T.NULL else "is_true" if kind is T.TRUE else "is_false"
    return _turned(Call(BOOLEAN, start, walk.end(), name, (node,)), negated)


def _in(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    negated = walk.accept(T.NOT)
    walk.take(T.IN)
    items = tree.args.get("expressions")
    if not items or walk.peek() is not T.L_PAREN:
        walk.report.add(walk.start(), walk.tokens[-1].end + 1, "After “in” stand values in parentheses",
                        hint="Write x in ('a', 'b'); to ask whether a list has an entry: contains(list, x).")  # fmt: skip
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


def _between(walk: Walk, tree: exp.Expression) -> Node | None:
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
    return _turned(Call(BOOLEAN, start, end, "and", (above, below)), negated)


def _like(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.start()
    node = walk.value(tree.this)
    negated = walk.accept(T.NOT)
    walk.take(T.LIKE)
    pattern = walk.value(tree.args.get("expression"))
    if node is not None:
        node = _text(walk, node)
    if pattern is not None and not is_text_literal(pattern):
        walk.report.add(pattern.start, pattern.end, "The pattern of like is a text in quotes",
                        hint="For other texts write starts_with, ends_with or contains.")  # fmt: skip
        return None
    if node is None or pattern is None:
        return None
    return _turned(Call(BOOLEAN, start, walk.end(), "like", (node, pattern)), negated)


def _case(walk: Walk, tree: exp.Expression) -> Node | None:
    start = walk.take(T.CASE).start
    subject = tree.args.get("this")
    of = walk.value(subject) if subject is not None else None
    conditions: list[Node | None] = []
    results: list[Node | None] = []
    for branch in tree.args.get("ifs") or ():
        walk.take(T.WHEN)
        begin, condition = walk.start(), walk.value(branch.this)
        if subject is None:
            condition = logic(condition, walk.report)
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


def _joined(walk: Walk, start: int, conditions: list[Node], results: list[Node]) -> Node | None:
    found = align(results, Values.LOOSE, walk.report)
    if found is None:
        return None
    type_, brought = found
    branches = tuple(zip(conditions, brought, strict=False))
    default = brought[-1] if len(brought) > len(conditions) else None
    return Case(type_, start, walk.end(), branches, default)


def _call(walk: Walk, tree: exp.Expression) -> Node | None:
    from offerkit.rules.calls import call

    return call(walk, tree)


_HANDLERS: dict[type[object], Callable[..., Node | None]] = {
    exp.Paren: _paren, exp.Literal: _literal, exp.Boolean: _boolean, exp.Null: _null, exp.Column: _column,
    exp.Neg: _negative, exp.DPipe: _concat, exp.And: _logic, exp.Or: _logic, exp.Not: _not, exp.Is: _is, exp.In: _in,
    exp.Between: _between, exp.Like: _like, exp.Case: _case, exp.Anonymous: _call,
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
}  # fmt: skip
