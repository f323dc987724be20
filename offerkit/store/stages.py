"""The entries of stages, now and at any earlier revision."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from offerkit.address import SHARED_KINDS, Address, Kind, StageRef, parse_address, parse_stage
from offerkit.diagnostics import Code, refuse
from offerkit.state.changes import Entry
from offerkit.store import errors, revisions
from offerkit.store.database import Database
from offerkit.store.rows import NO_ENTRY, Activations, ChangeText, EntryText, StageHead, entry_of


def heads(db: Database) -> dict[StageRef, StageHead]:
    """The head of every stage."""
    with errors.rows_of(db.name):
        return {parse_stage(stage): head for stage, head in head_texts(db).items()}


def head_texts(db: Database) -> dict[str, StageHead]:
    """:func:`heads` by stages as they stand in the column."""
    rows: list[tuple[str, int, str]] = db.rows("SELECT stage, revision, digest FROM stage ORDER BY stage")
    if any(tuple(map(type, row)) != (str, int, str) for row in rows):
        raise errors.damaged(db.name, "The head of a stage was edited")
    return {stage: StageHead(revision, digest) for stage, revision, digest in rows}


def entries(db: Database, stage: StageRef, kind: str = "") -> dict[Address, Entry]:
    """The entries of ``stage`` in order of address; of one kind if it is given."""
    activations = Activations()
    entry_rows = rows(db, stage, kind)
    with errors.rows_of(db.name):
        return {parse_address(address): Entry(print_, activations[text]) for address, print_, text in entry_rows}


def texts(db: Database, stage: str) -> dict[str, EntryText]:
    """The columns of the entries of ``stage``, by address."""
    return {address: (print_, text) for address, print_, text in rows(db, stage)}


def rows(db: Database, stage: str, kind: str = "") -> list[tuple[str, str, str]]:
    """Address, fingerprint and activation text of everything in ``stage``, by address."""
    sql = "SELECT address, fingerprint, activation FROM stage_entry WHERE stage = ?"
    args = [stage]
    if kind:
        # A range on the primary key: “/” follows “.” in byte order.
        prefix = _prefix(stage, kind)
        sql += " AND address >= ? AND address < ?"
        args += [f"{prefix}.", f"{prefix}/"]
    return db.rows(f"{sql} ORDER BY address", args)


def entry(db: Database, stage: StageRef, address: Address) -> Entry | None:
    """The entry at one address."""
    rows: list[EntryText] = db.rows(
        "SELECT fingerprint, activation FROM stage_entry WHERE stage = ? AND address = ?", (stage, address)
    )
    return entry_of(rows[0], Activations()) if rows else None


def entries_at(db: Database, stage: StageRef, serial: int) -> dict[Address, Entry]:
    """The entries of ``stage`` right after revision ``serial``: today's, with all later changes undone."""
    with db.reading():
        newest = revisions.last_serial(db)
        if not 0 <= serial <= newest:
            raise refuse(
                Code.BAD_POINT,
                f"there is no revision {serial}",
                detail=f"The history of {db.name} has the revisions 1 to {newest}." if newest else "It is empty.",
                hint="“offerkit history” lists them.",
            )
        entries = texts(db, stage)
        later = revisions.change_texts_since(db, stage, serial)
    for changed_by, group in groupby(reversed(later), key=lambda pair: pair[0]):
        if undo(entries, [text for _, text in group]):
            raise errors.damaged(db.name, f"Revision {changed_by} does not fit what {stage} holds")
    activations = Activations()
    with errors.rows_of(db.name):
        return {
            parse_address(address): Entry(print_, activations[text])
            for address, (print_, text) in sorted(entries.items())
        }


def _prefix(stage: str, kind: str) -> str:
    environment = stage.partition("@")[0]
    return kind if kind in SHARED_KINDS or kind == Kind.ENVIRONMENT else f"{environment}/{kind}"


def apply(entries: dict[str, EntryText], changes: Iterable[ChangeText]) -> list[str]:
    """Apply one revision's changes in place. Returns the addresses that were not as the changes expect.

    All entries leave their addresses before new ones arrive, so that two resources can swap names in one revision.
    """
    moves = [(c.source, c.before, c.address, c.after) for c in changes]
    return _replace(entries, moves)


def undo(entries: dict[str, EntryText], changes: Iterable[ChangeText]) -> list[str]:
    """Undo one revision's changes in place, as :func:`apply`. Returns the addresses that were not as expected."""
    moves = [(c.address, c.after, c.source, c.before) for c in changes]
    return _replace(entries, moves)


def _replace(entries: dict[str, EntryText], moves: list[tuple[str, EntryText, str, EntryText]]) -> list[str]:
    conflicts = []
    for source, was, _, _ in moves:
        if was != NO_ENTRY and entries.pop(source, NO_ENTRY) != was:
            conflicts.append(source)
    for _, _, target, becomes in moves:
        if becomes != NO_ENTRY:
            if target in entries:
                conflicts.append(target)
            entries[target] = becomes
    return conflicts
