"""The errors of the store: for each way a store can fail, what it means and how to mend it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from offerkit.diagnostics import Code, Refused, reason_of, refuse

NAMED = 3
"""How many addresses or damages a message names before it only counts the rest."""
RESTORE = "“offerkit store restore FILE” puts a backup in its place."
VERIFY = f"Run “offerkit audit verify” to see what is wrong; {RESTORE}"


def missing(name: str) -> Refused:
    """Nothing exists at that path."""
    return refuse(
        Code.STORE_MISSING,
        f"there is no store at {name}",
        detail="The first apply creates the store; until then every stage is empty.",
        hint="Run “offerkit apply”, or name another store with --store.",
    )


def foreign(name: str, reason: str) -> Refused:
    """Something else is at that path; offerkit never writes to it."""
    return refuse(
        Code.STORE_FOREIGN,
        f"{name} is not an offerkit store",
        detail=f"{reason} It was not touched.",
        hint="Move it away, or name another store with --store.",
    )


def read_only(name: str) -> Refused:
    """The file, its folder or its file system is read-only."""
    return refuse(
        Code.STORE_READ_ONLY,
        f"the store {name} cannot be written",
        detail="The file, the folder it is in, or the whole file system is read-only for this user.",
        hint="Grant write access to the file and its folder, or name another store with --store.",
    )


def unreadable(name: str, reason: str) -> Refused:
    """The operating system refused to open the file."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be opened",
        detail=f"{reason}.",
        hint="Check that the file and its folder are readable for this user.",
    )


def full(name: str) -> Refused:
    """The operating system refused to write more bytes."""
    return refuse(
        Code.STORE_FULL,
        f"the store {name} cannot grow",
        detail="The disk, a quota or a limit on file size is exhausted. Nothing was changed.",
        hint="Free some space or raise the limit (ulimit -f), then run the command again.",
    )


def exhausted(name: str, reason: str) -> Refused:
    """The process or the machine ran out of open files or memory."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be opened",
        detail=f"{reason}. The store was not changed.",
        hint="Raise the limit (ulimit -n for open files, ulimit -v for memory), then run the command again.",
    )


def disk_failed(name: str, reason: str) -> Refused:
    """The disk or file system failed; the file itself may be sound."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be read or written",
        detail=f"{reason}. The disk or the file system failed; nothing was changed.",
        hint="Check the disk, its mount and the system logs, then run the command again.",
    )


def locked(name: str) -> Refused:
    """Another process kept writing for longer than this one waits."""
    return refuse(
        Code.STORE_LOCKED,
        f"the store {name} is locked by another process",
        detail="Another process kept writing to it for longer than this run waits.",
        hint="Run the command again when the other process has finished.",
    )


def conflict(name: str, reason: str) -> Refused:
    """The database gave way to another transaction; trying again is safe."""
    return refuse(
        Code.STORE_CONFLICT,
        f"others wrote to the store {name} at the same moment",
        detail=f"{reason}. Nothing was stored.",
        hint="Run it again.",
    )


def not_blank(name: str) -> Refused:
    """A copy needs an empty target."""
    return refuse(
        Code.STORE_NOT_BLANK,
        f"a store already exists at {name}",
        detail="A store is copied as a whole, to an empty target. The existing store was not touched.",
        hint="Name a new path, or another schema: postgresql://…?schema=NAME.",
    )


def damaged(name: str, reason: str, *, hint: str = VERIFY) -> Refused:
    """The bytes are there, but they are not what we wrote. ``hint``: RESTORE where verifying says no more than this."""
    return refuse(Code.STORE_DAMAGED, f"the store {name} is damaged", detail=f"{reason}.", hint=hint)


@contextmanager
def rows_of(name: str) -> Iterator[None]:
    """Raises :func:`damaged` where a row of the store ``name`` has an invalid address or stage."""
    try:
        yield
    except ValueError as error:
        raise damaged(name, "A row was edited: it has an invalid address or stage") from error


GONE = (Code.STORE_REPLACED, Code.STORE_MISSING, Code.STORE_FOREIGN, Code.STORE_OTHER)
"""Codes that say that the open store is no longer the one at its location."""


def replaced(name: str, what: str) -> Refused:
    """The open store is no longer the one at its location, so what was committed to it is lost."""
    return refuse(
        Code.STORE_REPLACED,
        f"the store {name} {what} while it was in use",
        detail="The store that is there now is without these changes.",
        hint="Run the command again once the right store is back in place. “offerkit store restore FILE” puts a backup"
        " there safely.",
    )


def other_project(name: str, found: str, expected: str) -> Refused:
    """Another project's store replaced the one that was served."""
    return refuse(
        Code.STORE_OTHER,
        f"the store {name} is another project's",
        detail=f"It belongs to project {found[:40]}; this server started with project {expected[:40]}.",
        hint="Put the right store back, or restart the server to serve this one.",
    )


def from_os(error: OSError, name: str) -> Refused:
    """The error for what the operating system says of one of the store's files."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return read_only(name)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return full(name)
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return exhausted(name, reason_of(error))
    if error.errno == errno.EIO:
        return disk_failed(name, reason_of(error))
    return unreadable(name, reason_of(error))


def first_few(found: Sequence[str], joint: str = "; ") -> str:
    """The first few of ``found``, and how many more there are."""
    rest = len(found) - NAMED
    return joint.join(found[:NAMED]) + (f"{joint}and {rest} more" if rest > 0 else "")
