"""Connecting to a store in PostgreSQL. psycopg is imported here, and only for such a store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offerkit.diagnostics import Code, install_hint, refuse
from offerkit.store import errors
from offerkit.store.location import PostgresAddress

if TYPE_CHECKING:
    import psycopg

    from offerkit.store.postgres import PostgresDatabase

DEFAULTS = {
    "fallback_application_name": "offerkit",
    "connect_timeout": "10",
    # A server that is gone without a word is noticed within a minute, also by who only waits for it.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""What libpq is told unless the address says otherwise; seconds."""
ATTEMPTS = 4
"""How often to try while the server has no room or is starting; to connect is safe to repeat."""
_PAUSE = 0.25


def open_schema(address: PostgresAddress, *, create: bool, write: bool, busy_timeout: float) -> PostgresDatabase:
    """The database at ``address``; its schema is blank when there was none and ``create`` is set.

    ``busy_timeout``: how many seconds a statement waits for a lock.
    """
    try:
        from offerkit.store.postgres import PostgresDatabase
    except ImportError as error:
        raise refuse(
            Code.STORE_PACKAGE,
            "for a store in PostgreSQL, the Python package “psycopg” is needed",
            hint=install_hint("postgres"),
        ) from error
    db = PostgresDatabase(_connect(address), address, write=write)
    try:
        db.rows(
            "SELECT set_config('search_path', ?, false), set_config('lock_timeout', ?, false),"
            " set_config('default_transaction_read_only', ?, false)",
            (f'"{address.schema}", pg_temp', f"{max(int(busy_timeout * 1000), 1)}ms", "off" if write else "on"),
        )
        if not create and db.blank():
            raise errors.missing(db.name)
    except BaseException:
        db.close()
        raise
    return db


def _connect(address: PostgresAddress) -> psycopg.Connection:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from offerkit.store.postgres_errors import not_connected, passing

    for attempt in range(1, ATTEMPTS + 1):
        try:
            given = {**DEFAULTS, **conninfo_to_dict(address.conninfo), "client_encoding": "UTF8"}
            return psycopg.connect(make_conninfo("", **given), autocommit=True)
        except psycopg.Error as error:
            if attempt == ATTEMPTS or not passing(error):
                raise not_connected(error, address) from None  # what the driver says may hold the password
        time.sleep(_PAUSE * attempt)
    raise AssertionError("the last attempt returns or raises")
