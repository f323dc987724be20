"""Restoring a backup: the store gets the backup's history and keeps its own propositions.

A readable store is not replaced but rewritten, in one transaction: processes that have it open continue, see the state
before or after, and lose nothing that they stored meanwhile. Only an unreadable store is moved aside as a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from offerkit.address import Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.governance.stops import Stops, stop_deltas
from offerkit.plans.plan import Reason
from offerkit.state.snapshot import Snapshot
from offerkit.store import (
    append,
    bodies,
    contact_data,
    copying,
    databases,
    erased_contacts,
    errors,
    proposition_rows,
    propositions,
    revisions,
    schema,
    sqlite,
    stages,
    tokens,
    verify,
)
from offerkit.store.copying import PART, TABLES
from offerkit.store.database import Cell, Database, chunks
from offerkit.store.erased_contacts import ContactKey
from offerkit.store.location import Location
from offerkit.store.rows import ChangeRow, Draft, RevisionRow
from offerkit.store.signed_revisions import stops_in

ACTION = erased_contacts.RESTORE
"""The action of the revision that records a restore."""
_CHAINED = tuple(table for table in copying.HISTORY if table != "meta")
_KEPT = tuple(table for table in copying.UNCHAINED if table != "token")
"""Tables that a restore keeps: those about contacts, events that happened and are still to be sent, and simulations."""


@dataclass(frozen=True)
class OnlyInBackup:
    """What only the backup has, and a restore adds: ids of propositions, and deliveries by environment, campaign, name.

    ``withdrawn``: ids of deliveries that were withdrawn and made again since; those and their propositions stay out.
    ``erasures``: whether contacts were erased since. ``erased``: environment and key of those who were, or may have
    been; they stay erased. ``erased_until``: when the backup last erased contacts without the store knowing; empty if
    never. ``erased_there``: those who were, or may have been, and whom the store still has.
    """

    propositions: tuple[str, ...]
    deliveries: tuple[tuple[str, str, str], ...]
    withdrawn: frozenset[str]
    erased: frozenset[ContactKey] = frozenset()
    erasures: bool = False
    erased_until: str = ""
    erased_there: frozenset[ContactKey] = frozenset()


def prepare(backup: Location, target: Path) -> None:
    """Copy ``backup`` to ``target``, upgrade the copy to the current format and verify it. The backup is not changed.

    Raises Refused when it is not a store, or does not verify.
    """
    if isinstance(backup, Path):
        opened = sqlite.open_file(backup, create=False, write=False, busy_timeout=5.0)
        try:
            opened.duplicate(target)
        finally:
            opened.close()
    else:
        copying.copy(backup, target, lambda _: lambda _: None)
    db = databases.open_store(target, create=False, write=True, busy_timeout=5.0)
    try:
        findings = verify.verify(db)
    finally:
        db.close()
    if findings:
        not_restored = Diagnostic(
            Code.NOT_RESTORED, f"{backup} does not verify", hint="Take another backup. Nothing was changed."
        )
        raise Refused([not_restored, *findings])


def set_aside(location: Location, target: Path, draft: Path) -> None:
    """Copy everything in the store at ``location``, sound or not, to a new file, which is first written as ``draft``.

    Raises Refused when it cannot be read.
    """
    if isinstance(location, Path):
        opened = sqlite.open_file(location, create=False, write=False, busy_timeout=5.0)
        try:
            opened.duplicate(draft)
        finally:
            opened.close()
    else:
        copying.copy_unverified(location, draft)
    _to_disk(draft)
    os.link(draft, target)  # never overwrites an earlier file
    draft.unlink()


def returning(current: Database, backup: Database) -> OnlyInBackup:
    """What only ``backup`` has."""
    propositions: list[str] = []
    erasures = bool(erased_contacts.erased_until(current, backup))
    erased: set[ContactKey] = set()
    suspected: set[ContactKey] = set()
    for part in erased_contacts.compared(current, backup):
        propositions += part.missing
        erased |= part.erased
        suspected |= part.gone if erasures else set()
    until = erased_contacts.erased_until(backup, current)
    runs = "SELECT environment, campaign, delivery, id FROM delivery_run"
    current_runs: list[tuple[str, str, str, str]] = current.rows(runs)
    backup_runs: list[tuple[str, str, str, str]] = backup.rows(runs)
    made_runs = {run[:3]: run[3] for run in current_runs}
    withdrawn = frozenset(run[3] for run in backup_runs if made_runs.get(run[:3], run[3]) != run[3])
    if withdrawn:
        propositions = [id_ for id_ in propositions if _interaction(backup, id_) not in withdrawn]
    return OnlyInBackup(
        tuple(propositions),
        tuple(run[:3] for run in backup_runs if run[:3] not in made_runs),
        withdrawn,
        erased_contacts.without_survivors(current, backup, erased, suspected),
        erasures,
        until,
        erased_contacts.erased_in(backup, current, until) if until else frozenset(),
    )


def revoked(db: Database) -> dict[str, str]:
    """Every token ever revoked in the store, and when: from its row, the history and earlier restores.

    A restore removes rows and revisions, and they can be edited outside of offerkit; without this, restoring a backup
    in which the token is still valid would reactivate it.
    """
    revoked_at: dict[str, str] = {}
    actions = (tokens.REVOKE, tokens.ADOPT, ACTION)
    sql = "SELECT action, details FROM revision WHERE action IN (?, ?, ?) ORDER BY serial"
    rows: list[tuple[str, str]] = db.rows(sql, actions)
    for action, text in rows:
        with suppress(ValueError):  # ignore edited details
            revoked_at |= _revoked_by(action, orjson.loads(text))
    return revoked_at | {row.id: row.revoked for row in tokens.tokens(db) if row.revoked}


def _revoked_by(action: str, details: object) -> dict[str, str]:
    match details:
        case {"revoked": dict(ids)} if action == ACTION:
            return {str(id_): str(time) for id_, time in ids.items()}
        case dict() if action != ACTION:
            return {event.id: event.revoked for event in tokens.events(action, details) if event.revoked}
        case _:
            return {}


def _interaction(db: Database, id_: str) -> str:
    rows: list[tuple[str]] = db.rows("SELECT interaction FROM proposition WHERE id = ?", (id_,))
    return rows[0][0] if rows else ""


def rewrite(current: Database, backup: Database, head: str, back: OnlyInBackup | None, draft: Draft) -> RevisionRow:
    """Give ``current`` the history and tokens of ``backup``, and append ``draft``; in one transaction.

    Propositions stay, and ``back`` is added; None replaces them all, for another project's backup. Revoked tokens stay
    revoked. Raises Refused when ``head`` is no longer the newest revision.
    """
    with current.erasing() if back is not None and back.erased_until else current.writing():
        check_unchanged(current, head)
        revoked_before, stopped = revoked(current), _stopped(current, backup) if back is not None else []
        other_tables = ("token",) if back is not None else ("token", *_KEPT)
        for table in (*reversed(_CHAINED), *other_tables):
            current.run(f"DELETE FROM {table}")  # noqa: S608 - our own names
        copying.carry(backup, current, (*_CHAINED, *other_tables), lambda _: None)
        if back is not None:
            _bring_back(current, backup, back, draft.time)
        current.run("DELETE FROM meta")
        copying.carry(backup, current, ("meta",), lambda _: None)
        return _recorded(current, draft, revoked_before, stopped)


def rebuild(current: Database, backup: Path, fresh: Path, back: OnlyInBackup | None, draft: Draft) -> RevisionRow:
    """As :func:`rewrite`, in a new file ``fresh``: for a store whose schema differs from the format.

    Inside a write transaction of ``current``, so that no other process writes to it meanwhile.
    """
    copying.copy(backup, fresh, lambda _: lambda _: None)
    fresh_db = databases.open_store(fresh, create=False, write=True, busy_timeout=5.0)
    backup_db = databases.open_store(backup, create=False, write=False, busy_timeout=5.0)
    try:
        with fresh_db.erasing():  # the backup's contacts leave no trace
            if back is not None:
                for table in _KEPT:
                    fresh_db.run(f"DELETE FROM {table}")  # noqa: S608 - our own names
                copying.carry(current, fresh_db, _KEPT, lambda _: None)
                _bring_back(fresh_db, backup_db, back, draft.time)
            return _recorded(
                fresh_db, draft, revoked(current), _stopped(current, backup_db) if back is not None else []
            )
    finally:
        backup_db.close()
        fresh_db.close()


def check_unchanged(db: Database, head: str) -> None:
    """Raises Refused when ``head`` is no longer the digest of the newest revision."""
    if schema.read_meta(db).get("head", "") != head:
        raise changed()


def changed() -> Refused:
    """The error for a store that changed after the operator saw the comparison."""
    return refuse(
        Code.PLAN_STALE,
        "the store has changed since it was compared with the backup",
        detail="Nothing was restored.",
        hint="Run the command again, and check what would be lost.",
    )


def _bring_back(current: Database, backup: Database, back: OnlyInBackup, time: str) -> None:
    if back.erased_until:
        erased_contacts.erase_known(current, backup, back.erased_there, back.erased_until, time)
    for marks, part in chunks(back.propositions):
        texts: list[proposition_rows.PropositionText] = backup.rows(
            f"SELECT {proposition_rows.COLUMNS} FROM proposition WHERE id IN ({marks})",  # noqa: S608 - our own names
            part,
        )
        propositions.insert(
            current, [contact_data.anonymous(text) if text[1:3] in back.erased else text for text in texts]
        )
    returned = set(back.propositions)
    for rows in _parts(backup, "evidence") if returned else ():  # by the id of its first proposition
        _add(current, "evidence", [row for row in rows if row[3] in returned and row[:2] not in back.erased])
    deliveries = set(back.deliveries)
    runs: list[tuple[Cell, ...]] = backup.rows(f"SELECT {TABLES['delivery_run']} FROM delivery_run")  # noqa: S608
    _add(current, "delivery_run", [run for run in runs if run[:3] in deliveries])
    for rows in _parts(backup, "cookie") if not back.erasures else ():  # nothing but an erasure removes cookies
        _add(current, "cookie", [row for row in rows if (row[0], row[2]) not in back.erased])


def _add(db: Database, table: str, rows: Sequence[Sequence[Cell]]) -> None:
    columns = TABLES[table]
    marks = ", ".join("?" * (columns.count(",") + 1))
    db.run_many(f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows)  # noqa: S608


def _parts(db: Database, table: str) -> Iterator[list[tuple[Cell, ...]]]:
    return db.stream(f"SELECT {TABLES[table]} FROM {table}", (), PART)  # noqa: S608 - our own names


def record(prepared: Path, draft: Draft, before: Mapping[str, str], stopped: Sequence[Approval] = ()) -> RevisionRow:
    """Append ``draft`` to a prepared backup, revoke the tokens ``before``, and keep ``stopped`` stopped."""
    db = databases.open_store(prepared, create=False, write=True, busy_timeout=5.0)
    try:
        with db.writing():
            return _recorded(db, draft, before, stopped)
    finally:
        db.close()


def _recorded(db: Database, draft: Draft, before: Mapping[str, str], stopped: Sequence[Approval]) -> RevisionRow:
    """Append ``draft``, which records the revoked tokens ``before``, so that a later restore revokes them as well.

    What is ``stopped`` stays stopped: the same revision stops it and takes it out of the backup's live.
    """
    revoked_ids: Json = {**before}
    rows = _still_stopped(db, stopped)
    details: dict[str, Json] = {**draft.details, "revoked": revoked_ids}
    if rows:
        details["stops"] = [*sorted({row.key.address for row in rows})]
    withdrawals = stop_deltas(_live(db), Stops([*stops_in(db), *rows]))
    changes = tuple(
        ChangeRow(0, d.stage, d.address, d.action, d.before, d.after, "", Reason.STOPPED) for d in withdrawals
    )
    revision = append.append(db, replace(draft, details=details, approvals=tuple(rows), changes=changes))
    for id_, time in before.items():  # otherwise the backup would reactivate revoked tokens
        is_valid = len(time) == len(draft.time) and time.endswith("Z")  # an edited time can be invalid
        tokens.revoke(db, id_, time if is_valid else draft.time, draft.actor)
    return revision


def _stopped(current: Database, backup: Database) -> list[Approval]:
    """The stops of ``current``, also by the names from before the two histories diverged."""
    theirs, ours = revisions.every_digest(backup), revisions.every_digest(current)
    common = max((serial for serial, digest in ours.items() if theirs.get(serial) == digest), default=0)
    stops = Stops(stops_in(current))
    moves = [move for stage in stages.heads(current) for move in revisions.moves(current, stage) if move[0] > common]
    for _, old_address, new_address in sorted(moves, reverse=True):
        stops = stops.with_rows(list(stops.renamed({new_address: old_address})))
    return list(stops)


def _still_stopped(db: Database, rows: Sequence[Approval]) -> list[Approval]:
    """The stops among ``rows`` of another store that this one lacks, to be stored with the next revision."""
    existing = Stops(stops_in(db))
    return [
        replace(row, key=replace(row.key, fingerprint=""))
        for row in Stops(rows)
        if row.key.space not in existing.roots(row.key.address)
    ]


def _live(db: Database) -> Snapshot:
    """Live of all environments, with what they share."""
    live = [stage for stage in stages.heads(db) if stage.stage is Stage.LIVE]
    entries = {address: entry for stage in live for address, entry in stages.entries(db, stage).items()}
    return Snapshot(entries, bodies.bodies(db, {entry.fingerprint for entry in entries.values()}))


def exchange(path: Path, prepared: Path, aside: Path) -> bool:
    """Put the file ``prepared`` at ``path``; an unreadable store there is kept as ``aside``. Returns whether one was.

    The log beside a store is never left in place: SQLite would apply it to the new file.
    """
    existed = path.exists()
    try:
        if existed:
            os.link(path, aside)
        for suffix in ("-wal", "-shm"):
            log = path.with_name(path.name + suffix)
            if log.exists():
                log.replace(aside.with_name(aside.name + suffix))
                existed = True
        _to_disk(prepared)
        prepared.replace(path)
        _to_disk(path.parent)
    except OSError as error:
        raise errors.from_os(error, str(path)) from error
    return existed


def last_revision(db: Database) -> RevisionRow | None:
    """The newest revision; None for an empty history."""
    return revisions.revision(db, revisions.last_serial(db))


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
