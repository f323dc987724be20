"""Required reviewers: those named in design, and those whom a change removes or replaces.

Design names the reviewers. Removing a reviewer from the list does not remove the need for their approval: the reviewers
named in live must also approve, after the list changed; so must those named at the last approval, if what was approved
is not live. If none of them is an enabled operator any more, a recorded override replaces their approval.

Settings (:mod:`offerkit.governance.settings`) need a reviewer of each environment that they belong to: one named in
design and one named in live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from math import inf
from typing import Protocol

import orjson

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.governance.approvals import Approval, Decision, Decisions, ReviewDemand
from offerkit.governance.authors import ChangeHistory, RecordedChange
from offerkit.governance.overrides import Override, OverrideKind, Overrides, active_people
from offerkit.governance.settings import environments_of, names_that_stay, reviewers_in
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.changes import Entry, FormerAddress
from offerkit.state.snapshot import Snapshot


class LiveReviewerHistory(Protocol):
    """The part of the store that knows since when live names reviewers."""

    def promotion_serials(self, addresses: Iterable[Address]) -> Mapping[Address, int]: ...
    def settings_reviewers(self, environment: str) -> Iterable[tuple[str, ...]]: ...


class RequiredReviewers:
    """Whose approval the current design needs."""

    def __init__(
        self,
        design: Snapshot,
        live: Snapshot,
        decisions: Decisions,
        history: ChangeHistory,
        overrides: Callable[[], Overrides],
        seats: LiveReviewerHistory,
    ) -> None:
        """``design`` and ``live``: all environments with what they share; ``overrides``: reads the recorded ones."""
        self.design, self.live = design, live
        self._decisions, self._history, self._overrides = decisions, history, overrides
        self._live_history = seats
        self._live_since: Mapping[Address, int] | None = None
        self._known: dict[tuple[Address, Aspect], tuple[ReviewDemand, ...]] = {}
        self.lifted: dict[Address, Override] = {}
        self._settled: dict[Address, int] = {}
        self._changes: dict[Address, list[RecordedChange]] = {}
        self._read: set[str] = set()
        self._past_designs: dict[tuple[StageRef, int], Snapshot] = {}
        self._operators: dict[str, Mapping[str, Json]] | None = None

    def named(self, address: Address, aspect: Aspect) -> tuple[str, ...]:
        """The reviewers of an offer named in design; if none, offer managers and administrators may decide."""
        return self.design.offer(address).reviewers(aspect) if address in self.design.entries else ()

    def demands(self, key: ApprovalKey) -> tuple[ReviewDemand, ...]:
        """The demands for an offer besides the reviewers named in design; for settings, all demands."""
        key_and_aspect = key.address, key.aspect
        if key_and_aspect not in self._known:
            find = self._of_settings if key.aspect is Aspect.SETTINGS else self._of_offer
            demands = [(demand, self._lifted(key.address, demand)) for demand in find(*key_and_aspect)]
            self._known[key_and_aspect] = tuple(demand for demand, override in demands if override is None)
            self.lifted.update((key.address, override) for _, override in demands if override is not None)
        return self._known[key_and_aspect]

    def unmet(self, key: ApprovalKey, given: Iterable[Approval]) -> tuple[ReviewDemand, ...]:
        """The demands on ``key`` that no approval meets; ``given``: the decisions on ``key``, oldest first."""
        demands = self.demands(key)
        if not demands:
            return ()
        standing: list[Approval] = []
        for row in given:
            standing = [*standing, row] if row.decision is Decision.APPROVED else []
        return tuple(
            demand
            for demand in demands
            if not any(row.operator in demand.names and row.revision > demand.since for row in standing)
        )

    def gone(self, demand: ReviewDemand) -> bool:
        """Whether nobody named in ``demand`` is an enabled operator any more."""
        return not active_people(demand.names, self.operators)

    @property
    def operators(self) -> Mapping[str, Mapping[str, Json]]:
        """The bodies of all operators by name."""
        if self._operators is None:
            addresses = self.design.of_kind(Kind.OPERATOR)
            self._operators = {address.name: self.design(address) or {} for address in addresses}
        return self._operators

    def _lifted(self, address: Address, demand: ReviewDemand) -> Override | None:
        if not self.gone(demand):
            return None
        return self._overrides().lifting(OverrideKind.REVIEWERS, address, demand.fingerprint, after=demand.since)

    # Settings

    def _of_settings(self, address: Address, aspect: Aspect) -> Iterator[ReviewDemand]:
        yielded, since = set[tuple[str, ...]](), self._passed_on(address)
        for environment in environments_of(address, self.design, self.live):
            places = chain(("design", "live"), repeat("live before its rollback"))
            lists = [reviewers_in(self.design(environment_address(environment)))]
            lists += self._live_history.settings_reviewers(environment)
            for names, where in zip(lists, places, strict=False):
                if names and names not in yielded:
                    yielded.add(names)
                    why = f"{environment} names them in {where}"
                    yield ReviewDemand(names, since, why, _list_fingerprint(aspect, names, ()))

    def _passed_on(self, address: Address) -> int:
        """The revision that gave the name of these settings to others, if settings that use the name stay; else 0.

        What was approved before then was approved for another use.
        """
        same = self.design.origins.of(address) == self.live.origins.of(address)
        if same or address not in self.live.entries or address not in names_that_stay(self.design, self.live, {}):
            return 0
        return self._decisions.names.since(address)

    # Offers

    def _of_offer(self, address: Address, aspect: Aspect) -> Iterator[ReviewDemand]:
        if address not in self.design.entries:
            return
        reviewers = self.named(address, aspect)
        former = self._former(address)
        live_reviewers = self.live_reviewers(former, aspect) if former is not None else ()
        if live_reviewers and set(live_reviewers) != set(reviewers):
            yield self._demand(address, aspect, live_reviewers, reviewers, "live names them")
        approved_reviewers = self._at_last_approval(address, aspect, reviewers)
        if approved_reviewers and set(approved_reviewers) not in (set(reviewers), set(live_reviewers)):
            yield self._demand(
                address, aspect, approved_reviewers, reviewers, "they were named when it was approved last"
            )

    def live_reviewers(self, offer: Address, aspect: Aspect) -> tuple[str, ...]:
        """The reviewers that live names for a live offer, by their current names.

        The reviewer is the operator who had the name when the list went live, whoever has it now.
        """
        known = self.live.offer(offer)
        names = known.reviewers(aspect)
        if not names or not self._decisions.names.operators:
            return names
        if self._live_since is None:
            self._live_since = self._live_history.promotion_serials(
                [*self.live.of_kind(Kind.OFFER), *self.live.of_kind(Kind.TEMPLATE)]
            )
        since = self._live_since.get(known.origin(("reviewers", aspect)), 0)
        return self._current_names(names, since + 1)

    def _demand(
        self, address: Address, aspect: Aspect, names: tuple[str, ...], now: tuple[str, ...], where: str
    ) -> ReviewDemand:
        return ReviewDemand(tuple(sorted(names)), self._changed(address), where, _list_fingerprint(aspect, names, now))

    def _former(self, address: Address) -> Address | None:
        """The address in live of the offer at ``address`` in design; None if it is not in live."""
        if not self._decisions.names.touches(address):
            return address if address in self.live.entries else None
        live_names = [span.name for span in self._decisions.names.spans(address) if span.name in self.live.entries]
        # Names can be swapped or reused: live may still have another offer under this name.
        origin = self.design.origins.of(address)
        same_origin = (name for name in live_names if self.live.origins.of(name) == origin)
        return next(same_origin, live_names[0] if live_names else None)

    def _changed(self, address: Address) -> int:
        """The revision that last changed the reviewers of an offer."""
        if address not in self._settled:
            layers = [layer.address for layer in self.design.offer(address).layers]
            named = {name for aspect in (Aspect.CONTENT, Aspect.ELIGIBILITY) for name in self.named(address, aspect)}
            operators = [Address(SHARED, Kind.OPERATOR, name) for name in named]
            renames = [self._decisions.names.since(operator) for operator in operators]
            self._settled[address] = max([*renames, *(self._last_change(layer) for layer in layers)])
        return self._settled[address]

    def _last_change(self, address: Address) -> int:
        """The last revision that changed the reviewers in an offer or a template, through its renames."""
        name: FormerAddress = address
        until = inf
        while name:
            rows = [row for row in self._changes_of(name) if row.serial < until]
            name = ""
            for row in reversed(rows):
                if row.before is None or self._reviewers_in(row.before) != self._reviewers_in(row.after):
                    return row.serial
                if row.moved_from:
                    name, until = row.moved_from, row.serial
                    break
        return 0

    def _changes_of(self, address: Address) -> list[RecordedChange]:
        """The changes of an offer or a template; those of all offers that differ from live are read in one query."""
        if address not in self._changes:
            addresses = {address}
            if address.environment not in self._read:
                self._read.add(address.environment)
                for offer in self.design.of_kind(Kind.OFFER, address.environment):
                    if self._decisions.about(offer) and not self._is_as_live(offer):
                        addresses.update(layer.address for layer in self.design.offer(offer).layers)
            self._changes |= {name: [] for name in addresses}
            for row in self._history.changes_of(address.stage(Stage.DESIGN), sorted(addresses)):
                self._changes[row.address].append(row)
        return self._changes[address]

    def _is_as_live(self, address: Address) -> bool:
        """Whether an offer and its templates are the same in live."""
        former = self._former(address)
        if former is None:
            return False
        names = (*((layer.address, layer.address) for layer in self.design.offer(address).template.layers),)
        design, live = self.design.entries, self.live.entries
        return all(
            new in design and old in live and design[new].fingerprint == live[old].fingerprint
            for new, old in ((address, former), *names)
        )

    def _reviewers_in(self, entry: Entry | None) -> Json:
        if entry is None:
            return None
        body: JsonMap = orjson.loads(self.design.bodies[entry.fingerprint].text)
        return [body.get("reviewers"), body.get("template")]

    def _at_last_approval(self, address: Address, aspect: Aspect, now: tuple[str, ...]) -> tuple[str, ...]:
        """The reviewers named at the last approvals: if they are replaced since, they must approve first."""
        rows = self._decisions.approvals_of(address, aspect)
        if not rows or all(row.operator in now for row in rows) or self._is_as_live(address):
            return ()
        if rows[0].revision > self._changed(address):
            return ()  # the list has not changed since the first of them
        counting: tuple[str, ...] = ()
        for row in rows:
            named = self._named_at(row, aspect)
            if row.operator in (counting or named):
                counting = named
        return counting

    def _named_at(self, row: Approval, aspect: Aspect) -> tuple[str, ...]:
        """The reviewers named in design when an approval was given."""
        stage = row.key.address.stage(Stage.DESIGN)
        stage_and_revision = stage, row.revision
        if stage_and_revision not in self._past_designs:
            entries = self._history.entries_at(*stage_and_revision)
            self._past_designs[stage_and_revision] = self.design.with_entries(entries)
        snapshot = self._past_designs[stage_and_revision]
        names = snapshot.offer(row.key.address).reviewers(aspect) if row.key.address in snapshot.entries else ()
        return self._current_names(names, row.revision + 1)

    def _current_names(self, names: tuple[str, ...], before: float) -> tuple[str, ...]:
        """The current names of the operators who had ``names`` before a revision."""
        known = self._decisions.names
        return tuple(known.operator(name, before) for name in names) if known else names


def _list_fingerprint(aspect: Aspect, names: Iterable[str], now: Iterable[str]) -> str:
    """The fingerprint of one change of a list of reviewers."""
    return digest(b"reviewers", canonical([aspect, sorted(names), sorted(now)]))
