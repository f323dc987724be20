"""Whether what is checked out is merely older than what a plan is made against: then it takes back what others did.

Two things tell: the commit that was applied last, as its revision records it, and the branches that git knows here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from shlex import quote

from offerkit.address import Address
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity
from offerkit.plans.plan import Plan, PlanKind, Step
from offerkit.reports.words import count, listing
from offerkit.specs.git import WHOLE_HISTORY, Lineage, lineage
from offerkit.state.changes import Action, Entry
from offerkit.store import RevisionRow
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import state_named

MOST_BASES = 4
"""Merge bases that are looked at: histories that were merged crosswise have several."""
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LOOKED_AT, _LISTED = 200, 5
_TAKEN_BACK = {
    Action.DELETE: "deletes",
    Action.UPDATE: "changes back",
    Action.MOVE: "renames back",
    Action.CREATE: "brings back",
}


@dataclass(frozen=True)
class OutdatedCheckout:
    """That the checkout does not go on from the commit that was applied last, in revision ``serial``.

    ``behind``: how many commits of it are missing; 0 where the commit itself is, and all that can be said is that.
    ``steps``: those of the plan that only take back what these commits brought. ``shallow``: the clone is.
    """

    commit: str
    serial: int
    behind: int = 0
    steps: tuple[Step, ...] = ()
    shallow: bool = False

    @property
    def gone(self) -> tuple[Address, ...]:
        """What is deleted only for that reason."""
        return tuple(step.address for step in self.steps if step.action is Action.DELETE)

    @property
    def diagnostic(self) -> Diagnostic:
        """It as a warning."""
        short = self.commit[:12]
        what = f"revision {self.serial} applied commit {short}, which"
        if not self.behind:
            return Diagnostic(
                Code.NOT_ON_APPLIED,
                f"{what} is not in this clone: what the plan takes back of it cannot be told",
                hint=WHOLE_HISTORY if self.shallow else "“git fetch” may bring it; plan again then.",
                severity=Severity.WARNING,
            )
        return Diagnostic(
            Code.NOT_ON_APPLIED,
            f"{what} is not part of what is checked out: your checkout is {count(self.behind, 'commit')} behind",
            f"Only because of that, the plan {'; '.join(self._taken_back())}." if self.steps else "",
            f"Update the checkout (git merge {short}) and plan again; what is to go, take away on top of that.",
            severity=Severity.WARNING,
        )

    def _taken_back(self) -> Iterator[str]:
        for action, verb in _TAKEN_BACK.items():
            if addresses := [step.address for step in self.steps if step.action is action]:
                yield f"{verb} {listing(sorted(addresses), _LISTED)}"


def outdated_checkout(session: Session, plan: Plan) -> OutdatedCheckout | None:
    """Whether HEAD does not go on from the commit that was applied last, and what of ``plan`` is only that.

    None where it does, where no revision says its commit, and where there is no git.
    """
    if plan.kind is not PlanKind.APPLY or plan.empty:
        return None
    with session.reading() as store:
        rows = store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT) if store is not None else []
    row = next((row for row in rows if _commit(row)), None)
    if row is None:
        return None
    found = OutdatedCheckout(_commit(row), row.serial)
    try:
        line = lineage(session.project.root, found.commit, "HEAD", session.environ)
        if not line.known:
            deletes = any(step.action is Action.DELETE for step in plan.steps)
            # A shallow clone seldom has it, and mostly does go on from it.
            return (
                OutdatedCheckout(found.commit, row.serial, shallow=line.shallow)
                if deletes or not line.shallow
                else None
            )
        if not line.behind:
            return None
        states = entries_at(session, line)
    except Refused:
        return None
    after = {step.address: step.after for step in plan.steps}
    after |= {step.moved_from: None for step in plan.steps if step.moved_from and step.moved_from not in after}
    return OutdatedCheckout(
        found.commit, row.serial, line.behind, unchanged_since(plan.steps, after, states), line.shallow
    )


def entries_at(session: Session, line: Lineage) -> list[Mapping[Address, Entry]]:
    """What the specs held at each merge base; none where these are not known. Raises Refused where one is invalid."""
    if len(line.bases) > MOST_BASES:
        return []
    return [state_named(session, None, f"git:{oid}").entries for oid in line.bases]


def unchanged_since(
    steps: Iterable[Step], head: Mapping[Address, Entry | None], bases: list[Mapping[Address, Entry]]
) -> tuple[Step, ...]:
    """Those of ``steps`` for which ``head`` is as each of ``bases`` was: the other side alone has changed since."""
    return tuple(
        step
        for step in steps
        if bases
        and all(
            head.get(address) == there.get(address)
            for there in bases
            for address in (step.address, step.moved_from)
            if address
        )
    )


def checkout_warnings(session: Session, plan: Plan) -> list[Diagnostic]:
    """All that is to be said, before ``plan`` is applied, of a checkout that is older than it ought to be."""
    found = outdated_checkout(session, plan)
    told = [found.diagnostic] if found is not None else []
    known = set(found.gone) if found is not None else set()
    gone = [s.address for s in plan.steps if s.action is Action.DELETE and s.address not in known]
    if plan.kind is PlanKind.APPLY and gone:
        told += _declared_ahead(session, gone)
    return told


def _declared_ahead(session: Session, gone: list[Address]) -> Iterator[Diagnostic]:
    from offerkit.specs.older_checkout import declared_ahead

    found = declared_ahead(session.project.root, gone, session.environ)
    if found is None:
        return
    files = listing(sorted(set(found.declared.values())), _LISTED)
    declared = sorted(found.declared, key=lambda address: address.sort_key)
    yield Diagnostic(
        Code.OLDER_CHECKOUT,
        f"the plan deletes {count(len(declared), 'resource')} that {found.branch} declares:"
        f" your checkout is {count(found.commits, 'commit')} behind",
        f"{listing(declared, _LISTED)}, in {files} there.",
        f"Update the checkout (git merge {quote(found.branch)}) and plan again; to delete them, do so on top of that.",
        severity=Severity.WARNING,
    )


def _commit(row: RevisionRow) -> str:
    """The commit that a revision records; empty where it records none."""
    said = row.details.get("commit")
    return said if isinstance(said, str) and _OID.fullmatch(said) else ""
