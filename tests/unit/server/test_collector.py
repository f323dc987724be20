"""All of the garbage is searched for when nobody waits for it."""

from __future__ import annotations

import gc

import pytest

from offerkit.server.collector import LATEST, QUIET, REST, Collector


def test_it_waits_for_a_quiet_moment_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[bool] = []
    monkeypatch.setattr(gc, "collect", lambda: searched.append(True))
    calls = 0
    sweep = Collector(lambda: calls)
    assert not sweep.look(REST - 1), "not again and again"
    calls += QUIET + 1
    assert not sweep.look(REST + 1), "somebody asks"
    assert sweep.look(REST + 2), "nobody does"
    assert not sweep.look(REST + 3)
    now, last = REST + 2, REST + 2
    while not sweep.look(now):
        now, calls = now + 5, calls + 100
    assert LATEST <= now - last < LATEST + 10
    assert searched == [True, True]
