"""The statuses of a proposition; separate from the models, so that the store does not import pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from offerkit.diagnostics import suggestion


class Status(StrEnum):
    """The status of a proposition (domain.md §2).

    In requests and in the store they are numbers: generated 0, presented 1, interested 2, accepted 3, scheduled 4,
    rejected 5. The members are in the order of their numbers.
    """

    GENERATED = "generated"
    PRESENTED = "presented"
    INTERESTED = "interested"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    REJECTED = "rejected"


_ORDER = tuple(Status)
NUMBERED: Final[Mapping[int, Status]] = dict(enumerate(_ORDER))
"""The statuses by their numbers in requests and in the store."""
_NUMBERS = {status: number for number, status in enumerate(_ORDER)}
_SPELLED = {status.value: status for status in _ORDER} | {str(number): status for status, number in _NUMBERS.items()}

_ANSWERED = (Status.INTERESTED, Status.ACCEPTED, Status.REJECTED)
_FOLLOWERS: dict[Status, tuple[Status, ...]] = {
    Status.GENERATED: (Status.SCHEDULED, Status.PRESENTED, *_ANSWERED),
    Status.SCHEDULED: (Status.PRESENTED, *_ANSWERED),
    Status.PRESENTED: _ANSWERED,
    Status.INTERESTED: (Status.ACCEPTED, Status.REJECTED),
    Status.ACCEPTED: (),
    Status.REJECTED: (),
}


def status_number(status: Status) -> int:
    """The number of ``status`` in requests and in the store."""
    return _NUMBERS[status]


def status_of_number(value: int) -> Status:
    """The status with that number. Raises ValueError if the number is unknown."""
    if value in NUMBERED:
        return NUMBERED[value]
    raise ValueError(f"there is no status {value}; statuses are numbered 0 to {len(_ORDER) - 1}")


def next_statuses(before: Status) -> tuple[Status, ...]:
    """The statuses that can follow ``before``; none after accepted and rejected, which are final."""
    return _FOLLOWERS[before]


def may_follow(before: Status, after: Status) -> bool:
    """Whether a proposition's status can change from ``before`` to ``after``; False if they are the same."""
    return after in _FOLLOWERS[before]


def parse_status(text: str) -> Status:
    """Parse a status name or number. Raises ValueError that suggests the nearest one."""
    wanted = text.strip().lower()
    if wanted in _SPELLED:
        return _SPELLED[wanted]
    hint = suggestion(wanted, [status.value for status in _ORDER])
    raise ValueError(" ".join(filter(None, [f"“{text[:80]}” is not a status.", hint])))
