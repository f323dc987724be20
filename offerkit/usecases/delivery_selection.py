"""Selects the offers of each part of a message for each recipient: by the engine, from an outline, fixed, by cell, or
named by a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from offerkit.address import Address, Kind
from offerkit.batch import (
    BatchProgram,
    ContactTable,
    DecidedChunk,
    batch_program,
    batch_request,
    decide_all,
)
from offerkit.batch.condition_sql import bound_condition_sql
from offerkit.batch.decide import CHUNK
from offerkit.contacts.bulk import column, data_column
from offerkit.engine.call import MAX_COUNT, Call, CallContext
from offerkit.engine.call_facts import BATCH, with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import BoundCondition, CallFacts, ConditionMemo, facts_at
from offerkit.engine.decide import decide
from offerkit.engine.expressions import Expressions
from offerkit.engine.space_program import ComputedOffer
from offerkit.engine.weights import best_weight, times
from offerkit.models.campaign import Cell
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.rules.types import ExpectedResult, Row
from offerkit.store import Store
from offerkit.usecases.delivery_cells import CellTable, SelectedCell, assign_cells
from offerkit.usecases.hook_reports import HookReports
from offerkit.usecases.per_contact import uses_hooks, value_of
from offerkit.usecases.planned_delivery import PlannedDelivery, PlannedPart
from offerkit.usecases.propose import history_of

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

SPARE = 2
"""How many extra offers the batch selects in case one cannot be rendered; if more cannot, the engine is asked again."""
NOT_WEIGHED = Decimal(0)
"""The weight of offers that were not chosen by the engine."""


class Choice(NamedTuple):
    """An offer by its position in the catalog, its weight, and the product of a dynamic offer."""

    position: int
    weight: Decimal
    product: Row | None = None


class PartChoices(NamedTuple):
    """The offers for a part of a message in order, possibly more than wanted, and maybe some that are to be left out.

    ``data``: the recipient's call data on the part's space, with what a target-loading hook added; None: no choices.
    ``missing``: why the offer that a field names cannot be sent.
    """

    choices: tuple[Choice, ...] = ()
    data: Row | None = None
    missing: str = ""


ChoosePart = Callable[[frozenset[str]], PartChoices]
"""Chooses the offers of a part of a message, given the names of those to leave out: they are in the message already, or
could not be rendered."""


class Recipient(NamedTuple):
    """A contact with its fields, and what chooses its offers for each part of the message. None: not in the target.

    ``data``: the contact's call data.
    """

    key: str
    contact: Row
    parts: tuple[ChoosePart, ...] | None
    data: Row


@dataclass(frozen=True)
class PartSelection:
    """How a part of a message selects offers; ``program``: the engine's, if it is asked.

    ``named``: the field that names the offer for a recipient without cells. ``hooks`` collects which hooks failed.
    """

    part: PlannedPart
    call: Call
    program: BatchProgram | None
    cells: tuple[SelectedCell, ...]
    named: BoundCondition | None
    hooks: HookReports = field(default_factory=HookReports, compare=False)

    def field(self, cell: int | None) -> str:
        """The field that names the offer of a recipient in ``cell``; empty if none does."""
        body = self.part.body
        if body.cells is None or cell is None:
            return body.offer_from or ""
        return body.cells[cell].offer_from or ""

    @property
    def one_by_one(self) -> bool:
        """Whether hooks take part, so that each contact is decided separately."""
        return self.program is not None and uses_hooks(self.program)


@dataclass(frozen=True)
class DeliverySelection:
    """How a delivery selects offers: its conditions and parts; ``row_data``: the call data that each contact has."""

    order: PlannedDelivery
    target: BoundCondition | None
    parts: tuple[PartSelection, ...]
    facts: CallFacts
    row_data: frozenset[str]

    def sql(self, condition: BoundCondition) -> str:
        """The value of a condition on the message in SQL over the contacts."""
        return bound_condition_sql(condition, self.facts, self.row_data)

    def sql_on(self, part: PartSelection) -> Callable[[BoundCondition], str]:
        """The same for a condition or field of a part of the message."""
        facts = self.facts._replace(data=part.call.data)
        return lambda condition: bound_condition_sql(condition, facts, self.row_data)

    def conditions(self) -> Iterator[BoundCondition]:
        """The conditions and fields that the delivery itself reads."""
        yield from (condition for condition in (self.target,) if condition is not None)
        for part in self.parts:
            yield from (cell.when for cell in part.cells)
            yield from (cell.named for cell in part.cells if cell.named is not None)
            yield from (part.named,) if part.named is not None else ()


def delivery_selection(
    order: PlannedDelivery, seed: str, data: Mapping[str, object], row_data: frozenset[str] = frozenset()
) -> DeliverySelection:
    """The selection of ``order`` with ``data`` as call data; anything not given is unknown.

    ``row_data``: the call data that each contact has for itself. Raises Refused if a space cannot be called, or call
    data is undeclared or has the wrong type.
    """
    catalog = order.catalog
    names = Expressions.of_catalog(catalog)
    where = Address(order.environment, Kind.CAMPAIGN, order.campaign)
    path = ("deliveries", order.delivery)
    target = names.target(order.body.target, where, (*path, "target")) if order.body.target is not None else None
    parts: list[PartSelection] = []
    earlier = 0
    for part in order.parts:
        call = _call(order, part, seed, data, earlier)
        call = call._replace(data={**_facts_of_call(part.catalog, part.where), **call.data})
        body, here = part.body, (*path, *part.path)
        cells = tuple(
            _cell(names, catalog, where, (*here, "cells", number), cell) for number, cell in enumerate(body.cells or ())
        )
        named = names.target(body.offer_from, where, here, ExpectedResult.VALUE) if body.offer_from else None
        asks = body.asks_engine or bool(body.named)
        program = replace(batch_program(part.catalog, call), row_data=row_data) if asks else None
        parts.append(PartSelection(part, call, program, cells, named))
        earlier += part.count
    about = dict(parts[0].call.data)
    if len(order.spaces) > 1:  # the message is not on one of them
        about |= {name: None for name in ("space", "channel") if name not in catalog.call_data}
    facts = facts_at(order.at, catalog.zone, catalog.nobody, about)
    return DeliverySelection(order, target, tuple(parts), facts, row_data)


def _facts_of_call(catalog: Catalog, space: str) -> Row:
    """The built-in facts of a call; the delivery's own conditions and templates may read them, too."""
    names = tuple(name for name in CALL_FACTS if name not in catalog.call_data)
    return with_call_facts(replace(catalog, call_facts=names), {}, space, BATCH)


def _call(order: PlannedDelivery, part: PlannedPart, seed: str, data: Mapping[str, object], earlier: int) -> Call:
    """The call of a part; it wants so many offers that those of ``earlier`` parts can be passed over."""
    engine = part.body.engine
    call = make_call(
        part.catalog,
        part.where,
        who=CallContext(None, "", order.at, seed, part.catalog.anonymous, many=True),
        n=min(MAX_COUNT, part.count + SPARE),
        categories=engine.categories if engine else (),
        themes=engine.themes if engine else (),
        data=data,
    )
    call = call._replace(n=call.n + earlier, wanted=part.count)
    if part.body.outline is not None:
        call = call._replace(offers=frozenset(part.offers))
    if part.body.named:
        call = call._replace(offers=frozenset(part.catalog.position_of))
    return call


def _cell(
    names: Expressions, catalog: Catalog, where: Address, path: tuple[str | int, ...], cell: Cell
) -> SelectedCell:
    when = names.target(cell.when, where, (*path, "when"))
    if cell.offer is not None:
        return SelectedCell(when, catalog.position_of[cell.offer], None, cell.limit)
    assert cell.offer_from is not None
    named = names.target(cell.offer_from, where, (*path, "offer_from"), ExpectedResult.VALUE)
    return SelectedCell(when, None, named, cell.limit)


def recipients(
    contact_table: ContactTable,
    selection: DeliverySelection,
    store: Store | None,
    cells: Sequence[CellTable] | None = None,
) -> Iterator[Iterator[Recipient]]:
    """All contacts in the order of the source, in parts of some ten thousand.

    ``cells``: who is in which cell, by :func:`cells_of`.
    """
    assigned = cells_of(contact_table, selection) if cells is None else cells
    deciders = [_PartDecider(contact_table, part, store) for part in selection.parts]
    for first in range(0, contact_table.count, CHUNK):
        for decider in deciders:
            decider.forward()
        yield _chunk(contact_table, selection, deciders, assigned, first)


def cells_of(contact_table: ContactTable, selection: DeliverySelection) -> list[CellTable]:
    """For each part of the message, who is in which of its cells."""
    about = f"{selection.order.environment}/{selection.order.name}"
    seed = selection.parts[0].call.seed
    return [
        assign_cells(
            contact_table,
            part.cells,
            _in_target(selection, part),
            selection.sql_on(part),
            f"{seed}\n{about}\n{part.part.name}",
        )
        for part in selection.parts
    ]


class _PartDecider:
    """Chooses the offers of one part for the contacts of one chunk after the other."""

    def __init__(self, contact_table: ContactTable, selection: PartSelection, store: Store | None) -> None:
        self._selection, self._store = selection, store
        self._weigh = _Weigher(selection)
        self._decided: Iterator[DecidedChunk] | None = None
        self._chunk: DecidedChunk | None = None
        program = selection.program
        self._unruled = selection.part.catalog
        if selection.part.body.named:  # such an offer is held to no presentation rule
            self._unruled = replace(self._unruled, rules=())
        self._items: dict[int, list[int]] = {}
        self._reported = ""
        if program is not None and not selection.one_by_one:
            request = batch_request(contact_table, program, store, ruled=not selection.part.body.named)
            self._decided = decide_all(contact_table, request)
            for number, item in enumerate(program.items):
                self._items.setdefault(item.position, []).append(number)

    def forward(self) -> None:
        """Go on to the next chunk."""
        if self._decided is not None:
            self._chunk = next(self._decided)

    def chooser(self, row: int, key: str, contact: Row, data: Row, cell: int | None, named: str | None) -> ChoosePart:
        """What chooses for the contact in ``row`` of the chunk; ``cell``: its cell; ``named``: what its field holds."""
        selection = self._selection
        field = selection.field(cell)
        if field:
            found = selection.part.catalog.position_of.get(named or "")
            if found is None:
                missing = (NAMES_UNKNOWN if named else NAMES_NOTHING).format(field=field)
                return lambda used: PartChoices(missing=missing)
            ineligible = NAMES_INELIGIBLE.format(field=field, space=selection.part.where)
            if selection.one_by_one:
                return lambda used: self._alone(key, contact, data, used, frozenset((named or "",)), ineligible)
            return lambda used: self._eligible(found, row, contact, data, ineligible)
        if selection.cells:
            position = selection.cells[cell].position if cell is not None else None
            return lambda used: PartChoices(() if position is None else (Choice(position, NOT_WEIGHED),), data)
        if selection.program is None:
            at = selection.part.catalog.position_of
            choices = tuple(Choice(at[name], NOT_WEIGHED) for name in selection.part.offers)
            return lambda used: PartChoices(choices, data)
        if selection.one_by_one:
            return lambda used: self._alone(key, contact, data, used)
        assert self._chunk is not None
        picks: list[int] = self._chunk.picks[:, row].tolist()
        return lambda used: self._picked(picks, key, contact, data, used)

    def _picked(self, picks: Sequence[int], key: str, contact: Row, data: Row, used: frozenset[str]) -> PartChoices:
        """What the batch picked without ``used``; if too little of it is left, decide once more for this contact."""
        part, program = self._selection.part, self._selection.program
        assert program is not None
        chosen = [item for item in picks if item >= 0]
        left = [item for item in chosen if part.catalog.offers[program.items[item].position].name not in used]
        if len(left) < part.count and len(chosen) == len(picks):
            return self._alone(key, contact, data, used)
        return PartChoices(tuple(self._weigh(item, contact, data) for item in left[: part.count]), data)

    def _eligible(self, position: int, row: int, contact: Row, data: Row, otherwise: str) -> PartChoices:
        """The offer that a field names, if the engine finds it eligible; ``otherwise``: what is said if not."""
        assert self._chunk is not None
        eligible: NDArray[numpy.bool_] = self._chunk.eligible
        for item in self._items.get(position, ()):
            if eligible[item, row]:
                return PartChoices((self._weigh(item, contact, data),), data)
        return PartChoices(missing=otherwise)

    def _alone(
        self,
        key: str,
        contact: Row,
        data: Row,
        used: frozenset[str],
        named: frozenset[str] | None = None,
        otherwise: str = "",
    ) -> PartChoices:
        """Decide for one contact, with hooks; ``named``: the one offer that its field names."""
        selection = self._selection
        catalog = self._unruled if named is not None else selection.part.catalog
        history = history_of(self._store, catalog, key, selection.call.now) if self._store is not None else ()
        call = selection.call._replace(contact=contact, key=key, data=data, exclude=used)
        decision = decide(catalog, call if named is None else call._replace(offers=named, exclude=frozenset()), history)
        if key != self._reported:  # what is decided again, without offers that cannot be rendered, says nothing new
            selection.hooks.add(decision.reports)
            self._reported = key
        choices = tuple(
            Choice(catalog.position_of[chosen.offer], chosen.weight, chosen.product) for chosen in decision.chosen
        )
        return PartChoices(choices, decision.data, "" if choices else otherwise)


NAMES_NOTHING = "{field} is empty and names no offer"
NAMES_UNKNOWN = "{field} names no live offer"
NAMES_INELIGIBLE = "{field} names an offer that is not eligible on {space}"


def _chunk(
    contact_table: ContactTable,
    selection: DeliverySelection,
    deciders: Sequence[_PartDecider],
    cells: Sequence[CellTable],
    first: int,
) -> Iterator[Recipient]:
    names, data_names = list(contact_table.types), list(contact_table.data)
    width = len(selection.parts)
    common = {part.call.space: part.call.data for part in selection.parts}
    for row, (key, in_target, *values) in enumerate(_rows(contact_table, selection, cells, first)):
        fields = values[3 * width :]
        contact: Row = {name: value_of(value) for name, value in zip(names, fields, strict=False)}
        own: Row = {name: value_of(value) for name, value in zip(data_names, fields[len(names) :], strict=True)}
        base = selection.facts.data
        data = {**base, **own} if own else base
        if not in_target:
            yield Recipient(key, contact, None, data)
            continue
        parts = tuple(
            decider.chooser(
                row,
                key,
                contact,
                {**common[part.call.space], **own} if own else common[part.call.space],
                *values[3 * number + 1 : 3 * number + 3],
            )
            if values[3 * number]
            else _nothing
            for number, (part, decider) in enumerate(zip(selection.parts, deciders, strict=True))
        )
        yield Recipient(key, contact, parts, data)


def _nothing(used: frozenset[str]) -> PartChoices:
    """The offers of a part whose space the environment's filters exclude for the contact."""
    return PartChoices()


def _rows(
    contact_table: ContactTable, selection: DeliverySelection, cells: Sequence[CellTable], first: int
) -> list[tuple[Any, ...]]:
    """For each contact: key, whether in the target; for each part whether it is for the contact, the cell, and what the
    field names; then the fields, and its own call data.
    """
    parts = ["k", f"coalesce({_in_target(selection)}, FALSE)"]
    joins = ""
    for part, table in zip(selection.parts, cells, strict=True):
        parts += [f"coalesce({_in_target(selection, part)}, FALSE)", table.sql, _named(selection, part, table)]
        joins += table.join
    parts += [column(name) for name in contact_table.types]
    parts += [data_column(name) for name in contact_table.data]
    sql = f"SELECT {', '.join(parts)} FROM contact{joins} WHERE n >= ? AND n < ? ORDER BY n"  # noqa: S608 - escaped
    rows: list[tuple[Any, ...]] = contact_table.connection.execute(sql, [first, first + CHUNK]).fetchall()
    return rows


def _named(selection: DeliverySelection, part: PartSelection, table: CellTable) -> str:
    """In SQL, the name of the offer that a field gives, of the recipient or of its cell."""
    sql = selection.sql_on(part)
    if part.named is not None:
        return f"CAST(({sql(part.named)}) AS VARCHAR)"
    branches = [
        f"WHEN {number} THEN CAST(({sql(cell.named)}) AS VARCHAR)"
        for number, cell in enumerate(part.cells)
        if cell.named is not None
    ]
    return f"CASE {table.sql} {' '.join(branches)} END" if branches else "NULL"


def _in_target(selection: DeliverySelection, part: PartSelection | None = None) -> str:
    """In SQL, the delivery's target and the environment's filters, which apply however offers are selected.

    These may read the space: on which ``part`` they hold; without one, whether they hold on any.
    """
    parts = selection.parts if part is None else (part,)
    requirements = selection.order.catalog.requirements
    held = dict.fromkeys(
        " AND ".join(f"({selection.sql_on(each)(requirement.condition)})" for requirement in requirements)
        for each in parts
    )
    filters = [" OR ".join(f"coalesce({each}, FALSE)" for each in held)] if requirements else []
    target = [selection.sql(selection.target)] if selection.target is not None else []
    return " AND ".join(f"({sql})" for sql in (*target, *filters)) or "TRUE"


class _Weigher:
    """The weight of an item for a contact; computes formulas like the engine for single calls."""

    def __init__(self, selection: PartSelection) -> None:
        self._program = selection.program
        self._computed: Sequence[ComputedOffer] = ()
        self._first = 0
        if self._program is not None:
            self._computed = self._program.space_program.computed
            self._first = len(self._program.space_program.entries)

    def __call__(self, item: int, contact: Row, data: Row) -> Choice:
        assert self._program is not None
        candidate = self._program.items[item]
        if candidate.weight is not None:
            return Choice(candidate.position, candidate.weight)
        computed = self._computed[item - self._first]
        facts = self._program.facts._replace(contact=contact, data=data)
        best = best_weight(computed.weights, ConditionMemo(facts, {}))
        return Choice(candidate.position, times(best.number, computed.factors) if best is not None else NOT_WEIGHED)
