"""What is live, compiled as a whole, and replaced as a whole when a new revision is live.

A call is answered from one :class:`ServedCatalogs` from its beginning to its end, so no answer mixes two revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from logging import getLogger
from time import monotonic

from offerkit.address import StageRef
from offerkit.diagnostics import Refused
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.hooks import NO_HOOKS
from offerkit.engine.slice import slice_of
from offerkit.server.background import BackgroundTask
from offerkit.server.inbound import InboundRules, inbound_rules
from offerkit.server.store_presence import StorePresence
from offerkit.store import StageHead, Store
from offerkit.times import wall_clock
from offerkit.usecases.catalogs import Catalogs, live_catalogs
from offerkit.usecases.installed_hooks import load_hooks
from offerkit.usecases.session import Session

_LOG = getLogger("offerkit.live")
_AGAIN = 5.0
"""Seconds until a store that did not verify, and seems to be the same, is verified again."""
_AHEAD = timedelta(minutes=10)
"""How long before midnight what the next day needs is made."""
_MOST = 32
"""Of so many slices that were asked, those that are known longest: others are ever new."""


@dataclass(frozen=True)
class ServedCatalogs:
    """The live stages of all environments right after revision ``serial``, compiled and ready."""

    serial: int
    heads: tuple[tuple[StageRef, int, str], ...]
    catalogs: Catalogs
    head: str
    identity: str
    stops: int = 0
    """How many rows say what is stopped or resumed: reasons tell of them, also of what was not live."""

    @cached_property
    def stopped(self) -> int:
        """How many live offers a stop keeps out of a space."""
        return sum(bool(offer.stopped) for catalog in _compiled(self.catalogs) for offer in catalog.offers)

    def runs_hooks(self, spaces: Iterable[str]) -> bool:
        """Whether a call for ``spaces`` (``ENVIRONMENT/SPACE``) may run hooks, which take as long as they take."""
        return not self._hooked.isdisjoint(spaces)

    @cached_property
    def _hooked(self) -> frozenset[str]:
        """The spaces whose calls may run hooks, also once they have fallen back to another."""
        found = {f"{catalog.environment}/{space}" for catalog in _compiled(self.catalogs) for space in _hooked(catalog)}
        before = 0
        while len(found) > before:
            before = len(found)
            for catalog in _compiled(self.catalogs):
                for name in catalog.spaces:
                    if self.catalogs.space(catalog.environment, name).identification.fallback in found:
                        found.add(f"{catalog.environment}/{name}")
        return frozenset(found)

    @cached_property
    def inbound(self) -> InboundRules:
        """What the environments allow to callers from outside."""
        return inbound_rules(self.catalogs)


def served_catalogs(store: Store) -> ServedCatalogs:
    """What is live now, read from one state of the store, with every environment compiled."""
    with store.reading():
        served = _served(store, live_catalogs(store, load_hooks))
    now = datetime.now(UTC)
    for catalog in _compiled(served.catalogs):
        prepare(catalog, now)
        _warm(catalog, now)
    return served


def _served(store: Store, catalogs: Catalogs) -> ServedCatalogs:
    served = ServedCatalogs(
        store.last_serial(), _heads(store), catalogs, store.head(), store.identity(), len(store.stops())
    )
    served.runs_hooks(())  # found here, before calls are answered from it
    return served


def stopped_since(store: Store, served: ServedCatalogs) -> ServedCatalogs | None:
    """What is live now, if only stops and resumptions came after ``served``: picked up at once; None when more did."""
    with store.reading():
        last = store.revision(served.serial)
        if store.identity() != served.identity or last is None or last.digest != served.head:
            return None  # another store, or another history: nothing of what is served says what is live there
        heads = {stage: StageHead(serial, digest) for stage, serial, digest in served.heads}
        catalogs = served.catalogs.after_stops(store, heads)
        return _served(store, catalogs) if catalogs is not None else None


def prepare_ahead(catalogs: Catalogs, now: datetime) -> None:
    """Shortly before midnight, make what calls need the next day: in every space, and in the slices of today."""
    for catalog in _compiled(catalogs):
        today, soon = (wall_clock(moment, catalog.zone).date() for moment in (now, now + _AHEAD))
        if soon > today:
            prepare(catalog, now + _AHEAD)
            for space, wanted in catalog.known_slices(today)[:_MOST]:
                catalog.prepare(space, soon, wanted)


def prepare(catalog: Catalog, now: datetime) -> None:
    """Make what calls of every space need that day, if they ask for no slice of their own."""
    nobody = CallContext(None, "", now, many=True)
    for name, space in catalog.spaces.items():
        if space.unitary:
            wanted = slice_of(space, make_call(catalog, name, who=nobody))
            catalog.prepare(name, wall_clock(now, catalog.zone).date(), wanted)


def _warm(catalog: Catalog, now: datetime) -> None:
    """Ask every space once: what the engine makes when it first meets a space, the first caller need not wait for."""
    nobody = CallContext(None, "", now, many=True)
    for name, space in catalog.spaces.items():
        if space.unitary and not (space.target_loading or space.post_processing):
            decide(catalog, make_call(catalog, name, who=nobody), ())


def _hooked(catalog: Catalog) -> Iterator[str]:
    """The spaces of an environment whose calls may run hooks; with a dynamic offer, all of them."""
    if catalog.hooks is NO_HOOKS:
        return
    dynamic = any(weight.dynamic for offer in catalog.offers for weight in offer.weights)
    for name, space in catalog.spaces.items():
        if dynamic or space.target_loading or space.post_processing:
            yield name


def _compiled(catalogs: Catalogs) -> Iterator[Catalog]:
    return (catalogs[name] for name in catalogs.names if name in catalogs)


def _heads(store: Store) -> tuple[tuple[StageRef, int, str], ...]:
    heads = store.heads().items()
    return tuple((stage, head.revision, head.digest) for stage, head in heads if stage.endswith("@live"))


class RevisionWatcher:
    """A thread that polls the store for new revisions, and compiles what is live when it has changed."""

    def __init__(
        self,
        session: Session,
        seconds: float,
        changed: Callable[[ServedCatalogs], None],
        presence: StorePresence | None = None,
    ) -> None:
        """``changed`` is called from the thread with each new state. What ``presence`` has lost is looked for here."""
        self._session, self._changed, self._presence = session, changed, presence or StorePresence()
        self._beside = BackgroundTask("offerkit-watch", session, seconds, self._look, self._told, seconds)
        self._unsound: tuple[str, float, Refused] | None = None
        self._logged = False
        self.failing = ""
        """Why the store could not be asked the last time; empty when it could."""

    def start(self, served: ServedCatalogs) -> None:
        """Begin to watch for what is newer than ``served``."""
        self._served = served
        self._beside.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread has ended."""
        self._beside.stop()

    def _told(self, error: Exception | None) -> None:
        """Keep serving the last offers while the store cannot be read, but not after another store has replaced it."""
        if error is not None:
            self._presence.note(error)
        if self._presence.lost:
            self.failing = ""
            if error is not None and not self._logged:
                _LOG.error("the store is lost", extra={"why": self._presence.reason})
            self._logged = self._logged or error is not None
        elif error is None:
            self.failing = ""
        elif isinstance(error, Refused):
            self.failing = error.diagnostics[0].summary
            _LOG.warning("the store cannot be asked for new revisions", extra={"why": self.failing})
        else:
            self.failing = type(error).__name__
            _LOG.exception("watching the store failed", exc_info=error)

    def _look(self, store: Store) -> None:
        prepare_ahead(self._served.catalogs, datetime.now(UTC))
        store.check_in_place()
        if self._presence.lost:
            self._regain(store)
            return
        head = store.head()  # asked first: what is appended meanwhile is seen the next time
        if head == self._served.head:
            return
        if _heads(store) == self._served.heads and len(store.stops()) == self._served.stops:
            self._served = replace(self._served, serial=store.last_serial(), head=head)
            return
        self._hand_over(stopped_since(store, self._served) or served_catalogs(store), "a new revision is live")

    def _regain(self, store: Store) -> None:
        """Serve what is live in the store that is there now. Raises Refused unless it is sound."""
        state = f"{store.identity()} {store.head()} {store.version()}"
        if self._unsound is not None and self._unsound[0] == state and monotonic() < self._unsound[1]:
            raise self._unsound[2]  # to verify takes long where there is much
        faults = store.verify()
        if faults:
            refused = Refused(faults)
            self._unsound = (state, monotonic() + _AGAIN, refused)
            self._presence.lose(refused)
            raise refused
        self._hand_over(served_catalogs(store), "a sound store is back")
        self._logged = False

    def _hand_over(self, served: ServedCatalogs, message: str) -> None:
        self._served = served
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._changed(self._served)
        _LOG.info(message, extra={"revision": self._served.serial})
