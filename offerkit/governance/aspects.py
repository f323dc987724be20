"""What is approved of an offer, as fingerprints: each names exactly one state of one aspect.

An approval is bound to fingerprints (domain.md §4): of an offer's content on a space, which is its representation there
with that space's fields and rendering; and of its eligibility, which is its weights, dates, conditions and filters, and
those it inherits. Both depend on bodies alone, so each is worked out once for all snapshots that share them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeAlias

from offerkit.address import Address, Kind
from offerkit.fingerprint import Json, JsonMap, canonical, digest
from offerkit.planning.plan import ApprovalKey, Aspect
from offerkit.state.effective import EffectiveOffer, Inheritance, declared_fields
from offerkit.state.snapshot import Snapshot

_ELIGIBILITY = ("code", "enabled", "eligible", "weights", "themes", "category")
_OFFER = re.compile(rb"\boffer\b", re.IGNORECASE)
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")

_LAST = ("aspects", "")
_Known: TypeAlias = dict[Hashable, str]
"""The fingerprints of one offer, by what else they depend on."""


def content_fingerprint(view: Snapshot, address: Address, space: str) -> str:
    """The fingerprint of what an offer looks like on a space; empty when the space is not there."""
    return content_fingerprints(view, address, (space,))[0]


def content_fingerprints(view: Snapshot, address: Address, spaces: Iterable[str]) -> list[str]:
    """:func:`content_fingerprint` for several spaces."""
    offer = view.offer(address)
    known, looks = _known(view, offer), _looks(view, offer.around)
    speaking: dict[bytes, bool] = {}  # most spaces show the same texts
    found = []
    for space in spaces:
        look = looks.get(space)
        print_ = known.get(look.key) if look is not None else ""
        if print_ is None:
            assert look is not None
            content = offer.content(space)
            shown = canonical(content)
            if shown not in speaking:
                speaking[shown] = _speaks_of_offer(content.values())
            named = look.names_offer or speaking[shown]
            print_ = digest(b"content", shown, look.text, _identity(offer) if named else b"")
            known[look.key] = print_
        found.append(print_)
    return found


def eligibility_fingerprint(view: Snapshot, address: Address) -> str:
    """The fingerprint of who may be proposed an offer, when, and with what weight."""
    offer = view.offer(address)
    names = dict.fromkeys(offer.filters)
    filters = _prints(view, (offer.around.address(Kind.FILTER, name) for name in names))
    known, key = _known(view, offer), (_categories(view, offer), filters)
    if key not in known:
        used: JsonMap = {
            name: {part: body[part] for part in ("when", "parameters") if part in body} if body else None
            for name, (_, body) in ((name, offer.around.filter(name)) for name in names)
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


def keys_of(view: Snapshot, address: Address) -> list[ApprovalKey]:
    """Everything about an offer that is to be approved: its eligibility, and its content on each space."""
    spaces = view.offer(address).shown_on
    prints = zip(spaces, content_fingerprints(view, address, spaces), strict=True)
    return [
        ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, address)),
        *(ApprovalKey(address, Aspect.CONTENT, space, print_) for space, print_ in prints),
    ]


def affecting(view: Snapshot, offer: Address) -> set[Address]:
    """The addresses whose content can change what was approved of ``offer``, itself included.

    It may be live on spaces that it does not name any more.
    """
    known = view.offer(offer)
    active = view.entries[offer].activation or ()
    return {offer, *known.relies_on, *[known.around.address(Kind.SPACE, space) for space in active]}


class _Look(NamedTuple):
    """What a space makes of any offer: the canonical bytes of its fields and rendering functions.

    ``key``: the space's name and fingerprint. ``names_offer``: whether fields or functions speak of the offer's own
    code, label, name or category.
    """

    key: str
    text: bytes
    names_offer: bool


def _known(view: Snapshot, offer: EffectiveOffer) -> _Known:
    """What was worked out already of this offer with these templates, here or in a snapshot that shares bodies."""
    last: tuple[str, _Known] = view.memo.get(_LAST, ("", {}))  # one offer is asked about on many spaces in a row
    if last[0] != offer.address:
        key = ("aspects", *_prints(view, (layer.address for layer in offer.layers)))
        last = view.memo[_LAST] = offer.address, view.derived.setdefault(key, {})
    return last[1]


def _prints(view: Snapshot, addresses: Iterable[Address]) -> tuple[str, ...]:
    """What stands at ``addresses``, as a key: addresses (what is said depends on names, too) and fingerprints."""
    entries = view.entries
    found: list[str] = []
    for address in addresses:
        entry = entries.get(address)
        found += (address, entry.fingerprint if entry is not None else "")
    return tuple(found)


def _categories(view: Snapshot, offer: EffectiveOffer) -> tuple[str, ...]:
    """The categories of ``offer`` as a key; many offers stand in one."""
    place = ("categories", offer.around.address(Kind.CATEGORY, offer.category))
    known: tuple[str, ...] | None = view.memo.get(place)
    if known is None:
        known = view.memo[place] = _prints(view, (layer.address for layer in offer.categories))
    return known


def _looks(view: Snapshot, around: Inheritance) -> dict[str, _Look]:
    """What the spaces of an environment make of its offers, by name."""
    place = ("looks", around.environment)
    known: dict[str, _Look] | None = view.memo.get(place)
    if known is None:
        known = {space.name: _look(view, space.name, space.address) for space in around.spaces.values()}
        view.memo[place] = known
    return known


def _look(view: Snapshot, space: str, address: Address) -> _Look:
    """What the space at ``address`` makes of any offer of its environment."""
    key = ("look", space, view.entries[address].fingerprint)
    known: _Look | None = view.derived.get(key)
    if known is None:
        body = view(address) or {}
        fields, render = declared_fields(body), body.get("render")
        # A field's label is for those who edit offers; no customer sees it.
        text = canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], render])
        names_offer = _speaks_of_offer(render.values() if isinstance(render, dict) else ())
        known = view.derived[key] = _Look(" ".join(key[1:]), text, names_offer)
    return known


def _identity(offer: EffectiveOffer) -> bytes:
    """What the offer is called: its code, label, name and category, for what speaks of them (``offer.code``)."""
    name = offer.address.name
    return canonical([offer.get("code") or name, offer.get("label") or "", name, offer.category])


def _speaks_of_offer(texts: Iterable[Json]) -> bool:
    """Whether one of the templates names the offer itself; a template that cannot be read counts as one that does."""
    from offerkit.rendering.scan import is_template  # every store loads this module; few runs read a template
    from offerkit.rendering.templates import inspect

    for text in texts:
        if isinstance(text, str) and is_template(text):
            seen = inspect(text)
            if seen.error or any(name.partition(".")[0] == "offer" for name in seen.variables):
                return True
    return False
