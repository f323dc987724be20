"""A contact's earlier propositions, as presentation rules and conditions count them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import chain, islice
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar, overload
from weakref import ref

from offerkit.fingerprint import Json
from offerkit.rules.types import Row
from offerkit.times import shift, wall_clock

L = TypeVar("L")
NEVER = datetime.max.replace(tzinfo=UTC)
"""When something ends that never does."""
_NAMES = {"offer": attrgetter("offer"), "category": attrgetter("category")}
_INVALID = NEVER, datetime.min.replace(tzinfo=UTC)


class PastProposition(NamedTuple):
    """A stored proposition; ``time`` is the proposition date, in UTC.

    ``category`` is the offer's category when it was proposed; ``status`` is one of ``generated``, ``presented``,
    ``interested``, ``accepted``, ``scheduled``, ``rejected``. The last four are read only where a rule asks for them:
    the delivery that made it, the extra data that was stored with it, and its product; None if missing.
    """

    offer: str
    category: str
    space: str
    channel: str
    status: str
    time: datetime
    weight: Decimal
    rank: int
    campaign: str | None = None
    delivery: str | None = None
    stored: Mapping[str, Json] | None = None
    product: Mapping[str, Json] | None = None

    def row(self, zone: tzinfo | None) -> Row:
        """``proposition.<field>`` for rules and stored extra data, in an environment with time zone ``zone``; without
        the time if it is None.
        """
        return {
            "space": self.space,
            "channel": self.channel,
            "offer": self.offer,
            "category": self.category,
            "status": self.status,
            "weight": self.weight,
            "rank": self.rank,
            "time": wall_clock(self.time, zone) if zone is not None else None,
            "campaign": self.campaign,
            "delivery": self.delivery,
        }


_COUNTED = {"any": frozenset[str](), "accepted-or-rejected": frozenset({"accepted", "rejected"})}


def counted_statuses(word: str) -> frozenset[str]:
    """The statuses that ``status`` of a rule or of ``eligible.history`` means; empty: any."""
    return _COUNTED.get(word, frozenset({word}))


class GroupedHistory:
    """A history as conditions count it in one decision: grouped once by offer and once by category, for all periods."""

    __slots__ = ("_groups", "_now", "_pasts", "_since")

    def __init__(self, pasts: Sequence[PastProposition], now: datetime) -> None:
        """``now`` is the proposition date; nothing is grouped before it is asked for."""
        self._pasts, self._now = pasts, now
        self._groups: dict[str, dict[str, list[PastProposition]]] = {}
        self._since: dict[timedelta, datetime] = {}

    def of_offers(self, offers: AbstractSet[str], period: timedelta) -> Iterator[PastProposition]:
        """Those of ``offers`` in the last ``period``, both ends included."""
        groups = self._by("offer")
        names = offers if len(offers) < len(groups) else groups.keys() & offers
        return self._within(period, (groups.get(name, ()) for name in names))

    def of_category(self, path: str, period: timedelta) -> Iterator[PastProposition]:
        """Those that were proposed in the category ``path`` or below it in the last ``period``."""
        below = f"{path}/"
        groups = self._by("category").items()
        return self._within(period, (pasts for name, pasts in groups if name == path or name.startswith(below)))

    def _within(self, period: timedelta, groups: Iterable[Iterable[PastProposition]]) -> Iterator[PastProposition]:
        since = self._since.get(period)
        if since is None:
            since = self._since[period] = shift(self._now, -period)
        return (past for past in chain.from_iterable(groups) if past.time >= since)

    def _by(self, kind: str) -> dict[str, list[PastProposition]]:
        groups = self._groups.get(kind)
        if groups is None:
            groups = self._groups[kind] = {}
            for past in self._pasts:
                if past.time <= self._now:
                    groups.setdefault(_NAMES[kind](past), []).append(past)
        return groups


class RuleTally(NamedTuple, Generic[L]):
    """What rules exclude because of a history, from ``since`` to ``until``, both included.

    ``program``: the space program that the bits belong to. ``counted``: how many of the propositions, from the first
    on. ``bits``: the excluded offers, by the position of the rule.
    """

    program: ref[L]
    counted: int
    since: datetime
    until: datetime
    bits: dict[int, int]


class RememberedHistory(Sequence[PastProposition], Generic[L]):
    """A history that is used for many calls: from the second call on, what rules exclude because of it is known.

    ``names``: the offers and the categories of the propositions. ``tallies``: by space; without bits after the first
    call, which is often the only one. ``matched``: by the rule's position, how many propositions were considered, and
    those that the rule counts if they are in its period; valid for the catalog ``owner``.
    """

    __slots__ = ("_pasts", "_size", "matched", "names", "owner", "tallies")

    def __init__(self, pasts: Iterable[PastProposition]) -> None:
        """The same propositions, with nothing counted yet."""
        self._pasts = [*pasts]
        self._size = len(self._pasts)
        self.names = {of: tuple(map(name, self._pasts)) for of, name in _NAMES.items()}
        self.tallies: dict[str, RuleTally[L]] = {}
        self.owner: object = None
        self.matched: dict[int, tuple[int, list[PastProposition]]] = {}

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[PastProposition]:
        return islice(self._pasts, self._size)

    @overload
    def __getitem__(self, index: int) -> PastProposition: ...

    @overload
    def __getitem__(self, index: slice) -> list[PastProposition]: ...

    def __getitem__(self, index: int | slice) -> PastProposition | list[PastProposition]:
        return self._pasts[: self._size][index]

    def since(self, number: int) -> list[PastProposition]:
        """The propositions after the first ``number``."""
        return self._pasts[number : self._size]

    def named(self, of: str, names: AbstractSet[str]) -> list[PastProposition]:
        """The propositions of these offers or, as ``of`` says, in these categories."""
        return [self._pasts[place] for place, name in enumerate(self.names[of]) if name in names]

    def extended(self, pasts: Iterable[PastProposition]) -> RememberedHistory[L]:
        """This history followed by ``pasts``; what is already matched and counted stays so.

        It shares its list with this one, whose propositions, mostly out of the processor's caches, are left alone.
        """
        added: RememberedHistory[L] = RememberedHistory(pasts)
        mine = self._pasts if len(self._pasts) == self._size else self._pasts[: self._size]
        mine += added
        added._pasts, added._size = mine, len(mine)
        added.names = {of: names + added.names[of] for of, names in self.names.items()}
        added.tallies, added.owner, added.matched = dict(self.tallies), self.owner, dict(self.matched)
        return added

    def matching(
        self, owner: object, position: int, matches: Callable[[Sequence[PastProposition]], list[PastProposition]]
    ) -> list[PastProposition]:
        """The propositions that ``matches`` selects for the rule at ``position`` in ``owner``; each is checked once."""
        if self.owner is not owner:
            self.owner, self.matched = owner, {}
        checked_count, matching = self.matched.get(position, (0, []))
        if checked_count < len(self):
            matching = matching + matches(self.since(checked_count))
            self.matched[position] = len(self), matching
        return matching

    def tally(self, space: str, program: L, now: datetime) -> RuleTally[L] | None:
        """The tally for exactly this space program that is valid at ``now``, of some of the propositions; an empty one
        if it is no longer valid. None on the first call.
        """
        known = self.tallies.get(space)
        if known is None or known.program() is not program:
            # weak: the program may be dropped before this history
            self.tallies[space] = RuleTally(ref(program), 0, *_INVALID, {})
            return None
        if not known.since <= now <= known.until:
            known = RuleTally(known.program, len(self), now, NEVER, {})
        return known
