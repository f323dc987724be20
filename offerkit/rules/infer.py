"""Parses text with sqlglot and infers the checked tree, by a closed list of node types. Imports sqlglot."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import ParseError

from offerkit.rules import conditions, operands
from offerkit.rules.calls import call
from offerkit.rules.grammar import DIALECT, Token
from offerkit.rules.nodes import Node
from offerkit.rules.problems import ProblemList
from offerkit.rules.scan import NESTING, ends_value, scan
from offerkit.rules.tree_walk import Handlers, Mismatch, TreeWalk
from offerkit.rules.types import NameScope

HANDLERS: Handlers = {
    exp.Paren: operands.paren,
    exp.Literal: operands.literal,
    exp.Boolean: operands.boolean,
    exp.Null: operands.null,
    exp.Column: operands.column,
    exp.Neg: operands.negative,
    exp.DPipe: operands.concat,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), operands.arithmetic),
    **dict.fromkeys((exp.And, exp.Or), conditions.connective),
    exp.Not: conditions.negation,
    **dict.fromkeys(conditions.COMPARISONS, conditions.comparison),
    exp.Is: conditions.is_null_or_truth,
    exp.In: conditions.membership,
    exp.Between: conditions.between,
    exp.Like: conditions.like,
    exp.Case: conditions.case,
    exp.Anonymous: call,
}


def infer(text: str, scope: NameScope, report: ProblemList) -> Node | None:
    """The checked tree of ``text``; None (or RuleError) if it has problems, which are then in ``report``."""
    tree, tokens = parse(text, report)
    walk = TreeWalk(tokens, scope, report, HANDLERS)
    try:
        root = walk.value(tree)
        if walk.at == len(tokens):
            return root
    except Mismatch:
        pass
    if not report.problems:  # else the reason is already reported
        token = tokens[min(walk.at, len(tokens) - 1)]
        report.add(
            token.start,
            token.end + 1,
            f"{report.quote(token.start, token.end + 1)} is not expected here",
            hint="Compare the expression with the examples in docs/rules.md.",
        )
    return None


def parse(text: str, report: ProblemList) -> tuple[exp.Expression, list[Token]]:
    """The single expression in ``text`` and its tokens. Raises RuleError."""
    tokens = scan(text, report)
    try:
        trees = DIALECT.parser().parse(tokens, text)
    except ParseError as error:
        _misread(error, tokens, report)
    except RecursionError:
        report.add(
            0, len(text), f"The expression is nested deeper than {NESTING} levels", hint="Split it into filters."
        )
    except Exception:  # on odd input sqlglot raises AttributeError, IndexError and the like; the text is at fault
        report.add(0, len(text), "The expression cannot be read", hint="Compare it with the examples in docs/rules.md.")
    else:
        if len(trees) == 1 and isinstance(tree := trees[0], exp.Expression):
            return tree, tokens
        report.add(0, len(text), "A single expression is needed")
    raise report.stop()


def _misread(error: ParseError, tokens: list[Token], report: ProblemList) -> None:
    """Report a problem at the token where sqlglot stopped."""
    first = error.errors[0] if error.errors else {}
    position = (first.get("line"), first.get("col"))
    token = next((token for token in tokens if (token.line, token.col) == position), tokens[-1])
    start, end = token.start, token.end + 1
    if token is tokens[-1] and not report.text[end:].strip() and not ends_value(token):
        report.add(start, end, f"The expression ends after {report.quote(start, end)}", hint="Something is missing.")
    else:
        report.add(
            start,
            end,
            f"{report.quote(start, end)} is not expected here",
            hint="A value, an operator or a word before it is missing or superfluous.",
        )
