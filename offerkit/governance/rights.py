"""Who may do what: the table of domain.md §1, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from offerkit.address import SHARED, Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, or_list
from offerkit.fingerprint import Json
from offerkit.models.profiles import Profile
from offerkit.planning.plan import Plan, PlanKind

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
}
"""Who may write a kind: in design, and campaigns in live."""

DELIVERERS: tuple[Profile, ...] = (ADMINISTRATOR, OFFER_MANAGER, DELIVERY_MANAGER)
"""Who may make declared deliveries, and say that they were sent; to write campaigns is another right."""

PROMOTERS: tuple[Profile, ...] = (ADMINISTRATOR, OFFER_MANAGER)
"""Who may promote and roll back live where an environment names no promoters."""

_NARROWED = (PlanKind.APPLY, PlanKind.PROMOTE)
"""The plans that --exclude can narrow."""

CONTACT_READERS: tuple[Profile, ...] = (ADMINISTRATOR, DELIVERY_MANAGER)
"""Who may read the contacts of every environment through a server; an environment may name further operators."""

PURGERS: tuple[Profile, ...] = (ADMINISTRATOR,)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. ``profile`` is None only while a store knows no operator yet (bootstrap)."""

    name: str
    profile: Profile | None


def refusals(actor: Actor, plan: Plan, promoters: dict[str, tuple[str, ...]]) -> list[Diagnostic]:
    """What ``actor`` may not do of ``plan``: one finding per kind and stage, naming who may.

    ``promoters``: the operators an environment names as the only ones who may promote there.
    """
    if actor.profile is None:
        return []
    refused: dict[tuple[str, Kind], list[str]] = {}
    found: list[Diagnostic] = []
    for step in plan.steps:
        kind = parse_address(step.address).kind
        if _moves_live(plan.kind, step.stage, kind):
            continue
        if actor.profile not in WRITERS[kind]:
            refused.setdefault((step.stage, kind), []).append(step.address)
    for (stage, kind), addresses in sorted(refused.items()):
        found.append(_may_not_write(actor, stage, kind, addresses, plan.kind))
    if plan.kind is not PlanKind.APPLY:
        found += _may_not_promote(actor, plan, promoters)
    return found


def _moves_live(kind: PlanKind, stage: str, resource: Kind) -> bool:
    """Whether a step is a change of live by promotion, rollback or purge, which has rights of its own."""
    if kind is PlanKind.APPLY or parse_stage(stage).stage is not Stage.LIVE:
        return False
    return kind is not PlanKind.PROMOTE or resource is not Kind.CAMPAIGN


def _may_not_write(actor: Actor, stage: str, kind: Kind, addresses: list[str], plan: PlanKind) -> Diagnostic:
    others = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not change {_an(kind)} in {stage}: {addresses[0]}{others}",
        f"{_an(kind).capitalize()} is written by {_one(WRITERS[kind])}.",
        f"Let {_one(WRITERS[kind])} apply it"
        + (f", or leave it out with --exclude '{kind}.*'." if plan in _NARROWED else "."),
        addresses[0],
    )


def _may_not_promote(actor: Actor, plan: Plan, promoters: dict[str, tuple[str, ...]]) -> list[Diagnostic]:
    profiles = PURGERS if plan.kind is PlanKind.PURGE else PROMOTERS
    found = []
    live = {parse_stage(s.stage).environment for s in plan.steps if s.stage.endswith(f"@{Stage.LIVE}")}
    if len(live) > 1 or any(actor.name in named for named in promoters.values()):
        live.discard(SHARED)  # what is shared rides along with the environments, whose own rights decide
    for environment in sorted(live):
        named = promoters.get(environment, ())
        if plan.kind is not PlanKind.PURGE and named:
            if actor.name not in named:
                found.append(_not_for(actor, plan.kind, environment, f"only {or_list(named)} may here"))
        elif actor.profile not in profiles:
            found.append(_not_for(actor, plan.kind, environment, f"{_one(profiles)} may"))
    return found


def _not_for(actor: Actor, kind: PlanKind, environment: str, who: str) -> Diagnostic:
    verb = {PlanKind.PROMOTE: "promote", PlanKind.ROLLBACK: "roll back", PlanKind.PURGE: "purge"}.get(kind, "change")
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) may not {verb} {environment}@live",
        f"Live changes only this way, and {who}.",
        "Save the plan with --out and let one of them apply it.",
    )


def _one(profiles: Iterable[str]) -> str:
    return or_list(map(_an, profiles))


def _an(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def without_administrator(operators: Iterable[Mapping[str, Json]], address: str) -> Diagnostic | None:
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


def may_approve(actor: Actor, reviewers: tuple[str, ...]) -> bool:
    """Whether ``actor`` may approve what has these named reviewers (domain.md §1, last row)."""
    if reviewers:
        return actor.name in reviewers
    return actor.profile in (ADMINISTRATOR, OFFER_MANAGER)


def approvers(reviewers: tuple[str, ...]) -> tuple[str, ...]:
    """Who can approve: the named reviewers, else the profiles."""
    return reviewers or (OFFER_MANAGER, ADMINISTRATOR)
