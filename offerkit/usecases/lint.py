"""``lint``: what is valid in a state, and cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from offerkit.address import SHARED, Address, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, ordered, refuse
from offerkit.engine.catalog import Catalog
from offerkit.specs import Loaded
from offerkit.state.snapshot import Snapshot
from offerkit.times import common_zone, wall_clock
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.catalogs import Catalogs, catalogs_as_design, catalogs_as_live
from offerkit.usecases.lint_findings import LintFinding, LintScope, diagnostics_of_findings
from offerkit.usecases.lint_parts import ConditionParts, Proofs
from offerkit.usecases.lint_ranking import outweighed_findings, rule_findings
from offerkit.usecases.lint_structure import empty_categories, structural_findings
from offerkit.usecases.lint_weights import weight_findings
from offerkit.usecases.session import Session
from offerkit.usecases.state_refs import NamedState, open_states


@dataclass(frozen=True)
class Linted:
    """The findings about a state, in the order of places; ``resources``: how many resources were looked at."""

    title: str
    resources: int
    diagnostics: tuple[Diagnostic, ...]


def lint(session: Session, text: str = "specs", at: str = "") -> Linted:
    """The findings about the state named ``text``, from the time ``at`` on (default: now).

    Raises Refused if the state does not exist, or if the specs have mistakes.
    """
    with open_states(session, text) as (state,):
        catalogs = _catalogs(state)
        scopes = list(_scopes(state, catalogs, at, session.now))
        findings = [finding for scope in scopes for finding in findings_of(scope)]
        revision = state.title.removeprefix("git:") if state.title.startswith("git:") else ""
        diagnostics = ordered(diagnostics_of_findings(findings, state.specs, revision))
        return Linted(state.title, len(state.entries), diagnostics)


def lint_specs(session: Session, loaded: Loaded) -> list[Diagnostic]:
    """The findings about specs that are already loaded, from now on."""
    view = loaded.snapshot
    catalogs = catalogs_as_design(view, "specs")
    moment = parse_time("", common_zone(()), session.now)
    scopes = (_scope(view, catalogs[name], moment) for name in catalogs.names)
    findings = [finding for scope in scopes for finding in findings_of(scope)]
    return diagnostics_of_findings(findings, loaded)


def findings_of(scope: LintScope) -> Iterator[LintFinding]:
    """All findings about one environment."""
    findings, standings = structural_findings(scope)
    parts, proofs = ConditionParts(), Proofs(None, scope.at)
    yield from findings
    yield from weight_findings(scope, standings, parts, proofs)
    yield from outweighed_findings(scope, standings, parts, proofs)
    yield from rule_findings(scope, parts, proofs)
    yield from empty_categories(scope, standings)


def _catalogs(state: NamedState) -> Catalogs:
    """The catalogs of a state. Raises Refused if an environment's dimension is missing in it."""
    view = state.with_entries({**state.beside, **state.entries})
    for address in view.of_kind(Kind.ENVIRONMENT):
        dimension = Address(SHARED, Kind.DIMENSION, str((view(address) or {}).get("dimension")))
        if dimension not in view.entries:
            raise refuse(
                Code.BAD_POINT,
                f"{state.title} cannot be linted: {dimension} is missing",
                hint="Name a whole state: specs, git:REF, design, live, or an environment's stage.",
            )
    return catalogs_as_live(view) if state.stage is Stage.LIVE else catalogs_as_design(view, state.title)


def _scopes(state: NamedState, catalogs: Catalogs, at: str, now: str) -> Iterator[LintScope]:
    for name in catalogs.names:
        if name in state.environments:
            catalog = catalogs[name]
            yield _scope(catalogs.snapshot, catalog, parse_time(at, catalog.zone, now))


def _scope(view: Snapshot, catalog: Catalog, moment: datetime) -> LintScope:
    return LintScope(catalog, view, wall_clock(moment, catalog.zone))
