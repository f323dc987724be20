"""Deadlines of approvals: since when each is wanted, and which are overdue.

An approval is wanted since the revision that gave design what it is about, its exact key under any name, or since a
later stop. A change of something else, or a rename, does not begin the time again. Environments without a deadline
cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.approvals import Decision
from offerkit.governance.settings import environments_of, keys_to_decide
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.rows import RevisionRow
from offerkit.store.stage_snapshots import Stages
from offerkit.times import duration, instant, shift, utc
from offerkit.usecases.review import design_at

MOST = 200
"""The most revisions to look at that could matter; what is wanted for longer counts from the oldest of them."""
LISTED = 10_000
"""The most revisions of a stage to choose those from."""
BY_THEMSELVES = (Kind.CAMPAIGN, Kind.CASES, *ADMINISTRATIVE_KINDS)
"""Kinds whose changes never matter for what is to be approved."""


def with_deadlines(stages: Stages, items: Sequence[ApprovalItem], now: str) -> list[ApprovalItem]:
    """``items``, those that wait with their deadlines; ``now`` decides which are overdue."""
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    spans = {
        item.address: duration(text)
        for item in items
        if item.state == "waiting" and (text := deadline_of(design, live, item.address))
    }
    if not spans or stages.store is None:
        return list(items)
    since = _WantedSince(stages, stages.store, design).of(sorted(spans))
    found = []
    for item in items:
        if item.state == "waiting" and item.address in spans:
            times = [since[item.address, item.aspect, space] for space in item.spaces or ("",)]
            due = utc(shift(instant(min(times)), spans[item.address]))
            item = item._replace(since=min(times), due=due, overdue=due <= now)
        found.append(item)
    return found


def deadline_of(design: Snapshot, live: Snapshot, address: Address) -> str:
    """How long the reviewers of ``address`` have, as its environment says; empty: as long as they like.

    What several environments share has the shortest deadline of them.
    """
    names = environments_of(address, design, live) if address.environment == SHARED else [address.environment]
    texts = []
    for name in names:
        promotion = (design(environment_address(name)) or {}).get("promotion")
        text = promotion.get("approval_deadline") if isinstance(promotion, dict) else None
        texts += [text] if isinstance(text, str) else []
    return min(texts, key=duration, default="")


_What = tuple[Address, Aspect, str]
"""An address, an aspect of it and a space."""


class _WantedSince:
    """Looks back in the history of design, until everything that waits was different."""

    def __init__(self, stages: Stages, store: Store, design: Snapshot) -> None:
        self._stages, self._store, self._design = stages, store, design

    def of(self, addresses: Sequence[Address]) -> Mapping[_What, str]:
        """Since when each key at ``addresses`` is as it is now."""
        open_keys = {
            (address, key.aspect, key.space): key
            for address in addresses
            for key in keys_to_decide(self._design, address)
        }
        since: dict[_What, str] = {}
        stages = {StageRef(address.environment, Stage.DESIGN) for address in addresses}
        stages.add(StageRef(SHARED, Stage.DESIGN))
        for revision in self._revisions(stages, addresses):
            since.update(dict.fromkeys(open_keys, revision.time))
            before = design_at(self._stages, self._store, revision.serial - 1)
            former: dict[Address, Address] = {}
            for stage in stages:
                former |= self._store.renames_since(stage, revision.serial - 1)
            open_keys = {
                what: key for what, key in open_keys.items() if _was(before, former.get(what[0], what[0]), key)
            }
            if not open_keys:
                break
        for row in self._store.approvals(addresses):
            if row.decision is Decision.STOPPED:  # what was approved before a stop is wanted again from then on
                about = [what for what in since if what[0] == row.key.address]
                since.update((what, max(since[what], row.time)) for what in about)
        return since

    def _revisions(self, stages: set[StageRef], addresses: Sequence[Address]) -> list[RevisionRow]:
        """The revisions that changed what could matter for ``addresses`` in these stages, newest first."""
        rows: dict[int, RevisionRow] = {}
        for stage in stages:
            listed = {row.serial: row for row in self._store.revisions(stage=stage, limit=LISTED)}
            names = set(addresses)
            for _, old, new in reversed(self._store.moves(stage)):
                names |= {old} if new in names else set()
            for change in self._store.changes_since(stage, min(listed, default=1) - 1):
                kind = change.address.kind
                if kind not in BY_THEMSELVES and (kind is not Kind.OFFER or change.address in names):
                    rows[change.serial] = listed[change.serial]
        return [rows[serial] for serial in sorted(rows, reverse=True)][:MOST]


def _was(before: Snapshot, former: Address, key: ApprovalKey) -> bool:
    """Whether an earlier design had the same to decide, maybe on a space of another name."""
    if former not in before.entries:
        return False
    return any((k.aspect, k.fingerprint) == (key.aspect, key.fingerprint) for k in keys_to_decide(before, former))
