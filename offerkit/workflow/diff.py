"""``diff``: what any state has against another."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.planning.make import Context, Patterns, steps_for
from offerkit.planning.plan import Step
from offerkit.state.changes import Body, Delta
from offerkit.state.snapshot import Snapshot
from offerkit.workflow.points import (
    Point,
    comparable,
    in_environment,
    is_across,
)
from offerkit.workflow.renames import renames_between, renames_of_specs
from offerkit.workflow.session import Session


@dataclass(frozen=True)
class Difference:
    """What one state has against another, as steps, with the bodies of both sides.

    ``across``: which environment is compared with which, where they are two: names then are those without it.
    """

    steps: list[Step]
    bodies: dict[str, Body]
    across: tuple[str, str] | None = None


def difference(session: Session, a: Point, b: Point, patterns: Patterns) -> Difference:
    """What ``b`` has against ``a``. Raises Refused: a pattern matches nothing, or the two have nothing in common."""
    across = is_across(a, b)

    def names(address: str) -> list[str]:
        return [address] if across is None else [in_environment(address, name) for name in across]

    patterns.check_known({name for address in (*a.entries, *b.entries) for name in names(address)})
    chosen = [
        d
        for d in differing(a, b)
        if patterns.targeted(*names(d.address), d.moved_from) and not patterns.excluded(*names(d.address), d.moved_from)
    ]
    bodies = _gathered(chosen, a, b)
    with session.progress("Comparing", len(chosen)) as advance:
        return Difference(steps_for(chosen, Context(bodies, {}, {}, advance)), bodies, across)


def differing(a: Point, b: Point) -> list[Delta]:
    """Where ``b`` differs from ``a``, environment by environment; what differs there is not looked into."""
    before, after = comparable(a, b)
    renames = _renames(a, b)
    return Snapshot(before).diff(Snapshot(after), b.stage, renames)


def _renames(a: Point, b: Point) -> dict[str, str]:
    """What both hold under two names."""
    if is_across(a, b) is not None:
        return {}
    if a.moved is not None and b.moved is not None:
        return renames_of_specs(a.moved, b.moved, a.entries, b.entries)
    return renames_between(a.entries, b.entries, a.names, b.names)


def _gathered(deltas: list[Delta], a: Point, b: Point) -> dict[str, Body]:
    bodies: dict[str, Body] = {}
    for point, side in ((a, "before"), (b, "after")):
        wanted = {entry.fingerprint for d in deltas if (entry := getattr(d, side)) is not None}
        bodies |= point.snapshot.bodies_of(wanted)
    return bodies
