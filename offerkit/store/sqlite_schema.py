"""Whether a store file holds the tables that we make, and nothing that answers or acts in their place.

SQLite keeps the statement that made each object and goes by it, so that comparing the statements compares everything:
columns, types, collations, defaults, generated columns, checks, keys, what an index covers.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from offerkit.store import schema

if TYPE_CHECKING:
    from offerkit.store.database import Database

_OURS = ("CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ")
_STATISTICS = (
    ("sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
)
"""What SQLite itself makes when somebody lets it ANALYZE the file: answers come faster, and are the same."""
_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_Row = tuple[str, str, str, str | None]


def planted(db: Database) -> list[str]:
    """Views, triggers and virtual tables. The statement counts: SQLite does not go by the word for its kind."""
    unlike = " AND ".join(["sql NOT LIKE ? || '%'"] * len(_OURS))
    found: list[_Row] = db.rows(f"{_OBJECTS} WHERE type NOT IN ('table', 'index') OR {unlike} ORDER BY name", _OURS)
    return [f"the {_kind(row)} {_name(row)}" for row in found]


def differences(db: Database) -> list[str]:
    """Every object that is missing, made otherwise, or no part of a store."""
    with closing(schema.model("WITHOUT ROWID")) as model:
        expected: list[_Row] = model.execute(_OBJECTS).fetchall()
    found: list[_Row] = db.rows(_OBJECTS)
    own = [row for row in found if row[1:] not in _STATISTICS]
    said = schema.differences(_parts(expected), _parts(own))
    names = [row[:2] for row in found]
    said += [f"the {_kind(row)} {_name(row)} is there twice" for row in found if names.count(row[:2]) > 1]
    encoding: list[tuple[str]] = db.rows("PRAGMA encoding")
    return said + ([] if encoding == [("UTF-8",)] else ["its text is not UTF-8"])


def _parts(rows: Iterable[_Row]) -> dict[tuple[str, str], str]:
    return {(_kind(row), _name(row)): f"{row[2]}: {' '.join(str(row[3] or '').split())}" for row in rows}


def _kind(row: _Row) -> str:
    """What the object is: as its statement says, or the word beside it where there is none."""
    words = str(row[3] or "").split(None, 3)
    if len(words) > 1 and words[1].upper() == "VIRTUAL":
        return "virtual table"
    return str(row[0])[:40]


def _name(row: _Row) -> str:
    return str(row[1])[:80]
