"""The call of a web page: all places in one call, cookies, sites, keys, limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.server.contact_keys import sign
from offerkit.usecases import tokens

pytestmark = pytest.mark.embedded

SITE, SECRET = "https://www.bank.example", "0123456789abcdef0123456789abcdef"
CALL, SCRIPT = "/nl/propose?env=shop@live", "/nl/interactionProposal.js"
_SIDE = {
    "channel": "inbound-web",
    "unitary": True,
    "fields": [{"name": "title", "required": True}],
    "render": {"html": "<i>{{ title }}</i>", "xml": "<t>{{ title }}</t>"},
    "identification": {"keys": ["email"], "implicit": True},
}
_CALL_DATA = {"navigation_language": {"type": "string"}, "basket": {"type": "integer"}}


def shop_with(shop: Workspace, **inbound: Any) -> Workspace:
    with_people(shop)
    own = {"origins": [SITE], "redirects": ["bank.example"], **inbound}
    shop.change({"environments/shop.yaml": {"environment": {"inbound": own, "call_data": _CALL_DATA}}})
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"side": _SIDE}}})
    return shop.go_live()


@pytest.fixture
def served(shop: Workspace) -> Workspace:
    return shop_with(shop)


@pytest.fixture
def site(served: Workspace) -> Iterator[TestClient]:
    with client(served) as found:
        yield found


def call(site: TestClient, *ids: str, path: str = CALL, headers: dict[str, str] | None = None, **more: Any) -> Any:
    divs = [{"id": one} for one in ids or ("i_web",)]
    return site.post(path, json={"divs": divs, "target": "ann@example.com", **more}, headers=headers or {})


def envelope(key: str = "ann@example.com") -> str:
    asked = f'<Propose xmlns="urn:nms:interaction"><targetId>{key}</targetId></Propose>'
    return f'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{asked}</e:Body></e:Envelope>'


def kept(shop: Workspace) -> list[tuple[str, str, int]]:
    with shop.store() as store:
        return sorted((row.space, row.offer, row.rank) for row in store.propositions())


def test_every_place_of_a_page_is_filled_by_one_call(site: TestClient, served: Workspace) -> None:
    divs = call(site, "i_web", "i_web_2", "i_side", "i_nothing", "i_mail").json()["divs"]
    assert divs == {"i_web": "<b>Gold</b>", "i_web_2": "<b>Lions</b>", "i_side": "<i>Save</i>"}
    assert kept(served) == [("side", "saver", 1), ("web", "gold-card", 1), ("web", "safari", 2)]
    with served.store() as store:
        assert len({row.interaction for row in store.propositions()}) == 1


def test_a_space_is_asked_for_as_many_offers_as_it_has_places(site: TestClient, served: Workspace) -> None:
    assert set(call(site, "i_side_2").json()["divs"]) == {"i_side_2"}
    assert [rank for _, _, rank in kept(served)] == [1, 2]


def test_a_place_may_name_its_space_and_categories(site: TestClient) -> None:
    divs = [
        {"id": "hero", "space": "web", "categories": ["travel", "visitors-travel"]},
        {"id": "i_side", "categories": []},
        {"id": "web_2", "space": "web"},
    ]
    made = site.post(CALL, json={"divs": divs, "target": "ann@example.com", "categories": ["bank"]}).json()["divs"]
    assert made["hero"] == "<b>Lions</b>" and set(made) == {"hero", "i_side"}, "no second of the bank is left for web"
    alone = site.post(CALL, json={"divs": divs[:1], "target": "ann@example.com", "categories": ["bank"]}).json()["divs"]
    assert alone == {"hero": "<b>Lions</b>"}


def test_places_of_one_space_have_categories_of_their_own(site: TestClient, served: Workspace) -> None:
    divs = [
        {"id": "first", "space": "web", "categories": ["bank"]},
        {"id": "second", "space": "web", "categories": ["travel"]},
        {"id": "third", "space": "web", "categories": ["bank", "travel"]},
        {"id": "fourth", "space": "web", "categories": ["travel", "bank"]},
    ]
    made = site.post(CALL, json={"divs": divs, "target": "ann@example.com"}).json()["divs"]
    assert made["first"] == "<b>Gold</b>" and made["second"] == "<b>Lions</b>"
    assert made["third"] == made["fourth"] == "<b>Save</b>", "the same slice, and what no other place has yet"
    assert kept(served) == [("web", "gold-card", 1), ("web", "safari", 1), ("web", "saver", 1)]


def test_places_have_themes_of_their_own(site: TestClient) -> None:
    divs = [{"id": "a", "space": "web", "themes": ["nothing"]}, {"id": "b", "space": "web"}]
    assert set(site.post(CALL, json={"divs": divs, "target": "ann@example.com"}).json()["divs"]) == {"b"}


def test_a_back_end_asks_for_several_places_of_one_space(site: TestClient, served: Workspace) -> None:
    spaces = [
        {"space": "shop/web", "categories": ["bank"]},
        {"space": "shop/web", "categories": ["travel"], "n": 3},
        "shop/web",
        "shop/web",
    ]
    answer = site.post("/api/v1/propose", json={"spaces": spaces, "contact": "ann@example.com"}).json()
    found = [(one["asked"], [p["offer"] for p in one["propositions"]]) for one in answer["spaces"]]
    assert found == [("shop/web", ["gold-card"]), ("shop/web", ["safari"]), ("shop/web", ["saver"])]
    for wrong in (
        {"space": "shop/web", "m": 1},
        {"space": 1},
        {"space": "shop/web", "n": 0},
        {},
        1,
        None,
        ["shop/web"],
    ):
        answer = site.post("/api/v1/propose", json={"spaces": [wrong], "contact": "ann@example.com"})
        assert answer.status_code == 422, wrong


def test_categories_that_nobody_has_give_nothing_rather_than_anything(site: TestClient) -> None:
    assert call(site, categories=["bnak"]).json() == {"divs": {}}


def test_the_propositions_as_xml(site: TestClient) -> None:
    answer = call(site, "i_side", "i_web", xml=True)
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.content)
    found = {one.get("div"): one for one in root}
    side = found["i_side"]
    assert (side.get("offer-id"), side.get("rank"), side.get("space"), side.get("weight")) == (
        "gold-card",
        "1",
        "side",
        "10",
    )
    assert side.findtext("xmlOfferView/t") == "Gold" and len(side.get("id") or "") == 31
    assert found["i_web"].findtext("xmlOfferView/title") == "Lions"


@pytest.mark.parametrize("id_", ["\x01", "a\x00b", "\n", "\ufffe", "\uffff", "", "a" * 201])
def test_a_place_whose_name_cannot_be_in_xml_is_refused(site: TestClient, id_: str) -> None:
    divs = [{"id": id_, "space": "web"}]
    for xml in (True, False):
        assert site.post(CALL, json={"divs": divs, "target": "ann@example.com", "xml": xml}).status_code == 422


@pytest.mark.parametrize("id_", ['"><b>', "]]>", "é 😀", "&amp;", "a b"])
def test_a_place_may_have_any_other_name(site: TestClient, id_: str) -> None:
    divs = [{"id": id_, "space": "web"}]
    answer = site.post(CALL, json={"divs": divs, "target": "ann@example.com", "xml": True})
    assert [one.get("div") for one in ElementTree.fromstring(answer.content)] == [id_]
    assert site.post(CALL, json={"divs": divs, "target": "ann@example.com"}).json()["divs"] == {id_: "<b>Gold</b>"}


@pytest.mark.parametrize("key", ["ann@example.com|1", "\x00", "a|b|c", "x" * 400 + "|"])
def test_a_wrong_key_does_not_bring_how_contacts_are_identified(site: TestClient, key: str) -> None:
    answers = [call(site, target=key), site.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": key})]
    if key.isprintable():
        answers.append(site.post("/interaction/shop/web", content=envelope(key)))
    for answer in answers:
        assert answer.status_code in (400, 422) and "OFR874" in answer.text
        assert "email" not in answer.text and "string" not in answer.text


def test_call_data_may_be_spelled_as_pages_spell_it(site: TestClient) -> None:
    assert call(site, data={"navigationLanguage": "fr", "basket": "12"}).status_code == 200
    wrong = call(site, data={"basket": "many"})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "OFR854")
    unknown = call(site, data={"isAdmin": "1"})
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "OFR853")
    assert "basket" not in unknown.text


@pytest.mark.parametrize("name", ["nowhere", "", "shop@design", "../shop", "shop/../shop", "%00", "shop%0d%0aX: y"])
def test_an_unknown_environment_says_nothing(site: TestClient, name: str) -> None:
    answer = call(site, path=f"/nl/propose?env={name}")
    assert answer.status_code == 404
    assert "shop" not in answer.text.replace(name, "")
    assert not answer.cookies


def test_the_script_is_the_same_for_everybody(site: TestClient) -> None:
    answer = site.get(SCRIPT, params={"env": "nowhere", "cb": "</script>"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/javascript")
    assert answer.content == site.get(SCRIPT, params={"env": "shop@live"}).content
    assert "eval" not in answer.text and "innerHTML" not in answer.text


def cookies_of(answer: Any) -> dict[str, str]:
    return {one.partition("=")[0]: one for one in answer.headers.get_list("set-cookie")}


def test_a_visitor_gets_two_careful_cookies_once(site: TestClient) -> None:
    first = cookies_of(call(site))
    assert set(first) == {"uuid230", "nlid"}
    assert "Max-Age=34214400" in first["uuid230"] and "Max-Age" not in first["nlid"]
    for cookie in first.values():
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    assert len(site.cookies["uuid230"]) == 32
    assert cookies_of(call(site)) == {}


def test_over_https_cookies_may_come_from_the_pages_of_declared_sites(served: Workspace) -> None:
    with client(served, public_url="https://offers.example") as site:
        for cookie in cookies_of(call(site)).values():
            assert "SameSite=none" in cookie and "Secure" in cookie and "HttpOnly" in cookie


@pytest.mark.parametrize("bad", ["x", "a b", "'; DROP TABLE cookie", "a" * 65])
def test_a_cookie_that_we_cannot_have_set_is_replaced(site: TestClient, bad: str) -> None:
    answer = call(site, headers={"cookie": f"uuid230={bad}"})
    assert "uuid230" in cookies_of(answer)


def test_a_contact_is_known_again_by_the_cookie(site: TestClient, served: Workspace) -> None:
    call(site, "i_side")
    again = call(site, "i_side", target="")
    assert again.json()["divs"]["i_side"].startswith("<i>")
    with served.store() as store:
        assert {row.contact for row in store.propositions()} == {"1"}
    site.cookies.clear()
    assert call(site, "i_side", target="").json() == {"divs": {}}


PLANTED = "planted-by-somebody-else"


def side(site: TestClient, cookie: str, target: str = "", path: str = CALL) -> Any:
    site.cookies.clear()
    return call(site, "i_side", path=path, target=target, headers={"cookie": f"uuid230={cookie}; nlid={cookie}"})


def knows(site: TestClient, cookie: str) -> bool:
    return bool(side(site, cookie).json()["divs"])


def test_a_cookie_that_somebody_planted_is_never_that_of_who_logs_in(site: TestClient, served: Workspace) -> None:
    own = cookies_of(side(site, PLANTED, "ann@example.com"))
    assert set(own) == {"uuid230", "nlid"}  # the session is another one, too
    fresh = site.cookies["uuid230"]
    assert len(fresh) == 32 and PLANTED not in own["uuid230"] + own["nlid"]
    assert knows(site, fresh) and not knows(site, PLANTED)
    with served.store() as store:
        assert (store.contact_of("shop", fresh), store.contact_of("shop", PLANTED)) == ("1", "")


def test_who_is_known_already_keeps_the_cookie(site: TestClient) -> None:
    side(site, PLANTED, "ann@example.com")
    fresh = site.cookies["uuid230"]
    assert cookies_of(side(site, fresh, "ann@example.com")) == {}
    assert cookies_of(side(site, fresh)) == {}


def test_the_next_person_at_the_same_browser_gets_a_cookie_of_their_own(site: TestClient, served: Workspace) -> None:
    side(site, PLANTED, "ann@example.com")
    ann = site.cookies["uuid230"]
    side(site, ann, "cyd@example.com")
    cyd = site.cookies["uuid230"]
    assert cyd != ann
    with served.store() as store:
        assert (store.contact_of("shop", ann), store.contact_of("shop", cyd)) == ("1", "3")


def test_two_first_calls_at_once_get_two_cookies_that_both_count(site: TestClient) -> None:
    side(site, PLANTED, "ann@example.com")
    first = site.cookies["uuid230"]
    side(site, PLANTED, "ann@example.com")
    second = site.cookies["uuid230"]
    assert first != second and knows(site, first) and knows(site, second) and not knows(site, PLANTED)


def test_a_key_that_is_nobodys_changes_no_cookie(site: TestClient) -> None:
    assert cookies_of(side(site, PLANTED, "nobody@example.com")) == {}


def test_the_cookie_is_found_among_many(site: TestClient, served: Workspace) -> None:
    side(site, PLANTED, "ann@example.com")
    own = site.cookies["uuid230"]
    many = "; ".join(f"a{number}=uuid230" for number in range(2_000))
    for header in (f"{many}; uuid230={own}", f"xuuid230={PLANTED};uuid230={own};{many}", f'uuid230=x; uuid230="{own}"'):
        site.cookies.clear()
        answer = call(site, "i_side", target="", headers={"cookie": f"{header}; nlid={PLANTED}"})
        assert answer.json()["divs"] and not cookies_of(answer)


def test_back_ends_are_told_the_new_cookie(site: TestClient, served: Workspace) -> None:
    body = {"spaces": ["shop/side"], "contact": "ann@example.com", "cookie": PLANTED}
    answer = site.post("/api/v1/propose", json=body).json()
    fresh = answer["cookie"]
    assert len(fresh) == 32
    assert "cookie" not in site.post("/api/v1/propose", json={**body, "cookie": fresh}).json()
    assert "cookie" not in site.post("/api/v1/propose", json={**body, "store": False}).json()
    for cookie, how in ((fresh, "implicit"), (PLANTED, "nobody")):
        (space,) = site.post("/api/v1/propose", json={"spaces": ["shop/side"], "cookie": cookie}).json()["spaces"]
        assert space["identified"] == how
    headers = {"authorization": f"Bearer {token(served, 'ada')}"}
    assert len(site.post("/api/v1/propose", json=body, headers=headers).json()["cookie"]) == 32


@pytest.mark.parametrize("part", ["uuid", "nli"])
def test_soap_gives_the_new_cookie_back_in_the_part_that_it_came_in(site: TestClient, part: str) -> None:
    def asked(key: str, cookie: str) -> Any:
        content = envelope(key).replace("</Propose>", f"<{part}>{cookie}</{part}></Propose>")
        root = ElementTree.fromstring(site.post("/interaction/shop/side", content=content).content)
        return {one.tag.partition("}")[2]: one for one in root.iter()}

    fresh = asked("ann@example.com", PLANTED)[part].text
    assert len(fresh) == 32
    assert part not in asked("ann@example.com", fresh) and part not in asked("", fresh)
    assert "proposition" in asked("", fresh) and "proposition" not in asked("", PLANTED)


def test_only_declared_sites_may_ask(site: TestClient, served: Workspace) -> None:
    good = call(site, headers={"origin": SITE})
    assert good.headers["access-control-allow-origin"] == SITE
    assert good.headers["access-control-allow-credentials"] == "true" and good.headers["vary"] == "Origin"
    assert call(site, headers={"origin": "http://testserver"}).status_code == 200  # a page of the service itself
    before = kept(served)
    for other in ("https://evil.example", "https://www.bank.example.evil.example", "null", "http://www.bank.example"):
        for path in (CALL, "/nl/propose?env=nowhere"):
            answer = call(site, path=path, headers={"origin": other})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers and "set-cookie" not in answer.headers
    assert kept(served) == before


def test_preflights(site: TestClient) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = site.options(CALL, headers={"origin": SITE, **asked})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, SITE)
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert site.options(CALL, headers={"origin": "https://evil.example", **asked}).status_code == 403


def test_too_many_calls_from_one_address_have_to_wait(shop: Workspace) -> None:
    with client(shop_with(shop, rate=3)) as site:
        assert [call(site).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = call(site, headers={"origin": SITE})
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["access-control-allow-origin"] == SITE
        assert refused.json()["status"] == 429
        assert site.get(SCRIPT).status_code == 200
        links = [site.get("/o?a=UpdateStatus&p=x&st=2").status_code for _ in range(4)]
        assert links == [204, 204, 204, 429], "links name no environment, and count for themselves"


def test_soap_and_its_description_are_counted(shop: Workspace) -> None:
    with client(shop_with(shop, rate=2)) as site:
        path = "/interaction/shop@live/web"
        assert [site.post(path, content=envelope()).status_code for _ in range(2)] == [200, 200]
        for answer in (site.post(path, content=envelope()), site.get(f"{path}?wsdl"), call(site)):
            assert answer.status_code == 429 and answer.headers["content-type"] == "application/problem+json"


def test_back_ends_of_this_machine_are_not_counted(shop: Workspace) -> None:
    body = {"spaces": ["shop/web"], "contact": "ann@example.com"}
    with client(shop_with(shop, rate=2)) as near:
        near._transport.client = ("127.0.0.1", 5)  # type: ignore[attr-defined]
        assert [near.post("/api/v1/propose", json=body).status_code for _ in range(4)] == [200] * 4
        near._transport.client = ("203.0.113.7", 5)  # type: ignore[attr-defined]
        assert [near.post("/api/v1/propose", json=body).status_code for _ in range(4)] == [200, 200, 429, 429]
        near._transport.client = ("2001:db8::1", 5)  # type: ignore[attr-defined]
        assert [near.post("/api/v1/propose", json=body).status_code for _ in range(2)] == [200, 200]
        near._transport.client = ("2001:db8::2", 5)  # type: ignore[attr-defined]
        assert near.post("/api/v1/propose", json=body).status_code == 429  # the same /64


def test_where_keys_are_signed_raw_ones_are_refused_everywhere(shop: Workspace) -> None:
    signed = shop_with(shop, contact_keys="signed", key_secret_env="SHOP_KEYS")
    good = sign(SECRET.encode(), "shop", "ann@example.com", int(time.time()) + 60)
    wrong = {
        "ann@example.com": "not signed",
        sign(b"another secret of some length", "shop", "ann@example.com", 2**39): "valid signature",
        sign(SECRET.encode(), "other", "ann@example.com", 2**39): "valid signature",
        sign(SECRET.encode(), "shop", "ann@example.com", int(time.time()) - 1): "expired",
    }
    with client(signed, environ={"SHOP_KEYS": SECRET}) as site:
        api = {"spaces": ["shop/web"]}
        assert call(site, target=good).json()["divs"] == {"i_web": "<b>Gold</b>"}
        assert (
            site.post("/api/v1/propose", json={**api, "contact": good}).json()["spaces"][0]["identified"] == "explicit"
        )
        for key, why in wrong.items():
            fault = site.post("/interaction/shop/web", content=envelope(key))
            assert (fault.status_code, "OFR755" in fault.text, why in fault.text) == (400, True, True)
            assert SECRET not in fault.text
            for answer in (call(site, target=key), site.post("/api/v1/propose", json={**api, "contact": key})):
                assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "OFR755")
                assert why in answer.json()["errors"][0]["message"]
                assert SECRET not in answer.text
        assert 'offer-id="gold-card"' in site.post("/interaction/shop/web", content=envelope(good)).text
        assert call(site, target="").status_code == 200  # nobody is no false contact
    with client(signed, environ={}) as site:
        answer = call(site, target=good)
        assert answer.status_code == 503 and "SHOP_KEYS" not in answer.text
        fault = site.post("/interaction/shop/web", content=envelope(good))
        assert fault.status_code == 503 and "SHOP_KEYS" not in fault.text and "env:Receiver" in fault.text


def test_operators_are_not_counted_and_need_no_signature(shop: Workspace) -> None:
    signed = shop_with(shop, rate=1, contact_keys="signed", key_secret_env="SHOP_KEYS")
    signed.later(days=300)  # the workspace's clock is behind the server's
    _, token = tokens.create(signed.session("ada"), "ada", "test", "366d")
    body = {"spaces": ["shop/web"], "contact": "ann@example.com"}
    with client(signed, environ={"SHOP_KEYS": SECRET}) as site:
        site._transport.client = ("203.0.113.7", 5)  # type: ignore[attr-defined]
        for _ in range(3):
            answer = site.post("/api/v1/propose", json=body, headers={"authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["spaces"][0]["identified"]) == (200, "explicit"), answer.text
        assert site.post("/api/v1/propose", json=body).status_code == 403
        assert site.post("/api/v1/propose", json=body).status_code == 429


@pytest.mark.parametrize("host", ["a b", "@", "/", ""])
def test_a_host_with_signs_that_no_host_has_is_refused(site: TestClient, host: str) -> None:
    refused = [call(site, headers={"host": host}), site.get("/o?r=/next", headers={"host": host})]
    assert [(one.status_code, one.headers["connection"]) for one in refused] == [(400, "close")] * 2
    assert "one Host header" in refused[1].json()["errors"][0]["message"]


@pytest.mark.parametrize("host", ["[", "[::1", "x" * 5000, "evil.example"])
def test_a_nonsensical_host_is_no_mistake_of_ours(site: TestClient, host: str) -> None:
    assert call(site, headers={"host": host}).status_code == 200
    assert site.get("/o?r=/next", headers={"host": host}, follow_redirects=False).headers["location"] == "/next"


def test_the_demo_loads_nothing_from_elsewhere(served: Workspace) -> None:
    import offerkit.server

    with client(served) as plain:
        assert plain.get("/demo/").status_code == 404
    with client(served, demo=True) as site:
        assert site.get("/", follow_redirects=False).headers["location"] == "/demo/"
        for file in (Path(offerkit.server.__file__).parent / "static/demo").iterdir():
            path = "/demo/" if file.name == "index.html" else f"/demo/{file.name}"
            answer = site.get(path)
            assert answer.status_code == 200 and "http:" not in answer.text and "https:" not in answer.text
            assert "script-src 'self'" in answer.headers["content-security-policy"]
