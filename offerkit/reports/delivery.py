"""The result of a delivery as text and JSON, and the sample pages beside its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from offerkit.fingerprint import Json
from offerkit.reports.escape import json_text, visible
from offerkit.reports.simulation import supposing
from offerkit.reports.style import PRESENTATION, Presentation, pad
from offerkit.reports.templating import fill


@dataclass(frozen=True)
class CellCount:
    """A cell of a delivery with limits, by its number from 1: how many recipients came to it, and how many it took."""

    slot: str
    number: int
    limit: int | None
    came: int
    taken: int


@dataclass
class DeliveryResult:
    """A delivery that was made, or tried out (``dry``). Times are local to the environment, as text.

    ``aside``: contacts without a message by reason; ``by_slot``: by slot (empty: the whole message) and offer, how many
    got it at each rank; ``missing``: why offers that a field names are not in messages; ``cells``: those with limits;
    ``failures``: by offer, for how many it could not be rendered, one of them, and why. ``data``: what was supposed.
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
    by_slot: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    cells: Sequence[CellCount] = ()
    failures: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    folder: str = ""
    resumed: int = 0
    data: Mapping[str, str] = field(default_factory=dict)

    def add(self, offer: str, rank: int, slot: str = "") -> None:
        """One more contact gets ``offer`` at ``rank`` (from 1)."""
        counts = self.by_slot.setdefault(slot, {}).setdefault(offer, [] if slot else [0] * self.wanted)
        counts += [0] * (rank - len(counts))  # slots on one space share its ranks
        counts[rank - 1] += 1
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
    lines += _cells(result)
    for slot, by_rank in result.by_slot.items():
        lines += [
            "",
            *([style.bold(f"Slot {slot}")] if slot else []),
            *_table(by_rank, result.wanted if not slot else 1),
        ]
    if result.missing:
        lines.append("")
    lines += [f"  {count:>9,}  without it: {visible(reason)}" for reason, count in sorted(result.missing.items())]
    for offer, (count, _, reason) in sorted(result.failures.items()):
        lines.append("")
        of = "contact" if count == 1 else "contacts"
        lines.append(style.yellow(f"{offer} could not be rendered for {count:,} {of}: ") + visible(reason))
    lines += ["", *_next(result)]
    return "\n".join(lines) + "\n"


def _cells(result: DeliveryResult) -> list[str]:
    lines = [""] if result.cells else []
    for cell in result.cells:
        where = f"Cell {cell.number}" + (f" of slot {cell.slot}" if cell.slot else "")
        rest = cell.came - cell.taken
        onward = f"; {rest:,} went on" if rest else ""
        limit = f" of {cell.limit:,} at most" if cell.limit is not None else ""
        lines.append(f"{where}: {cell.taken:,}{limit}{onward}")
    return lines


def _table(by_rank: Mapping[str, list[int]], wanted: int) -> list[str]:
    rows = sorted(by_rank.items(), key=lambda item: (-sum(item[1]), item[0]))
    width = max(wanted, *(len(counts) for _, counts in rows))
    ranks = [rank for rank in range(width) if width > 1]
    head = ["Offer", "Contacts", *(f"Rank {rank + 1}" for rank in ranks)]
    cells = [
        [visible(offer), f"{sum(counts):,}", *(f"{counts[rank] if rank < len(counts) else 0:,}" for rank in ranks)]
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
        "offers": _offers(result.by_slot.get("", {})),
        "not_rendered": {
            offer: {"contacts": count, "example": f"{contact}: {reason}"}
            for offer, (count, contact, reason) in sorted(result.failures.items())
        },
        "folder": result.folder,
        "data": dict(result.data),
        **_further(result),
    }


def _offers(by_rank: Mapping[str, list[int]]) -> dict[str, Json]:
    return {offer: list(counts) for offer, counts in sorted(by_rank.items())}


def _further(result: DeliveryResult) -> dict[str, Json]:
    """What only some deliveries have: slots, cells with limits, offers that a field names."""
    further: dict[str, Json] = {}
    if any(result.by_slot):
        further["slots"] = {slot: _offers(by_rank) for slot, by_rank in result.by_slot.items()}
    if result.cells:
        further["cells"] = [asdict(cell) for cell in result.cells]
    if result.missing:
        further["missing"] = dict(sorted(result.missing.items()))
    return further


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
