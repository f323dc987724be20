"""``deliver``, THE THIRD MAIN PATH: recipients, offers, messages and propositions of a delivery (domain.md §2).

check → select → render part by part into DIR.partial → store in one transaction → DIR
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path

from offerkit import __version__
from offerkit.batch import ContactData, ContactTable, open_contact_table
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.engine.report import Report
from offerkit.fingerprint import canonical, digest
from offerkit.governance.rights import Actor, may_deliver
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.reports.delivery import CellCount, DeliveryResult, delivery_data, sample_files
from offerkit.store import DeliveryRun, Store
from offerkit.store.deliveries import made_already
from offerkit.times import check_utc, display_time, instant, utc, wall_clock
from offerkit.usecases.catalogs import Catalogs, live_revision
from offerkit.usecases.contact_sources import bad_rows
from offerkit.usecases.delivery_cells import CellTable
from offerkit.usecases.delivery_folder import DeliveryFolder, UnfinishedRun, unwritable
from offerkit.usecases.delivery_messages import Message, MessageWriter, SetAsideContact, proposition_rows
from offerkit.usecases.delivery_selection import (
    DeliverySelection,
    PartSelection,
    Recipient,
    cells_of,
    delivery_selection,
    recipients,
)
from offerkit.usecases.planned_delivery import PlannedDelivery
from offerkit.usecases.propose import new_id
from offerkit.usecases.simulate import read_data, unknown_data

SAMPLES = 3
"""How many messages to also write as sample pages."""


@dataclass(frozen=True)
class DeliveryRequest:
    """How to make a delivery. ``folder`` None: no files (dry runs only). ``fields``: contact fields for the sender.

    ``data``: assumed call data; anything not given is unknown. ``set_aside``: a CSV file for unreadable contacts;
    without it, they stop the run. ``contact_data``: the call data that each contact has for itself.
    """

    actor: Actor
    now: datetime
    folder: Path | None
    dry: bool = False
    fields: Sequence[str] = ()
    status_base: str = ""
    seed: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    set_aside: Path | None = None
    contact_data: ContactData | None = None


def deliver(
    catalogs: Catalogs,
    order: PlannedDelivery,
    contacts: Contacts,
    store: Store,
    request: DeliveryRequest,
    progress: Callable[[int], None] | None = None,
) -> tuple[DeliveryResult, tuple[Report, ...]]:
    """Make a delivery: write its files, then store its propositions, all or none.

    Raises Refused if it was made before, the operator lacks the right, or anything that it needs is missing or changes
    meanwhile; then nothing is stored.
    """
    check_may_deliver(request.actor, order.environment)
    fields = [_field(order, name) for name in request.fields]
    given = request.contact_data
    selection = delivery_selection(order, request.seed, request.data, frozenset(given.types) if given else frozenset())
    result = _result(order, request)
    types = dict(order.catalog.dimension.fields)
    key = order.catalog.dimension.key
    with (
        bad_rows(request.set_aside) as bad,
        open_contact_table(contacts, key, types, progress, bad, given) as contact_table,
    ):
        bad.refuse_empty(contact_table.count, order.catalog.dimension.name)
        result.contacts = contact_table.count
        cells = cells_of(contact_table, selection)
        result.cells = list(_cell_counts(selection, cells))
        writer = MessageWriter(order, new_id, request.status_base, fields, keep=not request.dry)
        making = Making(contact_table, selection, cells, store, writer, result)
        if request.folder is None:
            _try_out(making)
        else:
            folder = DeliveryFolder(request.folder)
            with folder.working():
                _make(folder, making, request)
        unmatched = contact_table.unmatched
    called = dict.fromkeys(report for part in selection.parts for report in part.call.reports)
    hooked = dict.fromkeys(report for part in selection.parts for report in part.hooks.reports())
    reports = (*called, *hooked, *_unknown_data(selection, writer), *_unmatched(order, unmatched))
    return result, (*order.reports, *reports, *writer.reports, *bad.reports())


@dataclass(frozen=True)
class Making:
    """A delivery being made: the contacts and how they are decided, who writes the messages, and the outcome."""

    contact_table: ContactTable
    selection: DeliverySelection
    cells: Sequence[CellTable]
    store: Store
    writer: MessageWriter
    result: DeliveryResult

    def parts(self) -> Iterator[Iterator[Recipient]]:
        """All contacts in parts; after the last, the result has what could not be rendered.

        Raises Refused before a part if live has changed.
        """
        for part in recipients(self.contact_table, self.selection, self.store, self.cells):
            _check_live(self.store, self.selection.order)
            yield part
        failures = self.writer.failures
        self.result.failures = {offer: (count, *failures.examples[offer]) for offer, count in failures.counts.items()}


def unfinished_date(folder: Path, delivery: tuple[str, str, str], now: datetime, zone: tzinfo) -> datetime | None:
    """The proposition date of an interrupted run of this delivery in ``folder`` today, which the next run keeps.

    ``zone``: the environment's time zone, which defines today.
    """
    unfinished = DeliveryFolder(folder).unfinished()
    if unfinished is None or unfinished.delivery != "/".join(delivery):
        return None
    try:
        check_utc(unfinished.time)
        time = instant(unfinished.time)
    except ValueError:  # edited: the folder cannot be trusted
        return None
    return time if wall_clock(time, zone).date() == wall_clock(now, zone).date() else None


def finish_interrupted(store: Store, delivery: tuple[str, str, str], folder: Path | None) -> DeliveryRun | None:
    """Publish the files of a run that was interrupted after storing its propositions; None if no run was interrupted.

    Raises Refused if the delivery was made before.
    """
    run = store.delivery(*delivery)
    if run is None:
        return None
    if folder is not None:
        delivery_folder = DeliveryFolder(folder)
        unfinished = delivery_folder.unfinished()
        if unfinished is not None and unfinished.id == run.id:
            with delivery_folder.working():
                delivery_folder.publish()
            return run
    raise made_already(run)


def check_may_deliver(actor: Actor, environment: str) -> None:
    """Raise Refused unless ``actor`` may make deliveries in ``environment``."""
    if refused := may_deliver(actor, environment):
        raise Refused([refused])


def withdraw(store: Store, delivery: tuple[str, str, str], actor: Actor, now: str) -> tuple[DeliveryRun, int]:
    """Withdraw a delivery; returns its run and the number of propositions. Raises Refused if it was not made, or was
    sent.
    """
    check_may_deliver(actor, delivery[0])
    run = store.delivery(*delivery)
    if run is None:
        raise not_made("/".join(delivery[1:]), store.deliveries())
    return run, store.withdraw_delivery(run, now)


def _field(order: PlannedDelivery, name: str) -> str:
    dimension = order.catalog.dimension
    field_name = name.removeprefix(f"{dimension.name}.")
    if field_name not in dimension.fields:
        raise refuse(
            Code.UNKNOWN_FIELD,
            f"{dimension.name} has no field “{name[:80]}”",
            hint=suggestion(field_name, dimension.fields),
        )
    return field_name


def _unknown_data(selection: DeliverySelection, writer: MessageWriter) -> Iterator[Report]:
    """The warning about unknown call data that conditions or texts read, unless a hook may add it."""
    order = selection.order
    catalog = order.catalog
    programs = [part.program for part in selection.parts if part.program is not None]
    hooked = [catalog.spaces[part.part.where].target_loading for part in selection.parts if part.program is not None]
    if hooked and all(hooked):
        return
    offers = {(part.part.name, name) for part in selection.parts for name in _may_be_sent(part)}
    data_read = read_data(programs)
    for condition in selection.conditions():
        data_read.update(condition.expression.data_read)
    for requirement in catalog.requirements:
        data_read.update(requirement.condition.expression.data_read)
    known = selection.row_data | CALL_FACTS.keys() - catalog.call_data.keys()
    shown = writer.data_read(offers)
    yield from unknown_data(catalog, selection.facts.data, data_read - known, shown - known)


def _may_be_sent(part: PartSelection) -> Iterator[str]:
    catalog = part.part.catalog
    if part.program is not None:
        yield from (catalog.offers[item.position].name for item in part.program.items)
    yield from part.part.offers
    yield from (catalog.offers[cell.position].name for cell in part.cells if cell.position is not None)


def _unmatched(order: PlannedDelivery, count: int) -> Iterator[Report]:
    if count:
        rows = "1 row of the data is" if count == 1 else f"{count:,} rows of the data are"
        yield Report(Code.DATA_WITHOUT_CONTACT, f"{rows} for no {order.catalog.dimension.name}; nothing reads them.")


def _cell_counts(selection: DeliverySelection, cells: Sequence[CellTable]) -> Iterator[CellCount]:
    for part, table in zip(selection.parts, cells, strict=True):
        for number, (came, taken) in enumerate(table.counts):
            yield CellCount(part.part.name, number + 1, part.cells[number].limit, came, taken)


def _result(order: PlannedDelivery, request: DeliveryRequest) -> DeliveryResult:
    return DeliveryResult(
        order.name,
        order.environment,
        ", ".join(order.spaces),
        display_time(order.at, order.catalog.zone),
        order.catalog.revision,
        "",
        request.dry,
        wanted=max(part.count for part in order.parts),
        folder=str(request.folder) if request.folder is not None else "",
        data={name: str(value) for name, value in request.data.items()},
    )


def _try_out(making: Making) -> None:
    """Make the delivery without files."""
    for part in making.parts():
        for recipient in part:
            message = making.writer.message(recipient)
            if isinstance(message, SetAsideContact):
                making.result.set_aside(str(message))
            else:
                _count(making.result, message)


def _make(folder: DeliveryFolder, making: Making, request: DeliveryRequest) -> None:
    order, result = making.selection.order, making.result
    inputs = _inputs(making.contact_table, order, request)
    unfinished = folder.unfinished()
    if unfinished is None or unfinished.inputs != inputs:
        unfinished = UnfinishedRun(new_id(), f"{order.environment}/{order.name}", inputs, utc(order.at))
        folder.begin(unfinished)
    result.run = unfinished.id
    try:
        _write(folder, making)
        samples = [(m["contact"], m["html"], m["text"]) for m in islice(folder.messages(), SAMPLES)]
        for message in folder.messages():
            _count(result, message)
        for _, reason in folder.asides():
            result.set_aside(reason)
        result.stored = 0 if request.dry else _stored(order, result)
        folder.finish(delivery_data(result), sample_files(samples))
    except OSError as error:
        raise unwritable(folder.partial, error) from error
    if not request.dry:
        _store(folder, making.store, order, result, request)
    folder.publish()


def _stored(order: PlannedDelivery, result: DeliveryResult) -> int:
    """How many of the propositions are on spaces that store them."""
    return sum(
        sum(sum(counts) for counts in result.by_slot.get(part.name, {}).values())
        for part in order.parts
        if part.space.storage.enabled
    )


def _write(folder: DeliveryFolder, making: Making) -> None:
    for number, part in enumerate(making.parts(), 1):
        if folder.has(number):
            making.result.resumed += 1
            continue
        with folder.writing(number) as out:
            for recipient in part:
                message = making.writer.message(recipient)
                if isinstance(message, SetAsideContact):
                    out.aside(recipient.key, str(message))
                else:
                    out.message(message)


def _check_live(store: Store, order: PlannedDelivery) -> None:
    """Raise Refused if live has changed since the messages' catalog was compiled, for example by a stop.

    Called before each part, so that nothing is made from offers that are no longer live, and again when storing.
    """
    revision = live_revision(store, order.environment)
    if revision != order.catalog.revision:
        raise refuse(
            Code.PLAN_STALE,
            f"live changed from revision {order.catalog.revision} to {revision} while the messages were made",
            detail="They may contain offers that are no longer live. No message was delivered, no proposition stored.",
            hint="Run it again to make the messages from what is live now.",
        )


def _store(
    folder: DeliveryFolder, store: Store, order: PlannedDelivery, result: DeliveryResult, request: DeliveryRequest
) -> None:
    """Store the run and all its propositions in one transaction, if live is still unchanged."""
    run = DeliveryRun(
        environment=order.environment,
        campaign=order.campaign,
        delivery=order.delivery,
        id=result.run,
        space=",".join(order.spaces),
        revision=order.catalog.revision,
        time=utc(order.at),
        made=utc(request.now),
        operator=request.actor.name,
        messages=result.messages,
        propositions=result.stored,
        folder=os.path.realpath(folder.target),
    )
    with store.transaction():
        before = store.delivery(order.environment, order.campaign, order.delivery)
        if before is not None:
            folder.discard()
            raise made_already(before)
        _check_live(store, order)
        rows = (row for message in folder.messages() for row in proposition_rows(order, run.id, message))
        store.add_delivery(run, rows)


def _count(result: DeliveryResult, message: Message) -> None:
    result.messages += 1
    for proposition in message["propositions"]:
        result.add(proposition["offer"], proposition["rank"], proposition.get("slot", ""))
    for reason in message.get("missing", ()):
        result.missing[reason] = result.missing.get(reason, 0) + 1


def _inputs(contact_table: ContactTable, order: PlannedDelivery, request: DeliveryRequest) -> str:
    """A digest of everything that the messages are made from, except propositions made meanwhile."""
    # DuckDB's hash of a row is that of its last column, xor the rest, so rows that exchange that value would have the
    # same digest together: hence the hash of each row's hash.
    contact_digest = contact_table.connection.execute(
        "SELECT count(*), bit_xor(hash(hash(contact))), bit_xor(hash(hash(contact.k, contact.n))) FROM contact"
    ).fetchone()
    inputs = {
        "offerkit": __version__,
        "revision": order.catalog.revision,
        "campaign": order.fingerprint,
        "delivery": order.delivery,
        "contacts": [str(part) for part in contact_digest or ()],
        "time": utc(order.at),
        "fields": list(request.fields),
        "status": request.status_base,
        "seed": request.seed,
        "dry": request.dry,
        "data": {name: str(value) for name, value in sorted(request.data.items())},
    }
    return digest(canonical(inputs))


def not_made(name: str, runs: list[DeliveryRun]) -> Exception:
    """The error for a delivery that was not made, or whose name is that of several."""
    names = [run.name for run in runs]
    ambiguous = sum(name == run_name for run_name in names) > 1
    return refuse(
        Code.NOT_DELIVERED,
        f"“{name[:120]}” is in more than one environment" if ambiguous else f"the delivery “{name[:120]}” was not made",
        detail="" if ambiguous else "Only deliveries made with “offerkit deliver” can be sent or withdrawn.",
        hint="Write ENVIRONMENT/CAMPAIGN/DELIVERY."
        if ambiguous
        else suggestion(name, names, "Deliveries made: " + (", ".join(names[:12]) or "none") + "."),
    )
