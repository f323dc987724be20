"""Hooks behind the server: they get the ids that calls send, and products reach callers as far as they are declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.hook_packages import install
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

pytestmark = pytest.mark.embedded

HOOKS = '''
    def rooms(offer, contact, data, call):
        """Says who asks, in a product whose cost nobody outside may see."""
        title = f"<b>{call.key}|{call.permanent}|{call.session}"
        return [({"title": title, "city": "Bergen & <Oslo>", "3star": True, "cost": 12}, offer.weight)]
'''
STORAGE = {"proposed_data": {"city": "product.city"}, "accepted_data": {"city": "product.city"}}


@pytest.fixture
def served(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    install(monkeypatch, tmp_path / "site", "rooms_served", HOOKS, {"rooms": "rooms"})
    with_people(shop)
    products = {"city": {}, "3star": {"type": "boolean"}, "free": {"type": "integer"}}
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"product_fields": products}},
            "specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 500, "dynamic": "rooms"}]}}},
            "specs/shop/spaces.yaml": {
                "spaces": {"web": {"storage": STORAGE, "render": {"html": "<b>{{ title }}</b> in {{ product.city }}"}}}
            },
        }
    )
    return shop.go_live()


@pytest.fixture
def asking(served: Workspace) -> Iterator[TestClient]:
    with client(served, ui="local") as found:
        yield found


def _asked(asking: TestClient, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    body = {"spaces": ["shop/web"], "contact": "ann@example.com", **more}
    answer = asking.post("/api/v1/propose", json=body, headers=headers or {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["spaces"][0]["propositions"][0]
    return found


def test_callers_get_what_is_declared_of_a_product(asking: TestClient, served: Workspace) -> None:
    found = _asked(asking, cookie="permanent-1234567", session="session-12345678")
    assert found["offer"] == "safari"
    assert found["fields"]["title"] == "<b>1|permanent-1234567|session-12345678"
    assert found["product"] == {"3star": "true", "city": "Bergen & <Oslo>"}
    with served.store() as store:
        row = store.proposition(found["id"])
    assert row is not None
    assert row.product == {
        "title": "<b>1|permanent-1234567|session-12345678",
        "city": "Bergen & <Oslo>",
        "3star": True,
        "cost": 12,
    }
    assert row.proposed == {"city": "Bergen & <Oslo>"}


def test_what_a_hook_returns_is_escaped_for_html(asking: TestClient) -> None:
    html = _asked(asking, outputs=["html"])["rendered"]["html"]
    assert html == "<b>&lt;b&gt;1||</b> in Bergen &amp; &lt;Oslo&gt;"


def test_what_is_accepted_stores_the_products_values(asking: TestClient, served: Workspace) -> None:
    proposition = _asked(asking)["id"]
    answer = asking.post("/api/v1/update", json={"proposition": proposition, "status": "accepted"})
    assert answer.status_code == 200, answer.text
    with served.store() as store:
        row = store.proposition(proposition)
    assert row is not None
    assert row.accepted == {"city": "Bergen & <Oslo>"}
    assert row.product is not None, "a change of status leaves the product as it is"


def test_operators_see_the_whole_product(served: Workspace) -> None:
    with client(served) as asking:
        found = _asked(asking, {"Authorization": f"Bearer {token(served, 'ada')}"})
    assert found["product"]["cost"] == "12"


def test_an_offer_that_is_no_product_has_none(asking: TestClient) -> None:
    assert "product" not in _asked(asking, categories=["bank"])


ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">'
    "<targetId>ann@example.com</targetId>{ids}</Propose></e:Body></e:Envelope>"
)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ("<uuid>long-1</uuid><nli>short-1</nli>", "1|long-1|short-1"),
        ("<nli>short-1</nli>", "1||short-1"),
        ("<uuid>long-1</uuid>", "1|long-1|"),
        ("", "1||"),
    ],
)
def test_soap_sends_both_ids_and_gets_the_product(asking: TestClient, ids: str, told: str) -> None:
    answer = asking.post("/interaction/shop/web", content=ENVELOPE.format(ids=ids))
    assert answer.status_code == 200
    assert f"&lt;b&gt;{told}</title>" in answer.text
    assert '<product _3star="true" city="Bergen &amp; &lt;Oslo&gt;"/>' in answer.text
    assert "cost" not in answer.text


def test_a_page_sends_its_cookies(asking: TestClient) -> None:
    body = {"divs": [{"id": "i_web"}], "target": "ann@example.com", "data": {}, "xml": True}
    first = asking.post("/nl/propose?env=shop@live", json=body)
    assert first.status_code == 200, first.text
    session = first.cookies["nlid"]
    second = asking.post("/nl/propose?env=shop@live", json=body)
    permanent = first.cookies["uuid230"]
    assert f"1|{permanent}|{session}" in second.text
    assert '<product _3star="true"' in second.text
