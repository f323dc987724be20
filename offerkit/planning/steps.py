"""Differences → steps: ordered, with their field changes, reasons, places and dependents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import orjson

from offerkit.address import parse_address
from offerkit.diagnostics import Code, Diagnostic, Position
from offerkit.fingerprint import JsonMap
from offerkit.planning.fields import concealed, field_changes
from offerkit.planning.plan import FieldChange, Reason, Step
from offerkit.state.changes import Action, Delta
from offerkit.state.entries import Body
from offerkit.state.references import creation_order, dependents

_REASONS = {
    Action.CREATE: Reason.DECLARED,
    Action.UPDATE: Reason.CHANGED,
    Action.MOVE: Reason.RENAMED,
    Action.DELETE: Reason.REMOVED,
    Action.DEACTIVATE: Reason.REMOVED_FROM_DESIGN,
}


@dataclass(frozen=True)
class Context:
    """What steps are explained with.

    ``bodies`` by fingerprint, both sides; ``refs`` of every resource as desired; ``positions`` in the specs.
    ``advance`` is told of each step that was explained, for a progress bar.
    """

    bodies: Mapping[str, Body]
    refs: Mapping[str, Iterable[str]]
    positions: Mapping[str, Position]
    advance: Callable[[int], None] = lambda count: None


def steps_for(deltas: list[Delta], context: Context, reasons: Mapping[str, Reason] | None = None) -> list[Step]:
    """The steps of ``deltas``: what is made first what others need, what goes last what others needed."""
    changing = [d.address for d in deltas if d.before is not None]
    affected = dependents(context.refs, changing) if changing else {}
    arrivals = {d.address for d in deltas if d.after is not None}
    steps = {}
    for item in deltas:
        # Those who name what is renamed change with it, unless something else takes the name.
        name = item.moved_from if item.moved_from and item.moved_from not in arrivals else item.address
        steps[item.address, item.stage] = _step(item, context, affected.get(name, ()), reasons or {})
        context.advance(1)
    arriving = {d.address: context.refs.get(d.address, ()) for d in deltas if d.after is not None}
    order = {address: place for place, address in enumerate(creation_order(arriving))}
    leaving = sorted(
        (d for d in deltas if d.after is None), key=lambda d: parse_address(d.address).sort_key, reverse=True
    )
    order |= {d.address: len(order) + place for place, d in enumerate(leaving)}
    return sorted(steps.values(), key=lambda step: (order[step.address], step.stage))


def _step(item: Delta, context: Context, affected: Iterable[str], reasons: Mapping[str, Reason]) -> Step:
    before = _body(context, item.before.fingerprint) if item.before is not None else None
    after = _body(context, item.after.fingerprint) if item.after is not None else None
    changes: tuple[FieldChange, ...] = ()
    if before is not None and after is not None and before != after:
        changes = concealed(field_changes(before, after))
    shown = after if after is not None else before or {}
    return Step(
        item.address,
        item.stage,
        item.action,
        reasons.get(item.address, _REASONS[item.action]),
        item.before,
        item.after,
        str(shown.get("label", "")),
        context.positions.get(item.address),
        item.moved_from,
        changes,
        dependents=tuple(affected),
    )


def _body(context: Context, fingerprint: str) -> JsonMap:
    body: JsonMap = orjson.loads(context.bodies[fingerprint].text)
    return body


def protected(deltas: Iterable[Delta], bodies: Mapping[str, Body]) -> list[Diagnostic]:
    """A diagnostic for each deletion of a resource whose last body says ``protected: true``."""
    return [
        Diagnostic(
            Code.PROTECTED,
            f"{d.address} is protected and cannot be deleted",
            "Its YAML is gone, but the resource in the store still says protected: true.",
            "Put it back with protected: false, apply, and delete it then; or put it back as it was.",
            d.address,
        )
        for d in deltas
        if d.action is Action.DELETE and d.before is not None and _is_protected(bodies[d.before.fingerprint])
    ]


def _is_protected(body: Body) -> bool:
    return '"protected":true' in body.text and orjson.loads(body.text).get("protected") is True
