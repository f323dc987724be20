"""Conditions on the contact's history, on the call, and filters everywhere are live only as they were approved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

OWN = {"eligible": {"history": [{"offer": "saver", "status": "accepted", "at_most": 0}]}}


@pytest.fixture
def asking(team: Session) -> Session:
    """safari asks for the history and the call; its category and a weight use filters; all live."""
    team.edit(
        filters={"few": {"label": "Few", "when": "recipient.age >= 30"}},
        categories={"travel": {"eligible": {"filters": [{"filter": "few"}]}}},
        templates={
            "once": {"label": "Once", "eligible": {"history": [{"theme": "trip", "at_most": 0, "period": "30d"}]}}
        },
        offers={
            "safari": {
                "template": "once",
                "themes": ["trip"],
                "eligible": {"when": "interaction.channel = 'inbound-web'"},
            },
            "loan": {**OWN, "weights": [{"weight": 5, "filters": [{"filter": "few"}]}]},
            "saver": {"eligible": {"history": [{"category": "travel", "at_most": 9}]}},
        },
    )
    honestly(team)
    return team


def honestly(team: Session) -> None:
    """ada writes, all others approve, and alan promotes."""
    team.do("ada", "apply --yes")
    for who in ("omar", "brand", "risk"):
        team.attempt(who, "approve offer.*")
    team.do("alan", "promote --yes")


def of_conditions(team: Session) -> dict[str, Any]:
    """What of live says who gets what."""
    live = team.live()
    kinds = ("offers", "categories", "filters", "templates", "rules", "typologies")
    return {kind: live.sections.get(kind) for kind in kinds}


def _history(team: Session) -> None:
    team.edit(offers={"loan": {"eligible": {"history": [{"offer": "saver", "status": "accepted", "at_most": 5}]}}})


def _no_history(team: Session) -> None:
    team.edit(offers={"loan": {"eligible": {"history": None}}})


def _another_offer(team: Session) -> None:
    team.edit(offers={"loan": {"eligible": {"history": [{"offer": "safari", "status": "accepted", "at_most": 0}]}}})


def _history_of_the_template(team: Session) -> None:
    team.edit(templates={"once": {"eligible": {"history": [{"theme": "trip", "at_most": 9, "period": "30d"}]}}})


def _filter_of_the_category(team: Session) -> None:
    team.edit(filters={"few": {"when": "recipient.age >= 1"}})


def _category_without(team: Session) -> None:
    team.edit(categories={"travel": {"eligible": {"filters": None}}})


def _weight_without(team: Session) -> None:
    team.edit(offers={"loan": {"weights": [{"weight": 5}]}})


def _call(team: Session) -> None:
    team.edit(offers={"safari": {"eligible": {"when": "interaction.channel != 'email'"}}})


def _theme(team: Session) -> None:
    team.edit(offers={"safari": {"themes": ["other"]}, "saver": {"themes": ["trip"]}})


CHANGES = [
    _history,
    _filter_of_the_category,
    _history_of_the_template,
    _no_history,
    _another_offer,
    _category_without,
    _weight_without,
    _call,
    _theme,
]  # fmt: skip


@pytest.mark.parametrize("change", variants(CHANGES, quick=3))
def test_a_condition_after_the_approval(asking: Session, change: Callable[[Session], None]) -> None:
    """omar changes who gets an offer, approves it himself, and promotes it in whole and in parts, as alan does."""
    before = of_conditions(asking)
    change(asking)
    parts = ("", "'recipients/category.*'", "'recipients/filter.*'", "'recipients/template.*'", "'recipients/offer.*'")
    asking.do("omar", "apply --yes")
    asking.attempt("omar", *(f"approve recipients/offer.{name}" for name in ("safari", "saver", "loan")))
    for promoter in ("omar", "alan"):
        asking.attempt(promoter, *(f"promote --yes {part}" for part in parts))
    broken_if(of_conditions(asking) != before, "what nobody else approved is live")


@pytest.mark.parametrize("change", variants(CHANGES, quick=1))
def test_honest_change_of_a_condition(asking: Session, change: Callable[[Session], None]) -> None:
    """Once others approved it, it goes live."""
    before = of_conditions(asking)
    change(asking)
    honestly(asking)
    broken_if(of_conditions(asking) == before, "an approved change does not go live")


def _swap(team: Session, kind: str, one: str, other: str) -> None:
    path = "specs/recipients/offers.yaml" if kind == "offer" else "specs/recipients/catalog.yaml"
    section = {"offer": "offers", "category": "categories"}[kind]
    bodies = team.files[path][section]
    swapped = {one: bodies[other], other: bodies[one]}
    team.edit(**{section: {one: None, other: None}})
    team.edit(**{section: swapped})
    team.edit(moved={f"{kind}.{one}": f"{kind}.{other}", f"{kind}.{other}": f"{kind}.{one}"})


@pytest.mark.parametrize("how", variants(["whole", "in parts", "back and again", "saved"], quick=2))
def test_the_counted_offers_swap_their_names(asking: Session, how: str) -> None:
    """saver and safari get each other's names: what loan counts by name is another offer than was approved."""
    _swap(asking, "offer", "saver", "safari")
    out = asking.do("omar", "plan", "apply --yes")
    broken_if("eligibility of offer loan" not in out, "the plan does not say whose approval is reset")
    asking.attempt("omar", "approve recipients/offer.loan")
    if how == "back and again":
        asking.attempt("omar", f"rollback --undo {asking.serial()} --yes", f"rollback --undo {asking.serial()} --yes")
    if how == "saved":
        asking.do("omar", "promote --out plans/p.json")
        asking.attempt("omar", "apply plans/p.json --yes")
    parts = ["recipients/offer.saver", "recipients/offer.safari", "recipients/offer.s*"] if how == "in parts" else [""]
    for who in ("omar", "alan"):
        asking.attempt(who, *(f"promote --yes {part}" for part in parts))
    live = asking.live()
    swapped = live.title("saver") == "Lions"
    broken_if(swapped and live["offer.loan"]["eligible"]["history"][0]["offer"] == "saver", "loan counts another offer")


def test_the_counted_categories_swap_their_names(asking: Session) -> None:
    """saver counts what is below travel; omar gives another category that name."""
    asking.edit(categories={"city": {"label": "City"}})
    honestly(asking)
    _swap(asking, "category", "travel", "city")
    asking.edit(
        categories={"travel/africa": None, "city/africa": {"label": "Africa"}},
        offers={"safari": {"category": "city/africa"}},
    )
    asking.edit(moved={"category.travel/africa": "category.city/africa"})
    asking.do("omar", "apply --yes")
    asking.attempt("omar", "approve recipients/offer.saver", "promote --yes", "promote --yes 'recipients/category.*'")
    asking.attempt("alan", "promote --yes", "promote --yes 'recipients/category.*'")
    live = asking.live()
    broken_if(live["category.travel"]["label"] == "City", "saver counts the propositions of another category")


def test_honest_swap_of_counted_offers(asking: Session) -> None:
    """Its reviewer approves that loan counts the other; or the condition follows, and nobody is asked."""
    _swap(asking, "offer", "saver", "safari")
    asking.edit(offers={"loan": {"eligible": {"history": [{"offer": "safari", "status": "accepted", "at_most": 0}]}}})
    asking.do("omar", "apply --yes", "promote --yes")
    broken_if(asking.live().title("saver") != "Lions", "what still counts the same offer asks for an approval")
    asking.edit(offers={"loan": {"eligible": {"history": [{"offer": "saver", "status": "accepted", "at_most": 0}]}}})
    asking.edit(moved=None)
    honestly(asking)
    broken_if(asking.live()["offer.loan"]["eligible"]["history"][0]["offer"] != "saver", "approved, and not live")


def _switched_off(team: Session) -> None:
    team.edit(rules={"weekly": {"enabled": False}})


def _applies_to_less(team: Session) -> None:
    team.edit(rules={"weekly": {"applies_to": {"when": "offer.weight > 1000"}}})


def _counts_less(team: Session) -> None:
    team.edit(rules={"weekly": {"counted": {"when": "proposition.delivery = 'none'"}}})


def _filters_of_all(team: Session) -> None:
    team.edit(
        filters={"all": {"label": "All", "when": "recipient.age >= 1"}}, environment={"filters": [{"filter": "all"}]}
    )


def _stored(team: Session) -> None:
    team.edit(spaces={"web-home": {"storage": {"status_data": {"accepted": {"who": "recipient.first_name"}}}}})


def _product(team: Session) -> None:
    team.edit(environment={"product_fields": {"sku": {}}})


@pytest.mark.parametrize(
    "change",
    variants([_switched_off, _filters_of_all, _stored, _applies_to_less, _counts_less, _product], quick=3),
)
def test_settings_by_their_author_alone(asking: Session, change: Callable[[Session], None]) -> None:
    """ada takes a new kind of setting live alone: directly, in parts, by a saved plan, by a rollback of a rollback."""
    read = lambda: {**asking.live().sections}  # noqa: E731
    before = read()
    change(asking)
    asking.do("ada", "apply --yes")
    serial = asking.serial()
    asking.attempt(
        "ada",
        "promote --yes",
        "promote --out plans/p.json",
        "apply plans/p.json --yes",
        "promote --yes 'recipients/*'",
        "promote --yes environment.recipients",
        f"rollback --undo {serial} --yes",
        f"rollback --undo {serial + 1} --yes",
        "promote --yes",
    )
    changed = {name for name, bodies in read().items() if bodies != before.get(name)}
    broken_if(changed, f"ada alone has taken {changed} live")


ASKS = "interaction.space = 'app'"
READERS: dict[str, dict[str, Any]] = {
    "condition": {"eligible": {"when": ASKS}},
    "pattern": {"eligible": {"when": "interaction.space like 'a%'"}},
    "text": {"content": {"title": "{% if interaction.space == 'app' %}Half price{% else %}Save{% endif %}"}},
    "filter": {"eligible": {"filters": [{"filter": "on", "with": {"name": "app"}}]}},
    "blanks": {"eligible": {"when": "interaction              .                 space = 'app'"}},
    "weight": {"weights": [{"weight": 3, "when": "length(interaction.space) = 3"}]},
}


def _swap_spaces(team: Session) -> None:
    spaces = team.files["specs/recipients/spaces.yaml"]["spaces"]
    swapped = {"app": spaces["web-home"], "web-home": spaces["app"]}
    team.edit(spaces={"app": None, "web-home": None})
    team.edit(spaces=swapped, moved={"space.app": "space.web-home", "space.web-home": "space.app"})
    swap = {"web-home": "app", "app": "web-home"}
    for name, body in team.files["specs/recipients/offers.yaml"]["offers"].items():
        team.edit(offers={name: {"spaces": [swap[space] for space in body["spaces"]]}})


@pytest.mark.parametrize("where", variants(READERS, quick=3))
def test_the_called_spaces_swap_their_names(asking: Session, where: str) -> None:
    """saver is for calls of the app, or says so there; omar gives the home page that name."""
    asking.edit(
        filters={"on": {"label": "On", "when": "interaction.space = parameter.name", "parameters": {"name": {}}}},
        offers={"saver": READERS[where]},
    )
    honestly(asking)
    before = asking.shown("web-home"), asking.shown("app")
    _swap_spaces(asking)
    asking.do("omar", "apply --yes")
    asking.attempt("omar", "approve offer.*", "promote --yes")
    asking.attempt("alan", "promote --yes", "promote --yes 'recipients/space.*'")
    broken_if(
        (asking.shown("web-home"), asking.shown("app")) != before and asking.shown("app").get("saver") is not None,
        "what was approved for the app is on the home page under that name",
    )


def test_a_space_gives_up_the_name_that_keeps_an_offer_away(asking: Session) -> None:
    """saver is not for the app; omar calls the app something else."""
    asking.edit(offers={"saver": {"eligible": {"when": "not starts_with(interaction.space, 'app')"}}})
    honestly(asking)
    spaces = asking.files["specs/recipients/spaces.yaml"]["spaces"]
    asking.edit(spaces={"app": None, "mobile": spaces["app"]}, moved={"space.app": "space.mobile"})
    asking.edit(offers={name: {"spaces": ["web-home", "mobile"]} for name in ("saver", "loan")})
    asking.do("omar", "apply --yes")
    asking.attempt("omar", "approve offer.*", "promote --yes")
    asking.attempt("alan", "promote --yes", "promote --yes 'recipients/space.*'")
    space = "mobile" if asking.live()["space.mobile"] else "app"
    broken_if("saver" in asking.shown(space), "what was not approved for the app is there")


SETTINGS: dict[str, dict[str, Any]] = {
    "rule": {
        "rules": {"none": {"label": "None", "max": 1, "contacts": f"not ({ASKS})"}},
        "typologies": {"calm": {"rules": ["accepted", "weekly", "none"]}},
    },
    "environment": {"environment": {"when": f"recipient.consent = true and {ASKS}"}},
    "filter": {
        "filters": {"on": {"label": "On", "when": "starts_with(interaction.space, 'a')"}},
        "environment": {"filters": [{"filter": "on"}]},
    },
    "stored": {"spaces": {"newsletter": {"storage": {"proposed_data": {"at": "interaction.space"}}}}},
}


@pytest.mark.parametrize("who", variants(["ada", "the reviewer"]))
@pytest.mark.parametrize("where", variants(SETTINGS, quick=2))
def test_settings_that_read_the_name_of_the_called_space(asking: Session, where: str, who: str) -> None:
    """The rule, or the environment, is about the app; ada alone gives the home page that name. Two people may."""
    asking.edit(**SETTINGS[where])
    if who == "the reviewer":
        asking.edit(environment={"reviewers": {"settings": ["olga"]}})
        asking.do("ada", "apply --yes")
        asking.attempt("olga", "approve '*'", "approve '*' --settings")
    honestly(asking)
    _swap_spaces(asking)
    asking.do("ada", "apply --yes")
    asking.attempt("ada", "promote --yes", "promote --out plans/p.json", "apply plans/p.json --yes")
    asking.attempt("ada", "promote --yes 'recipients/space.*'", f"rollback --undo {asking.serial()} --yes")
    broken_if(asking.live()["space.app"]["label"] == "Home page", "ada alone decides for which space the rule is")
    if who == "the reviewer":
        asking.attempt("alan", "promote --yes")
        broken_if(asking.live()["space.app"]["label"] == "Home page", "the named reviewer was not asked")
    asking.do("ada", "apply --yes")
    if who == "the reviewer":
        asking.do("olga", "approve '*' --settings")
    asking.do("alan", "promote --yes")
    broken_if(asking.live()["space.app"]["label"] != "Home page", "two people cannot swap the names")
