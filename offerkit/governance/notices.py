"""Events for the receivers of webhooks: an approval is wanted or decided, something is promoted, blocked or stopped.

A notice names resources and operators. It has no content of offers, no free text that somebody wrote, nothing about
contacts and no secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from offerkit.address import Address, Stage
from offerkit.fingerprint import Json
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.approvals import Decision
from offerkit.plans.plan import ApprovalKey, Plan, PlanKind

_T = TypeVar("_T")
MOST = 200
"""The most resources that one notice lists; ``count`` says how many there are."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event before it has receivers. ``name``: its type without the prefix; ``environment``: what it is about."""

    name: str
    environment: str
    data: Mapping[str, Json]


class OutboxState(StrEnum):
    """The status of an event for one receiver."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event for one receiver. Times are UTC as the store writes it; ``finished``: when it was sent, or given up.

    ``body`` is the whole CloudEvent as JSON; ``failure`` says why the last attempt failed.
    """

    id: str
    receiver: str
    type: str
    body: str
    created: str
    due: str
    attempts: int
    state: str
    lease: str
    leased_until: str
    failure: str
    finished: str


def wanted_notices(items: Iterable[ApprovalItem]) -> Iterator[Notice]:
    """For each environment, the approvals that a change makes necessary, and who can give them."""
    for environment, rows in _by_environment(items, lambda item: item.address):
        yield Notice("approval.wanted", environment, _listed("approvals", map(awaited, rows[:MOST]), len(rows)))


def awaited(item: ApprovalItem) -> dict[str, Json]:
    """What waits and who can decide, without any free text; and ``within`` which time, if it waits from now on."""
    return {
        **({"within": item.within} if item.within else {}),
        "address": item.address,
        "aspect": item.aspect.value,
        "spaces": [*item.spaces],
        "who": [*item.who],
    }


def decided_notices(keys: Iterable[ApprovalKey], decision: Decision, operator: str) -> Iterator[Notice]:
    """For each environment, what ``operator`` approved or rejected."""
    for environment, rows in _by_environment(keys, lambda key: key.address):
        listed: Iterator[dict[str, Json]] = (
            {"address": key.address, "aspect": key.aspect.value, "space": key.space, "fingerprint": key.fingerprint}
            for key in rows[:MOST]
        )
        data = _listed("approvals", listed, len(rows))
        yield Notice("approval.decided", environment, {"decision": decision.value, "by": operator, **data})


def live_notices(plan: Plan) -> Iterator[Notice]:
    """What a promotion brings to live and what it leaves behind, or what a rollback takes back."""
    steps = plan.steps_on(Stage.LIVE) if plan.kind is PlanKind.PROMOTE else plan.steps
    name = {PlanKind.PROMOTE: "promotion.promoted", PlanKind.ROLLBACK: "stage.rolled-back"}.get(plan.kind)
    for environment, rows in _by_environment(steps if name else (), lambda step: step.address):
        assert name is not None
        listed: Iterator[dict[str, Json]] = (
            {"address": step.address, "action": step.action.value, "stage": step.stage} for step in rows[:MOST]
        )
        yield Notice(name, environment, _listed("changes", listed, len(rows)))
    for environment, left in _by_environment(plan.blocked, lambda blocked: blocked.address):
        blocked_rows: Iterator[dict[str, Json]] = (
            {"address": blocked.address, "code": blocked.code, "who": [*blocked.who]} for blocked in left[:MOST]
        )
        if plan.kind is PlanKind.PROMOTE:
            yield Notice("promotion.blocked", environment, _listed("blocked", blocked_rows, len(left)))


def stop_notices(named: Sequence[Address], out: Sequence[Address], decision: Decision) -> Iterator[Notice]:
    """What was stopped, with the offers that this takes out of live, or what was resumed."""
    name = "offers.stopped" if decision is Decision.STOPPED else "offers.resumed"
    for environment, rows in _by_environment(named, lambda address: address):
        data = _listed("addresses", rows[:MOST], len(rows))
        if decision is Decision.STOPPED:
            offers = [address for address in out if address.environment == environment]
            data |= {"offers": [*offers[:MOST]], "offer_count": len(offers)}
        yield Notice(name, environment, data)


def _listed(name: str, rows: Iterable[Json], count: int) -> dict[str, Json]:
    return {"count": count, name: [*rows]}


def _by_environment(rows: Iterable[_T], address: Callable[[_T], Address]) -> Iterator[tuple[str, list[_T]]]:
    groups: dict[str, list[_T]] = {}
    for row in rows:
        groups.setdefault(address(row).environment, []).append(row)
    yield from sorted(groups.items())
