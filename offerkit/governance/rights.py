"""Who may do what: the table of domain.md §1, as data; and what a token may be used for.

Rights say what an operator may do; the scopes of a token, what may be done in the operator's name by whoever holds it.
They narrow what its operator may do over the network and never widen it: both must allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, or_list
from offerkit.fingerprint import Json
from offerkit.models.profiles import Profile
from offerkit.plans.plan import Plan, PlanKind

ADMINISTRATOR: Profile = "administrator"
OFFER_MANAGER: Profile = "offer-manager"
DELIVERY_MANAGER: Profile = "delivery-manager"

WRITERS: dict[Kind, tuple[Profile, ...]] = {
    Kind.DIMENSION: (ADMINISTRATOR,),
    Kind.OPERATOR: (ADMINISTRATOR,),
    Kind.ENVIRONMENT: (ADMINISTRATOR,),
    Kind.RULE: (ADMINISTRATOR,),
    Kind.TYPOLOGY: (ADMINISTRATOR,),
    Kind.SPACE: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.FILTER: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.CATEGORY: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.TEMPLATE: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.OFFER: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.CAMPAIGN: (ADMINISTRATOR, DELIVERY_MANAGER),
    Kind.CASES: (ADMINISTRATOR, OFFER_MANAGER),
    Kind.POLICY: (ADMINISTRATOR,),
}
"""Who may write a kind: in design, and campaigns in live."""

DELIVERERS: tuple[Profile, ...] = (ADMINISTRATOR, OFFER_MANAGER, DELIVERY_MANAGER)
"""Who may make declared deliveries, and say that they were sent; to write campaigns is another right."""

PROMOTERS: tuple[Profile, ...] = (ADMINISTRATOR, OFFER_MANAGER)
"""Who may promote and roll back live where an environment names no promoters."""

STOPPERS: tuple[Profile, ...] = (ADMINISTRATOR, OFFER_MANAGER)
"""Who may stop what is live; an environment may name further operators."""

_NARROWED = (PlanKind.APPLY, PlanKind.PROMOTE)
"""The plans that --exclude can narrow."""

CONTACT_READERS: tuple[Profile, ...] = (ADMINISTRATOR, DELIVERY_MANAGER)
"""Who may read the contacts of every environment through a server; an environment may name further operators."""

PURGERS: tuple[Profile, ...] = (ADMINISTRATOR,)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. ``profile`` is None only while a store knows no operator yet (bootstrap).

    ``automation``: a job that acts for people; it is never an author, a reviewer or a second person.
    """

    name: str
    profile: Profile | None
    automation: bool = False


def plan_refusals(actor: Actor, plan: Plan, promoters: dict[str, tuple[str, ...]]) -> list[Diagnostic]:
    """What ``actor`` may not do of ``plan``: one finding per kind and stage, naming who may.

    ``promoters``: the only operators who may promote there, of environments that name any.
    """
    if actor.profile is None:
        return []
    refused: dict[tuple[StageRef, Kind], list[Address]] = {}
    found: list[Diagnostic] = []
    for step in plan.steps:
        kind = step.address.kind
        if _moves_live(plan.kind, step.stage, kind):
            continue
        if actor.profile not in WRITERS[kind]:
            refused.setdefault((step.stage, kind), []).append(step.address)
    for (stage, kind), addresses in sorted(refused.items()):
        found.append(_may_not_write(actor, stage, kind, addresses, plan.kind))
    if plan.kind is not PlanKind.APPLY:
        found += _may_not_promote(actor, plan, promoters)
    return found


def _moves_live(kind: PlanKind, stage: StageRef, resource: Kind) -> bool:
    """Whether a step is a change of live by promotion, rollback or purge, which has rights of its own."""
    if kind is PlanKind.APPLY or stage.stage is not Stage.LIVE:
        return False
    return kind is not PlanKind.PROMOTE or resource is not Kind.CAMPAIGN


def _may_not_write(actor: Actor, stage: StageRef, kind: Kind, addresses: list[Address], plan: PlanKind) -> Diagnostic:
    others = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not change {_one_of(kind)} in {stage}: {addresses[0]}{others}",
        f"{_one_of(kind).capitalize()} is written by {_one(WRITERS[kind])}.",
        f"Let {_one(WRITERS[kind])} apply it"
        + (f", or leave it out with --exclude '{kind}.*'." if plan in _NARROWED else "."),
        addresses[0],
    )


def _may_not_promote(actor: Actor, plan: Plan, promoters: dict[str, tuple[str, ...]]) -> list[Diagnostic]:
    profiles = PURGERS if plan.kind is PlanKind.PURGE else PROMOTERS
    found = []
    live = {s.stage.environment for s in plan.steps if s.stage.stage is Stage.LIVE}
    if len(live) > 1 or any(actor.name in named for named in promoters.values()):
        live.discard(SHARED)  # what is shared rides along with the environments, whose own rights decide
    for environment in sorted(live):
        named = promoters.get(environment)
        if plan.kind is not PlanKind.PURGE and named is not None:
            if actor.name not in named:
                who = f"only {or_list(named)} may here" if named else "live and design name no promoter in common"
                how = "" if named else f"offerkit override {environment_address(environment)} --settings --message TEXT"
                found.append(_not_for(actor, plan.kind, environment, who, how))
        elif actor.profile not in profiles:
            found.append(_not_for(actor, plan.kind, environment, f"{_one(profiles)} may"))
    return found


def may_stop(actor: Actor, environment: str, stoppers: tuple[str, ...]) -> Diagnostic | None:
    """The finding that ``actor`` may not stop anything of ``environment``, which names ``stoppers``; None: they may."""
    if refused := only_people(actor, "stop anything"):
        return refused[0]
    if actor.profile in STOPPERS or actor.name in stoppers:
        return None
    named = f", and {or_list(stoppers)}" if stoppers else ""
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not stop anything of {environment}",
        f"{_one(STOPPERS).capitalize()} may{named}.",
        "Let one of them do it. An administrator can name more operators: promotion.stoppers of the environment.",
    )


def may_resume(actor: Actor, environment: str, promoters: tuple[str, ...]) -> Diagnostic | None:
    """The finding that ``actor`` may not resume what is stopped in ``environment``: who may promote there may."""
    if actor.name in promoters if promoters else actor.profile in PROMOTERS:
        return None
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not resume anything of {environment}",
        f"Who may promote there may: {or_list(promoters) if promoters else _one(PROMOTERS)}.",
        "Let one of them do it.",
    )


def _not_for(actor: Actor, kind: PlanKind, environment: str, who: str, hint: str = "") -> Diagnostic:
    verb = {PlanKind.PROMOTE: "promote", PlanKind.ROLLBACK: "roll back", PlanKind.PURGE: "purge"}.get(kind, "change")
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not {verb} {environment}@live",
        f"Live changes only this way, and {who}.",
        hint or "Save the plan with --out and let one of them apply it.",
    )


def _one(profiles: Iterable[str]) -> str:
    return or_list(map(_an, profiles))


def _one_of(kind: Kind) -> str:
    return "a file of cases" if kind is Kind.CASES else _an(kind)


def _an(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def without_administrator(operators: Iterable[Mapping[str, Json]], address: Address) -> Diagnostic | None:
    """The finding that none of these operators' bodies is an enabled administrator; None if one is."""
    if any(body.get("profile") == ADMINISTRATOR and body.get("enabled", True) for body in operators):
        return None
    return Diagnostic(
        Code.NOT_ALLOWED,
        "no enabled administrator would be left",
        "Nobody could change operators, dimensions or environments any more.",
        "Keep an operator with profile: administrator.",
        address,
    )


def only_people(actor: Actor, what: str) -> list[Diagnostic]:
    """A finding when ``actor`` is an automation, which may never do ``what`` (``approve``, ``stop``)."""
    if not actor.automation:
        return []
    return [
        Diagnostic(
            Code.NOT_A_PERSON,
            f"{actor.name} is an automation, and may not {what}",
            "It applies what people wrote; what they decide, they decide in their own name.",
            "Let a person do it.",
        )
    ]


def may_approve(actor: Actor, reviewers: tuple[str, ...]) -> bool:
    """Whether ``actor`` may approve what has these named reviewers (domain.md §1, last row)."""
    if actor.automation:
        return False
    if reviewers:
        return actor.name in reviewers
    return actor.profile in (ADMINISTRATOR, OFFER_MANAGER)


def approvers(reviewers: tuple[str, ...]) -> tuple[str, ...]:
    """Who can approve: the named reviewers, else the profiles."""
    return reviewers or (OFFER_MANAGER, ADMINISTRATOR)


class TokenScope(StrEnum):
    """One thing that a token may be used for."""

    READ = "read"
    APPLY = "apply"
    APPROVE = "approve"
    PROMOTE = "promote"
    STOP = "stop"
    RELAY = "relay"


TokenScopes: TypeAlias = frozenset[TokenScope]

ALL_SCOPES = "all"
"""How every scope but ``relay``, those of later releases included, is written."""
NO_SCOPES: TokenScopes = frozenset()
_ALL: TokenScopes = frozenset(TokenScope) - {TokenScope.RELAY}
"""Who relays speaks for others, which no token does without saying so: neither a new one nor those there are."""


def scopes_text(names: Iterable[str]) -> str:
    """Scopes as they are stored and shown: ``all``, or each in a fixed order, with ``read``, which all others need."""
    chosen = {TokenScope.READ.value, *names}
    return ALL_SCOPES if ALL_SCOPES in chosen else ",".join(scope for scope in TokenScope if scope in chosen)


def scopes_of(text: str) -> TokenScopes:
    """What ``text``, as :func:`scopes_text` writes it, allows. A word that is not known allows nothing."""
    if text == ALL_SCOPES:
        return _ALL
    return frozenset(scope for scope in TokenScope if scope in text.split(","))


def token_scope_errors(names: Iterable[str], automation: bool) -> list[Diagnostic]:
    """A finding when a token may not have these scopes: ``relay`` stands alone, and is for automations.

    Who may relay what others say must not be able to apply what it is about, nor to say anything of their own.
    """
    chosen = set(names)
    if TokenScope.RELAY not in chosen:
        return []
    found = []
    if others := sorted(chosen - {TokenScope.RELAY, TokenScope.READ}):
        found.append(
            Diagnostic(
                Code.TOKEN_SCOPE,
                f"a token for relay has no other scope, but {or_list(others)} is asked for as well",
                "It says what reviewers have decided; with another scope it could bring about what they decide on.",
                "Make a token for each.",
            )
        )
    if not automation:
        found.append(
            Diagnostic(
                Code.TOKEN_SCOPE,
                "a token for relay is an automation's",
                "People approve in their own name.",
                "Name an operator with automation: true, or make a token with --scope approve.",
            )
        )
    return found


def only_automations(actor: Actor, what: str) -> list[Diagnostic]:
    """A finding when ``actor`` is a person, who does not do ``what`` (``relay reviews``) but decides themselves."""
    if actor.automation:
        return []
    return [
        Diagnostic(
            Code.NOT_ALLOWED,
            f"{actor.name} is a person, and may not {what}",
            "People approve in their own name, and nobody in that of another.",
            "Let an automation do it (automation: true), or approve what is yours: offerkit approve.",
        )
    ]


def required_scopes(plan: Plan) -> TokenScopes:
    """What applying ``plan`` takes, by what it does: whatever changes live takes ``promote``, the rest ``apply``.

    Campaigns are the exception: an apply writes them in live, where they have no design.
    """
    if plan.kind in (PlanKind.PROMOTE, PlanKind.PURGE):
        return frozenset((TokenScope.PROMOTE,))
    stages = {base.stage for base in plan.base} if plan.kind is PlanKind.ROLLBACK else set()
    stages |= {
        step.stage for step in plan.steps if plan.kind is not PlanKind.APPLY or step.address.kind is not Kind.CAMPAIGN
    }
    live = {stage.stage is Stage.LIVE for stage in stages}
    return frozenset(TokenScope.PROMOTE if is_live else TokenScope.APPLY for is_live in live) or frozenset(
        (TokenScope.APPLY,)
    )


def missing_scopes(held: TokenScopes | None, wanted: Iterable[TokenScope], operator: str) -> list[Diagnostic]:
    """A finding for each of ``wanted`` that a token of ``operator`` does not have; ``held`` None: no token is asked."""
    missing = [] if held is None else sorted(set(wanted) - held)
    return [_not_in(held or NO_SCOPES, scope.value, scope.value, operator) for scope in missing]


def no_scope_of(held: TokenScopes, wanted: Iterable[TokenScope], operator: str) -> list[Diagnostic]:
    """A finding when a token of ``operator`` has none of ``wanted``, one of which would do."""
    names = sorted(wanted)
    return [] if held & set(names) else [_not_in(held, or_list(names), names[0].value, operator)]


def _not_in(held: TokenScopes, wanted: str, example: str, operator: str) -> Diagnostic:
    has = ", ".join(scope for scope in TokenScope if scope in held) or "nothing"
    return Diagnostic(
        Code.TOKEN_SCOPE,
        f"the token is not for this: it lacks the scope {wanted}",
        f"Its scope is {has}. A token is good for what its scope says, whatever {operator} may do otherwise.",
        f"Use one that has it; where the store is, this makes it: offerkit token create {operator} --scope {example}",
    )
