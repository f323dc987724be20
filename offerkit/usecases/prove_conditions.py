"""``prove OLD NEW --environment E``: what one condition in place of another means, for every contact there can be."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.diagnostics.installation import install_hint
from offerkit.models.dimension import Dimension
from offerkit.models.environment import Environment
from offerkit.models.expression_scopes import ExpressionRole, expression_scope, field_types, known_call_facts
from offerkit.prove.hints import hints_of
from offerkit.prove.prover import Prover
from offerkit.prove.question import Holds
from offerkit.prove.solver import PACKAGE, Limits, solver_path
from offerkit.reports.proofs import ComparedConditions
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, NameScope
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.evaluate import expression_diagnostics
from offerkit.usecases.session import Session

_LIMITS = Limits(question_seconds=30, total_seconds=120)
"""One comparison can wait for a busy machine: its steps are limited all the same."""


def require_solver() -> None:
    """Raise Refused if the solver is not installed."""
    if solver_path() is None:
        raise refuse(
            Code.NO_SOLVER,
            f"proofs need the Python package “{PACKAGE}”",
            hint=install_hint("prove"),
        )


def compare_conditions(session: Session, before: str, after: str, environment: str, at: str) -> ComparedConditions:
    """What ``after`` in place of ``before`` means in an ``environment`` of the specs, from the time ``at`` on.

    Raises Refused with every mistake in either condition.
    """
    require_solver()
    specs = session.load(cases=False).snapshot
    body = specs(environment_address(environment))
    if body is None:
        known = [address.environment for address in specs.of_kind(Kind.ENVIRONMENT)]
        raise refuse(
            Code.UNKNOWN_SPACE,
            f"there is no environment “{environment[:80]}” in specs",
            hint=suggestion(environment, known, "“offerkit graph” lists the environments."),
        )
    model = Environment.model_validate(body)
    dimension = specs(Address(SHARED, Kind.DIMENSION, model.dimension)) or {}
    scope = expression_scope(
        ExpressionRole.OFFER,
        model.dimension,
        field_types(Dimension.model_validate(dimension).fields),
        {
            **known_call_facts(environment, [at.name for at in specs.of_kind(Kind.SPACE, environment)]),
            **field_types(model.call_data),
        },
        offer_fields=field_types(model.offer_fields),
    )
    zone = ZoneInfo(model.time_zone)
    moment: datetime = wall_clock(parse_time(at, zone, session.now), zone)
    conditions = _checked(scope, {"the old condition": before, "the new condition": after})
    with Prover(_LIMITS, hints_of(dimension, body)) as prover:
        comparison = prover.compare(Holds(conditions[0]), Holds(conditions[1]), moment)
    return ComparedConditions(environment, before, after, zone, comparison)


def _checked(scope: NameScope, texts: dict[str, str]) -> list[CheckedExpression]:
    diagnostics: list[Diagnostic] = []
    conditions: list[CheckedExpression] = []
    for name, text in texts.items():
        try:
            conditions.append(check(text, scope, ExpectedResult.CONDITION))
        except RuleError as error:
            diagnostics += expression_diagnostics(text, error, name)
    if diagnostics:
        raise Refused(diagnostics)
    return conditions
