"""What the errors of PostgreSQL and its driver mean to a user. No message shows a password."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType

import psycopg
from psycopg import errors as pg

from offerkit.diagnostics import Code, Refused, refuse, secrets_of
from offerkit.store import errors
from offerkit.store.database import Clash
from offerkit.store.location import PostgresAddress

_LOST = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.DatabaseDropped,
    pg.IdleInTransactionSessionTimeout,
    pg.IdleSessionTimeout,
    pg.ProtocolViolation,
    pg.InvalidSqlStatementName,
    pg.DuplicatePreparedStatement,
)
"""What ends a connection, or makes it useless: behind a pooler, another may be behind it than the one it began with."""
_BUSY = ("too many", "remaining connection slots", "starting up", "reached the connection limit")
"""Messages of a server that is full or starting, so that trying again soon may help; a client gets no code."""

_HINTS: tuple[tuple[str, str], ...] = (
    ("too many", "Try again later; let fewer processes connect, or raise max_connections."),
    ("remaining connection slots", "Try again later; let fewer processes connect, or raise max_connections."),
    ("no password supplied", "Give one in PGPASSWORD or ~/.pgpass."),
    ("password authentication failed", "Check the user, and the password in PGPASSWORD, ~/.pgpass or the address."),
    ("no pg_hba.conf entry", "The server does not let this user in from here, or only with TLS: try ?sslmode=require."),
    ("ssl", "Check sslmode and sslrootcert in the address against what the server offers."),
    ("certificate", "Check sslmode and sslrootcert in the address against what the server offers."),
    ("does not exist", "Check the names of the user and the database. To create a database: createdb NAME"),
    ("failed to resolve host", "Check the host's name in the address."),
    ("could not translate host name", "Check the host's name in the address."),
    ("definition of service", "Check the service's name, and the file ~/.pg_service.conf."),
)


def said(error: BaseException) -> str:
    """The message of the server or the driver, without a full stop."""
    diagnosed = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = diagnosed or (str(error).strip().splitlines() or ["no reason given"])[0]
    return text[:300].rstrip(".")


def passing(error: psycopg.Error) -> bool:
    """Whether a connection was refused for a reason that may pass in a moment."""
    return isinstance(error, psycopg.OperationalError) and any(part in str(error) for part in _BUSY)


def not_connected(error: Exception, address: PostgresAddress) -> Refused:
    """The error for a failed connection."""
    secrets = secrets_of(address.conninfo)
    text = " ".join(str(error).split())
    if not isinstance(error, psycopg.OperationalError):
        return refuse(
            Code.STORE_URL,
            f"the store's address {address} cannot be used",
            detail="The driver rejects one of its options, which is not shown, since it may hold a password.",
            hint="Check host, port and options of the address.",
        )
    if secrets is None or any(secret in text for secret in secrets):
        text = "The driver's message is not shown, since it may hold the password"
    hint = next((hint for part, hint in _HINTS if part in text.lower()), "")
    return refuse(
        Code.STORE_CONNECTION,
        f"the store {address} cannot be reached",
        detail=f"{text[:600].rstrip('.')}.",
        hint=hint or "Check that the server is running, and the host, port, user and database of the address.",
    )


def refusal(error: Exception, name: str, *, write: bool, closed: bool) -> Refused:
    """The error to show for ``error``; bugs of offerkit (a closed connection, say) are raised as they are."""
    match error:
        case pg.UniqueViolation():
            return Clash(errors.conflict(name, "A key was taken meanwhile").diagnostics)
        case pg.SerializationFailure() | pg.DeadlockDetected():
            return errors.conflict(name, f"PostgreSQL says: {said(error)}")
        case pg.LockNotAvailable():
            return errors.locked(name)
        case pg.ReadOnlySqlTransaction():
            return errors.read_only(name)
        case pg.InsufficientPrivilege():
            return not_allowed(name, said(error), write=write)
        case pg.DiskFull() | pg.OutOfMemory():
            return errors.full(name)
        case pg.QueryCanceled():
            return lost(name, f"PostgreSQL says: {said(error)}")
        case psycopg.DataError() | UnicodeError():
            return cannot_store(error)
        case _ if isinstance(error, _LOST) or (
            closed and isinstance(error, psycopg.OperationalError | psycopg.InternalError)
        ):
            return lost(name, f"PostgreSQL says: {said(error)}")
        case psycopg.Error() if error.sqlstate is not None:
            return errors.damaged(name, f"PostgreSQL says: {said(error)}", hint=errors.RESTORE)
        case _:
            raise error


class DriverErrors(AbstractContextManager[None]):
    """What the driver raises inside is raised as what it means (:func:`refusal`), for the store ``name``."""

    def __init__(self, connection: psycopg.Connection, name: str, *, write: bool) -> None:
        self._connection, self._name, self._write = connection, name, write

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.Error | UnicodeError):
            raise refusal(error, self._name, write=self._write, closed=self._connection.closed) from error


def lost(name: str, reason: str) -> Refused:
    """The connection broke during a transaction, which the server rolls back."""
    return refuse(
        Code.STORE_CONNECTION,
        f"the connection to the store {name} was lost",
        detail=f"{reason}. The unfinished change was rolled back.",
        hint="Run the command again.",
    )


def not_known(name: str, reason: str) -> Refused:
    """The connection broke during a commit, so it is unknown whether the server carried it out."""
    return refuse(
        Code.STORE_CONNECTION,
        f"the connection to the store {name} was lost during the commit",
        detail=f"{reason}. Either all of it was stored, or nothing; it is unknown which.",
        hint="Check with “offerkit history” or “offerkit propositions” before you run it again.",
    )


def not_allowed(name: str, reason: str, *, write: bool) -> Refused:
    """The database user lacks a right."""
    return refuse(
        Code.STORE_READ_ONLY if write else Code.UNREADABLE,
        f"the store {name} cannot be {'written' if write else 'read'} by this user",
        detail=f"PostgreSQL says: {reason}.",
        hint="Grant the rights that docs/store-and-audit.md lists, or connect as another user.",
    )


def cannot_store(error: Exception) -> Refused:
    """PostgreSQL stores UTF-8 without NUL characters; a number can also be too large for its column."""
    return refuse(
        Code.BAD_VALUE,
        "PostgreSQL cannot store a value",
        detail="It has a NUL character or bytes that are not UTF-8."
        if isinstance(error, UnicodeError) or any(word in str(error) for word in ("NUL", "UTF-8", "Unicode"))
        else f"PostgreSQL says: {said(error)}.",
        hint="Write it again, in UTF-8 without NUL characters.",
    )
