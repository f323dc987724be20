"""``diff``: what any state has against another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from offerkit.address import Address, Stage
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, refuse
from offerkit.loader.git import WHOLE_HISTORY, Lineage, lineage
from offerkit.planning.make import Context, Patterns, steps_for
from offerkit.planning.plan import Step
from offerkit.reports.impact import Impact
from offerkit.state.changes import Body, Delta, Layered, with_changes
from offerkit.state.snapshot import Snapshot
from offerkit.workflow.impact import impact_of
from offerkit.workflow.plan_effect import PlanEffect, effect_of
from offerkit.workflow.renames import renames_between, renames_of_specs
from offerkit.workflow.requests import ImpactRequest
from offerkit.workflow.session import Session
from offerkit.workflow.state_refs import (
    NamedState,
    comparable,
    in_environment,
    is_across,
    opened,
    state_named,
)

_MOST_BASES = 4
"""Merge bases that are looked at: histories that were merged crosswise have several."""


@dataclass(frozen=True)
class Behind:
    """What the first state has since the second left it, in git: not what the second one changes.

    ``commits``: how many it lacks. ``steps``: what differs for that reason alone, and merging would keep.
    ``doubt``: why it cannot be told what does.
    """

    commits: int = 0
    steps: tuple[Step, ...] = ()
    doubt: Diagnostic | None = None


@dataclass(frozen=True)
class Difference:
    """What one state has against another, as steps, with the bodies of both sides and both states.

    ``across``: which environment is compared with which, where they are two: names then are those without it.
    """

    steps: list[Step]
    bodies: dict[str, Body]
    before: NamedState
    after: NamedState
    across: tuple[str, str] | None = None
    behind: Behind = field(default_factory=Behind)

    @property
    def titles(self) -> tuple[str, str]:
        """What both states were called."""
        return self.before.title, self.after.title


def between(session: Session, base: str, head: str = "specs", patterns: Patterns = Patterns()) -> Difference:  # noqa: B008 - frozen
    """What the state named ``head`` has against ``base``, each one of :data:`state_refs.FORMS`; store or not.

    What differs only since ``head`` was made from an older commit of ``base`` is told apart: ``behind``.
    Raises Refused as :func:`difference` and :func:`state_refs.opened` do.
    """
    with opened(session, base, head) as (a, b):
        for state in (a, b):
            state.bodies_of(entry.fingerprint for entry in (*state.entries.values(), *state.beside.values()))
        return since_left(session, difference(session, a, b, patterns))


def difference(session: Session, a: NamedState, b: NamedState, patterns: Patterns) -> Difference:
    """What ``b`` has against ``a``. Raises Refused: a pattern matches nothing, or the two have nothing in common."""
    across = is_across(a, b)

    def names(address: Address) -> list[Address]:
        return [address] if across is None else [in_environment(address, name) for name in across]

    patterns.check_known({name for address in (*a.entries, *b.entries) for name in names(address)})
    chosen = [
        d
        for d in differing(a, b)
        if patterns.targeted(*names(d.address), d.moved_from) and not patterns.excluded(*names(d.address), d.moved_from)
    ]
    bodies = _gathered(chosen, a, b)
    with session.progress("Comparing", len(chosen)) as advance:
        steps = steps_for(chosen, Context(bodies, {}, _positions(b) if chosen else {}, advance))
    return Difference(steps, bodies, a, b, across)


def differing(a: NamedState, b: NamedState) -> list[Delta]:
    """Where ``b`` differs from ``a``, environment by environment; what differs there is not looked into."""
    before, after = comparable(a, b)
    renames = _renames(a, b)
    return Snapshot(before).diff(Snapshot(after), b.stage, renames)


def since_left(session: Session, found: Difference) -> Difference:
    """``found`` without what its first state got in git since the second left it: that stands in ``behind``."""
    base, head = found.before, found.after
    if not found.steps or not base.commit or not (head.commit or head.specs is not None):
        return found
    line = lineage(session.project.root, base.commit, head.commit or "HEAD", session.environ)
    if not line.behind:
        return found
    if not line.bases or len(line.bases) > _MOST_BASES:
        return replace(found, behind=Behind(line.behind, doubt=_untold(found, line)))
    try:
        bases = [state_named(session, None, f"git:{oid}").entries for oid in line.bases]
    except Refused as refused:
        return replace(found, behind=Behind(line.behind, doubt=_untold(found, line, refused.diagnostics[0].summary)))
    lacking = tuple(
        step
        for step in found.steps
        if all(
            head.entries.get(address) == there.get(address)
            for there in bases
            for address in (step.address, step.moved_from)
            if address
        )
    )
    own = [step for step in found.steps if step not in lacking]
    return replace(found, steps=own, behind=Behind(line.behind, lacking))


def impact_between(
    session: Session, found: Difference, asked: ImpactRequest, contacts: Mapping[str, str] | None = None
) -> Impact:
    """What the steps of ``found`` change for people: for those that the first state becomes by them.

    ``contacts``: by dimension, a file to read instead of the source that it declares. Raises Refused as
    :func:`offerkit.workflow.impact.of_plan` does, and where the states are not of the same environments.
    """
    if found.across is not None:
        raise refuse(
            Code.NO_IMPACT,
            f"what changes for people cannot be told between {' and '.join(found.across)}",
            detail="They are two environments, with contacts, spaces and offers of their own.",
            hint="Compare two states of one environment, or leave out --impact.",
        )
    return impact_of(session, _effect(found), asked, contacts or {})


def _effect(found: Difference) -> PlanEffect:
    """The first state and what the steps make of it: what ``behind`` holds stays as it is there."""
    a, b = found.before, found.after
    stage = Stage.LIVE if a.stage is b.stage is Stage.LIVE else Stage.DESIGN
    entries, _ = comparable(a, b)
    both = Layered(found.bodies, a.bodies, b.bodies)
    before = Snapshot({**a.beside, **entries}, both)
    return effect_of(before, before.with_entries(with_changes(before.entries, found.steps)), found.steps, stage)


def _untold(found: Difference, line: Lineage, why: str = "") -> Diagnostic:
    """That something of ``found`` may only be an older checkout."""
    if line.shallow:
        why, hint = "This clone is shallow: the commit at which they parted is not in it.", WHOLE_HISTORY
    elif not line.bases:
        why, hint = "They have no common ancestor.", "Name the commit that it was made from: git:COMMIT."
    else:
        why, hint = why or "They parted at several commits.", "Merge the one into the other, and compare again."
    return Diagnostic(
        Code.BEHIND_UNTOLD,
        f"{found.before.title[:60]} has {line.behind:,} commits that are not checked out here, and which of the"
        " differences are only that cannot be told",
        why,
        hint,
        severity=Severity.WARNING,
    )


def _positions(state: NamedState) -> Mapping[Address, Position]:
    return {address: record.position for address, record in state.specs.records.items()} if state.specs else {}


def _renames(a: NamedState, b: NamedState) -> dict[Address, Address]:
    """What both hold under two names."""
    if is_across(a, b) is not None:
        return {}
    if a.moved is not None and b.moved is not None:
        return renames_of_specs(a.moved, b.moved, a.entries, b.entries)
    return renames_between(a.entries, b.entries, a.names, b.names)


def _gathered(deltas: list[Delta], a: NamedState, b: NamedState) -> dict[str, Body]:
    bodies: dict[str, Body] = {}
    for state, side in ((a, "before"), (b, "after")):
        wanted = {entry.fingerprint for d in deltas if (entry := getattr(d, side)) is not None}
        bodies |= state.bodies_of(wanted)
    return bodies
