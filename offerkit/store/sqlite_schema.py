"""Checks of a store's schema in SQLite: whether it differs from the format, and whether the file is damaged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from offerkit.store import schema
from offerkit.store.database import Database

_OURS = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ")
_STATISTICS = (
    ("sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
)
"""Tables that SQLite creates for ANALYZE: results come faster and are the same."""
_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_Object = tuple[str, str, str, str | None]


def foreign_objects(db: Database) -> list[str]:
    """Views, triggers and virtual tables, by their statements: SQLite does not use the column ``type`` either."""
    unlike = " AND ".join(["sql NOT LIKE ? || '%'"] * len(_OURS))
    objects: list[_Object] = db.rows(
        f"{_OBJECTS} WHERE type NOT IN ('table', 'index') OR {unlike} ORDER BY name", _OURS
    )
    return [f"the {_object_kind(row)} {_object_name(row)}" for row in objects]


def differences(db: Database) -> list[str]:
    """Every object that is missing, different, or not part of a store.

    SQLite keeps the statement that created each object and uses it, so comparing statements compares everything:
    columns, types, collations, defaults, generated columns, checks, keys, what an index covers.
    """
    with closing(schema.model("WITHOUT ROWID")) as model:
        expected: list[_Object] = model.execute(_OBJECTS).fetchall()
    objects: list[_Object] = db.rows(_OBJECTS)
    own = [row for row in objects if row[1:] not in _STATISTICS]
    texts = schema.differences(_object_parts(expected), _object_parts(own))
    names = [row[:2] for row in objects]
    texts += [
        f"the {_object_kind(row)} {_object_name(row)} exists twice" for row in objects if names.count(row[:2]) > 1
    ]
    encoding: list[tuple[str]] = db.rows("PRAGMA encoding")
    return texts + ([] if encoding == [("UTF-8",)] else ["its text is not UTF-8"])


def damage(db: Database) -> list[str]:
    """What SQLite finds wrong with the file and its indexes, and values of a type that offerkit never writes."""
    results: list[tuple[str]] = db.rows("PRAGMA integrity_check")
    tables: list[tuple[str]] = db.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
    )
    return [text for (text,) in results if text != "ok"] + [
        text for (table,) in tables for text in _mistyped(db, table)
    ]


def _mistyped(db: Database, table: str) -> Iterator[str]:
    columns: list[tuple[str, str]] = db.rows("SELECT name, type FROM pragma_table_info(?)", (table,))
    sums = ", ".join(f"SUM(typeof({name}) <> '{declared.lower()}')" for name, declared in columns)
    counts: list[tuple[int | None, ...]] = db.rows(f"SELECT {sums} FROM {table}")  # noqa: S608 - the file's own names
    for (name, declared), count in zip(columns, counts[0], strict=True):
        if count:
            yield f"{table}.{name} holds {count} values that are not {declared.lower()}"


def _object_parts(rows: Iterable[_Object]) -> dict[tuple[str, str], str]:
    return {(_object_kind(row), _object_name(row)): f"{row[2]}: {' '.join(str(row[3] or '').split())}" for row in rows}


def _object_kind(row: _Object) -> str:
    """The kind of an object: from its statement, or from the column ``type`` if it has no statement."""
    words = str(row[3] or "").split(None, 3)
    if len(words) > 1 and words[1].upper() == "VIRTUAL":
        return "virtual table"
    return str(row[0])[:40]


def _object_name(row: _Object) -> str:
    return str(row[1])[:80]
