"""The outbox: events that wait to be sent to receivers, written in the transaction of the revision that they tell of.

One row is one event for one receiver, so that a receiver that is down delays no other. A sender leases a row before
it sends it, and lets go of it afterwards; a lease that its sender did not survive ends by itself
(docs/adr/0057-outbox.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef, parse_address
from offerkit.fingerprint import Json, canonical, digest
from offerkit.governance.notices import Notice, OutboxRow, OutboxState
from offerkit.store import bodies, schema, stages
from offerkit.store.database import Cell, Database, recording
from offerkit.store.rows import NO_ENTRY, ChangeText, RevisionText

COLUMNS = "id, receiver, type, body, created, due, attempts, state, lease, leased_until, failure, finished"
PREFIX = "offerkit."
"""The begin of every event's type."""
_SELECT = f"SELECT {COLUMNS} FROM outbox"  # noqa: S608 - constants
_CANDIDATES = 8
"""Rows that a sender looks at to lease one; others may have leased the first ones meanwhile."""
_ROW = tuple[str, str, str, str, str, str, int, str, str, str, str, str]


def receivers(db: Database) -> dict[str, Mapping[str, Json]]:
    """The applied webhooks by name."""
    entries = stages.entries(db, StageRef(SHARED, Stage.DESIGN), Kind.WEBHOOK)
    if not entries:
        return {}
    texts = bodies.bodies(db, {entry.fingerprint for entry in entries.values()})
    return {address.name: orjson.loads(texts[entry.fingerprint].text) for address, entry in entries.items()}


def is_wanted(db: Database, name: str) -> bool:
    """Whether any receiver wants events with this name."""
    return any(
        webhook.get("enabled") is not False and name in (_texts(webhook.get("events", [])) or [name])
        for webhook in receivers(db).values()
    )


def add(db: Database, revision: RevisionText, notices: Sequence[Notice]) -> None:
    """Write what ``revision`` tells to its receivers, as they are after it; in the revision's own transaction."""
    known = receivers(db) if notices else {}
    for number, notice in enumerate(notices if known else ()):
        about: dict[str, Json] = {"revision": revision.serial, "operator": revision.actor}
        id_ = digest(b"offerkit event 1", canonical([revision.digest, number]))[:32]
        _put(db, known, id_, revision.time, Notice(notice.name, notice.environment, {**about, **notice.data}))


def add_once(db: Database, name: str, time: str, notice: Notice) -> None:
    """Write an event that no revision causes, unless the one with this ``name`` was written before."""
    known = receivers(db)
    if known:
        _put(db, known, id_of(name), time, notice)


def id_of(name: str) -> str:
    """The id of the event that no revision causes and that has this ``name``."""
    return digest(b"offerkit event 1", name.encode())[:32]


def follow(db: Database, changes: Iterable[ChangeText]) -> None:
    """Let what was written for webhooks that a revision renames wait under their new names; in its own transaction."""
    renamed = {
        parse_address(change.moved_from).name: parse_address(change.address).name
        for change in changes
        if change.moved_from.startswith(f"{Kind.WEBHOOK}.") and change.after != NO_ENTRY
    }
    # A name can be the former name of another one, so all go by a name that no webhook has.
    for old, new in renamed.items():
        db.run("UPDATE outbox SET receiver = ? WHERE receiver = ?", (f">{new}", old))
    for new in renamed.values():
        # what is left there was written for a webhook that is gone
        db.run(
            "DELETE FROM outbox WHERE receiver = ? AND id IN (SELECT id FROM outbox WHERE receiver = ?)",
            (new, f">{new}"),
        )
        db.run("UPDATE outbox SET receiver = ? WHERE receiver = ?", (new, f">{new}"))


def _put(db: Database, known: Mapping[str, Mapping[str, Json]], id_: str, time: str, notice: Notice) -> None:
    wanting = [name for name, webhook in sorted(known.items()) if _wants(webhook, notice)]
    if not wanting:
        return
    body = orjson.dumps(_cloud_event(id_, schema.read_meta(db)["project"], time, notice)).decode()
    marks = ", ".join("?" * (COLUMNS.count(",") + 1))
    db.run_many(
        f"INSERT INTO outbox ({COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - constants
        [
            (id_, name, PREFIX + notice.name, body, time, time, 0, OutboxState.WAITING.value, "", "", "", "")
            for name in wanting
        ],
    )


def _wants(webhook: Mapping[str, Json], notice: Notice) -> bool:
    names, environments = webhook.get("events"), webhook.get("environments")
    if webhook.get("enabled") is False or (isinstance(names, list) and names and notice.name not in names):
        return False
    return not environments or notice.environment == SHARED or notice.environment in _texts(environments)


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _cloud_event(id_: str, project: str, time: str, notice: Notice) -> dict[str, Json]:
    """The event in the structured JSON form of CloudEvents 1.0."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": f"offerkit:{project}",
        "type": PREFIX + notice.name,
        "subject": notice.environment,
        "time": time,
        "datacontenttype": "application/json",
        "data": {"environment": notice.environment, **notice.data},
    }


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times (UTC) that no lease and no wait reaches: what lies beyond was written by a clock that has been set back."""

    lease: str
    due: str


UNBOUNDED = Bounds("9999", "9999")
_READY = "(attempts = 0 OR due <= ? OR due > ?) AND (leased_until <= ? OR leased_until > ?)"
"""An event that nobody has tried to send is due at once, also if the clock was set back since it was written."""


def due_receivers(db: Database, now: str, bounds: Bounds = UNBOUNDED) -> list[str]:
    """The receivers for whom an event can be sent now."""
    rows: list[tuple[str]] = db.rows(
        f"SELECT DISTINCT receiver FROM outbox WHERE state = ? AND {_READY} ORDER BY receiver",  # noqa: S608 - constants
        (OutboxState.WAITING.value, now, bounds.due, now, bounds.lease),
    )
    return [name for (name,) in rows]


def lease(
    db: Database, receiver: str, now: str, until: str, token: str, bounds: Bounds = UNBOUNDED
) -> OutboxRow | None:
    """The next event for ``receiver``, which no other sender gets before ``until``; None if nothing is due."""
    with recording(db):
        rows: list[_ROW] = db.rows(
            # in the order of an index, however many events wait
            f"{_SELECT} WHERE state = ? AND receiver = ? AND {_READY} ORDER BY due, id LIMIT ?",
            (OutboxState.WAITING.value, receiver, now, bounds.due, now, bounds.lease, _CANDIDATES),
        )
        for row in rows:
            # of two senders that see the same row, the second waits here, and then changes nothing
            count = db.run(
                "UPDATE outbox SET lease = ?, leased_until = ?"
                " WHERE id = ? AND receiver = ? AND state = ? AND leased_until = ?",
                (token, until, row[0], receiver, OutboxState.WAITING.value, row[9]),
            )
            if count:
                return OutboxRow(*row)
    return None


def settle(db: Database, row: OutboxRow, token: str, *, state: OutboxState, due: str, failure: str, now: str) -> bool:
    """Record an attempt and let go of the lease ``token``. False if the lease had ended and another sender has it."""
    finished = now if state is not OutboxState.WAITING else ""
    with recording(db):
        count = db.run(
            "UPDATE outbox SET state = ?, due = ?, failure = ?, finished = ?, attempts = attempts + 1, lease = '',"
            " leased_until = '' WHERE id = ? AND lease = ?",  # the receiver may have another name by now
            (state.value, due, failure, finished, row.id, token),
        )
    return count > 0


def rows(db: Database, states: Iterable[OutboxState], limit: int = 0) -> list[OutboxRow]:
    """The events in these states, newest first (``limit`` 0: all)."""
    names = [state.value for state in states]
    args: list[Cell] = [*names, *([limit] if limit > 0 else [])]
    sql = f"{_SELECT} WHERE state IN ({', '.join('?' * len(names))}) ORDER BY created DESC, id, receiver"
    found: list[_ROW] = db.rows(sql + (" LIMIT ?" if limit > 0 else ""), args)
    return [OutboxRow(*row) for row in found]


def revive(db: Database, ids: Sequence[str], now: str) -> Iterator[OutboxRow]:
    """Let dead events with these ids, or all of them, wait again, with all attempts before them."""
    with recording(db):
        for row in rows(db, (OutboxState.DEAD,)):
            if not ids or row.id in ids:
                db.run(
                    "UPDATE outbox SET state = ?, due = ?, attempts = 0, finished = '' WHERE id = ? AND receiver = ?",
                    (OutboxState.WAITING.value, now, row.id, row.receiver),
                )
                yield row


def forget(db: Database, state: OutboxState, before: str, spared: Collection[str] = ()) -> int:
    """Remove events that were sent, or given up, before a time, but those with ``spared`` ids. Returns how many."""
    sql = "SELECT id, receiver FROM outbox WHERE state = ? AND finished < ?"
    found: list[tuple[str, str]] = db.rows(sql, (state.value, before))
    old = [row for row in found if row[0] not in spared]
    if not old:
        return 0  # without a lock
    with recording(db):
        db.run_many(
            "DELETE FROM outbox WHERE id = ? AND receiver = ? AND state = ?", [(*row, state.value) for row in old]
        )
    return len(old)
