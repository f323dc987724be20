"""The signatures in a store's history, each verified with the keys that its operator had just before it."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef
from offerkit.governance.signatures import (
    DETAIL,
    Keys,
    Signable,
    facts_of,
    given_signature,
    signature_fault,
)
from offerkit.store import revisions
from offerkit.store.rows import RecordedRevision
from offerkit.store.store import Store

UNSIGNED = "it is not signed"


class SignedRevisions:
    """The signed revisions of a store at one moment; each is verified once, when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faults: dict[int, str] = {}

    @property
    def latest_time(self) -> str:
        """The latest time of any revision; empty without one."""
        return max(self._latest.values(), default="")

    def fault(self, serial: int) -> str:
        """Why revision ``serial`` has no signature that counts; empty if it has one.

        Raises Refused without the package that verifies.
        """
        if serial not in self._faults:
            try:
                self._faults[serial] = self._fault(serial)
            except ValueError:
                self._faults[serial] = "the revision has values that offerkit never writes"
        return self._faults[serial]

    def _fault(self, serial: int) -> str:
        db = self._store.database
        texts = revisions.revision_texts(db, serial - 1, limit=1)
        if not texts or texts[0].serial != serial:
            return UNSIGNED
        text = texts[0]
        given = given_signature(orjson.loads(text.details).get(DETAIL), text.parent_digest)
        if given is None:
            return UNSIGNED
        about = signable_of(self._store.project, revisions.recorded_with(db, text))
        own = self.keys.before(serial, text.actor)
        return signature_fault(about, given, own, (text.time, self._latest.get(serial - 1, text.time)))

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


def signable_of(project: str, recorded: RecordedRevision) -> Signable:
    """What is signed of a revision of a project's history."""
    revision = recorded.revision
    return Signable(
        project,
        revision.parent_digest,
        revision.action,
        revision.actor,
        revision.message,
        revision.plan_digest,
        changes=recorded.changes,
        decisions=recorded.approvals,
        stages=dict(recorded.outcomes),
        facts=facts_of(revision.action, orjson.loads(revision.details)),
    )
