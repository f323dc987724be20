"""What was rejected or retired does not come back by a rollback, nor what a rollback took back by an old plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants


@pytest.mark.parametrize("what", variants(["", "--content", "--eligibility"], quick=1))
def test_rollback_brings_a_rejected_offer_back(team: Session, what: str) -> None:
    """Rejected and taken off live, then live as it was before."""
    before = team.serial()
    team.do("olga", f"reject offer.saver {what}")
    team.do("omar", "promote --yes")
    assert team.live()["offer.saver"] is None
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if(team.live()["offer.saver"], "a rejected offer is live again")


@pytest.mark.slow
def test_rollback_holds_a_rejected_offer_in_live(team: Session) -> None:
    """The next promotion, which takes what is rejected off live, does not."""
    before = team.serial()
    team.do("olga", "reject offer.saver")
    team.do("omar", "promote --yes")
    team.attempt("omar", f"rollback recipients@live --to {before} --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "a rejected offer is live, and no promotion takes it off")


@pytest.mark.slow
def test_rollback_past_a_rejection_not_yet_promoted(team: Session) -> None:
    """Changed, changed back, and rejected then; live goes back to what was rejected before anybody promoted."""
    before = team.serial()
    team.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"weights": [{"weight": 3}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "reject offer.saver --eligibility")
    team.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    team.do("omar", "apply --yes")
    assert team.live().weight("saver") == 4
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if(team.live().weight("saver") == 3, "a rejected weight is live again")


@pytest.mark.slow
def test_rollback_to_a_space_where_it_was_rejected(team: Session) -> None:
    """Rejected on one space only, and back there."""
    before = team.serial()
    team.do("olga", "reject offer.saver --content --space app")
    team.do("omar", "promote --yes")
    assert "saver" not in team.shown("app")
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if("saver" in team.shown("app"), "an offer is live on a space where its content is rejected")


@pytest.mark.slow
def test_rollback_brings_a_retired_offer_back(team: Session) -> None:
    """Removed from the specs and from live, then live again."""
    before = team.serial()
    team.edit(offers={"saver": None})
    team.do("omar", "apply --yes", "promote --yes")
    assert team.live()["offer.saver"] is None
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if(team.live()["offer.saver"], "a retired offer is live again")


def test_honest_rollback(team: Session) -> None:
    """What was neither rejected nor retired goes back, beside what stays away; design is not touched."""
    before = team.serial()
    team.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    team.do("omar", f"rollback recipients@live --to {before} --yes")
    assert (team.live().weight("saver"), team.design().weight("saver")) == (3, 4)
    team.do("omar", "promote --yes")
    assert team.live().weight("saver") == 3, "held"
    team.do("omar", "promote --include-rolled-back --yes")
    assert team.live().weight("saver") == 4


def broken(team: Session) -> int:
    """A bad text in design, approved, with its promotion saved; the revision before."""
    before = team.serial()
    team.edit(offers={"saver": {"content": {"title": "BROKEN"}}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")
    return before


def test_saved_promotion_after_a_rollback(team: Session) -> None:
    """A job is run again after the incident was rolled back."""
    before = broken(team)
    team.do("omar", "apply plans/p.json --yes", f"rollback recipients@live --to {before} --yes")
    assert team.live().title("saver") == "Save"
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().title("saver") == "BROKEN", "what was rolled back is live again by an old plan")


@pytest.mark.slow
def test_saved_promotion_never_applied_before_the_rollback(team: Session) -> None:
    """The plan was saved, the same change went live another way and was rolled back; now the plan is applied."""
    before = broken(team)
    team.do("omar", "promote --yes", f"rollback recipients@live --to {before} --yes")
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().title("saver") == "BROKEN", "what was rolled back is live by an old plan")


@pytest.mark.slow
def test_saved_promotion_of_more_than_was_rolled_back(team: Session) -> None:
    """The plan also has what was not rolled back, because that went live only with the second of two."""
    before = broken(team)
    team.do("omar", "apply plans/p.json --yes")
    team.edit(offers={"safari": {"weights": [{"weight": 7}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.safari")
    team.do("omar", f"rollback recipients@live --to {before} --yes")
    team.do("omar", "promote --include-rolled-back --out plans/q.json", "apply plans/q.json --yes")
    team.do("omar", f"rollback recipients@live --to {before} --yes")
    team.attempt("omar", "apply plans/q.json --yes")
    broken_if(team.live().title("saver") == "BROKEN", "what was rolled back twice is live by an old plan")


def test_saved_apply_after_a_design_rollback(team: Session) -> None:
    """The same in design: the plan of the specs is applied again."""
    before = team.serial()
    team.edit(offers={"saver": {"content": {"title": "BROKEN"}}})
    team.do("omar", "plan --out plans/p.json", "apply plans/p.json --yes")
    team.do("omar", f"rollback recipients@design --to {before} --yes")
    assert team.design().title("saver") == "Save"
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().title("saver") == "BROKEN", "what was rolled back is in design again by an old plan")


@pytest.mark.slow
def test_saved_apply_after_the_specs_were_put_right(team: Session) -> None:
    """The same where no rollback but an edit put it right."""
    team.edit(offers={"saver": {"content": {"title": "BROKEN"}}})
    team.do("omar", "plan --out plans/p.json", "apply plans/p.json --yes")
    team.edit(offers={"saver": {"content": {"title": "Save"}}})
    team.do("olga", "apply --yes")
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().title("saver") == "BROKEN", "what was put right is in design again by an old plan")


@pytest.mark.slow
def test_saved_promotion_after_design_was_put_right(team: Session) -> None:
    """Design was put right since: the plan relies on what it no longer says."""
    broken(team)
    team.edit(offers={"saver": {"content": {"title": "Save"}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().title("saver") == "BROKEN", "a plan took live what design no longer says")


def test_honest_saved_promotion(team: Session) -> None:
    """A saved plan is applied once, also when something else changed meanwhile."""
    broken(team)
    team.edit(offers={"safari": {"weights": [{"weight": 7}]}})
    team.do("olga", "apply --yes")
    team.do("omar", "apply plans/p.json --yes")
    assert team.live().title("saver") == "BROKEN"


# A part of live goes back


def changed_and_live(team: Session) -> int:
    """Two offers are changed, one after the other, and the multiplier of a category; the revision before."""
    before = team.serial()
    team.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    team.edit(offers={"safari": {"weights": [{"weight": 7}]}})
    team.honestly("omar", "olga")
    return before


def test_honest_rollback_of_one_offer(team: Session) -> None:
    """It alone goes back, and is held; the others stay."""
    before = changed_and_live(team)
    team.do("omar", f"rollback recipients@live 'offer.saver' --to {before} --yes")
    assert (team.live().weight("saver"), team.live().weight("safari")) == (3, 7)
    team.do("omar", "promote --yes")
    assert team.live().weight("saver") == 3, "held"
    team.do("omar", "promote --include-rolled-back --yes")
    assert team.live().weight("saver") == 4


def test_honest_undo_of_one_promotion(team: Session) -> None:
    """All that it changed, and nothing that came later."""
    changed_and_live(team)
    first = [row["revision"] for row in json.loads(team.do("", "history --format json")) if row["action"] == "promote"][
        1
    ]
    assert team.attempt("omar", f"rollback --undo {first} --yes")
    assert (team.live().weight("saver"), team.live().weight("safari")) == (3, 7)


@pytest.mark.slow
def test_honest_rollback_of_a_category(team: Session) -> None:
    """What it changes goes back with it: no offer is live as nobody approved it."""
    before = team.serial()
    team.edit(categories={"travel": {"multiplier": {"factor": 3}}}, offers={"safari": {"weights": [{"weight": 9}]}})
    team.honestly("omar", "olga")
    out = team.do("omar", f"rollback recipients@live 'category.travel' --to {before} --yes")
    assert "comes along" in out
    assert team.live().weight("safari") == 2
    assert "multiplier" not in team.live()["category.travel"]


@pytest.mark.parametrize("part", variants(["offer.saver", "offer.*", "*"], quick=1))
def test_part_of_a_rollback_brings_a_rejected_offer_back(team: Session, part: str) -> None:
    """The same by a pattern."""
    before = team.serial()
    team.do("olga", "reject offer.saver")
    team.do("omar", "promote --yes")
    team.attempt("omar", f"rollback recipients@live '{part}' --to {before} --yes")
    broken_if(team.live()["offer.saver"], "a rejected offer is live again")


@pytest.mark.slow
def test_undo_of_what_took_an_offer_off(team: Session) -> None:
    """The promotion that switched it off is taken back."""
    team.edit(offers={"saver": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --yes")
    team.attempt("omar", f"rollback --undo {team.serial()} --yes")
    broken_if("saver" in team.shown(), "an offer that was switched off is on again by a rollback")


@pytest.mark.slow
def test_part_of_a_rollback_mixes_what_nobody_approved(team: Session) -> None:
    """A category alone goes back below an offer that was approved with what it has now."""
    before = team.serial()
    team.edit(categories={"travel": {"multiplier": {"factor": 3}}}, offers={"safari": {"weights": [{"weight": 9}]}})
    team.honestly("omar", "olga")
    team.attempt("omar", f"rollback recipients@live 'category.travel' --to {before} --yes")
    live = team.live()
    broken_if(
        live.weight("safari") == 9 and "multiplier" not in live["category.travel"],
        "an offer is live with a weight and a multiplier that were never approved together",
    )


def leave_out(address: str) -> Callable[[dict[str, Any]], None]:
    """A forgery: a step less."""

    def change(plan: dict[str, Any]) -> None:
        plan["steps"] = [step for step in plan["steps"] if step["address"] != address]

    return change


def claim(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """A forgery: what the plan says that it was asked for."""
    return lambda plan: plan.update(fields)


@pytest.mark.parametrize(
    "forgery",
    variants(
        [
            leave_out("recipients/offer.safari"),
            claim(targets=["recipients/offer.saver"]),
            claim(targets=[], undoes=3),
            claim(to=1),
        ],
        quick=1,
    ),
)
def test_forged_part_of_a_rollback(team: Session, forgery: Callable[[dict[str, Any]], None]) -> None:
    """A plan for a category, of which the offer is taken out that comes along, or that says something else."""
    before = team.serial()
    team.edit(categories={"travel": {"multiplier": {"factor": 3}}}, offers={"safari": {"weights": [{"weight": 9}]}})
    team.honestly("omar", "olga")
    team.do("omar", f"rollback recipients@live 'category.travel' --to {before} --out plans/p.json")
    team.forge("plans/p.json", forgery)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if("multiplier" not in team.live()["category.travel"], "a forged rollback is applied")


@pytest.mark.slow
def test_saved_rollback_after_a_rejection(team: Session) -> None:
    """The plan is from before the offer was rejected."""
    before = team.serial()
    team.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    team.do("omar", f"rollback recipients@live --to {before} --out plans/p.json")
    team.edit(offers={"saver": {"weights": [{"weight": 3}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "reject offer.saver --eligibility")
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 3, "an offer that was rejected since is live by a saved rollback")


@pytest.mark.slow
def test_withdrawn_claimed_by_nobody(team: Session) -> None:
    """A forged rollback says that what is withdrawn was asked for: then the history says so, too."""
    before = team.serial()
    team.edit(offers={"saver": {"enabled": False}, "safari": {"weights": [{"weight": 7}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.safari")
    team.do("omar", "promote --yes", f"rollback recipients@live --to {before} --out plans/p.json")
    team.forge("plans/p.json", claim(withdrawn=True))
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if("saver" in team.shown(), "an offer is back that the steps of the plan do not have")


def test_honest_return_of_what_was_withdrawn(team: Session) -> None:
    """An option asks for it: the plan shows it, and the history has it."""
    before = team.serial()
    team.do("olga", "reject offer.saver")
    team.do("omar", "promote --yes")
    out = team.do("omar", f"rollback recipients@live --to {before} --include-withdrawn --yes")
    assert "recipients/offer.saver comes back: although it was rejected by olga" in " ".join(out.split())
    assert "saver" in team.shown()
    assert "offer.saver (it was rejected by olga" in " ".join(team.do("", "history -n 1").split())


def test_part_of_a_rollback_takes_settings_along(team: Session) -> None:
    """An offer manager takes one offer back, and with it what an administrator has tightened since for all of them."""
    before = team.serial()
    team.edit(environment={"when": "recipient.consent = true and recipient.age >= 18"})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    changed_and_live(team)
    team.do("omar", f"rollback recipients@live offer.saver --to {before} --yes")
    assert team.live().weight("saver") == 3
    broken_if("18" not in team.live()["environment"]["when"], "one offer's rollback took the environment's filter back")


@pytest.mark.slow
def test_honest_part_of_a_rollback_that_needs_call_data(team: Session) -> None:
    """What the offer cannot do without comes along: the call data that its condition names."""
    team.edit(environment={"call_data": {"device": {"sample": "x"}}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(offers={"saver": {"eligible": {"when": "interaction.device = 'x'"}}})
    team.honestly("omar", "olga")
    before = team.serial()
    team.edit(offers={"saver": {"eligible": None}}, environment={"call_data": {"device": None}})
    team.do("ada", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("alan", "promote --yes")
    team.do("omar", f"rollback recipients@live offer.saver --to {before} --yes")
    assert "device" in team.live()["environment"]["call_data"]
