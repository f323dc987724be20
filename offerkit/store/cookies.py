"""Which contact a cookie belongs to, for implicit identification (domain.md §3, step 1)."""

from __future__ import annotations

from offerkit.store.database import Database
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.times import check_utc


def contact_of(db: Database, environment: str, cookie: str) -> str:
    """The key of the contact that last identified themselves with ``cookie``; empty when nobody did."""
    found: list[tuple[str]] = db.rows(
        "SELECT contact FROM cookie WHERE environment = ? AND cookie = ?", (environment, cookie)
    )
    return found[0][0] if found else ""


def remember(db: Database, environment: str, cookie: str, contact: str, time: str) -> None:
    """Keep that ``cookie`` is ``contact``'s from now on. Raises ValueError for keys that are empty or too long."""
    if not (0 < len(cookie) <= LONGEST_KEY and 0 < len(contact) <= LONGEST_KEY):
        raise ValueError("a cookie and a contact have 1 to 500 characters")
    check_utc(time)
    db.run(
        "INSERT INTO cookie (environment, cookie, contact, time) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (environment, cookie) DO UPDATE SET contact = excluded.contact, time = excluded.time",
        (environment, cookie, contact, time),
    )
