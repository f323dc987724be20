"""What the store keeps of a contact: found, and erased.

Every table is in :data:`PERSONAL` or in :data:`IMPERSONAL`, so that no table with contacts' data is forgotten. An
erased contact's propositions stay as those of an unknown visitor, without key, extra data and product: what reports
count stays the same (docs/adr/0074-rights-of-contacts.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offerkit.store import proposition_log
from offerkit.store.database import Cell, Database
from offerkit.store.evidence import Evidence, EvidenceRow
from offerkit.store.proposition_rows import NO_DATA, PropositionQuery, PropositionRow, PropositionText
from offerkit.store.propositions import propositions
from offerkit.store.rows import RevisionRow

PERSONAL: Mapping[str, str] = {
    "proposition": "the offers that were proposed to the contact, with what was stored with them",
    "evidence": "what decisions about the contact read, where a space keeps it",
    "cookie": "the cookies by which a browser is recognised as the contact's",
}
"""The tables that hold contacts' data, and what it is."""
IMPERSONAL: Mapping[str, str] = {
    "meta": "the format and the project",
    "snapshot": "what operators declared",
    "revision": "what operators did",
    "stage": "digests of stages",
    "stage_entry": "what stages hold",
    "change": "what operators changed",
    "outcome": "digests of stages",
    "approval": "what operators decided",
    "scheduled": "plans that wait for their time",
    "proposition_change": "ids of propositions, which are random, and their statuses",
    "delivery_run": "deliveries, with numbers of messages",
    "token": "operators' tokens",
    "outbox": "events about what operators did",
    "simulation": "counts, without values that few contacts have",
}
"""The tables that hold no contacts' data, and what they hold instead."""
ERASE = "erase"
"""The action of the revision that records an erasure."""
ERASED = "erased"
"""The detail of that revision: by environment, the number of rows in each table."""


class CookieRow(NamedTuple):
    """A cookie of a contact, and when it was last identified with the contact."""

    environment: str
    cookie: str
    time: str


@dataclass(frozen=True, slots=True)
class ContactRows:
    """How many rows of each table in :data:`PERSONAL` an environment has of a contact."""

    environment: str
    propositions: int = 0
    evidence: int = 0
    cookies: int = 0

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return self.propositions + self.evidence + self.cookies


def environments(db: Database) -> list[str]:
    """The environments that have contacts' data."""
    others = "SELECT environment FROM cookie UNION SELECT environment FROM evidence"
    rows: list[tuple[str]] = db.rows(others)
    return sorted({*proposition_log.environments(db), *(name for (name,) in rows)})


def count(db: Database, environment: str, keys: Iterable[str]) -> ContactRows:
    """How many rows there are of the contact with any of these ``keys`` in an environment."""
    return ContactRows(environment, *(sum(_count(db, table, environment, key) for key in keys) for table in PERSONAL))


def _count(db: Database, table: str, environment: str, key: str) -> int:
    rows: list[tuple[int]] = db.rows(
        f"SELECT COUNT(*) FROM {table} WHERE environment = ? AND contact = ?",  # noqa: S608 - our own names
        (environment, key),
    )
    return rows[0][0]


def cookies(db: Database, environment: str, keys: Iterable[str]) -> list[CookieRow]:
    """The cookies of the contact with any of these ``keys``, oldest first."""
    found: list[CookieRow] = []
    for key in keys:
        rows: list[tuple[str, str, str]] = db.rows(
            "SELECT environment, cookie, time FROM cookie WHERE environment = ? AND contact = ?", (environment, key)
        )
        found += [CookieRow(*row) for row in rows]
    return sorted(found, key=lambda row: (row.time, row.cookie))


def proposed(db: Database, environment: str, keys: Iterable[str]) -> list[PropositionRow]:
    """The propositions of the contact with any of these ``keys``, oldest first."""
    rows = [row for key in keys for row in propositions(db, PropositionQuery(environment, key), 0)]
    return sorted(rows, key=lambda row: (row.time, row.id))


def evidence(db: Database, environment: str, keys: Iterable[str]) -> list[EvidenceRow]:
    """The evidence of the contact with any of these ``keys``, oldest first."""
    rows = [row for key in keys for row in Evidence(db).of_contact(environment, key)]
    return sorted(rows, key=lambda row: (row.time, row.id))


def erase(db: Database, environment: str, keys: Sequence[str], time: str) -> ContactRows:
    """Erase the contact with any of these ``keys`` in an environment at ``time``; in the open write transaction.

    Its propositions become those of an unknown visitor, and a reader of their log hears of each; the rest is removed.
    """
    changed = forgotten = removed = 0
    for key in keys:
        changed += make_anonymous(db, "environment = ? AND contact = ?", (environment, key), time)
        forgotten += db.run("DELETE FROM evidence WHERE environment = ? AND contact = ?", (environment, key))
        removed += db.run("DELETE FROM cookie WHERE environment = ? AND contact = ?", (environment, key))
    return ContactRows(environment, changed, forgotten, removed)


def make_anonymous(db: Database, where: str, args: Sequence[Cell], time: str) -> int:
    """Make the propositions that ``where`` selects those of an unknown visitor at ``time``; returns how many."""
    proposition_log.note_erased(db, where, args, time)
    return db.run(
        f"UPDATE proposition SET contact = '', data = ?, product = ''{proposition_log.marking(db)} WHERE {where}",  # noqa: S608 - our own text
        (NO_DATA, *args),
    )


def anonymous(text: PropositionText) -> PropositionText:
    """The columns of a proposition after its contact was erased."""
    return (*text[:2], "", *text[3:14], NO_DATA, "")


def erased_in(revision: RevisionRow) -> dict[str, dict[str, int]]:
    """By environment, how many rows of each kind an erasure took; empty for other revisions, or if it was edited."""
    details = revision.details.get(ERASED)
    if revision.action != ERASE or not isinstance(details, dict):
        return {}
    return {
        str(name): {str(what): number for what, number in counts.items() if isinstance(number, int)}
        for name, counts in details.items()
        if isinstance(counts, dict)
    }
