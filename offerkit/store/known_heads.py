"""The newest revision that this project saw of each store, so that a history that goes back does not go unnoticed.

A chained history shows every edit, but not that its end was cut off as a whole, or that a backup took its place.
Whoever saw a later revision knows: the project keeps, beside its cache, the last serial and digest of every store that
it has used (docs/adr/0023-tokens-in-the-chain.md).
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
"""Bytes that are read of the record: more was not written by us."""
STORES = 100
"""How many stores a project remembers: those that were used last."""
_ATTEMPTS, _PAUSE = 20, 0.005
_VERSION = 1


class ProjectFolder(Protocol):
    """Who keeps the record: a folder, and one in it for what is not under version control."""

    @property
    def root(self) -> Path:
        """The folder."""

    @property
    def state(self) -> Path:
        """Where the record is kept."""

    def prepare_state(self) -> None:
        """Make that folder."""


class KnownHead(NamedTuple):
    """The newest revision that was seen of a store, and when; ``project`` is the id that the store was made with."""

    project: str
    serial: int
    digest: str
    time: str


@dataclass(frozen=True)
class KnownHeads:
    """What ``project`` saw of one store. ``key`` and ``name`` say which, without secrets.

    ``accept``: take what stands there now for what is to be seen from now on, whatever was before.
    """

    project: ProjectFolder
    key: str
    name: str
    accept: bool = False

    def accepting(self) -> KnownHeads:
        """The same for a store that is to be another one from now on."""
        return replace(self, accept=True)

    def opened(self, open_: Callable[[], Store | None], now: str, *, audit: bool = False) -> Store | None:
        """What ``open_`` opens. Raises Refused when its history does not go on from what was seen of it.

        Only for an ``audit`` it is not: that tells by :meth:`findings`. What is new is remembered.
        """
        seen = self._seen()  # before the store is looked at: what others see meanwhile may be newer than that
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
        """That the history of ``store`` does not go on from what was seen of it; nothing when it does."""
        return self._compared(self._seen(), store)

    @property
    def known(self) -> bool:
        """Whether the store was seen before: it is not begun anew then."""
        return self._seen() is not None

    def went_on(self, store: Store, now: str) -> None:
        """Remember what was appended to ``store`` since it was opened here."""
        with contextlib.suppress(Refused):  # what was done is done, also where it cannot be looked at any more
            self._remember(store, self._seen(), now)

    def told(self, serial: int, digest: str, now: str) -> None:
        """Remember a revision that a server says it made."""
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
            why = f"its last revision is now {last}" if last else "it has no revision now"
        else:
            why = f"its revision {seen.serial} is now another one, {digests.get(seen.serial, 'none')[:12]}"
        return [self._finding(seen, f"the store {self.name} is not what it was: {why}")]

    def _missed(self, seen: KnownHead | None) -> None:
        """Raise Refused where there was a store, and is none now."""
        if seen is not None:
            raise Refused([self._finding(seen, f"there is no store at {self.name} any more")])
        if self.accept:
            self._write(None, None)

    def _finding(self, seen: KnownHead, what: str) -> Diagnostic:
        return Diagnostic(
            Code.STORE_RESTORED,
            what,
            f"At {seen.time[:19]}Z this project saw revision {seen.serial} there, {seen.digest[:12]}. Since then"
            " somebody restored a backup, replaced or removed the store, or rewrote its history.",
            "If that was meant, say --accept-restored once: what stands there now counts from then on. If not, compare"
            " with a backup or an “audit export”.",
        )

    def _remember(self, store: Store, seen: KnownHead | None, now: str) -> None:
        digests = store.digests(seen.serial if seen is not None else 0)
        last = max(digests, default=0)
        if last and (seen is None or last > seen.serial):
            self._write(seen, KnownHead(str(store.project), last, digests[last], now))
        elif not last and self.accept:
            self._write(None, None)

    def _write(self, seen: KnownHead | None, head: KnownHead | None) -> None:
        """Keep ``head`` (None: that nothing was seen), unless another run knows better, or accepted something else.

        A project that cannot be written to remembers nothing, and works as well.
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
    """Whether ``head`` goes on from what is ``known`` now, where ``seen`` was known when the store was opened."""
    if known is None or head is None:
        return known is seen
    went_on = known.project == head.project and known.serial < head.serial
    return went_on and (seen is None or known.serial >= seen.serial)


def _load(file: Path) -> dict[str, KnownHead]:
    """All that was seen; nothing from a record that is not there or not ours."""
    try:
        if not file.is_file():  # to open a named pipe would wait for its writer
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
    partial.unlink(missing_ok=True)  # a link that came with a checkout would lead to another file
    with partial.open("xb") as opened:
        opened.write(orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(file)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[bool]:
    """Whether nobody else writes the record meanwhile. Who does needs a moment only, and is not waited for long."""
    how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for
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
