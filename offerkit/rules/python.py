"""Compiles expressions into Python functions, for one contact at a time; from trees, never from text.

A function is called as ``fn(row_1, …, row_k, now, today)``: one row for each name in ``namespaces``, ``now`` the wall
clock of the environment's time zone without zone, ``today`` its date. It cannot fail on rows of the declared types.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias, cast

from offerkit.rules import calendar, numbers, text
from offerkit.rules.flatten import LOCAL, fields_of, flatten, nodes_of, parts_of, rebuilt
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node
from offerkit.rules.python_calls import NOW, TODAY, read
from offerkit.rules.python_tree import Translator
from offerkit.rules.types import BaseType, Value

Evaluator: TypeAlias = Callable[..., Value]
BundleEvaluator: TypeAlias = Callable[..., tuple[Value, ...]]

_DAYS = ("days_since", "days_until", "age_in_years")
_DEEPEST = 24
"""The most levels of one Python expression; compile() accepts many more, wherever it is called from."""


def compile_one(checked: CheckedExpression, namespaces: Sequence[str], *, exact: bool = True) -> Evaluator:
    """One expression as a function.

    ``exact``: a condition returns True, False or None (unknown). Otherwise it returns False also when it is unknown,
    which is several times faster and enough for the engine. This only affects conditions.
    """
    function = _Function(namespaces)
    if _merged(checked, exact):
        return cast(Evaluator, function.made(function.condition(checked.root)))
    function.load(checked.fields)
    return cast(Evaluator, function.made([ast.Return(function.result(checked, exact))]))


def compile_many(
    checked: Sequence[CheckedExpression], namespaces: Sequence[str], *, exact: bool = True
) -> BundleEvaluator:
    """All expressions as one function that reads each field once and returns all results, in order."""
    function = _Function(namespaces)
    function.load(sorted({pair for expression in checked for pair in expression.fields}))
    function.share(checked)
    results = [function.result(expression, exact) for expression in checked]
    return cast(BundleEvaluator, function.made([ast.Return(ast.Tuple(results, ast.Load()))]))


def compile_lookup(
    tables: Mapping[tuple[str, str], Mapping[Value, int]], namespaces: Sequence[str]
) -> Callable[..., int]:
    """A function that looks each field up in its table, and returns the bits that are set in all numbers found.

    ``tables``: at least one, by namespace and field.
    """
    function = _Function(namespaces)
    common: ast.expr | None = None
    for number, ((space, name), table) in enumerate(tables.items()):
        function.translator.constants[f"t{number}"] = table
        value = ast.Subscript(read(f"row{namespaces.index(space)}"), ast.Constant(name), ast.Load())
        found: ast.expr = ast.Subscript(read(f"t{number}"), value, ast.Load())
        function.body.append(_assign("bits", ast.BinOp(common, ast.BitAnd(), found) if common else found))
        common = read("bits")
    assert common is not None
    return cast(Callable[..., int], function.made([ast.Return(common)]))


def _merged(checked: CheckedExpression, exact: bool) -> bool:
    return not exact and checked.type.base in (BaseType.BOOLEAN, BaseType.NULL)


@dataclass
class _Function:
    """A function that is being built."""

    namespaces: Sequence[str]
    translator: Translator = field(default_factory=Translator)
    body: list[ast.stmt] = field(default_factory=list)
    lifted: dict[object, str] = field(default_factory=dict)
    shared: dict[object, str] = field(default_factory=dict)

    def load(self, fields: Iterable[tuple[str, str]]) -> None:
        """Read fields into locals, unless they already are."""
        for space, name in fields:
            if (space, name) not in self.translator.fields:
                row = read(f"row{self.namespaces.index(space)}")
                local = self.translator.declare(space, name)
                self.body.append(_assign(local, ast.Subscript(row, ast.Constant(name), ast.Load())))

    def share(self, checked: Iterable[CheckedExpression]) -> None:
        """Compute days from and to a field once, if several expressions need them."""
        calls = [
            node
            for expression in checked
            for node in nodes_of(expression.root)
            if isinstance(node, CallNode) and node.name in _DAYS and isinstance(node.args[0], FieldNode)
        ]
        often = Counter(map(tree_key, calls))
        for call in calls:
            key = tree_key(call)
            if often[key] > 1 and key not in self.shared:
                self.shared[key] = self.translator.fresh()
                self._set(self.shared[key], call)

    def result(self, checked: CheckedExpression, exact: bool) -> ast.expr:
        """The Python expression of a whole rule expression."""
        self.translator.known.clear()
        root = self._prepared(checked.root)
        return self.translator.true(root) if _merged(checked, exact) else self.translator.value(root)

    def condition(self, root: Node) -> list[ast.stmt]:
        """The parts of an ``and`` one after the other, so that fields are only read when needed."""
        parts = root.args if isinstance(root, CallNode) and root.name == "and" else (root,)
        for part in parts[:-1]:
            self.load(fields_of(part))
            fails = ast.UnaryOp(ast.Not(), self.translator.true(self._prepared(part)))
            self.body.append(ast.If(fails, [ast.Return(ast.Constant(False))], []))
        self.load(fields_of(parts[-1]))
        return [ast.Return(self.translator.true(self._prepared(parts[-1])))]

    def _prepared(self, root: Node) -> Node:
        steps, rest = flatten(root, self.translator.fresh, _DEEPEST)
        for step in steps:
            self._set(step.name, self._shorter(step.node))
        return self._shorter(rest)

    def _shorter(self, node: Node) -> Node:
        """The node with locals for what is already computed."""
        return lifted(replaced(node, self.shared) if self.shared else node, self._lift)

    def _lift(self, node: CallNode) -> str:
        key = tree_key(node)
        if key not in self.lifted:
            self.lifted[key] = self.translator.fresh()
            self._set(self.lifted[key], node)
        return self.lifted[key]

    def _set(self, name: str, node: Node) -> None:
        self.body.append(_assign(name, self.translator.value(node)))

    def made(self, end: list[ast.stmt]) -> Callable[..., object]:
        """The finished function, which ends with the statements ``end``."""
        names = [*(f"row{number}" for number in range(len(self.namespaces))), NOW, TODAY]
        arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
        definition = ast.FunctionDef("rule", arguments, [*self.body, *end], [])
        module = ast.fix_missing_locations(ast.Module([definition], []))
        space: dict[str, object] = {"__builtins__": {}, **HELPERS, **self.translator.constants}
        # The syntax tree consists of the nodes above only, made from a checked tree; no text is compiled.
        exec(compile(module, "<rule>", "exec"), space)  # noqa: S102
        return cast(Callable[..., object], space["rule"])


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def lifted(root: Node, name: Callable[[CallNode], str]) -> Node:
    """The tree with each largest call that reads no field (``now - interval '30 days'``) replaced by a local.

    ``name`` returns the local for a call. Such parts are computed once for all expressions.
    """
    return _lifted(root, name)[0]


def _lifted(node: Node, name: Callable[[CallNode], str]) -> tuple[Node, bool]:
    """The node, and whether it reads no field."""
    parts = parts_of(node)
    if not parts:
        return node, not isinstance(node, FieldNode)
    lifted_parts = [_lifted(part, name) for part in parts]
    if all(fixed for _, fixed in lifted_parts):
        return node, True
    return rebuilt(node, [_named(part, name) if fixed else part for part, fixed in lifted_parts]), False


def replaced(node: Node, names: Mapping[object, str]) -> Node:
    """The tree with each call of a field whose :func:`tree_key` is in ``names`` replaced by that local."""
    of_field = isinstance(node, CallNode) and bool(node.args) and isinstance(node.args[0], FieldNode)
    name = names.get(tree_key(node)) if of_field else None
    if name is not None:
        assert not isinstance(node, Interval)
        return FieldNode(node.type, node.start, node.end, LOCAL, name)
    parts = parts_of(node)
    return rebuilt(node, [replaced(part, names) for part in parts]) if parts else node


def _named(part: Node, name: Callable[[CallNode], str]) -> Node:
    if isinstance(part, CallNode) and part.args:
        return FieldNode(part.type, part.start, part.end, LOCAL, name(part))
    return part


def tree_key(node: Node) -> object:
    """A key that is equal for parts with the same meaning, whatever their positions."""
    match node:
        case Literal():
            return ("literal", node.type, type(node.value), node.value)
        case FieldNode():
            return ("field", node.namespace, node.name)
        case Interval():
            return ("interval", node.months, node.days, node.seconds)
        case CallNode():
            return (node.name, node.type, *map(tree_key, node.args))
        case CaseNode():
            return ("case", node.default is None, *map(tree_key, parts_of(node)))


def greatest(*values: Value) -> Value:
    """The greatest known value."""
    return max((value for value in values if value is not None), default=None)


def least(*values: Value) -> Value:
    """The least known value."""
    return min((value for value in values if value is not None), default=None)


HELPERS: Mapping[str, Callable[..., Value]] = MappingProxyType(
    {
        helper.__name__: helper
        for helper in (
            abs,
            len,
            greatest,
            least,
            numbers.integer,
            numbers.decimal,
            numbers.to_decimal,
            numbers.decimal_add,
            numbers.decimal_sub,
            numbers.decimal_mul,
            numbers.decimal_neg,
            numbers.decimal_mod,
            numbers.integer_mod,
            numbers.divide,
            numbers.round_to,
            numbers.floor,
            numbers.ceil,
            text.lower,
            text.upper,
            text.trim,
            text.substring,
            text.substring_from,
            text.replace,
            calendar.to_timestamp,
            calendar.date_add,
            calendar.date_trunc,
            calendar.date_diff,
            calendar.extract,
            calendar.age_in_years,
        )
    }
)
