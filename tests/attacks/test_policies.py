"""What a policy denies is neither applied nor live, by whatever way, until a second person says so."""

from __future__ import annotations

from typing import Any

import pytest
from attacking import Session, broken_if, variants

LIGHT = {"require": "offer.weight <= 50", "message": "No weight is above 50."}
STAYS = {
    "require": "step.action <> 'delete' or not starts_with(offer.category, 'bank')",
    "message": "Offers of the bank are never deleted.",
    "override": ["risk"],
}


@pytest.fixture
def ruled(team: Session) -> Session:
    """The project with two policies, live."""
    team.edit(policies={"light": LIGHT, "stays": STAYS})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    return team


def heavy(weight: int = 99) -> dict[str, Any]:
    return {"saver": {"weights": [{"weight": weight}]}}


def judged(team: Session, *, deleted: str = "") -> None:
    """Whatever was tried, no offer weighs more in design or live, and none of the bank is gone."""
    for state in (team.design(), team.live()):
        weights = {
            name: [each["weight"] for each in body.get("weights", [])]
            for section in ("offers", "templates")
            for name, body in state.sections.get(section, {}).items()
        }
        broken_if(any(weight > 50 for each in weights.values() for weight in each), "an offer weighs more than 50")
        for offer in ("gold-card", "loan"):
            broken_if(state[f"offer.{offer}"] is None, f"{offer} was deleted")


def everything(team: Session, who: str = "ada") -> None:
    """Apply, approve and promote, as far as that goes."""
    team.attempt(who, "apply --yes")
    team.attempt("olga", "approve offer.saver")
    team.attempt("alan", "promote --yes")


SOFTER: dict[str, Any] = {
    "deleted": None,
    "warns": {"severity": "warn"},
    "says more": {"require": "offer.weight <= 500"},
    "of categories": {"applies_to": ["category"], "require": "category.label is not null"},
    "overridden by its author": {"override": ["ada", "omar"]},
}


@pytest.mark.parametrize("change", variants(SOFTER))
def test_softened_with_what_it_denies(ruled: Session, change: str) -> None:
    """One edit of an administrator has both the heavy offer and another policy."""
    ruled.edit(policies={"light": SOFTER[change]}, offers=heavy())
    if change == "overridden by its author":
        ruled.attempt("ada", "override offer.saver --policies --message mine")
    everything(ruled)
    judged(ruled)


@pytest.mark.parametrize("change", variants(["deleted", "warns", "says more"], quick=1))
def test_softened_before_what_it_denies(ruled: Session, change: str) -> None:
    """The policy is changed in design first; live still has it."""
    ruled.edit(policies={"light": SOFTER[change]})
    ruled.do("ada", "apply --yes")
    ruled.edit(offers=heavy())
    everything(ruled)
    judged(ruled)


@pytest.mark.slow
def test_policy_is_renamed(ruled: Session) -> None:
    """Under its new name it says something else, and lets the weight pass."""
    ruled.edit(policies={"light": None, "lighter": {**LIGHT, "require": "offer.weight <= 500"}}, offers=heavy())
    ruled.edit(moved={"policy.light": "policy.lighter"})
    everything(ruled)
    judged(ruled)


def test_checkout_without_policies(ruled: Session) -> None:
    """The checkout of an offer manager has no policies, and they leave out that these would go."""
    ruled.edit(policies={"light": None, "stays": None}, offers={**heavy(), "loan": None})
    ruled.attempt("omar", "apply --exclude policy.* --yes")
    ruled.attempt("omar", "apply offer.saver --yes")
    judged(ruled)


def test_plan_saved_before_the_policy(team: Session) -> None:
    """The plan was made, and read, when there was no policy."""
    team.edit(offers={**heavy(), "loan": None})
    team.do("omar", "plan offer.saver offer.loan --out plans/p.json")
    team.edit(offers={"saver": {"weights": [{"weight": 3}]}})
    team.edit(policies={"light": LIGHT, "stays": STAYS})
    team.do("ada", "apply policy.* --yes")
    team.attempt("omar", "apply plans/p.json --yes")
    judged(team)


@pytest.mark.slow
def test_promotion_leaves_the_policy_behind(team: Session) -> None:
    """The policy is in design only, younger than the offer; the promotion leaves it out."""
    team.edit(offers=heavy())
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.edit(policies={"light": LIGHT})
    team.do("ada", "apply --yes")
    team.attempt("alan", "promote --exclude policy.* --yes")
    team.attempt("alan", "promote offer.saver --yes")
    broken_if(team.live().weight("saver") != 3, "live has what design's policy denies")


@pytest.mark.parametrize("steps", variants([1, 2]))
def test_by_a_template(ruled: Session, steps: int) -> None:
    """The offer inherits its weight; nobody edits it when the template is changed."""
    ruled.edit(
        templates={"plain": {"weights": [{"weight": 4}]}}, offers={"saver": {"weights": None, "template": "plain"}}
    )
    if steps == 2:
        ruled.do("omar", "apply --yes")
        ruled.do("olga", "approve offer.saver")
        ruled.do("alan", "promote --yes")
    ruled.edit(templates={"plain": {"weights": [{"weight": 99}]}})
    everything(ruled, "omar")
    judged(ruled)


def test_by_a_formula(ruled: Session) -> None:
    """Beside a light weight stands a formula, and the highest counts."""
    ruled.edit(offers={"saver": {"weights": [{"weight": 1}, {"formula": "90 + recipient.age"}]}})
    everything(ruled, "omar")
    broken_if(len(ruled.live()["offer.saver"]["weights"]) > 1, "an offer weighs more than a policy allows")


@pytest.mark.slow
def test_deleted_under_another_name(ruled: Session) -> None:
    """The offer is renamed, and what it is called then is deleted."""
    loan = ruled.files["specs/recipients/offers.yaml"]["offers"]["loan"]
    ruled.edit(offers={"loan": None, "credit": loan}, moved={"offer.loan": "offer.credit"})
    ruled.do("omar", "apply --yes")
    ruled.edit(offers={"credit": None}, moved=None)
    ruled.attempt("omar", "apply --yes")
    broken_if(ruled.design()["offer.credit"] is None, "an offer of the bank was deleted")


def test_deleted_by_a_rollback_of_design(ruled: Session) -> None:
    """Design goes back to where the offer was not there yet."""
    before = ruled.serial()
    ruled.edit(
        offers={"card": {"label": "Card", "category": "bank", "weights": [{"weight": 1}], "content": {"title": "C"}}}
    )
    ruled.do("omar", "apply --yes")
    ruled.attempt("omar", f"rollback recipients@design --to {before} --yes")
    broken_if(ruled.design()["offer.card"] is None, "an offer of the bank was deleted")


@pytest.mark.slow
def test_policy_is_rolled_back(ruled: Session) -> None:
    """Live goes back to where it had no policies, and the heavy offer follows."""
    ruled.attempt("omar", "rollback recipients@live --to 6 --yes")
    ruled.edit(policies={"light": None, "stays": None})
    ruled.attempt("ada", "apply --yes")
    ruled.edit(offers=heavy())
    everything(ruled)
    judged(ruled)


@pytest.mark.parametrize("who", variants(["omar", "olga", "risk"], quick=1))
def test_override_by_who_may_not(ruled: Session, who: str) -> None:
    """The author, another offer manager, and who is named for the other policy only."""
    ruled.edit(offers=heavy())
    ruled.attempt(who, "override offer.saver --policies --message mine")
    everything(ruled, "omar")
    judged(ruled)


@pytest.mark.parametrize("how", variants(["deleted", "disabled"], quick=1))
def test_override_after_who_may_was_removed(ruled: Session, how: str) -> None:
    """An administrator removes whom the policy names, so that they come in their place."""
    named = {"stays": {"override": ["alan"] if how == "deleted" else ["risk"]}}
    gone = None if how == "deleted" else {"enabled": False}
    ruled.edit(policies=named, operators={"risk": gone})
    if how == "deleted":
        ruled.edit(templates={"reviewed": {"reviewers": {"eligibility": None}}}, offers={"loan": {"reviewers": None}})
    ruled.do("ada", "apply --yes")
    ruled.edit(offers={"loan": None})
    ruled.attempt("ada", "override offer.loan --policies --message mine")
    ruled.attempt("omar", "apply --yes")
    judged(ruled)


def test_override_under_the_name_of_who_may(ruled: Session) -> None:
    """An administrator swaps names with whom the policy names."""
    ruled.swap_names("ada", "risk")
    ruled.do("ada", "apply --yes")
    ruled.edit(offers={"loan": None})
    ruled.attempt("risk", "override offer.loan --policies --message mine")
    ruled.attempt("omar", "apply --yes")
    judged(ruled)


def test_honest_override_under_another_name(ruled: Session) -> None:
    """Whom the policy names is called otherwise since; live's policy is theirs still, and no administrator's."""
    rita = ruled.files["specs/shared.yaml"]["operators"]["risk"]
    ruled.edit(
        operators={"risk": None, "rita": rita},
        policies={"stays": {"override": ["rita"]}},
        templates={"reviewed": {"reviewers": {"eligibility": ["rita"]}}},
        offers={"loan": {"reviewers": None}},
    )
    ruled.save("specs/moved.yaml", {"version": 1, "moved": {"operator.risk": "operator.rita"}})
    ruled.do("ada", "apply --yes")
    ruled.edit(offers={"loan": None})
    assert not ruled.attempt("ada", "override offer.loan --policies --message mine")
    ruled.do("rita", "override offer.loan --policies --message sold")
    ruled.do("omar", "apply --yes")
    assert ruled.design()["offer.loan"] is None


@pytest.mark.parametrize("version", variants([1, 2], quick=1))
def test_plan_that_leaves_out_the_override(ruled: Session, version: int) -> None:
    """Who reads the plan is not told that a policy was overridden for it."""
    ruled.edit(offers=heavy(60))
    ruled.do("alan", "override offer.saver --policies --message once")
    ruled.do("omar", "plan --out plans/p.json")

    def silent(plan: dict[str, Any]) -> None:
        plan["notes"] = []
        if version == 1:
            plan["format"] = 1
            for key in ("asked", "undoes", "withdrawn", "rolled_back"):
                del plan[key]

    ruled.forge("plans/p.json", silent)
    ruled.attempt("omar", "apply plans/p.json --yes")
    judged(ruled)


def test_change_by_what_it_inherits(ruled: Session) -> None:
    """No offer may get other reviewers; its template gives it some."""
    kept = {"require": "not contains(step.changed, 'reviewers')", "message": "Reviewers stay."}
    ruled.edit(policies={"kept": kept})
    ruled.do("ada", "apply --yes")
    ruled.edit(templates={"reviewed": {"reviewers": {"eligibility": ["olga"]}}})
    ruled.attempt("omar", "apply --yes")
    named = ruled.design()["template.reviewed"]["reviewers"]["eligibility"]
    broken_if(named != ["risk"], "an offer has other reviewers")
    ruled.edit(templates={"reviewed": {"label": "Reviewed by risk", "reviewers": {"eligibility": ["risk"]}}})
    ruled.do("omar", "apply --yes")


def test_override_of_something_else(ruled: Session) -> None:
    """What a second person has accepted is a weight of 60; what is applied is one of 99."""
    ruled.edit(offers=heavy(60))
    ruled.do("alan", "override offer.saver --policies --message once")
    ruled.edit(offers=heavy(99))
    everything(ruled, "omar")
    judged(ruled)


@pytest.mark.slow
def test_override_by_an_author_who_lets_somebody_apply(ruled: Session) -> None:
    """Ada overrides what is hers; omar applies it and says that it is."""
    ruled.edit(offers=heavy())
    ruled.do("ada", "override offer.saver --policies --message mine")
    ruled.attempt("omar", "apply --author ada --yes")
    judged(ruled)


@pytest.mark.slow
def test_override_is_used_twice(ruled: Session) -> None:
    """What was accepted once went live, and was taken back: it takes another word."""
    ruled.edit(offers=heavy(60))
    ruled.do("alan", "override offer.saver --policies --message once")
    ruled.do("omar", "apply --yes")
    ruled.do("olga", "approve offer.saver")
    ruled.do("alan", "promote --yes")
    ruled.edit(offers=heavy(3))
    ruled.do("omar", "apply --yes")
    ruled.do("olga", "approve offer.saver")
    ruled.do("alan", "promote --yes")
    ruled.edit(offers=heavy(60))
    everything(ruled, "omar")
    judged(ruled)


def test_honest_changes(ruled: Session) -> None:
    """Below the limit, an offer of no bank deleted, an offer that is switched off: nothing is denied."""
    ruled.edit(offers={**heavy(50), "safari": None, "loan": {"enabled": False}})
    ruled.do("omar", "apply --yes")
    ruled.do("olga", "approve offer.saver")
    ruled.do("alan", "promote --yes")
    assert (ruled.live().weight("saver"), ruled.live()["offer.safari"], ruled.live()["offer.loan"]) == (50, None, None)


def test_honest_override(ruled: Session) -> None:
    """A second person accepts exactly this, before it is applied; it goes live, and the history says who, and why."""
    ruled.edit(offers={**heavy(60), "loan": None})
    assert not ruled.attempt("omar", "apply --yes")
    ruled.do("alan", "override offer.saver --policies --message 'Black week'")
    ruled.do("risk", "override offer.loan --policies --message sold")
    plan = " ".join(ruled.do("omar", "plan").split())
    assert "was overridden by alan" in plan
    assert "Black week" in plan
    ruled.do("omar", "apply --yes")
    ruled.do("olga", "approve offer.saver")
    ruled.do("alan", "promote --yes")
    assert (ruled.live().weight("saver"), ruled.live()["offer.loan"]) == (60, None)
    assert "Black week" in ruled.do("", "history --format json")


@pytest.mark.slow
def test_honest_end_of_a_policy(ruled: Session) -> None:
    """Once it went from design and from live, with nothing else, it holds no more."""
    ruled.edit(policies={"light": None})
    ruled.do("ada", "apply --yes")
    ruled.do("alan", "promote --yes")
    ruled.edit(offers=heavy())
    ruled.do("omar", "apply --yes")
    ruled.do("olga", "approve offer.saver")
    ruled.do("alan", "promote --yes")
    assert ruled.live().weight("saver") == 99


@pytest.mark.slow
def test_honest_override_after_who_may_left(ruled: Session) -> None:
    """Whom the policy names is disabled by one administrator; another one comes in their place."""
    ruled.edit(operators={"risk": {"enabled": False}})
    ruled.do("ada", "apply --yes")
    ruled.edit(offers={"loan": None})
    ruled.do("alan", "override offer.loan --policies --message 'Rita left'")
    ruled.do("omar", "apply --yes")
    assert ruled.design()["offer.loan"] is None
