"""The history of a project's stages, in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerkit.diagnostics import and_list
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.plans.plan import Step
from offerkit.reports.diff import step_dict
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.steps_html import steps_view
from offerkit.reports.steps_markdown import MARKDOWN, Room, steps_markdown
from offerkit.reports.steps_text import steps_text
from offerkit.reports.style import PRESENTATION, Presentation, display_width, indented, pad
from offerkit.reports.templating import fill
from offerkit.reports.words import count
from offerkit.state.changes import Body

_COLUMNS = ("Revision", "Time", "Who", "What", "Stages", "Summary", "Digest")
_BELOW = (_COLUMNS.index("Summary"), _COLUMNS.index("Stages"))
"""The columns that go below their rows where a table would be wider than the terminal: the summary first."""
_DIGEST = 12
_BRIEF = 50
"""Characters of the decisions in a row of text, at most; more stand below it."""
NONE = "Nothing has been applied yet."


@dataclass(frozen=True)
class RevisionPatch:
    """What a revision changed: steps, and the bodies that they name."""

    steps: Sequence[Step]
    bodies: Mapping[str, Body]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One revision; ``time`` is text in the reader's form."""

    serial: int
    time: str
    actor: str
    action: str
    stages: tuple[str, ...]
    summary: str
    message: str
    digest: str
    override: str = ""
    """That a limit was overridden by it, and why."""
    tokens: tuple[Mapping[str, str], ...] = ()
    """What it says of the operators' tokens that it made, revoked or took over."""
    authors: tuple[str, ...] = ()
    """Who wrote what it changed, where that is not the actor alone."""
    commit: str = ""
    """The commit that was applied."""
    read: str = ""
    """That it was read in a pull request, and what it means; or whose review it records."""
    meaning: str = ""
    pull_request: int = 0
    review: Mapping[str, Json] = field(default_factory=dict)
    """The review of a pull request that it records as an approval."""
    decisions: Sequence[Approval] = ()
    """What was approved, rejected, stopped or resumed by it."""
    patch: RevisionPatch | None = None
    """What it changed, if that is shown."""
    signed: str = ""
    """The SSH key with which the actor signed it, as ``SHA256:…``."""

    @property
    def brief(self) -> str:
        """The summary, or for decisions that a narrow column has no room for, on how many resources they are."""
        offers = {decision.key.address for decision in self.decisions}
        if not offers or len(self.summary) <= _BRIEF:
            return self.summary
        return f"{self.decisions[0].decision}: {count(len(offers), 'resource')}"

    @property
    def signature(self) -> str:
        """``signed with SHA256:…``; empty if it is not signed."""
        return f"signed with {self.signed}" if self.signed else ""

    @property
    def written(self) -> str:
        """``written by olga and omar``; empty where the actor wrote it alone."""
        return f"written by {and_list(self.authors)}" if self.authors else ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The revision as a row below the column heads."""
        stages = ", ".join(self.stages)
        return (
            str(self.serial),
            self.time,
            self.actor,
            self.action,
            stages,
            self.summary,
            self.digest[:_DIGEST],
        )

    @property
    def row(self) -> tuple[str, ...]:
        """:attr:`cells` for a column of text."""
        *first, _, digest = self.cells
        return (*first, self.brief, digest)


@dataclass(frozen=True, slots=True)
class RevisionHistory:
    """Revisions in the order in which they are shown."""

    lines: Sequence[HistoryLine]
    title: str = "History"
    narrowed: bool = False
    """Whether only some were asked for."""

    @property
    def nothing(self) -> str:
        """What is said where there is no revision."""
        return "No revision matches." if self.narrowed else NONE


def history_text(history: RevisionHistory, presentation: Presentation = PRESENTATION) -> str:
    """A table in the order given, each message below its row. Ends with a newline."""
    lines, style, width = history.lines, presentation.style, presentation.layout.width
    if not lines:
        return f"{history.nothing}\n"
    table = [[visible(clip(cell, 60)) for cell in row] for row in (_COLUMNS, *(line.row for line in lines))]
    wide = [max(display_width(row[column]) for row in table) for column in range(len(_COLUMNS))]
    below = _below(wide, presentation.layout.table)
    rows = [style.bold(_row(table[0], wide, below))]
    for line, cells in zip(lines, table[1:], strict=True):
        rows.append(_row(cells, wide, below))
        hanging = [line.cells[column] for column in sorted(below)]
        if hanging or line.brief != line.summary:
            text = ": ".join(filter(None, hanging)) if hanging else line.summary
            rows += indented(" " * (wide[0] + 2), visible(text), width) if text else []
        for text in line.message.strip().split("\n"):
            rows += [style.dim(row) for row in indented(" " * (wide[0] + 2), visible(text), width) if text]
        if line.written:
            rows += [style.dim(row) for row in indented(" " * (wide[0] + 2), visible(line.written), width)]
        if line.read:
            rows += [style.dim(row) for row in indented(" " * (wide[0] + 2), visible(line.read), width)]
        if line.signature:
            rows += [style.dim(row) for row in indented(" " * (wide[0] + 2), visible(line.signature), width)]
        if line.override:
            rows += [style.yellow(row) for row in indented(" " * (wide[0] + 2), visible(line.override), width)]
        if line.patch is not None and line.patch.steps:
            steps = steps_text(line.patch.steps, line.patch.bodies, style, presentation.layout, by_stage=False)
            rows += ["", *(f"    {row}".rstrip() for row in steps.strip("\n").split("\n")), ""]
    return style.finish("\n".join(rows) + "\n")


def _below(wide: Sequence[int], width: int) -> list[int]:
    """The columns that stand below their rows, so that these fit into a terminal of ``width``."""
    below: list[int] = []
    for column in _BELOW:
        kept = [each for number, each in enumerate(wide) if number not in below]
        if sum(kept) + 2 * (len(kept) - 1) > width:
            below.append(column)
    return below


def _row(cells: Sequence[str], wide: Sequence[int], below: Sequence[int]) -> str:
    first = " " * (wide[0] - display_width(cells[0])) + cells[0]
    others = [pad(cells[column], wide[column]) for column in range(1, len(cells)) if column not in below]
    return "  ".join([first, *others]).rstrip()


def history_markdown(history: RevisionHistory, presentation: Presentation = MARKDOWN) -> str:
    """A Markdown table, then what each revision changed if that is shown. Ends with a newline."""
    text = fill("history.md", lines=history.lines, columns=_COLUMNS, nothing=history.nothing)
    room = Room(presentation.limit - len(text.encode()))
    parts = [text]
    for line in history.lines:
        if line.patch is not None and line.patch.steps:
            patch = line.patch
            steps = steps_markdown(patch.steps, patch.bodies, presentation.layout, by_stage=False, room=room)
            parts.append(f"## Revision {line.serial}\n\n{steps.strip()}\n")
    return "\n".join(parts)


def history_html(history: RevisionHistory, presentation: Presentation = PRESENTATION) -> str:
    """One self-contained HTML page."""
    patches = [
        (line.serial, steps_view(line.patch.steps, line.patch.bodies, presentation.layout, by_stage=False))
        for line in history.lines
        if line.patch is not None and line.patch.steps
    ]
    values = {"lines": history.lines, "columns": _COLUMNS, "nothing": history.nothing, "patches": patches}
    return fill("history.html", title=history.title, **values)


def history_json(history: RevisionHistory, _presentation: Presentation = PRESENTATION) -> str:
    """A JSON list of the revisions with full digests. Ends with a newline."""
    revisions = [
        {
            "revision": line.serial,
            "time": line.time,
            "actor": line.actor,
            "action": line.action,
            "stages": list(line.stages),
            "summary": line.summary,
            "message": line.message,
            **({"authors": list(line.authors)} if line.authors else {}),
            **({"commit": line.commit} if line.commit else {}),
            **({"meaning": line.meaning} if line.meaning else {}),
            **({"pull_request": line.pull_request} if line.pull_request else {}),
            **({"review": dict(line.review)} if line.review else {}),
            **({"signed": line.signed} if line.signed else {}),
            **({"override": line.override} if line.override else {}),
            **({"tokens": list(map(dict, line.tokens))} if line.tokens else {}),
            **({"decisions": list(map(_decision_json, line.decisions))} if line.decisions else {}),
            **({"changes": list(map(step_dict, line.patch.steps))} if line.patch is not None else {}),
            "digest": line.digest,
        }
        for line in history.lines
    ]
    return json_text(revisions)


def _decision_json(decision: Approval) -> dict[str, Json]:
    key = decision.key
    return {
        "address": key.address,
        "aspect": key.aspect.value,
        "space": key.space,
        "decision": decision.decision.value,
        "operator": decision.operator,
    }
