"""What a database must offer the store: the border at which SQL dialects end.

Everything above speaks one SQL: ``?`` for parameters, standard types, ``ON CONFLICT``. A second database
(PostgreSQL) is a second class with these methods, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias, TypeVar

Cell: TypeAlias = str | int
Row = TypeVar("Row", bound=tuple[object, ...])

CHUNK = 900
"""How many parameters one statement takes at most; older SQLite builds allow 999."""


class Database(Protocol):
    """One open connection. Every error of the driver leaves it as a Refused that says how to mend it."""

    name: str
    """What messages call the store: its path or address, without secrets."""

    ddl: Mapping[str, str]
    """The dialect's words for ``{key}`` (text in byte order), ``{text}`` and ``{clustered}`` in the schema."""

    def joined(self, text: str) -> str:
        """The dialect's aggregate of all values of ``text``, a line each."""

    @property
    def in_writing(self) -> bool:
        """Whether a write transaction is open."""

    def rows(self, sql: str, args: Sequence[Cell] = ()) -> list[Row]:
        """All rows of a query, as tuples of the shape that the caller declares."""

    def stream(self, sql: str, args: Sequence[Cell], size: int) -> Iterator[list[Row]]:
        """The rows of a query, ``size`` at a time, as they are asked for."""

    def run(self, sql: str, args: Sequence[Cell] = ()) -> None:
        """Execute one statement."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Execute one statement for every one of ``rows``."""

    def reading(self) -> AbstractContextManager[None]:
        """Let all reads inside see one state; part of an open transaction when there is one."""

    def writing(self) -> AbstractContextManager[None]:
        """Lock the store for writing at once; commit at the end, or roll back when it raises."""

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its files and indexes."""

    def close(self) -> None:
        """Give the connection back."""


def chunks(values: Iterable[str], size: int = CHUNK) -> Iterator[tuple[str, list[str]]]:
    """The distinct ``values``, sorted, in lists of at most ``size``, each with its ``?, ?, …``."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        yield ", ".join("?" * len(part)), part
