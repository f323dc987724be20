"""What is read of bodies, and what is said when something goes wrong: nothing that two readers could read differently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

from offerkit.server.decision_service import DecisionService
from offerkit.server.request_limits import SMALL

pytestmark = pytest.mark.embedded

PROPOSE, UPDATE, PAGE, SOAP = "/api/v1/propose", "/api/v1/update", "/nl/propose?env=shop", "/interaction/shop/web"
JSON = {"content-type": "application/json"}
BODIES = {
    PROPOSE: '{"spaces":["shop/web"]}',
    UPDATE: '{"proposition":"x","status":"accepted"}',
    PAGE: '{"divs":[{"id":"i_web"}]}',
}
ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction"/>'
    "</e:Body></e:Envelope>"
)


@pytest.fixture
def asking(shop: Workspace) -> Iterator[TestClient]:
    with client(with_people(shop).go_live()) as found:
        yield found


def refused(answer: Any, status: int) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    (error,) = answer.json()["errors"]
    return str(error["message"])


@pytest.mark.parametrize("path", BODIES)
def test_a_name_that_is_given_twice_is_refused(asking: TestClient, path: str) -> None:
    assert asking.post(path, content=BODIES[path], headers=JSON).status_code in (200, 404)
    first = BODIES[path][1:].partition(":")[0]
    for body in (f"{{{first}:null,{BODIES[path][1:]}", f'{BODIES[path][:-1]},"data":{{"page":"a","page":"b"}}}}'):
        assert "twice" in refused(asking.post(path, content=body, headers=JSON), 400)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "named", ["utf-7", "UTF-16", '"utf-7"', " utf-7", "latin1", "", "utf-8; charset=utf-7", "utf-8utf-7"]
)
def test_another_charset_is_refused(asking: TestClient, path: str, named: str) -> None:
    headers = {"content-type": f"application/json; charset={named}"}
    assert "UTF-8" in refused(asking.post(path, content=BODIES[path], headers=headers), 415)


@pytest.mark.parametrize(
    "named", ["; charset=utf-8", ";charset=UTF-8", '; charset="utf-8"', "; v=1; charset=utf-8", ""]
)
def test_utf_8_may_be_named(asking: TestClient, named: str) -> None:
    answer = asking.post(PROPOSE, content=BODIES[PROPOSE], headers={"content-type": f"application/json{named}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_what_is_not_utf_8_is_refused(asking: TestClient, encoding: str) -> None:
    assert 400 <= asking.post(PROPOSE, content=BODIES[PROPOSE].encode(encoding), headers=JSON).status_code < 500


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("path", BODIES)
def test_what_is_no_number_is_refused(asking: TestClient, path: str, number: str) -> None:
    answer = asking.post(path, content=f'{BODIES[path][:-1]},"data":{{"page":{number}}}}}', headers=JSON)
    assert answer.status_code == (422 if "e" in number else 400)
    assert {error["code"] for error in answer.json()["errors"]} == {"OFR751"}


@pytest.mark.parametrize("path", [*BODIES, SOAP])
def test_a_body_without_a_length_is_limited_too(asking: TestClient, path: str) -> None:
    pieces = (b" " * 1_000 for _ in range(80))
    assert "65,536 bytes" in refused(asking.post(path, content=pieces, headers=JSON), 413)


@pytest.mark.parametrize("length", ["-1", "1e3", "70000", "9" * 30, "x", "²"])
def test_a_length_that_is_none_is_refused(asking: TestClient, length: str) -> None:
    headers = {**JSON, "content-length": length.encode("latin-1")}
    refused(asking.post(PROPOSE, content=BODIES[PROPOSE], headers=headers), 413)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [PROPOSE, PAGE, SOAP])
def test_a_mistake_of_ours_is_a_problem_document(
    asking: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("with a secret in it")

    monkeypatch.setattr(DecisionService, "propose", broken)
    answer = asking.post(path, content=BODIES.get(path, ENVELOPE), headers={**JSON, "x-request-id": "abc"})
    assert refused(answer, 500).endswith("knows it as abc")
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_who_leaves_before_the_end_of_the_body_is_no_mistake_of_ours(
    asking: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def left() -> Message:
        return {"type": "http.disconnect"}

    monkeypatch.setattr(Request, "receive", property(lambda _: left))
    refused(asking.post(SOAP, content=ENVELOPE), 400)
    refused(asking.post(PROPOSE, content=BODIES[PROPOSE], headers=JSON), 400)
    assert "a mistake of ours" not in caplog.text


@pytest.mark.parametrize(
    "path", ["/health/live/", "/api/v1/propose/", "/o/", "/interaction/shop/web/", "//evil.example/.."]
)
def test_no_slash_leads_to_a_host_that_somebody_made_up(asking: TestClient, path: str) -> None:
    answer = asking.get(f"http://testserver{path}", headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404 and "location" not in answer.headers and 'evil.example"' not in answer.text


def test_a_path_that_looks_like_a_declared_one_is_a_path_like_others(asking: TestClient) -> None:
    for path in (
        "/interaction/{environment}/{space}",
        "/ui/history/{serial}",
        "/interaction/shop/web\n",
        f"{PROPOSE}\n",
    ):
        assert asking.post(path.replace("\n", "%0A"), content=ENVELOPE).status_code in (400, 404, 405)


def test_made_up_methods_are_no_measures_of_their_own(asking: TestClient) -> None:
    for method in ("FROB", "FROB2"):
        refused(asking.request(method, PROPOSE), 405)
    here = TestClient(asking.app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 1))
    text = here.get("/metrics").text
    assert "FROB" not in text and 'method="",route="/api/v1/propose",status="405"} 2.0' in text


def test_every_body_is_described_where_it_is_taken(asking: TestClient) -> None:
    paths = asking.get("/openapi.json").json()["paths"]
    described = {}
    for path, methods in paths.items():
        if "requestBody" in methods.get("post", {}):
            schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
            assert "$defs" not in schema and "$ref" not in str(schema), path
            described[path] = schema["properties"]
    store = [f"/api/v1/store/{name}" for name in ("apply", "decide", "impact", "limit", "override")]
    store += [
        f"/api/v1/store/{name}"
        for name in (
            "propositions",
            "relay",
            "report",
            "schedule",
            "schedule/withdraw",
            "simulations",
            "simulations/remove",
        )
    ]
    contacts = [*(f"/api/v1/contact/{name}" for name in ("clear", "erase", "export")), "/api/v1/explain"]
    assert sorted(described) == [*contacts, PROPOSE, "/api/v1/resume", "/api/v1/stop", *store, UPDATE, "/nl/propose"]
    assert described["/nl/propose"]["divs"]["items"]["properties"]["id"]["maxLength"] == 200
    data = described[PROPOSE]["data"]
    assert data["maxProperties"] == 100 and data["propertyNames"] == {"maxLength": 128}


@pytest.mark.parametrize("path", [*BODIES, SOAP])
def test_a_body_that_its_head_does_not_announce_has_its_limit(asking: TestClient, path: str) -> None:
    """HTTP/1.1 knows none; other servers' protocols do."""
    request = asking.build_request("POST", path, content=b" " * (SMALL + 1), headers=JSON)
    del request.headers["content-length"]
    refused(asking.send(request), 413)
