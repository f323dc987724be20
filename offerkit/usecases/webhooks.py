"""``webhooks``: sends what waits in the outbox, and lists it. Nothing else waits for a receiver, or fails with one.

    for each receiver with something due: lease one event → post it → record the outcome, until nothing is due

A sender can be killed at any moment: what it had leased is sent again once the lease ends, under the same id. So every
event arrives at least once, and receivers tell repetitions by the id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex

from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, suggestion
from offerkit.fingerprint import Json, digest
from offerkit.governance.notices import Notice, OutboxRow, OutboxState, awaited
from offerkit.receivers.post import SECONDS, PostResult, post
from offerkit.receivers.signing import secrets_of
from offerkit.store import Store, outbox
from offerkit.times import utc
from offerkit.usecases.awaited_approvals import list_approvals
from offerkit.usecases.session import Session, promotion_settings, who_is

LEASE = timedelta(seconds=120)
"""How long a sender has an event for itself; posting takes at most 10 seconds, so nobody else sends it meanwhile."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=6)
"""The wait after the first failure, which doubles with each one, up to the longest."""
ATTEMPTS = 14
"""Attempts until an event is given up, over about 17 hours."""
KEPT = timedelta(days=7)
"""How long events that were sent stay listed."""
KEPT_DEAD = timedelta(days=90)
"""How long events that were given up stay listed, and can be sent again."""
HOLD_OFF = timedelta(seconds=60)
"""How long a receiver that gives no answer gets nothing else from this sender."""
SLOW = timedelta(seconds=1)
"""A receiver that took longer for its last event gets the next one only when nothing else is due for quicker ones."""
SKEW = timedelta(minutes=10)
"""By how much the clocks of two senders may differ. A lease or wait beyond is of a clock that has been set back."""
LOOK = timedelta(minutes=5)
"""How often a sender looks for approvals that have become overdue."""
MOST = 10_000
"""The most events of one run, so that other work of the same thread gets its turn."""


@dataclass
class SendResult:
    """What a run did: events by outcome, and why events were not sent."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    findings: list[Diagnostic] = field(default_factory=list)


@dataclass
class Sender:
    """Sends what is due. One for each process or thread; any number of them work on one store.

    ``clock`` gives the current time in UTC; ``environ`` has the secrets.
    """

    environ: Mapping[str, str]
    clock: Callable[[], datetime]
    seconds: float = SECONDS
    posting: Callable[..., PostResult] = post
    _held_off: dict[str, datetime] = field(default_factory=dict)
    _slow: dict[str, datetime] = field(default_factory=dict)
    _looked: datetime | None = None
    _overdue: set[str] = field(default_factory=set)

    def send_due(self, store: Store, goes_on: Callable[[], bool] = lambda: True) -> SendResult:
        """Send everything that is due now. ``goes_on`` is asked before each event."""
        result, db = SendResult(), store.database
        self.note_overdue(store)
        for state, kept in ((OutboxState.SENT, KEPT), (OutboxState.DEAD, KEPT_DEAD)):
            outbox.forget(db, state, utc(self.clock() - kept), self._overdue)  # each of those gets one event
        useless: set[str] = set()
        for _ in range(MOST):
            now = self.clock()
            known = outbox.receivers(db)
            names = [
                name
                for name in outbox.due_receivers(db, utc(now), _bounds(now))
                if name not in useless and not _within(self._held_off.get(name), now, HOLD_OFF)
            ]
            if not names or not goes_on():
                break
            quick = [name for name in names if name not in self._slow]
            for name in quick or [min(names, key=self._slow.__getitem__)]:
                if not goes_on() or not self._send_one(store, name, known.get(name), result):
                    useless.add(name)
                if name in self._slow:
                    break  # others may have got events meanwhile
        return result

    def note_overdue(self, store: Store) -> None:
        """Write an event for each approval that has become overdue; looked for at most every :data:`LOOK`."""
        now = self.clock()
        if _within(self._looked, now, LOOK):
            return
        self._looked, self._overdue = now, set()
        wanted = outbox.is_wanted(store.database, "approval.overdue")
        if not wanted or not any(body.get("approval_deadline") for body in promotion_settings(store).values()):
            return
        for item in list_approvals(store, (), utc(now)):
            if item.overdue:
                name = " ".join(("overdue", item.address, item.aspect, ",".join(item.who), item.since))
                data = {**awaited(item), "since": item.since, "due": item.due}
                notice = Notice("approval.overdue", item.address.environment, data)
                self._overdue.add(outbox.id_of(name))
                outbox.add_once(store.database, name, utc(now), notice)

    def _send_one(self, store: Store, name: str, webhook: Mapping[str, Json] | None, result: SendResult) -> bool:
        """Send the next event for one receiver. False if nothing more can be sent to it in this run."""
        db, now, token = store.database, self.clock(), token_hex(8)
        keys: tuple[bytes, ...] = ()
        if webhook is not None and webhook.get("enabled") is False:
            return False
        if webhook is not None:
            try:
                keys = secrets_of(name, self.environ)
            except Refused as refused:
                result.findings += refused.diagnostics
                return False
        row = outbox.lease(db, name, utc(now), utc(now + LEASE), token, _bounds(now))
        if row is None:
            return False
        if keys and webhook is not None:
            answer = self.posting(
                str(webhook["url"]), row.id, row.body.encode(), keys, int(now.timestamp()), seconds=self.seconds
            )
        else:
            answer = PostResult(f"the webhook {name} is not declared any more", gone=True)
        self._settle(store, row, token, answer, result)
        after = self.clock()
        if after - now > SLOW:
            self._slow[name] = after
        else:
            self._slow.pop(name, None)
        if answer.unreachable:
            self._held_off[name] = after
        return not answer.unreachable

    def _settle(self, store: Store, row: OutboxRow, token: str, answer: PostResult, result: SendResult) -> None:
        now = self.clock()
        state, due = OutboxState.SENT, row.due
        if answer.failure:
            last = answer.gone or row.attempts + 1 >= ATTEMPTS
            state = OutboxState.DEAD if last else OutboxState.WAITING
            due = utc(now + max(wait_after(row.attempts + 1, row.id), timedelta(seconds=min(answer.wait, 3600))))
            result.dead += last
            result.failed += not last
            result.findings.append(_finding(row, answer, dead=last))
        else:
            result.sent += 1
        outbox.settle(store.database, row, token, state=state, due=due, failure=answer.failure, now=utc(now))


def _within(begin: datetime | None, now: datetime, span: timedelta) -> bool:
    """Whether less than ``span`` has passed since ``begin``; not if the clock was set back behind it."""
    return begin is not None and timedelta() <= now - begin < span


def _bounds(now: datetime) -> outbox.Bounds:
    return outbox.Bounds(utc(now + LEASE + SKEW), utc(now + LONGEST_WAIT * 1.25 + SKEW))


def wait_after(failures: int, id_: str) -> timedelta:
    """How long an event waits after its nth failure: doubling, and up to a quarter more, which differs by event."""
    spread: float = int(digest(id_.encode(), b"%d" % failures)[:4], 16) / 0x10000 / 4
    doubled: int = 2 ** min(failures - 1, 20)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT) * (1 + spread)


def _finding(row: OutboxRow, answer: PostResult, *, dead: bool) -> Diagnostic:
    what = f"event {row.id} ({row.type}) for the webhook {row.receiver}"
    if dead:
        return Diagnostic(
            Code.WEBHOOK_DEAD,
            f"{what} is given up after {row.attempts + 1} attempts: {answer.failure}",
            hint=f"Mend the receiver, and run: offerkit webhooks retry {row.id}",
        )
    return Diagnostic(
        Code.WEBHOOK_NOT_SENT,
        f"{what} was not taken: {answer.failure}",
        f"This was attempt {row.attempts + 1} of {ATTEMPTS}. It is sent again later.",
        "“offerkit webhooks list” shows what waits.",
        severity=Severity.WARNING,
    )


def list_events(store: Store, states: tuple[OutboxState, ...], limit: int) -> list[OutboxRow]:
    """The events in these states, newest first."""
    return outbox.rows(store.database, states, limit)


def retry(session: Session, ids: tuple[str, ...]) -> list[OutboxRow]:
    """Let the dead events with these ids wait again, or all of them.

    Raises Refused if there is no dead event with an id, or the operator is unknown.
    """
    with session.existing() as store:
        who_is(session, store)
        known = {row.id for row in outbox.rows(store.database, (OutboxState.DEAD,))}
    unknown = [id_ for id_ in ids if id_ not in known]
    if unknown:
        raise Refused(
            [
                Diagnostic(
                    Code.NO_MATCH,
                    f"there is no dead event {id_[:80]}",
                    hint=suggestion(id_, known, "“offerkit webhooks list --dead” shows them."),
                )
                for id_ in unknown
            ]
        )
    with session.writing() as store:
        return list(outbox.revive(store.database, ids, session.now))
