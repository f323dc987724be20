"""Who is named as a reviewer of what lives is asked, whatever the change does to the list of reviewers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

HEAVY = {"weights": [{"weight": 99}]}


def removed(team: Session) -> None:
    """The list goes in the same edit."""
    team.edit(offers={"loan": {**HEAVY, "reviewers": None}})
    team.do("omar", "apply --yes")


def replaced_by_a_friend(team: Session) -> None:
    """Another name stands in the list."""
    team.edit(offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["olga"]}}})
    team.do("omar", "apply --yes")


def joined_by_a_friend(team: Session) -> None:
    """A friend stands in the list beside the old reviewer, and either of them is enough."""
    team.edit(offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["risk", "olga"]}}})
    team.do("omar", "apply --yes")


def removed_beforehand(team: Session) -> None:
    """The list goes first, alone, and the weight follows."""
    team.edit(offers={"loan": {"reviewers": None}})
    team.do("omar", "apply --yes")
    team.edit(offers={"loan": HEAVY})
    team.do("omar", "apply --yes")


def removed_live_beforehand(team: Session) -> None:
    """The list is even taken out of live before the weight follows."""
    team.edit(offers={"loan": {"reviewers": None}})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.loan")
    team.attempt("omar", "promote --yes")
    team.edit(offers={"loan": HEAVY})
    team.do("omar", "apply --yes")


def deleted_and_declared_again(team: Session) -> None:
    """The offer goes from design, and comes back without its reviewer."""
    body = team.files["specs/recipients/offers.yaml"]["offers"]["loan"]
    team.edit(offers={"loan": None})
    team.do("omar", "apply --yes")
    team.edit(offers={"loan": {**body, **HEAVY, "reviewers": None}})
    team.do("omar", "apply --yes")


def deleted_from_live_too(team: Session) -> None:
    """It goes from live as well before it comes back."""
    body = team.files["specs/recipients/offers.yaml"]["offers"]["loan"]
    team.edit(offers={"loan": None})
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"loan": {**body, **HEAVY, "reviewers": None}})
    team.do("omar", "apply --yes")


def overridden_by_a_template(team: Session) -> None:
    """A template that names a friend takes the place of the offer's own list."""
    team.edit(
        templates={"friendly": {"label": "Friendly", "reviewers": {"eligibility": ["olga"]}}},
        offers={"loan": {**HEAVY, "template": "friendly", "reviewers": None}},
    )
    team.do("omar", "apply --yes")


OF_LOAN: list[Callable[[Session], None]] = [
    removed, replaced_by_a_friend, joined_by_a_friend, removed_beforehand, removed_live_beforehand,
    deleted_and_declared_again, deleted_from_live_too, overridden_by_a_template,
]  # fmt: skip


@pytest.mark.parametrize("way", variants(OF_LOAN))
def test_risk_is_taken_out(team: Session, way: Callable[[Session], None]) -> None:
    """omar writes, olga approves; risk, who reviews the eligibility of what is live, is never asked."""
    way(team)
    team.attempt("olga", "approve offer.loan")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "a weight is live that risk has not seen")


def the_template_names_nobody(team: Session) -> None:
    """The list goes from the template that the offer builds on."""
    team.edit(templates={"reviewed": {"reviewers": {"eligibility": None}}}, offers={"gold-card": HEAVY})
    team.do("omar", "apply --yes")


def the_template_names_a_friend(team: Session) -> None:
    """The template names another."""
    team.edit(templates={"reviewed": {"reviewers": {"eligibility": ["olga"]}}}, offers={"gold-card": HEAVY})
    team.do("omar", "apply --yes")


def another_template(team: Session) -> None:
    """The offer builds on another template, or on none."""
    team.edit(offers={"gold-card": {**HEAVY, "template": None}})
    team.do("omar", "apply --yes")


def its_own_list(team: Session) -> None:
    """The offer gets a list of its own, which counts before the template's."""
    team.edit(offers={"gold-card": {**HEAVY, "reviewers": {"eligibility": ["olga"]}}})
    team.do("omar", "apply --yes")


OF_THE_CARD: list[Callable[[Session], None]] = [
    the_template_names_nobody, the_template_names_a_friend, another_template, its_own_list,
]  # fmt: skip


@pytest.mark.parametrize("way", variants(OF_THE_CARD, quick=1))
def test_risk_is_taken_out_by_the_template(team: Session, way: Callable[[Session], None]) -> None:
    """The same where the reviewers come from a template."""
    way(team)
    team.attempt("olga", "approve offer.gold-card")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("gold-card") == 99, "a weight is live that risk has not seen")


@pytest.mark.slow
def test_brand_is_taken_out(team: Session) -> None:
    """The same with who reviews the content."""
    team.edit(offers={"gold-card": {"content": {"title": "FREE MONEY"}, "reviewers": {"content": ["olga"]}}})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.gold-card --content")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().title("gold-card") == "FREE MONEY", "a text is live that brand has not seen")


@pytest.mark.slow
def test_risk_is_switched_off(team: Session) -> None:
    """An administrator disables the named reviewer and names another in the same edit."""
    team.edit(
        operators={"risk": {"enabled": False}},
        offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["olga"]}}},
    )
    team.do("ada", "apply --yes")
    team.attempt("olga", "approve offer.loan")
    team.attempt("ada", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "a weight is live whose reviewer its author has removed")


@pytest.mark.slow
def test_rename_without_the_reviewer(team: Session) -> None:
    """The rename of the offer loses the list on its way."""
    body: dict[str, Any] = team.files["specs/recipients/offers.yaml"]["offers"]["loan"]
    new = {key: value for key, value in (body | HEAVY).items() if key != "reviewers"}
    team.edit(offers={"loan": None, "credit": new}, moved={"offer.loan": "offer.credit"})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.credit")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("credit") == 99, "a weight is live that risk has not seen")


@pytest.mark.slow
def test_not_asked_at_all(team: Session) -> None:
    """With the list as it is, nobody else's approval counts."""
    team.edit(offers={"loan": HEAVY})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.loan --eligibility")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "a weight is live that risk has not seen")


def test_honest_way_with_the_reviewer(team: Session) -> None:
    """risk, who is named, approves, and the weight is live."""
    team.edit(offers={"loan": HEAVY})
    team.do("omar", "apply --yes")
    team.do("risk", "approve offer.loan --eligibility")
    team.do("omar", "promote --yes")
    assert team.live().weight("loan") == 99


def test_honest_way_with_the_reviewers_of_a_template(team: Session) -> None:
    """Both who are named approve, and text and weight are live."""
    team.edit(offers={"gold-card": {**HEAVY, "content": {"title": "Gold, free for a year"}}})
    team.honestly("omar", "brand", "risk")
    live = team.live()
    assert (live.weight("gold-card"), live.title("gold-card")) == (99, "Gold, free for a year")


# Those who are gone for good, and variants by somebody who knows how reviewers are asked

LOAN = "recipients/offer.loan"
GONE = {"operators": {"risk": {"enabled": False}}}


def risk_is_gone(team: Session) -> None:
    """ada disables the reviewer, names olga in her place and writes a weight; olga approves."""
    team.edit(**GONE, offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["olga"]}}})
    team.do("ada", "apply --yes")
    team.do("olga", "approve offer.loan")


def test_honest_override_where_the_reviewer_is_gone(team: Session) -> None:
    """The other administrator, who changed nothing of it, overrides; the history and the plan say so."""
    risk_is_gone(team)
    assert "OFR715" in team.do("alan", "promote --plan-only --format json")
    team.do("alan", f"override {LOAN} --message 'Rita left the company'")
    assert "Rita left the company" in team.do("alan", "history -n 1")
    team.do("alan", "promote --yes")
    assert team.live().weight("loan") == 99


@pytest.mark.parametrize("who", variants(["ada", "olga", "omar", "brand"], quick=1))
def test_override_by_who_may_not(team: Session, who: str) -> None:
    """The author overrides herself; and those who are no administrators, while there is another one."""
    risk_is_gone(team)
    team.attempt(who, f"override {LOAN} --message 'Never mind'")
    team.attempt("alan", "promote --yes")
    broken_if(team.live().weight("loan") == 99, f"{who} alone took the reviewer's word away")


def test_override_of_another_list(team: Session) -> None:
    """What was overridden is one change of the list; it is changed once more afterwards."""
    risk_is_gone(team)
    team.do("alan", f"override {LOAN} --message 'Rita left the company'")
    team.edit(offers={"loan": {"reviewers": {"eligibility": ["omar"]}}})
    team.do("ada", "apply --yes")
    team.attempt("omar", "approve offer.loan")
    team.attempt("alan", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "the override of one change of the list was taken for another")


@pytest.mark.slow
def test_override_while_the_reviewer_is_there(team: Session) -> None:
    """Nobody is gone: there is nothing to override."""
    removed(team)
    team.attempt("olga", "approve offer.loan")
    done = team.run("alan", f"override {LOAN} --message 'In a hurry'")
    team.attempt("alan", "promote --yes")
    broken_if(
        done.code == 0 or team.live().weight("loan") == 99, "an override took the place of a reviewer who is there"
    )


@pytest.mark.slow
def test_reviewer_of_what_was_never_live(team: Session) -> None:
    """risk reviewed the offer before it went live; the list goes, and a friend approves another weight."""
    body = {**team.files["specs/recipients/offers.yaml"]["offers"]["loan"], "label": "Credit"}
    team.edit(offers={"credit": body})
    team.do("omar", "apply --yes")
    team.do("risk", "approve offer.credit --eligibility")
    team.edit(offers={"credit": {**HEAVY, "reviewers": {"eligibility": ["olga"]}}})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.credit")
    team.attempt("omar", "promote --yes")
    broken_if(
        team.live().weight("credit") == 99, "a weight is live that risk, who was named at the approval, has not seen"
    )
    team.do("risk", "approve offer.credit")
    team.do("omar", "promote --yes")
    assert team.live().weight("credit") == 99


@pytest.mark.slow
def test_list_changed_and_changed_back(team: Session) -> None:
    """risk agreed to go, stays after all, and is taken out again: the old word is not for that."""
    removed_beforehand(team)
    team.do("risk", "approve offer.loan --eligibility")
    team.edit(offers={"loan": {"reviewers": {"eligibility": ["risk"]}}})
    team.do("omar", "apply --yes")
    team.edit(offers={"loan": {"reviewers": {"eligibility": ["olga"]}}})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve offer.loan")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "risk's word for another change of the list counts")


@pytest.mark.slow
def test_template_alone(team: Session) -> None:
    """Only the template goes live, without the reviewer; the offers that build on it stay as they are."""
    team.edit(templates={"reviewed": {"reviewers": {"eligibility": None}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote recipients/template.reviewed --yes")
    named = team.live()["template.reviewed"]["reviewers"]
    broken_if(named.get("eligibility") != ["risk"], "live does not name risk any more, who has not agreed")


def test_honest_way_of_taking_the_reviewer_out(team: Session) -> None:
    """risk, who is taken out, agrees, and so does who is named instead."""
    replaced_by_a_friend(team)
    team.do("olga", "approve offer.loan --eligibility")
    team.do("risk", "approve offer.loan --eligibility")
    team.do("omar", "promote --yes")
    live = team.live()
    assert (live.weight("loan"), live["offer.loan"]["reviewers"]) == (99, {"eligibility": ["olga"]})


@pytest.mark.slow
def test_override_by_who_took_the_reviewer_away(team: Session) -> None:
    """ada disables risk, and alan changes the label of what is left; olga takes risk off the list, ada overrides."""
    team.edit(**GONE)
    team.do("ada", "apply --yes")
    team.edit(operators={"risk": {"label": "Risk"}})
    team.do("alan", "apply --yes")
    team.edit(offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["omar"]}}})
    team.do("olga", "apply --yes")
    team.do("omar", "approve offer.loan --eligibility")
    team.attempt("ada", f"override {LOAN} --message 'Gone'", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "who took the reviewer away lifted their word")


# Two operators swap their names: a seat is the person's


def swapped(team: Session, one: str, other: str, **edit: Any) -> None:
    """ada gives two operators each other's names, and edits something else with it."""
    team.edit(**edit)
    team.swap_names(one, other)
    team.do("ada", "apply --yes")


@pytest.mark.parametrize("offer", variants(["loan", "gold-card"], quick=1))
@pytest.mark.parametrize("step", variants(["with", "after", "label", "rolled-back"], quick=1))
def test_reviewer_swaps_names(team: Session, offer: str, step: str) -> None:
    """olga gets the name of risk, which the list goes on to name (the offer's own, or a template's)."""
    edit: dict[str, Any] = {"offers": {offer: HEAVY}}
    before = team.serial()
    if step == "rolled-back":  # what live says came there again, later than the swap
        team.edit(offers={offer: {"label": "Another"}})
        team.honestly("omar", "olga", "brand", "risk")
    swapped(team, "risk", "olga", **(edit if step == "with" else {}))
    if step == "rolled-back":
        team.do("omar", f"rollback recipients@live --to {before} --yes")
    if step == "label":  # what needs no approval goes first
        team.edit(offers={offer: {"label": "Another"}}, templates={"reviewed": {"label": "Another"}})
        team.do("omar", "apply --yes")
        team.attempt("omar", "promote --yes")
    if step != "with":
        team.edit(**edit)
        team.do("omar", "apply --yes")
    team.attempt("risk", f"approve offer.{offer} --eligibility")  # who was olga
    team.attempt("omar", "promote --include-rolled-back --yes")
    broken_if(team.live().weight(offer) == 99, "a weight is live that the reviewer did not see, who has another name")


@pytest.mark.slow
def test_reviewer_whose_name_is_given_to_somebody_new(team: Session) -> None:
    """risk is called rita now; another person is declared as risk, and the list is what it was in live."""
    team.edit(operators={"rita": team.files["specs/shared.yaml"]["operators"]["risk"], "risk": None})
    lists = {"reviewers": {"eligibility": ["rita"]}}
    team.edit(templates={"reviewed": lists}, offers={"loan": lists})
    team.save("specs/moved.yaml", {"version": 1, "moved": {"operator.risk": "operator.rita"}})
    team.do("ada", "apply --yes")
    (team.root / "specs/moved.yaml").unlink()
    team.edit(operators={"risk": {"profile": "delivery-manager", "email": "new@example.com"}})
    team.edit(offers={"loan": {**HEAVY, "reviewers": {"eligibility": ["risk"]}}})
    team.do("ada", "apply --yes")
    team.attempt("risk", "approve offer.loan --eligibility")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("loan") == 99, "a weight is live that the reviewer did not see, who has another name")


def test_honest_swap_of_names(team: Session) -> None:
    """The lists follow the persons: nothing else is asked for, and who reviewed still does."""
    lists = {"eligibility": ["olga"]}
    swapped(team, "risk", "olga", templates={"reviewed": {"reviewers": lists}}, offers={"loan": {"reviewers": lists}})
    team.do("omar", "promote --yes")
    assert team.live()["offer.loan"]["reviewers"] == lists
    team.edit(offers={"loan": HEAVY})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.loan --eligibility")  # who was risk
    team.do("omar", "promote --yes")
    assert team.live().weight("loan") == 99


@pytest.mark.slow
def test_honest_seat_given_to_another(team: Session) -> None:
    """The name stays in the list and is somebody else's: who had it agrees once, and is not asked any more."""
    swapped(team, "risk", "olga", offers={"loan": HEAVY})
    team.do("risk", "approve offer.loan --eligibility")
    team.do("olga", "approve offer.loan --eligibility")
    team.do("omar", "promote --yes")
    assert team.live().weight("loan") == 99
    team.edit(offers={"loan": {"weights": [{"weight": 7}]}})
    team.do("omar", "apply --yes")
    team.do("risk", "approve offer.loan --eligibility")
    team.do("omar", "promote --yes")
    assert team.live().weight("loan") == 7
