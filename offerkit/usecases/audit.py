"""The history for auditors: verified, and as JSON lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import canonical
from offerkit.store import RevisionRow, Store
from offerkit.store.schema import current_format


@dataclass(frozen=True)
class AuditedStore:
    """A store that is to be audited; ``findings``: that it is not the one which was seen before.

    ``history_only``: it is a copy of the history, as a server gives it: without tokens.
    """

    store: Store
    findings: tuple[Diagnostic, ...] = ()
    history_only: bool = False


@dataclass(frozen=True)
class AuditResult:
    """What was found sound: how many revisions, the last one's digest (empty without one), how many tokens.

    ``tokens`` is None where there are none to look at; ``format`` is the one whose schema the store has.
    """

    revisions: int
    digest: str
    tokens: int | None
    format: int


def audit(audited: AuditedStore, head: str = "") -> AuditResult:
    """What is sound. Raises Refused with everything that is wrong.

    ``head`` is the start of a digest noted elsewhere: it must still be that of a revision.
    """
    store = audited.store
    with store.reading():
        found = [*audited.findings, *store.verify(tokens_too=not audited.history_only)]
        revisions = _revisions(store, damaged=bool(found))
        tokens = None if found or audited.history_only else len(store.tokens())
    if head and not any(row.digest.startswith(head.lower()) for row in revisions):
        found.append(
            Diagnostic(
                Code.HISTORY_BROKEN,
                f"no revision has the digest {head[:64]}",
                "The revision that it was noted for is not in this history any more: the history was rewritten or cut.",
                "Compare with a backup of the store or an export of its history.",
            )
        )
    if found:
        raise Refused(found)
    last = revisions[0] if revisions else None
    return AuditResult(last.serial if last else 0, last.digest if last else "", tokens, current_format())


def _revisions(store: Store, *, damaged: bool) -> list[RevisionRow]:
    """All revisions; none of a damaged store that cannot be read."""
    try:
        return store.revisions()
    except Refused:
        if not damaged:
            raise
        return []


def write_history(store: Store, target: BinaryIO) -> int:
    """Write every revision as a line of JSON, oldest first; how many there were."""
    count = 0
    for row in store.rows():
        target.write(canonical(row) + b"\n")
        count += 1
    return count
