"""The signatures of a whole history, judged one revision after the other, and what lacks one that was demanded."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from offerkit.address import Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import Code, Diagnostic, and_list
from offerkit.fingerprint import JsonMap, json_map
from offerkit.governance.signatures import (
    DETAIL,
    SCHEDULE_ACTION,
    SCHEDULED,
    Signable,
    SignedSchedule,
    demands_in,
    given_signature,
    keys_of,
    signature_fault,
)
from offerkit.store.backups import ACTION as RESTORED
from offerkit.store.rows import ChangeText, RecordedRevision, RevisionText
from offerkit.store.signed_revisions import signable_of
from offerkit.store.store import Store

_SIGNED, _DEMANDING = f'%"{DETAIL}":%', '%"signatures":%'


def verify_signatures(store: Store) -> tuple[int, list[Diagnostic]]:
    """How many revisions are signed; and each signature that does not count, or is missing although demanded.

    A history without any, and without environments that demand them, is not read. Raises Refused without the package
    that verifies.
    """
    db = store.database
    signed: list[tuple[int]] = db.rows("SELECT COUNT(*) FROM revision WHERE details LIKE ?", (_SIGNED,))
    demanding: list[tuple[int]] = db.rows(
        "SELECT COUNT(*) FROM snapshot WHERE kind = ? AND body LIKE ?", (Kind.ENVIRONMENT.value, _DEMANDING)
    )
    if not signed[0][0] and not demanding[0][0]:
        return 0, []
    rows: list[tuple[str, str]] = db.rows(
        "SELECT fingerprint, body FROM snapshot WHERE kind IN (?, ?)", (Kind.ENVIRONMENT.value, Kind.OPERATOR.value)
    )
    known = dict(rows)
    history = _SignedHistory(store.project, lambda print_: json_map(orjson.loads(known.get(print_, "{}"))))
    findings = [finding for recorded in store.recorded() for finding in history.judge(recorded)]
    return history.signed, findings


class _SignedHistory:
    """Judges revisions, oldest first, by the operators and the environments as they were just before each."""

    def __init__(self, project: str, body_of: Callable[[str], JsonMap]) -> None:
        """``body_of``: the body with a fingerprint; empty if it is not known."""
        self._project, self._body_of = project, body_of
        self._operators: dict[str, JsonMap] = {}
        self._environments: dict[tuple[str, Stage], JsonMap] = {}
        self._latest = ""
        self.signed = 0
        self._scheduled: dict[int, SignedSchedule] = {}

    def judge(self, recorded: RecordedRevision) -> list[Diagnostic]:
        """What is wrong with the signature of the next revision, or that it lacks one that is demanded."""
        try:
            findings = self._findings(signable_of(self._project, recorded), recorded)
            for change in recorded.changes:
                self._leave(change)
            for change in recorded.changes:
                self._arrive(change)
        except ValueError:  # values that are never written: the digests are right, but nothing else is
            what = f"the signature of revision {recorded.revision.serial} cannot be judged"
            return [_finding(Code.BAD_SIGNATURE, what, "The revision has values that offerkit never writes.")]
        self._latest = max(self._latest, recorded.revision.time)
        self._end(recorded.revision)
        return findings

    def _findings(self, about: Signable, recorded: RecordedRevision) -> list[Diagnostic]:
        serial, time = recorded.revision.serial, recorded.revision.time
        details = json_map(orjson.loads(recorded.revision.details))
        if DETAIL not in details:
            demanding = about.demanded(demands_in((name, body) for (name, _), body in self._environments.items()))
            if not demanding or self._was_scheduled(about, details.get(SCHEDULED), time):
                return []
            verb = "demands" if len(demanding) == 1 else "demand"
            what = f"revision {serial} ({about.action}) is not signed, and {and_list(demanding)} {verb} it"
            return [_finding(Code.SIGNATURE_DEMANDED, what, "It was not recorded by offerkit.")]
        self.signed += 1
        given, fault = given_signature(details[DETAIL], about.parent), "it is damaged"
        if given is not None:
            own = keys_of(self._operators.get(about.operator))
            fault = signature_fault(about, given, own, (time, self._latest or time))
        if not fault and about.action == SCHEDULE_ACTION:
            self._scheduled[serial] = SignedSchedule.of(about.plan, details)
        what = f"the signature of revision {serial} by {about.operator[:80]} does not count"
        return [_finding(Code.BAD_SIGNATURE, what, f"{fault[0].upper()}{fault[1:]}.")] if fault else []

    def _was_scheduled(self, about: Signable, by: object, time: str) -> bool:
        """Whether it carries out a promotion whose scheduling was signed."""
        promised = self._scheduled.get(by) if isinstance(by, int) else None
        return promised is not None and promised.covers(about, time, keys_of(self._operators.get(about.operator)))

    def _end(self, revision: RevisionText) -> None:
        """Forget what a revision carries out, withdraws or refuses, and what a restore ends: each counts once."""
        if revision.action == RESTORED:
            self._scheduled.clear()
        ended = json_map(orjson.loads(revision.details)).get(SCHEDULED)
        if isinstance(ended, int):
            self._scheduled.pop(ended, None)

    def _leave(self, change: ChangeText) -> None:
        """Forget an operator or an environment that is another one, or none, from now on."""
        source, stage = parse_address(change.source), parse_stage(change.stage).stage
        if source.kind is Kind.OPERATOR:
            self._operators.pop(source.name, None)
        elif source.kind is Kind.ENVIRONMENT:
            self._environments.pop((source.name, stage), None)

    def _arrive(self, change: ChangeText) -> None:
        """Note what an operator or an environment is from now on."""
        address, stage = parse_address(change.address), parse_stage(change.stage).stage
        if not change.after_fingerprint:
            return
        if address.kind is Kind.OPERATOR:
            self._operators[address.name] = self._body_of(change.after_fingerprint)
        elif address.kind is Kind.ENVIRONMENT:
            self._environments[address.name, stage] = self._body_of(change.after_fingerprint)


def _finding(code: Code, summary: str, detail: str) -> Diagnostic:
    hint = "Ask the operator, and compare with an anchor, a backup or an “audit export”."
    return Diagnostic(code, summary, detail, hint)
