"""The chained history: revisions and their changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

import orjson

from offerkit.address import Address, StageRef, parse_address
from offerkit.fingerprint import Json, canonical, digest
from offerkit.governance.withdrawals import Withdrawal
from offerkit.plans.plan import Reason
from offerkit.state.changes import FormerAddress
from offerkit.store import errors
from offerkit.store.approvals import approval_texts
from offerkit.store.database import Cell, Database, chunks
from offerkit.store.rows import (
    Activations,
    ApprovalText,
    ChangeRow,
    ChangeText,
    Outcome,
    RecordedRevision,
    RevisionRow,
    RevisionText,
    change_row,
)

REVISION = "serial, parent_digest, digest, action, actor, time, message, plan_digest, details"
CHANGE = (
    "stage, address, action, before_fingerprint, after_fingerprint, before_activation, after_activation,"
    " moved_from, reason"
)
LARGEST = 2**63 - 1


def last_serial(db: Database) -> int:
    """The number of the newest revision; 0 for an empty history."""
    rows: list[tuple[int]] = db.rows("SELECT COALESCE(MAX(serial), 0) FROM revision")
    return rows[0][0]


def every_digest(db: Database) -> dict[int, str]:
    """The digests of all revisions by serial, oldest first."""
    rows: list[tuple[int, str]] = db.rows("SELECT serial, digest FROM revision ORDER BY serial")
    return dict(rows)


def digests(db: Database, serial: int) -> dict[int, str]:
    """The digests of revision ``serial``, if it exists, and of the newest one, by serial."""
    rows: list[tuple[int, str]] = db.rows(
        "SELECT serial, digest FROM revision WHERE serial = ? OR serial = (SELECT MAX(serial) FROM revision)",
        (max(0, min(serial, LARGEST)),),
    )
    return {number: str(digest) for number, digest in rows}


def serials_at(db: Database, moment: str) -> list[int]:
    """The revisions that were the newest at ``moment``, compared as text; 0: before the first revision.

    There can be several if the clock was set back.
    """
    rows: list[tuple[int]] = db.rows(
        "SELECT r.serial FROM revision r LEFT JOIN revision later ON later.serial = r.serial + 1"
        " WHERE r.time <= ? AND (later.serial IS NULL OR later.time > ?) ORDER BY r.serial",
        (moment, moment),
    )
    first_revision: list[tuple[int]] = db.rows(
        "SELECT COUNT(*) FROM revision WHERE serial = 1 AND time <= ?", (moment,)
    )
    return ([] if first_revision[0][0] else [0]) + [serial for (serial,) in rows]


def revision_texts(db: Database, after: int = 0, *, limit: int) -> list[RevisionText]:
    """The columns of up to ``limit`` revisions after ``after``, oldest first."""
    sql = f"SELECT {REVISION} FROM revision WHERE serial > ? ORDER BY serial LIMIT ?"  # noqa: S608 - constants
    rows: list[tuple[int, str, str, str, str, str, str, str, str]] = db.rows(sql, (after, limit))
    return [RevisionText(*row) for row in rows]


def revision(db: Database, serial: int) -> RevisionRow | None:
    """One revision; None if it does not exist."""
    if not 0 < serial <= LARGEST:
        return None
    texts = revision_texts(db, serial - 1, limit=1)
    return revision_row(db, texts[0]) if texts and texts[0].serial == serial else None


def revisions(
    db: Database, *, stage: str = "", address: str = "", limit: int = 0, action: str = ""
) -> list[RevisionRow]:
    """The revisions that touched ``stage`` and ``address``, newest first.

    An address is also touched by moves away from it and, if no stage is given, by its approvals.
    """
    conditions: list[str] = []
    args: list[Cell] = []
    if action:
        conditions.append("action = ?")
        args.append(action)
    if address:
        touching, values = _touching(stage, address)
        conditions.append(f"serial IN ({touching})")
        args += values
    elif stage:
        conditions.append("serial IN (SELECT serial FROM outcome WHERE stage = ?)")
        args.append(stage)
    sql = f"SELECT {REVISION} FROM revision"  # noqa: S608 - constants; users' values are in args
    if conditions:
        sql += " WHERE " + " AND ".join(conditions)
    sql += " ORDER BY serial DESC"
    if limit > 0:
        sql += " LIMIT ?"
        args.append(limit)
    rows: list[tuple[int, str, str, str, str, str, str, str, str]] = db.rows(sql, args)
    return [revision_row(db, RevisionText(*row)) for row in rows]


def _touching(stage: str, address: str) -> tuple[str, list[Cell]]:
    # Naming the stages, even all of them, makes the indexes (stage, address, …) usable.
    stages = "?" if stage else "SELECT stage FROM stage"
    args: list[Cell] = [stage] if stage else []
    sql = (
        f"SELECT serial FROM change WHERE stage IN ({stages}) AND address = ?"  # noqa: S608 - see above
        f" UNION SELECT serial FROM change WHERE moved_from <> '' AND moved_from = ? AND stage IN ({stages})"
    )
    values = [*args, address, address, *args]
    if not stage:
        sql += " UNION SELECT serial FROM approval WHERE address = ?"
        values.append(address)
    return sql, values


def change_texts(db: Database, serial: int) -> list[ChangeText]:
    """The columns of one revision's changes, by stage and address."""
    sql = f"SELECT {CHANGE} FROM change WHERE serial = ? ORDER BY stage, address"  # noqa: S608 - constants
    rows: list[tuple[str, str, str, str, str, str, str, str, str]] = db.rows(sql, (serial,))
    return [ChangeText(*row) for row in rows]


def changes(db: Database, serial: int) -> list[ChangeRow]:
    """The changes of one revision, by stage and address."""
    if not 0 < serial <= LARGEST:
        return []
    activations = Activations()
    texts = change_texts(db, serial)
    with errors.rows_of(db.name):
        return [change_row(serial, text, activations) for text in texts]


def change_texts_since(db: Database, stage: str, serial: int) -> list[tuple[int, ChangeText]]:
    """The columns of the changes of ``stage`` after revision ``serial``, oldest first."""
    rows: list[tuple[int, str, str, str, str, str, str, str, str, str]] = db.rows(
        f"SELECT serial, {CHANGE} FROM change WHERE stage = ? AND serial > ?"  # noqa: S608 - constants
        " ORDER BY serial, address",
        (stage, min(serial, LARGEST)),
    )
    return [(row[0], ChangeText(*row[1:])) for row in rows]


def changes_since(db: Database, stage: StageRef, serial: int) -> list[ChangeRow]:
    """The changes of ``stage`` after revision ``serial``, oldest first."""
    activations = Activations()
    texts = change_texts_since(db, stage, serial)
    with errors.rows_of(db.name):
        return [change_row(number, text, activations) for number, text in texts]


def changes_of(db: Database, stage: StageRef, addresses: Iterable[Address]) -> list[ChangeRow]:
    """All changes of ``stage`` that led to one of ``addresses``, oldest first."""
    activations = Activations()
    texts: list[tuple[int, ChangeText]] = []
    for marks, part in chunks(addresses):
        rows: list[tuple[int, str, str, str, str, str, str, str, str, str]] = db.rows(
            f"SELECT serial, {CHANGE} FROM change WHERE stage = ? AND address IN ({marks})",  # noqa: S608 - as above
            (stage, *part),
        )
        texts += [(row[0], ChangeText(*row[1:])) for row in rows]
    with errors.rows_of(db.name):
        return [change_row(serial, text, activations) for serial, text in sorted(texts)]


def copied(db: Database, stage: StageRef) -> list[ChangeRow]:
    """The changes of ``stage`` that introduced a body that another change introduced as well, oldest first."""
    brought = "stage = ? AND after_fingerprint <> '' AND after_fingerprint <> before_fingerprint"
    rows: list[tuple[int, str, str, str, str, str, str, str, str, str]] = db.rows(
        f"SELECT serial, {CHANGE} FROM change WHERE {brought} AND after_fingerprint IN"  # noqa: S608 - constants
        f" (SELECT after_fingerprint FROM change WHERE {brought} GROUP BY after_fingerprint HAVING COUNT(*) > 1)"
        " ORDER BY serial, address",
        (stage, stage),
    )
    activations = Activations()
    with errors.rows_of(db.name):
        return [change_row(row[0], ChangeText(*row[1:]), activations) for row in rows]


def last_change(db: Database, stage: StageRef, addresses: Iterable[Address]) -> dict[Address, ChangeRow]:
    """For each of ``addresses`` that ever changed: its newest change, or the move away from it."""
    newest: dict[str, tuple[int, ChangeText]] = {}
    for marks, part in chunks(addresses):
        for column in ("address", "moved_from"):
            rows: list[tuple[int, str, str, str, str, str, str, str, str, str]] = db.rows(
                f"SELECT serial, {CHANGE} FROM change"  # noqa: S608 - constants and marks
                f" WHERE {column} <> '' AND stage = ? AND {column} IN ({marks})",
                (stage, *part),
            )
            for serial, *texts in rows:
                text = ChangeText(*texts)
                name = text.address if column == "address" else text.moved_from
                if name not in newest or newest[name][0] < serial:
                    newest[name] = (serial, text)
    activations = Activations()
    with errors.rows_of(db.name):
        return {
            parse_address(name): change_row(serial, text, activations)
            for name, (serial, text) in sorted(newest.items())
        }


def moves(db: Database, stage: StageRef) -> list[tuple[int, Address, Address]]:
    """Every rename in ``stage``, oldest first: the revision, the address before and after."""
    rows: list[tuple[int, str, str]] = db.rows(
        "SELECT serial, moved_from, address FROM change WHERE moved_from <> '' AND stage = ? ORDER BY serial, address",
        (stage,),
    )
    with errors.rows_of(db.name):
        return [(serial, parse_address(old), parse_address(new)) for serial, old, new in rows]


def losses(db: Database, stage: StageRef) -> list[Withdrawal]:
    """Changes, other than rollbacks, that took offers off spaces in a live stage or ended periods earlier.

    Oldest first.
    """
    rows: list[tuple[int, str, str, str, str, str]] = db.rows(
        "SELECT c.serial, c.address, c.moved_from, c.before_activation, c.after_activation, c.reason"
        " FROM change c JOIN revision r ON r.serial = c.serial WHERE c.stage = ? AND r.action <> 'rollback'"
        " AND (c.before_activation NOT IN ('', '-') AND c.before_activation <> c.after_activation OR c.reason = ?)"
        " ORDER BY c.serial, c.address",
        (stage, Reason.ENDS_EARLIER.value),
    )
    activations = Activations()
    with errors.rows_of(db.name):
        return [
            Withdrawal(
                serial, parse_address(moved_from or name), activations[was] or (), activations[now] or (), reason
            )
            for serial, name, moved_from, was, now, reason in rows
        ]


def disabled(db: Database, stage: StageRef) -> dict[Address, int]:
    """What a live stage holds with ``enabled: false``, and the last revision, except rollbacks, that changed it."""
    rows: list[tuple[str, int | None]] = db.rows(
        "SELECT e.address, (SELECT MAX(c.serial) FROM change c JOIN revision r ON r.serial = c.serial"
        " WHERE c.stage = e.stage AND c.address = e.address AND r.action <> 'rollback')"
        " FROM stage_entry e JOIN snapshot s ON s.fingerprint = e.fingerprint WHERE e.stage = ?"
        " AND s.kind IN ('offer', 'category', 'template') AND s.body LIKE ?",
        (stage, '%"enabled":false%'),
    )
    with errors.rows_of(db.name):
        return {parse_address(address): serial or 0 for address, serial in rows}


def renames_since(db: Database, stage: StageRef, serial: int) -> dict[Address, Address]:
    """The addresses of a stage that had another name at revision ``serial``: the old name by the new one."""
    former_names: dict[Address, FormerAddress] = {}
    for _, rows in groupby(changes_since(db, stage, serial), attrgetter("serial")):
        changes = list(rows)
        arrived = {row.address: former_names.get(row.moved_from, row.moved_from) for row in changes if row.moved_from}
        left_addresses = [row.moved_from for row in changes if row.moved_from]
        replaced = [row.address for row in changes if not row.moved_from and (row.before is None or row.after is None)]
        former_names.update(dict.fromkeys([*left_addresses, *replaced], ""))
        former_names.update(arrived)
    return {now: then for now, then in former_names.items() if then and then != now}


def last_left(db: Database, stage: StageRef, address: Address) -> str:
    """When ``address`` last left ``stage``, or came back after that; empty if it never left."""
    departures: list[tuple[int | None]] = db.rows(
        "SELECT MAX(serial) FROM change WHERE stage = ? AND address = ? AND after_fingerprint = ''"
        " UNION ALL SELECT MAX(serial) FROM change WHERE moved_from <> '' AND moved_from = ? AND stage = ?",
        (stage, address, address, stage),
    )
    last_departure = max(serial or 0 for (serial,) in departures)
    if last_departure == 0:
        return ""
    # Both times: a run has the time of its start, and others may have changed the store while it waited for the lock.
    times: list[tuple[str]] = db.rows(
        "SELECT time FROM revision WHERE serial = ? OR serial IN (SELECT serial FROM change WHERE stage = ?"
        " AND address = ? AND serial > ? AND (before_fingerprint = '' OR moved_from <> ''))",
        (last_departure, stage, address, last_departure),
    )
    return max(time for (time,) in times)


def outcomes(db: Database, serial: int) -> list[Outcome]:
    """The stages that a revision touched, with their digests after it."""
    return db.rows("SELECT stage, digest FROM outcome WHERE serial = ? ORDER BY stage", (serial,))


def revision_row(db: Database, text: RevisionText) -> RevisionRow:
    """The revision of some columns. Raises Refused when its details are not JSON."""
    try:
        details = orjson.loads(text.details)
    except ValueError as error:
        raise errors.damaged(db.name, f"The details of revision {text.serial} were edited") from error
    return RevisionRow(*text[:8], details=details if isinstance(details, dict) else {})


SCHEME = b"offerkit revision 1"
"""Part of every digest, so that a later scheme can follow this one in the same chain."""


def revision_digest(
    revision: RevisionText,
    changes: Iterable[ChangeText],
    approvals: Iterable[ApprovalText],
    outcomes: Iterable[Outcome],
) -> str:
    """The digest that ties ``revision`` to its parent and to all its rows, from the columns as they are."""
    parts = [
        [revision.serial, revision.parent_digest, *revision[3:]],
        sorted(tuple(change) for change in changes),
        sorted(approvals),
        sorted(outcomes),
    ]
    return digest(SCHEME, canonical(parts))


_PAGE = 200
"""Revisions that are read at a time."""


def recorded(db: Database) -> Iterator[RecordedRevision]:
    """All revisions, oldest first, with all that their digests cover; those appended meanwhile are left out."""
    serial, last = 0, last_serial(db)
    while serial < last:
        for text in revision_texts(db, serial, limit=_PAGE):
            serial = text.serial
            if serial <= last:
                yield recorded_with(db, text)


def recorded_with(db: Database, text: RevisionText) -> RecordedRevision:
    """A revision with all its rows."""
    serial = text.serial
    return RecordedRevision(text, change_texts(db, serial), approval_texts(db, serial), outcomes(db, serial))


def details_of(text: RevisionText) -> dict[str, Json]:
    """The details of a revision. Raises ValueError when they are not a JSON map."""
    details = orjson.loads(text.details)
    if not isinstance(details, dict):
        raise ValueError("the details are not a map")
    return details


def recorded_digest(recorded: RecordedRevision) -> str:
    """:func:`revision_digest` of a revision with its rows."""
    return revision_digest(recorded.revision, recorded.changes, recorded.approvals, recorded.outcomes)
