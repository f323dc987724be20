"""The plan: pure data that says exactly what an apply will do, and why.

A plan is saved as canonical JSON (:mod:`offerkit.planning.codec`); reports turn it into text; the applier
executes its steps and derives nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from offerkit.address import Stage, parse_stage
from offerkit.diagnostics import Position
from offerkit.state.changes import Action
from offerkit.state.entries import Body, Entry

if TYPE_CHECKING:
    from offerkit.fingerprint import Json
else:
    # pydantic cannot follow an alias that contains itself; when a plan file is read, any JSON value will do.
    Json = object

FORMAT = 1
"""The plan format this version writes; older ones stay readable, newer ones are refused."""


class PlanKind(StrEnum):
    """Which command made the plan, and therefore which rights and gates hold when it is applied."""

    APPLY = "apply"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    PURGE = "purge"


class Reason(StrEnum):
    """Why a step is in the plan."""

    DECLARED = "declared"
    CHANGED = "changed"
    REMOVED = "removed-from-specs"
    RENAMED = "renamed"
    APPROVED = "approved"
    RIDES_ALONG = "rides-along"
    REMOVED_FROM_DESIGN = "removed-from-design"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled-back"
    RETENTION_OVER = "retention-over"


class Aspect(StrEnum):
    """The two things about an offer that are approved."""

    CONTENT = "content"
    ELIGIBILITY = "eligibility"


class ChangeOp(StrEnum):
    """Whether a field came, went, or took another value."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's change: ``path`` as in ``weights[summer].weight``; values as in the canonical body."""

    op: ChangeOp
    path: str
    before: Json = None
    after: Json = None


@dataclass(frozen=True, slots=True)
class ApprovalKey:
    """An approval of exactly this: an aspect of an offer (content: on one space) with its fingerprint."""

    address: str
    aspect: Aspect
    space: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ApprovalReset:
    """An approval that stops counting because of the step: ``aspect`` of ``address`` (on ``space``)."""

    address: str
    aspect: Aspect
    space: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one address in one stage (``recipients@design``)."""

    address: str
    stage: str
    action: Action
    reason: Reason
    before: Entry | None = None
    after: Entry | None = None
    label: str = ""
    source: Position | None = None
    moved_from: str = ""
    changes: tuple[FieldChange, ...] = ()
    approvals_reset: tuple[ApprovalReset, ...] = ()
    dependents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """What stays behind: why, what lifts it, and who can (operators' names, or a profile)."""

    address: str
    stage: str
    code: str
    why: str
    how: str = ""
    who: tuple[str, ...] = ()
    live: bool = False
    source: Position | None = None


@dataclass(frozen=True, slots=True)
class StageBase:
    """The state of a stage that the plan was made against: its last revision (0: none) and digest."""

    stage: str
    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class Dependence:
    """Something the plan does not touch but relies on: what stood at an address (empty: nothing)."""

    stage: str
    address: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps from a base, with all they need to be shown, judged and executed.

    ``to``: the revision that a rollback goes back to.
    """

    kind: PlanKind
    project: str
    offerkit: str
    base: tuple[StageBase, ...] = ()
    steps: tuple[Step, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    depends: tuple[Dependence, ...] = ()
    approvals: tuple[ApprovalKey, ...] = ()
    notes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    bodies: Mapping[str, Body] = field(default_factory=dict)
    to: int = 0
    format: int = FORMAT

    def steps_on(self, side: Stage) -> tuple[Step, ...]:
        """The steps in design, or those in live."""
        return tuple(step for step in self.steps if parse_stage(step.stage).stage is side)

    @property
    def empty(self) -> bool:
        """Whether applying the plan would change nothing."""
        return not self.steps

    @property
    def promotes(self) -> bool:
        """Whether applying it would make something live that was approved: it is then held to what promotions are."""
        return self.kind is PlanKind.PROMOTE and bool(self.steps)
