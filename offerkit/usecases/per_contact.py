"""Decides contact by contact on spaces whose hooks take part in decisions (domain.md §3, steps 7 and 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from offerkit.batch import BatchProgram, BatchRequest, ContactTable, DecidedChunk, decide_all
from offerkit.batch.program import weights_of
from offerkit.contacts.bulk import column
from offerkit.engine.condition import CallFacts
from offerkit.engine.decide import decide
from offerkit.engine.decision import DecisionNotes
from offerkit.engine.reasons import Cause, no_product
from offerkit.engine.weights import formula_weight, plain_number
from offerkit.hooks import Product
from offerkit.rules.python import compile_many
from offerkit.rules.types import Row, Value
from offerkit.store import Store
from offerkit.usecases.hook_reports import HookReports
from offerkit.usecases.propose import history_of

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


def uses_hooks(program: BatchProgram) -> bool:
    """Whether hooks take part. Target loading counts always: what it adds may be read by any condition."""
    space = program.catalog.spaces[program.call.space]
    dynamic = any(weight.dynamic for weight in weights_of(program.space_program))
    return bool(space.target_loading or space.post_processing or dynamic)


def decide_contacts(
    contact_table: ContactTable, batch: BatchRequest, store: Store | None, reports: HookReports | None = None
) -> Iterator[DecidedChunk]:
    """Decide for all contacts: in bulk, or one by one where hooks take part; ``reports`` collects which of them failed.

    With hooks, ``contact_table`` must have all fields of the contacts (offerkit.usecases.simulate.fields_of).
    """
    chunks = decide_all(contact_table, batch)
    if not uses_hooks(batch.program):
        return chunks
    return _hooked(contact_table, batch.program, store, chunks, HookReports() if reports is None else reports)


def _hooked(
    contact_table: ContactTable,
    program: BatchProgram,
    store: Store | None,
    chunks: Iterator[DecidedChunk],
    reports: HookReports,
) -> Iterator[DecidedChunk]:
    catalog = program.catalog
    first_item: dict[int, int] = {}
    for number, item in enumerate(program.items):
        first_item.setdefault(item.position, number)
    target_loading = _TargetLoading(program) if catalog.spaces[program.call.space].target_loading else None
    for chunk in chunks:
        picks = chunk.picks.copy()
        picks[:] = -1
        products: dict[tuple[int, int], Product] = {}
        notes = _Notes(program, chunk.picks.shape[1])
        if target_loading is not None:
            chunk = target_loading.open(chunk)
        for contact_column, (key, contact) in enumerate(contact_rows(contact_table, chunk.first, chunk.picks.shape[1])):
            history = history_of(store, catalog, key, program.call.now) if store is not None else ()
            call = program.call._replace(contact={**catalog.nobody, **contact}, key=key)
            noted = DecisionNotes()
            decision = decide(catalog, call, history, notes=noted)
            reports.add(decision.reports)
            for rank, chosen in enumerate(decision.chosen):
                item_ = first_item.get(catalog.position_of[chosen.offer])
                if item_ is not None:
                    picks[rank, contact_column] = item_
                    if chosen.product is not None:
                        products[rank, contact_column] = chosen.product
            notes.add(contact_column, noted)
            if target_loading is not None and noted.facts is not None:
                target_loading.ask(chunk, contact_column, noted.facts)
        if target_loading is not None:
            target_loading.close(chunk)
        yield notes.written(replace(chunk, picks=picks, products=products))


class _Notes:
    """Collects what single decisions noted into the matrices of a chunk."""

    def __init__(self, program: BatchProgram, width: int) -> None:
        self._items, self._width = len(program.items), width
        self._post_processing = bool(program.catalog.spaces[program.call.space].post_processing)
        self._bytes = (self._items + 7) // 8
        self._eligible, self._presentable, self._ordered = bytearray(), bytearray(), bytearray()
        self._productless: dict[int, dict[Cause, list[int]]] = {}

    def add(self, column: int, noted: DecisionNotes) -> None:
        """Add what the decision for the contact in ``column`` noted; call column by column."""
        self._eligible += noted.eligible.to_bytes(self._bytes)
        self._presentable += noted.presentable.to_bytes(self._bytes)
        if self._post_processing:
            self._ordered += noted.ordered.to_bytes(self._bytes)
        for position, weight in noted.productless:
            columns_of = self._productless.setdefault(position, {})
            columns_of.setdefault(no_product(weight).cause, []).append(column)

    def written(self, chunk: DecidedChunk) -> DecidedChunk:
        """``chunk`` with the collected matrices."""
        return replace(
            chunk,
            eligible=self._matrix(self._eligible),
            presentable=self._matrix(self._presentable),
            kept=self._matrix(self._ordered) if self._post_processing else None,
            productless={
                position: {cause: self._flags(columns) for cause, columns in columns_of.items()}
                for position, columns_of in self._productless.items()
            },
        )

    def _matrix(self, rows: bytearray) -> NDArray[numpy.bool_]:
        """Items by contacts, from each contact's bits; the highest bit is item 0."""
        import numpy

        bits = numpy.unpackbits(numpy.frombuffer(rows, numpy.uint8).reshape(self._width, self._bytes), axis=1)
        return numpy.ascontiguousarray(bits[:, self._bytes * 8 - self._items :].T).view(bool)

    def _flags(self, columns: Sequence[int]) -> NDArray[numpy.bool_]:
        import numpy

        flags = numpy.zeros(self._width, dtype=bool)
        flags[list(columns)] = True
        return flags


class _TargetLoading:
    """Re-evaluates conditions and formulas that read call data, after a hook has added call data for a contact."""

    def __init__(self, program: BatchProgram) -> None:
        reading = [
            (number, condition) for number, condition in enumerate(program.conditions) if condition.expression.data_read
        ]
        plain = [(number, condition) for number, condition in reading if not condition.bound]
        self._bundled = [number for number, _ in plain]
        checked = [condition.expression.checked for _, condition in plain if condition.expression.checked is not None]
        self._bundle = compile_many(checked, (program.catalog.dimension.name, "interaction"), exact=False)
        self._single = [(number, condition) for number, condition in reading if condition.bound]
        self._environment = [program.number(requirement.condition) for requirement in program.catalog.requirements]
        self._answers = bytearray()

    def open(self, chunk: DecidedChunk) -> DecidedChunk:
        """``chunk`` with matrices that :meth:`ask` may write to."""
        positive = {
            condition: flags.copy() if condition.expression.data_read else flags
            for condition, flags in chunk.positive.items()
        }
        return replace(chunk, holds=chunk.holds.copy(), positive=positive)

    def ask(self, chunk: DecidedChunk, column: int, facts: CallFacts) -> None:
        """Evaluate for the contact in ``column``."""
        if self._bundled:
            values = self._bundle(facts.contact, facts.data, facts.now, facts.today)
            self._answers += bytes([value is True for value in values])
        for number, condition in self._single:
            chunk.holds[number, column] = condition.value(facts) is True
        for condition, flags in chunk.positive.items():
            if condition.expression.data_read:
                flags[column] = formula_weight(condition.value(facts)) is not None

    def close(self, chunk: DecidedChunk) -> None:
        """Write the collected results; call once all contacts of the chunk were evaluated in order."""
        import numpy

        if self._bundled:
            answers = numpy.frombuffer(bytes(self._answers), bool).reshape(-1, len(self._bundled))
            chunk.holds[self._bundled] = answers.T
            self._answers.clear()
        chunk.holds[-1] = chunk.holds[self._environment].all(axis=0)


def contact_rows(contact_table: ContactTable, first: int, count: int) -> Iterator[tuple[str, Row]]:
    """Keys and fields of contacts, in the types of the engine."""
    names = list(contact_table.types)
    columns = ", ".join(["k", *(column(name) for name in names)])
    rows = contact_table.connection.execute(
        f"SELECT {columns} FROM contact WHERE n >= ? AND n < ? ORDER BY n",  # noqa: S608 - quoted
        [first, first + count],
    ).fetchall()
    for key, *cells in rows:
        yield key, {name: value_of(cell) for name, cell in zip(names, cells, strict=True)}


def value_of(cell: object) -> Value:
    """A DuckDB value as a contact's field."""
    match cell:
        case Decimal():
            return plain_number(cell)
        case list():
            return tuple(cell)
        case _:
            return cell  # type: ignore[return-value]
