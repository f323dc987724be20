"""Handing over to a server what needs its store or contacts: plans and decisions, as data. Rights are asked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from offerkit.applier import Applied
from offerkit.diagnostics import Code, Diagnostic, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approval import Decision
from offerkit.planning.codec import decode, envelope
from offerkit.planning.plan import ApprovalKey, Aspect, Plan
from offerkit.store import RevisionRow
from offerkit.store.remote import Remote, diagnostic_of, error_json, strange
from offerkit.workflow.approving import Decided, Wish
from offerkit.workflow.session import Session

if TYPE_CHECKING:
    from offerkit.reports.impact import Impact
    from offerkit.workflow.impact import Asked

APPLY, DECIDE = "/api/v1/store/apply", "/api/v1/store/decide"
IMPACT, LIMIT = "/api/v1/store/impact", "/api/v1/store/limit"
LONGEST_WAIT = 60
"""Seconds that a caller elsewhere may wait for the store's lock."""


def apply_there(remote: Remote, session: Session, plan: Plan) -> Applied:
    """Let the server apply ``plan`` as the token's operator. Raises Refused with all that it refuses."""
    asked: Json = {
        "plan": envelope(plan).decode(),
        "message": session.message,
        "override_impact": session.override_impact,
        "lock_wait_ms": _wait(session),
    }
    match remote.post(APPLY, asked):
        case {"revision": dict(revision), "base_moved": bool(moved)}:
            return Applied(_revision(revision), moved)
        case _:
            raise strange(remote.url)


def decide_there(remote: Remote, session: Session, wish: Wish, decision: Decision) -> Decided:
    """Let the server approve or reject as the token's operator. Raises Refused with all that it refuses."""
    wanted = {name: value for name, value in asdict(wish).items() if name not in ("plan", "seen")}
    asked: Json = {
        **wanted,
        "plan": envelope(wish.plan).decode() if wish.plan is not None else "",
        "decision": decision.value,
        "lock_wait_ms": _wait(session),
    }
    match remote.post(DECIDE, asked):
        case {"revision": revision, "keys": list(keys), "left": list(left), **more}:
            made = _revision(revision) if isinstance(revision, dict) else None
            refused = _findings(remote, more.get("refused", []))
            others = left[: len(left) - len(refused)]
            return Decided(made, tuple(map(_key, keys)), tuple(map(str, others)), refused)
        case _:
            raise strange(remote.url)


def _findings(remote: Remote, given: object) -> tuple[Diagnostic, ...]:
    try:
        return tuple(map(diagnostic_of, given)) if isinstance(given, list) else ()
    except ValueError:
        raise strange(remote.url) from None


def _wait(session: Session) -> int:
    """How long to wait for the lock, in milliseconds. Raises Refused for longer than servers let callers wait."""
    if not session.lock_timeout <= LONGEST_WAIT:  # not a number is too long as well
        raise refuse(
            Code.BAD_VALUE,
            f"through a server, the store's lock is waited for {LONGEST_WAIT} seconds at most",
            hint=f"Write --lock-timeout {LONGEST_WAIT}, and run it again if that is not enough.",
        )
    return round(session.lock_timeout * 1000)


def impact_there(remote: Remote, plan: Plan, asked: Asked) -> Impact:
    """What ``plan`` changes for the server's contacts. Raises Refused with all that it refuses."""
    from pydantic import TypeAdapter, ValidationError

    from offerkit.reports.impact import Impact, without_contacts

    wanted: dict[str, Json] = {**asdict(asked), "by": list(asked.by), "plan": envelope(plan).decode()}
    if not asked.examples:
        del wanted["examples"]  # earlier servers do not know it
    try:
        made = TypeAdapter(Impact).validate_python(remote.post(IMPACT, wanted))
    except ValidationError:
        raise strange(remote.url) from None
    return made if asked.examples else replace(made, spaces=[without_contacts(space) for space in made.spaces])


def judged_there(remote: Remote, session: Session, plan: Plan) -> Mapping[str, Json]:
    """What the server would record with the promotion. Raises Refused when its limit on the impact would not hold."""
    asked: Json = {"plan": envelope(plan).decode(), "override_impact": session.override_impact}
    match remote.post(LIMIT, asked):
        case dict(record):
            return record
        case _:
            raise strange(remote.url)


def applied_json(applied: Applied) -> Json:
    """What :func:`apply_there` reads."""
    return {"revision": _revision_json(applied.revision), "base_moved": applied.base_moved}


def decided_json(decided: Decided) -> Json:
    """What :func:`decide_there` reads."""
    return {
        "revision": None if decided.revision is None else _revision_json(decided.revision),
        "keys": [
            {"address": key.address, "aspect": key.aspect.value, "space": key.space, "fingerprint": key.fingerprint}
            for key in decided.keys
        ],
        # Earlier versions ask as well, and know nothing of offers that are refused while others are decided.
        "left": [*decided.left, *(found.summary for found in decided.refused)],
        "refused": [error_json(found) for found in decided.refused],
    }


def _revision_json(row: RevisionRow) -> Json:
    return asdict(row)


def _revision(given: dict[str, Json]) -> RevisionRow:
    texts = {f.name: str(given.get(f.name, "")) for f in fields(RevisionRow) if f.name not in ("serial", "details")}
    serial, details = given.get("serial"), given.get("details")
    return RevisionRow(
        serial=serial if isinstance(serial, int) else 0, details=details if isinstance(details, dict) else {}, **texts
    )


def _key(given: Json) -> ApprovalKey:
    texts = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    return ApprovalKey(
        texts.get("address", ""), Aspect(texts.get("aspect", "")), texts.get("space", ""), texts.get("fingerprint", "")
    )


def plan_of(text: str) -> Plan:
    """The plan that was handed over. Raises Refused when it is none."""
    return decode(text.encode(), "the plan")
