"""Verifying a store: its history is replayed from the beginning and compared with its stages.

Anybody who can write the file and knows this code can forge a whole history; to detect that, keep the head's digest
elsewhere (every ``audit export`` has it). Any smaller change shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from offerkit.diagnostics import Code, Diagnostic, Refused, ordered
from offerkit.fingerprint import manifest_digest
from offerkit.store import bodies, errors, revisions, scheduled, schema, stages, tokens
from offerkit.store.database import Database
from offerkit.store.rows import ChangeText, EntryText, RevisionText
from offerkit.store.tokens import TokenEvent

PAGE = 1000


class _ReplayedHistory:
    """What the history leads to, collected while its revisions are checked."""

    def __init__(self) -> None:
        self.count = 0
        self.head = ""
        self.stages: dict[str, dict[str, EntryText]] = {}
        self.last: dict[str, tuple[int, str]] = {}
        self.introduced: dict[str, int] = {}
        self.tokens: dict[str, tuple[int, TokenEvent]] = {}


def verify(db: Database, *, tokens_too: bool = True) -> list[Diagnostic]:
    """All findings about the store; empty if it is sound.

    ``tokens_too``: False for a copy of the history alone, which has no tokens, nor plans that wait for their time.
    """
    findings: list[Diagnostic] = []
    replayed = _ReplayedHistory()
    checks: tuple[Callable[[Database, _ReplayedHistory], Iterator[Diagnostic]], ...] = (
        _schema,
        _files,
        _links,
        _meta,
        _strays,
        _stages,
        _snapshots,
        *((_tokens, _scheduled) if tokens_too else ()),
    )
    with db.reading():
        for check in checks:
            try:
                findings.extend(check(db, replayed))
            except Refused as refused:  # one table cannot be read: the others can still be checked
                findings.extend(refused.diagnostics)
            if check in (_schema, _files) and findings:
                break  # the rest would only be misread
    return list(ordered(findings))


def broken(what: str, detail: str = "", address: str = "") -> Diagnostic:
    """A finding about the history."""
    return Diagnostic(
        Code.HISTORY_BROKEN,
        what,
        detail=detail,
        hint="Compare with a backup or an “audit export”, and restore the store from before the damage.",
        address=address,
    )


def schema_findings(db: Database) -> list[Diagnostic]:
    """Every object of the store that differs from its format, found without reading the tables."""
    return [
        Diagnostic(
            Code.HISTORY_BROKEN,
            f"the store's schema was changed: {difference}",
            "Objects that stand in for the tables could hide anything, so nothing else was checked.",
            "Compare with a backup or an “audit export”, and restore the store from before the change.",
        )
        for difference in db.differences()
    ]


def _schema(db: Database, _: _ReplayedHistory) -> Iterator[Diagnostic]:
    yield from schema_findings(db)


def _files(db: Database, _: _ReplayedHistory) -> Iterator[Diagnostic]:
    damage = db.damage()
    if damage:
        yield from errors.damaged(db.name, errors.first_few(damage), hint=errors.RESTORE).diagnostics


def _links(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """Check each revision against its digest, its parent, and the stages before it."""
    project = schema.read_meta(db).get("project", "")
    parent = schema.genesis(project)
    expected = 1
    while page := revisions.revision_texts(db, expected - 1, limit=PAGE):
        for revision in page:
            serial = revision.serial
            if serial != expected:
                last_missing = serial - 1
                gap = (
                    f"revision {last_missing} is"
                    if last_missing == expected
                    else f"revisions {expected} to {last_missing} are"
                )
                yield broken(f"{gap} missing")
            elif revision.parent_digest != parent:
                yield broken(
                    f"revision {serial} does not follow revision {serial - 1}",
                    "It names another parent: one of the two was edited, removed or moved."
                    if serial > 1
                    else "It names another parent: it belongs to another project's history, or was edited.",
                )
            yield from _link(db, revision, replayed)
            parent, expected = revision.digest, serial + 1
            replayed.count += 1
    replayed.head = parent


def _link(db: Database, revision: RevisionText, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    serial = revision.serial
    recorded = revisions.recorded_with(db, revision)
    changes = recorded.changes
    if revisions.recorded_digest(recorded) != revision.digest:
        yield broken(
            f"revision {serial} was edited",
            f"The revision, one of its {len(changes)} changes, its approvals or outcomes was edited, added or removed.",
        )
    yield from _replay(serial, changes, replayed)
    yield from _token_events(db, revision, replayed)
    replayed.last.update((stage, (serial, stage_digest)) for stage, stage_digest in recorded.outcomes)


def _replay(serial: int, changes: list[ChangeText], replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    by_stage: dict[str, list[ChangeText]] = {}
    for change in changes:
        by_stage.setdefault(change.stage, []).append(change)
        if change.after_fingerprint:
            replayed.introduced.setdefault(change.after_fingerprint, serial)
    for stage, own in by_stage.items():
        wrong = stages.apply(replayed.stages.setdefault(stage, {}), own)
        if wrong:
            yield broken(
                f"revision {serial} does not fit the state of {stage} before it",
                f"These addresses were not as the revision says: {_some(wrong)}.",
                wrong[0],
            )


def _token_events(db: Database, revision: RevisionText, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    if revision.action not in tokens.ACTIONS:
        return
    try:
        events = tokens.events(revision.action, revisions.revision_row(db, revision).details)
    except (ValueError, Refused):  # the digest shows that it was edited; this finding says that it cannot be replayed
        yield broken(f"revision {revision.serial} does not name its token")
        return
    for event in events:
        previous = replayed.tokens.get(event.id)
        if (previous is None) is (revision.action == tokens.REVOKE) or (
            previous and previous[1].digest != event.digest
        ):
            yield broken(f"revision {revision.serial} does not fit the state of token {event.id[:40]} before it")
        replayed.tokens[event.id] = (revision.serial, event)


def _tokens(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """Compare the tokens with what the history records of them."""
    missing = dict(replayed.tokens)
    for row in tokens.tokens(db):
        serial, event = missing.pop(row.id, (0, None))
        if event is None:
            yield broken(
                f"token {row.id[:40]} of {row.operator[:80]} belongs to no revision", "It was not added by offerkit."
            )
        elif (row.digest, row.revoked) != (event.digest, event.revoked):
            fault = "was edited" if row.digest != event.digest else "was revoked or reactivated outside of offerkit"
            yield broken(f"token {row.id} of {event.operator}, of revision {serial}, {fault}")
    for id_, (serial, event) in missing.items():
        yield broken(f"token {id_[:40]} of {event.operator}, of revision {serial}, is missing")


def _meta(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    meta = schema.read_meta(db)
    if sorted(meta) != list(schema.META_KEYS) or meta["format"] != str(schema.current_format()):
        yield broken("the table “meta” was edited", f"It holds: {', '.join(sorted(map(str, meta)))}.")
    if meta.get("head") != replayed.head:
        yield broken(
            f"the history does not end with its newest revision (now: {replayed.count})",
            "Revisions were removed from its end, or the record of the newest one was edited.",
        )


def _strays(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    total: list[tuple[int]] = db.rows("SELECT COUNT(*) FROM revision")
    if total[0][0] != replayed.count:
        yield broken("there are revisions with invalid numbers", "They were not added by offerkit.")
    for table in ("change", "approval", "outcome"):
        rows: list[tuple[object, int]] = db.rows(
            f"SELECT serial, COUNT(*) FROM {table}"  # noqa: S608 - our own names
            " WHERE serial NOT IN (SELECT serial FROM revision) GROUP BY serial ORDER BY serial"
        )
        for serial, count in rows:
            yield broken(f"{count} rows of “{table}” belong to revision {serial}, which does not exist")
    unknown_stages: list[tuple[object]] = db.rows(
        "SELECT DISTINCT stage FROM stage_entry WHERE stage NOT IN (SELECT stage FROM stage) ORDER BY stage"
    )
    for (stage,) in unknown_stages:
        yield broken(f"there are entries of {stage}, a stage that does not exist")


def _stages(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """Compare every stage with what the history leads to."""
    heads = stages.head_texts(db)
    for stage in sorted({*heads, *replayed.stages, *replayed.last}):
        serial, digest = replayed.last.get(stage, (0, ""))
        expected = replayed.stages.get(stage, {})
        head = heads.get(stage)
        if head is None or (head.revision, head.digest) != (serial, digest):
            yield broken(f"the head of {stage} was edited or removed", f"Its last revision is {serial}.")
        if manifest_digest((address, *entry) for address, entry in expected.items()) != digest:
            yield broken(f"the changes of {stage} do not lead to its digest in revision {serial}")
        actual = stages.texts(db, stage)
        differing = sorted(a for a in {*actual, *expected} if actual.get(a) != expected.get(a))
        if differing:
            yield broken(
                f"the entries of {stage} differ from what its history, up to revision {serial}, leads to",
                f"Differing: {_some(differing)}.",
                differing[0],
            )


def _snapshots(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    missing = dict(replayed.introduced)
    for print_, kind, text in bodies.every(db):
        serial = replayed.introduced.get(print_)
        missing.pop(print_, None)
        if serial is None:
            yield broken(f"snapshot {str(print_)[:12]} belongs to no revision")
        elif not bodies.is_named(print_, kind, text):
            yield broken(f"snapshot {print_[:12]}, of revision {serial}, was edited")
    for print_, serial in missing.items():
        yield broken(f"snapshot {print_[:12]}, of revision {serial}, is missing")


def _scheduled(db: Database, _: _ReplayedHistory) -> Iterator[Diagnostic]:
    """Compare the promotions that wait for their time, and those that did, with the history."""
    for serial, fault in scheduled.faults(db):
        yield broken(f"the promotion that revision {serial} scheduled {fault}")


def _some(addresses: list[str]) -> str:
    return errors.first_few(addresses, ", ")
