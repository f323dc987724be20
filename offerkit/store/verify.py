"""Verifying a store offline: the history is replayed from nothing and compared with what stands.

Whoever can write the file and knows this code can forge a whole history; against that, keep the head's
digest elsewhere (every ``audit export`` carries it). Anything less shows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from offerkit.diagnostics import Code, Diagnostic, Refused, ordered
from offerkit.fingerprint import manifest_digest
from offerkit.store import approvals, bodies, errors, revisions, schema, stages, tokens
from offerkit.store.database import Database
from offerkit.store.rows import ChangeText, EntryText, RevisionText
from offerkit.store.tokens import TokenEvent

PAGE = 1000


class _ReplayedHistory:
    """What the history says there must be, collected while its links are checked."""

    def __init__(self) -> None:
        self.count = 0
        self.head = ""
        self.stages: dict[str, dict[str, EntryText]] = {}
        self.last: dict[str, tuple[int, str]] = {}
        self.introduced: dict[str, int] = {}
        self.tokens: dict[str, tuple[int, TokenEvent]] = {}


def verify(db: Database, *, tokens_too: bool = True) -> list[Diagnostic]:
    """Everything that is wrong with the store; nothing when it is sound.

    ``tokens_too``: False for a copy of the history alone, which has no tokens.
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
        *((_tokens,) if tokens_too else ()),
    )
    with db.reading():
        for check in checks:
            try:
                findings.extend(check(db, replayed))
            except Refused as refused:  # one table cannot be read: the others still tell something
                findings.extend(refused.diagnostics)
            if check in (_schema, _files) and findings:
                break  # what cannot be read as it was written would only be misread
    return list(ordered(findings))


def broken(what: str, detail: str = "", address: str = "") -> Diagnostic:
    """A finding in the history."""
    return Diagnostic(
        Code.HISTORY_BROKEN,
        what,
        detail=detail,
        hint="Compare with a backup or an “audit export”, and restore the store from before the damage.",
        address=address,
    )


def schema_findings(db: Database) -> list[Diagnostic]:
    """Every object of the store that is not as its format has it; nothing is read through them."""
    return [
        Diagnostic(
            Code.HISTORY_BROKEN,
            f"the store's schema was changed: {difference}",
            "What answers or acts in place of the tables could hide anything, so that nothing else was looked at.",
            "Compare with a backup or an “audit export”, and restore the store from before the change.",
        )
        for difference in db.differences()
    ]


def _schema(db: Database, _: _ReplayedHistory) -> Iterator[Diagnostic]:
    yield from schema_findings(db)


def _files(db: Database, _: _ReplayedHistory) -> Iterator[Diagnostic]:
    found = db.damage()
    if found:
        yield from errors.damaged(db.name, errors.first_few(found), hint=errors.RESTORE).diagnostics


def _links(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """Each revision against its own digest, its parent, and what stood before it."""
    project = schema.read_meta(db).get("project", "")
    parent = schema.genesis(project)
    expected = 1
    while page := revisions.revision_texts(db, expected - 1, limit=PAGE):
        for revision in page:
            serial = revision.serial
            if serial != expected:
                last = serial - 1
                gap = f"revision {last} is" if last == expected else f"revisions {expected} to {last} are"
                yield broken(f"{gap} missing")
            elif revision.parent_digest != parent:
                yield broken(
                    f"revision {serial} does not follow revision {serial - 1}",
                    "It names another parent: one of the two was edited, removed or put in another place."
                    if serial > 1
                    else "It names another parent: it is of another project's history, or was edited.",
                )
            yield from _link(db, revision, replayed)
            parent, expected = revision.digest, serial + 1
            replayed.count += 1
    replayed.head = parent


def _link(db: Database, revision: RevisionText, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    serial = revision.serial
    changes = revisions.change_texts(db, serial)
    outcomes = revisions.outcomes(db, serial)
    digest = revisions.revision_digest(revision, changes, approvals.approval_texts(db, serial), outcomes)
    if digest != revision.digest:
        yield broken(
            f"revision {serial} is not what was written",
            f"The revision itself or one of its {len(changes)} changes, its approvals or outcomes was edited,"
            " added or removed.",
        )
    yield from _replay(serial, changes, replayed)
    yield from _token_events(db, revision, replayed)
    replayed.last.update((stage, (serial, stage_digest)) for stage, stage_digest in outcomes)


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
                f"revision {serial} does not fit what stood in {stage} before it",
                f"At {_some(wrong)} something else stood than the revision says.",
                wrong[0],
            )


def _token_events(db: Database, revision: RevisionText, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    if revision.action not in tokens.ACTIONS:
        return
    try:
        events = tokens.events(revision.action, revisions.revision_row(db, revision).details)
    except (ValueError, Refused):  # the digest tells that it was edited; here it is told that nothing follows from it
        yield broken(f"revision {revision.serial} does not say which token it is about")
        return
    for event in events:
        before = replayed.tokens.get(event.id)
        if (before is None) is (revision.action == tokens.REVOKE) or (before and before[1].digest != event.digest):
            yield broken(f"revision {revision.serial} does not fit what was known of token {event.id[:40]} before it")
        replayed.tokens[event.id] = (revision.serial, event)


def _tokens(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """The tokens that stand against what the history says of them."""
    lost = dict(replayed.tokens)
    for row in tokens.tokens(db):
        serial, event = lost.pop(row.id, (0, None))
        if event is None:
            yield broken(f"token {row.id[:40]} of {row.operator[:80]} belongs to no revision", "Another hand added it.")
        elif (row.digest, row.revoked) != (event.digest, event.revoked):
            what = "was edited" if row.digest != event.digest else "was revoked or let count again by another hand"
            yield broken(f"token {row.id} of {event.operator}, of revision {serial}, {what}")
    for id_, (serial, event) in lost.items():
        yield broken(f"token {id_[:40]} of {event.operator}, of revision {serial}, is missing")


def _meta(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    meta = schema.read_meta(db)
    if sorted(meta) != list(schema.META_KEYS) or meta["format"] != str(schema.current_format()):
        yield broken("the table “meta” was edited", f"It holds: {', '.join(sorted(map(str, meta)))}.")
    if meta.get("head") != replayed.head:
        yield broken(
            f"the history does not end with the revision that was written last (now: {replayed.count})",
            "Revisions were removed from its end, or the record of the newest one was edited.",
        )


def _strays(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    total: list[tuple[int]] = db.rows("SELECT COUNT(*) FROM revision")
    if total[0][0] != replayed.count:
        yield broken("there are revisions with numbers that no revision has", "They were added by another hand.")
    for table in ("change", "approval", "outcome"):
        rows: list[tuple[object, int]] = db.rows(
            f"SELECT serial, COUNT(*) FROM {table}"  # noqa: S608 - our own names
            " WHERE serial NOT IN (SELECT serial FROM revision) GROUP BY serial ORDER BY serial"
        )
        for serial, count in rows:
            yield broken(f"{count} rows of “{table}” belong to revision {serial}, which is not there")
    lost: list[tuple[object]] = db.rows(
        "SELECT DISTINCT stage FROM stage_entry WHERE stage NOT IN (SELECT stage FROM stage) ORDER BY stage"
    )
    for (stage,) in lost:
        yield broken(f"entries stand in {stage}, a stage that is not there")


def _stages(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    """What stands in every stage against what the history leads to."""
    heads = stages.head_texts(db)
    for stage in sorted({*heads, *replayed.stages, *replayed.last}):
        serial, digest = replayed.last.get(stage, (0, ""))
        expected = replayed.stages.get(stage, {})
        head = heads.get(stage)
        if head is None or (head.revision, head.digest) != (serial, digest):
            yield broken(f"the head of {stage} was edited or removed", f"Its last revision is {serial}.")
        if manifest_digest((address, *entry) for address, entry in expected.items()) != digest:
            yield broken(f"the changes of {stage} do not lead to the digest that revision {serial} gives it")
        standing = stages.texts(db, stage)
        differing = sorted(a for a in {*standing, *expected} if standing.get(a) != expected.get(a))
        if differing:
            yield broken(
                f"what stands in {stage} is not what its history, up to revision {serial}, leads to",
                f"Differing: {_some(differing)}.",
                differing[0],
            )


def _snapshots(db: Database, replayed: _ReplayedHistory) -> Iterator[Diagnostic]:
    lost = dict(replayed.introduced)
    for print_, kind, text in bodies.every(db):
        serial = replayed.introduced.get(print_)
        lost.pop(print_, None)
        if serial is None:
            yield broken(f"snapshot {str(print_)[:12]} belongs to no revision")
        elif not bodies.is_named(print_, kind, text):
            yield broken(f"snapshot {print_[:12]}, of revision {serial}, was edited")
    for print_, serial in lost.items():
        yield broken(f"snapshot {print_[:12]}, of revision {serial}, is missing")


def _some(addresses: list[str]) -> str:
    return errors.first_few(addresses, ", ")
