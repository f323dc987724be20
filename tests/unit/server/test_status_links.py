"""Links that set a status: they lead on to declared hosts only, and never fail for the visitor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, refuse
from offerkit.models.inbound import Inbound
from offerkit.server.decision_service import DecisionService
from offerkit.server.inbound import InboundRules
from offerkit.server.web import redirect_target
from offerkit.usecases.update_status import StatusUpdate

pytestmark = pytest.mark.embedded

OWN = "https://offers.example"
DECLARED = InboundRules({"shop": Inbound(redirects=("bank.example", "münchen.example".encode("idna").decode()))})


@pytest.fixture
def site(shop: Workspace) -> Iterator[TestClient]:
    with_people(shop).change({"environments/shop.yaml": {"environment": {"inbound": {"redirects": ["bank.example"]}}}})
    with client(shop.go_live(), public_url=OWN) as found:
        found.follow_redirects = False
        yield found


def proposed(site: TestClient) -> str:
    body = {"spaces": ["shop/web"], "contact": "ann@example.com"}
    made: str = site.post("/api/v1/propose", json=body).json()["spaces"][0]["propositions"][0]["id"]
    return made


def status(shop: Workspace, proposition: str) -> str:
    with shop.store() as store:
        row = store.proposition(proposition)
        assert row is not None
        return str(row.status)


def test_a_click_sets_the_status_and_leads_on(site: TestClient, shop: Workspace) -> None:
    id_ = proposed(site)
    answer = site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": "2", "r": "https://www.bank.example/a?b=1#c"})
    assert (answer.status_code, answer.headers["location"]) == (303, "https://www.bank.example/a?b=1#c")
    assert status(shop, id_) == "interested"
    replayed = site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": "2", "r": "https://bank.example/"})
    assert replayed.status_code == 303
    assert site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": "3"}).status_code == 204
    assert status(shop, id_) == "accepted"


def test_the_status_is_set_where_the_link_may_not_lead_on(site: TestClient, shop: Workspace) -> None:
    id_ = proposed(site)
    answer = site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": "2", "r": "https://evil.example/<b>"})
    assert answer.status_code == 200 and "location" not in answer.headers and "evil" not in answer.text
    assert status(shop, id_) == "interested"


@pytest.mark.parametrize("id_", ["", "nothing", "a" * 4000, "' OR 1=1 --", "\x00", "é"])
@pytest.mark.parametrize("wanted", ["2", "interested", "0", "4", "9", "", "-1", "2;3"])
def test_what_is_unknown_looks_like_what_is_known(site: TestClient, id_: str, wanted: str) -> None:
    link = {"a": "UpdateStatus", "p": id_, "st": wanted, "r": "https://bank.example/x"}
    answer = site.get("/o", params=link)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, "https://bank.example/x", "")


def test_only_what_visitors_may_set_is_tried(site: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    async def update(_: DecisionService, asked: StatusUpdate) -> None:
        tried.append(str(asked.status))
        raise refuse(Code.UNKNOWN_PROPOSITION, "no")

    monkeypatch.setattr(DecisionService, "update", update)
    for wanted in ("0", "generated", "4", "scheduled", "1", "2", "3", "5", "6", "x"):
        assert site.get("/o", params={"a": "UpdateStatus", "p": "x", "st": wanted}).status_code == 204
    assert sorted(set(tried)) == ["accepted", "interested", "presented", "rejected"]


def test_visitors_do_not_generate_or_schedule(site: TestClient, shop: Workspace) -> None:
    id_ = proposed(site)
    for wanted in ("0", "4"):
        site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": wanted})
    site.get("/o", params={"a": "Other", "p": id_, "st": "3"})
    assert status(shop, id_) == "presented"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("Purpose", "Prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ],
)
def test_looking_ahead_is_no_click(site: TestClient, shop: Workspace, name: str, value: str) -> None:
    id_ = proposed(site)
    link = {"a": "UpdateStatus", "p": id_, "st": "2", "r": "https://bank.example/"}
    ahead = site.get("/o", params=link, headers={name: value})
    # nothing that a browser may show or keep instead of asking again
    assert (ahead.status_code, ahead.text, ahead.headers["cache-control"]) == (503, "", "no-store")
    assert "location" not in ahead.headers
    assert site.head("/o", params=link).status_code == 405
    assert status(shop, id_) == "presented"
    assert site.get("/o", params=link).status_code == 303, "the click itself"
    assert status(shop, id_) == "interested"


@pytest.mark.parametrize("wanted", ["1", "2", "5", "presented"])
def test_a_link_that_is_used_again_takes_nothing_back(site: TestClient, shop: Workspace, wanted: str) -> None:
    id_ = proposed(site)
    site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": "3"})
    answer = site.get("/o", params={"a": "UpdateStatus", "p": id_, "st": wanted, "r": "https://bank.example/"})
    assert answer.status_code == 303
    assert status(shop, id_) == "accepted"


def test_a_status_link_sets_no_cookie_and_reads_none(site: TestClient) -> None:
    answer = site.get("/o", params={"r": "/next"}, headers={"cookie": "uuid230=0123456789abcdef"})
    assert "set-cookie" not in answer.headers and answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("https://bank.example/x", "https://bank.example/x"),
        ("http://deep.www.bank.example", "http://deep.www.bank.example"),
        ("https://BANK.example./x", "https://bank.example/x"),
        ("https://münchen.example/ä?ö=%20", "https://xn--mnchen-3ya.example/%C3%A4?%C3%B6=%20"),
        ("https://offers.example/demo/", "https://offers.example/demo/"),
        ("/demo/offer.html?p=1", "/demo/offer.html?p=1"),
        ("/ä", "/%C3%A4"),
        ("https://bank.example:8443/", "https://bank.example:8443/"),
    ],
)
def test_where_links_may_lead(wanted: str, target: str) -> None:
    assert redirect_target(wanted, OWN, DECLARED) == target


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "https://evil.example",
        "https://bank.example.evil.example/",
        "https://notbank.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https:///evil.example",
        "https://bank.example@evil.example/",
        "https://evil.example\\@bank.example/",
        "https://evil.example#.bank.example",
        "https://evil.example?.bank.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt://bank.example/%0aalert(1)",
        "ftp://bank.example/",
        "https://bank.example/\r\nSet-Cookie: a=b",
        " https://evil.example",
        "https://evil。example/",
        "https://[::1]/",
        "http://offers.example/",
        "https://bank.example%2eevil.example/",
        "https://bank.example:99999/",
        "/" + "a" * 5000,
        "https://.bank.example/",
    ],
)
def test_it_is_no_open_redirect(wanted: str) -> None:
    assert redirect_target(wanted, OWN, DECLARED) == ""
