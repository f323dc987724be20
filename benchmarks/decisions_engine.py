"""Measures of the engine: whole decisions with and without an index, with and without a store, and its start."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex

from decisions_catalog import ENVIRONMENT, ROOTS, SPACE, Live, Shape, category_name, history, live, theme_name
from decisions_loop import Asked, Loop
from decisions_measure import Latency, Spread, latency, latency_of, quiet, spread
from decisions_rules import NOW, Contact, contact_name
from measure import BenchmarkError

from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.compile import compile_catalog
from offerkit.engine.decide import decide
from offerkit.engine.decision import SpaceDecision
from offerkit.engine.history import PastProposition
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store

COUNT = 3
"""How many offers each call asks for."""
WHOLE, CATEGORY, THEME = "whole catalog", "naming a category", "naming a theme"
MET, NEVER_MET = "contacts met before", "contacts never met before"
CHUNK = 20_000
CHECKED = 200
"""Contacts for whom each kind of call is checked against the plain loop."""


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds to compile a catalog from canonical bodies, and to the end of the first decision after that."""

    offers: int
    compile: Spread
    first: Spread


@dataclass(frozen=True, slots=True)
class Growth:
    """What one size gave: by kind of call the latency, the offers of the slice, and those that may be proposed."""

    shape: Shape
    engine: Mapping[str, Latency]
    loop: Mapping[str, Latency]
    considered: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class ManyRules:
    """Decisions over a catalog where every offer has a rule of its own, by whether the contact was met before."""

    shape: Shape
    engine: Mapping[str, Latency]


@dataclass(frozen=True, slots=True)
class Stage:
    """A compiled live stage, and who asks: contacts with their histories."""

    live: Live
    catalog: Catalog
    contacts: Sequence[Contact]
    histories: Sequence[tuple[PastProposition, ...]]

    def asked(self, kind: str) -> list[Asked]:
        """A question from every contact; the categories, or the themes, are named in turn, each as often."""
        shape = self.live.shape
        categories = itertools.cycle(range(ROOTS, shape.categories))
        themes = itertools.cycle(range(shape.themes))
        found = []
        for contact, past_ in zip(self.contacts, self.histories, strict=True):
            category = category_name(next(categories)) if kind == CATEGORY else ""
            theme = theme_name(next(themes)) if kind == THEME else ""
            found.append(Asked(contact, past_, SPACE, category, theme))
        return found

    def decide(self, asked: Asked) -> SpaceDecision:
        """The engine's answer, the check of the call included."""
        call = make_call(
            self.catalog,
            asked.space,
            who=CallContext(asked.contact.recipient, str(asked.contact.recipient["id"]), NOW),
            n=COUNT,
            categories=(asked.category,) if asked.category else (),
            themes=(asked.theme,) if asked.theme else (),
            data=asked.contact.interaction,
        )
        return decide(self.catalog, call, asked.history)


def stage(shape: Shape, contacts: Sequence[Contact]) -> Stage:
    """Generate and compile a live stage."""
    found = live(shape)
    catalog = compiled(found)
    if catalog.problems:
        raise BenchmarkError(f"rules that cannot be read: {catalog.problems[0].message}")
    return Stage(found, catalog, contacts, [history(shape, str(contact.recipient["id"])) for contact in contacts])


def compiled(found: Live) -> Catalog:
    """The catalog of a live stage."""
    return compile_catalog(ENVIRONMENT, found.bodies, found.activated)


def measure_start(offers: int, contacts: Sequence[Contact], rounds: int) -> Start:
    """Compile a catalog afresh, and decide once with it."""
    found = live(Shape(offers))
    compile_, first = [], []
    for _ in range(rounds):
        with quiet():
            begin = time.perf_counter()
            catalog = compiled(found)
            done = time.perf_counter()
            Stage(found, catalog, contacts, []).decide(Asked(contacts[0], (), SPACE))
        compile_.append(done - begin)
        first.append(time.perf_counter() - begin)
    return Start(offers, spread(compile_), spread(first))


def measure_growth(offers: int, contacts: Sequence[Contact], rounds: int, loop_contacts: int) -> Growth:
    """Decide for all contacts, by each kind of call, and by the plain loop for some of them."""
    here = stage(Shape(offers), contacts)
    loop = Loop(here.live)
    engine: dict[str, Latency] = {}
    looped: dict[str, Latency] = {}
    considered: dict[str, tuple[float, float]] = {}
    for kind in (WHOLE, CATEGORY, THEME):
        asked = here.asked(kind)
        considered[kind] = check(here, loop, asked[:CHECKED])
        engine[kind] = latency([partial(here.decide, each) for each in asked], rounds)
        looped[kind] = latency([partial(loop.decide, each) for each in asked[:loop_contacts]], rounds)
    return Growth(here.live.shape, engine, looped, considered)


def measure_many_rules(offers: int, contacts: Sequence[Contact], rounds: int) -> ManyRules:
    """Decide over a whole catalog where each offer has a rule of its own, for contacts met before, and for others."""
    here = stage(Shape(offers, distinct=offers), contacts)
    asked = here.asked(WHOLE)
    check(here, Loop(here.live), asked[:20])

    def never_met() -> list[Callable[[], object]]:
        other = replace(here, catalog=replace(here.catalog))  # it has computed nothing yet
        first, *others = asked
        other.decide(first)
        return [partial(other.decide, each) for each in others]

    met = latency([partial(here.decide, each) for each in asked], rounds)
    return ManyRules(here.live.shape, {MET: met, NEVER_MET: latency_of(never_met, rounds)})


def check(here: Stage, loop: Loop, asked: Sequence[Asked]) -> tuple[float, float]:
    """Hold the engine's answers against the loop's; the mean size of the slice, and of what may be proposed."""
    slices = eligible = 0
    for each in asked:
        decision, expected = here.decide(each), loop.decide(each)
        weights = [(chosen.weight, chosen.offer) for chosen in decision.chosen]
        same = [weight for weight, _ in weights] == [weight for weight, _ in expected[:COUNT]]
        if not same or not set(weights) <= set(expected) or decision.considered["presentable"] != len(expected):
            raise BenchmarkError(f"the engine and the loop disagree: {weights} and {expected[:COUNT]}")
        slices += decision.considered["slice"]
        eligible += len(expected)
    return slices / len(asked), eligible / len(asked)


def measure_storing(offers: int, contacts: Sequence[Contact], rounds: int, rows: int) -> dict[str, Latency]:
    """Decide with the history in memory, read from a store of so many propositions, and with storing, too."""
    here = stage(Shape(offers), contacts)
    with tempfile.TemporaryDirectory(prefix="offerkit-benchmark-") as directory:
        path = Path(directory) / "store.db"
        with Store.open(path, create=True) as store:
            for chunk in _chunks(_stored(here, rows)):
                store.add_propositions(chunk)
        with Store.open(path, write=True) as store:
            asked = here.asked(WHOLE)
            ways: dict[str, Callable[[Asked], object]] = {
                "history in memory, nothing stored": here.decide,
                "history read from the store": partial(_read, here, store),
                "history read, propositions stored": partial(_keep, here, store),
            }
            return {
                title: latency([partial(way, each) for each in asked], rounds, warm_up=CHECKED)
                for title, way in ways.items()
            }


def utc(moment: datetime) -> str:
    """A moment as the store keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read(here: Stage, store: Store, asked: Asked) -> SpaceDecision:
    key = str(asked.contact.recipient["id"])
    since = utc(NOW - here.catalog.longest_period)
    found = tuple(store.past(ENVIRONMENT, key, since))
    return here.decide(Asked(asked.contact, found, asked.space, asked.category, asked.theme))


def _keep(here: Stage, store: Store, asked: Asked) -> None:
    decision = _read(here, store, asked)
    interaction, moment, key = token_hex(10), utc(NOW), str(asked.contact.recipient["id"])
    channel = here.catalog.spaces[asked.space].channel
    rows = [
        PropositionRow(
            id=token_hex(10),
            environment=ENVIRONMENT,
            contact=key,
            space=asked.space,
            channel=channel,
            offer=chosen.offer,
            category=chosen.category,
            interaction=interaction,
            rank=chosen.rank,
            weight=chosen.weight,
            status=Status.PRESENTED,
            time=moment,
            changed=moment,
            revision=1,
        )
        for chosen in decision.chosen
    ]
    if rows:
        store.add_propositions(rows)


def _stored(here: Stage, rows: int) -> Iterator[PropositionRow]:
    """Histories of the contacts, then of others like them, until there are so many propositions."""
    places = itertools.cycle(range(len(here.histories)))
    numbers = itertools.count()
    for number in range(rows // len(here.histories[0])):
        for each in here.histories[next(places)]:
            moment = utc(each.time)
            yield PropositionRow(
                id=f"p{next(numbers)}",
                environment=ENVIRONMENT,
                contact=contact_name(number),
                space=each.space,
                channel=each.channel,
                offer=each.offer,
                category=each.category,
                interaction=f"i{number}",
                rank=each.rank,
                weight=each.weight,
                status=Status(each.status),
                time=moment,
                changed=moment,
                revision=1,
            )


def _chunks(rows: Iterator[PropositionRow]) -> Iterator[list[PropositionRow]]:
    while chunk := list(itertools.islice(rows, CHUNK)):
        yield chunk
