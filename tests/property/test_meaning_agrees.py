"""The written form that approvals are bound to says what the checker reads, however an expression is written.

Written back with a bracket around every part, the form of an expression has to check to the very tree of the expression:
so two expressions of one form are one condition.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from rule_trees import FIELDS

from offerkit.rules.check import check
from offerkit.rules.flatten import parts_of, rebuilt
from offerkit.rules.nodes import CallNode, Literal, Node
from offerkit.rules.problems import RuleError
from offerkit.rules.python import tree_key as of_tree
from offerkit.rules.types import ExpectedResult, FieldType, NameScope
from offerkit.rules.written_form import UNREAD, written_form

SCOPE = NameScope({
    space: {name: FieldType(base, ("FR", "NO") if base.value == "enumeration" else ())
            for (of, name), base in FIELDS.items() if of == space}
    for space in ("recipient", "interaction")
})  # fmt: skip
SIGNS = {
    "eq": "=",
    "ne": "<>",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
}
PLAIN = {"and": " AND ", "or": " or ", "concat": " || "}

BLANK = st.sampled_from([" ", "  ", "\n", "\t "])


def joined(*parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sign = st.sampled_from([" + ", " - ", "*", " / ", " % ", "-"])
    return st.one_of(
        joined(inner, sign, inner), joined(inner, sign, inner, sign, inner), joined("(", inner, ")"), joined("-", inner),
        joined("ABS(", inner, ")"), joined("coalesce(", inner, ", ", inner, ")"),
        joined("case when recipient.boolean_1 then ", inner, " ELSE ", inner, " end"),
        joined("CASE ", inner, " when 1 then ", inner, " end"),
    )  # fmt: skip


NUMBERS = st.recursive(
    st.sampled_from(["recipient.integer_1", "recipient.decimal_1", "interaction.integer_1", "1", "2.50", "0", "-3"]),
    numbers, max_leaves=4,
)  # fmt: skip
TEXTS = st.sampled_from([
    "recipient.string_1", "interaction.string_1", "'FR'", "'it''s'", "lower(recipient.string_2)", "''",
    "recipient.string_1 || 'a'", "recipient.string_1 || 'a' || 'b'", "(recipient.string_1 || 'a') || 'b'",
    "substring(recipient.string_1 from 1 for 2)", "recipient.enumeration_1",
])  # fmt: skip
DATES = st.sampled_from([
    "recipient.date_1", "date '2026-01-01'", "'2026-01-01'", "current_date", "CURRENT_DATE - interval '3 days'", "now",
    "recipient.timestamp_1", "current_timestamp + interval 2 hours",
])  # fmt: skip
COMPARISON = st.sampled_from(["=", " = ", " <> ", " != ", "<", " <=", "> ", " >= "])


def conditions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    word = st.sampled_from([" and ", " AND ", " or ", " Or\n"])
    return st.one_of(
        joined(inner, word, inner), joined(inner, word, inner, word, inner), joined("(", inner, ")"),
        joined("not ", inner), joined("NOT(", inner, ")"), joined("(", inner, ") is ", st.sampled_from(["true", "not false", "null"])),
        joined(inner, " is null"), joined(inner, " = ", inner),
    )  # fmt: skip


CONDITIONS = st.recursive(
    st.one_of(
        joined(NUMBERS, COMPARISON, NUMBERS), joined(TEXTS, COMPARISON, TEXTS), joined(DATES, COMPARISON, DATES),
        joined(NUMBERS, st.sampled_from([" between ", " not BETWEEN "]), NUMBERS, " and ", NUMBERS),
        joined(TEXTS, st.sampled_from([" in (", " NOT in ("]), TEXTS, BLANK, ",", TEXTS, ")"),
        joined(TEXTS, st.sampled_from([" like 'a%'", " not like '%'", " is null", " is not null"])),
        joined(NUMBERS, BLANK, "is", BLANK, "null"),
        st.sampled_from(["recipient.boolean_1", "interaction.boolean_1", "true", "contains(recipient.list_1, 'a')",
                         "date_diff('day', recipient.date_1, current_date) > 3", "extract(year FROM now) = 2026"]),
    ),
    conditions, max_leaves=5,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300)
@given(CONDITIONS)
def test_a_form_is_the_condition_that_was_written(text: str) -> None:
    try:
        checked = check(text, SCOPE, ExpectedResult.CONDITION)
    except RuleError:
        event("refused by the checker")
        return
    form, _ = written_form(text)
    if form[0] == UNREAD:
        event("stands for itself")
        return
    event("compared")
    again = check(written(form), SCOPE, ExpectedResult.CONDITION)
    assert of_tree(plain(again.root)) == of_tree(plain(checked.root)), (written(form), form)
    assert written_form(written(form))[0] == form


def plain(node: Node) -> Node:
    """A tree in which a sign before a number in brackets is the number's own, and joined texts are one call."""
    parts = [plain(part) for part in parts_of(node)]
    node = rebuilt(node, parts)
    match node:
        case CallNode(name="neg", args=(Literal(value=value) as literal,)) if isinstance(value, int) or hasattr(
            value, "quantize"
        ):
            return Literal(literal.type, node.start, node.end, -value)  # type: ignore[operator]
        case CallNode(name="concat" | "and" | "or"):
            flat: list[Node] = []
            for part in node.args:
                flat += part.args if isinstance(part, CallNode) and part.name == node.name else (part,)
            return CallNode(node.type, node.start, node.end, node.name, tuple(flat))
        case _:
            return node


def written(form: Any) -> str:
    """A form as an expression, with a bracket around every part."""
    name, *parts = form
    match name:
        case "field":
            return ".".join(f'"{part}"' for part in parts)
        case "text":
            return "'" + parts[0].replace("'", "''") + "'"
        case "number" | "name":
            return str(parts[0])
        case "true" | "false" | "null":
            return str(name)
        case "date" | "timestamp":
            return f"{name} '{parts[0]}'"
        case "interval":
            return f"interval {parts[0]} {parts[1]}" if parts[1] else f"interval '{parts[0]}'"
        case "call" if parts[0] in ("now", "current_date"):
            return str(parts[0])
        case "call":
            return f"{parts[0]}({', '.join(map(written, parts[1:]))})"
        case "case":
            return f"(case {' '.join(map(_branch, parts))} end)"
        case "not" | "neg":
            return f"({'not' if name == 'not' else '-'} {written(parts[0])})"
        case "is_null" | "is_true" | "is_false":
            return f"({written(parts[0])} is {name[3:]})"
        case "in":
            return f"({written(parts[0])} in ({', '.join(map(written, parts[1:]))}))"
        case "between":
            low, high = map(written, parts[1:])
            return f"({written(parts[0])} between {low} and {high})"
        case "like":
            return f"({written(parts[0])} like {written(parts[1])})"
        case "mod":
            return f"({written(parts[0])} % {written(parts[1])})"
        case _:
            return "(" + PLAIN.get(name, f" {SIGNS.get(name, name)} ").join(map(written, parts)) + ")"


def _branch(part: Any) -> str:
    word, *rest = part
    match word:
        case "of":
            return written(rest[0])
        case "when":
            return f"when {written(rest[0])} then {written(rest[1])}"
        case _:
            return f"else {written(rest[0])}"
