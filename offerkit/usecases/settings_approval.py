"""Separation of duties for settings: nobody takes live alone what they wrote alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

import orjson

from offerkit.address import Address, Kind, Stage, environment_address
from offerkit.diagnostics import Code, Diagnostic, or_list
from offerkit.governance.approvals import Decision
from offerkit.governance.authors import Authors, RecordedChange
from offerkit.governance.overrides import Obstacle, Override, OverrideKind, entitled
from offerkit.governance.rights import Actor
from offerkit.governance.settings import (
    SETTING_KINDS,
    differing_fields,
    environments_of,
    is_setting,
    named_reviewers,
    same_settings,
    settings_in,
    settings_key,
)
from offerkit.plans.plan import Plan
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.session import operators, promoters, separating_environments


def single_author_refusals(store: Store, plan: Plan, actor: Actor) -> list[Diagnostic]:
    """Why ``actor`` cannot apply ``plan``: settings that nobody else has written, approved or seen.

    Applies to environments that separate duties, in live or in design.
    """
    if not plan.promotes:
        return []
    people = _SettingsAuthors(Stages(store), actor)
    changed = [step for step in plan.steps_on(Stage.LIVE) if is_setting(step.address, people.design, people.live)]
    renames = {step.moved_from: step.address for step in changed if step.moved_from}
    refusals = []
    for step in changed:
        address, former = step.address, step.moved_from or step.address
        if people.alone(address) and not same_settings(people.design, address, people.live, former, renames):
            refusals.append(_refusal(people, address, actor))
    return refusals


def obstacles(stages: Stages) -> Iterator[Obstacle]:
    """Changes of settings by a single author where duties are separated, and changes of an environment's promoters that
    leave nobody who may promote.
    """
    assert stages.store is not None
    people = _SettingsAuthors(stages, None)
    allowed = promoters(stages.store, stages.overrides)
    stuck = {environment_address(name) for name, named in allowed.items() if not named}
    for address in sorted({*people.design.entries, *people.live.entries}):
        design, live = people.design.entries.get(address), people.live.entries.get(address)
        unchanged = (design.fingerprint if design else "") == (live.fingerprint if live else "")
        if unchanged or people.lifted(address) is not None:
            continue
        if (address in stuck) or people.lack_another(address):
            yield people.obstacle(address)


def waiting_settings(stages: Stages, *, every: bool = False) -> list[Address]:
    """The settings that differ between design and live and need somebody's decision, sorted.

    That is where their environment names reviewers or separates duties, in either stage; with ``every``, anywhere.
    """
    assert stages.store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    apart = separating_environments(stages.store)
    addresses = []
    for address in sorted(set(settings_in(design, live))):
        in_design, in_live = design.entries.get(address), live.entries.get(address)
        if (in_design.fingerprint if in_design else "") == (in_live.fingerprint if in_live else ""):
            continue
        names = environments_of(address, design, live)
        named = any(named_reviewers(view, name) for view in (design, live) for name in names)
        needs_decision = named or separates(apart, address, design, live)
        if (every or needs_decision) and not same_settings(design, address, live, address, {}):
            addresses.append(address)
    return addresses


def last_live_change(stages: Stages, address: Address) -> int:
    """The last revision that changed ``address`` in live.

    Where duties are separated, approvals of settings and overrides count for one change only: those before it are used
    up.
    """
    return stages.live_since(address)


def separates(apart: Collection[str], address: Address, design: Snapshot, live: Snapshot) -> bool:
    """Whether duties are separated for the settings at ``address``; ``apart``: the environments that separate them.

    Environments that are not live yet do not count: nothing in live depends on their settings, and their offers need
    approval.
    """
    names = environments_of(address, design, live)
    if address not in live.entries:
        names = [name for name in names if environment_address(name) in live.entries]
    return not set(names).isdisjoint(apart)


_ENOUGH = 2
"""The number of persons needed."""


class _SettingsAuthors:
    """Who wrote and approved settings that differ between design and live."""

    def __init__(self, stages: Stages, actor: Actor | None) -> None:
        assert stages.store is not None
        store = stages.store
        self._store, self._actor, self._stages = store, actor, stages
        self._operators = operators(store)
        self._separated = separating_environments(store)
        self._authors = Authors(store, self.design, lambda: self.live)

    @cached_property
    def design(self) -> Snapshot:
        """The settings in design."""
        return self._side(Stage.DESIGN)

    @cached_property
    def live(self) -> Snapshot:
        """The settings in live."""
        return self._side(Stage.LIVE)

    def _side(self, side: Stage) -> Snapshot:
        stages = (stage for stage in self._stages.stages if stage.stage is side)
        return self._stages.with_first_names(self._stages.snapshot(stages, *SETTING_KINDS, Kind.FILTER), side)

    def separates(self, address: Address) -> bool:
        """Whether duties are separated for the settings at ``address``."""
        return separates(self._separated, address, self.design, self.live)

    def alone(self, address: Address) -> bool:
        """Whether these settings have a single author and no override."""
        return self.separates(address) and not self._by_two(address) and self.lifted(address) is None

    def lack_another(self, address: Address) -> bool:
        """Whether these settings need a second person before they can go live."""
        return self.separates(address) and not self._by_two(address)

    def _by_two(self, address: Address) -> bool:
        """Whether two persons vouch for the current settings, or one who did not write them.

        Those who vouch: whoever applied them last in their own name, whoever approved exactly these since their last
        change in live, and whoever promotes them now. Authors that are only named (with --author, or in commits) are
        possibly incomplete, and never count as a second person. Authors of earlier parts have not seen the rest.
        """
        written, by = self._authors.last(address, lambda row: self._says_otherwise(address, row))
        people = {*by, *self._approving(address), *([self._actor.name] if self._actor is not None else [])}
        people = {name for name in people if self._operators.get(name, {}).get("automation") is not True}
        return len(people) >= _ENOUGH or not people <= written

    def _approving(self, address: Address) -> set[str]:
        """Who approved exactly these settings since their last change in live."""
        key, since = settings_key(self.design, address), last_live_change(self._stages, address)
        approvers: set[str] = set()
        for row in self._store.approvals([address]):
            if row.key == key and (row.decision is not Decision.APPROVED or self._stages.is_signed(row)):
                approver = self._authors.called(row.operator, row.revision)
                approvers = {*approvers, approver} if row.decision is Decision.APPROVED else set()
                if row.revision <= since:
                    approvers = set()
        return approvers

    def _says_otherwise(self, address: Address, row: RecordedChange) -> bool:
        """Whether a change affects more than labels."""
        if row.before is None or row.after is None:
            return True
        bodies = self._store.bodies((row.before.fingerprint, row.after.fingerprint))
        before, after = (orjson.loads(bodies[entry.fingerprint].text) for entry in (row.before, row.after))
        return bool(differing_fields(address, before, after, people=True))

    def authors(self, address: Address) -> frozenset[str]:
        return frozenset(self._authors.of_change(address))

    def obstacle(self, address: Address) -> Obstacle:
        """The obstacle that an override of a single author lifts."""
        authors = self.authors(address)
        description = f"that {or_list(sorted(authors)) or 'nobody in particular'} alone wrote it"
        return Obstacle(
            OverrideKind.SETTINGS, address, settings_key(self.design, address).fingerprint, description, authors
        )

    def entitled(self, address: Address) -> tuple[str, ...]:
        """Who may override the single author."""
        return entitled(self.obstacle(address), self._operators)

    def lifted(self, address: Address) -> Override | None:
        """The override of the single author, if any."""
        key = settings_key(self.design, address)
        return self._stages.overrides.lifting(
            OverrideKind.SETTINGS, address, key.fingerprint, after=last_live_change(self._stages, address)
        )


def _refusal(people: _SettingsAuthors, address: Address, actor: Actor) -> Diagnostic:
    authors = people.authors(address)
    others = people.entitled(address)
    whose = f"only {or_list(sorted(authors))} wrote and confirmed it" if authors else "its authors are unknown"
    who = or_list(others) if others else "Somebody else"
    return Diagnostic(
        Code.SETTINGS_ALONE,
        f"{actor.name} is not allowed to take {address} live alone: {whose}",
        f"{or_list(environments_of(address, people.design, people.live))} separates duties, and this affects many"
        " offers at once. Operators who are only named as authors, or have not seen all of it, do not count.",
        f"Let another operator promote it, approve it (offerkit approve {address} --settings) or, if nobody else may"
        f" promote, override it (offerkit override {address} --settings --message TEXT): {who}. Or leave it out with"
        f" --exclude {address}.",
        address,
    )
