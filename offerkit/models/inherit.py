"""What an offer is once its template and categories are counted in; over canonical bodies, as JSON.

Bodies leave defaults out, so “absent” means “not said here”, and what is not said is inherited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from offerkit.address import ancestors
from offerkit.fingerprint import Json, canonical

JsonMap: TypeAlias = dict[str, Json]
Lookup: TypeAlias = Callable[[str], JsonMap | None]
"""From an address to the body that a stage holds there, or None."""

_OWN = frozenset({"label", "description", "protected", "template"})


def merged(base: JsonMap, over: JsonMap) -> JsonMap:
    """``base`` with ``over`` laid on it: maps are merged key by key, anything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def with_template(environment: str, body: JsonMap, lookup: Lookup) -> JsonMap:
    """An offer's (or template's) body with the defaults of its templates; a missing template gives none."""
    chain: list[JsonMap] = []
    seen: set[str] = set()
    name = body.get("template")
    while isinstance(name, str) and name not in seen:
        seen.add(name)
        template = lookup(f"{environment}/template.{name}")
        if template is None:
            break
        chain.append({key: value for key, value in template.items() if key not in _OWN})
        name = template.get("template")
    result: JsonMap = {}
    for defaults in reversed(chain):
        result = merged(result, defaults)
    return merged(result, body)


def category_chain(environment: str, path: str, lookup: Lookup) -> list[tuple[str, JsonMap]]:
    """The categories from the root to ``path`` that the stage holds, with their bodies."""
    chain = [(name, lookup(f"{environment}/category.{name}")) for name in ancestors(path)]
    return [(name, body) for name, body in chain if body is not None]


def names_in(value: Json, *keys: str) -> tuple[str, ...]:
    """The list of names that stands below ``keys`` in a body; empty when there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class Place:
    """A space as content meets it: its fields in order, which are required, and how it renders.

    ``look`` are the canonical bytes of fields and rendering; ``names_offer``: whether the rendering speaks of
    the offer's own code, label, name or category.
    """

    name: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    look: bytes
    names_offer: bool

    @classmethod
    def of(cls, name: str, body: JsonMap, *, names_offer: bool) -> Place:
        """The place that a space's body describes."""
        listed = body.get("fields")
        fields = [field for field in (listed if isinstance(listed, list) else ()) if isinstance(field, dict)]
        return cls(
            name,
            tuple(str(field["name"]) for field in fields),
            tuple(str(field["name"]) for field in fields if field.get("required")),
            # A field's label is for those who edit offers; no customer sees it.
            canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], body.get("render")]),
            names_offer,
        )

    def content(self, effective: JsonMap) -> JsonMap:
        """What an effective offer gives here, for the fields that the space has."""
        given = self._given(effective)
        return {field: given[field] for field in self.fields if field in given}

    def missing(self, effective: JsonMap) -> list[str]:
        """The required fields that an effective offer does not give here."""
        given = self._given(effective)
        return [field for field in self.required if field not in given]

    def _given(self, effective: JsonMap) -> JsonMap:
        content = effective.get("content")
        representations = effective.get("representations")
        here = representations.get(self.name) if isinstance(representations, dict) else None
        return {**(content if isinstance(content, dict) else {}), **(here if isinstance(here, dict) else {})}
