"""What waits for whose approval, and what was just decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from offerkit.address import Address
from offerkit.diagnostics import Diagnostic
from offerkit.plans.plan import ApprovalKey, Aspect, FieldChange
from offerkit.reports.diagnostics_json import diagnostic_dict
from offerkit.reports.escape import clip, json_text, markdown, visible
from offerkit.reports.style import CONCISE, PLAIN, Layout, Style, display_width, indented, pad
from offerkit.reports.words import and_list, count

NONE = "Nothing waits for approval."


class Row(NamedTuple):
    """An aspect of an offer (content: on some spaces), its state, and who can decide on it.

    ``authors``: who wrote what waits, of all its aspects.
    """

    address: Address
    label: str
    aspect: Aspect
    spaces: tuple[str, ...]
    state: str
    who: tuple[str, ...]
    by: str = ""
    comment: str = ""
    live: bool = False
    authors: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """``content on email, web-home``."""
        return self.aspect.value + (f" on {', '.join(self.spaces)}" if self.spaces else "")

    @property
    def standing(self) -> str:
        """``waits for brand, written by omar``, ``approved by risk``."""
        if self.state == "waiting":
            wrote = f", written by {and_list(self.authors)}" if self.authors else ""
            return f"waits for {' or '.join(self.who)}{wrote}"
        return f"{self.state} by {self.by}" + (f": {self.comment}" if self.comment else "")


class Reviewed(NamedTuple):
    """An aspect that is decided, and what it changes in live; ``new``: it is not live yet, and all of it is new."""

    key: ApprovalKey
    label: str
    changes: tuple[FieldChange, ...] = ()
    new: bool = False

    @property
    def what(self) -> str:
        """``content on email``, ``eligibility``."""
        return f"content on {self.key.space}" if self.key.space else self.key.aspect.value

    @property
    def beside_live(self) -> str:
        """That it is new, or as it is in live, in parentheses after a blank; empty where it changes live."""
        return " (not live yet)" if self.new else "" if self.changes else " (as it is in live, in all that is shown)"


def reviewed_text(rows: Sequence[Reviewed], digest: str, style: Style = PLAIN, layout: Layout = CONCISE) -> str:
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


def approvals_text(rows: Sequence[Row], style: Style = PLAIN, width: int = 100) -> str:
    """The offers in order, each aspect on a line. Ends with a newline."""
    if not rows:
        return f"{NONE}\n"
    wide = min(48, max(display_width(row.what) for row in rows))
    found: list[str] = []
    last = ""
    for row in rows:
        if row.address != last:
            live = style.dim("  (live)") if row.live else ""
            found += [
                *([""] if last else []),
                f"{style.bold(visible(row.address))}  {visible(clip(row.label, 60))}{live}",
            ]
            last = row.address
        paint = {"waiting": style.yellow, "approved": style.green}.get(row.state, style.red)
        what = pad(visible(row.what), wide) if display_width(row.what) <= wide else visible(row.what)
        first, *rest = indented(f"  {what}  ", visible(row.standing), width)
        found += [first.replace(visible(row.standing), paint(visible(row.standing)), 1), *rest]
    waiting = [row for row in rows if row.state == "waiting"]
    offers = len({row.address for row in waiting})
    closing = f"{count(len(waiting), 'approval')} of {count(offers, 'offer')} waiting." if waiting else NONE
    return style.finish("\n".join([*found, "", style.bold(closing)]) + "\n")


def approvals_markdown(rows: Sequence[Row]) -> str:
    """A Markdown table. Ends with a newline."""
    if not rows:
        return f"{NONE}\n"
    found = ["| Offer | Label | What | State |", "|:--|:--|:--|:--|"]
    found += [f"| {' | '.join(map(markdown, (r.address, r.label, r.what, r.standing)))} |" for r in rows]
    return "\n".join(found) + "\n"


def approvals_json(rows: Sequence[Row]) -> str:
    """A JSON list. Ends with a newline."""
    found = [row._asdict() for row in rows]
    return json_text(found)


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
        rows = [f"Nothing to do: all {'others are' if refused else 'of it is'} {decision} already."]
    rows += [f"  · left: {visible(text)}" for text in left[:10]]
    if len(left) > 10:
        rows.append(f"  · left: {len(left) - 10} more, for other reviewers")
    out = sorted({found.address for found in refused})
    rows += [style.yellow(f"not {decision}  {visible(address)}") for address in out]
    return style.finish("\n".join(rows) + "\n")


def decided_json(
    decision: str,
    revision: int | None,
    keys: Sequence[ApprovalKey],
    left: Sequence[str],
    refused: Sequence[Diagnostic],
    digest: str = "",
    shown: Sequence[Reviewed] = (),
) -> str:
    """The same as JSON; ``revision`` is null when nothing was new, or only looked at. Ends with a newline."""
    return json_text(
        {
            "decision": decision,
            "revision": revision,
            "digest": digest,
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
                for row in shown
            ],
            "decided": [{"address": key.address, "aspect": key.aspect.value, "space": key.space} for key in keys],
            "left": list(left),
            "refused": [diagnostic_dict(found) for found in refused],
        }
    )


def overridden_text(says: Sequence[str], style: Style = PLAIN) -> str:
    """What was overridden, a line each. Ends with a newline."""
    return style.finish("\n".join(f"{style.yellow('overridden')}  {visible(text)}" for text in says) + "\n")


def overridden_json(revision: int, says: Sequence[str]) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text({"revision": revision, "overridden": list(says)})


class RelayedReview(NamedTuple):
    """A review that was recorded as an approval, in which revision, of what, and what it leaves to others."""

    reviewer: str
    review: str
    revision: int
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()


def relayed_text(
    rows: Sequence[RelayedReview], standing: Sequence[str], notes: Sequence[str], style: Style = PLAIN
) -> str:
    """What reviews have approved, one after the other; what stood already; and why others do not count."""
    found = []
    for row in rows:
        found.append(style.bold(visible(f"Review {row.review} of {row.reviewer}, revision {row.revision}:")))
        found.append(decided_text("approved", row.keys, row.left, (), style).rstrip("\n"))
    found += [f"Nothing to do: {visible(text)}." for text in standing]
    found += [style.dim(f"  · {visible(text)}") for text in notes]
    return style.finish("\n".join(found or ["No review approves what was applied."]) + "\n")


def relayed_json(
    rows: Sequence[RelayedReview], standing: Sequence[str], notes: Sequence[str], refused: Sequence[Diagnostic]
) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(
        {
            "recorded": [
                {
                    "reviewer": row.reviewer,
                    "review": row.review,
                    "revision": row.revision,
                    "decided": [
                        {"address": key.address, "aspect": key.aspect.value, "space": key.space} for key in row.keys
                    ],
                    "left": list(row.left),
                }
                for row in rows
            ],
            "standing": list(standing),
            "notes": list(notes),
            "refused": [diagnostic_dict(found) for found in refused],
        }
    )
