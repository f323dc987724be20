"""Proofs agree with the evaluator: random pairs of conditions, contacts on the boundaries of their literals.

Every verdict is held against :data:`rule_pairs.ROWS` contacts: the pinned reading at its moment, the free one at four.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from helpers.repeats import often
from helpers.rules import tree
from rule_pairs import MOMENTS, Pairs, Tally, call, judge
from rule_trees import INT, B, S, Trees, checked

from offerkit.prove.prover import Prover
from offerkit.prove.question import Holds
from offerkit.prove.result import Verdict
from offerkit.prove.solver import Limits
from offerkit.rules.nodes import Literal, Node
from offerkit.rules.types import FieldType

QUICK = Limits(resources=40_000, question_seconds=60, total_seconds=10_000)
THOROUGH = Limits(resources=60_000, question_seconds=120, total_seconds=100_000)


def judged(seed: int, count: int, depth: int, limits: Limits) -> Tally:
    """Random pairs, judged."""
    random, tally = Random(seed), Tally()
    pairs = Pairs(random)
    with Prover(limits) as prover:
        for _ in range(count):
            judge(prover, pairs.pair(depth), random.choice(MOMENTS), random, tally)
        assert not tally.wrong, "\n".join(tally.wrong[:3])
        assert prover.unreplayed == 0
    return tally


def test_verdicts_hold_for_contacts_on_the_boundaries() -> None:
    tally = judged(18, 200, 2, QUICK)
    assert tally.counts["now not decided"] <= 30
    assert {f"now {verdict}" for verdict in Verdict} == {name for name in tally.counts if name.startswith("now ")}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_verdicts_of_5000_pairs_hold_for_contacts_on_the_boundaries(seed: int) -> None:
    """Deep trees take most of the time: one of five seeds has them, with --thorough all."""
    tally = judged(1000 + seed, 200, 3, THOROUGH) if seed % 5 < often(1, 5) else judged(1000 + seed, 200, 2, QUICK)
    assert tally.counts["now not decided"] <= 50


def unchanged(random: Random, trees: Trees, kind: str) -> tuple[Node, Node]:
    """A condition, and another way to write it: true for the same contacts."""
    a, b = trees.tree(B, 2), trees.tree(B, 2)
    no = Literal(FieldType(B), 0, 0, False)
    match kind:
        case "double negation":
            return a, call("not", call("not", a))
        case "De Morgan":
            return call("not", call("and", a, b)), call("or", call("not", a), call("not", b))
        case "De Morgan, the other way":
            return call("not", call("or", a, b)), call("and", call("not", a), call("not", b))
        case "between":
            low, high, value = (trees.tree(INT, 1) for _ in range(3))
            between = call("and", call("ge", value, low), call("le", value, high))
            return between, call("not", call("or", call("lt", value, low), call("gt", value, high)))
        case "in":
            value, *items = (trees.tree(S, 1) for _ in range(4))
            return call("in", value, *items), call("or", *(call("eq", value, item) for item in items))
        case "coalesce":
            return call("coalesce", a, no), a
        case "coalesce, negated":
            return call("not", call("coalesce", a, no)), call("or", call("not", a), call("is_null", a))
        case _:
            return call("is_true", a), call("and", a, call("not", call("is_null", a)))


KINDS = (
    "double negation",
    "De Morgan",
    "De Morgan, the other way",
    "between",
    "in",
    "coalesce",
    "coalesce, negated",
    "is true",
)


@pytest.mark.parametrize("kind", KINDS)
def test_another_way_to_write_a_condition_changes_nothing(kind: str) -> None:
    random = Random(kind)
    trees = Trees(random)
    counts: Counter[str] = Counter()
    with Prover(QUICK) as prover:
        for _ in range(8):
            old, new = unchanged(random, trees, kind)
            comparison = prover.compare(Holds(checked(old)), Holds(checked(new)), random.choice(MOMENTS))
            for reading in (comparison.now, comparison.later):
                assert reading.verdict in (Verdict.SAME, Verdict.NOT_DECIDED), f"{tree(old)}\n{tree(new)}\n{reading}"
                counts[reading.verdict] += 1
        assert prover.unreplayed == 0
    assert counts[Verdict.NOT_DECIDED] <= 4
