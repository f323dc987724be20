"""Writes the files that a user names (``--out FILE``): completely or not at all, and never over another kind of file.

Shell completion and typing mistakes can easily name specs, contacts or stores instead of the intended file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from offerkit.diagnostics import Code, Refused, reason_of, refuse

_LOOKED_AT = 64 * 1024
"""The number of bytes at the beginning and end of a file that are used to recognise its kind."""
_OURS = (".offerkit", ".git")
"""Folders in which no output is written; nor is a file of such a name."""
_DESCRIPTOR = re.compile(r"/dev/(?:std(?:in|out|err)|fd/[0-9]+)|/proc/[^/]+/fd/[0-9]+")
_BESIDE = (".lock", "-wal", "-shm", "-journal")
"""Suffixes of the files beside a store, which can be empty."""


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name in messages, and a test of its first and last bytes."""

    title: str
    matches: Callable[[bytes, bytes], bool]


def _begins(pattern: str) -> Callable[[bytes, bytes], bool]:
    """A test for files that begin with ``pattern``."""
    beginning = re.compile(rb"(?:\xef\xbb\xbf)?\s*" + pattern.encode(), re.DOTALL)
    return lambda head, tail: beginning.match(head) is not None


def _results(head: bytes, tail: bytes) -> bool:
    columns = (b"space", b"contact", b"rank", b"offer", b"category")
    if head.startswith(b"PAR1"):
        return tail.endswith(b"PAR1") and all(column in tail for column in columns)
    return re.match(rb"(?:\xef\xbb\xbf)?" + b",".join(columns) + rb"\r?\n", head) is not None


PLAN = FileKind("a plan", _begins(r'\{\s*"digest"\s*:\s*"[0-9a-f]{64}"\s*,\s*"plan"\s*:'))
HISTORY = FileKind("an exported history", _begins(r'\{"action":"[a-z]+","actor":|\{"columns":\{"approval":\['))
RESULTS = FileKind("the result of a simulation", _results)
QUERY = FileKind("an emitted query", _begins(r'-- offerkit: |\{\s*"queries"\s*:'))
SET_ASIDE = FileKind("a list of contacts that were set aside", _begins(r"where,code,reason\r?\n"))
JUNIT = FileKind("a JUnit report", _begins(r"(?:<\?xml[^>]*>\s*)?<testsuites?[\s>]"))
SIMULATION_PAGE = FileKind("the page of a simulation", _begins(r"<!doctype html>.*?: who gets what</title>"))
CONTACT_EXPORT = FileKind("what is stored about a contact", _begins(r'\{\s*"format":\s*[0-9]+,\s*"contact":'))
CURSOR = FileKind("a cursor", _begins(r"ofc1\."))
JSON_SCHEMA = FileKind("a JSON Schema", _begins(r'\{.*?"\$schema"\s*:'))


def check_output(target: Path, kind: FileKind) -> None:
    """Raises Refused when ``target`` already exists and is not a file of ``kind``.

    Empty files (as from ``mktemp``), devices and pipes are accepted.
    """
    with _writing(target, kind):
        name = Path(os.path.realpath(target))
        if not _streams(target) and any(part in _OURS for part in name.parts):
            raise _taken(target, kind, "It is in a folder where offerkit or git keeps its own files.")
        if target.is_dir():
            raise refuse(Code.UNREADABLE, f"{target!s:.200} is a folder", hint="Name a file in it.")
        if not _streams(target) and name.is_symlink():
            raise OSError(errno.ELOOP, "the link points to itself")
        if _streams(target) or not name.exists():
            return
        with name.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(_LOOKED_AT)
            file.seek(max(0, size - _LOOKED_AT))
            tail = file.read(_LOOKED_AT)
        if not kind.matches(head, tail) if head else name.name.endswith(_BESIDE):
            raise _taken(target, kind)
        if not os.access(name, os.W_OK):
            raise PermissionError(errno.EACCES, "it is read-only")


@contextlib.contextmanager
def replacing(target: Path, kind: FileKind, *, folders: bool = False) -> Iterator[Path]:
    """The path to write ``kind`` to: beside ``target``, whose place it takes at the end; the mode of a file stays.

    A device or a pipe is written to itself. ``folders``: those that are missing are made. Raises Refused as
    :func:`check_output` does, and when the file cannot be written; what was there is there still.
    """
    check_output(target, kind)
    if _streams(target):
        with _writing(target, kind):
            yield target
        return
    name = Path(os.path.realpath(target))
    with _writing(target, kind):
        if folders:
            name.parent.mkdir(parents=True, exist_ok=True)
        partial = _beside(name)
        try:
            yield partial
            check_output(target, kind)  # somebody may have made a file of that name meanwhile
            partial.replace(name)
        finally:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(target: Path, kind: FileKind, *, folders: bool = False) -> Iterator[BinaryIO]:
    """:func:`replacing`, opened."""
    with replacing(target, kind, folders=folders) as path, path.open("ab") as file:  # after what /dev/stdout has
        yield file


@contextlib.contextmanager
def alone(target: Path, kind: FileKind) -> Iterator[None]:
    """Hold ``target`` against other runs that read and then replace it; a device or a pipe is nobody's.

    A lock lies beside it, which ends with its holder. Raises Refused when another run holds it.
    """
    if _streams(target):
        yield
        return
    from filelock import FileLock, Timeout

    name = Path(os.path.realpath(target))
    lock = FileLock(name.with_name(f".{name.name}.lock"))
    with _writing(target, kind):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise refuse(
                Code.OUTPUT_IN_USE,
                f"another run works with {kind.title} in {target!s:.200}",
                detail="Of two runs at once, both would read the same and the last would win.",
                hint="Run the command again when the other one has ended, or name another file.",
            ) from None
    try:
        yield
    finally:
        lock.release()


def _streams(target: Path) -> bool:
    """Whether ``target`` is written to as it is: no file, or one that a descriptor of ours has open (/dev/stdout)."""
    if _DESCRIPTOR.fullmatch(os.path.abspath(target)):  # noqa: PTH100 - resolve() would follow the link
        return True
    return target.exists() and not target.is_file() and not target.is_dir()


def _beside(name: Path) -> Path:
    """A new empty file in the folder of ``name``, with the mode that ``name`` has or would get."""
    descriptor, partial = tempfile.mkstemp(prefix=f".{name.name[:60]}.", suffix=".partial", dir=name.parent)
    try:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, stat.S_IMODE(name.stat().st_mode) if name.exists() else 0o666 & ~mask)
    finally:
        os.close(descriptor)
    return Path(partial)


def _taken(target: Path, kind: FileKind, detail: str = "") -> Refused:
    return refuse(
        Code.TARGET_EXISTS,
        f"{target!s:.200} is not {kind.title}, so it is not replaced",
        detail=detail or "Nothing was written.",
        hint="Name another file, or remove this one first.",
    )


@contextlib.contextmanager
def _writing(target: Path, kind: FileKind) -> Iterator[None]:
    """Turn errors of the operating system into Refused."""
    try:
        yield
    except FileNotFoundError as error:
        folder = target.parent
        reason = error.strerror if folder.is_dir() else f"there is no folder {folder!s:.200}"
        raise _unwritable(target, kind, str(reason)) from None
    except OSError as error:
        raise _unwritable(target, kind, reason_of(error)) from None
    except ValueError as error:  # a NUL character in the name
        raise _unwritable(target, kind, reason_of(error)) from None


def _unwritable(target: Path, kind: FileKind, reason: str) -> Refused:
    return refuse(Code.UNREADABLE, f"{kind.title} cannot be written to {target!s:.200}: {reason}")
