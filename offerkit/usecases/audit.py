"""``audit``: verify the history, and export it as JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import canonical
from offerkit.store import RevisionRow, Store
from offerkit.store.schema import current_format
from offerkit.store.signed_revisions import verify_signatures


@dataclass(frozen=True)
class AuditedStore:
    """A store to audit; ``findings``: that it is not the store seen before.

    ``history_only``: whether it is only a server's history, without tokens.
    """

    store: Store
    findings: tuple[Diagnostic, ...] = ()
    history_only: bool = False


@dataclass(frozen=True)
class AuditResult:
    """What was verified: the number of revisions, the last digest (empty without revisions), the number of tokens.

    ``tokens``: None for a server's history, which has no tokens. ``format``: of the store's schema. ``signatures``: how
    many revisions are signed.
    """

    revisions: int
    digest: str
    tokens: int | None
    format: int
    signatures: int = 0


def audit(audited: AuditedStore, head: str = "") -> AuditResult:
    """Verify a store. Raises Refused with everything that is wrong.

    ``head``: the start of a digest noted elsewhere; it must belong to a revision.
    """
    store = audited.store
    with store.reading():
        diagnostics = [*audited.findings, *store.verify(tokens_too=not audited.history_only)]
        signed = 0
        if not diagnostics:  # else the rows are not reliable
            signed, diagnostics = verify_signatures(store)
        revisions = _revisions(store, damaged=bool(diagnostics))
        tokens = None if diagnostics or audited.history_only else len(store.tokens())
    if head and not any(row.digest.startswith(head.lower()) for row in revisions):
        diagnostics.append(
            Diagnostic(
                Code.HISTORY_BROKEN,
                f"no revision has the digest {head[:64]}",
                "The revision that had it is no longer in this history: the history was rewritten or truncated.",
                "Compare with a backup of the store or an export of its history.",
            )
        )
    if diagnostics:
        raise Refused(diagnostics)
    last = revisions[0] if revisions else None
    return AuditResult(last.serial if last else 0, last.digest if last else "", tokens, current_format(), signed)


def _revisions(store: Store, *, damaged: bool) -> list[RevisionRow]:
    """All revisions; empty if the store is too damaged to read them."""
    try:
        return store.revisions()
    except Refused:
        if not damaged:
            raise
        return []


def write_history(store: Store, target: BinaryIO) -> int:
    """Write all revisions as JSON lines, oldest first; returns their number."""
    count = 0
    for row in store.rows():
        target.write(canonical(row) + b"\n")
        count += 1
    return count
