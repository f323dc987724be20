"""The wheels that offerkit needs, for tests that install: downloaded once a run, in the versions that are installed here.

What the index has is resolved once, by whoever installed this environment; from a folder pip takes a fraction of the time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from filelock import FileLock
from packaging.requirements import Requirement

EXTRAS = ("serve", "postgres", "prove")
"""Those that tests install."""


def wheelhouse(factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables with which pip installs from the folder alone; all workers of a run share it."""
    shared = factory.getbasetemp().parent
    folder = shared / "wheels"
    with FileLock(shared / "wheels.lock"):
        if not folder.exists():
            _download(folder)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def _download(folder: Path) -> None:
    part = folder.with_suffix(".part")
    pinned = [f"{name}=={distribution(name).version}" for name in sorted(set(_needed("offerkit", EXTRAS)))]
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(part), *pinned, "setuptools>=68"]
    subprocess.run(words, check=True)
    part.rename(folder)


def _needed(name: str, extras: tuple[str, ...] = ()) -> Iterator[str]:
    """The distributions that ``name`` requires here, and what those require."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement.name
            yield from _needed(requirement.name, tuple(requirement.extras))
