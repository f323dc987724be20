"""What changes many offers at once needs somebody beside its author, where duties are separated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

SPACE, ENVIRONMENT = "space.web-home", "environment.recipients"
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # of an offer manager
    "the space's channel": ("omar", SPACE, {"spaces": {"web-home": {"channel": "inbound-mobile"}}}),
    "the identification keys": ("omar", SPACE, {"spaces": {"web-home": {"identification": {"keys": ["id"]}}}}),
    "implicit identification": ("omar", SPACE, {"spaces": {"web-home": {"identification": {"implicit": True}}}}),
    "no storage": ("omar", SPACE, {"spaces": {"web-home": {"storage": {"enabled": False}}}}),
    "the status when proposed": ("omar", SPACE, {"spaces": {"web-home": {"storage": {"proposed": "accepted"}}}}),
    "the default category": ("omar", SPACE, {"spaces": {"web-home": {"defaults": {"categories": ["travel"]}}}}),
    "stored data": ("omar", SPACE, {"spaces": {"web-home": {"storage": {"proposed_data": {"m": "recipient.email"}}}}}),
    "a hook": ("omar", SPACE, {"spaces": {"web-home": {"hooks": {"post_processing": "nothing"}}}}),
    "the newsletter's channel": ("omar", "space.newsletter", {"spaces": {"newsletter": {"channel": "sms"}}}),
    # of an administrator
    "the environment's filter": ("ada", ENVIRONMENT, {"environment": {"when": None}}),
    "the time zone": ("ada", ENVIRONMENT, {"environment": {"time_zone": "Pacific/Auckland"}}),
    "no typology": ("ada", ENVIRONMENT, {"environment": {"typology": None}}),
    "redirects to anywhere": ("ada", ENVIRONMENT, {"environment": {"inbound": {"redirects": ["evil.example"]}}}),
    "the rate": ("ada", ENVIRONMENT, {"environment": {"inbound": {"rate": 1000000}}}),
    "a rule's limit": ("ada", "rule.weekly", {"rules": {"weekly": {"max": 999}}}),
    "a rule's period": ("ada", "rule.accepted", {"rules": {"accepted": {"period": {"before": "1h"}}}}),
    "a rule's contacts": ("ada", "rule.weekly", {"rules": {"weekly": {"contacts": "recipient.age > 200"}}}),
    "the rules of the typology": ("ada", "typology.calm", {"typologies": {"calm": {"rules": ["weekly"]}}}),
    "the source of contacts": (
        "ada", "dimension.recipient", {"dimensions": {"recipient": {"source": {"path": "data/others.csv"}}}},
    ),
    "a field's type": (
        "ada", "dimension.recipient", {"dimensions": {"recipient": {"fields": {"first_name": {"type": "list"}}}}},
    ),
}  # fmt: skip
QUICK = ("no storage", "the environment's filter")
OTHER = {"omar": "olga", "ada": "alan"}


@pytest.mark.parametrize("change", variants(sorted(CHANGES, key=lambda name: name not in QUICK), quick=len(QUICK)))
def test_author_alone(team: Session, change: str) -> None:
    """One person edits, applies and promotes."""
    who, address, sections = CHANGES[change]
    before = team.live()[address]
    team.edit(**sections)
    team.do(who, "apply --yes")
    team.attempt(who, "promote --yes")
    broken_if(team.live()[address] != before, f"{who} alone has changed {address} for all live offers")


@pytest.mark.parametrize(
    "change",
    variants(["the environment's filter", "the space's channel", "a rule's limit", "the source of contacts"], quick=1),
)
def test_honest_way(team: Session, change: str) -> None:
    """Somebody else promotes it, and it is live."""
    who, address, sections = CHANGES[change]
    before = team.live()[address]
    team.edit(**sections)
    team.do(who, "apply --yes")
    team.do(OTHER[who], "promote --yes")
    assert team.live()[address] != before


@pytest.mark.slow
def test_by_a_plan_of_ones_own_that_another_never_saw(team: Session) -> None:
    """The author saves the promotion and applies the file."""
    team.edit(environment={"when": None})
    team.do("ada", "apply --yes", "promote --out plans/p.json")
    team.attempt("ada", "apply plans/p.json --yes")
    broken_if("when" not in team.live()[ENVIRONMENT], "ada alone has opened the environment to everybody")


@pytest.mark.slow
def test_behind_an_offer_of_another(team: Session) -> None:
    """The setting rides along with an offer that is approved, promoted by name."""
    team.edit(offers={"saver": {"content": {"title": "Save now"}}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.edit(spaces={"web-home": {"storage": {"enabled": False}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote recipients/offer.saver recipients/space.web-home --yes")
    broken_if("storage" in team.live()[SPACE], "omar alone has switched off the storage of a space")


def test_separation_switched_off_in_the_same_edit(team: Session) -> None:
    """ada switches off the separation of duties, and then approves what she wrote."""
    team.edit(environment={"promotion": None}, offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "approve offer.saver", "promote --yes")
    broken_if(team.live().weight("saver") == 99, "ada alone has put a weight live that ada wrote")


@pytest.mark.slow
def test_separation_switched_off_and_on_again(team: Session) -> None:
    """It is off only for the moment of the approval, and never off in live."""
    team.edit(environment={"promotion": None}, offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "approve offer.saver")
    team.edit(environment={"promotion": {"separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes")
    broken_if(team.live().weight("saver") == 99, "ada alone has put a weight live that ada wrote")


@pytest.mark.slow
def test_promoter_names_oneself(team: Session) -> None:
    """Only alan may promote; ada writes her own name into the list and promotes."""
    team.edit(environment={"promotion": {"promoters": ["alan"]}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(environment={"promotion": {"promoters": ["ada"]}}, offers={"saver": {"label": "Saver plus"}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes")
    broken_if(team.live()["offer.saver"]["label"] == "Saver plus", "ada promoted where live lets only alan promote")


@pytest.mark.slow
def test_honest_promoter(team: Session) -> None:
    """Who is named promotes."""
    team.edit(environment={"promotion": {"promoters": ["alan"]}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(offers={"saver": {"label": "Saver plus"}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes")
    assert team.live()["offer.saver"]["label"] == "Saver"
    team.do("alan", "promote --yes")
    assert team.live()["offer.saver"]["label"] == "Saver plus"


# Reviewers of settings

NAMED = {"environment": {"reviewers": {"settings": ["risk"]}}}
OPEN = {"environment": {"when": None}}
QUIET = {"spaces": {"web-home": {"storage": {"enabled": False}}}}


@pytest.fixture
def reviewed(team: Session) -> Session:
    """The project with a reviewer of its settings, live."""
    team.edit(**NAMED)
    team.do("ada", "apply --yes")
    team.do("risk", "approve recipients/environment.recipients --settings")
    team.do("alan", "promote --yes")
    assert team.live()[ENVIRONMENT]["reviewers"] == {"settings": ["risk"]}
    return team


@pytest.mark.parametrize("change", variants(["no storage", "a rule's limit", "the source of contacts"], quick=1))
def test_without_the_reviewer(reviewed: Session, change: str) -> None:
    """A second person promotes, but risk was not asked; then risk is."""
    who, address, sections = CHANGES[change]
    before = reviewed.live()[address]
    reviewed.edit(**sections)
    reviewed.do(who, "apply --yes")
    reviewed.attempt(OTHER[who], f"approve {_full(address)} --settings", "promote --yes")
    broken_if(reviewed.live()[address] != before, "settings are live that their reviewer has not seen")
    assert "settings" in reviewed.do("risk", "approvals --mine")
    reviewed.do("risk", f"approve {_full(address)}")
    reviewed.do(OTHER[who], "promote --yes")
    assert reviewed.live()[address] != before


def _full(address: str) -> str:
    return address if address.startswith("dimension") else f"recipients/{address}"


@pytest.mark.slow
def test_changed_after_the_review(reviewed: Session) -> None:
    """What risk approved is not what is promoted."""
    reviewed.edit(**QUIET)
    reviewed.do("omar", "apply --yes")
    reviewed.do("risk", "approve recipients/space.web-home --settings")
    reviewed.edit(spaces={"web-home": {"identification": {"keys": ["id"]}}})
    reviewed.do("omar", "apply --yes")
    reviewed.attempt("olga", "promote --yes")
    broken_if(
        reviewed.live()[SPACE]["identification"] == {"keys": ["id"]}, "an approval counts for what it did not see"
    )


@pytest.mark.slow
def test_rejected_after_the_plan_was_saved(reviewed: Session) -> None:
    """risk takes the approval back; the plan was saved before."""
    reviewed.edit(**QUIET)
    reviewed.do("omar", "apply --yes")
    reviewed.do("risk", "approve recipients/space.web-home --settings")
    reviewed.do("olga", "promote --out plans/p.json")
    reviewed.do("risk", "reject recipients/space.web-home --settings")
    reviewed.attempt("olga", "apply plans/p.json --yes")
    broken_if("storage" in reviewed.live()[SPACE], "settings are live that their reviewer has rejected")


@pytest.mark.parametrize("promotions", variants([1, 2], quick=1))
def test_reviewers_of_settings_removed(reviewed: Session, promotions: int) -> None:
    """The list goes with the change, or in a promotion before it."""
    sections = {"environment": {"reviewers": None, **(OPEN["environment"] if promotions == 1 else {})}}
    reviewed.edit(**sections)
    reviewed.do("ada", "apply --yes")
    reviewed.attempt("alan", "approve recipients/environment.recipients --settings", "promote --yes")
    if promotions == 2:
        reviewed.edit(**OPEN)
        reviewed.do("ada", "apply --yes")
        reviewed.attempt("alan", "approve recipients/environment.recipients --settings", "promote --yes")
    live = reviewed.live()[ENVIRONMENT]
    broken_if("when" not in live or "reviewers" not in live, "risk, whom live names, was not asked")


# A single administrator, and overrides


@pytest.fixture
def single(team: Session) -> Session:
    """The project with one administrator, who alone promotes."""
    team.edit(environment={"promotion": {"separation_of_duties": True, "promoters": ["ada"]}})
    team.do("alan", "apply --yes")
    team.do("ada", "promote --yes")
    team.edit(operators={"alan": {"profile": "delivery-manager"}})
    team.do("ada", "apply --yes")
    return team


def test_honest_way_of_a_single_administrator(single: Session) -> None:
    """ada writes, olga overrides that nobody else promotes, ada promotes; the plan says who would be changed."""
    single.edit(**OPEN)
    single.do("ada", "apply --yes")
    assert "4 live offers" in single.do("ada", "promote --plan-only")
    single.attempt("ada", "promote --yes")
    broken_if("when" not in single.live()[ENVIRONMENT], "ada alone has opened the environment to everybody")
    single.do("olga", "override recipients/environment.recipients --settings --message 'Agreed with ada'")
    single.do("ada", "promote --yes")
    assert "when" not in single.live()[ENVIRONMENT]


@pytest.mark.slow
def test_author_overrides(single: Session) -> None:
    """ada lifts it herself."""
    single.edit(**OPEN)
    single.do("ada", "apply --yes")
    single.attempt("ada", "override recipients/environment.recipients --message 'I am sure'", "promote --yes")
    broken_if("when" not in single.live()[ENVIRONMENT], "ada alone has opened the environment to everybody")


@pytest.mark.slow
def test_changed_after_the_override(single: Session) -> None:
    """What olga has overridden is not what is promoted."""
    single.edit(environment={"time_zone": "Europe/Oslo"})
    single.do("ada", "apply --yes")
    single.do("olga", "override recipients/environment.recipients --message 'We moved'")
    single.edit(**OPEN)
    single.do("ada", "apply --yes")
    single.attempt("ada", "promote --yes")
    broken_if("when" not in single.live()[ENVIRONMENT], "an override lifts what it was not about")


@pytest.mark.slow
def test_override_used_again(single: Session) -> None:
    """The override was used, and the change taken back; ada makes it once more."""
    single.edit(**OPEN)
    single.do("ada", "apply --yes")
    single.do("olga", "override recipients/environment.recipients --message 'For the fair'")
    single.do("ada", "promote --yes")
    serial = single.serial()
    single.do("ada", f"rollback recipients@live --to {serial - 1} --yes")
    assert "when" in single.live()[ENVIRONMENT]
    single.attempt("ada", "promote --include-rolled-back --yes")
    broken_if("when" not in single.live()[ENVIRONMENT], "an override that was used lifts it a second time")


@pytest.mark.slow
def test_gates_taken_back_by_a_rollback(team: Session) -> None:
    """Duties were not separated once; ada takes live back to then, and switches it off in design as well."""
    team.edit(environment={"promotion": None})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    serial = team.serial()
    team.edit(environment={"promotion": {"separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(environment={"promotion": None}, offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("ada", "apply --yes")
    team.attempt("ada", f"rollback recipients@live --to {serial} --yes", "approve offer.saver", "promote --yes")
    broken_if(team.live().weight("saver") == 99, "ada alone has put a weight live that ada wrote")


@pytest.mark.slow
def test_promoters_without_one_in_common(team: Session) -> None:
    """Live lets alan promote, design ada: nobody does, until somebody who did not write it overrides."""
    team.edit(environment={"promotion": {"separation_of_duties": True, "promoters": ["alan"]}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.edit(environment={"promotion": {"separation_of_duties": True, "promoters": ["ada"]}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes", "override environment.recipients --message 'My turn'", "promote --yes")
    team.attempt("alan", "promote --yes")
    broken_if(team.live()[ENVIRONMENT]["promotion"]["promoters"] != ["alan"], "live's promoters were passed by")
    team.do("alan", "override environment.recipients --message 'ada takes over'")
    team.do("ada", "promote --yes")
    assert team.live()[ENVIRONMENT]["promotion"]["promoters"] == ["ada"]


# Second people who are none


def named_by_option(team: Session) -> None:
    """ada says that olga wrote it, too."""
    team.do("ada", "apply --yes --author olga")


def named_in_a_commit(team: Session) -> None:
    """ada commits in alan's name."""
    alan = {f"GIT_{role}_{what}": of for role in ("AUTHOR", "COMMITTER") for what, of in ALAN.items()}
    team.save(".gitignore", ".offerkit/\nplans/\n")
    team.git("init --quiet")
    team.git("add --all")
    team.git("commit --quiet -m Open", **alan)
    team.do("ada", "apply --yes")


def beside_a_label(team: Session) -> None:
    """What is not live yet has a label of alan's in it, and gets another."""
    team.edit(environment={"when": "recipient.consent = true", "label": "Our customers"})
    team.do("alan", "apply --yes")
    team.edit(**OPEN)
    team.do("ada", "apply --yes")


def on_an_earlier_part(team: Session) -> None:
    """What is not live yet has a part of alan's in it, which ada builds on."""
    team.edit(environment={"when": "recipient.consent = true", "time_zone": "Europe/Oslo"})
    team.do("alan", "apply --yes")
    team.edit(**OPEN)
    team.do("ada", "apply --yes")


def approved_the_last_time(team: Session) -> None:
    """alan approved it once; it was live, and was taken out by both."""
    team.do("ada", "apply --yes")
    team.do("alan", "approve recipients/environment.recipients --settings")
    team.do("ada", "promote --yes")
    team.edit(environment={"when": "recipient.consent = true"})
    team.do("alan", "apply --yes")
    team.do("ada", "promote --yes")
    team.edit(**OPEN)
    team.do("ada", "apply --yes")


ALAN = {"NAME": "alan", "EMAIL": "alan@example.com"}
NOBODY = [named_by_option, on_an_earlier_part, named_in_a_commit, beside_a_label, approved_the_last_time]


@pytest.mark.parametrize("second", variants(NOBODY))
def test_second_person_who_is_none(team: Session, second: Callable[[Session], None]) -> None:
    """Somebody is named beside ada, or saw something else; then alan promotes, who has seen it."""
    team.edit(**OPEN)
    second(team)
    team.attempt("ada", "promote --yes")
    broken_if("when" not in team.live()[ENVIRONMENT], "ada alone has opened the environment to everybody")
    team.do("alan", "promote --yes")
    assert "when" not in team.live()[ENVIRONMENT]


@pytest.mark.slow
def test_honest_second_approval_of_the_same(team: Session) -> None:
    """alan approves once more what he approved the last time."""
    team.edit(**OPEN)
    approved_the_last_time(team)
    team.do("alan", "approve recipients/environment.recipients --settings")
    team.do("ada", "promote --yes")
    assert "when" not in team.live()[ENVIRONMENT]


@pytest.mark.slow
def test_honest_second_author(team: Session) -> None:
    """alan changes once more, in his own name, what ada wrote; ada promotes it."""
    team.edit(**OPEN)
    team.do("ada", "apply --yes")
    team.edit(environment={"time_zone": "Europe/Oslo"})
    team.do("alan", "apply --yes")
    team.do("ada", "promote --yes")
    assert "when" not in team.live()[ENVIRONMENT]


def renamed(team: Session, old: str, new: str) -> None:
    """Give an operator another name."""
    body = team.files["specs/shared.yaml"]["operators"][old]
    team.edit(operators={old: None, new: body})
    team.save("specs/moved.yaml", {"version": 1, "moved": {f"operator.{old}": f"operator.{new}"}})


def test_author_takes_another_name(team: Session) -> None:
    """ada is called otherwise when she approves and promotes."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}}, **OPEN)
    team.do("ada", "apply --yes")
    renamed(team, "ada", "eve")
    team.do("ada", "apply --yes")
    team.attempt("eve", "approve offer.saver", "promote --yes")
    live = team.live()
    broken_if(live.weight("saver") == 99 or "when" not in live[ENVIRONMENT], "ada is alone under two names")


@pytest.mark.slow
def test_honest_rename_of_a_reviewer(team: Session) -> None:
    """risk is called otherwise, and still asked."""
    reviewers = {"eligibility": ["rita"]}
    team.edit(templates={"reviewed": {"reviewers": reviewers}}, offers={"loan": {"reviewers": reviewers}})
    renamed(team, "risk", "rita")
    team.do("ada", "apply --yes", "promote --yes")
    team.edit(offers={"loan": {"weights": [{"weight": 9}]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    assert team.live().weight("loan") == 5
    team.do("rita", "approve offer.loan --eligibility")
    team.do("omar", "promote --yes")
    assert team.live().weight("loan") == 9


@pytest.mark.slow
@pytest.mark.parametrize("apart", [True, False])
def test_reviewers_of_settings_taken_back_by_a_rollback(team: Session, apart: bool) -> None:
    """ada takes live back to before risk was named, and the list out of design."""
    if not apart:
        team.edit(environment={"promotion": None})
        team.do("ada", "apply --yes")
        team.do("alan", "promote --yes")
    serial = team.serial()
    team.edit(**NAMED)
    team.do("ada", "apply --yes")
    team.do("risk", "approve recipients/environment.recipients --settings")
    team.do("alan", "promote --yes")
    team.do("ada", f"rollback recipients@live --to {serial} --yes")
    team.edit(environment={"reviewers": None, "when": None})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --include-rolled-back --yes")
    team.attempt("alan", "promote --include-rolled-back --yes")
    broken_if("when" not in team.live()[ENVIRONMENT], "risk, whom live named until its rollback, was not asked")
    team.do("risk", "approve recipients/environment.recipients --settings")
    team.do("alan", "promote --include-rolled-back --yes")
    assert "when" not in team.live()[ENVIRONMENT]


@pytest.mark.parametrize("label", variants([False, True], quick=1))
def test_reviewer_of_settings_swaps_names(team: Session, label: bool) -> None:
    """dora gets the name of risk, who reviews settings; a label goes live before."""
    team.edit(environment={"reviewers": {"settings": ["risk"]}})
    team.do("ada", "apply --yes")
    team.do("risk", "approve recipients/environment.recipients --settings")
    team.do("alan", "promote --yes")
    team.swap_names("risk", "dora")
    team.do("ada", "apply --yes")
    if label:
        team.edit(environment={"label": "All customers"})
        team.do("ada", "apply --yes")
        team.attempt("alan", "promote --yes")
    team.edit(environment={"when": None})
    team.do("ada", "apply --yes")
    team.attempt("risk", "approve recipients/environment.recipients --settings")  # who was dora
    team.attempt("alan", "promote --yes")
    broken_if("when" not in team.live()[ENVIRONMENT], "the reviewer, who has another name, was not asked")
    team.do("dora", "approve recipients/environment.recipients --settings")
    team.do("alan", "promote --yes")
    assert "when" not in team.live()[ENVIRONMENT]


@pytest.mark.slow
def test_promoter_swaps_names(team: Session) -> None:
    """Only omar promotes; olga gets his name."""
    team.edit(environment={"promotion": {"promoters": ["omar"]}})
    team.do("ada", "apply --yes")
    team.do("omar", "promote --yes")
    team.swap_names("omar", "olga")
    team.do("ada", "apply --yes")
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("ada", "apply --yes")
    team.do("alan", "approve offer.saver")
    team.attempt("omar", "promote --yes")  # who was olga
    broken_if(team.live().weight("saver") == 99, "somebody promotes who was not named, under the name of who was")
