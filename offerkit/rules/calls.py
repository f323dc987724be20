"""Function calls: checked against the signatures of functions.py."""

from __future__ import annotations

from sqlglot import exp

from offerkit.diagnostics.suggest import suggestion
from offerkit.rules import constants, resolve
from offerkit.rules.convert import Values, align, to_decimal, to_timestamp, typed_null
from offerkit.rules.functions import CLOCK_UNITS, FUNCTIONS, UNITS, WRITTEN, Signature, Takes
from offerkit.rules.grammar import TokenType
from offerkit.rules.nodes import CallNode, Interval, Literal, Node
from offerkit.rules.problems import ProblemList
from offerkit.rules.tree_walk import Mismatch, TreeWalk
from offerkit.rules.type_words import (
    DATE,
    DECIMAL,
    INTEGER,
    LIST,
    PLAIN,
    TEXT,
    TIMESTAMP,
    family,
    is_null,
    is_text_literal,
    words,
)
from offerkit.rules.types import BaseType, FieldType

T = TokenType
_ALIASES = {"current_timestamp": "now"}
_CONSTANTS = ("date constant", "timestamp constant", "interval constant")


def call(walk: TreeWalk, tree: exp.Expression) -> Node | None:
    """The node for a call of a function in the closed list; names are case-insensitive."""
    token = walk.take(T.VAR)
    name = token.text.lower()
    name = _ALIASES.get(name, name)
    walk.take(T.L_PAREN)
    if name in _CONSTANTS:
        return _constant(walk, name, token.start)
    signature = FUNCTIONS.get(name) if name in WRITTEN else None
    if signature is None:
        resolve.unknown_function(token.text, token.start, token.end + 1, walk.report)
    args: list[Node | None] = []
    arguments = tree.expressions
    for index, arg in enumerate(arguments):
        if index:
            walk.take(T.COMMA)
        unit = index == 0 and signature is not None and signature.takes[:1] == (Takes.UNIT,)
        if signature is None:  # report only what is certainly a mistake by itself
            args.append(None if _foreign_unit(walk) else walk.node(arg))
        else:
            args.append(_unit(walk, signature) if unit else walk.value(arg))
    walk.take(T.R_PAREN)
    end = walk.end()
    if signature is None or not _arity(signature, len(arguments), token.start, end, walk.report):
        return None
    if signature.name in ("contains", "length") and args[0] is not None and family(args[0]) == "list":
        signature = FUNCTIONS[f"list_{signature.name}"]
    fitted = [None if arg is None else _fit(signature, index, arg, walk.report) for index, arg in enumerate(args)]
    fitted_args = [arg for arg in fitted if arg is not None]
    return _typed(signature, fitted_args, token.start, end, walk.report) if len(fitted_args) == len(fitted) else None


def _foreign_unit(walk: TreeWalk) -> bool:
    """Skip the unit of ``dateadd(day, …)``; whether there was one."""
    last = walk.at + 1 == len(walk.tokens)
    if last or walk.tokens[walk.at].text.lower() not in UNITS or walk.tokens[walk.at + 1].token_type is not T.COMMA:
        return False
    walk.at += 1
    return True


def _constant(walk: TreeWalk, name: str, start: int) -> Node | None:
    """``date '…'``, ``timestamp '…'``, ``interval '…'``, which scan.py turned into calls."""
    token = walk.take(T.STRING, T.NUMBER)
    text = token.text
    if walk.accept(T.COMMA):
        text = f"{text} {walk.take(T.VAR).text}"
    walk.take(T.R_PAREN)
    end = walk.end()
    if name == "interval constant":
        return constants.interval(text, start, end, walk.report)
    if token.token_type is not T.STRING:
        raise Mismatch
    read = constants.as_date if name == "date constant" else constants.as_timestamp
    constant = read(text, token.start, token.end + 1, walk.report)
    return constant if constant is None else Literal(constant.type, start, end, constant.value)


def _unit(walk: TreeWalk, signature: Signature) -> Node | None:
    """A unit of time: ``'day'``, or the word without quotes."""
    token = walk.take(T.STRING, T.VAR, T.NUMBER, T.IDENTIFIER)
    start, end = token.start, token.end + 1
    if walk.peek() not in (T.COMMA, T.R_PAREN):
        raise Mismatch
    unit = token.text.lower()
    if token.token_type in (T.STRING, T.VAR) and unit in signature.units:
        return Literal(TEXT, start, end, unit)
    walk.report.add(
        start,
        end,
        f"{walk.report.quote(start, end)} is not a unit of time for {signature.name}",
        f"Units: {', '.join(signature.units)}.",
        suggestion(unit, signature.units),
    )
    return None


def _arity(signature: Signature, argument_count: int, start: int, end: int, report: ProblemList) -> bool:
    fewest, most = signature.fewest(), len(signature.takes)
    if fewest <= argument_count and (signature.rest or argument_count <= most):
        return True
    expected_count = f"at least {fewest}" if signature.rest else f"{fewest} to {most}" if fewest < most else f"{most}"
    number = "argument" if expected_count in ("1", "at least 1") else "arguments"
    report.add(
        start,
        end,
        f"{signature.written} takes {expected_count if most else 'no'} {number}, but has {argument_count}",
        hint=f"Write {signature.example}.",
    )
    return False


_NEEDS: dict[Takes, tuple[frozenset[BaseType], FieldType]] = {
    Takes.TEXT: (frozenset({BaseType.STRING, BaseType.ENUMERATION}), TEXT),
    Takes.INTEGER: (frozenset({BaseType.INTEGER}), INTEGER),
    Takes.NUMBER: (frozenset({BaseType.INTEGER, BaseType.DECIMAL}), DECIMAL),
    Takes.DATE: (frozenset({BaseType.DATE}), DATE),
    Takes.MOMENT: (frozenset({BaseType.DATE, BaseType.TIMESTAMP}), TIMESTAMP),
    Takes.LIST: (frozenset({BaseType.LIST}), LIST),
}


def _fit(signature: Signature, index: int, arg: Node, report: ProblemList) -> Node | None:
    """The argument, converted if necessary, if the function takes it there; else it is reported."""
    takes = signature.takes[min(index, len(signature.takes) - 1)]
    assert not isinstance(arg, Interval)
    if takes is Takes.CONSTANT_INTEGER:
        if isinstance(arg, Literal) and arg.type == INTEGER and isinstance(arg.value, int) and 0 <= arg.value <= 6:
            return arg
        report.add(
            arg.start,
            arg.end,
            "The number of digits must be a number from 0 to 6",
            hint=f"Write {signature.example}.",
        )
        return None
    if takes not in _NEEDS:
        return arg
    bases, plain = _NEEDS[takes]
    if is_null(arg):
        return typed_null(arg, plain)
    if takes in (Takes.DATE, Takes.MOMENT) and isinstance(arg, Literal) and is_text_literal(arg):
        read = constants.as_date if takes is Takes.DATE else constants.as_moment
        return read(str(arg.value), arg.start, arg.end, report)
    if arg.type.base in bases:
        return arg
    report.add(
        arg.start,
        arg.end,
        f"{report.quote(arg.start, arg.end)} is {words(arg)}, but {signature.written} needs {takes.value} there",
        hint=_hint(signature, takes, arg, report),
    )
    return None


def _hint(signature: Signature, takes: Takes, arg: Node, report: ProblemList) -> str:
    arg_text = report.text[arg.start : arg.end]
    if takes is Takes.DATE and family(arg) == "moment":
        return {
            "days_since": f"Write date_diff('day', {arg_text}, now).",
            "days_until": f"Write date_diff('day', now, {arg_text}).",
            "age_in_years": f"Write date_diff('year', {arg_text}, now).",
        }.get(signature.name, "")
    if takes is Takes.INTEGER and family(arg) == "number":
        return "Write floor(x) or ceil(x)."
    if takes is Takes.TEXT and family(arg) == "list":
        return "To test whether a list has an entry, write contains(list, 'text')."
    return f"Write {signature.example}."


_STRICTNESS = {"coalesce": Values.OR_EMPTY, "nullif": Values.STRICT}


def _typed(signature: Signature, args: list[Node], start: int, end: int, report: ProblemList) -> Node | None:
    """The call, with arguments converted to a common type where the function needs one."""
    name = signature.name
    if name in ("coalesce", "nullif", "greatest", "least", "mod", "date_diff"):
        first_arg = 1 if name == "date_diff" else 0
        aligned = align(args[first_arg:], _STRICTNESS.get(name, Values.LOOSE), report)
        if aligned is None:
            return None
        args = [*args[:first_arg], *aligned[1]]
        if name in ("greatest", "least") and aligned[0].base in (BaseType.BOOLEAN, BaseType.LIST):
            report.add(start, end, f"{name} needs numbers, texts, dates or timestamps")
            return None
        if name == "nullif" and aligned[0].base is BaseType.LIST:
            report.add(start, end, "Lists cannot be compared")
            return None
        if name not in ("date_diff", "mod"):
            return CallNode(aligned[0], start, end, name, tuple(args))
    if name in ("extract", "date_trunc", "date_diff"):
        return _by_unit(signature, args, start, end, report)
    if name == "round":
        number = to_decimal(args[0], report)
        return None if number is None else CallNode(DECIMAL, start, end, name, (number, *args[1:]))
    type_ = PLAIN[signature.gives] if signature.gives else _type(args)
    return CallNode(type_, start, end, name, tuple(args))


def _by_unit(signature: Signature, args: list[Node], start: int, end: int, report: ProblemList) -> Node | None:
    unit = args[0]
    clock = isinstance(unit, Literal) and unit.value in CLOCK_UNITS
    if clock and signature.name == "date_diff":
        args = [unit, *(to_timestamp(arg) for arg in args[1:])]
    elif clock and _type(args[1:]).base is BaseType.DATE:
        report.add(
            unit.start,
            unit.end,
            f"A date has no {report.text[unit.start : unit.end].strip(chr(39))}",
            f"{report.quote(args[1].start, args[1].end)} is a date.",
        )
        return None
    type_ = PLAIN[signature.gives] if signature.gives else _type(args[1:])
    return CallNode(type_, start, end, signature.name, tuple(args))


def _type(args: list[Node]) -> FieldType:
    """The common type of the arguments: that of the first that is not null."""
    types = [arg.type for arg in args if not isinstance(arg, Interval)]
    return next((type_ for arg, type_ in zip(args, types, strict=True) if not is_null(arg)), types[0])
