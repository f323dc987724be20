"""What the environment declares of offers, products and images is live only as it was approved, where it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, variants

FIELDS = {"margin": {"type": "decimal"}, "supplier": {}, "city": {}, "banner": {}}


@pytest.fixture
def valued(team: Session) -> Session:
    """Offers whose weights, conditions, texts, images and rules read what is declared; all live and approved."""
    team.edit(
        environment={
            "offer_fields": FIELDS,
            "assets": "https://cdn.example/img/",
            "product_fields": {"sku": {}},
        },
        spaces={
            "web-home": {
                "fields": [{"name": "title", "required": True}, {"name": "html"}, {"name": "image_url"}],
                "render": {
                    "html": "<h1>{{ title }}</h1>{{ html }} {{ image_url }}",
                    "proposition": "<p><b>{{ title }}</b></p>",
                },
                "storage": {"status_data": {"accepted": {"where": "offer.city"}}},
            }
        },
        filters={"rich": {"label": "Rich", "when": "offer.margin >= 1"}},
        categories={
            "travel": {"fields": {"margin": 3, "supplier": "Thomas", "city": "Oslo"}},
            "bank": {"fields": {"margin": 2, "supplier": "Own"}},
        },
        offers={
            "safari": {"weights": [{"formula": "offer.margin"}], "content": {"title": "Lions by {{ offer.supplier }}"}},
            "saver": {"eligible": {"filters": ["rich"]}, "content": {"title": "Save", "image_url": "a.png"}},
            "loan": {"weights": [{"weight": 5, "filters": ["rich"]}]},
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


def live_shows(team: Session) -> dict[str, Any]:
    """What Ana gets, as everybody sees it: the elements of XML, and the fields."""
    line = "propose --space recipients/web-home --contact ana@example.com -n 9 --no-store --format xml"
    return {"xml": team.run("", line).out, "home": team.shown(), "app": team.shown("app")}


def _by_category(team: Session) -> None:
    team.edit(categories={"travel": {"fields": {"margin": 99}}})


def _by_offer(team: Session) -> None:
    team.edit(offers={"safari": {"fields": {"margin": 99}}})


def _by_template(team: Session) -> None:
    team.edit(
        templates={"lucky": {"label": "Lucky", "fields": {"margin": 99}}}, offers={"safari": {"template": "lucky"}}
    )


def _text_by_category(team: Session) -> None:
    team.edit(categories={"travel": {"fields": {"supplier": "BUY NOW"}}})


def _assets(team: Session) -> None:
    team.edit(environment={"assets": "https://evil.example/img/"})


def _filter_of_a_weight(team: Session) -> None:
    team.edit(filters={"rich": {"when": "offer.margin >= 7"}})


def _below_the_filter(team: Session) -> None:
    team.edit(categories={"bank": {"fields": {"margin": 0}}})


def _proposition(team: Session) -> None:
    team.edit(spaces={"web-home": {"render": {"proposition": "<p>FREE {{ title }}</p>"}}})


def _out_of_its_category(team: Session) -> None:
    team.edit(
        categories={"travel": {"fields": None}, "travel/africa": {"fields": {"margin": 99, "supplier": "Thomas"}}}
    )


CHANGES = [
    _by_category,
    _assets,
    _proposition,
    _by_offer,
    _by_template,
    _text_by_category,
    _filter_of_a_weight,
    _below_the_filter,
    _out_of_its_category,
]


@pytest.mark.parametrize("change", variants(CHANGES, quick=3))
def test_a_declared_value_after_the_approval(valued: Session, change: Callable[[Session], None]) -> None:
    """omar, or an administrator, changes the value where the offer inherits it, and promotes it, whole and in parts."""
    before = live_shows(valued)
    change(valued)
    parts = ("", "environment.recipients", "'recipients/category.*'", "'recipients/filter.*'", "'recipients/space.*'")
    author = "omar" if valued.attempt("omar", "apply --yes") else "ada"
    if author == "ada":
        valued.do("ada", "apply --yes")
    valued.attempt(author, *(f"approve recipients/offer.{name}" for name in ("safari", "saver", "loan")))
    for promoter in (author, "alan"):
        valued.attempt(promoter, *(f"promote --yes {part}" for part in parts))
    broken_if(live_shows(valued) != before, "what nobody else approved is live")


@pytest.mark.parametrize("change", variants(CHANGES, quick=2))
def test_honest_change_of_a_declared_value(valued: Session, change: Callable[[Session], None]) -> None:
    """Once others approved it, it goes live."""
    before = live_shows(valued)
    change(valued)
    honestly(valued)
    broken_if(live_shows(valued) == before, "an approved change does not go live")
    valued.do("", "audit verify")


def test_a_value_that_only_a_typology_of_deliveries_reads(valued: Session) -> None:
    """A rule that outlines name applies by a field; the environment's own typology does not have it."""
    valued.edit(
        environment={"offer_fields": {"season": {}}},
        rules={"summer": {"label": "Summer", "max": 1, "applies_to": {"when": "offer.season = 'summer'"}}},
        typologies={"seasonal": {"label": "Seasonal", "rules": ["summer"]}},
        offers={"saver": {"fields": {"season": "summer"}}},
    )
    honestly(valued)
    valued.edit(offers={"saver": {"fields": {"season": "winter"}}})
    valued.do("omar", "apply --yes")
    valued.attempt("omar", "approve recipients/offer.saver", "promote --yes")
    broken_if(valued.live()["offer.saver"]["fields"]["season"] == "winter", "nobody approved what the rule reads")
    valued.do("olga", "approve recipients/offer.saver")
    valued.do("alan", "promote --yes")
    broken_if(valued.live()["offer.saver"]["fields"]["season"] != "winter", "an approved change does not go live")
