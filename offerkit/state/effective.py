"""Effective offers: an offer merged with its templates, categories and spaces; and the origin of each part.

This is the one place that says what an offer shows where; checks of specs, approvals, plans, the engine and pages use
it. It needs only a lookup from address to body, so it works on states and on specs alike. Bodies leave out defaults:
what a body does not contain is inherited (docs/spec-files.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from offerkit.address import Address, Kind, ancestors, known_address
from offerkit.fingerprint import Json, JsonMap, JsonPath, json_map

Lookup: TypeAlias = Callable[[Address], JsonMap | None]
"""Gives the body at an address, or None."""

_OWN = frozenset({"label", "description", "protected", "template"})
"""The fields of a template that offers do not inherit."""


def merged(base: JsonMap, over: JsonMap) -> JsonMap:
    """``base`` overridden by ``over``: maps are merged key by key, anything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def names_in(value: Json, *keys: str) -> tuple[str, ...]:
    """The list of names at ``keys`` in a body; empty if missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return tuple([item for item in value if isinstance(item, str)]) if isinstance(value, list) else ()


class Layer(NamedTuple):
    """A resource that contributes to an offer: its address, and the part of its body that it contributes."""

    address: Address
    body: JsonMap

    @property
    def name(self) -> str:
        """The resource's name; a category's is its path."""
        return self.address.name


def origin(layers: Iterable[Layer], path: JsonPath) -> Address | None:
    """The address of the first of ``layers`` that sets ``path``; None if none does."""
    return next((layer.address for layer in layers if _says(layer.body, path)), None)


def _says(body: object, path: JsonPath) -> bool:
    """Whether ``body`` sets ``path``; lists are replaced as a whole, so an index in a list counts as set."""
    for key in path:
        if isinstance(key, int):
            return True
        if not isinstance(body, dict) or key not in body:
            return False
        body = body[key]
    return True


@dataclass(frozen=True, slots=True)
class TemplateChain:
    """A template with those it builds on, nearest first, and their merged defaults."""

    layers: tuple[Layer, ...] = ()
    defaults: JsonMap | None = None


_NO_TEMPLATE = TemplateChain()


@dataclass(frozen=True, slots=True)
class SpaceFields:
    """The fields of a space, in order, and which of them it requires."""

    address: Address
    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]

    @classmethod
    def of(cls, address: Address, body: JsonMap) -> SpaceFields:
        """The fields declared in the body of the space at ``address``."""
        fields = declared_fields(body)
        return cls(
            address,
            address.name,
            tuple(str(field["name"]) for field in fields),
            tuple(str(field["name"]) for field in fields if field.get("required")),
        )


def declared_fields(space: JsonMap) -> list[JsonMap]:
    """The fields that a space's body declares, in their order."""
    listed = space.get("fields")
    return [field for field in (listed if isinstance(listed, list) else ()) if isinstance(field, dict)]


def filters_of(body: JsonMap) -> tuple[str, ...]:
    """The names of the predefined filters that a body uses, in order: for all, then those of its weights.

    The body of an offer, template, category or environment.
    """
    eligible, weights = body.get("eligible"), body.get("weights")
    names = _filter_names(body.get("filters"))
    if isinstance(eligible, dict):
        names += _filter_names(eligible.get("filters"))
    return names + weight_filters(weights) if isinstance(weights, list) else names


def filter_uses(filters: Json) -> list[JsonMap]:
    """The uses of filters in a list of a body."""
    listed = filters if isinstance(filters, list) else ()
    return [use for use in listed if isinstance(use, dict) and "filter" in use]


def weight_filters(weights: Json) -> tuple[str, ...]:
    """The names of the filters that a list of weights uses."""
    listed = weights if isinstance(weights, list) else ()
    return tuple(name for weight in listed if isinstance(weight, dict) for name in _filter_names(weight.get("filters")))


def _filter_names(filters: Json) -> tuple[str, ...]:
    return tuple([str(use["filter"]) for use in filter_uses(filters)])


class Inheritance:
    """What the offers of one environment inherit from templates, categories and spaces; each is computed once."""

    def __init__(self, environment: str, lookup: Lookup, spaces: Iterable[Address] = ()) -> None:
        """``lookup`` finds the bodies; ``spaces``: the addresses of the environment's spaces."""
        self.environment, self._lookup, self._addresses = environment, lookup, spaces
        self._templates: dict[str, TemplateChain] = {}
        self._categories: dict[str, tuple[Layer, ...]] = {}
        self._shown_on: dict[object, tuple[str, ...]] = {}
        self._handing_down: dict[tuple[str, str], frozenset[Address]] = {}

    def address(self, kind: Kind, name: str) -> Address:
        """The address of a resource of the environment."""
        return known_address(self.environment, kind, name)

    def offer(self, address: Address) -> EffectiveOffer:
        """The offer (or template) at ``address`` with everything it inherits. Raises KeyError if missing."""
        body = self._lookup(address)
        if body is None:
            raise KeyError(address)
        return EffectiveOffer(address, body, self.templates(body.get("template")), self)

    def templates(self, name: Json) -> TemplateChain:
        """The template ``name`` and those it builds on; a missing template contributes nothing, a cycle is cut."""
        if not isinstance(name, str):
            return _NO_TEMPLATE
        known = self._templates.get(name)
        if known is None:
            layers = tuple(self._chain(name))
            defaults: JsonMap = {}
            for layer in reversed(layers):
                defaults = merged(defaults, layer.body)
            known = self._templates[name] = TemplateChain(layers, defaults)
        return known

    def _chain(self, name: Json) -> Iterator[Layer]:
        visited: set[str] = set()
        while isinstance(name, str) and name not in visited:
            visited.add(name)
            address = self.address(Kind.TEMPLATE, name)
            body = self._lookup(address)
            if body is None:
                return
            yield Layer(address, {key: value for key, value in body.items() if key not in _OWN})
            name = body.get("template")

    def categories(self, path: str) -> tuple[Layer, ...]:
        """The categories from the root to ``path``; missing ones are left out."""
        known = self._categories.get(path)
        if known is None:
            addresses = [self.address(Kind.CATEGORY, name) for name in ancestors(path)]
            bodies = [(address, self._lookup(address)) for address in addresses]
            known = self._categories[path] = tuple(Layer(a, body) for a, body in bodies if body is not None)
        return known

    def themes(self, path: str) -> frozenset[str]:
        """The themes of the category ``path`` and of all categories above it."""
        return frozenset(theme for layer in self.categories(path) for theme in names_in(layer.body, "themes"))

    def always_included(self, path: str) -> bool:
        """Whether the category ``path``, or one above it, is added to every slice of the catalog."""
        return any(layer.body.get("always_include") is True for layer in self.categories(path))

    def handing_down(self, template: Json, category: str) -> frozenset[Address]:
        """The addresses of these templates and categories, and of the filters that they use."""
        key = (template if isinstance(template, str) else "", category)
        known = self._handing_down.get(key)
        if known is None:
            templates = self.templates(template).layers
            layers = (*templates, *self.categories(category))
            filters = [self.address(Kind.FILTER, name) for layer in layers for name in filters_of(layer.body)]
            known = frozenset([*(layer.address for layer in layers), *filters])
            self._handing_down[key] = known
        return known

    @cached_property
    def space_addresses(self) -> tuple[Address, ...]:
        """The addresses of the environment's spaces."""
        return tuple(space.address for space in self.spaces.values())

    @cached_property
    def spaces(self) -> dict[str, SpaceFields]:
        """The environment's spaces by name."""
        bodies = [(address, self._lookup(address)) for address in self._addresses]
        spaces = [SpaceFields.of(address, body) for address, body in bodies if body is not None]
        return {space.name: space for space in spaces}

    def filter(self, name: str) -> tuple[Address, JsonMap | None]:
        """The address of the predefined filter ``name``, and its body or None."""
        address = self.address(Kind.FILTER, name)
        return address, self._lookup(address)

    def shown_on(self, offer: EffectiveOffer) -> tuple[str, ...]:
        """:attr:`EffectiveOffer.shown_on`, computed once for all offers with the same fields."""
        shape = offer.shape
        known = self._shown_on.get(shape)
        if known is None:
            fitting = [name for name in self.spaces if not offer.missing(name)]
            known = self._shown_on[shape] = tuple(sorted(fitting))
        return known


@dataclass(frozen=True)
class EffectiveOffer:
    """An offer with its templates and categories applied."""

    address: Address
    own: JsonMap
    template: TemplateChain
    around: Inheritance

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The offer and its templates, nearest first; the first that sets a value wins."""
        return (Layer(self.address, self.own), *self.template.layers)

    @property
    def body(self) -> JsonMap:
        """The merged body."""
        return merged(self.template.defaults or {}, self.own)

    def get(self, *path: str) -> Json:
        """The effective value at ``path``; None if neither the offer nor a template sets it."""
        own: Json = self.own
        below: Json = self.template.defaults
        for key in path:
            own = own.get(key) if isinstance(own, dict) else None
            below = below.get(key) if isinstance(below, dict) else None
            if own is not None and not (isinstance(own, dict) and isinstance(below, dict)):
                below = None  # only maps are merged; anything else replaces the inherited value
        if own is None:
            return below
        return merged(below, own) if isinstance(below, dict) and isinstance(own, dict) else own

    def pick(self, keys: Iterable[str]) -> JsonMap:
        """The effective body, reduced to ``keys``."""
        own, below = self.own, self.template.defaults or {}
        result: JsonMap = {}
        for key in keys:
            value, base = own.get(key), below.get(key)
            if value is None:
                value = base
            elif isinstance(value, dict) and isinstance(base, dict):
                value = merged(base, value)
            if value is not None:
                result[key] = value
        return result

    def origin(self, path: JsonPath) -> Address:
        """The address of the offer or template that sets ``path``; the offer's own if none does."""
        return origin(self.layers, path) or self.address

    @property
    def category(self) -> str:
        """The path of its category; empty for a template."""
        return str(self.own.get("category", ""))

    @cached_property
    def categories(self) -> tuple[Layer, ...]:
        """Its categories, root first. All of them apply: dates and conditions intersect, multipliers multiply."""
        return self.around.categories(self.category)

    @property
    def themes(self) -> frozenset[str]:
        """Its themes, and those of its categories."""
        return self.around.themes(self.category).union(names_in(self.get("themes")))

    @property
    def filters(self) -> tuple[str, ...]:
        """The predefined filters, in order; all must hold. Those of its categories and weights come on top."""
        return _filter_names(self.get("eligible", "filters"))

    @property
    def every_filter(self) -> tuple[str, ...]:
        """Every filter that its eligibility depends on, once: its own, its weights', and those of its categories."""
        inherited = (name for layer in self.categories for name in filters_of(layer.body))
        return tuple(dict.fromkeys((*self.filters, *weight_filters(self.get("weights")), *inherited)))

    @cached_property
    def fields(self) -> JsonMap:
        """Its values of the environment's ``offer_fields``: the offer's over its templates' over its categories'."""
        given: JsonMap = {}
        for layer in self.categories:
            given |= json_map(layer.body.get("fields"))
        return given | json_map((self.template.defaults or {}).get("fields")) | json_map(self.own.get("fields"))

    def field_origin(self, name: str) -> Address | None:
        """The address of the offer, template or category that gives the field its value; None if none does."""
        return origin((*self.layers, *reversed(self.categories)), ("fields", name))

    def reviewers(self, aspect: str) -> tuple[str, ...]:
        """The operators named as reviewers of ``aspect``; empty if none are named."""
        return names_in(self.get("reviewers", aspect))

    @cached_property
    def named_spaces(self) -> tuple[str, ...]:
        """The spaces that it names, whether they exist or not; if empty, its fields decide."""
        return names_in(self.get("spaces"))

    @property
    def shown_on(self) -> tuple[str, ...]:
        """The spaces to show it on: those it names, else every space whose required fields it has. Sorted."""
        named = self.named_spaces
        if named:
            return tuple(sorted(name for name in named if name in self.around.spaces))
        return self.around.shown_on(self)

    @property
    def shape(self) -> tuple[object, ...]:
        """A key shared by offers that have the same fields on the same spaces, whatever their texts."""
        content, by_space = self.own.get("content"), self.own.get("representations")
        return (
            self.own.get("template"),
            tuple(content) if isinstance(content, dict) else (),
            tuple((space, tuple(texts)) for space, texts in by_space.items() if isinstance(texts, dict))
            if isinstance(by_space, dict)
            else (),
        )

    @property
    def relies_on(self) -> set[Address]:
        """The addresses that can affect it: templates, categories, filters, and the spaces it can be shown on.

        A filter that only a template uses is included, even if the offer has filters of its own.
        """
        around, named = self.around, self.named_spaces
        return {
            *around.handing_down(self.own.get("template"), self.category),
            *(around.address(Kind.FILTER, name) for name in filters_of(self.own)),
            *([around.address(Kind.SPACE, name) for name in named] if named else around.space_addresses),
        }

    def content(self, space: str) -> JsonMap:
        """Its content on ``space``, for the fields that the space has; empty if there is no such space.

        A representation, also one from a template, overrides the content for all spaces.
        """
        space_fields = self.around.spaces.get(space)
        texts = self._given(space)
        return {
            field: texts[field] for field in (space_fields.fields if space_fields is not None else ()) if field in texts
        }

    def content_origin(self, space: str, field: str) -> tuple[Address, JsonPath] | None:
        """The address and path of the text shown as ``field`` on ``space``; None if missing."""
        for path in (("representations", space, field), ("content", field)):
            address = origin(self.layers, path)
            if address is not None:
                return address, path
        return None

    def missing(self, space: str) -> list[str]:
        """The fields that ``space`` requires and the offer lacks there; empty if there is no such space."""
        space_fields = self.around.spaces.get(space)
        required = space_fields.required if space_fields is not None else ()
        texts = self._given(space) if required else {}
        return [field for field in required if field not in texts]

    @property
    def all_texts(self) -> Iterator[JsonMap]:
        """Its content for all spaces, then that of each space that has a representation."""
        everywhere, by_space = self._texts
        yield everywhere
        yield from by_space.values()

    def _given(self, space: str) -> JsonMap:
        """All texts for ``space``: its representation over the content for all spaces."""
        everywhere, by_space = self._texts
        return by_space.get(space, everywhere)

    @cached_property
    def _texts(self) -> tuple[JsonMap, dict[str, JsonMap]]:
        """The content for all spaces, and the merged content of each space that has a representation."""
        own, below = self.own, self.template.defaults or {}
        everywhere = {**json_map(below.get("content")), **json_map(own.get("content"))}
        by_space: dict[str, JsonMap] = {}
        for body in (below, own):
            for space, texts in json_map(body.get("representations")).items():
                by_space[space] = {**by_space.get(space, everywhere), **json_map(texts)}
        return everywhere, by_space
