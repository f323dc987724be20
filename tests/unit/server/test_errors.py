"""Errors as whoever asks reads them: pages for browsers, problem documents for programs; both as they are described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.ui import ELSEWHERE, Outline, browser
from helpers.workspace import Workspace
from pydantic_core._pydantic_core import list_all_errors
from starlette.testclient import TestClient

from offerkit.server import json_bodies
from offerkit.server.error_pages import wants_page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PROGRAMS = ["", "*/*", "application/json", "application/json, text/html;q=0.5", "application/problem+json, text/html"]
PROPOSE = "/api/v1/propose"
BODY = {"spaces": ["shop/web"], "contact": "ann@example.com"}


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live, ui="local", demo=True) as found:
        yield found


WRONG: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
    400: [
        ("POST", PROPOSE, {"content": '{"spaces": 1, "spaces": 2}', "headers": {"Content-Type": "application/json"}})
    ],
    401: [("GET", "/health/live", {"headers": {"Authorization": "Bearer wrong"}}), ("GET", "/api/v1/store/copy", {})],
    403: [("POST", PROPOSE, {"json": {**BODY, "explain": True}})],
    404: [
        ("GET", path, {})
        for path in ("/ui/nothing", "/demo/x", "/nothing", "/api/v1/nothing", "/%3Cscript%3E", "/ui/offers/shop/no/no")
    ]
    + [("POST", PROPOSE, {"json": {"spaces": ["shop/<b>nowhere</b>"]}})],
    405: [("DELETE", "/ui", {}), ("POST", "/health/live", {}), ("GET", PROPOSE, {}), ("PUT", "/demo/", {})],
    413: [("POST", PROPOSE, {"content": b"x" * 70_000}), ("POST", "/nothing", {"content": b"x" * 70_000})],
    415: [("POST", PROPOSE, {"content": "a=b"})],
    422: [
        ("POST", PROPOSE, {"json": {}}),
        ("POST", PROPOSE, {"content": "{", "headers": {"Content-Type": "application/json"}}),
    ],
}


@pytest.mark.parametrize(
    ("status", "call"),
    [(status, call) for status, calls in WRONG.items() for call in calls],
    ids=lambda value: str(value)[:60],
)
def test_a_browser_gets_a_page_and_a_program_a_problem_document(
    asking: TestClient, status: int, call: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, given = call
    headers = given.get("headers", {})
    page = asking.request(method, path, **{**given, "headers": {**headers, "Accept": BROWSER}})
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8"), page.text
    assert str(status) in page.text
    assert Outline(page.text).wrong == []
    assert '<a href="/ui' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text and "<b>nowhere" not in page.text
    assert int(page.headers["content-length"]) == len(page.content)
    for accept in PROGRAMS:
        answer = asking.request(method, path, **{**given, "headers": {**headers, "Accept": accept}})
        if not (path.startswith("/ui/offers") and status == 404):  # that page is there; what it shows is not
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), accept
            assert answer.json()["status"] == status


def test_one_error_is_a_sentence_and_several_are_a_list(asking: TestClient) -> None:
    one = asking.get("/ui/nothing", headers={"Accept": BROWSER}).text
    assert "<p>there is nothing at this path <small>OFR751</small></p>" in one and "<li>" not in one
    two = asking.post(PROPOSE, json={"spaces": 3, "n": "x"}, headers={"Accept": BROWSER}).text
    assert two.count("<li>") == 2 and "<ul>" in two
    assert Outline(two).wrong == []


@pytest.mark.embedded
def test_too_many_calls_a_mistake_of_ours_and_a_store_that_is_away(
    live: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(live) as asking:
        for _ in range(25):
            page = asking.get("/health/live", headers={"Authorization": "Bearer wrong", "Accept": BROWSER})
        assert (page.status_code, page.headers["retry-after"]) == (429, "60")
        assert "429 Too Many Requests" in page.text and "Reload the page" in page.text
    monkeypatch.setattr("offerkit.server.web.Visitor", None)
    with client(live) as asking:
        page = asking.post("/nl/propose?env=shop", json={"divs": [{"id": "i_web"}]}, headers={"Accept": BROWSER})
        assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
        assert "NoneType" not in page.text and page.headers["x-request-id"] in page.text
        (live.root / ".offerkit" / "store.db").rename(live.root / "away.db")
        page = asking.post(PROPOSE, json=BODY, headers={"Accept": BROWSER})
        assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "/ui" not in page.text and "Go back to the previous page in your browser" in page.text


def test_measures_are_not_for_everybody(live: Workspace) -> None:
    with browser(live, ELSEWHERE) as asking:
        assert asking.get("/metrics").headers["content-type"] == "application/problem+json"
        page = asking.get("/metrics", headers={"Accept": BROWSER})
        assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "TEXT/HTML;q=0.1",
        "application/xhtml+xml",
        "text/html;level=1, */*",
        "application/json;q=0.2,text/html",
    ],
)
def test_who_reads_pages(accept: str) -> None:
    assert wants_page(accept)


@pytest.mark.parametrize(
    "accept",
    [*PROGRAMS, "text/html;q=0", "text/html;q=x", "text/*", "text/html;q=nan", ",;,", "text/html, application/json"],
)
def test_who_does_not(accept: str) -> None:
    assert not wants_page(accept)


SENTENCES = [
    ({}, ["spaces: is missing"]),
    ({"spaces": "shop/web"}, ["spaces: must be a list"]),
    ({"spaces": []}, ["spaces: is empty"]),
    ({"spaces": [1]}, ["spaces[0]: must be a text"]),
    ({"spaces": ["x" * 300]}, ["spaces[0]: has more than 260 characters"]),
    ({"spaces": ["a"] * 30}, ["spaces: has more than 20 entries"]),
    ({**BODY, "n": "2"}, ["n: must be a whole number"]),
    ({**BODY, "n": 1.5}, ["n: must be a whole number"]),
    ({**BODY, "n": 0}, ["n: must be at least 1"]),
    ({**BODY, "n": 10**9}, ["n: must be at most 100"]),
    ({**BODY, "n": None, "store": "yes"}, ["n: must be a whole number", "store: must be true or false"]),
    ({**BODY, "outputs": ["pdf"]}, ["outputs[0]: must be html, text or xml"]),
    ({**BODY, "nn": 1}, ["nn: is not a known field"]),
    ({**BODY, "data": []}, ["data: must be an object with names and values"]),
    ({**BODY, "data": {"page": {}}}, ["data: page: expected is a text of"]),
    ({**BODY, "data": {"page": [[1]], "x" * 200: 1}}, ["data: page, x"]),
    ([], ["the body: must be an object with names and values"]),
    (None, ["the body: must be an object with names and values"]),
    ("x", ["the body: must be an object with names and values"]),
]


@pytest.mark.parametrize(("body", "said"), SENTENCES, ids=lambda value: json.dumps(value)[:50])
def test_each_wrong_value_of_a_call_is_one_sentence_in_our_words(
    asking: TestClient, body: Any, said: list[str]
) -> None:
    answer = asking.post(PROPOSE, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    found = [error["message"] for error in answer.json()["errors"]]
    assert len(found) == len(said), found
    for message, beginning in zip(found, said, strict=True):
        assert message.startswith(beginning), found
        assert "Input should" not in message and "Body" not in message and "pydantic" not in message


def test_places_of_a_page_are_named_without_our_classes(asking: TestClient) -> None:
    answer = asking.post("/nl/propose?env=shop", json={"divs": ["i_web"]})
    assert answer.json()["errors"][0]["message"] == "divs[0]: must be an object with names and values"
    answer = asking.post("/nl/propose?env=shop", json={"divs": [{"id": "a\x00"}]})
    assert answer.json()["errors"][0]["message"] == "divs[0].id: has invalid characters"


def test_no_sentence_is_pydantics() -> None:
    """Whatever it may come to say of a value, in a version to come too."""
    for error in list_all_errors():
        said = json_bodies.error_sentences(
            [
                {
                    "type": error["type"],
                    "loc": ("body", "x"),
                    "msg": error["message_template_python"],
                    "ctx": error["example_context"] or {},
                }
            ]
        )
        assert said[0] != f"x: {error['message_template_python']}", error
        assert "nstance" not in said[0]


def test_every_answer_is_one_that_is_described(live: Workspace) -> None:
    """The media type of each answer of each route, whoever asks, stands in the description under its status."""
    described = 0
    with client(live, ui="local", demo=True) as asking:
        paths: dict[str, Any] = asking.get("/openapi.json").json()["paths"]
        operator = {"Authorization": f"Bearer {token(live, 'ada')}"}
        proposed = asking.post(PROPOSE, json=BODY).json()["spaces"][0]["propositions"][0]["id"]
        right: dict[str, Any] = {
            "propose": BODY,
            "update": {"proposition": proposed, "status": "interested"},
            "page": {"divs": [{"id": "i_web"}]},
            "apply": {"plan": "{}"},
            "impact": {"plan": "{}"},
            "explain": {"proposition": proposed},
            "export-contact": {"key": "1"},
            "erase-contact": {"key": "1"},
            "clear-contact": {"key": "1"},
            "limit": {"plan": "{}"},
            "decide": {"decision": "approved", "patterns": ["shop/offer.gold-card"]},
            "relay": {
                "forge": "github",
                "pull_request": 1,
                "head": "a" * 40,
                "merged_as": "b" * 40,
                "meaning": f"1:{'c' * 64}",
                "reviews": [],
            },
            "override": {"patterns": ["shop/offer.gold-card"], "reason": "Rita left"},
            "stop": {"patterns": ["shop/offer.gold-card"], "reason": "Wrong"},
            "resume": {"patterns": ["shop/offer.gold-card"]},
            "propositions": {},
            "report": {"by": ["offer"]},
            "simulations": {},
            "remove-simulations": {"names": ["none"]},
            "schedule": {"plan": "{}", "due": "2027-01-01T06:00:00Z"},
            "withdraw-schedule": {"scheduled": 1, "reason": "Not now"},
        }
        for path, methods in paths.items():
            for method, operation in methods.items():
                bodies = [right[operation["operationId"]], {}, {"x": 1}, []] if method == "post" else [None]
                for headers in ({}, operator, {"Authorization": "Bearer wrong"}):
                    for accept in ("*/*", BROWSER):
                        for body in bodies:
                            for query in ("", "?env=shop", "?a=UpdateStatus&p=x&st=2&r=https://nowhere.example/"):
                                answer = asking.request(
                                    method,
                                    path + query,
                                    headers={**headers, "Accept": accept},
                                    json=body,
                                    follow_redirects=False,
                                )
                                kinds = operation["responses"][str(answer.status_code)].get("content", {})
                                kind = answer.headers.get("content-type", "").partition(";")[0]
                                assert kind in kinds or (not kind and not answer.content), (
                                    method,
                                    path,
                                    answer.status_code,
                                    kind,
                                )
                                described += 1
        copy = asking.get("/api/v1/store/copy", headers=operator)
        assert copy.headers["content-type"] == "application/vnd.sqlite3"
        again = asking.get("/api/v1/store/copy", headers={**operator, "If-None-Match": copy.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert described > 200
