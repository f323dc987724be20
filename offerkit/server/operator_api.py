"""The API of operators' command lines: a copy of the history to read, and the changes they make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import wraps
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, FailFast, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from offerkit.address import parse_address
from offerkit.applier import Applied
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.estimate import MAX_SAMPLE
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Decision
from offerkit.governance.overrides import OverrideKind
from offerkit.governance.rights import scopes_text
from offerkit.governance.signatures import GivenSignature
from offerkit.governance.sshsig import LONGEST_SIGNATURE
from offerkit.plans.plan import PlanOrigin
from offerkit.reports.stops import stopped_rows
from offerkit.server.authentication import acting, caller_of
from offerkit.server.history_copies import HistoryCopies
from offerkit.server.json_bodies import read_body
from offerkit.server.redaction import redacted
from offerkit.server.route_scopes import check_scope
from offerkit.server.routing import Description, Handler, Operation
from offerkit.server.schemas import CALL_REFUSALS, JsonAnswer, RequestBody, refusals
from offerkit.store.remote import OPERATOR_HEADER, PROTOCOL, PROTOCOL_HEADER, SCOPE_HEADER
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.backends import (
    applied_json,
    decided_json,
    impact_for,
    limit_for,
    overridden_json,
    plan_of,
    relayed_json,
    stopped_json,
)
from offerkit.usecases.design_access import (
    check_design_reader,
    design_readable,
    keeping_compared,
    keeping_design,
)
from offerkit.usecases.override import override
from offerkit.usecases.relay import relay
from offerkit.usecases.requests import (
    LONGEST_WAIT,
    MAX_DENIALS,
    ApprovalOutcome,
    ApprovalRequest,
    ForgeReview,
    ImpactRequest,
    OverrideOutcome,
    OverrideRequest,
    PolicyDenial,
    ReadPlan,
    RelayRequest,
    StopOutcome,
    StopRequest,
)
from offerkit.usecases.session import Session
from offerkit.usecases.stop import list_stops, resume, stop
from offerkit.usecases.tokens import Bearer

COPY_TYPE = "application/vnd.sqlite3"
_PROBLEMS = refusals(*CALL_REFUSALS)
ShortText = Annotated[str, Field(max_length=2_000)]
_Names = Annotated[list[Annotated[str, Field(max_length=500)]], FailFast(), Field(max_length=10_000)]
PlanText = Annotated[str, Field(max_length=31 * 1024 * 1024)]
_Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
LockWait = Annotated[int, Field(ge=0, le=LONGEST_WAIT * 1000)]


class HasSession(Protocol):
    """What the calls need of a server: the session that its own reads and writes are made in."""

    @property
    def session(self) -> Session:
        """That session."""


class OriginBody(RequestBody):
    """Where a plan comes from: the commit, who wrote it, and what is doubtful about that."""

    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{40}([0-9a-f]{24})?)?$")] = ""
    whole: bool = False
    named: _Names = Field([])
    authors: _Names = Field([])
    doubts: _Names = Field([])
    unverified: _Names = Field([])
    edited: _Names = Field([])


class AsReadBody(RequestBody):
    """What was read of a plan in a pull request: another one is refused, unless there is a reason to allow it."""

    meaning: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}:[0-9a-f]{64}$")]
    pull_request: Annotated[int, Field(ge=0, lt=2**53)] = 0
    head: Annotated[str, Field(pattern=r"^([0-9a-f]{40}([0-9a-f]{24})?)?$")] = ""
    allowed: ShortText = ""


class SignatureBody(RequestBody):
    """The operator's own signature of what is to be recorded (docs/signatures.md)."""

    time: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$")]
    parent: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    text: Annotated[str, Field(max_length=LONGEST_SIGNATURE)]


class SignedBody(RequestBody):
    """A request that can be signed."""

    signature: SignatureBody | None = None


class ApplyBody(SignedBody):
    """A saved plan, to be applied exactly as it is."""

    plan: PlanText
    origin: OriginBody = Field(default_factory=OriginBody)
    as_read: AsReadBody | None = None
    message: ShortText = ""
    override_impact: ShortText = ""
    lock_wait_ms: LockWait = 0


class ImpactBody(RequestBody):
    """A plan, and how to measure its impact on contacts."""

    plan: PlanText
    n: Annotated[int, Field(gt=-(10**9), lt=10**9)] = 3  # the use case checks it
    at: ShortText = ""
    by: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=50)] = Field([])
    sample: Annotated[int, Field(ge=0, le=MAX_SAMPLE)] = 0
    examples: bool = False


class LimitBody(RequestBody):
    """A promotion whose loss of offers is checked against the limits of its environments."""

    plan: PlanText
    override_impact: ShortText = ""


class StopBody(SignedBody):
    """What is to be stopped or resumed, and why."""

    patterns: Annotated[list[Annotated[str, Field(max_length=500)]], FailFast(), Field(min_length=1, max_length=1_000)]
    reason: ShortText = ""
    lock_wait_ms: LockWait = 0


class DecideBody(SignedBody):
    """What is to be approved or rejected."""

    decision: Literal["approved", "rejected"]
    patterns: _Names = Field([])
    categories: _Names = Field([])
    spaces: _Names = Field([])
    plan: PlanText = ""
    content: bool = False
    eligibility: bool = False
    settings: bool = False
    comment: ShortText = ""
    expect: Annotated[str, Field(max_length=64)] = ""
    lock_wait_ms: LockWait = 0


class OverriddenBody(RequestBody):
    """What a policy denies of specs that are not applied yet, as the specs' holder found it."""

    policy: Annotated[str, Field(max_length=500)]
    meaning: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    address: Annotated[str, Field(max_length=500)]
    judged: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReviewBody(RequestBody):
    """A review that approves, as the forge tells it."""

    account: Annotated[int, Field(gt=0, lt=2**63)]
    review: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


class RelayBody(RequestBody):
    """Reviews of a pull request that are to be recorded as approvals of what was applied of it."""

    forge: Literal["github", "gitlab"]
    pull_request: Annotated[int, Field(gt=0, lt=2**53)]
    head: _Commit
    merged_as: _Commit
    meaning: Annotated[str, Field(pattern=r"^[0-9]{1,3}:[0-9a-f]{64}$")]
    reviews: Annotated[list[ReviewBody], FailFast(), Field(max_length=1_000)]
    authors: _Names = Field([])
    doubts: _Names = Field([])
    lock_wait_ms: LockWait = 0


class OverrideBody(SignedBody):
    """What is to be overridden, and why."""

    patterns: _Names
    reason: ShortText
    lifts: Annotated[list[Literal["reviewers", "settings", "cases", "policies", "calendar"]], Field(max_length=10)] = (
        Field([])
    )
    found: Annotated[list[OverriddenBody], FailFast(), Field(max_length=MAX_DENIALS)] = Field([])
    lock_wait_ms: LockWait = 0


def with_signature(session: Session, body: SignedBody) -> Session:
    """``session`` with the signature in a request."""
    given = body.signature
    return (
        session if given is None else replace(session, signature=GivenSignature(given.time, given.parent, given.text))
    )


def _found(body: OverriddenBody) -> PolicyDenial | None:
    """What was found; None where its addresses are none, so that nothing is there to be overridden."""
    try:
        return PolicyDenial(parse_address(body.policy), body.meaning, parse_address(body.address), body.judged)
    except ValueError:
        return None


def routes(service: HasSession) -> list[Operation]:
    """The calls of operators' command lines on the store of ``service``."""
    copies = HistoryCopies(service.session)
    counting = asyncio.Lock()  # deciding for all contacts takes a processor: one plan at a time, calls go on beside it

    async def copy(request: Request) -> Response:
        """The history with all its bodies, as a store of its own; neither propositions nor tokens."""
        caller = operator_caller(request)
        headers = {
            OPERATOR_HEADER: caller.operator,
            SCOPE_HEADER: scopes_text(caller.scopes),
            PROTOCOL_HEADER: PROTOCOL,
        }
        await asyncio.to_thread(check_design_reader, acting(service.session, caller, 0.0))
        newest = await asyncio.to_thread(copies.newest)
        headers["ETag"] = f'"{newest.etag}"'
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        headers["Content-Length"] = str(newest.size)
        return StreamingResponse(newest.parts(), headers=headers, media_type=COPY_TYPE)

    async def applying(request: Request) -> Response:
        """Apply a plan as the token's operator, in one transaction, if it is not stale."""
        body = await read_body(request, ApplyBody)
        wait = body.lock_wait_ms / 1000
        session = acting(service.session, operator_caller(request), wait, body.message, body.override_impact)
        read_ = ReadPlan(**body.as_read.model_dump()) if body.as_read is not None else None
        session = with_signature(replace(session, origin=_origin(body.origin), as_read=read_), body)
        return answer(applied_json(await asyncio.to_thread(_applied, session, body)))

    async def impact(request: Request) -> Response:
        """How many contacts get or lose each offer by a plan; rounded for operators who may not read contacts."""
        body = await read_body(request, ImpactBody)
        session = acting(service.session, operator_caller(request), 0.0)
        async with counting:
            return answer(await asyncio.to_thread(_impact, session, body))

    async def limit(request: Request) -> Response:
        """Check whether a promotion keeps the limits on contacts who lose offers; applying it checks again."""
        body = await read_body(request, LimitBody)
        session = acting(service.session, operator_caller(request), 0.0, "", body.override_impact)
        async with counting:
            return answer(await asyncio.to_thread(_held, session, body))

    copied: dict[int, dict[str, Any]] = {
        200: {"content": {COPY_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The caller's copy, which If-None-Match names, is the newest."},
    }
    return [
        operation("GET", "/api/v1/store/copy", copy, responses=copied),
        operation("POST", "/api/v1/store/apply", applying, ApplyBody),
        operation("POST", "/api/v1/store/impact", impact, ImpactBody),
        operation("POST", "/api/v1/store/limit", limit, LimitBody),
        *_decisions(service),
    ]


def _decisions(service: HasSession) -> list[Operation]:
    """The calls by which reviewers, or relayed reviews of a forge, decide which changes can go live."""

    async def deciding(request: Request) -> Response:
        """Approve or reject as the token's operator."""
        body = await read_body(request, DecideBody)
        session = with_signature(acting(service.session, operator_caller(request), body.lock_wait_ms / 1000), body)
        wish = ApprovalRequest(
            tuple(body.patterns),
            tuple(body.categories),
            plan_of(body.plan) if body.plan else None,
            body.content,
            body.eligibility,
            tuple(body.spaces),
            body.comment,
            expect=body.expect,
            settings=body.settings,
        )
        decided = await asyncio.to_thread(_decided, session, wish, Decision(body.decision))
        refused = redacted(Refused(decided.refused), service.session).diagnostics
        return answer(decided_json(replace(decided, refused=refused)))

    async def relaying(request: Request) -> Response:
        """Record reviews of a pull request as their reviewers' approvals; the token's operator is an automation."""
        body = await read_body(request, RelayBody)
        session = acting(service.session, operator_caller(request), body.lock_wait_ms / 1000)
        outcome = await asyncio.to_thread(relay, session, _relay_request(body))
        refused = redacted(Refused(outcome.refused), service.session).diagnostics
        return answer(relayed_json(replace(outcome, refused=refused)))

    async def overriding(request: Request) -> Response:
        """Lift what keeps something out of live, as the token's operator, with a reason that is kept."""
        body = await read_body(request, OverrideBody)
        session = with_signature(acting(service.session, operator_caller(request), body.lock_wait_ms / 1000), body)
        found_items = tuple(filter(None, map(_found, body.found)))
        wish = OverrideRequest(tuple(body.patterns), body.reason, tuple(map(OverrideKind, body.lifts)), found_items)
        return answer(overridden_json(await asyncio.to_thread(_overridden, session, wish)))

    return [
        operation("POST", "/api/v1/store/decide", deciding, DecideBody),
        operation("POST", "/api/v1/store/relay", relaying, RelayBody),
        operation("POST", "/api/v1/store/override", overriding, OverrideBody),
    ]


def stop_routes(service: HasSession) -> list[Operation]:
    """Stopping, resuming and what is stopped: for command lines, and for whoever watches over what is live."""

    async def decided(request: Request, act: Callable[[Session, StopRequest], StopOutcome]) -> Response:
        body = await read_body(request, StopBody)
        session = with_signature(acting(service.session, operator_caller(request), body.lock_wait_ms / 1000), body)
        outcome = await asyncio.to_thread(act, session, StopRequest(tuple(body.patterns), body.reason))
        refused = redacted(Refused(outcome.refused), service.session).diagnostics
        return answer(stopped_json(replace(outcome, refused=refused)))

    async def stopping(request: Request) -> Response:
        """Take offers, categories or spaces' offers out of live at once, and keep them out."""
        return await decided(request, stop)

    async def resuming(request: Request) -> Response:
        """Let what was stopped, and approved since, be promoted again."""
        return await decided(request, resume)

    async def stops(request: Request) -> Response:
        """What is stopped: by whom, since when, why, and which offers that keeps out of live."""
        session = acting(service.session, operator_caller(request), 0.0)
        return answer({"stops": await asyncio.to_thread(_stops, session)})

    return [
        operation("POST", "/api/v1/stop", stopping, StopBody),
        operation("POST", "/api/v1/resume", resuming, StopBody),
        operation("GET", "/api/v1/stops", stops),
    ]


def operation(
    method: str,
    path: str,
    handler: Handler,
    body: type[BaseModel] | None = None,
    responses: Mapping[int, Mapping[str, Any]] | None = None,
) -> Operation:
    """An operation that reads no body of a caller who may not call it: plans are large."""

    @wraps(handler)
    async def checked(request: Request) -> Response:
        check_scope(operator_caller(request), method, path)
        return await handler(request)

    words = path.removeprefix("/api/v1/").removeprefix("store/").split("/")
    described = Description(
        id="-".join(reversed(words)), tag="operators", body=body, responses={**(responses or {}), **_PROBLEMS}
    )
    return Operation(method, path, checked, described)


def operator_caller(request: Request) -> Bearer:
    """The operator who calls. Raises Refused without one."""
    caller = caller_of(request)
    if not caller.operator:
        raise refuse(Code.NO_OPERATOR, "only operators can call this", hint="Send an operator's token with the call.")
    return caller


def _origin(body: OriginBody) -> PlanOrigin:
    lists = {name: tuple(value) for name, value in body if isinstance(value, list)}
    return PlanOrigin(body.commit, body.whole, **lists)


def _relay_request(body: RelayBody) -> RelayRequest:
    return RelayRequest(
        body.forge,
        body.pull_request,
        body.head,
        body.merged_as,
        body.meaning,
        tuple(ForgeReview(review.account, review.review) for review in body.reviews),
        tuple(body.authors),
        tuple(body.doubts),
    )


def _applied(session: Session, body: ApplyBody) -> Applied:
    with keeping_compared(session):
        return apply(session, plan_of(body.plan))


def _impact(session: Session, body: ImpactBody) -> Json:
    check_design_reader(session)
    request = ImpactRequest(body.n, body.at, tuple(body.by), body.sample, body.examples)
    return asdict(impact_for(session, plan_of(body.plan), request))


def _held(session: Session, body: LimitBody) -> Json:
    check_design_reader(session)
    return dict(limit_for(session, plan_of(body.plan)))


def _decided(session: Session, wish: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
    with keeping_design(session, wish.patterns, wish.categories):
        return approve_or_reject(session, wish, decision)


def _overridden(session: Session, wish: OverrideRequest) -> OverrideOutcome:
    with keeping_design(session, wish.patterns):
        return override(session, wish)


def _stops(session: Session) -> list[Json]:
    with session.existing() as store:
        return stopped_rows(list_stops(store, design_readable(session, store)))


def answer(body: Json) -> Response:
    """``body`` as the answer to a command line."""
    return JsonAnswer(body, 200, (PROTOCOL_HEADER.lower().encode(), PROTOCOL.encode()))
