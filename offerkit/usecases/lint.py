"""``lint``: what is valid in a state, and cannot be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offerkit.address import SHARED, Address, Kind, Stage, environment_address
from offerkit.diagnostics import Code, Diagnostic, Severity, install_hint, ordered, refuse
from offerkit.plans.plan import Plan
from offerkit.specs import Loaded
from offerkit.state.snapshot import Snapshot
from offerkit.times import wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import Catalogs, catalogs_as_design, catalogs_as_live
from offerkit.usecases.lint_findings import LintFinding, LintScope, diagnostics_of_findings
from offerkit.usecases.lint_parts import ConditionParts, PartProofs
from offerkit.usecases.lint_proofs import condition_findings
from offerkit.usecases.lint_ranking import outweighed_findings, rule_findings
from offerkit.usecases.lint_structure import empty_categories, structural_findings
from offerkit.usecases.lint_weights import weight_findings
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import NamedState, open_states

if TYPE_CHECKING:
    from offerkit.prove.prover import Prover

SECONDS = 60.0
"""The most time for all proofs of a run; what is not decided by then is not reported."""


@dataclass(frozen=True)
class Linted:
    """The findings about a state, in the order of places; ``resources``: how many resources were looked at.

    ``asked``: questions about conditions; ``undecided``: those without an answer. ``without``: what is not looked
    for because the solver is missing, and how to install it.
    """

    title: str
    resources: int
    diagnostics: tuple[Diagnostic, ...]
    asked: int = 0
    undecided: int = 0
    without: str = ""

    @property
    def note(self) -> str:
        """What was not looked at; empty if everything was."""
        if self.without or not self.undecided:
            return self.without
        return (
            f"{self.undecided:,} of {self.asked:,} questions about conditions were not decided;"
            " nothing is reported about them."
        )


def lint(session: Session, text: str = "specs", at: str = "", *, prove: bool = True) -> Linted:
    """The findings about the state named ``text``, from the time ``at`` on (default: now).

    Without ``prove`` the solver is not asked. Raises Refused if the state does not exist or the specs have mistakes.
    """
    with open_states(session, text) as (state,):
        catalogs = _catalogs(state)
        names = [name for name in catalogs.names if name in state.environments]
        revision = state.title.removeprefix("git:") if state.title.startswith("git:") else ""
        scopes = _scopes(catalogs, names, at, session.now)
        return _linted(state.title, len(state.entries), scopes, state.specs, revision, prove=prove)


def lint_specs(session: Session, loaded: Loaded) -> Linted:
    """The findings about specs that are already loaded, from now on."""
    catalogs = catalogs_as_design(loaded.snapshot, "specs")
    scopes = _scopes(catalogs, catalogs.names, "", session.now)
    return _linted("specs", len(loaded.records), scopes, loaded)


def new_findings(
    session: Session, loaded: Loaded, before: Snapshot, plan: Plan, *, prove: bool
) -> tuple[Diagnostic, ...]:
    """What is found in the specs and not in the design state ``before``; warnings first.

    Only environments that ``plan`` changes are looked at. Without ``prove`` the solver is not asked.
    """
    names = {step.address.environment for step in plan.steps}
    names |= set(loaded.digests) if SHARED in names else set()
    found: list[list[LintFinding]] = []
    with _prover(prove=prove) as prover:
        for view in (before, loaded.snapshot):
            catalogs = catalogs_as_design(view, "specs")
            whole = [name for name in catalogs.names if name in names and not _lacks_dimension(view, name)]
            scopes = _scopes(catalogs, whole, "", session.now)
            found.append([each for scope in scopes for each in findings_of(scope, PartProofs(prover, scope.at))])
    old = {(finding.code, finding.place.address, finding.summary) for finding in found[0]}
    new = [finding for finding in found[1] if (finding.code, finding.place.address, finding.summary) not in old]
    diagnostics = ordered(diagnostics_of_findings(new, loaded))
    return tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.severity is Severity.NOTE))


def _linted(
    title: str,
    resources: int,
    scopes: Iterable[LintScope],
    specs: Loaded | None,
    revision: str = "",
    *,
    prove: bool = True,
) -> Linted:
    findings: list[LintFinding] = []
    asked = undecided = 0
    with _prover(prove=prove) as prover:
        for scope in scopes:
            proofs = PartProofs(prover, scope.at)
            findings += findings_of(scope, proofs)
            asked += proofs.asked
            undecided += proofs.undecided
    without = "" if prover is not None or not prove else f"{_WITHOUT} {install_hint('prove')}"
    diagnostics = ordered(diagnostics_of_findings(findings, specs, revision))
    return Linted(title, resources, diagnostics, asked, undecided, without)


_WITHOUT = (
    "Conditions that no contact or every contact can meet, and parts of them that add nothing, are only found with a"
    " solver."
)


@contextmanager
def _prover(*, prove: bool = True) -> Iterator[Prover | None]:
    """The solver; None if it is not installed, or not wanted."""
    from offerkit.prove.prover import Prover
    from offerkit.prove.solver import Limits, solver_path

    if not prove or solver_path() is None:
        yield None
        return
    with Prover(Limits(total_seconds=SECONDS)) as prover:
        yield prover


def findings_of(scope: LintScope, proofs: PartProofs) -> Iterator[LintFinding]:
    """All findings about one environment."""
    findings, standings = structural_findings(scope)
    parts = ConditionParts()
    yield from findings
    yield from condition_findings(scope, standings, parts, proofs)
    yield from weight_findings(scope, standings, parts, proofs)
    yield from outweighed_findings(scope, standings, parts, proofs)
    yield from rule_findings(scope, parts, proofs)
    yield from empty_categories(scope, standings)


def _catalogs(state: NamedState) -> Catalogs:
    """The catalogs of a state. Raises Refused if an environment's dimension is missing in it."""
    view = state.with_entries({**state.beside, **state.entries})
    for address in view.of_kind(Kind.ENVIRONMENT):
        if dimension := _lacks_dimension(view, address.name):
            raise refuse(
                Code.BAD_POINT,
                f"{state.title} cannot be linted: {dimension} is missing",
                hint="Name a whole state: specs, git:REF, design, live, or an environment's stage.",
            )
    return catalogs_as_live(view) if state.stage is Stage.LIVE else catalogs_as_design(view, state.title)


def _lacks_dimension(view: Snapshot, environment: str) -> Address | None:
    """The dimension of an environment, if the state has the one and not the other."""
    body = view(environment_address(environment)) or {}
    dimension = Address(SHARED, Kind.DIMENSION, str(body.get("dimension")))
    return dimension if dimension not in view.entries else None


def _scopes(catalogs: Catalogs, names: Iterable[str], at: str, now: str) -> Iterator[LintScope]:
    for name in names:
        catalog = catalogs[name]
        moment = wall_clock(parse_time(at, catalog.zone, now), catalog.zone)
        yield LintScope(catalog, catalogs.snapshot, moment)
