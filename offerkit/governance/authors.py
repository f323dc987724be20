"""The authors of what needs approval: by content, through renames, with everything an offer inherits.

With separation of duties, nobody approves what they wrote (:mod:`offerkit.usecases.approve`), and nobody alone promotes
settings that they changed. Both rules ask here. The authors are those who wrote the current content, not those of the
last revision: a rename keeps its authors, and a rollback or copy has the authors of what it restores. An approval
clears a change for everybody except the operator who gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import inf
from typing import NamedTuple, Protocol, TypeAlias

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.fingerprint import JsonMap, JsonPath
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.aspects import contributing, counted
from offerkit.governance.overrides import Revision
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.changes import Entry, FormerAddress, by_environment
from offerkit.state.effective import EffectiveOffer
from offerkit.state.names import FirstNames, NameHistory, Rename
from offerkit.state.snapshot import Snapshot

_AspectOnSpace: TypeAlias = tuple[Aspect, str]


class AuthoredChange(NamedTuple):
    """A change by an author, as evidence of authorship."""

    address: Address
    serial: int

    def __str__(self) -> str:
        return f"{self.address} in revision {self.serial}"


class RecordedChange(Protocol):
    """A change as the store records it."""

    @property
    def stage(self) -> StageRef: ...
    @property
    def serial(self) -> int: ...
    @property
    def address(self) -> Address: ...
    @property
    def before(self) -> Entry | None: ...
    @property
    def after(self) -> Entry | None: ...
    @property
    def moved_from(self) -> FormerAddress: ...


class ChangeHistory(Protocol):
    """The part of a store that authorship needs."""

    def changes_of(self, stage: StageRef, addresses: Iterable[Address]) -> Sequence[RecordedChange]: ...
    def copied(self, stage: StageRef) -> Sequence[RecordedChange]: ...
    def entries_at(self, stage: StageRef, serial: int) -> Mapping[Address, Entry]: ...
    def approvals(self, addresses: Iterable[str]) -> Sequence[Approval]: ...
    def revision(self, serial: int) -> Revision | None: ...
    def moves(self, stage: StageRef) -> Iterable[Rename]: ...


class Authors:
    """The authors of resources in design; history is read once for many offers."""

    def __init__(self, history: ChangeHistory, design: Snapshot, live: Callable[[], Snapshot]) -> None:
        """``design`` and ``live``: the current state of all environments; live is read only if needed."""
        self._log = _ChangeLog(history)
        self._design = design
        self._past = _PastReferences(history, design)
        self._live = _LiveState(live)
        self._ever: dict[Address, Mapping[str, AuthoredChange]] = {}
        self._uncleared: dict[tuple[Address, str, bool], Mapping[str, AuthoredChange]] = {}

    def of(self, keys: Iterable[ApprovalKey], only: str = "") -> dict[Address, Mapping[str, AuthoredChange]]:
        """By offer, the authors of what ``keys`` identify in design, each with one of their changes.

        A change counts until somebody other than its author has approved that aspect of the offer with it. So does a
        change to something the offer inherits, unless it is live with an offer that was approved with it.
        ``only``: look for this operator alone, which is faster.
        """
        aspects_by_offer: dict[Address, set[_AspectOnSpace]] = {}
        for key in keys:
            aspects_by_offer.setdefault(key.address, set()).add((key.aspect, key.space))
        inherited = {offer: sorted(contributing(self._design, offer) - {offer}) for offer in aspects_by_offer}
        self._log.read(chain(aspects_by_offer, *inherited.values()), approved=aspects_by_offer)
        result: dict[Address, Mapping[str, AuthoredChange]] = {}
        for offer, aspects in aspects_by_offer.items():
            names: dict[str, AuthoredChange] = {}
            searched: set[tuple[_PastApproval, ...]] = set()
            decided = self._log.decided(offer)
            for aspect_on_space in sorted(aspects) if decided else [min(aspects)]:
                search = _Search(names, only, aspect_on_space, self._log.passed(offer, aspect_on_space))
                if aspect_on_space[0] is Aspect.ELIGIBILITY or not decided:
                    for address in self._renamed_counted(offer):
                        self._add_renames(search, address)
                if search.passed not in searched:
                    searched.add(search.passed)
                    for address in inherited[offer]:
                        self._add_inherited(search, address, offer)
                    self._walk(search, offer)
            result[offer] = names
        return result

    def of_change(self, address: Address) -> Mapping[str, AuthoredChange]:
        """The authors of the difference between design and live at ``address``, including a removal."""
        search = _Search({}, has_enough=self._live.has, through=True)
        if self._live.has(address, self._design.entries.get(address)):
            return {}
        self._walk(search, address)
        return search.names

    def of_changes(self, addresses: Iterable[Address]) -> set[str]:
        """The names of all who are authors of the difference at any of ``addresses``."""
        return {name for address in addresses for name in self.of_change(address)}

    def last(self, address: Address, counts: Callable[[RecordedChange], bool]) -> tuple[frozenset[str], frozenset[str]]:
        """The authors of the last change at ``address`` in design for which ``counts`` is true, and those of them who
        applied it in their own name. An automation is never an author.
        """
        for row in self._log.lineage(address, through=True):
            if counts(row):
                written = frozenset(self._log.authors(row.serial))
                return written, written & {self._log.actor(row.serial)}
        return frozenset(), frozenset()

    def called(self, operator: str, revision: int) -> str:
        """The current name of the operator who was called ``operator`` in ``revision``."""
        return self._log.called(operator, revision)

    def ever(self, address: Address) -> Mapping[str, AuthoredChange]:
        """Everybody who ever changed the resource at ``address`` in design, whether approved since or not."""
        return self._ever_of(address)

    def look_at(self, addresses: Iterable[Address]) -> None:
        """Read the history of ``addresses`` in one query, before calling :meth:`ever` for each."""
        self._log.read(addresses)

    def _add_inherited(self, search: _Search, address: Address, offer: Address) -> None:
        """Add the authors of what ``offer`` inherits from ``address``, since it was last approved with it."""
        if search.only and search.only not in self._ever_of(address):
            return
        in_use = self._live.uses
        if address.kind is Kind.TEMPLATE and not self._live.shows(
            address, _taken_from(self._design.offer(offer), address)
        ):
            in_use = _never  # live offers override the part of the template that this offer takes
        if in_use(address, self._design.entries.get(address)):
            return
        rows, stage = list(self._log.lineage(address)) if search.passed else [], address.stage(Stage.DESIGN)
        with_it = tuple(p for p in search.passed if self._past.relied(stage, p, _name_at(rows, p.serial)))
        if with_it:
            self._walk(replace(search, passed=with_it, has_enough=in_use, seen={}), address)
            return
        cache_key = address, search.only, in_use is _never  # the same for all offers: nothing clears anything
        if cache_key not in self._uncleared:
            shared_search = _Search({}, search.only, None, has_enough=in_use)
            self._walk(shared_search, address)
            self._uncleared[cache_key] = shared_search.names
        for author, change in self._uncleared[cache_key].items():
            search.names.setdefault(author, change)

    def _renamed_counted(self, offer: Address) -> list[Address]:
        """What the offer's eligibility counts in the contact's history by names that mean something else in live."""
        origins = self._design.origins
        if not origins or offer not in self._design.entries:
            return []
        live = self._live.origins
        return sorted(a for a in counted(self._design, offer) if origins.of(a) != live.of(a))

    def _add_renames(self, search: _Search, address: Address) -> None:
        """Add the authors of the renames that gave ``address`` to what is there, since the offer was last approved."""
        for row in self._log.lineage(address):
            cleared = frozenset(p.operator for p in search.passed if p.serial > row.serial)
            for author in self._log.authors(row.serial) if row.moved_from and len(cleared) < 2 else ():
                if (not search.only or author == search.only) and not cleared - {author}:
                    search.names.setdefault(author, AuthoredChange(row.address, row.serial))

    def _ever_of(self, address: Address) -> Mapping[str, AuthoredChange]:
        if address not in self._ever:
            search = _Search({}, place=None)
            self._walk(search, address)
            self._ever[address] = search.names
        return self._ever[address]

    def _walk(self, search: _Search, address: Address, until: float = inf) -> None:
        """Add the authors of the resource at ``address`` as of revision ``until``, newest change first."""
        for row in self._log.lineage(address, until, through=search.through):
            cleared = frozenset(p.operator for p in search.passed if p.serial > row.serial)
            if len(cleared) > 1 or search.has_seen(row, cleared):
                return
            for author in self._log.authors(row.serial):
                if (not search.only or author == search.only) and not cleared - {author}:
                    search.names.setdefault(author, AuthoredChange(row.address, row.serial))
            first = self._log.first(row)
            if first is not None:
                self._walk(replace(search, passed=self._passed_then(search, first)), first.address, first.serial)
            if search.has_enough(row.moved_from or row.address, row.before):
                return

    def _passed_then(self, search: _Search, row: RecordedChange) -> tuple[_PastApproval, ...]:
        """The approvals of the body that ``row`` introduced, while that body stood there."""
        until = self._log.next_change(row)
        if row.address.kind is Kind.OFFER:
            return self._log.passed(row.address, search.place, row.serial, until) if search.place is not None else ()
        return tuple(p for p in search.passed if p.serial < until)


def authors_in(revision: Revision | None) -> tuple[str, ...]:
    """The authors of a revision: those recorded with it, else the operator who made it."""
    if revision is None:
        return ()
    recorded = revision.details.get("authors")
    if isinstance(recorded, list):
        return tuple(name for name in recorded if isinstance(name, str))
    return (revision.actor,)


class _PastApproval(NamedTuple):
    """An approval of an offer: its revision, its operator, and the offer's name then."""

    serial: int
    operator: str
    name: Address


def _never(address: Address, entry: Entry | None) -> bool:
    return False


@dataclass(frozen=True)
class _Search:
    """The authors found so far, and the limits of the search.

    ``passed``: approvals, which clear earlier changes. ``has_enough``: whether an entry is fully approved, so that no
    older change counts. ``through``: continue past the creation of a resource to what was at the address before.
    """

    names: dict[str, AuthoredChange]
    only: str = ""
    place: _AspectOnSpace | None = None
    passed: tuple[_PastApproval, ...] = ()
    has_enough: Callable[[Address, Entry | None], bool] = _never
    through: bool = False
    seen: dict[tuple[Address, int], list[frozenset[str]]] = field(default_factory=dict)

    def has_seen(self, row: RecordedChange, cleared: frozenset[str]) -> bool:
        """Whether ``row`` was visited before with no more operators cleared; then nothing new can follow."""
        before = self.seen.setdefault((row.address, row.serial), [])
        if any(other <= cleared for other in before):
            return True
        before.append(cleared)
        return False


_NOT_HANDED_DOWN = ("label", "description", "protected", "template")


def _taken_from(offer: EffectiveOffer, template: Address) -> set[JsonPath]:
    """The paths that ``offer`` takes from ``template``: neither it nor a nearer template sets them."""
    body = next((layer.body for layer in offer.layers if layer.address == template), {})
    return {path for path in _leaves(body) if offer.origin(path) == template and path[0] not in _NOT_HANDED_DOWN}


def _leaves(body: JsonMap, above: JsonPath = ()) -> Iterator[JsonPath]:
    for key, value in body.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _name_at(rows: Sequence[RecordedChange], serial: int) -> Address | None:
    """The address after revision ``serial`` of the resource that ``rows`` are about; None if it did not exist yet."""
    return next((row.address for row in rows if row.serial <= serial and row.after is not None), None)


class _ChangeLog:
    """The changes and approvals of addresses, read in few queries."""

    def __init__(self, history: ChangeHistory) -> None:
        self._history = history
        self._rows: dict[Address, list[RecordedChange]] = {}
        self._first: dict[StageRef, dict[str, RecordedChange]] = {}
        self._approvals: dict[Address, list[Approval]] = {}
        self._authors: dict[int, tuple[str, ...]] = {}
        self._names: NameHistory | None = None

    def read(self, addresses: Iterable[Address], *, approved: Iterable[Address] = ()) -> None:
        """Read changes of ``addresses`` and their former names, and approvals of ``approved``, unless already read."""
        offers = set(approved)
        unread_addresses = {address for address in addresses if address not in self._rows}
        while unread_addresses:
            self._rows |= {address: [] for address in unread_addresses}
            former: set[Address] = set()
            for environment, addresses_there in sorted(by_environment(dict.fromkeys(unread_addresses)).items()):
                for row in self._history.changes_of(StageRef(environment, Stage.DESIGN), addresses_there):
                    self._rows[row.address].append(row)
                    if row.moved_from:
                        former.add(row.moved_from)
                        offers |= {row.moved_from} if row.address in offers else set()
            unread_addresses = former - self._rows.keys()
        unread = {offer for offer in offers if offer not in self._approvals}
        if unread:
            self._approvals |= {offer: [] for offer in unread}
            for approval in self._history.approvals(unread):
                self._approvals[approval.key.address].append(approval)

    def lineage(self, address: Address, until: float = inf, *, through: bool = False) -> Iterator[RecordedChange]:
        """The changes of the resource at ``address`` as of revision ``until``, newest first, through its renames.

        They end with its creation; with ``through``, they continue with what was at the address before.
        """
        name: FormerAddress = address
        while name:
            if name not in self._rows:
                self.read([name])
            rows, name = self._rows[name], ""
            for row in reversed(rows):
                if row.serial <= until:
                    yield row
                    if row.moved_from:
                        name, until = row.moved_from, row.serial - 1
                        break
                    if row.before is None and not through:
                        return

    def next_change(self, row: RecordedChange) -> float:
        """The first later revision that changed the same address; infinity if none did."""
        self.read([row.address])
        return min((later.serial for later in self._rows[row.address] if later.serial > row.serial), default=inf)

    def decided(self, offer: Address) -> bool:
        """Whether there is any decision on the offer, under any of its names."""
        for row in self.lineage(offer):
            if row.address not in self._approvals:
                self.read((), approved=[row.address])
            if self._approvals[row.address]:
                return True
        return False

    def passed(
        self, offer: Address, place: _AspectOnSpace, until: float = inf, before: float = inf
    ) -> tuple[_PastApproval, ...]:
        """The approvals of ``place`` of an offer that were not followed by a rejection, through its renames.

        Limited to the offer as it was after revision ``until`` and before revision ``before`` changed it.
        """
        result: list[_PastApproval] = []
        rejected: set[str] = set()
        spaces = self._names_of(offer.beside(Kind.SPACE, place[1])) if place[1] else {""}
        for row in self.lineage(offer, until):
            if row.address not in self._approvals:
                self.read((), approved=[row.address])
            refused = False
            for approval in reversed(self._approvals[row.address]):
                key = approval.key
                # Decisions that a rename carries over are stored in its revision; they are no new approvals.
                if key.aspect is not place[0] or key.space not in spaces or not row.serial < approval.revision < before:
                    continue
                if approval.decision is Decision.REJECTED:
                    refused = True
                    rejected.add(key.fingerprint)
                elif not refused and key.fingerprint not in rejected:
                    by = self.called(approval.operator, approval.revision)
                    result.append(_PastApproval(approval.revision, by, row.address))
            before = row.serial
        return tuple(result)

    def _names_of(self, address: Address) -> set[str]:
        return {address.name, *(row.address.name for row in self.lineage(address))}

    def first(self, row: RecordedChange) -> RecordedChange | None:
        """The earlier change that first introduced the body of ``row``, if there is one."""
        if row.after is None:
            return None
        if row.stage not in self._first:
            known = self._first[row.stage] = {}
            for copied in self._history.copied(row.stage):
                assert copied.after is not None
                known.setdefault(copied.after.fingerprint, copied)
        first = self._first[row.stage].get(row.after.fingerprint)
        return first if first is not None and first.serial < row.serial else None

    def authors(self, serial: int) -> tuple[str, ...]:
        """The authors of a revision, by their current names."""
        if serial not in self._authors:
            names = authors_in(self._history.revision(serial))
            self._authors[serial] = tuple(dict.fromkeys(self.called(name, serial) for name in names))
        return self._authors[serial]

    def actor(self, serial: int) -> str:
        """The operator who made a revision, by their current name."""
        revision = self._history.revision(serial)
        return self.called(revision.actor, serial) if revision is not None else ""

    def called(self, operator: str, serial: int) -> str:
        """The current name of the operator who was called ``operator`` in ``revision``."""
        if self._names is None:
            self._names = NameHistory(self._history.moves(StageRef(SHARED, Stage.DESIGN)))
        return self._names.operator(operator, serial)


class _PastReferences:
    """Which resources affected an offer at earlier revisions."""

    def __init__(self, history: ChangeHistory, design: Snapshot) -> None:
        self._history, self._design = history, design
        self._known: dict[tuple[StageRef, int], Snapshot] = {}
        self._relied: dict[tuple[int, Address], set[Address]] = {}

    def relied(self, stage: StageRef, passed: _PastApproval, address: Address | None) -> bool:
        """Whether the resource at ``address`` affected the offer when it was approved."""
        passed_key = passed.serial, passed.name
        if address is None:
            return False
        if passed_key not in self._relied:
            stage_and_revision = stage, passed.serial
            if stage_and_revision not in self._known:
                self._known[stage_and_revision] = self._design.with_entries(
                    self._history.entries_at(*stage_and_revision)
                )
            exists = passed.name in self._known[stage_and_revision].entries
            self._relied[passed_key] = contributing(self._known[stage_and_revision], passed.name) if exists else set()
        return address in self._relied[passed_key]


class _LiveState:
    """The live state, read when first needed."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._read = read
        self._now: Snapshot | None = None
        self._in_use: dict[str, set[Address]] = {}
        self._shown: dict[Address, set[JsonPath]] = {}

    def has(self, address: Address, entry: Entry | None) -> bool:
        """Whether live has the same body at ``address``; with ``entry`` None, whether it has nothing there."""
        if self._now is None:
            self._now = self._read()
        live_entry = self._now.entries.get(address)
        return (live_entry.fingerprint if live_entry else "") == (entry.fingerprint if entry else "")

    @property
    def origins(self) -> FirstNames:
        """The first names of what is in live."""
        self._now = self._now or self._read()
        return self._now.origins

    def shows(self, template: Address, paths: set[JsonPath]) -> bool:
        """Whether live offers together take all of ``paths`` from a template."""
        self.has(template, None)
        assert self._now is not None
        if template not in self._shown:
            shown = self._shown[template] = set()
            for offer in self._now.of_kind(Kind.OFFER, template.environment):
                if self._now.entries[offer].activation:
                    shown |= _taken_from(self._now.offer(offer), template)
        return paths <= self._shown[template]

    def uses(self, address: Address, entry: Entry | None) -> bool:
        """Whether live has the same body at ``address``, and it affects an offer that is live."""
        if entry is None or not self.has(address, entry):
            return False
        assert self._now is not None
        environment = address.environment
        if environment not in self._in_use:
            used = self._in_use[environment] = set()
            for offer in self._now.of_kind(Kind.OFFER, environment):
                if self._now.entries[offer].activation:
                    used |= contributing(self._now, offer)
        return address in self._in_use[environment]
