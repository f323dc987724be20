"""The difference between two states, in every format: the steps from the first to the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from offerkit.address import Address
from offerkit.diagnostics import Position
from offerkit.fingerprint import Json
from offerkit.plans.plan import Step, shown_as
from offerkit.reports.escape import json_text, visible
from offerkit.reports.groups import local_name
from offerkit.reports.reached import (
    OlderCheckout,
    behind_markdown,
    behind_text,
    reached_data,
    reached_markdown,
    reached_text,
    reached_view,
)
from offerkit.reports.steps_html import steps_view
from offerkit.reports.steps_markdown import MARKDOWN, Room, steps_markdown
from offerkit.reports.steps_text import steps_text
from offerkit.reports.style import PRESENTATION, Presentation
from offerkit.reports.templating import call, fill
from offerkit.reports.words import difference
from offerkit.state.changes import Body, Entry
from offerkit.state.eligibility import AffectedOffers

if TYPE_CHECKING:
    from offerkit.engine.impact import Impact
    from offerkit.reports.proof_words import StatedProofs

Titles: TypeAlias = tuple[str, str]
"""What is compared: the first, then the second, which ``+`` and the values after ``→`` belong to."""
Across: TypeAlias = "tuple[str, str] | None"
"""The two environments, where one is compared with another: resources then go by their names without it."""


class SpecPositions(NamedTuple):
    """The position of a changed resource in the specs of both states; None if missing there, or without specs."""

    before: Position | None = None
    after: Position | None = None


@dataclass(frozen=True)
class DiffExtras:
    """What a difference is shown with: places, whom it reaches, what is only an older checkout; as far as is known."""

    places: Mapping[Address, SpecPositions] = field(default_factory=dict)
    reached: Sequence[AffectedOffers] = ()
    lacking: OlderCheckout = field(default_factory=OlderCheckout)
    impact: Impact | None = None
    proofs: StatedProofs | None = None


class StateStamp(NamedTuple):
    """What identifies one environment of a compared state: its digest, as revisions record it, and the last revision.

    ``revision``: 0 where the state is not from a store. ``source``: the git commit, if it comes from one.
    """

    title: str
    environment: str
    digest: str
    revision: int = 0
    source: str = ""


@dataclass(frozen=True)
class DiffStamp:
    """What a filed page says of itself: by whom and when it was made, with which version, and of what."""

    by: str
    time: str
    version: str
    states: Sequence[StateStamp]


@dataclass(frozen=True)
class DiffReport:
    """The steps from the first of two states to the second; ``beside``: what else is known; ``stamp``: for the page."""

    steps: Sequence[Step]
    bodies: Mapping[str, Body]
    titles: Titles
    across: Across = None
    beside: DiffExtras | None = None
    stamp: DiffStamp | None = None

    @property
    def extras(self) -> DiffExtras:
        """What is known beside the steps, which may be nothing."""
        return self.beside or DiffExtras()


def diff_text(diff: DiffReport, presentation: Presentation = PRESENTATION) -> str:
    """The difference as text. Ends with a newline."""
    style, layout, beside = presentation.style, presentation.layout, diff.extras
    parts = [
        style.bold(visible(" → ".join(diff.titles))),
        behind_text(beside.lacking, diff.titles, style, layout),
        steps_text(_placed(diff), diff.bodies, style, layout, by_stage=False, across=diff.across).strip("\n"),
        reached_text(beside.reached, style, layout),
    ]
    if beside.proofs is not None:
        from offerkit.reports.proofs import proofs_text

        parts.append(proofs_text(beside.proofs, style, layout))
    if beside.impact is not None:
        from offerkit.reports.impact import impact_text  # most are shown without

        parts.append(impact_text(beside.impact, presentation).rstrip("\n"))
    closing = style.bold(visible(_closing(diff)))
    return style.finish("\n\n".join(filter(None, [*parts, closing])) + "\n")


def diff_markdown(diff: DiffReport, presentation: Presentation = MARKDOWN) -> str:
    """The difference as Markdown of at most the limit's bytes. Ends with a newline."""
    layout, limit, beside = presentation.layout, presentation.limit, diff.extras
    impact = ""
    if beside.impact is not None:
        from offerkit.reports.impact_markdown import impact_markdown

        impact = impact_markdown(beside.impact, presentation._replace(limit=limit // 3)).rstrip("\n")
    title, summary = (layout.clipped(text, 500) for text in (" → ".join(diff.titles), _closing(diff)))
    head = call("diff.md", "head", title, summary)
    behind = behind_markdown(beside.lacking, diff.titles, layout)
    room = Room(limit - len(f"{head}{behind}{impact}".encode()) - 400)
    elsewhere = reached_markdown(beside.reached, layout, Room(room.left // 4))
    room.left -= len(elsewhere.encode())
    proofs = ""
    if beside.proofs is not None:
        from offerkit.reports.proofs import proofs_markdown

        proofs = proofs_markdown(beside.proofs, layout, Room(room.left // 4))
        room.left -= len(proofs.encode()) + 2 if proofs else 0
    body = steps_markdown(_placed(diff), diff.bodies, layout, by_stage=False, across=diff.across, room=room)
    return "\n\n".join(filter(None, [head, behind, room.note, body, elsewhere, proofs, impact])) + "\n"


def diff_html(diff: DiffReport, presentation: Presentation = PRESENTATION) -> str:
    """The difference as one self-contained HTML page."""
    layout, beside = presentation.layout, diff.extras
    impact = None
    if beside.impact is not None:
        from offerkit.reports.impact import impact_view

        impact = impact_view(beside.impact)
    proofs = None
    if beside.proofs is not None:
        from offerkit.reports.proofs import proofs_view

        proofs = proofs_view(beside.proofs, layout)
    return fill(
        "diff.html",
        title=" → ".join(diff.titles),
        summary=_closing(diff),
        lacking=(beside.lacking.sentence(diff.titles), list(beside.lacking.rows(layout))),
        found=steps_view(_placed(diff), diff.bodies, layout, by_stage=False, across=diff.across),
        elsewhere=reached_view(beside.reached, layout),
        proofs=proofs,
        impact=impact,
        stamp=diff.stamp,
    )


def diff_json(diff: DiffReport, _presentation: Presentation = PRESENTATION) -> str:
    """The difference as JSON, with every field change. Ends with a newline.

    With ``beside`` also the place of each step on both sides, what is only ``behind``, the ``effective`` eligibility
    of what is reached elsewhere, and the ``impact`` and ``proofs`` if there are any.
    """
    steps, across, beside = diff.steps, diff.across, diff.beside
    first, second = diff.titles
    shown = steps if across is None else [shown_as(step, local_name(step.address)) for step in steps]
    rows = [step_dict(step) for step in shown]
    document: dict[str, object] = {"from": first, "to": second, "steps": rows}
    if beside is not None:
        for step, row in zip(steps, rows, strict=True):
            positions = beside.places.get(step.address, SpecPositions())
            row["places"] = {"before": _position(positions.before), "after": _position(positions.after)}
        document |= {"behind": beside.lacking.data(), "effective": reached_data(beside.reached)}
        if beside.impact is not None:
            from offerkit.reports.impact import impact_data

            document["impact"] = impact_data(beside.impact)
        if beside.proofs is not None and not beside.proofs.missing:
            from offerkit.reports.proofs import proofs_data

            document["proofs"] = proofs_data(beside.proofs)
    return json_text(document)


def _placed(diff: DiffReport) -> list[Step]:
    """The steps with positions: deleted resources get their former one, written as git does."""
    first, places = diff.titles[0], diff.extras.places
    steps = []
    for step in diff.steps:
        former = places.get(step.address, SpecPositions()).before
        if step.source is None and former is not None:
            revision = first.removeprefix("git:") if first.startswith("git:") else ""
            step = replace(step, source=former._replace(file=f"{revision[:60]}:{former.file}") if revision else former)
        steps.append(step)
    return steps


def _closing(diff: DiffReport) -> str:
    """How much differs, in one line."""
    first, second = diff.titles
    if not diff.steps and diff.extras.lacking.steps:
        return f"No change: {second} only lacks what {first} has since."
    return difference(diff.steps, diff.titles)


def _position(position: Position | None) -> dict[str, Json] | None:
    return None if position is None else {"file": position.file, "line": position.line, "column": position.column}


def step_dict(step: Step) -> dict[str, Json]:
    """What differs at one address; absent entries and positions are null."""
    changes: list[Json] = [
        {"op": change.op.value, "path": change.path, "before": change.before, "after": change.after}
        for change in step.changes
    ]
    return {
        "address": step.address,
        "action": step.action.value,
        "label": step.label,
        "moved_from": step.moved_from or None,
        "before": _entry(step.before),
        "after": _entry(step.after),
        "changes": changes,
        "source": _position(step.source),
    }


def _entry(entry: Entry | None) -> dict[str, Json] | None:
    if entry is None:
        return None
    return {
        "fingerprint": entry.fingerprint,
        "live_on": None if entry.activation is None else list(entry.activation),
    }
