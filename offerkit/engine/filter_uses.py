"""Predefined filters where they are used: by environments, categories, offers and weights, beside their conditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.condition import BoundCondition, CompiledExpression, Path
from offerkit.engine.expressions import Expressions
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledCategory, LocatedCondition
from offerkit.models.expression_scopes import field_types
from offerkit.models.filter import Filter, FilterUse
from offerkit.rules.types import Row
from offerkit.state.effective import Inheritance

_NO_OFFER = "an environment's filter cannot read the offer"


class FilterUses:
    """The filters of one environment, each read once. ``of_category``: the uses by category, as they are compiled."""

    def __init__(self, inheritance: Inheritance, expressions: Expressions) -> None:
        """Filters come from ``inheritance``; ``expressions`` checks their conditions."""
        self._inheritance, self.expressions = inheritance, expressions
        self.of_category: dict[str, tuple[FilterUse, ...]] = {}
        self._models: dict[str, Filter] = {}

    def requirements(
        self, uses: Iterable[FilterUse], when: str | None, address: Address, path: Path, offer: Row | None = None
    ) -> tuple[LocatedCondition, ...]:
        """What must hold at ``path`` of ``address``: the filters in order, then the condition.

        Without an ``offer``, filters that read one are left out for a category (:meth:`category` adds them), and never
        hold for an environment.
        """
        result: list[LocatedCondition] = []
        for position, use in enumerate(uses):
            where = (*path, "filters", position)
            if offer is None and self._reads_offer(use):
                if path == ():
                    result.append(self._broken(use.filter, _NO_OFFER, address, where))
                continue
            result.append(self.use(use, address, where, offer or {}))
        if when is not None:
            where = (*path, "when")
            result.append(LocatedCondition(self.expressions.target(when, address, where), address, where))
        return tuple(result)

    def category(self, category: CompiledCategory, offer: Row) -> CompiledCategory:
        """``category`` for one of its offers: with the filters that read it."""
        uses = self.of_category[category.path]
        if not any(self._reads_offer(use) for use in uses):
            return category
        own = [requirement for requirement in category.requirements if not requirement.name]
        filters = [
            self.use(use, category.address, ("eligible", "filters", position), offer)
            for position, use in enumerate(uses)
        ]
        return replace(category, requirements=(*filters, *own))

    def use(self, use: FilterUse, address: Address, path: Path, offer: Row) -> LocatedCondition:
        """The condition of a filter as ``path`` of ``address`` uses it for an offer."""
        model = self._model(use.filter)
        if model is None:
            return self._broken(use.filter, f"there is no filter “{use.filter}”", address, path)
        at = self._inheritance.filter(use.filter)[0]
        types = field_types(model.parameters)
        declared = {name: (types[name], field.default) for name, field in model.parameters.items()}
        try:
            values = self.expressions.values(use.values, declared)
        except ValueError as error:
            problem = f"a parameter of filter “{use.filter}” has a wrong value: {error}"
            return self._broken(use.filter, problem, address, path)
        condition = self.expressions.filter(at, model.when, types, MappingProxyType(values), offer)
        return LocatedCondition(condition, at, ("when",), use.filter, (address, path))

    def _model(self, name: str) -> Filter | None:
        if name not in self._models:
            body = self._inheritance.filter(name)[1]
            if body is None:
                return None
            self._models[name] = Filter.model_validate(body)
        return self._models[name]

    def _reads_offer(self, use: FilterUse) -> bool:
        model = self._model(use.filter)
        if model is None:
            return False
        address = self._inheritance.filter(use.filter)[0]
        return self.expressions.reads_offer(address, model.when, field_types(model.parameters))

    def _broken(self, name: str, problem: str, address: Address, path: Path) -> LocatedCondition:
        """A condition that never holds, and is reported."""
        self.expressions.problems.append(Report(Code.BROKEN_RULE, f"{address} never holds: {problem}", address))
        return LocatedCondition(BoundCondition(CompiledExpression("", None, problem, ("", ""))), address, path, name)
