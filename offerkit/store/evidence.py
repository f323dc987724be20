"""What decisions read, kept for spaces that say so (``storage.evidence``): contacts' data, beside their propositions.

A row belongs to the propositions that one space of one call stored. Like them it is no part of the chained history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from offerkit.fingerprint import Json, JsonMap, canonical
from offerkit.store import errors
from offerkit.store.database import Database, recording
from offerkit.store.proposition_rows import PropositionRow
from offerkit.times import check_utc

COLUMNS = "environment, contact, time, id, interaction, space, body"
LARGEST_BODY = 1 << 20
"""Bytes of the evidence of one answer, at most."""


class EvidenceRow(NamedTuple):
    """The evidence of what one call stored on one space.

    ``id``: that of the first of its propositions; ``body`` names them all (``propositions``). ``time``: theirs.
    """

    environment: str
    contact: str
    time: str
    id: str
    interaction: str
    space: str
    body: JsonMap

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the propositions whose evidence this is."""
        named = self.body.get("propositions")
        return tuple(map(str, named)) if isinstance(named, list) else ()


class Evidence:
    """The table of evidence in an open store."""

    def __init__(self, db: Database) -> None:
        """Reads and writes through ``db``, in its open transaction or a new one."""
        self._db = db

    def add(self, rows: Sequence[EvidenceRow]) -> None:
        """Keep ``rows``; in the transaction that stores their propositions.

        Of one that cannot be kept, only the reason is (``not_kept``): no call fails because of its evidence. Raises
        ValueError for a faulty row, which is a bug.
        """
        self._db.insert("evidence", COLUMNS, [(*row[:6], _text(row)) for row in rows])

    def of(self, proposition: PropositionRow) -> EvidenceRow | None:
        """The evidence of the call that stored ``proposition`` on its space; None if none is kept."""
        return next((row for row in self.of_call(proposition) if proposition.id in row.ids), None)

    def of_call(self, proposition: PropositionRow) -> list[EvidenceRow]:
        """All evidence of the call that stored ``proposition``, on whichever space of its environment."""
        key = proposition.environment, proposition.contact, proposition.time, proposition.interaction
        rows: list[tuple[str, str, str, str, str, str, str]] = self._db.rows(
            f"SELECT {COLUMNS} FROM evidence"  # noqa: S608 - constants
            " WHERE environment = ? AND contact = ? AND time = ? AND interaction = ? ORDER BY id",
            key,
        )
        return [EvidenceRow(*row[:6], self._body(row[6])) for row in rows]

    def of_contact(self, environment: str, contact: str) -> list[EvidenceRow]:
        """All evidence of a contact, oldest first."""
        rows: list[tuple[str, str, str, str, str, str, str]] = self._db.rows(
            f"SELECT {COLUMNS} FROM evidence WHERE environment = ? AND contact = ? ORDER BY time, id",  # noqa: S608
            (environment, contact),
        )
        return [EvidenceRow(*row[:6], self._body(row[6])) for row in rows]

    def spaces(self, environment: str) -> list[str]:
        """The spaces of ``environment`` with evidence."""
        rows: list[tuple[str]] = self._db.rows(
            "SELECT DISTINCT space FROM evidence WHERE environment = ? ORDER BY space", (environment,)
        )
        return [space for (space,) in rows]

    def count_before(self, environment: str, space: str, before: str) -> int:
        """How much evidence of a space is older than ``before``."""
        rows: list[tuple[int]] = self._db.rows(
            "SELECT COUNT(*) FROM evidence WHERE environment = ? AND space = ? AND time < ?",
            (environment, space, before),
        )
        return rows[0][0]

    def purge(self, environment: str, space: str, before: str, limit: int) -> int:
        """Remove up to ``limit`` rows of a space older than ``before``, oldest first. Returns how many were removed."""
        with recording(self._db):
            keys: list[tuple[str, str, str]] = self._db.rows(
                "SELECT contact, time, id FROM evidence WHERE environment = ? AND space = ? AND time < ?"
                " ORDER BY time, id LIMIT ?",
                (environment, space, before, max(limit, 0)),
            )
            self._db.run_many(
                "DELETE FROM evidence WHERE environment = ? AND contact = ? AND time = ? AND id = ?",
                [(environment, *key) for key in keys],
            )
        return len(keys)

    def _body(self, text: str) -> JsonMap:
        body: Json
        try:
            body = orjson.loads(text)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise errors.damaged(self._db.name, "Evidence was edited: it is not as offerkit writes it")
        return body


def _text(row: EvidenceRow) -> str:
    check_utc(row.time)
    if row.id not in row.ids:
        raise ValueError(f"not the evidence of a proposition: {row.id!r}")
    try:
        text, why = canonical(row.body), "it was too large"
    except orjson.JSONEncodeError:
        text, why = b"", "it had a text that is not Unicode"
    if not text or len(text) > LARGEST_BODY:
        text = canonical({"propositions": [*row.ids], "not_kept": why})
    return text.decode()
