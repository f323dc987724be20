"""The plan: pure data that says exactly what an apply will do, and why; and the plan file.

A plan is saved as canonical JSON with its sha256. Reading refuses anything doubtful. Reports turn a plan into text; the
applier executes its steps and derives nothing again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import orjson

from offerkit.address import Address, Kind, Stage, StageRef, parse_address, parse_stage
from offerkit.diagnostics import Code, Position, Refused, refuse
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.state.changes import Action, Body, Entry, FormerAddress, parse_fields

if TYPE_CHECKING:
    from offerkit.fingerprint import Json
else:
    # pydantic cannot follow an alias that contains itself; when a plan file is read, any JSON value will do.
    Json = object

FORMAT = 2
"""The plan format this version writes. Older formats can be read, newer ones are refused.

Since format 2, a blocked change lists the decisions it waits for (:attr:`Blocked.keys`).
"""


class PlanKind(StrEnum):
    """The command that made the plan; it determines the rights and gates when the plan is applied."""

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
    SWITCHED_OFF = "switched-off"
    LEAVES_SPACE = "leaves-space"
    ENDS_EARLIER = "ends-earlier"
    ROLLED_BACK = "rolled-back"
    RETENTION_OVER = "retention-over"
    STOPPED = "stopped"


class Aspect(StrEnum):
    """The subject of a decision: an offer's content or eligibility, settings, or a stop."""

    CONTENT = "content"
    ELIGIBILITY = "eligibility"
    SETTINGS = "settings"
    STOP = "stop"


class ChangeOp(StrEnum):
    """Whether a field was added, removed, or changed."""

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

    address: Address
    aspect: Aspect
    space: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class ApprovalReset:
    """An approval that stops counting because of the step: ``aspect`` of ``address`` (on ``space``)."""

    address: Address
    aspect: Aspect
    space: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one address in one stage (``recipients@design``)."""

    address: Address
    stage: StageRef
    action: Action
    reason: Reason
    before: Entry | None = None
    after: Entry | None = None
    label: str = ""
    source: Position | None = None
    moved_from: FormerAddress = ""
    changes: tuple[FieldChange, ...] = ()
    approvals_reset: tuple[ApprovalReset, ...] = ()
    dependents: tuple[Address, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address, moved_from=parse_address, stage=parse_stage, dependents=parse_address)


@dataclass(frozen=True)
class PlanOrigin:
    """Where an applied plan comes from: its commit, and its authors according to commits and the operator.

    ``commit``: empty if files have uncommitted changes. ``whole``: nothing else in it is left to apply. ``named``:
    authors named by the operator; ``authors``: those of the commits. ``doubts``: reasons to suspect more authors, or
    (``edited``) a plan that differs from what they wrote. ``unverified``: commits that are not verified.
    """

    commit: str = ""
    whole: bool = False
    named: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


NO_ORIGIN = PlanOrigin()


def shown_as(step: Step, name: str) -> Step:
    """``step`` for display where the environment is already shown; ``name`` is not a full address."""
    return replace(step, address=cast("Address", name))


@dataclass(frozen=True, slots=True)
class Blocked:
    """A change that stays behind: why, how to unblock it, and who can (operators' names, or a profile).

    ``keys``: exactly what waits for a decision.
    """

    address: Address
    stage: StageRef
    code: str
    why: str
    how: str = ""
    who: tuple[str, ...] = ()
    live: bool = False
    source: Position | None = None
    keys: tuple[ApprovalKey, ...] = ()

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address, stage=parse_stage)


@dataclass(frozen=True, slots=True)
class StageBase:
    """The state of a stage that the plan was made against: its last revision (0: none) and digest."""

    stage: StageRef
    revision: int
    digest: str

    def __post_init__(self) -> None:
        parse_fields(self, stage=parse_stage)


@dataclass(frozen=True, slots=True)
class Dependence:
    """A fingerprint that the plan depends on without changing it; empty: nothing was at that address."""

    stage: StageRef
    address: Address
    fingerprint: str

    def __post_init__(self) -> None:
        parse_fields(self, address=parse_address, stage=parse_stage)


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What was requested besides the targets, so that the plan can be made again; since format 2."""

    environments: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps from a base, with everything needed to show, check and execute them.

    ``to``: the revision that a rollback returns to; ``undoes``: the revision whose changes it takes back.
    ``withdrawn``: whether a rollback also brings back what was rejected, switched off or retired. ``rolled_back``:
    whether a promotion includes what a rollback took back.
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
    undoes: int = 0
    withdrawn: bool = False
    rolled_back: bool = False
    asked: PlanRequest = PlanRequest()
    format: int = FORMAT
    _read: bytes = field(default=b"", init=False, compare=False, repr=False)
    """The bytes it was read from, which determine its digest, whatever this version would write; empty in a copy."""
    _digest: str = field(default="", init=False, compare=False, repr=False)
    """Its digest, once it was asked for (:func:`plan_digest`); empty in a copy."""

    def steps_on(self, side: Stage) -> tuple[Step, ...]:
        """The steps in design, or those in live."""
        return tuple(step for step in self.steps if step.stage.stage is side)

    @property
    def was_read(self) -> bool:
        """Whether it was read from a file or the network, so that anybody could have written it."""
        return bool(self._read)

    @property
    def empty(self) -> bool:
        """Whether applying the plan would change nothing."""
        return not self.steps

    @property
    def promotes(self) -> bool:
        """Whether applying it would promote something, so that the gates of promotions apply."""
        return self.kind is PlanKind.PROMOTE and bool(self.steps)


MAX_BYTES = 256 * 1024 * 1024


def encode(plan: Plan) -> bytes:
    """The canonical bytes of ``plan``: equal plans have equal bytes; a plan that was read keeps its original bytes."""
    return plan._read or canonical(plain_data(plan))


def plain_data(value: Any) -> Any:
    """``value`` as maps, lists and scalars, with all its fields; pydantic reads it back as an equal value."""
    # Defaults are included, so that a plan file can be read without this version's source.
    kind = type(value)
    if kind in _PLAIN:
        return value
    names = _field_names(kind)  # type: ignore[arg-type]  # a type is hashable
    if names:  # most fields are plain: a call for each would take twice as long
        parts = [(name, getattr(value, name)) for name in names]
        return {name: part if type(part) in _PLAIN else plain_data(part) for name, part in parts}
    if isinstance(value, list | tuple):
        if hasattr(value, "_asdict"):
            return {name: plain_data(item) for name, item in value._asdict().items()}
        return [item if type(item) in _PLAIN else plain_data(item) for item in value]
    if isinstance(value, dict):
        return {key: item if type(item) in _PLAIN else plain_data(item) for key, item in value.items()}
    return value


_PLAIN = frozenset({str, int, bool, type(None), Address, StageRef})


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass; cached, because looking them up took half the time of encoding a large plan."""
    return tuple(field.name for field in fields(kind) if field.init) if is_dataclass(kind) else ()


def plan_digest(plan: Plan) -> str:
    """The sha256 of the plan's canonical bytes, which identifies it; computed once: plans can be large."""
    if not plan._digest:
        object.__setattr__(plan, "_digest", hashlib.sha256(encode(plan)).hexdigest())
    return plan._digest


def envelope(plan: Plan) -> bytes:
    """The content of a plan file: the plan and its digest, so that an edit is detected."""
    return enveloped(encode(plan))


def enveloped(data: bytes) -> bytes:
    """The content of the plan file with these bytes of a plan (:func:`encode`)."""
    return _OPENING + hashlib.sha256(data).hexdigest().encode() + _MIDDLE + data + _CLOSING + b"\n"


_OPENING, _MIDDLE, _CLOSING = b'{"digest":"', b'","plan":', b"}"
_DIGITS = 64
_START = len(_OPENING) + _DIGITS + len(_MIDDLE)


def decode(content: bytes, name: str) -> Plan:
    """Read a plan file; ``name`` is its name in messages.

    Raises Refused if it is not a plan, truncated, of a newer format, or edited since it was saved.
    """
    try:
        outer = orjson.loads(content) if len(content) <= MAX_BYTES else None
    except orjson.JSONDecodeError:
        cut = content.startswith(b'{"digest":')
        raise refuse(
            Code.PLAN_UNREADABLE,
            f"{name} is {'a plan that was cut short' if cut else 'not a plan file'}",
            hint="Make the plan again with “offerkit plan --out FILE”.",
        ) from None
    plan = outer.get("plan") if isinstance(outer, dict) else None
    version = plan.get("format") if isinstance(plan, dict) else None
    if not isinstance(outer, dict) or not isinstance(plan, dict) or type(version) is not int or version < 1:
        raise refuse(
            Code.PLAN_UNREADABLE, f"{name} is not a plan file", hint="Make a plan with “offerkit plan --out FILE”."
        )
    if version > FORMAT:
        raise refuse(
            Code.PLAN_FORMAT,
            f"{name} has plan format {version}; this offerkit reads up to {FORMAT}",
            hint=f"Apply it with the offerkit that made it ({plan.get('offerkit', 'unknown')!s:.20}) or a newer one.",
        )
    data = _plan_bytes(content, plan)
    if data is None:
        raise refuse(
            Code.PLAN_EDITED,
            f"{name} was edited after it was saved",
            detail="Its content does not match its digest, so it is not what was reviewed.",
            hint="Make the plan again. Change the specs, not the plan, and do not reformat it.",
        )
    result = _checked(plan, name)
    object.__setattr__(result, "_read", data)
    return result


def _plan_bytes(content: bytes, plan: dict[str, Any]) -> bytes | None:
    """The bytes of ``plan`` in a plan file if the file has the form of :func:`envelope`; else None.

    The bytes must match the digest and be canonical: of a duplicate key in an object, a reviewer's tools could show the
    first value while the last one is applied.
    """
    name = content[len(_OPENING) : len(_OPENING) + _DIGITS]
    around, data = _OPENING + name + _MIDDLE, content[_START:].rstrip(b"\r\n")
    if not content.startswith(around) or not data.endswith(_CLOSING):
        return None
    data = data.removesuffix(_CLOSING)
    if hashlib.sha256(data).hexdigest().encode() != name:
        return None
    try:
        return data if canonical(plan) == data else None
    except TypeError:  # nested deeper than anything that was ever encoded
        return None


def _checked(data: dict[str, Any], name: str) -> Plan:
    from pydantic import TypeAdapter, ValidationError

    try:
        plan = TypeAdapter(Plan).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first.get("ctx", {}).get("error")  # the message of parse_address or parse_stage
        detail = str(message)[:200] if isinstance(message, ValueError) else f"At {where}."
        raise refuse(Code.PLAN_UNREADABLE, f"{name} is not a plan this offerkit can read", detail=detail) from None
    if (inconsistency := _inconsistency(plan, data)) is not None:
        raise refuse(Code.PLAN_UNREADABLE, f"{name} is not a plan this offerkit can read", detail=inconsistency)
    invalid = [key for key, body in plan.bodies.items() if not _is_genuine(key, body)]
    needed = {s.after.fingerprint for s in plan.steps if s.after is not None}
    if invalid or (missing := needed - plan.bodies.keys()):
        bad_body = invalid[0] if invalid else min(missing)
        raise Refused(
            refuse(
                Code.PLAN_EDITED, f"{name} has no valid body for {bad_body[:12]}", hint="Make the plan again."
            ).diagnostics
        )
    return plan


def _is_genuine(key: str, body: Body) -> bool:
    """Whether a body matches its fingerprint and is valid and canonical."""
    from pydantic import ValidationError

    if fingerprint(body.kind, body.text.encode()) != key:
        return False
    try:
        model = model_of(Kind(body.kind)).model_validate(orjson.loads(body.text))
    except (ValidationError, ValueError):
        return False
    return canonical(model.body()) == body.text.encode()


_SINCE_2 = ("asked", "undoes", "withdrawn", "rolled_back")
"""Keys that plans of format 1 do not have."""


def _inconsistency(plan: Plan, data: dict[str, Any]) -> str | None:
    """What is inconsistent in a plan with correct types (unknown keys, steps without effect), or None."""
    unknown = _unknown_keys(data, plain_data(plan))
    if not unknown and plan.format == 1 and any("keys" in blocked for blocked in data.get("blocked", ())):
        unknown = "keys"
    if not unknown and plan.format == 1:
        unknown = next((key for key in _SINCE_2 if key in data), "")
    if unknown:
        return f"It has a key that is not part of the plan format: {unknown[:60]}."
    if len({base.stage for base in plan.base}) < len(plan.base):
        return "It names the base of a stage twice."
    addresses: set[tuple[str, str]] = set()
    for step in plan.steps:
        if step.stage.at is not None or (step.stage, step.address) in addresses:
            return f"A step appears twice, or is not in a stage: {step.address[:80]}."
        addresses.add((step.stage, step.address))
        activations = [entry.activation or () for entry in (step.before, step.after) if entry is not None]
        if any(len(set(spaces)) < len(spaces) for spaces in activations):
            return f"A step lists a space twice: {step.address[:80]}."
        if step.before == step.after and not step.moved_from:
            return f"A step changes nothing: {step.address[:80]}."
    return None


def _unknown_keys(data: Any, known: Any) -> str:
    """A key of ``data`` that the plan format does not have; empty if all are known."""
    if isinstance(data, dict) and isinstance(known, dict):
        result = [key for key in data if key not in known] or [_unknown_keys(data[key], known[key]) for key in data]
        return next((key for key in result if key), "")
    if isinstance(data, list) and isinstance(known, list):
        return next((key for key in map(_unknown_keys, data, known) if key), "")
    return ""
