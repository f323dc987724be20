"""Checks the expressions of a stage, each distinct text once, and binds filters to the offers that use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from functools import partial
from types import MappingProxyType

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, CompiledExpression, Path
from offerkit.engine.report import Report
from offerkit.engine.resources import NO_FIELDS
from offerkit.engine.stored_types import stored_types
from offerkit.fingerprint import path_text
from offerkit.models.expression_scopes import ExpressionRole, counted_scope, expression_scope
from offerkit.models.space import Space
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, FieldType, NameScope, Row, Value
from offerkit.rules.values import TypedTexts, parse_value, typed_fields
from offerkit.state.effective import EffectiveOffer


class Expressions:
    """All expressions of one environment. ``problems``: those that cannot be read, in the order of checking."""

    def __init__(
        self,
        dimension: str,
        fields: Mapping[str, FieldType],
        data: Mapping[str, FieldType],
        offer_fields: Mapping[str, FieldType],
        zone: tzinfo,
        product_fields: Mapping[str, FieldType] | None = None,
    ) -> None:
        """For an environment of ``dimension`` with these fields, call data, and fields of offers and products."""
        self._dimension, self._offer_fields, self._zone = dimension, offer_fields, zone
        self._product_fields = product_fields or {}
        self._scope = partial(
            expression_scope,
            dimension=dimension,
            fields=fields,
            call_data=data,
            offer_fields=offer_fields,
            product_fields=product_fields,
        )
        self._scopes = {role: self._scope(role) for role in ExpressionRole}
        self._conditions: dict[tuple[ExpressionRole, ExpectedResult, str], BoundCondition] = {}
        self._bound: dict[tuple[object, ...], BoundCondition] = {}
        self._by_address: dict[str, CompiledExpression] = {}
        self._of_offers: dict[tuple[ExpectedResult, str], CompiledExpression] = {}
        self._typed: TypedTexts = {}
        self.problems: list[Report] = []

    @classmethod
    def of_catalog(cls, catalog: Catalog) -> Expressions:
        """Those of the environment of a compiled catalog, for more than it has; its own stay as they are."""
        dimension, data = catalog.dimension, {name: field.type for name, field in catalog.call_data.items()}
        return cls(dimension.name, dimension.fields, data, catalog.offer_fields, catalog.zone, catalog.product_fields)

    def target(
        self, text: str, address: Address, path: Path, wanted: ExpectedResult = ExpectedResult.CONDITION
    ) -> BoundCondition:
        """An expression on contact and call data."""
        return self._shared(ExpressionRole.TARGET, wanted, text, address, path)

    def of_offer(
        self,
        text: str,
        address: Address,
        path: Path,
        offer: Row,
        wanted: ExpectedResult = ExpectedResult.CONDITION,
    ) -> BoundCondition:
        """A condition of an offer or of what it inherits from, or a weight's formula, bound to the offer's fields.

        One that reads none of them is shared by all offers.
        """
        expression = self._of_offers.get((wanted, text))
        if expression is None:
            expression = self._expression(text, self._scopes[ExpressionRole.OFFER], wanted)
            self._of_offers[wanted, text] = expression
        self._tell(expression, address, path)
        return self._bind(expression, wanted, (wanted, text), {"offer": offer})

    def applies_to(self, text: str, address: Address) -> BoundCondition:
        """A presentation rule's expression on offer and category."""
        return self._shared(ExpressionRole.APPLIES_TO, ExpectedResult.CONDITION, text, address, ("applies_to", "when"))

    def counted(self, text: str, address: Address, stored: Mapping[str, FieldType]) -> BoundCondition:
        """A presentation rule's expression on stored propositions, with the types of what spaces store."""
        scope = counted_scope(stored, self._product_fields)
        return self._shared(ExpressionRole.COUNTED, ExpectedResult.CONDITION, text, address, ("counted", "when"), scope)

    def stored_types(self, spaces: Iterable[Space]) -> Mapping[str, FieldType]:
        """The types of the extra data that ``spaces`` store, without what they store with types that do not fit."""
        texts = (text for space in spaces for _, data in space.storage.data for text in data.items())
        return stored_types(texts, self._scope(ExpressionRole.STORED)).types

    def filter(
        self, address: Address, text: str, parameters: Mapping[str, FieldType], values: Row, offer: Row
    ) -> BoundCondition:
        """A filter as one offer uses it: bound to the values of its parameters and to the offer's fields.

        A filter that reads neither is an ordinary condition, evaluated with all others.
        """
        expression = self._filter(address, text, parameters)
        return self._bind(expression, ExpectedResult.CONDITION, (address,), {"offer": offer, "parameter": values})

    def values_of(self, offer: EffectiveOffer) -> Row:
        """The typed values of the fields that the environment declares for its offers."""
        if not self._offer_fields:
            return NO_FIELDS
        return MappingProxyType(typed_fields(offer.fields, self._offer_fields, self._zone, self._typed))

    def _filter(self, address: Address, text: str, parameters: Mapping[str, FieldType]) -> CompiledExpression:
        expression = self._by_address.get(address)
        if expression is None:
            names = self._scope(ExpressionRole.FILTER, parameters=parameters)
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

    def _bind(
        self, expression: CompiledExpression, wanted: ExpectedResult, key: tuple[object, ...], rows: Mapping[str, Row]
    ) -> BoundCondition:
        """``expression`` with ``rows``, the same for all uses for which it reads the same values."""
        checked = expression.checked
        if checked is None or not any(checked.uses(space) for space in rows):
            return self._plain(expression, wanted)
        # With the types, because True equals 1.
        read = ((type(value := rows[space][name]), value) for space, name in checked.fields if space in rows)
        return self._bound.setdefault((*key, *read), BoundCondition(expression, tuple(rows.values())))

    def _plain(self, expression: CompiledExpression, wanted: ExpectedResult) -> BoundCondition:
        """A condition without bound rows, shared with all others of the same text."""
        key = (ExpressionRole.TARGET, wanted, expression.text)
        if key not in self._conditions:
            plain = CompiledExpression(
                expression.text, expression.checked, expression.problem, (self._dimension, "interaction")
            )
            self._conditions[key] = BoundCondition(plain)
        return self._conditions[key]

    def _shared(
        self,
        role: ExpressionRole,
        expected: ExpectedResult,
        text: str,
        address: Address,
        path: Path,
        scope: NameScope | None = None,
    ) -> BoundCondition:
        key = (role, expected, text)
        if key not in self._conditions:
            self._conditions[key] = BoundCondition(self._expression(text, scope or self._scopes[role], expected))
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
            message = f"{address} › {path_text(path)} never holds: {expression.problem}"
            self.problems.append(Report(Code.BROKEN_RULE, message, address))
