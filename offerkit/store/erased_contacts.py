"""Contacts that one of two stores knows to be erased, and that the other one still has: a restore brings none back.

Nothing names an erased contact. What says who it was are ids of propositions: in the store that knows of the erasure
they are an unknown visitor's, or purged (docs/adr/0074-rights-of-contacts.md). It is the same whether the backup or the
store that it replaces is the one that knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from offerkit.store import contact_data
from offerkit.store.database import Database, chunks

ERASURES = "erasures"
"""The detail of the revision of a restore: that contacts were erased; what recorded that is gone."""
RESTORE = "restore"
"""The action of that revision."""
_PART = 10_000

ContactKey: TypeAlias = tuple[str, str]
"""An environment and the key of a contact."""


class ComparedPart(NamedTuple):
    """Some propositions of a store, compared with another one that knows erasures.

    ``missing``: ids that the other one does not have. ``erased``: contacts whose propositions are an unknown visitor's
    there; ``gone``: contacts with propositions that are missing there.
    """

    missing: list[str]
    erased: set[ContactKey]
    gone: set[ContactKey]


def erased_until(knowing: Database, other: Database) -> str:
    """When contacts were last erased in ``knowing`` without ``other`` recording it; empty if never.

    Of erasures that an earlier restore took back, it is known that they came before that restore.
    """
    sql = "SELECT digest, action, details, time FROM revision WHERE action IN (?, ?)"
    found: list[tuple[str, str, str, str]] = knowing.rows(sql, (contact_data.ERASE, RESTORE))
    known: list[tuple[str, str, str, str]] = other.rows(sql, (contact_data.ERASE, RESTORE))
    since = set(found) - set(known)
    return max(
        (time for _, action, details, time in since if action == contact_data.ERASE or f'"{ERASURES}"' in details),
        default="",
    )


def compared(knowing: Database, other: Database, until: str = "") -> Iterator[ComparedPart]:
    """The propositions of ``other`` compared with ``knowing``, in parts.

    ``until``: of missing ones, contacts only count of those that are not newer; empty: of all.
    """
    every: Iterator[list[tuple[str, str, str, str]]] = other.stream(
        "SELECT id, environment, contact, time FROM proposition", (), _PART
    )
    for rows in every:
        found = _stored(knowing, (id_ for id_, *_ in rows))
        missing = sorted(id_ for id_, *_ in rows if id_ not in found)
        erased = {(environment, contact) for id_, environment, contact, _ in rows if contact and found.get(id_) == ""}
        gone = {
            (environment, contact)
            for id_, environment, contact, time in rows
            if contact and id_ not in found and (not until or time <= until)
        }
        yield ComparedPart(missing, erased, gone)


def _stored(db: Database, ids: Iterable[str]) -> dict[str, str]:
    """The contacts of those propositions that are there, by id."""
    found: dict[str, str] = {}
    for marks, part in chunks(ids):
        rows: list[tuple[str, str]] = db.rows(
            f"SELECT id, contact FROM proposition WHERE id IN ({marks})",  # noqa: S608 - our own text
            part,
        )
        found |= dict(rows)
    return found


def _survives(knowing: Database, other: Database, who: ContactKey) -> bool:
    """Whether both have the same row of a contact: an erasure would have taken it."""
    for table in ("proposition", "evidence"):
        sql = f"SELECT id FROM {table} WHERE environment = ? AND contact = ?"  # noqa: S608 - our own names
        rows: list[tuple[str]] = knowing.rows(sql, who)
        if rows and not set(rows).isdisjoint(other.rows(sql, who)):
            return True
    return False


def erased_in(knowing: Database, other: Database, until: str) -> frozenset[ContactKey]:
    """The contacts of ``other`` that were erased in ``knowing``, or may have been, before ``until``."""
    erased: set[ContactKey] = set()
    gone: set[ContactKey] = set()
    for part in compared(knowing, other, until):
        erased |= part.erased
        gone |= part.gone
    return without_survivors(knowing, other, erased, gone)


def without_survivors(
    knowing: Database, other: Database, erased: set[ContactKey], gone: set[ContactKey]
) -> frozenset[ContactKey]:
    """``erased``, and those who are ``gone`` unless something proves that they were not erased."""
    return frozenset(erased | {who for who in gone - erased if not _survives(knowing, other, who)})


def erase_known(db: Database, knowing: Database, contacts: Iterable[ContactKey], until: str, time: str) -> None:
    """Erase from ``db`` what ``knowing`` erased of ``contacts``; in the open write transaction, at ``time``.

    What ``knowing`` lacks goes, unless it is newer than ``until``; what it still has with its contact stays. Cookies
    are removed in the same way: nothing but an erasure removes any.
    """
    for who in sorted(contacts):
        rows: list[tuple[str, str]] = db.rows(
            "SELECT id, time FROM proposition WHERE environment = ? AND contact = ?", who
        )
        found = _stored(knowing, (id_ for id_, _ in rows))
        taken = {id_ for id_, made in rows if (made <= until if id_ not in found else not found[id_])}
        for marks, ids in chunks(taken):
            contact_data.make_anonymous(db, f"environment = ? AND contact = ? AND id IN ({marks})", (*who, *ids), time)
        _remove_evidence(db, knowing, who, taken, until)
    _remove_cookies(db, knowing, until)


def _remove_evidence(db: Database, knowing: Database, who: ContactKey, taken: set[str], until: str) -> None:
    sql = "SELECT id, time FROM evidence WHERE environment = ? AND contact = ?"
    own: list[tuple[str, str]] = db.rows(sql, who)
    there: list[tuple[str, str]] = knowing.rows(sql, who)
    kept = {id_ for id_, _ in there}
    for marks, ids in chunks(id_ for id_, made in own if id_ in taken or (id_ not in kept and made <= until)):
        where = f"environment = ? AND contact = ? AND id IN ({marks})"
        db.run(f"DELETE FROM evidence WHERE {where}", (*who, *ids))  # noqa: S608 - our own text


def _remove_cookies(db: Database, knowing: Database, until: str) -> None:
    sql = "SELECT environment, cookie, contact FROM cookie"
    kept: set[tuple[str, str, str]] = set(knowing.rows(sql))
    own: list[tuple[str, str, str]] = db.rows(f"{sql} WHERE time <= ?", (until,))
    for row in own:
        if row not in kept:
            db.run("DELETE FROM cookie WHERE environment = ? AND cookie = ? AND contact = ?", row)
