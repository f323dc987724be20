"""What the errors of PostgreSQL and its driver mean to a user. Nothing here ever tells a password."""

from __future__ import annotations

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
)
_BUSY = ("too many", "remaining connection slots", "starting up", "reached the connection limit")
"""How a server says, in words that are all a client is given, that to try again soon may help."""

_HINTS: tuple[tuple[str, str], ...] = (
    ("too many", "Try again later; let fewer processes connect, or raise max_connections."),
    ("remaining connection slots", "Try again later; let fewer processes connect, or raise max_connections."),
    ("no password supplied", "Give one in PGPASSWORD or ~/.pgpass."),
    ("password authentication failed", "Check the user, and the password in PGPASSWORD, ~/.pgpass or the address."),
    ("no pg_hba.conf entry", "The server does not let this user in from here, or only with TLS: try ?sslmode=require."),
    ("ssl", "Check sslmode and sslrootcert in the address against what the server offers."),
    ("certificate", "Check sslmode and sslrootcert in the address against what the server offers."),
    ("does not exist", "Check the user's and the database's name. A database is made by: createdb NAME"),
    ("failed to resolve host", "Check the host's name in the address."),
    ("could not translate host name", "Check the host's name in the address."),
    ("definition of service", "Check the service's name, and the file ~/.pg_service.conf."),
)


def said(error: BaseException) -> str:
    """What the server or the driver says, as a sentence without its end."""
    diagnosed = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    text = diagnosed or (str(error).strip().splitlines() or ["it gives no reason"])[0]
    return text[:300].rstrip(".")


def passing(error: psycopg.Error) -> bool:
    """Whether a connection was refused for what may be over in a moment."""
    return isinstance(error, psycopg.OperationalError) and any(part in str(error) for part in _BUSY)


def not_connected(error: Exception, address: PostgresAddress) -> Refused:
    """The refusal for a connection that did not come about."""
    secrets = secrets_of(address.conninfo)
    text = " ".join(str(error).split())
    if not isinstance(error, psycopg.OperationalError):
        return refuse(
            Code.STORE_URL,
            f"the store's address {address} cannot be used",
            detail="The driver does not take one of its options; it is not printed, since it may hold a password.",
            hint="Check host, port and options of the address.",
        )
    if secrets is None or any(secret in text for secret in secrets):
        text = "What the driver says is not printed here, since it may hold the password"
    hint = next((hint for part, hint in _HINTS if part in text.lower()), "")
    return refuse(
        Code.STORE_CONNECTION,
        f"the store {address} cannot be reached",
        detail=f"{text[:600].rstrip('.')}.",
        hint=hint or "Check that the server runs, and host, port, user and database of the address.",
    )


def refusal(error: Exception, name: str, *, write: bool, closed: bool) -> Refused:
    """The refusal for ``error``; mistakes of ours (a closed connection, say) are raised as they are."""
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
            return _not_text(error)
        case _ if isinstance(error, _LOST) or (closed and isinstance(error, psycopg.OperationalError)):
            return lost(name, f"PostgreSQL says: {said(error)}")
        case psycopg.Error() if error.sqlstate is not None:
            return errors.damaged(name, f"PostgreSQL says: {said(error)}", hint=errors.RESTORE)
        case _:
            raise error


def lost(name: str, why: str) -> Refused:
    """The connection is gone in the middle of something: the server rolls it back."""
    return refuse(
        Code.STORE_CONNECTION,
        f"the connection to the store {name} was lost",
        detail=f"{why}. Nothing that was not finished was kept.",
        hint="Run the command again.",
    )


def not_known(name: str, why: str) -> Refused:
    """The connection is gone while the server was told to keep it all: nobody here can know what it did."""
    return refuse(
        Code.STORE_CONNECTION,
        f"the connection to the store {name} was lost at the very end",
        detail=f"{why}. All of it was kept, or nothing: it is not known which.",
        hint="See whether it is there (“offerkit history”, “offerkit propositions”) before you run it again.",
    )


def not_allowed(name: str, why: str, *, write: bool) -> Refused:
    """The user of the database lacks a right."""
    return refuse(
        Code.STORE_READ_ONLY if write else Code.UNREADABLE,
        f"the store {name} cannot be {'written' if write else 'read'} by this user",
        detail=f"PostgreSQL says: {why}.",
        hint="Grant the rights that docs/store-and-audit.md lists, or connect as another user.",
    )


def _not_text(error: Exception) -> Refused:
    """PostgreSQL keeps UTF-8 without NUL characters; a number may also be too large for its column."""
    return refuse(
        Code.BAD_VALUE,
        "a value cannot be kept by PostgreSQL",
        detail="It contains a NUL character or bytes that are not UTF-8."
        if isinstance(error, UnicodeError) or "NUL" in str(error)
        else f"PostgreSQL says: {said(error)}.",
        hint="Write it again, in UTF-8 without NUL characters.",
    )
