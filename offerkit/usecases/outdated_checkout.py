"""Warns if the checkout is older than what a plan changes, so that the plan would revert the work of others.

This can be seen from the last applied commit, which its revision records, and from the branches that git knows locally.
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
"""How many merge bases to examine; criss-cross merges have several."""
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
    """The checkout is not based on the commit that was applied last, in revision ``serial``.

    ``behind``: how many commits are missing; 0 if the commit itself is missing, so that nothing more is known.
    ``steps``: the plan's steps that only revert these commits. ``shallow``: whether the clone is shallow.
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
        """As a warning."""
        short = self.commit[:12]
        what = f"revision {self.serial} applied commit {short}, which"
        if not self.behind:
            return Diagnostic(
                Code.NOT_ON_APPLIED,
                f"{what} is not in this clone, so what the plan reverts of it is unknown",
                hint=WHOLE_HISTORY if self.shallow else "“git fetch” may get it; then plan again.",
                severity=Severity.WARNING,
            )
        return Diagnostic(
            Code.NOT_ON_APPLIED,
            f"{what} is missing from your checkout: it is {count(self.behind, 'commit')} behind",
            f"Only because of that, the plan {'; '.join(self._taken_back())}." if self.steps else "",
            f"Update the checkout (git merge {short}) and plan again. Delete what should go on top of that.",
            severity=Severity.WARNING,
        )

    def _taken_back(self) -> Iterator[str]:
        for action, verb in _TAKEN_BACK.items():
            if addresses := [step.address for step in self.steps if step.action is action]:
                yield f"{verb} {listing(sorted(addresses), _LISTED)}"


def outdated_checkout(session: Session, plan: Plan) -> OutdatedCheckout | None:
    """Whether HEAD is not based on the commit applied last, and which steps of ``plan`` come only from that.

    None if it is, if no revision records a commit, and without git.
    """
    if plan.kind is not PlanKind.APPLY or plan.empty:
        return None
    with session.reading() as store:
        rows = store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT) if store is not None else []
    row = next((row for row in rows if _commit(row)), None)
    if row is None:
        return None
    outdated = OutdatedCheckout(_commit(row), row.serial)
    try:
        line = lineage(session.project.root, outdated.commit, "HEAD", session.environ)
        if not line.known:
            deletes = any(step.action is Action.DELETE for step in plan.steps)
            # A shallow clone rarely contains it, but is usually based on it.
            return (
                OutdatedCheckout(outdated.commit, row.serial, shallow=line.shallow)
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
        outdated.commit, row.serial, line.behind, unchanged_since(plan.steps, after, states), line.shallow
    )


def entries_at(session: Session, line: Lineage) -> list[Mapping[Address, Entry]]:
    """The specs at each merge base; empty if unknown. Raises Refused if one is invalid."""
    if len(line.bases) > MOST_BASES:
        return []
    return [state_named(session, None, f"git:{oid}").entries for oid in line.bases]


def unchanged_since(
    steps: Iterable[Step], head: Mapping[Address, Entry | None], bases: list[Mapping[Address, Entry]]
) -> tuple[Step, ...]:
    """The ``steps`` whose resources are in ``head`` as in each of ``bases``: only the other side has changed them."""
    return tuple(
        step
        for step in steps
        if bases
        and all(
            head.get(address) == entries.get(address)
            for entries in bases
            for address in (step.address, step.moved_from)
            if address
        )
    )


def checkout_warnings(session: Session, plan: Plan) -> list[Diagnostic]:
    """All warnings about an outdated checkout before ``plan`` is applied."""
    outdated = outdated_checkout(session, plan)
    warnings = [outdated.diagnostic] if outdated is not None else []
    known = set(outdated.gone) if outdated is not None else set()
    deleted = [s.address for s in plan.steps if s.action is Action.DELETE and s.address not in known]
    if plan.kind is PlanKind.APPLY and deleted:
        warnings += _declared_ahead(session, deleted)
    return warnings


def _declared_ahead(session: Session, deleted: list[Address]) -> Iterator[Diagnostic]:
    from offerkit.specs.older_checkout import declared_ahead

    ahead = declared_ahead(session.project.root, deleted, session.environ)
    if ahead is None:
        return
    files = listing(sorted(set(ahead.declared.values())), _LISTED)
    declared = sorted(ahead.declared, key=lambda address: address.sort_key)
    yield Diagnostic(
        Code.OLDER_CHECKOUT,
        f"the plan deletes {count(len(declared), 'resource')} that {ahead.branch} declares:"
        f" your checkout is {count(ahead.commits, 'commit')} behind",
        f"{listing(declared, _LISTED)}, in {files} there.",
        f"Update the checkout (git merge {quote(ahead.branch)}) and plan again. Delete what should go on top of that.",
        severity=Severity.WARNING,
    )


def _commit(row: RevisionRow) -> str:
    """The commit that a revision records, or empty."""
    commit = row.details.get("commit")
    return commit if isinstance(commit, str) and _OID.fullmatch(commit) else ""
