"""``audit``: verify a store, and export its history. Exported files: :mod:`offerkit.usecases.audit_file`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.reports.audit import VerifiedStore
from offerkit.store import RevisionRow, Store
from offerkit.store.history_file import HistoryEnd, HistoryLines
from offerkit.store.schema import current_format
from offerkit.store.signed_history import verify_signatures

CompareAnchors: TypeAlias = Callable[[Store], tuple[int, list[Diagnostic]]]
"""Compares a history with anchors: how many, and what they show."""


@dataclass(frozen=True)
class AuditedStore:
    """A store to audit; ``findings``: that it is not the store seen before.

    ``history_only``: whether it is only a server's history, without tokens.
    """

    store: Store
    findings: tuple[Diagnostic, ...] = ()
    history_only: bool = False


def audit(audited: AuditedStore, head: str = "", compare: CompareAnchors | None = None) -> VerifiedStore:
    """Verify a store. Raises Refused with everything that is wrong.

    ``head``: the start of a digest noted elsewhere; it must belong to a revision. ``compare``: compares the
    history with its anchors.
    """
    store = audited.store
    with store.reading():
        diagnostics = [*audited.findings, *store.verify(tokens_too=not audited.history_only)]
        signed = 0
        if not diagnostics:  # else the rows are not reliable
            signed, diagnostics = verify_signatures(store)
        damaged = bool(diagnostics)
        revisions = _revisions(store, damaged=damaged)
        tokens = None if diagnostics or audited.history_only else len(store.tokens())
        anchors, unanchored = compare(store) if compare is not None and (revisions or not damaged) else (0, [])
        diagnostics += unanchored
    missing = noted_elsewhere(revisions, head)
    if missing is not None:
        diagnostics.append(missing)
    if diagnostics:
        raise Refused(diagnostics)
    last = revisions[0] if revisions else None
    return VerifiedStore(
        last.serial if last else 0, last.digest if last else "", tokens, current_format(), signed, anchors
    )


def noted_elsewhere(revisions: Iterable[RevisionRow], head: str) -> Diagnostic | None:
    """The finding that no revision has a digest that begins with ``head`` (empty: none was noted), or None."""
    if not head or any(row.digest.startswith(head.lower()) for row in revisions):
        return None
    return Diagnostic(
        Code.HISTORY_BROKEN,
        f"no revision has the digest {head[:64]}",
        "The revision that had it is no longer in this history: the history was rewritten or truncated.",
        "Compare with a backup of the store or an export of its history.",
    )


def _revisions(store: Store, *, damaged: bool) -> list[RevisionRow]:
    """All revisions; empty if the store is too damaged to read them."""
    try:
        return store.revisions()
    except Refused:
        if not damaged:
            raise
        return []


def write_history(store: Store, target: BinaryIO, advance: Callable[[int], None] = lambda count: None) -> HistoryEnd:
    """Write the whole history as a file that proves itself; returns what its end says.

    ``advance`` gets the number of revisions written.
    """
    with store.reading():
        lines = HistoryLines(store.database, advance)
        for line in lines:
            target.write(line)
    return lines.end
