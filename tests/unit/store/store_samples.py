"""Drafts and a sample history that the store's tests share."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from offerkit.fingerprint import Json, canonical, fingerprint
from offerkit.governance.approvals import Approval, Decision
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.changes import Body, Entry
from offerkit.store import ChangeRow, Draft, Location, RevisionRow, Store, scheduled
from offerkit.store.location import PostgresAddress

DESIGN = "recipients@design"
LIVE = "recipients@live"


def body(kind: str, label: str) -> Body:
    return Body(kind, canonical({"label": label}).decode())


def print_of(given: Body) -> str:
    return fingerprint(given.kind, given.text.encode())


def entry(label: str, activation: tuple[str, ...] | None = None, kind: str = "offer") -> Entry:
    return Entry(print_of(body(kind, label)), activation)


def bodies(*labels: str, kind: str = "offer") -> Mapping[str, Body]:
    return {print_of(body(kind, label)): body(kind, label) for label in labels}


def time(number: int) -> str:
    return f"2026-01-{number:02}T12:00:00.000000Z"


def offer(name: str) -> str:
    return f"recipients/offer.{name}"


def change(
    name: str,
    before: Entry | None = None,
    after: Entry | None = None,
    *,
    stage: str = DESIGN,
    moved_from: str = "",
) -> ChangeRow:
    action = "move" if moved_from else "create" if before is None else "delete" if after is None else "update"
    source = offer(moved_from) if moved_from else ""
    return ChangeRow(0, stage, offer(name), action, before, after, source, "declared")


def draft(*changes: ChangeRow, day: int = 1, labels: tuple[str, ...] = ("one", "two", "three", "four")) -> Draft:
    return Draft("apply", "anna", time(day), "because", "p" * 64, changes, bodies=bodies(*labels), details={"n": day})


def append(store: Store, given: Draft) -> RevisionRow:
    with store.transaction():
        return store.append(given)


def approval(name: str, space: str = "web", decision: Decision = Decision.APPROVED) -> Approval:
    aspect = Aspect.CONTENT if space else Aspect.ELIGIBILITY
    return Approval(ApprovalKey(offer(name), aspect, space, "f" * 64), decision, "rita", "fine")


def spelled(location: Location) -> str:
    """What another process is to be given so that it opens the same store."""
    if isinstance(location, PostgresAddress):
        return f"{location.conninfo}?schema={location.schema}"
    return str(location)


def sample(path: Location) -> Store:
    """Five revisions: creates, an update, approvals, a promotion, then a move, a delete and a deactivation."""
    store = Store.open(path, create=True)
    append(store, draft(change("a", None, entry("one")), change("b", None, entry("two")), day=1))
    append(store, draft(change("a", entry("one"), entry("three")), day=2))
    append(store, Draft("approve", "rita", time(3), approvals=(approval("a"), approval("a", ""), approval("b"))))
    live = change("a", None, entry("three", ("email", "web")), stage=LIVE)
    append(store, draft(live, change("b", None, entry("two", ("web",)), stage=LIVE), day=4))
    append(
        store,
        draft(
            change("c", entry("three"), entry("three"), moved_from="a"),
            change("b", entry("two"), None),
            change("b", entry("two", ("web",)), entry("two", ()), stage=LIVE),
            day=5,
        ),
    )
    return store


def schedule(store: Store, day: int, plan: str = '{"plan":1}') -> int:
    """A promotion that is scheduled: the revision that does."""
    details: dict[str, Json] = {scheduled.DETAILS: {"due": time(day), "environments": ["recipients"], "steps": 1}}
    digest = sha256(plan.encode()).hexdigest()
    with store.transaction():
        given = Draft(scheduled.SCHEDULE, "anna", time(6), "soon", digest, details=details)
        return scheduled.add(store.database, given, time(day), plan).serial


def withdraw(store: Store, serial: int) -> None:
    """What was scheduled is withdrawn."""
    with store.transaction():
        row = store.append(Draft(scheduled.WITHDRAW, "rita", time(7), details={scheduled.ENDED: serial}))
        scheduled.end(store.database, serial, row.serial)
