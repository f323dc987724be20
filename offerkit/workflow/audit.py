"""The history for auditors: verified, and as JSON lines."""

from __future__ import annotations

from typing import BinaryIO

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import canonical
from offerkit.store import RevisionRow, Store


def verified(store: Store, head: str = "") -> RevisionRow | None:
    """The last revision of a history that is sound; None for an empty one.

    ``head`` is the start of a digest noted elsewhere: it must still be that of a revision. Raises Refused with
    everything that is wrong.
    """
    with store.reading():
        found = store.verify()
        revisions = store.revisions()
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
    return revisions[0] if revisions else None


def write_history(store: Store, target: BinaryIO) -> int:
    """Write every revision as a line of JSON, oldest first; how many there were."""
    count = 0
    for row in store.rows():
        target.write(canonical(row) + b"\n")
        count += 1
    return count
