"""``ci plan``, ``check`` and ``apply``: what a pull request changes, and whether what is applied was reviewed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from offerkit import __version__
from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage
from offerkit.applier import Applied
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.engine.impact import Impact
from offerkit.forges.marked import marker
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.stopped import Stopped
from offerkit.plans.make import AddressPatterns
from offerkit.plans.meaning import RELIES, STEP, WAITS, Fact, FactDifference, differences, facts_of, meaning_of
from offerkit.plans.plan import Plan, envelope, plan_digest
from offerkit.reports.proof_words import StatedProofs, stated
from offerkit.reports.pull_request import Behind, PullRequest
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.reports.render import render
from offerkit.reports.words import listing
from offerkit.specs.older_checkout import declared_ahead
from offerkit.state.changes import Action
from offerkit.state.eligibility import AffectedOffers, affected_offers
from offerkit.state.snapshot import BeforeAfter
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.apply import apply
from offerkit.usecases.authorship import ForgeConfirmation, origin_of
from offerkit.usecases.awaited_approvals import approvals_needed
from offerkit.usecases.ci_bundle import (
    COMMENT,
    GIT,
    INDEX,
    PAGE,
    PLAN_FILE,
    REPORT,
    STORE,
    Bundle,
    Opened,
    PullRequestRef,
    expect,
    index_bytes,
    write,
)
from offerkit.usecases.ci_differences import MOST, told
from offerkit.usecases.ci_states import Base, ReviewedSpecs, base_of, contains, expected, specs_of, subject_of
from offerkit.usecases.contact_access import FOR_DETAILS, without_contact_details
from offerkit.usecases.impact import impact_of_plan
from offerkit.usecases.outdated_checkout import OutdatedCheckout, outdated_checkout
from offerkit.usecases.plan import may_break, plan_against
from offerkit.usecases.requests import ImpactRequest, ReadPlan
from offerkit.usecases.session import Session
from offerkit.usecases.stop import list_stops


@dataclass(frozen=True)
class Planned:
    """What a pull request changes: the whole plan, and the report of each environment that changes."""

    bundle: Bundle
    plan: Plan
    requests: tuple[PullRequest, ...]
    denied: tuple[Diagnostic, ...] = ()
    """What policies deny; it is reported, and the plan cannot be applied."""
    findings: tuple[Diagnostic, ...] = ()
    """What lint finds in the specs and not in what they are compared with."""


def planned(
    session: Session, requested: PullRequestRef, impact: ImpactRequest | None, *, prove: bool = False
) -> Planned:
    """What a pull request changes, against the store; without one, against the commit where it left its target branch.

    ``impact``: measure the impact too, if the contacts can be read. ``prove``: also what the changes of rules mean for
    every contact there can be, if the solver is installed. The result includes what policies deny. Raises
    Refused with every mistake in the specs, and if it is unknown what to compare them with.
    """
    subject = subject_of(session, requested)
    with session.reading() as store:
        stored = store is not None
    with specs_of(session, subject.head, merged=stored) as reviewed:
        plan_made = _made(session, reviewed, subject, shown=True, prove=prove)
        requests = tuple(_requests(session, reviewed, plan_made, subject, impact)) if plan_made.plan.steps else ()
    return Planned(plan_made.bundle(subject), plan_made.plan, requests, plan_made.denied, plan_made.findings)


def save(found: Planned, target: Path) -> None:
    """Write the bundle of what was planned to a folder or a zip."""
    write(target, _files(found))


@dataclass(frozen=True)
class Compared:
    """The reviewed bundle and its pull request (``subject``), the current plan, and where the two differ."""

    read: Bundle
    subject: PullRequestRef
    plan: Plan
    differing: tuple[FactDifference, ...]

    @property
    def same(self) -> bool:
        """Whether what would be applied is what was reviewed."""
        return not self.differing


def compare(
    session: Session, read: Bundle, requested: PullRequestRef, *, merged: bool = False, begins: bool = False
) -> Compared:
    """Compare what would be applied now with the reviewed bundle ``read``, which must be of ``requested``.

    ``merged``: as if the pull request were merged into the checked-out commit, if it is not yet. ``begins``: without a
    store, one will be created. Raises Refused if the bundle is for another plan, with all that policies deny, and as
    :func:`planned` does.
    """
    wanted_request = expected(session, requested)
    expect(read, wanted_request.number, wanted_request.head)
    subject = PullRequestRef(
        wanted_request.number or read.subject.number, read.subject.head, wanted_request.base or read.subject.base
    )
    if merged and read.against == STORE and not contains(session, subject.head):
        with specs_of(session, subject.head, merged=True) as reviewed:
            plan_made = _made(session, reviewed, subject)
    else:
        plan_made = _made(session, ReviewedSpecs(session.load(), ""), subject, begins=begins)
    now = facts_of(plan_made.plan)
    if read.against == plan_made.against == STORE:
        return Compared(read, subject, plan_made.plan, tuple(differences(read.facts, now)))
    if read.against == STORE:
        raise refuse(
            Code.BUNDLE_OTHER,
            "the bundle was made against a store, but no store is configured here",
            hint="Name the same store, with --store or OFFERKIT_STORE.",
        )
    held = {fact[1:3] for fact in now if fact[0] == WAITS}
    was = [fact for fact in read.facts if _told_by_git(fact) and fact[1:3] not in held]
    return Compared(read, subject, plan_made.plan, tuple(differences(was, filter(_told_by_git, now))))


def nothing_to_apply(session: Session) -> bool:
    """Whether the store already has everything that is checked out. Raises Refused with every mistake in the specs."""
    loaded = session.load()
    with session.reading() as store:
        return store is not None and plan_against(session, loaded, Stages(store), AddressPatterns.of((), ())).empty


def apply_read(
    session: Session,
    found: Compared,
    allow_different: str = "",
    confirmed: ForgeConfirmation | None = None,
) -> Applied:
    """Apply what was compared, as one revision that records its meaning and its pull request.

    ``allow_different``: why something other than what was reviewed may be applied; recorded if the two differ.
    ``confirmed``: what a forge tells about the authors. Raises Refused as :func:`check` and
    :func:`offerkit.usecases.apply.apply` do.
    """
    if not allow_different:
        check(found)
    subject = found.subject
    read = ReadPlan(
        meaning_of(facts_of(found.plan)) if found.same else found.read.meaning,
        subject.number,
        subject.head,
        "" if found.same else allow_different,
    )
    origin = origin_of(session, found.plan, found.plan, confirmed=confirmed)
    return apply(replace(session, origin=origin, as_read=read), found.plan)


def check(found: Compared, read: Opened | None = None) -> None:
    """Raise Refused, with the first differences, if what would be applied is not what was reviewed.

    ``read``: the bundle, whose reports have the reviewed fields.
    """
    diagnostics = told(found.differing, found.plan, read)
    if diagnostics:
        raise Refused(diagnostics)


@dataclass(frozen=True)
class _Made:
    """A plan, and what it is made against: the store, or a commit (``base``)."""

    plan: Plan
    base: Base | None
    approvals: tuple[ApprovalItem, ...]
    stopped: tuple[Stopped, ...]
    reached: tuple[AffectedOffers, ...] = ()
    denied: tuple[Diagnostic, ...] = ()
    proofs: StatedProofs | None = None
    findings: tuple[Diagnostic, ...] = ()

    @property
    def against(self) -> str:
        """:data:`STORE` or :data:`GIT`."""
        return GIT if self.base is not None else STORE

    def bundle(self, subject: PullRequestRef) -> Bundle:
        """The index of the plan's bundle."""
        saved = plan_digest(self.plan) if self.saved else ""
        return Bundle(subject, self.against, facts_of(self.plan), saved, __version__)

    @property
    def saved(self) -> bool:
        """Whether the bundle holds the plan: not without a store, if policies deny it, or if it changes cases."""
        cases = any(step.address.kind is Kind.CASES and step.after is not None for step in self.plan.steps)
        return bool(self.plan.steps) and self.base is None and not cases and not self.denied


def _made(
    session: Session,
    reviewed: ReviewedSpecs,
    subject: PullRequestRef,
    *,
    begins: bool = False,
    shown: bool = False,
    prove: bool = False,
) -> _Made:
    with session.reading() as store:
        base = base_of(session, subject, reviewed.revision) if store is None and not begins else None
        stages = base.stages if base is not None else Stages(store)
        plan = plan_against(session, reviewed.loaded, stages, AddressPatterns.of((), ()), check_policies=not shown)
        if not (plan.steps and shown):
            return _Made(plan, base, (), ())
        plan, denied = _judged(session, reviewed, stages, plan)
        stops = tuple(_stopped(store, plan)) if store else ()
        effect = stages.effect(plan, Stage.DESIGN)
        groups = tuple(affected_offers(effect.before, effect.after, effect.changes))
        proofs = _proofs(session, plan, effect) if prove else None
        from offerkit.usecases.lint import new_findings  # compiles both states

        found = new_findings(session, reviewed.loaded, stages.side(Stage.DESIGN), plan, prove=prove)
        return _Made(plan, base, tuple(approvals_needed(stages, plan)), stops, groups, tuple(denied), proofs, found)


def _proofs(session: Session, plan: Plan, effect: BeforeAfter) -> StatedProofs:
    from offerkit.usecases.proofs import proofs_or_why_not, prove_change
    from offerkit.usecases.requests import ProofRequest  # compiles both states

    request = ProofRequest(session.now, progress=session.progress)
    return stated(proofs_or_why_not(plan.steps, lambda: prove_change(effect, request)))


def _proofs_of(proofs: StatedProofs | None, name: str, names: Collection[str]) -> StatedProofs | None:
    """The part about one environment; that of shared resources has those that have no part of their own."""
    if proofs is None:
        return None
    return proofs.of_environments(lambda each: each == name or (name == SHARED and each not in names))


def _judged(session: Session, reviewed: ReviewedSpecs, stages: Stages, made: Plan) -> tuple[Plan, list[Diagnostic]]:
    if not may_break(stages, made):
        return made, []
    from offerkit.usecases.policy_checks import judge_plan  # compiles conditions, and most projects have no policies

    return judge_plan(session, reviewed.loaded, stages, made)


def _stopped(store: Store, plan: Plan) -> Iterator[Stopped]:
    touched = {address for step in plan.steps for address in (step.address, step.moved_from) if address}
    for stop in list_stops(store):
        if touched & {stop.address, *stop.offers}:
            yield stop


def _requests(
    session: Session,
    reviewed: ReviewedSpecs,
    made: _Made,
    subject: PullRequestRef,
    impact_request: ImpactRequest | None,
) -> Iterator[PullRequest]:
    plan = made.plan
    impact, warnings = (
        _impact(session, made, impact_request) if impact_request is not None and not reviewed.revision else (None, ())
    )
    in_checkout = made.base is None and not reviewed.revision
    behind, older = (_behind(session, plan), outdated_checkout(session, plan)) if in_checkout else (None, None)
    names = {step.stage.environment for step in plan.steps}
    for name in sorted(names):
        share = _share(plan, name)
        base = [f"{base.stage} at revision {base.revision}" for base in share.base]
        yield PullRequest(
            environment=name,
            plan=share,
            meaning=meaning_of(facts_of(share)),
            base=made.base.words if made.base is not None else listing(base, len(base)),
            head=subject.head,
            command=_command(made, subject),
            impact=_of_environment(impact, share, name) if impact is not None else None,
            approvals=tuple(item for item in made.approvals if item.address.environment == name),
            behind=_behind_of(behind, share),
            stopped=tuple(each for each in made.stopped if each.address.environment == name),
            warnings=(
                *_denied_of(made.denied, name, names),
                *warnings,
                *_older_of(older, share),
                *_findings_of(made, name),
            ),
            number=subject.number,
            reached=tuple(group for group in made.reached if group.offers[0].environment == name),
            proofs=_proofs_of(made.proofs, name, names),
        )


def _command(made: _Made, subject: PullRequestRef) -> str:
    """The command that shows the same plan locally."""
    return f"offerkit diff git:{made.base.commit[:12]} git:{subject.head[:12]}" if made.base else "offerkit plan"


def _impact(
    session: Session, made: _Made, impact_request: ImpactRequest
) -> tuple[Impact | None, tuple[Diagnostic, ...]]:
    """The impact, or why it cannot be measured; the report does not fail for that."""
    try:
        if made.base is None:
            return impact_of_plan(session, made.plan, impact_request), ()
        from offerkit.usecases.impact import impact_of_change
        from offerkit.usecases.plan_effect import effect_of

        before = made.base.stages.side(Stage.DESIGN)
        steps = made.plan.steps_on(Stage.DESIGN)
        effect = effect_of(before, before.apply(steps, made.plan.bodies), steps, Stage.DESIGN, made.base.stages)
        return impact_of_change(session, effect, impact_request, {}), ()
    except Refused as refused:
        names = sorted({step.address.environment for step in made.plan.steps} - {SHARED})
        shown = without_contact_details(refused.diagnostics, *names, hint=FOR_DETAILS)
        return None, tuple(replace(diagnostic, severity=Severity.WARNING) for diagnostic in shown)


def _of_environment(impact: Impact, share: Plan, name: str) -> Impact:
    """The part of an impact for one environment.

    For shared resources that is all of it, or nothing if only profiles, operators and webhooks change.
    """
    if name == SHARED and any(step.address.kind not in ADMINISTRATIVE_KINDS for step in share.steps):
        return impact
    spaces = [space for space in impact.spaces if space.space.partition("/")[0] == name]
    return replace(
        impact,
        spaces=spaces,
        silent=[silent_environment for silent_environment in impact.silent if silent_environment == name],
    )


def _behind(session: Session, plan: Plan) -> Behind | None:
    gone = [step.address for step in plan.steps if step.action is Action.DELETE]
    ahead = declared_ahead(session.project.root, gone, session.environ) if gone else None
    if ahead is None:
        return None
    return Behind(ahead.branch, ahead.commits, tuple(sorted(ahead.declared, key=lambda address: address.sort_key)))


def _behind_of(behind: Behind | None, share: Plan) -> Behind | None:
    if behind is None:
        return None
    touched: set[Address] = {step.address for step in share.steps}
    addresses = tuple(address for address in behind.addresses if address in touched)
    return replace(behind, addresses=addresses) if addresses else None


def _older_of(older: OutdatedCheckout | None, share: Plan) -> Iterator[Diagnostic]:
    """A warning that the checkout is older than what was applied, for the environments where that shows."""
    touched = {(step.stage, step.address) for step in share.steps}
    if older is not None and (not older.behind or any((step.stage, step.address) in touched for step in older.steps)):
        yield older.diagnostic


def _denied_of(denied: Sequence[Diagnostic], name: str, names: Collection[str]) -> Iterator[Diagnostic]:
    """What policies deny in an environment; denials elsewhere are shown in every environment of the report."""
    for diagnostic in denied:
        environment = diagnostic.address.environment if isinstance(diagnostic.address, Address) else ""
        if environment == name or environment not in names:
            yield diagnostic


def _findings_of(made: _Made, name: str) -> list[Diagnostic]:
    """The first findings about an environment; the command lists them all."""
    return [each for each in made.findings if each.address.partition("/")[0] == name][:MOST]


def _files(found: Planned) -> Iterator[tuple[str, bytes]]:
    if found.bundle.plan:
        yield PLAN_FILE, envelope(found.plan)
    for each in found.requests:
        first = marker(each.environment, each.meaning, each.head)
        yield f"{each.environment}/{COMMENT}", comment_markdown(each, marker=first).encode()
        yield f"{each.environment}/{PAGE}", render(each, "html").encode()
        yield f"{each.environment}/{REPORT}", render(each, "json").encode()
    yield INDEX, index_bytes(found.bundle)


def _share(plan: Plan, environment: str) -> Plan:
    """What of a plan is about ``environment``, with all of what it relies on that environments share."""
    steps = tuple(step for step in plan.steps if step.stage.environment == environment)
    prints = {step.after.fingerprint for step in steps if step.after is not None}
    return replace(
        plan,
        steps=steps,
        base=tuple(base for base in plan.base if base.stage.environment == environment),
        blocked=tuple(item for item in plan.blocked if item.stage.environment == environment),
        depends=tuple(item for item in plan.depends if item.stage.environment in (environment, SHARED)),
        bodies={key: plan.bodies[key] for key in plan.bodies if key in prints},
    )


def _told_by_git(fact: Fact) -> bool:
    """Whether a comparison of commits can tell a fact: not one about live, or about what waits for it."""
    return fact[0] == STEP or (fact[0] == RELIES and fact[1].endswith(f"@{Stage.DESIGN}"))
