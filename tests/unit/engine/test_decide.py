"""Properties of any decision: the explained one is the same, and what it says is so."""

from __future__ import annotations

from random import Random
from unittest.mock import patch

import pytest
from helpers import random_catalog
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.engine import predicate_index
from offerkit.engine.decide import decide, decide_many
from offerkit.engine.reasons import DECIDED, ExclusionReason

SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("limit", [predicate_index.TABLE_BYTES, 2], ids=["as it is", "hardly any memory"])
@pytest.mark.parametrize("examples", [60, pytest.param(often(70, 200), marks=pytest.mark.slow)])
def test_explained_is_the_same_answer(limit: int, examples: int) -> None:
    with patch.multiple(predicate_index, TABLE_BYTES=limit, FIELD_BYTES=limit):
        settings(max_examples=examples)(given(SEEDS)(_same_answers))()


def _same_answers(seed: int) -> None:
    rng = Random(seed)
    made = random_catalog.catalog(rng)
    assert not made.problems
    for _ in range(6):
        call, history = random_catalog.call(rng, made), random_catalog.history(rng, made)
        plain = decide(made, call, history)
        explained = decide(made, call, history, explain=True)
        assert explained._replace(trace=None) == plain
        assert plain.trace is None and explained.trace is not None
        verdicts = {verdict.offer: verdict for verdict in explained.trace.offers}
        proposed = [(offer.offer, offer.rank, offer.weight) for offer in plain.chosen]
        said = [(v.offer, v.rank, v.weight) for v in verdicts.values() if v.out is None]
        assert sorted(said) == sorted(proposed)
        assert len(verdicts) == plain.considered["slice"]


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_order_and_number(seed: int) -> None:
    rng = Random(seed)
    made = random_catalog.catalog(rng)
    call, history = random_catalog.call(rng, made), random_catalog.history(rng, made)
    all_of_them = decide(made, call._replace(n=100), history)
    assert [offer.rank for offer in all_of_them.chosen] == list(range(1, len(all_of_them.chosen) + 1))
    assert len({offer.offer for offer in all_of_them.chosen}) == len(all_of_them.chosen)
    if call.space != "hook":
        weights = [offer.weight for offer in all_of_them.chosen]
        assert weights == sorted(weights, reverse=True)
    for n in (1, 2, 3):
        assert decide(made, call._replace(n=n), history).chosen == all_of_them.chosen[:n]
    shuffled = rng.sample(history, len(history))
    assert decide(made, call, shuffled) == decide(made, call, history)
    assert not call.exclude & {offer.offer for offer in all_of_them.chosen}


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_several_spaces_repeat_nothing(seed: int) -> None:
    rng = Random(seed)
    made = random_catalog.catalog(rng)
    calls = [random_catalog.call(rng, made)._replace(space=space) for space in ("web", "app", "hook")]
    found = [offer.offer for decision in decide_many(made, calls, []) for offer in decision.chosen]
    assert len(found) == len(set(found))
    assert decide_many(made, calls, [])[0] == decide(made, calls[0], [])


def test_every_reason_is_met() -> None:
    """The generator is worth something only if it reaches every way out."""
    met: set[ExclusionReason] = set()
    for seed in range(150):
        rng = Random(seed)
        made = random_catalog.catalog(rng)
        for _ in range(4):
            trace = decide(made, random_catalog.call(rng, made), random_catalog.history(rng, made), explain=True).trace
            assert trace is not None
            met.update(verdict.out.reason for verdict in trace.offers if verdict.out is not None)
    assert met == set(DECIDED) - {
        ExclusionReason.ENVIRONMENT_CONDITION,
        ExclusionReason.NOT_IN_SLICE,
        ExclusionReason.NOT_RENDERED,
    }, "tests/helpers/random_catalog.py does not make a catalog that gives each reason"
