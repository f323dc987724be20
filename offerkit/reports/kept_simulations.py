"""Kept simulations: a list of them, and two side by side, in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from offerkit.engine.simulation_comparison import ComparedCount, ComparedSimulations, ComparedSpace
from offerkit.fingerprint import Json
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, Style, display_width, pad
from offerkit.reports.templating import fill
from offerkit.reports.words import count

NONE = "No simulation is kept. Keep one: offerkit simulate ENVIRONMENT --save NAME"
SHOWN = 50
"""Offers, and values of an axis, that a text or page shows: those that change most; JSON has all."""
COLUMNS = ("Offer", "Before", "After", "Change", "Share before", "Share after", "Mean rank")


class KeptRun(Protocol):
    """A kept run as a list shows it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def environment(self) -> str:
        """The environment."""

    @property
    def stage(self) -> str:
        """The state that was simulated."""

    @property
    def time(self) -> str:
        """When it was kept, in UTC."""

    @property
    def actor(self) -> str:
        """Who kept it."""


class KeptRuns(Protocol):
    """Kept runs."""

    @property
    def runs(self) -> Sequence[KeptRun]:
        """In the order in which they are shown."""


def kept_text(kept: KeptRuns, presentation: Presentation = PRESENTATION) -> str:
    """A table. Ends with a newline."""
    if not kept.runs:
        return f"{NONE}\n"
    rows = [("Name", "Environment", "Stage", "Kept (UTC)", "By")]
    rows += [(run.name, run.environment, run.stage, run.time[:16].replace("T", " "), run.actor) for run in kept.runs]
    table = [[visible(clip(cell, 100)) for cell in row] for row in rows]
    wide = [max(display_width(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ["  ".join(map(pad, row, wide)).rstrip() for row in table]
    return presentation.style.finish("\n".join([presentation.style.bold(lines[0]), *lines[1:]]) + "\n")


def kept_json(kept: KeptRuns, _presentation: Presentation = PRESENTATION) -> str:
    """The list as JSON. Ends with a newline."""
    names = ("name", "environment", "stage", "time", "actor")
    return json_text([{name: getattr(run, name) for name in names} for run in kept.runs])


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of a table with a title, and how many more there are."""

    title: str
    rows: Sequence[tuple[str, ...]]
    more: int


def _row(count: ComparedCount) -> tuple[str, ...]:
    ranks = [f"{rank:.2f}" if rank is not None else "–" for rank in (count.rank_before, count.rank_after)]
    return (
        count.name,
        f"{count.before:,}",
        f"{count.after:,}",
        f"{count.gained:+,}" if count.gained else "0",
        f"{count.share_before:.1%}",
        f"{count.share_after:.1%}",
        " → ".join(ranks) if ranks != ["–", "–"] else "–",
    )


def _tables(space: ComparedSpace) -> Iterator[_Table]:
    for title, counts in (("Offers", space.offers), *((f"By {axis}", values) for axis, values in space.axes)):
        yield _Table(title, [_row(count) for count in counts[:SHOWN]], max(0, len(counts) - SHOWN))


def _named(about: Mapping[str, Json]) -> str:
    digest = str(about.get("digest") or "")[:12]
    revision = about.get("revision")
    of = f"revision {revision}" if revision else digest
    state = f"{about['name']}: {about['environment']} in {about['stage']}, {of}"
    return f"{state}, decided at {about['at']}, kept by {about['actor']}"


def _summary(space: ComparedSpace) -> str:
    gaining = sum(offer.gained > 0 for offer in space.offers)
    losing = sum(offer.gained < 0 for offer in space.offers)
    same = len(space.offers) - gaining - losing
    served = space.served
    return (
        f"{served.before:,} of {served.whole_before:,} contacts got an offer before ({served.share_before:.1%}),"
        f" {served.after:,} of {served.whole_after:,} after ({served.share_after:.1%})."
        f" {count(gaining, 'offer')} gained contacts, {losing} lost contacts, {same} kept their number."
    )


def _notes(compared: ComparedSimulations) -> list[str]:
    notes = [f"They also differ in: {', '.join(compared.differs)}."] if compared.differs else []
    for word, spaces in (("before", compared.only_before), ("after", compared.only_after)):
        if spaces:
            notes.append(f"Only {word}: {', '.join(spaces)}.")
    return notes


def compared_text(compared: ComparedSimulations, presentation: Presentation = PRESENTATION) -> str:
    """A table for each space and axis. Ends with a newline."""
    style = presentation.style
    lines = [
        style.bold("Before  ") + visible(_named(compared.before)),
        style.bold("After   ") + visible(_named(compared.after)),
    ]
    lines += [style.yellow(visible(note)) for note in _notes(compared)]
    for space in compared.spaces:
        lines += ["", style.bold(visible(space.space)), f"  {_summary(space)}"]
        for table in _tables(space):
            lines += ["", *_text_table(table, style)]
    return style.finish("\n".join(lines) + "\n")


def _text_table(table: _Table, style: Style) -> list[str]:
    head = (table.title, *COLUMNS[1:])
    rows = [[visible(clip(cell, 60)) for cell in row] for row in (head, *table.rows)]
    wide = [max(display_width(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join([pad(row[0], wide[0]), *(cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True))])
        for row in rows
    ]
    more = [f"  and {table.more:,} more"] if table.more else []
    return [style.dim(f"  {lines[0]}"), *(f"  {line}" for line in lines[1:]), *more]


def compared_json(compared: ComparedSimulations, _presentation: Presentation = PRESENTATION) -> str:
    """Everything as JSON. Ends with a newline."""

    def data(count: ComparedCount) -> dict[str, Any]:
        return {
            "name": count.name,
            "before": count.before,
            "after": count.after,
            "change": count.gained,
            "of_before": count.whole_before,
            "of_after": count.whole_after,
            "share_before": count.share_before,
            "share_after": count.share_after,
            "mean_rank_before": count.rank_before,
            "mean_rank_after": count.rank_after,
        }

    spaces = [
        {
            "space": space.space,
            "served": data(space.served),
            "offers": [data(count) for count in space.offers],
            "axes": [{"axis": axis, "values": [data(count) for count in counts]} for axis, counts in space.axes],
        }
        for space in compared.spaces
    ]
    return json_text(
        {
            "before": dict(compared.before),
            "after": dict(compared.after),
            "differs": list(compared.differs),
            "only_before": list(compared.only_before),
            "only_after": list(compared.only_after),
            "spaces": spaces,
        }
    )


def compared_markdown(compared: ComparedSimulations, _presentation: Presentation = PRESENTATION) -> str:
    """A table for each space and axis. Ends with a newline."""
    return fill("compared_simulations.md", **_page(compared))


def compared_html(compared: ComparedSimulations, _presentation: Presentation = PRESENTATION) -> str:
    """One page that loads and runs nothing."""
    return fill("compared_simulations.html", **_page(compared))


def _page(compared: ComparedSimulations) -> dict[str, object]:
    return {
        "title": f"Simulations {compared.before['name']} and {compared.after['name']}",
        "before": _named(compared.before),
        "after": _named(compared.after),
        "notes": _notes(compared),
        "columns": COLUMNS[1:],
        "spaces": [(space.space, _summary(space), list(_tables(space))) for space in compared.spaces],
    }
