"""The impact of a change on contacts: decisions before and after, for the same contacts and with ties broken alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from offerkit.batch import ContactTable
from offerkit.batch.segments import Segments
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, or_list, refuse
from offerkit.engine.counts import FEWEST
from offerkit.engine.impact import Example, Impact, OfferImpact, Segment, SpaceImpact, rounded_space, without_contacts
from offerkit.plans.plan import Plan, PlanKind
from offerkit.store import Store
from offerkit.times import common_zone, display_time
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.contact_access import contact_rights, hiding_contacts, not_a_contact_reader
from offerkit.usecases.hook_reports import HookReports, failed_hooks
from offerkit.usecases.impact_limit import limit_of
from offerkit.usecases.plan_effect import PlanEffect, plan_effect
from offerkit.usecases.population import Population, population
from offerkit.usecases.requests import ImpactRequest
from offerkit.usecases.session import Session
from offerkit.usecases.simulate import AXIS_VALUES, axis_field, field_named
from offerkit.usecases.space_comparison import ComparedChunk, SpaceComparison, comparisons, decide_both, ranks, why_not

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from offerkit.usecases.space_comparison import Ranks

    Flags = NDArray[numpy.bool_]

EXAMPLES = 5
"""How many contacts to name for each kind of change of an offer."""


def impact_of_plan(session: Session, plan: Plan, request: ImpactRequest) -> Impact:
    """The impact of ``plan``: of a promotion on live, of an apply on design as if all of it were approved.

    Numbers are rounded for operators without access to the contacts. Raises Refused if contacts cannot be read, if they
    lack the field to group by, and for options that would reveal contacts to such an operator.
    """
    return session.backend.impact(session, plan, request)


def impact_here(session: Session, plan: Plan, request: ImpactRequest) -> Impact:
    """:func:`impact_of_plan` on the machine that has the contacts."""
    with session.reading() as store:
        return _impact(session, store, plan_effect(plan, store), request, plan.kind)


def impact_of_change(
    session: Session, effect: PlanEffect, request: ImpactRequest, contacts: Mapping[str, str]
) -> Impact:
    """The impact of any change on the contacts of this machine, with or without a store.

    ``contacts``: by dimension, a file of the project to read instead of the declared source.
    """
    with session.reading() as store:
        return _impact(session, store, effect, request, PlanKind.APPLY, contacts)


def _impact(
    session: Session,
    store: Store | None,
    effect: PlanEffect,
    request: ImpactRequest,
    kind: PlanKind,
    contacts: Mapping[str, str] = MappingProxyType({}),
) -> Impact:
    names = effect.environments if request.at else effect.deciding
    files = {name: contacts.get(effect.catalog(name).dimension.name, "") for name in names}
    with effect.people(session) as sources:
        without_source = [name for name in names if not files[name] and not sources(name).has_source(name)]
        with_source = [name for name in names if name not in without_source]
        allowed = contact_rights(session, store)
        hidden = [name for name in with_source if not allowed.may_read(name, effect.catalog(name).dimension.name)]
        _check_options(session, request, hidden)
        _check_fields(effect, with_source, request)
        zone = common_zone(effect.catalog(name).zone for name in names)
        times = parse_time("", zone, session.now), parse_time(request.at, zone, session.now)
        spaces: list[SpaceImpact] = []
        for name in with_source:
            with hiding_contacts(name not in hidden, name):
                limited = kind is not PlanKind.ROLLBACK  # a rollback must be possible at any time
                source = sources(name).of(name, files[name])
                impacts = list(_environment(store, effect, source, name, request, times, limited=limited))
            judged = kind is PlanKind.PROMOTE
            spaces += [rounded_space(space, judged=judged) for space in impacts] if name in hidden else impacts
    now, then = ((display_time(time, zone) if names else "") for time in times)
    return Impact(now, then, request.n, spaces, without_source)


def _check_options(session: Session, request: ImpactRequest, hidden: Sequence[str]) -> None:
    """Refuse options that would reveal single contacts to operators without access to them; small samples
    would, too.
    """
    if hidden and request.options:
        verb = "is" if len(request.options) == 1 else "are"
        hint = f"Leave out {or_list(request.options)} to get rounded numbers."
        raise not_a_contact_reader(session.operator, f"{' and '.join(request.options)} {verb}", hidden, hint)


def _check_fields(effect: PlanEffect, names: Sequence[str], request: ImpactRequest) -> None:
    """Refuse a field that no environment's contacts have, and one that identifies contacts."""
    catalogs = {name: effect.catalog(name) for name in names}
    for text in request.by:
        if catalogs and not any(field_named(catalog, text) for catalog in catalogs.values()):
            axis_field(catalogs[names[0]], text)
        for name, catalog in catalogs.items() if not request.examples else ():
            if field_named(catalog, text) in effect.identifying(name):
                raise refuse(
                    Code.IDENTIFYING_FIELD,
                    f"--by {text[:80]} would name contacts, because the field identifies them",
                    hint="Add --examples to allow contacts to be named in the output.",
                )


def _environment(
    store: Store | None,
    effect: PlanEffect,
    source: Contacts,
    name: str,
    request: ImpactRequest,
    times: tuple[datetime, datetime],
    *,
    limited: bool,
) -> Iterator[SpaceImpact]:
    catalog = effect.catalog(name)
    pairs = comparisons(effect, name, request.n, times)
    fields = dict.fromkeys(field for text in request.by if (field := field_named(catalog, text)))
    programs = [program for pair in pairs for program in pair.programs]
    catalog_before = effect.catalogs_before[name] if name in effect.catalogs_before else None  # noqa: SIM401 - compiles; a dict it is not
    limit = limit_of(effect, name) if limited else None
    with population((catalog_before, catalog), programs, source.rows, fields, request.sample) as contacts:
        fewest = 1 if request.examples else FEWEST
        axes = {
            f"{catalog.dimension.name}.{name}": Segments(contacts.after, name, AXIS_VALUES, fewest) for name in fields
        }
        for pair in pairs:
            space = space_impact(store, contacts, pair, axes, limit.text if limit is not None else "")
            yield space if request.examples else without_contacts(space)


@dataclass
class _OfferChange:
    before: int = 0
    gained: int = 0
    lost: int = 0
    moved: int = 0
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of changes."""
        return self.gained + self.lost + self.moved


@dataclass
class _Totals:
    """Contacts affected on a space, in total and by segment."""

    changed: int = 0
    served: int = 0
    emptied: int = 0
    by: dict[str, dict[str, NDArray[numpy.int64]]] = field(default_factory=dict)


def space_impact(
    store: Store | None, contacts: Population, pair: SpaceComparison, segments: Mapping[str, Segments], max_lost: str
) -> SpaceImpact:
    """What changes for contacts on a space, with a few example contacts for each kind of change."""
    names = pair.offers()
    changes = {name: _OfferChange() for name in names}
    totals = _Totals(by={axis: {} for axis in segments})
    hooks = HookReports(), HookReports()
    for both in decide_both(store, contacts, pair, hooks):
        old_ranks, new_ranks = ranks(pair, both, names)
        _total(totals, both.first, old_ranks, new_ranks, segments)
        for row, name in enumerate(names):
            _count(changes[name], name, pair, both, (old_ranks[row], new_ranks[row]))
    shown = {number for change in changes.values() for examples in change.examples.values() for number, _ in examples}
    keys = _keys(contacts.after, shown)
    changed = {name: change for name, change in changes.items() if change.total}
    offers = [
        OfferImpact(
            name,
            change.before,
            change.gained,
            change.lost,
            change.moved,
            [
                Example(keys[number], word, why)
                for word, examples in change.examples.items()
                for number, why in examples
            ],
        )
        for name, change in sorted(changed.items(), key=lambda item: (-item[1].total, item[0]))
    ]
    by = [(axis, _segments(values, totals.by[axis])) for axis, values in segments.items()]
    return SpaceImpact(
        pair.space,
        contacts.sample.population if contacts.sample is not None else contacts.count,
        totals.changed,
        totals.emptied,
        offers,
        totals.served,
        max_lost,
        by,
        contacts.sample,
        failed_hooks=failed_hooks(*hooks),
    )


def _total(totals: _Totals, first: int, old: Ranks, new: Ranks, segments: Mapping[str, Segments]) -> None:
    import numpy

    had: Flags = numpy.asarray((old > 0).any(axis=0))
    emptied: Flags = had & numpy.asarray((new == 0).all(axis=0))
    flags: dict[str, Flags] = {
        "changed": (old != new).any(axis=0),
        "gained": ((new > 0) & (old == 0)).any(axis=0),
        "lost": ((old > 0) & (new == 0)).any(axis=0),
        "emptied": emptied,
    }
    totals.changed += int(flags["changed"].sum())
    totals.served += int(had.sum())
    totals.emptied += int(emptied.sum())
    for axis, axis_segments in segments.items():
        counted = totals.by[axis]
        for word, which in flags.items():
            part = axis_segments.count(first, which)
            counted[word] = counted[word] + part if word in counted else part


def _segments(axis_segments: Segments, counted: Mapping[str, NDArray[numpy.int64]]) -> list[Segment]:
    """The counted segments, those with most contacts first."""

    def number(word: str, index: int) -> int:
        return int(counted[word][index]) if word in counted else 0

    return [
        Segment(name, size, *(number(word, index) for word in ("changed", "gained", "lost", "emptied")))
        for index, (name, size) in enumerate(zip(axis_segments.names, axis_segments.sizes, strict=True))
    ]


def _count(
    change: _OfferChange, name: str, pair: SpaceComparison, both: ComparedChunk, ranks: tuple[Ranks, Ranks]
) -> None:
    import numpy

    old, new = ranks
    kinds = {
        "gained": (new > 0) & (old == 0),
        "lost": (old > 0) & (new == 0),
        "moved": (old > 0) & (new > 0) & (old != new),
    }
    change.before += int((old > 0).sum())
    for word, where in kinds.items():
        setattr(change, word, getattr(change, word) + int(where.sum()))
        examples = change.examples.setdefault(word, [])
        for column in numpy.flatnonzero(where)[: max(0, EXAMPLES - len(examples))].tolist():
            moved = f"rank {old[column]} → {new[column]}"
            reason = moved if word == "moved" else _why(word, name, pair, both, column)
            examples.append((both.first + column, reason))


def _why(word: str, name: str, pair: SpaceComparison, both: ComparedChunk, column: int) -> str:
    import numpy

    columns = numpy.array([column])
    old, new = pair.reasons
    if word == "lost":
        return why_not(new, both.new, name, columns)[0][0].sentence
    return f"before: {why_not(old, both.old, pair.old_names.get(name, name), columns)[0][0].sentence}"


def _keys(contact_table: ContactTable, numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    rows: list[tuple[int, str]] = contact_table.connection.execute(
        "SELECT n, k FROM contact WHERE n IN (SELECT unnest(?))", [sorted(numbers)]
    ).fetchall()
    return dict(rows)
