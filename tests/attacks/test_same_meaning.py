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
