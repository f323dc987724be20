"""What a store is: where, of which format and project, how much is in it, and who holds its lock."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.store import copying, revisions, schema
from offerkit.store.database import Database
from offerkit.store.holder import UNKNOWN, Holder
from offerkit.store.rows import RevisionRow


@dataclass(frozen=True, slots=True)
class Status:
    """``rows``: how many each table has. ``size`` in bytes. ``last`` is None while there is no revision."""

    name: str
    format: int
    project: str
    rows: dict[str, int]
    size: int
    last: RevisionRow | None
    holder: Holder | None


def status(db: Database) -> Status:
    """What the store is at this moment."""
    with db.reading():
        meta = schema.read_meta(db)
        last = revisions.revision(db, revisions.last_serial(db))
        holder = db.holder()
        return Status(
            db.name, int(meta["format"]), meta["project"], copying.counts(db), db.size(), last,
            None if holder == UNKNOWN else holder,
        )  # fmt: skip
