"""Switching off needs nobody; switching on again needs an approval that was given after it."""

from __future__ import annotations

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
    broken_if(
        team.live()["offer.saver"]["eligible"]["until"] == "2999-12-31", "a longer period nobody approved is live"
    )


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
