"""What a resource was called before, and what had its name before: told from the renames (``moved``) of design."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from math import inf
from typing import NamedTuple, TypeAlias

from offerkit.address import SHARED, Address, Kind
from offerkit.state.changes import Change, FormerAddress

Rename: TypeAlias = tuple[int, Address, Address]
"""The revision of a rename, the address before and after."""


class Span(NamedTuple):
    """A name, and the revisions in which one resource had it: from ``since`` on, up to but not in ``until``."""

    name: Address
    since: int
    until: float

    def covers(self, revision: int) -> bool:
        """Whether the resource had the name once ``revision`` was made."""
        return self.since <= revision < self.until


class FirstNames:
    """What resources of a state were called at first: the same for ever, whatever they are called now."""

    def __init__(self, known: Mapping[Address, str] | None = None, arriving: FirstNames | None = None) -> None:
        """``known``: of those that have, or once had, another name. ``arriving``: where what is new comes from."""
        self._known = dict(known or {})
        self._arriving = arriving

    def __bool__(self) -> bool:
        """Whether anything had another name at first."""
        return bool(self._known) or bool(self._arriving)

    def of(self, address: Address) -> str:
        """What stands at ``address`` was called at first."""
        return self._known.get(address, address.name)

    def after(self, changes: Iterable[Change]) -> FirstNames:
        """Those of the state once ``changes`` are made."""
        made = list(changes)
        moved = {change.address: self.of(change.moved_from) for change in made if change.moved_from}
        if not moved and not self:
            return self
        left = {change.moved_from for change in made if change.moved_from}
        known = {address: name for address, name in self._known.items() if address not in left}
        taken = {*known.values(), *moved.values()}
        for change in made:
            new = change.address
            if change.moved_from or change.after is None:
                continue
            if self._arriving is not None:
                known[new] = self._arriving.of(new)
            elif new not in known and new.name in taken:
                known[new] = f"{new.name}@new"  # declared under a name that another gives up
        return FirstNames({**known, **moved}, self._arriving)


class NameHistory:
    """The names that resources of design had over time.

    A resource that is removed and declared again under its name is the same one: nothing tells them apart. One that
    is declared under a name that another gave up by a rename is not.
    """

    def __init__(self, renames: Iterable[Rename] = ()) -> None:
        """``renames``: those of the design stages, in any order."""
        self._events: dict[Address, dict[int, FormerAddress]] = {}
        self._later: dict[tuple[Address, int], Address] = {}
        for serial, old, new in renames:
            self._events.setdefault(old, {}).setdefault(serial, "")
            self._events.setdefault(new, {})[serial] = old  # names that are passed on: what arrives counts
            self._later[old, serial] = new

    def __bool__(self) -> bool:
        """Whether anything was ever renamed."""
        return bool(self._events)

    @property
    def operators(self) -> bool:
        """Whether an operator was ever renamed."""
        return any(address.kind is Kind.OPERATOR for address in self._events)

    def since(self, address: Address) -> int:
        """The last revision in which a rename took or gave up ``address``; 0: none did."""
        return max(self._events.get(address, ()), default=0)

    def touches(self, address: Address) -> bool:
        """Whether ``address`` was ever given up or taken by a rename."""
        return address in self._events

    def spans(self, address: Address, before: float = inf) -> tuple[Span, ...]:
        """The names of what stands at ``address`` (before a revision), newest first.

        The last one begins with the revision in which another resource gave it up, or 0.
        """
        if address not in self._events:
            return (Span(address, 0, before),)
        return tuple(self._spans(address, before))

    def _spans(self, name: Address, until: float) -> Iterator[Span]:
        while True:
            events = self._events.get(name, {})
            since = max((serial for serial in events if serial < until), default=0)
            yield Span(name, since, until)
            former = events.get(since, "")
            if not former:
                return
            name, until = former, since

    def predecessors(self, address: Address) -> list[tuple[Span, ...]]:
        """The resources that gave up the name under which the one at ``address`` was declared: the names of each."""
        found: list[tuple[Span, ...]] = []
        first = self.spans(address)[-1]
        while first.since and (first.name, first.since) in self._later:
            spans = self._whole(self._later[first.name, first.since], first.since)
            if spans in found:
                break
            found.append(spans)
            first = spans[-1]
        return found

    def _whole(self, name: Address, since: int) -> tuple[Span, ...]:
        """All names of the resource that got ``name`` in revision ``since``."""
        while True:
            events = self._events[name]
            ended = min((serial for serial in events if serial > since), default=0)
            if (name, ended) not in self._later:  # it has the name still, or was gone when another got it
                return self.spans(name, ended or inf)
            name, since = self._later[name, ended], ended

    def operator(self, name: str, before: float = inf) -> str:
        """What the operator who had ``name`` before a revision is called now; ``inf``: who had it last.

        An operator who is renamed is the same person: what was written, approved or listed under a name stays theirs.
        """
        address = Address(SHARED, Kind.OPERATOR, name)
        if address not in self._events:
            return name
        left = [serial for old, serial in self._later if old == address]
        since = before - 1 if before < inf else max(left, default=0) - 1
        while True:
            ended = min((serial for serial in self._events[address] if serial > since), default=0)
            if (address, ended) not in self._later:
                return address.name
            address, since = self._later[address, ended], ended

    def origin(self, address: Address, revision: float = inf) -> str:
        """What the resource that stood at ``address`` after ``revision`` was called at first.

        With the revision in which another gave that name up, where it was given up before.
        """
        first = self.spans(address, revision + 1)[-1]
        return f"{first.name.name}@{first.since}" if first.since else first.name.name

    def touched(self) -> Set[Address]:
        """All names that were ever given up or taken by a rename."""
        return self._events.keys()

    def family(self, addresses: Iterable[Address]) -> set[Address]:
        """``addresses``, and all names that they or their predecessors ever had."""
        found: set[Address] = set()
        for address in addresses:
            found.add(address)
            if address in self._events:
                every = [self.spans(address), *self.predecessors(address)]
                found |= {span.name for spans in every for span in spans}
        return found
