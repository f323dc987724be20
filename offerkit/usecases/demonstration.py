"""A project taken live in a copy that nobody keeps: what a demonstration shows where nothing is live yet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from offerkit.address import Kind
from offerkit.diagnostics import Refused
from offerkit.governance.approvals import Decision
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Plan
from offerkit.specs import Project
from offerkit.times import utc
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.backends import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.promote import promote
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.session import Session

_NO_PART = (".*", "__pycache__", "node_modules")
_ROUNDS = 3
"""Campaigns go live once what they name is there."""


def live_copy(session: Session, folder: Path) -> Session:
    """The project of ``session`` copied into ``folder``, with a store of its own in which all of it is live.

    Every operator that the specs name does what they may: apply, approve, promote. Nothing of the project itself is
    touched. Raises Refused when the specs are wrong.
    """
    root = folder / "project"
    shutil.copytree(session.project.root, root, ignore=shutil.ignore_patterns(*_NO_PART), symlinks=True)
    made = replace(
        session, project=Project(root), store_path=None, backend=LOCAL, use_cache=False, heads=None, scopes=None
    )
    operators = [address.name for address in made.load().records if address.kind is Kind.OPERATOR]
    for _ in range(_ROUNDS):
        done = [_all_that(replace(made, operator=name, now=utc(datetime.now(UTC)))) for name in operators]
        if not any(done):
            break
    return made


def _all_that(session: Session) -> bool:
    """Let one operator apply, approve and promote what they may; whether anything changed."""
    applied = _carried_out(session, lambda: make_plan(session, AddressPatterns()))
    with suppress(Refused):  # nothing waits for this one
        approve_or_reject(session, ApprovalRequest(("*/offer.*",)), Decision.APPROVED)
    promoted = _carried_out(session, lambda: promote(session, (), AddressPatterns()))
    return applied or promoted


def _carried_out(session: Session, planned: Callable[[], Plan]) -> bool:
    with suppress(Refused):  # somebody else may
        plan = planned()
        if plan.steps:
            apply(session, plan)
            return True
    return False
