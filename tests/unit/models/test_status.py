"""The statuses of a proposition: numbers, steps, spellings."""

from __future__ import annotations

from typing import get_args

import pytest

from offerkit.models import expression_scopes, space
from offerkit.models.status import Status, may_follow, next_statuses, parse_status, status_number, status_of_number

NUMBERS = {"generated": 0, "presented": 1, "interested": 2, "accepted": 3, "scheduled": 4, "rejected": 5}
STEPS = {
    "generated": {"scheduled", "presented", "interested", "accepted", "rejected"},
    "scheduled": {"presented", "interested", "accepted", "rejected"},
    "presented": {"interested", "accepted", "rejected"},
    "interested": {"accepted", "rejected"},
    "accepted": set(),
    "rejected": set(),
}


def test_the_numbers_are_those_of_the_wire() -> None:
    assert {status.value: status_number(status) for status in Status} == NUMBERS
    assert all(status_of_number(status_number(status)) is status for status in Status)


@pytest.mark.parametrize("value", [-1, 6, 2**70])
def test_no_other_number(value: int) -> None:
    with pytest.raises(ValueError, match="numbered 0 to 5"):
        status_of_number(value)


@pytest.mark.parametrize("before", Status)
def test_the_steps(before: Status) -> None:
    assert {after.value for after in Status if may_follow(before, after)} == STEPS[before]
    assert set(next_statuses(before)) == STEPS[before]


@pytest.mark.parametrize("text", ["accepted", "Accepted", " ACCEPTED ", "3"])
def test_a_spelling(text: str) -> None:
    assert parse_status(text) is Status.ACCEPTED


@pytest.mark.parametrize(
    ("text", "hint"),
    [("acepted", "Did you mean accepted"), ("6", "Known: accepted"), ("", "Known"), ("٣", "Known"), ("03", "Known")],
)
def test_no_spelling(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_status(text)


def test_long_text_is_not_echoed() -> None:
    with pytest.raises(ValueError, match="is not a status") as told:
        parse_status("x" * 100_000)
    assert len(str(told.value)) < 250


def test_everyone_knows_the_same_statuses() -> None:
    assert set(get_args(space.StatusName)) == set(expression_scopes.STATUSES) == set(Status)
