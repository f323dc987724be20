"""A rename must not carry an approval to what nobody approved, nor away from what somebody rejected."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from attacking import Session, broken_if, variants


def rename(team: Session, old: str, new: str, **changes: object) -> None:
    """Say that an offer has another name now, and change it as well."""
    body = team.files["specs/recipients/offers.yaml"]["offers"][old] | changes
    team.edit(offers={old: None, new: body}, moved={f"offer.{old}": f"offer.{new}"})


def at_once(team: Session) -> None:
    """The rename and another weight, in one apply."""
    rename(team, "saver", "saver-2", weights=[{"weight": 99}])
    team.do("omar", "apply --yes")


def change_then_rename(team: Session) -> None:
    """The weight first, the rename in an apply of its own."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    rename(team, "saver", "saver-2")
    team.do("omar", "apply --yes")


def rename_twice(team: Session) -> None:
    """Two renames, the first with the change."""
    rename(team, "saver", "saver-1", weights=[{"weight": 99}])
    team.do("omar", "apply --yes")
    rename(team, "saver-1", "saver-2")
    team.do("omar", "apply --yes")


def change_rename_change_again(team: Session) -> None:
    """A change, a rename, and a second change that another person is to believe is all there is."""
    team.edit(offers={"saver": {"weights": [{"weight": 98}]}})
    team.do("omar", "apply --yes")
    rename(team, "saver", "saver-2", weights=[{"weight": 99}])
    team.do("omar", "apply --yes")


def rename_then_change(team: Session) -> None:
    """The rename first, the weight in an apply of its own."""
    rename(team, "saver", "saver-2")
    team.do("omar", "apply --yes")
    team.edit(offers={"saver-2": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")


def by_what_it_inherits(team: Session) -> None:
    """The rename, and the weight by way of the category's multiplier."""
    rename(team, "saver", "saver-2", weights=[{"weight": 99}])
    team.edit(categories={"bank": {"multiplier": {"factor": 2}}})
    team.do("omar", "apply --yes")


WAYS: list[Callable[[Session], None]] = [
    at_once, rename_then_change, change_then_rename, rename_twice, change_rename_change_again, by_what_it_inherits,
]  # fmt: skip


@pytest.mark.parametrize("way", variants(WAYS, quick=1))
def test_author_approves_own_weight_by_renaming(team: Session, way: Callable[[Session], None]) -> None:
    """omar writes a weight and renames the offer; no one but omar approves it."""
    way(team)
    team.attempt("omar", "approve offer.saver-2", "promote --yes")
    broken_if(team.live().weight("saver-2") == 99, "omar alone has put a weight live that omar wrote")


@pytest.mark.slow
def test_author_approves_own_content_by_renaming(team: Session) -> None:
    """The same with a text."""
    rename(team, "saver", "saver-2", content={"title": "FREE MONEY"})
    team.do("omar", "apply --yes")
    team.attempt("omar", "approve offer.saver-2 --content", "promote --yes")
    broken_if(team.live().title("saver-2") == "FREE MONEY", "omar alone has put a text live that omar wrote")


def test_author_approves_own_weight_without_a_rename(team: Session) -> None:
    """Without a rename the author is told so: that is how it should be with one."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "approve offer.saver", "promote --yes")
    broken_if(team.live().weight("saver") == 99, "omar alone has put a weight live that omar wrote")


@pytest.mark.slow
def test_author_approves_own_text_by_a_template(team: Session) -> None:
    """olga gives a template a title that all offers in live have of their own; ada makes an offer without one."""
    team.edit(templates={"plain": {"label": "Plain"}})
    team.edit(offers={"safari": {"template": "plain"}})
    team.honestly("omar", "olga", "ada")
    team.edit(templates={"plain": {"content": {"title": "FREE MONEY"}}})
    team.do("olga", "apply --yes", "promote --yes")
    team.edit(templates={"plain": {"label": "Plain again"}})
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"new": {"label": "New", "category": "bank", "template": "plain", "spaces": ["web-home"]}})
    team.do("ada", "apply --yes")
    team.attempt("olga", "approve offer.new", "promote --yes")
    broken_if(team.live()["offer.new"], "olga alone has decided on a text that olga wrote")
    team.do("alan", "approve offer.new")
    team.do("alan", "promote --yes")


@pytest.mark.slow
def test_honest_offer_below_what_others_wrote(team: Session) -> None:
    """Who once wrote the category and the template that live offers have may approve a new one of another's."""
    team.edit(categories={"bank": {"multiplier": {"factor": 2}}})
    team.edit(templates={"plain": {"label": "Plain", "content": {"title": "Plain"}}})
    team.edit(offers={"plain": {"label": "Plain", "category": "bank", "template": "plain", "spaces": ["web-home"]}})
    team.do("olga", "apply --yes")
    team.do("omar", "approve offer.*")
    team.do("risk", "approve offer.*")
    team.do("omar", "promote --yes")
    team.edit(offers={"new": {"label": "New", "category": "bank", "template": "plain", "spaces": ["web-home"]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.new", "promote --yes")


@pytest.mark.parametrize("way", variants(WAYS[:4], quick=1))
def test_honest_rename_with_a_change(team: Session, way: Callable[[Session], None]) -> None:
    """Somebody else approves, and the offer is live under its new name."""
    way(team)
    team.do("olga", "approve offer.saver-2")
    team.do("omar", "promote --yes")
    live = team.live()
    assert (live.weight("saver"), live.weight("saver-2")) == (None, 99)


@pytest.mark.slow
def test_honest_rename_alone(team: Session) -> None:
    """What only has another name needs nobody."""
    rename(team, "saver", "saver-2")
    team.do("omar", "apply --yes", "promote --yes")
    live = team.live()
    assert (live.weight("saver"), live.weight("saver-2")) == (None, 3)


# A former name


def reject_renamed(team: Session, what: str = "", *names: str) -> None:
    """Rename saver, along all ``names``, reject it under the last one, and take it off live."""
    for old, new in pairwise(("saver", *names)):
        rename(team, old, new)
        team.do("omar", "apply --yes", "promote --yes")
    team.do("olga", f"reject offer.{names[-1]} {what}")
    team.do("omar", "promote --yes")
    assert team.live()[f"offer.{names[-1]}"] is None


SAVER = {
    "label": "Saver", "category": "bank", "weights": [{"weight": 3}], "content": {"title": "Save"},
    "spaces": ["web-home", "app"],
}  # fmt: skip
"""The offer as it was approved at first."""


def test_former_name_is_declared_again(team: Session) -> None:
    """saver was approved, renamed, and rejected; under its first name it is live on the first approval."""
    reject_renamed(team, "", "saver-2")
    team.edit(offers={"saver": SAVER, "saver-2": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_former_name_beside_the_rejected_one(team: Session) -> None:
    """The same while the rejected offer stays in design."""
    reject_renamed(team, "", "saver-2")
    team.edit(offers={"saver": SAVER}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_former_name_two_renames_ago(team: Session) -> None:
    """The same along a chain of names."""
    reject_renamed(team, "", "saver-2", "saver-3")
    team.edit(offers={"saver": SAVER, "saver-3": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_former_name_in_the_middle(team: Session) -> None:
    """The name between the first and the rejected one."""
    reject_renamed(team, "", "saver-2", "saver-3")
    team.edit(offers={"saver-2": SAVER, "saver-3": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver-2"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_former_name_with_rejected_eligibility(team: Session) -> None:
    """Only its eligibility was rejected."""
    reject_renamed(team, "--eligibility", "saver-2")
    team.edit(offers={"saver": SAVER, "saver-2": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "a rejected eligibility is live again under its former name")


@pytest.mark.slow
def test_former_name_by_renaming_back(team: Session) -> None:
    """The rejected offer is renamed to what it was called when it was approved."""
    reject_renamed(team, "", "saver-2")
    team.edit(moved=None)
    rename(team, "saver-2", "saver")
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_new_name_for_what_was_rejected(team: Session) -> None:
    """A rejected offer gets a name that it never had."""
    reject_renamed(team, "", "saver-2")
    rename(team, "saver-2", "saver-3")
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver-3"], "what was rejected is live again under a new name")


def test_honest_return_of_a_rejected_offer(team: Session) -> None:
    """Approved again by another person than who declared it again, it is live."""
    reject_renamed(team, "", "saver-2")
    team.edit(offers={"saver": SAVER | {"content": {"title": "Save more"}}, "saver-2": None}, moved=None)
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    assert team.live().title("saver") == "Save more"


# Variants: who knows that decisions follow names


def test_former_name_before_anything_was_promoted(team: Session) -> None:
    """The rename and the rejection are in design only; the first name is declared again meanwhile."""
    rename(team, "saver", "saver-2")
    team.do("omar", "apply --yes")
    team.do("olga", "reject offer.saver-2")
    team.edit(offers={"saver": SAVER, "saver-2": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected stays live under its former name")


@pytest.mark.slow
def test_former_name_by_another_offer(team: Session) -> None:
    """Another offer of the same body, which nobody approved, is renamed to the name that was approved."""
    reject_renamed(team, "", "saver-2")
    team.edit(offers={"copy": SAVER, "saver-2": None}, moved=None)
    team.do("omar", "apply --yes")
    rename(team, "copy", "saver")
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"], "what was rejected is live again under its former name")


@pytest.mark.slow
def test_former_name_of_a_space(team: Session) -> None:
    """A space is renamed, a content is rejected on it, and its first name is declared again."""
    space = team.files["specs/recipients/spaces.yaml"]["spaces"]["app"]
    both = ("loan", "saver")
    team.edit(
        spaces={"app": None, "app-2": space}, moved={"space.app": "space.app-2"},
        offers={name: {"spaces": ["web-home", "app-2"]} for name in both},
    )  # fmt: skip
    team.do("omar", "apply --yes", "promote --yes")
    team.do("olga", "reject offer.saver --content --space app-2")
    team.do("omar", "promote --yes")
    team.edit(spaces={"app": space}, moved=None, offers={name: {"spaces": ["web-home", "app"]} for name in both})
    team.do("omar", "apply --yes")
    team.do("olga", "promote --yes")  # a space that omar declared is not his alone to promote
    broken_if("saver" in team.shown("app"), "a content that was rejected is shown on the space's former name")


@pytest.mark.slow
def test_rejected_offer_swaps_its_name(team: Session) -> None:
    """A rejected offer takes the name of another of the same words, whose approval it would like to have."""
    team.edit(offers={"twin": SAVER})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.twin")
    team.do("omar", "promote --yes")
    team.do("olga", "reject offer.saver")
    team.do("omar", "promote --yes")
    assert team.live()["offer.saver"] is None
    team.edit(moved={"offer.saver": "offer.twin", "offer.twin": "offer.saver"})
    team.attempt("omar", "apply --yes", "promote --yes")
    live = team.live()
    broken_if(live["offer.saver"] and live["offer.twin"], "a rejected offer is live under the name of another")


@pytest.mark.slow
def test_rejection_is_left_behind_by_two_renames(team: Session) -> None:
    """The rejected offer is renamed on; its last name is taken away, and the first two are declared again."""
    reject_renamed(team, "", "saver-2")
    rename(team, "saver-2", "saver-3")
    team.do("omar", "apply --yes")
    team.edit(offers={"saver": SAVER, "saver-2": SAVER, "saver-3": None}, moved=None)
    team.attempt("omar", "apply --yes", "promote --yes")
    live = team.live()
    broken_if(live["offer.saver"] or live["offer.saver-2"], "what was rejected is live again under a former name")


@pytest.mark.slow
def test_honest_name_for_something_else(team: Session) -> None:
    """What is declared under a former name is another offer: its rejection does not touch the one that was renamed."""
    rename(team, "saver", "saver-2")
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(offers={"saver": SAVER | {"content": {"title": "Spend"}}}, moved=None)
    team.do("omar", "apply --yes")
    team.do("olga", "reject offer.saver --content")
    team.do("omar", "promote --yes")
    live = team.live()
    assert (live.title("saver"), live.title("saver-2")) == (None, "Save")


@pytest.mark.slow
def test_honest_swap(team: Session) -> None:
    """Names that are swapped take their approvals along, and need nobody."""
    offers = team.files["specs/recipients/offers.yaml"]["offers"]
    team.edit(
        offers={"saver": offers["safari"], "safari": offers["saver"]},
        moved={"offer.saver": "offer.safari", "offer.safari": "offer.saver"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    live = team.live()
    assert (live.title("saver"), live.title("safari")) == ("Lions", "Save")


SWAPPED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "typology": ("calm", "loose", {"typologies": {"loose": {"label": "Loose", "rules": ["accepted"]}}}),
    "filter": (
        "strict",
        "loose",
        {
            "filters": {
                "strict": {"label": "Strict", "when": "recipient.age > 30"},
                "loose": {"label": "Loose", "when": "recipient.age > 0"},
            },
            "environment": {"filters": ["strict"]},
        },
    ),
    "rule": (
        "weekly",
        "loose",
        {
            "rules": {"loose": {"label": "Loose", "max": 99}},
            "typologies": {"other": {"label": "Other", "rules": ["loose"]}},
        },
    ),
}


def _swap_settings(team: Session, kind: str, one: str, other: str) -> None:
    section = {"typology": "typologies"}.get(kind, f"{kind}s")
    bodies = team.files["specs/recipients/catalog.yaml"][section]
    swapped = {one: bodies[other], other: bodies[one]}
    team.edit(**{section: {one: None, other: None}})
    team.edit(**{section: swapped})
    team.edit(moved={f"{kind}.{one}": f"{kind}.{other}", f"{kind}.{other}": f"{kind}.{one}"})


@pytest.mark.parametrize("who", variants(["ada", "the reviewer"]))
@pytest.mark.parametrize("kind", variants(SWAPPED, quick=2))
def test_settings_that_are_named_swap_their_names(team: Session, kind: str, who: str) -> None:
    """What the environment or a typology names stays, and means another rule, typology or filter. Two people may."""
    one, other, sections = SWAPPED[kind]
    team.edit(**sections)
    if who == "the reviewer":
        team.edit(environment={"reviewers": {"settings": ["olga"]}})
    team.do("ada", "apply --yes")
    team.attempt("olga", "approve '*' --settings")
    team.do("alan", "promote --yes")
    _swap_settings(team, kind, one, other)
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes", f"promote --yes 'recipients/{kind}.*'")
    team.attempt("ada", "promote --out plans/p.json", "apply plans/p.json --yes")
    live = lambda: team.live()[f"{kind}.{one}"]["label"] == "Loose"  # noqa: E731
    broken_if(live(), f"ada alone has given all offers another {kind}")
    if who == "the reviewer":
        team.attempt("alan", "promote --yes")
        broken_if(live(), "the named reviewer was not asked")
        team.do("olga", "approve '*' --settings")
    team.do("alan", "promote --yes")
    broken_if(not live(), "two people cannot swap the names")


@pytest.mark.slow
def test_honest_swap_of_settings_that_is_followed(team: Session) -> None:
    """The environment names the same rules under their new name: nothing changes, and ada needs nobody."""
    team.edit(typologies={"loose": {"label": "Loose", "rules": ["accepted"]}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    _swap_settings(team, "typology", "calm", "loose")
    team.edit(environment={"typology": "loose"})
    team.do("ada", "apply --yes", "promote --yes")
    broken_if(team.live()["environment.recipients"]["typology"] != "loose", "a rename that is followed needs somebody")


def test_honest_swap_of_offers_that_a_rule_names_both(team: Session) -> None:
    """The rule is about both, before and after: nobody is asked, and nothing is blocked."""
    team.edit(rules={"weekly": {"applies_to": {"offers": ["saver", "safari"]}}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    bodies = team.files["specs/recipients/offers.yaml"]["offers"]
    swapped = {"saver": bodies["safari"], "safari": bodies["saver"]}
    team.edit(offers={"saver": None, "safari": None})
    team.edit(offers=swapped, moved={"offer.saver": "offer.safari", "offer.safari": "offer.saver"})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live().title("saver") != "Lions", "a swap that changes no rule is not live")


@pytest.mark.parametrize("followed", variants([False, True]))
def test_offers_that_a_rule_names_swap_their_names(team: Session, followed: bool) -> None:
    """omar takes saver out of a rule by giving its name to safari, which nobody has to approve. Or the rule follows."""
    team.edit(rules={"weekly": {"applies_to": {"offers": ["saver"]}}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    bodies = team.files["specs/recipients/offers.yaml"]["offers"]
    swapped = {"saver": bodies["safari"], "safari": bodies["saver"]}
    team.edit(offers={"saver": None, "safari": None})
    team.edit(offers=swapped, moved={"offer.saver": "offer.safari", "offer.safari": "offer.saver"})
    if followed:
        team.edit(rules={"weekly": {"applies_to": {"offers": ["safari"]}}})
    author = "ada" if followed else "omar"
    team.do(author, "apply --yes")
    team.attempt(author, "promote --yes", "promote --yes 'recipients/offer.*'")
    team.attempt("alan", "promote --yes")
    live = team.live()
    names_saver = live.title(live["rule.weekly"]["applies_to"]["offers"][0]) == "Save"
    broken_if(not names_saver, "the rule is about another offer")
    broken_if(followed and live.title("saver") != "Lions", "a swap that the rule follows is not live")


TELLING = {
    "name": {"applies_to": {"when": "offer.name = 'loan'"}},
    "pattern": {"applies_to": {"when": "offer.name like 'lo%'"}},
    "counted": {"counted": {"of": "all", "when": "proposition.offer in ('saver', 'loan')"}},
}


@pytest.mark.parametrize("way", variants(TELLING, quick=2))
def test_an_offer_leaves_a_condition_of_a_rule_by_its_name(team: Session, way: str) -> None:
    """omar renames the offer that a rule names in a condition; its eligibility is for its reviewers again."""
    team.edit(rules={"weekly": TELLING[way]})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    body = team.files["specs/recipients/offers.yaml"]["offers"]["loan"]
    team.edit(offers={"loan": None, "credit": body}, moved={"offer.loan": "offer.credit"})
    out = team.do("omar", "plan", "apply --yes")
    broken_if("resets: eligibility" not in out, "the plan does not say whose approval is reset")
    team.attempt("omar", "approve offer.credit", "promote --yes", "promote --yes offer.credit")
    team.attempt("alan", "promote --yes", "promote --yes 'recipients/offer.*'")
    broken_if(team.live().title("loan") is None, "the offer is live under a name that the rule does not know")
    for who in ("brand", "risk"):
        team.attempt(who, "approve offer.credit")
    team.do("alan", "promote --yes")
    broken_if(team.live().title("credit") is None, "an approved rename does not go live")


@pytest.mark.parametrize("swapped", variants([False, True]))
def test_a_rule_follows_a_rename_that_stays_behind(team: Session, swapped: bool) -> None:
    """ada lets the rule follow a rename that nobody promotes: in live it would be about nothing, or another offer."""
    team.edit(rules={"weekly": {"applies_to": {"offers": ["saver"]}}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    bodies = team.files["specs/recipients/offers.yaml"]["offers"]
    other = {"saver": bodies["safari"]} if swapped else {}
    team.edit(offers={"saver": None, **({"safari": None} if swapped else {})})
    name = "safari" if swapped else "piggy"
    back = {"offer.safari": "offer.saver"} if swapped else {}
    team.edit(offers={name: bodies["saver"], **other}, moved={"offer.saver": f"offer.{name}", **back})
    team.edit(rules={"weekly": {"applies_to": {"offers": [name]}}})
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes rule.weekly", f"promote --yes --exclude offer.{name}")
    team.attempt("alan", "promote --yes rule.weekly", f"promote --yes --exclude offer.{name}")
    broken_if(team.live()["rule.weekly"]["applies_to"]["offers"] != ["saver"], "the rule is about another offer")
    team.do("alan", "promote --yes")
    live = team.live()
    broken_if(live["rule.weekly"]["applies_to"]["offers"] != [name], "a followed rename does not go live")
    broken_if(live.title(name) != "Save", "the offer is not there")
