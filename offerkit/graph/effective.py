"""What an offer gives on which spaces, template defaults included, by record."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.graph.record import Index, Record


def template_chain(index: Index, record: Record) -> Iterator[Record]:
    """The record, then its template, that one's template, and so on; a circle ends it."""
    seen: set[str] = set()
    current: Record | None = record
    while current is not None and current.address not in seen:
        yield current
        seen.add(current.address)
        target = next((ref.target for ref in current.refs if ref.path == ("template",)), None)
        current = index.by_address.get(target) if target else None


def explicit_spaces(chain: list[Record]) -> tuple[str, ...]:
    """The spaces named by the nearest of offer and templates; empty: none named."""
    return next((record.facts.spaces for record in chain if record.facts.spaces), ())


def given_fields(chain: list[Record], space: str) -> set[str]:
    """The content fields that offer and templates give on ``space``."""
    given: set[str] = set()
    for record in chain:
        given.update(record.facts.fields)
        given.update(record.facts.representations.get(space, ()))
    return given


def missing_fields(index: Index, chain: list[Record], space: Record) -> list[str]:
    """The required fields of ``space`` that offer and templates do not give, in the space's order."""
    given = given_fields(chain, space.name)
    return [name for name in space.facts.required if name not in given]


def spaces_of(index: Index, record: Record) -> list[str]:
    """The spaces an offer is published on: those it names, else each whose required fields it has."""
    chain = list(template_chain(index, record))
    spaces = index.group(record.environment, Kind.SPACE)
    named = explicit_spaces(chain)
    if named:
        return [name for name in named if name in spaces]
    return sorted(name for name, space in spaces.items() if not missing_fields(index, chain, space))
