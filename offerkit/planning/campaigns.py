"""Campaigns go to the live stage, and may name only what is live (domain.md §1, step 10)."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind, parse_address
from offerkit.diagnostics import Code
from offerkit.fingerprint import JsonMap
from offerkit.graph.record import Finding, Record
from offerkit.state.effective import names_in
from offerkit.state.entries import Entry
from offerkit.state.snapshot import Snapshot

_SINGULAR = {"deliveries": "delivery", "outlines": "outline"}


def not_live(record: Record, body: JsonMap, live: Snapshot) -> Iterator[Finding]:
    """What a campaign names that is not live, at the place where it names it."""
    for ref in record.refs:
        if not ref.path:
            continue
        place = parse_address(ref.target)
        entry = live.entries.get(ref.target)
        where = f"{_SINGULAR[str(ref.path[0])]} “{ref.path[1]}”"
        if entry is None or entry.activation == ():
            yield _finding(record, ref.path, f"{where} names {place.kind} “{place.name}”, which is not live")
        elif place.kind is Kind.OFFER and ref.path[0] == "deliveries":
            yield from _on_space(record, body, ref.path, where, (place.name, entry))
    yield from _outlines_on_space(record, body, live)


def _on_space(
    record: Record, body: JsonMap, path: tuple[str | int, ...], where: str, offer: tuple[str, Entry]
) -> Iterator[Finding]:
    deliveries = body.get("deliveries")
    delivery = deliveries.get(str(path[1])) if isinstance(deliveries, dict) else None
    space = delivery.get("space") if isinstance(delivery, dict) else None
    name, entry = offer
    if isinstance(space, str) and entry.activation is not None and space not in entry.activation:
        yield _finding(record, path, f"{where} names offer “{name}”, which is not live on {space}")


def _outlines_on_space(record: Record, body: JsonMap, live: Snapshot) -> Iterator[Finding]:
    deliveries = body.get("deliveries")
    for name, delivery in deliveries.items() if isinstance(deliveries, dict) else ():
        if not isinstance(delivery, dict) or "outline" not in delivery:
            continue
        for offer in names_in(body, "outlines", str(delivery["outline"]), "offers"):
            entry = live.entries.get(f"{record.environment}/offer.{offer}")
            if entry is not None and entry.activation:
                path = ("deliveries", name, "outline")
                yield from _on_space(record, body, path, f"delivery “{name}”", (offer, entry))


def _finding(record: Record, path: tuple[str | int, ...], summary: str) -> Finding:
    return Finding(
        record,
        path,
        Code.NOT_LIVE,
        summary,
        "A campaign in live may only name what is live; until then it is held back.",
        "Approve and promote it, or name another.",
    )
