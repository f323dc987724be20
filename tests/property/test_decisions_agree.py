"""Kinds of answers agree on random catalogs: decide, explain, batch, simulation and impact.

Every contact gets the same offers in the same order, and is told the same reason for those that are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy
import pytest
from helpers import random_catalog
from helpers.former_names import renamed
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.batch import batch_program, batch_request, open_contact_table
from offerkit.batch.reasons import Reasons
from offerkit.batch.segments import Segments
from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.decide import decide
from offerkit.engine.decision import SpaceDecision
from offerkit.engine.history import PastProposition
from offerkit.engine.hooks import NO_HOOKS
from offerkit.engine.reasons import DECIDED, Cause, ExclusionReason, no_offer
from offerkit.engine.slice import slice_of
from offerkit.rules.types import Row
from offerkit.store import Store
from offerkit.usecases.impact import space_impact
from offerkit.usecases.per_contact import decide_contacts
from offerkit.usecases.population import Population
from offerkit.usecases.simulate import space_result
from offerkit.usecases.simulated_part import SimulatedAxis
from offerkit.usecases.space_comparison import SpaceComparison

AXES = [SimulatedAxis("tier", "tier"), SimulatedAxis("age", "age")]


def _people(rng: Random) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "age": rng.choice((None, 20, 33, 40, 70)),
            "tier": rng.choice((None, "", "gold", "silver", "é'\"")),
            "score": rng.choice((None, Decimal(0), Decimal("0.7"), Decimal("-1.000001"), Decimal(1))),
        }
        for number in range(rng.choice((1, 7, 40)))
    ]


@contextmanager
def _store(made: Catalog, past: Mapping[str, Sequence[PastProposition]]) -> Iterator[Store]:
    """A store with these propositions."""
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db", create=True) as store:
        random_catalog.fill(store, made, past)
        yield store


class _Case:
    """A catalog, a call for everybody, contacts and what they were offered before, made up from a seed."""

    def __init__(self, seed: int, *, hooks: bool) -> None:
        rng = Random(seed)
        made = random_catalog.catalog(rng, filtered=True)
        if not hooks:
            spaces = {name: replace(space, post_processing="") for name, space in made.spaces.items()}
            made = replace(made, hooks=NO_HOOKS, spaces=spaces)
        if seed % 3 == 1:
            made = renamed(Random(seed), made)
        self.catalog = made
        self.call = random_catalog.call(rng, made)._replace(exclude=frozenset())
        self.contacts = _people(rng)
        self.past = {str(row["id"]): random_catalog.history(rng, made) for row in self.contacts if rng.random() < 0.6}

    def asked(self, row: dict[str, Any]) -> Call:
        """The call of one contact."""
        return self.call._replace(contact=row, key=str(row["id"]))

    def explained(self, row: dict[str, Any]) -> SpaceDecision:
        """The decision for one contact, which is the plain one."""
        call = self.asked(row)
        history = self.past.get(call.key, [])
        explained = decide(self.catalog, call, history, explain=True)
        assert explained._replace(trace=None) == decide(self.catalog, call, history)
        return explained

    def outs(self, decision: SpaceDecision) -> dict[str, Cause]:
        """Why the contact of an explained decision is not proposed an offer, by name."""
        trace = decision.trace
        assert trace is not None
        if trace.environment is not None:
            return dict.fromkeys(self.catalog.position_of, trace.environment.cause)
        assert trace.slice is not None
        found = dict.fromkeys(self.catalog.position_of, trace.slice.others.cause)
        for verdict in trace.offers:
            if verdict.out is None:
                del found[verdict.offer]
            else:
                found[verdict.offer] = verdict.out.cause
        return found


def _agree(seed: int, *, hooks: bool) -> set[ExclusionReason]:
    """Compare decide, explain, batch and simulation; the reasons that were met."""
    return _compare(_Case(seed, hooks=hooks), seed)


def _compare(case: _Case, seed: int) -> set[ExclusionReason]:
    made, met = case.catalog, set[ExclusionReason]()
    explained = [case.explained(row) for row in case.contacts]
    outs = [case.outs(decision) for decision in explained]
    chosen = [[offer.offer for offer in decision.chosen] for decision in explained]
    asked = batch_program(made, case.call, reasons=True)
    # As large batches do it, or small ones.
    reading = patch.multiple("offerkit.store.counted", FEW=0, RANGE=3, PART=2) if seed % 2 else nullcontext()
    evaluating = patch.multiple("offerkit.batch.condition_table", MANY=0, _SHARING=1) if seed % 3 else nullcontext()
    with open_contact_table(case.contacts, ("id",), made.dimension.fields) as table, _store(made, case.past) as store:
        with reading:
            batch = batch_request(table, asked, store)
        with evaluating:
            chunks = list(decide_contacts(table, batch, store))
        for chunk in chunks:
            for column in range(chunk.picks.shape[1]):
                items = [asked.items[item] for item in chunk.picks[:, column].tolist() if item >= 0]
                assert [made.offers[item.position].name for item in items] == chosen[chunk.first + column]
                products = [offer.product for offer in explained[chunk.first + column].chosen]
                assert [chunk.products.get((rank, column)) for rank in range(len(products))] == products
            for name in made.position_of:
                out = [column for column, found in enumerate(outs) if name in found]
                said = Reasons(asked).of(chunk, name, numpy.array(out, dtype=numpy.intp)) if out else []
                told = {column: cause for cause, columns in said for column in columns.tolist()}
                assert told == {column: outs[column][name] for column in out}
                met |= {cause.reason for cause in told.values()}
        by = AXES, {axis.title: Segments(table, axis.field) for axis in AXES}
        simulated = space_result(store, table, asked, by, None)
    assert len(simulated.offers) == len(made.members(slice_of(made.spaces[case.call.space], case.call)))
    for offer in simulated.offers:
        assert offer.contacts == sum(offer.offer in names for names in chosen)
        counted = Counter(
            (found[offer.offer].sentence, found[offer.offer].address) for found in outs if offer.offer in found
        )
        assert {(loss.reason, loss.where): loss.contacts for loss in offer.losses} == counted
        assert offer.contacts + sum(loss.contacts for loss in offer.losses) == len(case.contacts)
    assert sum(simulated.by_count) == len(case.contacts)
    for _, values in simulated.axes:
        assert sum(value.contacts for value in values) == len(case.contacts)
        assert sum(value.nothing for value in values) == simulated.by_count[0]
    return met


SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("hooks", [False, True], ids=["batch", "hooks"])
@pytest.mark.parametrize("examples", [5, pytest.param(often(26, 150), marks=pytest.mark.slow)])
def test_offers_and_reasons(examples: int, hooks: bool) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(SEEDS)
    def agree(seed: int) -> None:
        _agree(seed, hooks=hooks)

    agree()


BY_THE_CLOCK = (
    "current_date > date '2026-06-01'",
    "person.age > days_until(date '2026-07-04')",
    "person.age + days_since(date '2026-06-01') in (33, 41)",
    "now >= timestamp '2026-06-02 00:00:00' or person.tier = 'gold'",
    "extract(hour from now) < 12 and person.age > 30",
    "person.score > 0.5 and not (current_date = date '2026-06-02' and person.age < 40)",
)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


@pytest.mark.parametrize("examples", [3, pytest.param(often(13, 80), marks=pytest.mark.slow)])
def test_across_the_turn_of_a_day(examples: int) -> None:
    """One catalog before midnight, at midnight, the day after, and before midnight again."""

    @settings(max_examples=examples, deadline=None)
    @given(SEEDS)
    def agree(seed: int) -> None:
        with patch.object(random_catalog, "CONDITIONS", BY_THE_CLOCK):
            case = _Case(seed, hooks=False)
        for hours in (0, 0.001, 24, 0):
            moment = MIDNIGHT + timedelta(hours=hours) - timedelta(microseconds=1)
            case.call = case.call._replace(now=moment)
            _compare(case, seed)

    agree()


def test_every_reason_is_met() -> None:
    """The generator is worth something only if it reaches every reason that a batch can give."""
    wanted_reasons = set(DECIDED) - {ExclusionReason.REPEATED, ExclusionReason.NOT_RENDERED}
    met: set[ExclusionReason] = set()
    for seed in (38, 10, 0, 374, 4, 5, 8, 13, 23, *range(400)):  # the first ones suffice until the generator is changed
        if met == wanted_reasons:
            break
        met |= _agree(seed, hooks=seed % 3 > 0)
    assert met == wanted_reasons, "tests/helpers/random_catalog.py does not make a catalog that gives each reason"


@pytest.mark.parametrize("seed", [13, 43, 85, 187, 232])
def test_what_had_other_names_counts_as_what_it_is_now(seed: int) -> None:
    """These catalogs have rules and histories for which it makes a difference."""
    case = _Case(seed, hooks=False)
    assert case.catalog.former_names
    _compare(case, seed)


def _impact(seed: int) -> int:
    """Compare the reasons of an impact with what explains each side; how many there were."""
    old = _Case(seed, hooks=seed % 3 == 0)
    new = _Case(seed + 1, hooks=seed % 3 == 0)
    new.contacts, new.past = old.contacts, old.past
    new.catalog = replace(new.catalog, former_names=old.catalog.former_names)  # both read one store
    new.call = new.call._replace(space=old.call.space, n=old.call.n)
    pair = SpaceComparison(
        f"{old.catalog.environment}/{old.call.space}",
        batch_program(old.catalog, old.call, reasons=True), batch_program(new.catalog, new.call, reasons=True), {},
    )  # fmt: skip
    row_of = {str(row["id"]): row for row in old.contacts}
    types = old.catalog.dimension.fields
    with open_contact_table(old.contacts, ("id",), types) as table, _store(old.catalog, old.past) as store:
        found = space_impact(store, Population(table, table), pair, {}, "")
    compared = 0
    for offer in found.offers:
        for example in offer.examples:
            if example.change == "moved":
                continue
            side = new if example.change == "lost" else old
            cause = side.outs(side.explained(row_of[example.contact])).get(offer.offer, no_offer())
            assert example.reason == ("before: " if side is old else "") + cause.sentence
            compared += 1
    return compared


@pytest.mark.parametrize("examples", [8, pytest.param(often(20, 100), marks=pytest.mark.slow)])
def test_reasons_of_an_impact(examples: int) -> None:
    compared = []

    @settings(max_examples=examples, deadline=None)
    @given(SEEDS)
    def agree(seed: int) -> None:
        compared.append(_impact(seed))

    agree()
    assert sum(compared) > examples


def test_a_hook_is_called_once_for_each_contact_and_side() -> None:
    """Reasons are told without asking anybody's code again: it may be slow, and may answer otherwise."""
    lost = 0
    for seed in range(100):
        case = _Case(seed, hooks=True)
        if loading := case.catalog.spaces["hook"].target_loading:
            lost += _counted(case, loading)
        if lost:
            break
    assert lost


def _counted(case: _Case, loading: str) -> int:
    """Count the calls of a target-loading hook in a simulation and an impact; how many contacts lost an offer."""
    called: list[object] = []

    def counting(contact: Row, data: Row) -> dict[str, object]:
        called.append(contact["id"])
        return {}

    made = replace(case.catalog, hooks=replace(case.catalog.hooks, target_loading={loading: counting}))
    call = case.call._replace(space="hook", categories=(), themes=(), nowhere=False)
    old, new = (batch_program(made, call._replace(n=n), reasons=True) for n in (100, 1))
    with open_contact_table(case.contacts, ("id",), made.dimension.fields) as table:
        space_result(None, table, old, ((), {}), None)
        assert Counter(called) == {row["id"]: 1 for row in case.contacts}
        called.clear()
        found = space_impact(None, Population(table, table), SpaceComparison("shop/hook", old, new, {}), {}, "")
    assert Counter(called) == {row["id"]: 2 for row in case.contacts}
    return sum(offer.lost for offer in found.offers)
