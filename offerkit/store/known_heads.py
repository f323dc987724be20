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
        seen = self._seen()  # before the store is read, because other runs could see a newer revision meanwhile
        try:
            store = open_()
        except Refused as refused:
            if refused.diagnostics[0].code is Code.STORE_MISSING:
                self._missed(seen)
            raise
        if store is None:
            self._missed(seen)
            return None
        try:
            found = [] if audit else self._compared(seen, store)
            if found:
                raise Refused(found)
            if not audit:
                self._remember(store, seen, now)
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

    def went_on(self, store: Store, now: str) -> None:
        """Remember revisions appended to ``store`` since it was opened here."""
        with contextlib.suppress(Refused):  # the change is made, even if the store cannot be read any more
            self._remember(store, self._seen(), now)

    def told(self, serial: int, digest: str, now: str) -> None:
        """Remember a revision that a server reported."""
        seen = _load(self._file).get(self.key)
        if seen is not None and serial > seen.serial:
            self._write(seen, KnownHead(seen.project, serial, digest, now))

    def _seen(self) -> KnownHead | None:
        return None if self.accept else _load(self._file).get(self.key)

    @property
    def _file(self) -> Path:
        return self.project.state / "heads.json"

    def _compared(self, seen: KnownHead | None, store: Store) -> list[Diagnostic]:
        if seen is None:
            return []
        digests = store.digests(seen.serial)
        last = max(digests, default=0)
        if str(store.project) == seen.project and digests.get(seen.serial) == seen.digest:
            return []
        if str(store.project) != seen.project:
            why = "it is another project's store"
        elif last < seen.serial:
            why = f"its last revision is now {last}" if last else "it has no revisions now"
        else:
            why = f"its revision {seen.serial} is now a different one, {digests.get(seen.serial, 'none')[:12]}"
        return [self._finding(seen, f"the store {self.name} went back or was replaced: {why}")]

    def _missed(self, seen: KnownHead | None) -> None:
        """Raises Refused when the store was seen before and is missing now."""
        if seen is not None:
            raise Refused([self._finding(seen, f"the store at {self.name} is gone")])
        if self.accept:
            self._write(None, None)

    def _finding(self, seen: KnownHead, what: str) -> Diagnostic:
        return Diagnostic(
            Code.STORE_RESTORED,
            what,
            f"At {seen.time[:19]}Z this project saw revision {seen.serial} there, {seen.digest[:12]}. Since then"
            " a backup was restored, the store was replaced or removed, or its history was rewritten.",
            "If that was intended, run the command once with --accept-restored to accept the store as it is now. If"
            " not, compare it with a backup or an “audit export”.",
        )

    def _remember(self, store: Store, seen: KnownHead | None, now: str) -> None:
        digests = store.digests(seen.serial if seen is not None else 0)
        last = max(digests, default=0)
        if last and (seen is None or last > seen.serial):
            self._write(seen, KnownHead(str(store.project), last, digests[last], now))
        elif not last and self.accept:
            self._write(None, None)

    def _write(self, seen: KnownHead | None, head: KnownHead | None) -> None:
        """Keep ``head`` (None: nothing was seen), unless another run saw a newer revision or accepted another store.

        A read-only project remembers nothing, and works all the same.
        """
        with contextlib.suppress(OSError):
            self.project.prepare_state()
            with _alone(self._file.with_name("heads.lock")) as alone:
                known = _load(self._file)
                before = known.pop(self.key, None)
                differs = (before and before[:3]) != (head and head[:3])
                if alone and (differs if self.accept else _newer(before, seen, head)):
                    _save(self._file, known if head is None else {**known, self.key: head})


def known_heads_of(project: ProjectFolder, location: Location, url: str = "", *, accept: bool = False) -> KnownHeads:
    """What ``project`` saw of the store at ``location``, or of the one behind a server at ``url``."""
    if url or not isinstance(location, Path):
        name = key = url or str(location)
    else:
        name = str(location)
        inside = location.is_relative_to(project.root)  # a project that is moved takes its own store along
        key = str(location.relative_to(project.root)) if inside else name
    return KnownHeads(project, key[:2000], name, accept)


def _newer(known: KnownHead | None, seen: KnownHead | None, head: KnownHead | None) -> bool:
    """Whether ``head`` continues from what is ``known`` now; ``seen`` was known when the store was opened."""
    if known is None or head is None:
        return known is seen
    went_on = known.project == head.project and known.serial < head.serial
    return went_on and (seen is None or known.serial >= seen.serial)


def _load(file: Path) -> dict[str, KnownHead]:
    """All heads of the record; empty when it is missing or not readable as one."""
    try:
        if not file.is_file():  # opening a named pipe would wait for its writer
            return {}
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        found = orjson.loads(content) if len(content) <= LARGEST else None
    except (OSError, ValueError):
        return {}
    match found:
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
    kept = list(heads.items())[-STORES:]
    partial = file.with_name(f"{file.name}.partial")
    record = {"version": _VERSION, "stores": {key: head._asdict() for key, head in kept}}
    partial.unlink(missing_ok=True)  # it could be a link to another file that came with a checkout
    with partial.open("xb") as opened:
        opened.write(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(file)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[bool]:
    """Whether this process holds the record's lock. Others hold it only for a moment, so the wait is short."""
    how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe would wait
    with os.fdopen(os.open(file, how, 0o644), "rb", buffering=0) as opened:
        for _ in range(_ATTEMPTS):
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE)
            else:
                yield True
                return
        yield False
