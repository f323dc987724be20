"""Campaigns go to the live stage, and may name only what is live (domain.md §1, step 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from offerkit.address import Kind, parse_address
from offerkit.fingerprint import JsonMap, JsonPath
from offerkit.state.effective import names_in
from offerkit.state.entries import Entry
from offerkit.state.references import Ref
from offerkit.state.snapshot import Snapshot

WHY = "A campaign in live may only name what is live; until then it is held back."
HOW = "Approve and promote it, or name another."
_SINGULAR = {"deliveries": "delivery", "outlines": "outline"}


class NotLive(NamedTuple):
    """Something that a campaign names at ``path`` and that is not live, as a sentence."""

    path: JsonPath
    summary: str


def not_live(campaign: str, refs: Iterable[Ref], body: JsonMap, live: Snapshot) -> Iterator[NotLive]:
    """What the campaign at this address names that is not live, at the place where it names it."""
    for ref in refs:
        if not ref.path:
            continue
        place = parse_address(ref.target)
        entry = live.entries.get(ref.target)
        where = f"{_SINGULAR[str(ref.path[0])]} “{ref.path[1]}”"
        if entry is None or entry.activation == ():
            yield NotLive(ref.path, f"{where} names {place.kind} “{place.name}”, which is not live")
        elif place.kind is Kind.OFFER and ref.path[0] == "deliveries":
            yield from _on_space(body, ref.path, where, (place.name, entry))
    yield from _outlines_on_space(parse_address(campaign).environment, body, live)


def _on_space(body: JsonMap, path: JsonPath, where: str, offer: tuple[str, Entry]) -> Iterator[NotLive]:
    deliveries = body.get("deliveries")
    delivery = deliveries.get(str(path[1])) if isinstance(deliveries, dict) else None
    space = delivery.get("space") if isinstance(delivery, dict) else None
    name, entry = offer
    if isinstance(space, str) and entry.activation is not None and space not in entry.activation:
        yield NotLive(path, f"{where} names offer “{name}”, which is not live on {space}")


def _outlines_on_space(environment: str, body: JsonMap, live: Snapshot) -> Iterator[NotLive]:
    deliveries = body.get("deliveries")
    for name, delivery in deliveries.items() if isinstance(deliveries, dict) else ():
        if not isinstance(delivery, dict) or "outline" not in delivery:
            continue
        for offer in names_in(body, "outlines", str(delivery["outline"]), "offers"):
            entry = live.entries.get(f"{environment}/offer.{offer}")
            if entry is not None and entry.activation:
                yield from _on_space(body, ("deliveries", name, "outline"), f"delivery “{name}”", (offer, entry))
