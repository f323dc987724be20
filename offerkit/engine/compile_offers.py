"""Compiles offers: what they and their templates say about eligibility and weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code
from offerkit.engine.condition import Condition, Gate, Path
from offerkit.engine.expressions import Expressions
from offerkit.engine.report import Report
from offerkit.engine.resources import Category, Days, Offer, Requirement, Weight
from offerkit.models.filter import Filter, FilterUse
from offerkit.models.offer import Offer as OfferModel
from offerkit.models.scopes import field_types
from offerkit.models.template import Weight as WeightModel
from offerkit.rules.types import Row, Wanted
from offerkit.state.effective import Inheritance

NOWHERE: Mapping[str, str] = MappingProxyType({})
_READ = ("category", "code", "label", "enabled", "eligible", "weights", "themes")


class OfferCompiler:
    """Compiles the offers of one environment."""

    def __init__(
        self,
        environment: str,
        inheritance: Inheritance,
        categories: Mapping[str, Category],
        expressions: Expressions,
    ) -> None:
        """``categories``: the compiled ones, by path."""
        self._environment, self._inheritance = environment, inheritance
        self._categories, self._expressions = categories, expressions
        self._filters: dict[str, Filter] = {}

    def offer(
        self, place: int, name: str, *, tie: int, spaces: frozenset[str], stopped: Mapping[str, str] = NOWHERE
    ) -> Offer:
        """The offer ``name``, the ``place``-th of the catalog, activated on ``spaces``; ``stopped``: why, by space."""
        address = Address(self._environment, Kind.OFFER, name)
        effective = self._inheritance.offer(address)
        model = OfferModel.model_validate(effective.pick(_READ))
        row: Row = MappingProxyType(
            {"name": name, "code": model.code or name, "label": model.label, "category": model.category}
        )
        chain = tuple(self._categories[layer.name] for layer in effective.categories)
        offer = Offer(
            place=place,
            name=name,
            address=address,
            category=model.category,
            chain=chain,
            enabled=model.enabled,
            days=Days(model.eligible.from_, model.eligible.until),
            requirements=(),
            weights=(),
            themes=effective.themes,
            spaces=spaces,
            stopped=stopped,
            row=row,
            tie=tie,
            layers=effective.layers,
        )
        return self._with_rules(offer, model)

    def _with_rules(self, offer: Offer, model: OfferModel) -> Offer:
        requirements = [self._filter(offer, place, use) for place, use in enumerate(model.eligible.filters)]
        if model.eligible.when is not None:
            address, path = offer.where(("eligible", "when"))
            gate = self._expressions.target(model.eligible.when, address, path)
            requirements.append(Requirement(gate, address, path))
        weights = [self._weight(offer, place, weight) for place, weight in enumerate(model.weights)]
        if not weights:
            weights = [Weight(number=Decimal(1), address=offer.address, path=())]
        return replace(offer, requirements=tuple(requirements), weights=tuple(weights))

    def _filter(self, offer: Offer, place: int, use: FilterUse) -> Requirement:
        address, path = offer.where(("eligible", "filters", place))
        at, body = self._inheritance.filter(use.filter)
        if body is None:
            return self._broken(use.filter, f"there is no filter “{use.filter}”", address, path)
        model = self._filters.get(at)
        if model is None:
            model = self._filters[at] = Filter.model_validate(body)
        types = field_types(model.parameters)
        declared = {name: (types[name], field.default) for name, field in model.parameters.items()}
        try:
            values = self._expressions.values(use.values, declared)
        except ValueError as error:
            return self._broken(
                use.filter, f"a parameter of filter “{use.filter}” does not fit: {error}", address, path
            )
        gate = self._expressions.filter(at, model.when, types, MappingProxyType(values), offer.row)
        return Requirement(gate, at, ("when",), use.filter)

    def _broken(self, name: str, problem: str, address: Address, path: Path) -> Requirement:
        """A requirement that never holds, told of."""
        self._expressions.problems.append(Report(Code.BROKEN_RULE, f"{address} never holds: {problem}", address))
        return Requirement(Gate(Condition("", None, problem, ("", ""))), address, path, name)

    def _weight(self, offer: Offer, place: int, model: WeightModel) -> Weight:
        address, path = offer.where(("weights", place))
        when = None
        if model.when is not None:
            gate = self._expressions.target(model.when, address, (*path, "when"))
            when = Requirement(gate, address, (*path, "when"))
        formula = None
        if model.formula is not None:
            formula = self._expressions.target(model.formula, address, (*path, "formula"), Wanted.FORMULA)
        return Weight(
            label=model.label,
            number=model.weight,
            formula=formula,
            when=when,
            days=Days(model.from_, model.until),
            spaces=frozenset(model.spaces),
            dynamic=model.dynamic or "",
            address=address,
            path=path,
        )
