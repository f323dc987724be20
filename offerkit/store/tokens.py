"""Operators' tokens, as their hashes: what a store keeps lets nobody in."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.store.database import Database, recording
from offerkit.store.proposition_rows import check_time

COLUMNS = "id, hash, operator, name, created, created_by, expires, revoked"
_SELECT = f"SELECT {COLUMNS} FROM token"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token. ``hash`` is the SHA-256 of the whole token, as hexadecimal digits.

    ``created``, ``expires`` and ``revoked`` are UTC as the store writes it; ``revoked`` is empty while it counts.
    """

    id: str
    hash: str
    operator: str
    name: str
    created: str
    created_by: str
    expires: str
    revoked: str = ""


def add(db: Database, row: TokenRow) -> None:
    """Keep a token, in the open transaction or one of its own."""
    for time in (row.created, row.expires):
        check_time(time)
    cells = (row.id, row.hash, row.operator, row.name, row.created, row.created_by, row.expires, row.revoked)
    with recording(db):
        db.insert("token", COLUMNS, [cells])


def tokens(db: Database) -> list[TokenRow]:
    """All tokens, the newest first."""
    rows: list[tuple[str, str, str, str, str, str, str, str]] = db.rows(f"{_SELECT} ORDER BY created DESC, id")
    return [TokenRow(*row) for row in rows]


def token(db: Database, id_: str) -> TokenRow | None:
    """The token with that id; None when there is no such one."""
    rows: list[tuple[str, str, str, str, str, str, str, str]] = db.rows(f"{_SELECT} WHERE id = ?", (id_,))
    return TokenRow(*rows[0]) if rows else None


def revoke(db: Database, id_: str, time: str) -> bool:
    """Let a token count no more from ``time`` on; False when it did not count already, or there is no such one."""
    check_time(time)
    with recording(db):
        return db.run("UPDATE token SET revoked = ? WHERE id = ? AND revoked = ''", (time, id_)) == 1
