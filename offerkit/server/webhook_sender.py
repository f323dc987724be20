"""Sends the events of webhooks beside the calls, in a thread of its own: no call and no change waits for a receiver.

Every worker process does this; the leases of events keep them apart.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from logging import getLogger

from offerkit.diagnostics import Diagnostic, Refused
from offerkit.server.background import BackgroundTask
from offerkit.server.thread_worker import now
from offerkit.store import Store
from offerkit.store.errors import GONE
from offerkit.usecases.session import Session
from offerkit.usecases.webhooks import Sender

_LOG = getLogger("offerkit.webhooks")
EVERY = 2.0
"""Seconds between two looks for events."""


class WebhookSender:
    """The thread that sends; an event under way is finished when the server stops, which takes 10 seconds at most."""

    def __init__(self, session: Session) -> None:
        """Nothing is opened before :meth:`start`."""
        self._sender = Sender(session.environ, now)
        self._stopping = threading.Event()
        self._task = BackgroundTask("offerkit-webhooks", session, EVERY, self._send, _told)
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


def _told(error: Exception | None) -> None:
    if error is not None and not (isinstance(error, Refused) and error.diagnostics[0].code in GONE):
        _LOG.warning("events could not be sent", exc_info=error)
