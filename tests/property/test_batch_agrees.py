"""The batch and the unitary engine give every contact the same offers in the same order, on random catalogs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from helpers import random_catalog

from offerkit.batch import Batch, decide_all, open_people, over, program
from offerkit.engine.catalog import Catalog
from offerkit.engine.decide import decide
from offerkit.engine.history import Past
from offerkit.engine.hooks import NO_HOOKS
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store
from offerkit.times import utc
from offerkit.workflow.hooked import asks_hooks, decide_people


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
def _store(made: Catalog, past: Mapping[str, Sequence[Past]]) -> Iterator[Store]:
    """A store with these propositions."""
    rows = [
        PropositionRow(
            f"{key}-{number}", made.environment, key, one.space, one.channel, one.offer, one.category, "call",
            one.rank, one.weight, Status(one.status), utc(one.time), utc(one.time), 1,
        )
        for key, history in past.items()
        for number, one in enumerate(history)
    ]  # fmt: skip
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db", create=True) as store:
        store.add_propositions(rows)
        yield store


def _same(rng: Random, made: Catalog, *, hooks: bool = False) -> int:
    """How many offers were compared."""
    call = replace(random_catalog.call(rng, made), exclude=frozenset())
    people = _people(rng)
    past: dict[str, list[Past]] = {
        str(row["id"]): random_catalog.history(rng, made) for row in people if rng.random() < 0.6
    }
    made_program = program(made, call)
    compared = 0
    with open_people(people, ("id",), made.dimension.fields) as table, _store(made, past) as store:
        batch = Batch(made_program, over(table, made_program, store))
        for chunk in decide_people(table, batch, store) if hooks else decide_all(table, batch):
            for column in range(chunk.picks.shape[1]):
                row = people[chunk.first + column]
                one = replace(call, contact=row, key=str(row["id"]))
                wanted = [chosen.offer for chosen in decide(made, one, past.get(one.key, [])).chosen]
                items = [made_program.items[item] for item in chunk.picks[:, column].tolist() if item >= 0]
                assert [made.offers[item.place].name for item in items] == wanted
                compared += len(wanted)
    return compared


def _run(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        rng = Random(seed)
        made = replace(random_catalog.catalog(rng), hooks=NO_HOOKS)
        spaces = {name: replace(space, post_processing="") for name, space in made.spaces.items()}
        compared += _same(rng, replace(made, spaces=spaces))
    assert compared > len(seeds) * 10


def test_offer_by_offer() -> None:
    _run(range(25))


@pytest.mark.slow
def test_offer_by_offer_for_long() -> None:
    _run(range(25, 60))
    _run(range(1000, 1180))


@pytest.mark.parametrize(
    ("seeds", "enough"), [(range(30), (2, 120)), pytest.param(range(80), (5, 300), marks=pytest.mark.slow)],
    ids=["some", "many"],
)  # fmt: skip
def test_hooks_take_part(seeds: range, enough: tuple[int, int]) -> None:
    """Where a space or an offer has hooks, everybody is decided as in a single call."""
    hooked = compared = 0
    for seed in seeds:
        rng = Random(seed)
        made = random_catalog.catalog(rng)
        asked = asks_hooks(program(made, replace(random_catalog.call(Random(seed), made), exclude=frozenset())))
        hooked += asked
        compared += _same(rng, made, hooks=True)
    assert hooked > enough[0] and compared > enough[1], (hooked, compared)
