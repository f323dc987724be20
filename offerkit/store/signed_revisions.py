"""The signatures in a store's history, each verified with the keys that its operator had just before it."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef
from offerkit.diagnostics import Diagnostic
from offerkit.governance.signatures import (
    DETAIL,
    Keys,
    Signable,
    given_signature,
    overrides_of,
    signature_fault,
)
from offerkit.governance.signed_history import SignedHistory
from offerkit.store import approvals, revisions, schema
from offerkit.store.store import Store

UNSIGNED = "it is not signed"
_SIGNED, _DEMANDING = f'%"{DETAIL}":%', '%"signatures":%'


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

    def _fault(self, serial: int) -> str:
        db = self._store.database
        texts = revisions.revision_texts(db, serial - 1, limit=1)
        if not texts or texts[0].serial != serial:
            return UNSIGNED
        text = texts[0]
        details = orjson.loads(text.details)
        given = given_signature(details.get(DETAIL), text.parent_digest)
        if given is None:
            return UNSIGNED
        signable = Signable(
            schema.read_meta(db)["project"],
            text.parent_digest,
            text.action,
            text.actor,
            text.message,
            text.plan_digest,
            changes=revisions.change_texts(db, serial),
            decisions=approvals.approval_texts(db, serial),
            stages=dict(revisions.outcomes(db, serial)),
            overrides=overrides_of(text.action, details),
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


def verify_signatures(store: Store) -> tuple[int, list[Diagnostic]]:
    """How many revisions are signed; and each signature that does not count, or is missing although demanded.

    A history without any, and without environments that demand them, is not read.
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
    history = SignedHistory(store.project)
    findings: list[Diagnostic] = []
    for revision in store.rows():
        findings += history.judge(revision, lambda print_: orjson.loads(known[print_]) if print_ in known else None)
    return len(history.signatures), findings
