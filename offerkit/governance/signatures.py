"""Signed revisions: what exactly is signed, whose keys verify it, and where a signature is demanded.

A signature covers one statement: the digest of the revision before, so that it belongs to one place in one history,
and all that the revision decides. It counts for no other decision, project, environment or time
(docs/adr/0076-signatures.md). The same functions judge a new revision, a store and an exported history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from offerkit.address import SHARED, Kind, Stage, parse_address, parse_stage
from offerkit.diagnostics import or_list
from offerkit.fingerprint import Json, JsonMap, canonical, digest, json_map
from offerkit.governance.anchors import ACCEPT_ACTION, LOST
from offerkit.governance.overrides import DETAILS_KEY, OVERRIDE_ACTION
from offerkit.governance.sshsig import NAMESPACE, SshSignature
from offerkit.models.ssh_key import fingerprint_of, key_blob, key_fingerprint
from offerkit.times import instant

DETAIL = "signature"
"""The key in a revision's details for its signature."""
SCHEME = 1
"""The form of a statement; another form gets another number, and this one stays verifiable."""
FRESH = timedelta(minutes=15)
"""How far the signer's clock and the recorder's may differ, with the time between signing and recording."""
SCHEDULE_ACTION = "schedule"
"""The action of a revision that schedules a promotion; its details say when under the same name."""
SCHEDULED = "scheduled"
"""The key in a promotion's details for the revision that scheduled it."""
REASONS = "reasons"
"""The key in a signed promotion's details for the reasons that its operator gave, whether they were needed or not."""
_PROMOTE, _IMPACT = "promote", "override_impact"
_FACTS = {OVERRIDE_ACTION: DETAILS_KEY, SCHEDULE_ACTION: SCHEDULE_ACTION, ACCEPT_ACTION: LOST}
_DECIDING = frozenset({"approve", "reject", "stop", "resume"})
_DECIDED_AS = {"approved": "approvals", "rejected": "approvals", "resumed": "stops"}
"""What an environment calls each decision, whatever the action of its revision; renames record stops again."""
_DEMANDED_AS = {
    "approve": "approvals",
    "reject": "approvals",
    OVERRIDE_ACTION: "approvals",
    "promote": "promotions",
    SCHEDULE_ACTION: "promotions",
    "rollback": "promotions",
    "purge": "promotions",
    "stop": "stops",
    "resume": "stops",
}
"""What an environment calls each action in ``promotion: {signatures: […]}``."""


class Signable(NamedTuple):
    """A revision as its statement needs it: columns as the history has them, without its details.

    ``parent``: the digest of the revision before it. ``changes``, ``decisions``: rows of the tables of changes and
    approvals. ``stages``: the digests of the stages that it touches, after it. ``facts``: what its
    details say of the decision itself: what it overrides, or when something is to be promoted.
    """

    project: str
    parent: str
    action: str
    operator: str
    message: str
    plan: str
    changes: Sequence[Sequence[str]]
    decisions: Sequence[Sequence[str]]
    stages: Mapping[str, str]
    facts: Json = None

    def statement(self, time: str) -> bytes:
        """What is signed: canonical JSON with all of it; ``time``: when it is signed (UTC)."""
        return canonical(
            {
                "scheme": SCHEME,
                "project": self.project,
                "parent": self.parent,
                "action": self.action,
                "operator": self.operator,
                "time": time,
                "message": self.message,
                "plan": self.plan,
                "changes": self.changes_digest,
                "decisions": sorted(map(list, self.decisions)),
                "stages": {str(stage): after for stage, after in self.stages.items()},
                "facts": self.facts,
            }
        )

    @property
    def changes_digest(self) -> str:
        """What names all of its changes."""
        return changes_digest(self.changes)

    @property
    def _environments(self) -> set[str]:
        """The environments of what it decides and overrides, and of live that it changes; also :data:`SHARED`."""
        named = {parse_address(row[0]).environment for row in self.decisions} if self.action in _DECIDING else set()
        live = (parse_stage(row[0]) for row in self.changes)
        named |= {stage.environment for stage in live if stage.stage is Stage.LIVE}
        if self.action == SCHEDULE_ACTION:
            scheduled = json_map(self.facts).get("environments")
            named |= set(map(str, scheduled)) if isinstance(scheduled, list) else set()
        items = self.facts if isinstance(self.facts, list) and self.action == OVERRIDE_ACTION else []
        return named | {parse_address(str(json_map(item).get("address"))).environment for item in items}

    def demanded(self, demands: Mapping[str, frozenset[str]]) -> list[str]:
        """The environments that demand a signature for it; ``demands``: what each of them demands.

        By its action, and by what it does: no action has something decided, or brought into live, without a signature.
        """
        if not demands:
            return []
        wanted = {(_DEMANDED_AS.get(self.action, ""), name) for name in self._environments}
        wanted |= {(_DECIDED_AS.get(row[4], ""), parse_address(row[0]).environment) for row in self.decisions}
        wanted |= {("promotions", parse_stage(row[0]).environment) for row in self.changes if _brings_into_live(row)}
        wanted |= {("promotions", name) for name in demands if self.action == ACCEPT_ACTION}  # live of all of them
        return sorted({found for kind, name in wanted for found in demanding_environments(demands, kind, [name])})

    @property
    def foreign(self) -> bool:
        """Whether it has a decision of another operator. A stop keeps its operator when renames record it again."""
        deciding = self.action in _DECIDING
        return any(row[5] != self.operator for row in self.decisions if deciding or row[4] in _DECIDED_AS)


def changes_digest(changes: Iterable[Sequence[str]]) -> str:
    """What names changes, given as rows of the table of changes, in any order."""
    return digest(b"offerkit signed changes", canonical(sorted(map(list, changes))))


def _brings_into_live(change: Sequence[str]) -> bool:
    """Whether a row of the table of changes does more to live than taking offers off spaces or applying campaigns."""
    stage, address, _, before, after, were_on, are_on, moved_from = change[:8]
    if parse_stage(stage).stage is not Stage.LIVE or parse_address(address).kind is Kind.CAMPAIGN:
        return False
    if before != after or moved_from:
        return True
    return not set(are_on.split(",")) - {""} <= set(were_on.split(","))  # as columns have them: names, or “-” for none


class GivenSignature(NamedTuple):
    """A signature as it is handed over: when it was made (UTC), after which revision, and its text."""

    time: str
    parent: str
    text: str

    def record(self) -> JsonMap:
        """What a revision's details keep of it."""
        key = SshSignature.parse(self.text).key
        return {"scheme": SCHEME, "time": self.time, "key": fingerprint_of(key), "text": self.text}


def given_signature(record: Json, parent: str) -> GivenSignature | None:
    """The signature that a revision’s details record, if it is of this scheme."""
    match record:
        case {"scheme": 1, "time": str(time), "text": str(text)}:
            return GivenSignature(time, parent, text)
        case _:
            return None


def facts_of(action: str, details: Mapping[str, Json]) -> Json:
    """What a revision's details say of the decision itself, as its statement has it."""
    if action == _PROMOTE:
        return _reasons_in(details)
    return details.get(_FACTS[action]) if action in _FACTS else None


def given_reasons(override_impact: str) -> dict[str, Json]:
    """What a signed promotion's details keep of the reason for exceeding a limit (empty: none was given)."""
    return {REASONS: {_IMPACT: override_impact}} if override_impact else {}


def _reasons_in(details: Mapping[str, Json]) -> Json:
    """The reasons in a promotion's details; one that was recorded and not given, too, so that it fits no statement."""
    given, recorded = details.get(REASONS), json_map(details.get("impact")).get("override")
    return given if recorded in (None, json_map(given).get(_IMPACT)) else {"given": given, "recorded": recorded}


class SignedSchedule(NamedTuple):
    """A promotion whose scheduling was signed: what exactly is promoted, when, and the key with which it was signed."""

    plan: str
    changes: str
    due: str
    not_after: str
    key: str

    @classmethod
    def of(cls, plan: str, details: Mapping[str, Json]) -> SignedSchedule:
        """What a revision schedules: the digest of its plan, and its details."""
        facts, signature = json_map(details.get(SCHEDULE_ACTION)), json_map(details.get(DETAIL))
        changes, due, not_after = (str(facts.get(name, "")) for name in ("changes", "due", "not_after"))
        return cls(plan, changes, due, not_after, str(signature.get("key", "")))

    def covers(self, promotion: Signable, time: str, keys: Iterable[JsonMap]) -> bool:
        """Whether a promotion at a ``time`` is this one; ``keys``: its operator's then. One that has ended is none."""
        if (self.plan, self.changes) != (promotion.plan, promotion.changes_digest) or promotion.action != _PROMOTE:
            return False
        if not self.due <= time <= (self.not_after or time):
            return False
        day = instant(time).date()
        own = {key_fingerprint(str(key.get("key"))): key for key in keys}
        return self.key in own and not _outside(own[self.key], day, day, self.key)


class Keys:
    """The keys of all operators at every revision, from the bodies that the history has of them."""

    def __init__(self) -> None:
        self._serials: dict[str, list[int]] = {}
        self._bodies: dict[str, list[Mapping[str, Json] | None]] = {}

    def record(self, serial: int, name: str, body: Mapping[str, Json] | None) -> None:
        """Note what an operator is from revision ``serial`` on (None: no operator); in ascending order."""
        self._serials.setdefault(name, []).append(serial)
        self._bodies.setdefault(name, []).append(body)

    def before(self, serial: int, name: str) -> list[JsonMap]:
        """The keys of the operator ``name`` just before revision ``serial``."""
        place = bisect_left(self._serials.get(name, []), serial)
        return keys_of(self._bodies[name][place - 1]) if place else []


def keys_of(operator: Mapping[str, Json] | None) -> list[JsonMap]:
    """The keys in an operator's body; none if the operator is disabled."""
    if operator is None or operator.get("enabled") is False:
        return []
    listed = operator.get("keys")
    return [json_map(item) for item in listed] if isinstance(listed, list) else []


def signature_fault(revision: Signable, given: GivenSignature, keys: Iterable[JsonMap], times: tuple[str, str]) -> str:
    """Why a signature does not count for ``revision``; empty if it does.

    ``keys``: the operator's, as of just before the revision. ``times``: the revision's own time, and the latest time
    of any revision before it, so that a clock that was set back does not revive a key (UTC). Raises Refused without
    the package that verifies.
    """
    try:
        signature = SshSignature.parse(given.text)
        signed = instant(given.time)
        recorded, latest = map(instant, times)
    except ValueError as error:
        return str(error)
    if revision.foreign:
        return f"{revision.operator} recorded it, and it is another operator's decision"
    if signature.namespace != NAMESPACE.encode():
        return f"it was made for “{signature.namespace.decode('ascii', 'replace')[:40]}”, not for {NAMESPACE}"
    own = {key_blob(str(key.get("key"))): key for key in keys}
    name = fingerprint_of(signature.key)
    if signature.key not in own:
        return f"it was made with {name}, which is not a key of {revision.operator}" + _others(own)
    if not signature.signs(revision.statement(given.time)):
        return "it is not a signature of this decision after this revision: it was made for another one, or forged"
    if abs(recorded - signed) > FRESH:
        minutes = round(abs(recorded - signed).total_seconds() / 60)
        return f"it was made {minutes:,} minutes {'before' if signed < recorded else 'after'} it was recorded"
    return _outside(own[signature.key], signed.date(), max(signed, recorded, latest).date(), name)


def _others(own: Mapping[bytes, JsonMap]) -> str:
    names = [fingerprint_of(blob) for blob in own]
    return f" ({or_list(names)})" if names else ", who has none"


def _outside(key: JsonMap, first: date, last: date, name: str) -> str:
    begin, end = key.get("from"), key.get("until")
    if isinstance(begin, str) and first.isoformat() < begin:
        return f"the key {name} is valid from {begin}, and it was made on {first}"
    if isinstance(end, str) and last.isoformat() > end:
        return f"the key {name} was valid until {end}, and it is {last} now"
    return ""


def demanding_environments(demands: Mapping[str, frozenset[str]], kind: str, named: Iterable[str]) -> list[str]:
    """Those of the environments ``named`` that demand signatures of a ``kind``, such as ``approvals``.

    What environments share must meet the demands of all of them.
    """
    names = set(named)
    return sorted(name for name, wanted in demands.items() if kind in wanted and (SHARED in names or name in names))


def demands_in(environments: Iterable[tuple[str, Mapping[str, Json] | None]]) -> dict[str, frozenset[str]]:
    """What environments demand to be signed, by name; ``environments``: bodies by name; all their demands hold."""
    demands: dict[str, frozenset[str]] = {}
    for name, body in environments:
        wanted = json_map((body or {}).get("promotion")).get("signatures")
        if isinstance(wanted, list) and wanted:
            demands[name] = demands.get(name, frozenset()) | frozenset(map(str, wanted))
    return demands
