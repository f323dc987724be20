"""Changes that a rollback of live took back and design still has: a promotion holds them back."""

from __future__ import annotations

from functools import cache

from offerkit.address import Address, Stage, StageRef
from offerkit.state.changes import Entry
from offerkit.state.snapshot import Snapshot
from offerkit.store.store import Store


def holds(store: Store, design: Snapshot, live: Snapshot) -> dict[Address, str]:
    """Addresses that a rollback of live took back and design has not changed since, each with the reason.

    They are not promoted by accident.
    """
    differing: dict[StageRef, list[Address]] = {}
    for address, entry in design.entries.items():
        now = live.entries.get(address)
        if now is None or now.fingerprint != entry.fingerprint or now.activation is not None:
            differing.setdefault(address.stage(Stage.LIVE), []).append(address)
    for address in live.entries.keys() - design.entries.keys():
        differing.setdefault(address.stage(Stage.LIVE), []).append(address)
    rolled_back = {row.serial: row for row in store.revisions(action="rollback")}

    @cache
    def left(serial: int) -> dict[Address, Entry | None]:
        """The entry before a revision, at each address that it changed or left."""
        return {row.moved_from or row.address: row.before for row in store.changes(serial)}

    reasons: dict[Address, str] = {}
    for stage, addresses in differing.items() if rolled_back else ():
        for address, change in store.last_change(stage, addresses).items():
            revision = rolled_back.get(change.serial)
            entry_now = design.entries.get(address)
            was = left(change.serial).get(address) if revision is not None else None
            if entry_now is None and was is not None and was.activation == ():
                was = None  # an offer that design removed is deactivated in live
            if revision is None or (entry_now.fingerprint if entry_now else "") != (was.fingerprint if was else ""):
                continue
            reasons[address] = (
                f"it was rolled back in revision {revision.serial} by {revision.actor}, and design is unchanged since"
            )
    return reasons
