"""A resource whole: every part with its origin, where it is live, who decided, what waits, what refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from offerkit.address import ADMINISTRATIVE_KINDS, Address, Stage
from offerkit.diagnostics import Position
from offerkit.fingerprint import Json
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.overrides import Override, OverrideKind
from offerkit.plans.plan import Aspect, FieldChange
from offerkit.reports.escape import json_text, visible
from offerkit.reports.fields import FieldView, field_views
from offerkit.reports.steps_text import change_rows
from offerkit.reports.style import CONCISE, PRESENTATION, Layout, Presentation, Style, display_width, indented
from offerkit.reports.templating import call, fill
from offerkit.reports.values import yaml_lines
from offerkit.reports.words import count

NOTHING_REFERS = "Nothing refers to it."
_WAY = 200
"""Characters of the way in which something refers to a resource, unless everything is shown."""
_LINE = 500
"""Characters of one line of a value, unless everything is shown."""
_TEXT_LINES = 6
"""Lines of one value, unless everything is shown."""


class RevisionStamp(NamedTuple):
    """A revision, when (UTC) and by whom."""

    serial: int
    time: str
    actor: str

    @property
    def words(self) -> str:
        """``revision 12 by ada at 2026-11-30T12:00:00Z``."""
        return f"revision {self.serial} by {self.actor} at {self.time[:19]}Z"


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A value, and the resource that gives it: ``own``, or the kind of another one (``source``).

    ``position``: where the specs write it. ``user``: the resource that uses the filter whose condition this is;
    None if that is the resource itself.
    """

    group: str
    name: str
    value: Json
    origin: Address
    source: str
    position: Position | None = None
    user: Address | None = None

    @property
    def given_by(self) -> str:
        """The resource that gives it, and where that is written."""
        used = f", used by {self.user}" if self.user is not None else ""
        place = f" · {self.position.file}:{self.position.line}" if self.position is not None else ""
        return ("own" if self.source == "own" else str(self.origin)) + used + place


class LiveStanding(NamedTuple):
    """A resource in live: its name there, its spaces with the revision since which it is active on each.

    ``changed``: the revision that gave it the body that it has. ``deactivated``: the one that took it off its last
    space; None while it is active.
    """

    address: Address
    spaces: tuple[tuple[str, RevisionStamp], ...]
    changed: RevisionStamp | None
    deactivated: RevisionStamp | None = None


class DecidedAspect(NamedTuple):
    """The last decision on an aspect as it is in a stage; ``decision`` is empty if nobody decided on exactly this.

    ``counts``: false for an approval that does not count, or no longer; ``lack`` says why. ``review``: the review in a
    pull request that it records. ``signed``: the key that signed it.
    """

    stage: Stage
    aspect: Aspect
    space: str
    decision: str = ""
    counts: bool = False
    by: str = ""
    revision: RevisionStamp | None = None
    comment: str = ""
    review: str = ""
    signed: str = ""
    lack: str = ""

    @property
    def what(self) -> str:
        """``content on email``, ``eligibility``."""
        return f"content on {self.space}" if self.space else self.aspect.value

    @property
    def standing(self) -> str:
        """``approved by brand at 2026-11-30T12:00:00Z, revision 3: Read twice``."""
        if self.revision is None:
            return "nobody has decided on exactly this"
        lost = "" if self.counts else f" ({': '.join(filter(None, ['does not count now', self.lack]))})"
        serial, time, actor = self.revision
        text = f"{self.decision} by {self.by} at {time[:19]}Z, revision {serial}{lost}"
        text += f"; {self.review}, recorded by {actor}" if self.review else ""
        text += f"; signed with {self.signed}" if self.signed else ""
        return f"{text}: {self.comment}" if self.comment else text


class WaitingAspect(NamedTuple):
    """An aspect that waits for somebody, and what it changes in live; ``new``: it is not live."""

    item: ApprovalItem
    changes: tuple[FieldChange, ...]
    new: bool


class StandingStop(NamedTuple):
    """A stop that the resource is under: what was stopped, in which revision, and why."""

    address: Address
    revision: RevisionStamp
    reason: str


class StandingOverride(NamedTuple):
    """An override that was given for the resource; ``lifting``: whether it lifts something now, if that is known."""

    override: Override
    lifting: bool | None = None

    @property
    def words(self) -> str:
        """What was overridden, by whom, when and why."""
        given = self.override
        over = "of what is applied" if given.lifts is OverrideKind.POLICIES else "any more"  # specs can be denied, too
        lost = f" (lifts nothing {over})" if self.lifting is False else ""
        return f"{given.says}: overridden by {given.operator} in revision {given.revision}{lost}: {given.reason}"


class ScheduledChange(NamedTuple):
    """A promotion that is to change the resource at ``due`` (UTC), and the revision that scheduled it.

    ``due_shown``: the time on the clocks of the environments that are promoted.
    """

    due: str
    due_shown: str
    revision: RevisionStamp


class ResourceStanding(NamedTuple):
    """How a resource stands. ``changed``: the revision that changed it last in the stage that is shown.

    ``differs``: what it has in that stage otherwise than in live. ``overrides``: those that were given for it.
    """

    changed: RevisionStamp | None = None
    live: LiveStanding | None = None
    differs: tuple[FieldChange, ...] = ()
    decided: tuple[DecidedAspect, ...] = ()
    waiting: tuple[WaitingAspect, ...] = ()
    stops: tuple[StandingStop, ...] = ()
    overrides: tuple[StandingOverride, ...] = ()
    scheduled: tuple[ScheduledChange, ...] = ()


class Referring(NamedTuple):
    """The address of what refers to a resource, at which path, and in which way."""

    address: str
    path: str
    way: str

    @property
    def words(self) -> str:
        """``names it in deliveries.advent.offers``."""
        return f"{self.way} in {self.path}" if self.path else self.way


NO_STANDING = ResourceStanding()
"""Without a store, nothing is known."""


@dataclass(frozen=True, slots=True)
class WholeResource:
    """A resource in a state. ``spaces``: those on which an offer is meant to be shown."""

    address: Address
    label: str
    state: str
    parts: Sequence[ShownPart]
    spaces: Sequence[str] = ()
    standing: ResourceStanding = NO_STANDING
    referring: Sequence[Referring] = ()

    @property
    def groups(self) -> list[tuple[str, list[ShownPart]]]:
        """The parts by group, in order."""
        return [(group, list(parts)) for group, parts in groupby(self.parts, key=lambda part: part.group)]

    @property
    def summary(self) -> list[tuple[str, str]]:
        """The state, and where it is live, as labelled sentences."""
        standing, live = self.standing, self.standing.live
        rows = [("state", self.state + (f", changed in {standing.changed.words}" if standing.changed else ""))]
        if self.spaces:
            rows.append(("spaces", ", ".join(self.spaces)))
        if live is None:
            never = self.address.kind in ADMINISTRATIVE_KINDS
            rows.append(("live", "never promoted: it counts as soon as it is applied" if never else "not live"))
            return rows + self._scheduled
        name = f" as {live.address}" if live.address != self.address else ""
        if live.deactivated is not None:
            return [*rows, ("live", f"on no space{name}, deactivated in {live.deactivated.words}"), *self._scheduled]
        as_is = "; this state differs" if standing.differs else ""
        changed = f", as it is since {live.changed.words}" if live.changed is not None else ""
        rows.append(("live", f"yes{name}{changed}{as_is}"))
        by_stamp: dict[RevisionStamp, list[str]] = {}
        for space, stamp in live.spaces:
            by_stamp.setdefault(stamp, []).append(space)
        rows += [("live on", f"{', '.join(spaces)} since {stamp.words}") for stamp, spaces in by_stamp.items()]
        return rows + self._scheduled

    @property
    def _scheduled(self) -> list[tuple[str, str]]:
        return [
            ("scheduled", f"for {each.due_shown}, to change it in live; in {each.revision.words}")
            for each in self.standing.scheduled
        ]


def whole_text(whole: WholeResource, presentation: Presentation = PRESENTATION) -> str:
    """Everything, section by section. Ends with a newline."""
    style, layout = presentation.style, presentation.layout
    label = f"  {visible(layout.clipped(whole.label, 60))}" if whole.label else ""
    rows = [f"{style.bold(visible(whole.address))}{label}"]
    wide = max(len(key) for key, _ in whole.summary)
    for key, text in whole.summary:
        rows += indented(f"  {key:<{wide}}  ", visible(text), layout.width)
    for stop in whole.standing.stops:
        text = f"stopped: {stop.address} in {stop.revision.words}: {stop.reason}"
        rows += [style.red(row) for row in indented("  ", visible(text), layout.width)]
    for group, parts in whole.groups:
        rows += ["", style.bold(visible(group))]
        for part in parts:
            rows += _part_rows(part, style, layout)
    rows += _decided_rows(whole.standing.decided, style, layout)
    rows += _override_rows(whole.standing.overrides, style, layout)
    rows += _waiting_rows(whole.standing.waiting, style, layout)
    rows += _difference_rows(whole.standing.differs, style, layout)
    rows += _referring_rows(whole.referring, style, layout)
    return style.finish("\n".join(rows) + "\n")


def _part_rows(part: ShownPart, style: Style, layout: Layout) -> list[str]:
    """A value, and who gives it: at the end of the line where there is room, else below."""
    values = value_lines(part, layout)
    given = visible(part.given_by)
    listed = isinstance(part.value, list) and values[0].startswith("- ")
    if (
        len(values) == 1
        and not listed
        and display_width(line := f"  {visible(part.name)}: {visible(values[0])}") <= layout.width
    ):
        if display_width(line) + display_width(given) + 2 <= layout.width:
            return [f"{line}  {style.dim(given)}"]
        rows = [line]
    else:
        rows = [f"  {visible(part.name)}:"]
        for value in values:
            rows += indented("    ", visible(value), layout.width)
    return [*rows, *(style.dim(row) for row in indented("      ", given, layout.width, whole=True))]


def value_lines(part: ShownPart, layout: Layout = CONCISE) -> list[str]:
    """The value of a part as lines, shortened as the layout says; texts and conditions as they are written."""
    most = min(layout.lines, _TEXT_LINES) if layout.concise else layout.lines
    if isinstance(part.value, str):
        lines = [layout.clipped(line, _LINE) for line in part.value.rstrip("\n").split("\n")]
        more = len(lines) - most
        return lines[:most] + ([f"… {count(more, 'more line')}"] if more > 0 else [])
    if isinstance(part.value, list) and all(isinstance(item, str) for item in part.value):
        return [layout.clipped(", ".join(map(str, part.value)), _LINE) or "none"]
    return yaml_lines(part.value, layout.width - 6, most) or ["{}" if isinstance(part.value, dict) else "none"]


def _decided_rows(decided: Sequence[DecidedAspect], style: Style, layout: Layout) -> Iterator[str]:
    for stage, aspects in groupby(decided, key=lambda aspect: aspect.stage):
        yield from ("", style.bold(f"Decisions on what is in {stage}"))
        for aspect in aspects:
            paint = style.green if aspect.counts and aspect.decision == "approved" else style.yellow
            paint = style.red if aspect.decision == "rejected" else paint
            for row in indented("  ", visible(f"{aspect.what}: {aspect.standing}"), layout.width):
                yield paint(row)


def _override_rows(overrides: Sequence[StandingOverride], style: Style, layout: Layout) -> Iterator[str]:
    if overrides:
        yield from ("", style.bold("Overrides"))
    for each in overrides:
        paint = style.dim if each.lifting is False else style.yellow
        yield from (paint(row) for row in indented("  ", visible(each.words), layout.width))


def _waiting_rows(waiting: Sequence[WaitingAspect], style: Style, layout: Layout) -> Iterator[str]:
    if waiting:
        yield from ("", style.bold("What waits"))
    for aspect in waiting:
        text = f"{aspect.item.what}: {aspect.item.standing}" + (" (not live)" if aspect.new else "")
        paint = style.red if aspect.item.overdue else style.yellow
        yield from (paint(row) for row in indented("  ", visible(text), layout.width))
        yield from _change_rows(aspect.changes, style, layout)


def _difference_rows(differs: Sequence[FieldChange], style: Style, layout: Layout) -> Iterator[str]:
    if differs:
        yield from ("", style.bold("Differences from live"))
        yield from _change_rows(differs, style, layout)


def _change_rows(changes: Sequence[FieldChange], style: Style, layout: Layout) -> Iterator[str]:
    views = field_views(changes, layout)
    for view in views:
        yield from change_rows(view, 0, style)
    if more := len(changes) - len(views):
        yield style.dim(f"      … {count(more, 'more field')}")


def _referring_rows(referring: Sequence[Referring], style: Style, layout: Layout) -> Iterator[str]:
    yield from ("", style.bold("What refers to it"))
    if not referring:
        yield f"  {NOTHING_REFERS}"
    for each in referring[: layout.limit]:
        yield from indented("  ", visible(f"{each.address}  {layout.clipped(each.words, _WAY)}"), layout.width)
    if (more := len(referring) - layout.limit) > 0:
        yield style.dim(f"  … {more:,} more")


def whole_markdown(whole: WholeResource, presentation: Presentation = PRESENTATION) -> str:
    """Headings and tables. Ends with a newline."""
    return fill("whole_resource.md", view=_view(whole, presentation.layout))


def whole_html(whole: WholeResource, presentation: Presentation = PRESENTATION) -> str:
    """One self-contained HTML page."""
    title = whole.label or str(whole.address)
    return fill("whole_resource.html", title=title, view=_view(whole, presentation.layout), link="")


def whole_section(whole: WholeResource, link: str, layout: Layout = CONCISE) -> str:
    """The body of the page, for a server's; ``link``: the address of its page of a resource, before the resource's."""
    return call("whole_resource_body.html", "whole", _view(whole, layout), link)


class WholeView(NamedTuple):
    """What pages show of a resource; ``more``: so many differences or referring resources are left out."""

    whole: WholeResource
    groups: Sequence[tuple[str, Sequence[tuple[ShownPart, str]]]]
    decided: Sequence[tuple[Stage, Sequence[DecidedAspect]]]
    waiting: Sequence[tuple[WaitingAspect, Sequence[FieldView]]]
    differs: Sequence[FieldView]
    more_differs: int
    referring: Sequence[tuple[Referring, str]]
    more_referring: int
    nothing: str = NOTHING_REFERS


def _view(whole: WholeResource, layout: Layout) -> WholeView:
    standing, referring = whole.standing, whole.referring
    differs = field_views(standing.differs, layout)
    return WholeView(
        whole,
        [(group, [(part, "\n".join(value_lines(part, layout))) for part in parts]) for group, parts in whole.groups],
        [(stage, list(aspects)) for stage, aspects in groupby(standing.decided, key=lambda aspect: aspect.stage)],
        [(aspect, field_views(aspect.changes, layout)) for aspect in standing.waiting],
        differs,
        len(standing.differs) - len(differs),
        [(each, layout.clipped(each.words, _WAY)) for each in referring[: layout.limit]],
        max(0, len(referring) - layout.limit),
    )


def whole_json(whole: WholeResource, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    standing = whole.standing
    return json_text(
        {
            "address": whole.address,
            "kind": whole.address.kind.value,
            "label": whole.label,
            "state": whole.state,
            "changed": _stamp_json(standing.changed),
            "spaces": list(whole.spaces),
            "parts": [_part_json(part) for part in whole.parts],
            "live": _live_json(standing.live),
            "stops": [{"address": s.address, "reason": s.reason, **_stamp_map(s.revision)} for s in standing.stops],
            "scheduled": [{"due": each.due, **_stamp_map(each.revision)} for each in standing.scheduled],
            "overrides": [_override_json(override) for override in standing.overrides],
            "decisions": [_decided_json(aspect) for aspect in standing.decided],
            "waiting": [_waiting_json(aspect) for aspect in standing.waiting],
            "differences": _changes_json(standing.differs),
            "references": [each._asdict() for each in whole.referring],
        }
    )


def _part_json(part: ShownPart) -> dict[str, Json]:
    found: dict[str, Json] = {
        "group": part.group,
        "name": part.name,
        "value": part.value,
        "origin": part.origin,
        "source": part.source,
    }
    if part.position is not None:
        found |= {"file": part.position.file, "line": part.position.line}
    return found | ({"used_by": part.user} if part.user is not None else {})


def _stamp_map(stamp: RevisionStamp) -> dict[str, Json]:
    return {"revision": stamp.serial, "time": stamp.time, "actor": stamp.actor}


def _stamp_json(stamp: RevisionStamp | None) -> Json:
    return _stamp_map(stamp) if stamp is not None else None


def _live_json(live: LiveStanding | None) -> Json:
    if live is None:
        return None
    return {
        "address": live.address,
        "deactivated": _stamp_json(live.deactivated),
        "spaces": [{"space": space, **_stamp_map(stamp)} for space, stamp in live.spaces],
        "changed": _stamp_json(live.changed),
    }


def _decided_json(aspect: DecidedAspect) -> Json:
    return {
        "stage": aspect.stage.value,
        "aspect": aspect.aspect.value,
        "space": aspect.space,
        "decision": aspect.decision or None,
        "counts": aspect.counts,
        "lack": aspect.lack,
        "by": aspect.by,
        "comment": aspect.comment,
        "review": aspect.review,
        "signed": aspect.signed,
        "revision": _stamp_json(aspect.revision),
    }


def _override_json(standing: StandingOverride) -> Json:
    override = standing.override
    return {
        "lifts": override.lifts.value,
        "lifting": standing.lifting,
        "says": override.says,
        "by": override.operator,
        "reason": override.reason,
        "revision": override.revision,
    }


def _waiting_json(aspect: WaitingAspect) -> Json:
    item = aspect.item
    return {
        "aspect": item.aspect.value,
        "spaces": list(item.spaces),
        "who": list(item.who),
        "authors": list(item.authors),
        **({"since": item.since, "due": item.due, "overdue": item.overdue} if item.due else {}),
        "new": aspect.new,
        "changes": _changes_json(aspect.changes),
    }


def _changes_json(changes: Sequence[FieldChange]) -> list[Json]:
    return [{"op": c.op.value, "path": c.path, "before": c.before, "after": c.after} for c in changes]
