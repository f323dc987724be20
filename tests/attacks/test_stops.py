"""What is stopped is out of live at once, and stays out until it is approved again and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

SAVER = "recipients/offer.saver"
BANK = "recipients/category.bank"
HOME = "recipients/space.web-home"
WRONG = "--message 'The price is wrong'"


@pytest.fixture
def stopped(team: Session) -> Session:
    """The project, with the saver stopped by omar, who did not write it."""
    team.do("omar", f"stop {SAVER} {WRONG}")
    return team


def is_out(team: Session, offer: str = "saver", space: str = "") -> None:
    """An offer is in live nowhere, or not on ``space``; and nobody is shown it."""
    if not space:
        broken_if(team.live()[f"offer.{offer}"], f"{offer} is stopped, and in live")
    for place in (space,) if space else ("web-home", "app"):
        broken_if(offer in team.shown(place), f"{offer} is stopped, and shown on {place}")


def rows(team: Session) -> list[dict[str, Any]]:
    """What is stopped."""
    found: list[dict[str, Any]] = json.loads(team.do("", "stops --format json"))
    return found


def renamed(team: Session) -> None:
    """The saver is called thrifty; ada applies it."""
    team.edit(
        offers={"saver": None, "thrifty": team.files["specs/recipients/offers.yaml"]["offers"]["saver"]},
        moved={SAVER: "recipients/offer.thrifty"},
    )
    team.do("ada", "apply --yes")


def test_honest_stop_and_resume(team: Session) -> None:
    team.do("omar", f"stop {SAVER} {WRONG}")
    is_out(team)
    broken_if("loan" not in team.shown("app"), "what is not stopped went with it")
    (row,) = rows(team)
    broken_if((row["address"], row["by"], row["reason"]) != (SAVER, "omar", "The price is wrong"), "nobody knows why")
    team.do("olga", f"approve {SAVER}")
    team.do("omar", f"resume {SAVER}", "promote --yes")
    broken_if("saver" not in team.shown(), "what was approved and resumed is not live again")
    broken_if(rows(team), "what is resumed is still said to be stopped")
    team.do("", "audit verify")


def test_honest_changed_then_resumed(stopped: Session) -> None:
    """The mistake is mended first."""
    stopped.edit(offers={"saver": {"weights": [{"weight": 4}]}})
    stopped.do("ada", "apply --yes")
    stopped.do("olga", f"approve {SAVER}")
    stopped.do("omar", f"resume {SAVER}", "promote --yes")
    broken_if(stopped.live().weight("saver") != 4, "the mended offer is not live")


def test_honest_named_stopper(team: Session) -> None:
    team.edit(environment={"promotion": {"stoppers": ["dora"]}})
    team.do("ada", "apply --yes")
    team.do("dora", f"stop {SAVER} {WRONG}")
    is_out(team)


def apply_and_promote(team: Session) -> None:
    team.edit(offers={"saver": {"weights": [{"weight": 9}]}})
    team.do("ada", "apply --yes")
    team.do("olga", f"approve {SAVER}")
    team.attempt("omar", "promote --yes")


def approve_and_promote(team: Session) -> None:
    team.do("olga", f"approve {SAVER}")
    team.attempt("omar", "promote --yes", "promote --include-rolled-back --yes")


def only_it(team: Session) -> None:
    team.do("olga", f"approve {SAVER}")
    team.attempt("omar", f"promote {SAVER} --yes")


def rename(team: Session) -> None:
    renamed(team)
    team.do("olga", "approve recipients/offer.thrifty")
    team.attempt("omar", "promote --yes")
    is_out(team, "thrifty")


def rename_and_declare_again(team: Session) -> None:
    body = team.files["specs/recipients/offers.yaml"]["offers"]["saver"]
    renamed(team)
    team.edit(offers={"saver": body}, moved={SAVER: None})
    team.do("ada", "apply --yes")
    team.attempt("omar", "promote --yes")
    is_out(team, "thrifty")


def rename_there_and_back(team: Session) -> None:
    body = team.files["specs/recipients/offers.yaml"]["offers"]["saver"]
    renamed(team)
    team.attempt("omar", "promote --yes")
    team.edit(offers={"thrifty": None, "saver": body}, moved={SAVER: None, "recipients/offer.thrifty": SAVER})
    team.do("ada", "apply --yes")
    team.do("olga", f"approve {SAVER}")
    team.attempt("omar", "promote --yes")


def delete_and_declare_again(team: Session) -> None:
    body = team.files["specs/recipients/offers.yaml"]["offers"]["saver"]
    team.edit(offers={"saver": None})
    team.do("ada", "apply --yes")
    team.do("omar", "promote --yes")
    team.edit(offers={"saver": body})
    team.do("ada", "apply --yes")
    team.do("olga", f"approve {SAVER}")
    team.attempt("omar", "promote --yes")


def rollback_of_live(team: Session) -> None:
    team.attempt("omar", f"rollback recipients@live --to {team.serial() - 1} --yes")


def rollback_of_design(team: Session) -> None:
    team.edit(offers={"saver": {"weights": [{"weight": 8}]}})
    team.do("ada", "apply --yes")
    team.attempt("omar", "rollback recipients@design --to 1 --yes", "promote --yes")


def withdrawn_and_all(team: Session) -> None:
    """Rollbacks that ask for what was withdrawn: of all, of it alone, of the stop itself; a stop is none of that."""
    stop, withdrawn = team.serial(), "--include-withdrawn --yes"
    for what in ("", SAVER, "recipients/offer.*"):
        team.attempt("omar", f"rollback recipients@live {what} --to {stop - 1} {withdrawn}")
    team.attempt("omar", f"rollback --undo {stop} {withdrawn}")


def behind_a_rename(team: Session) -> None:
    before = team.serial() - 1
    renamed(team)
    team.do("olga", "approve recipients/offer.thrifty")
    team.attempt("omar", "promote --yes")
    team.attempt("omar", f"rollback recipients@live --to {before} --include-withdrawn --yes")
    is_out(team, "thrifty")
    team.attempt("omar", f"rollback recipients@design --to {before} --yes")
    team.attempt("olga", f"approve {SAVER}")
    team.attempt("omar", "promote --yes")


def names_swapped(team: Session) -> None:
    """It goes on under the name of the safari, which takes its name and is free to."""
    offers = team.files["specs/recipients/offers.yaml"]["offers"]
    saver, safari = offers["saver"], offers["safari"]
    team.edit(offers={"saver": None, "safari": None})
    other = "recipients/offer.safari"
    team.edit(offers={"saver": safari, "safari": saver}, moved={SAVER: other, other: SAVER})
    team.do("ada", "apply --yes")
    team.do("olga", "approve recipients/offer.*")
    team.attempt("omar", "promote --yes")
    titles = [fields.get("title") for space in ("web-home", "app") for fields in team.shown(space).values()]
    broken_if(saver["content"]["title"] in titles, "what is stopped is shown under another's name")
    team.do("omar", f"stop {SAVER} {WRONG}")  # whatever has its name now: the rule that all ways share


def resumed_by_its_author(team: Session) -> None:
    team.attempt("ada", f"resume {SAVER}")
    team.attempt("ada", f"approve {SAVER}", f"resume {SAVER}", "promote --yes")


def resumed_on_the_old_approval(team: Session) -> None:
    team.attempt("omar", f"resume {SAVER}", "promote --yes")
    is_out(team)
    team.attempt("olga", f"resume {SAVER}", "promote --yes")


def resumed_by_nobody_in_particular(team: Session) -> None:
    team.do("olga", f"approve {SAVER}")
    team.attempt("dora", f"resume {SAVER}")
    team.attempt("brand", f"resume {SAVER}")
    team.do("omar", "promote --yes")


BACK: list[Callable[[Session], None]] = [
    approve_and_promote, rollback_of_live, rename, rename_and_declare_again, rename_there_and_back,
    withdrawn_and_all, behind_a_rename, names_swapped, delete_and_declare_again, apply_and_promote, only_it, rollback_of_design, resumed_by_its_author,
    resumed_on_the_old_approval, resumed_by_nobody_in_particular,
]  # fmt: skip


@pytest.mark.parametrize("way", variants(BACK))
def test_way_back(stopped: Session, way: Callable[[Session], None]) -> None:
    way(stopped)
    is_out(stopped)


def test_stopped_while_an_edit_waits(team: Session) -> None:
    team.edit(offers={"saver": {"content": {"title": "Save more"}}})
    team.do("ada", "apply --yes")
    team.do("omar", f"stop {SAVER} {WRONG}")
    is_out(team)


def test_plan_saved_before_the_stop(team: Session) -> None:
    team.edit(offers={"saver": {"weights": [{"weight": 9}]}})
    team.do("ada", "apply --yes")
    team.do("olga", f"approve {SAVER}")
    team.do("omar", "promote --out plans/before.json", f"stop {SAVER} {WRONG}")
    team.attempt("omar", "apply plans/before.json --yes")
    is_out(team)


def test_forged_plan(stopped: Session) -> None:
    """A promotion of something else, with the stopped offer forged into it."""
    stopped.edit(offers={"safari": {"weights": [{"weight": 7}]}})
    stopped.do("ada", "apply --yes")
    stopped.do("olga", "approve recipients/offer.safari", f"approve {SAVER}")
    stopped.do("omar", "promote --out plans/forged.json")
    stopped.do("omar", f"resume {SAVER}", "promote --out plans/whole.json", f"stop {SAVER} {WRONG}")
    whole = json.loads((stopped.root / "plans/whole.json").read_text(encoding="utf-8"))["plan"]

    def change(plan: dict[str, Any]) -> None:
        plan |= {name: whole[name] for name in ("steps", "approvals", "bodies", "depends", "blocked", "notes")}

    stopped.forge("plans/forged.json", change)
    stopped.attempt("omar", "apply plans/forged.json --yes", "apply plans/whole.json --yes")
    is_out(stopped)


def test_category_with_what_comes_into_it_later(team: Session) -> None:
    team.do("omar", f"stop {BANK} {WRONG}")
    for offer in ("saver", "loan", "gold-card"):
        is_out(team, offer)
    team.edit(
        offers={
            "fresh": {
                "label": "Fresh",
                "category": "bank/cards",
                "content": {"title": "Fresh"},
                "spaces": ["web-home"],
            },
            "safari": {"category": "bank"},
        }
    )
    team.do("ada", "apply --yes")
    team.do("olga", "approve recipients/offer.*")
    team.attempt("omar", "promote --yes")
    is_out(team, "fresh")
    broken_if(team.live()["offer.safari"]["category"] == "bank", "an offer went live in a stopped category")


@pytest.mark.slow
def test_category_left_or_renamed(team: Session) -> None:
    """What was stopped with its category stays so elsewhere, and when the category has another name."""
    team.do("omar", f"stop {BANK} {WRONG}")
    catalog = team.files["specs/recipients/catalog.yaml"]["categories"]
    team.edit(
        categories={"bank": None, "bank/cards": None, "money": catalog["bank"], "money/cards": catalog["bank/cards"]},
        offers={
            "saver": {"category": "travel"}, "loan": {"category": "money"}, "gold-card": {"category": "money/cards"},
        },
        moved={BANK: "recipients/category.money", f"{BANK}/cards": "recipients/category.money/cards"},
    )  # fmt: skip
    team.do("ada", "apply --yes")
    team.do("olga", "approve recipients/offer.*")
    team.do("risk", "approve recipients/offer.*")
    team.attempt("omar", "promote --yes")
    for offer in ("saver", "loan"):
        is_out(team, offer)
    team.do("omar", "resume recipients/category.money", "promote --yes")
    broken_if("saver" not in team.shown(), "resumed with its category, it is not live")


def test_space(team: Session) -> None:
    team.do("omar", f"stop {HOME} {WRONG}")
    broken_if(team.shown(), "something is shown on a space that is stopped")
    broken_if("saver" not in team.shown("app"), "it went from other spaces as well")
    team.edit(offers={"saver": {"content": {"title": "Save more"}}})
    team.do("ada", "apply --yes")
    team.do("olga", "approve recipients/offer.*")
    team.do("omar", "promote --yes")
    is_out(team, space="web-home")
    broken_if("saver" not in team.shown("app"), "what is approved elsewhere did not go live there")
    team.do("omar", f"resume {HOME}", "promote --yes")
    broken_if("saver" not in team.shown(), "the space is resumed, and nothing is shown on it")


@pytest.mark.parametrize("who", ["dora", "brand"])
def test_stopped_by_who_may_not(team: Session, who: str) -> None:
    team.attempt(who, f"stop {SAVER} {WRONG}")
    broken_if("saver" not in team.shown(), "somebody stopped it who may not")


@pytest.mark.slow
def test_category_that_goes_and_comes_again(team: Session) -> None:
    """Its offers stand elsewhere meanwhile; resumed at last, they are live again."""
    team.do("omar", f"stop {BANK} {WRONG}")
    catalog = team.files["specs/recipients/catalog.yaml"]["categories"]
    offers = team.files["specs/recipients/offers.yaml"]["offers"]
    below = {name: body["category"] for name, body in offers.items() if str(body.get("category")).startswith("bank")}
    bank = {"bank": catalog["bank"], "bank/cards": catalog["bank/cards"]}
    for categories, places in ((dict.fromkeys(bank), dict.fromkeys(below, "travel")), (bank, below)):
        team.edit(categories=categories, offers={name: {"category": place} for name, place in places.items()})
        team.do("ada", "apply --yes")
        for who in ("olga", "risk"):
            team.do(who, "approve recipients/offer.*")
        team.attempt("omar", "promote --yes")
        for offer in below:
            is_out(team, offer)
    team.do("omar", f"resume {BANK}", "promote --yes")
    broken_if("saver" not in team.shown(), "resumed with its category, it is not live")


def promoted_by_another(team: Session) -> None:
    team.do("ada", "apply --yes")
    for who in ("olga", "risk"):
        team.do(who, "approve recipients/offer.*")
    team.do("alan", "promote --yes")


@pytest.mark.slow
def test_space_that_is_renamed(team: Session) -> None:
    """It is stopped by its new name, and by its old one for another space that takes that."""
    team.do("omar", f"stop {HOME} {WRONG}")
    home = team.files["specs/recipients/spaces.yaml"]["spaces"]["web-home"]
    offers = team.files["specs/recipients/offers.yaml"]["offers"]
    there = {name: body["spaces"] for name, body in offers.items() if "web-home" in body.get("spaces", ())}
    front = {name: {"spaces": ["front" if s == "web-home" else s for s in spaces]} for name, spaces in there.items()}
    team.edit(spaces={"web-home": None, "front": home}, offers=front, moved={HOME: "recipients/space.front"})
    promoted_by_another(team)
    broken_if(team.shown("front"), "a space that is stopped shows something under its new name")
    again = {name: {"spaces": [*body["spaces"], "web-home"]} for name, body in front.items()}
    team.edit(spaces={"web-home": home}, offers=again, moved={HOME: None})
    promoted_by_another(team)
    for space in ("front", "web-home"):
        broken_if(team.shown(space), f"something is shown on {space}, which is stopped")


def test_honest_space_is_resumed(team: Session) -> None:
    """What is still off a space that was resumed is told by the promotion; a rollback says where something stays out."""
    before = team.serial()
    team.do("omar", "stop space.app --message 'broken page'")
    team.edit(offers={"saver": {"content": {"title": "More"}}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    said = " ".join(team.do("omar", f"rollback recipients@live offer.saver --to {before} --out r.json").split())
    assert "recipients/offer.saver stays out of app: recipients/space.app was stopped by omar" in said
    team.do("olga", "resume space.app")
    plan = " ".join(team.do("omar", "promote --out p.json").split())
    assert "space.app was resumed; 1 live offer waits for a new approval of what it shows there: loan." in plan
