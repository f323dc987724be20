"""Extra data that a space stores with a proposition, when it is proposed and when its status changes (domain.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Evaluator, facts_at
from offerkit.engine.history import PastProposition
from offerkit.engine.report import Report
from offerkit.fingerprint import Json
from offerkit.models.expression_scopes import ExpressionRole, expression_scope
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, Row, Value
from offerkit.rules.values import show


class ExtraData:
    """The checked expressions of a space for one moment: proposed, or a change of status. ``reports``: wrong ones."""

    def __init__(self, catalog: Catalog, address: Address, moment: str, expressions: Mapping[str, str]) -> None:
        """``moment`` is the path below the space's ``storage``, such as ``status_data.rejected``."""
        from offerkit.rules.check import RuleError, check

        dimension = catalog.dimension
        call_data = {name: field.type for name, field in catalog.call_data.items()}
        names = expression_scope(
            ExpressionRole.STORED, dimension.name, dimension.fields, call_data, offer_fields=catalog.offer_fields
        )
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

    def values(
        self, contact: Row, data: Row, offer: Row, proposition: PastProposition, now: datetime
    ) -> dict[str, Json]:
        """The values to store, by name, as JSON. ``now`` has a time zone."""
        if not self._checked:
            return {}
        facts = facts_at(now, self._catalog.zone, contact, data)
        rows = (contact, data, offer, proposition.row(self._catalog.zone))
        return {name: as_json(evaluate(*rows, facts.now, facts.today)) for name, evaluate in self._evaluators.items()}

    @cached_property
    def _evaluators(self) -> dict[str, Evaluator]:
        from offerkit.rules.python import compile_one

        return {name: compile_one(checked, self._namespaces) for name, checked in self._checked.items()}


def as_json(value: Value) -> Json:
    """A value as JSON: dates and decimals as text, lists as lists."""
    if isinstance(value, tuple):
        return list(value)
    if value is None or isinstance(value, bool | int):
        return value
    return show(value) if not isinstance(value, Decimal) else format(value.normalize(), "f")
