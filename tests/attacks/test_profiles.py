"""Nobody gives rights to themselves: a profile counts once an administrator has applied it, for what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

DESIGNER: dict[str, Any] = {
    "extends": "offer-manager",
    "rights": [{"verb": "write", "kinds": ["environment", "rule", "typology"], "environments": ["recipients"]}],
}
SENDER: dict[str, Any] = {"rights": [{"verb": "deliver"}, {"verb": "write", "kinds": ["campaign"]}]}


@pytest.fixture
def roles(team: Session) -> Session:
    """omar designs rules and environments as well; dora only sends."""
    team.edit(
        profiles={"designer": DESIGNER, "sender": SENDER},
        operators={"omar": {"profile": "designer"}, "dora": {"profile": "sender"}},
    )
    team.do("ada", "apply --yes")
    return team


def rights(team: Session, who: str) -> set[str]:
    """The verbs of an operator, as they stand."""
    (row,) = json.loads(team.do("", f"rights {who} --format json"))["operators"]
    return {right["verb"] for right in row["rights"]}


def kinds(team: Session, who: str) -> set[str]:
    (row,) = json.loads(team.do("", f"rights {who} --format json"))["operators"]
    return {kind for right in row["rights"] for kind in right["kinds"]}


def test_honest_design_by_a_declared_profile(roles: Session) -> None:
    """What the profile grants is done, and nothing else is."""
    rule = next(iter(roles.files["specs/recipients/catalog.yaml"]["rules"]))
    roles.edit(rules={rule: {"label": "Calmer"}}, environment={"time_zone": "Europe/Berlin"})
    roles.do("omar", "apply --yes")
    broken_if(roles.design()["environment.x"]["time_zone"] != "Europe/Berlin", "the environment is not applied")
    broken_if(roles.run("olga", "rights omar").code, "rights cannot be read")
    broken_if("approve" in rights(roles, "dora") or "stop" in rights(roles, "dora"), "dora may more than she should")


SIDES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "rules and environments as well": (
        DESIGNER,
        {"environment", "rule", "typology", "space", "filter", "category", "template", "offer"},
    ),
    "neither filters nor spaces": (
        {
            "rights": [
                {"verb": "write", "kinds": ["category", "template", "offer", "cases"]},
                {"verb": "approve"},
                {"verb": "promote", "environments": ["recipients"]},
                {"verb": "stop"},
            ]
        },
        {"category", "template", "offer"},
    ),
}
"""What the original's pages let an offer manager write in design: they contradict each other, and either can be had."""
EDITS: dict[str, dict[str, Any]] = {
    "environment": {"environment": {"label": "Mine"}},
    "rule": {"rules": {"weekly": {"label": "Mine"}}},
    "typology": {"typologies": {"calm": {"label": "Mine"}}},
    "space": {"spaces": {"app": {"label": "Mine"}}},
    "filter": {"filters": {"adults": {"label": "Mine"}}},
    "category": {"categories": {"bank": {"label": "Mine"}}},
    "template": {"templates": {"reviewed": {"label": "Mine"}}},
    "offer": {"offers": {"saver": {"label": "Mine"}}},
    "dimension": {"dimensions": {"recipient": {"label": "Mine"}}},
    "operator": {"operators": {"dora": {"label": "Mine"}}},
}


@pytest.mark.parametrize("side", SIDES)
def test_either_side_of_the_original(team: Session, side: str) -> None:
    """An offer manager of a company writes what its side of the pages says, and nothing else."""
    body, writes = SIDES[side]
    team.edit(profiles={"manager": body}, operators={"omar": {"profile": "manager"}})
    team.do("ada", "apply --yes")
    for kind, edit in EDITS.items():
        team.edit(**edit)
        done = team.attempt("omar", "apply --yes")
        broken_if(done != (kind in writes), f"omar has written {kind}, or has not")
        if not done:
            team.do("ada", "apply --yes")


def _widen(team: Session) -> None:
    team.edit(profiles={"designer": {"rights": [*DESIGNER["rights"], {"verb": "purge"}]}})


def _use_at_once(team: Session) -> None:
    _widen(team)
    team.edit(dimensions={"recipient": {"label": "Mine"}})


def _an_administrator(team: Session) -> None:
    team.edit(operators={"omar": {"profile": "administrator"}})


def _another_profile(team: Session) -> None:
    team.edit(profiles={"boss": {"rights": [{"verb": "purge"}]}}, operators={"omar": {"profile": "boss"}})


def _name_of_another(team: Session) -> None:
    """The profile of dora gets the name of omar's, which is moved away."""
    team.edit(profiles={"designer": None, "sender": None})
    team.edit(profiles={"sender": DESIGNER, "designer": {"rights": [{"verb": "purge"}]}})
    team.save(
        "specs/moved.yaml",
        {"version": 1, "moved": {"profile.designer": "profile.sender", "profile.sender": "profile.designer"}},
    )


@pytest.mark.parametrize(
    "attack", variants([_widen, _use_at_once, _an_administrator, _another_profile, _name_of_another], quick=3)
)
def test_a_plan_that_widens_its_own_rights(roles: Session, attack: Callable[[Session], None]) -> None:
    """omar applies a wider profile, with and without its use in the same plan, whole or in parts."""
    before = rights(roles, "omar"), kinds(roles, "omar")
    attack(roles)
    roles.attempt("omar", "apply --yes", "apply --yes 'profile.*'", "apply --yes 'operator.*'")
    broken_if((rights(roles, "omar"), kinds(roles, "omar")) != before, "omar has given himself rights")


def _promoter(team: Session) -> None:
    team.edit(environment={"promotion": {"promoters": ["dora"]}})


def _stopper(team: Session) -> None:
    team.edit(environment={"promotion": {"stoppers": ["dora"]}})


def _reader(team: Session) -> None:
    team.edit(environment={"contacts": {"readers": ["omar"]}})


def _not_apart(team: Session) -> None:
    team.edit(environment={"promotion": {"separation_of_duties": False}})


@pytest.mark.parametrize("attack", variants([_promoter, _stopper, _reader, _not_apart], quick=2))
def test_an_environment_that_names_its_author(roles: Session, attack: Callable[[Session], None]) -> None:
    """Who may write an environment cannot name in it who may promote, stop and read there."""
    before = roles.design()["environment.x"]
    attack(roles)
    roles.attempt("omar", "apply --yes", "plan --out plans/p.json", "apply plans/p.json --yes")
    broken_if(roles.design()["environment.x"] != before, "an environment names those that its author wants")


def test_a_plan_from_before_the_right_was_taken(roles: Session) -> None:
    """omar saves a plan; then he designs no more; the plan is not applied."""
    rule = next(iter(roles.files["specs/recipients/catalog.yaml"]["rules"]))
    roles.edit(rules={rule: {"label": "Mine"}})
    roles.do("omar", "plan --out plans/p.json")
    roles.edit(rules={rule: {"label": ""}}, operators={"omar": {"profile": "offer-manager"}})
    roles.do("ada", "apply --yes operator.omar")
    roles.attempt("omar", "apply plans/p.json --yes")
    broken_if((roles.design()[f"rule.{rule}"] or {}).get("label") == "Mine", "a right that is gone was used")


def test_a_rollback_that_brings_the_right_back(roles: Session) -> None:
    """The profile is narrowed; omar rolls the shared design back."""
    serial = roles.serial()
    roles.edit(profiles={"designer": {"rights": [{"verb": "stop"}]}})
    roles.do("ada", "apply --yes")
    roles.attempt(
        "omar",
        f"rollback shared@design --to {serial} --yes",
        f"rollback --undo {roles.serial()} --yes",
        f"rollback shared@design profile.designer --to {serial} --yes",
    )
    broken_if("rule" in kinds(roles, "omar"), "a rollback has given omar back what ada took")


def test_a_profile_that_goes_while_it_is_used(roles: Session) -> None:
    """A profile stays as long as an operator has it; one whose profile is gone would have no rights."""
    roles.edit(profiles={"designer": None}, operators={"omar": {"profile": "offer-manager"}})
    roles.attempt("ada", "apply --yes --exclude operator.omar")
    (row,) = json.loads(roles.do("", "rights omar --format json"))["operators"]
    broken_if(row["profile"] == "designer" and "rule" not in kinds(roles, "omar"), "a profile is gone that is used")
    roles.do("ada", "apply --yes")
    broken_if("rule" in kinds(roles, "omar"), "omar still has the rights of the profile")


def test_what_a_profile_lacks(roles: Session) -> None:
    """dora sends; she approves, promotes, stops, rolls back and writes offers no more than a stranger."""
    roles.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    roles.attempt("dora", "apply --yes")
    broken_if(roles.design().weight("saver") == 99, "dora has written an offer")
    roles.do("olga", "apply --yes")
    roles.attempt("dora", "approve recipients/offer.saver", "promote --yes")
    broken_if(roles.live().weight("saver") == 99, "dora has approved or promoted")
    roles.attempt("dora", "stop recipients/offer.loan --message 'I want it'")
    broken_if("loan" not in roles.shown("app"), "dora has stopped an offer")
    roles.attempt("dora", f"rollback recipients@live --to {roles.serial() - 1} --yes")
    roles.do("", "audit verify")


def test_a_right_in_another_environment(roles: Session) -> None:
    """A right for one environment is none for what all share."""
    roles.edit(dimensions={"recipient": {"label": "Mine"}})
    roles.attempt("omar", "apply --yes")
    broken_if(roles.design()["dimension.recipient"]["label"] == "Mine", "a right for one environment changed all")


def test_a_forged_step(roles: Session) -> None:
    """A saved plan of omar's that is edited to widen the profile."""
    _widen(roles)
    roles.do("omar", "plan --out plans/p.json")
    roles.forge("plans/p.json", lambda plan: plan["steps"][0].update(notes=["harmless"]))
    roles.attempt("omar", "apply plans/p.json --yes")
    broken_if("purge" in rights(roles, "omar"), "a forged plan widens a profile")
