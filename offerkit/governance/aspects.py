"""What an approval is bound to: the fingerprints of an offer's content on a space, and of its eligibility.

domain.md §4: content is the representation on that space with that space's fields and rendering;
eligibility is the offer's weights, dates, conditions and filters, and those it inherits.

Both depend on bodies alone, so each is worked out once for all snapshots that share them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.planning.plan import ApprovalKey, Aspect
from offerkit.rendering.scan import is_template
from offerkit.rendering.templates import inspect
from offerkit.state.effective import EffectiveOffer, SpaceFields, declared_fields
from offerkit.state.snapshot import Snapshot

_ELIGIBILITY = ("code", "enabled", "eligible", "weights", "themes", "category")
_OFFER = re.compile(rb"\boffer\b", re.IGNORECASE)
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")

_Known: TypeAlias = dict[tuple[str, ...], str]
"""The fingerprints of one offer, by what else they depend on."""


class _Look(NamedTuple):
    """What a space makes of any offer: the canonical bytes of its fields and rendering functions.

    ``names_offer``: whether these speak of the offer's own code, label, name or category.
    """

    text: bytes
    names_offer: bool


def content_fingerprint(view: Snapshot, address: str, space: str) -> str:
    """The fingerprint of what an offer looks like on a space; empty when the space is not there."""
    offer = view.offer(address)
    place = offer.around.spaces.get(space)
    if place is None:
        return ""
    known, key = _known(view, offer), (Aspect.CONTENT, space, view.entries[place.address].fingerprint)
    if key not in known:
        content, look = offer.content(space), _look(view, place)
        named = look.names_offer or _speaks_of_offer(content.values())
        known[key] = digest(b"content", canonical(content), look.text, _identity(offer) if named else b"")
    return known[key]


def eligibility_fingerprint(view: Snapshot, address: str) -> str:
    """The fingerprint of who may be proposed an offer, when, and with what weight."""
    offer = view.offer(address)
    filters = {name: offer.around.filter(name) for name in offer.filters}
    relied_on = (*(layer.address for layer in offer.categories), *(filter_ for filter_, _ in filters.values()))
    known, key = _known(view, offer), (Aspect.ELIGIBILITY, *_prints(view, relied_on))
    if key not in known:
        used: JsonMap = {
            name: {part: body[part] for part in ("when", "parameters") if part in body} if body else None
            for name, (_, body) in filters.items()
        }
        chain: list[Json] = [
            {"path": layer.name, **{part: layer.body[part] for part in _INHERITED if part in layer.body}}
            for layer in offer.categories
        ]
        said = canonical({"own": offer.pick(_ELIGIBILITY), "filters": used, "categories": chain})
        # Conditions are SQL: names in any case, spaces around the dot. The word alone is reason enough.
        named = _OFFER.search(said) is not None
        known[key] = digest(b"eligibility", said, _identity(offer) if named else b"")
    return known[key]


def keys_of(view: Snapshot, address: str) -> list[ApprovalKey]:
    """Everything about an offer that is to be approved: its eligibility, and its content on each space."""
    keys = [ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, address))]
    for space in view.offer(address).shown_on:
        keys.append(ApprovalKey(address, Aspect.CONTENT, space, content_fingerprint(view, address, space)))
    return keys


def _known(view: Snapshot, offer: EffectiveOffer) -> _Known:
    """What was worked out already of this offer with these templates, here or in a snapshot that shares bodies."""
    here = ("aspects", offer.address)
    known: _Known | None = view.memo.get(here)
    if known is None:
        key = (*here, *_prints(view, (layer.address for layer in offer.layers)))
        known = view.memo[here] = view.derived.setdefault(key, {})
    return known


def _prints(view: Snapshot, addresses: Iterable[str]) -> tuple[str, ...]:
    """What stands at ``addresses``, as a key: addresses (what is said depends on names, too) and fingerprints."""
    entries = view.entries
    return tuple(
        part for address in addresses for part in (address, entries[address].fingerprint if address in entries else "")
    )


def _look(view: Snapshot, space: SpaceFields) -> _Look:
    key = ("look", view.entries[space.address].fingerprint)
    known: _Look | None = view.derived.get(key)
    if known is None:
        body = view(space.address) or {}
        fields, render = declared_fields(body), body.get("render")
        # A field's label is for those who edit offers; no customer sees it.
        text = canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], render])
        names_offer = _speaks_of_offer(render.values() if isinstance(render, dict) else ())
        known = view.derived[key] = _Look(text, names_offer)
    return known


def _identity(offer: EffectiveOffer) -> bytes:
    """What the offer is called: its code, label, name and category, for what speaks of them (``offer.code``)."""
    name = offer.address.partition(".")[2]
    return canonical([offer.get("code") or name, offer.get("label") or "", name, offer.category])


def _speaks_of_offer(texts: Iterable[Json]) -> bool:
    """Whether one of the templates names the offer itself; a template that cannot be read counts as one that does."""
    for text in texts:
        if isinstance(text, str) and is_template(text):
            seen = inspect(text)
            if seen.error or any(name.partition(".")[0] == "offer" for name in seen.variables):
                return True
    return False
