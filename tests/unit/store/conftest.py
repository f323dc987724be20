"""A fresh store, and one with a history, in each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers import tampering
from helpers.postgres import new_schema
from store_samples import sample

from offerkit.store import Location, Store, parse_location


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """Where a store may be made."""
    return tmp_path / ".offerkit" / "store.db" if request.param == "sqlite" else parse_location(new_schema())


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    with Store.open(location, create=True) as opened:
        yield opened


@pytest.fixture
def history(location: Location) -> Iterator[Store]:
    with sample(location) as opened:
        yield opened


@pytest.fixture
def execute(location: Location) -> Callable[..., None]:
    """Statements run on the database behind the store's back."""

    return partial(tampering.execute, location)
