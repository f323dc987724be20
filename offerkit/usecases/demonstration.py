"""Takes a temporary copy of a project live, for demonstrations when nothing is live yet."""

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
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.promote import promote
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.session import Session

_NO_PART = (".*", "__pycache__", "node_modules")
_ROUNDS = 3
"""Campaigns need another round, once what they refer to is live."""


def live_copy(session: Session, folder: Path) -> Session:
    """Copy the project of ``session`` into ``folder`` and take all of it live there, in its own store.

    Each operator in the specs does what they may: apply, approve, promote. The project itself is not changed. Raises
    Refused if the specs are invalid.
    """
    root = folder / "project"
    shutil.copytree(session.project.root, root, ignore=shutil.ignore_patterns(*_NO_PART), symlinks=True)
    copy = replace(
        session, project=Project(root), store_path=None, backend=LOCAL, use_cache=False, heads=None, scopes=None
    )
    operators = [address.name for address in copy.load().records if address.kind is Kind.OPERATOR]
    for _ in range(_ROUNDS):
        changed = [_apply_and_promote(replace(copy, operator=name, now=utc(datetime.now(UTC)))) for name in operators]
        if not any(changed):
            break
    return copy


def _apply_and_promote(session: Session) -> bool:
    """Let one operator apply, approve and promote what they may; returns whether anything changed."""
    applied = _applied(session, lambda: make_plan(session, AddressPatterns()))
    with suppress(Refused):  # nothing waits for this operator
        approve_or_reject(session, ApprovalRequest(("*/offer.*",)), Decision.APPROVED)
    promoted = _applied(session, lambda: promote(session, (), AddressPatterns()))
    return applied or promoted


def _applied(session: Session, planned: Callable[[], Plan]) -> bool:
    with suppress(Refused):  # another operator may do it
        plan = planned()
        if plan.steps:
            apply(session, plan)
            return True
    return False
