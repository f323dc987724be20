"""The comment on a pull request: the summary first, then details, within the size that a forge accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from offerkit.engine.impact import Impact
from offerkit.plans.plan import Step
from offerkit.reports.escape import clip, markdown, markdown_code, one_line, visible
from offerkit.reports.fields import step_diff
from offerkit.reports.groups import sections
from offerkit.reports.impact import caveats, changed_sentence, quiet_sentences
from offerkit.reports.plan_markdown import blocked_markdown
from offerkit.reports.proofs import proofs_markdown
from offerkit.reports.pull_request import (
    BOUND,
    IMPACT_ROWS,
    PullRequest,
    alerts,
    impact_rows,
    needed,
    resets,
    together,
    totals,
    verdict,
)
from offerkit.reports.reached import reached_markdown
from offerkit.reports.renames import renames_markdown
from offerkit.reports.steps_markdown import CONCISE, Room, diff_block, folded, step_row, step_title, table_head
from offerkit.reports.style import ALL, PRESENTATION, Layout, Presentation
from offerkit.reports.templating import call
from offerkit.reports.words import count, names
from offerkit.state.changes import Action

GITHUB_BYTES, GITLAB_BYTES = 60_000, 900_000
"""What a comment may take: GitHub refuses more than 65,536 characters, GitLab more than 1,000,000."""
_OPEN = 40
"""Steps of fewer lines than this are not folded."""
_BRIEF = CONCISE._replace(fields=8, lines=8)
"""For a step that is too long to be shown with all that others are."""
_TEXT, _REASON, _CODE, _NAMES = 400, 120, 200, 8
_LEAST = 200
_MISSES = 20
"""The number of steps that do not fit after which no other is tried."""
_RESERVED = 1_500
"""Bytes reserved for the note about missing steps."""
_MOST_NAMED = 1_000
"""Missing steps are named up to this number."""


def pull_request_markdown(request: PullRequest, presentation: Presentation = PRESENTATION) -> str:
    """The comment, without a marker, for GitHub or with the presentation's limit. Ends with a newline."""
    return comment_markdown(request, limit=min(presentation.limit, GITHUB_BYTES))


def comment_markdown(request: PullRequest, *, marker: str = "", limit: int = GITHUB_BYTES) -> str:
    """The comment of at most ``limit`` bytes, beginning with the hidden ``marker``. Ends with a newline.

    Steps are left out whole, the others take no more than parts of the room. ``limit`` is 10,000 at least.
    """
    head = [
        marker,
        f"### {_said(verdict(request))}",
        _alerts(request, limit // 6),
        _approvals(request, limit // 8),
        _impact(request, limit // 6) if not request.empty else "",
        proofs_markdown(request.proofs, CONCISE, Room(limit // 8)),
    ]
    tail = [_fine_print(request)]
    left = limit - sum(len(part.encode()) + 2 for part in [*head, *tail]) - _RESERVED
    parts = [*head, *_steps(request, left), *tail]
    return "\n\n".join(filter(None, parts)) + "\n"


def _call(macro: str, *values: object) -> str:
    return call("pull_request.md", macro, *values)


def _said(text: str, most: int = _TEXT) -> str:
    return markdown(_clipped(text, most))


def _code(text: str, most: int = _CODE) -> str:
    return markdown_code(_clipped(text, most))


def _clipped(text: str, most: int = _TEXT) -> str:
    """``text`` as one line that takes at most ``most`` characters, also where it is spelled out."""
    return clip(visible(one_line(text[: most * 4])), most)


def _list(rows: Sequence[str], room: int) -> str:
    """As many of the rows as fit, then how many do not."""
    shown: list[str] = []
    for row in rows:
        room -= len(row.encode()) + 1
        if room < 0:
            return "\n".join([*shown, f"- … and {len(rows) - len(shown):,} more, in the whole report"])
        shown.append(row)
    return "\n".join(shown)


def _alerts(request: PullRequest, room: int) -> str:
    return _list([_call("alert", _clipped(one.title), _clipped(one.text)) for one in alerts(request)], room)


def _approvals(request: PullRequest, room: int) -> str:
    if request.approvals is None or request.empty:
        return ""
    lost = resets(request)
    found = needed(request)
    if not found:
        return f"**Approvals**: none needed{f'; {lost}' if lost else ''}."
    rows = [_call("approval", _clipped(f"{one.by}:"), _clipped(one.sentence)) for one in found]
    return f"**Approvals needed**{f' ({lost})' if lost else ''}\n\n{_list(rows, room)}"


def _impact(request: PullRequest, room: int) -> str:
    made = request.impact
    if made is None:
        return "**Impact**: not measured."
    if not made.spaces and not made.silent:
        return ""
    changed = [space for space in made.spaces if space.changed]
    notes = [*caveats(made), *quiet_sentences(made)]
    said = _call("notes", [_clipped(note, 600) for note in notes])
    if not changed:
        return f"**Impact**: {said or 'no contact gets other offers.'}"
    own = f"{request.environment}/"
    lines = [
        _call("item", _clipped(f"{names}: {text}"))
        for names, text in together((space.space.removeprefix(own), changed_sentence(space)) for space in changed)
    ]
    return "\n\n".join(filter(None, ["**Impact**", _list(lines, room // 4), _table(made, own, room // 2), said]))


def _table(impact: Impact, own: str, room: int) -> str:
    """The offers with the most changes; spaces by their names within the environment that begins with ``own``."""
    rows = impact_rows(impact)
    spaces = len({row.space for row in rows}) > 1
    shown = _call("head", spaces).split("\n")
    room -= sum(len(line.encode()) + 1 for line in shown) + 100
    for row in rows[:IMPACT_ROWS]:
        space = _clipped(row.space.removeprefix(own)) if spaces else None
        numbers = (row.before, row.gained, row.lost, row.moved)
        line = _call("row", space, _clipped(row.offer), numbers, _clipped(row.why, _REASON))
        room -= len(line.encode()) + 1
        if room < 0:
            break
        shown.append(line)
    if more := len(rows) - (len(shown) - 2):
        shown += ["", f"… and {count(more, 'more row')}, in the whole report."]
    return "\n".join(shown)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A step as it is shown: its row, and the block that is folded below the table; ``lines`` of both."""

    row: str
    block: str
    title: str
    lines: int

    def fold(self, opened: bool) -> str:
        return folded(self.title, self.block, opened=opened) if self.block else ""

    @property
    def size(self) -> int:
        return len(self.row.encode()) + len(self.fold(opened=True).encode()) + 3


def _steps(request: PullRequest, left: int) -> list[str]:
    """What is missing, if anything is, and the steps that fit, folded unless they are few."""
    plan = request.plan
    if not plan.steps:
        return []
    beside = [
        reached_markdown(request.reached, CONCISE, Room(left // 6)),
        renames_markdown(plan, CONCISE, left // 10),
        blocked_markdown(plan.blocked, CONCISE, left // 6),
    ]
    left -= sum(len(part.encode()) + 2 for part in beside)
    title = f"<b>Steps</b>: {totals(plan.steps)}"
    room = Room(left - len(folded(title, "", opened=True)) - 10)
    found = sections(plan.steps, ALL)
    for section in found:
        room.left -= len(table_head(section.title).encode()) + 2
    shown = _fitting(plan.steps, request, room)
    opened = len(shown) == len(plan.steps) and sum(one.lines for one in shown.values()) < _OPEN
    pages: list[str] = []
    for section in found:
        steps = [step for group in section.groups for bunch in group.bunches for step in bunch.steps]
        mine = [one for step in steps if (one := shown.get(id(step)))]
        if mine:
            pages.append("\n".join([table_head(section.title), *(one.row for one in mine)]))
            pages += filter(None, (one.fold(opened) for one in mine))
    content = "\n\n".join(filter(None, [*pages, *beside]))
    missing = [step for step in plan.steps if id(step) not in shown]
    return [_missing(request, missing), folded(title, content, opened=opened)]


_ORDER = {Action.DELETE: 0, Action.DEACTIVATE: 0, Action.UPDATE: 1, Action.MOVE: 2, Action.CREATE: 3}
"""What must not be missing when there is not room for everything."""


def _fitting(steps: Sequence[Step], request: PullRequest, room: Room) -> dict[int, _Shown]:
    """The steps that fit as a whole, by their identity."""
    shown: dict[int, _Shown] = {}
    misses = 0
    for step in sorted(steps, key=lambda step: (_ORDER[step.action], step.stage, step.address.sort_key)):
        if room.left < _LEAST or misses > _MISSES:
            break
        for layout in (CONCISE, _BRIEF):
            made = _step(step, request, layout)
            if made.size <= room.left:
                room.left -= made.size
                shown[id(step)] = made
                break
        else:
            misses += 1
    return shown


def _step(step: Step, request: PullRequest, layout: Layout) -> _Shown:
    rows = step_diff(step, request.plan.bodies, layout)
    block = diff_block(rows) if rows else ""
    return _Shown(step_row(step, layout), block, step_title(step, layout), 1 + len(rows))


def _missing(request: PullRequest, missing: Sequence[Step]) -> str:
    if not missing:
        return ""
    cut = f"{len(missing):,} of {count(len(request.plan.steps), 'step')} did not fit into a comment"
    addresses = [step.address for step in missing[:_MOST_NAMED]]
    listed = names(addresses, addresses[0].environment, _NAMES) if len(missing) <= _MOST_NAMED else ""
    which = f" ({_said(listed, 300)})" if listed else ""
    where = f" The whole is in {_whole(request)}."
    said = (f"> **Cut short**: {cut}{which}.{where}", f"> **Cut short**: {cut}.{where}", f"> **Cut short**: {cut}.")
    return next(text for text in said if len(text.encode()) <= _RESERVED)


def _whole(request: PullRequest) -> str:
    """Where nothing is left out: the URL of the report, or what it is called."""
    artifact = request.artifact
    if not artifact:
        return f"`report.html` of {_code(request.environment, 80)}, in the artifact of the run that planned it"
    plain = artifact.isascii() and artifact.isprintable() and not set(artifact) & set(" <>\"'`\\|")
    return f"<{artifact}>" if artifact.startswith("https://") and plain and len(artifact) <= _CODE else _code(artifact)


def _fine_print(request: PullRequest) -> str:
    command = _clipped(request.command, _CODE) if request.command else ""
    bound, whole = ("", "") if request.empty else (BOUND, _whole(request))
    base, meaning = _clipped(request.base, 120), _clipped(request.meaning, 80)
    return _call("fine_print", base, _clipped(request.head[:12], _CODE), meaning, command, bound, whole)
