"""Stops: what is out of live until somebody resumes it, and which approvals a stop invalidates.

A stop is stored as a row among the approvals: aspect ``stop``, the stopped address, the operator, and the reason as
comment. Stopping a category stops everything below it: each category and offer there gets its own row, so that it stays
out after a rename or move; what is added to the category later is out because the category is. The ``space`` column of
such a row holds the address that was stopped by name; it is empty for that address itself.

A renamed resource is stopped under both names. A copy under another name is a different offer and needs its own
approvals. Approvals given before a stop no longer count, even after it is resumed.
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
    """The stops of a store, by address."""

    def __init__(self, rows: Iterable[Approval]) -> None:
        """``rows``: decisions of any aspect, oldest first."""
        self._rows = [row for row in rows if row.key.aspect is Aspect.STOP]
        self._in_force: dict[Address, dict[str, Approval]] = {}
        self._latest: dict[Address, int] = {}
        for row in self._rows:
            self._take(row)

    def _take(self, row: Approval) -> None:
        stops_by_root = self._in_force.setdefault(row.key.address, {})
        if row.decision is Decision.STOPPED:
            stops_by_root[row.key.space] = row
            self._latest[row.key.address] = max(stop_revision(row), self._latest.get(row.key.address, 0))
        else:
            stops_by_root.pop(row.key.space, None)
        if not stops_by_root:
            del self._in_force[row.key.address]

    def __bool__(self) -> bool:
        """Whether anything is stopped."""
        return bool(self._in_force)

    @property
    def ever(self) -> bool:
        """Whether anything was ever stopped, resumed since or not; approvals may have lapsed then."""
        return bool(self._latest)

    @property
    def resumed_spaces(self) -> list[Address]:
        """The spaces that were stopped once and are resumed now."""
        return sorted(a for a in self._latest if a.kind is Kind.SPACE and a not in self._in_force)

    def __iter__(self) -> Iterator[Approval]:
        """Every stop in force, ordered by address."""
        for address in sorted(self._in_force, key=lambda found: found.sort_key):
            yield from self._in_force[address].values()

    def at(self, address: Address) -> Approval | None:
        """The stop in force at exactly this address, preferably the one by its own name; None if not stopped."""
        rows = self._in_force.get(address)
        return min(rows.values(), key=lambda row: row.key.space) if rows else None

    def since(self, row: Approval) -> str:
        """The time of the stop that ``row`` records; a row that follows a rename is newer than its stop."""
        serial = stop_revision(row)
        return next((stop.time for stop in self._rows if stop.revision == serial), row.time)

    def named(self, address: Address) -> Approval | None:
        """The stop of this address by its own name."""
        return self._in_force.get(address, {}).get("")

    def roots(self, address: Address) -> Collection[str]:
        """The addresses that were stopped by name and stop this one; empty text for itself."""
        return self._in_force.get(address, {}).keys()

    def about(self, view: Snapshot, offer: Address) -> Iterator[Approval]:
        """Every stop that affects an offer in ``view``, including those of its spaces."""
        spaces = (offer.beside(Kind.SPACE, space) for space in view.offer(offer).shown_on)
        for address in (*stopping_addresses(view, offer), *spaces):
            yield from self._in_force.get(address, {}).values()

    def of(self, view: Snapshot, offer: Address) -> Approval | None:
        """The stop that takes an offer in ``view`` out everywhere: its own, or that of a category above it."""
        return next(filter(None, map(self.at, stopping_addresses(view, offer))), None) if self else None

    def on(self, view: Snapshot, offer: Address, space: str) -> Approval | None:
        """The stop that takes an offer in ``view`` off ``space``: as :meth:`of`, or that of the space."""
        return self.of(view, offer) or self.at(offer.beside(Kind.SPACE, space))

    def left(self, view: Snapshot, offer: Address, spaces: Iterable[str]) -> tuple[str, ...]:
        """Those of ``spaces`` on which an offer in ``view`` is not stopped."""
        if not self:
            return tuple(spaces)
        if self.of(view, offer) is not None:
            return ()
        return tuple(space for space in spaces if self.at(offer.beside(Kind.SPACE, space)) is None)

    def lacks(self, design: Snapshot, key: ApprovalKey, approval: Approval) -> bool:
        """Whether ``approval`` of ``key`` in design was given before its last stop, resumed since or not."""
        if not self._latest:
            return False
        addresses = [approval.key.address, *stopping_addresses(design, key.address)]
        if key.aspect is Aspect.CONTENT:
            addresses += [key.address.beside(Kind.SPACE, space) for space in {key.space, approval.key.space}]
        return approval_revision(approval) < max(self._latest.get(address, 0) for address in addresses)

    def renamed(self, names: Mapping[Address, Address]) -> Iterator[Approval]:
        """The new rows that follow renames; ``names``: new address by old address."""
        for old, new in sorted(names.items()):
            new_rows = self._in_force.get(new, {})
            for root, row in self._in_force.get(old, {}).items():
                if root not in new_rows:
                    key = replace(row.key, address=new, fingerprint=row.key.fingerprint or str(row.revision))
                    yield replace(row, key=key)

    def along(self, names: Mapping[Address, Address]) -> Stops:
        """These stops, also under the new names: for a state after renames."""
        return self.with_rows(self.renamed(names))

    def with_rows(self, rows: Iterable[Approval]) -> Stops:
        """These stops and newer ``rows``."""
        return Stops([*self._rows, *rows])


def renamed_stop_rows(stops: Stops, changes: Iterable[Change]) -> Iterator[Approval]:
    """The rows to store with a revision that makes ``changes``, so that renamed resources stay stopped."""
    if stops:
        yield from stops.renamed({change.moved_from: change.address for change in changes if change.moved_from})


def stopped_root(row: Approval) -> Address:
    """The address that was stopped by name."""
    return parse_address(row.key.space) if row.key.space else row.key.address


def stop_sentence(row: Approval) -> str:
    """Who stopped what, when and why, as part of a sentence."""
    return f"{stopped_root(row)} was stopped by {row.operator} in revision {stop_revision(row)}: {row.comment}"


def stop_revision(row: Approval) -> int:
    """The revision of a stop; a row that follows a rename stores it in its fingerprint."""
    return int(row.key.fingerprint or row.revision)


def stop_deltas(live: Snapshot, stops: Stops) -> Iterator[Delta]:
    """The changes of live's activation that stops make; bodies stay."""
    for address in live.of_kind(Kind.OFFER) if stops else ():
        entry = live.entries[address]
        active = entry.activation or ()
        remaining = stops.left(live, address, active)
        if remaining != active:
            action = Action.UPDATE if remaining else Action.DEACTIVATE
            yield Delta(address, address.stage(Stage.LIVE), action, entry, Entry(entry.fingerprint, remaining))


def still_stopped(live: Snapshot, stops: Stops) -> Iterator[Diagnostic]:
    """What would be live although it is stopped: the gate that every plan must pass."""
    for address in live.of_kind(Kind.OFFER) if stops else ():
        for space in live.entries[address].activation or ():
            row = stops.on(live, address, space)
            if row is not None:
                yield Diagnostic(
                    Code.STOPPED,
                    f"the plan would make {address} live on {space}, which is stopped",
                    f"{stop_sentence(row)}.",
                    f"Make the plan again. To let it go live, first run: offerkit resume {stopped_root(row)}",
                    address,
                )
                break


def resources_below(view: Snapshot, category: Address) -> list[Address]:
    """The categories and offers below a category in ``view``, without itself; empty for other kinds."""
    if category.kind is not Kind.CATEGORY:
        return []
    path = category.name
    environment = category.environment
    result = [a for a in view.of_kind(Kind.CATEGORY, environment) if a.name.startswith(f"{path}/")]
    offers = view.of_kind(Kind.OFFER, environment)
    return result + [a for a in offers if path in ancestors(view.offer(a).category or "")]


def stopping_addresses(view: Snapshot, address: Address) -> Iterator[Address]:
    """The addresses whose stop affects ``address``: itself and the categories above it, nearest first."""
    yield address
    path = ""
    if address.kind is Kind.CATEGORY:
        path = address.name.rpartition("/")[0]
    elif address.kind is Kind.OFFER and address in view.entries:
        path = view.offer(address).category
    for name in reversed(ancestors(path)) if path else ():
        yield address.beside(Kind.CATEGORY, name)
