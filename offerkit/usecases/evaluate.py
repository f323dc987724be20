"""``eval``: an expression evaluated for one contact, or counted over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import call_data
from offerkit.engine.condition import facts_at
from offerkit.engine.evaluated import EvaluatedExpression
from offerkit.models.expression_scopes import CALL_FACTS, ExpressionRole, expression_scope, known_call_facts
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, Row, Value
from offerkit.rules.values import parse_value, show
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.contact_sources import ContactSources

if TYPE_CHECKING:
    from offerkit.rules.problems import RuleError

MOST = 20
"""How many of the most frequent values to list."""
DISTINCT = 10_000
"""How many distinct values to count; limits memory."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to evaluate an expression for: a contact (if empty, all contacts), call data, and an offer by its name.

    With an ``offer``, the expression can read ``offer.<field>``.
    """

    environment: str
    contact: str
    data: Mapping[str, object]
    offer: str = ""


def evaluate(
    catalogs: Catalogs, sources: ContactSources, text: str, at: datetime, request: EvaluationRequest
) -> EvaluatedExpression:
    """Evaluate ``text`` for a contact, or count its values over all contacts.

    Raises Refused with the column if the expression is invalid.
    """
    from offerkit.rules.check import RuleError, check
    from offerkit.rules.python import compile_one

    catalog, data, environment = catalogs[request.environment], request.data, request.environment
    facts_given = {name: data[name] for name in data if name in CALL_FACTS and name not in catalog.call_data}
    values, wrong = call_data(catalog, {name: data[name] for name in data if name not in facts_given}, required=False)
    known = known_call_facts(environment, catalog.spaces)
    given, wrong_facts = _call_facts(catalog, facts_given, {**CALL_FACTS, **known})
    if wrong or wrong_facts:
        raise Refused([*wrong, *wrong_facts])
    values = {**given, **values}
    types = {**known, **{name: field.type for name, field in catalog.call_data.items()}}
    position = catalog.position_of.get(request.offer)
    bound = {"offer": catalog.offers[position].row} if position is not None else {}
    names = expression_scope(
        ExpressionRole.OFFER if bound else ExpressionRole.TARGET,
        catalog.dimension.name,
        catalog.dimension.fields,
        types,
        offer_fields=catalog.offer_fields,
    )
    try:
        checked = check(text, names, ExpectedResult.VALUE)
    except RuleError as error:
        raise Refused(expression_diagnostics(text, error, without_offer=not bound)) from None
    facts = facts_at(at, catalog.zone, catalog.nobody, values)
    function = compile_one(checked, (catalog.dimension.name, "interaction", *bound))

    def value_for(row: Row) -> Value:
        return function(row, values, *bound.values(), facts.now, facts.today)

    condition = checked.type.base in (BaseType.BOOLEAN, BaseType.NULL)
    if request.contact:
        row = sources.chosen(catalog, request.contact)
        rows = {catalog.dimension.name: row, "interaction": values, **bound}
        read = [(f"{space}.{name}", show(rows[space][name])) for space, name in checked.fields]
        return EvaluatedExpression(environment, checked.type.base.value, condition, show(value_for(row)), read)
    counted: Counter[str] = Counter()
    total = 0
    for total, row in enumerate(sources.of(environment).rows(), 1):  # noqa: B007 - the number of the last is the total
        text = show(value_for(row))
        if text in counted or len(counted) < DISTINCT:
            counted[text] += 1
    order = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return EvaluatedExpression(environment, checked.type.base.value, condition, counts=order[:MOST], total=total)


def _call_facts(
    catalog: Catalog, given: Mapping[str, object], types: Mapping[str, FieldType]
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """The built-in facts: those given, what follows from the space, and the environment; others are unknown."""
    values: dict[str, Value] = {**dict.fromkeys(CALL_FACTS), "environment": catalog.environment}
    wrong: list[Diagnostic] = []
    for name, raw in given.items():
        try:
            values[name] = parse_value(raw, types[name], catalog.zone)
        except ValueError as error:
            hint = suggestion(str(raw)[:80], types[name].values)
            wrong.append(Diagnostic(Code.BAD_CALL_DATA, f"there is no such {name} of a call: {error}"[:300], hint=hint))
    space = catalog.spaces.get(str(values["space"]))
    if space is not None and "channel" not in given:
        values["channel"] = space.channel
    return values, wrong


def expression_diagnostics(
    text: str, error: RuleError, name: str = "", *, without_offer: bool = False
) -> list[Diagnostic]:
    """The mistakes in an expression that an argument gives, each with its column; ``name`` of the argument.

    ``without_offer``: no offer was named whose fields could be read.
    """
    diagnostics = []
    for problem in error.problems:
        before = text[: problem.start]
        line, column = before.count("\n") + 1, problem.start - (before.rfind("\n") + 1) + 1
        where = f"column {column}" if "\n" not in text else f"line {line}, column {column}"
        where = f"{name}, {where}" if name else where
        asked = without_offer and problem.summary.startswith("offer.")
        hint = "Name an offer whose fields it reads: --offer ENVIRONMENT/offer.NAME." if asked else problem.hint
        diagnostics.append(Diagnostic(Code.EXPRESSION, f"{where}: {problem.summary}", problem.detail, hint))
    return diagnostics


def same_environment(offers: Catalog, environment: str) -> str:
    """The environment of the offer that an expression is evaluated for. Raises Refused if another one is named."""
    if environment not in ("", offers.environment):
        raise refuse(
            Code.NO_MATCH,
            f"the offer belongs to {offers.environment}, not to {environment[:80]}",
            hint="Leave out --environment: it is the offer's.",
        )
    return offers.environment


def environment_of(catalogs: Catalogs, text: str, environment: str) -> str:
    """The environment of an expression: ``wanted``, or the only one whose dimension the expression names."""
    if environment:
        return catalogs[environment].environment
    known: dict[str, Catalog] = {name: catalogs[name] for name in catalogs.names}
    named = [name for name, catalog in known.items() if f"{catalog.dimension.name}." in text] or list(known)
    if len(named) == 1:
        return named[0]
    hint = f"Name one: --environment {named[0]}." if named else ""
    raise refuse(
        Code.NO_MATCH,
        f"the expression fits several environments: {', '.join(named)}"
        if named
        else f"there is no environment in {catalogs.stage}",
        hint=hint,
    )
