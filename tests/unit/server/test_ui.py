"""Every page at /ui: what it shows, that it escapes, who may see it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.files import base
from helpers.serving import client as asking_as
from helpers.serving import with_people
from helpers.tokens import token
from helpers.ui import ELSEWHERE, Outline, browser, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.server.ui import steps

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
PAGES = [
    "/ui",
    "/ui/history",
    "/ui/history/1",
    "/ui/history/2",
    "/ui/history?stage=shop@live",
    "/ui/diff",
    "/ui/diff?a=shop@live:1&b=shop@design",
    "/ui/approvals",
    "/ui/approvals?show=all",
    "/ui/promote",
    "/ui/promote?environment=shop",
    "/ui/offers",
    "/ui/offers?q=gold",
    "/ui/offers/shop/gold-card",
    "/ui/offers/shop/gold-card?stage=design&contact=1",
    "/ui/show",
    "/ui/show?address=shop/offer.gold-card",
    "/ui/show?address=shop/offer.gold-card&at=live&full=true",
    "/ui/show?address=shop/category.bank&at=specs",
    "/ui/show?address=environment.shop",
    "/ui/show?address=shop/offer.nothing",
    "/ui/explain",
    "/ui/weights",
    "/ui/weights?below=shop/category.bank&stage=live&at=2026-12-01",
    "/ui/weights?below=shop/offer.*",
    "/ui/report",
    "/ui/report?by=offer,category&space=web",
    "/ui/graph",
    "/ui/graph?around=shop/offer.gold-card",
    "/ui/graph?stage=live&around=shop/space.*",
    "/ui/login",
    "/ui/history/999",
    "/ui/offers/shop/nothing",
]


@pytest.fixture
def changed(shop: Workspace) -> Workspace:
    """Live, then changed in design: gold-card waits, and its label is hostile."""
    with_people(shop).go_live()
    shop.change(
        {
            "specs/shop/offers.yaml": {
                "offers": {
                    "gold-card": {
                        "label": HOSTILE,
                        "content": {"title": HOSTILE, "html": "<p style='color: red'>Gold</p>"},
                    }
                }
            }
        }
    )
    shop.apply("ada")
    return shop


@pytest.fixture
def local(changed: Workspace) -> Iterator[TestClient]:
    with browser(changed) as found:
        yield found


def test_every_page_is_sound(local: TestClient) -> None:
    for path in PAGES:
        answer = local.get(path)
        assert answer.status_code == (404 if "999" in path or "nothing" in path else 200), (path, answer.text)
        outline = Outline(answer.text)
        assert not outline.wrong, (path, outline.wrong)
        assert outline.language == "en"
        assert {"header", "main"} <= set(outline.landmarks), path
        offer = path.startswith("/ui/offers/shop/gold-card")
        ours = '<script src="/ui/previews.js" defer></script>' if offer else "none"
        assert HOSTILE not in answer.text, path
        assert "<script" not in answer.text.replace(ours, "").replace("&lt;script", ""), path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "'unsafe-inline'" not in (
            policy.replace("style-src-attr 'unsafe-inline'", "")
        )
        assert re.findall(r"script-src[^;]*", policy) == (["script-src 'self'"] if offer else []), path
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_overview_says_what_differs_and_what_waits(local: TestClient) -> None:
    page = local.get("/ui").text
    assert "2 approvals for 1 offer are waiting." in page or "1 approval for 1 offer is waiting." in page
    assert '<a href="/ui/diff?a=shop@live&amp;b=shop@design">1 changed</a>' in page
    assert 'aria-current="page">Overview' in page


def test_the_difference_is_design_against_live(local: TestClient) -> None:
    page = local.get("/ui/diff").text
    assert "<h1>live → design</h1>" in page
    assert "shop/offer.gold-card" in page and "content.title" in page
    assert "&lt;script&gt;" in page


def test_a_resource_is_shown_whole_and_found_from_everywhere(local: TestClient) -> None:
    page = local.get("/ui/show?address=shop/offer.gold-card").text
    for said in (
        "Decisions on what is in design",
        "Decisions on what is in live",
        "What waits",
        "Differences from live",
    ):
        assert f"<h2>{said}</h2>" in page
    assert '<a href="/ui/show?address=shop/category.bank"><code>shop/category.bank</code></a>' in page
    assert '<a href="/ui/offers/shop/gold-card">' in page
    past = local.get("/ui/show?address=shop/offer.gold-card&at=live:1000")
    assert past.status_code == 404
    then = local.get("/ui/show?address=shop/offer.gold-card&at=design:1").text
    assert "nobody has decided on exactly this" in then
    assert "/ui/show?at=design%3A1&amp;address=shop/category.bank" in then, "links stay in the past"
    assert "/ui/show?address=shop/offer.gold-card" in local.get("/ui/offers/shop/gold-card").text
    link = '<a href="/ui/offers/shop/gold-card"><code>shop/offer.gold-card</code></a>'
    assert link in local.get("/ui/diff").text
    revision = local.get("/ui/history/1").text
    assert link in revision
    assert '<a href="/ui/show?address=shop%2Fcategory.bank"><code>shop/category.bank</code></a>' in revision
    for state in ("plan.json", "git:main", "../../etc/passwd"):
        refused = local.get("/ui/show", params={"address": "shop/offer.gold-card", "at": state})
        assert (refused.status_code, "not a state that can be shown here" in refused.text) == (404, True)


def test_a_rename_is_one_on_every_page_that_compares(changed: Workspace) -> None:
    changed.change(
        {
            "specs/shop/offers.yaml": {
                "moved": {"offer.safari": "offer.big-five"},
                "offers": {
                    "safari": None,
                    "big-five": {
                        "category": "travel",
                        "weights": [{"label": "base", "weight": 5}],
                        "content": {"title": "Lions"},
                    },
                },
            }
        }
    )
    changed.apply("ada")
    with browser(changed) as local:
        assert "1 changed, 1 moved." in local.get("/ui/diff").text
        assert ">1 changed, 1 moved</a>" in local.get("/ui").text
        for path in ("/ui/diff?only=offer.safari", "/ui/offers/shop/big-five"):
            page = local.get(path).text
            assert "from shop/offer.safari" in page and "→ moved" in page, path
            assert "+ added" not in page and "- removed" not in page, path


def test_the_page_compares_two_environments(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "duo", base("duo"))
    workspace.apply("ada")
    with browser(workspace) as local:
        answer = local.get("/ui/diff?a=shop@design&b=guests@design")
        assert "1 added, 2 changed, 1 removed." in answer.text
        assert "<h2>shop → guests</h2>" in answer.text and "<code>offer.hello</code>" in answer.text
        assert not Outline(answer.text).wrong
        answer = local.get("/ui/diff?a=shop@design&b=shared@design")
        assert answer.status_code == 404 and "no environment in common" in answer.text


@pytest.mark.parametrize("state", ["git:HEAD", "../../etc/passwd", "plan.json", "live:../x.json", "nowhere@live"])
def test_a_page_compares_stages_and_opens_no_files(local: TestClient, state: str) -> None:
    answer = local.get("/ui/diff", params={"a": state, "b": "design"})
    assert answer.status_code == 404
    assert "This cannot be shown" in answer.text


def test_an_offer_is_shown_as_its_spaces_render_it(local: TestClient) -> None:
    page = local.get("/ui/offers/shop/gold-card?stage=live").text
    assert 'srcdoc="&lt;b&gt;Gold&lt;/b&gt;"' in page
    assert "waits for brand" in page and "approved by risk" in page
    assert (
        "Only operators who are allowed to read contacts can see propositions" in page and "As the contact" not in page
    )


def test_an_offers_propositions_are_listed_for_who_may_read_contacts(changed: Workspace) -> None:
    with asking_as(changed) as asking:
        asked = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": "ann@example.com"})
        (made,) = asked.json()["spaces"][0]["propositions"]
    path = f"/ui/offers/shop/{made['offer']}"
    with browser(changed) as local:
        assert made["id"] not in local.get(path).text
        log_in(local, token(changed, "omar"))
        assert made["id"] not in local.get(path).text
        log_in(local, token(changed, "dora"))
        assert made["id"] in local.get(path).text
        assert "It has not been proposed yet." in local.get("/ui/offers/shop/saver").text


def test_an_offer_is_shown_for_a_contact_to_who_may_read_contacts(changed: Workspace) -> None:
    path = "/ui/offers/shop/gold-card?stage=live&contact="
    with browser(changed) as local:
        for operator in ("", "omar"):
            if operator:
                log_in(local, token(changed, operator))
            known, unknown = (local.get(path + key).text for key in ("1", "77"))
            assert "[OFR757]" in known and "<iframe" not in known
            assert re.sub(r"\d", "", known) == re.sub(r"\d", "", unknown)
        log_in(local, token(changed, "dora"))
        assert "<iframe" in local.get(path + "1").text


def test_an_unknown_contact_is_told_on_the_page(changed: Workspace) -> None:
    with browser(changed) as local:
        log_in(local, token(changed, "ada"))
        answer = local.get("/ui/offers/shop/gold-card?contact=77")
    assert answer.status_code == 200
    assert "What helps:" in answer.text or "[OFR" in answer.text
    assert "<iframe" not in answer.text


def test_the_graph_is_a_picture_and_a_table(local: TestClient) -> None:
    page = local.get("/ui/graph?around=shop/offer.gold-card").text
    assert '<g class="box offer chosen">' in page
    assert 'href="?around=shop/template.plain&amp;stage=design"' in page
    assert "safari" not in page.partition("<datalist")[2].partition("</datalist>")[2]


def test_offers_are_searched(local: TestClient) -> None:
    page = local.get("/ui/offers?q=SAFARI").text
    assert "shop/offer.safari" in page and "shop/offer.saver" not in page
    assert "1 offer for “SAFARI”" in page


def test_from_elsewhere_nothing_is_seen_without_a_login(changed: Workspace) -> None:
    with browser(changed, ELSEWHERE) as asking:
        for path in PAGES:
            answer = asking.get(path)
            if path == "/ui/login":
                assert answer.status_code == 200 and "<nav" not in answer.text
            else:
                assert (answer.status_code, answer.text) == (303, "")
                assert answer.headers["location"].startswith("/ui/login?to=/ui")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}, {"Via": "1.1 x"}],
)
def test_who_comes_through_a_proxy_or_by_another_name_has_to_log_in(local: TestClient, headers: dict[str, str]) -> None:
    assert local.get("/ui", headers=headers).status_code == 303


def test_the_settings_close_the_pages(changed: Workspace) -> None:
    with browser(changed, ui="login") as asking:
        assert asking.get("/ui").status_code == 303
    with browser(changed, ui="off") as asking:
        assert asking.get("/ui").status_code == 404
        assert asking.get("/ui/login").status_code == 404


def test_who_is_not_logged_in_finds_no_forms_that_change(local: TestClient) -> None:
    for path in PAGES:
        page = local.get(path).text
        assert 'action="/ui/promote"' not in page
        assert 'value="approve"' not in page and 'name="seal"' not in page


def test_nothing_of_what_changed_is_cut_unless_it_is_very_much(
    changed: Workspace, local: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = " or ".join(f"person.age = {age}" for age in range(20, 70))
    changed.change({"specs/shop/offers.yaml": {"offers": {"saver": {"eligible": {"when": rule}}}}})
    changed.apply("ada")
    with changed.store() as store:
        last = f"/ui/history/{store.last_serial()}"
    changed.approve_all()
    pages = ("/ui/diff", "/ui/promote", "/ui/promote?environment=shop", last, "/ui/offers/shop/saver")
    for path in pages:
        page = local.get(path).text
        assert "person.age = 44" in page and "Show everything" not in page, path
    monkeypatch.setattr(steps, "MANY", 0)
    for path in pages[:-1]:
        page = local.get(path).text
        assert "person.age = 44" not in page, path
        found = re.search('href="([^"]*full=true)">Show everything', page)
        assert found, path
        assert "person.age = 44" in local.get(path.partition("?")[0] + html.unescape(found[1])).text, path


def test_a_page_says_what_it_is_a_part_of(local: TestClient) -> None:
    page = local.get("/ui/history?stage=shop@live&address=shop/offer.gold-card").text
    assert "Only revisions that changed shop/offer.gold-card in shop@live." in page
    assert '<p class="paper">offerkit · /ui/history?stage=shop@live' in page
    assert "Only <b>offer.*</b>." in local.get("/ui/diff?only=offer.*").text
    assert "Only revisions" not in local.get("/ui/history").text
    hostile = local.get("/ui/history", params={"address": HOSTILE})
    assert hostile.status_code in (200, 404) and "<script" not in hostile.text


def test_an_offer_shows_what_decides_over_it_live_beside_design(changed: Workspace) -> None:
    """Each part once, with who says it: the environment, the categories, the filters, the offer."""
    changed.change(
        {
            "specs/shop/offers.yaml": {
                "offers": {
                    "gold-card": {
                        "eligible": {"when": "person.age >= 77", "until": "2029-12-31"},
                        "weights": [{"label": "new", "weight": 42}],
                    }
                }
            }
        }
    )
    changed.change({"environments/shop.yaml": {"environment": {"when": "person.age >= 16"}}})
    changed.change({"specs/shop/catalog.yaml": {"categories": {"bank": {"multiplier": {"factor": 3}}}}})
    changed.apply("ada")
    with browser(changed) as local:
        page = re.sub(r"<[^>]+>", " ", local.get("/ui/offers/shop/gold-card").text.replace("<wbr>", ""))
    for text in ("person.age &gt;= 77", "2029-12-31", "42 (new)", "person.age &gt;= 16", "× 3"):
        assert text in page, text
    assert "environment.shop" in page and "shop/category.bank" in page and "the offer itself" in page
    assert "live and design" in page


def test_approvals_show_what_is_approved(local: TestClient) -> None:
    page = local.get("/ui/approvals").text
    assert "Changes to live" in page
    assert "content on" in page and "&lt;script&gt;alert(1)" in page and "<ins>" in page


def test_what_is_blocked_leads_to_where_it_is_decided(local: TestClient) -> None:
    page = local.get("/ui/promote").text
    assert '<a href="/ui/approvals?show=all&amp;q=shop%2Foffer.gold-card">see it and decide</a>' in page
    assert "offerkit approve" not in page
    assert steps.linked("Let it be approved, then: offerkit resume shop/offer.<b>") == (
        'Let it be approved, then: <a href="/ui/stops">resume shop/offer.&lt;b&gt;</a>'
    )
    assert steps.linked("offerkit override shop/offer.x --message TEXT") == (
        "<code>offerkit override shop/offer.x --message TEXT</code>"
    )


def test_the_graph_opens_around_what_was_changed_last(local: TestClient) -> None:
    assert 'name="around" value="shop/offer.gold-card"' in local.get("/ui/graph").text


def test_the_stylesheet_comes_from_here(local: TestClient) -> None:
    answer = local.get("/ui/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "http" not in answer.text and "@import" not in answer.text
    for need in ("prefers-color-scheme: dark", ":focus-visible", "@media print"):
        assert need in answer.text
