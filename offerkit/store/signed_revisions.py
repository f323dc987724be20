"""The signatures in a store's history, each verified with the keys that its operator had just before it."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from functools import cached_property
from itertools import accumulate
from operator import itemgetter

import orjson

from offerkit.address import SHARED, Kind, Stage, StageRef, environment_address, parse_stage
from offerkit.fingerprint import json_map
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

UNSIGNED, DAMAGED = "it is not signed", "it is damaged"


class SignedRevisions:
    """The signed revisions of a store at one moment, and what had to be signed: the one judge of both.

    Each signature is verified once, when it is asked for.
    """

    def __init__(self, db: Database, project: str) -> None:
        self._db, self._project = db, project
        self._faults: dict[int, str] = {}
        self._demands: dict[StageRef, list[tuple[int, frozenset[str]]]] = {}

    @property
    def latest_time(self) -> str:
        """The latest time of any revision; empty without one."""
        return max(self._latest.values(), default="")

    def fault(self, serial: int) -> str:
        """Why revision ``serial`` has no signature that counts; empty if it has one.

        Raises Refused without the package that verifies.
        """
        if serial not in self._faults:
            texts = revisions.revision_texts(self._db, serial - 1, limit=1)
            if not texts or texts[0].serial != serial:
                return UNSIGNED
            with suppress(ValueError):
                self.judge(revisions.recorded_with(self._db, texts[0]))
            self._faults.setdefault(serial, "the revision has values that offerkit never writes")
        return self._faults[serial]

    def judge(self, recorded: RecordedRevision) -> str:
        """As :meth:`fault`, of a revision with all its rows. Raises ValueError for values that are never written."""
        text = recorded.revision
        if text.serial not in self._faults:
            self._faults[text.serial] = self._fault(recorded)
        return self._faults[text.serial]

    def _fault(self, recorded: RecordedRevision) -> str:
        text = recorded.revision
        details = json_map(orjson.loads(text.details))
        if DETAIL not in details:
            return UNSIGNED
        given = given_signature(details[DETAIL], text.parent_digest)
        if given is None:
            return DAMAGED
        about = signable_of(self._project, recorded)
        own = self.keys.before(text.serial, text.actor)
        return signature_fault(about, given, own, (text.time, self._latest.get(text.serial - 1, text.time)))

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

    def demanded(self, serial: int, environment: str) -> frozenset[str]:
        """What an environment demanded to be signed just before revision ``serial``, in design or in live."""
        return frozenset().union(*(self._demanded(StageRef(environment, side), serial) for side in Stage))

    def all_demanded(self, serial: int) -> dict[str, frozenset[str]]:
        """What each environment demanded then; those that demanded nothing are left out."""
        found = {name: self.demanded(serial, name) for name in self._environments}
        return {name: wanted for name, wanted in found.items() if wanted}

    @cached_property
    def _environments(self) -> list[str]:
        rows: list[tuple[str]] = self._db.rows("SELECT DISTINCT stage FROM change")
        return sorted({parse_stage(stage).environment for (stage,) in rows} - {SHARED})

    def _demanded(self, stage: StageRef, serial: int) -> frozenset[str]:
        if stage not in self._demands:
            rows = revisions.changes_of(self._db, stage, [environment_address(stage.environment)])
            known = bodies.bodies(self._db, {row.after.fingerprint for row in rows if row.after is not None})
            self._demands[stage] = [
                (row.serial, _demands_of(known[row.after.fingerprint].text) if row.after is not None else frozenset())
                for row in rows
            ]
        then = bisect_left(self._demands[stage], serial, key=itemgetter(0))
        return self._demands[stage][then - 1][1] if then else frozenset()

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
    signed = SignedRevisions(db, schema.read_meta(db)["project"])
    return [
        row
        for row in rows
        if row.decision is not Decision.RESUMED
        or "stops" not in signed.demanded(row.revision, row.key.address.environment)
        or not signed.fault(row.revision)
    ]


def _demands_of(body: str) -> frozenset[str]:
    """What the body of an environment demands to be signed; most demand nothing and are not parsed."""
    return demands_in([("", orjson.loads(body))]).get("", frozenset()) if '"signatures"' in body else frozenset()


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
