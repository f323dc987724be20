"""``deliver``, THE THIRD MAIN PATH: recipients, offers, messages and propositions of a delivery (domain.md §2).

check → select → render part by part into DIR.partial → store in one transaction → DIR
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path

from offerkit import __version__
from offerkit.batch import ContactTable, open_contact_table
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, or_list, refuse, suggestion
from offerkit.engine.report import Report
from offerkit.fingerprint import canonical, digest
from offerkit.governance.rights import DELIVERERS, Actor
from offerkit.reports.delivery import DeliveryResult, delivery_data, sample_files
from offerkit.store import DeliveryRun, Store
from offerkit.store.deliveries import made_already
from offerkit.times import check_utc, display_time, instant, utc, wall_clock
from offerkit.usecases.catalogs import Catalogs, live_revision
from offerkit.usecases.contact_sources import bad_rows
from offerkit.usecases.delivery_folder import DeliveryFolder, UnfinishedRun, unwritable
from offerkit.usecases.delivery_messages import Message, MessageWriter, SetAsideReason, proposition_rows
from offerkit.usecases.delivery_selection import DeliverySelection, delivery_selection, recipients
from offerkit.usecases.planned_delivery import PlannedDelivery
from offerkit.usecases.propose import new_id
from offerkit.usecases.simulate import read_data, unknown_data

SAMPLES = 3
"""How many messages to also write as sample pages."""


@dataclass(frozen=True)
class DeliveryRequest:
    """How to make a delivery. ``folder`` None: no files (dry runs only). ``fields``: contact fields for the sender.

    ``data``: assumed call data; anything not given is unknown. ``set_aside``: a CSV file for unreadable contacts;
    without it, they stop the run.
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
    may_deliver(request.actor)
    fields = [_field(order, name) for name in request.fields]
    selection = delivery_selection(order, request.seed, request.data)
    result = _result(order, request)
    types = dict(order.catalog.dimension.fields)
    key = order.catalog.dimension.key
    with bad_rows(request.set_aside) as bad, open_contact_table(contacts, key, types, progress, bad) as contact_table:
        bad.refuse_empty(contact_table.count, order.catalog.dimension.name)
        result.contacts = contact_table.count
        writer = MessageWriter(order, selection.facts.data, new_id, request.status_base, fields, keep=not request.dry)
        if request.folder is None:
            _try_out(contact_table, selection, store, writer, result)
        else:
            folder = DeliveryFolder(request.folder)
            with folder.working():
                _make(folder, contact_table, selection, store, writer, result, request)
    result.failures = {o: (count, writer.failures.examples[o]) for o, count in writer.failures.counts.items()}
    unknown = _unknown_data(order, selection, writer)
    return result, (*order.reports, *selection.call.reports, *unknown, *writer.reports, *bad.reports())


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


def may_deliver(actor: Actor) -> None:
    """Raise Refused unless ``actor`` may make deliveries."""
    if actor.profile is not None and actor.profile not in DELIVERERS:
        raise refuse(
            Code.NOT_ALLOWED,
            f"{actor.name} ({actor.profile}) is not allowed to make deliveries",
            hint=f"Ask an operator who may: {or_list(DELIVERERS)}.",
        )


def mark_sent(store: Store, name: str, actor: Actor, now: str) -> tuple[DeliveryRun, int, str]:
    """Mark a delivery as sent; returns its run, how many propositions became *presented*, and when it was sent before.

    ``name``: ``[ENVIRONMENT/]CAMPAIGN/DELIVERY``. Raises Refused if it was not made, or the actor lacks the right.
    """
    may_deliver(actor)
    runs = store.deliveries()
    matching_runs = [run for run in runs if name in (run.name, f"{run.environment}/{run.name}")]
    if len(matching_runs) != 1:
        raise _not_made(name, runs)
    return matching_runs[0], store.delivery_sent(matching_runs[0], now), matching_runs[0].sent


def withdraw(store: Store, delivery: tuple[str, str, str], actor: Actor, now: str) -> tuple[DeliveryRun, int]:
    """Withdraw a delivery; returns its run and the number of propositions. Raises Refused if it was not made, or was
    sent.
    """
    may_deliver(actor)
    run = store.delivery(*delivery)
    if run is None:
        raise _not_made("/".join(delivery[1:]), store.deliveries())
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


def _unknown_data(order: PlannedDelivery, selection: DeliverySelection, writer: MessageWriter) -> Iterator[Report]:
    """The warning about unknown call data that conditions or texts read, unless a hook may add it."""
    program = selection.program
    if program is not None and order.catalog.spaces[order.body.space].target_loading:
        return
    if program is not None:
        offers = {order.catalog.offers[item.position].name for item in program.items}
    else:
        offers = {*order.offers, *(cell.offer for cell in order.body.cells or ())}
    conditions = [condition for condition, _ in selection.cells] + [
        condition for condition in (selection.target,) if condition is not None
    ]
    data_read = {name for condition in conditions for name in condition.expression.data_read} | read_data(
        [program] if program is not None else []
    )
    for requirement in order.catalog.requirements:
        data_read.update(requirement.condition.expression.data_read)
    yield from unknown_data(order.catalog, selection.call.data, data_read, writer.data_read(offers))


def _result(order: PlannedDelivery, request: DeliveryRequest) -> DeliveryResult:
    return DeliveryResult(
        order.name,
        order.environment,
        order.body.space,
        display_time(order.at, order.catalog.zone),
        order.catalog.revision,
        "",
        request.dry,
        wanted=order.count,
        folder=str(request.folder) if request.folder is not None else "",
        data={name: str(value) for name, value in request.data.items()},
    )


def _try_out(
    contact_table: ContactTable,
    selection: DeliverySelection,
    store: Store,
    writer: MessageWriter,
    result: DeliveryResult,
) -> None:
    """Make the delivery without files."""
    for part in recipients(contact_table, selection, store):
        _check_live(store, selection.order)
        for recipient in part:
            message = writer.message(recipient)
            if isinstance(message, SetAsideReason):
                result.set_aside(message)
            else:
                _count(result, message)


def _make(
    folder: DeliveryFolder,
    contact_table: ContactTable,
    selection: DeliverySelection,
    store: Store,
    writer: MessageWriter,
    result: DeliveryResult,
    request: DeliveryRequest,
) -> None:
    order = selection.order
    inputs = _inputs(contact_table, order, request)
    unfinished = folder.unfinished()
    if unfinished is None or unfinished.inputs != inputs:
        unfinished = UnfinishedRun(new_id(), f"{order.environment}/{order.name}", inputs, utc(order.at))
        folder.begin(unfinished)
    result.run = unfinished.id
    try:
        _write(folder, contact_table, selection, store, writer, result)
        samples = [(m["contact"], m["html"], m["text"]) for m in islice(folder.messages(), SAMPLES)]
        for message in folder.messages():
            _count(result, message)
        for _, reason in folder.asides():
            result.set_aside(reason)
        result.stored = 0 if request.dry or not order.space.storage.enabled else result.propositions
        folder.finish(delivery_data(result), sample_files(samples))
    except OSError as error:
        raise unwritable(folder.partial, error) from error
    if not request.dry:
        _store(folder, store, order, result, request)
    folder.publish()


def _write(
    folder: DeliveryFolder,
    contact_table: ContactTable,
    selection: DeliverySelection,
    store: Store,
    writer: MessageWriter,
    result: DeliveryResult,
) -> None:
    for number, part in enumerate(recipients(contact_table, selection, store), 1):
        _check_live(store, selection.order)
        if folder.has(number):
            result.resumed += 1
            continue
        with folder.writing(number) as out:
            for recipient in part:
                message = writer.message(recipient)
                if isinstance(message, SetAsideReason):
                    out.aside(recipient.key, message)
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
        space=order.body.space,
        revision=order.catalog.revision,
        time=utc(order.at),
        made=utc(request.now),
        operator=request.actor.name,
        messages=result.messages,
        propositions=result.stored,
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
        result.add(proposition["offer"], proposition["rank"])


def _inputs(contact_table: ContactTable, order: PlannedDelivery, request: DeliveryRequest) -> str:
    """A digest of everything that the messages are made from, except propositions made meanwhile."""
    columns = ", ".join(f"contact.{name}" for name in ("k", "n"))
    contact_digest = contact_table.connection.execute(
        f"SELECT count(*), bit_xor(hash(contact)), bit_xor(hash({columns})) FROM contact"  # noqa: S608 - our own names
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


def _not_made(name: str, runs: list[DeliveryRun]) -> Exception:
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
