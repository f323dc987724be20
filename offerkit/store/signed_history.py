"""The signatures of a whole history, judged one revision after the other, and what lacks one that was demanded."""

from __future__ import annotations

import orjson

from offerkit.address import Kind
from offerkit.diagnostics import Code, Diagnostic, and_list
from offerkit.fingerprint import json_map
from offerkit.governance.signatures import (
    DETAIL,
    SCHEDULE_ACTION,
    SCHEDULED,
    Signable,
    SignedSchedule,
)
from offerkit.store.backups import ACTION as RESTORED
from offerkit.store.rows import RecordedRevision, RevisionText
from offerkit.store.signed_revisions import SignedRevisions, signable_of
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
    history = _SignedHistory(SignedRevisions(db, store.project), store.project)
    findings = [finding for recorded in store.recorded() for finding in history.judge(recorded)]
    return history.signed, findings


class _SignedHistory:
    """Judges revisions, oldest first: which signature counts, and which is missing.

    A promotion whose scheduling was signed needs none of its own, once.
    """

    def __init__(self, revisions: SignedRevisions, project: str) -> None:
        self._revisions, self._project = revisions, project
        self.signed = 0
        self._scheduled: dict[int, SignedSchedule] = {}

    def judge(self, recorded: RecordedRevision) -> list[Diagnostic]:
        """What is wrong with the signature of the next revision, or that it lacks one that is demanded."""
        try:
            findings = self._findings(signable_of(self._project, recorded), recorded)
        except ValueError:  # values that are never written: the digests are right, but nothing else is
            what = f"the signature of revision {recorded.revision.serial} cannot be judged"
            return [_finding(Code.BAD_SIGNATURE, what, "The revision has values that offerkit never writes.")]
        self._end(recorded.revision)
        return findings

    def _findings(self, about: Signable, recorded: RecordedRevision) -> list[Diagnostic]:
        serial = recorded.revision.serial
        details = json_map(orjson.loads(recorded.revision.details))
        fault = self._revisions.judge(recorded)
        if DETAIL not in details:
            demanding = about.demanded(self._revisions.all_demanded(serial))
            if not demanding or self._was_scheduled(about, details.get(SCHEDULED), recorded.revision):
                return []
            verb = "demands" if len(demanding) == 1 else "demand"
            what = f"revision {serial} ({about.action}) is not signed, and {and_list(demanding)} {verb} it"
            return [_finding(Code.SIGNATURE_DEMANDED, what, "It was not recorded by offerkit.")]
        self.signed += 1
        if not fault and about.action == SCHEDULE_ACTION:
            self._scheduled[serial] = SignedSchedule.of(about.plan, details)
        what = f"the signature of revision {serial} by {about.operator[:80]} does not count"
        return [_finding(Code.BAD_SIGNATURE, what, f"{fault[0].upper()}{fault[1:]}.")] if fault else []

    def _was_scheduled(self, about: Signable, by: object, revision: RevisionText) -> bool:
        """Whether it carries out a promotion whose scheduling was signed."""
        promised = self._scheduled.get(by) if isinstance(by, int) else None
        if promised is None:
            return False
        return promised.covers(about, revision.time, self._revisions.keys.before(revision.serial, about.operator))

    def _end(self, revision: RevisionText) -> None:
        """Forget what a revision carries out, withdraws or refuses, and what a restore ends: each counts once."""
        if revision.action == RESTORED:
            self._scheduled.clear()
        ended = json_map(orjson.loads(revision.details)).get(SCHEDULED)
        if isinstance(ended, int):
            self._scheduled.pop(ended, None)


def _finding(code: Code, summary: str, detail: str) -> Diagnostic:
    hint = "Ask the operator, and compare with an anchor, a backup or an “audit export”."
    return Diagnostic(code, summary, detail, hint)
