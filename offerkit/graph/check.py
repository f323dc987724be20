"""All checks across resources, in one call."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.graph.consistency import inconsistencies
from offerkit.graph.digraph import cycles
from offerkit.graph.expressions import Judge, bad_expressions, judge_here
from offerkit.graph.record import Finding, Index, Record
from offerkit.graph.references import duplicates, unknown_references


def check(records: list[Record], unsure: frozenset[str] = frozenset(), judge: Judge = judge_here) -> Iterator[Finding]:
    """Every mistake between ``records``: duplicates, unknown names, circles, broken rules of the domain, and
    conditions that mean nothing (``judge`` tells which).

    ``unsure``: environments whose files could not all be read; what seems to be missing there may only be
    unread, and is not told as a mistake of its own.
    """
    index = Index.of(records)
    yield from duplicates(records)
    yield from unknown_references(index, unsure)
    yield from cycles(index)
    yield from inconsistencies(index, unsure)
    yield from bad_expressions(index, judge)
