"""Extra data that a space stores with a proposition, when it is proposed and when its status changes (domain.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cached_property

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Evaluator, facts_at
from offerkit.engine.history import PastProposition
from offerkit.engine.report import Report
from offerkit.fingerprint import Json
from offerkit.hooks import Product
from offerkit.models.expression_scopes import ExpressionRole
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, FieldType, Row, Value
from offerkit.rules.values import parse_value, show


class ExtraData:
    """The checked expressions of a space for one moment: proposed, or a change of status. ``reports``: wrong ones."""

    def __init__(self, catalog: Catalog, address: Address, moment: str, expressions: Mapping[str, str]) -> None:
        """``moment`` is the path below the space's ``storage``, such as ``status_data.rejected``."""
        from offerkit.rules.check import RuleError, check

        names = catalog.scope(ExpressionRole.STORED)
        self._catalog = catalog
        self._namespaces = tuple(names.namespaces)
        self._checked: dict[str, CheckedExpression] = {}
        reports = []
        for name, text in expressions.items():
            try:
                self._checked[name] = check(text, names, ExpectedResult.VALUE)
            except RuleError as error:
                where = f"{address}: storage.{moment}.{name}"
                reports.append(Report(Code.BROKEN_RULE, f"{error.problems[0].summary}; it is not stored.", where))
        self.reports = tuple(reports)

    def __bool__(self) -> bool:
        """Whether there is anything to store."""
        return bool(self._checked)

    def values(
        self, contact: Row, data: Row, offer: Row, proposition: PastProposition, now: datetime, product: Row
    ) -> dict[str, Json]:
        """The values to store, by name, as JSON. ``now`` has a time zone; ``product``: see :func:`product_row`."""
        if not self:
            return {}
        facts = facts_at(now, self._catalog.zone, contact, data)
        rows = [contact, data, offer, proposition.row(self._catalog.zone)]
        if self._catalog.product_fields:
            rows.append(product)
        return {name: as_json(evaluate(*rows, facts.now, facts.today)) for name, evaluate in self._evaluators.items()}

    @cached_property
    def _evaluators(self) -> dict[str, Evaluator]:
        from offerkit.rules.python import compile_one

        return {name: compile_one(checked, self._namespaces) for name, checked in self._checked.items()}


def product_row(catalog: Catalog, product: Product | None) -> Row:
    """``product.<field>`` of a product as its hook returned it; every field is unknown without one."""
    if not product or not catalog.product_fields:
        return catalog.no_product
    return {name: product.get(name) for name in catalog.product_fields}


def stored_product(product: Product | None) -> dict[str, Json] | None:
    """``product`` as it is stored with a proposition."""
    return None if product is None else {name: as_json(value) for name, value in product.items()}


def stored_product_row(catalog: Catalog, product: Mapping[str, Json] | None) -> Row:
    """``product.<field>`` of a stored product. A value that is no longer of the declared type is unknown."""
    if not product or not catalog.product_fields:
        return catalog.no_product
    return {name: _typed(product.get(name), type_, catalog.zone) for name, type_ in catalog.product_fields.items()}


def stored_row(types: Mapping[str, FieldType], stored: Mapping[str, Json] | None, zone: tzinfo) -> Row:
    """``stored.<name>`` of a proposition. What is not stored, or not as a value of that type, is unknown."""
    if not stored:
        return dict.fromkeys(types)
    return {name: _typed(stored.get(name), type_, zone) for name, type_ in types.items()}


def _typed(stored: Json, type_: FieldType, zone: tzinfo) -> Value:
    try:
        return parse_value(stored, type_, zone)
    except ValueError:
        return None


_INT64 = 2**63


def as_json(value: Value) -> Json:
    """A value as JSON: dates and decimals as text, lists as lists."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return show(value)
    if value is None or isinstance(value, bool | int):
        return value
    return show(value) if not isinstance(value, Decimal) else format(value.normalize(), "f")
