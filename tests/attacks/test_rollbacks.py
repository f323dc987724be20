"""What was rejected or retired does not come back by a rollback, nor what a rollback took back by an old plan."""

from __future__ import annotations

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
