"""``--impact``: who gains and loses what; by segment, on a sample, at another time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.hook_packages import install
from helpers.workspace import Workspace

from offerkit.contacts.keys import key_text
from offerkit.diagnostics import Code, Refused
from offerkit.engine.estimate import Sample
from offerkit.engine.impact import FailedHook, Impact, Segment, SpaceImpact
from offerkit.plans.plan import Plan
from offerkit.reports.impact import impact_data, impact_json, impact_text
from offerkit.rules.types import Row
from offerkit.usecases import impact
from offerkit.usecases.population import _sampled
from offerkit.usecases.requests import ImpactRequest

SHARED, OFFERS, SPACES, ENVIRONMENT = (
    "specs/shared.yaml", "specs/shop/offers.yaml", "specs/shop/spaces.yaml", "environments/shop.yaml",
)  # fmt: skip
COUNTRIES = ("FR", "DE", "")
PEOPLE = "id,email,first_name,age,country\n" + "".join(
    f"{n},p{n}@example.com,P{n},{n},{COUNTRIES[n % 3]}\n" for n in range(1, 101)
)


@pytest.fixture
def people(shop: Workspace) -> Workspace:
    """Live, a hundred contacts aged 1 to 100; the safari on web for all, the gold card for adults."""
    shop.change({
        SHARED: {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}},
        "data/people.csv": PEOPLE, OFFERS: {"offers": {"saver": None}},
    })  # fmt: skip
    return shop.go_live()


def of(workspace: Workspace, plan: Plan, **asked: Any) -> Impact:
    return impact.impact_of_plan(workspace.session("ada"), plan, ImpactRequest(**asked))


def web(made: Impact) -> SpaceImpact:
    return next(space for space in made.spaces if space.space == "shop/web")


def older(workspace: Workspace, age: int) -> None:
    workspace.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age >= {age}"}}}}})


def test_by_segment(people: Workspace) -> None:
    older(people, 11)
    found = web(of(people, people.plan(), by=("person.country", "age")))
    (axis, segments), (other, ages) = found.segments
    assert (axis, other) == ("person.country", "person.age")
    assert segments == [
        Segment("DE", 34, 4, 0, 4, 4), Segment("FR", 33, 3, 0, 3, 3), Segment("unknown", 33, 3, 0, 3, 3),
    ]  # fmt: skip
    assert [part.value for part in ages][-1] == "(other values)"
    assert sum(part.contacts for part in ages) == 100
    assert sum(part.lost for part in ages) == found.emptied == 10
    assert found.served == 100


def test_a_field_that_nobody_has(people: Workspace) -> None:
    older(people, 11)
    with pytest.raises(Refused) as refused:
        of(people, people.plan(), by=("person.contry",))
    assert refused.value.diagnostics[0].code is Code.UNKNOWN_AXIS
    assert "country" in refused.value.diagnostics[0].hint


def test_a_plan_that_was_narrowed_means_no_more_than_it_does(people: Workspace) -> None:
    older(people, 11)
    people.change({OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 1}]}}}})
    made = of(people, people.plan("shop/offer.gold-card"))
    assert {offer.offer: (offer.gained, offer.lost) for offer in web(made).offers} == {
        "gold-card": (0, 0), "safari": (0, 0),
    }  # fmt: skip
    assert web(made).changed == 83
    assert {offer.offer: offer.lost for offer in web(of(people, people.plan())).offers} == {
        "gold-card": 0,
        "safari": 10,
    }


def test_without_a_store_everybody_gains(shop: Workspace) -> None:
    shop.change({
        SHARED: {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}},
        "data/people.csv": PEOPLE,
    })  # fmt: skip
    assert {offer.offer: offer.gained for offer in web(of(shop, shop.plan())).offers} == {
        "gold-card": 83, "safari": 100, "saver": 100,
    }  # fmt: skip


def test_an_environment_without_contacts_says_so(shop: Workspace) -> None:
    made = of(shop, shop.plan())
    assert (made.spaces, made.silent) == ([], ["shop"])


def test_a_renamed_offer_is_the_same_to_people(people: Workspace) -> None:
    offers = people.files[OFFERS]["offers"]
    people.change({OFFERS: {"offers": {"safari": None, "lions": offers["safari"]},
                            "moved": {"offer.safari": "offer.lions"}}})  # fmt: skip
    assert web(of(people, people.plan())).changed == 0


def test_a_space_that_goes_is_lost(people: Workspace) -> None:
    people.change({SPACES: {"spaces": {"mail": None}}, OFFERS: {"offers": {"gold-card": {"content": {"html": None}}}}})
    mail = next(space for space in of(people, people.plan()).spaces if space.space == "shop/mail")
    (card,) = mail.offers
    assert (mail.emptied, card.offer, card.lost) == (83, "gold-card", 83)
    assert card.examples[0].reason == "there is no such space"


def test_an_offer_outside_of_the_slice_is_not_without_weight(people: Workspace) -> None:
    people.change({SPACES: {"spaces": {"web": {"defaults": {"categories": ["bank"]}}}}})
    (safari,) = web(of(people, people.plan())).offers
    assert (safari.offer, safari.lost) == ("safari", 100)
    assert safari.examples[0].reason == "the space's defaults ask for other offers"


def test_what_a_promotion_may_take_is_said(people: Workspace) -> None:
    older(people, 11)
    people.change({ENVIRONMENT: {"environment": {"impact": {"max_lost": "5%"}}}})
    found = web(of(people, people.plan()))
    assert (found.max_lost, found.exceeds) == ("5%", True)
    people.change({ENVIRONMENT: {"environment": {"impact": {"max_lost": "10%"}}}})
    assert not web(of(people, people.plan())).exceeds


def test_another_day_without_any_edit(people: Workspace) -> None:
    people.change({OFFERS: {"offers": {"safari": {"eligible": {"until": "2026-06-30"}}}}})
    people.go_live()
    made = of(people, people.plan(), at="2026-07-01")
    assert people.plan().steps == ()
    (safari,) = web(made).offers
    assert (safari.offer, safari.lost, made.after) == ("safari", 100, "2026-07-01 12:00 UTC")
    assert "outside of its dates" in safari.examples[0].reason


def test_a_sample_is_the_same_in_every_run_and_close(people: Workspace) -> None:
    older(people, 51)
    plan = people.plan()
    whole, part = web(of(people, plan)), web(of(people, plan, sample=40, by=("country",)))
    assert part.sample == Sample(40, 100)
    assert (part.contacts, part.counted, whole.counted) == (100, 40, 100)
    assert part == web(of(people, plan, sample=40, by=("country",)))
    assert sum(segment.contacts for segment in part.segments[0][1]) == 40
    assert 10 <= part.changed <= 30
    assert web(of(people, plan, sample=100)) == whole


def test_a_sample_does_not_depend_on_the_order_and_changes_little() -> None:
    rows: list[Row] = [{"id": number} for number in range(1000)]
    sample, taken = _sampled(lambda: rows, ["id"], 50)
    assert sample == Sample(50, 1000)
    chosen = {key_text([row["id"]]) for row in taken()}
    _, again = _sampled(lambda: rows[::-1], ["id"], 50)
    assert {key_text([row["id"]]) for row in again()} == chosen
    more: list[Row] = [*rows, *({"id": number} for number in range(1000, 1100))]
    _, later = _sampled(lambda: more, ["id"], 50)
    assert len({key_text([row["id"]]) for row in later()} & chosen) >= 40


HOOKS = """
    def rates(offer, contact, data, call):
        if contact["age"] % 10 == 0:
            return [({}, float("nan"))]
        if call.space == "shop/web":
            raise LookupError(f"no rate for {contact['first_name']}, who is {contact['age']}")
        return [({}, 2)]
"""


@pytest.fixture
def hooked(people: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    """A plan that lets a hook make products of two offers; it fails on web, and returns a NaN for each tenth contact."""
    install(monkeypatch, tmp_path / "site", "broken_rates", HOOKS, {"rates": "rates"})
    dynamic = {"weights": [{"weight": 2, "dynamic": "rates"}]}
    people.change({
        OFFERS: {"offers": {"gold-card": dynamic, "safari": dynamic}},
        SPACES: {"spaces": {"mail": {"hooks": {"post_processing": "gone"}}}},
    })  # fmt: skip
    return people


def test_hooks_that_fail_are_counted_in_calls(hooked: Workspace) -> None:
    made = of(hooked, hooked.plan())
    both = ["gold-card", "safari"]
    assert {space.space: space.failed_hooks for space in made.spaces} == {
        "shop/web": [
            FailedHook("OFR861", "dynamic-offer", "rates", both, 0, 90),
            FailedHook("OFR862", "dynamic-offer", "rates", both, 0, 10),
        ],
        "shop/mail": [
            FailedHook("OFR860", "post-processing", "gone", [], 0, 100),
            FailedHook("OFR862", "dynamic-offer", "rates", ["gold-card"], 0, 9),
        ],
    }
    text = " ".join(impact_text(made).split())
    sentence = "“rates” failed for gold-card, safari on shop/web: 0 calls before and 90 after were decided without it"
    assert sentence in text and "is not installed on shop/mail: 0 calls before and 100 after" in text


def test_what_hooks_say_about_contacts_is_in_no_impact(hooked: Workspace) -> None:
    made = of(hooked, hooked.plan(), examples=True)
    assert "no rate" not in impact_text(made) + impact_json(made)


def test_failures_of_hooks_in_a_sample_are_estimated(hooked: Workspace) -> None:
    made = of(hooked, hooked.plan(), sample=50)
    (failed, unusable) = next(space for space in impact_data(made)["spaces"] if space["space"] == "shop/web")[
        "failed_hooks"
    ]
    assert failed["after"] + unusable["after"] == 100
    low, high = failed["interval"]["after"]
    assert low <= failed["after"] <= high and failed["interval"]["before"][0] == 0
