"""Findings of ``lint``: what is valid, and cannot be meant; and where in a state each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from offerkit.address import Address, ancestors
from offerkit.diagnostics import Code, Diagnostic, Severity
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Path
from offerkit.engine.resources import CompiledOffer, Days
from offerkit.fingerprint import path_text
from offerkit.specs import Loaded
from offerkit.specs.record import Mistake
from offerkit.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class LintPlace:
    """The resource, the path inside its body, and of a condition the character at which a part begins."""

    address: Address
    path: Path = ()
    offset: int | None = None
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding: what is wrong, where, why, and how to mend it; ``related``: the other parts that it is about."""

    code: Code
    summary: str
    place: LintPlace
    detail: str = ""
    hint: str = ""
    severity: Severity = Severity.WARNING
    related: tuple[tuple[str, LintPlace], ...] = ()


@dataclass(frozen=True, slots=True)
class LintScope:
    """An environment's catalog and bodies, and the moment on its wall clock from which on findings hold."""

    catalog: Catalog
    view: Snapshot
    at: datetime

    @property
    def today(self) -> date:
        """The day of :attr:`at`."""
        return self.at.date()


class Agreed:
    """Findings about what several offers have from a template: only what is true of all of them is a finding."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._asked: dict[tuple[object, ...], int] = {}
        self._given: dict[tuple[object, ...], list[LintFinding]] = {}

    def add(self, code: Code, place: LintPlace, finding: LintFinding | None) -> None:
        """One offer's answer about ``place``."""
        key = (code, place.address, place.path, place.offset)
        self._asked[key] = self._asked.get(key, 0) + 1
        if finding is not None:
            self._given.setdefault(key, []).append(finding)

    def findings(self) -> Iterator[LintFinding]:
        """The findings about which all offers agree."""
        for key, given in self._given.items():
            if len(given) == self._asked[key]:
                yield given[0]


def diagnostics_of_findings(
    findings: Iterable[LintFinding], specs: Loaded | None, revision: str = ""
) -> list[Diagnostic]:
    """``findings`` as diagnostics: with positions in ``specs``, or else with the path inside the resource.

    ``revision``: the git revision that the specs were read from, if it is not what is on disk.
    """
    found = list(findings)
    if specs is None:
        return [_without_file(finding) for finding in found]
    mistakes: list[Mistake] = []
    for finding in found:
        texts = (finding.summary, *(text for text, _ in finding.related))
        places = (finding.place, *(place for _, place in finding.related))
        for text, place in zip(texts, places, strict=True):
            record = specs.records[place.address]
            mistakes.append(Mistake(record, place.path, finding.code, text, on_key=place.on_key, offset=place.offset))
    placed = iter(specs.placed(mistakes))
    return [_in_files(finding, [next(placed) for _ in (0, *finding.related)], revision) for finding in found]


def _in_files(finding: LintFinding, placed: Sequence[Diagnostic], revision: str) -> Diagnostic:
    positions = []
    for diagnostic in placed:
        assert diagnostic.position is not None
        file = diagnostic.position.file
        positions.append(diagnostic.position._replace(file=f"{revision[:60]}:{file}" if revision else file))
    related = tuple((text, at) for (text, _), at in zip(finding.related, positions[1:], strict=True))
    return replace(
        placed[0],
        detail=finding.detail,
        hint=finding.hint,
        position=positions[0],
        severity=finding.severity,
        related=related,
    )


def _without_file(finding: LintFinding) -> Diagnostic:
    """A finding in a stage or a plan: the paths in words."""
    parts = [f"{text}: {place.address}{_path(place)}." for text, place in finding.related]
    return Diagnostic(
        finding.code,
        f"{finding.summary}{_path(finding.place)}",
        " ".join([finding.detail, *(part[:1].upper() + part[1:] for part in parts)]).strip(),
        finding.hint,
        finding.place.address,
        severity=finding.severity,
    )


def _path(place: LintPlace) -> str:
    return f" ({path_text(place.path)})" if place.path else ""


@dataclass(frozen=True, slots=True)
class OpenDays:
    """The days of something, its name for messages, and where its first and its last day are written."""

    days: Days
    name: str
    first: LintPlace
    last: LintPlace

    @classmethod
    def at(cls, days: Days, name: str, address: Address, path: Path) -> OpenDays:
        """The window of a period at ``path``."""
        return cls(days, name, LintPlace(address, (*path, "from")), LintPlace(address, (*path, "until")))


def windows_of(catalog: Catalog, offer: CompiledOffer) -> list[OpenDays]:
    """The windows of an offer and its categories, from the root; without those that have no limit."""
    windows = category_windows(catalog, offer.category)
    if offer.days != Days():
        first, last = (LintPlace(*offer.where(("eligible", end))) for end in ("from", "until"))
        windows.append(OpenDays(offer.days, f"offer {offer.name}", first, last))
    return windows


def category_windows(catalog: Catalog, path: str) -> list[OpenDays]:
    """The windows of a category and those above it, from the root; without those that have no limit."""
    chain = (catalog.categories[name] for name in ancestors(path))
    return [
        OpenDays.at(category.days, f"category {category.path}", category.address, ("eligible",))
        for category in chain
        if category.days != Days()
    ]


def common_days(windows: Iterable[OpenDays]) -> Days:
    """The days that lie in all of ``windows``; the first is after the last if there are none."""
    first, last = None, None
    for window in windows:
        if window.days.first is not None and (first is None or window.days.first > first):
            first = window.days.first
        if window.days.last is not None and (last is None or window.days.last < last):
            last = window.days.last
    return Days(first, last)


def no_days(days: Days) -> bool:
    """Whether a common period is empty."""
    return days.first is not None and days.last is not None and days.last < days.first
