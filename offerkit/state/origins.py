"""The parts of a resource, each with the resource that gives it: an offer has some of its own, inherits the others.

A part is a single value: maps are taken apart, lists are replaced as a whole. An offer and its templates are merged,
and the nearest value wins (:mod:`offerkit.state.effective`); what categories and the environment say applies besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import Json, JsonMap, JsonPath, json_map
from offerkit.state.effective import EffectiveOffer, Layer, filter_uses, origin
from offerkit.state.snapshot import Snapshot

FROM_CATEGORY = ("enabled", "eligible", "multiplier", "themes", "fields", "always_include")
"""The properties of a category that affect the offers and categories below it."""
FROM_ENVIRONMENT = ("time_zone", "when", "filters", "typology", "assets")
"""The properties of an environment that affect each of its offers."""
_FIELDS = "fields"


class GivenPart(NamedTuple):
    """A value, the resource whose body has it, and its path there.

    ``user``: the resource that uses that filter, ``within`` its own property, such as ``weights``.
    """

    path: JsonPath
    value: Json
    origin: Address
    user: Address | None = None
    within: str = ""


def parts_of(view: Snapshot, address: Address) -> tuple[GivenPart, ...]:
    """Everything that the resource at ``address`` has or inherits, outermost first. Raises KeyError if missing."""
    body = view(address)
    if body is None:
        raise KeyError(address)
    if address.kind in (Kind.OFFER, Kind.TEMPLATE):
        parts = [*_around(view, view.offer(address)), *merged_parts(view.offer(address))]
    elif address.kind is Kind.CATEGORY:
        parts = [*_of_environment(view, address), *_of_tree(view, address, body)]
    else:
        parts = [GivenPart(path, value, address) for path, value in leaves(body)]
    return (*parts, *_filters(view, parts))


def leaves(value: Json, path: JsonPath = ()) -> Iterator[tuple[JsonPath, Json]]:
    """The values in ``value`` that are no maps, and empty maps, each with its path."""
    if isinstance(value, dict) and (value or not path):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    else:
        yield path, value


def merged_parts(offer: EffectiveOffer) -> Iterator[GivenPart]:
    """The parts of an offer and its templates, of each the value that wins."""
    return (GivenPart(path, value, offer.origin(path)) for path, value in leaves(offer.body))


def content_parts(offer: EffectiveOffer, space: str) -> Iterator[GivenPart]:
    """The texts that an offer shows on ``space``, in the order of the space's fields."""
    for field, value in offer.content(space).items():
        found = offer.content_origin(space, field)
        assert found is not None, "what is shown is given by somebody"
        yield GivenPart(found[1], value, found[0])


def _around(view: Snapshot, offer: EffectiveOffer) -> Iterator[GivenPart]:
    yield from _of_environment(view, offer.address)
    given_by = (*offer.layers, *reversed(offer.categories))
    for layer in offer.categories:
        yield from _inherited(layer, given_by)


def _of_tree(view: Snapshot, address: Address, body: JsonMap) -> Iterator[GivenPart]:
    """The parts of a category and of those above it."""
    *above, own = view.inheritance(address.environment).categories(address.name)
    for layer in above:
        yield from _inherited(layer, (own, *reversed(above)))
    yield from (GivenPart(path, value, address) for path, value in leaves(body))


def _of_environment(view: Snapshot, address: Address) -> Iterator[GivenPart]:
    environment = environment_address(address.environment)
    body = view(environment) or {}
    chosen = {key: body[key] for key in FROM_ENVIRONMENT if key in body}
    return (GivenPart(path, value, environment) for path, value in leaves(chosen))


def _inherited(layer: Layer, given_by: Iterable[Layer]) -> Iterator[GivenPart]:
    """What a category hands down, without the fields that somebody nearer gives another value."""
    chosen = {key: layer.body[key] for key in FROM_CATEGORY if key in layer.body}
    layers = tuple(given_by)
    for path, value in leaves(chosen):
        if path[0] != _FIELDS or origin(layers, path[:2]) == layer.address:
            yield GivenPart(path, value, layer.address)


def _filters(view: Snapshot, parts: Iterable[GivenPart]) -> Iterator[GivenPart]:
    """The conditions of the predefined filters that ``parts`` use, each as often as it is used."""
    for part in parts:
        for use in _uses(part):
            address = part.origin.beside(Kind.FILTER, str(use["filter"]))
            for path, value in leaves(_condition(view(address) or {})):
                yield GivenPart(path, value, address, part.origin, str(part.path[0]))


def _condition(body: JsonMap) -> JsonMap:
    return {key: body[key] for key in ("when", "parameters") if key in body}


def _uses(part: GivenPart) -> Iterator[JsonMap]:
    match part.path:
        case ("weights",) if isinstance(part.value, list):
            for weight in part.value:
                yield from filter_uses(json_map(weight).get("filters"))
        case ("eligible", "filters") | ("filters",):
            yield from filter_uses(part.value)
        case _:
            return
