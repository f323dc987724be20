"""Fingerprints of scheme 1: what approvals and rejections of earlier releases are bound to.

They are computed only when such a decision is looked up, from the bodies as they are now, and never written. They bound
conditions as they were written and names as they were then. Nothing here may change: it must give what those releases
gave (docs/adr/0040-fingerprint-schemes.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from offerkit.address import Address, Kind
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.state.effective import EffectiveOffer, declared_fields
from offerkit.state.snapshot import Snapshot

_OWN = ("code", "enabled", "eligible", "weights", "themes", "category")
_OFFER = re.compile(rb"\boffer\b", re.IGNORECASE)
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


class Scheme1Content(NamedTuple):
    """A scheme 1 fingerprint of an offer's content on a space.

    ``named``: whether it includes the offer's code, label, name and category, because a text mentions the offer.
    """

    fingerprint: str
    named: bool


def scheme1_content_fingerprint(view: Snapshot, address: Address, space: str) -> Scheme1Content:
    """The scheme 1 fingerprint of an offer's content on a space; empty if the space does not exist."""
    offer = view.offer(address)
    body = view(offer.around.address(Kind.SPACE, space))
    if body is None:
        return Scheme1Content("", False)
    fields, render, content = declared_fields(body), body.get("render"), offer.content(space)
    look = canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], render])
    named = _names_offer(render.values() if isinstance(render, dict) else ()) or _names_offer(content.values())
    print_ = digest(b"content", canonical(content), look, _identity(offer) if named else b"")
    return Scheme1Content(print_, named)


def scheme1_eligibility_fingerprint(view: Snapshot, address: Address) -> str:
    """The scheme 1 fingerprint of an offer's eligibility."""
    offer = view.offer(address)
    used: JsonMap = {
        name: {part: body[part] for part in ("when", "parameters") if part in body} if body else None
        for name, (_, body) in ((name, offer.around.filter(name)) for name in dict.fromkeys(offer.filters))
    }
    chain: list[Json] = [
        {"path": layer.name, **{part: layer.body[part] for part in _INHERITED if part in layer.body}}
        for layer in offer.categories
    ]
    text = canonical({"own": offer.pick(_OWN), "filters": used, "categories": chain})
    # Conditions are SQL: names in any case, spaces around the dot. The word alone is reason enough.
    named = _OFFER.search(text) is not None
    return digest(b"eligibility", text, _identity(offer) if named else b"")


def _identity(offer: EffectiveOffer) -> bytes:
    """The offer's code, label, name and category, for texts that mention them (``offer.code``)."""
    name = offer.address.name
    return canonical([offer.get("code") or name, offer.get("label") or "", name, offer.category])


def _names_offer(texts: Iterable[Json]) -> bool:
    """Whether a template mentions the offer, as far as the template engine alone can tell."""
    from offerkit.templates.inspection import inspect, names_by_engine
    from offerkit.templates.scan import is_template  # every store loads this module; few runs read a template

    for text in texts:
        if isinstance(text, str) and is_template(text):
            names = names_by_engine(text)
            if inspect(text).error or any(name.partition(".")[0] == "offer" for name in names):
                return True
    return False
