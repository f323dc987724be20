"""What PostgreSQL can say of a store's tables: it keeps types and keys; what is asked is whether those stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offerkit.store import schema

if TYPE_CHECKING:
    from offerkit.store.database import Database


def damage(db: Database, name: str) -> list[str]:
    """Tables and indexes that are missing, indexes that the server calls invalid, columns of another kind, and
    pages whose checksums the server found wrong (where it keeps any)."""
    return [*_missing(db, name), *_invalid(db, name), *_columns(db, name), *_pages(db)]


def _missing(db: Database, name: str) -> Iterator[str]:
    found: list[tuple[str]] = db.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?", (name,)
    )
    for expected in sorted(schema.names() - {row[0] for row in found}):
        yield f"{expected} is missing from the schema {name}"
    keyless: list[tuple[str]] = db.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?"
        " AND c.relkind = 'r' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
        " ORDER BY c.relname",
        (name,),
    )
    for (table,) in keyless:
        yield f"{table} has lost its key"


def _invalid(db: Database, name: str) -> Iterator[str]:
    found: list[tuple[str]] = db.rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ? AND NOT (i.indisvalid AND i.indisready) ORDER BY c.relname",
        (name,),
    )
    for (index,) in found:
        yield f"the index {index} is not valid"


def _columns(db: Database, name: str) -> Iterator[str]:
    found: list[tuple[str, str, str]] = db.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ?"
        " AND table_name <> 'offerkit_store' AND (is_nullable = 'YES'"
        " OR NOT (data_type = 'integer' OR (data_type = 'text' AND collation_name = 'C')))"
        " ORDER BY table_name, column_name",
        (name,),
    )
    for table, column, kind in found:
        yield f"{table}.{column} is now a column of type {kind} that the store does not know"


def _pages(db: Database) -> Iterator[str]:
    found: list[tuple[int | None]] = db.rows(
        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
    )
    for (failures,) in found:
        if failures:
            yield f"the server found {failures} damaged pages in this database"
