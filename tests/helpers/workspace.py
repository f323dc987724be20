"""A project in a temporary folder, driven through ``offerkit.usecases`` with a clock that only tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpers.files import Files, base, patched, write
from offerkit.applier import Applied
from offerkit.diagnostics import Diagnostic, Refused
from offerkit.governance.approvals import Decision
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import Plan
from offerkit.specs import Project
from offerkit.store import Location, Store
from offerkit.usecases.apply import apply
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.plan import plan as make_plan
from offerkit.usecases.promote import promote
from offerkit.usecases.purge import plan_purge
from offerkit.usecases.requests import ApprovalOutcome, ApprovalRequest
from offerkit.usecases.rollback import plan_rollback
from offerkit.usecases.session import Session

START = datetime(2026, 1, 1, tzinfo=UTC)
_LIVE: dict[object, tuple[dict[Path, bytes], datetime]] = {}
"""What going live left of a project in its state folder, and when it was done: the same start leads there again."""


class Workspace:
    """A project, its store, and who does what; every session is a minute later than the one before."""

    def __init__(self, root: Path, files: Files | None = None, location: Location | None = None) -> None:
        self.root = root
        self.location = location or root / ".offerkit/store.db"
        self.files = base() if files is None else files
        self.now = START
        write(root, self.files)

    def named(self) -> str:
        """The store as --store takes it, password and all: other processes are to find it."""
        if isinstance(self.location, Path):
            return str(self.location)
        conninfo = self.location.conninfo
        return f"{conninfo}{'&' if '?' in conninfo else '?'}schema={self.location.schema}"

    def change(self, patch: dict[str, Any]) -> None:
        """Merge ``patch`` into the files (null removes) and write them."""
        self.files = patched(self.files, patch)
        write(self.root, self.files)

    def later(self, **span: float) -> None:
        """Move the clock, as in ``later(days=90)``."""
        self.now += timedelta(**span)

    def session(self, who: str = "", **more: Any) -> Session:
        """A run by ``who``, now."""
        self.later(minutes=1)
        now = self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return Session(
            Project(self.root),
            now,
            operator=who,
            **{"backend": LOCAL, "store_path": self.location, "create_store": True, **more},
        )

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, to read."""
        with self.session().existing() as store:
            yield store

    def plan(self, *targets: str, exclude: tuple[str, ...] = (), **more: Any) -> Plan:
        """The plan of the specs."""
        return make_plan(self.session(**more), AddressPatterns.of(targets, exclude))

    def execute(self, who: str, plan: Plan) -> Applied:
        """Apply any plan."""
        return apply(self.session(who), plan)

    def apply(self, who: str, *targets: str, exclude: tuple[str, ...] = ()) -> Plan:
        """Plan the specs and apply that, unless it is empty."""
        return self._carried_out(who, self.plan(*targets, exclude=exclude))

    def promotion(
        self,
        who: str,
        *targets: str,
        exclude: tuple[str, ...] = (),
        environments: tuple[str, ...] = (),
        include_rolled_back: bool = False,
    ) -> Plan:
        """The plan of a promotion."""
        patterns = AddressPatterns.of(targets, exclude)
        return promote(self.session(who), environments, patterns, include_rolled_back=include_rolled_back)

    def promote(self, who: str, *targets: str, **more: Any) -> Plan:
        """Plan a promotion and apply that, unless it is empty."""
        return self._carried_out(who, self.promotion(who, *targets, **more))

    def rollback_plan(self, stage: str, to: int | str, *targets: str, withdrawn: bool = False) -> Plan:
        """The plan that takes a stage back."""
        session = self.session()
        with session.existing() as store:
            return plan_rollback(session, store, stage, str(to), targets, withdrawn=withdrawn)

    def rollback(self, who: str, stage: str, to: int | str, *targets: str, withdrawn: bool = False) -> Plan:
        """Take a stage back."""
        return self._carried_out(who, self.rollback_plan(stage, to, *targets, withdrawn=withdrawn))

    def purge(self, who: str, *names: str) -> Plan:
        """Remove what was deactivated long enough ago."""
        session = self.session(who)
        with session.existing() as store:
            plan = plan_purge(session, store, names)
        return self._carried_out(who, plan)

    def decide(self, who: str, decision: Decision, *patterns: str, **wish: Any) -> ApprovalOutcome:
        """Approve or reject, as ``wish`` says."""
        named = bool(patterns or wish.get("categories") or wish.get("plan"))
        return approve_or_reject(
            self.session(who), ApprovalRequest(patterns or (() if named else ("*/offer.*",)), **wish), decision
        )

    def approve(self, who: str, *patterns: str, **wish: Any) -> ApprovalOutcome:
        """Approve; no pattern: every offer."""
        return self.decide(who, Decision.APPROVED, *patterns, **wish)

    def reject(self, who: str, *patterns: str, **wish: Any) -> ApprovalOutcome:
        """Reject; no pattern: every offer."""
        return self.decide(who, Decision.REJECTED, *patterns, **wish)

    def approve_all(self) -> None:
        """Every reviewer and a manager approve what they may."""
        known = self.files["specs/shared.yaml"]["operators"]
        for who in ("brand", "risk", "omar"):
            if who in known:
                with suppress(Refused):  # nothing here is for them
                    self.approve(who)

    def go_live(self, who: str = "ada", *, anew: bool = False) -> Workspace:
        """Apply, approve and promote all there is. What was done before with the same files is copied, but for ``anew``."""
        state = self.root / ".offerkit"
        if anew or self.location != state / "store.db" or self.location.exists():
            return self._go_live(who)
        key = (who, self.now, frozenset(_contents(self.root, state).items()))
        if key not in _LIVE:
            self._go_live(who)
            _LIVE[key] = _contents(state), self.now
            return self
        contents, self.now = _LIVE[key]
        for name, content in contents.items():
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_bytes(content)
        return self

    def _go_live(self, who: str) -> Workspace:
        self.apply(who)
        self.approve_all()
        self.promote(who)
        return self

    def active(self) -> dict[str, tuple[str, ...]]:
        """The offers of all live stages with the spaces they are active on."""
        found: dict[str, tuple[str, ...]] = {}
        with self.store() as store:
            for stage in store.heads():
                if stage.endswith("@live"):
                    found |= {a: e.activation for a, e in store.entries(stage).items() if e.activation is not None}
        return found

    def verified(self) -> list[Diagnostic]:
        """What is wrong with the history: nothing, one hopes."""
        with self.store() as store:
            return store.verify()

    def _carried_out(self, who: str, plan: Plan) -> Plan:
        if not plan.empty:
            self.execute(who, plan)
        return plan


def _contents(root: Path, without: Path | None = None) -> dict[Path, bytes]:
    """The files of a folder, but those of one folder in it."""
    return {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and (without is None or without not in path.parents)
    }
