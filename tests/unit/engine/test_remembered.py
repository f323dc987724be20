"""A history that is asked again and again gives what it would give each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch
from weakref import ref

import pytest
from helpers import random_catalog
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition, RememberedHistory

NEAR = [timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1), timedelta(minutes=40)]


CLOCK = "extract(minute from current_timestamp) < 30"
_rule = random_catalog._rule


def _asks_the_clock(rng: Random, counted: Sequence[str]) -> dict[str, Any]:
    """As the rules of others, or one that depends on the time of day as well."""
    rule = _rule(rng, counted)
    match rng.randrange(3):
        case 0:
            rule["applies_to"] = {"when": f"{CLOCK} or offer.code = 'gold'"}
        case 1:
            rule["counted"]["when"] = f"{CLOCK} or proposition.rank > 1"
        case _:
            pass
    return rule


@pytest.mark.parametrize("examples", [40, pytest.param(often(80, 300), marks=pytest.mark.slow)])
def test_what_was_counted_is_what_would_be_counted(examples: int) -> None:
    with patch.object(random_catalog, "_rule", _asks_the_clock):
        settings(max_examples=examples)(given(st.integers(0, 2**32))(_same_as_anew))()


def _same_as_anew(seed: int) -> None:
    rng = Random(seed)
    made = random_catalog.catalog(rng)
    pasts = random_catalog.history(rng, made)
    history: RememberedHistory[object] = RememberedHistory(pasts[: rng.randint(0, len(pasts))])
    pasts, coming = list(history), pasts[len(history) :]
    calls = [random_catalog.call(rng, made)._replace(n=100) for _ in range(3)]
    edges = [past.time + span for past in [*pasts, *coming] for span in _periods(made.rules)]
    for _ in range(8):
        call, moment = rng.choice(calls), rng.choice((calls[0].now, *edges))
        for _ in range(6):
            now = call._replace(now=moment + rng.choice(NEAR))
            assert decide(made, now, history) == decide(made, now, pasts)
        if coming:
            pasts, history, coming = [*pasts, coming[0]], history.extended(coming[:1]), coming[1:]
    assert list(history) == pasts


def _periods(rules: tuple[object, ...]) -> list[timedelta]:
    return [span for rule in rules for span in (rule.before, -rule.after)]  # type: ignore[attr-defined]


def test_it_is_counted_from_the_second_time_on() -> None:
    class Line:
        pass

    history: RememberedHistory[Line] = RememberedHistory(())
    line, other = Line(), Line()
    assert history.tally("web", line) is None, "the first time may be the last"
    known = history.tally("web", line)
    assert known == {} and history.tally("web", line) is known
    assert history.tally("app", line) is None
    assert history.tally("web", other) is None and history.tally("web", line) is None
    gone = ref(line)
    del line
    assert gone() is None, "a history holds no space program"


def test_it_is_equal_to_its_propositions() -> None:
    pasts = random_catalog.history(Random(5), random_catalog.catalog(Random(5)))
    assert RememberedHistory(pasts) == tuple(pasts)
    assert all(isinstance(past, PastProposition) for past in RememberedHistory(pasts))
