"""Compiles a catalog (catalog.py) from bodies: validates each once, applies inheritance, builds the indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from offerkit.address import SHARED, Address, Kind, ancestors, environment_address
from offerkit.diagnostics import Code
from offerkit.engine.call_facts import facts_read
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, CompiledExpression, Path
from offerkit.engine.expressions import Expressions
from offerkit.engine.hooks import NO_HOOKS, Hooks
from offerkit.engine.presentation_rules import matches, offer_row
from offerkit.engine.ranking import offer_tie
from offerkit.engine.report import Report
from offerkit.engine.resources import (
    CallField,
    CompiledCategory,
    CompiledDimension,
    CompiledMultiplier,
    CompiledOffer,
    CompiledSpace,
    CompiledWeight,
    Days,
    LocatedCondition,
    PresentationRule,
)
from offerkit.fingerprint import JsonMap
from offerkit.models.category import Category as CategoryModel
from offerkit.models.dimension import Dimension as DimensionModel
from offerkit.models.environment import Environment
from offerkit.models.expression_scopes import OFFER_FIELDS, field_types
from offerkit.models.filter import Filter, FilterUse
from offerkit.models.offer import Offer as OfferModel
from offerkit.models.rule import Rule
from offerkit.models.space import Space as SpaceModel
from offerkit.models.template import Weight as WeightModel
from offerkit.models.typology import Typology
from offerkit.rules.types import ExpectedResult, FieldType, Row
from offerkit.rules.values import parse_value
from offerkit.state.effective import Inheritance
from offerkit.times import duration

_STATUSES = {
    "any": frozenset[str](),
    "accepted-or-rejected": frozenset({"accepted", "rejected"}),
    "accepted": frozenset({"accepted"}),
    "rejected": frozenset({"rejected"}),
}
_ANY_TIME = datetime(2000, 1, 1)
"""For conditions that do not read the clock."""
NOWHERE: Mapping[str, str] = MappingProxyType({})
_READ = ("category", "code", "label", "enabled", "eligible", "weights", "themes")


def compile_catalog(
    environment: str,
    bodies: Mapping[Address, JsonMap],
    activated: Mapping[Address, tuple[str, ...]],
    hooks: Hooks = NO_HOOKS,
    *,
    revision: int = 0,
    stopped: Mapping[Address, Mapping[str, str]] | None = None,
) -> Catalog:
    """The catalog of ``environment``, compiled from canonical bodies by address, shared resources included.

    ``activated``: by offer address, the spaces it is activated on; an absent offer is on none. Previews and
    simulations pass hypothetical values. ``stopped``: by offer and space, the reason. Raises KeyError if the
    environment or its dimension is not among the bodies. A rule that cannot be read makes its offer ineligible and is
    listed in ``problems``.
    """
    return _Compiler(environment, bodies, activated, hooks, stopped or {}).catalog(revision)


class _Compiler:
    """Compiles one environment from bodies by address."""

    def __init__(
        self,
        environment: str,
        bodies: Mapping[Address, JsonMap],
        activated: Mapping[Address, tuple[str, ...]],
        hooks: Hooks,
        stopped: Mapping[Address, Mapping[str, str]],
    ) -> None:
        """Read what every step needs: the environment and its dimension. Raises KeyError if either is missing."""
        self._environment, self._bodies, self._activated, self._hooks = environment, bodies, activated, hooks
        self._stopped = stopped
        self._model = Environment.model_validate(bodies[environment_address(environment)])
        self._dimension = DimensionModel.model_validate(bodies[Address(SHARED, Kind.DIMENSION, self._model.dimension)])
        self._inheritance = Inheritance(environment, bodies.get)
        self._zone = ZoneInfo(self._model.time_zone)
        self._fields = field_types(self._dimension.fields)
        self._data = self._call_fields()
        types = {name: field.type for name, field in self._data.items()}
        self._offer_fields = field_types(self._model.offer_fields)
        self._no_offer: Row = _unknown({**OFFER_FIELDS, **self._offer_fields})
        self._expressions = Expressions(
            self._model.dimension,
            self._fields,
            types,
            self._offer_fields,
            self._zone,
            field_types(self._model.product_fields),
        )

    def catalog(self, revision: int) -> Catalog:
        address = environment_address(self._environment)
        when = None
        if self._model.when is not None:
            condition = self._expressions.target(self._model.when, address, ("when",))
            when = LocatedCondition(condition, address, ("when",))
        categories = self._categories()
        offers = self._offers(categories)
        rules = self._rules(offers, categories)
        return Catalog(
            environment=self._environment,
            revision=revision,
            zone=self._zone,
            anonymous=self._model.anonymous,
            dimension=CompiledDimension(self._model.dimension, self._dimension.key, MappingProxyType(self._fields)),
            call_data=MappingProxyType(self._data),
            product_fields=MappingProxyType(field_types(self._model.product_fields)),
            when=when,
            spaces=MappingProxyType(dict(self._spaces())),
            categories=MappingProxyType(categories),
            offers=offers,
            position_of=MappingProxyType({offer.name: offer.position for offer in offers}),
            rules=rules,
            by_category=_index(
                ((path, offer.position) for offer in offers for path in ancestors(offer.category)), categories
            ),
            by_theme=_index(
                ((theme, offer.position) for offer in offers for theme in sorted(offer.themes)),
                {theme for category in categories.values() for theme in category.themes},
            ),
            always=frozenset(offer.position for offer in offers if any(part.always for part in offer.chain)),
            longest_period=max((rule.before for rule in rules), default=timedelta(0)),
            hooks=self._hooks,
            problems=tuple(self._expressions.problems),
            nobody=_unknown(self._fields),
            no_data=_unknown(self._data),
            no_product=_unknown(self._model.product_fields),
            offer_fields=MappingProxyType(self._offer_fields),
            call_facts=facts_read(self._own_bodies(), self._data),
        )

    def _own_bodies(self) -> Iterator[JsonMap]:
        return (body for address, body in self._bodies.items() if address.environment == self._environment)

    def _of(self, kind: Kind) -> Iterator[tuple[str, Address, JsonMap]]:
        """Name, address and body of each resource of ``kind``, by name."""
        own = [a for a in self._bodies if a.kind is kind and a.environment == self._environment]
        for address in sorted(own):
            yield address.name, address, self._bodies[address]

    def _call_fields(self) -> dict[str, CallField]:
        declared = self._model.call_data
        types = field_types(declared)
        fields: dict[str, CallField] = {}
        for name, field in declared.items():
            try:
                sample = parse_value(field.sample, types[name], self._zone)
            except ValueError:  # a sample is for previews; checking the specs reports a bad one
                sample = None
            fields[name] = CallField(types[name], field.required, sample)
        return fields

    def _spaces(self) -> Iterator[tuple[str, CompiledSpace]]:
        for name, address, body in self._of(Kind.SPACE):
            model = SpaceModel.model_validate(body)
            yield (
                name,
                CompiledSpace(
                    name=name,
                    address=address,
                    channel=model.channel,
                    unitary=model.unitary,
                    categories=model.defaults.categories,
                    themes=model.defaults.themes,
                    target_loading=model.hooks.target_loading or "",
                    post_processing=model.hooks.post_processing or "",
                ),
            )

    def _categories(self) -> dict[str, CompiledCategory]:
        known: dict[str, CompiledCategory] = {}
        for path, address, body in sorted(self._of(Kind.CATEGORY), key=lambda found: found[0].split("/")):
            model = CategoryModel.model_validate(body)
            when = None
            if model.eligible.when is not None:
                where = ("eligible", "when")
                condition = self._expressions.of_offer(model.eligible.when, address, where, self._no_offer)
                when = LocatedCondition(condition, address, where)
            multiplier = None
            if model.multiplier is not None:
                days = Days(model.multiplier.from_, model.multiplier.until)
                multiplier = CompiledMultiplier(model.multiplier.factor, days)
            known[path] = CompiledCategory(
                path=path,
                label=model.label,
                address=address,
                enabled=model.enabled,
                days=Days(model.eligible.from_, model.eligible.until),
                when=when,
                multiplier=multiplier,
                themes=self._inheritance.themes(path),
                always=self._inheritance.always_included(path),
            )
        return known

    def _offers(self, categories: Mapping[str, CompiledCategory]) -> tuple[CompiledOffer, ...]:
        compiler = OfferCompiler(self._environment, self._inheritance, categories, self._expressions)
        return tuple(
            compiler.offer(
                position,
                name,
                tie=offer_tie(name),
                spaces=frozenset(self._activated.get(address, ())),
                stopped=self._stopped.get(address, NOWHERE),
            )
            for position, (name, address, _) in enumerate(self._of(Kind.OFFER))
        )

    def _rules(
        self, offers: tuple[CompiledOffer, ...], categories: Mapping[str, CompiledCategory]
    ) -> tuple[PresentationRule, ...]:
        name = self._model.typology
        typology = self._bodies.get(Address(self._environment, Kind.TYPOLOGY, name)) if name is not None else None
        if typology is None:
            return ()
        addresses = [Address(self._environment, Kind.RULE, name) for name in Typology.model_validate(typology).rules]
        models = [
            (address, Rule.model_validate(self._bodies[address])) for address in addresses if address in self._bodies
        ]
        stored = self._stored_types(model for _, model in models)
        return tuple(
            _compile_rule(address, model, offers, categories, self._expressions, stored)
            for address, model in models
            if model.enabled
        )

    def _stored_types(self, rules: Iterable[Rule]) -> Mapping[str, FieldType]:
        """The types of stored data, if a rule may read any."""
        if not any("stored" in (rule.counted.when or "") for rule in rules):
            return {}
        return self._expressions.stored_types(SpaceModel.model_validate(body) for _, _, body in self._of(Kind.SPACE))


def _compile_rule(
    address: Address,
    model: Rule,
    offers: Sequence[CompiledOffer],
    categories: Mapping[str, CompiledCategory],
    expressions: Expressions,
    stored: Mapping[str, FieldType],
) -> PresentationRule:
    """The rule at ``address``, with the offers it applies to, unless that depends on the clock or the contact."""
    about = model.applies_to
    contacts = None
    if model.contacts is not None:
        condition = expressions.target(model.contacts, address, ("contacts",))
        contacts = LocatedCondition(condition, address, ("contacts",))
    rule = PresentationRule(
        name=address.name,
        address=address,
        channel=model.channel or "",
        everything=not (about.offers or about.categories or about.themes or about.when is not None),
        offers=frozenset(about.offers).union(
            offer.name for offer in offers if not offer.themes.isdisjoint(about.themes)
        ),
        categories=about.categories,
        applies_when=expressions.applies_to(about.when, address) if about.when is not None else None,
        applies=None,
        contacts=contacts,
        of=model.counted.of,
        statuses=_STATUSES[model.counted.status],
        same_channel=model.counted.same_channel,
        when=expressions.counted(model.counted.when, address, stored) if model.counted.when is not None else None,
        before=duration(model.period.before),
        after=duration(model.period.after),
        maximum=model.max,
        stored={},
    )
    read = rule.counts_by("stored")
    if read:
        rule = replace(rule, stored={name: stored[name] for name in read})
    if rule.applies_when is not None and (rule.applies_when.uses_clock or rule.weighs):
        return rule
    labels = {path: category.label for path, category in categories.items()}
    positions = (
        offer.position
        for offer in offers
        if matches(
            rule,
            offer_row(offer),
            {"path": offer.category, "label": labels.get(offer.category)},
            _ANY_TIME,
            _ANY_TIME.date(),
        )
    )
    return replace(rule, applies=frozenset(positions))


def _index(pairs: Iterable[tuple[str, int]], names: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    """Places by name; ``names`` are there even when no offer is."""
    positions_by_name: dict[str, list[int]] = {name: [] for name in sorted(names)}
    for name, position in pairs:
        positions_by_name.setdefault(name, []).append(position)
    return MappingProxyType({name: tuple(positions) for name, positions in positions_by_name.items()})


def _unknown(fields: Mapping[str, object]) -> Row:
    return MappingProxyType(dict.fromkeys(fields))


class OfferCompiler:
    """Compiles the offers of one environment."""

    def __init__(
        self,
        environment: str,
        inheritance: Inheritance,
        categories: Mapping[str, CompiledCategory],
        expressions: Expressions,
    ) -> None:
        """``categories``: the compiled ones, by path."""
        self._environment, self._inheritance = environment, inheritance
        self._categories, self._expressions = categories, expressions
        self._filters: dict[str, Filter] = {}
        self._bound_categories: dict[tuple[str, BoundCondition], CompiledCategory] = {}

    def offer(
        self, position: int, name: str, *, tie: int, spaces: frozenset[str], stopped: Mapping[str, str] = NOWHERE
    ) -> CompiledOffer:
        """The offer ``name`` at ``position`` in the catalog, activated on ``spaces``; ``stopped``: reasons by space."""
        address = Address(self._environment, Kind.OFFER, name)
        effective = self._inheritance.offer(address)
        model = OfferModel.model_validate(effective.pick(_READ))
        fields = self._expressions.values_of(effective)
        row: Row = MappingProxyType(
            {**fields, "name": name, "code": model.code or name, "label": model.label, "category": model.category}
        )
        chain = tuple(self._category(self._categories[layer.name], row) for layer in effective.categories)
        offer = CompiledOffer(
            position=position,
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
            fields=fields,
        )
        return self._with_rules(offer, model)

    def _category(self, category: CompiledCategory, row: Row) -> CompiledCategory:
        """``category`` for an offer: its condition is bound to the offer's fields, if it reads any."""
        when = category.when
        if when is None or not when.condition.bound:
            return category
        condition = self._expressions.rebound(when.condition, row)
        known = self._bound_categories.get((category.path, condition))
        if known is None:
            known = replace(category, when=replace(when, condition=condition))
            self._bound_categories[category.path, condition] = known
        return known

    def _with_rules(self, offer: CompiledOffer, model: OfferModel) -> CompiledOffer:
        requirements = [self._filter(offer, position, use) for position, use in enumerate(model.eligible.filters)]
        if model.eligible.when is not None:
            address, path = offer.where(("eligible", "when"))
            condition = self._expressions.of_offer(model.eligible.when, address, path, offer.row)
            requirements.append(LocatedCondition(condition, address, path))
        weights = [self._weight(offer, position, weight) for position, weight in enumerate(model.weights)]
        if not weights:
            weights = [CompiledWeight(number=Decimal(1), address=offer.address, path=())]
        return replace(offer, requirements=tuple(requirements), weights=tuple(weights))

    def _filter(self, offer: CompiledOffer, position: int, use: FilterUse) -> LocatedCondition:
        address, path = offer.where(("eligible", "filters", position))
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
                use.filter, f"a parameter of filter “{use.filter}” has a wrong value: {error}", address, path
            )
        condition = self._expressions.filter(at, model.when, types, MappingProxyType(values), offer.row)
        return LocatedCondition(condition, at, ("when",), use.filter)

    def _broken(self, name: str, problem: str, address: Address, path: Path) -> LocatedCondition:
        """A condition that never holds, and is reported."""
        self._expressions.problems.append(Report(Code.BROKEN_RULE, f"{address} never holds: {problem}", address))
        return LocatedCondition(BoundCondition(CompiledExpression("", None, problem, ("", ""))), address, path, name)

    def _weight(self, offer: CompiledOffer, position: int, model: WeightModel) -> CompiledWeight:
        address, path = offer.where(("weights", position))
        when = None
        if model.when is not None:
            condition = self._expressions.of_offer(model.when, address, (*path, "when"), offer.row)
            when = LocatedCondition(condition, address, (*path, "when"))
        formula = None
        if model.formula is not None:
            formula = self._expressions.of_offer(
                model.formula, address, (*path, "formula"), offer.row, ExpectedResult.FORMULA
            )
        return CompiledWeight(
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
