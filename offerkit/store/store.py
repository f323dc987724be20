"""The store: one class that the rest of offerkit talks to, over whichever database holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from offerkit.address import Address, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.history import PastProposition
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.governance.withdrawals import Withdrawal
from offerkit.models.status import Status
from offerkit.state.changes import Body, Entry
from offerkit.store import (
    append,
    approvals,
    bodies,
    copying,
    counted,
    databases,
    deliveries,
    propositions,
    revisions,
    schema,
    stages,
    tokens,
    verify,
)
from offerkit.store.counted import CountFilter
from offerkit.store.database import Cell, Database
from offerkit.store.deliveries import DeliveryRun
from offerkit.store.location import Location
from offerkit.store.lock import UNKNOWN, Holder
from offerkit.store.proposition_rows import EVERY, LONGEST_KEY, Data, PropositionQuery, PropositionRow, StatusChange
from offerkit.store.rows import ChangeRow, Draft, RevisionRow, StageHead
from offerkit.store.tokens import TokenRow
from offerkit.times import check_utc


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """``rows``: how many each table has. ``size`` in bytes. ``last`` is None while there is no revision."""

    name: str
    format: int
    project: str
    rows: dict[str, int]
    size: int
    last: RevisionRow | None
    holder: Holder | None


class Store:
    """An open store. Every method raises Refused, with what to do, when the store cannot be used."""

    def __init__(self, db: Database, location: Location, project: str) -> None:
        """Wrap an open database; use :meth:`open`."""
        self._db = db
        self.location = location
        self.project = project

    @classmethod
    def open(
        cls,
        location: Location,
        *,
        create: bool = False,
        write: bool = False,
        busy_timeout: float = 5.0,
        audit: bool = False,
    ) -> Self:
        """Open the store at ``location``, or make it when ``create`` is set and there is none (implies ``write``).

        An older format in SQLite is upgraded at once, also for a reader: no command would get to writing otherwise;
        in PostgreSQL, which others share, it is refused until :func:`offerkit.store.migrate` is asked for.
        One thread at a time may use an open store. ``busy_timeout``: seconds to wait for another's transaction.
        ``audit``: to be verified; what answers or acts in place of its tables is then told of as by :meth:`verify`.
        """
        db = databases.open_store(location, create=create, write=write, busy_timeout=busy_timeout, audit=audit)
        try:
            return cls(db, location, schema.read_meta(db)["project"])
        except BaseException:
            db.close()
            raise

    @classmethod
    def find(cls, location: Location) -> Self | None:
        """The store at ``location``, to read; None while there is none, or only what a crash while making it left."""
        try:
            return cls.open(location)
        except Refused as refused:
            if refused.diagnostics[0].code is not Code.STORE_MISSING:
                raise
            return None

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def heads(self) -> dict[StageRef, StageHead]:
        """Where every stage stands."""
        return stages.heads(self._db)

    def entries(self, stage: StageRef, kind: str = "") -> dict[Address, Entry]:
        """What stands in ``stage``, by address in order; of one kind only when it is given."""
        return stages.entries(self._db, stage, kind)

    def entry(self, stage: StageRef, address: Address) -> Entry | None:
        """What stands at one address of ``stage``."""
        return stages.entry(self._db, stage, address)

    def entries_at(self, stage: StageRef, serial: int) -> dict[Address, Entry]:
        """What stood in ``stage`` right after revision ``serial``."""
        return stages.entries_at(self._db, stage, serial)

    def bodies(self, fingerprints: Iterable[str]) -> dict[str, Body]:
        """The bodies with these fingerprints, checked; refused when one is missing or was edited."""
        return bodies.bodies(self._db, fingerprints)

    def known(self, fingerprints: Iterable[str]) -> set[str]:
        """Those of ``fingerprints`` whose bodies are kept."""
        return bodies.known(self._db, fingerprints)

    def last_serial(self) -> int:
        """The number of the newest revision; 0 when there is none."""
        return revisions.last_serial(self._db)

    def digests(self, serial: int) -> dict[int, str]:
        """The digests of revision ``serial``, if there is one, and of the newest, by serial."""
        return revisions.digests(self._db, serial)

    def serials_at(self, moment: str) -> list[int]:
        """The revisions that were the last one at ``moment`` (UTC, ISO); 0: it was before the first.

        There are several where the clock was set back.
        """
        return revisions.serials_at(self._db, moment)

    def revisions(self, *, stage: str = "", address: str = "", limit: int = 0, action: str = "") -> list[RevisionRow]:
        """The revisions that touched ``stage`` and ``address``, newest first (``limit`` 0: all)."""
        return revisions.revisions(self._db, stage=stage, address=address, limit=limit, action=action)

    def revision(self, serial: int) -> RevisionRow | None:
        """One revision; None when there is no such one."""
        return revisions.revision(self._db, serial)

    def changes(self, serial: int) -> list[ChangeRow]:
        """The changes of one revision, by stage and address."""
        return revisions.changes(self._db, serial)

    def changes_since(self, stage: StageRef, serial: int) -> list[ChangeRow]:
        """The changes of ``stage`` after revision ``serial``, oldest first."""
        return revisions.changes_since(self._db, stage, serial)

    def changes_of(self, stage: StageRef, addresses: Iterable[Address]) -> list[ChangeRow]:
        """All changes of ``stage`` that led to one of ``addresses``, oldest first."""
        return revisions.changes_of(self._db, stage, addresses)

    def copied(self, stage: StageRef) -> list[ChangeRow]:
        """The changes of ``stage`` that brought a body which another one brought as well, oldest first."""
        return revisions.copied(self._db, stage)

    def last_change(self, stage: StageRef, addresses: Iterable[Address]) -> dict[Address, ChangeRow]:
        """For each of ``addresses`` that ever changed, its newest change, or the move that led away from it."""
        return revisions.last_change(self._db, stage, addresses)

    def moves(self, stage: StageRef) -> list[tuple[int, Address, Address]]:
        """Every rename in ``stage``, oldest first: the revision, the address before and after."""
        return revisions.moves(self._db, stage)

    def losses(self, stage: StageRef) -> list[Withdrawal]:
        """What took offers off spaces in a live stage, or ended periods earlier, oldest first; no rollback did."""
        return revisions.losses(self._db, stage)

    def disabled(self, stage: StageRef) -> dict[Address, int]:
        """What a live stage holds with ``enabled: false``, and the revision in which that went there by no rollback."""
        return revisions.disabled(self._db, stage)

    def renames_since(self, stage: StageRef, serial: int) -> dict[Address, Address]:
        """What a stage called otherwise at revision ``serial``: by the names now, those of then."""
        return revisions.renames_since(self._db, stage, serial)

    def begun_again(self, stage: StageRef, address: Address) -> str:
        """When ``address`` last went from ``stage``, or came back since; empty when it never went."""
        return revisions.begun_again(self._db, stage, address)

    def approvals(self, addresses: Iterable[str] | None = None) -> list[Approval]:
        """All decisions, or those on ``addresses``, oldest first."""
        return approvals.approvals(self._db, addresses)

    def stops(self) -> list[Approval]:
        """What was stopped and what was resumed, oldest first."""
        return approvals.stops(self._db)

    def reading(self) -> AbstractContextManager[None]:
        """Let several reads see one and the same state, whatever others write meanwhile."""
        return self._db.reading()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Lock the store at once and let reads see the locked state; all of it is kept, or none."""
        with self._db.writing():
            yield

    def recording(self) -> AbstractContextManager[None]:
        """A transaction for propositions, cookies and statuses: all of it is kept, or none.

        Others may have one at the same time, where the database can do that; no revision can be appended in it.
        """
        return self._db.recording()

    def version(self) -> int | None:
        """A number that every write changes, whoever writes; None where a store has no such."""
        return self._db.version()

    def claim_version(self) -> tuple[int, int] | None:
        """The version before the open write transaction, and the one that its commit will bring.

        To be called after the last change; None when there was none, or as above.
        """
        return self._db.claim_version()

    def lock(
        self, *, who: str, timeout: float, waiting: Callable[[Holder], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the store's lock: refused when another process still holds it after ``timeout`` seconds.

        ``who`` is what others are told meanwhile; ``waiting`` is called once when the lock is not free at once.
        A timeout of 0 does not wait; a negative one waits for ever. Taken before :meth:`transaction`.
        """
        return self._db.lease(who, timeout, waiting)

    def holder(self) -> Holder:
        """Who holds the lock now; ``UNKNOWN`` when nobody does."""
        return self._db.holder()

    def identity(self) -> str:
        """What tells this store from any that may take its place."""
        return self._db.identity()

    def check_in_place(self) -> None:
        """Raise Refused when this is not the store in its place any more: it was deleted or replaced."""
        self._db.check_in_place()

    @property
    def database(self) -> Database:
        """What holds it, for what is done with a store as a whole."""
        return self._db

    def head(self) -> str:
        """The digest of the newest revision, or what stands for an empty history of the project."""
        return schema.read_meta(self._db).get("head", "")

    def checkpoint(self) -> None:
        """Do what would otherwise be done while a commit waits for it; beside other readers and writers."""
        self._db.checkpoint()

    def append(self, draft: Draft) -> RevisionRow:
        """Add a revision and change the stages with it; only inside :meth:`transaction`."""
        return append.append(self._db, draft)

    def add_propositions(self, rows: Sequence[PropositionRow]) -> None:
        """Keep all propositions of a call or none, inside :meth:`transaction` or one of their own."""
        propositions.add(self._db, rows)

    def past(self, environment: str, contact: str, since: str) -> list[PastProposition]:
        """The propositions of one contact from ``since`` (UTC, ISO) on, by time, as presentation rules count them."""
        return propositions.past(self._db, environment, contact, since)

    def counted(
        self, environment: str, wanted: Sequence[CountFilter], columns: Sequence[str]
    ) -> Iterator[list[tuple[str, str]]]:
        """The propositions of all contacts that one of ``wanted`` counts, a text of lines for each contact."""
        return counted.counted(self._db, environment, wanted, columns)

    def exported(self, environment: str, columns: Sequence[str]) -> Iterator[list[tuple[Cell, ...]]]:
        """All propositions of ``environment``, in parts, with these columns."""
        return counted.exported(self._db, environment, columns)

    def proposition(self, id_: str) -> PropositionRow | None:
        """One proposition; None when there is no such one."""
        return propositions.proposition(self._db, id_)

    def propositions(self, query: PropositionQuery = EVERY, *, limit: int = 100) -> list[PropositionRow]:
        """The propositions that ``query`` asks for, newest first (``limit`` 0: all)."""
        return propositions.propositions(self._db, query, limit)

    def set_status(
        self, id_: str, status: Status, time: str, data: Data | None = None, *, environment: str = ""
    ) -> StatusChange:
        """Give a proposition another status; to set the one that it has changes nothing, and says so."""
        return propositions.set_status(self._db, id_, status, time, data, environment=environment)

    def add_delivery(self, run: DeliveryRun, rows: Iterable[PropositionRow]) -> None:
        """Keep a delivery with all its propositions, or nothing; refused when it was made before."""
        deliveries.add(self._db, run, rows)

    def deliveries(self, environment: str = "") -> list[DeliveryRun]:
        """The deliveries that were made, newest first; of one environment when it is given."""
        return deliveries.runs(self._db, environment)

    def delivery(self, environment: str, campaign: str, delivery: str) -> DeliveryRun | None:
        """A delivery that was made; None when it was not."""
        return deliveries.run_of(self._db, environment, campaign, delivery)

    def delivery_sent(self, run: DeliveryRun, time: str) -> int:
        """Keep that ``run`` was sent at ``time``; how many propositions are *presented* by that."""
        return deliveries.sent(self._db, run, time)

    def withdraw_delivery(self, run: DeliveryRun) -> int:
        """Take back a delivery that was not sent, with its propositions; how many there were."""
        return deliveries.withdraw(self._db, run)

    def add_token(self, row: TokenRow) -> RevisionRow:
        """Keep an operator's token, with the revision that says so; only inside :meth:`transaction`."""
        return tokens.create(self._db, row)

    def tokens(self) -> list[TokenRow]:
        """All operators' tokens, the newest first."""
        return tokens.tokens(self._db)

    def token(self, id_: str) -> TokenRow | None:
        """One token; None when there is no such one."""
        return tokens.token(self._db, id_)

    def revoke_token(self, id_: str, time: str, actor: str) -> RevisionRow | None:
        """Let a token count no more from ``time`` on, with the revision that says so; None when it did not already.

        Only inside :meth:`transaction`.
        """
        return tokens.revoke(self._db, id_, time, actor)

    def contact_of(self, environment: str, cookie: str) -> str:
        """The key of the contact that last identified themselves with ``cookie``; empty when nobody did."""
        return _contact_of_cookie(self._db, environment, cookie)

    def remember(self, environment: str, cookie: str, contact: str, time: str) -> None:
        """Keep that ``cookie`` is ``contact``'s from now on; only inside :meth:`transaction`."""
        _remember_cookie(self._db, environment, cookie, contact, time)

    def purge_propositions(self, environment: str, before: str, limit: int = 1000) -> int:
        """Remove up to ``limit`` propositions from before ``before``, oldest first; how many there were."""
        return propositions.purge(self._db, environment, before, limit)

    def count_before(self, environment: str, before: str) -> int:
        """How many propositions :meth:`purge_propositions` would remove in all."""
        return propositions.count_before(self._db, environment, before)

    def status(self) -> StoreStatus:
        """What the store is, and how much is in it."""
        return _status(self._db)

    def verify(self, *, tokens_too: bool = True) -> list[Diagnostic]:
        """Everything that is wrong with the history; nothing when it is sound.

        ``tokens_too``: False for a copy of the history alone, which has no tokens.
        """
        return verify.verify(self._db, tokens_too=tokens_too)

    def rows(self) -> Iterator[dict[str, Json]]:
        """All revisions with their changes and approvals, oldest first."""
        return revisions.history(self._db)


def _status(db: Database) -> StoreStatus:
    """What the store is at this moment."""
    with db.reading():
        meta = schema.read_meta(db)
        last = revisions.revision(db, revisions.last_serial(db))
        holder = db.holder()
        return StoreStatus(
            db.name, int(meta["format"]), meta["project"], copying.counts(db), db.size(), last,
            None if holder == UNKNOWN else holder,
        )  # fmt: skip


def _contact_of_cookie(db: Database, environment: str, cookie: str) -> str:
    """The key of the contact that last identified themselves with ``cookie``; empty when nobody did."""
    found: list[tuple[str]] = db.rows(
        "SELECT contact FROM cookie WHERE environment = ? AND cookie = ?", (environment, cookie)
    )
    return found[0][0] if found else ""


def _remember_cookie(db: Database, environment: str, cookie: str, contact: str, time: str) -> None:
    """Keep that ``cookie`` is ``contact``'s from now on. Raises ValueError for keys that are empty or too long."""
    if not (0 < len(cookie) <= LONGEST_KEY and 0 < len(contact) <= LONGEST_KEY):
        raise ValueError("a cookie and a contact have 1 to 500 characters")
    check_utc(time)
    db.run(
        "INSERT INTO cookie (environment, cookie, contact, time) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (environment, cookie) DO UPDATE SET contact = excluded.contact, time = excluded.time",
        (environment, cookie, contact, time),
    )
