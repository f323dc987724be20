"""The lock of a store in PostgreSQL, and the fence that outlives it.

The lock is an advisory lock of the server, held by a connection: the server releases it when the connection ends,
however that happens. Taking it increments the token in the row of ``offerkit_store``; appending a revision locks that
row and compares the token. So a holder that was cut off and replaced by another commits nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.store.lock import UNKNOWN, Holder, still_locked
from offerkit.times import utc

if TYPE_CHECKING:
    from offerkit.store.database import Database


def advisory_key(purpose: str, schema: str) -> int:
    """The 64-bit key of a lock of one schema; each database has its own advisory locks."""
    return int.from_bytes(sha256(f"offerkit {purpose} {schema}".encode()).digest()[:8], "big", signed=True)


class Lease:
    """The lock as one connection sees it."""

    def __init__(self, db: Database, key: int, name: str) -> None:
        self._db = db
        self._key = key
        self._name = name
        self._token: int | None = None

    @contextmanager
    def held_by(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> Iterator[None]:
        """Hold the lock. Raises Refused when another connection still holds it after ``timeout`` seconds.

        A timeout of 0 does not wait; a negative one waits forever. ``waiting`` is called if it is not free at once.
        """
        if self._token is not None or self._db.in_writing:
            raise RuntimeError("the lock is taken before a transaction begins, and once")
        self._acquire(timeout, waiting)
        try:
            self._token = self._signed(who)
            yield
        finally:
            token, self._token = self._token, None
            with suppress(Refused):  # a lost connection has released the lock
                if token is not None:
                    clear = "UPDATE offerkit_store SET who = '', host = '', pid = 0, since = '' WHERE token = ?"
                    self._db.run(clear, (token,))
                self._db.rows("SELECT pg_advisory_unlock(?)", (self._key,))

    def check(self) -> None:
        """Lock the fence until the transaction ends. Raises Refused when another process took the lock over."""
        tokens: list[tuple[int]] = self._db.rows("SELECT token FROM offerkit_store FOR UPDATE")
        if self._token is not None and tokens != [(self._token,)]:
            raise refuse(
                Code.STORE_LOCKED,
                "another process took over the store's lock",
                detail=f"The connection to {self._name} lost its lock meanwhile. Nothing was changed.",
                hint="Run the command again. A pooler must not share connections between transactions.",
            )

    def holder(self) -> Holder:
        """The holder of the lock; ``UNKNOWN`` when it is free."""
        rows: list[tuple[int, str, str, str]] = self._db.rows(
            "SELECT pid, who, since, host FROM offerkit_store WHERE pid <> 0 AND EXISTS (SELECT 1 FROM pg_locks l"
            " JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
            " AND (l.classid::bigint << 32 | l.objid::bigint) = ?)",
            (self._key,),
        )
        return Holder(*rows[0]) if rows else UNKNOWN

    def _acquire(self, timeout: float, waiting: Callable[[Holder], None] | None) -> None:
        if self._try():
            return
        if timeout == 0:
            raise still_locked(self._name, self.holder(), timeout)
        if waiting is not None:
            waiting(self.holder())
        previous_timeout: list[tuple[str]] = self._db.rows("SELECT current_setting('lock_timeout')")
        self._wait_at_most(f"{max(int(timeout * 1000), 1) if timeout > 0 else 0}ms")
        try:
            self._db.rows("SELECT pg_advisory_lock(?)", (self._key,))
        except Refused as refused:
            if refused.diagnostics[0].code is Code.STORE_LOCKED:
                raise still_locked(self._name, self.holder(), timeout) from None
            raise
        finally:
            with suppress(Refused):
                self._wait_at_most(previous_timeout[0][0])

    def _try(self) -> bool:
        rows: list[tuple[bool]] = self._db.rows("SELECT pg_try_advisory_lock(?)", (self._key,))
        return rows[0][0]

    def _wait_at_most(self, span: str) -> None:
        self._db.rows("SELECT set_config('lock_timeout', ?, false)", (span,))

    def _signed(self, who: str) -> int:
        """Increment the token and write down the holder; waits for the transaction of the holder before."""
        since = utc(datetime.now(UTC), "seconds")
        rows: list[tuple[int]] = self._db.rows(
            "UPDATE offerkit_store SET token = token + 1, who = ?, host = ?, pid = ?, since = ? RETURNING token",
            (who, socket.gethostname()[:80], os.getpid(), since),
        )
        return rows[0][0]
