"""The cases that guard a promotion are not those of whoever promotes."""

from __future__ import annotations

import json
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


# Variants: the attacker knows that the cases are applied, that live keeps its own, and what lifts them.


def alone(team: Session) -> None:
    """Omar, who wrote the offer, changes its case as well, applies that, and promotes."""
    team.do("omar", "apply --yes")
    team.attempt("omar", "override recipients/cases.* --message 'It is meant so'", "promote --yes")
    judged(team)


def test_author_changes_the_case(guarded: Session) -> None:
    """The case that is applied expects what the promotion brings."""
    guarded.save("cases/ana.yaml", case("saver"))
    alone(guarded)


@pytest.mark.slow
def test_author_removes_the_case(guarded: Session) -> None:
    """Its file is gone from what is applied, and another has a case that asks for nothing."""
    (guarded.root / "cases/ana.yaml").unlink()
    content = case("saver")
    content["cases"] = {"Something is offered": {**next(iter(content["cases"].values())), "expect": {"out": {}}}}
    guarded.save("cases/other.yaml", content)
    alone(guarded)


@pytest.mark.slow
def test_author_changes_the_case_before(guarded: Session) -> None:
    """The change of the case is promoted first, while it breaks nothing; the offer follows."""
    content = case("gold-card")
    content["cases"]["Ana is offered the card first"]["expect"] = {"out": {}}
    guarded.save("cases/ana.yaml", content)
    guarded.do("omar", "apply --yes")
    guarded.attempt("omar", "promote --exclude offer.saver --yes", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_author_moves_the_case(guarded: Session) -> None:
    """It goes to another file under the same name, and says something else there."""
    (guarded.root / "cases/ana.yaml").unlink()
    guarded.save("cases/other.yaml", case("saver"))
    alone(guarded)


@pytest.mark.slow
def test_case_gets_a_catalog_of_its_own(guarded: Session) -> None:
    """The file stays, and says nothing about the project any more."""
    guarded.save("cases/ana.yaml", {**case("gold-card"), "catalog": {}})
    guarded.save("cases/other.yaml", case("saver"))
    alone(guarded)


def test_case_is_applied_with_another_file(guarded: Session) -> None:
    """The case is applied anew with a file in which Ana lives elsewhere; it says the same."""
    rows = guarded.files["data/contacts.csv"]
    guarded.save("data/contacts.csv", rows.replace("Ana,NO", "Ana,SE"))
    content = case("gold-card")
    guarded.save("cases/ana.yaml", {**content, "cases": {"x": content["cases"]["Ana is offered the card first"]}})
    guarded.do("omar", "apply --yes")
    guarded.attempt("omar", "override recipients/cases.ana --message 'A newer file'", "promote --yes")
    guarded.save("data/contacts.csv", rows)
    judged(guarded)


@pytest.mark.slow
def test_rolled_back_to_before_the_case(guarded: Session) -> None:
    """Live goes back to when it had no case; then the changed one is new to it."""
    guarded.save("cases/ana.yaml", case("saver"))
    guarded.do("omar", "apply --yes")
    first = min(
        row["revision"] for row in json.loads(guarded.do("", "history --format json")) if row["action"] == "promote"
    )
    guarded.attempt("omar", f"rollback recipients@live --to {first} --yes", "promote --include-rolled-back --yes")
    judged(guarded)


def test_forged_promotion_takes_the_case_along(guarded: Session) -> None:
    """A saved promotion gets the step by which live's case changes."""
    guarded.save("cases/ana.yaml", case("saver"))
    guarded.do("omar", "plan --out plans/a.json", "apply plans/a.json --yes")
    applied = json.loads((guarded.root / "plans/a.json").read_text(encoding="utf-8"))["plan"]
    guarded.do("omar", "promote --exclude offer.saver --out plans/p.json")

    def forged(plan: dict[str, Any]) -> None:
        (step,) = [step for step in applied["steps"] if step["address"] == "recipients/cases.ana"]
        plan["steps"].insert(0, {**step, "stage": "recipients@live", "reason": "rides-along"})
        plan["blocked"] = [one for one in plan["blocked"] if one["address"] != step["address"]]
        plan["bodies"] |= {print_: body for print_, body in applied["bodies"].items() if body["kind"] == "cases"}

    guarded.forge("plans/p.json", forged)
    broken_if(guarded.run("omar", "apply plans/p.json --yes").code == 0, "live’s case was changed by its author alone")
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


def test_override_is_used_again(guarded: Session) -> None:
    """What was lifted once was taken back since; the same change comes again, without anybody but its author."""

    def there(offer: str, weight: int, *, lifted: bool) -> None:
        guarded.save("cases/ana.yaml", case(offer))
        guarded.edit(offers={"saver": {"weights": [{"weight": weight}]}})
        guarded.do("omar", "apply --yes")
        guarded.do("olga", "approve offer.saver")
        if lifted:
            guarded.do("olga", "override recipients/cases.ana --message 'As agreed'")
            guarded.do("omar", "promote --yes")

    there("saver", 99, lifted=True)
    there("gold-card", 9, lifted=True)
    there("saver", 98, lifted=False)
    guarded.attempt("omar", "promote --yes")
    judged(guarded)


@pytest.mark.slow
def test_store_without_cases(team: Session) -> None:
    """The gate is on, and nobody has applied a case: a promotion tells so."""
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    done = team.run("alan", "promote --yes")
    broken_if(done.code == 0, "a gate without cases lets everything pass")
    assert "OFR615" in done.err
    team.save("cases/ana.yaml", case("gold-card"))
    team.do("omar", "apply --yes")
    team.do("alan", "promote --yes")


def test_honest_override(guarded: Session) -> None:
    """A second person lifts what live's case says: for this change, and for no other."""
    guarded.save("cases/ana.yaml", case("saver"))
    guarded.do("omar", "apply --yes")
    assert not guarded.attempt("omar", "override recipients/cases.ana --message 'It is meant so'")
    guarded.do("olga", "override recipients/cases.ana --message 'The saver comes first in Norway'")
    said = guarded.do("omar", "promote --yes")
    assert "The saver comes first in Norway" in said
    assert next(iter(guarded.shown())) == "saver"
    assert "override" in guarded.do("", "history")
    guarded.save("cases/ana.yaml", case("gold-card"))
    guarded.do("omar", "apply --yes")
    guarded.do("omar", "promote --yes")
    assert "saver" in guarded.do("", "diff recipients@live recipients@design")


@pytest.mark.slow
def test_honest_cases_are_added_and_renamed(guarded: Session) -> None:
    """What live's cases say stays, in another file, under another name, with more beside it: nobody is asked."""
    guarded.edit(offers={"saver": {"weights": [{"weight": 9}]}})
    content = case("gold-card")
    told = content["cases"].pop("Ana is offered the card first")
    content["cases"] |= {"The card comes first": {**told, "note": "As agreed."}, "And first of two": {**told, "n": 1}}
    (guarded.root / "cases/ana.yaml").unlink()
    guarded.save("cases/cards/norway.yaml", content)
    guarded.do("omar", "apply --yes")
    guarded.do("olga", "approve offer.saver")
    guarded.do("omar", "promote --yes")
    assert guarded.live().weight("saver") == 9
    assert guarded.live()["cases.cards/norway"] is None  # a file of its own
    assert not guarded.do("", "diff recipients@live recipients@design").count("cases.")


def test_honest_newer_file_of_contacts(guarded: Session) -> None:
    """A file that has changed is accepted by a second person, who wrote nothing of what waits."""
    guarded.edit(offers={"saver": {"weights": [{"weight": 9}]}})
    guarded.do("omar", "apply --yes")
    guarded.do("olga", "approve offer.saver")
    guarded.save("data/contacts.csv", guarded.files["data/contacts.csv"] + "9,zoe@example.com,Zoe,NO,30,true\n")
    assert not guarded.attempt("omar", "promote --yes")
    assert not guarded.attempt("omar", "override recipients/cases.ana --message 'Last night’s file'")
    guarded.do("olga", "override recipients/cases.ana --message 'Last night’s file'")
    guarded.do("omar", "promote --yes")
    assert guarded.live().weight("saver") == 9


# A stop takes away what a case expects


@pytest.fixture
def stopped(team: Session) -> Session:
    """A case expects gold-card first, which is stopped at night; its cases have to pass before each promotion."""
    team.save("cases/ana.yaml", case("gold-card"))
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.do("omar", "stop offer.gold-card --message 'wrong price'")
    return team


@pytest.mark.parametrize("how", [["promote --yes"], ["promote --out plans/p.json", "apply plans/p.json --yes"]])
def test_honest_promotion_while_something_is_stopped(stopped: Session, how: list[str]) -> None:
    """The case fails because of the stop alone: the plan says so, and goes."""
    stopped.edit(offers={"safari": {"weights": [{"weight": 4}]}})
    stopped.do("omar", "apply --yes")
    stopped.do("olga", "approve offer.safari")
    said = stopped.do("omar", how[0])
    stopped.do("omar", *how[1:])
    assert "fails only because of what is stopped" in " ".join(said.split())
    assert stopped.live().weight("safari") == 4


@pytest.mark.slow
def test_case_broken_behind_a_stop(stopped: Session) -> None:
    """While the card is stopped, something goes live that would be before it once it runs again."""
    stopped.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    stopped.do("omar", "apply --yes")
    stopped.do("olga", "approve offer.saver")
    stopped.attempt("omar", "promote --yes", "promote --out plans/p.json", "apply plans/p.json --yes")
    broken_if(stopped.live().weight("saver") == 99, "what is live breaks the case once nothing is stopped")


@pytest.mark.slow
def test_stop_of_what_was_never_there(guarded: Session) -> None:
    """What the case expects is stopped on a space where it never was."""
    guarded.edit(offers={"saver": {"weights": [{"weight": 3}], "eligible": None}})
    guarded.do("omar", "apply --yes")
    expected = case("loan")
    expected["cases"]["Ana is offered the card first"]["space"] = "recipients/newsletter"
    guarded.save("cases/letter.yaml", expected)
    guarded.do("ada", "apply --yes")
    guarded.do("omar", "stop offer.loan --message 'to get by'")
    guarded.edit(offers={"safari": {"weights": [{"weight": 4}]}})
    guarded.do("omar", "apply --yes")
    guarded.do("olga", "approve offer.safari")
    guarded.attempt("omar", "promote --yes")
    broken_if(guarded.live().weight("safari") == 4, "a stop excuses a case that fails without it")


@pytest.mark.slow
def test_forged_excuse(guarded: Session) -> None:
    """The plan says that the case fails because of what is stopped, and nothing is."""
    guarded.edit(offers={"saver": {"weights": [{"weight": 3}], "eligible": None}, "safari": {"label": "Lions"}})
    guarded.do("omar", "apply --yes")
    guarded.attempt("olga", "approve offer.*")
    guarded.do("omar", "promote --out plans/p.json")
    note = "recipients/cases.ana: the case “Ana” fails only because of what is stopped, and does not block."
    guarded.forge("plans/p.json", lambda plan: plan.setdefault("notes", []).append(note))
    before = guarded.serial()
    guarded.attempt("omar", "apply plans/p.json --yes")
    broken_if(guarded.serial() > before, "a plan was applied that says something false of a case")


def test_honest_rename_of_what_a_case_expects(team: Session) -> None:
    """A case that goes on to use the old name is refused; with the new one it is the same case, and needs nobody."""
    team.save("cases/ana.yaml", case("gold-card"))
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    body = team.files["specs/recipients/offers.yaml"]["offers"]["gold-card"]
    team.edit(moved={"offer.gold-card": "offer.gold"}, offers={"gold-card": None, "gold": body})
    done = team.run("omar", "apply --yes")
    assert "OFR890" in done.err
    assert "names recipients/offer.gold-card, which is renamed to gold" in " ".join(done.err.split())
    team.save("cases/ana.yaml", case("gold"))
    team.do("omar", "apply --yes", "promote --yes")
    assert team.live()["offer.gold"] is not None


@pytest.mark.slow
def test_case_says_something_else_behind_a_rename(guarded: Session) -> None:
    """The case names the offer by its new name, and expects another one first."""
    body = guarded.files["specs/recipients/offers.yaml"]["offers"]["gold-card"]
    guarded.edit(moved={"offer.gold-card": "offer.gold"}, offers={"gold-card": None, "gold": body})
    guarded.save("cases/ana.yaml", case("saver"))
    guarded.do("omar", "apply --yes")
    guarded.attempt("omar", "promote --yes")
    broken_if(next(iter(guarded.shown())) == "saver", "what is live breaks the case that guards it")
