"""The meaning of a plan: what its steps do, what they rely on, what waits for a decision; and how two of them differ.

What was read in a pull request is applied later, by a plan that is made again. Both have the same meaning when they do
the same, wherever it stands in files, whatever was applied meanwhile elsewhere, whichever version made them. A body is
in it by its fingerprint, which is the sha256 of its kind and text.
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
"""What is counted in, and how it is written. It stands before the digest, so that another one is never mistaken."""

Fact: TypeAlias = tuple[str, ...]
"""One thing that a plan means, as text: ``step``, ``relies`` or ``waits``, its stage and address, and the rest."""

STEP, RELIES, WAITS = "step", "relies", "waits"
_NONE = ""
_FIELDS = {STEP: 9, RELIES: 4, WAITS: 7}


def meaning(steps: Iterable[Step], depends: Iterable[Dependence] = (), blocked: Iterable[Blocked] = ()) -> str:
    """The digest of what these mean together: ``1:`` and 64 hexadecimal digits. In whatever order they come."""
    return meaning_of(facts(steps, depends, blocked))


def facts(
    steps: Iterable[Step], depends: Iterable[Dependence] = (), blocked: Iterable[Blocked] = ()
) -> tuple[Fact, ...]:
    """What the digest is made of, sorted and each once."""
    found = {*map(_step, steps), *map(_dependence, depends)}
    for item in blocked:
        found.update(_waiting(item))
    return tuple(sorted(found))


def facts_of(plan: Plan) -> tuple[Fact, ...]:
    """What ``plan`` means as a whole."""
    return facts(plan.steps, plan.depends, plan.blocked)


def meaning_of(found: Iterable[Fact]) -> str:
    """The digest of ``found``."""
    ordered = sorted(set(found))
    return f"{SCHEME}:{sha256(canonical(ordered)).hexdigest()}"


def well_formed(fact: Fact) -> bool:
    """Whether ``fact`` is one that a plan could mean, as far as its form tells."""
    return bool(fact) and _FIELDS.get(fact[0]) == len(fact)


def environment_of(fact: Fact) -> str:
    """The environment that ``fact`` is about."""
    return fact[1].partition("@")[0]


@dataclass(frozen=True, slots=True)
class FactDifference:
    """Something that two meanings say differently: what was read of it, and what is so now; None: nothing."""

    stage: str
    address: str
    read: Fact | None
    now: Fact | None


def differences(read: Iterable[Fact], now: Iterable[Fact]) -> list[FactDifference]:
    """Where two meanings differ, by stage and address; empty when they are the same."""
    was, will = set(read), set(now)
    gone: dict[Fact, list[Fact]] = {}
    for fact in sorted(was - will):
        gone.setdefault(_about(fact), []).append(fact)
    found = []
    for fact in sorted(will - was):
        before = gone.get(_about(fact), [])
        found.append(FactDifference(fact[1], fact[2], before.pop(0) if before else None, fact))
    found += [FactDifference(fact[1], fact[2], fact, None) for left in gone.values() for fact in left]
    return sorted(found, key=lambda each: (each.stage, each.address, each.now or each.read or ()))


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
    """What stays behind, and each decision that it waits for; one that waits for none is in it by its address."""
    place: tuple[StageRef, Address] = (item.stage, item.address)
    if not item.keys:
        yield (WAITS, *map(str, place), _NONE, _NONE, _NONE, _NONE)
    for key in item.keys:
        yield (WAITS, *map(str, place), str(key.address), str(key.aspect), key.space, key.fingerprint)


def as_json(found: Iterable[Fact]) -> Json:
    """``found`` as it stands in a file."""
    return [list(fact) for fact in found]
