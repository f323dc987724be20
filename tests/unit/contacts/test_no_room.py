"""A disk without room for what a batch spills: one diagnostic, nothing left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from offerkit.batch import open_people, people
from offerkit.diagnostics import Code, Refused
from offerkit.rules.types import Base, FieldType


def test_spilling_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usual = people.settings
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(
        people, "settings", lambda folder: usual(folder) | {"memory_limit": "24MB", "max_temp_directory_size": "1MB"}
    )
    types = {"id": FieldType(Base.INTEGER), "text": FieldType(Base.STRING)}
    rows = ({"id": number, "text": f"{number:x}" * 60} for number in range(400_000))
    with pytest.raises(Refused) as caught, open_people(rows, ("id",), types):
        pytest.fail("all of it found room")
    (found,) = caught.value.diagnostics
    assert found.code is Code.NO_ROOM and str(tmp_path) in found.detail
    assert list(tmp_path.iterdir()) == []
