"""What hooks that failed reported while many contacts were decided: which ones, for which offers, in how many calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from offerkit.diagnostics import Code
from offerkit.engine.impact import FailedHook
from offerkit.engine.report import Report


class _Failure(NamedTuple):
    """What went wrong with which hook."""

    code: Code
    kind: str
    hook: str


@dataclass
class HookReports:
    """Collects reports contact by contact. Of the messages about one hook (of dynamic offers: one offer), which may
    differ for each contact, the first is kept.
    """

    _first: dict[tuple[_Failure, str], Report] = field(default_factory=dict)
    _calls_about: dict[tuple[_Failure, str], int] = field(default_factory=dict)
    calls: dict[_Failure, int] = field(default_factory=dict)
    """In how many calls a hook failed, whatever the number of offers that it was asked about."""

    def add(self, reports: Iterable[Report]) -> None:
        """Add the reports of the decision for one contact."""
        found = {about: report for report in reports if (about := _about(report)) is not None}
        for about, report in found.items():
            self._first.setdefault(about, report)
            self._calls_about[about] = self._calls_about.get(about, 0) + 1
        for failure in {failure for failure, _ in found}:
            self.calls[failure] = self.calls.get(failure, 0) + 1

    def reports(self) -> tuple[Report, ...]:
        """A report for each hook and offer, in the order in which they came."""
        return tuple(
            replace(report, message=f"{report.message.rstrip('.')} (in {_calls(self._calls_about[about])})")
            for about, report in self._first.items()
        )

    def offers(self, failure: _Failure) -> set[str]:
        """The offers that a dynamic-offer hook failed for."""
        return {offer for found, offer in self._first if found == failure and offer}


def failed_hooks(before: HookReports, after: HookReports) -> list[FailedHook]:
    """The hooks that failed before or after a change, and in how many calls, without the text of any error."""
    return [
        FailedHook(
            str(failure.code),
            failure.kind,
            failure.hook,
            sorted(before.offers(failure) | after.offers(failure)),
            before.calls.get(failure, 0),
            after.calls.get(failure, 0),
        )
        for failure in sorted(before.calls.keys() | after.calls.keys())
    ]


def _about(report: Report) -> tuple[_Failure, str] | None:
    """The failure, and the offer that a dynamic-offer hook was asked about."""
    if report.hook is None:
        return None
    kind, hook = report.hook
    asked = kind == "dynamic-offer" and report.code is not Code.HOOK_MISSING
    return _Failure(report.code, kind, hook), report.where if asked else ""


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
