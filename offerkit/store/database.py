"""What a database must offer the store: the border at which SQL dialects end.

Everything above speaks one SQL: ``?`` for parameters, standard types, ``ON CONFLICT``. Each database is a class
with these methods, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias, TypeVar

from offerkit.diagnostics import Refused
from offerkit.store.lock import Holder

Cell: TypeAlias = str | int
Row = TypeVar("Row", bound=tuple[object, ...])

CHUNK = 900
"""How many parameters one statement takes at most; older SQLite builds allow 999."""


class Clash(Refused):
    """Another transaction has kept a row under the same key meanwhile; this one keeps nothing."""


class Database(Protocol):
    """One open connection, for one thread at a time.

    Every error of the driver leaves it as a Refused that says how to mend it.
    """

    name: str
    """What messages call the store: its path or address, without secrets."""

    ddl: Mapping[str, str]
    """The dialect's words for ``{key}`` (text in byte order), ``{text}`` and ``{clustered}`` in the schema."""

    for_update: str
    """What at the end of a SELECT locks its rows until the transaction ends; empty where that locks everything."""

    upgrades_itself: bool
    """Whether an older format is upgraded by whoever opens it, or only when somebody asks for that."""

    def join_lines(self, text: str) -> str:
        """The dialect's aggregate of all values of ``text``, a line each."""

    @property
    def in_writing(self) -> bool:
        """Whether a write transaction is open, by :meth:`writing` or :meth:`recording`."""

    @property
    def exclusive(self) -> bool:
        """Whether the open write transaction is the only one that may append a revision."""

    def rows(self, sql: str, args: Sequence[Cell] = ()) -> list[Row]:
        """All rows of a query, as tuples of the shape that the caller declares."""

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, ``size`` at a time, as they are asked for."""

    def run(self, sql: str, args: Sequence[Cell] = ()) -> int:
        """Execute one statement; how many rows it changed. Raises Clash when a key is taken."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for every one of ``rows``."""

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Add ``rows`` to a table, in the fastest way. Raises Clash when a key is taken."""

    def reading(self) -> AbstractContextManager[None]:
        """Let all reads inside see one state; part of an open transaction when there is one."""

    def writing(self) -> AbstractContextManager[None]:
        """Lock the history at once: no other may append a revision. Commit at the end, or roll back when it raises."""

    def recording(self) -> AbstractContextManager[None]:
        """A transaction for propositions and what belongs to them: beside others where the database can do that."""

    def version(self) -> int | None:
        """A number of the state that is read, which every transaction that changes rows changes; None: it has none."""

    def claim_version(self) -> tuple[int, int] | None:
        """Give the open write transaction's state its :meth:`version` already; that before, and the new one.

        To be called after the last change. None where there is no such, or nothing was changed.
        """

    def lease(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> AbstractContextManager[None]:
        """Hold the store's lock, which tells others who holds it (:mod:`offerkit.store.lock`)."""

    def holder(self) -> Holder:
        """Who holds the lock now; ``UNKNOWN`` when nobody does, or nobody can tell."""

    def creating(self) -> AbstractContextManager[None]:
        """As :meth:`writing`, where there may be nothing yet."""

    def blank(self) -> bool:
        """Whether there is nothing at all yet. Raises Refused when there is something that is not ours."""

    def mark_as_store(self) -> None:
        """Mark what is blank as ours, inside :meth:`creating`."""

    def size(self) -> int:
        """The bytes that the store takes."""

    def identity(self) -> str:
        """What tells the open store from any that may take its place."""

    def note_identity(self) -> None:
        """Know the open store from any that may take its place; asked of its tables, so only once they are sound."""

    def check_in_place(self) -> None:
        """Raise Refused when what is open is not what the store's name means now: it was deleted or replaced.

        Transactions that write ask this themselves; what they did does not count then.
        """

    def checkpoint(self) -> None:
        """Do what would otherwise be done while a commit waits for it."""

    def foreign_objects(self) -> list[str]:
        """What answers or acts in place of the tables: views, triggers and the like, in words. Quick."""

    def differences(self) -> list[str]:
        """Where tables, indexes and all else in the store are not as the format says, in words."""

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its files and values."""

    def close(self) -> None:
        """Give the connection back."""


def recording(db: Database) -> AbstractContextManager[None]:
    """The open write transaction, or one of its own to record in."""
    return nullcontext() if db.in_writing else db.recording()


def chunks(values: Iterable[str], size: int = CHUNK) -> Iterator[tuple[str, list[str]]]:
    """The distinct ``values``, sorted, in lists of at most ``size``, each with its ``?, ?, …``."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        yield ", ".join("?" * len(part)), part
