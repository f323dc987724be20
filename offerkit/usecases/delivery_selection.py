"""Selects the offers for each recipient of a delivery: by the engine, from an outline, fixed, or by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from offerkit.address import Address, Kind
from offerkit.batch import (
    BatchProgram,
    BatchRequest,
    ContactTable,
    DecidedChunk,
    batch_program,
    decide_all,
    find_exclusions,
)
from offerkit.batch.condition_sql import bound_condition_sql
from offerkit.batch.decide import CHUNK
from offerkit.contacts.bulk import column
from offerkit.engine.call import Call, CallContext
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import BoundCondition, CallFacts, ConditionMemo, facts_at
from offerkit.engine.decide import decide
from offerkit.engine.expressions import Expressions
from offerkit.engine.space_program import ComputedOffer
from offerkit.engine.weights import best_weight, times
from offerkit.rules.types import Row
from offerkit.store import Store
from offerkit.usecases.per_contact import uses_hooks, value_of
from offerkit.usecases.planned_delivery import PlannedDelivery
from offerkit.usecases.propose import history_of

SPARE = 2
"""How many extra offers to select in case one cannot be rendered."""
NOT_WEIGHED = Decimal(0)
"""The weight of offers that were not chosen by the engine."""


class Choice(NamedTuple):
    """An offer by its position in the catalog, its weight, and the product of a dynamic offer."""

    position: int
    weight: Decimal
    product: Row | None = None


class Recipient(NamedTuple):
    """A contact with its fields; ``choices`` in order, possibly more than wanted. None: not in the target.

    ``data``: the contact's call data if a target-loading hook added to it; None: that of the delivery.
    """

    key: str
    contact: Row
    choices: tuple[Choice, ...] | None
    data: Row | None = None


@dataclass(frozen=True)
class DeliverySelection:
    """How a delivery selects offers: its conditions, and the engine's program if it uses the engine."""

    order: PlannedDelivery
    target: BoundCondition | None
    cells: tuple[tuple[BoundCondition, int], ...]
    call: Call
    program: BatchProgram | None
    facts: CallFacts


def delivery_selection(order: PlannedDelivery, seed: str, data: Mapping[str, object]) -> DeliverySelection:
    """The selection of ``order`` with ``data`` as call data; anything not given is unknown.

    Raises Refused if the space cannot be called, or call data is undeclared or has the wrong type.
    """
    catalog, body = order.catalog, order.body
    engine = body.engine
    call = make_call(
        catalog,
        body.space,
        who=CallContext(None, "", order.at, seed, catalog.anonymous, many=True),
        n=min(100, order.count + SPARE),
        categories=engine.categories if engine else (),
        themes=engine.themes if engine else (),
        data=data,
    )
    call = replace(call, wanted=min(100, order.count))
    if body.outline is not None:
        call = replace(call, offers=frozenset(order.offers))
    types = {name: field.type for name, field in catalog.call_data.items()}
    names = Expressions(catalog.dimension.name, catalog.dimension.fields, types, catalog.offer_fields, catalog.zone)
    where = Address(order.environment, Kind.CAMPAIGN, order.campaign)
    path = ("deliveries", order.delivery)
    target = names.target(body.target, where, (*path, "target")) if body.target is not None else None
    cells = tuple(
        (names.target(cell.when, where, (*path, "cells", number, "when")), catalog.position_of[cell.offer])
        for number, cell in enumerate(body.cells or ())
    )
    facts = facts_at(order.at, catalog.zone, catalog.nobody, call.data)
    return DeliverySelection(
        order, target, cells, call, batch_program(catalog, call) if body.asks_engine else None, facts
    )


def recipients(
    contact_table: ContactTable, selection: DeliverySelection, store: Store | None
) -> Iterator[Iterator[Recipient]]:
    """All contacts in the order of the source, in parts of some ten thousand."""
    if selection.program is not None and uses_hooks(selection.program):
        for first in range(0, contact_table.count, CHUNK):
            yield _one_by_one(contact_table, selection, store, first)
        return
    if selection.program is not None:
        batch = BatchRequest(selection.program, find_exclusions(contact_table, selection.program, store))
        for decided in decide_all(contact_table, batch):
            yield _part(contact_table, selection, decided.first, decided)
        return
    for first in range(0, contact_table.count, CHUNK):
        yield _part(contact_table, selection, first, None)


def _one_by_one(
    contact_table: ContactTable, selection: DeliverySelection, store: Store | None, first: int
) -> Iterator[Recipient]:
    catalog = selection.order.catalog
    names = list(contact_table.types)
    for key, in_target, *cells in _rows(contact_table, selection, first):
        contact: Row = {name: value_of(value) for name, value in zip(names, cells, strict=True)}
        if not in_target:
            yield Recipient(key, contact, None)
            continue
        history = history_of(store, catalog, key, selection.order.at) if store is not None else ()
        decision = decide(catalog, replace(selection.call, contact=contact, key=key), history)
        choices = (
            Choice(catalog.position_of[chosen.offer], chosen.weight, chosen.product) for chosen in decision.chosen
        )
        yield Recipient(key, contact, tuple(choices), decision.data)


def _part(
    contact_table: ContactTable, selection: DeliverySelection, first: int, decided: DecidedChunk | None
) -> Iterator[Recipient]:
    rows = _rows(contact_table, selection, first)
    names = list(contact_table.types)
    tests = 1 + len(selection.cells)
    weigh = _Weigher(selection)
    for row, (key, *cells) in enumerate(rows):
        contact: Row = {name: value_of(value) for name, value in zip(names, cells[tests:], strict=True)}
        if not cells[0]:
            yield Recipient(key, contact, None)
        elif decided is not None:
            picks = decided.picks[:, row].tolist()
            yield Recipient(key, contact, tuple(weigh(item, contact) for item in picks if item >= 0))
        elif selection.cells:
            matching_cells = (
                cell_position
                for (_, cell_position), holds_for in zip(selection.cells, cells[1:tests], strict=True)
                if holds_for
            )
            yield Recipient(key, contact, tuple(Choice(position, NOT_WEIGHED) for position in list(matching_cells)[:1]))
        else:
            at = selection.order.catalog.position_of
            yield Recipient(key, contact, tuple(Choice(at[name], NOT_WEIGHED) for name in selection.order.offers))


def _rows(contact_table: ContactTable, selection: DeliverySelection, first: int) -> list[tuple[str, ...]]:
    """For each contact: key, whether in the target, whether in each cell, then the fields."""
    target = [bound_condition_sql(condition, selection.facts) for condition in _targets(selection)]
    parts = ["k", f"coalesce({' AND '.join(f'({sql})' for sql in target) or 'TRUE'}, FALSE)"]
    parts += [f"coalesce({bound_condition_sql(condition, selection.facts)}, FALSE)" for condition, _ in selection.cells]
    parts += [column(name) for name in contact_table.types]
    sql = f"SELECT {', '.join(parts)} FROM contact WHERE n >= ? AND n < ? ORDER BY n"  # noqa: S608 - escaped
    rows: list[tuple[str, ...]] = contact_table.connection.execute(sql, [first, first + CHUNK]).fetchall()
    return rows


def _targets(selection: DeliverySelection) -> Iterator[BoundCondition]:
    """The delivery's target and the environment's filter, which applies however offers are selected."""
    if selection.target is not None:
        yield selection.target
    when = selection.order.catalog.when
    if when is not None:
        yield when.condition


class _Weigher:
    """The weight of an item for a contact; computes formulas like the engine for single calls."""

    def __init__(self, selection: DeliverySelection) -> None:
        self._selection = selection
        self._computed: Sequence[ComputedOffer] = (
            selection.program.space_program.computed if selection.program is not None else ()
        )
        self._first = len(selection.program.space_program.entries) if selection.program is not None else 0

    def __call__(self, item: int, contact: Row) -> Choice:
        assert self._selection.program is not None
        candidate = self._selection.program.items[item]
        if candidate.weight is not None:
            return Choice(candidate.position, candidate.weight)
        computed = self._computed[item - self._first]
        facts = self._selection.facts._replace(contact=contact)
        best = best_weight(computed.weights, ConditionMemo(facts, {}))
        return Choice(candidate.position, times(best.number, computed.factors) if best is not None else NOT_WEIGHED)
