"""The weights of offers, in every format."""

from __future__ import annotations

import io
from dataclasses import asdict

from offerkit.engine.weight_table import ShownWeight, WeightTable
from offerkit.reports.csv_file import CsvWriter
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, display_width, pad
from offerkit.reports.templating import fill

COLUMNS = ("Offer", "Weight", "Value", "Dates", "Spaces", "Condition", "Multipliers", "Effective")
_RULER = "|:--|:--|--:|:--|:--|:--|:--|--:|"
NONE = "No weights."
_CSV = (
    "offer",
    "label",
    "category",
    "number",
    "name",
    "origin",
    "value",
    "is_formula",
    "dynamic",
    "first",
    "last",
    "spaces",
    "condition",
    "factors",
    "effective",
    "why",
)


def cells(weight: ShownWeight) -> tuple[str, ...]:
    """A row below :data:`COLUMNS`."""
    value = f"{weight.value}, products of {weight.dynamic}" if weight.dynamic else weight.value
    return (
        weight.offer,
        weight.name or str(weight.number),
        value,
        weight.period,
        ", ".join(weight.spaces),
        weight.condition,
        "; ".join(weight.factors),
        weight.effective or f"– ({weight.why})",
    )


def title_of(table: WeightTable) -> str:
    """What the table shows, and for when."""
    days = sorted({day for _, day in table.days})
    on = days[0] if len(days) == 1 else ", ".join(f"{name} {day}" for name, day in table.days)
    return f"Weights in {table.stage}{f' on {on}' if on else ''}"


def weights_text(table: WeightTable, presentation: Presentation = PRESENTATION) -> str:
    """One line for each weight, columns aligned; a column that is empty everywhere is left out. Ends with a newline."""
    style = presentation.style
    if not table.weights:
        return f"{NONE}\n"
    whole = [COLUMNS, *(cells(weight) for weight in table.weights)]
    filled = [n for n in range(len(COLUMNS)) if any(row[n] for row in whole[1:])]
    rows = [[visible(clip(row[n], 60)) for n in filled] for row in whole]
    wide = [max(display_width(row[column]) for row in rows) for column in range(len(filled))]
    lines = ["  ".join(map(pad, row, wide)).rstrip() for row in rows]
    lines[0] = style.bold(lines[0])
    return style.finish("\n".join([style.dim(visible(title_of(table))), *lines]) + "\n")


def weights_markdown(table: WeightTable, _presentation: Presentation = PRESENTATION) -> str:
    """A Markdown table. Ends with a newline."""
    rows = [cells(weight) for weight in table.weights]
    return fill("table.md", columns=COLUMNS, ruler=_RULER, rows=rows) if rows else f"{NONE}\n"


def weights_json(table: WeightTable, _presentation: Presentation = PRESENTATION) -> str:
    """Everything, as JSON. Ends with a newline."""
    weights = [asdict(weight) for weight in table.weights]
    return json_text({"stage": table.stage, "days": dict(table.days), "weights": weights})


def weights_csv(table: WeightTable, _presentation: Presentation = PRESENTATION) -> str:
    """A CSV file with a header; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    target = io.StringIO()
    rows = ([_cell(getattr(weight, name)) for name in _CSV] for weight in table.weights)
    CsvWriter(target, _CSV, lineterminator="\n").write(rows)
    return target.getvalue()


def weights_html(table: WeightTable, _presentation: Presentation = PRESENTATION) -> str:
    """A page with one table."""
    rows = [cells(weight) for weight in table.weights]
    return fill("weights.html", title=title_of(table), columns=COLUMNS, rows=rows, nothing=NONE)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return visible("; ".join(map(str, value)) if isinstance(value, tuple) else str(value))
