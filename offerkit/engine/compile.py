"""Compiles a catalog (catalog.py) from bodies: validates each once, applies inheritance, builds the indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

from offerkit.address import SHARED, Address, Kind, ancestors, environment_address
from offerkit.engine.call_facts import facts_read
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, CallFacts
from offerkit.engine.contact_history import ContactHistories
from offerkit.engine.expressions import Expressions
from offerkit.engine.history import counted_statuses
from offerkit.engine.hooks import NO_HOOKS, Hooks
from offerkit.engine.predicate_index import SharedParts
from offerkit.engine.presentation_rules import matches, offer_row
from offerkit.engine.ranking import offer_tie
from offerkit.engine.requirements import Requirements
from offerkit.engine.resources import (
    NO_FIELDS,
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
from offerkit.engine.weights import formula_weight
from offerkit.fingerprint import JsonMap
from offerkit.models.category import Category as CategoryModel
from offerkit.models.dimension import Dimension as DimensionModel
from offerkit.models.environment import Environment
from offerkit.models.expression_scopes import OFFER_FIELDS, field_types
from offerkit.models.offer import Offer as OfferModel
from offerkit.models.rule import Rule
from offerkit.models.space import Space as SpaceModel
from offerkit.models.template import Weight as WeightModel
from offerkit.models.typology import Typology
from offerkit.rules.nodes import CallNode, walk
from offerkit.rules.types import ExpectedResult, FieldType, Row, Value
from offerkit.rules.values import parse_value
from offerkit.state.effective import Inheritance
from offerkit.state.former_names import FormerNames
from offerkit.times import duration

_ANY_TIME = datetime(2000, 1, 1)
"""For conditions that do not read the clock."""
_NOBODY = CallFacts(NO_FIELDS, NO_FIELDS, _ANY_TIME, _ANY_TIME.date())
"""For formulas that read only the offer."""
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
    former_names: FormerNames = (),
) -> Catalog:
    """The catalog of ``environment``, compiled from canonical bodies by address, shared resources included.

    ``activated``: by offer address, the spaces it is activated on; an absent offer is on none. Previews and
    simulations pass hypothetical values. ``stopped``: by offer and space, the reason.
    ``former_names``: what propositions call otherwise. Raises KeyError if the environment or its dimension is not
    among the bodies. A rule that cannot be read makes its offer ineligible and is
    listed in ``problems``.
    """
    catalog = _Compiler(environment, bodies, activated, hooks, stopped or {}).catalog(revision)
    return replace(catalog, former_names=former_names) if former_names else catalog


def with_typology(catalog: Catalog, bodies: Callable[[Address], JsonMap | None], typology: str) -> Catalog:
    """``catalog`` with the presentation rules of another typology of its environment, in addition to its own.

    ``bodies`` gives the canonical body at an address. A rule that both have counts once.
    """
    environment = catalog.environment
    body = bodies(Address(environment, Kind.TYPOLOGY, typology))
    known = {rule.address for rule in catalog.rules}
    names = Typology.model_validate(body).rules if body is not None else ()
    addresses = [address for name in names if (address := Address(environment, Kind.RULE, name)) not in known]
    expressions = Expressions.of_catalog(catalog)
    spaces = (body for space in catalog.spaces.values() if (body := bodies(space.address)) is not None)
    more = _compile_rules(addresses, bodies, spaces, catalog.offers, catalog.categories, expressions)
    if not more:
        return catalog
    return replace(
        catalog,
        rules=(*catalog.rules, *more),
        longest_period=max(catalog.longest_period, *(rule.before for rule in more)),
        problems=(*catalog.problems, *expressions.problems),
    )


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
        self._expressions = Expressions(
            self._model.dimension,
            self._fields,
            types,
            self._offer_fields,
            self._zone,
            field_types(self._model.product_fields),
        )
        no_offer = _unknown({**OFFER_FIELDS, **self._offer_fields})
        self._histories = ContactHistories(self._carriers)
        self._requirements = Requirements(self._inheritance, self._expressions, no_offer, self._histories)

    def catalog(self, revision: int) -> Catalog:
        address = environment_address(self._environment)
        requirements = self._requirements.of_environment(address, self._model.filters, self._model.when)
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
            requirements=requirements,
            product_fields=MappingProxyType(field_types(self._model.product_fields)),
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
            longest_period=max((self._histories.longest, *(rule.before for rule in rules))),
            counts_history=bool(self._histories),
            hooks=self._hooks,
            problems=tuple(self._expressions.problems),
            nobody=_unknown(self._fields),
            no_data=_unknown(self._data),
            no_product=_unknown(self._model.product_fields),
            sample_product=MappingProxyType(self._sample_product()),
            offer_fields=MappingProxyType(self._offer_fields),
            parts=SharedParts(self._model.dimension),
            call_facts=facts_read(self._own_bodies(), self._data),
        )

    def _carriers(self, theme: str) -> frozenset[str]:
        """The names of the offers that have a theme now."""
        return self._by_theme.get(theme, frozenset())

    @cached_property
    def _by_theme(self) -> dict[str, frozenset[str]]:
        names: dict[str, set[str]] = {}
        for name, address, _ in self._of(Kind.OFFER):
            for theme in self._inheritance.offer(address).themes:
                names.setdefault(theme, set()).add(name)
        return {theme: frozenset(carriers) for theme, carriers in names.items()}

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
            sample = self._sample(field.sample, types[name])
            fields[name] = CallField(types[name], field.required, sample)
        return fields

    def _sample_product(self) -> dict[str, Value]:
        fields = self._model.product_fields
        samples = {name: self._sample(field.sample, field.value_type) for name, field in fields.items()}
        return {name: sample for name, sample in samples.items() if sample is not None}

    def _sample(self, text: str | None, type_: FieldType) -> Value:
        try:
            return parse_value(text, type_, self._zone)
        except ValueError:  # a sample is for previews; checking the specs reports a bad one
            return None

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
            eligible = model.eligible
            multiplier = None
            if model.multiplier is not None:
                days = Days(model.multiplier.from_, model.multiplier.until)
                multiplier = CompiledMultiplier(model.multiplier.factor, days)
            known[path] = CompiledCategory(
                path=path,
                label=model.label,
                address=address,
                enabled=model.enabled,
                days=Days(eligible.from_, eligible.until),
                requirements=self._requirements.of_category(address, eligible),
                multiplier=multiplier,
                themes=self._inheritance.themes(path),
                always=self._inheritance.always_included(path),
            )
        return known

    def _offers(self, categories: Mapping[str, CompiledCategory]) -> tuple[CompiledOffer, ...]:
        compiler = OfferCompiler(self._environment, self._inheritance, categories, self._requirements)
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
        spaces = (body for _, _, body in self._of(Kind.SPACE))
        return _compile_rules(addresses, self._bodies.get, spaces, offers, categories, self._expressions)


def _compile_rules(
    addresses: Iterable[Address],
    bodies: Callable[[Address], JsonMap | None],
    spaces: Iterable[JsonMap],
    offers: Sequence[CompiledOffer],
    categories: Mapping[str, CompiledCategory],
    expressions: Expressions,
) -> tuple[PresentationRule, ...]:
    """The rules at ``addresses`` that are there and enabled; ``spaces``: the bodies of all spaces."""
    models = [(address, Rule.model_validate(body)) for address in addresses if (body := bodies(address)) is not None]
    stored = _stored_types((model for _, model in models), spaces, expressions)
    return tuple(
        _compile_rule(address, model, offers, categories, expressions, stored)
        for address, model in models
        if model.enabled
    )


def _stored_types(
    rules: Iterable[Rule], spaces: Iterable[JsonMap], expressions: Expressions
) -> Mapping[str, FieldType]:
    """The types of what ``spaces`` store with propositions, if one of ``rules`` may read any of it."""
    if not any("stored" in (rule.counted.when or "") for rule in rules):
        return {}
    return expressions.stored_types(SpaceModel.model_validate(body) for body in spaces)


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
        statuses=counted_statuses(model.counted.status),
        same_channel=model.counted.same_channel,
        when=expressions.counted(model.counted.when, address, stored) if model.counted.when is not None else None,
        before=duration(model.period.before),
        after=duration(model.period.after),
        maximum=model.max,
        stored={},
        daily=False,
    )
    read = rule.counts_by("stored")
    if read:
        rule = replace(rule, stored={name: stored[name] for name in read})
    if rule.applies_when is not None and (rule.applies_when.uses_clock or rule.weighs):
        return replace(rule, daily=not rule.weighs and not _reads_now(rule.applies_when))
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


def _reads_now(condition: BoundCondition) -> bool:
    checked = condition.expression.checked
    return checked is not None and any(isinstance(node, CallNode) and node.name == "now" for node in walk(checked.root))


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
        requirements: Requirements,
    ) -> None:
        """``categories``: the compiled ones, by path."""
        self._environment, self._inheritance = environment, inheritance
        self._categories, self._requirements, self._expressions = categories, requirements, requirements.expressions

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
        chain = tuple(self._requirements.category(self._categories[layer.name], row) for layer in effective.categories)
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

    def _with_rules(self, offer: CompiledOffer, model: OfferModel) -> CompiledOffer:
        eligible = model.eligible
        requirements = [
            self._requirements.use(use, *offer.where(("eligible", "filters", position)), offer.row)
            for position, use in enumerate(eligible.filters)
        ]
        if eligible.when is not None:
            address, path = offer.where(("eligible", "when"))
            condition = self._expressions.of_offer(eligible.when, address, path, offer.row)
            requirements.append(LocatedCondition(condition, address, path))
        requirements += self._requirements.history(eligible.history, lambda path: offer.where(path)[0])
        weights = [self._weight(offer, position, weight) for position, weight in enumerate(model.weights)]
        if not weights:
            weights = [CompiledWeight(number=Decimal(1), value=Decimal(1), address=offer.address, path=())]
        return replace(offer, requirements=tuple(requirements), weights=tuple(weights))

    def _weight(self, offer: CompiledOffer, position: int, model: WeightModel) -> CompiledWeight:
        address, path = offer.where(("weights", position))
        formula = None
        if model.formula is not None:
            formula = self._expressions.of_offer(
                model.formula, address, (*path, "formula"), offer.row, ExpectedResult.FORMULA
            )
        computed = formula is not None and not formula.is_constant
        value = model.weight
        if formula is not None and not computed:
            value = formula_weight(formula.value(_NOBODY))
        return CompiledWeight(
            label=model.label,
            number=model.weight,
            formula=formula,
            computed=computed,
            value=value,
            requirements=self._requirements.of_offer(model.filters, model.when, address, path, offer.row),
            days=Days(model.from_, model.until),
            spaces=frozenset(model.spaces),
            dynamic=model.dynamic or "",
            address=address,
            path=path,
        )
