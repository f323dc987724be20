"""Conditions as formulas that are true or not for a contact at a moment, as the engine decides.

An offer's *effective condition* on a space is everything that makes it eligible there (domain.md §3, steps 2 and 4 to
6), made from the compiled catalog. Identification, the slice, hooks, presentation rules and ranking are not in
it. Proofs therefore say that contacts are eligible, never that they get an offer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import permutations

from offerkit.address import Address, Kind
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition
from offerkit.engine.resources import CompiledCategory, CompiledOffer, CompiledWeight, Days, LocatedCondition
from offerkit.fingerprint import JsonMap
from offerkit.models.expression_scopes import ExpressionRole, expression_scope, field_types
from offerkit.models.filter import Filter
from offerkit.prove.question import TRUE, AllOf, AnyOf, DayRange, Fixed, Formula, Holds, Origin
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope, Row, Value

UNREADABLE = "it cannot be read"
"""How the reason begins for which an expression that cannot be read is never true."""
_CONDITION = ExpectedResult.CONDITION
WrittenPath = tuple[str | int, ...]
"""Where an expression is written in a body."""


def effective_condition(catalog: Catalog, offer: CompiledOffer, space: str) -> Formula:
    """For whom, and when, ``offer`` is eligible on ``space``: its parts in the order in which the engine decides.

    An expression that cannot be read is never true. Hooks are not run: a dynamic weight counts as the weight it is.
    """
    return AllOf(tuple(_parts(catalog, offer, space)))


def call_on(catalog: Catalog, space: str, facts: Collection[str] | None = None) -> Formula:
    """What is true of the built-in ``facts`` of every call to ``space``; by default of those that the catalog reads."""
    known = {"space": space, "channel": catalog.spaces[space].channel, "environment": catalog.environment}
    texts = [
        f"interaction.{name} = '{known[name]}'" if name in known else f"interaction.{name} IS NOT NULL"
        for name in dict.fromkeys(catalog.call_facts if facts is None else facts)
    ]
    if not texts:
        return TRUE
    return Holds(check(" AND ".join(texts), expression_scope(ExpressionRole.TARGET, "", {}, {}), _CONDITION))


def _parts(catalog: Catalog, offer: CompiledOffer, space: str) -> Iterator[Formula]:
    yield from map(located, catalog.requirements)
    for category in offer.chain:
        yield from category_parts(category)
    if not offer.enabled:
        address, path = offer.where(("enabled",))
        yield Fixed(False, f"{offer.address} is not enabled", Origin(address, path))
    if space in offer.stopped:
        yield Fixed(False, offer.stopped[space], Origin(offer.address))
    elif space not in offer.spaces:
        yield Fixed(False, f"{offer.address} is not activated on {space}", Origin(offer.address, ("spaces",)))
    address, path = offer.where(("eligible", "from" if offer.days.first is not None else "until"))
    yield from _days(offer.days, Origin(address, path))
    for requirement in offer.requirements:
        yield located(requirement)
    yield AnyOf(
        tuple(weight_formula(weight) for weight in offer.weights if not weight.spaces or space in weight.spaces)
    )
    for category in offer.chain:
        yield from _multiplied(category)


def category_parts(category: CompiledCategory) -> Iterator[Formula]:
    """What a category asks of offers below it: it is enabled, its days, filters and condition; not its multiplier."""
    if not category.enabled:
        yield Fixed(False, f"{category.address} is not enabled", Origin(category.address, ("enabled",)))
    yield from _days(category.days, Origin(category.address, ("eligible",)))
    yield from map(located, category.requirements)


def _multiplied(category: CompiledCategory) -> Iterator[Formula]:
    """A multiplier of 0 takes the weight away on its days; any other leaves it above 0."""
    multiplier = category.multiplier
    if multiplier is None or multiplier.factor > 0:
        return
    origin = Origin(category.address, ("multiplier",))
    first, last = multiplier.days.first, multiplier.days.last
    outside: list[Formula] = []
    if first is not None and first > date.min:
        outside.append(DayRange(last=first - timedelta(days=1), origin=origin))
    if last is not None and last < date.max:
        outside.append(DayRange(first=last + timedelta(days=1), origin=origin))
    yield AnyOf(tuple(outside)) if outside else Fixed(False, f"{category.address} multiplies weights by 0", origin)


def weight_formula(weight: CompiledWeight) -> Formula:
    """When a weight holds with a number above 0, on the spaces that it is for."""
    origin = Origin(weight.address, weight.path)
    parts: list[Formula] = [*_days(weight.days, origin), *map(located, weight.requirements)]
    if weight.formula is not None:
        parts.append(_holds(weight.formula, Origin(weight.address, (*weight.path, "formula")), positive=True))
    elif not weight.number:
        parts.append(Fixed(False, "a weight of 0 is never eligible", origin))
    return AllOf(tuple(parts))


def located(condition: LocatedCondition) -> Formula:
    """A condition that must hold, with its location."""
    return _holds(condition.condition, Origin(condition.address, condition.path))


def _holds(condition: BoundCondition, origin: Origin, *, positive: bool = False) -> Formula:
    expression = condition.expression
    if isinstance(condition, HistoryCondition):
        return Holds(_count(condition), origin=origin)
    if expression.checked is None:
        return Fixed(False, f"{UNREADABLE}: {expression.problem}", origin)
    rows = dict(zip(expression.namespaces[2:], condition.bound, strict=True)) if condition.bound else {}
    read: dict[str, dict[str, Value]] = {}
    for namespace, name in expression.checked.fields:
        if namespace in rows:
            read.setdefault(namespace, {})[name] = rows[namespace].get(name)
    return Holds(expression.checked, tuple(read.items()), positive, origin)


HISTORY = "own history"
"""The namespace of what conditions count of the contact's own history; no dimension can have this name."""


def _count(condition: HistoryCondition) -> CheckedExpression:
    """The condition on an unknown number, the same wherever the same propositions are counted."""
    names = _numbers([condition.counted])
    (number,) = names.values()
    tests = [f">= {condition.least}", *([] if condition.most is None else [f"<= {condition.most}"])]
    return _on_numbers(" AND ".join(f"{number} {test}" for test in tests), names)


def counted_by_offer(offer: CompiledOffer) -> Iterator[CountedPropositions]:
    """What an offer's effective condition counts of the contact's own history."""
    for requirement in (*(each for category in offer.chain for each in category.requirements), *offer.requirements):
        if isinstance(requirement.condition, HistoryCondition):
            yield requirement.condition.counted


def possible_numbers(counted: Iterable[CountedPropositions]) -> Formula:
    """What is true of every history: no number is below 0, and none above that of something wider."""
    known = list({each.text: each for each in counted}.values())
    names = _numbers(known)
    tests = [f"{names[each]} >= 0" for each in known]
    tests += [f"{names[one]} <= {names[other]}" for one, other in permutations(known, 2) if one.within(other)]
    return AllOf(tuple(Holds(_on_numbers(test, names)) for test in tests))


def _numbers(counted: Iterable[CountedPropositions]) -> dict[CountedPropositions, str]:
    return {each: f'"{HISTORY}"."number of {each.text}"' for each in counted}


def _on_numbers(text: str, names: Iterable[CountedPropositions]) -> CheckedExpression:
    fields = {f"number of {each.text}": FieldType(BaseType.INTEGER) for each in names}
    return check(text, NameScope({HISTORY: fields}), _CONDITION)


def _days(days: Days, origin: Origin) -> Iterator[Formula]:
    if days.first is not None or days.last is not None:
        yield DayRange(days.first, days.last, origin)


def written_conditions(catalog: Catalog, address: Address, body: JsonMap) -> dict[WrittenPath, Formula]:
    """The conditions on contacts that the resource at ``address`` itself states, by their path in ``body``.

    A filter's parameters, and the offer that uses it or inherits a condition, can be anything; an offer's own condition
    is about that offer. Weights have their path by position, and their formula, if any, stands beside their condition.
    """
    role, parameters = _ROLES.get(address.kind, ExpressionRole.OFFER), None
    if address.kind is Kind.FILTER:
        parameters = field_types(Filter.model_validate(body).parameters)
    names = catalog.scope(role, parameters)
    position = catalog.position_of.get(address.name) if address.kind is Kind.OFFER else None
    offer = catalog.offers[position].row if position is not None else None
    return {
        path: _written(text, names, Origin(address, path), offer, formula=path[-1] == "formula")
        for path, text in _texts(address, body)
    }


_ROLES = {
    Kind.ENVIRONMENT: ExpressionRole.TARGET,
    Kind.RULE: ExpressionRole.TARGET,
    Kind.FILTER: ExpressionRole.FILTER,
}
"""By kind, the role of its conditions on contacts, if it is not that of an offer's."""


def _texts(address: Address, body: JsonMap) -> Iterator[tuple[WrittenPath, str]]:
    """The expressions about contacts in a body, with their paths."""
    for path in _PATHS.get(address.kind, ()):
        value: object = body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield path, value
    weights = body.get("weights") if address.kind in (Kind.OFFER, Kind.TEMPLATE) else None
    for position, weight in enumerate(weights if isinstance(weights, list) else ()):
        for key in ("when", "formula"):
            text = weight.get(key) if isinstance(weight, dict) else None
            if isinstance(text, str):
                yield ("weights", position, key), text


_PATHS: Mapping[Kind, tuple[WrittenPath, ...]] = {
    Kind.ENVIRONMENT: (("when",),),
    Kind.CATEGORY: (("eligible", "when"),),
    Kind.FILTER: (("when",),),
    Kind.TEMPLATE: (("eligible", "when"),),
    Kind.OFFER: (("eligible", "when"),),
    Kind.RULE: (("contacts",),),
}
"""Where the conditions on contacts stand, besides those of weights."""


def _written(text: str, scope: NameScope, origin: Origin, offer: Row | None, *, formula: bool) -> Formula:
    try:
        expression = check(text, scope, ExpectedResult.FORMULA if formula else ExpectedResult.CONDITION)
    except RuleError as error:
        summaries = "; ".join(problem.summary for problem in error.problems)
        return Fixed(False, f"{UNREADABLE}: {summaries}", origin)
    read = {} if offer is None else {name: offer.get(name) for space, name in expression.fields if space == "offer"}
    return Holds(expression, (("offer", read),) if read else (), formula, origin)
