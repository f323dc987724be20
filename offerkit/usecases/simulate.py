"""Who would get what: the batch over all contacts of an environment, counted; nothing is stored or told to anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.batch import (
    FORMATS,
    BatchProgram,
    BatchRequest,
    ContactTable,
    DecidedChunk,
    Results,
    batch_program,
    find_exclusions,
    open_contact_table,
)
from offerkit.batch.condition_sql import fields_read
from offerkit.batch.program import deciding_conditions
from offerkit.batch.reasons import Reasons
from offerkit.batch.segments import GivenCounts, Segments
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.call import Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.reasons import Cause, ExclusionReason
from offerkit.engine.report import Report
from offerkit.engine.simulation import AxisValue, Loss, OfferResult, Simulation, SpaceResult
from offerkit.rules.types import Row
from offerkit.specs.output_files import RESULTS, check_output, replacing
from offerkit.store import Store
from offerkit.times import display_time
from offerkit.usecases.contact_sources import bad_rows
from offerkit.usecases.open_engine import StageEngine
from offerkit.usecases.per_contact import decide_contacts, uses_hooks

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

AXIS_VALUES = 20
"""Segments of an axis that an impact tells apart, those of most contacts."""
TOP = 10
"""Offers of an axis's value that are told, those that reach most of its contacts."""


@dataclass(frozen=True)
class SimulationRequest:
    """What is simulated. No spaces: all of the environment. ``axes`` are fields of the contact."""

    environment: str
    spaces: Sequence[str] = ()
    categories: Sequence[str] = ()
    themes: Sequence[str] = ()
    axes: Sequence[str] = ()
    n: int = 3
    seed: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    """Call data that is supposed; what is not given is unknown, required or not."""
    out: Path | None = None
    """A Parquet or CSV file to write every contact's offers to."""
    set_aside: Path | None = None
    """A CSV file for contacts that cannot be read; None: they stop the run."""


def simulate(
    engine: StageEngine,
    contacts: Contacts,
    asked: SimulationRequest,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> tuple[Simulation, tuple[Report, ...]]:
    """The simulation, and warnings.

    Raises Refused when a space or an axis is not known, or a contact cannot be read.
    """
    catalog = engine.catalogs[asked.environment]
    if asked.out is not None:
        if asked.out.suffix not in FORMATS:
            raise refuse(
                Code.UNREADABLE, f"{asked.out} is neither a Parquet nor a CSV file", hint="Name it .parquet or .csv."
            )
        check_output(asked.out, RESULTS)
    axes = tuple(axis_field(catalog, name) for name in dict.fromkeys(asked.axes))
    calls = [call_for(catalog, space, asked, at) for space in asked.spaces or sorted(catalog.spaces)]
    programs = [batch_program(catalog, call, reasons=True) for call in calls]
    needed = {*axes, *(name for made in programs for name in fields_of(made))}
    types = {name: type_ for name, type_ in catalog.dimension.fields.items() if name in needed}
    with (
        bad_rows(asked.set_aside) as bad,
        open_contact_table(contacts, catalog.dimension.key, types, progress, bad) as people,
    ):
        bad.refuse_empty(people.count, catalog.dimension.name)
        results = Results(people) if asked.out is not None else None
        segments = {name: Segments(people, name) for name in axes}
        spaces = [space_result(engine.store, people, made, segments, results) for made in programs]
        if results is not None and asked.out is not None:
            with replacing(asked.out, RESULTS) as path:
                results.write(path, asked.out.suffix)
    made = Simulation(
        catalog.environment,
        str(engine.catalogs.stage),
        display_time(at, catalog.zone),
        asked.n,
        spaces,
        {name: str(value) for name, value in asked.data.items()},
    )
    return made, (*_warnings(programs), *bad.reports())


def emit_queries(
    engine: StageEngine, asked: SimulationRequest, at: datetime, dialect: str, table: str
) -> tuple[dict[str, str], tuple[Report, ...]]:
    """The same decisions as queries for another engine, by space; and warnings.

    ``table``: the contacts' table there; empty: named as the dimension. Raises Refused with what cannot be said.
    """
    from offerkit.batch.emit import InputTables, emit

    catalog = engine.catalogs[asked.environment]
    calls = [call_for(catalog, space, asked, at) for space in asked.spaces or sorted(catalog.spaces)]
    tables = InputTables(table or catalog.dimension.name)
    if not all(tables.contacts.split(".")):
        raise refuse(
            Code.SIMULATION_OPTIONS,
            f"“{table[:80]}” is not the name of a table",
            hint="Write TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE.",
        )
    found: list[Diagnostic] = []
    queries = {}
    programs = [batch_program(catalog, call) for call in calls]
    for made in programs:
        try:
            queries[f"{catalog.environment}/{made.call.space}"] = emit(made, dialect, tables).rstrip() + ";\n"
        except Refused as refused:
            found += refused.diagnostics
    if found:
        raise Refused(list(dict.fromkeys(found)))
    return queries, _warnings(programs)


def _warnings(programs: Sequence[BatchProgram]) -> tuple[Report, ...]:
    """What the calls of ``programs`` warn of, each once: unknown categories, themes and call data."""
    told = dict.fromkeys(report for made in programs for report in made.call.reports)
    unknown = [unknown_data(made.catalog, made.call.data, read_data(programs)) for made in programs[:1]]
    return (*told, *(report for reports in unknown for report in reports))


def read_data(programs: Iterable[BatchProgram]) -> set[str]:
    """The call data that conditions and formulas read, but for spaces where a target-loading hook may add them."""
    return {
        name
        for made in programs
        if not made.catalog.spaces[made.call.space].target_loading
        for condition in deciding_conditions(made)
        for name in condition.expression.data_read
    }


def unknown_data(
    catalog: Catalog, data: Row, compared: Collection[str], shown: Collection[str] = ()
) -> Iterator[Report]:
    """One warning of the call data that are unknown in ``data`` and that something counts on.

    That is what every call has to pass and is ``compared`` in conditions, and whatever is ``shown`` in texts. That a
    call may leave out what is optional is nothing new to a condition.
    """
    given = {name for name, value in data.items() if value is not None}
    missed = {name for name in compared if catalog.call_data[name].required} - given
    blank = set(shown) - given
    names = sorted(missed | blank)
    if names:
        it, is_ = ("it", "is") if len(names) == 1 else ("them", "are")
        effects = [f"conditions that compare {it} do not hold"] * bool(missed)
        effects += [f"texts have nothing in {'its' if it == 'it' else 'their'} place"] * bool(blank)
        said = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        yield Report(
            Code.CALL_DATA_UNKNOWN,
            f"Call data {said} {is_} unknown outside of a call: {', and '.join(effects)} (--data {names[0]}=VALUE)",
            f"environment.{catalog.environment}",
        )


def simulate_in_spark(
    engine: StageEngine,
    contacts: Contacts,
    asked: SimulationRequest,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, tuple[Report, ...]]:
    """The same decisions made by Spark, written to ``asked.out``; how many rows it has, and warnings."""
    from offerkit.batch.emit.spark import run_spark

    catalog = engine.catalogs[asked.environment]
    if asked.out is None or asked.out.suffix not in FORMATS:
        raise refuse(Code.UNREADABLE, "Spark's answer needs a Parquet or CSV file", hint="Name one: --out who.parquet")
    check_output(asked.out, RESULTS)
    programs = [
        batch_program(catalog, call_for(catalog, space, asked, at)) for space in asked.spaces or sorted(catalog.spaces)
    ]
    if not programs:
        raise refuse(Code.UNKNOWN_SPACE, f"{catalog.environment} has no space, so there is nothing to decide")
    types = dict(catalog.dimension.fields)
    with (
        bad_rows(asked.set_aside) as bad,
        open_contact_table(contacts, catalog.dimension.key, types, progress, bad) as people,
    ):
        bad.refuse_empty(people.count, catalog.dimension.name)
        with replacing(asked.out, RESULTS) as path:
            rows = run_spark(people, programs, engine.store, path, asked.out.suffix)
    return rows, (*_warnings(programs), *bad.reports())


def axis_field(catalog: Catalog, name: str) -> str:
    """The field of the contact that ``name`` (``country`` or ``recipient.country``) means; Refused if there is none."""
    if found := field_named(catalog, name):
        return found
    raise refuse(
        Code.UNKNOWN_AXIS,
        f"there is no axis “{name[:80]}”: {catalog.dimension.name} has no such field",
        hint=suggestion(name.removeprefix(f"{catalog.dimension.name}."), catalog.dimension.fields),
    )


def field_named(catalog: Catalog, name: str) -> str:
    """The same; empty when the contacts have no such field."""
    found = name.removeprefix(f"{catalog.dimension.name}.")
    return found if found in catalog.dimension.fields else ""


def call_for(catalog: Catalog, space: str, asked: SimulationRequest, at: datetime) -> Call:
    """The call that is made for everybody. Raises Refused when the space or call data are not declared."""
    return make_call(
        catalog,
        space.removeprefix(f"{catalog.environment}/"),
        who=CallContext(None, "", at, asked.seed, catalog.anonymous, many=True),
        n=asked.n,
        categories=asked.categories,
        themes=asked.themes,
        data=asked.data,
    )


def fields_of(made: BatchProgram) -> Iterator[str]:
    """The contact's fields that a program reads; where hooks take part, all."""
    if uses_hooks(made):
        yield from made.catalog.dimension.fields
    for condition in (*made.conditions, *deciding_conditions(made)):
        yield from fields_read(condition)


@dataclass
class _Counts:
    """What the chunks add up to."""

    by_rank: NDArray[numpy.int64]
    by_count: NDArray[numpy.int64]
    out: dict[int, Counter[Cause]]
    axes: Mapping[str, GivenCounts]


def space_result(
    store: Store | None, people: ContactTable, made: BatchProgram, axes: Mapping[str, Segments], results: Results | None
) -> SpaceResult:
    """What the contacts get on the space of ``made``, and why not; ``results`` collects it contact by contact."""
    import numpy

    catalog, n, size = made.catalog, made.call.n, len(made.items)
    batch = BatchRequest(made, find_exclusions(people, made, store))

    def zeros(*shape: int) -> NDArray[numpy.int64]:
        return numpy.zeros(shape, numpy.int64)

    why = Reasons(made)
    counts = _Counts(
        zeros(n, size),
        zeros(n + 1),
        {place: Counter() for place in why.slice},
        {name: found.given() for name, found in axes.items()},
    )
    for chunk in decide_contacts(people, batch, store):
        _add(counts, chunk, size)
        for place, cause, count in why.count(chunk):
            counts.out[place][cause] += count
        if results is not None:
            results.add(made, chunk)
    offers = sorted(_offers(made, counts, why.slice), key=lambda offer: (-offer.contacts, offer.offer))
    names = [catalog.offers[item.position].name for item in made.items]
    return SpaceResult(
        f"{catalog.environment}/{made.call.space}",
        people.count,
        counts.by_count.tolist(),
        offers,
        [
            (f"{catalog.dimension.name}.{name}", _values(axes[name], given, names))
            for name, given in counts.axes.items()
        ],
    )


def _add(counts: _Counts, chunk: DecidedChunk, size: int) -> None:
    import numpy

    for rank, row in enumerate(chunk.picks):
        counts.by_rank[rank] += numpy.bincount(row[row >= 0], minlength=size)[:size]
    per_contact = (chunk.picks >= 0).sum(axis=0)
    counts.by_count += numpy.bincount(per_contact, minlength=len(counts.by_count))
    for given in counts.axes.values():
        given.add(chunk)


def _offers(made: BatchProgram, counts: _Counts, slice_: Sequence[int]) -> Iterator[OfferResult]:
    """Every offer of the slice, with the reasons for which others do not get it, that of most contacts first."""
    catalog = made.catalog
    items: dict[int, list[int]] = {}
    for number, item in enumerate(made.items):
        items.setdefault(item.position, []).append(number)
    order = {reason: place for place, reason in enumerate(ExclusionReason)}
    for place in slice_:
        offer, own = catalog.offers[place], items.get(place, [])
        by_rank = counts.by_rank[:, own].sum(axis=1).tolist() if own else [0] * made.call.n
        losses = [
            Loss(cause.sentence, cause.address, count)
            for cause, count in sorted(
                counts.out[place].items(), key=lambda pair: (-pair[1], order[pair[0].reason], pair[0].sentence)
            )
        ]
        yield OfferResult(offer.name, offer.category, sum(by_rank), by_rank, losses)


def _values(segments: Segments, given: GivenCounts, offers: Sequence[str]) -> list[AxisValue]:
    """What the segments of an axis are given; ``offers``: the names by item."""
    counts: list[Counter[str]] = [Counter() for _ in segments.names]
    nothing = [0] * len(segments.names)
    for segment, item, count in given.counted():
        if item < 0:
            nothing[segment] = count
        else:
            counts[segment][offers[item]] += count
    return [
        AxisValue(name, size, none, sorted(top.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP])
        for name, size, none, top in zip(segments.names, segments.sizes, nothing, counts, strict=True)
    ]
