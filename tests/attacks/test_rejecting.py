"""What is live and was rejected leaves live with the next promotion, whatever its author edits meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from attacking import Session, broken_if, variants

TEXT = {"content": {"title": "Save now"}}
WEIGHT = {"weights": [{"weight": 4}]}


def rejected(team: Session, edit: dict[str, Any], what: str = "--content --space app", how: str = "promote") -> None:
    """olga rejects saver as it is live; omar edits it, and promotes."""
    team.do("olga", f"reject offer.saver {what}")
    team.edit(**edit)
    team.do("omar", "apply --yes")
    if how == "saved":
        team.do("omar", "promote --out plans/p.json", "apply plans/p.json --yes")
    else:
        team.attempt("omar", f"{how} --yes")


@pytest.mark.parametrize(
    "edit",
    variants(
        [
            {"offers": {"saver": WEIGHT}},
            {"offers": {"saver": TEXT}},
            {"offers": {"saver": TEXT | WEIGHT}},
            {"offers": {"saver": {"eligible": {"until": "2999-12-31"}}}},
            {"categories": {"bank": {"multiplier": {"factor": 2}}}},
            {"spaces": {"app": {"render": {"text": "{{ title }}"}}}},
            {"offers": {"saver": {"reviewers": {"eligibility": ["risk"]}}}},
            {
                "moved": {"offer.saver": "offer.savings"},
                "offers": {"saver": None, "savings": {"label": "Saver", "category": "bank", **TEXT, **WEIGHT}},
            },
        ],
        quick=1,
    ),
)
def test_rejected_content_stays_by_an_edit(team: Session, edit: dict[str, Any]) -> None:
    """Content is rejected on one space, and something is edited that waits for an approval."""
    rejected(team, edit)
    shown, others = team.shown("app"), team.shown()
    broken_if(shown.keys() & {"saver", "savings"}, "an offer is shown on a space where its content was rejected")
    assert others.keys() & {"saver", "savings"}, "where nothing was rejected it stays"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["saved", "promote recipients offer.saver", "promote --include-rolled-back"])
def test_rejected_content_stays_by_how_it_is_promoted(team: Session, how: str) -> None:
    """By a saved plan, alone, with all that is held."""
    rejected(team, {"offers": {"saver": WEIGHT}}, how=how)
    broken_if("saver" in team.shown("app"), "an offer is shown on a space where its content was rejected")


@pytest.mark.slow
@pytest.mark.parametrize("edit", [WEIGHT, TEXT, TEXT | WEIGHT, {"eligible": {"until": "2999-12-31"}}])
@pytest.mark.parametrize("what", ["", "--eligibility"])
def test_rejected_offer_stays_by_an_edit(team: Session, edit: dict[str, Any], what: str) -> None:
    """All of it is rejected, or its eligibility."""
    rejected(team, {"offers": {"saver": edit}}, what)
    broken_if("saver" in team.shown() or "saver" in team.shown("app"), "a rejected offer is live")


@pytest.mark.slow
def test_rejected_content_stays_by_a_shorter_period(team: Session) -> None:
    """An earlier last day needs nobody: it takes no rejected content along."""
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.honestly("omar", "olga")
    rejected(team, {"offers": {"saver": {"eligible": {"until": "2999-12-30"}}}})
    broken_if("saver" in team.shown("app"), "an offer is shown on a space where its content was rejected")
    assert str(team.live()["offer.saver"]["eligible"]["until"]) == "2999-12-30", "the period ends earlier all the same"


@pytest.mark.slow
def test_rejected_content_stays_by_what_it_needs(team: Session) -> None:
    """A new text is approved, with a category that stays behind."""
    team.do("olga", "reject offer.saver --content --space app")
    team.edit(categories={"new": {"label": "New"}}, offers={"saver": {"category": "new", **TEXT}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.attempt("omar", "promote --exclude category.new --yes")
    broken_if("saver" in team.shown("app"), "an offer is shown on a space where its content was rejected")


@pytest.mark.slow
def test_forged_rejection(team: Session) -> None:
    """A plan that takes an offer off another space than that where it was rejected."""
    team.do("olga", "reject offer.saver --content --space app")
    team.edit(offers={"saver": WEIGHT})
    team.do("omar", "apply --yes", "promote --out plans/p.json")

    def change(plan: dict[str, Any]) -> None:
        (step,) = (step for step in plan["steps"] if step["address"] == "recipients/offer.saver")
        step["after"]["activation"] = ["app"]

    team.forge("plans/p.json", change)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if("saver" not in team.shown(), "an offer was taken off a space where nobody rejected it")


def test_honest_edit_of_what_was_rejected(team: Session) -> None:
    """The edit waits, and what was not rejected stays as it was; approved, it is back on every space."""
    rejected(team, {"offers": {"saver": TEXT | WEIGHT}})
    assert (team.live().title("saver"), team.live().weight("saver")) == ("Save", 3)
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    assert {team.shown(space)["saver"]["title"] for space in ("app", "web-home")} == {"Save now"}


@pytest.mark.slow
def test_honest_text_approved_before_the_rejected_one_leaves(team: Session) -> None:
    """What was approved of the edit before counts once the rest is approved: the old text is what was rejected."""
    team.do("olga", "reject offer.saver --content --space app")
    team.edit(offers={"saver": TEXT | WEIGHT})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver --content")
    team.do("omar", "promote --yes")
    assert "saver" not in team.shown("app")
    team.do("olga", "approve offer.saver --eligibility")
    team.do("omar", "promote --yes")
    assert team.shown("app")["saver"]["title"] == "Save now"
