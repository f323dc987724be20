"""What a change means for people: the batch before and after, on the same contacts and with the same ties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from offerkit.address import Stage
from offerkit.batch import Batch, Decided, People, Program, decide_all, open_people, over, program
from offerkit.engine.catalog import Catalog
from offerkit.planning.plan import Plan, PlanKind
from offerkit.reports.impact import Example, Impact, OfferImpact, SpaceImpact
from offerkit.rules.types import FieldType, Row
from offerkit.store import Store
from offerkit.workflow.catalogs import Catalogs, after, designed, live
from offerkit.workflow.moments import moment
from offerkit.workflow.people import People as Sources
from offerkit.workflow.points import point
from offerkit.workflow.session import Session
from offerkit.workflow.simulating import Asked, call_for, fields_of, histories, never, requirements

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

EXAMPLES = 5
"""Contacts that are named for each change of an offer, at most."""


def of_plan(session: Session, plan: Plan, n: int, at: str = "") -> Impact:
    """The impact of ``plan``: of a promotion on live, of an apply on design as if all of it were approved.

    ``at``: the moment after; before is now. Raises Refused when contacts cannot be read.
    """
    with session.reading() as store:
        if plan.kind is PlanKind.PROMOTE and store is not None:
            before, later, stage = live(store), after(plan, store), Stage.LIVE
        else:
            before, later = designed(point(session, store, Stage.DESIGN)), designed(point(session, store, "specs"))
            stage = Stage.DESIGN
        names = [name for name in later.names if name in later]
        touched = {step.stage.partition("@")[0] for step in plan.steps if step.stage.endswith(f"@{stage}")}
        if not at and "shared" not in touched:
            names = [name for name in names if name in touched]
        with Sources(later, session.project.root, session.environ) as sources:
            spaces = [
                space
                for name in names
                if sources.has_source(name)
                for space in _environment(store, (before, later), sources, name, n, (session.now, at))
            ]
        zone = later[names[0]].zone if names else None
    now, then = (moment(text, zone, session.now) if zone is not None else None for text in ("", at))
    return Impact(_said(now, zone), _said(then, zone), n, spaces)


def _said(when: datetime | None, zone: object) -> str:
    from datetime import tzinfo

    if when is None or not isinstance(zone, tzinfo):
        return ""
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _environment(
    store: Store | None,
    catalogs: tuple[Catalogs, Catalogs],
    sources: Sources,
    name: str,
    n: int,
    times: tuple[str, str],
) -> Iterator[SpaceImpact]:
    before = catalogs[0]
    was = before[name] if name in before else None  # noqa: SIM401 - compiles; a dict it is not
    will = catalogs[1][name]
    asked = Asked(name, n=n)
    now, then = moment("", will.zone, times[0]), moment(times[1], will.zone, times[0])
    pairs: list[tuple[Program | None, Program]] = []
    for space in sorted(will.spaces):
        made = program(will, call_for(will, space, asked, then))
        old = program(was, call_for(was, space, asked, now)) if was is not None and space in was.spaces else None
        pairs.append((old, made))
    programs = [made for pair in pairs for made in pair if made is not None]
    known: dict[str, FieldType] = {**(was.dimension.fields if was is not None else {}), **will.dimension.fields}
    needed = {field for made in programs for field in fields_of(made)}
    types = {field: type_ for field, type_ in known.items() if field in needed}
    with open_people(_whole(sources.of(name).rows(), types), will.dimension.key, types) as people:
        for old, made in pairs:
            yield _space(store, people, old, made)


def _whole(rows: Iterator[Row], types: Mapping[str, FieldType]) -> Iterator[Row]:
    """A field that only the stage before declares is unknown now."""
    for row in rows:
        yield row if row.keys() >= types.keys() else {**dict.fromkeys(types), **row}


@dataclass
class _Change:
    before: int = 0
    gained: int = 0
    lost: int = 0
    moved: int = 0
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def _space(store: Store | None, people: People, old: Program | None, made: Program) -> SpaceImpact:
    names = sorted({*_offers(old), *_offers(made)})
    changes = {name: _Change() for name in names}
    changed = emptied = 0
    befores = decide_all(people, _batch(store, old)) if old is not None else None
    for chunk in decide_all(people, _batch(store, made)):
        earlier = next(befores) if befores is not None else None
        width = chunk.picks.shape[1]
        was, will = _ranks(old, earlier, names, width), _ranks(made, chunk, names, width)
        changed += int((was != will).any(axis=0).sum())
        emptied += int(((will == 0).all(axis=0) & (was > 0).any(axis=0)).sum())
        for row, name in enumerate(names):
            _count(changes[name], name, (old, made), (earlier, chunk), (was[row], will[row]))
    keys = _keys(
        people, {number for change in changes.values() for found in change.examples.values() for number, _ in found}
    )
    offers = [
        OfferImpact(
            name, change.before, change.gained, change.lost, change.moved,
            [Example(keys[number], word, why) for word, found in change.examples.items() for number, why in found],
        )
        for name, change in changes.items()
        if change.gained or change.lost or change.moved
    ]  # fmt: skip
    offers.sort(key=lambda offer: (-(offer.gained + offer.lost + offer.moved), offer.offer))
    return SpaceImpact(f"{made.catalog.environment}/{made.call.space}", people.count, changed, emptied, offers)


def _batch(store: Store | None, made: Program) -> Batch:
    return Batch(made, over(made, histories(store, made.catalog, made.call.now)))


def _offers(made: Program | None) -> Iterator[str]:
    if made is not None:
        yield from (made.catalog.offers[item.place].name for item in made.items)


def _ranks(made: Program | None, chunk: Decided | None, names: Sequence[str], width: int) -> NDArray[numpy.int16]:
    """Ranks by offer and contact, 0 for none."""
    import numpy

    ranks = numpy.zeros((len(names), width), numpy.int16)
    if made is None or chunk is None:
        return ranks
    row_of = {name: row for row, name in enumerate(names)}
    rows = numpy.array([row_of[made.catalog.offers[item.place].name] for item in made.items] or [0])
    for rank, picks in enumerate(chunk.picks, 1):
        columns = numpy.flatnonzero(picks >= 0)
        ranks[rows[picks[columns]], columns] = rank
    return ranks


def _count(
    change: _Change, name: str, programs: tuple[Program | None, Program], chunks: tuple[Decided | None, Decided],
    ranks: tuple[NDArray[numpy.int16], NDArray[numpy.int16]],
) -> None:  # fmt: skip
    import numpy

    was, will = ranks
    kinds = {
        "gained": (will > 0) & (was == 0),
        "lost": (was > 0) & (will == 0),
        "moved": (was > 0) & (will > 0) & (was != will),
    }
    change.before += int((was > 0).sum())
    for word, where in kinds.items():
        setattr(change, word, getattr(change, word) + int(where.sum()))
        found = change.examples.setdefault(word, [])
        for column in numpy.flatnonzero(where)[: max(0, EXAMPLES - len(found))].tolist():
            found.append(
                (
                    chunks[1].first + column,
                    _why(word, name, programs, chunks, column, int(was[column]), int(will[column])),
                )
            )


def _why(
    word: str, name: str, programs: tuple[Program | None, Program], chunks: tuple[Decided | None, Decided],
    column: int, was: int, will: int,
) -> str:  # fmt: skip
    match word:
        case "moved":
            return f"rank {was} → {will}"
        case "lost":
            return reason(programs[1], chunks[1], name, column)
        case _:
            return f"before: {reason(programs[0], chunks[0], name, column)}"


def reason(made: Program | None, chunk: Decided | None, name: str, column: int) -> str:
    """Why an offer is not given to the contact of a column."""
    if made is None or chunk is None:
        return "there was no such space"
    catalog: Catalog = made.catalog
    place = catalog.place_of.get(name)
    if place is None:
        return "there was no such offer"
    offer = catalog.offers[place]
    own = [number for number, item in enumerate(made.items) if item.place == place]
    if not own:
        return never(offer, made.call.space, made).reason
    if not chunk.holds[-1, column]:
        return "the environment's filter"
    numbers = {gate: number for number, gate in enumerate(made.gates)}
    for what, requirement in requirements(offer):
        number = numbers.get(requirement.gate)
        if number is not None and not chunk.holds[number, column]:
            return f"{what}: {' '.join(requirement.gate.condition.text.split())}"
    if not chunk.eligible[own, column].any():
        return "no weight of it holds"
    if not chunk.presentable[own, column].any():
        return "a presentation rule"
    return "others weigh more"


def _keys(people: People, numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    found: list[tuple[int, str]] = people.connection.execute(
        "SELECT n, k FROM contact WHERE n IN (SELECT unnest(?))", [sorted(numbers)]
    ).fetchall()
    return dict(found)
