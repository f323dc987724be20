"""Stopping over the network: the calls, the scope that they take, and the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.ui import FORM, browser, hidden, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

SAFARI = "shop/offer.safari"


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live) as found:
        yield found


def bearer(shop: Workspace, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(shop, 'omar', *scopes)}"}


def test_stop_and_resume(live: Workspace, asking: TestClient) -> None:
    stopping, promoting = bearer(live, "stop"), bearer(live, "promote")
    body = {"patterns": [SAFARI], "reason": "The price is wrong"}
    answer = asking.post("/api/v1/stop", json=body, headers=stopping).json()
    assert (answer["named"], answer["out"]) == ([SAFARI], [SAFARI])
    assert live.active()[SAFARI] == ()
    (row,) = asking.get("/api/v1/stops", headers=stopping).json()["stops"]
    assert (row["address"], row["by"], row["reason"]) == (SAFARI, "omar", "The price is wrong")
    assert asking.post("/api/v1/resume", json=body, headers=stopping).status_code == 403
    live.approve("olga", SAFARI)
    assert asking.post("/api/v1/stop", json=body, headers=promoting).status_code == 403
    assert asking.post("/api/v1/resume", json=body, headers=promoting).json()["named"] == [SAFARI]
    assert asking.get("/api/v1/stops", headers=promoting).json() == {"stops": []}


@pytest.mark.parametrize("body", [{}, {"patterns": []}, {"patterns": [SAFARI]}, {"patterns": "x", "reason": "y"}])
def test_what_is_no_stop(live: Workspace, asking: TestClient, body: dict[str, object]) -> None:
    assert 400 <= asking.post("/api/v1/stop", json=body, headers=bearer(live, "stop")).status_code < 500
    assert asking.post("/api/v1/stop", json={"patterns": [SAFARI], "reason": "x"}).status_code in (401, 403)
    assert live.active()[SAFARI] == ("web",)


def test_on_the_pages(live: Workspace) -> None:
    with browser(live) as asking:
        log_in(asking, token(live, "omar", "stop"))
        page = asking.get("/ui/offers/shop/safari").text
        assert "■ Stop" in page
        form = {"address": SAFARI, "reason": "<b>wrong</b>", "seal": hidden(page, "seal")}
        assert "was not confirmed" in asking.post("/ui/stop", data=form, headers=FORM).text
        assert live.active()[SAFARI] == ("web",)
        assert asking.post("/ui/stop", data={**form, "sure": "yes"}, headers=FORM).status_code == 303
        said = asking.get("/ui/stops").text
        assert "&lt;b&gt;wrong&lt;/b&gt;" in said and "<b>wrong" not in said
        assert live.active()[SAFARI] == ()
        assert "was stopped by omar" in asking.get("/ui/offers/shop/safari").text
