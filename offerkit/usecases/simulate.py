"""``simulate``: who would get what, for all contacts of an environment. Stores and sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from offerkit.batch import (
    FORMATS,
    BatchProgram,
    ContactTable,
    DecidedChunk,
    Results,
    batch_program,
    batch_request,
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
from offerkit.usecases.hook_reports import HookReports
from offerkit.usecases.open_engine import StageEngine
from offerkit.usecases.per_contact import decide_contacts, uses_hooks
from offerkit.usecases.simulated_part import (
    COMBINED,
    PopulationCondition,
    SimulatedAxis,
    axes_of,
    group_counters,
    group_results,
    offers_only,
    population_condition,
)

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

T = TypeVar("T")

AXIS_VALUES = 20
"""How many segments of an axis an impact lists: those with most contacts."""
TOP = 10
"""How many offers to list for a value of an axis: those that reach most of its contacts."""


@dataclass(frozen=True)
class SimulationRequest:
    """What to simulate. Without ``spaces``: all of the environment. ``axes``: what to count by."""

    environment: str
    spaces: Sequence[str] = ()
    categories: Sequence[str] = ()
    themes: Sequence[str] = ()
    axes: Sequence[str] = ()
    population: str = ""
    """A condition on the contacts to simulate for."""
    offers: str = ""
    """A condition on the offers to simulate."""
    n: int = 3
    seed: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    """Assumed call data; anything not given is unknown, even if calls require it."""
    out: Path | None = None
    """A Parquet or CSV file for every contact's offers."""
    set_aside: Path | None = None
    """A CSV file for unreadable contacts; without it, they stop the run."""


def simulate(
    engine: StageEngine,
    contacts: Contacts,
    request: SimulationRequest,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> tuple[Simulation, tuple[Report, ...]]:
    """Simulate; returns the result and warnings.

    Raises Refused if a space or field is unknown, or a contact cannot be read.
    """
    catalog = engine.catalogs[request.environment]
    if request.out is not None:
        if request.out.suffix not in FORMATS:
            raise refuse(
                Code.UNREADABLE, f"{request.out} is neither a Parquet nor a CSV file", hint="Name it .parquet or .csv."
            )
        check_output(request.out, RESULTS)
    axes, population, calls = _part(catalog, request, at)
    programs = [batch_program(catalog, call, reasons=True) for call in calls]
    needed = {
        *(axis.field for axis in axes if axis.field),
        *(name for program in programs for name in fields_of(program)),
    }
    needed |= set(population.fields) if population is not None else set()
    types = {name: type_ for name, type_ in catalog.dimension.fields.items() if name in needed}
    with (
        bad_rows(request.set_aside) as bad,
        open_contact_table(contacts, catalog.dimension.key, types, progress, bad) as contact_table,
    ):
        bad.refuse_empty(contact_table.count, catalog.dimension.name)
        _narrow(contact_table, population)
        results = Results(contact_table) if request.out is not None else None
        segments = {
            axis.title: Segments(contact_table, axis.field, COMBINED if axis.offer else None)
            for axis in axes
            if axis.field
        }
        hooks = HookReports()
        spaces = [
            space_result(engine.store, contact_table, program, (axes, segments), results, hooks) for program in programs
        ]
        if results is not None and request.out is not None:
            with replacing(request.out, RESULTS) as path:
                results.write(path, request.out.suffix)
    simulation = Simulation(
        catalog.environment,
        str(engine.catalogs.stage),
        display_time(at, catalog.zone),
        request.n,
        spaces,
        {name: str(value) for name, value in request.data.items()},
        request.population,
        request.offers,
    )
    return simulation, (*_warnings(programs), *hooks.reports(), *bad.reports())


def emit_queries(
    engine: StageEngine, request: SimulationRequest, at: datetime, dialect: str, table: str
) -> tuple[dict[str, str], tuple[Report, ...]]:
    """The same decisions as SQL queries for another engine, by space; and warnings.

    ``table``: the name of the contact table there; by default that of the dimension. Raises Refused with everything
    that cannot be expressed.
    """
    from offerkit.batch.emit import InputTables, emit

    catalog = engine.catalogs[request.environment]
    _, _, calls = _part(catalog, request, at)
    tables = InputTables(table or catalog.dimension.name)
    if not all(tables.contacts.split(".")):
        raise refuse(
            Code.SIMULATION_OPTIONS,
            f"“{table[:80]}” is not the name of a table",
            hint="Write TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE.",
        )
    diagnostics: list[Diagnostic] = []
    queries = {}
    programs = [batch_program(catalog, call) for call in calls]
    for program in programs:
        try:
            queries[f"{catalog.environment}/{program.call.space}"] = emit(program, dialect, tables).rstrip() + ";\n"
        except Refused as refused:
            diagnostics += refused.diagnostics
    if diagnostics:
        raise Refused(list(dict.fromkeys(diagnostics)))
    return queries, _warnings(programs)


def _warnings(programs: Sequence[BatchProgram]) -> tuple[Report, ...]:
    """The warnings of ``programs``, each once: unknown categories, themes and call data."""
    call_reports = dict.fromkeys(report for program in programs for report in program.call.reports)
    unknown = [unknown_data(program.catalog, program.call.data, read_data(programs)) for program in programs[:1]]
    return (*call_reports, *(report for reports in unknown for report in reports))


def read_data(programs: Iterable[BatchProgram]) -> set[str]:
    """The call data that conditions and formulas read, except on spaces whose target-loading hook may add it."""
    return {
        name
        for program in programs
        if not program.catalog.spaces[program.call.space].target_loading
        for condition in deciding_conditions(program)
        for name in condition.expression.data_read
    }


def unknown_data(
    catalog: Catalog, data: Row, compared: Collection[str], shown: Collection[str] = ()
) -> Iterator[Report]:
    """One warning about call data that is unknown in ``data`` and matters.

    That is required call data ``compared`` in conditions, and any call data ``shown`` in texts. Optional call data may
    be missing from any call, so conditions must expect that.
    """
    known = {name for name, value in data.items() if value is not None}
    missed = {name for name in compared if name in catalog.call_data and catalog.call_data[name].required} - known
    blank = set(shown) - known - set(catalog.call_facts)
    names = sorted(missed | blank)
    if names:
        it, is_ = ("it", "is") if len(names) == 1 else ("them", "are")
        effects = [f"conditions that compare {it} do not hold"] * bool(missed)
        effects += [f"texts have nothing in {'its' if it == 'it' else 'their'} place"] * bool(blank)
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        yield Report(
            Code.CALL_DATA_UNKNOWN,
            f"Call data {listed} {is_} unknown outside of a call: {', and '.join(effects)} (--data {names[0]}=VALUE)",
            f"environment.{catalog.environment}",
        )


def simulate_in_spark(
    engine: StageEngine,
    contacts: Contacts,
    request: SimulationRequest,
    at: datetime,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, tuple[Report, ...]]:
    """The same decisions made by Spark and written to ``asked.out``; returns the number of rows, and warnings."""
    from offerkit.batch.emit.spark import run_spark

    catalog = engine.catalogs[request.environment]
    if request.out is None or request.out.suffix not in FORMATS:
        raise refuse(
            Code.UNREADABLE, "Spark needs a Parquet or CSV file for its result", hint="Name one: --out who.parquet"
        )
    check_output(request.out, RESULTS)
    _, population, calls = _part(catalog, request, at)
    programs = [batch_program(catalog, call) for call in calls]
    if not programs:
        raise refuse(Code.UNKNOWN_SPACE, f"{catalog.environment} has no spaces, so there is nothing to decide")
    types = dict(catalog.dimension.fields)
    with (
        bad_rows(request.set_aside) as bad,
        open_contact_table(contacts, catalog.dimension.key, types, progress, bad) as contact_table,
    ):
        bad.refuse_empty(contact_table.count, catalog.dimension.name)
        _narrow(contact_table, population)
        with replacing(request.out, RESULTS) as path:
            rows = run_spark(contact_table, programs, engine.store, path, request.out.suffix)
    return rows, (*_warnings(programs), *bad.reports())


def axis_field(catalog: Catalog, name: str) -> str:
    """The contact field that ``name`` (``country`` or ``recipient.country``) means. Raises Refused if it is unknown."""
    if field_name := field_named(catalog, name):
        return field_name
    raise refuse(
        Code.UNKNOWN_AXIS,
        f"cannot group by “{name[:80]}”: {catalog.dimension.name} has no such field",
        hint=suggestion(name.removeprefix(f"{catalog.dimension.name}."), catalog.dimension.fields),
    )


def field_named(catalog: Catalog, name: str) -> str:
    """Like :func:`axis_field`, but empty if there is no such field."""
    field_name = name.removeprefix(f"{catalog.dimension.name}.")
    return field_name if field_name in catalog.dimension.fields else ""


def _part(
    catalog: Catalog, request: SimulationRequest, at: datetime
) -> tuple[list[SimulatedAxis], PopulationCondition | None, list[Call]]:
    """The axes, the population, and a call for each space with the offers that the request is about.

    Raises Refused with everything that is wrong with them.
    """
    spaces = dict.fromkeys(space.removeprefix(f"{catalog.environment}/") for space in request.spaces)
    mistakes: list[Diagnostic] = []
    axes = _unless_refused(mistakes, lambda: axes_of(catalog, request.axes))
    population = _unless_refused(mistakes, lambda: population_condition(catalog, request.population, at))
    calls = _unless_refused(
        mistakes, lambda: [call_for(catalog, space, request, at) for space in spaces or sorted(catalog.spaces)]
    )
    narrowed = _unless_refused(mistakes, lambda: offers_only(catalog, request.offers, at, calls or []))
    if mistakes:
        raise Refused(mistakes)
    return axes or [], population, narrowed or []


def _unless_refused(mistakes: list[Diagnostic], make: Callable[[], T]) -> T | None:
    """What ``make`` returns; None, and its diagnostics are added to ``mistakes``, if it is refused."""
    try:
        return make()
    except Refused as refused:
        mistakes += refused.diagnostics
        return None


def _narrow(contact_table: ContactTable, population: PopulationCondition | None) -> None:
    """Keep the contacts of the population. Raises Refused if there are none."""
    if population is None:
        return
    contact_table.narrow(population.sql)
    if not contact_table.count:
        raise refuse(
            Code.NO_MATCH,
            "no contact meets the condition of --population",
            detail="There is nobody to decide for.",
            hint="Count the values first: offerkit eval CONDITION",
        )


def call_for(catalog: Catalog, space: str, request: SimulationRequest, at: datetime) -> Call:
    """The call made for every contact. Raises Refused if the space or call data is not declared."""
    return make_call(
        catalog,
        space.removeprefix(f"{catalog.environment}/"),
        who=CallContext(None, "", at, request.seed, catalog.anonymous, many=True),
        n=request.n,
        categories=request.categories,
        themes=request.themes,
        data=request.data,
    )


def fields_of(program: BatchProgram) -> Iterator[str]:
    """The contact fields that a program reads; all of them where hooks take part."""
    if uses_hooks(program):
        yield from program.catalog.dimension.fields
    for condition in (*program.conditions, *deciding_conditions(program)):
        yield from fields_read(condition)


@dataclass
class _Counts:
    """Sums over chunks of contacts."""

    by_rank: NDArray[numpy.int64]
    by_count: NDArray[numpy.int64]
    out: dict[int, Counter[Cause]]
    axes: Mapping[str, GivenCounts]


def space_result(
    store: Store | None,
    contact_table: ContactTable,
    program: BatchProgram,
    by: tuple[Sequence[SimulatedAxis], Mapping[str, Segments]],
    results: Results | None,
    hooks: HookReports | None = None,
) -> SpaceResult:
    """What contacts get on a space and why not; ``results`` collects the offers of each contact.

    ``by``: the axes, and by title the segments of those with a field of contacts. ``hooks`` collects what failed.
    """
    import numpy

    catalog, n, size = program.catalog, program.call.n, len(program.items)
    batch = batch_request(contact_table, program, store)

    def zeros(*shape: int) -> NDArray[numpy.int64]:
        return numpy.zeros(shape, numpy.int64)

    axes, segments = by
    of_contacts = {axis.title: segments[axis.title] for axis in axes if not axis.offer}
    groups = group_counters(axes, program, segments)
    reasons = Reasons(program)
    counts = _Counts(
        zeros(n, size),
        zeros(n + 1),
        {position: Counter() for position in reasons.slice},
        {title: own.given() for title, own in of_contacts.items()},
    )
    for chunk in decide_contacts(contact_table, batch, store, hooks):
        _add(counts, chunk, size)
        for counter in groups.values():
            counter.add(chunk)
        for position, cause, count in reasons.count(chunk):
            counts.out[position][cause] += count
        if results is not None:
            results.add(program, chunk)
    offers = sorted(_offers(program, counts, reasons.slice), key=lambda offer: (-offer.contacts, offer.offer))
    names = [catalog.offers[item.position].name for item in program.items]
    return SpaceResult(
        f"{catalog.environment}/{program.call.space}",
        contact_table.count,
        counts.by_count.tolist(),
        offers,
        [(title, _values(of_contacts[title], axis_counts, names)) for title, axis_counts in counts.axes.items()],
        list(group_results(groups, axes, contact_table.count)),
    )


def _add(counts: _Counts, chunk: DecidedChunk, size: int) -> None:
    import numpy

    for rank, row in enumerate(chunk.picks):
        counts.by_rank[rank] += numpy.bincount(row[row >= 0], minlength=size)[:size]
    per_contact = (chunk.picks >= 0).sum(axis=0)
    counts.by_count += numpy.bincount(per_contact, minlength=len(counts.by_count))
    for axis_counts in counts.axes.values():
        axis_counts.add(chunk)


def _offers(program: BatchProgram, counts: _Counts, slice_: Sequence[int]) -> Iterator[OfferResult]:
    """Every offer of the slice, with the reasons why contacts do not get it, the most frequent first."""
    catalog = program.catalog
    items: dict[int, list[int]] = {}
    for number, item in enumerate(program.items):
        items.setdefault(item.position, []).append(number)
    order = {reason: position for position, reason in enumerate(ExclusionReason)}
    for position in slice_:
        offer, own = catalog.offers[position], items.get(position, [])
        by_rank = counts.by_rank[:, own].sum(axis=1).tolist() if own else [0] * program.call.n
        losses = [
            Loss(cause.sentence, cause.address, count)
            for cause, count in sorted(
                counts.out[position].items(), key=lambda pair: (-pair[1], order[pair[0].reason], pair[0].sentence)
            )
        ]
        yield OfferResult(offer.name, offer.category, sum(by_rank), by_rank, losses)


def _values(segments: Segments, axis_counts: GivenCounts, offers: Sequence[str]) -> list[AxisValue]:
    """What the segments of an axis get; ``offers``: the offers' names by item."""
    counts: list[Counter[str]] = [Counter() for _ in segments.names]
    nothing = [0] * len(segments.names)
    for segment, item, count in axis_counts.counted():
        if item < 0:
            nothing[segment] = count
        else:
            counts[segment][offers[item]] += count
    return [
        AxisValue(name, size, none, sorted(top.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP])
        for name, size, none, top in zip(segments.names, segments.sizes, nothing, counts, strict=True)
    ]
