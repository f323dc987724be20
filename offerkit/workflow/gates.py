"""What is asked of a promotion before it may be applied: rules and texts that can be read, and cases that pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from offerkit.address import Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.report import Report
from offerkit.loader.cases import RawCase, read_cases
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.views import Stages
from offerkit.workflow.catalogs import Catalogs, activated
from offerkit.workflow.live_names import unknown_names
from offerkit.workflow.people import People
from offerkit.workflow.plan_effect import PlanEffect
from offerkit.workflow.reading import reader
from offerkit.workflow.session import Session
from offerkit.workflow.testing import failures, run_cases

_BROAD = (Kind.DIMENSION, Kind.ENVIRONMENT, Kind.FILTER)
"""A change of these may break rules and texts of resources that do not change."""


def gate(session: Session, store: Store, effect: PlanEffect) -> None:
    """Raises Refused when a promotion would leave rules or texts in live that cannot be read, or cases fail.

    Only promotions are asked: a rollback goes back to what was live before, and must be possible in a hurry.
    """
    found = [*_broken(effect), *_failing(session, store, effect)]
    if found:
        raise Refused(found)


def _broken(effect: PlanEffect) -> Iterator[Diagnostic]:
    """The rules that the plan breaks; those that were broken before are not its fault."""
    changed: set[Address] = {step.address for step in effect.changes}
    broad = any(address.kind in _BROAD for address in changed)
    coming, before = effect.catalogs_after, activated(effect.before)
    if not broad:
        coming, before = _only(coming, changed), _only(before, changed)
    for name in effect.touched if not broad else coming.names:
        if name not in coming:
            continue
        known = set(_problems(before, name)) if name in before else set[Report]()
        for report in _problems(coming, name):
            if report not in known:
                rule = report.code is Code.BROKEN_RULE
                what = (
                    "a rule in live that cannot be read" if rule else "something in live that names what is not there"
                )
                yield Diagnostic(
                    report.code,
                    f"the promotion would leave {what}: {report.message.rstrip('.')}",
                    "It names something that live would not have.",
                    "Promote what it needs along with it, or change what names it first.",
                    report.where.partition(":")[0],
                )


def _only(catalogs: Catalogs, changed: set[Address]) -> Catalogs:
    """Without the offers that do not change: none of what a narrow change brings can break them."""
    entries = {
        address: entry
        for address, entry in catalogs.snapshot.entries.items()
        if address in changed or address.kind is not Kind.OFFER
    }
    return replace(catalogs, snapshot=catalogs.snapshot.with_entries(entries), _compiled={})


def _problems(catalogs: Catalogs, name: str) -> tuple[Report, ...]:
    """What cannot be read."""
    return (*catalogs[name].problems, *unknown_names(catalogs, name))


def _failing(session: Session, store: Store, effect: PlanEffect) -> Iterator[Diagnostic]:
    """The decision cases that would fail in live, in environments that ask for it; why is for who may read contacts.

    Live, before or after, and design ask for it: an edit lifts no gate that it has to pass itself.
    """
    coming = effect.catalogs_after
    touched = [name for name in effect.touched if name in coming]
    design = Stages(store).snapshot((StageRef(name, Stage.DESIGN) for name in touched), Kind.ENVIRONMENT)
    asking = {name for name in touched if any(_asks(state, name) for state in (*effect.pair, design))}
    if not asking:
        return
    reads = reader(session, store)

    def concerns(case: RawCase) -> bool:
        named = _environments(case.value)
        return not named or "" in named or not named.isdisjoint(asking)

    told = reads.all or all(reads.may(name, coming[name].dimension.name) for name in coming.names)
    files = [file for file in read_cases(session.project.root) if file.catalog is None]
    with People(coming, session.project.root, session.environ) as people:
        for outcome in failures(run_cases(coming, people, files, concerns)):
            yield Diagnostic(
                Code.CASE_FAILED,
                f"the case “{outcome.name[:120]}” would fail in live",
                (outcome.error or " ".join(outcome.mismatches)) if told else "",
                "Change the offers or the case; “offerkit test” runs them on the specs.",
                position=outcome.position,
            )


def _environments(case: object) -> set[str]:
    """The environments whose spaces a case names, "" for one that is named without; it may be no case at all.

    A case of which nobody can tell where it belongs cannot pass: no gate may be lifted by a slip in it.
    """
    value = case if isinstance(case, dict) else {}
    listed = value.get("spaces")
    names = [value.get("space"), *(listed if isinstance(listed, list) else [listed])]
    return {name.partition("/")[0] if "/" in name else "" for name in names if isinstance(name, str)}


def _asks(state: Snapshot, name: str) -> bool:
    promotion = (state(environment_address(name)) or {}).get("promotion")
    return isinstance(promotion, dict) and promotion.get("tests") is True
