"""What means the same needs no new approval; what means something else does."""

from __future__ import annotations

from typing import Any

import pytest
from attacking import Session, broken_if, variants

NEW = "Another label"
LOAN = "recipient.age >= 21 and recipient.country = 'NO'"
SAME = [
    "recipient.age  >=  21 and recipient.country = 'NO'",
    "recipient.age >= 21 AND recipient.country = 'NO'",
    "recipient.age >= 21\n  and recipient.country = 'NO'",
    "(recipient.age >= 21) and (recipient.country = 'NO')",
    "recipient.age>=21 and recipient.country='NO'",
]
OTHER = [
    "recipient.age >= 18 and recipient.country = 'NO'",
    "recipient.country = 'NO' and recipient.age >= 21",
    "recipient.age >= 21 or recipient.country = 'NO'",
    "recipient.age >= 21 and recipient.country = 'no'",
    "recipient.age >= 21 and recipient.country = 'N O'",
    "recipient.age >= 21",
]


@pytest.mark.parametrize("text", variants(SAME, quick=1))
def test_condition_written_another_way(team: Session, text: str) -> None:
    """The condition of a live offer means what it meant; its label, which nobody approves, goes live with it."""
    team.edit(offers={"loan": {"label": NEW, "eligible": {"when": text}}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.loan"]["label"] != NEW, "a condition that means the same waits for an approval")


@pytest.mark.parametrize("text", variants(OTHER, quick=1))
def test_condition_that_means_something_else(team: Session, text: str) -> None:
    """It means something else, or has its parts in another order, which is not looked through."""
    team.edit(offers={"loan": {"eligible": {"when": text}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if(_when(team) != LOAN, "a condition is live that nobody approved")


def test_unequal_written_another_way(team: Session) -> None:
    """`!=` is `<>`."""
    team.edit(offers={"saver": {"eligible": {"when": "recipient.country <> 'CA'"}}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"label": NEW, "eligible": {"when": "recipient.country != 'CA'"}}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"]["label"] != NEW, "`!=` for `<>` waits for an approval")


SPELLINGS: dict[str, dict[str, Any]] = {
    "filter.adults": {"filters": {"adults": {"label": NEW, "when": "recipient.age  >= 18"}}},
    "category.travel": {"categories": {"travel": {"label": NEW, "eligible": {"when": "recipient.age  >= 16"}}}},
}


@pytest.mark.parametrize("address", variants(SPELLINGS, quick=0))
def test_inherited_condition_written_another_way(team: Session, address: str) -> None:
    """Two blanks in what offers inherit."""
    team.edit(**SPELLINGS[address])
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live()[address]["label"] != NEW, f"two blanks in {address} wait for approvals of all that use it")


@pytest.mark.slow
def test_condition_of_a_weight_written_another_way(team: Session) -> None:
    """Two blanks in the condition of a weight."""
    team.edit(offers={"saver": {"weights": [{"weight": 3, "when": "recipient.age > 30"}]}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"label": NEW, "weights": [{"weight": 3, "when": "recipient.age  >  30"}]}})
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["offer.saver"]["label"] != NEW, "a condition that means the same waits for an approval")


def test_category_is_renamed(team: Session) -> None:
    """A category and what is below it have other names, and nothing else changes."""
    team.edit(
        categories={"travel": None, "travel/africa": None, "trips": _body(team, "travel"), "trips/africa": _body(team, "travel/africa")},
        offers={"safari": {"category": "trips/africa"}},
        moved={"category.travel": "category.trips", "category.travel/africa": "category.trips/africa"},
    )  # fmt: skip
    team.do("omar", "apply --yes", "promote --yes")
    live = team.live()
    broken_if(live["category.trips"] is None, "a category that is renamed waits for an approval of every offer below")
    assert live["offer.safari"]["category"] == "trips/africa"


@pytest.mark.slow
def test_filter_is_renamed(team: Session) -> None:
    """A filter has another name."""
    team.edit(
        filters={"adults": None, "grown-up": {"label": "Adults", "when": "recipient.age >= 18"}},
        offers={"gold-card": {"eligible": {"filters": ["grown-up"]}}},
        moved={"filter.adults": "filter.grown-up"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(team.live()["filter.grown-up"] is None, "a filter that is renamed waits for an approval")


@pytest.mark.slow
def test_space_is_renamed(team: Session) -> None:
    """A space has another name."""
    space = team.files["specs/recipients/spaces.yaml"]["spaces"]["app"]
    team.edit(
        spaces={"app": None, "app-2": space},
        offers={name: {"spaces": ["web-home", "app-2"]} for name in ("loan", "saver")},
        moved={"space.app": "space.app-2"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    live = team.live()
    broken_if(live["space.app-2"] is None, "a space that is renamed waits for an approval")


@pytest.mark.slow
def test_template_is_renamed(team: Session) -> None:
    """A template has another name."""
    template = team.files["specs/recipients/catalog.yaml"]["templates"]["reviewed"]
    team.edit(
        templates={"reviewed": None, "checked": template},
        offers={"gold-card": {"template": "checked"}},
        moved={"template.reviewed": "template.checked"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    broken_if(
        team.live()["offer.gold-card"]["template"] != "checked", "a template that is renamed waits for an approval"
    )


@pytest.mark.slow
def test_another_category_is_no_rename(team: Session) -> None:
    """An offer that goes to another category, whose conditions and rules are others, waits."""
    team.edit(offers={"safari": {"category": "bank"}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if(team.live()["offer.safari"]["category"] == "bank", "a category is live that nobody approved")


@pytest.mark.slow
def test_rename_that_hides_a_change(team: Session) -> None:
    """The category's condition changes on the way."""
    team.edit(
        categories={"travel": None, "travel/africa": None, "trips": {"label": "Travel"}, "trips/africa": {"label": "Africa"}},
        offers={"safari": {"category": "trips/africa"}},
        moved={"category.travel": "category.trips", "category.travel/africa": "category.trips/africa"},
    )  # fmt: skip
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if(team.live()["offer.safari"]["category"] == "trips/africa", "a condition is live that nobody approved")


def test_honest_condition(team: Session) -> None:
    """Approved by its reviewer, another condition is live."""
    team.edit(offers={"loan": {"eligible": {"when": OTHER[0]}}})
    team.honestly("omar", "risk")
    assert _when(team) == OTHER[0]


def _when(team: Session) -> Any:
    return team.live()["offer.loan"]["eligible"]["when"]


def _body(team: Session, path: str) -> Any:
    return team.files["specs/recipients/catalog.yaml"]["categories"][path]


# Variants: who knows that meanings are compared, and names followed


TRICKS = {
    "(recipient.age >= 21 or recipient.consent = true) and recipient.country = 'NO'":
        "recipient.age >= 21 or recipient.consent = true and recipient.country = 'NO'",
    "not (recipient.age < 21 or recipient.country = 'SE')": "not recipient.age < 21 or recipient.country = 'SE'",
    "recipient.age - (10 - 5) > 16": "recipient.age - 10 - 5 > 16",
    "recipient.country = 'NO '": "recipient.country = 'NO'",
    "recipient.age between 21 and 60 and recipient.consent": "recipient.age between 21 and 60 or recipient.consent",
    "lower(recipient.country) = 'no'": "recipient.country = 'no'",
}  # fmt: skip


@pytest.mark.parametrize("text", variants(TRICKS, quick=1))
def test_condition_that_only_looks_the_same(team: Session, text: str) -> None:
    """Brackets that matter, or a letter in a text, in what looks like another spelling."""
    team.edit(offers={"loan": {"eligible": {"when": text}}})
    team.honestly("omar", "risk")
    team.edit(offers={"loan": {"eligible": {"when": TRICKS[text]}}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if(_when(team) != text, "a condition is live that nobody approved")


@pytest.mark.slow
def test_filter_is_renamed_and_its_name_given_to_a_weaker_one(team: Session) -> None:
    """In the end the offer names the filter as at first; what has the name is another filter."""
    team.edit(
        filters={"adults": None, "grown-up": {"label": "Adults", "when": "recipient.age >= 18"}},
        offers={"gold-card": {"eligible": {"filters": ["grown-up"]}}},
        moved={"filter.adults": "filter.grown-up"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(
        filters={"adults": {"when": "recipient.age > 0"}},
        offers={"gold-card": {"eligible": {"filters": ["adults"]}}},
        moved=None,
    )
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(
        team.live()["offer.gold-card"]["eligible"]["filters"] == ["adults"], "a filter is used that nobody approved"
    )


@pytest.mark.slow
def test_category_takes_the_place_of_a_renamed_one(team: Session) -> None:
    """A category is renamed, and another, which says the same, gets its name and its offer."""
    team.edit(
        categories={"bank/cards": None, "bank/plastic": {"label": "Cards"}},
        offers={"gold-card": {"category": "bank/plastic"}},
        moved={"category.bank/cards": "category.bank/plastic"},
    )
    team.do("omar", "apply --yes", "promote --yes")
    team.edit(
        categories={"bank/cards": {"label": "Cards"}}, offers={"gold-card": {"category": "bank/cards"}}, moved=None
    )
    team.attempt("omar", "apply --yes", "promote --yes")
    broken_if(
        team.live()["offer.gold-card"]["category"] == "bank/cards", "an offer is in a category that nobody approved"
    )


@pytest.mark.slow
def test_weight_goes_to_another_space_by_a_rename(team: Session) -> None:
    """A weight is for one space; the rename of another space is to hide that it is for that one now."""
    team.edit(offers={"saver": {"weights": [{"weight": 3}, {"weight": 99, "spaces": ["app"]}]}})
    team.honestly("omar", "olga")
    space = team.files["specs/recipients/spaces.yaml"]["spaces"]["app"]
    team.edit(
        spaces={"app": None, "app-2": space}, moved={"space.app": "space.app-2"},
        offers={
            "loan": {"spaces": ["web-home", "app-2"]},
            "saver": {"spaces": ["web-home", "app-2"], "weights": [{"weight": 3}, {"weight": 99, "spaces": ["web-home"]}]},
        },
    )  # fmt: skip
    team.attempt("omar", "apply --yes", "promote --yes")
    weights = team.live()["offer.saver"]["weights"]
    broken_if(weights[1]["spaces"] == ["web-home"], "a weight is live on a space for which nobody approved it")


@pytest.mark.slow
def test_label_of_a_field_is_the_text_of_a_link(team: Session) -> None:
    """Where a space leaves HTML to its default, the label of a URL field is what customers read."""
    team.edit(
        spaces={"app": {"render": None, "fields": [{"name": "title", "required": True}, {"name": "page_url", "label": "Read on"}]}},
        offers={"saver": {"content": {"page_url": "https://bank.example/"}}},
    )  # fmt: skip
    team.do("ada", "apply --yes")
    team.do("olga", "approve offer.*")
    team.do("risk", "approve offer.*")
    team.do("omar", "promote --yes")
    assert "Read on" in team.page("app")
    team.edit(
        spaces={"app": {"fields": [{"name": "title", "required": True}, {"name": "page_url", "label": "FREE MONEY"}]}}
    )
    team.do("ada", "apply --yes")
    team.attempt("ada", "promote --yes")
    broken_if("FREE MONEY" in team.page("app"), "customers read a text that nobody approved")


@pytest.mark.slow
def test_honest_rename_of_a_space_that_a_weight_names(team: Session) -> None:
    """A weight follows the space it is for: what only has another name needs nobody."""
    team.edit(offers={"saver": {"weights": [{"weight": 3}, {"weight": 99, "spaces": ["app"]}]}})
    team.honestly("omar", "olga")
    space = team.files["specs/recipients/spaces.yaml"]["spaces"]["app"]
    team.edit(
        spaces={"app": None, "app-2": space}, moved={"space.app": "space.app-2"},
        offers={
            "loan": {"spaces": ["web-home", "app-2"]},
            "saver": {"spaces": ["web-home", "app-2"], "weights": [{"weight": 3}, {"weight": 99, "spaces": ["app-2"]}]},
        },
    )  # fmt: skip
    team.do("omar", "apply --yes", "promote --yes")
    assert team.live()["offer.saver"]["weights"][1]["spaces"] == ["app-2"]


@pytest.mark.slow
def test_honest_rename_after_a_rename(team: Session) -> None:
    """A category that was renamed is renamed again, and its offer changes its label on the way."""
    for old, new in (("travel", "trips"), ("trips", "journeys")):
        team.edit(
            categories={old: None, f"{old}/africa": None, new: _body(team, old), f"{new}/africa": _body(team, f"{old}/africa")},
            offers={"safari": {"category": f"{new}/africa", "label": f"Safari {new}"}},
            moved={f"category.{old}": f"category.{new}", f"category.{old}/africa": f"category.{new}/africa"},
        )  # fmt: skip
        team.do("omar", "apply --yes", "promote --yes")
    assert team.live()["offer.safari"]["label"] == "Safari journeys"
