"""What decides over an offer, in live and in design side by side: each condition, date and weight, and who says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from offerkit.address import Address, environment_address
from offerkit.fingerprint import Json, JsonMap
from offerkit.reports.values import inline
from offerkit.state.effective import EffectiveOffer
from offerkit.state.snapshot import Snapshot


class Part(NamedTuple):
    """One thing that decides: what it is, as it is written, and the address of what says it."""

    what: str
    text: str
    origin: Address


@dataclass(frozen=True)
class PartRow:
    """The same part in both stages; empty where a stage does not have it."""

    what: str
    origin: Address
    live: str
    design: str

    @property
    def same(self) -> bool:
        """Whether promoting design would leave it as it is."""
        return self.live == self.design


def compared(address: Address, live: Snapshot, design: Snapshot) -> list[PartRow]:
    """The parts of an offer in the order in which they decide, in both stages beside each other."""
    sides = [list(parts(view, address)) if address in view.entries else [] for view in (live, design)]
    keys = dict.fromkeys((part.what, part.origin) for part in sorted(sides[1] + sides[0], key=_order))
    rows = []
    for what, origin in keys:
        texts = ([part.text for part in side if (part.what, part.origin) == (what, origin)] for side in sides)
        rows += [PartRow(what, origin, *pair) for pair in zip_longest(*texts, fillvalue="")]
    return rows


_KINDS = ("Switched off", "Condition", "Filter", "Dates", "Spaces", "Weight", "Multiplier")


def _order(part: Part) -> int:
    return _KINDS.index(part.what)


def parts(view: Snapshot, address: Address) -> Iterator[Part]:
    """All that decides over an offer in a stage: its environment's and categories' share, then its own."""
    offer = view.offer(address)
    environment = environment_address(address.environment)
    if when := (view(environment) or {}).get("when"):
        yield Part("Condition", str(when), environment)
    for layer in offer.categories:
        if layer.body.get("enabled") is False:
            yield Part("Switched off", "with all below it", layer.address)
        eligible = layer.body.get("eligible")
        yield from _eligible(eligible if isinstance(eligible, dict) else {}, layer.address)
        if isinstance(multiplier := layer.body.get("multiplier"), dict):
            yield Part("Multiplier", f"× {inline(multiplier['factor'])}{_period(multiplier)}", layer.address)
    yield from _own(offer)


def _own(offer: EffectiveOffer) -> Iterator[Part]:
    if offer.get("enabled") is False:
        yield Part("Switched off", "", offer.address)
    uses = offer.get("eligible", "filters")
    for use in uses if isinstance(uses, list) else ():
        if isinstance(use, dict):
            name, body = offer.around.filter(str(use["filter"]))
            given = f" with {inline(use['with'])}" if use.get("with") else ""
            yield Part("Filter", f"{(body or {}).get('when', '')}{given}", name)
    if when := offer.get("eligible", "when"):
        yield Part("Condition", str(when), offer.origin(("eligible", "when")))
    for bound in ("from", "until"):
        if day := offer.get("eligible", bound):
            yield Part("Dates", f"{bound} {day}", offer.origin(("eligible", bound)))
    yield Part("Spaces", ", ".join(offer.shown_on) or "none", offer.origin(("spaces",)))
    weights = offer.get("weights")
    for weight in weights if isinstance(weights, list) and weights else ({"weight": 1},):
        if isinstance(weight, dict):
            yield Part("Weight", _weight(weight), offer.origin(("weights",)))


def _eligible(body: JsonMap, origin: Address) -> Iterator[Part]:
    if when := body.get("when"):
        yield Part("Condition", str(when), origin)
    for bound in ("from", "until"):
        if day := body.get(bound):
            yield Part("Dates", f"{bound} {day}", origin)


def _weight(body: JsonMap) -> str:
    value = str(body["formula"]) if body.get("formula") else inline(body.get("weight"))
    more = [f"on {', '.join(map(str, spaces))}" for spaces in _lists(body.get("spaces"))]
    more += [f"where {body['when']}"] if body.get("when") else []
    more += [f"products of {body['dynamic']}"] if body.get("dynamic") else []
    label = f" ({body['label']})" if body.get("label") else ""
    return value + label + _period(body) + "".join(f", {text}" for text in more)


def _lists(value: Json) -> Sequence[list[Json]]:
    return [value] if isinstance(value, list) and value else []


def _period(body: JsonMap) -> str:
    return "".join(f" {bound} {body[bound]}" for bound in ("from", "until") if body.get(bound))
