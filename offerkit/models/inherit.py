"""What an offer is once its template and categories are counted in; over canonical bodies, as JSON.

Bodies leave defaults out, so “absent” means “not said here”, and what is not said is inherited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from offerkit.address import ancestors
from offerkit.fingerprint import Json

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


def content_on(effective: JsonMap, space: JsonMap, name: str) -> dict[str, Json]:
    """The content that an effective offer gives on the space ``name``, for that space's fields in order."""
    content = effective.get("content")
    representations = effective.get("representations")
    here = representations.get(name) if isinstance(representations, dict) else None
    given: JsonMap = {**(content if isinstance(content, dict) else {}), **(here if isinstance(here, dict) else {})}
    return {field: given[field] for field, _ in space_fields(space) if field in given}


def space_fields(space: JsonMap) -> list[tuple[str, bool]]:
    """The fields of a space's body in order: (name, required)."""
    fields = space.get("fields")
    return [
        (str(field["name"]), bool(field.get("required", False)))
        for field in (fields if isinstance(fields, list) else ())
        if isinstance(field, dict)
    ]


def missing_on(effective: JsonMap, space: JsonMap, name: str) -> list[str]:
    """The required fields of the space that the effective offer does not give there."""
    given = content_on(effective, space, name)
    return [field for field, required in space_fields(space) if required and field not in given]
