"""Switching off needs nobody; switching on again needs an approval that was given after it."""

from __future__ import annotations

from typing import Any

import pytest
from attacking import Session, SetupError, broken_if, variants


def off(team: Session, *, by_category: bool = False) -> None:
    """omar switches saver off, alone."""
    if by_category:
        team.edit(categories={"bank": {"enabled": False}})
    else:
        team.edit(offers={"saver": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --yes")


def test_offer_is_switched_off(team: Session) -> None:
    """It is offered to nobody any more, and all others are."""
    off(team)
    shown = team.shown()
    broken_if("saver" in shown, "an offer that was switched off is still offered")
    assert {"gold-card", "loan", "safari"} <= shown.keys()


@pytest.mark.slow
def test_reviewed_offer_is_switched_off(team: Session) -> None:
    """Also where reviewers are named."""
    team.edit(offers={"gold-card": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if("gold-card" in team.shown(), "an offer that was switched off is still offered")


def test_category_is_switched_off(team: Session) -> None:
    """All below it goes."""
    off(team, by_category=True)
    shown = team.shown()
    broken_if(shown.keys() & {"gold-card", "loan", "saver"}, "offers below a category that is off are still offered")
    assert "safari" in shown


@pytest.mark.slow
def test_offer_leaves_a_space(team: Session) -> None:
    """It stays on the others."""
    team.edit(offers={"saver": {"spaces": ["web-home"]}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if("saver" in team.shown("app"), "an offer is still shown on a space that it left")
    assert "saver" in team.shown("web-home")


@pytest.mark.slow
def test_period_ends_earlier(team: Session) -> None:
    """An earlier last day, and nothing else."""
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"eligible": {"until": "2020-12-31"}}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if("saver" in team.shown(), "an offer is still shown after its new last day")


@pytest.mark.slow
def test_offer_is_switched_off_while_an_edit_waits(team: Session) -> None:
    """A text waits for its approval: the offer goes all the same, and the text does not come."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    off(team)
    broken_if("saver" in team.shown(), "an offer that was switched off is still offered while an edit waits")


@pytest.mark.parametrize(
    "change", variants([{"content": {"title": "FREE MONEY"}}, {"weights": [{"weight": 99}]}], quick=1)
)
def test_unreviewed_body_by_switching_off(team: Session, change: dict[str, object]) -> None:
    """Something else changes in the same edit: off it may go, but that is not live, nor when it is on again."""
    team.edit(offers={"saver": {"enabled": False, **change}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    team.edit(offers={"saver": {"enabled": None}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    live = team.live()
    broken_if(live.title("saver") == "FREE MONEY" or live.weight("saver") == 99, "what nobody approved is live")


@pytest.mark.slow
def test_weight_beside_an_earlier_end(team: Session) -> None:
    """An earlier last day that is still to come takes no other change along."""
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-30"}, "weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if(team.live().weight("saver") == 99, "a weight is live that nobody approved")


@pytest.mark.slow
def test_later_end(team: Session) -> None:
    """A later last day is no switching off."""
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-30"}}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    until = str(team.live()["offer.saver"]["eligible"]["until"])
    broken_if(until != "2999-12-30", "a longer period nobody approved is live")


@pytest.mark.slow
def test_another_space(team: Session) -> None:
    """Coming to a space is no leaving."""
    team.edit(offers={"safari": {"spaces": ["web-home", "app"]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("safari" in team.shown("app"), "an offer is shown on a space where nobody approved it")


def approved_off(team: Session, **off: object) -> None:
    """An offer is off in live, with every approval that today's code asks for."""
    team.edit(offers={"saver": off})
    team.honestly("omar", "olga")
    if "saver" in team.shown("app"):
        raise SetupError("it is still offered")


def test_offer_is_switched_on_again(team: Session) -> None:
    """On again by an edit alone, on the approval of long ago."""
    approved_off(team, enabled=False)
    team.edit(offers={"saver": {"enabled": None}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("saver" in team.shown(), "an offer is on again that nobody approved since it was switched off")


@pytest.mark.slow
def test_category_is_switched_on_again(team: Session) -> None:
    """The same with all below a category."""
    team.edit(categories={"bank": {"enabled": False}})
    team.honestly("omar", "olga", "risk")
    assert "saver" not in team.shown()
    team.edit(categories={"bank": {"enabled": None}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("saver" in team.shown(), "offers are on again that nobody approved since they were switched off")


@pytest.mark.slow
def test_offer_comes_back_to_a_space(team: Session) -> None:
    """The same with a space that it had left."""
    approved_off(team, spaces=["web-home"])
    team.edit(offers={"saver": {"spaces": ["web-home", "app"]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("saver" in team.shown("app"), "an offer is back on a space, and nobody approved that since it left")


@pytest.mark.slow
def test_rollback_switches_on_again(team: Session) -> None:
    """By a rollback to what was live before."""
    before = team.serial()
    approved_off(team, enabled=False)
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if("saver" in team.shown(), "an offer that was switched off is on again by a rollback")


@pytest.mark.slow
def test_honest_switching_off(team: Session) -> None:
    """With every approval that anybody could ask for, it is off."""
    approved_off(team, enabled=False)
    assert team.shown().keys() == {"gold-card", "loan", "safari"}


def test_honest_switching_on(team: Session) -> None:
    """With another text and its approval, it is on again."""
    approved_off(team, enabled=False)
    team.edit(offers={"saver": {"enabled": None, "content": {"title": "Save more"}, "weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    assert team.shown()["saver"]["title"] == "Save more"


# Variants, by somebody who knows how it works


def switched_off(team: Session) -> None:
    """saver is off in live, by nobody's approval."""
    team.edit(offers={"saver": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --yes")
    if "saver" in team.shown():
        raise SetupError("it is still offered")


def on_again(team: Session, name: str = "saver") -> None:
    """omar tries to have it back, alone."""
    team.attempt("omar", "promote --yes", "promote --include-rolled-back --yes")
    broken_if(name in team.shown(), "an offer is on again that nobody approved since it was switched off")


@pytest.mark.slow
def test_on_again_under_another_name(team: Session) -> None:
    """Renamed while it is off."""
    switched_off(team)
    body = team.files["specs/recipients/offers.yaml"]["offers"]["saver"]
    team.edit(moved={"offer.saver": "offer.savings"}, offers={"saver": None, "savings": body})
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"savings": {"enabled": None}})
    team.do("omar", "apply --yes")
    on_again(team, "savings")


@pytest.mark.slow
def test_on_again_after_it_was_deleted(team: Session) -> None:
    """Deleted while it is off, live as well, and declared again as it was before."""
    body = dict(team.files["specs/recipients/offers.yaml"]["offers"]["saver"])
    switched_off(team)
    team.edit(offers={"saver": None})
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"saver": body})
    team.do("omar", "apply --yes")
    on_again(team)


def test_on_again_by_an_approval_of_when_it_was_off(team: Session) -> None:
    """Approved while it was switched on in design for a moment, before it went off in live."""
    team.edit(offers={"saver": {"content": {"title": "More"}}})
    team.honestly("omar", "olga")
    switched_off(team)
    team.edit(offers={"saver": {"enabled": None}})
    team.do("omar", "apply --yes")
    on_again(team)


@pytest.mark.slow
def test_on_again_with_an_old_text(team: Session) -> None:
    """As it was two approvals ago."""
    team.edit(offers={"saver": {"content": {"title": "More"}, "weights": [{"weight": 4}]}})
    team.honestly("omar", "olga")
    switched_off(team)
    team.edit(offers={"saver": {"enabled": None, "content": {"title": "Save"}, "weights": [{"weight": 3}]}})
    team.do("omar", "apply --yes")
    on_again(team)


@pytest.mark.slow
def test_on_again_by_moving_out_of_the_category(team: Session) -> None:
    """The category is off; the offer goes back to where it was approved once."""
    team.edit(offers={"saver": {"category": "travel"}})
    team.honestly("omar", "olga")
    team.edit(categories={"travel": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --yes")
    assert "saver" not in team.shown()
    team.edit(offers={"saver": {"category": "bank"}})
    team.do("omar", "apply --yes")
    on_again(team)


@pytest.mark.slow
def test_on_again_by_a_longer_period(team: Session) -> None:
    """Ended by its last day, which nobody approved; then the last day that was approved long ago."""
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.honestly("omar", "olga")
    before = team.serial()
    team.edit(offers={"saver": {"eligible": {"until": "2020-12-31"}}})
    team.do("omar", "apply --yes", "promote --yes")
    assert "saver" not in team.shown()
    team.attempt("omar", f"rollback recipients@live --to {before} --yes")
    broken_if("saver" in team.shown(), "an offer that was ended is on again by a rollback")
    team.edit(offers={"saver": {"eligible": {"until": "2999-12-31"}}})
    team.do("omar", "apply --yes")
    on_again(team)


@pytest.mark.slow
def test_back_on_a_space_that_it_left_and_was_off(team: Session) -> None:
    """It leaves a space and is switched off in one edit; who approves it again sees one space only."""
    team.edit(offers={"saver": {"enabled": False, "spaces": ["web-home"]}})
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"saver": {"enabled": None}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    assert "saver" in team.shown()
    team.edit(offers={"saver": {"spaces": ["web-home", "app"]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("saver" in team.shown("app"), "an offer is back on a space, and nobody approved that since it left")


@pytest.mark.slow
def test_unreviewed_category_by_switching_off(team: Session) -> None:
    """A category goes off with another multiplier, and comes back with it."""
    team.edit(categories={"bank": {"enabled": False, "multiplier": {"factor": 9}}})
    team.do("omar", "apply --yes", "promote --yes")
    assert "saver" not in team.shown()
    team.edit(categories={"bank": {"enabled": None}})
    team.do("omar", "apply --yes")
    on_again(team)


@pytest.mark.slow
def test_on_by_an_approval_from_before_it_was_live(team: Session) -> None:
    """A new offer is approved, switched off, approved again and promoted, off; then it is as it was approved first."""
    body = {"label": "Bonus", "category": "bank", "weights": [{"weight": 1}], "content": {"title": "Bonus"}}
    team.edit(offers={"bonus": {**body, "spaces": ["web-home"]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.bonus")
    team.edit(offers={"bonus": {"enabled": False}})
    team.honestly("omar", "olga")
    assert team.live()["offer.bonus"] is not None
    assert "bonus" not in team.shown()
    team.edit(offers={"bonus": {"enabled": None}})
    team.do("omar", "apply --yes")
    on_again(team, "bonus")


@pytest.mark.slow
def test_forged_switching_off(team: Session) -> None:
    """A plan that takes off what design does not switch off."""
    switched = "recipients/offer.saver"

    def change(plan: dict[str, Any]) -> None:
        for step in plan["steps"]:
            if step["address"] == switched:
                step["address"], step["label"] = "recipients/offer.safari", "Safari"

    team.edit(offers={"saver": {"enabled": False}})
    team.do("omar", "apply --yes", "promote --out plans/p.json")
    team.forge("plans/p.json", change)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if("safari" not in team.shown(), "an offer was taken off that nobody switched off")


def test_honest_switching_on_of_the_same(team: Session) -> None:
    """Approved again as it was, it is on again; also what only left a space."""
    switched_off(team)
    team.edit(offers={"saver": {"enabled": None}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    assert "saver" in team.shown()


@pytest.mark.slow
def test_honest_switching_off_beyond_the_limit(team: Session) -> None:
    """All offers of a space go; that is counted, and more than is allowed is a warning and no refusal."""
    team.edit(environment={"impact": {"max_lost": "10%"}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(categories={"bank": {"enabled": False}})
    team.do("omar", "apply --yes")
    done = team.run("omar", "promote --yes")
    assert done.code == 0, done.err
    assert "are left without an offer" in done.err
    assert "more than the 10% that a promotion may take" in " ".join(done.err.split())
    assert "saver" not in team.shown("app")


@pytest.mark.parametrize("where", variants(["offer", "category"], quick=1))
def test_an_earlier_end_that_a_rule_reads(team: Session, where: str) -> None:
    """A rule limits what lasts long: an earlier last day takes the offer out of it. Once approved, it may."""
    body = {"eligible": {"until": "2031-12-31"}}
    team.edit(
        rules={"weekly": {"applies_to": {"when": "offer.until is null or offer.until > date '2030-12-31'"}}},
        offers={"saver": body if where == "offer" else {}},
        categories={"bank": body if where == "category" else {}},
    )
    team.do("ada", "apply --yes")
    for who in ("omar", "brand", "risk"):
        team.attempt(who, "approve offer.*")
    team.do("alan", "promote --yes")
    name, changed = ("offer.saver", "offers") if where == "offer" else ("category.bank", "categories")
    earlier = {"eligible": {"until": "2030-12-31"}}
    team.edit(**{changed: {name.partition(".")[2]: earlier}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes", f"promote --yes recipients/{name}")
    team.attempt("omar", "promote --out plans/p.json", "apply plans/p.json --yes")
    broken_if(
        str(team.live()[name]["eligible"]["until"]) == "2030-12-31", "nobody approved what takes it out of the rule"
    )
    for who in ("olga", "brand", "risk"):
        team.attempt(who, "approve offer.*")
    team.do("alan", "promote --yes")
    broken_if(str(team.live()[name]["eligible"]["until"]) != "2030-12-31", "an approved change does not go live")
