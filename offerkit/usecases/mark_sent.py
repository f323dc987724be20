"""``sent``: a delivery was sent. Its propositions are presented, with what their spaces store then (domain.md §2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

import orjson

from offerkit.engine.report import Report
from offerkit.governance.rights import Actor
from offerkit.models.status import Status
from offerkit.store import DataWithStatus, DeliveryRun, Store
from offerkit.times import instant
from offerkit.usecases.catalogs import Catalogs, LiveSpace
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.deliver import check_may_deliver, not_made
from offerkit.usecases.update_status import StatusUpdate, data_with_status

_IN_MEMORY = 8_000_000
"""Bytes of extra data beyond which they wait in a file without a name."""


@dataclass(frozen=True)
class SentDelivery:
    """``count``: how many propositions became *presented*. ``before``: when it was sent already; empty if never."""

    run: DeliveryRun
    count: int
    before: str
    reports: tuple[Report, ...] = ()


def mark_sent(
    catalogs: Catalogs, sources: ContactSources, store: Store, name: str, actor: Actor, now: str
) -> SentDelivery:
    """Mark a delivery as sent: all its propositions in one transaction.

    ``name``: ``[ENVIRONMENT/]CAMPAIGN/DELIVERY``. What spaces store with *presented* is read before the transaction, so
    that nobody waits for contacts. Raises Refused if it was not made, or the actor lacks the right.
    """
    runs = store.deliveries()
    matching_runs = [run for run in runs if name in (run.name, f"{run.environment}/{run.name}")]
    if len(matching_runs) != 1:
        raise not_made(name, runs)
    (run,) = matching_runs
    check_may_deliver(actor, run.environment)
    spaces = _spaces_with_data(catalogs, run)
    if not spaces:
        return SentDelivery(run, store.delivery_sent(run, now), run.sent)
    with SpooledTemporaryFile(_IN_MEMORY) as spool:
        reports = _spool(spool, spaces, sources, store, run, now)
        spool.seek(0)
        return SentDelivery(run, store.delivery_sent(run, now, _spooled(spool)), run.sent, reports)


def _spaces_with_data(catalogs: Catalogs, run: DeliveryRun) -> Mapping[str, LiveSpace]:
    """The spaces of a delivery that store data with *presented*, as they are live now."""
    if run.environment not in catalogs:
        return {}
    spaces = {name: catalogs.space(run.environment, name) for name in run.space.split(",")}
    return {
        name: space
        for name, space in spaces.items()
        if space.exists and space.status_data(Status.PRESENTED) is not None
    }


def _spool(
    spool: IO[bytes],
    spaces: Mapping[str, LiveSpace],
    sources: ContactSources,
    store: Store,
    run: DeliveryRun,
    now: str,
) -> tuple[Report, ...]:
    """Write a line for each proposition that waits and what is stored with it; returns the warnings."""
    found: dict[Report, None] = {}
    last = ""
    while rows := store.delivery_waiting(run, last):
        last = rows[-1].id
        for row in rows:
            if row.space not in spaces:
                continue
            update = StatusUpdate(row.id, Status.PRESENTED, {}, instant(now), run.environment)
            data, reports = data_with_status(spaces[row.space], sources, row, Status.PRESENTED, update)
            found |= dict.fromkeys(reports)
            if data is not None:
                line = [row.id, dict(data.data), data.accepting, data.contact]
                spool.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return tuple(found)


def _spooled(spool: IO[bytes]) -> Iterator[tuple[str, DataWithStatus]]:
    for line in spool:
        id_, data, accepting, contact = orjson.loads(line)
        yield id_, DataWithStatus(data, accepting, contact)
