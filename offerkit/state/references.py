"""Which addresses a body refers to."""

from __future__ import annotations

from offerkit.address import Kind, parse_address
from offerkit.fingerprint import Json
from offerkit.models import model_of


def references_of(address: str, body: Json) -> tuple[str, ...]:
    """The addresses that a body at ``address`` refers to, its parent category or environment included."""
    place = parse_address(address)
    targets = dict.fromkeys(
        f"{ref.kind}.{ref.name}" if ref.kind in (Kind.OPERATOR, Kind.DIMENSION)
        else f"{ref.environment or place.environment}/{ref.kind}.{ref.name}"
        for ref in model_of(place.kind).model_validate(body).references()
    )  # fmt: skip
    targets.update(dict.fromkeys(implied(address)))
    return tuple(targets)


def implied(address: str) -> list[str]:
    """What a resource relies on without naming it: its parent category, or its environment."""
    place = parse_address(address)
    if place.kind is Kind.CATEGORY and "/" in place.name:
        return [f"{place.environment}/category.{place.name.rpartition('/')[0]}"]
    if place.kind in (Kind.OPERATOR, Kind.DIMENSION, Kind.ENVIRONMENT):
        return []
    return [f"environment.{place.environment}"]
