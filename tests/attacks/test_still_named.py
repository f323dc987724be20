"""What is live finds in live all that it names, whatever a promotion was asked to take, and whoever wrote its plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attacking import Session, broken_if
from helpers.files import write

FALLBACK = "recipients/web-home falls back to visitors/banner"


def visitors(*spaces: str) -> dict[str, Any]:
    """The files of an anonymous environment with these spaces."""
    space = {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}
    return {
        "environments/visitors.yaml": {
            "version": 1,
            "environment": {"label": "Visitors", "dimension": "visitor", "anonymous": True},
        },
        "specs/visitors/spaces.yaml": {"version": 1, "spaces": {name: {"label": name, **space} for name in spaces}},
    }


@pytest.fixture
def linked(team: Session) -> Session:
    """The project with a second environment, to whose banner a space of the first falls back; all of it live."""
    team.files |= visitors("banner", "footer")
    team.edit(dimensions={"visitor": {"label": "Visitors", "key": ["id"], "fields": {"id": {}}}})
    falling_back(team, "banner")
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    assert named(team) == "visitors/banner", FALLBACK
    return team


def falling_back(team: Session, space: str | None) -> None:
    """Let the home page fall back to a space of the visitors, or to none."""
    target = f"visitors/{space}" if space else None
    team.edit(spaces={"web-home": {"identification": {"keys": ["email"], "fallback": target}}})


def named(team: Session) -> str | None:
    """What the home page falls back to in live."""
    fallback = team.live()["space.web-home"]["identification"].get("fallback")
    return str(fallback) if fallback else None


def judged(team: Session) -> None:
    """Whatever was tried, live has what the home page falls back to."""
    fallback = named(team)
    there = team.live("visitors@live").sections.get("spaces", {})
    gone = fallback is not None and fallback.partition("/")[2] not in there
    broken_if(gone, f"the home page falls back to {fallback}, which is not live")


def without_banner(team: Session) -> None:
    """Design has another fallback, and no banner any more."""
    falling_back(team, "footer")
    team.files |= visitors("footer")
    write(team.root, team.files)
    team.do("ada", "apply --yes")


@pytest.mark.parametrize(
    "line", ["promote visitors --yes", "promote visitors/space.banner --yes", "promote --exclude recipients --yes"]
)
def test_removal_of_another_environments_fallback(linked: Session, line: str) -> None:
    """Only the environment that loses the space is promoted."""
    without_banner(linked)
    linked.attempt("alan", line)
    judged(linked)


def test_rename_of_another_environments_fallback(linked: Session) -> None:
    """The space is renamed, and only its own environment is promoted."""
    falling_back(linked, "top")
    linked.files |= visitors("top", "footer")
    linked.files["specs/visitors/moved.yaml"] = {"version": 1, "moved": {"space.banner": "space.top"}}
    write(linked.root, linked.files)
    linked.do("ada", "apply --yes")
    linked.attempt("alan", "promote visitors --yes")
    judged(linked)


def test_saved_removal_after_the_fallback_changed(linked: Session) -> None:
    """The plan was made when nothing named the space any more; since then something does again."""
    without_banner(linked)
    linked.do("alan", "promote recipients --yes", "promote visitors --out plans/p.json")
    linked.files |= visitors("banner", "footer")
    falling_back(linked, "banner")
    linked.do("ada", "apply --yes")
    linked.do("alan", "promote recipients --yes")
    linked.attempt("alan", "apply plans/p.json --yes")
    judged(linked)


def test_forged_removal(linked: Session) -> None:
    """A plan of the whole is cut down to the removal."""
    without_banner(linked)
    linked.do("alan", "promote --out plans/p.json")

    def cut(plan: dict[str, Any]) -> None:
        plan["steps"] = [step for step in plan["steps"] if step["address"] == "visitors/space.banner"]
        used = {step["after"]["fingerprint"] for step in plan["steps"] if step["after"]}
        plan["bodies"] = {key: body for key, body in plan["bodies"].items() if key in used}
        plan["base"] = [base for base in plan["base"] if base["stage"] == "visitors@live"]
        plan["depends"] = []

    linked.forge("plans/p.json", cut)
    linked.attempt("alan", "apply plans/p.json --yes")
    judged(linked)


def test_rollback_to_before_the_fallback(linked: Session) -> None:
    """The environment goes back to when the space was not there, and the other one stays as it is."""
    serial = linked.serial()
    linked.files |= visitors("banner", "footer", "top")
    falling_back(linked, "top")
    linked.do("ada", "apply --yes")
    linked.do("alan", "promote --yes")
    linked.attempt("alan", f"rollback visitors@live --to {serial} --yes")
    judged(linked)


@pytest.mark.parametrize(
    ("section", "name", "cut"),
    [
        ("filters", "adults", {"offers": {"gold-card": {"eligible": None}}}),
        ("templates", "reviewed", {"offers": {"gold-card": {"template": None}}}),
        ("categories", "travel/africa", {"offers": {"safari": {"category": "travel"}}}),
        ("typologies", "calm", {"environment": {"typology": None}}),
        ("rules", "weekly", {"typologies": {"calm": {"rules": ["accepted"]}}}),
    ],
)
def test_removal_of_what_stays_named(team: Session, section: str, name: str, cut: dict[str, Any]) -> None:
    """Design has it no more and does not name it; only the removal is promoted."""
    team.edit(**cut)
    team.edit(**{section: {name: None}})
    team.do("ada", "apply --yes")
    kind = {"filters": "filter", "templates": "template", "categories": "category", "typologies": "typology"}
    address = f"{kind.get(section, 'rule')}.{name}"
    team.attempt("alan", f"promote recipients/{address} --yes")
    naming = json.dumps([team.live().sections])
    broken_if(team.live()[address] is None and f'"{name}"' in naming, f"{address} is gone, and live still names it")


def test_honest_removal(linked: Session) -> None:
    """Both together, or first what names it: the space goes."""
    without_banner(linked)
    linked.do("alan", "promote recipients --yes", "promote visitors --yes")
    assert "banner" not in linked.live("visitors@live").sections["spaces"]
    falling_back(linked, None)
    linked.files |= visitors("banner")
    write(linked.root, linked.files)
    linked.do("ada", "apply --yes")
    linked.do("alan", "promote --yes")
    assert sorted(linked.live("visitors@live").sections["spaces"]) == ["banner"]


def test_honest_fallback_before_its_environment(linked: Session) -> None:
    """A space may go live before the one that it falls back to: they are promoted one after the other."""
    linked.files |= visitors("banner", "footer", "top")
    falling_back(linked, "top")
    linked.do("ada", "apply --yes")
    linked.do("alan", "promote recipients --yes", "promote visitors --yes")
    assert named(linked) == "visitors/top"
    judged(linked)


def test_honest_rollback(linked: Session) -> None:
    """What nothing names any more goes back."""
    serial = linked.serial()
    linked.files |= visitors("banner", "footer", "top")
    falling_back(linked, "top")
    linked.do("ada", "apply --yes")
    linked.do("alan", "promote --yes")
    linked.do("alan", f"rollback recipients@live --to {serial} --yes", f"rollback visitors@live --to {serial} --yes")
    assert "top" not in linked.live("visitors@live").sections["spaces"]
    judged(linked)
