"""Who is let in: counts that nobody chooses for themselves, and pages of other sites that may not ask."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from helpers.files import base
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from offerkit.models.inbound import Inbound
from offerkit.server.app import application
from offerkit.server.config import ServerConfig
from offerkit.server.decision_service import DecisionService
from offerkit.server.inbound import InboundRules
from offerkit.server.rate_limit import RateLimitAndCors

pytestmark = pytest.mark.embedded

ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">'
    "<targetId>ann@example.com</targetId></Propose></e:Body></e:Envelope>"
)
SITE = "https://www.bank.example"


def gate() -> TestClient:
    inbound = InboundRules({"strict": Inbound(rate=2), "free": Inbound(rate=5), "middle": Inbound(rate=3)})
    service = cast(DecisionService, SimpleNamespace(served=SimpleNamespace(inbound=inbound)))
    return behind(RateLimitAndCors(service, ""))


def behind(limits: RateLimitAndCors) -> TestClient:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (limits.refusal(scope) or Response("let in"))(scope, receive, send)

    return TestClient(app)


@pytest.mark.parametrize("path", ["/api/v1/propose", "/api/v1/update", "/o"])
def test_nobody_chooses_how_they_are_counted(path: str) -> None:
    asking = gate()
    answers = [asking.get(f"{path}?env={name}").status_code for name in ("strict", "middle", "free", "no") * 2]
    assert answers == [200] * 5 + [429] * 3


@pytest.mark.parametrize(("name", "rate"), [("strict", 2), ("middle", 3), ("strict@live", 2), ("no", 5), ("", 5)])
def test_an_environment_counts_as_it_says(name: str, rate: int) -> None:
    for path in (f"/nl/propose?env={name}", f"/interaction/{name}/web"):
        asking = gate()
        assert [asking.post(path).status_code for _ in range(rate + 1)] == [200] * rate + [429]


def test_environments_that_allow_the_same_count_for_themselves() -> None:
    inbound = InboundRules({name: Inbound(rate=2) for name in ("one", "two")})
    service = cast(DecisionService, SimpleNamespace(served=SimpleNamespace(inbound=inbound)))
    asking = behind(RateLimitAndCors(service, ""))
    assert [asking.post("/nl/propose?env=one").status_code for _ in range(3)] == [200, 200, 429]
    assert [asking.post("/nl/propose?env=two").status_code for _ in range(3)] == [200, 200, 429]
    assert [asking.post(f"/nl/propose?env=made-up-{n}").status_code for n in range(3)] == [200, 200, 429]


def test_a_strict_environment_binds_calls_that_name_it_in_their_body(tmp_path: Path) -> None:
    duo = Workspace(tmp_path, base("duo"))
    duo.change({"environments/shop.yaml": {"environment": {"inbound": {"rate": 2}}}})
    with_people(duo).apply("ada")
    duo.approve_all()
    duo.promote("omar")
    with client(duo) as asking:

        def call(*spaces: str, **more: Any) -> Any:
            return asking.post("/api/v1/propose", json={"spaces": list(spaces), "contact": "ann@example.com"}, **more)

        assert [call("shop/web", "shop/web").status_code for _ in range(2)] == [200, 200]
        refused = call("shop/web")
        assert (refused.status_code, refused.json()["title"]) == (429, "Too many calls")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert call("guests/web", "shop/web").status_code == 429
        assert asking.post("/nl/propose?env=shop", json={"divs": []}).status_code == 429, "one count for all ways"
        assert call("guests/web").status_code != 429
        assert call("shop/web", headers={"Authorization": f"Bearer {token(duo, 'ada')}"}).status_code == 200


def test_back_ends_on_this_machine_are_not_counted_by_their_bodies(shop: Workspace) -> None:
    shop.change({"environments/shop.yaml": {"environment": {"inbound": {"rate": 1}}}})
    made = application(with_people(shop).go_live().session(), ServerConfig(str(shop.root)))
    with TestClient(made, client=("127.0.0.1", 5000)) as asking:
        body = {"spaces": ["shop/web"], "contact": "ann@example.com"}
        assert [asking.post("/api/v1/propose", json=body).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    "path", ["/interaction/strict/web", "/interaction/", "/interaction", "//nl/propose", "/nl/propose/"]
)
def test_odd_paths_are_no_mistake_of_ours(path: str) -> None:
    assert gate().post(f"http://testserver{path}").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://www.bank.example.evil.example"])
def test_pages_of_other_sites_may_not_ask_by_soap(shop: Workspace, origin: str) -> None:
    with_people(shop).change({"environments/shop.yaml": {"environment": {"inbound": {"origins": [SITE]}}}})
    with client(shop.go_live()) as site:
        for kind in ("text/plain", "application/soap+xml"):
            headers = {"origin": origin, "content-type": kind}
            answer = site.post("/interaction/shop/web", content=ENVELOPE, headers=headers)
            assert answer.status_code == 403 and "env:Sender" in answer.text
            assert "access-control-allow-origin" not in answer.headers
        with shop.store() as store:
            assert store.propositions() == []
        for own in (SITE, "http://testserver"):
            answer = site.post("/interaction/shop/web", content=ENVELOPE, headers={"origin": own})
            assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_any_page_may_send_is_no_json(shop: Workspace, kind: str) -> None:
    """What a browser sends for every page without asking first."""
    headers: dict[str, Any] = {"content-type": kind} if kind else {}
    with client(with_people(shop).go_live()) as site:
        for path, body in (
            ("/api/v1/propose", b'{"spaces":["shop/web"],"contact":"ann@example.com"}'),
            ("/nl/propose?env=shop", b'{"divs":[{"id":"i_web"}],"target":"ann@example.com"}'),
        ):
            assert site.post(path, content=body, headers=headers).status_code == 415
    with shop.store() as store:
        assert store.propositions() == []
