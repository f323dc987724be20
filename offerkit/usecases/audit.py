"""``audit``: verify a store with its history, and export that. Exported files: :mod:`offerkit.usecases.audit_file`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.reports.audit import VerifiedStore
from offerkit.reports.words import count
from offerkit.specs.progress import Progress, no_progress
from offerkit.store import Store
from offerkit.store.history_file import HistoryEnd, HistoryLines
from offerkit.store.replay import StoredHistory, replayed
from offerkit.store.rows import RecordedRevision
from offerkit.store.schema import current_format
from offerkit.store.signed_history import verify_signatures
from offerkit.usecases.anchor import accepted_losses
from offerkit.usecases.audit_gates import NOT_PROVABLE, JudgedHistory

CompareAnchors: TypeAlias = Callable[[Store], tuple[int, list[Diagnostic]]]
"""Compares a history with anchors: how many, and what they show."""
SHORTEST_DIGEST = 12
"""The fewest characters of a digest noted elsewhere: fewer could be those of another revision."""


@dataclass(frozen=True)
class AuditedStore:
    """A store to audit; ``findings``: that it is not the store seen before.

    ``history_only``: whether it is only a server's history, without tokens.
    """

    store: Store
    findings: tuple[Diagnostic, ...] = ()
    history_only: bool = False


def audit(
    audited: AuditedStore, head: str = "", compare: CompareAnchors | None = None, progress: Progress = no_progress
) -> VerifiedStore:
    """Verify a store, and judge its revisions again. Raises Refused with everything that is wrong.

    ``head``: the start of a digest noted elsewhere; it must belong to a revision. ``compare``: compares the
    history with its anchors. Needs a temporary folder with room for the history.
    """
    check_digest(head)
    store = audited.store
    with store.reading():
        diagnostics = [*audited.findings, *store.verify(tokens_too=not audited.history_only)]
        signed, judged = 0, JudgedHistory()
        if not diagnostics:  # else the rows are not reliable
            signed, diagnostics = verify_signatures(store)
            diagnostics += _judged_again(store, judged, progress)
        damaged = bool(diagnostics)
        digests = _digests(store, damaged=damaged)
        tokens = None if diagnostics or audited.history_only else len(store.tokens())
        accepted = accepted_losses(store) if not damaged else []
        anchors, unanchored = compare(store) if compare is not None and (digests or not damaged) else (0, [])
        diagnostics += unanchored
    missing = noted_elsewhere(digests.values(), head)
    if missing is not None:
        diagnostics.append(missing)
    if diagnostics:
        raise Refused(diagnostics)
    last = max(digests, default=0)
    return VerifiedStore(
        last,
        digests.get(last, ""),
        tokens,
        current_format(),
        signed,
        anchors,
        judged.live,
        NOT_PROVABLE,
        accepted,
    )


def _judged_again(store: Store, judged: JudgedHistory, progress: Progress) -> list[Diagnostic]:
    history = StoredHistory(store)
    with progress("Judging", history.rows()) as advance:

        def judge(before: Store, recorded: RecordedRevision) -> None:
            judged.judge(before, recorded)
            advance(1 + len(recorded.changes) + len(recorded.approvals))

        with replayed(history, judge):
            return judged.findings


def check_digest(head: str) -> None:
    """Raises Refused for a digest, noted elsewhere, that is cut so short that others may begin with it."""
    if head and len(head) < SHORTEST_DIGEST:
        raise refuse(
            Code.BAD_VALUE,
            f"“{head}” is too short to be the digest of one revision",
            detail=f"It has {count(len(head), 'character')}; digests have 64, and other histories may have one that"
            " begins like this.",
            hint=f"Give the whole digest, or at least its first {SHORTEST_DIGEST} characters.",
        )


def noted_elsewhere(digests: Iterable[str], head: str) -> Diagnostic | None:
    """The finding that none of ``digests`` begins with ``head`` (empty: none was noted), or None."""
    if not head or any(digest.startswith(head.lower()) for digest in digests):
        return None
    return Diagnostic(
        Code.HISTORY_BROKEN,
        f"no revision has the digest {head[:64]}",
        "The revision that had it is no longer in this history: the history was rewritten or truncated.",
        "Compare with a backup of the store or an export of its history.",
    )


def _digests(store: Store, *, damaged: bool) -> dict[int, str]:
    """The digests of all revisions; empty if the store is too damaged to read them."""
    try:
        return store.every_digest()
    except Refused:
        if not damaged:
            raise
        return {}


def write_history(store: Store, target: BinaryIO, advance: Callable[[int], None] = lambda count: None) -> HistoryEnd:
    """Write the whole history as a file that proves itself; returns what its end says.

    ``advance`` gets the number of revisions written.
    """
    with store.reading():
        lines = HistoryLines(store.database, advance)
        for line in lines:
            target.write(line)
    return lines.end
