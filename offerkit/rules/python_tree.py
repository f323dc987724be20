"""Translates the checked tree into Python expressions, in three ways.

``value``: the value, None if it is unknown. ``true``: an expression that is True if the condition is true, and False if
it is false *or unknown*; ``false``: likewise, True if the condition is false. The last two need no three-valued logic:
``not`` turns one into the other, ``and`` into ``or``, and a comparison with null fails both. Each result is about as
long as the tree, however it is nested, because no part is translated twice.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from offerkit.rules.flatten import LOCAL
from offerkit.rules.nodes import CallNode, CaseNode, FieldNode, Interval, Literal, Node
from offerkit.rules.python_calls import NEGATED, call, compare, comparison, known_call, read
from offerkit.rules.types import Value

_ALWAYS_KNOWN = {"is_null", "is_true", "is_false", "current_date", "now"}
_KNOWN_WITH_ARGUMENTS = {
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "in",
    "lower",
    "upper",
    "trim",
    "length",
    "concat",
    "starts_with",
    "ends_with",
    "contains",
    "like",
    "list_contains",
    "list_length",
    "date_trunc",
    "date_diff",
    "extract",
    "age_in_years",
    "days_since",
    "days_until",
    "to_timestamp",
    "floor",
    "ceil",
}


class Translator:
    """Translates the expressions of one function, and keeps its locals and constants.

    ``known``: locals that cannot be None at the place that is being translated, because an earlier part of the same
    ``and`` would have failed.
    """

    def __init__(self) -> None:
        self.fields: dict[tuple[str, str], str] = {}
        self.constants: dict[str, object] = {}
        self.known: set[str] = set()
        self._names = 0
        self._constant_names: dict[tuple[type, object], str] = {}

    # Names

    def fresh(self) -> str:
        """A new local."""
        self._names += 1
        return f"v{self._names}"

    def local(self, field: FieldNode) -> str:
        """The local for a field or a named part."""
        if field.namespace == LOCAL:
            return field.name
        return self.declare(field.namespace, field.name)

    def declare(self, space: str, name: str) -> str:
        """The local for a field; the caller must assign it before it is used."""
        return self.fields.setdefault((space, name), f"f{len(self.fields)}")

    def constant(self, value: object) -> ast.expr:
        """The expression of a constant; a constant without a Python literal gets a name."""
        if value is None or isinstance(value, (str, int)):
            return ast.Constant(value)
        name = self._constant_names.setdefault((type(value), value), f"k{len(self.constants)}")
        self.constants[name] = value
        return read(name)

    # The three ways

    def value(self, node: Node) -> ast.expr:
        """An expression for the value, None if it is unknown."""
        return self._apart(lambda: self._value(node))

    def true(self, node: Node) -> ast.expr:
        """An expression for whether the condition is true."""
        return self._is(node, True)

    def false(self, node: Node) -> ast.expr:
        """An expression for whether the condition is false."""
        return self._is(node, False)

    def _apart(self, make: Callable[[], ast.expr]) -> ast.expr:
        """Translate without keeping what is learned to be known inside."""
        before = set(self.known)
        expression = make()
        self.known = before
        return expression

    def _is(self, node: Node, truth: bool) -> ast.expr:
        match node:
            case Literal():
                return ast.Constant(node.value is truth)
            case CaseNode():
                return self._branches(node, lambda part: self._is(part, truth), ast.Constant(False))
            case CallNode(name="not", args=(only,)):
                return self._is(only, not truth)
            case CallNode(name="and" | "or"):
                return self._all(node, truth) if (node.name == "and") is truth else self._any(node, truth)
            case CallNode(name="is_null", args=(only,)):
                return self._is_null(only, truth)
            case CallNode(name="is_true" | "is_false", args=(only,)):
                sure = self._is(only, node.name == "is_true") if truth else None
                return sure or _not(self._apart(lambda: self._is(only, node.name == "is_true")))
            case CallNode(name="in"):
                return self._is_in(node, truth)
            case CallNode(name="eq" | "ne" | "lt" | "le" | "gt" | "ge"):
                return self._compares(node.name if truth else NEGATED[node.name], node)
            case CallNode(name="starts_with" | "ends_with" | "contains" | "like" | "list_contains"):
                operands, tests = self._operands(node)
                tested = known_call(node, operands, self.constant)
                return _and([*map(_known, tests), tested if truth else _not(tested)])
            case _:
                return compare(self.value(node), ast.Is(), ast.Constant(truth))

    def _value(self, node: Node) -> ast.expr:
        match node:
            case Literal():
                return self.constant(node.value)
            case FieldNode():
                return read(self.local(node))
            case Interval():
                raise AssertionError("an interval is no value")
            case CaseNode():
                return self._branches(node, self.value, ast.Constant(None))
            case CallNode(name="and" | "or"):
                return self._kleene(node)
            case CallNode(name="is_null" | "is_true" | "is_false"):
                return self.true(node)
            case CallNode(name="in"):
                return self._in(node)
            case CallNode(name="coalesce"):
                return self._coalesce(node)
            case CallNode(name="nullif", args=(left, right)):
                name, first = self._once(left)
                return ast.IfExp(compare(first, ast.Eq(), self.value(right)), ast.Constant(None), read(name))
            case CallNode(name="greatest" | "least"):
                return call(node.name, *map(self.value, node.args))
            case CallNode():
                operands, tests = self._operands(node)
                return _unless(tests, known_call(node, operands, self.constant))

    # Arguments

    def _nullable(self, node: Node) -> bool:
        match node:
            case Literal():
                return node.value is None
            case FieldNode():
                return self.local(node) not in self.known
            case Interval():
                return False
            case CallNode(name="coalesce" | "greatest" | "least"):
                return all(map(self._nullable, node.args))
            case CallNode() if node.name in _KNOWN_WITH_ARGUMENTS:
                return any(map(self._nullable, node.args))
            case _:
                return not (isinstance(node, CallNode) and node.name in _ALWAYS_KNOWN)

    def _once(self, node: Node) -> tuple[str, ast.expr]:
        """A local for the value, and the expression that sets it and must be evaluated first."""
        if isinstance(node, FieldNode):
            return self.local(node), read(self.local(node))
        name = self.fresh()
        return name, ast.NamedExpr(ast.Name(name, ast.Store()), self.value(node))

    def _operands(self, node: CallNode) -> tuple[list[ast.expr], list[ast.expr]]:
        """The translated arguments, and the expressions that must be tested for None before."""
        operands: list[ast.expr] = []
        tests: list[ast.expr] = []
        for arg in node.args:
            if isinstance(arg, Interval):
                continue
            if not self._nullable(arg):
                operands.append(self.value(arg))
                continue
            name, first = self._once(arg)
            operands.append(read(name))
            tests.append(first)
            self.known.add(name)
        return operands, tests

    # Conditions, true or false only

    def _all(self, node: CallNode, truth: bool) -> ast.expr:
        return _and([self._is(arg, truth) for arg in node.args])

    def _any(self, node: CallNode, truth: bool) -> ast.expr:
        parts: list[ast.expr] = []
        for arg in node.args:
            before = set(self.known)
            parts.append(self._is(arg, truth))
            self.known = before
        return ast.BoolOp(ast.Or(), parts)

    def _is_null(self, node: Node, truth: bool) -> ast.expr:
        test = compare(self.value(node), ast.Is() if truth else ast.IsNot(), ast.Constant(None))
        if not truth:
            self._learn(node)
        return test

    def _learn(self, *nodes: Node) -> None:
        self.known.update(self.local(node) for node in nodes if isinstance(node, FieldNode))

    def _compares(self, name: str, node: CallNode) -> ast.expr:
        if name != "eq":
            operands, tests = self._operands(node)
            return _and([*map(_known, tests), comparison(name, *operands)])
        left, right = node.args
        return self._equals(left, right)

    def _equals(self, left: Node, right: Node) -> ast.expr:
        """None equals no known value, so one test is enough, and no test is needed if one side is always known."""
        tests: list[ast.expr] = []
        if self._nullable(left) and self._nullable(right):
            name, first = self._once(left)
            tests, equal = [_known(first)], read(name)
        else:
            equal = self.value(left)
        equality = _and([*tests, compare(equal, ast.Eq(), self.value(right))])
        self._learn(left, right)
        return equality

    def _is_in(self, node: CallNode, truth: bool) -> ast.expr:
        operand, constants, has_null, variables = _alternatives(node)
        if variables:
            return compare(self.value(node), ast.Is(), ast.Constant(truth))
        if truth:
            test = compare(self.value(operand), ast.In(), self.constant(constants))
            self._learn(operand)
            return test
        if has_null:
            return ast.Constant(False)
        name, first = self._once(operand)
        tests = [_known(first), compare(read(name), ast.NotIn(), self.constant(constants))]
        self._learn(operand)
        return _and(tests)

    # Values of three-valued logic

    def _kleene(self, node: CallNode) -> ast.expr:
        """``and`` is False if any part is, else None if any part is; ``or`` likewise with True."""
        decides = node.name == "or"
        decisive: list[ast.expr] = []
        unsure: list[ast.expr] = []
        for arg in node.args:
            name, first = self._once(arg)
            decisive.append(compare(first, ast.Is(), ast.Constant(decides)))
            if self._nullable(arg):
                unsure.append(read(name))
        return ast.IfExp(_or(decisive), ast.Constant(decides), _unless(unsure, ast.Constant(not decides)))

    def _in(self, node: CallNode) -> ast.expr:
        operand, constants, has_null, variables = _alternatives(node)
        name, first = self._once(operand)
        matches: list[ast.expr] = [compare(read(name), ast.In(), self.constant(constants))] if constants else []
        unsure: list[ast.expr] = []
        for variable in variables:
            variable_name, first_variable = self._once(variable)
            matches.append(compare(read(name), ast.Eq(), first_variable))
            unsure.append(read(variable_name))
        no_match = ast.Constant(None) if has_null else _unless(unsure, ast.Constant(False))
        return _unless([first], ast.IfExp(_or(matches), ast.Constant(True), no_match) if matches else no_match)

    def _coalesce(self, node: CallNode) -> ast.expr:
        *others, last = node.args
        expression = self.value(last)
        for arg in reversed(others):
            name, first = self._once(arg)
            expression = ast.IfExp(_known(first), read(name), expression)
        return expression

    def _branches(self, node: CaseNode, make: Callable[[Node], ast.expr], missing: ast.expr) -> ast.expr:
        branches: list[tuple[ast.expr, ast.expr]] = []
        for condition, then in node.branches:
            before = set(self.known)
            branches.append((self.true(condition), make(then)))
            self.known = before
        expression = missing if node.default is None else self._apart(lambda: make(node.default or node))
        for test, then_expression in reversed(branches):
            expression = ast.IfExp(test, then_expression, expression)
        return expression


def _alternatives(node: CallNode) -> tuple[Node, frozenset[Value], bool, list[Node]]:
    """The operand of an ``in``, the constants to look in, whether null is among them, and the other items."""
    operand, *items = node.args
    values = [item.value for item in items if isinstance(item, Literal)]
    known_values = frozenset(value for value in values if value is not None)
    return operand, known_values, None in values, [item for item in items if not isinstance(item, Literal)]


def _known(expression: ast.expr) -> ast.expr:
    return compare(expression, ast.IsNot(), ast.Constant(None))


def _not(expression: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), expression)


def _and(parts: Sequence[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), list(parts))


def _or(parts: Sequence[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.Or(), list(parts))


def _unless(tests: Sequence[ast.expr], known: ast.expr) -> ast.expr:
    """None if any of the tests is None, else ``known``."""
    if not tests:
        return known
    return ast.IfExp(_or([compare(test, ast.Is(), ast.Constant(None)) for test in tests]), ast.Constant(None), known)
