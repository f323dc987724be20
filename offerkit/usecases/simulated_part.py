"""What a simulation is narrowed to and counted by: conditions on contacts and on offers, axes on both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from offerkit.batch.condition_sql import condition_sql
from offerkit.batch.offer_groups import OfferGroups
from offerkit.batch.program import BatchProgram
from offerkit.batch.segments import Segments, beside
from offerkit.diagnostics import Code, Refused, nearest, or_list, refuse, suggestion
from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import facts_at
from offerkit.engine.presentation_rules import category_row, offer_row
from offerkit.engine.resources import CompiledOffer
from offerkit.engine.simulation import GroupResult
from offerkit.engine.slice import slice_of
from offerkit.models.expression_scopes import ExpressionRole, expression_scope
from offerkit.rules.types import ExpectedResult, NameScope
from offerkit.rules.values import show
from offerkit.usecases.evaluate import expression_diagnostics

if TYPE_CHECKING:
    from offerkit.rules.nodes import CheckedExpression

LONGEST_CONDITION = 10_000
"""Characters of a condition that an option gives, at most."""
NO_VALUE = "(none)"
COMBINED = 20
"""How many values of a contact's field a combined axis has, those of most contacts; the others are one."""
_OF_OFFERS = ("category", "theme")


@dataclass(frozen=True)
class SimulatedAxis:
    """An axis: a ``field`` of contacts, something of offers (``category``, ``theme`` or a declared field), or both."""

    title: str
    field: str = ""
    offer: str = ""


def axes_of(catalog: Catalog, texts: Iterable[str]) -> list[SimulatedAxis]:
    """The axes that ``texts`` name: ``recipient.country``, ``offer.category``, or both with a comma.

    Raises Refused with every name that is unknown, and for a combination of more than one of each.
    """
    axes: dict[str, SimulatedAxis] = {}
    diagnostics = []
    for text in dict.fromkeys(texts):
        parts = [_part(catalog, part.strip()) for part in text.split(",")]
        wrong = [part for part in parts if isinstance(part, Refused)]
        known = [part for part in parts if not isinstance(part, Refused)]
        diagnostics += [diagnostic for refused in wrong for diagnostic in refused.diagnostics]
        fields = [part.field for part in known if part.field]
        offers = [part.offer for part in known if part.offer]
        if not wrong and (len(fields) > 1 or len(offers) > 1):
            diagnostics += refuse(
                Code.UNKNOWN_AXIS,
                f"“{text[:80]}” combines more than a field of contacts with something of offers",
                hint="Combine one of each, such as recipient.country,offer.category; repeat --by for several axes.",
            ).diagnostics
        title = ", ".join(part.title for part in known)
        axes[title] = SimulatedAxis(title, *(names[0] if names else "" for names in (fields, offers)))
    if diagnostics:
        raise Refused(diagnostics)
    return list(axes.values())


def _part(catalog: Catalog, text: str) -> SimulatedAxis | Refused:
    dimension, fields = catalog.dimension.name, catalog.dimension.fields
    space, dot, name = text.rpartition(".")
    if space == "offer" and (name in _OF_OFFERS or name in catalog.offer_fields):
        return SimulatedAxis(f"offer.{name}", offer=name)
    if (not dot or space == dimension) and name in fields:
        return SimulatedAxis(f"{dimension}.{name}", field=name)
    if space == "offer":
        known = [*_OF_OFFERS, *catalog.offer_fields]
        near = or_list(f"offer.{each}" for each in nearest(name, known))
        hint = f"Did you mean {near}?" if near else f"Offers have: {', '.join(known)}."[:300]
        return refuse(Code.UNKNOWN_AXIS, f"cannot group by “{text[:80]}”: offers have no such field", hint=hint)
    return refuse(
        Code.UNKNOWN_AXIS,
        f"cannot group by “{text[:80]}”: {dimension} has no such field",
        hint=suggestion(text.removeprefix(f"{dimension}."), fields),
    )


@dataclass(frozen=True)
class PopulationCondition:
    """A condition on contacts, as SQL over their columns, and the fields that it reads."""

    sql: str
    fields: Sequence[str]


def population_condition(catalog: Catalog, text: str, at: datetime) -> PopulationCondition | None:
    """The condition that ``--population`` gives; None if it is empty. Raises Refused with all mistakes in it."""
    if not text:
        return None
    name = catalog.dimension.name
    checked = _checked(text, NameScope({name: catalog.dimension.fields}), "--population")
    facts = facts_at(at, catalog.zone, catalog.nobody, catalog.no_data)
    return PopulationCondition(condition_sql(checked, name, {}, facts), [field for _, field in checked.fields])


def offers_only(catalog: Catalog, text: str, at: datetime, calls: Sequence[Call]) -> list[Call]:
    """``calls`` for those offers of their slices alone for which the condition of ``--offers`` holds.

    Raises Refused with all mistakes in it.
    """
    if not text:
        return list(calls)
    scope = expression_scope(
        ExpressionRole.APPLIES_TO, catalog.dimension.name, {}, {}, offer_fields=catalog.offer_fields
    ).namespaces
    offer = {name: type_ for name, type_ in scope["offer"].items() if name != "weight"}
    checked = _checked(text, NameScope({**scope, "offer": offer}), "--offers")
    from offerkit.rules.python import compile_one

    holds, facts = compile_one(checked, ("offer", "category")), facts_at(at, catalog.zone, catalog.nobody, {})

    def kept(offer: CompiledOffer) -> bool:
        row, category = offer_row(offer), category_row(catalog, offer.category)
        return holds(row, category, facts.now, facts.today) is True

    chosen = {offer.position for offer in catalog.offers if kept(offer)}
    return [
        call._replace(
            offers=frozenset(
                catalog.offers[position].name
                for position in catalog.members(slice_of(catalog.spaces[call.space], call))
                if position in chosen
            )
        )
        for call in calls
    ]


def _checked(text: str, names: NameScope, option: str) -> CheckedExpression:
    from offerkit.rules.check import RuleError, check

    if len(text) > LONGEST_CONDITION:
        raise refuse(
            Code.EXPRESSION,
            f"{option} has {len(text):,} characters; {LONGEST_CONDITION:,} are allowed",
            hint="Shorten it.",
        )
    try:
        return check(text, names, ExpectedResult.CONDITION)
    except RuleError as error:
        raise Refused(expression_diagnostics(text, error, option)) from None


def group_counters(
    axes: Sequence[SimulatedAxis], program: BatchProgram, segments: Mapping[str, Segments]
) -> dict[str, OfferGroups]:
    """By title, the counters of the axes on offers for a space; ``segments`` by title, for combined axes."""
    offers = [program.catalog.offers[item.position] for item in program.items]
    return {
        axis.title: OfferGroups(
            [_values(offer, axis.offer) for offer in offers], program.call.n, segments.get(axis.title)
        )
        for axis in axes
        if axis.offer
    }


def _values(offer: CompiledOffer, name: str) -> Sequence[str]:
    if name == "theme":
        return sorted(offer.themes) or (NO_VALUE,)
    value = offer.row[name]
    return (NO_VALUE if value is None else beside(show(value), NO_VALUE),)


def group_results(
    counters: Mapping[str, OfferGroups], axes: Sequence[SimulatedAxis], everyone: int
) -> Iterator[tuple[str, list[GroupResult]]]:
    """The counts of each axis on offers: groups that reach most contacts first, those of one segment together."""
    for axis in axes:
        if not axis.offer:
            continue
        counter = counters[axis.title]
        results = []
        for segment, group, contacts, by_rank in counter.counted():
            by_title = {"offer": group, "contact": segment}
            order = ["contact", "offer"] if axis.field and not axis.title.startswith("offer.") else ["offer", "contact"]
            values = [by_title[part] for part in order if part == "offer" or axis.field]
            results.append(GroupResult(values, contacts, counter.whole(segment, everyone), by_rank))
        results.sort(key=lambda result: (-result.contacts, result.values))
        yield axis.title, results
