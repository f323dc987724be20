"""Sets the status of a proposition, with the extra data that its space stores then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.call_facts import with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import call_data, contact_row
from offerkit.engine.extra_data import stored_product_row
from offerkit.engine.report import Report
from offerkit.models.status import Status, parse_status
from offerkit.rules.types import Row
from offerkit.store import DataWithStatus, PropositionRow, StatusChange, Store, changeable
from offerkit.store.proposition_rows import past_of
from offerkit.times import utc
from offerkit.usecases.catalogs import Catalogs, LiveSpace
from offerkit.usecases.contact_sources import ContactSources


@dataclass(frozen=True)
class StatusUpdate:
    """A request to give a proposition a status (by name or number), with call data.

    ``environment``: where the proposition must be; empty: anywhere.
    """

    proposition: str
    status: str
    data: Mapping[str, object]
    at: datetime
    environment: str = ""


@dataclass(frozen=True)
class PreparedUpdate:
    """A valid change of status. ``data``: the extra data to store with it, or None."""

    asked: StatusUpdate
    status: Status
    data: DataWithStatus | None

    def write(self, store: Store) -> StatusChange:
        """Store it, in the open transaction or a new one. Raises Refused as ``Store.set_status`` does."""
        update = self.asked
        return store.set_status(
            update.proposition,
            self.status,
            utc(update.at),
            self.data,
            environment=update.environment,
        )


def zone_of(catalogs: Catalogs, store: Store, proposition: str) -> tzinfo:
    """The time zone of a proposition's environment; UTC if the proposition is unknown or its environment not live."""
    row = store.proposition(proposition)
    return catalogs[row.environment].zone if row is not None and row.environment in catalogs else UTC


def update_status(
    catalogs: Catalogs, sources: ContactSources, store: Store, update: StatusUpdate
) -> tuple[StatusChange, tuple[Report, ...]]:
    """Give a proposition a status; returns the change, and warnings.

    With the status that its space gives to accepted offers, the space's ``accepted_data`` is stored, too; with any
    other, its ``status_data`` for that status. Setting the current status again changes nothing. Raises Refused if the
    proposition or status is unknown, the transition is not allowed, or the call data is invalid; then nothing is
    changed.
    """
    prepared, reports = prepare_update(catalogs, sources, store, update)
    change = prepared.write(store)
    return change, reports if change.changed else ()


def prepare_update(
    catalogs: Catalogs, sources: ContactSources, store: Store, update: StatusUpdate
) -> tuple[PreparedUpdate, tuple[Report, ...]]:
    """What :func:`update_status` would write, and warnings. Writes nothing.

    Raises Refused if the proposition or status is unknown, the transition is not allowed, or the call data is invalid.
    """
    try:
        status = parse_status(update.status)
    except ValueError as error:
        raise refuse(Code.UNKNOWN_STATUS, str(error), hint="You can also use the numbers 0 to 5.") from None
    # Refuse early: a write that fails later makes all writes of its transaction start again.
    row = changeable(store.proposition(update.proposition), update.proposition, status, update.environment)
    live_space = catalogs.space(row.environment, row.space)
    if row.status is status or not live_space.exists or row.environment not in catalogs:
        return PreparedUpdate(update, status, None), ()  # if the space is no longer live, only the status is stored
    data, reports = data_with_status(live_space, sources, row, status, update)
    return PreparedUpdate(update, status, data), reports


def data_with_status(
    live_space: LiveSpace, sources: ContactSources, row: PropositionRow, status: Status, update: StatusUpdate
) -> tuple[DataWithStatus | None, tuple[Report, ...]]:
    """What the space of ``row`` stores with it when it gets ``status``, and warnings. Raises Refused for wrong data."""
    catalog = live_space.catalog
    values, wrong = call_data(catalog, update.data, required=False)
    if wrong:
        raise Refused(wrong)
    extra = live_space.status_data(status)
    if extra is None:
        return None, ()
    values = with_call_facts(catalog, values, row.space, None)
    number = catalog.position_of.get(row.offer)
    offer: Row = catalog.offers[number].row if number is not None else _removed_offer(catalog, row)
    proposition = past_of(row)._replace(status=status.value)
    product = stored_product_row(catalog, row.product)
    contact = _contact(sources, catalog, row.contact)
    stored = extra.values(contact, values, offer, proposition, update.at, product)
    storage = live_space.model.storage
    accepting = status == storage.accepted and bool(storage.accepted_data)
    return DataWithStatus(stored, accepting, row.contact), extra.reports


def _contact(sources: ContactSources, catalog: Catalog, key: str) -> Row:
    if not key or not sources.has_source(catalog.environment):
        return contact_row(catalog, None)
    return contact_row(catalog, sources.by_key(catalog.environment, key))


def _removed_offer(catalog: Catalog, row: PropositionRow) -> Row:
    """What is still known of an offer that is no longer live."""
    return {**catalog.no_offer, "name": row.offer, "code": row.offer, "label": "", "category": row.category}
