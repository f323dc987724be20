"""Deciding by a saved plan decides what the plan shows, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attacking import Session, broken_if, succeeds_today, variants

SHOWN = "Deciding by a plan decides what the plan's blocked entries showed, not what stands in design now"


def planned(team: Session, **changes: Any) -> None:
    """omar changes saver; what its promotion lacks is saved as a plan, for olga to read."""
    team.edit(offers={"saver": changes})
    team.do("omar", "apply --yes", "promote --out plans/p.json")


def later(team: Session, **changes: Any) -> None:
    """omar changes saver again, after olga has read the plan."""
    team.edit(offers={"saver": changes})
    team.do("omar", "apply --yes")


def approved_by_plan(team: Session) -> None:
    """olga approves what the plan lacks; omar promotes."""
    team.attempt("olga", "approve --plan plans/p.json")
    team.attempt("omar", "promote --yes")


@succeeds_today(SHOWN)
def test_text_changed_since(team: Session) -> None:
    """Another text stands in design by now."""
    planned(team, content={"title": "Save now"})
    later(team, content={"title": "FREE MONEY"})
    approved_by_plan(team)
    broken_if(team.live().title("saver") == "FREE MONEY", "a text is live that its reviewer was never shown")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_weight_changed_since(team: Session) -> None:
    """Another weight."""
    planned(team, weights=[{"weight": 4}])
    later(team, weights=[{"weight": 99}])
    approved_by_plan(team)
    broken_if(team.live().weight("saver") == 99, "a weight is live that its reviewer was never shown")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_other_aspect_changed_since(team: Session) -> None:
    """The plan lacks the content only; the weight came later."""
    planned(team, content={"title": "Save now"})
    later(team, weights=[{"weight": 99}])
    approved_by_plan(team)
    broken_if(team.live().weight("saver") == 99, "a weight is live that the plan did not even ask about")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_other_space_since(team: Session) -> None:
    """The plan lacks the content on the home page only; the app's came later."""
    planned(team, representations={"web-home": {"title": "Save now"}})
    later(team, representations={"app": {"title": "FREE MONEY"}})
    approved_by_plan(team)
    shown = team.shown("app").get("saver", {})
    broken_if(shown.get("title") == "FREE MONEY", "a text is live on a space that the plan did not ask about")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_inherited_since(team: Session) -> None:
    """The plan lacks the content; the category's multiplier came later, and is approved for the offer along with it."""
    planned(team, content={"title": "Save now"})
    team.edit(categories={"bank": {"multiplier": {"factor": 50}}})
    team.do("omar", "apply --yes")
    team.attempt("olga", "approve --plan plans/p.json")
    waiting = team.do("", "approvals recipients/offer.saver --all --format json")
    states = {row["state"] for row in json.loads(waiting) if row["aspect"] == "eligibility"}
    broken_if("approved" in states, "a multiplier is approved that the plan did not show")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_new_offer_changed_since(team: Session) -> None:
    """The offer is new, and was not live before."""
    body = {"category": "bank", "content": {"title": "Hello"}, "spaces": ["web-home"]}
    team.edit(offers={"hello": body})
    team.do("omar", "apply --yes", "promote --out plans/p.json")
    team.edit(offers={"hello": {"content": {"title": "FREE MONEY"}}})
    team.do("omar", "apply --yes")
    approved_by_plan(team)
    broken_if(team.live().title("hello") == "FREE MONEY", "a text is live that its reviewer was never shown")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_another_offer_under_the_same_name(team: Session) -> None:
    """The offer in the plan went; another one has its name by now."""
    body = {"category": "bank", "content": {"title": "Hello"}, "spaces": ["web-home"]}
    team.edit(offers={"hello": body})
    team.do("omar", "apply --yes", "promote --out plans/p.json")
    team.edit(offers={"hello": None})
    team.do("omar", "apply --yes")
    team.edit(offers={"hello": {"category": "travel", "content": {"title": "FREE MONEY"}, "spaces": ["app"]}})
    team.do("omar", "apply --yes")
    approved_by_plan(team)
    broken_if(team.live().title("hello") == "FREE MONEY", "a text is live that its reviewer was never shown")


@pytest.mark.slow
@succeeds_today(SHOWN)
def test_rejecting_what_the_plan_did_not_show(team: Session) -> None:
    """olga approved the second text; alan, who read the plan of the first, rejects that one by its plan."""
    planned(team, content={"title": "Save now"})
    later(team, content={"title": "Save later"})
    team.do("olga", "approve offer.saver")
    team.attempt("alan", "reject --plan plans/p.json")
    team.do("omar", "promote --yes")
    broken_if(team.live().title("saver") != "Save later", "a rejection by a plan hit a text that the plan did not show")


@pytest.mark.parametrize(
    "changes", variants([{"content": {"title": "Save now"}}, {"weights": [{"weight": 4}]}], quick=1)
)
def test_honest_approval_by_plan(team: Session, changes: dict[str, Any]) -> None:
    """Nothing changed since: what the plan lacks is approved, and goes live."""
    planned(team, **changes)
    team.do("olga", "approve --plan plans/p.json")
    team.do("omar", "promote --yes")
    body = team.live()["offer.saver"]
    assert {key: body[key] for key in changes} == changes


@pytest.mark.slow
def test_honest_approval_by_plan_while_others_change(team: Session) -> None:
    """What changed since is not in the plan: that waits, and the rest is approved."""
    planned(team, content={"title": "Save now"})
    team.edit(offers={"safari": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve --plan plans/p.json")
    team.do("omar", "promote --yes")
    live = team.live()
    assert (live.title("saver"), live.weight("safari")) == ("Save now", 2)


@pytest.mark.slow
def test_honest_rejection_by_plan(team: Session) -> None:
    """Nothing changed since: what the plan shows is rejected, and does not go live."""
    planned(team, content={"title": "Save now"})
    team.do("olga", "reject --plan plans/p.json")
    team.attempt("omar", "promote --yes")
    assert team.live().title("saver") != "Save now"
