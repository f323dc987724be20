"""Clears what PostgreSQL still has of rows that were deleted or changed: dead rows, and values in its statistics.

The server samples the values of columns to plan queries (``pg_statistic``): what was a frequent value, or the end of a
part of the histogram, stays there until the table is analyzed again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from offerkit.store.database import Database

PATIENCE = 5.0
"""Seconds that clearing waits for transactions that still see the dead rows."""
_EARLIER = """SELECT 1 FROM (
 SELECT backend_xmin AS seen FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()
 UNION ALL SELECT xmin FROM pg_replication_slots) AS others WHERE age(seen) > age(?::text::xid) LIMIT 1"""


def clear(db: Database, tables: Sequence[str]) -> str:
    """Remove the dead rows of ``tables``, and their values from the statistics; not inside a transaction.

    Returns what keeps some of it there, in words; empty when all is gone.
    """
    owned: list[tuple[bool]] = db.rows(
        "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'proposition'::regclass"
    )
    names = ", ".join(tables)
    if not owned[0][0]:
        return f"dead rows stay until the server removes them; their owner can: VACUUM (ANALYZE) {names}"
    alone = _alone(db)
    for table in tables:
        if not db.rows(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - our own names
            _forget_values(db, table)
    db.run(f"VACUUM (ANALYZE) {names}")
    db.run("VACUUM pg_catalog.pg_statistic")  # the server skips it, with a warning, unless the user owns the database
    return "" if alone else "another transaction on the server still sees its rows, so they stay until it has ended"


def _alone(db: Database) -> bool:
    """Whether no other transaction sees rows that are dead now; waits for those that end soon."""
    rows: list[tuple[str]] = db.rows(
        "SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint & 4294967295)::text"
    )
    until = time.monotonic() + PATIENCE
    while db.rows(_EARLIER, (rows[0][0],)):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _forget_values(db: Database, table: str) -> None:
    """Forget the values of an empty table, which ANALYZE leaves as they were: let it sample a row that nobody sees."""
    columns: list[tuple[str, str]] = db.rows(
        "SELECT attname, atttypid::regtype::text FROM pg_attribute"
        " WHERE attrelid = ?::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    values = {name: "''" if type_ == "text" else "0" for name, type_ in columns}
    where = " AND ".join(f"{name} = {value}" for name, value in values.items())
    with db.recording():
        db.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})")  # noqa: S608
        db.run(f"ANALYZE {table}")
        db.run(f"DELETE FROM {table} WHERE {where}")  # noqa: S608 - our own names
