"""Scheme 1 of the fingerprints of aspects: what approvals and rejections of earlier releases are bound to.

It is worked out only where such a decision is asked about, of the bodies as they are now, and never written any more.
It bound conditions as they were written and names as they were called. Nothing here may change: it has to give what
those releases gave. What they bound, and why that was not enough: docs/adr/0040-fingerprint-schemes.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from offerkit.address import Address, Kind
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.state.effective import EffectiveOffer, declared_fields
from offerkit.state.snapshot import Snapshot

_ELIGIBILITY = ("code", "enabled", "eligible", "weights", "themes", "category")
_OFFER = re.compile(rb"\boffer\b", re.IGNORECASE)
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


class Content(NamedTuple):
    """A fingerprint of an offer's content on a space.

    ``named``: whether it bound what the offer is called (code, label, name and category), since texts speak of that.
    """

    fingerprint: str
    named: bool


def content_fingerprint(view: Snapshot, address: Address, space: str) -> Content:
    """What scheme 1 says of an offer's content on a space; an empty fingerprint when the space is not there."""
    offer = view.offer(address)
    body = view(offer.around.address(Kind.SPACE, space))
    if body is None:
        return Content("", False)
    fields, render, content = declared_fields(body), body.get("render"), offer.content(space)
    look = canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], render])
    named = _speaks_of_offer(render.values() if isinstance(render, dict) else ()) or _speaks_of_offer(content.values())
    print_ = digest(b"content", canonical(content), look, _identity(offer) if named else b"")
    return Content(print_, named)


def eligibility_fingerprint(view: Snapshot, address: Address) -> str:
    """What scheme 1 says of an offer's eligibility."""
    offer = view.offer(address)
    used: JsonMap = {
        name: {part: body[part] for part in ("when", "parameters") if part in body} if body else None
        for name, (_, body) in ((name, offer.around.filter(name)) for name in dict.fromkeys(offer.filters))
    }
    chain: list[Json] = [
        {"path": layer.name, **{part: layer.body[part] for part in _INHERITED if part in layer.body}}
        for layer in offer.categories
    ]
    said = canonical({"own": offer.pick(_ELIGIBILITY), "filters": used, "categories": chain})
    # Conditions are SQL: names in any case, spaces around the dot. The word alone is reason enough.
    named = _OFFER.search(said) is not None
    return digest(b"eligibility", said, _identity(offer) if named else b"")


def _identity(offer: EffectiveOffer) -> bytes:
    """What the offer is called: its code, label, name and category, for what speaks of them (``offer.code``)."""
    name = offer.address.name
    return canonical([offer.get("code") or name, offer.get("label") or "", name, offer.category])


def _speaks_of_offer(texts: Iterable[Json]) -> bool:
    """Whether one of the templates named the offer, as far as the template engine could tell by itself."""
    from offerkit.templates.inspection import inspect, names_by_engine
    from offerkit.templates.scan import is_template  # every store loads this module; few runs read a template

    for text in texts:
        if isinstance(text, str) and is_template(text):
            names = names_by_engine(text)
            if inspect(text).error or any(name.partition(".")[0] == "offer" for name in names):
                return True
    return False
