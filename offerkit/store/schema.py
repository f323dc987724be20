"""The tables, and how an older store becomes a current one.

``{key}``, ``{text}`` and ``{clustered}`` differ by dialect (:attr:`Database.ddl`); everything else is SQL that SQLite
and PostgreSQL share. Empty text means no value: no column is ever NULL.
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
        # Every call reads one contact's history, so its rows are stored together. All propositions of a delivery have
        # the same time: with the id at their end, the indexes find the newest without sorting.
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
        # A delivery is made only once: the key makes sure of it, even if two processes try at the same time.
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
        # An empty scope allows nothing; tokens from before there were scopes keep all their rights.
        "ALTER TABLE token ADD COLUMN scope {text} NOT NULL DEFAULT ''",
        "UPDATE token SET scope = 'all'",
    ),
    # Format 6: no new tables, but values that an older offerkit would ignore: the aspects "settings" and "stop" of
    # approvals, revisions that stop, resume and override. It must refuse the store: it would promote what is stopped.
    (),
    # Format 7: whatever is added here must be quick on a store of any size: new tables, columns with a default.
    (
        """CREATE TABLE outbox (
            id {key} NOT NULL, receiver {key} NOT NULL, type {text} NOT NULL, body {text} NOT NULL,
            created {key} NOT NULL, due {key} NOT NULL, attempts INTEGER NOT NULL, state {key} NOT NULL,
            lease {text} NOT NULL, leased_until {key} NOT NULL, failure {text} NOT NULL, finished {key} NOT NULL,
            PRIMARY KEY (id, receiver)) {clustered}""",
        "CREATE INDEX outbox_due ON outbox (state, receiver, due, id)",
        # The log of propositions names each change once, in an order that every reader sees
        # (offerkit.store.proposition_log). It begins with its first reader; propositions from before that are not in it
        # until they change.
        "ALTER TABLE proposition ADD COLUMN logged {text} NOT NULL DEFAULT ''",
        """CREATE TABLE proposition_change (
            position {key} NOT NULL, id {key} NOT NULL, environment {key} NOT NULL, event {text} NOT NULL,
            status INTEGER NOT NULL, changed {key} NOT NULL, PRIMARY KEY (position, id)) {clustered}""",
        """CREATE TABLE simulation (
            name {key} NOT NULL PRIMARY KEY, environment {key} NOT NULL, stage {text} NOT NULL, time {key} NOT NULL,
            actor {text} NOT NULL, body {text} NOT NULL)""",
        "ALTER TABLE proposition ADD COLUMN product {text} NOT NULL DEFAULT ''",
        # Rules that count by campaign, and reports, look up the delivery of each proposition.
        "CREATE INDEX delivery_run_id ON delivery_run (environment, id)",
    ),
    # Format 8: quick on a store of any size as well. An index by offer costs every call one page of the file for each
    # offer; few searches need it (offerkit.store.propositions).
    (
        "DROP INDEX proposition_offer",
        "DROP INDEX proposition_space",
        # Where a delivery's files were written: they name contacts, who may ask that they be erased.
        "ALTER TABLE delivery_run ADD COLUMN folder {text} NOT NULL DEFAULT ''",
        # Promotions that wait for their time; ``ended``: the revision that ended it, 0 until then.
        """CREATE TABLE scheduled (
            serial INTEGER NOT NULL PRIMARY KEY REFERENCES revision (serial), due {key} NOT NULL,
            ended INTEGER NOT NULL, plan {text} NOT NULL)""",
        "CREATE INDEX scheduled_due ON scheduled (ended, due, serial)",
        # A contact's evidence lies together, to be found with a proposition and erased with the contact.
        """CREATE TABLE evidence (
            environment {key} NOT NULL, contact {key} NOT NULL, time {key} NOT NULL, id {key} NOT NULL,
            interaction {key} NOT NULL, space {key} NOT NULL, body {text} NOT NULL,
            PRIMARY KEY (environment, contact, time, id)) {clustered}""",
        "CREATE INDEX evidence_space ON evidence (environment, space, time, id)",
    ),
)
"""The statements from format n to n + 1; format 0 is an empty database."""
TOKENS_CHAINED = 5
"""The first format with tokens in the history."""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
META_KEYS = ("format", "head", "project")


def current_format() -> int:
    """The format that this offerkit writes."""
    return len(MIGRATIONS)


def genesis(project: str) -> str:
    """The parent digest of the first revision, which ties a history to one project."""
    return digest(b"offerkit history", project.encode())


def read_meta(db: Database) -> dict[str, str]:
    """The rows of the meta table."""
    rows: list[tuple[str, str]] = db.rows("SELECT key, value FROM meta")
    return dict(rows)


def create(db: Database, project: str) -> None:
    """Create an empty store; inside a write transaction."""
    create_tables(db)
    rows = [("format", str(current_format())), ("head", genesis(project)), ("project", project)]
    db.insert("meta", "key, value", rows)


def create_tables(db: Database) -> None:
    """Create the empty tables, as a copy needs them; inside a write transaction."""
    _run(db, 0)


def check_format(db: Database, meta: dict[str, str]) -> bool:
    """Whether the store has the current format (False: an older one). Raises Refused for an unknown format."""
    text = str(meta.get("format", ""))
    if not _NUMBER.fullmatch(text) or not meta.keys() >= set(META_KEYS):
        raise refuse(
            Code.STORE_DAMAGED,
            f"{db.name} does not record its format or its project",
            detail="The table “meta” lacks rows, or was edited.",
            hint="Restore the store from a backup.",
        )
    if int(text) > current_format():
        raise refuse(
            Code.STORE_VERSION,
            f"{db.name} has format {text}; this offerkit knows formats up to {current_format()}",
            detail="A newer offerkit wrote it, and its additions would be lost.",
            hint=upgrade_hint(),
        )
    return int(text) == current_format()


def migrate(db: Database) -> int:
    """Bring an older store to the current format, inside a write transaction. Returns the format it had."""
    meta = read_meta(db)  # read again: another process may have migrated it meanwhile
    if not check_format(db, meta):
        _run(db, int(meta["format"]))
        db.run("UPDATE meta SET value = ? WHERE key = ?", (str(current_format()), "format"))
    return int(meta["format"])


def model(clustered: str) -> sqlite3.Connection:
    """An empty store in memory, as the reference for the schema of others."""
    db = sqlite3.connect(":memory:")
    for statements in MIGRATIONS:
        for statement in statements:
            db.execute(statement.format(key="TEXT", text="TEXT", clustered=clustered))
    return db


Parts: TypeAlias = Mapping[tuple[str, str], str]
"""The objects of a schema: kind and name, and how the object is defined."""


def differences(expected: Parts, found: Parts) -> list[str]:
    """Objects that are missing, not part of a store, or different, in words."""
    texts = [f"the {kind} {name} is missing" for kind, name in sorted(expected.keys() - found.keys())]
    texts += [f"the {kind} {name[:80]} is not part of a store" for kind, name in sorted(found.keys() - expected.keys())]
    return texts + [
        f"the {kind} {name} is not as offerkit creates it"
        for kind, name in sorted(expected.keys() & found.keys())
        if expected[kind, name] != found[kind, name]
    ]


def _run(db: Database, start: int) -> None:
    for statements in MIGRATIONS[start:]:
        for statement in statements:
            db.run(statement.format_map(db.ddl))
