"""Whether a plan may be carried out: a plan file is only a file, and the store may have moved on since it was made."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.applier.sound import check_sound
from offerkit.applier.stale import check
from offerkit.planning.plan import Plan
from offerkit.store import Store


@dataclass(frozen=True)
class Verified:
    """A plan that :func:`verify` found to be true and sound, and the store that it was verified against.

    Nothing else makes one, and :func:`offerkit.applier.commit` takes nothing else. ``base_moved``: whether the base had
    moved without mattering.
    """

    plan: Plan
    store: Store
    base_moved: bool


def verify(plan: Plan, store: Store) -> Verified:
    """``plan``, verified against what stands in ``store`` now: call it inside the transaction that commits the plan.

    Raises Refused when what the plan touches or relies on has changed since it was made, or when its steps are not
    such as a plan of its kind has.
    """
    moved = check(plan, store)
    check_sound(plan, store)
    return Verified(plan, store, moved)
