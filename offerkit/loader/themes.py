"""The themes that a resource carries, or asks for."""

from __future__ import annotations

from typing import Any

from offerkit.address import Kind
from offerkit.graph.record import PathInside


def themes(kind: Kind, resource: Any) -> tuple[tuple[str, PathInside], ...]:
    """What an offer, template or category carries, what a space or a campaign asks for; each theme with its path."""
    match kind:
        case Kind.OFFER | Kind.TEMPLATE | Kind.CATEGORY:
            return _listed(("themes",), resource.themes)
        case Kind.SPACE:
            return _listed(("defaults", "themes"), resource.defaults.themes)
        case Kind.CAMPAIGN:
            return tuple(
                found
                for name, delivery in resource.deliveries.items()
                if delivery.engine is not None
                for found in _listed(("deliveries", name, "engine", "themes"), delivery.engine.themes)
            )
        case _:
            return ()


def _listed(path: PathInside, names: tuple[str, ...]) -> tuple[tuple[str, PathInside], ...]:
    return tuple((name, (*path, place)) for place, name in enumerate(names))
