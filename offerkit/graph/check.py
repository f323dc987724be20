"""All checks across resources, in one call."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.graph.consistency import inconsistencies
from offerkit.graph.digraph import cycles
from offerkit.graph.record import Finding, Index, Record
from offerkit.graph.references import duplicates, unknown_references


def check(records: list[Record]) -> Iterator[Finding]:
    """Every mistake between ``records``: duplicates, unknown names, circles, broken rules of the domain."""
    index = Index.of(records)
    yield from duplicates(records)
    yield from unknown_references(index)
    yield from cycles(index)
    yield from inconsistencies(index)
