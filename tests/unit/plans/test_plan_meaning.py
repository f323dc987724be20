"""The meaning of a plan: the same under what must not matter, another under each thing that must."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.address import parse_address, parse_stage
from offerkit.diagnostics import Position
from offerkit.plans.meaning import differences, facts, meaning, meaning_of, well_formed
from offerkit.plans.plan import (
    ApprovalKey,
    ApprovalReset,
    Aspect,
    Blocked,
    ChangeOp,
    Dependence,
    FieldChange,
    Reason,
    Step,
)
from offerkit.state.changes import Action, Entry

STAGES = [parse_stage(text) for text in ("shop@design", "shop@live", "shared@design")]
PLACES = [parse_address(f"shop/offer.{name}") for name in ("a", "b", "c", "d")]
PRINTS = ["1" * 64, "2" * 64, "3" * 64]
ENTRIES = st.one_of(
    st.none(),
    st.builds(Entry, st.sampled_from(PRINTS), st.sampled_from([None, (), ("mail",), ("mail", "web")])),
)
STEPS = st.lists(
    st.builds(
        Step,
        address=st.sampled_from(PLACES),
        stage=st.sampled_from(STAGES),
        action=st.sampled_from(list(Action)),
        reason=st.sampled_from(list(Reason)),
        before=ENTRIES,
        after=ENTRIES,
        moved_from=st.sampled_from(["", *PLACES]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda step: (step.address, step.stage),
)
DEPENDS = st.lists(
    st.builds(Dependence, st.sampled_from(STAGES), st.sampled_from(PLACES), st.sampled_from(["", *PRINTS])),
    max_size=3,
    unique_by=lambda one: (one.stage, one.address),
)
KEYS = st.builds(
    ApprovalKey,
    st.sampled_from(PLACES),
    st.sampled_from([Aspect.CONTENT, Aspect.ELIGIBILITY]),
    st.sampled_from(["", "mail", "web"]),
    st.sampled_from(PRINTS),
)
BLOCKED = st.lists(
    st.builds(
        Blocked,
        st.sampled_from(PLACES),
        st.sampled_from(STAGES),
        st.just("OFR703"),
        st.just("why"),
        keys=st.lists(KEYS, max_size=2, unique=True).map(tuple),
    ),
    max_size=2,
    unique_by=lambda one: (one.stage, one.address),
)
POSITION = st.builds(Position, st.sampled_from(["specs/a.yaml", "specs/b.yaml"]), st.integers(1, 9), st.just(1))
PLANS = st.tuples(STEPS, DEPENDS, BLOCKED)


@settings(max_examples=40, deadline=None)
@given(PLANS, st.randoms(use_true_random=False), POSITION)
def test_what_must_not_matter(
    plan: tuple[list[Step], list[Dependence], list[Blocked]], chance: random.Random, place: Position
) -> None:
    steps, depends, blocked = plan
    told = [
        replace(
            step,
            source=place,
            label="Another",
            reason=Reason.CHANGED,
            notes=("a note",),
            dependents=(PLACES[0],),
            changes=(FieldChange(ChangeOp.CHANGE, "label", "a", "b"),),
            approvals_reset=(ApprovalReset(PLACES[0], Aspect.CONTENT, "mail"),),
        )
        for step in steps
    ]
    held = [
        replace(one, why="otherwise", how="else", who=("ada",), source=place, live=True, keys=one.keys[::-1])
        for one in blocked
    ]
    again = (told, list(depends), held)
    for one in again:
        chance.shuffle(one)
    assert meaning(*again) == meaning(*plan)
    assert differences(facts(*plan), facts(*again)) == []
    assert all(map(well_formed, facts(*plan)))
    assert meaning(*plan).startswith("1:") and len(meaning(*plan)) == 66


def _other(value: Entry | None) -> Entry:
    return Entry("f" * 64, value.activation if value is not None else None)


def _elsewhere(value: Entry | None) -> Entry:
    return Entry(value.fingerprint if value is not None else "", ("elsewhere",))


NEW = parse_address("shop/offer.new")
STEP_CHANGES: dict[str, Callable[[Step], Step]] = {
    "stage": lambda step: replace(step, stage=parse_stage("other@design")),
    "address": lambda step: replace(step, address=NEW),
    "action": lambda step: replace(step, action=next(each for each in Action if each is not step.action)),
    "before": lambda step: replace(step, before=_other(step.before)),
    "before it was shown": lambda step: replace(step, before=_elsewhere(step.before)),
    "after": lambda step: replace(step, after=_other(step.after)),
    "afterwards it is shown": lambda step: replace(step, after=_elsewhere(step.after)),
    "where it stood": lambda step: replace(step, moved_from=NEW),
}
KEY_CHANGES: dict[str, Callable[[ApprovalKey], ApprovalKey]] = {
    "address": lambda key: replace(key, address=NEW),
    "aspect": lambda key: replace(key, aspect=Aspect.SETTINGS),
    "space": lambda key: replace(key, space="elsewhere"),
    "fingerprint": lambda key: replace(key, fingerprint="f" * 64),
}


@settings(max_examples=25, deadline=None)
@given(PLANS, st.sampled_from(sorted(STEP_CHANGES)), st.data())
def test_each_part_of_a_step_matters(
    plan: tuple[list[Step], list[Dependence], list[Blocked]], what: str, data: st.DataObject
) -> None:
    steps, depends, blocked = plan
    place = data.draw(st.integers(0, len(steps) - 1))
    other = [STEP_CHANGES[what](step) if number == place else step for number, step in enumerate(steps)]
    assert meaning(other, depends, blocked) != meaning(*plan), what
    found = differences(facts(*plan), facts(other, depends, blocked))
    assert {steps[place].address, other[place].address} >= {each.address for each in found} and found
    assert meaning(steps[:place] + steps[place + 1 :], depends, blocked) != meaning(*plan)


@settings(max_examples=25, deadline=None)
@given(PLANS, KEYS, st.sampled_from(sorted(KEY_CHANGES)))
def test_what_is_relied_on_and_what_waits_matters(
    plan: tuple[list[Step], list[Dependence], list[Blocked]], key: ApprovalKey, what: str
) -> None:
    steps, depends, blocked = plan
    relied = Dependence(STAGES[0], NEW, "1" * 64)
    waits = Blocked(NEW, STAGES[1], "OFR703", "why", keys=(key,))
    others = [
        meaning(steps, [*depends, relied], blocked),
        meaning(steps, [*depends, replace(relied, fingerprint="")], blocked),
        meaning(steps, [*depends, replace(relied, stage=STAGES[1])], blocked),
        meaning(steps, depends, [*blocked, waits]),
        meaning(steps, depends, [*blocked, replace(waits, keys=())]),
        meaning(steps, depends, [*blocked, replace(waits, stage=STAGES[0])]),
        meaning(steps, depends, [*blocked, replace(waits, keys=(KEY_CHANGES[what](key),))]),
    ]
    assert len({meaning(*plan), *others}) == len(others) + 1


def test_a_meaning_is_the_same_in_every_process_and_release() -> None:
    """The digest is kept in histories and in comments: it must not change with a hash seed, nor by accident."""
    step = Step(PLACES[0], STAGES[0], Action.UPDATE, Reason.CHANGED, Entry(PRINTS[0]), Entry(PRINTS[1]))
    assert meaning([step]) == "1:ce8ae90aa94f00cb5856a2c262e64d84a387bd314a415da7a41e2481a3f6a457"
    fact = ("step", "shop@design", "shop/offer.a", "update", "", "1" * 64, "-", "2" * 64, "-")
    assert meaning_of([fact, fact]) == meaning([step])
    code = (
        "from offerkit.plans.meaning import meaning_of;"
        "print(meaning_of({('relies', 'a@design', f'a/offer.x{n}', '') for n in range(50)}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1


@pytest.mark.parametrize("fact", [(), ("step",), ("else", "a@design", "a/offer.x", ""), ("relies", "a@design")])
def test_what_no_plan_means(fact: tuple[str, ...]) -> None:
    assert not well_formed(fact)
