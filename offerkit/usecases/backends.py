"""Access to store and contacts through a server.

It gets plans and requests as data and checks the rights itself. Both sides of the protocol are in this module, so
that messages are written and read in one place (docs/adr/0039-use-cases.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.address import Address, Kind, parse_address
from offerkit.applier import Applied, verify
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Decision
from offerkit.governance.rights import Actor
from offerkit.plans.plan import NO_ORIGIN, ApprovalKey, Aspect, Plan, PlanOrigin, decode, envelope
from offerkit.store import RevisionRow, Store
from offerkit.store.remote import StoreCopy, diagnostic_of, error_json, remote_of, strange
from offerkit.usecases.contact_backends import ServerContacts
from offerkit.usecases.report_backends import ServerReports
from offerkit.usecases.requests import (
    ApprovalOutcome,
    ApprovalRequest,
    ImpactRequest,
    OverrideOutcome,
    OverrideRequest,
    RecordedReview,
    RelayOutcome,
    RelayRequest,
    ScheduleRequest,
    StopOutcome,
    StopRequest,
    lock_wait_ms,
)
from offerkit.usecases.session import Session

if TYPE_CHECKING:
    from offerkit.engine.impact import Impact
    from offerkit.governance.approval_items import ReviewedAspect

APPLY, DECIDE = "/api/v1/store/apply", "/api/v1/store/decide"
STOP, RESUME = "/api/v1/stop", "/api/v1/resume"
OVERRIDE, RELAY = "/api/v1/store/override", "/api/v1/store/relay"
SCHEDULE, WITHDRAW = "/api/v1/store/schedule", "/api/v1/store/schedule/withdraw"
IMPACT, LIMIT = "/api/v1/store/impact", "/api/v1/store/limit"
_DOUBTS, _REASONS = ("doubts", "unverified", "edited"), 20


@dataclass(frozen=True)
class ServerBackend(ServerReports, ServerContacts):
    """A server has the store and the contacts; a local copy of its history can be read like any store."""

    history_only = True

    def require_local(self) -> None:
        """Always raises Refused."""
        raise refuse(
            Code.REMOTE_NOT_THERE,
            "this command does not work through a server",
            detail="These do: plan, show, apply, approvals, approve, reject, override, promote, scheduled, rollback,"
            " stop, resume, stops, purge, diff, history, audit, rights, graph, export, report, simulations, explain,"
            " contact, ci, and propositions with --format jsonl.",
            hint="Run it on the server's machine, or use the server's API: /api/v1/propose, /api/v1/update.",
        )

    def apply(self, session: Session, plan: Plan, actor: Actor) -> Applied:
        """Let the server apply ``plan`` as the token's operator."""
        payload: dict[str, Json] = {
            "plan": envelope(plan).decode(),
            "message": session.message,
            "override_impact": session.override_impact,
            "lock_wait_ms": lock_wait_ms(session.lock_timeout),
        }
        if session.origin != NO_ORIGIN:  # earlier servers do not know it
            payload["origin"] = _origin_json(session.origin)
        if session.as_read is not None:
            payload["as_read"] = asdict(session.as_read)
        payload |= _signature(session)
        match self.remote.post(APPLY, payload):
            case {"revision": dict(revision), "base_moved": bool(moved)}:
                applied = Applied(_revision(revision), moved)
            case _:
                raise strange(self.remote.url)
        session.remember_revision(applied.revision)
        return applied

    def decide(self, session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
        """Let the server approve or reject as the token's operator."""
        session.recognize()
        request_fields = {name: value for name, value in asdict(request).items() if name not in ("plan", "seen")}
        payload: dict[str, Json] = {
            **request_fields,
            "plan": envelope(request.plan).decode() if request.plan is not None else "",
            "decision": decision.value,
            "lock_wait_ms": lock_wait_ms(session.lock_timeout),
        }
        if not request.expect:
            del payload["expect"]  # earlier servers do not know it
        if not request.settings:
            del payload["settings"]
        payload |= _signature(session)
        match self.remote.post(DECIDE, payload):
            case {"revision": revision, "keys": list(keys), "left": list(left), **more}:
                recorded = _revision(revision) if isinstance(revision, dict) else None
                refused = self._findings(more.get("refused", []))
                others = left[: len(left) - len(refused)]
                shown = _shown(more.get("shown", []), self.remote.url)
                digest = str(more.get("digest", ""))
                outcome = ApprovalOutcome(
                    recorded, tuple(map(_key, keys)), tuple(map(str, others)), refused, digest, shown
                )
            case _:
                raise strange(self.remote.url)
        if outcome.revision is not None:
            session.remember_revision(outcome.revision)
        return outcome

    def relay(self, session: Session, request: RelayRequest) -> RelayOutcome:
        """Let the server record reviews as approvals."""
        session.recognize()
        match self.remote.post(RELAY, {**asdict(request), "lock_wait_ms": lock_wait_ms(session.lock_timeout)}):
            case {"recorded": list(recorded), "standing": list(standing), "refused": refused}:
                reviews = tuple(map(self._relayed, recorded))
                outcome = RelayOutcome(reviews, tuple(map(str, standing)), self._findings(refused))
            case _:
                raise strange(self.remote.url)
        for review in outcome.recorded:
            session.remember_revision(review.revision)
        return outcome

    def _relayed(self, answer: Json) -> RecordedReview:
        match answer:
            case {
                "reviewer": str(reviewer),
                "review": str(review),
                "revision": dict(revision),
                "keys": list(keys),
                "left": list(left),
                "refused": refused,
            }:
                approval_keys = tuple(map(_key, keys))
                return RecordedReview(
                    reviewer, review, _revision(revision), approval_keys, tuple(map(str, left)), self._findings(refused)
                )
            case _:
                raise strange(self.remote.url)

    def stop(self, session: Session, request: StopRequest, decision: Decision) -> StopOutcome:
        """Let the server stop or resume as the token's operator."""
        payload: Json = {
            "patterns": list(request.patterns),
            "reason": request.reason,
            "lock_wait_ms": lock_wait_ms(session.lock_timeout),
            **_signature(session),
        }
        match self.remote.post(STOP if decision is Decision.STOPPED else RESUME, payload):
            case {"revision": revision, "named": list(named), "out": list(out), "refused": refused}:
                revision_row = _revision(revision) if isinstance(revision, dict) else None
                named_addresses, out_addresses = (tuple(map(_address, addresses)) for addresses in (named, out))
                outcome = StopOutcome(revision_row, named_addresses, out_addresses, self._findings(refused))
            case _:
                raise strange(self.remote.url)
        if outcome.revision is not None:
            session.remember_revision(outcome.revision)
        return outcome

    def override(self, session: Session, request: OverrideRequest) -> OverrideOutcome:
        """Let the server record an override by the token's operator."""
        session.recognize()
        payload: dict[str, Json] = {
            "patterns": list(request.patterns),
            "reason": request.reason,
            "lifts": [each.value for each in request.lifts],
            "lock_wait_ms": lock_wait_ms(session.lock_timeout),
        }
        if request.found:  # earlier servers do not know it
            payload["found"] = [asdict(each) for each in request.found]
        payload |= _signature(session)
        match self.remote.post(OVERRIDE, payload):
            case {"revision": dict(revision), "says": list(says)}:
                outcome = OverrideOutcome(_revision(revision), tuple(map(str, says)))
            case _:
                raise strange(self.remote.url)
        session.remember_revision(outcome.revision)
        return outcome

    def schedule(self, session: Session, plan: Plan, request: ScheduleRequest) -> RevisionRow:
        """Let the server store a promotion of the token's operator."""
        payload: Json = {
            "plan": envelope(plan).decode(),
            **asdict(request),
            "message": session.message,
            "override_impact": session.override_impact,
            "lock_wait_ms": lock_wait_ms(session.lock_timeout),
            **_signature(session),
        }
        return self._recorded(session, SCHEDULE, payload)

    def withdraw_scheduled(self, session: Session, serial: int, reason: str) -> RevisionRow:
        """Let the server take a scheduled promotion back."""
        session.recognize()
        payload: Json = {"scheduled": serial, "reason": reason, "lock_wait_ms": lock_wait_ms(session.lock_timeout)}
        return self._recorded(session, WITHDRAW, payload)

    def _recorded(self, session: Session, path: str, payload: Json) -> RevisionRow:
        """The revision that the server answers with."""
        match self.remote.post(path, payload):
            case {"revision": dict(answer)}:
                revision = _revision(answer)
            case _:
                raise strange(self.remote.url)
        session.remember_revision(revision)
        return revision

    def impact(self, session: Session, plan: Plan, request: ImpactRequest) -> Impact:
        """The impact on the server's contacts."""
        from offerkit.engine.impact import Impact, without_contacts

        payload: dict[str, Json] = {**asdict(request), "by": list(request.by), "plan": envelope(plan).decode()}
        if not request.examples:
            del payload["examples"]  # earlier servers do not know it
        impact = self.remote.typed(Impact, IMPACT, payload)
        return (
            impact if request.examples else replace(impact, spaces=[without_contacts(space) for space in impact.spaces])
        )

    def impact_record(self, session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
        """The impact record from the server's contacts; not requested if nothing in its history limits the impact."""
        from offerkit.usecases.impact_limit import is_limited

        if not is_limited(session, store, plan):
            return {}
        payload: Json = {"plan": envelope(plan).decode(), "override_impact": session.override_impact}
        match self.remote.post(LIMIT, payload):
            case dict(record):
                return record
            case _:
                raise strange(self.remote.url)

    def _findings(self, payload: object) -> tuple[Diagnostic, ...]:
        try:
            return tuple(map(diagnostic_of, payload)) if isinstance(payload, list) else ()
        except ValueError:
            raise strange(self.remote.url) from None


_UNNAMED = "A server identifies you by your token: leave out --as and OFFERKIT_OPERATOR."


def connect(address: str, operator: str, root: Path, environ: Mapping[str, str]) -> tuple[ServerBackend, StoreCopy]:
    """Connect to the server at ``address`` with the token in ``environ``, and copy its history below ``root``.

    A server that keeps design from the token's operator gives no copy; what needs none still works. Raises Refused if
    the server cannot be reached, or ``operator`` is not the token's operator.
    """
    remote, folder = remote_of(address, environ), root / ".offerkit" / "remote"
    try:
        copy = remote.copy(folder)
    except Refused as refused:
        if refused.diagnostics[0].code is not Code.NOT_A_DESIGN_READER:
            raise
        if operator:  # nobody here can tell if it is the token's
            raise Refused([replace(found, hint=_UNNAMED) for found in refused.diagnostics]) from None
        return ServerBackend(remote), StoreCopy(folder / "withheld", "", "", refused)
    if operator and operator != copy.operator:
        raise refuse(
            Code.NOT_ALLOWED,
            f"the token is {copy.operator}'s, not {operator[:80]}'s",
            hint=_UNNAMED,
        )
    return ServerBackend(remote), copy


def impact_for(session: Session, plan: Plan, request: ImpactRequest) -> Impact:
    """A server's answer to :data:`IMPACT`. Raises Refused if the plan is stale or invalid."""
    _check_received(session, plan)
    return session.backend.impact(session, plan, request)


def limit_for(session: Session, plan: Plan) -> Mapping[str, Json]:
    """A server's answer to :data:`LIMIT`: what would be recorded if ``plan`` were applied.

    Raises Refused if the plan is stale or invalid, or exceeds an impact limit.
    """
    from offerkit.usecases.apply import check_impact

    _check_received(session, plan)
    return check_impact(session, plan)


def _check_received(session: Session, plan: Plan) -> None:
    """Verify a plan from the network before reading any contacts for it.

    A dimension says which file or table is read, so the sender of a changed one must be allowed to change it.
    """
    from offerkit.usecases.apply import entitled_actor

    with session.existing() as store:
        verify(plan, store)
    if any(step.address.kind is Kind.DIMENSION for step in plan.steps):
        entitled_actor(session, plan)


def _signature(session: Session) -> dict[str, Json]:
    """The part of a request that carries the operator's signature, if there is one; earlier servers do not know it."""
    return {} if session.signature is None else {"signature": session.signature._asdict()}


def _origin_json(origin: PlanOrigin) -> Json:
    """An origin as JSON, with a limited number of doubts."""
    return {name: value[:_REASONS] if name in _DOUBTS else value for name, value in asdict(origin).items()}


def applied_json(applied: Applied) -> Json:
    """The answer to :data:`APPLY`."""
    return {"revision": _revision_json(applied.revision), "base_moved": applied.base_moved}


def scheduled_json(revision: RevisionRow) -> Json:
    """The answer to :data:`SCHEDULE` and :data:`WITHDRAW`."""
    return {"revision": _revision_json(revision)}


def overridden_json(outcome: OverrideOutcome) -> Json:
    """The answer to :data:`OVERRIDE`."""
    return {"revision": _revision_json(outcome.revision), "says": list(outcome.says)}


def decided_json(outcome: ApprovalOutcome) -> Json:
    """The answer to :data:`DECIDE`."""
    return {
        "revision": None if outcome.revision is None else _revision_json(outcome.revision),
        "keys": list(map(_key_json, outcome.keys)),
        # Earlier clients do not know “refused”, so refusals are also in “left”.
        "left": [*outcome.left, *(diagnostic.summary for diagnostic in outcome.refused)],
        "refused": [error_json(diagnostic) for diagnostic in outcome.refused],
        "digest": outcome.digest,
        "shown": [
            {"key": asdict(row.key), "label": row.label, "changes": [asdict(c) for c in row.changes], "new": row.new}
            for row in outcome.shown
        ],
    }


def relayed_json(outcome: RelayOutcome) -> Json:
    """The answer to :data:`RELAY`."""
    return {
        "recorded": [
            {
                "reviewer": review.reviewer,
                "review": review.review,
                "revision": _revision_json(review.revision),
                "keys": list(map(_key_json, review.keys)),
                "left": list(review.left),
                "refused": [error_json(diagnostic) for diagnostic in review.refused],
            }
            for review in outcome.recorded
        ],
        "standing": list(outcome.standing),
        "refused": [error_json(diagnostic) for diagnostic in outcome.refused],
    }


def stopped_json(outcome: StopOutcome) -> Json:
    """The answer to :data:`STOP` and :data:`RESUME`."""
    return {
        "revision": None if outcome.revision is None else _revision_json(outcome.revision),
        "named": list(outcome.named),
        "out": list(outcome.out),
        "refused": [error_json(diagnostic) for diagnostic in outcome.refused],
    }


def _address(address: Json) -> Address:
    return parse_address(str(address))


def _revision_json(row: RevisionRow) -> Json:
    return asdict(row)


def _revision(payload: dict[str, Json]) -> RevisionRow:
    texts = {f.name: str(payload.get(f.name, "")) for f in fields(RevisionRow) if f.name not in ("serial", "details")}
    serial, details = payload.get("serial"), payload.get("details")
    return RevisionRow(
        serial=serial if isinstance(serial, int) else 0, details=details if isinstance(details, dict) else {}, **texts
    )


def _key_json(key: ApprovalKey) -> Json:
    return {"address": key.address, "aspect": key.aspect.value, "space": key.space, "fingerprint": key.fingerprint}


def _key(payload: Json) -> ApprovalKey:
    texts = {name: str(value) for name, value in payload.items()} if isinstance(payload, dict) else {}
    return ApprovalKey(
        parse_address(texts.get("address", "")),
        Aspect(texts.get("aspect", "")),
        texts.get("space", ""),
        texts.get("fingerprint", ""),
    )


def _shown(payload: object, url: str) -> tuple[ReviewedAspect, ...]:
    from pydantic import TypeAdapter, ValidationError

    from offerkit.governance.approval_items import ReviewedAspect

    try:
        return TypeAdapter(tuple[ReviewedAspect, ...]).validate_python(payload)
    except ValidationError:
        raise strange(url) from None


def plan_of(text: str) -> Plan:
    """The plan in a request. Raises Refused if it is invalid."""
    return decode(text.encode(), "the plan")
