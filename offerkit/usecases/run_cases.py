"""Runs decision cases against the specs, a stage, or what a plan would make live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from offerkit.diagnostics import Refused
from offerkit.engine.case_results import CaseOutcome
from offerkit.engine.case_values import CaseError, map_of, names_of
from offerkit.engine.cases import read_case, run_case
from offerkit.engine.catalog import Catalog
from offerkit.engine.inline_catalog import NAME, inline_bodies, inline_catalog
from offerkit.rules.types import Row
from offerkit.specs.cases import CaseFile, RawCase
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.contact_sources import ContactSources


def run_cases(
    catalogs: Catalogs,
    sources: ContactSources,
    files: Iterable[CaseFile],
    chosen: Callable[[RawCase], bool] = lambda case: True,
) -> list[CaseOutcome]:
    """Run every case of ``files`` that ``chosen`` accepts, in order."""
    return [_outcome(catalogs, sources, file, case) for file in files for case in file.cases if chosen(case)]


def _outcome(catalogs: Catalogs, sources: ContactSources, file: CaseFile, raw: RawCase) -> CaseOutcome:
    begun = perf_counter()
    mismatches: tuple[str, ...] = ()
    error = ""
    try:
        mismatches = _run(catalogs, sources, file, raw)
    except (CaseError, Refused) as problem:
        error = str(problem)
    return CaseOutcome(raw.name, raw.position, mismatches, error, perf_counter() - begun)


def _run(catalogs: Catalogs, sources: ContactSources, file: CaseFile, raw: RawCase) -> tuple[str, ...]:
    case = read_case(raw.name, raw.value)
    activated = {**file.activated, **map_of(case.raw.get("activated", {}), "activated")}
    if file.catalog is not None:
        environment = case.environment or NAME
        hooks = catalogs.hooks(inline_bodies(file.catalog, environment))
        return run_case(inline_catalog(file.catalog, activated, environment, hooks), case).mismatches
    if not case.environment:
        raise CaseError("name the space with its environment: ENVIRONMENT/SPACE")

    def contacts(key: str) -> Row | None:
        return sources.by_key(case.environment, key)

    return run_case(_catalog(catalogs, case.environment, activated), case, contacts).mismatches


def _catalog(catalogs: Catalogs, environment: str, activated: Mapping[str, object]) -> Catalog:
    if not activated:
        return catalogs[environment]
    spaces = {f"{environment}/offer.{name}": names_of(value, "activated") for name, value in activated.items()}
    usual = catalogs.activated
    return replace(catalogs, activated=lambda address: spaces.get(address, usual(address)), _compiled={})[environment]


def failures(outcomes: Sequence[CaseOutcome]) -> list[CaseOutcome]:
    """The outcomes that are not as expected."""
    return [outcome for outcome in outcomes if not outcome.passed]
