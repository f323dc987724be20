"""The contacts that a plan is measured on: the same on both sides, all of them or a fixed sample."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias
from zoneinfo import ZoneInfo

from offerkit.batch import BatchProgram, ContactTable, open_contact_table
from offerkit.contacts.keys import key_text
from offerkit.engine.catalog import Catalog
from offerkit.engine.estimate import Sample
from offerkit.rules.types import FieldType, Row, Value
from offerkit.rules.values import parse_value, show
from offerkit.usecases.simulate import fields_of

Rows: TypeAlias = Callable[[], Iterable[Row]]
"""Returns an iterator over all contacts, from the first."""


@dataclass(frozen=True)
class Population:
    """The contacts as the states before and after read them; nearly always the same table."""

    before: ContactTable
    after: ContactTable
    sample: Sample | None = None

    @property
    def count(self) -> int:
        """The number of contacts decided for."""
        return self.after.count


@contextmanager
def population(
    catalogs: tuple[Catalog | None, Catalog],
    programs: Iterable[BatchProgram],
    rows: Rows,
    further: Iterable[str],
    size: int,
) -> Iterator[Population]:
    """Load the contacts with the fields that ``programs`` and ``further`` need; ``size``: of the sample, 0 for all.

    If a field's type changes, its values are read once for each type; a value that the old type cannot read is unknown
    before the change.
    """
    catalog_before, catalog_after = catalogs
    new = catalog_after.dimension.fields
    old = catalog_before.dimension.fields if catalog_before is not None else {}
    needed = {*further, *(name for program in programs for name in fields_of(program))}
    types = {name: type_ for name, type_ in {**old, **new}.items() if name in needed}
    retyped = {name: old[name] for name in types if name in old and name in new and old[name].base != new[name].base}
    sample, read = _sampled(rows, catalog_after.dimension.key, size) if size else (None, rows)
    with ExitStack() as stack:
        people = stack.enter_context(
            open_contact_table(_with_all_fields(read(), types), catalog_after.dimension.key, types)
        )
        before = people
        if retyped:
            past = (_as_before(row, retyped) for row in _with_all_fields(read(), types))
            before = stack.enter_context(open_contact_table(past, catalog_after.dimension.key, {**types, **retyped}))
        yield Population(before, people, sample)


def _sampled(rows: Rows, key: Sequence[str], size: int) -> tuple[Sample | None, Rows]:
    """The ``size`` contacts with the lowest hash of their key, in the order of the source.

    The hash is independent of the contacts' values, so the sample is random; and it is the same in every run, as long
    as those contacts exist.
    """
    heap: list[tuple[int, int, Row]] = []
    count = 0
    for row in rows():
        text = key_text(row[name] for name in key)
        mark = -int.from_bytes(blake2b(text.encode(), digest_size=8, person=b"offerkit").digest())
        if len(heap) < size:
            heapq.heappush(heap, (mark, -count, row))
        elif (mark, -count) > heap[0][:2]:
            heapq.heapreplace(heap, (mark, -count, row))
        count += 1
    sampled = [row for _, _, row in sorted(heap, key=lambda item: -item[1])]
    return (Sample(len(sampled), count) if len(sampled) < count else None), lambda: sampled


def _with_all_fields(rows: Iterable[Row], types: Mapping[str, FieldType]) -> Iterator[Row]:
    """Fill in None for fields that only the state before declares."""
    for row in rows:
        yield row if row.keys() >= types.keys() else {**dict.fromkeys(types), **row}


def _as_before(row: Row, retyped: Mapping[str, FieldType]) -> Row:
    return {**row, **{name: _read_as(row[name], type_) for name, type_ in retyped.items()}}


def _read_as(value: Value, type_: FieldType) -> Value:
    if value is None or isinstance(value, tuple):
        return None
    try:
        return parse_value(show(value), type_, ZoneInfo("UTC"))
    except ValueError:
        return None
