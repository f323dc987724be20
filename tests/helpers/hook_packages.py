"""Packages of hooks as pip lays them down: a module, and metadata with entry points."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest


def install(monkeypatch: pytest.MonkeyPatch, site: Path, module: str, source: str, hooks: Mapping[str, str]) -> None:
    """Install ``source`` as ``module`` into the folder ``site``; ``hooks``: its functions by the name that specs use."""
    metadata = site / f"{module}-1.dist-info"
    metadata.mkdir(parents=True)
    (site / f"{module}.py").write_text(dedent(source), encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
    lines = [f"{name} = {module}:{function}\n" for name, function in hooks.items()]
    (metadata / "entry_points.txt").write_text(f"[offerkit.hooks]\n{''.join(lines)}")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, module, raising=False)
