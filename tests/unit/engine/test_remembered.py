"""A history that is asked again and again gives what it would give each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from unittest.mock import patch
from weakref import ref

import pytest
from helpers import random_catalog
from helpers.repeats import often
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.engine import presentation_rules
from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition, RememberedHistory

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAUSES = [
    *[timedelta(0)] * 4,
    timedelta(microseconds=1),
    *[timedelta(seconds=1)] * 5,
    timedelta(hours=5),
    timedelta(hours=12),
]
CLOCK_STEPS = [*[timedelta(0)] * 5, *[timedelta(microseconds=-1)] * 3, timedelta(hours=-6)]
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


@pytest.mark.parametrize("examples", [40, pytest.param(often(120, 300), marks=pytest.mark.slow)])
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
    moment = calls[0].now
    for _ in range(12):
        if rng.random() < 0.4:  # mostly, what was counted is still valid
            moment = rng.choice((calls[0].now, *edges))
        for _ in range(rng.randint(1, 6)):
            now = rng.choice(calls)._replace(now=moment + rng.choice(NEAR))
            assert decide(made, now, history) == decide(made, now, pasts)
        number = rng.randint(0, 3)
        added, coming = coming[:number], coming[number:]
        pasts, longer = [*pasts, *added], history.extended(added)
        if rng.random() < 0.3:  # they are under way, and fail: the history as it was is asked again
            assert decide(made, now, longer) == decide(made, now, pasts)
            pasts, longer = list(history), history
        history = longer
    assert list(history) == pasts


def _counts_much(rng: Random, counted: Sequence[str]) -> dict[str, Any]:
    """A rule that counts most propositions, for every contact."""
    rule = _rule(rng, counted)
    rule.pop("contacts", None)
    rule["counted"].update(status=rng.choice(("any", "any", "any", "accepted-or-rejected")))
    if rng.random() < 0.5:
        rule["applies_to"] = {}
        rule["counted"].pop("when", None)
    return {**rule, "enabled": True}


@pytest.mark.parametrize("examples", [15, pytest.param(often(120, 300), marks=pytest.mark.slow)])
def test_a_history_that_grows_with_each_call_is_counted_as_at_once(examples: int) -> None:
    excluding = 0

    def check(seed: int) -> None:
        nonlocal excluding
        rng = Random(seed)
        made = random_catalog.catalog(rng)
        calls = [random_catalog.call(rng, made)._replace(n=100) for _ in range(3)]
        history: RememberedHistory[object] = RememberedHistory(random_catalog.history(rng, made))
        pasts, now = list(history), calls[0].now
        for _ in range(40):
            call = rng.choice(calls)._replace(now=now + rng.choice(CLOCK_STEPS))
            decision = decide(made, call, history)
            assert decision == decide(made, call, pasts)
            excluding += decision.considered["presentable"] < decision.considered["eligible"]
            chosen = [made.offers[made.position_of[one.offer]] for one in decision.chosen]
            added = [_proposed(rng, offer.name, offer.category, now) for offer in chosen[: rng.randint(0, 3)]]
            if rng.random() < 0.2:  # they are under way, and fail
                assert decide(made, call, history.extended(added)) == decide(made, call, [*pasts, *added])
            else:
                history, pasts = history.extended(added), [*pasts, *added]
            now += rng.choice(PAUSES)

    with patch.object(random_catalog, "_rule", _counts_much):
        settings(max_examples=examples)(given(st.integers(0, 2**32))(check))()
    assert excluding > examples // 3


def _proposed(rng: Random, offer: str, category: str, now: datetime) -> PastProposition:
    space, time = rng.choice(sorted(random_catalog.CHANNELS)), now + rng.choice((*NEAR[:3], timedelta(hours=5)))
    channel, status = random_catalog.CHANNELS[space], rng.choice(("presented", "accepted"))
    return PastProposition(offer, category, space, channel, status, time, Decimal(rng.randint(1, 3)), 1)


def _periods(rules: tuple[object, ...]) -> list[timedelta]:
    return [span for rule in rules for span in (rule.before, -rule.after)]  # type: ignore[attr-defined]


def test_it_is_counted_from_the_second_time_on() -> None:
    class Line:
        pass

    past = random_catalog.history(Random(5), random_catalog.catalog(Random(5)))[0]
    history: RememberedHistory[Line] = RememberedHistory((past,))
    line, other = Line(), Line()
    assert history.tally("web", line, NOW) is None, "the first time may be the last"
    known = history.tally("web", line, NOW)
    assert known is not None and (known.counted, known.since, known.bits) == (1, NOW, {})
    history.tallies["web"] = known._replace(until=NOW + NEAR[3], bits={1: 6})
    longer = history.extended((past,))
    for moment, counted in ((NOW, 1), (NOW + NEAR[3], 1), (NOW + NEAR[3] + NEAR[2], 2), (NOW + NEAR[0], 2)):
        found = longer.tally("web", line, moment)
        assert found is not None and (found.counted, bool(found.bits)) == (counted, counted == 1), moment
    assert longer.tally("app", line, NOW) is None
    assert longer.tally("web", other, NOW) is None and longer.tally("web", line, NOW) is None
    assert history.tally("web", line, NOW) == history.tallies["web"], "as it was"
    gone = ref(line)
    del line
    assert gone() is None, "a history holds no space program"


def test_it_is_equal_to_its_propositions() -> None:
    pasts = random_catalog.history(Random(5), random_catalog.catalog(Random(5)))
    assert list(RememberedHistory(pasts)) == pasts
    assert all(isinstance(past, PastProposition) for past in RememberedHistory(pasts))


def test_what_was_counted_is_not_looked_at_again() -> None:
    def counts_names(rng: Random, counted: Sequence[str]) -> dict[str, Any]:
        rule = {**_counts_much(rng, counted), "applies_to": {}, "max": 2}
        return {**rule, "counted": {"of": rng.choice(("offer", "category"))}}

    within, looked_at = presentation_rules._within, list[int]()

    def noted(rule: Any, moment: Any, pasts: Any) -> list[PastProposition]:
        looked_at.extend([len(pasts)] * rule.steady)
        return within(rule, moment, pasts)

    counting = 0
    with patch.object(random_catalog, "_rule", counts_names), patch.object(presentation_rules, "_within", noted):
        for seed in range(8):
            rng = Random(seed)
            made = random_catalog.catalog(rng)
            call = random_catalog.call(rng, made)
            past = [_proposed(Random(number), f"gone-{number}", f"c-{number}", call.now) for number in range(200)]
            history: RememberedHistory[object] = RememberedHistory(past)
            for _ in range(3):
                decide(made, call, history)
            counting += max(looked_at, default=0) == 200
            looked_at.clear()
            decide(made, call, history.extended([past[7]]))
            assert max(looked_at, default=2) == 2, "those of the same offer or category"
            looked_at.clear()
    assert counting


def test_two_that_grew_from_one_do_not_meet() -> None:
    first, second, third = (_proposed(Random(number), f"o{number}", "a", NOW) for number in range(3))
    history: RememberedHistory[object] = RememberedHistory([first])
    one, other = history.extended([second]), history.extended([third])
    both = one.extended([third])
    assert ([*history], [*one], [*other]) == ([first], [first, second], [first, third])
    assert [*both] == [first, second, third]
    assert (len(history), history.since(1), history[:], history[-1]) == (1, [], [first], first)
    assert both.names["offer"] == ("o0", "o1", "o2") and both.since(1) == [second, third]
    assert both.named("offer", {"o0", "o2"}) == [first, third] and len(both.named("category", {"a"})) == 3
    assert second in one and second not in other
