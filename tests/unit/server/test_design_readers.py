"""Design is kept from operators whose profile does not allow reading it, by the API and the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code

PROFILES = {
    "sender": {"rights": [{"verb": "deliver"}, {"verb": "write", "kinds": ["campaign"]}, {"verb": "stop"}]},
    "guest": {"rights": [{"verb": "read", "environments": ["shop"]}]},
}


@pytest.fixture
def site(live_shop: Workspace) -> Iterator[tuple[TestClient, Workspace]]:
    """The server; dora only sends, olga only reads the shop."""
    live_shop.change(
        {
            "specs/shared.yaml": {
                "profiles": PROFILES,
                "operators": {"dora": {"profile": "sender"}, "olga": {"profile": "guest"}},
            }
        }
    )
    live_shop.apply("ada")
    with client(live_shop, ui="login") as asking:
        yield asking, live_shop


def headers(shop: Workspace, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(shop, who)}"}


def test_design_is_kept_from_who_may_not_read_it(site: tuple[TestClient, Workspace]) -> None:
    asking, shop = site
    for who, status in (("ada", 200), ("dora", 403), ("olga", 403)):
        answer = asking.get("/api/v1/store/copy", headers=headers(shop, who))
        assert answer.status_code == status, who
        if status == 403:
            (error,) = answer.json()["errors"]
            assert error["code"] == Code.NOT_A_DESIGN_READER
            assert "administrator" in str(error)
    assert asking.get("/api/v1/stops", headers=headers(shop, "dora")).status_code == 200
    stopped = asking.post(
        "/api/v1/stop", json={"patterns": ["shop/offer.safari"], "reason": "Wrong"}, headers=headers(shop, "dora")
    )
    assert stopped.status_code == 200, "what is live can be stopped without reading design"


@pytest.mark.parametrize(
    ("path", "dora", "olga"),
    [
        ("/ui", 403, 403),
        ("/ui/approvals", 403, 403),
        ("/ui/history", 403, 403),
        ("/ui/diff", 403, 403),
        ("/ui/promote", 403, 403),
        ("/ui/graph", 403, 403),
        ("/ui/offers", 403, 403),
        ("/ui/offers/shop/safari", 403, 200),
        ("/ui/stops", 200, 200),
    ],
)
def test_pages(site: tuple[TestClient, Workspace], path: str, dora: int, olga: int) -> None:
    asking, shop = site
    for who, status in (("ada", 200), ("dora", dora), ("olga", olga)):
        asking.cookies.clear()
        asking.cookies.set("offerkit_ui", token(shop, who))
        answer = asking.get(path)
        assert answer.status_code == status, (who, path)
        assert ("Safari" in answer.text) <= (answer.status_code == 200)


def test_rights_of_declared_profiles_over_the_network(site: tuple[TestClient, Workspace]) -> None:
    """A token of every scope allows no more than the profile."""
    asking, shop = site
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    shop.apply("ada")
    wish = {"decision": "approved", "patterns": ["shop/offer.safari"]}
    refused = asking.post("/api/v1/store/decide", json=wish, headers=headers(shop, "olga"))
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == Code.NOT_ALLOWED
    shop.change(
        {"specs/shared.yaml": {"profiles": {"guest": {"rights": [{"verb": "approve", "environments": ["shop"]}]}}}}
    )
    shop.apply("ada")
    allowed = asking.post("/api/v1/store/decide", json=wish, headers=headers(shop, "olga"))
    assert allowed.status_code == 200
    with shop.store() as store:
        last = store.revision(store.last_serial())
        assert last is not None and (last.action, last.actor) == ("approve", "olga")
