"""Opening, creating and migrating the store at a location, whichever database holds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never
from uuid import uuid4

from offerkit.diagnostics import Code, Refused, install_hint, refuse
from offerkit.store import errors, schema, sqlite, tokens, verify
from offerkit.store.database import Database
from offerkit.store.errors import first_few
from offerkit.store.location import Location, PostgresAddress
from offerkit.times import utc


def connect(location: Location, *, create: bool, write: bool, busy_timeout: float) -> Database:
    """The database at ``location``; with ``create`` it may be blank. Raises Refused when it is missing or not ours."""
    match location:
        case Path():
            return sqlite.open_file(location, create=create, write=write, busy_timeout=busy_timeout)
        case PostgresAddress():
            try:  # psycopg is an extra, and imported for such a store only
                from offerkit.store.postgres import open_schema
            except ImportError as error:
                raise refuse(
                    Code.STORE_PACKAGE,
                    "a store in PostgreSQL needs the Python package “psycopg”",
                    hint=install_hint("postgres"),
                ) from error
            return open_schema(location, create=create, write=write, busy_timeout=busy_timeout)
        case _:
            assert_never(location)


def open_store(location: Location, *, create: bool, write: bool, busy_timeout: float, audit: bool = False) -> Database:
    """A store of the current format at ``location``; with ``create`` it is created if missing.

    An older format is upgraded at once in SQLite. In PostgreSQL, which others share, it raises Refused. Views, triggers
    and the like in the store raise Refused, too; for an ``audit`` with everything that is wrong with the schema.
    """
    db = connect(location, create=create, write=write or create, busy_timeout=busy_timeout)
    try:
        if create and db.blank():
            initialize(db, lambda new: schema.create(new, uuid4().hex))
        if audit and db.foreign_objects():  # even reading its format could read from a planted view
            raise Refused(verify.schema_findings(db))
        _check_foreign_objects(db)
        db.note_identity()
        meta = schema.read_meta(db)
        if not schema.check_format(db, meta):
            if not db.upgrades_itself:
                raise _older(db, meta["format"])
            migrate(location, busy_timeout)
        return db
    except BaseException:
        db.close()
        raise


def initialize(db: Database, fill: Callable[[Database], None]) -> bool:
    """Create a store in a blank database and ``fill`` it, in one transaction; False if another process was faster."""
    with db.creating():
        if not db.blank():
            return False
        _check_foreign_objects(db)
        db.mark_as_store()
        fill(db)
        return True


def migrate(location: Location, busy_timeout: float = 5.0) -> tuple[int, int]:
    """Bring a store to the current format, in one transaction. Returns its format before and now."""
    db = connect(location, create=False, write=True, busy_timeout=busy_timeout)
    try:
        _check_foreign_objects(db)
        db.note_identity()
        with db.upgrading():
            format_before = schema.migrate(db)
            if format_before < schema.TOKENS_CHAINED <= schema.current_format():
                _adopt_tokens(db)
        return format_before, schema.current_format()
    finally:
        db.close()


def _adopt_tokens(db: Database) -> None:
    now = utc(datetime.now(UTC))
    try:
        tokens.adopt(db, now)
    except Refused as refused:  # a broken history stays as it is: opening it makes an audit possible
        if refused.diagnostics[0].code is not Code.STORE_DAMAGED:
            raise


def _check_foreign_objects(db: Database) -> None:
    """Raises Refused when the store has views, triggers or the like, which could stand in for its tables."""
    objects = db.foreign_objects()
    if objects:
        raise errors.damaged(db.name, f"It has objects that offerkit did not create: {first_few(objects)}")


def format_of(location: Location) -> int:
    """The format of a store, which is not upgraded. Raises Refused for a missing store or a newer format."""
    db = connect(location, create=False, write=False, busy_timeout=5.0)
    try:
        _check_foreign_objects(db)
        db.note_identity()
        meta = schema.read_meta(db)
        schema.check_format(db, meta)
        return int(meta["format"])
    finally:
        db.close()


def _older(db: Database, number: str) -> Refused:
    return refuse(
        Code.STORE_VERSION,
        f"{db.name} has format {number}; this offerkit writes format {schema.current_format()}",
        detail="Others share it: older releases of offerkit cannot use it once it is upgraded.",
        hint="When everyone has upgraded offerkit, run “offerkit store migrate”.",
    )
