"""The store as the rest of offerkit uses it, whichever database holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from offerkit.address import Address, StageRef
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.history import PastProposition
from offerkit.governance.approvals import Approval
from offerkit.governance.notices import Notice
from offerkit.governance.withdrawals import Withdrawal
from offerkit.models.status import Status
from offerkit.state.changes import Body, Entry
from offerkit.state.former_names import FormerNames
from offerkit.store import (
    append,
    approvals,
    bodies,
    counted,
    databases,
    deliveries,
    outbox,
    proposition_log,
    proposition_report,
    propositions,
    questions,
    revisions,
    schema,
    simulations,
    stages,
    tokens,
    verify,
)
from offerkit.store.counted import CountedPropositionsReader
from offerkit.store.database import Cell, Database, Question, QuestionReader
from offerkit.store.deliveries import DeliveryRun
from offerkit.store.evidence import Evidence
from offerkit.store.location import Location
from offerkit.store.lock import Holder
from offerkit.store.proposition_log import LogPage, LogPlace
from offerkit.store.proposition_report import ReportCounts, ReportQuery
from offerkit.store.proposition_rows import (
    EVERY,
    LONGEST_KEY,
    DataWithStatus,
    PropositionQuery,
    PropositionRow,
    StatusChange,
)
from offerkit.store.questions import contact_question
from offerkit.store.rows import ChangeRow, Draft, RecordedRevision, RevisionRow, StageHead
from offerkit.store.signed_revisions import stops_in
from offerkit.store.simulations import SavedSimulation
from offerkit.store.status import StoreStatus, store_status
from offerkit.store.tokens import TokenRow
from offerkit.times import check_utc


class Store:
    """An open store. Every method raises Refused, with a hint, when the store cannot be used."""

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
        """Open the store at ``location``; with ``create`` (which implies ``write``) it is created if missing.

        An older format in SQLite is upgraded at once, even for a reader. In PostgreSQL, which others share, it raises
        Refused until somebody runs ``offerkit store migrate``. Only one thread at a time can use an open store.
        ``busy_timeout``: seconds to wait for another transaction. ``audit``: report objects that stand in for tables
        as :meth:`verify` does.
        """
        db = databases.open_store(location, create=create, write=write, busy_timeout=busy_timeout, audit=audit)
        try:
            return cls(db, location, schema.read_meta(db)["project"])
        except BaseException:
            db.close()
            raise

    @classmethod
    def find(cls, location: Location) -> Self | None:
        """The store at ``location``, read-only; None if it is missing, or a crash left it half created."""
        try:
            return cls.open(location)
        except Refused as refused:
            if refused.diagnostics[0].code is not Code.STORE_MISSING:
                raise
            return None

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def heads(self) -> dict[StageRef, StageHead]:
        """The head of every stage."""
        return stages.heads(self._db)

    def entries(self, stage: StageRef, kind: str = "") -> dict[Address, Entry]:
        """The entries of ``stage`` in order of address; of one kind if it is given."""
        return stages.entries(self._db, stage, kind)

    def entry(self, stage: StageRef, address: Address) -> Entry | None:
        """The entry at one address of ``stage``."""
        return stages.entry(self._db, stage, address)

    def entries_at(self, stage: StageRef, serial: int) -> dict[Address, Entry]:
        """The entries of ``stage`` right after revision ``serial``."""
        return stages.entries_at(self._db, stage, serial)

    def bodies(self, fingerprints: Iterable[str]) -> dict[str, Body]:
        """The bodies with these fingerprints, checked. Raises Refused when one is missing or was edited."""
        return bodies.bodies(self._db, fingerprints)

    def known(self, fingerprints: Iterable[str]) -> set[str]:
        """Those of ``fingerprints`` whose bodies are stored."""
        return bodies.known(self._db, fingerprints)

    def last_serial(self) -> int:
        """The number of the newest revision; 0 for an empty history."""
        return revisions.last_serial(self._db)

    def every_digest(self) -> dict[int, str]:
        """The digests of all revisions by serial, oldest first."""
        return revisions.every_digest(self._db)

    def digests(self, serial: int) -> dict[int, str]:
        """The digests of revision ``serial``, if it exists, and of the newest one, by serial."""
        return revisions.digests(self._db, serial)

    def serials_at(self, moment: str) -> list[int]:
        """The revisions that were the newest at ``moment`` (UTC, ISO); 0: before the first revision.

        There can be several if the clock was set back.
        """
        return revisions.serials_at(self._db, moment)

    def revisions(self, *, stage: str = "", address: str = "", limit: int = 0, action: str = "") -> list[RevisionRow]:
        """The revisions that touched ``stage`` and ``address``, newest first (``limit`` 0: all)."""
        return revisions.revisions(self._db, stage=stage, address=address, limit=limit, action=action)

    def revision(self, serial: int) -> RevisionRow | None:
        """One revision; None if it does not exist."""
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
        """The changes of ``stage`` that introduced a body that another change introduced as well, oldest first."""
        return revisions.copied(self._db, stage)

    def last_change(self, stage: StageRef, addresses: Iterable[Address]) -> dict[Address, ChangeRow]:
        """For each of ``addresses`` that ever changed: its newest change, or the move away from it."""
        return revisions.last_change(self._db, stage, addresses)

    def moves(self, stage: StageRef) -> list[tuple[int, Address, Address]]:
        """Every rename in ``stage``, oldest first: the revision, the address before and after."""
        return revisions.moves(self._db, stage)

    def losses(self, stage: StageRef) -> list[Withdrawal]:
        """Changes, other than rollbacks, that took offers off spaces in a live stage or ended periods earlier."""
        return revisions.losses(self._db, stage)

    def disabled(self, stage: StageRef) -> dict[Address, int]:
        """What a live stage holds with ``enabled: false``, and the last revision, except rollbacks, that changed it."""
        return revisions.disabled(self._db, stage)

    def renames_since(self, stage: StageRef, serial: int) -> dict[Address, Address]:
        """The addresses of a stage that had another name at revision ``serial``: the old name by the new one."""
        return revisions.renames_since(self._db, stage, serial)

    def last_left(self, stage: StageRef, address: Address) -> str:
        """When ``address`` last left ``stage``, or came back after that; empty if it never left."""
        return revisions.last_left(self._db, stage, address)

    def approvals(self, addresses: Iterable[str] | None = None) -> list[Approval]:
        """All decisions, or those on ``addresses``, oldest first."""
        return approvals.approvals(self._db, addresses)

    def stops(self) -> list[Approval]:
        """What was stopped and what was resumed by a revision that counts, oldest first."""
        return stops_in(self._db)

    def reading(self) -> AbstractContextManager[None]:
        """Let several reads see the same state; others can write meanwhile."""
        return self._db.reading()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Lock the store at once and let reads see the locked state; all changes are stored, or none."""
        with self._db.writing():
            yield

    def recording(self) -> AbstractContextManager[None]:
        """A transaction for propositions, cookies and statuses: all changes are stored, or none.

        Several run at the same time where the database can do that; no revision can be appended in one.
        """
        return self._db.recording()

    def version(self) -> int | None:
        """A number that every write changes; None if the database has no such number."""
        return self._db.version()

    def claim_version(self) -> tuple[int, int] | None:
        """The version before the open write transaction, and the version after its commit.

        Call it after the last change. None if nothing was changed, or as for :meth:`version`.
        """
        return self._db.claim_version()

    def lock(
        self, *, who: str, timeout: float, waiting: Callable[[Holder], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the store's lock. Raises Refused when another process still holds it after ``timeout`` seconds.

        ``who`` is the name that others see meanwhile; ``waiting`` is called once if the lock is not free at once.
        A timeout of 0 does not wait; a negative one waits forever. Take it before :meth:`transaction`.
        """
        return self._db.lease(who, timeout, waiting)

    def holder(self) -> Holder:
        """The holder of the lock; ``UNKNOWN`` when it is free."""
        return self._db.holder()

    def identity(self) -> str:
        """An id that tells this store from any that could replace it."""
        return self._db.identity()

    def check_in_place(self) -> None:
        """Raises Refused when this is no longer the store at its location: it was deleted or replaced."""
        self._db.check_in_place()

    @property
    def database(self) -> Database:
        """The database, for operations on a store as a whole."""
        return self._db

    def head(self) -> str:
        """The digest of the newest revision, or the project's genesis digest if the history is empty."""
        return schema.read_meta(self._db).get("head", "")

    def checkpoint(self) -> int:
        """Do maintenance that a commit would otherwise have to wait for; others can read and write meanwhile.

        Returns the length of the log in pages, if there is one. Once nothing was added to it meanwhile, the next commit
        begins it again.
        """
        return self._db.checkpoint()

    def tells(self) -> bool:
        """Whether changes are reported to receivers: the project has webhooks."""
        return bool(outbox.receivers(self._db))

    def tell_once(self, name: str, time: str, notices: Sequence[Notice]) -> None:
        """Write events that no revision causes, unless those with this ``name`` were written before."""
        with self._db.recording():
            for number, notice in enumerate(notices):
                outbox.add_once(self._db, f"{name} {number}", time, notice)

    def append(self, draft: Draft) -> RevisionRow:
        """Append a revision and change the stages; only inside :meth:`transaction`."""
        return append.append(self._db, draft)

    def add_propositions(self, rows: Sequence[PropositionRow]) -> None:
        """Store all propositions of a call or none, in the open transaction or a new one."""
        propositions.add(self._db, rows)

    def past(self, environment: str, contact: str, since: str, former: FormerNames = ()) -> list[PastProposition]:
        """The propositions of one contact from ``since`` (UTC, ISO) on, by time, as presentation rules count them.

        ``former``: the names that are called otherwise now.
        """
        return propositions.past(self._db, environment, contact, since, former)

    def past_with_data(
        self, environment: str, contact: str, since: str, former: FormerNames = ()
    ) -> list[PastProposition]:
        """Like :meth:`past`, with the delivery that made each proposition, and what was stored with it."""
        return propositions.past_with_data(self._db, environment, contact, since, former)

    def past_question(
        self, environment: str, contact: str, since: str, former: FormerNames = (), *, data: bool
    ) -> Question:
        """What :meth:`past` asks, with ``data`` :meth:`past_with_data`; :func:`questions.pasts_in` reads the answer."""
        return questions.past_question(self._db, environment, contact, since, former, data=data)

    def answer(self, question: Question) -> str:
        """The answer to ``question`` now."""
        return questions.answer(self._db, question)

    def reader(self) -> QuestionReader | None:
        """Another connection to this store, for an event loop; None where asking takes no time. For any thread."""
        return self._db.reader()

    def edited(self) -> Refused:
        """The error for a proposition that has values which are never written."""
        return propositions.edited(self._db)

    def counting(self) -> CountedPropositionsReader:
        """Reads the propositions of all contacts that rules count, from one state, in several threads."""
        return CountedPropositionsReader(self._db)

    def exported(self, environment: str, columns: Sequence[str]) -> Iterator[list[tuple[Cell, ...]]]:
        """All propositions of ``environment``, in parts, with these columns."""
        return counted.exported(self._db, environment, columns)

    def proposition(self, id_: str) -> PropositionRow | None:
        """One proposition; None if it does not exist."""
        return propositions.proposition(self._db, id_)

    def propositions(self, query: PropositionQuery = EVERY, *, limit: int = 100) -> list[PropositionRow]:
        """The propositions that ``query`` selects, newest first (``limit`` 0: all)."""
        return propositions.propositions(self._db, query, limit)

    def logged(self, place: LogPlace, environment: str, limit: int = proposition_log.PAGE) -> LogPage:
        """Up to ``limit`` changes of propositions after ``place``, of one environment if it is given."""
        return proposition_log.page(self._db, place, environment, limit)

    def log_begun(self) -> bool:
        """Whether there is a log of propositions to read."""
        return proposition_log.has_begun(self._db)

    def begin_log(self) -> None:
        """Begin the log of propositions, unless it has begun; not inside a transaction."""
        proposition_log.begin(self._db)

    def is_logged(self, place: LogPlace) -> bool:
        """Whether the log still has the change that ``place`` names."""
        return proposition_log.is_place(self._db, place)

    def purge_log(self, environment: str, before: str, limit: int = 10_000) -> Iterator[None]:
        """Remove changes from before ``before`` whose propositions are gone, going through ``limit`` at a time."""
        after: tuple[str, str] | None = ("", "")
        while after is not None:
            after = proposition_log.purge(self._db, environment, before, after, limit)
            yield

    def report(self, query: ReportQuery) -> Iterator[list[ReportCounts]]:
        """How many propositions there are by groups and status, in parts."""
        return proposition_report.counted(self._db, query)

    def save_simulation(self, run: SavedSimulation, *, replaced: bool = False) -> None:
        """Keep a run of a simulation by name. Raises Refused if the name is taken, unless it is to be ``replaced``."""
        simulations.save(self._db, run, replaced=replaced)

    def simulations(self, environment: str = "") -> list[SavedSimulation]:
        """The kept runs, newest first, without their bodies."""
        return simulations.saved(self._db, environment)

    def simulation(self, name: str) -> SavedSimulation:
        """The kept run of that name. Raises Refused if it does not exist."""
        return simulations.named(self._db, name)

    def remove_simulation(self, name: str) -> None:
        """Forget the kept run of that name. Raises Refused if it does not exist."""
        simulations.remove(self._db, name)

    def set_status(
        self,
        id_: str,
        status: Status,
        time: str,
        data: DataWithStatus | None = None,
        *,
        environment: str = "",
    ) -> StatusChange:
        """Set a proposition's status; setting the one that it already has changes nothing."""
        return propositions.set_status(self._db, id_, status, time, data, environment=environment)

    def add_delivery(self, run: DeliveryRun, rows: Iterable[PropositionRow]) -> None:
        """Store a delivery with all its propositions. Raises Refused, and stores nothing, when it was made before."""
        deliveries.add(self._db, run, rows)

    def deliveries(self, environment: str = "") -> list[DeliveryRun]:
        """The deliveries that were made, newest first; of one environment if it is given."""
        return deliveries.runs(self._db, environment)

    def delivery(self, environment: str, campaign: str, delivery: str) -> DeliveryRun | None:
        """A delivery that was made; None if it was not."""
        return deliveries.run_of(self._db, environment, campaign, delivery)

    def delivery_waiting(self, run: DeliveryRun, after: str = "", limit: int = 1_000) -> list[PropositionRow]:
        """The next propositions of ``run`` that are not known to be presented, by id, following the id ``after``."""
        return deliveries.waiting(self._db, run, after, limit)

    def delivery_sent(self, run: DeliveryRun, time: str, data: Iterable[tuple[str, DataWithStatus]] = ()) -> int:
        """Record that ``run`` was sent at ``time``, with what is stored with each proposition then.

        Returns how many propositions became *presented*.
        """
        return deliveries.sent(self._db, run, time, data)

    def withdraw_delivery(self, run: DeliveryRun, time: str) -> int:
        """Remove a delivery that was not sent. Returns how many propositions went with it."""
        return deliveries.withdraw(self._db, run, time)

    def add_token(self, row: TokenRow) -> RevisionRow:
        """Store an operator's token and append a revision that records it; only inside :meth:`transaction`."""
        return tokens.create(self._db, row)

    def tokens(self) -> list[TokenRow]:
        """All operators' tokens, newest first."""
        return tokens.tokens(self._db)

    def token(self, id_: str) -> TokenRow | None:
        """One token; None if it does not exist."""
        return tokens.token(self._db, id_)

    def revoke_token(self, id_: str, time: str, actor: str) -> RevisionRow | None:
        """Revoke a token and append a revision that records it; None if it was already revoked.

        Only inside :meth:`transaction`.
        """
        return tokens.revoke(self._db, id_, time, actor)

    def contact_of(self, environment: str, cookie: str) -> str:
        """The key of the contact that last identified with ``cookie``; empty if none did."""
        return self.answer(contact_question(environment, cookie))

    def remember(self, environment: str, cookie: str, contact: str, time: str) -> None:
        """Keep that ``cookie`` is ``contact``'s from now on; only inside :meth:`transaction`."""
        _remember_cookie(self._db, environment, cookie, contact, time)

    def purge_propositions(self, environment: str, before: str, limit: int = 1000) -> int:
        """Remove up to ``limit`` propositions from before ``before``, oldest first; how many there were."""
        return propositions.purge(self._db, environment, before, limit)

    def count_before(self, environment: str, before: str) -> int:
        """How many propositions :meth:`purge_propositions` would remove in all."""
        return propositions.count_before(self._db, environment, before)

    @property
    def evidence(self) -> Evidence:
        """What decisions read, where spaces keep it."""
        return Evidence(self._db)

    def status(self) -> StoreStatus:
        """Format, project, size and holder of the store."""
        return store_status(self._db)

    def verify(self, *, tokens_too: bool = True) -> list[Diagnostic]:
        """All findings about the store; empty if it is sound.

        ``tokens_too``: False for a copy of the history alone, which has no tokens.
        """
        return verify.verify(self._db, tokens_too=tokens_too)

    def recorded(self) -> Iterator[RecordedRevision]:
        """All revisions with their changes and approvals, oldest first."""
        return revisions.recorded(self._db)


def _remember_cookie(db: Database, environment: str, cookie: str, contact: str, time: str) -> None:
    """Record that ``cookie`` identifies ``contact``. Raises ValueError for keys that are empty or too long."""
    if not (0 < len(cookie) <= LONGEST_KEY and 0 < len(contact) <= LONGEST_KEY):
        raise ValueError("a cookie and a contact need 1 to 500 characters")
    check_utc(time)
    db.run(
        "INSERT INTO cookie (environment, cookie, contact, time) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (environment, cookie) DO UPDATE SET contact = excluded.contact, time = excluded.time",
        (environment, cookie, contact, time),
    )
