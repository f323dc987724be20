"""What a store is, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.store import copying, revisions, schema
from offerkit.store.database import Database
from offerkit.store.lock import UNKNOWN, Holder
from offerkit.store.rows import RevisionRow


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store is. ``rows``: how many, by table. ``size`` in bytes. ``last`` is None before the first revision."""

    name: str
    format: int
    project: str
    rows: dict[str, int]
    size: int
    last: RevisionRow | None
    holder: Holder | None


def store_status(db: Database) -> StoreStatus:
    """The status of the store at this moment."""
    with db.reading():
        meta = schema.read_meta(db)
        newest = revisions.revision(db, revisions.last_serial(db))
        holder = db.holder()
        return StoreStatus(
            name=db.name,
            format=int(meta["format"]),
            project=meta["project"],
            rows=copying.counts(db),
            size=db.size(),
            last=newest,
            holder=None if holder == UNKNOWN else holder,
        )
