"""The walk over sqlglot's tree and the tokens at the same time.

So every node's place is exact, whatever sqlglot keeps of it, and a tree that does not match what was written (a part
dropped, moved or made up) is refused. A part that is wrong gives None after it was reported; what contains it then
gives None without another report.
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
"""sqlglot's node type → what makes a checked node of it, at the walk's place in the tokens."""


LEVELS = 150
"""How deep sqlglot's tree may be: three Python frames for each."""


class Mismatch(Exception):  # noqa: N818 - never leaves check.py
    """The tree has a node that the language does not have, or does not match the tokens."""


class TreeWalk:
    """The walk over one expression. ``at`` is the token that the next node begins with."""

    def __init__(self, tokens: list[Token], scope: NameScope, report: ProblemList, handlers: Handlers) -> None:
        """Begin at the first token; ``handlers``: those of infer.py."""
        self.tokens = tokens
        self.scope = scope
        self.report = report
        self.handlers = handlers
        self.at = 0
        self.depth = 0

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
            self.report.add(
                node.start,
                node.end,
                "An interval stands where a value is needed",
                hint="It is added to a date: current_date - interval '3 days'.",
            )
            return None
        return node

    def node(self, tree: object) -> Node | None:
        """The node for ``tree``; None when something in it is wrong and was reported."""
        handler = self.handlers.get(type(tree))
        if handler is None:
            if isinstance(tree, exp.Tuple):
                self.report.add(
                    self.start(), self.tokens[self.at].end + 1, "Several values in parentheses stand only after “in”"
                )
            raise Mismatch
        self.depth += 1
        if self.depth > LEVELS:
            self.report.add(
                self.start(),
                self.tokens[self.at].end + 1,
                "The expression is nested too deep",
                hint="Split it into filters.",
            )
            raise Mismatch
        node = handler(self, tree)
        self.depth -= 1
        return node

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
