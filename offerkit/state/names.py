"""The former names of resources, and the former holders of names; derived from renames (``moved``) in design."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from math import inf
from typing import NamedTuple, TypeAlias

from offerkit.address import SHARED, Address, Kind
from offerkit.state.changes import Change, FormerAddress

Rename: TypeAlias = tuple[int, Address, Address]
"""A rename: its revision, the address before, the address after."""


class Span(NamedTuple):
    """A name, and the revisions during which one resource had it: from ``since`` to before ``until``."""

    name: Address
    since: int
    until: float

    def covers(self, revision: int) -> bool:
        """Whether the resource had the name after ``revision``."""
        return self.since <= revision < self.until


class FirstNames:
    """The first names of the resources in a state; they never change, whatever the resources are called now."""

    def __init__(self, known: Mapping[Address, str] | None = None, arriving: FirstNames | None = None) -> None:
        """``known``: first names of renamed resources. ``arriving``: those of the state of new resources."""
        self._known = dict(known or {})
        self._arriving = arriving

    def __bool__(self) -> bool:
        """Whether any resource was ever renamed."""
        return bool(self._known) or bool(self._arriving)

    def of(self, address: Address) -> str:
        """The first name of the resource at ``address``."""
        return self._known.get(address, address.name)

    def after(self, changes: Iterable[Change]) -> FirstNames:
        """The first names after ``changes``."""
        change_list = list(changes)
        moved = {change.address: self.of(change.moved_from) for change in change_list if change.moved_from}
        if not moved and not self:
            return self
        left_addresses = {change.moved_from for change in change_list if change.moved_from}
        known = {address: name for address, name in self._known.items() if address not in left_addresses}
        used_names = {*known.values(), *moved.values()}
        for change in change_list:
            new = change.address
            if change.moved_from or change.after is None:
                continue
            if self._arriving is not None:
                known[new] = self._arriving.of(new)
            elif new not in known and new.name in used_names:
                known[new] = f"{new.name}@new"  # declared under a name that another resource leaves
        return FirstNames({**known, **moved}, self._arriving)


class NameHistory:
    """The names of resources in design over time.

    A resource that is removed and declared again under its name counts as the same one. A resource declared under a
    name that another left by a rename is a different one.
    """

    def __init__(self, renames: Iterable[Rename] = ()) -> None:
        """``renames``: those of the design stages, in any order."""
        self._events: dict[Address, dict[int, FormerAddress]] = {}
        self._later: dict[tuple[Address, int], Address] = {}
        for serial, old, new in renames:
            self._events.setdefault(old, {}).setdefault(serial, "")
            self._events.setdefault(new, {})[serial] = old  # in a chain of renames, the arrival counts
            self._later[old, serial] = new

    def __bool__(self) -> bool:
        """Whether anything was ever renamed."""
        return bool(self._events)

    @property
    def operators(self) -> bool:
        """Whether an operator was ever renamed."""
        return any(address.kind is Kind.OPERATOR for address in self._events)

    def since(self, address: Address) -> int:
        """The last revision in which a rename took or left ``address``; 0 if none did."""
        return max(self._events.get(address, ()), default=0)

    def touches(self, address: Address) -> bool:
        """Whether a rename ever took or left ``address``."""
        return address in self._events

    def spans(self, address: Address, before: float = inf) -> tuple[Span, ...]:
        """The names of the resource at ``address`` (before a revision), newest first.

        The last span begins with the revision in which another resource left that name, or 0.
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
        """The names of each resource that earlier left the name under which the one at ``address`` was declared."""
        result: list[tuple[Span, ...]] = []
        first = self.spans(address)[-1]
        while first.since and (first.name, first.since) in self._later:
            spans = self._names_since(self._later[first.name, first.since], first.since)
            if spans in result:
                break
            result.append(spans)
            first = spans[-1]
        return result

    def _names_since(self, name: Address, since: int) -> tuple[Span, ...]:
        """All names of the resource that got ``name`` in revision ``since``."""
        while True:
            events = self._events[name]
            end = min((serial for serial in events if serial > since), default=0)
            if (name, end) not in self._later:  # it still has the name, or was removed before another got it
                return self.spans(name, end or inf)
            name, since = self._later[name, end], end

    def operator(self, name: str, before: float = inf) -> str:
        """The current name of the operator who had ``name`` before a revision; ``inf``: of its last holder.

        A renamed operator stays the same person: changes, approvals and lists under a former name remain theirs.
        """
        address = Address(SHARED, Kind.OPERATOR, name)
        if address not in self._events:
            return name
        departures = [serial for old, serial in self._later if old == address]
        since = before - 1 if before < inf else max(departures, default=0) - 1
        while True:
            end = min((serial for serial in self._events[address] if serial > since), default=0)
            if (address, end) not in self._later:
                return address.name
            address, since = self._later[address, end], end

    def origin(self, address: Address, revision: float = inf) -> str:
        """The first name of the resource at ``address`` after ``revision``.

        If another resource had left that name before, ``@`` and the revision in which it did are appended.
        """
        first = self.spans(address, revision + 1)[-1]
        return f"{first.name.name}@{first.since}" if first.since else first.name.name

    def touched(self) -> Set[Address]:
        """All names that a rename ever took or left."""
        return self._events.keys()

    def family(self, addresses: Iterable[Address]) -> set[Address]:
        """``addresses``, and all names that these resources or their predecessors ever had."""
        result: set[Address] = set()
        for address in addresses:
            result.add(address)
            if address in self._events:
                lines = [self.spans(address), *self.predecessors(address)]
                result |= {span.name for spans in lines for span in spans}
        return result
