"""Walks sqlglot's tree and the tokens at the same time.

So every node has an exact position, whatever sqlglot keeps of it, and a tree that does not match the text (a part
dropped, moved or invented) is refused. A part with a mistake is reported and becomes None; what contains it then
becomes None without another report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlglot import exp

from offerkit.rules.grammar import Token, TokenType
from offerkit.rules.nodes import Interval, Node
from offerkit.rules.problems import ProblemList
from offerkit.rules.types import NameScope

Handlers: TypeAlias = Mapping[type[object], Callable[..., Node | None]]
"""By sqlglot's node type, the function that makes a checked node of it, at the walk's position in the tokens."""


LEVELS = 150
"""The most levels of sqlglot's tree: each takes three Python frames."""


class Mismatch(Exception):  # noqa: N818 - never leaves check.py
    """The tree has a node outside the language, or does not match the tokens."""


class TreeWalk:
    """The walk over one expression. ``at`` is the index of the token that the next node begins with."""

    def __init__(self, tokens: list[Token], scope: NameScope, report: ProblemList, handlers: Handlers) -> None:
        """Begin at the first token; ``handlers`` are those of infer.py."""
        self.tokens = tokens
        self.scope = scope
        self.report = report
        self.handlers = handlers
        self.at = 0
        self.depth = 0

    # --- tokens

    def peek(self) -> TokenType | None:
        """The kind of the current token; None at the end."""
        return self.tokens[self.at].token_type if self.at < len(self.tokens) else None

    def take(self, *kinds: TokenType) -> Token:
        """Consume the current token, which must be one of ``kinds``. Raises Mismatch."""
        if self.peek() not in kinds:
            raise Mismatch
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, kind: TokenType) -> bool:
        """Consume the current token if it is a ``kind``; whether it was."""
        if self.peek() is not kind:
            return False
        self.at += 1
        return True

    def start(self) -> int:
        """Where the current token begins in the text. Raises Mismatch at the end."""
        if self.at >= len(self.tokens):
            raise Mismatch
        return self.tokens[self.at].start

    def end(self) -> int:
        """Where the previous token ends in the text."""
        return self.tokens[self.at - 1].end + 1

    # --- nodes

    def value(self, tree: object) -> Node | None:
        """The node for ``tree``; an interval is reported as a mistake."""
        node = self.node(tree)
        if isinstance(node, Interval):
            self.report.add(
                node.start,
                node.end,
                "An interval cannot be used as a value here",
                hint="Add it to a date or subtract it: current_date - interval '3 days'.",
            )
            return None
        return node

    def node(self, tree: object) -> Node | None:
        """The node for ``tree``; None after a mistake in it was reported. Raises Mismatch."""
        handler = self.handlers.get(type(tree))
        if handler is None:
            if isinstance(tree, exp.Tuple):
                self.report.add(
                    self.start(),
                    self.tokens[self.at].end + 1,
                    "Several values in parentheses are only allowed after “in”",
                )
            raise Mismatch
        self.depth += 1
        if self.depth > LEVELS:
            self.report.add(
                self.start(),
                self.tokens[self.at].end + 1,
                "The expression is nested too deeply",
                hint="Split it into filters.",
            )
            raise Mismatch
        node = handler(self, tree)
        self.depth -= 1
        return node

    def chain(self, tree: exp.Expression, kinds: tuple[type[exp.Expression], ...]) -> list[object]:
        """The operands of ``a op b op c``, which sqlglot nests to the left, in order."""
        operands: list[object] = []
        node: object = tree
        while isinstance(node, kinds) and isinstance(node, exp.Expression):
            operands.append(node.args.get("expression"))
            node = node.args.get("this")
        operands.append(node)
        operands.reverse()
        return operands
