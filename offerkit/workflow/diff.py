"""``diff``: what any state has against another."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.address import Address
from offerkit.planning.make import Context, Patterns, steps_for
from offerkit.planning.plan import Step
from offerkit.state.changes import Body, Delta
from offerkit.state.snapshot import Snapshot
from offerkit.workflow.renames import renames_between, renames_of_specs
from offerkit.workflow.session import Session
from offerkit.workflow.state_refs import (
    NamedState,
    comparable,
    in_environment,
    is_across,
)


@dataclass(frozen=True)
class Difference:
    """What one state has against another, as steps, with the bodies of both sides.

    ``across``: which environment is compared with which, where they are two: names then are those without it.
    """

    steps: list[Step]
    bodies: dict[str, Body]
    across: tuple[str, str] | None = None


def difference(session: Session, a: NamedState, b: NamedState, patterns: Patterns) -> Difference:
    """What ``b`` has against ``a``. Raises Refused: a pattern matches nothing, or the two have nothing in common."""
    across = is_across(a, b)

    def names(address: Address) -> list[Address]:
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


def differing(a: NamedState, b: NamedState) -> list[Delta]:
    """Where ``b`` differs from ``a``, environment by environment; what differs there is not looked into."""
    before, after = comparable(a, b)
    renames = _renames(a, b)
    return Snapshot(before).diff(Snapshot(after), b.stage, renames)


def _renames(a: NamedState, b: NamedState) -> dict[Address, Address]:
    """What both hold under two names."""
    if is_across(a, b) is not None:
        return {}
    if a.moved is not None and b.moved is not None:
        return renames_of_specs(a.moved, b.moved, a.entries, b.entries)
    return renames_between(a.entries, b.entries, a.names, b.names)


def _gathered(deltas: list[Delta], a: NamedState, b: NamedState) -> dict[str, Body]:
    bodies: dict[str, Body] = {}
    for state, side in ((a, "before"), (b, "after")):
        wanted = {entry.fingerprint for d in deltas if (entry := getattr(d, side)) is not None}
        bodies |= state.bodies_of(wanted)
    return bodies
