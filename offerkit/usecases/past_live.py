"""What was live at an earlier revision: its catalogs with the stops of then, and who had approved it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property

from offerkit.address import SHARED, Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.report import Report
from offerkit.governance.approvals import Approval, Decision, Decisions
from offerkit.governance.aspects import approval_keys
from offerkit.governance.settings import settings_key
from offerkit.governance.stops import Stops
from offerkit.plans.plan import ApprovalKey
from offerkit.state.changes import by_environment
from offerkit.state.former_names import FormerNames, former_names
from offerkit.state.names import FirstNames, NameHistory
from offerkit.state.snapshot import Snapshot
from offerkit.store import RevisionRow, Store
from offerkit.store.backups import ACTION as RESTORE
from offerkit.store.stage_snapshots import Stages, promoted_as
from offerkit.times import instant, utc
from offerkit.usecases.catalogs import Catalogs, HookLoader, catalogs_as_live, no_hooks
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import serial_of


class PastLive:
    """What was live right after a revision, in all environments."""

    def __init__(self, store: Store, serial: int) -> None:
        """``serial``: the revision. Use it inside one transaction, or as long as nothing is appended."""
        self._store, self.serial = store, serial
        self._stages = Stages(store)
        self._live = [stage for stage in self._stages.heads if stage.stage is Stage.LIVE]

    @cached_property
    def view(self) -> Snapshot:
        """Everything that was live, with the first names of what was renamed until then.

        Nothing for a revision that the store does not have, as after a restore.
        """
        entries = {
            address: entry
            for stage in (self._live if self.serial <= self._store.last_serial() else ())
            for address, entry in self._store.entries_at(stage, self.serial).items()
        }
        self._stages.bodies.fetch(entry.fingerprint for entry in entries.values())
        view = Snapshot(entries, self._stages.bodies)
        return view.with_entries(entries, origins=self._origins(entries)) if self._names else view

    def catalogs(self, hooks: HookLoader = no_hooks) -> Catalogs:
        """The catalogs that decided then."""
        stops = Stops(row for row in self._store.stops() if row.revision <= self.serial)
        catalogs = catalogs_as_live(self.view, hooks)
        names = tuple(sorted(stage.environment for stage in self._live if stage.environment != SHARED))
        return replace(
            catalogs,
            names=names,
            revisions={name: self.revision_of(name) for name in names},
            stops=stops,
            former_names={name: self._former_names(name) for name in names if self._names},
        )

    def _former_names(self, environment: str) -> FormerNames:
        moves = self._store.moves(StageRef(environment, Stage.LIVE))
        names = NameHistory(move for move in moves if move[0] <= self.serial)
        return former_names(names, self.view, self.view, environment)

    def revision_of(self, environment: str) -> int:
        """The last revision until then that changed what was live in ``environment``, or shared by all; 0: none."""
        rows = (
            row.serial
            for name in (environment, SHARED)
            for row in self._store.revisions(stage=StageRef(name, Stage.LIVE))
            if row.serial <= self.serial
        )
        return max(rows, default=0)

    def approvals_of(self, offer: Address, space: str) -> list[tuple[ApprovalKey, Approval | None]]:
        """The approvals of an offer's eligibility, and of its content on ``space``, as they were live then.

        For each, the last one given until then; None if the history has no approval of exactly this. Those of the
        settings of space and environment come last, if there are any: only named reviewers must give them.
        """
        settings = [offer.beside(Kind.SPACE, space), environment_address(offer.environment)]
        rows = self._store.approvals(self._names.family([offer, *settings]))
        decisions = Decisions((row for row in rows if row.revision <= self.serial), self._names, self.view)
        keys = [key for key in approval_keys(self.view, offer) if key.space in ("", space)]
        found: list[tuple[ApprovalKey, Approval | None]] = [(key, _last_approved(decisions, key)) for key in keys]
        optional = ((key := settings_key(self.view, address), _last_approved(decisions, key)) for address in settings)
        return [*found, *((key, row) for key, row in optional if row is not None)]

    @cached_property
    def _names(self) -> NameHistory:
        designs = [stage for stage in self._stages.heads if stage.stage is Stage.DESIGN]
        moves = (move for stage in designs for move in self._store.moves(stage))
        return NameHistory(move for move in moves if move[0] <= self.serial)

    def _origins(self, entries: Iterable[Address]) -> FirstNames:
        renamed = dict.fromkeys(self._names.touched() & set(entries))
        first_names: dict[Address, str] = {}
        for name, addresses in sorted(by_environment(renamed).items()):
            promotions = promoted_as(self._store, StageRef(name, Stage.LIVE), addresses, self.serial)
            first_names |= {
                address: self._names.origin(*promotions.get(address, (address, 0))) for address in addresses
            }
        return FirstNames(first_names)


def _last_approved(decisions: Decisions, key: ApprovalKey) -> Approval | None:
    approved = [row for row in decisions.each(key) if row.decision is Decision.APPROVED]
    return approved[-1] if approved else None


def is_past(session: Session, moment: datetime) -> bool:
    """Whether ``moment`` is before the session's now: then what is live now does not answer for it."""
    return moment < instant(session.now)


def catalogs_then(store: Store, live: Catalogs, spaces: Iterable[str], moment: datetime, *, stored: bool) -> Catalogs:
    """The catalogs that were live at ``moment`` for a call on ``spaces`` (``ENVIRONMENT/SPACE``).

    ``live``: those of now. Raises Refused if the answer is to be ``stored``, or if an environment was not live then.
    """
    if stored:
        raise refuse(
            Code.PAST_NOT_STORED,
            "an answer for a past time cannot be stored",
            detail="It shows what was live then; a proposition stored now would claim that it was made then.",
            hint="Add --no-store, or decide with what is live now: --live-now.",
        )
    names = [name for space in spaces if (name := space.partition("/")[0]) in live.names]
    return live_at(store, names, moment).catalogs(live.hooks) if names else live


def with_present_contact() -> Report:
    """The warning about an answer for a past time."""
    return Report(
        Code.PRESENT_CONTACT,
        "The offers, rules and stops are those that were live then; the contact's fields, what hooks"
        " answer, and the propositions with their statuses are those of now.",
        "",
    )


def live_at(store: Store, environments: Iterable[str], moment: datetime) -> PastLive:
    """What was live at ``moment``. Raises Refused if one of ``environments`` was not, if the time is ambiguous, or if a
    restore replaced the history of then.
    """
    at = utc(moment.astimezone(UTC))
    for row in store.revisions(action=RESTORE):
        before = store.revision(row.serial - 1)
        if at < row.time and row.details.get("revisions") != [] and (before is None or at >= before.time):
            raise _replaced(row, moment)
    serial = 0
    for name in dict.fromkeys(environments):
        stage = StageRef(name, Stage.LIVE, at)
        serial = serial_of(store, stage, UTC)
        if not store.entries_at(stage.on(Stage.LIVE), serial):
            raise _not_live(store, name, moment)
    return PastLive(store, serial)


def _replaced(restore: RevisionRow, moment: datetime) -> Refused:
    return refuse(
        Code.NOT_LIVE_THEN,
        f"what was live at {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} is no longer in the history",
        detail=(
            f"Revision {restore.serial} restored an older backup at {restore.time[:19]}Z; what was promoted between the"
            " two is only in the store that it replaced."
        ),
        hint="Ask that store, name another time with --at, or decide with what is live now: --live-now.",
    )


def _not_live(store: Store, environment: str, moment: datetime) -> Refused:
    first = [row.time for row in store.revisions(stage=StageRef(environment, Stage.LIVE))]
    since = f"It first went live at {first[-1][:19]}Z." if first else "It has never been live."
    return refuse(
        Code.NOT_LIVE_THEN,
        f"{environment[:80]} was not live at {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        detail=f"{since} An answer for a past time comes from what was live then.",
        hint="Name a later time with --at, or decide with what is live now: --live-now.",
    )
