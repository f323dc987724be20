"""Predefined filters where they are used: by environments, categories, offers and weights, beside their conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType

from offerkit.address import Address
from offerkit.diagnostics import Code
from offerkit.engine.condition import BoundCondition, CompiledExpression, Path
from offerkit.engine.contact_history import ContactHistories
from offerkit.engine.expressions import Expressions
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledCategory, LocatedCondition
from offerkit.models.category import CategoryEligibility
from offerkit.models.contact_history import HistoryEntry
from offerkit.models.expression_scopes import field_types
from offerkit.models.filter import Filter, FilterUse
from offerkit.rules.types import Row
from offerkit.state.effective import Inheritance

_NO_OFFER = "an environment's filter cannot read the offer"


class Requirements:
    """What environments, categories, offers and weights of one environment require: filters, then a condition."""

    def __init__(
        self, inheritance: Inheritance, expressions: Expressions, no_offer: Row, histories: ContactHistories
    ) -> None:
        """Filters come from ``inheritance``; ``no_offer``: the fields of an offer about which nothing is known."""
        self.histories = histories
        self._inheritance, self.expressions, self._no_offer = inheritance, expressions, no_offer
        self._reading: dict[str, CategoryEligibility] = {}
        self._bound: dict[tuple[object, ...], CompiledCategory] = {}
        self._models: dict[str, Filter] = {}

    def of_environment(
        self, address: Address, uses: Sequence[FilterUse], when: str | None
    ) -> tuple[LocatedCondition, ...]:
        """What an environment requires of contacts; a filter that reads the offer never holds."""
        result = []
        for position, use in enumerate(uses):
            where: Path = ("filters", position)
            condition = self.use(use, address, where, self._no_offer)
            reads = _reads_offer(condition)
            result.append(self._broken(use.filter, _NO_OFFER, address, where) if reads else condition)
        if when is not None:
            result.append(LocatedCondition(self.expressions.target(when, address, ("when",)), address, ("when",)))
        return tuple(result)

    def of_category(self, address: Address, eligible: CategoryEligibility) -> tuple[LocatedCondition, ...]:
        """What a category requires whatever the offer is; :meth:`category` has the rest, too."""
        every = self._whole_category(address, eligible, self._no_offer)
        result = tuple(condition for condition in every if not _reads_offer(condition))
        if len(result) < len(every):
            self._reading[address.name] = eligible
        return result

    def category(self, category: CompiledCategory, offer: Row) -> CompiledCategory:
        """``category`` for one of its offers: with what reads the offer, the same for offers with the same values."""
        reading = self._reading.get(category.path)
        if reading is None:
            return category
        requirements = self._whole_category(category.address, reading, offer)
        key = (category.path, *(requirement.condition for requirement in requirements))
        if key not in self._bound:
            self._bound[key] = replace(category, requirements=requirements)
        return self._bound[key]

    def _whole_category(
        self, address: Address, eligible: CategoryEligibility, offer: Row
    ) -> tuple[LocatedCondition, ...]:
        path: Path = ("eligible",)
        conditions = self.of_offer(eligible.filters, eligible.when, address, path, offer)
        return (*conditions, *self.history(eligible.history, lambda _: address))

    def history(self, entries: Iterable[HistoryEntry], origin: Callable[[Path], Address]) -> Iterator[LocatedCondition]:
        """What is required of the contact's own history; ``origin`` returns the address that sets a path."""
        for position, entry in enumerate(entries):
            path: Path = ("eligible", "history", position)
            yield LocatedCondition(self.histories.condition(entry), origin(path), path)

    def of_offer(
        self, uses: Sequence[FilterUse], when: str | None, address: Address, path: Path, offer: Row
    ) -> tuple[LocatedCondition, ...]:
        """What ``path`` of ``address`` requires of contacts for an offer."""
        result = [self.use(use, address, (*path, "filters", position), offer) for position, use in enumerate(uses)]
        if when is not None:
            where = (*path, "when")
            result.append(LocatedCondition(self.expressions.of_offer(when, address, where, offer), address, where))
        return tuple(result)

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

    def _broken(self, name: str, problem: str, address: Address, path: Path) -> LocatedCondition:
        """A condition that never holds, and is reported."""
        self.expressions.problems.append(Report(Code.BROKEN_RULE, f"{address} never holds: {problem}", address))
        return LocatedCondition(BoundCondition(CompiledExpression("", None, problem, ("", ""))), address, path, name)


def _reads_offer(condition: LocatedCondition) -> bool:
    checked = condition.condition.expression.checked
    return checked is not None and checked.uses("offer")
