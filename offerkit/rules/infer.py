"""The closed list of sqlglot's node types, and what makes checked nodes of them. Importing this imports sqlglot."""

from __future__ import annotations

from sqlglot import exp

from offerkit.rules import conditions, operands
from offerkit.rules.calls import call
from offerkit.rules.nodes import Node
from offerkit.rules.parse import parse
from offerkit.rules.problems import Report
from offerkit.rules.types import Scope
from offerkit.rules.walk import Handlers, Mismatch, Walk

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


def infer(text: str, scope: Scope, report: Report) -> Node | None:
    """The checked tree of ``text``; None, or RuleError, when ``report`` says why not."""
    tree, tokens = parse(text, report)
    walk = Walk(tokens, scope, report, HANDLERS)
    try:
        root = walk.value(tree)
        if walk.at == len(tokens):
            return root
    except Mismatch:
        pass
    if not report.problems:  # else the reason was told
        token = tokens[min(walk.at, len(tokens) - 1)]
        report.add(token.start, token.end + 1, f"{report.quote(token.start, token.end + 1)} is not expected here",
                   hint="Compare the expression with the examples in docs/rules.md.")  # fmt: skip
    return None
