"""Operators' rights as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offerkit.fingerprint import Json
from offerkit.governance.granted import OperatorRights
from offerkit.reports.escape import json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation


@dataclass(frozen=True)
class RightsReport:
    """The rights of some operators."""

    operators: Sequence[OperatorRights]


def rights_text(report: RightsReport, presentation: Presentation = PRESENTATION) -> str:
    """Each operator with what they may do and why. Ends with a newline."""
    style = presentation.style
    lines: list[str] = []
    for operator in report.operators:
        marks = [visible(operator.profile)]
        marks += ["automation"] if operator.automation else []
        marks += [] if operator.enabled else ["disabled"]
        lines.append(f"{style.bold(visible(operator.operator))} ({', '.join(marks)})")
        whats = [visible(right.what) for right in operator.rights]
        width = min(max(map(len, whats), default=0), 60)
        lines += [
            f"  {what:<{width}}  {style.dim(visible(right.why))}"
            for what, right in zip(whats, operator.rights, strict=True)
        ]
        if not operator.rights:
            lines.append("  nothing" if operator.enabled else "  nothing: an administrator can enable them")
    return style.finish("\n".join(lines or ["No operators yet: anybody can make the first apply."]) + "\n")


def rights_json(report: RightsReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON."""
    rows: list[Json] = [
        {
            "operator": one.operator,
            "profile": one.profile,
            "enabled": one.enabled,
            "automation": one.automation,
            "rights": [
                {
                    "verb": right.verb.value,
                    "kinds": [*right.kinds],
                    "environments": [*right.environments],
                    "why": right.why,
                }
                for right in one.rights
            ],
        }
        for one in report.operators
    ]
    return json_text({"operators": rows})
