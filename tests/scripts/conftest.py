"""What sessions and terminals share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the starts are kept: one folder for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    place = base.parent / f"starts-{run}" if run else base / "starts"
    place.mkdir(exist_ok=True)
    return place
