"""Propositions, in every format."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import orjson

from offerkit.fingerprint import Json
from offerkit.reports.csv_file import CsvWriter
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, display_width, pad
from offerkit.reports.templating import fill

COLUMNS = ("Time", "Contact", "Space", "Offer", "Rank", "Weight", "Status", "Changed", "Proposition")
_RULER = "|:--|:--|:--|:--|--:|--:|:--|:--|:--|"
NONE = "No propositions."


@dataclass(frozen=True, slots=True)
class PropositionLine:
    """One proposition; times are UTC, ISO 8601. ``proposed`` and ``accepted`` are the space's extra data;
    ``statuses``, what it stored at other changes of status. ``product``: what a dynamic offer became; None without.
    """

    id: str
    time: str
    environment: str
    contact: str
    space: str
    channel: str
    offer: str
    category: str
    interaction: str
    rank: int
    weight: str
    status: str
    changed: str
    revision: int
    proposed: Mapping[str, Json]
    accepted: Mapping[str, Json]
    statuses: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    product: Mapping[str, Json] | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row below :data:`COLUMNS`."""
        changed = _minute(self.changed) if self.changed != self.time else ""
        space, offer = f"{self.environment}/{self.space}", self.offer
        return (
            _minute(self.time),
            self.contact,
            space,
            offer,
            str(self.rank),
            self.weight,
            self.status,
            changed,
            self.id,
        )


def _minute(time: str) -> str:
    return time[:16].replace("T", " ") + "Z"


@dataclass(frozen=True, slots=True)
class Propositions:
    """Propositions in the order in which they are shown."""

    lines: Sequence[PropositionLine]


def propositions_text(propositions: Propositions, presentation: Presentation = PRESENTATION) -> str:
    """A table in the order given; a single proposition with its extra data. Ends with a newline."""
    lines, style = propositions.lines, presentation.style
    if not lines:
        return f"{NONE}\n"
    table = [[visible(clip(cell, 60)) for cell in row] for row in (COLUMNS, *(line.cells for line in lines))]
    wide = [max(display_width(row[column]) for row in table) for column in range(len(COLUMNS))]
    rows = ["  ".join(map(pad, row, wide)).rstrip() for row in table]
    rows[0] = style.bold(rows[0])
    if len(lines) == 1:
        rows += [
            style.dim(visible(f"  {moment}: {name} = {clip(orjson.dumps(value).decode(), 200)}"))
            for moment, data in _moments(lines[0])
            for name, value in data.items()
        ]
    return style.finish("\n".join(rows) + "\n")


def _moments(line: PropositionLine) -> list[tuple[str, Mapping[str, Json]]]:
    made = [("product", line.product)] if line.product is not None else []
    return [*made, ("proposed", line.proposed), ("accepted", line.accepted), *line.statuses.items()]


def propositions_markdown(propositions: Propositions, _presentation: Presentation = PRESENTATION) -> str:
    """A Markdown table. Ends with a newline."""
    rows = (line.cells for line in propositions.lines)
    return fill("table.md", columns=COLUMNS, ruler=_RULER, rows=rows) if propositions.lines else f"{NONE}\n"


def propositions_json(propositions: Propositions, _presentation: Presentation = PRESENTATION) -> str:
    """Everything about each, as JSON. Ends with a newline."""
    return json_text([_document(line) for line in propositions.lines])


def _document(line: PropositionLine) -> Json:
    """A proposition; ``statuses`` and ``product`` only where something is stored there."""
    absent = {name for name, value in (("statuses", line.statuses or None), ("product", line.product)) if value is None}
    made: dict[str, Json] = asdict(line)
    return {name: value for name, value in made.items() if name not in absent}


def propositions_csv(propositions: Propositions, _presentation: Presentation = PRESENTATION) -> str:
    """A CSV file with a header; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    left_out = ("proposed", "accepted", "statuses", "product")
    names = [name for name in PropositionLine.__slots__ if name not in left_out]
    target = io.StringIO()
    rows = ([str(getattr(line, name)) for name in names] for line in propositions.lines)
    CsvWriter(target, names, lineterminator="\n").write(rows)
    return target.getvalue()
