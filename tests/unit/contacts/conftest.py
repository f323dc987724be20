"""A small dimension with a field of each type, and where its contacts lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from contacts_samples import FIELDS

from offerkit.contacts import Contacts, open_contacts
from offerkit.models.dimension import Dimension

HEADER = ",".join(FIELDS)
Open = Callable[..., Contacts]


def dimension(source: Mapping[str, str] | None, key: tuple[str, ...] = ("id",)) -> Dimension:
    return Dimension.model_validate({"key": list(key), "fields": FIELDS, "source": source})


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def of(source: Mapping[str, str] | None, key: tuple[str, ...] = ("id",), **environ: str) -> Contacts:
        return open_contacts("recipient", dimension(source, key), tmp_path, environ, ZoneInfo("Europe/Paris"))

    return of


@pytest.fixture
def csv(tmp_path: Path, opened: Open) -> Callable[..., Contacts]:
    """The contacts of a CSV file with these lines after the header."""

    def of(*lines: str | bytes, header: str | bytes = HEADER, end: bytes = b"\n") -> Contacts:
        raw = [line.encode() if isinstance(line, str) else line for line in (header, *lines)]
        (tmp_path / "c.csv").write_bytes(end.join(raw))
        return opened({"format": "csv", "path": "c.csv"})

    return of
