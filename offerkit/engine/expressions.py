"""Checks the expressions of a stage, each distinct text once, and binds filters to the offers that use them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.condition import BoundCondition, CompiledExpression, Path
from offerkit.engine.report import Report
from offerkit.models.expression_scopes import ExpressionRole, expression_scope
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, FieldType, NameScope, Row, Value
from offerkit.rules.values import parse_value


class Expressions:
    """All expressions of one environment. ``problems``: those that cannot be read, in the order of checking."""

    def __init__(
        self, dimension: str, fields: Mapping[str, FieldType], data: Mapping[str, FieldType], zone: tzinfo
    ) -> None:
        """For an environment of ``dimension`` with these fields and call data."""
        self._dimension, self._fields, self._data, self._zone = dimension, fields, data, zone
        self._scopes = {role: expression_scope(role, dimension, fields, data) for role in ExpressionRole}
        self._conditions: dict[tuple[ExpressionRole, ExpectedResult, str], BoundCondition] = {}
        self._filters: dict[tuple[object, ...], BoundCondition] = {}
        self._by_address: dict[str, CompiledExpression] = {}
        self.problems: list[Report] = []

    def target(
        self, text: str, address: Address, path: Path, wanted: ExpectedResult = ExpectedResult.CONDITION
    ) -> BoundCondition:
        """A expression on contact and call data, or a weight's formula."""
        return self._shared(ExpressionRole.TARGET, wanted, text, address, path)

    def applies_to(self, text: str, address: Address) -> BoundCondition:
        """A presentation rule's expression on offer and category."""
        return self._shared(ExpressionRole.APPLIES_TO, ExpectedResult.CONDITION, text, address, ("applies_to", "when"))

    def counted(self, text: str, address: Address) -> BoundCondition:
        """A presentation rule's expression on stored propositions."""
        return self._shared(ExpressionRole.COUNTED, ExpectedResult.CONDITION, text, address, ("counted", "when"))

    def filter(
        self, address: Address, text: str, parameters: Mapping[str, FieldType], values: Row, offer: Row
    ) -> BoundCondition:
        """A filter as one offer uses it: bound to the values of its parameters and to the offer's fields.

        A filter that reads neither is an ordinary condition, evaluated with all others.
        """
        expression = self._filter(address, text, parameters)
        checked = expression.checked
        if checked is None or not (checked.uses("offer") or checked.uses("parameter")):
            return self._plain(expression)
        rows = {"offer": offer, "parameter": values}
        read = tuple(rows[space][name] for space, name in checked.fields if space in rows)
        # With the types, because True equals 1.
        key = (address, *((type(value), value) for value in read))
        return self._filters.setdefault(key, BoundCondition(expression, (offer, values)))

    def reads_offer(self, address: Address, text: str, parameters: Mapping[str, FieldType]) -> bool:
        """Whether the condition of a filter depends on the offer."""
        checked = self._filter(address, text, parameters).checked
        return checked is not None and checked.uses("offer")

    def _filter(self, address: Address, text: str, parameters: Mapping[str, FieldType]) -> CompiledExpression:
        expression = self._by_address.get(address)
        if expression is None:
            names = expression_scope(ExpressionRole.FILTER, self._dimension, self._fields, self._data, parameters)
            expression = self._by_address[address] = self._expression(text, names, ExpectedResult.CONDITION)
            self._tell(expression, address, ("when",))
        return expression

    def values(
        self, given: Mapping[str, str], parameters: Mapping[str, tuple[FieldType, str | None]]
    ) -> dict[str, Value]:
        """A filter's typed parameters; a missing one has its default, or else is unknown. Raises ValueError."""
        return {
            name: parse_value(given.get(name, default), type_, self._zone)
            for name, (type_, default) in parameters.items()
        }

    def _plain(self, expression: CompiledExpression) -> BoundCondition:
        """The condition of a filter without bound rows, shared with offers' own conditions of the same text."""
        key = (ExpressionRole.TARGET, ExpectedResult.CONDITION, expression.text)
        if key not in self._conditions:
            plain = CompiledExpression(
                expression.text, expression.checked, expression.problem, (self._dimension, "interaction")
            )
            self._conditions[key] = BoundCondition(plain)
        return self._conditions[key]

    def _shared(
        self, role: ExpressionRole, expected: ExpectedResult, text: str, address: Address, path: Path
    ) -> BoundCondition:
        key = (role, expected, text)
        if key not in self._conditions:
            self._conditions[key] = BoundCondition(self._expression(text, self._scopes[role], expected))
        condition = self._conditions[key]
        self._tell(condition.expression, address, path)
        return condition

    def _expression(self, text: str, names: NameScope, expected: ExpectedResult) -> CompiledExpression:
        checked: CheckedExpression | None = None
        problem = ""
        try:
            checked = check(text, names, expected)
        except RuleError as error:
            problem = "; ".join(problem_item.summary for problem_item in error.problems) or "it cannot be read"
        return CompiledExpression(text, checked, problem, tuple(names.namespaces))

    def _tell(self, expression: CompiledExpression, address: Address, path: Path) -> None:
        if expression.problem:
            position = ".".join(str(part) for part in path)
            message = f"{address} › {position} never holds: {expression.problem}"
            self.problems.append(Report(Code.BROKEN_RULE, message, address))
