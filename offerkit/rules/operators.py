"""Operators: the types they take and give, and the messages for wrong operands."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.rules.constants import INTERVAL, as_moment
from offerkit.rules.convert import Values, align, to_decimal, to_timestamp, typed_null
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.problems import ProblemList
from offerkit.rules.type_words import BOOLEAN, DECIMAL, INTEGER, family, is_null, is_text_literal, words
from offerkit.rules.types import BaseType

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
    "mod": "%",
    "neg": "-",
}


def is_text(node: Node) -> bool:
    """Whether a node is a text, or null."""
    return family(node) == "text" or is_null(node)


def logic(node: Node | None, report: ProblemList) -> Node | None:
    """``node`` as a condition; None after reporting that it is none."""
    if node is None:
        return None
    if family(node) == "boolean" or is_null(node):
        return typed_null(node, BOOLEAN)
    quoted = report.quote(node.start, node.end)
    hints = {
        "number": "Compare it: x > 0.",
        "text": f"Compare it: x = {_text(node)}; with several: x in ({_text(node)}, …).",
        "list": "Test for an entry: contains(list, 'text').",
        "moment": "Compare it: x >= current_date.",
    }
    report.add(
        node.start,
        node.end,
        f"{quoted} is {words(node)}, but a condition (true or false) is needed here",
        hint=hints.get(family(node), ""),
    )
    return None


def _text(node: Node) -> str:
    short = isinstance(node, Literal) and isinstance(node.value, str) and len(node.value) <= 20
    return "'" + str(node.value).replace("'", "''") + "'" if short and isinstance(node, Literal) else "'text'"


def compare(
    name: str, left: Node, right: Node | Sequence[Node], start: int, end: int, report: ProblemList
) -> Node | None:
    """The comparison ``left name right``; for ``in``, ``right`` has the items."""
    items = list(right) if isinstance(right, Sequence) else [right]
    if name != "in":
        for node in (left, *items):
            if is_null(node):
                test = "is not null" if name == "ne" else "is null"
                report.add(
                    start,
                    end,
                    f"“{SIGNS[name]} null” never holds",
                    "null stands for an unknown value, so every comparison with it is unknown, too.",
                    f"Write x {test}.",
                )
                return None
    aligned = align([left, *items], Values.STRICT, report)
    if aligned is None:
        return None
    type_, arguments = aligned
    if type_.base is BaseType.LIST:
        report.add(
            start,
            end,
            "Lists cannot be compared",
            hint="Test for an entry: contains(list, 'text'); for the number of entries: length(list).",
        )
        return None
    if type_.base is BaseType.BOOLEAN and name not in ("eq", "ne", "in"):
        report.add(
            start, end, f"Conditions have no order, so “{SIGNS[name]}” cannot compare them", hint="Write = or <>."
        )
        return None
    return CallNode(BOOLEAN, start, end, name, tuple(arguments))


def arithmetic(name: str, nodes: list[Node], start: int, end: int, report: ProblemList) -> Node | None:
    """``+ - * / %`` and the sign of a number; also ``+`` and ``-`` of a date and an interval."""
    if len(nodes) == 2 and name in ("add", "sub"):
        left, right = nodes
        if isinstance(right, Interval):
            return _shifted(left, right, name == "sub", start, end, report)
        if isinstance(left, Interval) and name == "add":
            return _shifted(right, left, False, start, end, report)
        if family(left) == family(right) == "moment" and name == "sub":
            days = f"date_diff('day', {report.text[right.start : right.end]}, {report.text[left.start : left.end]})"
            report.add(
                start,
                end,
                "Dates cannot be subtracted with “-”",
                "It would not be said whether days, months or years are meant.",
                f"Write {days}.",
            )
            return None
    if not _numbers(name, nodes, report):
        return None
    aligned = align([typed_null(node, INTEGER) for node in nodes], Values.LOOSE, report)
    if aligned is None:
        return None
    arguments: list[Node | None] = list(aligned[1])
    if name == "div":
        arguments = [to_decimal(typed_null(node, DECIMAL), report) for node in aligned[1]]
    args = tuple(node for node in arguments if node is not None)
    if len(args) < len(arguments):
        return None
    type_ = next((node.type for node in args if not isinstance(node, Interval) and not is_null(node)), INTEGER)
    return CallNode(DECIMAL if name == "div" else type_, start, end, name, args)


def _numbers(name: str, nodes: list[Node], report: ProblemList) -> bool:
    wrong = [node for node in nodes if family(node) != "number" and not is_null(node)]
    families = {family(node) for node in nodes}
    if families == {"moment", "number"}:
        wrong = [node for node in nodes if family(node) == "number"]
        report.add(
            wrong[0].start,
            wrong[0].end,
            f"{report.quote(wrong[0].start, wrong[0].end)} is {words(wrong[0])}, "
            "but only an interval can be added to a date or subtracted from it",
            hint=_days(name, nodes, report),
        )
        return False
    if (span := _interval_text(nodes)) is not None:
        report.add(
            span.start,
            span.end,
            f"{report.quote(span.start, span.end)} is a text",
            hint=f"Write interval '{span.value}'.",
        )
        return False
    for node in wrong:
        hint = ""
        if name == "add" and family(node) == "text":
            hint = "Join texts with ||." if families == {"text"} else "Write numbers without quotes."
        elif "moment" in families:
            hint = "Add an interval to a date: current_date - interval '3 days'."
        elif family(node) == "boolean":
            hint = "Write case when x then 1 else 0 end."
        report.add(
            node.start,
            node.end,
            f"{report.quote(node.start, node.end)} is {words(node)}, but “{SIGNS[name]}” needs a number",
            hint=hint,
        )
    return not wrong


def _days(name: str, nodes: list[Node], report: ProblemList) -> str:
    """A hint for ``current_date - 30``."""
    left, right = nodes
    if isinstance(right, Literal) and right.type == INTEGER and not str(right.value).startswith("-"):
        return f"Write {report.text[left.start : left.end]} {SIGNS[name]} interval '{right.value} days'."
    return "Write current_date + interval '3 days'."


def _interval_text(nodes: list[Node]) -> Literal | None:
    """The ``'30 days'`` in ``now - '30 days'``, if any."""
    if not any(family(node) == "moment" for node in nodes):
        return None
    texts = [node for node in nodes if isinstance(node, Literal) and is_text_literal(node)]
    return next((node for node in texts if INTERVAL.fullmatch(str(node.value))), None)


def _shifted(moment: Node, by: Interval, back: bool, start: int, end: int, report: ProblemList) -> Node | None:
    """A date or timestamp plus or minus an interval. Hours, minutes and seconds turn a date into a timestamp."""
    if isinstance(moment, Literal) and is_text_literal(moment):
        parsed = as_moment(str(moment.value), moment.start, moment.end, report)
        if parsed is None:
            return None
        moment = parsed
    if family(moment) != "moment" or isinstance(moment, Interval):
        report.add(
            moment.start,
            moment.end,
            f"{report.quote(moment.start, moment.end)} is {words(moment)}, "
            "but an interval can only be added to a date or timestamp",
        )
        return None
    if back:
        by = Interval(by.start, by.end, -by.months, -by.days, -by.seconds)
    if by.seconds:
        moment = to_timestamp(moment)
    assert not isinstance(moment, Interval)
    return CallNode(moment.type, start, end, "date_add", (moment, by))
