"""Judges the overrides of a recorded history: whether who gave them was entitled to, at that time.

What was to be overridden is found again in the store as it was just before the revision, by the functions that found it
then. Files of contacts and specs that were not applied are not in the record: there, only who may override them is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

import orjson

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Diagnostic
from offerkit.governance.overrides import (
    OVERRIDE_ACTION,
    Obstacle,
    Override,
    OverrideKind,
    override_refusal,
    overrides_in,
)
from offerkit.store import Store
from offerkit.store.rows import RecordedRevision
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases import applied_cases, policy_checks, promotion_times, settings_approval
from offerkit.usecases.audit_rights import active
from offerkit.usecases.override import missing_reviewers, with_removers_as_authors
from offerkit.usecases.session import operators


def not_allowed_to_override(store: Store, recorded: RecordedRevision) -> Iterator[Diagnostic | str]:
    """Why overrides of a revision were not for its operator, or of nothing; ``store`` ends before the revision."""
    revision = recorded.revision
    if revision.action != OVERRIDE_ACTION:
        return
    actor = active(store, revision.actor)
    if isinstance(actor, str):
        yield actor
        return
    people, found = operators(store), _Found(Stages(store), revision.time)
    for given in overrides_in(orjson.loads(revision.details), actor.name, revision.message, revision.serial):
        obstacles = [with_removers_as_authors(store, obstacle, people) for obstacle in found.lifted_by(given)]
        refusals = [override_refusal(actor, obstacle, people) for obstacle in obstacles]
        if not obstacles:
            yield f"nothing kept {given.address} back that it overrides"
        elif None not in refusals:
            yield from filter(None, refusals[:1])


class _Found:
    """What could be overridden at one moment; each kind is looked for once."""

    def __init__(self, stages: Stages, time: str) -> None:
        self._stages, self._time = stages, time
        self._of = cache(self._found)

    def lifted_by(self, given: Override) -> list[Obstacle]:
        """What an override lifted: exactly that, or what it may have been where the record does not have it."""
        exact = [
            obstacle
            for obstacle in self._of(given.lifts)
            if (obstacle.address, obstacle.fingerprint) == (given.address, given.fingerprint)
        ]
        return exact or list(self._perhaps(given))

    def _found(self, lifts: OverrideKind) -> tuple[Obstacle, ...]:
        sources: dict[OverrideKind, Callable[[], Iterable[Obstacle]]] = {
            OverrideKind.REVIEWERS: lambda: missing_reviewers(self._stages),
            OverrideKind.SETTINGS: lambda: settings_approval.obstacles(self._stages),
            OverrideKind.CASES: lambda: applied_cases.withheld_obstacles(self._stages),
            OverrideKind.POLICIES: lambda: policy_checks.obstacles(self._stages, self._time),
        }
        return tuple(sources[lifts]()) if lifts in sources else ()

    def _perhaps(self, given: Override) -> Iterable[Obstacle]:
        """What an override may have lifted that only its day, its specs or its files of contacts could show."""
        stages, address = self._stages, given.address
        authors: Iterable[str] | None = None
        if given.lifts is OverrideKind.POLICIES:
            return policy_checks.recorded_obstacles(stages, given)
        if given.lifts is OverrideKind.CALENDAR and address.kind is Kind.ENVIRONMENT:
            authors = promotion_times.waiting_authors(stages, address.name)
        elif given.lifts is OverrideKind.CASES and _is_case_file(stages, address):
            authors = applied_cases.separated_authors(stages, address.environment)
        if authors is None:
            return ()
        return (Obstacle(given.lifts, address, given.fingerprint, given.says, frozenset(authors)),)


def _is_case_file(stages: Stages, address: Address) -> bool:
    return address.kind is Kind.CASES and any(address in stages.side(side).entries for side in Stage)
