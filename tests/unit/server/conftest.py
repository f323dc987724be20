"""What all tests of the server have in common."""

from __future__ import annotations

import pytest

from offerkit.server.ui import promotion


@pytest.fixture(autouse=True)
def _patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for what they count, however busy the machine is; tests of pages that do not wait say so."""
    monkeypatch.setattr(promotion, "PATIENCE", 60.0)
