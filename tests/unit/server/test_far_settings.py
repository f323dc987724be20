"""Settings approved and overridden through a server, and on its page of approvals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.ui import browser, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

ENVIRONMENT, SPACES = "environments/shop.yaml", "specs/shop/spaces.yaml"
SPACE = "shop/space.web"
DECIDE, OVERRIDE = "/api/v1/store/decide", "/api/v1/store/override"


@pytest.fixture
def changed(shop: Workspace) -> Workspace:
    """Live with duties separated; ada has switched off the storage of a space."""
    shop.change({ENVIRONMENT: {"environment": {"promotion": {"separation_of_duties": True}}}})
    shop.go_live()
    shop.change({SPACES: {"spaces": {"web": {"storage": {"enabled": False}}}}})
    shop.apply("ada")
    return shop


@pytest.fixture
def server(changed: Workspace) -> Iterator[TestClient]:
    with client(changed) as found:
        yield found


def asked(server: TestClient, shop: Workspace, who: str, path: str, scope: str = "approve", **body: object) -> dict:
    headers = {"Authorization": f"Bearer {token(shop, who, scope)}"}
    answer = server.post(path, json=body, headers=headers)
    return {"code": answer.status_code, **answer.json()}


def test_settings_are_approved_through_a_server(changed: Workspace, server: TestClient) -> None:
    wish = {"decision": "approved", "patterns": [SPACE], "settings": True}
    refused = asked(server, changed, "ada", DECIDE, **wish)
    assert refused["code"] == 422 and "OFR704" in str(refused)
    made = asked(server, changed, "olga", DECIDE, **wish)
    assert made["code"] == 200 and [(key["address"], key["aspect"]) for key in made["keys"]] == [(SPACE, "settings")]


def test_settings_are_overridden_through_a_server(changed: Workspace, server: TestClient) -> None:
    wish = {"patterns": [SPACE], "reason": "Agreed", "lifts": ["settings"]}
    assert asked(server, changed, "olga", OVERRIDE, scope="promote", **wish)["code"] == 403
    assert "OFR701" in str(asked(server, changed, "ada", OVERRIDE, **wish))
    assert "reason" in str(asked(server, changed, "olga", OVERRIDE, **{**wish, "reason": " "}))
    made = asked(server, changed, "olga", OVERRIDE, **wish)
    assert made["code"] == 200 and made["revision"]["action"] == "override" and "ada alone" in made["says"][0]


def test_settings_stand_on_the_page_of_approvals(changed: Workspace) -> None:
    with browser(changed) as asking:
        log_in(asking, token(changed, "olga"))
        page = asking.get("/ui/approvals?show=mine").text
    assert SPACE in page and f'href="/ui/offers/{SPACE}"' not in page
