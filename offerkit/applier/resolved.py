"""Whether everything that a plan makes finds what it names: a plan of ours does, one that was put together may not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import orjson

from offerkit.address import SHARED, Stage, parse_address
from offerkit.diagnostics import Code, Diagnostic
from offerkit.planning.plan import Plan, Step
from offerkit.state.entries import Entry
from offerkit.state.references import implied, references_of
from offerkit.store import Store
from offerkit.store.views import environments

_WORD = re.compile(r"[A-Za-z0-9_-]+")
"""Names are words; a category's name, and what is in another environment, are several, divided by a slash."""


def unresolved(plan: Plan, store: Store) -> Iterator[Diagnostic]:
    """What would name something that is not there, once the steps of an apply were carried out."""
    for side in (Stage.DESIGN, Stage.LIVE):
        steps = [step for step in plan.steps if step.stage.endswith(f"@{side}")]
        if not steps:
            continue
        names = {SHARED, *environments(store), *(step.stage.partition("@")[0] for step in steps)}
        entries: dict[str, Entry] = {}
        for name in sorted(names):
            entries |= store.entries(f"{name}@{side}")
        sources = {step.moved_from or step.address for step in steps}
        entries = {address: entry for address, entry in entries.items() if address not in sources}
        rest = dict(entries)
        entries |= {step.address: step.after for step in steps if step.after is not None}
        yield from _dangling(plan, steps, entries, side)
        if side is Stage.DESIGN:
            yield from _left_behind(store, rest, sources - entries.keys())


def _dangling(plan: Plan, steps: list[Step], entries: Mapping[str, Entry], side: Stage) -> Iterator[Diagnostic]:
    for step in steps:
        if step.after is None:
            continue
        named = references_of(step.address, orjson.loads(plan.bodies[step.after.fingerprint].text))
        # a campaign goes to live by itself, and what it belongs to is live when its offers are
        free = set(implied(step.address)) if side is Stage.LIVE else set()
        missing = [target for target in named if target not in entries and target not in free]
        if missing:
            yield _names(step.address, min(missing))


def _left_behind(store: Store, rest: Mapping[str, Entry], gone: set[str]) -> Iterator[Diagnostic]:
    """What the plan does not touch but takes something away from; only bodies with that name in them are read whole."""
    if not gone:
        return
    words = {parse_address(address).name.rpartition("/")[2] for address in gone}
    bodies = store.bodies({entry.fingerprint for entry in rest.values()})
    for address, entry in sorted(rest.items()):
        named = gone & set(implied(address))
        text = bodies[entry.fingerprint].text
        if not named and not words.isdisjoint(_WORD.findall(text)):
            named = gone & set(references_of(address, orjson.loads(text)))
        if named:
            yield _names(address, min(named))


def _names(address: str, missing: str) -> Diagnostic:
    return Diagnostic(
        Code.PLAN_EDITED,
        f"the plan cannot be right: {address} names {missing}, which would not be there",
        hint="Make the plan again.",
        address=address,
    )
