"""The history as plain data, for JSON lines."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.fingerprint import Json
from offerkit.store import approvals, revisions
from offerkit.store.database import Database
from offerkit.store.rows import ChangeText, RevisionText

PAGE = 200


def rows(db: Database) -> Iterator[dict[str, Json]]:
    """Each revision with its changes, approvals and the stages it touched, oldest first.

    With nothing else at hand, :func:`offerkit.store.chain.revision_digest` of a row gives its digest.
    """
    serial, last = 0, revisions.last_serial(db)
    while serial < last:
        for revision in revisions.revision_texts(db, serial, limit=PAGE):
            serial = revision.serial
            if serial <= last:  # what others append meanwhile is for the next export
                yield _row(db, revision)


def _row(db: Database, text: RevisionText) -> dict[str, Json]:
    revision = revisions.revision_row(db, text)
    names = approvals.COLUMNS.split(", ")
    decided: list[Json] = [dict(zip(names, row, strict=True)) for row in approvals.approval_texts(db, text.serial)]
    return {
        **{name: value for name, value in zip(text._fields, text, strict=True) if name != "details"},
        "details": revision.details,
        "changes": [_change(change) for change in revisions.change_texts(db, text.serial)],
        "approvals": decided,
        "stages": dict(revisions.outcomes(db, text.serial)),
    }


def _change(text: ChangeText) -> Json:
    return dict(zip(text._fields, text, strict=True))
