"""The signatures of a whole history, of a store or an export of one, judged one revision after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from offerkit.address import Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, and_list
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.governance.signatures import (
    DETAIL,
    Signable,
    demands_in,
    given_signature,
    keys_of,
    overrides_of,
    signature_fault,
)

BodyOf = Callable[[str], JsonMap | None]
"""The body with a fingerprint; None if it is not known."""


class SignedAs(NamedTuple):
    """Who signed a revision, with which key (``SHA256:…``), and why that does not count (empty: it does)."""

    serial: int
    operator: str
    key: str
    fault: str


class SignedHistory:
    """Judges revisions, oldest first, by the operators and the environments as they were just before each."""

    def __init__(self, project: str) -> None:
        """``project``: the id of the project whose history it is."""
        self._project = project
        self._operators: dict[str, JsonMap] = {}
        self._environments: dict[tuple[str, Stage], JsonMap] = {}
        self._latest = ""
        self.signatures: list[SignedAs] = []

    def judge(self, revision: Mapping[str, Json], body_of: BodyOf) -> list[Diagnostic]:
        """What is wrong with the signature of the next revision, or that it lacks one that is demanded.

        ``revision``: as ``audit export`` writes it. Raises Refused without the package that verifies.
        """
        about, details = signable_of(self._project, revision), json_map(revision.get("details"))
        findings = self._findings(about, details, revision)
        for change in _maps(revision.get("changes")):
            self._follow(change, body_of)
        self._latest = max(self._latest, str(revision.get("time")))
        return findings

    def _findings(self, about: Signable, details: JsonMap, revision: Mapping[str, Json]) -> list[Diagnostic]:
        serial, time = revision.get("serial"), str(revision.get("time"))
        given = given_signature(details.get(DETAIL), about.parent)
        if given is None and DETAIL not in details:
            demanding = about.demanded(demands_in((name, body) for (name, _), body in self._environments.items()))
            if not demanding:
                return []
            verb = "demands" if len(demanding) == 1 else "demand"
            what = f"revision {serial} ({about.action}) is not signed, and {and_list(demanding)} {verb} it"
            return [_finding(Code.SIGNATURE_DEMANDED, what, "It was not recorded by offerkit.")]
        fault = "it is damaged"
        if given is not None:
            own = keys_of(self._operators.get(about.operator))
            fault = signature_fault(about, given, own, (time, self._latest or time))
        key = str(json_map(details.get(DETAIL)).get("key"))
        self.signatures.append(SignedAs(serial if isinstance(serial, int) else 0, about.operator, key, fault))
        what = f"the signature of revision {serial} by {about.operator[:80]} does not count"
        return [_finding(Code.BAD_SIGNATURE, what, f"{fault[0].upper()}{fault[1:]}.")] if fault else []

    def _follow(self, change: Mapping[str, Json], body_of: BodyOf) -> None:
        """Note what an operator or an environment is from now on."""
        address, stage = parse_address(str(change.get("address"))), parse_stage(str(change.get("stage"))).stage
        if address.kind not in (Kind.OPERATOR, Kind.ENVIRONMENT):
            return
        former, print_ = str(change.get("moved_from") or ""), str(change.get("after_fingerprint") or "")
        body = body_of(print_) if print_ else None
        if address.kind is Kind.OPERATOR:
            self._operators.pop(parse_address(former).name if former else address.name, None)
            self._operators |= {address.name: body} if body is not None else {}
        else:
            self._environments.pop((address.name, stage), None)
            self._environments |= {(address.name, stage): body} if body is not None else {}


def signable_of(project: str, revision: Mapping[str, Json]) -> Signable:
    """What is signed of a revision as ``audit export`` writes it."""
    parent, action, actor, message, plan = (
        str(revision.get(name)) for name in ("parent_digest", "action", "actor", "message", "plan_digest")
    )
    changes, decisions = (
        [[str(value) for value in row.values()] for row in _maps(revision.get(name))]
        for name in ("changes", "approvals")
    )
    stages = {stage: str(after) for stage, after in json_map(revision.get("stages")).items()}
    overridden = overrides_of(action, json_map(revision.get("details")))
    return Signable(
        project,
        parent,
        action,
        actor,
        message,
        plan,
        changes=changes,
        decisions=decisions,
        stages=stages,
        overrides=overridden,
    )


def _maps(rows: Json) -> list[JsonMap]:
    return [json_map(row) for row in rows] if isinstance(rows, list) else []


def _finding(code: Code, summary: str, detail: str) -> Diagnostic:
    hint = "Ask the operator, and compare with an anchor, a backup or an “audit export”."
    return Diagnostic(code, summary, detail, hint)
