"""The cases that guard a promotion are not those of whoever promotes."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from attacking import Session, broken_if


def case(*offers: str) -> dict[str, Any]:
    """Ana, who lives in Norway, is offered these first."""
    asked = {"space": "recipients/web-home", "contact": 1, "now": "2026-11-24T10:00", "n": len(offers)}
    return {"version": 1, "cases": {"Ana is offered the card first": {**asked, "expect": {"offers": list(offers)}}}}


@pytest.fixture
def guarded(team: Session) -> Session:
    """The project with a case that promotions must pass, applied and live; and in design, approved, what breaks it."""
    team.save("cases/ana.yaml", case("gold-card"))
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(offers={"saver": {"weights": [{"weight": 99}], "eligible": {"when": "recipient.country = 'NO'"}}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    return team


def judged(team: Session) -> None:
    """Whatever was tried, live still passes the case."""
    broken_if(next(iter(team.shown())) != "gold-card", "what is live breaks the case that guards it")


def test_checkout_without_cases(guarded: Session) -> None:
    """The folder is simply not there."""
    shutil.rmtree(guarded.root / "cases")
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_saved_promotion_from_a_checkout_without_cases(guarded: Session) -> None:
    """The plan is saved there, and applied later."""
    shutil.rmtree(guarded.root / "cases")
    guarded.attempt("omar", "promote --out plans/p.json", "apply plans/p.json --yes")
    judged(guarded)


@pytest.mark.slow
def test_case_is_edited(guarded: Session) -> None:
    """The promoter's folder expects what the promotion brings."""
    guarded.save("cases/ana.yaml", case("saver"))
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_case_is_emptied(guarded: Session) -> None:
    """The promoter's folder has a case that asks for nothing."""
    content = case("gold-card")
    content["cases"]["Ana is offered the card first"]["expect"] = {"out": {}}
    guarded.save("cases/ana.yaml", content)
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_case_has_another_name(guarded: Session) -> None:
    """The file of the cases ends in something that is not read."""
    (guarded.root / "cases/ana.yaml").rename(guarded.root / "cases/ana.yaml.off")
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


def test_another_file_of_contacts(guarded: Session) -> None:
    """The case stays; in the promoter's file Ana lives where she is not offered what the promotion brings."""
    rows = guarded.files["data/contacts.csv"]
    guarded.save("data/contacts.csv", rows.replace("Ana,NO", "Ana,SE"))
    guarded.attempt("omar", "promote --yes")
    guarded.save("data/contacts.csv", rows)
    judged(guarded)


@pytest.mark.slow
def test_gate_is_switched_off_in_the_same_promotion(guarded: Session) -> None:
    """An administrator switches the gate off in what is promoted."""
    guarded.edit(environment={"promotion": {"separation_of_duties": True, "tests": None}})
    guarded.do("ada", "apply --yes")
    guarded.attempt("ada", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_gate_that_only_design_has(team: Session) -> None:
    """The gate is on in design, and the promotion leaves out the environment that says so."""
    team.save("cases/ana.yaml", case("gold-card"))
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.edit(offers={"saver": {"weights": [{"weight": 99}], "eligible": {"when": "recipient.country = 'NO'"}}})
    team.do("ada", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.attempt("omar", "promote offer.saver --yes")
    judged(team)


def test_only_what_is_shared_changes(guarded: Session) -> None:
    """The dimension reads another file, in which Ana is too young for the card; no environment changes itself."""
    guarded.save("data/younger.csv", guarded.files["data/contacts.csv"].replace("Ana,NO,34", "Ana,NO,17"))
    guarded.edit(dimensions={"recipient": {"source": {"format": "csv", "path": "data/younger.csv"}}})
    guarded.do("ada", "apply --yes")
    guarded.attempt("ada", "promote --exclude offer.saver --yes")
    judged(guarded)


def test_promotion_with_the_cases(guarded: Session) -> None:
    """With the folder as it was applied, the gate holds."""
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


def test_honest_promotion(guarded: Session) -> None:
    """What passes the case goes live."""
    guarded.edit(offers={"saver": {"weights": [{"weight": 9}]}})
    guarded.do("omar", "apply --yes")
    guarded.do("olga", "approve offer.saver")
    guarded.do("omar", "promote --yes")
    assert guarded.live().weight("saver") == 9
