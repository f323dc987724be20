"""Call-data examples, several by name, for previews: checked, planned, chosen; they affect nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.serving import with_people
from helpers.ui import browser
from helpers.workspace import Workspace

from offerkit.address import Stage, environment_address
from offerkit.diagnostics import Code, Refused
from offerkit.engine.preview import Preview
from offerkit.governance.settings import settings_key
from offerkit.plans.plan import ApprovalKey
from offerkit.store.stage_snapshots import stage_view
from offerkit.usecases.open_engine import open_stage
from offerkit.usecases.preview import preview
from offerkit.usecases.requests import PreviewRequest

pytestmark = pytest.mark.embedded

CALL_DATA = {
    "page": {"sample": "/home"},
    "season": {"type": "enumeration", "values": ["winter", "summer"], "sample": "summer"},
    "basket": {"type": "integer"},
    "seen": {"type": "list"},
}
EXAMPLES = {
    "winter": {"season": "winter", "basket": 12, "seen": ["ski", "sledge"]},
    "empty": {},
}
TITLE = "{{ interaction.season }} {{ interaction.page }} {{ interaction.basket }} {{ interaction.seen }}"


@pytest.fixture
def seasonal(shop: Workspace) -> Workspace:
    with_people(shop)
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"call_data": CALL_DATA, "call_data_examples": EXAMPLES}},
            "specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": TITLE}}}},
        }
    )
    return shop


def previewed(shop: Workspace, example: str = "", stage: str = "specs", **data: Any) -> Preview:
    session = shop.session()
    with open_stage(session, stage) as engine:
        return preview(engine, PreviewRequest("shop/offer.safari", data=data, example=example), session.now)


def title(shop: Workspace, example: str = "", **data: Any) -> str:
    (space,) = previewed(shop, example, **data).spaces
    return space.fields["title"]


def test_an_example_goes_over_the_samples_and_data_over_both(seasonal: Workspace) -> None:
    assert title(seasonal) == "summer /home  "
    assert title(seasonal, "winter") == "winter /home 12 ski, sledge"
    assert title(seasonal, "empty") == "summer /home  "
    assert title(seasonal, "winter", basket="7", page="/x") == "winter /x 7 ski, sledge"
    assert previewed(seasonal, "winter").example == "winter"


def test_an_unknown_example_is_refused_with_its_likes(seasonal: Workspace) -> None:
    with pytest.raises(Refused) as told:
        previewed(seasonal, "wniter")
    (one,) = told.value.diagnostics
    assert one.code is Code.UNKNOWN_EXAMPLE
    assert "winter" in one.hint


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"seasn": "winter"}, "there is no call data “seasn”"),
        ({"season": "wniter"}, "the example “x” does not fit season"),
        ({"basket": "many"}, "does not fit basket"),
        ({"basket": ["1"]}, "does not fit basket"),
        ({"basket": {"a": 1}}, "expected a text"),
        ({"seen": ["a"] * 1001}, "more than 1,000 entries"),
    ],
)
def test_values_are_checked_where_they_stand(seasonal: Workspace, values: Any, says: str) -> None:
    seasonal.change({"environments/shop.yaml": {"environment": {"call_data_examples": {"x": values}}}})
    with pytest.raises(Refused) as told:
        seasonal.plan()
    (one,) = told.value.diagnostics
    assert says in f"{one.summary} {one.detail} {one.hint}"
    assert one.position is not None and one.position.line > 3


def test_all_mistakes_are_told_at_once_and_many_examples_refused(seasonal: Workspace) -> None:
    examples: dict[str, Any] = {"a": {"x": "1", "basket": "y"}, "b": {"season": "none"}}
    seasonal.change({"environments/shop.yaml": {"environment": {"call_data_examples": examples}}})
    with pytest.raises(Refused) as told:
        seasonal.plan()
    assert len(told.value.diagnostics) == 3
    many = {f"e{n}": {} for n in range(60)}
    seasonal.change({"environments/shop.yaml": {"environment": {"call_data_examples": {"a": None, "b": None, **many}}}})
    with pytest.raises(Refused):
        seasonal.plan()


def test_an_example_is_planned_and_needs_no_approval(seasonal: Workspace) -> None:
    seasonal.go_live()
    before = settings(seasonal)
    seasonal.change({"environments/shop.yaml": {"environment": {"call_data_examples": {"spring": {"page": "/may"}}}}})
    plan = seasonal.plan()
    assert [step.address.kind for step in plan.steps] == ["environment"]
    assert any("spring" in str(change) for change in plan.steps[0].changes)
    seasonal.apply("ada")
    assert settings(seasonal) == before, "reviewers of settings need not look at it"
    assert [step.address.kind for step in seasonal.promote("ada").steps] == ["environment"]
    assert previewed(seasonal, "spring", "live").spaces[0].fields["title"].startswith("summer /may")


def settings(shop: Workspace) -> ApprovalKey:
    with shop.store() as store:
        return settings_key(stage_view(store, Stage.DESIGN), environment_address("shop"))


def test_a_page_lets_one_be_chosen(seasonal: Workspace) -> None:
    seasonal.go_live()
    with browser(seasonal) as asking:
        page = asking.get("/ui/offers/shop/safari").text
        assert "<option>winter</option>" in page and "summer /home" in page
        chosen = asking.get("/ui/offers/shop/safari?example=winter").text
        assert "<option selected>winter</option>" in chosen and "winter /home 12" in chosen
        assert "OFR859" in asking.get("/ui/offers/shop/safari?example=<b>").text
