"""The meaning of a plan: what its steps do, depend on and wait for; and the differences between two plans.

A plan reviewed in a pull request is made again before it is applied. Both have the same meaning if they do the same,
whatever the position in files, other changes applied meanwhile, or the version that made them. Bodies count by their
fingerprint, the sha256 of kind and text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from offerkit.address import Address, StageRef
from offerkit.fingerprint import Json, canonical
from offerkit.plans.plan import Blocked, Dependence, Plan, Step
from offerkit.state.changes import Entry

SCHEME = 1
"""The version of what is included and how it is written; a prefix of the digest, so that versions never mix."""

Fact: TypeAlias = tuple[str, ...]
"""One part of a plan's meaning: ``step``, ``relies`` or ``waits``, then stage, address and details, all as text."""

STEP, RELIES, WAITS = "step", "relies", "waits"
_NONE = ""
_FIELDS = {STEP: 9, RELIES: 4, WAITS: 7}


def meaning(steps: Iterable[Step], depends: Iterable[Dependence] = (), blocked: Iterable[Blocked] = ()) -> str:
    """The digest of the meaning: ``1:`` and 64 hexadecimal digits, independent of order."""
    return meaning_of(facts(steps, depends, blocked))


def facts(
    steps: Iterable[Step], depends: Iterable[Dependence] = (), blocked: Iterable[Blocked] = ()
) -> tuple[Fact, ...]:
    """The facts that the digest covers, sorted and unique."""
    result = {*map(_step, steps), *map(_dependence, depends)}
    for item in blocked:
        result.update(_waiting(item))
    return tuple(sorted(result))


def facts_of(plan: Plan) -> tuple[Fact, ...]:
    """The facts of a whole plan."""
    return facts(plan.steps, plan.depends, plan.blocked)


def meaning_of(found: Iterable[Fact]) -> str:
    """The digest of facts."""
    ordered = sorted(set(found))
    return f"{SCHEME}:{sha256(canonical(ordered)).hexdigest()}"


def well_formed(fact: Fact) -> bool:
    """Whether ``fact`` has the form of a fact."""
    return bool(fact) and _FIELDS.get(fact[0]) == len(fact)


def environment_of(fact: Fact) -> str:
    """The environment that ``fact`` is about."""
    return fact[1].partition("@")[0]


@dataclass(frozen=True, slots=True)
class FactDifference:
    """A difference between two meanings: the fact as reviewed and the fact now, None if absent."""

    stage: str
    address: str
    read: Fact | None
    now: Fact | None


def differences(read: Iterable[Fact], now: Iterable[Fact]) -> list[FactDifference]:
    """The differences between two meanings, by stage and address; empty if they are the same."""
    was, will = set(read), set(now)
    removed: dict[Fact, list[Fact]] = {}
    for fact in sorted(was - will):
        removed.setdefault(_about(fact), []).append(fact)
    result = []
    for fact in sorted(will - was):
        before = removed.get(_about(fact), [])
        result.append(FactDifference(fact[1], fact[2], before.pop(0) if before else None, fact))
    result += [FactDifference(fact[1], fact[2], fact, None) for remaining in removed.values() for fact in remaining]
    return sorted(result, key=lambda each: (each.stage, each.address, each.now or each.read or ()))


def _about(fact: Fact) -> Fact:
    return fact[:3] if fact[0] != WAITS else fact[:6]


def _step(step: Step) -> Fact:
    return (
        STEP,
        str(step.stage),
        str(step.address),
        str(step.action),
        str(step.moved_from),
        *_entry(step.before),
        *_entry(step.after),
    )


def _entry(entry: Entry | None) -> tuple[str, ...]:
    return (entry.fingerprint, entry.activation_text) if entry is not None else (_NONE, _NONE)


def _dependence(item: Dependence) -> Fact:
    return RELIES, str(item.stage), str(item.address), item.fingerprint


def _waiting(item: Blocked) -> Iterator[Fact]:
    """One fact for each decision that ``item`` waits for, or one with its address only if it waits for none."""
    stage_and_address: tuple[StageRef, Address] = (item.stage, item.address)
    if not item.keys:
        yield (WAITS, *map(str, stage_and_address), _NONE, _NONE, _NONE, _NONE)
    for key in item.keys:
        yield (WAITS, *map(str, stage_and_address), str(key.address), str(key.aspect), key.space, key.fingerprint)


def as_json(found: Iterable[Fact]) -> Json:
    """Facts as JSON data."""
    return [list(fact) for fact in found]
