"""Deliveries that were made: each only once, with all its propositions or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from itertools import islice

from offerkit.diagnostics import Code, refuse
from offerkit.models.status import Status, status_number
from offerkit.store import proposition_log, propositions
from offerkit.store.database import Cell, Database, chunks
from offerkit.store.proposition_rows import COLUMNS as PROPOSITION
from offerkit.store.proposition_rows import DataWithStatus, PropositionRow, data_with
from offerkit.times import check_utc

COLUMNS = (
    "environment, campaign, delivery, id, space, revision, time, made, operator, messages, propositions, sent, folder"
)
_SELECT = f"SELECT {COLUMNS} FROM delivery_run"  # noqa: S608 - constants
_ROWS = 20_000
"""Propositions that are written at a time, within one transaction."""
_NOT_PRESENTED = (Status.GENERATED, Status.SCHEDULED)
"""The statuses of propositions that are not known to be shown."""


@dataclass(frozen=True, slots=True)
class DeliveryRun:
    """A delivery that was made. ``id`` is the interaction of its propositions.

    ``time`` is the proposition date, ``made`` when it was made, ``sent`` when it was sent (empty until then): all in
    UTC as the store writes it. ``revision`` is the live revision that decided. ``space``: its space, or several,
    separated by commas. ``folder``: where its files were written; empty if not known.
    """

    environment: str
    campaign: str
    delivery: str
    id: str
    space: str
    revision: int
    time: str
    made: str
    operator: str
    messages: int
    propositions: int
    sent: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        """``CAMPAIGN/DELIVERY``."""
        return f"{self.campaign}/{self.delivery}"


def add(db: Database, run: DeliveryRun, rows: Iterable[PropositionRow]) -> None:
    """Store ``run`` and all ``rows``, in the open write transaction or a new one.

    Raises Refused when that delivery was made before.
    """
    check_utc(run.time)
    check_utc(run.made)
    with nullcontext() if db.in_writing else db.writing():
        existing = run_of(db, run.environment, run.campaign, run.delivery)
        if existing is not None:
            raise made_already(existing)
        cells: Sequence[Cell] = astuple(run)
        db.run(f"INSERT INTO delivery_run ({COLUMNS}) VALUES ({', '.join('?' * len(cells))})", cells)  # noqa: S608
        stream = iter(rows)
        while part := list(islice(stream, _ROWS)):
            propositions.add(db, part)


def run_of(db: Database, environment: str, campaign: str, delivery: str) -> DeliveryRun | None:
    """The run of a delivery; None if it was not made."""
    where = "WHERE environment = ? AND campaign = ? AND delivery = ?"
    return next(_runs(db, f"{_SELECT} {where}", (environment, campaign, delivery)), None)


def runs(db: Database, environment: str = "") -> list[DeliveryRun]:
    """All runs, newest first."""
    where, args = ("WHERE environment = ?", (environment,)) if environment else ("", ())
    return list(_runs(db, f"{_SELECT} {where} ORDER BY made DESC, environment, campaign, delivery", args))


def waiting(db: Database, run: DeliveryRun, after: str, limit: int) -> list[PropositionRow]:
    """The next ``limit`` generated and scheduled propositions of ``run`` by id, following the id ``after``."""
    # Bounds of time and id together, not one time: else PostgreSQL goes through the ids of all propositions.
    sql = (
        f"SELECT {PROPOSITION} FROM proposition WHERE environment = ? AND (time, id) > (?, ?) AND time <= ?"  # noqa: S608
        " AND interaction = ? AND status IN (?, ?) ORDER BY time, id LIMIT ?"
    )
    args: list[Cell] = [run.environment, run.time, after, run.time, run.id, *map(status_number, _NOT_PRESENTED), limit]
    return propositions.read_rows(db, sql, args)


def sent(db: Database, run: DeliveryRun, time: str, data: Iterable[tuple[str, DataWithStatus]] = ()) -> int:
    """Set the generated and scheduled propositions of ``run`` to *presented*. Returns how many those were.

    ``data``: what is stored with it, by proposition. Raises Refused when the run was withdrawn.
    """
    check_utc(time)
    with db.writing():
        _still(db, run)
        stream = iter(data)
        while part := dict(islice(stream, _ROWS)):
            _store_data(db, run, part)
        where, args = _own(run)
        count = db.run(
            f"UPDATE proposition SET status = ?, changed = ?{proposition_log.marking(db)}"  # noqa: S608 - constants
            f" WHERE {where} AND status IN (?, ?)",
            (status_number(Status.PRESENTED), time, *args, *map(status_number, _NOT_PRESENTED)),
        )
        proposition_log.note_sent(db, where, args, time)
        db.run("UPDATE delivery_run SET sent = ? WHERE id = ? AND sent = ''", (time, run.id))
    return count


def _store_data(db: Database, run: DeliveryRun, data: Mapping[str, DataWithStatus]) -> None:
    """Store what comes with *presented*, with those propositions that are about to get it."""
    for marks, ids in chunks(data):
        sql = f"SELECT {PROPOSITION} FROM proposition WHERE id IN ({marks}){db.for_update}"  # noqa: S608
        rows = propositions.read_rows(db, sql, ids)
        due = (row for row in rows if row.interaction == run.id and row.status in _NOT_PRESENTED)
        texts = [(data_with(row, Status.PRESENTED, data[row.id]), row.id) for row in due]
        db.run_many("UPDATE proposition SET data = ? WHERE id = ?", texts)


def withdraw(db: Database, run: DeliveryRun, time: str) -> int:
    """Remove ``run`` with its propositions at ``time``. Returns how many. Raises Refused when it was sent."""
    with db.writing():
        now = _still(db, run)
        if now.sent:
            raise refuse(
                Code.DELIVERED,
                f"{run.name} was sent at {now.sent} and cannot be withdrawn",
                detail="Propositions that contacts have seen stay in their history.",
            )
        where, args = _own(run)
        count = db.run(f"DELETE FROM proposition WHERE {where}", args)  # noqa: S608 - constants
        db.run("DELETE FROM delivery_run WHERE id = ?", (run.id,))
        proposition_log.note_withdrawn(db, run.environment, run.id, time)
    return count


def _own(run: DeliveryRun) -> tuple[str, tuple[Cell, ...]]:
    """What finds the propositions of a run by the store's index, with its arguments."""
    spaces = run.space.split(",")
    marks = ", ".join("?" * len(spaces))
    where = f"environment = ? AND space IN ({marks}) AND time = ? AND interaction = ?"
    return where, (run.environment, *spaces, run.time, run.id)


def made_already(run: DeliveryRun) -> Exception:
    """The error for making ``run`` a second time."""
    hint = (
        "To send again, declare another delivery with a name of its own."
        if run.sent
        else f"Send it, then run: offerkit sent {run.name}. To make it again: offerkit deliver {run.name} --withdraw"
    )
    return refuse(
        Code.DELIVERED,
        f"{run.name} was made at {run.made} by {run.operator}"
        + (f" and sent at {run.sent}" if run.sent else "")
        + f": {run.messages:,} messages, {run.propositions:,} propositions",
        detail="A delivery is made only once, so that no contact is written to twice. Nothing was stored.",
        hint=hint,
    )


def _still(db: Database, run: DeliveryRun) -> DeliveryRun:
    now = run_of(db, run.environment, run.campaign, run.delivery)
    if now is None or now.id != run.id:
        raise refuse(Code.NOT_DELIVERED, f"{run.name} was withdrawn meanwhile", hint="Nothing was changed.")
    return now


def _runs(db: Database, sql: str, args: Sequence[Cell]) -> Iterator[DeliveryRun]:
    rows: list[tuple[str, str, str, str, str, int, str, str, str, int, int, str, str]] = db.rows(sql, args)
    return (DeliveryRun(*row) for row in rows)
