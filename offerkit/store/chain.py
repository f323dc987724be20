"""The digest that ties a revision to everything in it and to everything before it."""

from __future__ import annotations

from collections.abc import Iterable

from offerkit.fingerprint import canonical, digest
from offerkit.store.rows import ApprovalText, ChangeText, Outcome, RevisionText

SCHEME = b"offerkit revision 1"
"""Part of every digest, so that a later scheme can stand beside this one in the same chain."""


def revision_digest(
    revision: RevisionText,
    changes: Iterable[ChangeText],
    approvals: Iterable[ApprovalText],
    outcomes: Iterable[Outcome],
) -> str:
    """The digest of ``revision``, over its parent's digest and all its rows, from the columns as they are."""
    parts = [
        [revision.serial, revision.parent_digest, *revision[3:]],
        sorted(tuple(change) for change in changes),
        sorted(approvals),
        sorted(outcomes),
    ]
    return digest(SCHEME, canonical(parts))
