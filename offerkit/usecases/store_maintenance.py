"""Store maintenance: status, format upgrades, copies."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from offerkit.fingerprint import Json
from offerkit.specs.progress import Progress, no_progress
from offerkit.store import Location, StoreStatus, copying, databases, schema
from offerkit.store.copying import CopyResult


@dataclass(frozen=True)
class FormatChange:
    """A store's format before and after a migration."""

    before: int
    now: int

    @property
    def current(self) -> bool:
        """Whether the format was up to date already."""
        return self.before == self.now


def migrate(location: Location, *, check: bool = False) -> FormatChange:
    """Upgrade a store's format in one transaction; with ``check``, only report. Raises Refused if the
    format is newer.
    """
    before = databases.format_of(location)
    if check or before == schema.current_format():
        return FormatChange(before, schema.current_format())
    return FormatChange(*databases.migrate(location))


def copy(source: Location, target: Location, progress: Progress = no_progress) -> CopyResult:
    """Copy a whole store in one transaction. Raises Refused unless ``target`` is empty."""
    with ExitStack() as bars:
        return copying.copy(
            source, target, lambda length: bars.enter_context(progress("Copying and comparing", length))
        )


def status_json(status: StoreStatus) -> Json:
    """A store's status as JSON."""
    last, holder = status.last, status.holder
    newest: Json = None
    if last is not None:
        newest = {name: getattr(last, name) for name in ("serial", "digest", "action", "actor", "time")}
    return {
        "store": status.name,
        "format": status.format,
        "project": status.project,
        "size": status.size,
        "rows": dict(status.rows),
        "last_revision": newest,
        "lock": None
        if holder is None
        else {"who": holder.who, "since": holder.since, "process": holder.pid, "host": holder.host},
    }
