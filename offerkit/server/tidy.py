"""What keeps an embedded store quick, done beside the calls: none of them should wait for it."""

from __future__ import annotations

from logging import getLogger

from offerkit.diagnostics import Refused
from offerkit.server.beside import Beside
from offerkit.store import Store
from offerkit.store.errors import GONE
from offerkit.usecases.session import Session

_LOG = getLogger("offerkit.tidy")
EVERY = 0.25
"""Seconds between two times: what has gathered is moved in one go, and a commit that comes then waits for it."""


def tidying(session: Session) -> Beside:
    """Tidies the store four times a second. A time that fails is logged, and the next one comes."""
    return Beside("offerkit-tidy", session, EVERY, Store.tidy, _told)


def _told(error: Exception | None) -> None:
    if error is not None and not (isinstance(error, Refused) and error.diagnostics[0].code in GONE):
        _LOG.warning("the store could not be tidied", exc_info=error)
