"""The newest revision that this project has seen of each store, so that it notices a history that went back.

A chained history shows every edit, but not that its end was cut off, or that a backup replaced it. A project that saw
a later revision can tell: beside its cache it keeps the last serial and digest of every store that it has used
(docs/adr/0023-tokens-in-the-chain.md).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.store.location import Location
from offerkit.store.store import Store

LARGEST = 256 * 1024
"""Bytes of the record, at most; offerkit never writes a larger one."""
STORES = 100
"""Stores that a project remembers: those used last."""
_ATTEMPTS, _PAUSE = 20, 0.005
_VERSION = 1


class ProjectFolder(Protocol):
    """The project that keeps the record: its folder, and one in it for files outside of version control."""

    @property
    def root(self) -> Path:
        """The project's folder."""

    @property
    def state(self) -> Path:
        """The folder of the record."""

    def prepare_state(self) -> None:
        """Create that folder."""


class KnownHead(NamedTuple):
    """The newest revision seen of a store, and when; ``project`` is the id that the store was created with."""

    project: str
    serial: int
    digest: str
    time: str


@dataclass(frozen=True)
class KnownHeads:
    """What ``project`` has seen of one store, which ``key`` and ``name`` identify without secrets.

    ``accept``: accept the store as it is now, whatever was seen before.
    """

    project: ProjectFolder
    key: str
    name: str
    accept: bool = False

    def accepting(self) -> KnownHeads:
        """The same, accepting the store as it is now."""
        return replace(self, accept=True)

    def opened(self, open_: Callable[[], Store | None], now: str, *, audit: bool = False) -> Store | None:
        """The store that ``open_`` opens. Raises Refused when its history does not continue from what was seen of it.

        An ``audit`` opens it all the same, and reports :meth:`findings`. New revisions are remembered.
        """
        seen_head = self._seen()  # before the store is read, because other runs could see a newer revision meanwhile
        try:
            store = open_()
        except Refused as refused:
            if refused.diagnostics[0].code is Code.STORE_MISSING:
                self._missed(seen_head)
            raise
        if store is None:
            self._missed(seen_head)
            return None
        try:
            findings = [] if audit else self._compared(seen_head, store)
            if findings:
                raise Refused(findings)
            if not audit:
                self._remember(store, seen_head, now)
        except BaseException:
            store.close()
            raise
        return store

    def findings(self, store: Store) -> list[Diagnostic]:
        """A finding when the history of ``store`` does not continue from what was seen of it."""
        return self._compared(self._seen(), store)

    @property
    def known(self) -> bool:
        """Whether the store was seen before; then a missing store is not created again."""
        return self._seen() is not None

    def remember_appended(self, store: Store, now: str) -> None:
        """Remember revisions appended to ``store`` since it was opened here."""
        with contextlib.suppress(Refused):  # the change is made, even if the store cannot be read any more
            self._remember(store, self._seen(), now)

    def remember_reported(self, serial: int, digest: str, now: str) -> None:
        """Remember a revision that a server reported."""
        seen_head = _load(self._file).get(self.key)
        if seen_head is not None and serial > seen_head.serial:
            self._write(seen_head, KnownHead(seen_head.project, serial, digest, now))

    def _seen(self) -> KnownHead | None:
        return None if self.accept else _load(self._file).get(self.key)

    @property
    def _file(self) -> Path:
        return self.project.state / "heads.json"

    def _compared(self, seen_head: KnownHead | None, store: Store) -> list[Diagnostic]:
        if seen_head is None:
            return []
        digests = store.digests(seen_head.serial)
        newest = max(digests, default=0)
        if str(store.project) == seen_head.project and digests.get(seen_head.serial) == seen_head.digest:
            return []
        if str(store.project) != seen_head.project:
            reason = "it is another project's store"
        elif newest < seen_head.serial:
            reason = f"its last revision is now {newest}" if newest else "it has no revisions now"
        else:
            reason = (
                f"its revision {seen_head.serial} is now a different one, {digests.get(seen_head.serial, 'none')[:12]}"
            )
        return [self._finding(seen_head, f"the store {self.name} went back or was replaced: {reason}")]

    def _missed(self, seen_head: KnownHead | None) -> None:
        """Raises Refused when the store was seen before and is missing now."""
        if seen_head is not None:
            raise Refused([self._finding(seen_head, f"the store at {self.name} is gone")])
        if self.accept:
            self._write(None, None)

    def _finding(self, seen_head: KnownHead, summary: str) -> Diagnostic:
        return Diagnostic(
            Code.STORE_RESTORED,
            summary,
            f"At {seen_head.time[:19]}Z this project saw revision {seen_head.serial} there, {seen_head.digest[:12]}."
            " Since then a backup was restored, the store was replaced or removed, or its history was rewritten.",
            "If that was intended, run the command once with --accept-restored to accept the store as it is now. If"
            " not, compare it with a backup or an “audit export”.",
        )

    def _remember(self, store: Store, seen_head: KnownHead | None, now: str) -> None:
        digests = store.digests(seen_head.serial if seen_head is not None else 0)
        newest = max(digests, default=0)
        if newest and (seen_head is None or newest > seen_head.serial):
            self._write(seen_head, KnownHead(str(store.project), newest, digests[newest], now))
        elif not newest and self.accept:
            self._write(None, None)

    def _write(self, seen_head: KnownHead | None, head: KnownHead | None) -> None:
        """Keep ``head`` (None: nothing was seen), unless another run saw a newer revision or accepted another store.

        A read-only project remembers nothing, and works all the same.
        """
        with contextlib.suppress(OSError):
            self.project.prepare_state()
            with _alone(self._file.with_name("heads.lock")) as alone:
                heads = _load(self._file)
                recorded = heads.pop(self.key, None)
                differs = (recorded and recorded[:3]) != (head and head[:3])
                if alone and (differs if self.accept else _newer(recorded, seen_head, head)):
                    _save(self._file, heads if head is None else {**heads, self.key: head})


def known_heads_of(project: ProjectFolder, location: Location, url: str = "", *, accept: bool = False) -> KnownHeads:
    """What ``project`` saw of the store at ``location``, or of the one behind a server at ``url``."""
    if url or not isinstance(location, Path):
        name = key = url or str(location)
    else:
        name = str(location)
        inside = location.is_relative_to(project.root)  # a project that is moved takes its own store along
        key = str(location.relative_to(project.root)) if inside else name
    return KnownHeads(project, key[:2000], name, accept)


def _newer(recorded: KnownHead | None, seen_head: KnownHead | None, head: KnownHead | None) -> bool:
    """Whether ``head`` continues from what is ``known`` now; ``seen`` was known when the store was opened."""
    if recorded is None or head is None:
        return recorded is seen_head
    continues = recorded.project == head.project and recorded.serial < head.serial
    return continues and (seen_head is None or recorded.serial >= seen_head.serial)


def _load(file: Path) -> dict[str, KnownHead]:
    """All heads of the record; empty when it is missing or not readable as one."""
    try:
        if not file.is_file():  # opening a named pipe would wait for its writer
            return {}
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        record = orjson.loads(content) if len(content) <= LARGEST else None
    except (OSError, ValueError):
        return {}
    match record:
        case {"version": 1, "stores": dict(stores)}:
            return {key: head for key, value in stores.items() if (head := _head(value)) is not None}
        case _:
            return {}


def _head(value: object) -> KnownHead | None:
    match value:
        case {"project": str(project), "serial": int(serial), "digest": str(digest), "time": str(moment)} if (
            serial > 0 and serial is not True
        ):
            return KnownHead(project, serial, digest, moment)
        case _:
            return None


def _save(file: Path, heads: dict[str, KnownHead]) -> None:
    newest_heads = list(heads.items())[-STORES:]
    partial = file.with_name(f"{file.name}.partial")
    record = {"version": _VERSION, "stores": {key: head._asdict() for key, head in newest_heads}}
    partial.unlink(missing_ok=True)  # it could be a link to another file that came with a checkout
    with partial.open("xb") as opened:
        opened.write(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(file)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[bool]:
    """Whether this process holds the record's lock. Others hold it only for a moment, so the wait is short."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe would wait
    with os.fdopen(os.open(file, flags, 0o644), "rb", buffering=0) as opened:
        for _ in range(_ATTEMPTS):
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE)
            else:
                yield True
                return
        yield False
