"""Checks the expressions of a stage, each distinct one once, and binds filters to the values offers give them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.condition import Condition, Gate, Path
from offerkit.engine.report import Report
from offerkit.models.expression_scopes import Role, scope
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import Checked
from offerkit.rules.types import FieldType, Row, Scope, Value, Wanted
from offerkit.rules.values import parse_value


class Expressions:
    """All expressions of one environment. ``problems`` are those that cannot be read, in the order met."""

    def __init__(
        self, dimension: str, fields: Mapping[str, FieldType], data: Mapping[str, FieldType], zone: tzinfo
    ) -> None:
        """For an environment of ``dimension`` with these fields and call data."""
        self._dimension, self._fields, self._data, self._zone = dimension, fields, data, zone
        self._scopes = {role: scope(role, dimension, fields, data) for role in Role}
        self._gates: dict[tuple[Role, Wanted, str], Gate] = {}
        self._filters: dict[tuple[object, ...], Gate] = {}
        self._conditions: dict[str, Condition] = {}
        self.problems: list[Report] = []

    def target(self, text: str, address: Address, path: Path, wanted: Wanted = Wanted.CONDITION) -> Gate:
        """A condition on contact and call data, or a weight's formula."""
        return self._shared(Role.TARGET, wanted, text, address, path)

    def applies_to(self, text: str, address: Address) -> Gate:
        """A presentation rule's condition on offer and category."""
        return self._shared(Role.APPLIES_TO, Wanted.CONDITION, text, address, ("applies_to", "when"))

    def counted(self, text: str, address: Address) -> Gate:
        """A presentation rule's condition on stored propositions."""
        return self._shared(Role.COUNTED, Wanted.CONDITION, text, address, ("counted", "when"))

    def filter(self, address: Address, text: str, parameters: Mapping[str, FieldType], values: Row, offer: Row) -> Gate:
        """A filter as one offer uses it: bound to its parameters' values and to the offer's fields.

        A filter that reads neither is an ordinary condition, evaluated with all others.
        """
        condition = self._conditions.get(address)
        if condition is None:
            names = scope(Role.FILTER, self._dimension, self._fields, self._data, parameters)
            condition = self._conditions[address] = self._condition(text, names, Wanted.CONDITION)
            self._tell(condition, address, ("when",))
        checked = condition.checked
        if checked is None or not (checked.uses("offer") or checked.uses("parameter")):
            return self._plain(condition)
        rows = {"offer": offer, "parameter": values}
        read = tuple(rows[space][name] for space, name in checked.fields if space in rows)
        # True and 1 are equal but not the same value.
        key = (address, *((type(value), value) for value in read))
        return self._filters.setdefault(key, Gate(condition, (offer, values)))

    def values(
        self, given: Mapping[str, str], parameters: Mapping[str, tuple[FieldType, str | None]]
    ) -> dict[str, Value]:
        """A filter's parameters, typed; what is not given has its default, else is unknown. Raises ValueError."""
        return {
            name: parse_value(given.get(name, default), type_, self._zone)
            for name, (type_, default) in parameters.items()
        }

    def _plain(self, condition: Condition) -> Gate:
        """The gate of a filter without bound rows; the same text in an offer's own condition shares it."""
        key = (Role.TARGET, Wanted.CONDITION, condition.text)
        if key not in self._gates:
            plain = Condition(condition.text, condition.checked, condition.problem, (self._dimension, "interaction"))
            self._gates[key] = Gate(plain)
        return self._gates[key]

    def _shared(self, role: Role, wanted: Wanted, text: str, address: Address, path: Path) -> Gate:
        key = (role, wanted, text)
        if key not in self._gates:
            self._gates[key] = Gate(self._condition(text, self._scopes[role], wanted))
        gate = self._gates[key]
        self._tell(gate.condition, address, path)
        return gate

    def _condition(self, text: str, names: Scope, wanted: Wanted) -> Condition:
        checked: Checked | None = None
        problem = ""
        try:
            checked = check(text, names, wanted)
        except RuleError as error:
            problem = "; ".join(found.summary for found in error.problems) or "it cannot be read"
        return Condition(text, checked, problem, tuple(names.namespaces))

    def _tell(self, condition: Condition, address: Address, path: Path) -> None:
        if condition.problem:
            place = ".".join(str(part) for part in path)
            message = f"{address} › {place} never holds: {condition.problem}"
            self.problems.append(Report(Code.BROKEN_RULE, message, address))
