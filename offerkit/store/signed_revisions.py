"""The signatures in a store's history, each verified with the keys that its operator had just before it."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef, environment_address
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.signatures import (
    DETAIL,
    Keys,
    Signable,
    demands_in,
    facts_of,
    given_signature,
    signature_fault,
)
from offerkit.store import approvals, bodies, revisions, schema
from offerkit.store.database import Database
from offerkit.store.rows import RecordedRevision

UNSIGNED = "it is not signed"


class SignedRevisions:
    """The signed revisions of a store at one moment; each is verified once, when it is asked for."""

    def __init__(self, db: Database, project: str) -> None:
        self._db, self._project = db, project
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
        db = self._db
        texts = revisions.revision_texts(db, serial - 1, limit=1)
        if not texts or texts[0].serial != serial:
            return UNSIGNED
        text = texts[0]
        given = given_signature(orjson.loads(text.details).get(DETAIL), text.parent_digest)
        if given is None:
            return UNSIGNED
        about = signable_of(self._project, revisions.recorded_with(db, text))
        own = self.keys.before(serial, text.actor)
        return signature_fault(about, given, own, (text.time, self._latest.get(serial - 1, text.time)))

    @cached_property
    def keys(self) -> Keys:
        """The keys of all operators at every revision."""
        keys, stage = Keys(), StageRef(SHARED, Stage.DESIGN)
        rows = [row for row in revisions.changes_since(self._db, stage, 0) if row.address.kind is Kind.OPERATOR]
        known = bodies.bodies(self._db, {row.after.fingerprint for row in rows if row.after is not None})
        left = [(row.serial, 0, row.moved_from.name, "") for row in rows if row.moved_from]
        now = [(row.serial, 1, row.address.name, row.after.fingerprint if row.after else "") for row in rows]
        for serial, _, name, print_ in sorted(left + now):
            keys.record(serial, name, orjson.loads(known[print_].text) if print_ else None)
        return keys

    @cached_property
    def _latest(self) -> dict[int, str]:
        """By revision, the latest time of any revision up to it."""
        rows: list[tuple[int, str]] = self._db.rows("SELECT serial, time FROM revision ORDER BY serial")
        return dict(zip((serial for serial, _ in rows), accumulate((time for _, time in rows), max), strict=True))


def stops_in(db: Database) -> list[Approval]:
    """What was stopped, and what was resumed by a revision that counts, oldest first.

    A resumption without a signature that its environment demanded then does not count: what was stopped stays stopped.
    """
    rows = approvals.stops(db)
    if not any(row.decision is Decision.RESUMED for row in rows):
        return rows
    signed, demanded = SignedRevisions(db, schema.read_meta(db)["project"]), _StopDemands(db)
    return [
        row
        for row in rows
        if row.decision is not Decision.RESUMED
        or not demanded.before(row.revision, row.key.address.environment)
        or not signed.fault(row.revision)
    ]


class _StopDemands:
    """In which environments stops and resumptions had to be signed, at every revision."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._since: dict[StageRef, list[tuple[int, bool]]] = {}

    def before(self, serial: int, environment: str) -> bool:
        """Whether an environment demanded it just before revision ``serial``, in design or in live."""
        return any(self._then(StageRef(environment, side), serial) for side in Stage)

    def _then(self, stage: StageRef, serial: int) -> bool:
        if stage not in self._since:
            rows = revisions.changes_of(self._db, stage, [environment_address(stage.environment)])
            known = bodies.bodies(self._db, {row.after.fingerprint for row in rows if row.after is not None})
            self._since[stage] = [
                (row.serial, row.after is not None and self._demands(known[row.after.fingerprint].text)) for row in rows
            ]
        return next((demands for since, demands in reversed(self._since[stage]) if since < serial), False)

    @staticmethod
    def _demands(body: str) -> bool:
        return '"signatures"' in body and "stops" in demands_in([("", orjson.loads(body))]).get("", ())


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
