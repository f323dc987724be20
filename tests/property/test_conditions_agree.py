"""An offer's effective condition, as proofs read it, is what the engine decides before presentation rules and ranking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from helpers import random_catalog
from helpers.repeats import often

from offerkit.address import Address, Kind
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import facts_at
from offerkit.engine.decide import decide
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.engine.reasons import ExclusionReason
from offerkit.prove.prover import Prover
from offerkit.prove.question import AllOf, DayRange, Fixed, Holds, leaves
from offerkit.prove.replay import is_true
from offerkit.rules.types import Value
from offerkit.usecases.conditions import HISTORY, counted_by_offer, effective_condition, written_conditions
from offerkit.usecases.proof_answers import compare_on_days, shared_days
from offerkit.usecases.proof_questions import simplified

SPACES = ("web", "app")
"""The third space loads its target by a hook."""


def eligible_and_proved(rng: Random, catalog: Catalog) -> Iterator[tuple[set[str], set[str]]]:
    """For a few calls: the offers that the engine finds eligible, and those whose effective condition is true."""
    for _ in range(12):
        contact = {
            "id": 1,
            "age": rng.choice((None, 20, 29, 30, 33, 34, 40, 41, 50, 60, 70)),
            "tier": rng.choice((None, "", "gold", "silver", "o1")),
            "score": random_catalog.call(rng, catalog).contact.get("score"),
        }
        at = random_catalog.NOW + timedelta(days=rng.choice((0, 1, 2, 3, 4, 300)), hours=rng.choice((0, 5)))
        space, data = rng.choice(SPACES), rng.choice(({}, {"page": "/a"}))
        call = make_call(catalog, space, who=CallContext(contact, "1", at, "s"), n=100, data=data)
        decision = decide(catalog, call._replace(offers=frozenset(catalog.position_of)), [], explain=True)
        assert decision.trace is not None
        eligible = {
            trace.offer
            for trace in decision.trace.offers
            if trace.weight is not None
            or (trace.out is not None and trace.out.cause.reason is ExclusionReason.NO_PRODUCT)  # a hook's word
        }
        facts = facts_at(at, catalog.zone, call.contact, call.data)
        rows = (("person", facts.contact), ("interaction", facts.data))
        values: dict[tuple[str, str], Value] = {(at, name): value for at, row in rows for name, value in row.items()}
        counted = (each for offer in catalog.offers for each in counted_by_offer(offer))
        values |= {(HISTORY, f"number of {each.text}"): 0 for each in counted}
        yield (
            eligible,
            {
                offer.name
                for offer in catalog.offers
                if is_true(effective_condition(catalog, offer, space), values, facts.now)
            },
        )


def test_what_is_true_is_what_the_engine_finds_eligible() -> None:
    pairs = []
    for seed in range(often(60, 100)):
        rng = Random(seed)
        pairs += eligible_and_proved(rng, random_catalog.catalog(rng, filtered=True))
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert sum(len(eligible) for eligible, _ in pairs) > often(600, 1_000)


def test_every_part_says_where_it_is_written() -> None:
    for seed in range(20):
        catalog = random_catalog.catalog(Random(seed), filtered=True)
        for offer in catalog.offers:
            for part in leaves(effective_condition(catalog, offer, "web")):
                assert part.origin is not None
                assert part.origin.address.environment in ("shop", "")


def test_what_cannot_be_read_is_never_true() -> None:
    catalog = inline_catalog(
        {
            "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
            "environment": {"dimension": "person"},
            "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
            "categories": {"a": {}},
            "offers": {"o": {"category": "a", "eligible": {"when": "person.age > 1"}}},
        }
    )
    parts = [part for part in leaves(effective_condition(catalog, catalog.offers[0], "web")) if isinstance(part, Fixed)]
    assert [(part.value, part.why.partition(":")[0]) for part in parts] == [(False, "it cannot be read")]


def test_the_written_conditions_are_those_of_the_resource_alone() -> None:
    catalog = random_catalog.catalog(Random(1))
    body = {
        "eligible": {"when": "person.age > 1", "filters": ["plain"]},
        "weights": [{"weight": "1", "when": "person.tier = 'x'"}, {"formula": "person.age"}],
    }
    written = written_conditions(catalog, Address("shop", Kind.OFFER, "o"), body)
    assert {
        path: (part.expression.text, part.positive) for path, part in written.items() if isinstance(part, Holds)
    } == {
        ("eligible", "when"): ("person.age > 1", False),
        ("weights", 0, "when"): ("person.tier = 'x'", False),
        ("weights", 1, "formula"): ("person.age", True),
    }
    older = {"when": "person.age > parameter.age", "parameters": {"age": {"type": "integer"}}}
    (condition,) = written_conditions(catalog, Address("shop", Kind.FILTER, "older"), older).values()
    assert isinstance(condition, Holds)
    assert condition.bound == ()
    broken = written_conditions(catalog, Address("shop", Kind.RULE, "r"), {"contacts": "nobody.knows"})
    assert [part.value for part in broken.values() if isinstance(part, Fixed)] == [False]


def test_a_simpler_formula_is_true_where_the_whole_one_is() -> None:
    shorter = 0
    for seed in range(12):
        rng = Random(seed)
        catalog = random_catalog.catalog(rng, filtered=True)
        for offer in catalog.offers:
            whole = effective_condition(catalog, offer, "web")
            simple = simplified(whole)
            shorter += len(list(leaves(simple))) < len(list(leaves(whole)))
            for _ in range(5):
                values = {
                    ("person", "age"): rng.choice((None, 20, 33, 40, 70)),
                    ("person", "tier"): rng.choice((None, "", "gold", "silver")),
                    ("person", "score"): random_catalog.call(rng, catalog).contact.get("score"),
                }
                now = datetime(2026, 6, 1) + timedelta(days=rng.choice((0, 1, 3, 4, 300)))
                assert is_true(simple, values, now) == is_true(whole, values, now)
    assert shorter > 40


def test_days_that_both_share_change_no_answer() -> None:
    """The prover is told less, and its answer is completed: as if it had been told all."""
    asked = 0
    with Prover() as prover:
        for seed in range(20):
            rng = Random(seed)
            catalogs = [random_catalog.catalog(rng, filtered=True) for _ in range(2)]
            at = datetime(2026, 6, 1, 22) + timedelta(days=rng.choice((0, 2, 4, 6, 300)))
            days = DayRange(
                rng.choice((None, date(2026, 6, 3))), rng.choice((None, date(2026, 6, 5), date(2026, 12, 31)))
            )
            before, after = (
                simplified(AllOf((days, effective_condition(catalog, rng.choice(catalog.offers), "web"))))
                for catalog in catalogs
            )
            asked += shared_days(before, after)[0] is not None
            told, known = prover.compare(before, after, at), compare_on_days(prover, before, after, at)
            for plain, completed in ((told.now, known.now), (told.later, known.later)):
                assert completed.gained.answer is plain.gained.answer
                assert completed.lost.answer is plain.lost.answer
                assert completed.verdict is plain.verdict
            for reading in (known.now, known.later):
                for side, true, not_true in ((reading.gained, after, before), (reading.lost, before, after)):
                    if side.witness is not None:
                        assert side.witness.moment >= at
                        assert is_true(true, side.witness.values, side.witness.moment)
                        assert not is_true(not_true, side.witness.values, side.witness.moment)
    assert asked >= 5
