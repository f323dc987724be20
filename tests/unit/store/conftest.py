"""A fresh store, and one with a history."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_samples import sample

from offerkit.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / ".offerkit" / "store.db", create=True) as opened:
        yield opened


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Store]:
    with sample(tmp_path / ".offerkit" / "store.db") as opened:
        yield opened


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., None]:
    """Statements run on the file behind the store's back."""

    def run(*statements: str) -> None:
        connection = sqlite3.connect(tmp_path / ".offerkit" / "store.db", isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return run
