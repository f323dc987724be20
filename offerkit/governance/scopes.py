"""What a token may be used for: scopes narrow what its operator may do over the network, they never widen it.

Rights (:mod:`offerkit.governance.rights`) say what an operator may do; a scope, what may be done in the operator's name
by whoever holds the token. Both must allow it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias

from offerkit.address import Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, or_list
from offerkit.planning.plan import Plan, PlanKind


class Scope(StrEnum):
    """One thing that a token may be used for."""

    READ = "read"
    APPLY = "apply"
    APPROVE = "approve"
    PROMOTE = "promote"


Scopes: TypeAlias = frozenset[Scope]

ALL = "all"
"""How every scope, those of later releases included, is written."""
NOTHING: Scopes = frozenset()


def scopes_text(names: Iterable[str]) -> str:
    """Scopes as they are stored and shown: ``all``, or each in a fixed order, with ``read``, which all others need."""
    chosen = {Scope.READ.value, *names}
    return ALL if ALL in chosen else ",".join(scope for scope in Scope if scope in chosen)


def scopes_of(text: str) -> Scopes:
    """What ``text``, as :func:`scopes_text` writes it, allows. A word that is not known allows nothing."""
    if text == ALL:
        return frozenset(Scope)
    return frozenset(scope for scope in Scope if scope in text.split(","))


def needed(plan: Plan) -> Scopes:
    """What applying ``plan`` takes, by what it does: whatever changes live takes ``promote``, the rest ``apply``.

    Campaigns are the exception: an apply writes them in live, where they have no design.
    """
    if plan.kind in (PlanKind.PROMOTE, PlanKind.PURGE):
        return frozenset((Scope.PROMOTE,))
    stages = {base.stage for base in plan.base} if plan.kind is PlanKind.ROLLBACK else set()
    stages |= {
        step.stage
        for step in plan.steps
        if plan.kind is not PlanKind.APPLY or parse_address(step.address).kind is not Kind.CAMPAIGN
    }
    live = {parse_stage(stage).stage is Stage.LIVE for stage in stages}
    return frozenset(Scope.PROMOTE if is_live else Scope.APPLY for is_live in live) or frozenset((Scope.APPLY,))


def lacking(held: Scopes | None, wanted: Iterable[Scope], operator: str) -> list[Diagnostic]:
    """A finding for each of ``wanted`` that a token of ``operator`` does not have; ``held`` None: no token is asked."""
    missing = [] if held is None else sorted(set(wanted) - held)
    return [_not_in(held or NOTHING, scope.value, scope.value, operator) for scope in missing]


def without_any(held: Scopes, wanted: Iterable[Scope], operator: str) -> list[Diagnostic]:
    """A finding when a token of ``operator`` has none of ``wanted``, one of which would do."""
    names = sorted(wanted)
    return [] if held & set(names) else [_not_in(held, or_list(names), names[0].value, operator)]


def _not_in(held: Scopes, wanted: str, example: str, operator: str) -> Diagnostic:
    has = ", ".join(scope for scope in Scope if scope in held) or "nothing"
    return Diagnostic(
        Code.TOKEN_SCOPE,
        f"the token is not for this: it lacks the scope {wanted}",
        f"Its scope is {has}. A token is good for what its scope says, whatever {operator} may do otherwise.",
        f"Use one that has it; where the store is, this makes it: offerkit token create {operator} --scope {example}",
    )
