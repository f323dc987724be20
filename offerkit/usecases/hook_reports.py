"""What hooks that failed reported while many contacts were decided: once for each hook and offer, and for how many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from offerkit.diagnostics import Code
from offerkit.engine.report import Report

_OF_HOOKS = (Code.HOOK_MISSING, Code.HOOK_FAILED, Code.HOOK_ANSWER)


@dataclass
class HookReports:
    """Collects reports contact by contact. Of the messages about one hook (of dynamic offers: one offer), which may
    differ for each contact, the first is kept.
    """

    _first: dict[tuple[Code, str], Report] = field(default_factory=dict)
    _contacts: dict[tuple[Code, str], int] = field(default_factory=dict)

    def add(self, reports: Iterable[Report]) -> None:
        """Add the reports of the decision for one contact."""
        for about, report in {(report.code, report.where): report for report in reports}.items():
            if report.code in _OF_HOOKS:
                self._first.setdefault(about, report)
                self._contacts[about] = self._contacts.get(about, 0) + 1

    def reports(self) -> tuple[Report, ...]:
        """A report for each hook and offer, in the order in which they came."""
        return tuple(
            replace(
                report, message=f"{report.message.rstrip('.')} ({_offer(report)}for {_contacts(self._contacts[about])})"
            )
            for about, report in self._first.items()
        )


def _offer(report: Report) -> str:
    """The offer that a dynamic-offer hook was asked about; of other hooks the report is about the hook it names."""
    return "" if f"“{report.where}”" in report.message else f"offer {report.where}, "


def _contacts(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"
