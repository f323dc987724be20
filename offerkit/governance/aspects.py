"""What an approval is bound to: the fingerprints of an offer's content on a space, and of its eligibility.

domain.md §4: content is the representation on that space with that space's fields and rendering;
eligibility is the offer's weights, dates, conditions and filters, and those it inherits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from offerkit.address import Kind, parse_address
from offerkit.fingerprint import Json, canonical, digest
from offerkit.models.inherit import JsonMap, Place, category_chain, names_in, with_template
from offerkit.planning.plan import ApprovalKey, Aspect
from offerkit.rendering.scan import is_template
from offerkit.rendering.templates import inspect
from offerkit.state.snapshot import Snapshot

_ELIGIBILITY = ("code", "enabled", "eligible", "weights", "themes", "category")
_OFFER = re.compile(rb"\boffer\b", re.IGNORECASE)
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


def effective(view: Snapshot, address: str) -> JsonMap:
    """The offer at ``address`` with its template's defaults. The offer must be in the view."""
    key = ("effective", address)
    known: JsonMap | None = view.memo.get(key)
    if known is None:
        body = view(address)
        assert body is not None, address
        known = view.memo[key] = with_template(parse_address(address).environment, body, view)
    return known


def _places(view: Snapshot, environment: str) -> dict[str, Place]:
    """The spaces of an environment by name."""
    key = ("places", environment)
    known: dict[str, Place] | None = view.memo.get(key)
    if known is None:
        prefix = f"{environment}/space."
        bodies = {address: view(address) for address in view.of_kind(Kind.SPACE, environment)}
        known = {a.removeprefix(prefix): _place(a.removeprefix(prefix), b) for a, b in bodies.items() if b is not None}
        view.memo[key] = known
    return known


def _place(name: str, body: JsonMap) -> Place:
    render = body.get("render")
    return Place.of(name, body, names_offer=_speaks_of_offer(render.values() if isinstance(render, dict) else ()))


def spaces_of(view: Snapshot, address: str) -> tuple[str, ...]:
    """The spaces an offer is to be shown on: those it names, else each whose required fields it gives."""
    offer = effective(view, address)
    places = _places(view, parse_address(address).environment)
    named = names_in(offer, "spaces")
    if named:
        return tuple(sorted(name for name in named if name in places))
    return tuple(sorted(name for name, place in places.items() if not place.missing(offer)))


def missing_fields(view: Snapshot, address: str, space: str) -> list[str]:
    """The fields that ``space`` requires and the offer does not give there; none for an unknown space."""
    place = _places(view, parse_address(address).environment).get(space)
    return place.missing(effective(view, address)) if place is not None else []


def content_fingerprint(view: Snapshot, address: str, space: str) -> str:
    """The fingerprint of what an offer looks like on a space; empty when the space is not there."""
    place = _places(view, parse_address(address).environment).get(space)
    if place is None:
        return ""
    offer = effective(view, address)
    content = place.content(offer)
    named = place.names_offer or _speaks_of_offer(content.values())
    return digest(b"content", canonical(content), place.look, _identity(address, offer) if named else b"")


def eligibility_fingerprint(view: Snapshot, address: str) -> str:
    """The fingerprint of who may be proposed an offer, when, and with what weight."""
    environment = parse_address(address).environment
    offer = effective(view, address)
    filters: JsonMap = {}
    uses = offer.get("eligible")
    for use in _filter_names(uses):
        body = view(f"{environment}/filter.{use}")
        filters[use] = {key: body[key] for key in ("when", "parameters") if key in body} if body else None
    chain: list[Json] = [
        {"path": path, **{key: body[key] for key in _INHERITED if key in body}}
        for path, body in category_chain(environment, str(offer.get("category", "")), view)
    ]
    own: JsonMap = {key: offer[key] for key in _ELIGIBILITY if key in offer}
    said = canonical({"own": own, "filters": filters, "categories": chain})
    # Conditions are SQL: names in any case, spaces around the dot. The word alone is reason enough.
    named = _OFFER.search(said) is not None
    return digest(b"eligibility", said, _identity(address, offer) if named else b"")


def _identity(address: str, offer: JsonMap) -> bytes:
    """What the offer is called: its code, label, name and category, for what speaks of them (``offer.code``)."""
    name = parse_address(address).name
    return canonical([offer.get("code", name), offer.get("label", ""), name, offer.get("category", "")])


def _speaks_of_offer(texts: Iterable[Json]) -> bool:
    """Whether one of the templates names the offer itself; a template that cannot be read counts as one that does."""
    for text in texts:
        if isinstance(text, str) and is_template(text):
            seen = inspect(text)
            if seen.error or any(name.partition(".")[0] == "offer" for name in seen.variables):
                return True
    return False


def _filter_names(eligible: Json) -> list[str]:
    uses = eligible.get("filters") if isinstance(eligible, dict) else None
    return [str(use["filter"]) for use in uses if isinstance(use, dict)] if isinstance(uses, list) else []


def keys_of(view: Snapshot, address: str) -> list[ApprovalKey]:
    """Everything about an offer that is to be approved: its eligibility, and its content on each space."""
    keys = [ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, address))]
    for space in spaces_of(view, address):
        keys.append(ApprovalKey(address, Aspect.CONTENT, space, content_fingerprint(view, address, space)))
    return keys


def reviewers(view: Snapshot, address: str, aspect: Aspect) -> tuple[str, ...]:
    """The operators named as reviewers of an aspect, on the offer or its template."""
    return names_in(effective(view, address), "reviewers", aspect)
