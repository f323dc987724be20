"""``ci plan``, ``check`` and ``apply``: what a pull request changes, and that what is applied is what was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from offerkit import __version__
from offerkit.address import SHARED, Address, Kind, Stage
from offerkit.applier import Applied
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.engine.impact import Impact
from offerkit.forges.marked import marker
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.stopped import Stopped
from offerkit.plans.make import AddressPatterns
from offerkit.plans.meaning import RELIES, STEP, WAITS, Fact, FactDifference, differences, facts_of, meaning_of
from offerkit.plans.plan import FieldChange, Plan, envelope, plan_digest
from offerkit.reports.escape import clip
from offerkit.reports.pull_request import Behind, PullRequest, pull_request_json, pull_request_of
from offerkit.reports.pull_request_html import pull_request_html
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.reports.values import inline
from offerkit.reports.words import count, listing
from offerkit.specs.older_checkout import declared_ahead
from offerkit.state.changes import Action
from offerkit.state.eligibility import AffectedOffers, affected_offers
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approvals_needed
from offerkit.usecases.authorship import ForgeConfirmation, origin_of
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
from offerkit.usecases.ci_states import Base, ReviewedSpecs, base_of, contains, expected, specs_of, subject_of
from offerkit.usecases.impact import impact_of_plan
from offerkit.usecases.outdated_checkout import OutdatedCheckout, outdated_checkout
from offerkit.usecases.plan import may_break, plan_against
from offerkit.usecases.requests import ImpactRequest, ReadPlan
from offerkit.usecases.session import Session
from offerkit.usecases.stop import list_stops


@dataclass(frozen=True)
class Planned:
    """What a pull request changes: the whole plan, and what is said of each environment that changes."""

    bundle: Bundle
    plan: Plan
    requests: tuple[PullRequest, ...]
    denied: tuple[Diagnostic, ...] = ()
    """What policies deny of it: it is said of what changes, and nothing of it can be applied."""


def planned(session: Session, given: PullRequestRef, impact: ImpactRequest | None) -> Planned:
    """What a pull request changes, against the store; without one, against where it left its target branch.

    ``impact``: also for whom, where the contacts can be read. What policies deny is said in it. Raises Refused with
    every mistake in the specs, and where it is not known what to compare them with.
    """
    subject = subject_of(session, given)
    with session.reading() as store:
        stored = store is not None
    with specs_of(session, subject.head, merged=stored) as reviewed:
        made = _made(session, reviewed, subject, shown=True)
        requests = tuple(_requests(session, reviewed, made, subject, impact)) if made.plan.steps else ()
    return Planned(made.bundle(subject), made.plan, requests, made.denied)


def save(found: Planned, target: Path) -> None:
    """Write the bundle of what was planned, to a folder or to a zip."""
    write(target, _files(found))


@dataclass(frozen=True)
class Compared:
    """What was read, in which pull request (``subject``), what is so now, and where the two differ."""

    read: Bundle
    subject: PullRequestRef
    plan: Plan
    differing: tuple[FactDifference, ...]

    @property
    def same(self) -> bool:
        """Whether what would be applied is what was read."""
        return not self.differing


def compare(
    session: Session, read: Bundle, given: PullRequestRef, *, merged: bool = False, begins: bool = False
) -> Compared:
    """What would be applied of what is checked out, beside what was ``read``, which has to be of ``given``.

    ``merged``: of what is checked out once the pull request is merged into it, if it is not yet. ``begins``: where
    there is no store, one is to be made. Raises Refused when the bundle is for another plan, with all that policies
    deny, and as :func:`planned` does.
    """
    wanted = expected(session, given)
    expect(read, wanted.number, wanted.head)
    subject = PullRequestRef(wanted.number or read.subject.number, read.subject.head, wanted.base or read.subject.base)
    if merged and read.against == STORE and not contains(session, subject.head):
        with specs_of(session, subject.head, merged=True) as reviewed:
            made = _made(session, reviewed, subject)
    else:
        made = _made(session, ReviewedSpecs(session.load(), ""), subject, begins=begins)
    now = facts_of(made.plan)
    if read.against == made.against == STORE:
        return Compared(read, subject, made.plan, tuple(differences(read.facts, now)))
    if read.against == STORE:
        raise refuse(
            Code.BUNDLE_OTHER,
            "the bundle was made against a store, but no store is configured here",
            hint="Name the same store, with --store or OFFERKIT_STORE.",
        )
    held = {fact[1:3] for fact in now if fact[0] == WAITS}
    was = [fact for fact in read.facts if _told_by_git(fact) and fact[1:3] not in held]
    return Compared(read, subject, made.plan, tuple(differences(was, filter(_told_by_git, now))))


def nothing_to_apply(session: Session) -> bool:
    """Whether the store has all of what is checked out. Raises Refused with every mistake in the specs."""
    loaded = session.load()
    with session.reading() as store:
        return store is not None and plan_against(session, loaded, Stages(store), AddressPatterns.of((), ())).empty


def apply_read(
    session: Session,
    found: Compared,
    allow_different: str = "",
    confirmed: ForgeConfirmation | None = None,
) -> Applied:
    """Apply what was compared, as one revision that says what it means, and for which pull request.

    ``allow_different``: why something else may be applied than what was read; recorded where it is something else.
    ``confirmed``: what a forge tells of its authors. Raises Refused as :func:`check` and
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
    """Raise Refused when what would be applied is not what was read, with the differences, or the first of many.

    ``read``: the bundle, whose reports tell which fields were read.
    """
    listed = found.differing[:_MOST]
    was = _fields_read(read, {each.stage.partition("@")[0] for each in listed}) if read is not None else {}
    now = {(str(step.stage), str(step.address)): step.changes for step in found.plan.steps}
    told = [
        _told(each, was.get((each.stage, each.address), ()), now.get((each.stage, each.address), ())) for each in listed
    ]
    if more := len(found.differing) - len(told):
        told.append(Diagnostic(Code.MEANING, f"and {count(more, 'other')} {'is' if more == 1 else 'are'} different"))
    if told:
        raise Refused(told)


@dataclass(frozen=True)
class _Made:
    """A plan, and what it was made against: the store, or a commit (``base``)."""

    plan: Plan
    base: Base | None
    approvals: tuple[ApprovalItem, ...]
    stopped: tuple[Stopped, ...]
    reached: tuple[AffectedOffers, ...] = ()
    denied: tuple[Diagnostic, ...] = ()

    @property
    def against(self) -> str:
        """:data:`STORE` or :data:`GIT`."""
        return GIT if self.base is not None else STORE

    def bundle(self, subject: PullRequestRef) -> Bundle:
        """The index of the bundle."""
        saved = plan_digest(self.plan) if self.saved else ""
        return Bundle(subject, self.against, facts_of(self.plan), saved, __version__)

    @property
    def saved(self) -> bool:
        """Whether the plan itself goes into the bundle: not without a store, what is denied, or contacts of cases."""
        cases = any(step.address.kind is Kind.CASES and step.after is not None for step in self.plan.steps)
        return bool(self.plan.steps) and self.base is None and not cases and not self.denied


def _made(
    session: Session, reviewed: ReviewedSpecs, subject: PullRequestRef, *, begins: bool = False, shown: bool = False
) -> _Made:
    with session.reading() as store:
        base = base_of(session, subject, reviewed.revision) if store is None and not begins else None
        stages = base.stages if base is not None else Stages(store)
        made = plan_against(session, reviewed.loaded, stages, AddressPatterns.of((), ()), check_policies=not shown)
        if not (made.steps and shown):
            return _Made(made, base, (), ())
        made, denied = _judged(session, reviewed, stages, made)
        stops = tuple(_stopped(store, made)) if store else ()
        effect = stages.effect(made, Stage.DESIGN)
        groups = tuple(affected_offers(effect.before, effect.after, effect.changes))
        return _Made(made, base, tuple(approvals_needed(stages, made)), stops, groups, tuple(denied))


def _judged(session: Session, reviewed: ReviewedSpecs, stages: Stages, made: Plan) -> tuple[Plan, list[Diagnostic]]:
    if not may_break(stages, made):
        return made, []
    from offerkit.usecases.policy_checks import judge_plan  # compiles conditions: most projects have no policies

    return judge_plan(session, reviewed.loaded, stages, made)


def _stopped(store: Store, made: Plan) -> Iterator[Stopped]:
    touched = {address for step in made.steps for address in (step.address, step.moved_from) if address}
    for each in list_stops(store):
        if touched & {each.address, *each.offers}:
            yield each


def _requests(
    session: Session, reviewed: ReviewedSpecs, made: _Made, subject: PullRequestRef, asked: ImpactRequest | None
) -> Iterator[PullRequest]:
    plan = made.plan
    impact, warnings = _impact(session, made, asked) if asked is not None and not reviewed.revision else (None, ())
    here = made.base is None and not reviewed.revision
    behind, older = (_behind(session, plan), outdated_checkout(session, plan)) if here else (None, None)
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
            impact=_of_environment(impact, name) if impact is not None else None,
            approvals=tuple(row for row in made.approvals if row.address.environment == name),
            behind=_behind_of(behind, share),
            stopped=tuple(each for each in made.stopped if each.address.environment == name),
            warnings=(*_denied_of(made.denied, name, names), *warnings, *_older_of(older, share)),
            number=subject.number,
            reached=tuple(group for group in made.reached if group.offers[0].environment == name),
        )


def _command(made: _Made, subject: PullRequestRef) -> str:
    """What shows the same on somebody's own machine."""
    return f"offerkit diff git:{made.base.commit[:12]} git:{subject.head[:12]}" if made.base else "offerkit plan"


def _impact(session: Session, made: _Made, asked: ImpactRequest) -> tuple[Impact | None, tuple[Diagnostic, ...]]:
    """What changes for whom, or why that cannot be told: no reason to keep the rest from a reviewer."""
    try:
        if made.base is None:
            return impact_of_plan(session, made.plan, asked), ()
        from offerkit.usecases.impact import impact_of_change
        from offerkit.usecases.plan_effect import effect_of

        before = made.base.stages.side(Stage.DESIGN)
        steps = made.plan.steps_on(Stage.DESIGN)
        effect = effect_of(before, before.apply(steps, made.plan.bodies), steps, Stage.DESIGN)
        return impact_of_change(session, effect, asked, {}), ()
    except Refused as refused:
        return None, tuple(replace(found, severity=Severity.WARNING) for found in refused.diagnostics)


def _of_environment(impact: Impact, name: str) -> Impact:
    """What an impact says of one environment; of what all share: everything."""
    if name == SHARED:
        return impact
    spaces = [space for space in impact.spaces if space.space.partition("/")[0] == name]
    return replace(impact, spaces=spaces, silent=[each for each in impact.silent if each == name])


def _behind(session: Session, plan: Plan) -> Behind | None:
    gone = [step.address for step in plan.steps if step.action is Action.DELETE]
    found = declared_ahead(session.project.root, gone, session.environ) if gone else None
    if found is None:
        return None
    return Behind(found.branch, found.commits, tuple(sorted(found.declared, key=lambda each: each.sort_key)))


def _behind_of(behind: Behind | None, share: Plan) -> Behind | None:
    if behind is None:
        return None
    gone: set[Address] = {step.address for step in share.steps}
    there = tuple(address for address in behind.addresses if address in gone)
    return replace(behind, addresses=there) if there else None


def _older_of(older: OutdatedCheckout | None, share: Plan) -> Iterator[Diagnostic]:
    """That what is checked out is older than what was applied, where that shows, or nobody can tell."""
    there = {(step.stage, step.address) for step in share.steps}
    if older is not None and (not older.behind or any((step.stage, step.address) in there for step in older.steps)):
        yield older.diagnostic


def _denied_of(denied: Sequence[Diagnostic], name: str, names: Collection[str]) -> Iterator[Diagnostic]:
    """What is denied of an environment; of one that is not shown by itself: said of all that are."""
    for each in denied:
        where = each.address.environment if isinstance(each.address, Address) else ""
        if where == name or where not in names:
            yield each


def _files(found: Planned) -> Iterator[tuple[str, bytes]]:
    if found.bundle.plan:
        yield PLAN_FILE, envelope(found.plan)
    for each in found.requests:
        first = marker(each.environment, each.meaning, each.head)
        yield f"{each.environment}/{COMMENT}", comment_markdown(each, marker=first).encode()
        yield f"{each.environment}/{PAGE}", pull_request_html(each).encode()
        yield f"{each.environment}/{REPORT}", pull_request_json(each).encode()
    yield INDEX, index_bytes(found.bundle)


def _share(made: Plan, environment: str) -> Plan:
    """What of a plan is about ``environment``, with all of what it relies on that environments share."""
    steps = tuple(step for step in made.steps if step.stage.environment == environment)
    prints = {step.after.fingerprint for step in steps if step.after is not None}
    return replace(
        made,
        steps=steps,
        base=tuple(base for base in made.base if base.stage.environment == environment),
        blocked=tuple(item for item in made.blocked if item.stage.environment == environment),
        depends=tuple(item for item in made.depends if item.stage.environment in (environment, SHARED)),
        bodies={key: made.bodies[key] for key in made.bodies if key in prints},
    )


def _told_by_git(fact: Fact) -> bool:
    """Whether commits alone can tell it: not what is live, nor what waits for that."""
    return fact[0] == STEP or (fact[0] == RELIES and fact[1].endswith(f"@{Stage.DESIGN}"))


_DIGITS = 12
_MOST = 20
"""Differences that are told one by one."""


_FIELDS = 3
"""Fields of a difference that are told."""


def _fields_read(read: Opened, environments: Iterable[str]) -> dict[tuple[str, str], tuple[FieldChange, ...]]:
    """What the reports of a bundle say of fields, by stage and address: to be shown, and to decide nothing by."""
    found = {}
    for name in sorted(environments):
        with suppress(Refused):  # it says less then
            content = read.text(name, REPORT)
            for step in pull_request_of(content).plan.steps if content is not None else ():
                found[str(step.stage), str(step.address)] = step.changes
    return found


def _told(each: FactDifference, was: Sequence[FieldChange], will: Sequence[FieldChange]) -> Diagnostic:
    read, now = each.read, each.now
    own = {"Read": [one for one in was if one not in will], "Now": [one for one in will if one not in was]}
    said = " ".join(f"{word}: {_in_words(changes)}." for word, changes in own.items() if changes)
    if read is None:
        summary = f"{each.address} was not reviewed: {_said(now)}"
    elif now is None:
        summary = f"{each.address} no longer is what was reviewed: {_said(read)}"
    else:
        summary = f"{each.address} differs from what was reviewed: then {_said(read)}; now {_said(now)}"
    return Diagnostic(
        Code.MEANING,
        summary,
        f"{said} In {each.stage}. What is applied must be what was reviewed in the pull request.".lstrip(),
        "Run “offerkit ci plan” again and review what is new, or apply it with --allow-different REASON.",
        each.address,
    )


def _in_words(changes: Sequence[FieldChange]) -> str:
    told = [f"{each.path} {inline(each.before)} → {inline(each.after)}" for each in changes[:_FIELDS]]
    return "; ".join([clip(text, 200) for text in told] + (["…"] if len(changes) > _FIELDS else []))


def _said(fact: Fact | None) -> str:
    """What a fact says, in words."""
    match fact:
        case (kind, _, _, action, moved_from, before, was_on, after, on) if kind == STEP:
            was, will = _entry(before, was_on), _entry(after, on)
            return f"{action}{f' from {moved_from}' if moved_from else ''}, {was} → {will}"
        case (kind, _, _, print_) if kind == RELIES:
            return f"it is relied on as {_entry(print_, '')}"
        case (kind, _, _, address, aspect, space, _) if kind == WAITS and address:
            return f"it waits for the {aspect} of {address}{f' on {space}' if space else ''}"
        case _:
            return "it is held back"


def _entry(print_: str, active: str) -> str:
    if not print_:
        return "nothing"
    return print_[:_DIGITS] + (f" on {active or 'no space'}" if active not in ("-", "") else "")
