"""What decides over an offer, in live and in design side by side: each condition, date and weight, and who says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from offerkit.address import Address
from offerkit.fingerprint import Json
from offerkit.reports.values import inline
from offerkit.state.eligibility import Condition, eligibility
from offerkit.state.snapshot import Snapshot

_WHAT = {
    "time_zone": "Time zone", "enabled": "Switched on", "when": "Condition", "filter": "Filter", "from": "From",
    "until": "Until", "spaces": "Spaces", "weights": "Weight", "multiplier": "Multiplier", "themes": "Themes",
}  # fmt: skip
"""The parts by name, in the order in which they are shown."""


class _Said(NamedTuple):
    what: str
    origin: Address
    text: str


@dataclass(frozen=True)
class PartRow:
    """One part of what decides, as it is written in each stage (empty: it is not there), and what says it."""

    what: str
    origin: Address
    live: str
    design: str

    @property
    def same(self) -> bool:
        """Whether promoting design would leave it as it is."""
        return self.live == self.design


def compared(address: Address, live: Snapshot, design: Snapshot) -> list[PartRow]:
    """The parts of an offer in both stages beside each other."""
    sides = [list(_parts(view, address)) if address in view.entries else [] for view in (live, design)]
    order = list(_WHAT.values())
    keys = dict.fromkeys((said.what, said.origin) for said in sides[1] + sides[0])
    rows = []
    for what, origin in sorted(keys, key=lambda key: order.index(key[0])):
        texts = ([said.text for said in side if said[:2] == (what, origin)] for side in sides)
        rows += [PartRow(what, origin, *pair) for pair in zip_longest(*texts, fillvalue="")]
    return rows


def _parts(view: Snapshot, address: Address) -> Iterator[_Said]:
    offer = view.offer(address)
    conditions = eligibility(view, address)
    for condition in conditions:
        for text in _texts(condition):
            yield _Said(_WHAT[condition.part], condition.origin, text)
    if not any(condition.part == "weights" for condition in conditions):
        yield _Said("Weight", address, "1")
    yield _Said("Spaces", offer.origin(("spaces",)), ", ".join(offer.shown_on) or "none")


def _texts(condition: Condition) -> Iterator[str]:
    """The values of a condition, each as it is read: one for each weight."""
    match condition.part, condition.value:
        case "weights", list(weights):
            yield from (_weight(weight) for weight in weights if isinstance(weight, dict))
        case "multiplier", dict(body):
            yield f"× {inline(body.get('factor'))}{_period(body)}"
        case "filter", dict(body):
            given = f" with {inline(body['with'])}" if body.get("with") else ""
            yield f"{body.get('when') or '?'}{given}"
        case "enabled", value:
            yield "yes" if value else "no"
        case _, str(text):
            yield text
        case "themes", list(names):
            yield ", ".join(map(str, names))
        case _, value:
            yield inline(value)


def _weight(body: dict[str, Json]) -> str:
    value = str(body["formula"]) if body.get("formula") else inline(body.get("weight"))
    label = f" ({body['label']})" if body.get("label") else ""
    spaces = body.get("spaces")
    more = [f"on {', '.join(map(str, spaces))}"] if isinstance(spaces, list) and spaces else []
    more += [f"where {body['when']}"] if body.get("when") else []
    more += [f"products of {body['dynamic']}"] if body.get("dynamic") else []
    return value + label + _period(body) + "".join(f", {text}" for text in more)


def _period(body: dict[str, Json]) -> str:
    return "".join(f" {bound} {body[bound]}" for bound in ("from", "until") if body.get(bound))
