"""A promotion as requested, and its draft while it is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code
from offerkit.governance.approvals import Decisions
from offerkit.governance.aspects import (
    content_fingerprints,
    eligibility_fingerprint,
)
from offerkit.governance.cases import GuardedCaseChange
from offerkit.governance.stops import Stops
from offerkit.governance.withdrawals import (
    ended_earlier,
    only_leaves_spaces,
    rejected_live_spaces,
    switched_off_by,
    without_earlier_ends,
)
from offerkit.plans.plan import ApprovalKey, Blocked
from offerkit.state.changes import Entry, FormerAddress, rename_chains
from offerkit.state.snapshot import BeforeAfter, Snapshot


class DeniedChange(NamedTuple):
    """What a policy denies of a promotion: the address, the changes that cause it, why, how to lift it, and who can."""

    address: Address
    by: frozenset[Address]
    why: str
    how: str
    who: tuple[str, ...]


@dataclass
class PromotionRequest:
    """What is requested: design, live, the decisions, and the limits of the promotion.

    ``renames``: live addresses → their addresses in design. ``holds``: what a rollback took back, with the reason.
    ``wanted``: whether an address is requested; if ``narrowed`` by patterns, what the requested ones need is included.
    ``withheld``: the live cases that an effect must not change. ``denied``: what policies deny of an effect.
    """

    design: Snapshot
    live: Snapshot
    decisions: Decisions
    renames: Mapping[Address, Address] = field(default_factory=dict)
    holds: Mapping[Address, str] = field(default_factory=dict)
    wanted: Callable[[Address], bool] = lambda address: True
    narrowed: bool = False
    excluded: Callable[[Address], bool] = lambda address: False
    stops: Stops = field(default_factory=lambda: Stops(()))
    withheld: Callable[[BeforeAfter], Iterable[GuardedCaseChange]] = lambda effect: ()
    denied: Callable[[BeforeAfter], Iterable[DeniedChange]] = lambda effect: ()


class _DraftChange(NamedTuple):
    """A change of an address in live."""

    address: Address
    moved_from: FormerAddress
    after: Entry | None


class PromotionDraft:
    """The promotion while it is decided: what goes live, what is blocked and why, and the resulting live state."""

    def __init__(self, request: PromotionRequest) -> None:
        self.request = request
        self.design, self.live = request.design, request.live
        self.origin = {new: old for old, new in request.renames.items() if old in self.live.entries}
        self.chains = [names for names in rename_chains(request.renames) if len(names) > 2]
        self.former = {old: new for new, old in self.origin.items()}
        self.going_live: dict[Address, Entry | None] = {}
        self.blocked: dict[Address, list[Blocked]] = {}
        self.notes: list[str] = []
        self.keys: dict[Address, list[ApprovalKey]] = {}
        self._effect: BeforeAfter | None = None
        self._lengthened: tuple[Snapshot, frozenset[Address], Snapshot] | None = None

    def live_entry(self, address: Address) -> Entry | None:
        return self.live.entries.get(self.origin.get(address, address))

    def block(
        self,
        address: Address,
        code: Code,
        why: str,
        how: str = "",
        who: tuple[str, ...] = (),
        keys: Iterable[ApprovalKey] = (),
    ) -> None:
        entry = self.live_entry(address)
        live = entry is not None and entry.activation != ()
        self.stay(address)
        self.blocked.setdefault(address, []).append(
            Blocked(address, address.stage(Stage.LIVE), code, why, how, who, live, keys=tuple(keys))
        )

    def go(self, address: Address, target: Entry | None) -> None:
        self.going_live[address] = target
        self._effect = None

    def stay(self, address: Address) -> None:
        if address in self.going_live:
            del self.going_live[address]
            self._effect = None

    def hypothetical(self) -> Snapshot:
        """Live as the promotion would make it so far."""
        return self.effect().after

    def effect(self) -> BeforeAfter:
        """Live before and after the promotion as drafted so far."""
        if self._effect is None:
            changes = [
                _DraftChange(address, self.origin.get(address, ""), entry) for address, entry in self.going_live.items()
            ]
            self._effect = BeforeAfter.of(self.live, changes, self.design.bodies)
        return self._effect

    def off(self, address: Address) -> bool:
        """Whether design switches an offer off, itself or through a category or template not excluded here."""
        layers = switched_off_by(self.design, address)
        return any(layer == address or not self.request.excluded(layer) for layer in layers)

    def switched_off(self, address: Address) -> bool:
        """Whether design switches an offer off that is not switched off in live."""
        return self.off(address) and not switched_off_by(self.live, self.origin.get(address, address))

    def stays(self, address: Address, entry: Entry) -> bool:
        """Whether ``entry`` keeps an offer's live body and takes it off spaces."""
        return only_leaves_spaces(self.live_entry(address), entry)

    @cached_property
    def _seen_in_live(self) -> Decisions:
        return self.request.decisions.for_view(self.live, self.origin)

    def rejected_spaces(self, address: Address) -> set[str]:
        """The spaces, by their names in design, where an offer is live although its live version was rejected."""
        return rejected_live_spaces(
            self._seen_in_live, self.live, self.origin.get(address, address), self.origin, address
        )

    @cached_property
    def design_lengthened(self) -> tuple[Snapshot, frozenset[Address]]:
        """Design without periods that end earlier than in live; and the addresses whose periods do."""
        ended = frozenset(ended_earlier(self.live, self.design, self.live.entries.keys() & self.design.entries.keys()))
        return without_earlier_ends(self.design, self.live, ended), ended

    def lengthened(self, after: Snapshot) -> tuple[Snapshot, frozenset[Address]]:
        """``after`` without periods that end earlier than in live; and the addresses whose periods do."""
        cached = self._lengthened
        if cached is None or cached[0] is not after:
            in_both = [
                a for a in self.going_live if a in self.live.entries and a in after.entries and a not in self.origin
            ]
            ended = frozenset(ended_earlier(self.live, after, in_both))
            cached = self._lengthened = after, ended, without_earlier_ends(after, self.live, ended)
        return cached[2], cached[1]


def renamed_space(names: Mapping[Address, Address], offer: Address, space: str) -> str:
    """The name of ``space``, in the offer's environment, after renames."""
    address = offer.beside(Kind.SPACE, space)
    return names.get(address, address).name


def same_offer(a: Snapshot, address: Address, b: Snapshot, other: Address, spaces: tuple[str, ...]) -> bool:
    """Whether an offer is the same in two states, in eligibility and in content on ``spaces``."""
    return eligibility_fingerprint(a, address) == eligibility_fingerprint(b, other) and content_fingerprints(
        a, address, spaces
    ) == content_fingerprints(b, other, spaces)
