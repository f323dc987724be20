"""Appending a revision: the only place that changes stages and history."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from offerkit.address import parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import canonical, manifest_digest
from offerkit.governance.signatures import Signable, facts_of
from offerkit.store import bodies, errors, outbox, revisions, schema, stages
from offerkit.store.approvals import COLUMNS as APPROVAL
from offerkit.store.approvals import approval_text
from offerkit.store.database import Database
from offerkit.store.rows import (
    NO_ENTRY,
    ChangeText,
    Draft,
    EntryText,
    RecordedRevision,
    RevisionRow,
    RevisionText,
    change_text,
)
from offerkit.times import check_utc


class _StageUpdate(NamedTuple):
    """A stage after the revision: its digest, the entries to write and the addresses to remove."""

    stage: str
    digest: str
    becomes: list[tuple[str, EntryText]]
    gone: list[str]


def append(db: Database, draft: Draft) -> RevisionRow:
    """Add ``draft`` to the history and change the stages; inside a write transaction.

    Raises Refused when a stage is not as the draft's changes expect it.
    """
    if not db.exclusive:
        raise RuntimeError("append() needs transaction()")
    _check(draft)
    changes = sorted(change_text(change) for change in draft.changes)
    approvals = sorted(approval_text(approval) for approval in draft.approvals)
    touched, conflicts = _fenced(db, changes)
    if conflicts:
        raise _conflicting(db, conflicts)
    added = bodies.missing(db, {text.after_fingerprint for text in changes if text.after_fingerprint}, draft.bodies)
    outcomes = [(stage.stage, stage.digest) for stage in touched]
    unsigned = _next(db, draft)
    signed = unsigned._replace(digest=revisions.revision_digest(unsigned, changes, approvals, outcomes))
    bodies.put(db, added)
    _write(db, RecordedRevision(signed, changes, approvals, outcomes), touched)
    outbox.follow(db, changes)
    outbox.add(db, signed, draft.notices)
    return revisions.revision_row(db, signed)


def signable(db: Database, draft: Draft) -> Signable:
    """``draft`` as it would be signed, appended now. Raises Refused as :func:`append` does."""
    _check(draft)
    changes = sorted(change_text(change) for change in draft.changes)
    decisions = sorted(approval_text(approval) for approval in draft.approvals)
    touched, conflicts = _fenced(db, changes)
    if conflicts:
        raise _conflicting(db, conflicts)
    stages_after = {stage.stage: stage.digest for stage in touched}
    meta = schema.read_meta(db)
    texts = (draft.action, draft.actor, draft.message, draft.plan_digest)
    facts = facts_of(draft.action, draft.details)
    return Signable(meta["project"], meta["head"], *texts, changes, decisions, stages_after, facts)


def take_over(db: Database, recorded: RecordedRevision) -> list[str]:
    """Add a revision as another store recorded it, with its digest; inside a write transaction.

    Returns the stages whose state before it is not as its changes expect, or after it not as it says; then nothing is
    added. Whether the digest is right is up to the caller.
    """
    touched, conflicts = _fenced(db, recorded.changes)
    after = {stage.stage: stage.digest for stage in touched}
    said = dict(recorded.outcomes)
    wrong = {stage for stage, _ in conflicts} | {
        stage for stage in {*after, *said} if after.get(stage) != said.get(stage)
    }
    if not wrong:
        _write(db, recorded, touched)
    return sorted(wrong)


def _write(db: Database, recorded: RecordedRevision, touched: list[_StageUpdate]) -> None:
    serial = recorded.revision.serial
    db.insert("revision", revisions.REVISION, [recorded.revision])
    db.insert("change", f"serial, {revisions.CHANGE}", [(serial, *text) for text in recorded.changes])
    db.insert("approval", f"serial, {APPROVAL}", [(serial, *text) for text in recorded.approvals])
    db.insert("outcome", "serial, stage, digest", [(serial, *outcome) for outcome in recorded.outcomes])
    for stage in touched:
        _write_stage(db, serial, stage)
    db.run("UPDATE meta SET value = ? WHERE key = ?", (recorded.revision.digest, "head"))


def _check(draft: Draft) -> None:
    """Raises Refused for text that no database stores, and ValueError for a faulty draft, which is a bug."""
    free = [draft.actor, draft.message, *(approval.comment for approval in draft.approvals)]
    if any("\0" in text or text != text.encode(errors="replace").decode() for text in free):
        raise refuse(
            Code.BAD_VALUE,
            "the operator, message or comment is not text",
            detail="It has a NUL character or bytes that are not UTF-8.",
            hint="Write it again, in UTF-8.",
        )
    check_utc(draft.time)
    if any(change.before is None and change.after is None for change in draft.changes):
        raise ValueError("a change from nothing to nothing")
    if len({(change.stage, change.address) for change in draft.changes}) < len(draft.changes):
        raise ValueError("an address changes twice in one revision")
    keys = {(a.key.address, a.key.aspect, a.key.space) for a in draft.approvals}
    if len(keys) < len(draft.approvals):
        raise ValueError("one thing is decided twice in one revision")


def _fenced(db: Database, changes: list[ChangeText]) -> tuple[list[_StageUpdate], list[tuple[str, list[str]]]]:
    """Every touched stage as it will be; and those that are not as ``changes`` expect, with the addresses."""
    touched: list[_StageUpdate] = []
    conflicts: list[tuple[str, list[str]]] = []
    for stage, group in groupby(changes, key=lambda text: text.stage):
        own = list(group)
        entries = stages.texts(db, stage)
        unexpected = stages.apply(entries, own)
        if unexpected:
            conflicts.append((stage, unexpected))
            continue
        digest = manifest_digest((address, *entry) for address, entry in entries.items())
        becomes = [(text.address, text.after) for text in own if text.after != NO_ENTRY]
        sources = {text.source for text in own if text.before != NO_ENTRY}
        removed = sorted(sources - {address for address, _ in becomes})
        touched.append(_StageUpdate(stage, digest, becomes, removed))
    return touched, conflicts


def _conflicting(db: Database, conflicts: Iterable[tuple[str, list[str]]]) -> Refused:
    return Refused([found for stage, unexpected in conflicts for found in _stale(db, stage, unexpected)])


def _stale(db: Database, stage: str, addresses: list[str]) -> list[Diagnostic]:
    """A diagnostic for each address that is not as expected, with the revision that changed it last."""
    diagnostics = []
    sorted_addresses = sorted(set(map(parse_address, addresses)))
    last_changes = revisions.last_change(db, parse_stage(stage), sorted_addresses)
    for address in sorted_addresses:
        change = last_changes.get(address)
        by = revisions.revision(db, change.serial) if change else None
        detail = "The stage has nothing at this address, and never had."
        if change and by:
            detail = f"Revision {by.serial} by {by.actor} at {by.time}: {change.action}."
        diagnostics.append(
            Diagnostic(
                Code.PLAN_STALE,
                f"{address} in {stage} is not as it was when the plan was made",
                detail=detail,
                hint="Make the plan again.",
                address=address,
            )
        )
    return diagnostics


def _next(db: Database, draft: Draft) -> RevisionText:
    """The new revision's row, linked to the newest one; its own digest is still empty."""
    serial = revisions.last_serial(db)
    newest = revisions.revision_texts(db, serial - 1, limit=1) if serial else []
    meta = schema.read_meta(db)
    parent = newest[0].digest if newest else schema.genesis(meta["project"])
    if parent != meta["head"]:
        raise errors.damaged(db.name, "Its newest revision is not the recorded one")
    details = canonical(dict(draft.details)).decode()
    texts = (draft.action, draft.actor, draft.time, draft.message, draft.plan_digest, details)
    return RevisionText(serial + 1, parent, "", *texts)


def _write_stage(db: Database, serial: int, stage: _StageUpdate) -> None:
    db.run(
        "INSERT INTO stage (stage, revision, digest) VALUES (?, ?, ?) ON CONFLICT (stage) DO UPDATE"
        " SET revision = excluded.revision, digest = excluded.digest",
        (stage.stage, serial, stage.digest),
    )
    db.run_many(
        "DELETE FROM stage_entry WHERE stage = ? AND address = ?",
        [(stage.stage, address) for address in stage.gone],
    )
    db.run_many(
        "INSERT INTO stage_entry (stage, address, fingerprint, activation) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (stage, address) DO UPDATE"
        " SET fingerprint = excluded.fingerprint, activation = excluded.activation",
        [(stage.stage, address, *entry) for address, entry in stage.becomes],
    )
