"""Everything in this folder is slow."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The default run does not look into this folder, so what is in it is to be found by the other one."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
