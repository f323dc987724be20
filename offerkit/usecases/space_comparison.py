"""One space decided before and after a plan, for the same contacts and with ties broken in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from offerkit.address import Kind
from offerkit.batch import BatchProgram, BatchRequest, ContactTable, DecidedChunk, batch_program, batch_request
from offerkit.batch.reasons import Reasons
from offerkit.engine.catalog import Catalog
from offerkit.engine.reasons import Cause, no_space
from offerkit.store import Store
from offerkit.usecases.hook_reports import HookReports
from offerkit.usecases.per_contact import decide_contacts
from offerkit.usecases.plan_effect import PlanEffect
from offerkit.usecases.population import Population
from offerkit.usecases.simulate import SimulationRequest, call_for

if TYPE_CHECKING:
    from datetime import datetime

    import numpy
    from numpy.typing import NDArray

    Ranks = NDArray[numpy.int16]
    Columns = NDArray[numpy.intp]


@dataclass(frozen=True)
class SpaceComparison:
    """A space before and after; None where it does not exist. ``old_names``: by offer, its name before."""

    space: str
    old: BatchProgram | None
    new: BatchProgram | None
    old_names: dict[str, str]

    def offers(self) -> list[str]:
        """The offers of both sides by their name afterwards, sorted."""
        new_names = {old: new for new, old in self.old_names.items()}
        return sorted({*(new_names.get(name, name) for name in _offers(self.old)), *_offers(self.new)})

    @cached_property
    def reasons(self) -> tuple[Reasons | None, Reasons | None]:
        """The reasons for exclusion, before and after."""
        return (
            None if self.old is None else Reasons(self.old),
            None if self.new is None else Reasons(self.new),
        )

    @property
    def programs(self) -> list[BatchProgram]:
        """The programs of the sides that exist."""
        return [program for program in (self.old, self.new) if program is not None]


@dataclass(frozen=True)
class ComparedChunk:
    """A chunk of contacts decided on both sides."""

    first: int
    width: int
    old: DecidedChunk | None
    new: DecidedChunk | None


def comparisons(effect: PlanEffect, name: str, n: int, times: tuple[datetime, datetime]) -> list[SpaceComparison]:
    """The spaces of an environment: before at the first of ``times``, after at the second."""
    catalog_before = effect.catalogs_before[name] if name in effect.catalogs_before else None  # noqa: SIM401 - compiles; a dict it is not
    catalog_after = effect.catalogs_after[name] if name in effect.catalogs_after else None  # noqa: SIM401
    old_names = _old_names(effect, name, catalog_after)
    request = SimulationRequest(name, n=n)

    def made(catalog: Catalog | None, space: str, at: datetime) -> BatchProgram | None:
        if catalog is None or space not in catalog.spaces:
            return None
        return batch_program(catalog, call_for(catalog, space, request, at), reasons=True)

    new = {
        space: effect.old_name(Kind.SPACE, name, space)
        for space in (catalog_after.spaces if catalog_after is not None else ())
    }
    removed = {
        space: space
        for space in (catalog_before.spaces if catalog_before is not None else ())
        if space not in new.values()
    }
    return [
        SpaceComparison(
            f"{name}/{space}", made(catalog_before, old, times[0]), made(catalog_after, space, times[1]), old_names
        )
        for space, old in sorted({**removed, **new}.items())
    ]


def _old_names(effect: PlanEffect, environment: str, catalog_after: Catalog | None) -> dict[str, str]:
    names = (offer.name for offer in catalog_after.offers) if catalog_after is not None else ()
    old_names = {name: effect.old_name(Kind.OFFER, environment, name) for name in names}
    return {name: old for name, old in old_names.items() if old != name}


def decide_both(
    store: Store | None,
    contacts: Population,
    pair: SpaceComparison,
    hooks: tuple[HookReports | None, HookReports | None] = (None, None),
) -> Iterator[ComparedChunk]:
    """Decide for all contacts, chunk by chunk; ``hooks`` collects what failed before and after."""
    olds = (
        decide_contacts(contacts.before, _batch(contacts.before, store, pair.old), store, hooks[0])
        if pair.old is not None
        else None
    )
    news = (
        decide_contacts(contacts.after, _batch(contacts.after, store, pair.new), store, hooks[1])
        if pair.new is not None
        else None
    )
    if olds is None or news is None:
        for chunk in news or olds or ():
            yield ComparedChunk(
                chunk.first, chunk.picks.shape[1], chunk if news is None else None, chunk if news else None
            )
        return
    for old, new in zip(olds, news, strict=True):
        yield ComparedChunk(new.first, new.picks.shape[1], old, new)


def _batch(contact_table: ContactTable, store: Store | None, program: BatchProgram) -> BatchRequest:
    return batch_request(contact_table, program, store)


def _offers(program: BatchProgram | None) -> Iterator[str]:
    if program is not None:
        yield from (program.catalog.offers[item.position].name for item in program.items)


def ranks(pair: SpaceComparison, both: ComparedChunk, names: Sequence[str]) -> tuple[Ranks, Ranks]:
    """Ranks before and after, by offer (one row for each of ``names``) and contact; 0: not proposed."""
    row_of = {name: row for row, name in enumerate(names)}
    old_rows = {pair.old_names.get(name, name): row for name, row in row_of.items()}
    return _ranks(pair.old, both.old, old_rows, both.width), _ranks(pair.new, both.new, row_of, both.width)


def _ranks(program: BatchProgram | None, chunk: DecidedChunk | None, row_of: dict[str, int], width: int) -> Ranks:
    import numpy

    ranks = numpy.zeros((len(row_of), width), numpy.int16)
    if program is None or chunk is None:
        return ranks
    rows = numpy.array([row_of[program.catalog.offers[item.position].name] for item in program.items] or [0])
    for rank, picks in enumerate(chunk.picks, 1):
        columns = numpy.flatnonzero(picks >= 0)
        ranks[rows[picks[columns]], columns] = rank
    return ranks


def why_not(
    reasons: Reasons | None, chunk: DecidedChunk | None, name: str, columns: Columns
) -> list[tuple[Cause, Columns]]:
    """Why the contacts in ``columns``, who are not proposed an offer on this side, are not."""
    return [(no_space(), columns)] if reasons is None or chunk is None else reasons.of(chunk, name, columns)
