"""How many contacts a promotion may leave without an offer: the environment's ``impact.max_lost``.

For each space: contacts that get at least one offer before and none after, as a share of those that get one before. The
number of offers requested does not matter for that, so one is. All contacts are counted, never a sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from offerkit.address import environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.counts import Count, as_json, rounded, said, share, size
from offerkit.engine.impact import FailedHook
from offerkit.fingerprint import Json
from offerkit.governance.overrides import MAX_REASON, check_reason
from offerkit.governance.promotion import only_withdraws
from offerkit.plans.plan import Plan, Reason
from offerkit.store import Store
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.contact_access import ContactRights, contact_rights, without_contact_details
from offerkit.usecases.hook_reports import HookReports, failed_hooks
from offerkit.usecases.plan_effect import PlanEffect, plan_effect
from offerkit.usecases.population import population
from offerkit.usecases.session import Session
from offerkit.usecases.space_comparison import ComparedChunk, SpaceComparison, comparisons, decide_both, why_not

if TYPE_CHECKING:
    from offerkit.usecases.space_comparison import Columns

_CAUSES = 3
_WITHDRAWING = (Reason.SWITCHED_OFF, Reason.LEAVES_SPACE, Reason.ENDS_EARLIER)
_HINT = "Change what takes the offers away, or promote with --override-impact 'REASON', which is recorded."


@dataclass(frozen=True)
class LossLimit:
    """The maximum share (0 to 1), as text, and where it is declared: in the state before or after."""

    share: Decimal
    text: str
    where: str


@dataclass(frozen=True)
class LossCause:
    """A rule that takes offers away: in words, where it is declared, and how many contacts lose which offers by it."""

    reason: str
    where: str
    offers: Mapping[str, Count]
    contacts: Count

    @property
    def sentence(self) -> str:
        """The cause in one sentence, with the offers that most contacts lose first."""
        names = sorted(self.offers, key=lambda offer: (-size(self.offers[offer]), offer))
        offers = ", ".join(names[:_CAUSES]) + (f" and {len(names) - _CAUSES} more" if len(names) > _CAUSES else "")
        where = f" ({self.where})" if self.where else ""
        who = "1 contact loses" if self.contacts == 1 else f"{said(self.contacts)} contacts lose"
        return f"{who} {offers}: {self.reason}{where}"


@dataclass(frozen=True)
class SpaceLoss:
    """A space's losses. ``served``: contacts with an offer before; ``lost``: those left with none.

    ``exceeds``: whether the exact numbers exceed the limit. ``failed_hooks``: those without which calls were decided.
    """

    space: str
    contacts: Count
    served: Count
    lost: Count
    limit: LossLimit
    exceeds: bool
    causes: tuple[LossCause, ...] = ()
    failed_hooks: tuple[FailedHook, ...] = ()

    @property
    def share(self) -> str:
        """The share of served contacts that is lost, in per cent; empty if unknown."""
        return share(self.lost, self.served)

    @property
    def rounded(self) -> SpaceLoss:
        """The same with rounded numbers, for operators without access to contacts."""
        causes = (
            LossCause(
                cause.reason,
                cause.where,
                {name: rounded(size(count)) for name, count in cause.offers.items()},
                rounded(size(cause.contacts)),
            )
            for cause in self.causes
        )
        return replace(
            self,
            contacts=rounded(size(self.contacts)),
            served=rounded(size(self.served)),
            lost=rounded(size(self.lost)),
            causes=tuple(sorted(causes, key=_weightiest)),
            failed_hooks=tuple(hook.rounded for hook in self.failed_hooks),
        )


def _weightiest(cause: LossCause) -> tuple[int, str, str]:
    return -size(cause.contacts), cause.reason, cause.where


def limit_of(effect: PlanEffect, environment: str) -> LossLimit | None:
    """The stricter of the limits before and after: loosening a limit takes a promotion of its own."""
    declared_limits = [
        LossLimit(Decimal(text.rstrip("%")) / 100, text, where)
        for side, where in ((effect.catalogs_before, effect.titles[0]), (effect.catalogs_after, effect.titles[1]))
        if (text := _limit_text(side, environment))
    ]
    return min(declared_limits, key=lambda limit: limit.share, default=None)


def _limit_text(side: Catalogs, environment: str) -> str:
    impact = (side.snapshot(environment_address(environment)) or {}).get("impact")
    text = impact.get("max_lost") if isinstance(impact, dict) else None
    return text if isinstance(text, str) else ""


def check_impact_reason(reason: str) -> str:
    """``reason`` with normalised spaces. Raises Refused if it is empty, too long or not valid UTF-8."""
    return check_reason(
        reason,
        "--override-impact needs a reason",
        f"It is kept in the history: a few words in UTF-8, at most {MAX_REASON:,} characters.",
    )


@dataclass(frozen=True)
class EnvironmentLoss:
    """An environment with a limit: the losses on its spaces, or why its contacts could not be read."""

    name: str
    dimension: str
    limit: LossLimit
    spaces: tuple[SpaceLoss, ...] = ()
    unread: tuple[Diagnostic, ...] = ()

    def for_reader(self, access: ContactRights) -> EnvironmentLoss:
        """The same without what this access does not cover."""
        if access.may_read(self.name, self.dimension):
            return self
        spaces = tuple(space.rounded for space in self.spaces)
        return replace(self, spaces=spaces, unread=without_contact_details(self.unread, self.name))

    @property
    def findings(self) -> Iterator[Diagnostic]:
        """Why the promotion is refused."""
        if self.unread:
            yield from (*self.unread, _unmeasured(self.name, self.limit))
        yield from _exceeded(self.spaces)


@dataclass(frozen=True)
class PromotionLoss:
    """What a promotion takes away in the environments that limit it."""

    environments: tuple[EnvironmentLoss, ...] = ()

    @property
    def spaces(self) -> tuple[SpaceLoss, ...]:
        """All spaces that could be measured."""
        return tuple(space for environment in self.environments for space in environment.spaces)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Why the promotion is refused; empty if it is allowed."""
        return tuple(finding for environment in self.environments for finding in environment.findings)

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Environments whose contacts cannot be read."""
        return tuple(environment.name for environment in self.environments if environment.unread)

    def for_reader(self, access: ContactRights) -> PromotionLoss:
        """The same without what this access does not cover."""
        return PromotionLoss(tuple(environment.for_reader(access) for environment in self.environments))


def limits(effect: PlanEffect) -> dict[str, LossLimit]:
    """The limits by environment; only environments that are live already can lose anything."""
    return {
        name: limit for name in effect.deciding if (limit := limit_of(effect, name)) and name in effect.catalogs_before
    }


def measure_losses(
    session: Session, store: Store, plan: Plan, effect: PlanEffect | None = None
) -> PromotionLoss | None:
    """What ``plan`` takes away and whether that is allowed, regardless of overrides; None if nothing limits it.

    Only promotions are limited: a rollback must be possible at any time.
    """
    if not plan.promotes:
        return None
    effect = effect or plan_effect(plan, store)
    limited = limits(effect)
    if not limited:
        return None
    return PromotionLoss(
        tuple(_environment_loss(session, store, effect, name, limit) for name, limit in limited.items())
    )


def _environment_loss(
    session: Session, store: Store, effect: PlanEffect, name: str, limit: LossLimit
) -> EnvironmentLoss:
    loss = EnvironmentLoss(name, effect.catalog(name).dimension.name, limit)
    try:
        return replace(loss, spaces=tuple(_environment(session, store, effect, name, limit)))
    except Refused as refused:
        return replace(loss, unread=refused.diagnostics)


def check_losses(session: Session, store: Store, plan: Plan, effect: PlanEffect | None = None) -> Mapping[str, Json]:
    """What to record with a promotion: the measured losses, and the reason of an override if one was needed.

    Raises Refused if a space loses more than its environment allows, or that cannot be measured, without an override
    (``session.override_impact``). A promotion that only switches things off is never refused, but its losses are
    counted.
    """
    reason = check_impact_reason(session.override_impact) if session.override_impact else ""
    effect = effect or (plan_effect(plan, store) if plan.promotes else None)
    if effect is None:
        return {}
    verdict = measure_losses(session, store, plan, effect) or PromotionLoss()
    counted = _counted(session, store, plan, effect)
    over = bool(verdict.findings)
    if over and not reason and not only_withdraws(effect):
        raise Refused(verdict.for_reader(contact_rights(session, store)).findings)
    spaces = [*verdict.spaces, *counted]
    if not (spaces or over):
        return {}
    record: dict[str, Json] = {"spaces": [_recorded(space.rounded) for space in spaces]}
    if over and reason:
        record["override"] = reason
    if over and verdict.unmeasured:
        record["unmeasured"] = list(verdict.unmeasured)
    if _withdrawing(plan):
        record["withdrawn"] = True
    return {"impact": record}


def _withdrawing(plan: Plan) -> set[str]:
    """The environments in which a promotion switches something off."""
    return {step.address.environment for step in plan.steps if step.reason in _WITHDRAWING}


def _counted(session: Session, store: Store, plan: Plan, effect: PlanEffect) -> list[SpaceLoss]:
    """The losses in unlimited environments where something is switched off; none where contacts cannot be read."""
    losses: list[SpaceLoss] = []
    for name in sorted(_withdrawing(plan) - limits(effect).keys()):
        if name in effect.catalogs_before and name in effect.catalogs_after:
            losses += _environment_loss(session, store, effect, name, LossLimit(Decimal(1), "100%", "")).spaces
    return losses


def is_limited(session: Session, store: Store, plan: Plan) -> bool:
    """Whether an environment limits what a promotion may take away.

    Raises Refused as :func:`check_impact_reason` does.
    """
    if session.override_impact:
        check_impact_reason(session.override_impact)
    return bool(_withdrawing(plan) or limits(plan_effect(plan, store)))


def _recorded(space: SpaceLoss) -> Json:
    """What the history keeps. Every operator may read it, so the numbers are rounded."""
    return {
        "space": space.space,
        "contacts": as_json(space.contacts),
        "served": as_json(space.served),
        "lost": as_json(space.lost),
        "max_lost": space.limit.text,
        "exceeds": space.exceeds,
    }


def _environment(
    session: Session, store: Store, effect: PlanEffect, name: str, limit: LossLimit
) -> Iterator[SpaceLoss]:
    catalog = effect.catalog(name)
    now = parse_time("", catalog.zone, session.now)
    pairs = comparisons(effect, name, 1, (now, now))
    programs = [program for pair in pairs for program in pair.programs]
    with effect.people(session) as sources:
        rows = sources(name).of(name).rows
        with population((effect.catalogs_before[name], catalog), programs, rows, (), 0) as contacts:
            for pair in pairs:
                if pair.old is not None:
                    hooks = HookReports(), HookReports()
                    loss = _space(pair, limit, contacts.count, decide_both(store, contacts, pair, hooks))
                    yield replace(loss, failed_hooks=tuple(failed_hooks(*hooks)))


def _space(pair: SpaceComparison, limit: LossLimit, contacts: int, chunks: Iterator[ComparedChunk]) -> SpaceLoss:
    served = lost = 0
    causes: Counter[tuple[str, str, str]] = Counter()
    for both in chunks:
        assert both.old is not None
        had = both.old.picks[0] >= 0
        lost_now = had if both.new is None else had & (both.new.picks[0] < 0)
        served += int(had.sum())
        lost += int(lost_now.sum())
        if lost_now.any():
            causes.update(_causes(pair, both, lost_now.nonzero()[0]))
    return SpaceLoss(pair.space, contacts, served, lost, limit, lost > limit.share * served, _by_rule(causes))


def _by_rule(causes: Counter[tuple[str, str, str]]) -> tuple[LossCause, ...]:
    """The rules that take offers away, each with its offers, those with most losses first."""
    rules: dict[tuple[str, str], Counter[str]] = {}
    for (offer, reason, where), times in causes.items():
        rules.setdefault((reason, where), Counter())[offer] += times
    rules_with_losses = (LossCause(reason, where, offers, offers.total()) for (reason, where), offers in rules.items())
    return tuple(sorted(rules_with_losses, key=_weightiest))


def _causes(pair: SpaceComparison, both: ComparedChunk, columns: Columns) -> Counter[tuple[str, str, str]]:
    """Why the contacts in ``columns`` no longer get the offer that they got."""
    assert pair.old is not None
    assert both.old is not None
    new_names = {old: new for new, old in pair.old_names.items()}
    causes: Counter[tuple[str, str, str]] = Counter()
    picked = both.old.picks[0][columns]
    for item in sorted(set(picked.tolist())):
        offer = pair.old.catalog.offers[pair.old.items[item].position].name
        name = new_names.get(offer, offer)
        for cause, lost in why_not(pair.reasons[1], both.new, name, columns[picked == item]):
            causes[name, cause.sentence, cause.address] += len(lost)
    return causes


def _exceeded(spaces: Sequence[SpaceLoss]) -> Iterator[Diagnostic]:
    """One finding for an environment, about the space that loses the largest share of its contacts."""
    over = sorted(
        (space for space in spaces if space.exceeds),
        key=lambda space: (-size(space.lost) / size(space.served), space.space),
    )
    if not over:
        return
    from offerkit.reports.impact import hook_sentences  # few promotions exceed a limit

    worst, *others = over
    environment = worst.space.partition("/")[0]
    further = ", ".join(f"{space.space}{_part(space)}" for space in others)
    yield Diagnostic(
        Code.IMPACT,
        f"the promotion would leave {said(worst.lost)} of the {said(worst.served)} contacts who get an offer on"
        f" {worst.space} with none{_part(worst)}; {environment} allows {worst.limit.text}",
        "; ".join(cause.sentence for cause in worst.causes[:_CAUSES])
        + "."
        + (f" Also over the limit: {further}." if further else "")
        + "".join(
            f" {sentence}" for sentence in hook_sentences((space.space, space.failed_hooks, None) for space in over)
        )
        + f" The limit is declared in {worst.limit.where}.",
        _HINT,
        environment_address(environment),
    )


def _part(space: SpaceLoss) -> str:
    return f" ({space.share})" if space.share else ""


def _unmeasured(environment: str, limit: LossLimit) -> Diagnostic:
    return Diagnostic(
        Code.IMPACT_UNMEASURED,
        f"environment {environment} allows a promotion to take offers from {limit.text} of its contacts (declared"
        f" in {limit.where}), which cannot be measured",
        hint="Make the contacts readable, or promote with --override-impact 'REASON', which is recorded.",
        address=environment_address(environment),
    )
