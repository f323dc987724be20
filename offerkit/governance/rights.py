"""Rights of operators, by their profiles (:mod:`offerkit.governance.profiles`), and scopes of tokens.

Rights say what an operator may do. A token's scopes limit what its holder can do over the network in the operator's
name; they never add rights. Both must allow an action.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused, and_list, or_list
from offerkit.fingerprint import Json
from offerkit.governance.profiles import ADMINISTRATOR, BUILT_IN, Profiles, right_to
from offerkit.models.profiles import Verb
from offerkit.plans.plan import Plan, PlanKind
from offerkit.state.changes import Body

_NARROWED = (PlanKind.APPLY, PlanKind.PROMOTE)
"""The plans that --exclude can narrow."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The operator who acts. ``profile`` is None only while the store has no operators yet (bootstrap).

    ``automation``: a job that acts for operators; it is never an author, a reviewer or a second person. ``profiles``:
    what the applied profiles allow.
    """

    name: str
    profile: str | None
    automation: bool = False
    profiles: Profiles = field(default=BUILT_IN, compare=False, repr=False)

    @property
    def is_administrator(self) -> bool:
        """Whether the operator is an administrator, or the first one, of bootstrap."""
        return self.profile in (None, ADMINISTRATOR)

    def may(self, verb: Verb, environment: str = "", kind: Kind | None = None) -> bool:
        """Whether the operator has a right in ``environment`` (empty: in all). The first one, of bootstrap, has all."""
        return self.profile is None or self.profiles.allow(self.profile, right_to(verb, environment, kind))


def check_administrator(actor: Actor, what: str) -> None:
    """Raise Refused unless ``actor`` is an administrator; only they may do ``what``."""
    if not actor.is_administrator:
        raise Refused([_not_allowed(actor, what, _an(ADMINISTRATOR))])


def plan_refusals(actor: Actor, plan: Plan, promoters: dict[str, tuple[str, ...]]) -> list[Diagnostic]:
    """What ``plan`` does that ``actor`` is not allowed to do: one diagnostic per kind and stage, naming who may.

    ``promoters``: for environments that name any, the only operators who may promote there.
    """
    if actor.profile is None:
        return []
    refused: dict[tuple[StageRef, Kind], list[Address]] = {}
    diagnostics: list[Diagnostic] = []
    for step in plan.steps:
        kind = step.address.kind
        if _moves_live(plan.kind, step.stage, kind):
            continue
        if not actor.may(Verb.WRITE, step.address.environment, kind):
            refused.setdefault((step.stage, kind), []).append(step.address)
    for (stage, kind), addresses in sorted(refused.items()):
        diagnostics.append(_may_not_write(actor, stage, kind, addresses, plan.kind))
    if plan.kind is not PlanKind.APPLY:
        diagnostics += _may_not_promote(actor, plan, promoters)
    return diagnostics


def own_filter_refusals(actor: Actor, plan: Plan, used: Collection[Address]) -> list[Diagnostic]:
    """The filters of environments themselves (``used``) that ``plan`` changes although ``actor`` cannot write those."""
    refused: dict[StageRef, list[Address]] = {}
    for step in plan.steps:
        if step.address not in used or _moves_live(plan.kind, step.stage, Kind.FILTER):
            continue
        if not actor.may(Verb.WRITE, step.address.environment, Kind.ENVIRONMENT):
            refused.setdefault(step.stage, []).append(step.address)
    return [
        replace(
            _may_not_write(actor, stage, Kind.ENVIRONMENT, addresses, plan.kind),
            detail="The environment uses the filter for all its offers, so it is a part of the environment.",
            hint=f"Ask who may change environments to apply it, or leave it out with --exclude {addresses[0]}.",
        )
        for stage, addresses in refused.items()
    ]


def _moves_live(kind: PlanKind, stage: StageRef, resource: Kind) -> bool:
    """Whether a step changes live by promotion, rollback or purge; these have separate rights."""
    if kind is PlanKind.APPLY or stage.stage is not Stage.LIVE:
        return False
    return kind is not PlanKind.PROMOTE or resource is not Kind.CAMPAIGN


def _may_not_write(actor: Actor, stage: StageRef, kind: Kind, addresses: list[Address], plan: PlanKind) -> Diagnostic:
    others = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    who = _one(actor.profiles.allowing(right_to(Verb.WRITE, addresses[0].environment, kind)))
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) is not allowed to change {_one_of(kind)} in {stage}: {addresses[0]}{others}",
        f"Only {who} may change {_one_of(kind)}.",
        f"Ask {who} to apply it" + (f", or leave it out with --exclude '{kind}.*'." if plan in _NARROWED else "."),
        addresses[0],
    )


def _may_not_promote(actor: Actor, plan: Plan, promoters: Mapping[str, tuple[str, ...]]) -> list[Diagnostic]:
    live = {step.stage.environment for step in plan.steps if step.stage.stage is Stage.LIVE}
    return promotion_refusals(actor, live, promoters, plan.kind)


def promotion_refusals(
    actor: Actor,
    environments: Iterable[str],
    promoters: Mapping[str, tuple[str, ...]],
    kind: PlanKind = PlanKind.PROMOTE,
) -> list[Diagnostic]:
    """Why ``actor`` is not allowed to change live of ``environments`` by a plan of that kind.

    ``promoters``: for environments that name any, the only operators who may promote there.
    """
    verb = Verb.PURGE if kind is PlanKind.PURGE else Verb.PROMOTE
    diagnostics = []
    live = set(environments)
    others = live - {SHARED}
    alone = not actor.may(verb) and any(actor.may(verb, name) for name in others)  # a right in some environments only
    if (others and not alone) or any(actor.name in named for named in promoters.values()):
        live.discard(SHARED)  # shared resources ride along with the environments, whose rights decide
    for environment in sorted(live):
        named = promoters.get(environment)
        if kind is not PlanKind.PURGE and named is not None:
            if actor.name not in named:
                who = f"Only {or_list(named)} may do so." if named else "Live and design have no promoter in common."
                how = "" if named else f"offerkit override {environment_address(environment)} --settings --message TEXT"
                diagnostics.append(_not_for(actor, kind, environment, who, how))
        elif not actor.may(verb, environment):
            who = _one(actor.profiles.allowing(right_to(verb, environment)))
            diagnostics.append(_not_for(actor, kind, environment, f"Only {who} may do so."))
    return diagnostics


RESERVED = ("promotion", "contacts", "reviewers", "impact")
"""The properties of an environment that say who may do what there, and what a promotion is held to."""


def reserved_refusals(actor: Actor, plan: Plan, before: Mapping[str, Body]) -> list[Diagnostic]:
    """A diagnostic for each environment whose :data:`RESERVED` properties a plan changes without an administrator.

    A declared profile can let its operators write environments. If that covered these properties, they could name
    themselves promoters; and if it let them give an environment other contacts, its readers could read those.
    ``before``: the bodies that the plan's steps replace.
    """
    if actor.is_administrator:
        return []
    diagnostics = []
    for step in plan.steps_on(Stage.DESIGN):
        if step.address.kind is not Kind.ENVIRONMENT:
            continue
        old, new = (
            orjson.loads(known[entry.fingerprint].text) if entry is not None else {}
            for entry, known in ((step.before, before), (step.after, plan.bodies))
        )
        changed = [name for name in RESERVED if old.get(name) != new.get(name)]
        changed += ["dimension"] if old and new and old.get("dimension") != new.get("dimension") else []
        if changed:
            diagnostics.append(
                Diagnostic(
                    Code.RESERVED_PROPERTIES,
                    f"{actor.name} ({actor.profile}) is not allowed to change {and_list(changed)} of {step.address}",
                    "They say who may do what there, with whose contacts, and what a promotion must meet: only"
                    " administrators change them.",
                    "Ask an administrator to apply it.",
                    step.address,
                )
            )
    return diagnostics


def may_stop(actor: Actor, environment: str, stoppers: tuple[str, ...]) -> Diagnostic | None:
    """Why ``actor`` is not allowed to stop anything in ``environment``, which names ``stoppers``; None if allowed."""
    if refused := only_people(actor, "stop anything"):
        return refused[0]
    if actor.name in stoppers:
        return None
    how = "Ask one of them. An administrator can name more operators in the environment's promotion.stoppers."
    return _unless(actor, Verb.STOP, environment, f"stop anything in {environment}", how, also=stoppers)


def may_resume(actor: Actor, environment: str, promoters: tuple[str, ...]) -> Diagnostic | None:
    """Why ``actor`` is not allowed to resume anything in ``environment``; None if allowed: those who may promote."""
    what = f"resume anything in {environment}"
    if promoters:
        return None if actor.name in promoters else _not_allowed(actor, what, or_list(promoters))
    return _unless(actor, Verb.PROMOTE, environment, what)


def may_deliver(actor: Actor, environment: str) -> Diagnostic | None:
    """Why ``actor`` is not allowed to make deliveries in ``environment``; None if allowed."""
    return _unless(actor, Verb.DELIVER, environment, f"make deliveries in {environment}")


def may_keep_simulations(actor: Actor, environment: str) -> Diagnostic | None:
    """Why ``actor`` is not allowed to keep the run of a simulation of ``environment``; None if allowed."""
    what = f"keep simulations of {environment}"
    return _unless(actor, Verb.KEEP_SIMULATIONS, environment, what, "Leave out --save.")


def may_remove_simulation(actor: Actor, keeper: str) -> Diagnostic | None:
    """Why ``actor`` is not allowed to remove or replace a run that ``keeper`` kept; None if allowed."""
    if actor.name == keeper or actor.is_administrator:
        return None
    what, who = f"remove or replace a simulation that {keeper} kept", f"{keeper} or {_an(ADMINISTRATOR)}"
    return _not_allowed(actor, what, who, "Keep yours by another name.")


def may_manage_tokens(actor: Actor, operator: str) -> Diagnostic | None:
    """Why ``actor`` is not allowed to create, list and revoke tokens of ``operator``; None if allowed."""
    if actor.name == operator or actor.is_administrator:
        return None
    how = "Ask one of them to do it. Whoever has an operator's token can act as that operator."
    return _not_allowed(actor, f"manage tokens of {operator[:80]}", f"{operator[:80]} or {_an(ADMINISTRATOR)}", how)


def may_withdraw_scheduled(
    actor: Actor, by: str, environments: Collection[str], promoters: Mapping[str, tuple[str, ...]]
) -> Diagnostic | None:
    """Why ``actor`` is not allowed to withdraw a promotion of ``environments`` that ``by`` scheduled; None if allowed.

    It keeps live as it is, so everybody who may promote or stop something there may.
    """
    if actor.name == by or actor.is_administrator:
        return None
    for name in environments:
        if actor.name in promoters.get(name, ()) or actor.may(Verb.PROMOTE, name) or actor.may(Verb.STOP, name):
            return None
    able = f"whoever may promote or stop something in {or_list(sorted(environments))}"
    who = or_list((by, _an(ADMINISTRATOR), able))
    return _not_allowed(actor, f"withdraw a promotion that {by} scheduled", who)


def _unless(
    actor: Actor, verb: Verb, environment: str, what: str, how: str = "", *, also: Iterable[str] = ()
) -> Diagnostic | None:
    """Why ``actor``, without the right ``verb`` in ``environment``, cannot do ``what``; None with the right.

    ``also``: operators who may besides.
    """
    if actor.may(verb, environment):
        return None
    who = or_list((*map(_an, actor.profiles.allowing(right_to(verb, environment))), *also))
    return _not_allowed(actor, what, who, how)


def _not_allowed(actor: Actor, what: str, who: str, how: str = "") -> Diagnostic:
    """That ``actor`` cannot do ``what``, and ``who`` can."""
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) is not allowed to {what}",
        f"Only {who} may do so.",
        how or "Ask one of them to do it.",
    )


def _not_for(actor: Actor, kind: PlanKind, environment: str, who: str, hint: str = "") -> Diagnostic:
    verb = {PlanKind.PROMOTE: "promote", PlanKind.ROLLBACK: "roll back", PlanKind.PURGE: "purge"}.get(kind, "change")
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name} ({actor.profile}) is not allowed to {verb} {environment}@live",
        who,
        hint or "Save the plan with --out and ask one of them to apply it.",
    )


def _one(profiles: Iterable[str]) -> str:
    return or_list(map(_an, profiles))


def _one_of(kind: Kind) -> str:
    return "a file of cases" if kind is Kind.CASES else _an(kind)


def _an(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def without_administrator(operators: Iterable[Mapping[str, Json]], address: Address) -> Diagnostic | None:
    """A diagnostic if none of these operators' bodies is an enabled administrator, else None."""
    if any(body.get("profile") == ADMINISTRATOR and body.get("enabled", True) for body in operators):
        return None
    return Diagnostic(
        Code.NOT_ALLOWED,
        "no enabled administrator would be left",
        "Nobody could change operators, dimensions or environments any more.",
        "Keep at least one enabled operator with profile: administrator.",
        address,
    )


def only_people(actor: Actor, what: str) -> list[Diagnostic]:
    """A diagnostic if ``actor`` is an automation, which can never do ``what`` (``approve``, ``stop``)."""
    if not actor.automation:
        return []
    return [
        Diagnostic(
            Code.NOT_A_PERSON,
            f"{actor.name} is an automation and cannot {what}",
            "Automations apply what operators wrote; reviewers decide in their own name.",
            "Ask a person to do it.",
        )
    ]


def may_approve(actor: Actor, reviewers: tuple[str, ...], environment: str) -> bool:
    """Whether ``actor`` may approve something of ``environment`` with these named reviewers (domain.md §1)."""
    if actor.automation:
        return False
    if reviewers:
        return actor.name in reviewers
    return actor.profile is not None and actor.may(Verb.APPROVE, environment)


def approvers(reviewers: tuple[str, ...], profiles: Profiles, environment: str) -> tuple[str, ...]:
    """Who can approve: the named reviewers, else the profiles."""
    return reviewers or profiles.allowing(right_to(Verb.APPROVE, environment))


class TokenScope(StrEnum):
    """One thing that a token may be used for."""

    READ = "read"
    APPLY = "apply"
    APPROVE = "approve"
    PROMOTE = "promote"
    STOP = "stop"
    ERASE = "erase"
    RELAY = "relay"


TokenScopes: TypeAlias = frozenset[TokenScope]

ALL_SCOPES = "all"
"""The text for every scope except ``relay``, including scopes of later releases."""
NO_SCOPES: TokenScopes = frozenset()
_ALL: TokenScopes = frozenset(TokenScope) - {TokenScope.RELAY}
"""A relay speaks for others, so no token, old or new, has that scope unless it is named."""


def scopes_text(names: Iterable[str]) -> str:
    """Scopes as stored and shown: ``all``, or each in a fixed order, always with ``read``, which all others need."""
    chosen = {TokenScope.READ.value, *names}
    return ALL_SCOPES if ALL_SCOPES in chosen else ",".join(scope for scope in TokenScope if scope in chosen)


def scopes_of(text: str) -> TokenScopes:
    """The scopes in ``text`` as written by :func:`scopes_text`. Unknown words are ignored."""
    if text == ALL_SCOPES:
        return _ALL
    return frozenset(scope for scope in TokenScope if scope in text.split(","))


def token_scope_errors(names: Iterable[str], automation: bool) -> list[Diagnostic]:
    """Diagnostics if a token cannot have these scopes: ``relay`` is only for automations and without other scopes.

    A relay of reviewers' approvals must not be able to apply what they approve, nor to approve anything itself.
    """
    chosen = set(names)
    if TokenScope.RELAY not in chosen:
        return []
    diagnostics = []
    if others := sorted(chosen - {TokenScope.RELAY, TokenScope.READ}):
        diagnostics.append(
            Diagnostic(
                Code.TOKEN_SCOPE,
                f"the scope relay cannot be combined with {or_list(others)}",
                "It reports what reviewers decided; with another scope it could also make the changes they review.",
                "Create a separate token for each.",
            )
        )
    if not automation:
        diagnostics.append(
            Diagnostic(
                Code.TOKEN_SCOPE,
                "only an automation can have a token with the scope relay",
                "Reviewers approve in their own name.",
                "Name an operator with automation: true, or create a token with --scope approve.",
            )
        )
    return diagnostics


def only_automations(actor: Actor, what: str) -> list[Diagnostic]:
    """A diagnostic if ``actor`` is a person, who cannot do ``what`` (``relay reviews``)."""
    if actor.automation:
        return []
    return [
        Diagnostic(
            Code.NOT_ALLOWED,
            f"{actor.name} is a person and cannot {what}",
            "Reviewers approve in their own name only.",
            "Use an automation (automation: true), or approve in your own name: offerkit approve.",
        )
    ]


def required_scopes(plan: Plan) -> TokenScopes:
    """The scopes needed to apply ``plan``: ``promote`` if it changes live, otherwise ``apply``.

    Campaigns are the exception: they have no design, so an apply writes them to live.
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
    """A diagnostic for each ``wanted`` scope that a token of ``operator`` lacks; ``held`` None: no token is used."""
    missing = [] if held is None else sorted(set(wanted) - held)
    return [_not_in(held or NO_SCOPES, scope.value, scope.value, operator) for scope in missing]


def no_scope_of(held: TokenScopes, wanted: Iterable[TokenScope], operator: str) -> list[Diagnostic]:
    """A diagnostic if a token of ``operator`` has none of ``wanted``; one of them is enough."""
    names = sorted(wanted)
    return [] if held & set(names) else [_not_in(held, or_list(names), names[0].value, operator)]


def _not_in(held: TokenScopes, wanted: str, example: str, operator: str) -> Diagnostic:
    has = ", ".join(scope for scope in TokenScope if scope in held) or "nothing"
    return Diagnostic(
        Code.TOKEN_SCOPE,
        f"the token lacks the scope {wanted}",
        f"Its scope is {has}. A token allows only what its scope says, whatever {operator} may do otherwise.",
        f"Use a token that has it. Where the store is, create one: offerkit token create {operator} --scope {example}",
    )
