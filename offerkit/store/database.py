"""The interface between the store and its database: SQL dialects end here.

Everything above uses one SQL: ``?`` for parameters, standard types, ``ON CONFLICT``. Each database is a class
with these methods, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol, Self, TypeAlias, TypeVar

from offerkit.diagnostics import Refused
from offerkit.store.lock import Holder

Cell: TypeAlias = str | int
Row = TypeVar("Row", bound=tuple[object, ...])

CHUNK = 900
"""Parameters of one statement, at most; older SQLite builds allow 999."""
LOG_BEGUN = "SELECT 1 FROM proposition_change WHERE position = '0' LIMIT 1"
"""Has a row when the log of propositions has begun (:mod:`offerkit.store.proposition_log`)."""


class Clash(Refused):
    """Another transaction stored a row under the same key meanwhile; this one stores nothing."""


class Question(NamedTuple):
    """A query whose only cell is the answer; none, or NULL, is an empty one."""

    sql: str
    args: tuple[str, ...]


class QuestionReader(Protocol):
    """A connection of its own that asks without waiting; its user waits for its descriptor. Errors become Refused."""

    descriptor: int
    """Readable when there is something to :meth:`receive`: answers, room to send the rest, the connection's end."""

    def ask(self, questions: Sequence[Question]) -> None:
        """Send ``questions``, once those before are answered."""

    def receive(self) -> list[str] | None:
        """The answers to all that was asked, in that order; None if some are still missing."""

    def close(self) -> None:
        """Close the connection."""


class Database(Protocol):
    """One open connection, for one thread at a time.

    Errors of the driver become Refused, with a hint how to mend them.
    """

    name: str
    """The store's path or address in messages, without secrets."""

    ddl: Mapping[str, str]
    """What the dialect writes for ``{key}`` (text in byte order), ``{text}`` and ``{clustered}`` in the schema."""

    for_update: str
    """The end of a SELECT that locks its rows until the transaction ends; empty where writers exclude each other."""

    upgrades_itself: bool
    """Whether opening a store upgrades an older format; otherwise only ``offerkit store migrate`` does."""

    unindexed: str
    """What hides a column from the planner, if rows lie in the order of their key: so it is the key that is searched.
    Empty where they lie anywhere."""

    def join(self, value: str, separator: str) -> str:
        """The aggregate that joins all values by a text (both SQL), those of several expressions in one order."""

    @property
    def in_writing(self) -> bool:
        """Whether a write transaction is open (:meth:`writing` or :meth:`recording`)."""

    @property
    def exclusive(self) -> bool:
        """Whether the open write transaction is allowed to append a revision; only one at a time is."""

    def rows(self, sql: str, args: Sequence[Cell] = ()) -> list[Row]:
        """All rows of a query, as tuples of the type that the caller declares."""

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, lazily, ``size`` at a time."""

    def run(self, sql: str, args: Sequence[Cell] = ()) -> int:
        """Execute one statement. Returns how many rows it changed. Raises Clash when a key is taken."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for each of ``rows``."""

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Cell]]) -> None:
        """Add ``rows`` to a table in the fastest way. Raises Clash when a key is taken."""

    def reading(self) -> AbstractContextManager[None]:
        """Let all reads inside see one state; joins an open transaction."""

    def readers(self, number: int) -> AbstractContextManager[Sequence[Self]]:
        """Connections that see one state, for up to ``number`` threads; only one where there can be no more."""

    def writing(self) -> AbstractContextManager[None]:
        """Lock the history at once: no other process appends a revision. Commit, or roll back on an exception."""

    def upgrading(self) -> AbstractContextManager[None]:
        """As :meth:`writing`, for a change of the format; on a connection that is closed afterwards."""

    def recording(self) -> AbstractContextManager[None]:
        """A transaction for propositions, deliveries and cookies; several run at once if the database can do that."""

    def erasing(self) -> AbstractContextManager[None]:
        """As :meth:`writing`; what is deleted is also overwritten where the database can do that."""

    def clear_deleted(self, tables: Sequence[str]) -> str:
        """Remove what was deleted from the database's files, too; not inside a transaction.

        Returns what keeps some of it there, in words; empty when all is gone.
        """

    def version(self) -> int | None:
        """A number that every transaction that changes rows changes; None where the database has no such number."""

    def claim_version(self) -> tuple[int, int] | None:
        """Set the :meth:`version` of the open write transaction before it commits. Returns the old and new version.

        Call it after the last change. None where the database has no version, or nothing was changed.
        """

    def log_begun(self) -> bool:
        """Whether the open write transaction is to log propositions: the log had begun when it first looked."""

    def await_earlier_writers(self) -> None:
        """Wait until all transactions have ended that looked for the log (:meth:`log_begun`) before it had begun.

        Raises Refused when one does not end.
        """

    def log_position(self) -> str:
        """The position in the log of propositions of what the open write transaction adds to it.

        Readers see positions in their order (:meth:`log_settled`); a later transaction's is greater.
        """

    def log_settled(self) -> str:
        """A position: what is before it in the log is all there is, and nothing is added there any more. Empty: all."""

    def day_of(self, column: str, seconds: int) -> str:
        """An SQL expression: the day (``2026-11-01``) of an instant in ``column``, ``seconds`` east of UTC."""

    def lease(self, who: str, timeout: float, waiting: Callable[[Holder], None] | None) -> AbstractContextManager[None]:
        """Hold the store's lock, which tells other processes its holder (:mod:`offerkit.store.lock`)."""

    def holder(self) -> Holder:
        """The holder of the lock; ``UNKNOWN`` when it is free or the holder is not known."""

    def creating(self) -> AbstractContextManager[None]:
        """As :meth:`writing`, for a database that can be blank."""

    def blank(self) -> bool:
        """Whether the database is empty. Raises Refused when it holds something other than a store."""

    def mark_as_store(self) -> None:
        """Mark a blank database as a store, inside :meth:`creating`."""

    def size(self) -> int:
        """Bytes on disk."""

    def identity(self) -> str:
        """An id that tells the open store from any that could replace it."""

    def note_identity(self) -> None:
        """Remember the open store's identity. Reads its tables, so call it only once they are known to be sound."""

    def check_in_place(self) -> None:
        """Raises Refused when the open store is no longer the one at its location: it was deleted or replaced.

        Write transactions check this themselves; what they changed is then lost.
        """

    def reader(self) -> QuestionReader | None:
        """Another connection to the open store; None where asking takes less time than waiting. For any thread."""

    def checkpoint(self) -> int:
        """Do maintenance that a commit would otherwise have to wait for. Returns the length of the log in pages."""

    def foreign_objects(self) -> list[str]:
        """Views, triggers and other objects that could stand in for the tables, in words. Fast."""

    def differences(self) -> list[str]:
        """Tables, indexes and other objects that differ from the format, in words."""

    def damage(self) -> list[str]:
        """Damage that the database itself finds in its files and values, in words."""

    def close(self) -> None:
        """Close the connection."""


def recording(db: Database) -> AbstractContextManager[None]:
    """The open write transaction, or a new one to record in."""
    return nullcontext() if db.in_writing else db.recording()


def chunks(values: Iterable[str], size: int = CHUNK) -> Iterator[tuple[str, list[str]]]:
    """The distinct ``values``, sorted, in lists of at most ``size``, each with its ``?, ?, …``."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        yield ", ".join("?" * len(part)), part
