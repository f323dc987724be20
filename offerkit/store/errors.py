"""The refusals of the store: for each way a store can fail, what it means and how to mend it."""

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
    """There is nothing at that path."""
    return refuse(
        Code.STORE_MISSING,
        f"there is no store at {name}",
        detail="The store is made by the first apply; until then every stage is empty.",
        hint="Run “offerkit apply”, or name another store with --store.",
    )


def foreign(name: str, why: str) -> Refused:
    """Something is at that path, and it is not ours: it is never written to."""
    return refuse(
        Code.STORE_FOREIGN,
        f"{name} is not an offerkit store",
        detail=f"{why} It was not touched.",
        hint="Move it away, or name another store with --store.",
    )


def read_only(name: str) -> Refused:
    """The file, its folder or its file system does not let us write."""
    return refuse(
        Code.STORE_READ_ONLY,
        f"the store {name} cannot be written",
        detail="The file, the folder it is in, or the whole file system is read-only for this user.",
        hint="Grant write access to the file and its folder, or name another store with --store.",
    )


def unreadable(name: str, why: str) -> Refused:
    """The operating system does not let us open the file."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be opened",
        detail=f"{why}.",
        hint="Check that the file and its folder are readable for this user.",
    )


def full(name: str) -> Refused:
    """The operating system took no more bytes."""
    return refuse(
        Code.STORE_FULL,
        f"the store {name} cannot grow",
        detail="The disk, a quota or a limit on file size is exhausted. Nothing was changed.",
        hint="Free some space or raise the limit (ulimit -f), then run the command again.",
    )


def exhausted(name: str, why: str) -> Refused:
    """The process or the machine has no more of what it takes to open a file."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be opened",
        detail=f"{why}. The store is as it was.",
        hint="Raise the limit (ulimit -n for open files, ulimit -v for memory), then run the command again.",
    )


def disk_failed(name: str, why: str) -> Refused:
    """The operating system could not read or write for a reason that is not in the file."""
    return refuse(
        Code.UNREADABLE,
        f"the store {name} cannot be read or written",
        detail=f"{why}. It is the disk or the file system that refused; nothing was changed.",
        hint="Look at the disk, its mount and what the system logs say, then run the command again.",
    )


def locked(name: str) -> Refused:
    """Another process is writing, and longer than we wait."""
    return refuse(
        Code.STORE_LOCKED,
        f"the store {name} is locked by another process",
        detail="It is being written to, and was so for longer than this run may wait.",
        hint="Run the command again when the other one has ended.",
    )


def conflict(name: str, why: str) -> Refused:
    """The database gave way to another transaction: to try again is safe."""
    return refuse(
        Code.STORE_CONFLICT,
        f"others wrote to the store {name} at the same moment",
        detail=f"{why}. Nothing of this was kept.",
        hint="Run it again.",
    )


def not_blank(name: str) -> Refused:
    """A copy would have to be mixed with what is there."""
    return refuse(
        Code.STORE_NOT_BLANK,
        f"there is a store at {name} already",
        detail="A store is copied as a whole, to where there is nothing yet. It was not touched.",
        hint="Name a new path, or another schema: postgresql://…?schema=NAME.",
    )


def damaged(name: str, why: str, *, hint: str = VERIFY) -> Refused:
    """The bytes are there, but they are not what we wrote. ``hint``: RESTORE where verifying says no more than this."""
    return refuse(Code.STORE_DAMAGED, f"the store {name} is damaged", detail=f"{why}.", hint=hint)


@contextmanager
def rows_of(name: str) -> Iterator[None]:
    """Raise :func:`damaged` where a row of the store ``name`` has text that is no address and no stage."""
    try:
        yield
    except ValueError as error:
        raise damaged(name, "A row was edited: what should be an address or a stage is neither") from error


GONE = (Code.STORE_REPLACED, Code.STORE_MISSING, Code.STORE_FOREIGN, Code.STORE_OTHER)
"""Codes that say that the open store is not what stands in its place."""


def replaced(name: str, what: str) -> Refused:
    """The open store is not the one in its place any more: what was committed to it does not count."""
    return refuse(
        Code.STORE_REPLACED,
        f"the store {name} {what} while it was in use",
        detail="Nothing of this is in the store that is there now.",
        hint="Run the command again once the right store is in its place. “offerkit store restore FILE” puts a backup"
        " there safely.",
    )


def other_project(name: str, found: str, expected: str) -> Refused:
    """The store of another project took the place of the one that was served."""
    return refuse(
        Code.STORE_OTHER,
        f"the store {name} is another project's",
        detail=f"It is of project {found[:40]}; this server began with that of project {expected[:40]}.",
        hint="Put the right store back, or start the server anew to serve this one.",
    )


def from_os(error: OSError, name: str) -> Refused:
    """The refusal for an error of the operating system on one of the store's files."""
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
    """The first of what was found, and how many more there are."""
    rest = len(found) - NAMED
    return joint.join(found[:NAMED]) + (f"{joint}and {rest} more" if rest > 0 else "")
