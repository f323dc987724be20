"""How many propositions were made, and their statuses, in every format."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from offerkit.engine.status_report import COLUMNS, RATES, StatusCounts, StatusReport
from offerkit.fingerprint import Json
from offerkit.reports.csv_file import CsvWriter
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.status_chart import status_chart
from offerkit.reports.style import PRESENTATION, Presentation, display_width, indented, pad
from offerkit.reports.templating import fill
from offerkit.reports.words import count

SHOWN = 1_000
"""Groups that a text or page shows; CSV and JSON have all."""
NONE = "No propositions."
MEANING = (
    "Proposed: all propositions that were made. Waiting: generated or scheduled, not known to be shown yet. Each"
    " proposition is counted by the status that it has now; rates are shares of the proposed."
)


def _rates(counts: StatusCounts) -> list[str]:
    return ["–" if rate is None else f"{rate:.1%}" for rate in counts.rates]


def _cells(counts: StatusCounts) -> list[str]:
    return [*(f"{number:,}" for number in counts.numbers), *_rates(counts)]


def total_cells(report: StatusReport) -> Sequence[str]:
    """The numbers of all groups together."""
    return _cells(report.total)


def title(report: StatusReport) -> str:
    """What the report is about, and of when."""
    by = f" by {', '.join(report.by)}" if report.by else ""
    span = f", from {report.since}" if report.since else ""
    span += f"{',' if not report.since else ''} until {report.until}" if report.until else ""
    only = "".join(f" · {name} {', '.join(values)}" for name, values in report.filters.items())
    return f"Propositions{by}{span}{only}"


def notes(report: StatusReport) -> list[str]:
    """What a reader must know of the numbers."""
    said = [f"Days are those of {report.zone}."] if "date" in report.by else []
    if report.several:
        said.append("An offer with several themes is counted in each, so the groups do not add up to the total.")
    if report.gone:
        named = ", ".join(report.gone[:5]) + (f" and {len(report.gone) - 5:,} more" if len(report.gone) > 5 else "")
        what = count(len(report.gone), "offer")
        are = "is" if len(report.gone) == 1 else "are"
        said.append(f"{what} {are} no longer live, so the category, themes and fields are unknown: {named}.")
    if len(report.rows) > SHOWN:
        said.append(f"{len(report.rows) - SHOWN:,} more groups are in the CSV and JSON formats.")
    return said


def table(report: StatusReport) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The rows that a text or page shows: the values of each group, and its cells."""
    for row in report.rows[:SHOWN]:
        yield row.values, _cells(row.counts)


def heads(report: StatusReport) -> tuple[Sequence[str], Sequence[str]]:
    """The heads of the columns: the groups, and the numbers."""
    groups = [name if "." in name else name.capitalize() for name in report.by]  # offer.supplier is a name
    return groups, [name.capitalize() for name in (*COLUMNS, *RATES)]


def status_report_text(report: StatusReport, presentation: Presentation = PRESENTATION) -> str:
    """A table with a total. Ends with a newline."""
    style = presentation.style
    lines = [style.bold(visible(title(report)))]
    if not report.total.proposed:
        return style.finish("\n".join([*lines, NONE]) + "\n")
    groups, numbers = heads(report)
    groups = [visible(clip(name, 60)) for name in groups] or [""]
    rows = [([visible(clip(value, 60)) for value in values], cells) for values, cells in table(report)]
    rows.append((["Total", *[""] * (len(groups) - 1)], _cells(report.total)))
    left = [max(display_width(values[i]) for values, _ in [(groups, numbers), *rows]) for i in range(len(groups))]
    right = [max(len(cells[i]) for _, cells in [(groups, numbers), *rows]) for i in range(len(numbers))]

    def line(values: Sequence[str], cells: Sequence[str]) -> str:
        texts = [pad(value, width) for value, width in zip(values, left, strict=True)]
        return "  ".join([*texts, *(cell.rjust(width) for cell, width in zip(cells, right, strict=True))])

    lines += ["", style.dim(line(groups, numbers)), *(line(*row) for row in rows[:-1]), style.bold(line(*rows[-1]))]
    said = (row for note in (MEANING, *notes(report)) for row in indented("", visible(note), presentation.layout.width))
    lines += ["", *map(style.dim, said)]
    return style.finish("\n".join(lines) + "\n")


def status_report_json(report: StatusReport, _presentation: Presentation = PRESENTATION) -> str:
    """Everything as JSON, with the rates. Ends with a newline."""

    def data(counts: StatusCounts) -> dict[str, Json]:
        names = (name.replace(" ", "_") for name in RATES)
        return {**asdict(counts), **dict(zip(names, counts.rates, strict=True))}

    return json_text(
        {
            **asdict(report),
            "total": data(report.total),
            "rows": [{**dict(zip(report.by, row.values, strict=True)), **data(row.counts)} for row in report.rows],
        }
    )


def status_report_csv(report: StatusReport, _presentation: Presentation = PRESENTATION) -> str:
    """A CSV file with a header and a row for each group; without groups, the total."""
    target = io.StringIO()
    rows = [(row.values, row.counts) for row in report.rows] if report.by else [((), report.total)]
    texts = (
        [*values, *map(str, counts.numbers), *("" if rate is None else f"{rate:.6f}" for rate in counts.rates)]
        for values, counts in rows
    )
    names = [name.replace(" ", "_") for name in (*COLUMNS, *RATES)]
    CsvWriter(target, [*report.by, *names], lineterminator="\n").write(texts)
    return target.getvalue()


def status_report_markdown(report: StatusReport, _presentation: Presentation = PRESENTATION) -> str:
    """A Markdown table with a total. Ends with a newline."""
    return fill("status_report.md", **_page(report))


def status_report_html(report: StatusReport, _presentation: Presentation = PRESENTATION) -> str:
    """A page that loads and runs nothing: plots to look at, and a table that says the same."""
    return fill("status_report.html", **_page(report), chart=status_chart(report))


def _page(report: StatusReport) -> dict[str, object]:
    groups, numbers = heads(report)
    return {
        "title": title(report),
        "groups": groups,
        "numbers": numbers,
        "rows": list(table(report)) if report.total.proposed else [],
        "total": _cells(report.total),
        "meaning": MEANING,
        "notes": notes(report),
        "none": NONE,
    }
