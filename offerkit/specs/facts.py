"""The facts of a resource that checks between resources need: conditions, types, values for filters, themes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from offerkit.address import Kind
from offerkit.fingerprint import JsonPath
from offerkit.models.expression_scopes import ExpressionRole
from offerkit.rules.types import ExpectedResult
from offerkit.specs.record import DeclaredField, Expression

if TYPE_CHECKING:
    from offerkit.models.dimension import TypedField
    from offerkit.models.filter import FilterUse
    from offerkit.models.offer_field import OfferField


def expressions(kind: Kind, resource: Any) -> tuple[Expression, ...]:
    """Every condition and formula of ``resource``, with its path, its role and the kind of result expected."""
    return tuple(
        [
            Expression(path, text, str(role), str(expected))
            for path, text, role, expected in _all(kind, resource)
            if text is not None
        ]
    )


def filter_values(resource: Any) -> tuple[tuple[JsonPath, Mapping[str, str]], ...]:
    """The values that an offer, template, category or environment gives to its filters."""
    return tuple(
        [
            ((*path, number), dict(use.values))
            for path, uses in _filter_lists(resource)
            for number, use in enumerate(uses)
            if use.values
        ]
    )


def _filter_lists(resource: Any) -> Iterator[tuple[JsonPath, tuple[FilterUse, ...]]]:
    if resource.kind is Kind.ENVIRONMENT:
        yield ("filters",), resource.filters
        return
    yield ("eligible", "filters"), resource.eligible.filters
    if resource.kind is not Kind.CATEGORY:
        for number, weight in enumerate(resource.weights):
            yield ("weights", number, "filters"), weight.filters


def types(fields: Mapping[str, TypedField]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Declared fields, call data or parameters, as facts."""
    return tuple((name, field.type, field.values) for name, field in fields.items())


def offer_fields(fields: Mapping[str, OfferField]) -> tuple[DeclaredField, ...]:
    """The fields that an environment declares for its offers, as facts."""
    return tuple(
        DeclaredField(name, field.type, field.values, field.required, field.range.min, field.range.max)
        for name, field in fields.items()
    )


COUNTED: JsonPath = ("eligible", "history")
"""Where an offer, template or category counts propositions; its own themes stand elsewhere."""
Found = tuple[JsonPath, str | None, ExpressionRole, ExpectedResult]


def _all(kind: Kind, resource: Any) -> Iterator[Found]:
    match kind:
        case Kind.ENVIRONMENT:
            yield ("when",), resource.when, ExpressionRole.TARGET, ExpectedResult.CONDITION
        case Kind.CATEGORY:
            yield ("eligible", "when"), resource.eligible.when, ExpressionRole.OFFER, ExpectedResult.CONDITION
        case Kind.OFFER | Kind.TEMPLATE:
            yield ("eligible", "when"), resource.eligible.when, ExpressionRole.OFFER, ExpectedResult.CONDITION
            for number, weight in enumerate(resource.weights):
                if weight.when is not None:
                    yield ("weights", number, "when"), weight.when, ExpressionRole.OFFER, ExpectedResult.CONDITION
                if weight.formula is not None:
                    yield ("weights", number, "formula"), weight.formula, ExpressionRole.OFFER, ExpectedResult.FORMULA
        case Kind.FILTER:
            yield ("when",), resource.when, ExpressionRole.FILTER, ExpectedResult.CONDITION
        case Kind.RULE:
            yield ("applies_to", "when"), resource.applies_to.when, ExpressionRole.APPLIES_TO, ExpectedResult.CONDITION
            yield ("contacts",), resource.contacts, ExpressionRole.TARGET, ExpectedResult.CONDITION
            yield ("counted", "when"), resource.counted.when, ExpressionRole.COUNTED, ExpectedResult.CONDITION
        case Kind.SPACE:
            for moment, texts in resource.storage.data:
                for name, text in texts.items():
                    yield ("storage", *moment, name), text, ExpressionRole.STORED, ExpectedResult.VALUE
        case Kind.POLICY:
            yield ("require",), resource.require, ExpressionRole.POLICY, ExpectedResult.CONDITION
        case Kind.CAMPAIGN:
            yield from _deliveries(resource)
        case Kind.DIMENSION | Kind.PROFILE | Kind.OPERATOR | Kind.TYPOLOGY | Kind.CASES | Kind.WEBHOOK:
            return


def _deliveries(campaign: Any) -> Iterator[Found]:
    for name, delivery in campaign.deliveries.items():
        path = ("deliveries", name)
        yield (*path, "target"), delivery.target, ExpressionRole.TARGET, ExpectedResult.CONDITION
        for place, part in delivery.part_paths():
            here = (*path, *place)
            yield (*here, "offer_from"), part.offer_from, ExpressionRole.TARGET, ExpectedResult.VALUE
            for number, cell in enumerate(part.cells or ()):
                at = (*here, "cells", number)
                yield (*at, "when"), cell.when, ExpressionRole.TARGET, ExpectedResult.CONDITION
                yield (*at, "offer_from"), cell.offer_from, ExpressionRole.TARGET, ExpectedResult.VALUE


def themes(kind: Kind, resource: Any) -> tuple[tuple[str, JsonPath], ...]:
    """The themes that an offer, template or category has, or that a space, rule or campaign asks for."""
    match kind:
        case Kind.OFFER | Kind.TEMPLATE | Kind.CATEGORY:
            return _listed(("themes",), resource.themes) + tuple(_counted_themes(resource))
        case Kind.SPACE:
            return _listed(("defaults", "themes"), resource.defaults.themes)
        case Kind.RULE:
            return _listed(("applies_to", "themes"), resource.applies_to.themes)
        case Kind.CAMPAIGN:
            return tuple(
                theme
                for name, delivery in resource.deliveries.items()
                for place, part in delivery.part_paths()
                if part.engine is not None
                for theme in _listed(("deliveries", name, *place, "engine", "themes"), part.engine.themes)
            )
        case _:
            return ()


def _counted_themes(resource: Any) -> Iterator[tuple[str, JsonPath]]:
    for number, entry in enumerate(resource.eligible.history):
        if entry.theme is not None:
            yield entry.theme, (*COUNTED, number, "theme")


def _listed(path: JsonPath, names: tuple[str, ...]) -> tuple[tuple[str, JsonPath], ...]:
    return tuple((name, (*path, number)) for number, name in enumerate(names))
