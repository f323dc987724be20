"""Pending approvals, and decisions that were just made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offerkit.diagnostics import Diagnostic, and_list
from offerkit.fingerprint import Json
from offerkit.governance.approval_items import ApprovalItem, ReviewedAspect
from offerkit.plans.plan import ApprovalKey
from offerkit.reports.diagnostics_json import diagnostic_dict
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import (
    CONCISE,
    PLAIN,
    PRESENTATION,
    Layout,
    Presentation,
    Style,
    display_width,
    indented,
    pad,
)
from offerkit.reports.templating import fill
from offerkit.reports.words import count

NONE = "Nothing is waiting for approval."


@dataclass(frozen=True, slots=True)
class Approvals:
    """What waits for approval, or was approved or rejected."""

    rows: Sequence[ApprovalItem]


def reviewed_text(rows: Sequence[ReviewedAspect], digest: str, style: Style = PLAIN, layout: Layout = CONCISE) -> str:
    """What is decided, offer by offer: each aspect with what it changes; and its digest. Ends with a newline."""
    from offerkit.reports.fields import field_views  # not for a page that lists what waits
    from offerkit.reports.steps_text import change_rows

    found: list[str] = []
    shown = rows[: layout.limit * 3] if layout.limit else rows
    last = ""
    for row in shown:
        if row.key.address != last:
            last = row.key.address
            found.append(f"{style.bold(visible(last))}  {visible(clip(row.label, 60))}".rstrip())
        found.append(f"  {visible(row.what)}{style.dim(row.beside_live)}")
        views = field_views(row.changes, layout)
        for view in views:
            found += change_rows(view, 0, style)
        if more := len(row.changes) - len(views):
            found.append(style.dim(f"      … {more:,} more fields"))
    if more := len({row.key.address for row in rows}) - len({row.key.address for row in shown}):
        found.append(style.dim(f"… {count(more, 'more offer')}"))
    found += ["", f"digest {digest}"] if found else [f"digest {digest}"]
    return style.finish("\n".join(found) + "\n\n")


def approvals_text(approvals: Approvals, presentation: Presentation = PRESENTATION) -> str:
    """The offers in order, each aspect on a line. Ends with a newline."""
    rows, style, width = approvals.rows, presentation.style, presentation.layout.width
    if not rows:
        return f"{NONE}\n"
    wide = min(32, max(display_width(row.what) for row in rows))
    found: list[str] = []
    last = ""
    for row in rows:
        if row.address != last:
            live = style.dim("  (live)") if row.live else ""
            found += [
                *([""] if last else []),
                f"{style.bold(visible(row.address))}  {visible(clip(row.label, 60))}".rstrip() + live,
            ]
            last = row.address
        paint = {"waiting": style.yellow, "approved": style.green}.get(row.state, style.red)
        paint = style.red if row.overdue else paint
        long = display_width(row.what) > wide
        found += indented("  ", visible(row.what), width) if long else []
        prefix = f"  {pad('' if long else visible(row.what), wide)}  "
        standing = indented(prefix, visible(row.standing), width)
        found += [prefix + paint(standing[0][len(prefix) :]), *(paint(line) for line in standing[1:])]
    waiting = [row for row in rows if row.state == "waiting"]
    offers = len({row.address for row in waiting})
    closing = f"{count(len(waiting), 'approval')} of {count(offers, 'offer')} waiting." if waiting else NONE
    late = sum(row.overdue for row in waiting)
    closing += f" {count(late, 'approval')} overdue." if late else ""
    return style.finish("\n".join([*found, "", style.bold(closing)]) + "\n")


def approvals_markdown(approvals: Approvals, _presentation: Presentation = PRESENTATION) -> str:
    """A Markdown table. Ends with a newline."""
    rows = ((row.address, row.label, row.what, row.standing) for row in approvals.rows)
    columns = ("Offer", "Label", "What", "State")
    return fill("table.md", columns=columns, ruler="|:--|:--|:--|:--|", rows=rows) if approvals.rows else f"{NONE}\n"


def approvals_json(approvals: Approvals, _presentation: Presentation = PRESENTATION) -> str:
    """A JSON list. Ends with a newline."""
    return json_text([_row_json(row) for row in approvals.rows])


_DEADLINE = ("since", "due", "overdue")


def _row_json(row: ApprovalItem) -> dict[str, Json]:
    left_out = ("within", *(() if row.due else _DEADLINE), *(() if row.revision else ("revision", "time")))
    return {name: value for name, value in row._asdict().items() if name not in left_out}


def approvals_html(approvals: Approvals, _presentation: Presentation = PRESENTATION) -> str:
    """One self-contained HTML page."""
    overdue = sum(row.overdue for row in approvals.rows)
    return fill("approvals.html", title="Approvals", rows=approvals.rows, overdue=overdue, nothing=NONE)


@dataclass(frozen=True, slots=True)
class DecisionReport:
    """What was decided (``approved`` or ``rejected``), in which revision, and what was left to others or refused.

    ``shown``: what that changes in live, by its ``digest``. ``revision`` is None when nothing was new, or only looked
    at (``only_shown``); ``done`` says which it is.
    """

    decision: str
    keys: Sequence[ApprovalKey]
    left: Sequence[str] = ()
    refused: Sequence[Diagnostic] = ()
    revision: int | None = None
    digest: str = ""
    shown: Sequence[ReviewedAspect] = ()
    done: str = ""
    only_shown: bool = False


def decision_text(report: DecisionReport, presentation: Presentation = PRESENTATION) -> str:
    """What it changes, then what was decided, offer by offer. Ends with a newline."""
    style = presentation.style
    text = reviewed_text(report.shown, report.digest, style) if report.shown or report.only_shown else ""
    if report.only_shown:
        return text
    text += decided_text(report.decision, report.keys, report.left, report.refused, style)
    return text + (style.green(report.done) + "\n" if report.done else "")


def decided_text(
    decision: str,
    keys: Sequence[ApprovalKey],
    left: Sequence[str],
    refused: Sequence[Diagnostic] = (),
    style: Style = PLAIN,
) -> str:
    """What was decided, offer by offer, what was left to others, and how many were refused. Ends with a newline."""
    by_offer: dict[str, list[str]] = {}
    for key in keys:
        by_offer.setdefault(key.address, []).append(f"content on {key.space}" if key.space else key.aspect.value)
    word = style.green(decision) if decision == "approved" else style.red(decision)
    rows = [f"{word}  {visible(address)}: {visible(and_list(what))}" for address, what in by_offer.items()]
    if not rows:
        rows = [f"Nothing to do: everything {'else ' if refused else ''}is already {decision}."]
    rows += [f"  · left: {visible(text)}" for text in left[:10]]
    if len(left) > 10:
        rows.append(f"  · left: {len(left) - 10} more, for other reviewers")
    refused_addresses = sorted({diagnostic.address for diagnostic in refused})
    rows += [style.yellow(f"not {decision}  {visible(address)}") for address in refused_addresses]
    return style.finish("\n".join(rows) + "\n")


def decision_json(report: DecisionReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON; ``revision`` is null when nothing was new, or only looked at. Ends with a newline."""
    return json_text(
        {
            "decision": report.decision,
            "revision": report.revision,
            "digest": report.digest,
            "changes": [
                {
                    "address": row.key.address,
                    "aspect": row.key.aspect.value,
                    "space": row.key.space,
                    "new": row.new,
                    "changes": [
                        {"op": c.op.value, "path": c.path, "before": c.before, "after": c.after} for c in row.changes
                    ],
                }
                for row in report.shown
            ],
            "decided": _keys(report.keys),
            "left": list(report.left),
            "refused": [diagnostic_dict(diagnostic) for diagnostic in report.refused],
        }
    )


def _keys(keys: Sequence[ApprovalKey]) -> list[Json]:
    return [{"address": key.address, "aspect": key.aspect.value, "space": key.space} for key in keys]


@dataclass(frozen=True, slots=True)
class OverrideReport:
    """What was overridden, a sentence each, in which revision; ``done`` says which."""

    revision: int
    says: Sequence[str]
    done: str = ""


def override_text(report: OverrideReport, presentation: Presentation = PRESENTATION) -> str:
    """What was overridden, a line each. Ends with a newline."""
    style = presentation.style
    rows = [f"{style.yellow('overridden')}  {visible(text)}" for text in report.says]
    text = style.finish("\n".join(rows) + "\n")
    return text + (style.green(report.done) + "\n" if report.done else "")


def override_json(report: OverrideReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text({"revision": report.revision, "overridden": list(report.says)})


class RelayedReview(NamedTuple):
    """A review that was recorded as an approval, in which revision, of what, and what it leaves to others."""

    reviewer: str
    review: str
    revision: int
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What reviews have approved, what stood already, and why others do not count."""

    rows: Sequence[RelayedReview] = ()
    standing: Sequence[str] = ()
    notes: Sequence[str] = ()
    refused: Sequence[Diagnostic] = ()


def relay_text(report: RelayReport, presentation: Presentation = PRESENTATION) -> str:
    """What reviews have approved, one after the other; what stood already; and why others do not count."""
    style = presentation.style
    lines = []
    for row in report.rows:
        lines.append(style.bold(visible(f"Review {row.review} of {row.reviewer}, revision {row.revision}:")))
        lines.append(decided_text("approved", row.keys, row.left, (), style).rstrip("\n"))
    lines += [f"Nothing to do: {visible(text)}." for text in report.standing]
    lines += [style.dim(f"  · {visible(text)}") for text in report.notes]
    return style.finish("\n".join(lines or ["No review approves what was applied."]) + "\n")


def relay_json(report: RelayReport, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(
        {
            "recorded": [
                {
                    "reviewer": row.reviewer,
                    "review": row.review,
                    "revision": row.revision,
                    "decided": _keys(row.keys),
                    "left": list(row.left),
                }
                for row in report.rows
            ],
            "standing": list(report.standing),
            "notes": list(report.notes),
            "refused": [diagnostic_dict(diagnostic) for diagnostic in report.refused],
        }
    )
