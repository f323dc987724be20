"""What an approval is bound to: the fingerprints of an offer's content on a space, and of its eligibility.

domain.md §4: content is the representation on that space with that space's fields and rendering;
eligibility is the offer's weights, dates, conditions and filters, and those it inherits.
"""

from __future__ import annotations

from offerkit.address import Kind, parse_address
from offerkit.fingerprint import Json, canonical, digest
from offerkit.models.inherit import JsonMap, category_chain, content_on, missing_on, names_in, with_template
from offerkit.planning.plan import ApprovalKey, Aspect
from offerkit.planning.view import View

_ELIGIBILITY = ("enabled", "eligible", "weights", "themes", "category")
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


def effective(view: View, address: str) -> JsonMap:
    """The offer at ``address`` with its template's defaults. The offer must be in the view."""
    body = view(address)
    assert body is not None, address
    return with_template(parse_address(address).environment, body, view)


def spaces_of(view: View, address: str) -> tuple[str, ...]:
    """The spaces an offer is to be shown on: those it names, else each whose required fields it gives."""
    environment = parse_address(address).environment
    offer = effective(view, address)
    prefix = f"{environment}/space."
    spaces = {a.removeprefix(prefix): view(a) for a in view.of_kind(Kind.SPACE, environment)}
    named = names_in(offer, "spaces")
    if named:
        return tuple(sorted(name for name in named if name in spaces))
    return tuple(
        sorted(name for name, body in spaces.items() if body is not None and not missing_on(offer, body, name))
    )


def content_fingerprint(view: View, address: str, space: str) -> str:
    """The fingerprint of what an offer looks like on a space; empty when the space is not there."""
    environment = parse_address(address).environment
    place = view(f"{environment}/space.{space}")
    if place is None:
        return ""
    shown: JsonMap = {
        "content": content_on(effective(view, address), place, space),
        "fields": place.get("fields"),
        "render": place.get("render"),
    }
    return digest(b"content", canonical(shown))


def eligibility_fingerprint(view: View, address: str) -> str:
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
    return digest(b"eligibility", canonical({"offer": own, "filters": filters, "categories": chain}))


def _filter_names(eligible: Json) -> list[str]:
    uses = eligible.get("filters") if isinstance(eligible, dict) else None
    return [str(use["filter"]) for use in uses if isinstance(use, dict)] if isinstance(uses, list) else []


def keys_of(view: View, address: str) -> list[ApprovalKey]:
    """Everything about an offer that is to be approved: its eligibility, and its content on each space."""
    keys = [ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, address))]
    for space in spaces_of(view, address):
        keys.append(ApprovalKey(address, Aspect.CONTENT, space, content_fingerprint(view, address, space)))
    return keys


def reviewers(view: View, address: str, aspect: Aspect) -> tuple[str, ...]:
    """The operators named as reviewers of an aspect, on the offer or its template."""
    return names_in(effective(view, address), "reviewers", aspect)
