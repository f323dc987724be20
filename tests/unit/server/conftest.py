"""What all tests of the server have in common."""

from __future__ import annotations

import time
from types import SimpleNamespace

import limits.storage.memory
import limits.strategies
import pytest

from offerkit.server import rate_limit
from offerkit.server.ui import promotion


@pytest.fixture(autouse=True)
def _patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for what they count, however busy the machine is; tests of pages that do not wait say so."""
    monkeypatch.setattr(promotion, "PATIENCE", 60.0)


@pytest.fixture(autouse=True)
def _one_moment_for_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are counted as if all came in one moment: a test that runs across a minute's end lets one more in."""
    moment = time.time()
    held = SimpleNamespace(time=lambda: moment)
    for module in (limits.storage.memory, limits.strategies, rate_limit):
        monkeypatch.setattr(module, "time", held)
