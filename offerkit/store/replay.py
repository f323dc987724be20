"""A store in a temporary folder, made of an exported history, or of a store's: what reads stores can then read it.

It is filled revision by revision, so it is at every moment the store as it was then.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from offerkit.diagnostics import Refused
from offerkit.store import append, bodies, revisions, schema, verify
from offerkit.store.history_file import BodyRow
from offerkit.store.rows import RecordedRevision
from offerkit.store.store import Store

_BODIES = 500
"""Bodies that are stored at a time."""


class RecordedHistory(Protocol):
    """A history that can be replayed: an export's, or a store's."""

    @property
    def project(self) -> str: ...

    def records(self) -> Iterator[BodyRow | RecordedRevision]:
        """All bodies, then all revisions, oldest first."""

    def broken(self, what: str, detail: str = "") -> Refused:
        """The refusal of a history that is wrong at the record that was read last."""


class StoredHistory:
    """The history of a store, to be replayed; read where all reads see one state."""

    def __init__(self, store: Store) -> None:
        self.project, self._db = store.project, store.database

    def records(self) -> Iterator[BodyRow | RecordedRevision]:
        """All bodies, then all revisions, oldest first."""
        yield from bodies.every(self._db)
        yield from revisions.recorded(self._db)

    def rows(self) -> int:
        """How many revisions, changes and decisions there are."""
        counts: list[tuple[int]] = self._db.rows(
            "SELECT (SELECT COUNT(*) FROM revision) + (SELECT COUNT(*) FROM change) + (SELECT COUNT(*) FROM approval)"
        )
        return counts[0][0]

    def broken(self, what: str, detail: str = "") -> Refused:
        """The refusal of a history that does not lead to what it says."""
        return Refused([verify.broken(what, detail)])


@contextmanager
def replayed(
    history: RecordedHistory, visit: Callable[[Store, RecordedRevision], None] = lambda store, recorded: None
) -> Iterator[Store]:
    """The store that a history leads to, with every digest computed again; it is removed afterwards.

    ``visit`` is called before each revision is added. The memory used grows with the largest revision and the largest
    stage, not with the history; the temporary folder holds as much as that. Raises Refused at the first fault.
    """
    with tempfile.TemporaryDirectory(prefix="offerkit-audit-") as folder:
        path = Path(folder) / "history.db"
        Store.open(path, create=True).close()
        with Store.open(path, write=True) as opened:
            db = opened.database
            store = Store(db, path, history.project)
            with store.transaction():
                origin = schema.genesis(history.project)
                db.run("UPDATE meta SET value = ? WHERE key = ?", (history.project, "project"))
                db.run("UPDATE meta SET value = ? WHERE key = ?", (origin, "head"))
                _Replay(store, history, origin).run(visit)
                yield store


class _Replay:
    """What was read so far: the digest of the last revision, and bodies that are not stored yet."""

    def __init__(self, store: Store, history: RecordedHistory, origin: str) -> None:
        self._store, self._db, self._history = store, store.database, history
        self._last = origin
        self._bodies: list[BodyRow] = []

    def run(self, visit: Callable[[Store, RecordedRevision], None]) -> None:
        for record in self._history.records():
            if isinstance(record, RecordedRevision):
                self._put_bodies()
                self._check(record)
                visit(self._store, record)
                if wrong := append.take_over(self._db, record):
                    raise self._broken(
                        record,
                        f"does not fit the state of {wrong[0]}",
                        "Its changes do not start from that state, or do not lead to the digest that it says.",
                    )
                self._last = record.revision.digest
                continue
            if not bodies.is_named(*record):
                raise self._history.broken(
                    f"the body {record[0][:12]} was edited", "Its bytes have another fingerprint than its name."
                )
            self._bodies.append(record)
            if len(self._bodies) >= _BODIES:
                self._put_bodies()
        self._put_bodies()

    def _put_bodies(self) -> None:
        bodies.put(self._db, self._bodies)
        self._bodies = []

    def _check(self, record: RecordedRevision) -> None:
        revision = record.revision
        if revision.parent_digest != self._last:
            what = "does not follow the one before" if revision.serial > 1 else "does not begin this project's history"
            raise self._broken(record, what, "It names another parent: one of the two was edited, removed or moved.")
        if revisions.recorded_digest(record) != revision.digest:
            raise self._broken(
                record,
                "was edited",
                f"The revision, one of its {len(record.changes)} changes, its approvals or stages was edited, added or"
                " removed.",
            )
        needed = {change.after_fingerprint for change in record.changes if change.after_fingerprint}
        if missing := needed - bodies.known(self._db, needed):
            raise self._broken(record, f"lacks the body {min(missing)[:12]}", "It was removed, or renamed.")

    def _broken(self, record: RecordedRevision, what: str, detail: str) -> Refused:
        """The refusal of a revision, at its last line."""
        return self._history.broken(f"revision {record.revision.serial} {what}", detail)
