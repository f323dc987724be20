"""Stops: what is out of live until somebody resumes it, and which approvals a stop takes back.

A stop is a row among the approvals: aspect ``stop``, the address that is stopped, who did it, and the reason as its
comment. A category is stopped with all below it: each category and offer that is there gets a row of its own, so that
it stays out when it is renamed or moved elsewhere; what comes into the category later is out because the category is.
In the column ``space`` of such a row stands what was stopped by name; it is empty for that itself.

What is renamed has the stop under both names. A copy under another name is another offer: it needs approvals of its
own. Approvals from before a stop do not count any more, also once it is resumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from offerkit.address import Address, Kind, Stage, ancestors, parse_address
from offerkit.diagnostics import Code, Diagnostic
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.withdrawals import approval_revision
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.changes import Action, Change, Delta, Entry
from offerkit.state.snapshot import Snapshot

STOPPABLE_KINDS = (Kind.OFFER, Kind.CATEGORY, Kind.SPACE)
"""What can be stopped: an offer, all offers below a category, what is shown on a space."""


class Stops:
    """The stops of a store, by the addresses at which they stand."""

    def __init__(self, rows: Iterable[Approval]) -> None:
        """``rows``: decisions of any aspect, oldest first."""
        self._rows = [row for row in rows if row.key.aspect is Aspect.STOP]
        self._standing: dict[Address, dict[str, Approval]] = {}
        self._latest: dict[Address, int] = {}
        for row in self._rows:
            self._take(row)

    def _take(self, row: Approval) -> None:
        here = self._standing.setdefault(row.key.address, {})
        if row.decision is Decision.STOPPED:
            here[row.key.space] = row
            self._latest[row.key.address] = max(stop_revision(row), self._latest.get(row.key.address, 0))
        else:
            here.pop(row.key.space, None)
        if not here:
            del self._standing[row.key.address]

    def __bool__(self) -> bool:
        """Whether anything is stopped."""
        return bool(self._standing)

    @property
    def ever(self) -> bool:
        """Whether anything was ever stopped, resumed or not: then approvals may have lapsed."""
        return bool(self._latest)

    @property
    def resumed_spaces(self) -> list[Address]:
        """The spaces that were stopped once and are not any more."""
        return sorted(a for a in self._latest if a.kind is Kind.SPACE and a not in self._standing)

    def __iter__(self) -> Iterator[Approval]:
        """Every row that stands, by address."""
        for address in sorted(self._standing, key=lambda found: found.sort_key):
            yield from self._standing[address].values()

    def at(self, address: Address) -> Approval | None:
        """The stop of exactly this; that by its own name first."""
        rows = self._standing.get(address)
        return min(rows.values(), key=lambda row: row.key.space) if rows else None

    def since(self, row: Approval) -> str:
        """When what ``row`` says was stopped: a row that followed a rename is younger than the stop that it is of."""
        serial = stop_revision(row)
        return next((stop.time for stop in self._rows if stop.revision == serial), row.time)

    def named(self, address: Address) -> Approval | None:
        """The stop of exactly this by its own name."""
        return self._standing.get(address, {}).get("")

    def roots(self, address: Address) -> Collection[str]:
        """What was stopped by name, so that this is; empty for itself."""
        return self._standing.get(address, {}).keys()

    def about(self, view: Snapshot, offer: Address) -> Iterator[Approval]:
        """Every stop that an offer of ``view`` is under, also on one of its spaces alone."""
        spaces = (offer.beside(Kind.SPACE, space) for space in view.offer(offer).shown_on)
        for place in (*stopping_addresses(view, offer), *spaces):
            yield from self._standing.get(place, {}).values()

    def of(self, view: Snapshot, offer: Address) -> Approval | None:
        """Why an offer of ``view`` is out everywhere: it is stopped, or one of the categories above it."""
        return next(filter(None, map(self.at, stopping_addresses(view, offer))), None) if self else None

    def on(self, view: Snapshot, offer: Address, space: str) -> Approval | None:
        """Why an offer of ``view`` is out on ``space``: as :meth:`of`, or the space is stopped."""
        return self.of(view, offer) or self.at(offer.beside(Kind.SPACE, space))

    def left(self, view: Snapshot, offer: Address, spaces: Iterable[str]) -> tuple[str, ...]:
        """Those of ``spaces`` on which an offer of ``view`` is not stopped."""
        if not self:
            return tuple(spaces)
        if self.of(view, offer) is not None:
            return ()
        return tuple(space for space in spaces if self.at(offer.beside(Kind.SPACE, space)) is None)

    def lacks(self, design: Snapshot, key: ApprovalKey, approval: Approval) -> bool:
        """Whether ``approval`` of what ``key`` names in design was given before the last stop of it, resumed or not."""
        if not self._latest:
            return False
        places = [approval.key.address, *stopping_addresses(design, key.address)]
        if key.aspect is Aspect.CONTENT:
            places += [key.address.beside(Kind.SPACE, space) for space in {key.space, approval.key.space}]
        return approval_revision(approval) < max(self._latest.get(place, 0) for place in places)

    def renamed(self, names: Mapping[Address, Address]) -> Iterator[Approval]:
        """The rows that follow what is renamed; ``names``: the new one by the old one."""
        for old, new in sorted(names.items()):
            there = self._standing.get(new, {})
            for root, row in self._standing.get(old, {}).items():
                if root not in there:
                    key = replace(row.key, address=new, fingerprint=row.key.fingerprint or str(row.revision))
                    yield replace(row, key=key)

    def along(self, names: Mapping[Address, Address]) -> Stops:
        """These, and what they are under other names: for a state that calls things otherwise."""
        return self.with_rows(self.renamed(names))

    def with_rows(self, rows: Iterable[Approval]) -> Stops:
        """These and newer ``rows``."""
        return Stops([*self._rows, *rows])


def renamed_stop_rows(stops: Stops, changes: Iterable[Change]) -> Iterator[Approval]:
    """The rows to be kept with a revision that makes ``changes``: what is renamed on either side stays stopped."""
    if stops:
        yield from stops.renamed({change.moved_from: change.address for change in changes if change.moved_from})


def stopped_root(row: Approval) -> Address:
    """What was stopped by name, when this was stopped."""
    return parse_address(row.key.space) if row.key.space else row.key.address


def stop_sentence(row: Approval) -> str:
    """Who stopped what, as a part of a sentence."""
    return f"{stopped_root(row)} was stopped by {row.operator} in revision {stop_revision(row)}: {row.comment}"


def stop_revision(row: Approval) -> int:
    """The revision of a stop; a row that followed a rename names it in its fingerprint."""
    return int(row.key.fingerprint or row.revision)


def stop_deltas(live: Snapshot, stops: Stops) -> Iterator[Delta]:
    """What stops take from live's activation; bodies stay."""
    for address in live.of_kind(Kind.OFFER) if stops else ():
        entry = live.entries[address]
        active = entry.activation or ()
        left = stops.left(live, address, active)
        if left != active:
            action = Action.UPDATE if left else Action.DEACTIVATE
            yield Delta(address, address.stage(Stage.LIVE), action, entry, Entry(entry.fingerprint, left))


def still_stopped(live: Snapshot, stops: Stops) -> Iterator[Diagnostic]:
    """What would be live though it is stopped: the gate that no plan passes by."""
    for address in live.of_kind(Kind.OFFER) if stops else ():
        for space in live.entries[address].activation or ():
            row = stops.on(live, address, space)
            if row is not None:
                yield Diagnostic(
                    Code.STOPPED,
                    f"the plan would take {address} live on {space}, which is stopped",
                    f"{stop_sentence(row)}.",
                    f"Make the plan again; what is stopped stays out of it until offerkit resume {stopped_root(row)}.",
                    address,
                )
                break


def resources_below(view: Snapshot, category: Address) -> list[Address]:
    """The categories and offers of ``view`` below a category, without itself; nothing is below anything else."""
    if category.kind is not Kind.CATEGORY:
        return []
    path = category.name
    environment = category.environment
    found = [a for a in view.of_kind(Kind.CATEGORY, environment) if a.name.startswith(f"{path}/")]
    offers = view.of_kind(Kind.OFFER, environment)
    return found + [a for a in offers if path in ancestors(view.offer(a).category or "")]


def stopping_addresses(view: Snapshot, address: Address) -> Iterator[Address]:
    """What stops something when it is stopped: itself, and the categories that it stands in, the nearest first."""
    yield address
    path = ""
    if address.kind is Kind.CATEGORY:
        path = address.name.rpartition("/")[0]
    elif address.kind is Kind.OFFER and address in view.entries:
        path = view.offer(address).category
    for name in reversed(ancestors(path)) if path else ():
        yield address.beside(Kind.CATEGORY, name)
