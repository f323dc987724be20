"""The result of a delivery as text and JSON, and the sample pages beside its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, visible
from offerkit.reports.simulation import supposing
from offerkit.reports.style import PRESENTATION, Presentation, pad
from offerkit.reports.templating import fill


@dataclass
class DeliveryResult:
    """A delivery that was made, or tried out (``dry``). Times are local to the environment, as text.

    ``aside``: contacts without a message by reason; ``by_rank``: by offer, how many got it at each rank;
    ``failures``: by offer, for how many it could not be rendered, and an example. ``data``: what was supposed.
    """

    name: str
    environment: str
    space: str
    time: str
    revision: int
    run: str
    dry: bool
    contacts: int = 0
    messages: int = 0
    propositions: int = 0
    stored: int = 0
    wanted: int = 1
    aside: dict[str, int] = field(default_factory=dict)
    by_rank: dict[str, list[int]] = field(default_factory=dict)
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    folder: str = ""
    resumed: int = 0
    data: Mapping[str, str] = field(default_factory=dict)

    def add(self, offer: str, rank: int) -> None:
        """One more contact gets ``offer`` at ``rank`` (from 1)."""
        self.by_rank.setdefault(offer, [0] * self.wanted)[rank - 1] += 1
        self.propositions += 1

    def set_aside(self, reason: str) -> None:
        """One more contact gets no message."""
        name = str(reason)  # JSON objects take only text as keys
        self.aside[name] = self.aside.get(name, 0) + 1


def delivery_text(result: DeliveryResult, presentation: Presentation = PRESENTATION) -> str:
    """A summary: what was sent, which contacts were set aside, and the next step."""
    style = presentation.style
    what = "would go" if result.dry else "are ready"
    supposed = visible(supposing(result.data))
    lines = [
        style.bold(f"{visible(result.name)} · {result.environment}/{result.space} · {result.time}{supposed}")
        + f" · live revision {result.revision}",
        "",
        style.green(f"{result.messages:,} messages {what}, with {result.propositions:,} offers")
        + f", to {result.messages:,} of {result.contacts:,} contacts.",
    ]
    lines += [
        f"  {count:>9,}  {visible(reason)}" for reason, count in sorted(result.aside.items(), key=lambda item: -item[1])
    ]
    if result.by_rank:
        lines += ["", *_table(result)]
    for offer, (count, example) in sorted(result.failures.items()):
        lines.append("")
        of = "contact" if count == 1 else f"{count:,} contacts, such as"
        lines.append(style.yellow(f"{offer} could not be rendered for {of} ") + visible(example))
    lines += ["", *_next(result)]
    return "\n".join(lines) + "\n"


def _table(result: DeliveryResult) -> list[str]:
    rows = sorted(result.by_rank.items(), key=lambda item: (-sum(item[1]), item[0]))
    ranks = range(result.wanted)
    head = ["Offer", "Contacts", *(f"Rank {rank + 1}" for rank in ranks if result.wanted > 1)]
    cells = [
        [visible(offer), f"{sum(counts):,}", *(f"{counts[rank]:,}" for rank in ranks if result.wanted > 1)]
        for offer, counts in rows
    ]
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]
    return [
        "  ".join(
            [pad(row[0], widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in (head, *cells)
    ]


def _next(result: DeliveryResult) -> list[str]:
    if result.dry:
        where = f" The files are in {visible(result.folder)}." if result.folder else ""
        return [f"This was a dry run: nothing was stored.{where}"]
    resumed = f" {result.resumed} parts were kept from an interrupted run." if result.resumed else ""
    return [
        f"{result.stored:,} propositions are stored. The files are in {visible(result.folder)}.{resumed}",
        f"Once they are sent: offerkit sent {visible(result.name)}",
    ]


def delivery_data(result: DeliveryResult) -> dict[str, Json]:
    """The same as data."""
    return {
        "delivery": result.name,
        "environment": result.environment,
        "space": result.space,
        "time": result.time,
        "revision": result.revision,
        "run": result.run,
        "dry_run": result.dry,
        "contacts": result.contacts,
        "messages": result.messages,
        "propositions": result.propositions,
        "stored": result.stored,
        "offers_wanted": result.wanted,
        "set_aside": dict(sorted(result.aside.items())),
        "offers": {offer: list(counts) for offer, counts in sorted(result.by_rank.items())},
        "not_rendered": {
            offer: {"contacts": count, "example": example}
            for offer, (count, example) in sorted(result.failures.items())
        },
        "folder": result.folder,
        "data": dict(result.data),
    }


def delivery_json(result: DeliveryResult, _presentation: Presentation = PRESENTATION) -> str:
    """:func:`delivery_data`, indented. Ends with a newline."""
    return json_text(delivery_data(result))


def sample_files(messages: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """A page and a text for each of the first messages (contact, html, text), to look at before they are sent.

    The page runs no script and fetches nothing but pictures by https.
    """
    files = {}
    for number, (contact, message, text) in enumerate(messages, 1):
        files[f"sample-{number}.html"] = fill("sample.html", contact=contact, message=message)
        files[f"sample-{number}.txt"] = f"{text}\n"
    return files
