"""Young objects are searched as calls come, all of the garbage when nobody waits for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from offerkit.server.collector import FEW, LATEST, MANY, QUIET, REST, YOUNG, Collector


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[int]]:
    """What the searches of each generation find next; each takes the last."""
    finds: dict[int, list[int]] = {0: [], 2: []}

    def collect(generation: int = 2) -> int:
        return finds[generation].pop() if finds[generation] else {0: 0, 2: FEW + 1}[generation]

    monkeypatch.setattr(gc, "collect", collect)
    return finds


def called(collector: Collector, times: int) -> None:
    for _ in range(times):
        collector.called()


@pytest.mark.usefixtures("searched")
def test_it_waits_for_a_quiet_moment_but_not_for_ever() -> None:
    collector = Collector()
    assert not collector.look(REST - 1), "not again and again"
    called(collector, QUIET + 1)
    assert not collector.look(REST + 1), "somebody asks"
    assert collector.look(REST + 2), "nobody does"
    assert not collector.look(REST + 3)
    now, last = REST + 2, REST + 2
    while not collector.look(now):
        now += 5
        called(collector, YOUNG - 1)
    assert LATEST <= now - last < LATEST + 10


def test_a_server_at_rest_searches_less_and_less(searched: dict[int, list[int]]) -> None:
    collector, now, times = Collector(), 0.0, []
    searched[2] = [FEW + 1, FEW, 0, 0]
    while searched[2]:
        now += 5
        if collector.look(now):
            times.append(now)
    assert [after - before for before, after in zip([0.0, *times], times, strict=False)] == [60, 120, 240, 480]
    while not collector.look(now := now + 5):
        pass
    assert now - times[-1] == REST, "there was something to find"


def test_calls_that_leave_cycles_do_not_wait_for_a_quiet_moment(searched: dict[int, list[int]]) -> None:
    collector = Collector()
    searched[0] = [MANY - 1]
    called(collector, YOUNG)
    assert not collector.look(REST)
    searched[0] = [1]
    called(collector, YOUNG)
    assert not collector.look(REST - 1), "not again and again"
    called(collector, QUIET + 1)
    assert collector.look(REST)
    called(collector, QUIET + 1)
    assert not collector.look(2 * REST), "they were found"


@pytest.fixture
def automatic() -> Iterator[None]:
    """Nothing is collected by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("automatic")
def test_what_replaces_what_was_remembered_is_searched_little_at_a_time() -> None:
    """As many are freed as are made: Python's own count would not move, and the young ones pile up."""
    collector, remembered, young = Collector(), [[{}] for _ in range(1_000)], []
    gc.collect()
    for number in range(10 * YOUNG):
        remembered[number] = [{}]
        collector.called()
        young.append(len(gc.get_objects(generation=0)))
    assert max(young) < 4 * YOUNG
