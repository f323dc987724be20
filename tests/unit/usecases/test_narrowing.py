"""What a rule “narrowing needs no approval” would have decided on what waits; and that nothing goes live by it."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.plans.plan import plan_digest
from offerkit.prove.proofs import INTERRUPTED
from offerkit.prove.result import Comparison
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.proof_words import stated
from offerkit.reports.render import render
from offerkit.usecases.proof_answers import EnvironmentProver
from offerkit.usecases.proof_questions import ProofQuestion
from offerkit.usecases.proofs import proofs_of_plan
from offerkit.usecases.requests import ProofRequest

CATALOG, OFFERS = "specs/shop/catalog.yaml", "specs/shop/offers.yaml"
ADULTS = {"eligible": {"when": "person.age >= 18"}}


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    """Live: the safari is for adults."""
    shop.change({OFFERS: {"offers": {"safari": ADULTS}}})
    return shop.go_live()


def outcomes(workspace: Workspace, *patches: dict[str, Any]) -> dict[str, str]:
    """By offer that waits, why the rule would keep it back; empty where it would not."""
    for patch in patches:
        workspace.change(patch)
    workspace.apply("ada")
    session = workspace.session("ada")
    plan = workspace.promotion("ada")
    found = proofs_of_plan(session, plan, ProofRequest(session.now))
    return {outcome.offer.name: outcome.obstacle for outcome in found.narrowing}


def safari(**fields: Any) -> dict[str, Any]:
    return {OFFERS: {"offers": {"safari": fields}}}


def test_what_is_narrower_would_pass(live: Workspace) -> None:
    assert outcomes(live, safari(eligible={"when": "person.age > 18"})) == {"safari": ""}
    assert live.promotion("ada").steps == (), "and waits all the same"


@pytest.mark.parametrize(
    ("fields", "obstacle"),
    [
        ({"eligible": {"when": "person.age >= 16"}}, "more become eligible"),
        ({"eligible": {"when": "person.age > 18 or current_date > date '2030-01-01'"}}, "more become eligible"),
        ({"eligible": {"when": "person.age > 18"}, "weights": [{"weight": 6}]}, "its weights change"),
        ({"eligible": {"when": "person.age > 18"}, "themes": ["sun"]}, "its themes change"),
        ({"eligible": {"when": "person.age > 18"}, "content": {"title": "Tigers"}}, "its content changes"),
        (
            {"eligible": {"when": "person.age > 18"}, "content": {"html": "<p>Lions</p>"}},
            "it is shown on other spaces",
        ),
    ],
)
def test_anything_else_would_keep_it_back(live: Workspace, fields: dict[str, Any], obstacle: str) -> None:
    assert outcomes(live, safari(**fields)) == {"safari": obstacle}


def test_it_is_judged_from_now_on_whenever_the_reader_asks_about(live: Workspace) -> None:
    live.change(safari(eligible={"when": "person.age > 18 or current_date < date '2090-01-01'"}))
    live.apply("ada")
    session, plan = live.session("ada"), live.promotion("ada")
    (outcome,) = proofs_of_plan(session, plan, ProofRequest(session.now, "2091-01-01")).narrowing
    assert outcome.obstacle == "more become eligible"


def test_after_an_interruption_nothing_more_is_asked(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    live.change({OFFERS: {"offers": {"saver": {"eligible": {"when": "person.age > 90"}}}}})
    live.apply("ada")
    live.approve_all()
    live.change(safari(eligible={"when": "person.age > 18"}))
    live.apply("ada")
    session, plan = live.session("ada"), live.promotion("ada")
    assert plan.steps
    assert proofs_of_plan(session, plan, ProofRequest(session.now)).narrowing
    answer = EnvironmentProver.answer

    def interrupted(prover: EnvironmentProver, question: ProofQuestion, why: str = "") -> Comparison:
        if not why:
            raise KeyboardInterrupt
        return answer(prover, question, why)

    monkeypatch.setattr(EnvironmentProver, "answer", interrupted)
    proofs = proofs_of_plan(session, plan, ProofRequest(session.now))
    assert proofs.changes[0].comparison.now.why == INTERRUPTED
    assert proofs.narrowing == ()


def test_a_multiplier_would_keep_it_back(live: Workspace) -> None:
    faster = {CATALOG: {"categories": {"travel": {"multiplier": {"factor": 2}}}}}
    assert outcomes(live, safari(eligible={"when": "person.age > 18"}), faster) == {"safari": "a multiplier changes"}


def test_what_changes_through_a_filter_waits_and_is_judged_too(live: Workspace) -> None:
    assert outcomes(live, {CATALOG: {"filters": {"adults": {"when": "person.age >= 21"}}}}) == {"gold-card": ""}


def test_what_was_never_live_is_not_judged(shop: Workspace) -> None:
    assert outcomes(shop) == {}


def test_the_promotion_says_so_and_its_plan_does_not(live: Workspace) -> None:
    live.change(safari(eligible={"when": "person.age > 18"}))
    live.change({OFFERS: {"offers": {"saver": {"weights": [{"weight": 9}]}}}})
    live.apply("ada")
    plan, session = live.promotion("ada"), live.session("ada")
    digest = plan_digest(plan)
    words = stated(proofs_of_plan(session, plan, ProofRequest(session.now)))
    for form in ("text", "markdown", "html"):
        shown = " ".join(render(PlanReport(plan, digest, None, words), form).split())
        assert "would have let through offer shop/safari, and kept back offer shop/saver (its weights change)" in shown
        assert "nothing goes live because of a proof" in shown
    assert plan_digest(plan) == digest
    assert "narrowing" not in render(PlanReport(plan, digest, None, words), "json")
