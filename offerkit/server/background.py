"""Work that a thread with its own store repeats in the background: events of webhooks, scheduled promotions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from logging import Logger, getLogger

from offerkit.diagnostics import Diagnostic, Refused
from offerkit.store import RevisionRow, Store, scheduled
from offerkit.store.errors import GONE
from offerkit.times import utc
from offerkit.usecases.anchor import anchor_places
from offerkit.usecases.run_due import run_due
from offerkit.usecases.session import Session
from offerkit.usecases.webhooks import Sender

_LOG = getLogger("offerkit.webhooks")
EVERY = 2.0
"""Seconds between two looks for events of webhooks."""
LATER = 1.0
"""Seconds until failed work is repeated, at least, by default."""


class BackgroundTask:
    """Repeats its work until it is stopped; after a failure it opens the store again."""

    def __init__(
        self,
        name: str,
        session: Session,
        seconds: float,
        work: Callable[[Store], None],
        told: Callable[[Exception | None], None],
        later: float = LATER,
    ) -> None:
        """Nothing is opened before :meth:`start`.

        ``told`` is called in the thread: with None when the store is open, and with what was raised.
        """
        self._session, self._seconds, self._work, self._told, self._later = session, seconds, work, told, later
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._session.writing() as store:
                    self._told(None)
                    while not self._stop.wait(self._seconds):
                        self._work(store)
            except Exception as error:
                self._told(error)
                self._stop.wait(max(self._seconds, self._later))


def failures_logged(log: Logger, what: str) -> Callable[[Exception | None], None]:
    """A ``told`` for :class:`BackgroundTask` that logs ``what``; that the store is gone is logged elsewhere."""

    def told(error: Exception | None) -> None:
        if error is not None and not (isinstance(error, Refused) and error.diagnostics[0].code in GONE):
            log.warning(what, exc_info=error)

    return told


class WebhookSender:
    """The thread that sends, so that no call and no change waits for a receiver; one for each worker process.

    An event under way is finished when the server stops, which takes 10 seconds at most.
    """

    def __init__(self, session: Session, clock: Callable[[], datetime]) -> None:
        """Nothing is opened before :meth:`start`."""
        self._sender = Sender(session.environ, clock)
        self._stopping = threading.Event()
        told = failures_logged(_LOG, "events could not be sent")
        self._task = BackgroundTask("offerkit-webhooks", session, EVERY, self._send, told)
        self._known: set[str] = set()

    def start(self) -> None:
        """Begin."""
        self._task.start()

    def stop(self) -> None:
        """End after the event that is under way."""
        self._stopping.set()
        self._task.stop()

    def _send(self, store: Store) -> None:
        store.check_in_place()
        result = self._sender.send_due(store, goes_on=lambda: not self._stopping.is_set())
        self._tell(result.findings)

    def _tell(self, findings: Sequence[Diagnostic]) -> None:
        """Log what was not sent; the same sentence only once as long as it is true."""
        for finding in findings:
            if finding.summary not in self._known:
                _LOG.warning(finding.summary, extra={"code": finding.code.value})
        self._known = {finding.summary for finding in findings} or self._known


_ANCHOR_LOG = getLogger("offerkit.anchors")
_SCHEDULE_LOG = getLogger("offerkit.schedule")
LOOK = 1.0
"""Seconds between two looks for scheduled promotions that are due."""
LEAP = 300.0
"""Seconds by which the clock may differ from a steady one between two looks. If it was set, the next look decides."""


def anchored(session: Session, revision: RevisionRow) -> None:
    """Anchor a revision that this server has just brought live; what fails is logged, since live has changed already.

    The next one, or “offerkit audit anchor”, makes it good.
    """
    try:
        failed = anchor_places(session).write_new(revision)
    except Refused as refused:
        failed = [*refused.diagnostics]
    for each in failed:
        about = {"revision": revision.serial, "code": each.code.value, "why": each.summary}
        _ANCHOR_LOG.warning("a revision could not be anchored", extra=about)


class Scheduler:
    """The thread that carries out scheduled promotions; one for each worker process.

    The first one to take the store's lock carries each out.

    A clock that has just leapt ahead may be wrong for a moment, as while a machine starts. So nothing is carried out
    until the next look confirms the new time.
    """

    def __init__(
        self, session: Session, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is opened before :meth:`start`. ``steady`` gives seconds that no setting of the clock changes."""
        self._session, self._clock, self._steady = session, clock, steady
        self._last: tuple[datetime, float] | None = None
        told = failures_logged(_SCHEDULE_LOG, "scheduled promotions could not be carried out")
        self._task = BackgroundTask("offerkit-schedule", session, LOOK, self.look, told, later=LOOK)

    def start(self) -> None:
        """Begin."""
        self._task.start()

    def stop(self) -> None:
        """End after the promotion that is under way."""
        self._task.stop()

    def look(self, store: Store) -> None:
        """Carry out what is due."""
        store.check_in_place()
        if self._leapt() or not scheduled.due_serials(store.database, utc(self._clock())):
            return
        for outcome in run_due(self._session, self._clock):
            about = {"scheduled": outcome.promotion.serial, "revision": outcome.revision.serial}
            if outcome.findings:
                codes = [finding.code.value for finding in outcome.findings]
                _SCHEDULE_LOG.warning("a scheduled promotion was not carried out", extra={**about, "codes": codes})
            else:
                _SCHEDULE_LOG.info("a scheduled promotion was carried out", extra=about)
                anchored(self._session, outcome.revision)

    def _leapt(self) -> bool:
        """Whether the clock was set ahead since the last look."""
        now, steady = self._clock(), self._steady()
        last, self._last = self._last, (now, steady)
        return last is not None and (now - last[0]).total_seconds() - (steady - last[1]) > LEAP
