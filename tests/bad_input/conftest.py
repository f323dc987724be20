"""What the tests of bad input share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from wrong import fresh, run


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound project with a store: applied by ada."""
    root = fresh(tmp_path_factory.mktemp("sound"))
    outcome = run(root, "apply", "--yes")
    assert outcome.code == 0, outcome
    return root


@pytest.fixture
def project(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound project and its store, to do anything to."""
    root = tmp_path / "p"
    shutil.copytree(sound, root)
    return root


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's: no operator, no store, no colours."""
    for name in ("OFFERKIT_OPERATOR", "OFFERKIT_STORE", "OFFERKIT_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
