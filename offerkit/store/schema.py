"""The tables, and how an older store becomes a current one.

``{key}``, ``{text}`` and ``{clustered}`` are the dialect's words (:attr:`Database.ddl`); everything else is
SQL that SQLite and PostgreSQL read alike. Empty text means none: no column is ever NULL.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import TypeAlias

from offerkit.diagnostics import Code, refuse, upgrade_hint
from offerkit.fingerprint import digest
from offerkit.store.database import Database

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key {key} NOT NULL PRIMARY KEY, value {text} NOT NULL)",
        """CREATE TABLE snapshot (
            fingerprint {key} NOT NULL PRIMARY KEY, kind {text} NOT NULL, body {text} NOT NULL)""",
        """CREATE TABLE revision (
            serial INTEGER PRIMARY KEY, parent_digest {text} NOT NULL, digest {text} NOT NULL,
            action {text} NOT NULL, actor {text} NOT NULL, time {key} NOT NULL, message {text} NOT NULL,
            plan_digest {text} NOT NULL, details {text} NOT NULL)""",
        """CREATE TABLE stage (
            stage {key} NOT NULL PRIMARY KEY, revision INTEGER NOT NULL REFERENCES revision (serial),
            digest {text} NOT NULL)""",
        """CREATE TABLE stage_entry (
            stage {key} NOT NULL REFERENCES stage (stage), address {key} NOT NULL,
            fingerprint {text} NOT NULL, activation {text} NOT NULL,
            PRIMARY KEY (stage, address)) {clustered}""",
        """CREATE TABLE change (
            serial INTEGER NOT NULL REFERENCES revision (serial), stage {key} NOT NULL, address {key} NOT NULL,
            action {text} NOT NULL, before_fingerprint {text} NOT NULL, after_fingerprint {text} NOT NULL,
            before_activation {text} NOT NULL, after_activation {text} NOT NULL, moved_from {key} NOT NULL,
            reason {text} NOT NULL, PRIMARY KEY (serial, stage, address)) {clustered}""",
        "CREATE INDEX change_address ON change (stage, address, serial)",
        "CREATE INDEX change_moved ON change (moved_from, stage, serial) WHERE moved_from <> ''",
        """CREATE TABLE outcome (
            serial INTEGER NOT NULL REFERENCES revision (serial), stage {key} NOT NULL, digest {text} NOT NULL,
            PRIMARY KEY (serial, stage)) {clustered}""",
        "CREATE INDEX outcome_stage ON outcome (stage, serial)",
        """CREATE TABLE approval (
            serial INTEGER NOT NULL REFERENCES revision (serial), address {key} NOT NULL, aspect {key} NOT NULL,
            space {key} NOT NULL, fingerprint {text} NOT NULL, decision {text} NOT NULL,
            operator {text} NOT NULL, comment {text} NOT NULL,
            PRIMARY KEY (serial, address, aspect, space)) {clustered}""",
        "CREATE INDEX approval_address ON approval (address, serial)",
    ),
    (
        # What is read at every call is one contact's history: those rows stand together. A delivery gives one time
        # to all its propositions: with the id at their end, the indexes find the newest without sorting.
        """CREATE TABLE proposition (
            id {key} NOT NULL, environment {key} NOT NULL, contact {key} NOT NULL, space {key} NOT NULL,
            channel {text} NOT NULL, offer {key} NOT NULL, category {text} NOT NULL, interaction {text} NOT NULL,
            rank INTEGER NOT NULL, weight {text} NOT NULL, status INTEGER NOT NULL, time {key} NOT NULL,
            changed {key} NOT NULL, revision INTEGER NOT NULL, data {text} NOT NULL,
            PRIMARY KEY (environment, contact, time, id)) {clustered}""",
        "CREATE UNIQUE INDEX proposition_id ON proposition (id)",
        "CREATE INDEX proposition_offer ON proposition (environment, offer, time, id)",
        "CREATE INDEX proposition_space ON proposition (environment, space, time, id)",
        "CREATE INDEX proposition_time ON proposition (environment, time, id)",
        """CREATE TABLE cookie (
            environment {key} NOT NULL, cookie {key} NOT NULL, contact {key} NOT NULL, time {key} NOT NULL,
            PRIMARY KEY (environment, cookie)) {clustered}""",
    ),
    (
        # A delivery is made once: the key says so, whoever tries at the same time.
        """CREATE TABLE delivery_run (
            environment {key} NOT NULL, campaign {key} NOT NULL, delivery {key} NOT NULL, id {key} NOT NULL,
            space {key} NOT NULL, revision INTEGER NOT NULL, time {key} NOT NULL, made {key} NOT NULL,
            operator {text} NOT NULL, messages INTEGER NOT NULL, propositions INTEGER NOT NULL, sent {key} NOT NULL,
            PRIMARY KEY (environment, campaign, delivery)) {clustered}""",
    ),
    (
        """CREATE TABLE token (
            id {key} NOT NULL PRIMARY KEY, hash {text} NOT NULL, operator {key} NOT NULL, name {text} NOT NULL,
            created {key} NOT NULL, created_by {text} NOT NULL, expires {key} NOT NULL, revoked {key} NOT NULL)""",
    ),
    (
        # A row that says nothing may nothing; tokens that were made before there were scopes keep what they could.
        "ALTER TABLE token ADD COLUMN scope {text} NOT NULL DEFAULT ''",
        "UPDATE token SET scope = 'all'",
    ),
    # Format 6: no other tables, but words that an older offerkit would pass over: the aspects "settings" and "stop" of
    # approvals, revisions that stop, resume and override. It has to refuse the store: it would promote what is stopped.
    (),
)
"""The statements that lead from format n to n + 1; format 0 is an empty database."""
TOKENS_CHAINED = 5
"""The format from which on tokens are part of the history."""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
META_KEYS = ("format", "head", "project")


def current_format() -> int:
    """The format that this offerkit writes."""
    return len(MIGRATIONS)


def genesis(project: str) -> str:
    """The parent of the first revision, so that a history belongs to one project."""
    return digest(b"offerkit history", project.encode())


def read_meta(db: Database) -> dict[str, str]:
    """All of the meta table."""
    found: list[tuple[str, str]] = db.rows("SELECT key, value FROM meta")
    return dict(found)


def create(db: Database, project: str) -> None:
    """Make an empty store; inside a write transaction."""
    create_tables(db)
    rows = [("format", str(current_format())), ("head", genesis(project)), ("project", project)]
    db.insert("meta", "key, value", rows)


def create_tables(db: Database) -> None:
    """Make the tables with nothing in them, as a copy needs them; inside a write transaction."""
    _run(db, 0)


def check_format(db: Database, meta: dict[str, str]) -> bool:
    """Whether the store is of the current format (False: of an older one); refused when of no known one."""
    text = str(meta.get("format", ""))
    if not _NUMBER.fullmatch(text) or not meta.keys() >= set(META_KEYS):
        raise refuse(
            Code.STORE_DAMAGED,
            f"{db.name} does not say which format it has or which project it belongs to",
            detail="The table “meta” lacks its rows, or they were edited.",
            hint="Restore the store from a backup.",
        )
    if int(text) > current_format():
        raise refuse(
            Code.STORE_VERSION,
            f"{db.name} has format {text}; this offerkit knows formats up to {current_format()}",
            detail="A newer offerkit wrote it, and what that one added would be lost.",
            hint=upgrade_hint(),
        )
    return int(text) == current_format()


def migrate(db: Database) -> int:
    """Bring an older store to the current format, inside a write transaction; the format that it had."""
    meta = read_meta(db)  # read again: another process may have been faster
    if not check_format(db, meta):
        _run(db, int(meta["format"]))
        db.run("UPDATE meta SET value = ? WHERE key = ?", (str(current_format()), "format"))
    return int(meta["format"])


def model(clustered: str) -> sqlite3.Connection:
    """An empty store in memory: how tables and indexes are made, to compare others with."""
    made = sqlite3.connect(":memory:")
    for statements in MIGRATIONS:
        for statement in statements:
            made.execute(statement.format(key="TEXT", text="TEXT", clustered=clustered))
    return made


Parts: TypeAlias = Mapping[tuple[str, str], str]
"""What a schema is made of: of which kind, its name, and how it is made."""


def differences(expected: Parts, found: Parts) -> list[str]:
    """What is missing, what is no part of a store, and what is made otherwise, in words."""
    said = [f"the {kind} {name} is missing" for kind, name in sorted(expected.keys() - found.keys())]
    said += [f"the {kind} {name[:80]} is no part of a store" for kind, name in sorted(found.keys() - expected.keys())]
    return said + [
        f"the {kind} {name} is not as offerkit makes it"
        for kind, name in sorted(expected.keys() & found.keys())
        if expected[kind, name] != found[kind, name]
    ]


def _run(db: Database, start: int) -> None:
    for statements in MIGRATIONS[start:]:
        for statement in statements:
            db.run(statement.format_map(db.ddl))
