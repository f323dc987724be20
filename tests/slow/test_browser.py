"""The web page in a real browser: a site with one script tag, and offerkit serving it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import PATIENCE, Site, chromium, served
from helpers.serving import with_people
from helpers.workspace import Workspace
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from offerkit.usecases.demonstration import live_copy

pytestmark = pytest.mark.slow
HOSTILE = "\"><img src=x onerror='window.hacked=1'><script>window.hacked=2</script>"
HTML = "<p title='Data: plans'>ok</p><img src=x onerror='window.hacked=3'><svg onload='window.hacked=4'><circle r='1'/></svg><script>window.hacked=5</script>"
_WEB = {"channel": "inbound-web", "unitary": True}
_TITLE = [{"name": "title", "required": True}, {"name": "html"}, {"name": "destination_url"}]
_LINK = "<a class=go href=\"{{ status_url('interested', destination_url) }}\">{{ title }}</a>"


def files(site: str) -> dict[str, Any]:
    """A shop with spaces of a page, offers that depend on the call, hostile ones, and guests."""
    known = {"keys": ["email"], "implicit": True, "fallback": "guests/spot"}
    side = {
        **_WEB,
        "fields": _TITLE,
        "identification": known,
        "render": {
            "html": _LINK,
            "xml": "<xmlOfferView><title>{{ title }}</title><go>{{ status_url(2, destination_url) }}</go></xmlOfferView>",
        },
    }
    raw = {
        **_WEB,
        "fields": _TITLE,
        "identification": known,
        "render": {"html": "<h3>{{ title }}</h3><b title='{{ title }}'>{{ html }}</b>"},
    }
    inbound = {"origins": [site], "redirects": ["127.0.0.1"]}
    landing = {"destination_url": f"{site}/landing?a=1&b=2"}
    return {
        "environments/shop.yaml": {"environment": {"inbound": inbound, "call_data": {"navigation_language": {}}}},
        "environments/guests.yaml": {"version": 1, "environment": {"dimension": "guest", "anonymous": True, "inbound": inbound}},
        "specs/shared.yaml": {"dimensions": {"guest": {"key": ["id"], "fields": {"id": {}}}}},
        "specs/guests/all.yaml": {
            "version": 1,
            "spaces": {"spot": {**_WEB, "fields": _TITLE, "render": {"html": "<i>{{ title }}</i>"}}},
            "categories": {"all": {}, "twins": {}},
            "offers": {
                "welcome": {"category": "all", "weights": [{"weight": 5}], "content": {"title": "Welcome"}},
                "twin-a": {"category": "twins", "content": {"title": "A"}},
                "twin-b": {"category": "twins", "content": {"title": "B"}},
            },
        },
        "specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000}}},  # the tests share their contacts
        "specs/shop/spaces.yaml": {"spaces": {"side": side, "raw": raw}},
        "specs/shop/more.yaml": {
            "version": 1,
            "categories": {"french": {}, "hostile": {}, "linked": {}},
            "offers": {
                "bonjour": {"category": "french", "weights": [{"weight": 99}], "eligible": {"when": "interaction.navigation_language = 'fr'"}, "content": {"title": "Bonjour", **landing}},
                "linked": {"category": "linked", "weights": [{"weight": 50}], "content": {"title": "Go", **landing}},
                "hostile": {"category": "hostile", "content": {"title": HOSTILE, "html": HTML, **landing}},
            },
        },
    }  # fmt: skip


@dataclass
class Shown:
    """A browser, the site, the service, and the shop behind it."""

    browser: webdriver.Chrome
    site: Site
    service: str
    shop: Workspace

    def visit(self, body: str, script: str = "", query: str = "") -> None:
        """Open a page with ``body``, whose own script is ``script``, and wait for the answer to be there."""
        tag = f'<script id="interactionProposalScript" src="{self.service}/nl/interactionProposal.js?env=shop@live{query}"></script>'
        self.site.pages["/page"] = f"<!doctype html><meta charset=utf-8><script>{script}</script>{tag}{body}"
        self.browser.get_log("performance")
        self.browser.get(f"{self.site.url}/page")

    def text(self, id_: str) -> str:
        """What stands in a place once something does."""
        found: str = WebDriverWait(self.browser, PATIENCE).until(
            lambda b: b.find_element(By.ID, id_).get_attribute("innerHTML")
        )
        return found

    def run(self, script: str) -> Any:
        return self.browser.execute_script(f"return {script}")  # type: ignore[no-untyped-call]

    def calls(self) -> list[dict[str, Any]]:
        """The requests that the page made of the service's call, preflights left out."""
        messages = [json.loads(one["message"])["message"] for one in self.browser.get_log("performance")]
        sent = [one["params"]["request"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [one for one in sent if "/nl/propose" in one["url"] and one["method"] == "POST"]

    def status(self, proposition: str) -> str:
        with self.shop.store() as store:
            row = store.proposition(proposition)
            assert row is not None
            return str(row.status)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Site]]:
    site = Site()
    shop = with_people(Workspace(tmp_path_factory.mktemp("shop")))
    shop.change(files(site.url))
    yield shop.go_live(), site
    site.close()


@pytest.fixture
def shown(project: tuple[Workspace, Site], tmp_path: Path) -> Iterator[Shown]:
    shop, site = project
    with served(shop.root) as service, chromium(tmp_path / "profile") as browser:
        yield Shown(browser, site, service, shop)


ANN = "var interactionTarget = 'ann@example.com';"


def test_all_places_of_a_page_in_one_call(shown: Shown) -> None:
    divs = "".join(f'<div id="{id_}"></div>' for id_ in ("i_web", "i_web_2", "i_side", "own", "i_unknown"))
    script = ANN + "var interactionDivs = {own: {space: 'side', categories: 'linked,all'}};"
    shown.visit(divs, script)
    assert shown.text("i_web") and shown.text("i_web_2") and ">Go<" in shown.text("own")
    assert shown.text("i_web") != shown.text("i_web_2")
    assert shown.run("document.getElementById('i_unknown').innerHTML") == ""
    (call,) = shown.calls()
    assert {one["id"] for one in json.loads(call["postData"])["divs"]} == {
        "i_web",
        "i_web_2",
        "i_side",
        "own",
        "i_unknown",
    }


def test_two_places_of_one_space_have_categories_of_their_own(shown: Shown) -> None:
    divs = "".join(f'<div id="{id_}"></div>' for id_ in ("left", "right", "again"))
    script = ANN + (
        "var interactionDivs = {left: {space: 'web', categories: 'travel'}, right: {space: 'web', categories: 'bank,all'},"
        " again: {space: 'web', categories: 'travel'}};"
    )
    shown.visit(divs, script)
    assert (shown.text("left"), shown.text("right")) == ("<b>Lions</b>", "<b>Gold</b>")
    assert shown.text("again") == "<b>Lions</b>", "places with the same categories show the same best offer"
    assert len(shown.calls()) == 1
    with shown.shop.store() as store:
        made = [(row.offer, row.interaction) for row in store.propositions(limit=2)]
    assert {offer for offer, _ in made} == {"safari", "gold-card"} and len({call for _, call in made}) == 1


def test_call_data_reaches_the_rules(shown: Shown) -> None:
    place = '<div id="i_web"></div>'
    shown.visit(place, ANN + "var interactionGlobalCtx = \"<interaction navigationLanguage='fr'/>\";")
    assert shown.text("i_web") == "<b>Bonjour</b>"
    shown.visit(place, ANN + "var interactionGlobalCtx = \"<interaction navigationLanguage='de'/>\";")
    assert shown.text("i_web") != "<b>Bonjour</b>"
    shown.visit(place, query="&t=ann%40example.com&c=french&gctx=%3Cinteraction%20navigation_language%3D%27fr%27%2F%3E")
    assert shown.text("i_web") == "<b>Bonjour</b>"


def test_a_callback_gets_the_propositions_as_xml(shown: Shown) -> None:
    script = ANN + (
        "var site = {got: function (xml) { site.xml = new XMLSerializer().serializeToString(xml);"
        " site.title = xml.getElementsByTagName('title')[0].textContent; site.go = xml.querySelector('go').textContent; }};"
    )
    shown.visit('<div id="i_side"></div>', script, "&c=linked&cb=site.got")
    WebDriverWait(shown.browser, PATIENCE).until(lambda _: shown.run("site.xml"))
    assert shown.run("site.xml").startswith("<propositions><proposition id=") and 'div="i_side"' in shown.run(
        "site.xml"
    )
    assert shown.run("site.title") == "Go"
    assert shown.run("site.go").startswith(f"{shown.service}/o?a=UpdateStatus&p=")
    assert shown.run("document.getElementById('i_side').innerHTML") == ""


def test_a_callback_is_the_name_of_a_function_and_nothing_else(shown: Shown) -> None:
    shown.visit('<div id="i_web"></div>', ANN, "&cb=alert(1)%3Bwindow.hacked%3D1")
    shown.run("new Promise(done => setTimeout(done, 300))")
    assert shown.calls() == [] and shown.run("window.hacked === undefined")


def test_a_click_sets_the_status_and_leads_on(shown: Shown) -> None:
    shown.visit('<div id="i_side"></div>', ANN, "&c=linked")
    shown.text("i_side")
    link = shown.browser.find_element(By.CSS_SELECTOR, "#i_side a.go")
    id_ = parse_qs(urlsplit(str(link.get_attribute("href"))).query)["p"][0]
    assert shown.status(id_) == "presented"
    link.click()
    WebDriverWait(shown.browser, PATIENCE).until(lambda b: b.current_url == f"{shown.site.url}/landing?a=1&b=2")
    assert shown.status(id_) == "interested"


def test_a_visitor_is_known_again_by_cookies_that_no_script_can_read(shown: Shown) -> None:
    place = '<div id="i_side"></div>'
    shown.visit(place)
    assert shown.text("i_side") == "<i>Welcome</i>"  # the guests' environment
    cookies = {one["name"]: one for one in shown.browser.get_cookies()}
    assert cookies["uuid230"]["httpOnly"] and "expiry" in cookies["uuid230"] and cookies["uuid230"]["sameSite"] == "Lax"
    assert cookies["nlid"]["httpOnly"] and "expiry" not in cookies["nlid"]
    assert shown.run("document.cookie") == ""
    shown.visit(place, ANN, "&c=linked")
    assert ">Go<" in shown.text("i_side")
    shown.visit(place, "", "&c=linked")  # logged out, and still known
    assert ">Go<" in shown.text("i_side")
    known = {one["name"]: one["value"] for one in shown.browser.get_cookies()}
    assert known["uuid230"] != cookies["uuid230"]["value"]  # somebody else may have set that one
    shown.visit(place, ANN, "&c=linked")
    assert {one["name"]: one["value"] for one in shown.browser.get_cookies()} == known


def test_a_cookie_that_was_planted_is_not_known_afterwards(shown: Shown) -> None:
    place, planted = '<div id="i_side"></div>', {"name": "uuid230", "value": "planted-by-somebody-else", "path": "/"}
    shown.visit(place)
    shown.browser.delete_all_cookies()
    shown.browser.add_cookie(planted)
    shown.visit(place, ANN, "&c=linked")
    assert ">Go<" in shown.text("i_side")
    shown.browser.delete_all_cookies()
    shown.browser.add_cookie(planted)
    shown.visit(place, "", "&c=linked")
    assert ">Go<" not in shown.text("i_side")


def test_offers_of_equal_weight_take_turns_among_visitors(shown: Shown) -> None:
    seen = set()
    for _ in range(12):
        shown.browser.delete_all_cookies()
        twice = []
        for _ in range(2):
            shown.visit('<div id="i_side"></div>', "", "&c=twins")
            twice.append(shown.text("i_side"))
        assert twice[0] == twice[1]  # the order is the visitor's own for the day
        seen.add(twice[0])
    assert seen == {"<i>A</i>", "<i>B</i>"}


def test_nothing_in_an_offer_runs_on_the_page(shown: Shown) -> None:
    shown.visit('<div id="i_raw"></div>', ANN, "&c=hostile")
    assert '<p title="Data: plans">ok</p>' in shown.text("i_raw")
    shown.run("new Promise(done => setTimeout(done, 300))")
    assert shown.run("window.hacked === undefined")
    assert shown.run("document.querySelector('#i_raw h3').textContent") == HOSTILE
    assert shown.run("document.querySelectorAll('#i_raw script, #i_raw [onerror], #i_raw [onload]').length") == 0


def test_a_site_that_is_not_declared_gets_nothing(shown: Shown) -> None:
    stranger = Site()
    try:
        shown.visit('<div id="i_web"></div>', ANN)
        stranger.pages["/page"] = shown.site.pages["/page"]
        shown.browser.get(f"{stranger.url}/page")
        shown.run("new Promise(done => setTimeout(done, 500))")
        assert shown.run("document.getElementById('i_web').innerHTML") == ""
    finally:
        stranger.close()


def test_the_console_says_why_a_call_was_refused(shown: Shown) -> None:
    warned = "var said; console.warn = function (text) { said = text; };"
    shown.visit('<div id="i_web"></div>', warned + "var interactionGlobalCtx = \"<interaction page='/'/>\";")
    WebDriverWait(shown.browser, PATIENCE).until(lambda _: shown.run("said"))
    assert "the service answered 422; OFR" in shown.run("said") and "page" in shown.run("said")


ROOT = Path(__file__).parents[2]


def test_the_demo_from_visitor_to_accepted(tmp_path: Path) -> None:
    bundled = Workspace(tmp_path / "bundled", {})
    for folder in ("specs", "environments", "data"):
        shutil.copytree(ROOT / folder, bundled.root / folder, dirs_exist_ok=True)
    made = live_copy(bundled.session(), tmp_path / "made")
    with served(made.project.root, "--demo") as service, chromium(tmp_path / "profile") as browser:
        browser.get(f"{service}/")
        wait = WebDriverWait(browser, PATIENCE)
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, "#i_web-home article h3"))
        Select(browser.find_element(By.ID, "who")).select_by_visible_text("Ana Moreau")
        browser.find_element(By.CSS_SELECTOR, "#login button").click()
        wait.until(lambda b: b.find_element(By.ID, "greeting").text == "Good to see you, Ana")
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, "#i_web-home a.button"))
        browser.find_element(By.CSS_SELECTOR, "#i_web-home a.button").click()
        wait.until(lambda b: b.find_elements(By.ID, "accept"))
        browser.find_element(By.ID, "accept").click()
        wait.until(lambda b: b.find_element(By.ID, "status").text == "Status: accepted")
        id_ = browser.find_element(By.ID, "proposition").text
    with made.existing() as store:
        row = store.proposition(id_)
    assert row is not None and (row.contact, str(row.status)) == ("1", "accepted")
