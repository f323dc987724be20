"""One space with a field of each kind, and what a text becomes there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from offerkit.rules.types import Value
from offerkit.templates.render import Renderer
from offerkit.templates.variables import Variables

FIELDS = [
    {"name": "title", "required": True},
    {"name": "html"},
    {"name": "destination_url"},
    {"name": "image_url"},
    {"name": "deep_link", "type": "url", "label": "Go & see"},
]


def space(**render: str) -> dict[str, Any]:
    return {"fields": FIELDS, **({"render": render} if render else {})}


def variables(base: str = "https://o.example/o", **contact: Value) -> Variables:
    return Variables.of("recipient", contact, {"page": "/a"}, base).about(
        {"name": "rockies", "code": "R<1", "label": "Rockies", "category": "travel"},
        {"id": "a/1", "rank": 2, "weight": Decimal("1.50"), "space": "web"},
    )


def shown(field: str, text: str, **contact: Value) -> str:
    given = {"title": "t", field: text}
    return Renderer.of(space()).content(given, variables(**contact)).fields[field]


def output(kind: str, function: str, given: dict[str, str] | None = None, **contact: Value) -> str:
    renderer = Renderer.of(space(**{kind: function}))
    its = variables(**contact)
    return renderer.output(renderer.content({"title": "t"} | (given or {}), its), its, kind)
