"""``diff``: how one state differs from another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from offerkit import __version__
from offerkit.address import SHARED, Address, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, refuse, suggestion
from offerkit.fingerprint import Json, JsonPath, manifest_digest
from offerkit.plans.make import AddressPatterns, StepContext, steps_for
from offerkit.plans.plan import Step
from offerkit.reports.diff import DiffExtras, DiffStamp, SpecPositions, StateStamp
from offerkit.reports.reached import OlderCheckout
from offerkit.reports.words import count
from offerkit.specs.git import WHOLE_HISTORY, Lineage, lineage
from offerkit.state.changes import Body, Delta, LayeredBodies
from offerkit.state.eligibility import AffectedOffers, affected_offers
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.usecases.outdated_checkout import MOST_BASES, entries_at, unchanged_since
from offerkit.usecases.renames import renames_between, renames_of_specs
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import (
    NamedState,
    comparable,
    in_environment,
    is_across,
    open_states,
    spec_positions,
)

if TYPE_CHECKING:
    from offerkit.engine.impact import Impact
    from offerkit.reports.proof_words import StatedProofs
    from offerkit.usecases.plan_effect import PlanEffect
    from offerkit.usecases.requests import ImpactRequest

NO_PATTERNS = AddressPatterns()
"""Nothing is narrowed."""
_MOST_PLACED = 1_000
"""For how many changes to look up exact lines, which reads their files again."""


@dataclass(frozen=True)
class MissingCommits:
    """Commits of the first state that the second lacks in git; their changes are not changes of the second state.

    ``commits``: how many. ``steps``: differences that come only from them; merging would keep them. ``doubt``: why
    these cannot be told apart.
    """

    commits: int = 0
    steps: tuple[Step, ...] = ()
    doubt: Diagnostic | None = None


@dataclass(frozen=True)
class Difference:
    """How one state differs from another: the steps between them, with bodies.

    ``across``: the two environments, if different ones are compared; names are then those without environment. The
    source of a step is the position of what it changes in the second state's specs.
    """

    steps: list[Step]
    bodies: dict[str, Body]
    before: NamedState
    after: NamedState
    across: tuple[str, str] | None = None
    behind: MissingCommits = field(default_factory=MissingCommits)
    positions: Mapping[Address, SpecPositions] = field(default_factory=dict)

    @property
    def titles(self) -> tuple[str, str]:
        """The names of both states."""
        return self.before.title, self.after.title

    @cached_property
    def effect(self) -> BeforeAfter:
        """The first state and the result of the steps; what comes only from missing commits is unchanged."""
        entries, _ = comparable(self.before, self.after)
        bodies = LayeredBodies(self.bodies, self.before.bodies, self.after.bodies)
        return BeforeAfter.of(Snapshot({**self.before.beside, **entries}, bodies), self.steps)

    @cached_property
    def reached(self) -> list[AffectedOffers]:
        """Offers whose effective eligibility changes through other resources; empty between two environments."""
        return [] if self.across is not None else affected_offers(*self.effect.pair, self.steps)

    def beside(self, impact: Impact | None = None, proofs: StatedProofs | None = None) -> DiffExtras:
        """What reports show beside the steps."""
        doubt = self.behind.doubt
        untold = f"{doubt.summary}. {doubt.detail}".replace("..", ".") if doubt is not None else ""
        lacking = OlderCheckout(self.behind.commits, self.behind.steps, untold)
        return DiffExtras(self.positions, self.reached, lacking, impact, proofs)


def compare(
    session: Session, base: str, head: str = "specs", patterns: AddressPatterns = NO_PATTERNS, *, whole: bool = False
) -> Difference:
    """How the state ``head`` differs from ``base``, each in one of :data:`state_refs.FORMS`; with or without a store.

    Differences that exist only because ``head`` is based on an older commit of ``base`` are separate: ``behind``.
    ``whole``: load all bodies, to measure the impact. Raises Refused as :func:`difference` and
    :func:`state_refs.open_states` do.
    """
    with open_states(session, base, head) as (a, b):
        result = without_missing_commits(session, difference(session, a, b, patterns))
        touched = {step.address.environment for step in result.steps}
        whole = whole or SHARED in touched
        for state in (a, b):
            entries = {**state.beside, **state.entries}
            state.bodies_of(e.fingerprint for x, e in entries.items() if whole or x.environment in {SHARED, *touched})
        return result


def stamp_of(session: Session, found: Difference) -> DiffStamp:
    """What a page of ``found`` says of itself, so that it can be filed.

    The digest of a stage is the one that its revision records, so an export of the history proves the page.
    """
    states = []
    for state in (found.before, found.after):
        manifests: dict[str, list[tuple[str, str, str]]] = {
            name: [] for name in sorted(state.own or state.environments)
        }
        for address, entry in state.entries.items():
            if address.environment in manifests:
                manifests[address.environment].append((address, entry.fingerprint, entry.activation_text))
        for name, rows in manifests.items():
            revision = state.revisions.get(name, 0)
            states.append(StateStamp(state.title, name, manifest_digest(rows), revision, state.commit))
    by = session.operator or session.email or session.user or "an unknown operator"
    return DiffStamp(by, session.now[:19] + "Z", __version__, states)


def difference(session: Session, a: NamedState, b: NamedState, patterns: AddressPatterns) -> Difference:
    """How ``b`` differs from ``a``. Raises Refused if a pattern matches nothing or the states have nothing
    in common.
    """
    across = is_across(a, b)

    def names(address: Address) -> list[Address]:
        return [address] if across is None else [in_environment(address, name) for name in across]

    patterns.check_known({name for address in (*a.entries, *b.entries) for name in names(address)})
    chosen = [
        d
        for d in differing(a, b)
        if patterns.targeted(*names(d.address), d.moved_from) and not patterns.excluded(*names(d.address), d.moved_from)
    ]
    bodies = _bodies(chosen, a, b)
    positions = _spec_positions(chosen, bodies, a, b)
    sources = {address: position.after for address, position in positions.items() if position.after is not None}
    with session.progress("Comparing", len(chosen)) as advance:
        steps = steps_for(chosen, StepContext(bodies, {}, sources, advance))
    return Difference(steps, bodies, a, b, across, positions=positions)


def differing(a: NamedState, b: NamedState) -> list[Delta]:
    """The differences between ``b`` and ``a``, environment by environment."""
    before, after = comparable(a, b)
    renames = _renames(a, b)
    return Snapshot(before).diff(Snapshot(after), b.stage, renames)


def without_missing_commits(session: Session, difference: Difference) -> Difference:
    """``found`` with the changes that only come from commits that the second state lacks moved to ``behind``."""
    base, head = difference.before, difference.after
    if not difference.steps or not base.commit or not (head.commit or head.specs is not None):
        return difference
    line = lineage(session.project.root, base.commit, head.commit or "HEAD", session.environ)
    if not line.behind:
        return difference
    if not 0 < len(line.bases) <= MOST_BASES:
        return replace(difference, behind=MissingCommits(line.behind, doubt=_unknown_cause(difference, line)))
    try:
        bases = entries_at(session, line)
    except Refused as refused:
        return replace(
            difference,
            behind=MissingCommits(line.behind, doubt=_unknown_cause(difference, line, refused.diagnostics[0].summary)),
        )
    lacking = unchanged_since(difference.steps, head.entries, bases)
    own = [step for step in difference.steps if step not in lacking]
    return replace(difference, steps=own, behind=MissingCommits(line.behind, lacking))


def impact_between(
    session: Session, difference: Difference, request: ImpactRequest, contacts: Iterable[str] = ()
) -> Impact:
    """The impact of ``found`` on the contacts of the first state.

    ``contacts``: ``FILE`` or ``DIMENSION=FILE``, files of the project to read instead of the declared sources. Raises
    Refused as :func:`offerkit.usecases.impact.impact_of_plan` does, and when the two states cannot be compared by
    their decisions.
    """
    from offerkit.usecases.impact import impact_of_change  # imports the engine
    from offerkit.usecases.plan_effect import effect_of

    if difference.across is not None:
        raise refuse(
            Code.NO_IMPACT,
            f"the impact cannot be measured between {difference.across[0]} and {difference.across[1]}",
            detail="They are different environments, each with its own contacts, spaces and offers.",
            hint="Compare two states of one environment, or leave out --impact.",
        )
    stage = Stage.LIVE if difference.before.stage is difference.after.stage is Stage.LIVE else Stage.DESIGN
    effect = effect_of(*difference.effect.pair, difference.steps, stage)
    _check_whole(difference, effect)
    files = _files(effect, contacts, effect.environments if request.at else effect.deciding)
    if session.backend.history_only and not files:
        raise refuse(
            Code.NO_IMPACT,
            "the contacts are on the server, which measures the impact of plans only",
            detail="“offerkit plan --impact” measures the impact of the specs there.",
            hint="To use contacts of this project: --contacts FILE.",
        )
    return impact_of_change(session, effect, request, files)


def _check_whole(difference: Difference, effect: PlanEffect) -> None:
    """Raise Refused if decisions are impossible because an environment's dimension is missing."""
    for side in effect.pair:
        for address in side.of_kind(Kind.ENVIRONMENT):
            dimension = Address(SHARED, Kind.DIMENSION, str((side(address) or {}).get("dimension")))
            if dimension not in side.entries:
                raise refuse(
                    Code.NO_IMPACT,
                    f"the impact cannot be measured between {difference.titles[0]} and {difference.titles[1]}:"
                    f" {dimension} is missing",
                    hint="Compare whole states: design, live, specs, git:REF.",
                )


def _files(effect: PlanEffect, contacts: Iterable[str], counted: Iterable[str]) -> dict[str, str]:
    """By dimension, the file in ``contacts``. Raises Refused if a dimension is unknown, or not given where several fit.

    ``counted``: the environments whose contacts are used.
    """
    all_dimensions = sorted({effect.catalog(name).dimension.name for name in effect.environments})
    counted_dimensions = sorted({effect.catalog(name).dimension.name for name in counted})
    files: dict[str, str] = {}
    for text in contacts:
        name, equals, file = text.partition("=")
        if not equals:
            if len(counted_dimensions) > 1:
                raise refuse(
                    Code.NO_IMPACT,
                    f"it is not clear which dimension the contacts in {text[:120]} belong to",
                    hint=f"Write --contacts {counted_dimensions[0]}=FILE. Dimensions: {', '.join(counted_dimensions)}.",
                )
            name, file = (counted_dimensions or all_dimensions or [""])[0], text
        if name not in all_dimensions or not file:
            hint = suggestion(name, all_dimensions, f"Dimensions: {', '.join(all_dimensions)}.")
            raise refuse(Code.NO_IMPACT, f"there is no dimension “{name[:80]}” in what is compared", hint=hint)
        files[name] = file
    return files


def _unknown_cause(difference: Difference, line: Lineage, why: str = "") -> Diagnostic:
    """The warning that some differences may only come from an older checkout."""
    if line.shallow:
        why, hint = "This clone is shallow: the commit where they diverged is missing.", WHOLE_HISTORY
    elif not line.bases:
        why, hint = "They have no common ancestor.", "Name the commit that it is based on: git:COMMIT."
    else:
        why, hint = why or "They diverged at several commits.", "Merge one into the other, and compare again."
    return Diagnostic(
        Code.BEHIND_UNTOLD,
        f"{difference.after.title[:60]} is behind {difference.before.title[:60]} by"
        f" {count(line.behind, 'commit')}; which differences come only from that is unknown",
        why,
        hint,
        severity=Severity.WARNING,
    )


def _spec_positions(
    deltas: list[Delta], bodies: Mapping[str, Body], a: NamedState, b: NamedState
) -> dict[Address, SpecPositions]:
    """The positions of changes in the specs of both states: the first changed line, or of very many where
    they begin.
    """
    paths: list[tuple[list[JsonPath], list[JsonPath]]] = []
    for item in deltas:
        changed: list[tuple[JsonPath, JsonPath]] = []
        if item.before is not None and item.after is not None and len(deltas) <= _MOST_PLACED:
            old_body, new_body = (orjson.loads(bodies[entry.fingerprint].text) for entry in (item.before, item.after))
            changed = list(_differing(old_body, new_body))
        paths.append(([path for path, _ in changed], [path for _, path in changed]))
    before = _positions(
        a, [(d.moved_from or d.address, p) for d, (p, _) in zip(deltas, paths, strict=True) if d.before]
    )
    after = _positions(b, [(d.address, p) for d, (_, p) in zip(deltas, paths, strict=True) if d.after])
    return {d.address: SpecPositions(before.get(d.moved_from or d.address), after.get(d.address)) for d in deltas}


def _positions(state: NamedState, paths_of: list[tuple[Address, list[JsonPath]]]) -> dict[Address, Position]:
    """The first position of each address in the specs of ``state``; empty if it does not come from specs."""
    if state.specs is None or not paths_of:
        return {}
    pairs = [(address, path) for address, paths in paths_of for path in paths or [()]]
    positions: dict[Address, Position] = {}
    for (address, _), at in zip(pairs, spec_positions(state.specs, pairs), strict=True):
        if at is not None and (address not in positions or at < positions[address]):
            positions[address] = at
    return positions


def _differing(
    before: Json, after: Json, old: JsonPath = (), new: JsonPath = ()
) -> Iterator[tuple[JsonPath, JsonPath]]:
    """The paths where two bodies differ: of a map all keys, of a list the first item."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            if key not in before or key not in after:
                yield (old, (*new, key)) if key in after else ((*old, key), new)
            elif before[key] != after[key]:
                yield from _differing(before[key], after[key], (*old, key), (*new, key))
    elif isinstance(before, list) and isinstance(after, list):
        at = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
        if at is not None and isinstance(before[at], dict) and isinstance(after[at], dict):
            yield from _differing(before[at], after[at], (*old, at), (*new, at))
        else:
            yield old, new
    else:
        yield old, new


def _renames(a: NamedState, b: NamedState) -> dict[Address, Address]:
    """What the two states name differently."""
    if is_across(a, b) is not None:
        return {}
    if a.moved is not None and b.moved is not None:
        return renames_of_specs(a.moved, b.moved, a.entries, b.entries)
    return renames_between(a.entries, b.entries, a.names, b.names)


def _bodies(deltas: list[Delta], a: NamedState, b: NamedState) -> dict[str, Body]:
    bodies: dict[str, Body] = {}
    for state, side in ((a, "before"), (b, "after")):
        fingerprints = {entry.fingerprint for d in deltas if (entry := getattr(d, side)) is not None}
        bodies |= state.bodies_of(fingerprints)
    return bodies
