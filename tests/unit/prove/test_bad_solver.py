"""A solver that is missing, old, killed, silent, hungry or confused: always *not decided*, with the reason, and in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from helpers.rules import checked

from offerkit.prove import solver as solver_module
from offerkit.prove.prover import Prover
from offerkit.prove.question import AllOf, Holds
from offerkit.prove.result import Comparison, Existence, Extent, Verdict
from offerkit.prove.solver import Limits, Solver, SolverError, solver_path
from offerkit.rules.nodes import walk
from offerkit.rules.types import ExpectedResult

AT = datetime(2026, 11, 28, 10, 30)
VERSION = '(:version \\"4.13.0\\")'
ANSWERS_VERSION = f'read line; read line; echo "{VERSION}"; echo offerkit-end; '


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], Path]:
    """Makes an executable that runs a script of sh in the place of z3."""

    def make(script: str) -> Path:
        path = tmp_path / "z3"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return make


def condition(text: str) -> Holds:
    return Holds(checked(text, ExpectedResult.CONDITION))


def compared(path: Path | None, limits: Limits | None = None) -> Comparison:
    with Prover(limits, solver=Solver(limits, path)) as prover:
        return prover.compare(condition("recipient.age >= 18"), condition("recipient.age > 18"), AT)


def test_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver_module, "solver_path", lambda: None)
    assert compared(None).now.why == "the package z3-solver is not installed"


def test_it_cannot_be_started(tmp_path: Path) -> None:
    assert compared(tmp_path / "none").now.why == "the solver cannot be started: No such file or directory"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("read line; echo '(:version \"4.8.12\")'; echo offerkit-end; sleep 5", "version 4.8; z3-solver 4.13 or newer"),
        ("read line; echo hello; echo offerkit-end; sleep 5", "something else; z3-solver 4.13 or newer is needed"),
        (f"{ANSWERS_VERSION} kill -9 $$", "the solver stopped"),
        (f"{ANSWERS_VERSION} exit 3", "the solver stopped"),
        (f"{ANSWERS_VERSION} exec sleep 30", "did not answer within 0.5 s"),
        (
            f"{ANSWERS_VERSION} read line; echo '(error \"out of memory\")'; echo offerkit-end; sleep 5",
            "needs more than 1,024 MB",
        ),
        (
            f"{ANSWERS_VERSION} read line; echo '(error \"what?\")'; echo offerkit-end; sleep 5",
            "does not understand the question",
        ),
        ("exec sleep 30", "did not answer within 0.5 s"),
    ],
)
def test_it_is_not_as_it_should_be(fake: Callable[[str], Path], script: str, why: str) -> None:
    begin = time.monotonic()
    comparison = compared(fake(script), Limits(question_seconds=0.5, total_seconds=5))
    assert comparison.now.verdict is Verdict.NOT_DECIDED
    assert why in comparison.now.why
    assert comparison.now.gained.witness is None
    assert comparison.now.after is Extent.UNDECIDED
    assert time.monotonic() - begin < 20


def test_it_is_started_again_when_it_dies_and_not_for_ever(fake: Callable[[str], Path]) -> None:
    with Solver(Limits(question_seconds=5), fake(f"{ANSWERS_VERSION} exit 1")) as solver:
        reasons = []
        for _ in range(6):
            with pytest.raises(SolverError) as caught:
                solver.begin("")
            reasons.append(str(caught.value))
    assert reasons[0].startswith("the solver stopped (status")
    assert reasons[-1] == "the solver stopped 4 times"


def test_a_killed_solver_is_started_again() -> None:
    with Solver() as solver, Prover(solver=solver) as prover:
        questions = [condition(f"recipient.age >= {age}") for age in (18, 19, 20)]
        assert prover.compare(questions[0], questions[1], AT).now.verdict is Verdict.FEWER
        process = solver._process
        assert process is not None
        process.kill()
        process.wait()
        assert prover.compare(questions[0], questions[2], AT).now.verdict is Verdict.FEWER


def test_after_the_time_for_all_questions_none_is_asked(fake: Callable[[str], Path]) -> None:
    limits = Limits(question_seconds=0.3, total_seconds=0.3)
    with Prover(limits, solver=Solver(limits, fake(f"{ANSWERS_VERSION} exec sleep 30"))) as prover:
        for _ in range(3):
            reading = prover.compare(condition("recipient.age >= 18"), condition("recipient.age > 18"), AT).now
        assert prover.implied(condition("recipient.age >= 18"), (), AT) is Existence.UNDECIDED
        assert prover.contradiction((condition("recipient.age >= 18"),), AT) == ()
    assert reading.why == "proofs took longer than 0.3 s altogether"


def test_too_hard_a_question_takes_its_steps_and_no_more() -> None:
    text = " and ".join(f"recipient.age * recipient.age * {n} > recipient.age + {n * n}" for n in range(3, 9))
    with Prover(Limits(resources=2_000, question_seconds=60)) as prover:
        reading = prover.compare(
            condition(text), condition(f"{text} and recipient.score * recipient.score > 2"), AT
        ).now
    assert reading.verdict in (Verdict.NOT_DECIDED, Verdict.FEWER, Verdict.SAME)
    if reading.verdict is Verdict.NOT_DECIDED:
        assert reading.why == "it needs more steps than the solver may take"


def test_rules_of_2000_nodes() -> None:
    names = ", ".join(f"'n{number}'" for number in range(450))
    parts = [
        condition(f"recipient.age in ({', '.join(map(str, range(low, low + 500)))}) or recipient.name in ({names})")
        for low in (1, 4)
    ]
    assert sum(1 for part in parts for _ in walk(part.expression.root)) >= 1_900
    with Prover(Limits(question_seconds=60, total_seconds=120)) as prover:
        before, after = AllOf((parts[0], parts[1])), AllOf((*parts, condition("recipient.age <> 7")))
        comparison = prover.compare(before, after, AT)
        deep = condition(f"recipient.age{' + 1' * 40} > 3")
        shallow = condition("recipient.age > -37")
        assert prover.compare(deep, shallow, AT).now.verdict is Verdict.MORE
        assert prover.unreplayed == 0
    assert comparison.now.gained.answer is Existence.NONE
    assert comparison.now.lost.witness is not None
    assert comparison.now.lost.witness.values["recipient", "age"] in (7, None)


def test_the_executable_is_the_one_of_the_package() -> None:
    path = solver_path()
    assert path is not None and path.stem == "z3"
