"""What all tests of forges use: GitHub on this machine, and a client that sleeps no time at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.fake_forge import TOKEN
from helpers.fake_github import REPOSITORY, FakeGitHub

from offerkit.forges.api import Api
from offerkit.forges.github import GitHub, github_headers


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    """A GitHub that nobody asks for what its API does not have."""
    made = FakeGitHub()
    yield made
    made.close()
    assert not made.problems


@pytest.fixture
def told() -> list[str]:
    """What was told while waiting."""
    return []


@pytest.fixture
def github(fake: FakeGitHub, told: list[str]) -> GitHub:
    """The client."""
    made = Api("GitHub", fake.url, TOKEN, github_headers(TOKEN), told.append, sleep=lambda seconds: None)
    made.timeouts = (5.0, 5.0)
    return GitHub(made, REPOSITORY)
