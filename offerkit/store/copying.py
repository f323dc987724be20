"""Copying a whole store to another database, in one transaction that compares both at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import orjson

from offerkit.diagnostics import Refused
from offerkit.store import (
    approvals,
    databases,
    deliveries,
    errors,
    evidence,
    outbox,
    proposition_log,
    proposition_rows,
    revisions,
    scheduled,
    schema,
    simulations,
    tokens,
    verify,
)
from offerkit.store.database import Cell, Database
from offerkit.store.location import Location

TABLES = {
    "meta": "key, value",
    "snapshot": "fingerprint, kind, body",
    "revision": revisions.REVISION,
    "stage": "stage, revision, digest",
    "stage_entry": "stage, address, fingerprint, activation",
    "change": f"serial, {revisions.CHANGE}",
    "outcome": "serial, stage, digest",
    "approval": f"serial, {approvals.COLUMNS}",
    "scheduled": scheduled.COLUMNS,
    "proposition": f"{proposition_rows.COLUMNS}, logged",
    "proposition_change": proposition_log.COLUMNS,
    "evidence": evidence.COLUMNS,
    "cookie": "environment, cookie, contact, time",
    "delivery_run": deliveries.COLUMNS,
    "token": tokens.COLUMNS,
    "outbox": outbox.COLUMNS,
    "simulation": simulations.COLUMNS,
}
"""Every table with its columns; a table comes after those that it refers to."""
PART = 20_000
"""Rows that are copied at a time."""

Advance = Callable[[int], None]
_SIZE = 16


@dataclass(frozen=True, slots=True)
class CopyResult:
    """How many rows were copied, by table."""

    rows: dict[str, int]

    @property
    def revisions(self) -> int:
        return self.rows["revision"]


class _RowSum:
    """A checksum of rows in any order: their number, and the sum of their digests."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0

    def add(self, rows: list[tuple[Cell, ...]]) -> None:
        self.count += len(rows)
        for row in rows:
            self.total += int.from_bytes(blake2b(orjson.dumps(row), digest_size=_SIZE).digest(), "big")
        self.total &= (1 << 8 * _SIZE) - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _RowSum) and (self.count, self.total) == (other.count, other.total)

    __hash__ = None  # type: ignore[assignment] # it changes


def counts(db: Database) -> dict[str, int]:
    """How many rows each table has."""
    row_counts: dict[str, int] = {}
    for table in TABLES:
        rows: list[tuple[int]] = db.rows(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - our own names
        row_counts[table] = rows[0][0]
    return row_counts


def copy(source: Location, target: Location, progress: Callable[[int], Advance]) -> CopyResult:
    """Copy everything that ``source`` holds at this moment to a blank ``target``.

    ``progress`` gets the number of rows to come, and returns a function that gets how many were copied or compared.
    Raises Refused when the source does not verify, the target is not blank, or the copy differs from the source;
    the target then stays blank, as it does when the process is killed.
    """
    source_db = databases.open_store(source, create=False, write=False, busy_timeout=5.0)
    try:
        with source_db.reading():
            findings = verify.verify(source_db)
            if findings:
                raise Refused(findings)
            return _copied(source_db, target, progress)
    finally:
        source_db.close()


UNCHAINED = (
    "proposition",
    "proposition_change",
    "evidence",
    "cookie",
    "delivery_run",
    "token",
    "outbox",
    "simulation",
)
"""The tables that the chain of revisions does not cover."""
HISTORY = tuple(table for table in TABLES if table not in UNCHAINED)
"""The tables of the chained history: not what contacts were offered, tokens, waiting events and kept simulations."""


def copy_history(source: Location, target: Location) -> None:
    """Copy only the chained history to a blank ``target``. Raises Refused as :func:`copy` does."""
    source_db = databases.open_store(source, create=False, write=False, busy_timeout=5.0)
    try:
        with source_db.reading():
            _copied(source_db, target, lambda _: lambda _: None, HISTORY)
    finally:
        source_db.close()


def copy_unverified(source: Location, target: Path) -> None:
    """Copy everything to a new file without verifying it: what is set aside is kept as it is."""
    source_db = databases.open_store(source, create=False, write=False, busy_timeout=5.0)
    try:
        with source_db.reading():
            _copied(source_db, target, lambda _: lambda _: None, verified=False)
    finally:
        source_db.close()


def _copied(
    source_db: Database,
    target: Location,
    progress: Callable[[int], Advance],
    tables: Iterable[str] = TABLES,
    *,
    verified: bool = True,
) -> CopyResult:
    total = counts(source_db)
    target_db = databases.connect(target, create=True, write=True, busy_timeout=5.0)
    try:
        if not target_db.blank():
            raise errors.not_blank(target_db.name)
        advance = progress(2 * sum(total.values()))

        def fill(db: Database) -> None:
            _fill(source_db, db, advance, tables)
            findings = verify.verify(db, tokens_too="token" in tables) if verified else []
            if findings:
                raise Refused(findings)

        if not databases.initialize(target_db, fill):
            raise errors.not_blank(target_db.name)
    finally:
        target_db.close()
    return CopyResult(total)


def _fill(source_db: Database, target_db: Database, advance: Advance, tables: Iterable[str]) -> None:
    schema.create_tables(target_db)
    carry(source_db, target_db, tables, advance)


def carry(old: Database, new: Database, tables: Iterable[str], advance: Advance) -> None:
    """Copy ``tables``, which are empty in ``new``, and compare them; inside a write transaction."""
    sums: dict[str, _RowSum] = {}
    columns_by_table = {table: TABLES[table] for table in tables}
    for table, columns in columns_by_table.items():
        sums[table] = _RowSum()
        for rows in _parts(old, table, columns):
            sums[table].add(rows)
            new.insert(table, columns, rows)
            advance(len(rows))
    for table, columns in columns_by_table.items():
        copied = _RowSum()
        for rows in _parts(new, table, columns):
            copied.add(rows)
            advance(len(rows))
        if copied != sums[table]:
            raise errors.damaged(new.name, f"The rows of {table} differ from those that were copied")


def _parts(db: Database, table: str, columns: str) -> Iterator[list[tuple[Cell, ...]]]:
    return db.stream(f"SELECT {columns} FROM {table}", (), PART)  # noqa: S608 - our own names
