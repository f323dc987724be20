"""The signatures in a store's history, each verified with the keys that its operator had just before it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef
from offerkit.governance.approvals import Approval
from offerkit.governance.signatures import (
    DETAIL,
    GivenSignature,
    Keys,
    Signable,
    overrides_of,
    signature_fault,
)
from offerkit.store import approvals, revisions, schema
from offerkit.store.rows import RevisionText
from offerkit.store.store import Store

UNSIGNED = "it is not signed"
_MARK = f'%"{DETAIL}":%'


class SignedRevisions:
    """The signed revisions of a store at one moment; each is verified once, when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faults: dict[int, str] = {}

    def fault(self, serial: int) -> str:
        """Why revision ``serial`` has no signature that counts; empty if it has one.

        Raises Refused without the package that verifies.
        """
        if serial not in self._faults:
            self._faults[serial] = self._fault(serial)
        return self._faults[serial]

    def counts(self, approval: Approval) -> bool:
        """Whether a recorded decision is signed by the operator who decided."""
        return not self.fault(approval.revision)

    def serials(self) -> Iterator[int]:
        """All revisions with a signature, oldest first."""
        rows: list[tuple[int]] = self._store.database.rows(
            "SELECT serial FROM revision WHERE details LIKE ? ORDER BY serial", (_MARK,)
        )
        yield from (serial for (serial,) in rows)

    def _fault(self, serial: int) -> str:
        db = self._store.database
        texts = revisions.revision_texts(db, serial - 1, limit=1)
        if not texts or texts[0].serial != serial:
            return UNSIGNED
        given = given_signature(texts[0])
        if given is None:
            return UNSIGNED
        decided = approvals.approval_texts(db, serial)
        text = texts[0]
        if text.action in ("approve", "reject") and any(row[5] != text.actor for row in decided):
            return f"it was recorded by {text.actor}, and the decision is another operator's"
        signable = Signable(
            schema.read_meta(db)["project"],
            text.parent_digest,
            text.action,
            text.actor,
            text.message,
            text.plan_digest,
            revisions.change_texts(db, serial),
            decided,
            dict(revisions.outcomes(db, serial)),
            overrides_of(text.action, orjson.loads(text.details)),
        )
        own = self.keys.before(serial, text.actor)
        return signature_fault(signable, given, own, (text.time, self._latest.get(serial - 1, text.time)))

    @cached_property
    def keys(self) -> Keys:
        """The keys of all operators at every revision."""
        keys, stage = Keys(), StageRef(SHARED, Stage.DESIGN)
        rows = [row for row in self._store.changes_since(stage, 0) if row.address.kind is Kind.OPERATOR]
        bodies = self._store.bodies({row.after.fingerprint for row in rows if row.after is not None})
        left = [(row.serial, 0, row.moved_from.name, "") for row in rows if row.moved_from]
        now = [(row.serial, 1, row.address.name, row.after.fingerprint if row.after else "") for row in rows]
        for serial, _, name, print_ in sorted(left + now):
            keys.record(serial, name, orjson.loads(bodies[print_].text) if print_ else None)
        return keys

    @cached_property
    def _latest(self) -> dict[int, str]:
        """By revision, the latest time of any revision up to it."""
        rows: list[tuple[int, str]] = self._store.database.rows("SELECT serial, time FROM revision ORDER BY serial")
        return dict(zip((serial for serial, _ in rows), accumulate((time for _, time in rows), max), strict=True))


def given_signature(text: RevisionText) -> GivenSignature | None:
    """The signature in a revision's details; None if there is none, or not one of this scheme."""
    record = orjson.loads(text.details).get(DETAIL)
    match record:
        case {"scheme": 1, "time": str(time), "text": str(signature)}:
            return GivenSignature(time, text.parent_digest, signature)
        case _:
            return None
