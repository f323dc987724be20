"""The page that explains a proposition: for operators who may read the contacts of its environment, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.serving import with_people
from helpers.tokens import token
from helpers.ui import Outline, browser
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code

KEY = "1"


@pytest.fixture
def asked(shop: Workspace) -> Workspace:
    """Live, where a space keeps evidence."""
    with_people(shop)
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"storage": {"evidence": True}}}}})
    return shop.go_live()


@pytest.fixture
def site(asked: Workspace) -> Iterator[TestClient]:
    with browser(asked) as found:
        yield found


@pytest.fixture
def proposition(site: TestClient) -> str:
    """A proposition to the contact 1."""
    answer = site.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": "ann@example.com", "n": 1})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["spaces"][0]["propositions"][0]["id"])


def page(site: TestClient, shop: Workspace, who: str, id_: str) -> tuple[int, str]:
    site.cookies.clear()
    if who:
        site.cookies.set("offerkit_ui", token(shop, who))
    answer = site.get("/ui/explain", params={"proposition": id_})
    assert not Outline(answer.text).wrong
    return answer.status_code, answer.text


def test_what_decided_is_shown(site: TestClient, asked: Workspace, proposition: str) -> None:
    status, text = page(site, asked, "ada", proposition)
    assert status == 200
    assert f"contact {KEY}" in text and "Repeated from its evidence" in text and "Approved then" in text
    assert f"<h2>Proposition {proposition}</h2>" in text
    offer = site.get("/ui/offers/shop/" + text.partition("offer.")[2].partition('"')[0]).text
    assert f"/ui/explain?proposition={proposition}" in offer


@pytest.mark.parametrize("who", ["", "olga"])
def test_without_the_right_to_read_contacts_nothing_is_shown(
    site: TestClient, asked: Workspace, proposition: str, who: str
) -> None:
    """Nor whether there is such a proposition."""
    for id_ in (proposition, "nothing"):
        status, text = page(site, asked, who, id_)
        assert status == 403 and Code.NOT_A_READER in text
        assert "ann@example.com" not in text and "Approved then" not in text


def test_a_reader_of_the_environment_is_enough(site: TestClient, asked: Workspace, proposition: str) -> None:
    asked.change({"environments/shop.yaml": {"environment": {"contacts": {"readers": ["olga"]}}}})
    asked.apply("ada")
    assert page(site, asked, "olga", proposition)[0] == 200


def test_a_proposition_that_is_not_there(site: TestClient, asked: Workspace) -> None:
    status, text = page(site, asked, "ada", "nothing")
    assert status == 404 and Code.UNKNOWN_PROPOSITION in text


def test_what_users_wrote_is_shown_as_text(asked: Workspace) -> None:
    hostile = {"title": "<img src=x onerror=alert(1)>"}
    asked.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": hostile}}}})
    asked.apply("ada")
    asked.approve_all()
    asked.promote("ada")
    body = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 9}
    with browser(asked) as site:
        found = [one["id"] for one in site.post("/api/v1/propose", json=body).json()["spaces"][0]["propositions"]]
        texts = [page(site, asked, "ada", id_)[1] for id_ in found]
    assert any("&lt;img" in text for text in texts)
    assert all("<img" not in text for text in texts)
