"""Checks the expressions of a stage, each distinct one once, and binds filters to the values offers give them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.condition import BoundCondition, Expression, Path
from offerkit.engine.report import Report
from offerkit.models.expression_scopes import Role, scope
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, FieldType, NameScope, Row, Value
from offerkit.rules.values import parse_value


class Expressions:
    """All expressions of one environment. ``problems`` are those that cannot be read, in the order met."""

    def __init__(
        self, dimension: str, fields: Mapping[str, FieldType], data: Mapping[str, FieldType], zone: tzinfo
    ) -> None:
        """For an environment of ``dimension`` with these fields and call data."""
        self._dimension, self._fields, self._data, self._zone = dimension, fields, data, zone
        self._scopes = {role: scope(role, dimension, fields, data) for role in Role}
        self._conditions: dict[tuple[Role, ExpectedResult, str], BoundCondition] = {}
        self._filters: dict[tuple[object, ...], BoundCondition] = {}
        self._by_address: dict[str, Expression] = {}
        self.problems: list[Report] = []

    def target(
        self, text: str, address: Address, path: Path, wanted: ExpectedResult = ExpectedResult.CONDITION
    ) -> BoundCondition:
        """A expression on contact and call data, or a weight's formula."""
        return self._shared(Role.TARGET, wanted, text, address, path)

    def applies_to(self, text: str, address: Address) -> BoundCondition:
        """A presentation rule's expression on offer and category."""
        return self._shared(Role.APPLIES_TO, ExpectedResult.CONDITION, text, address, ("applies_to", "when"))

    def counted(self, text: str, address: Address) -> BoundCondition:
        """A presentation rule's expression on stored propositions."""
        return self._shared(Role.COUNTED, ExpectedResult.CONDITION, text, address, ("counted", "when"))

    def filter(
        self, address: Address, text: str, parameters: Mapping[str, FieldType], values: Row, offer: Row
    ) -> BoundCondition:
        """A filter as one offer uses it: bound to its parameters' values and to the offer's fields.

        A filter that reads neither is an ordinary expression, evaluated with all others.
        """
        expression = self._by_address.get(address)
        if expression is None:
            names = scope(Role.FILTER, self._dimension, self._fields, self._data, parameters)
            expression = self._by_address[address] = self._expression(text, names, ExpectedResult.CONDITION)
            self._tell(expression, address, ("when",))
        checked = expression.checked
        if checked is None or not (checked.uses("offer") or checked.uses("parameter")):
            return self._plain(expression)
        rows = {"offer": offer, "parameter": values}
        read = tuple(rows[space][name] for space, name in checked.fields if space in rows)
        # True and 1 are equal but not the same value.
        key = (address, *((type(value), value) for value in read))
        return self._filters.setdefault(key, BoundCondition(expression, (offer, values)))

    def values(
        self, given: Mapping[str, str], parameters: Mapping[str, tuple[FieldType, str | None]]
    ) -> dict[str, Value]:
        """A filter's parameters, typed; what is not given has its default, else is unknown. Raises ValueError."""
        return {
            name: parse_value(given.get(name, default), type_, self._zone)
            for name, (type_, default) in parameters.items()
        }

    def _plain(self, expression: Expression) -> BoundCondition:
        """The condition of a filter without bound rows; the same text in an offer's own expression shares it."""
        key = (Role.TARGET, ExpectedResult.CONDITION, expression.text)
        if key not in self._conditions:
            plain = Expression(
                expression.text, expression.checked, expression.problem, (self._dimension, "interaction")
            )
            self._conditions[key] = BoundCondition(plain)
        return self._conditions[key]

    def _shared(self, role: Role, wanted: ExpectedResult, text: str, address: Address, path: Path) -> BoundCondition:
        key = (role, wanted, text)
        if key not in self._conditions:
            self._conditions[key] = BoundCondition(self._expression(text, self._scopes[role], wanted))
        condition = self._conditions[key]
        self._tell(condition.expression, address, path)
        return condition

    def _expression(self, text: str, names: NameScope, wanted: ExpectedResult) -> Expression:
        checked: CheckedExpression | None = None
        problem = ""
        try:
            checked = check(text, names, wanted)
        except RuleError as error:
            problem = "; ".join(found.summary for found in error.problems) or "it cannot be read"
        return Expression(text, checked, problem, tuple(names.namespaces))

    def _tell(self, expression: Expression, address: Address, path: Path) -> None:
        if expression.problem:
            place = ".".join(str(part) for part in path)
            message = f"{address} › {place} never holds: {expression.problem}"
            self.problems.append(Report(Code.BROKEN_RULE, message, address))
