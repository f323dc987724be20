"""What an approval is about, read from bodies without offerkit's own fingerprints: a second opinion.

domain.md §4: content is the representation on a space with that space's fields and rendering; eligibility is
the offer's weights, dates, conditions and filters, and those it inherits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Bodies = Mapping[str, dict[str, Any]]
"""Bodies by address: what a stage holds."""

INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


def _lineage(bodies: Bodies, offer: str) -> Iterator[dict[str, Any]]:
    environment = offer.partition("/")[0]
    body: dict[str, Any] | None = bodies[offer]
    while body is not None:
        yield body
        body = bodies.get(f"{environment}/template.{body.get('template')}")


def _nearest(bodies: Bodies, offer: str, *keys: str) -> Any:
    """The value at ``keys`` in the offer, else in its template, else in that one's template."""
    for body in _lineage(bodies, offer):
        value: Any = body
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def content(bodies: Bodies, offer: str, space: str) -> str:
    """What is seen of ``offer`` on ``space``."""
    place = bodies[f"{offer.partition('/')[0]}/space.{space}"]
    shown = {}
    for field in place["fields"]:
        special = _nearest(bodies, offer, "representations", space, field["name"])
        shown[field["name"]] = special if special is not None else _nearest(bodies, offer, "content", field["name"])
    return json.dumps([place["fields"], place.get("render"), shown], sort_keys=True)


def eligibility(bodies: Bodies, offer: str) -> str:
    """Who may be proposed ``offer``, when, and with what weight."""
    environment = offer.partition("/")[0]
    filters = _nearest(bodies, offer, "eligible", "filters") or []
    path = bodies[offer]["category"].split("/")
    categories = ["/".join(path[: depth + 1]) for depth in range(len(path))]
    own = [_nearest(bodies, offer, *keys) for keys in (
        ("enabled",), ("weights",), ("themes",), ("eligible", "from"), ("eligible", "until"), ("eligible", "when"),
    )]  # fmt: skip
    uses = [  # each by what it says, whatever it is called
        [use.get("with"), bodies.get(f"{environment}/filter.{use['filter']}", {}).get("when")] for use in filters
    ]
    inherited = [
        [name, {key: bodies.get(f"{environment}/category.{name}", {}).get(key) for key in INHERITED}]
        for name in categories
    ]
    return json.dumps([own, uses, inherited], sort_keys=True)
