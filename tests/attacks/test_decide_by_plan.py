"""Deciding by a saved plan decides what the plan shows, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attacking import Session, broken_if, variants


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


def test_text_changed_since(team: Session) -> None:
    """Another text stands in design by now."""
    planned(team, content={"title": "Save now"})
    later(team, content={"title": "FREE MONEY"})
    approved_by_plan(team)
    broken_if(team.live().title("saver") == "FREE MONEY", "a text is live that its reviewer was never shown")


@pytest.mark.slow
def test_weight_changed_since(team: Session) -> None:
    """Another weight."""
    planned(team, weights=[{"weight": 4}])
    later(team, weights=[{"weight": 99}])
    approved_by_plan(team)
    broken_if(team.live().weight("saver") == 99, "a weight is live that its reviewer was never shown")


@pytest.mark.slow
def test_other_aspect_changed_since(team: Session) -> None:
    """The plan lacks the content only; the weight came later."""
    planned(team, content={"title": "Save now"})
    later(team, weights=[{"weight": 99}])
    approved_by_plan(team)
    broken_if(team.live().weight("saver") == 99, "a weight is live that the plan did not even ask about")


@pytest.mark.slow
def test_other_space_since(team: Session) -> None:
    """The plan lacks the content on the home page only; the app's came later."""
    planned(team, representations={"web-home": {"title": "Save now"}})
    later(team, representations={"app": {"title": "FREE MONEY"}})
    approved_by_plan(team)
    shown = team.shown("app").get("saver", {})
    broken_if(shown.get("title") == "FREE MONEY", "a text is live on a space that the plan did not ask about")


@pytest.mark.slow
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


# Variants: of who knows that blocked entries carry what they wait for


@pytest.mark.slow
def test_plan_that_carries_another_offer(team: Session) -> None:
    """The entry shows saver; what it carries is safari's."""
    planned(team, content={"title": "Save now"})
    team.edit(offers={"safari": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes", "promote --out plans/q.json")
    rows = json.loads((team.root / "plans/q.json").read_text())["plan"]["blocked"]
    (weight,) = [row for row in rows if row["address"].endswith("offer.safari")]
    team.forge("plans/p.json", lambda plan: [row.update(keys=weight["keys"]) for row in plan["blocked"]])
    team.attempt("olga", "approve --plan plans/p.json")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("safari") == 99, "an offer is approved that the plan did not show")


@pytest.mark.slow
def test_plan_that_carries_another_aspect(team: Session) -> None:
    """The entry shows the content; it carries the eligibility, too."""
    planned(team, content={"title": "Save now"}, weights=[{"weight": 99}])

    def one_entry(plan: dict[str, Any]) -> None:
        weight, content = sorted(plan["blocked"], key=lambda row: row["keys"][0]["aspect"], reverse=True)
        content["keys"] += weight["keys"]
        plan["blocked"] = [content]

    team.forge("plans/p.json", one_entry)
    approved_by_plan(team)
    broken_if(team.live().weight("saver") == 99, "a weight is approved that the plan did not show")


@pytest.mark.slow
def test_plan_made_one_of_format_1(team: Session) -> None:
    """Without what they carry, the entries are decided as they stand now."""
    planned(team, content={"title": "Save now"})
    later(team, content={"title": "FREE MONEY"})

    def older(plan: dict[str, Any]) -> None:
        plan["format"] = 1
        for row in plan["blocked"]:
            del row["keys"]

    team.forge("plans/p.json", older)
    approved_by_plan(team)
    broken_if(team.live().title("saver") == "FREE MONEY", "a text is live that its reviewer was never shown")


@pytest.mark.slow
def test_text_there_and_back(team: Session) -> None:
    """What stands now is what the plan showed, though something else stood there between."""
    planned(team, content={"title": "Save now"})
    later(team, content={"title": "FREE MONEY"})
    later(team, content={"title": "Save now"})
    team.do("olga", "approve --plan plans/p.json")
    later(team, content={"title": "FREE MONEY"})
    team.attempt("omar", "promote --yes")
    broken_if(team.live().title("saver") == "FREE MONEY", "a text is live that its reviewer was never shown")


def looked(team: Session, line: str = "approve offer.saver") -> str:
    """The digest of what olga would decide."""
    return str(json.loads(team.do("olga", f"{line} --show --format json"))["digest"])


EXPECTED: dict[str, dict[str, Any]] = {
    "text": {"offers": {"saver": {"content": {"title": "FREE MONEY"}}}},
    "weight": {"offers": {"saver": {"weights": [{"weight": 99}]}}},
    "inherited": {"categories": {"bank": {"multiplier": {"factor": 50}}}},
    "space": {"offers": {"saver": {"representations": {"app": {"title": "FREE MONEY"}}}}},
}


@pytest.mark.parametrize("what", variants(EXPECTED, quick=1))
def test_pattern_after_a_look(team: Session, what: str) -> None:
    """olga looked, and pins what she saw; omar changes it before she approves."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    digest = looked(team)
    team.edit(**EXPECTED[what])
    team.do("omar", "apply --yes")
    approved = team.attempt("olga", f"approve offer.saver --expect {digest}")
    broken_if(approved, "what was approved is not what was looked at")


@pytest.mark.slow
def test_pattern_that_takes_in_more_by_now(team: Session) -> None:
    """Another offer matches since the look."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    digest = looked(team, "approve 'offer.sa*'")
    team.edit(offers={"sale": {"category": "bank", "content": {"title": "FREE MONEY"}, "spaces": ["web-home"]}})
    team.do("omar", "apply --yes")
    broken_if(team.attempt("olga", f"approve 'offer.sa*' --expect {digest}"), "an offer came along that nobody saw")


@pytest.mark.slow
def test_rejected_since_the_look(team: Session) -> None:
    """alan rejected it meanwhile; olga does not know that she takes that back."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    digest = looked(team)
    team.do("alan", "reject offer.saver")
    broken_if(team.attempt("olga", f"approve offer.saver --expect {digest}"), "a rejection is taken back unseen")


def test_honest_approval_after_a_look(team: Session) -> None:
    """Nothing changed since the look; another offer did, which is not meant."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    digest = looked(team)
    team.edit(offers={"safari": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    team.do("olga", f"approve offer.saver --expect {digest}")
    team.do("omar", "promote --yes")
    assert team.live().title("saver") == "Save now"
