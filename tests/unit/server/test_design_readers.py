"""Design is kept from operators whose profile does not allow reading it, by the API and the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.address import Stage, StageRef, parse_address
from offerkit.diagnostics import Code
from offerkit.plans.plan import Dependence, envelope
from offerkit.store.simulations import SavedSimulation
from offerkit.usecases.requests import StopRequest
from offerkit.usecases.stop import stop

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
        ("/ui/show?address=shop/offer.safari", 200, 200),
        ("/ui/show?address=shop/offer.safari&at=design", 403, 200),
        ("/ui/show?address=shop/offer.safari&at=specs", 403, 200),
        ("/ui/show?address=operator.ada", 404, 404),
        ("/ui/stops", 200, 200),
        ("/ui/report", 200, 200),
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


@pytest.fixture
def secret(site: tuple[TestClient, Workspace]) -> tuple[TestClient, Workspace]:
    """An offer that only design has, stopped before anybody saw it; dora may stop, and reads nothing of design."""
    asking, shop = site
    shop.change(
        {
            "specs/shop/offers.yaml": {
                "offers": {
                    "hush": {"label": "Hush", "category": "travel", "content": {"title": "Hush"}, "spaces": ["web"]}
                }
            }
        }
    )
    shop.apply("ada")
    return asking, shop


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("store/decide", {"decision": "approved", "patterns": ["*"]}),
        ("store/decide", {"decision": "approved", "patterns": ["shop"]}),
        ("store/decide", {"decision": "approved", "patterns": ["shop/offer.hus"]}),
        ("store/decide", {"decision": "approved", "patterns": [], "categories": ["travel"]}),
        ("store/override", {"patterns": ["*"], "reason": "Let me see"}),
        ("store/override", {"patterns": ["shop/offer.hus"], "reason": "Let me see"}),
        ("stop", {"patterns": ["shop/offer.hus"], "reason": "Let me see"}),
        ("stop", {"patterns": ["shop/offer.*"], "reason": "Let me see"}),
        ("resume", {"patterns": ["shop/offer.hus"], "reason": "Let me see"}),
        ("resume", {"patterns": ["*"], "reason": "Let me see"}),
        ("store/simulations", {"action": "read", "names": ["first"]}),
        ("store/simulations", {"action": "read", "names": ["firs"]}),
        ("store/simulations", {"action": "list"}),
        ("store/report", {"offers": ["hus"]}),
        ("store/report", {"offers": ["gone"], "by": ["offer.hus"]}),
        ("store/simulations/remove", {"names": ["firs"]}),
    ],
)
def test_no_call_tells_names_of_design(
    secret: tuple[TestClient, Workspace], path: str, wish: dict[str, object]
) -> None:
    asking, shop = secret
    (shop.root / "people.csv").write_text("id,age\n1,41\n", encoding="utf-8")
    shop.change({"specs/shared.yaml": {"dimensions": {"person": {"source": {"format": "csv", "path": "people.csv"}}}}})
    shop.apply("ada")
    with shop.session().writing() as store, store.recording():
        store.save_simulation(
            SavedSimulation("first-hush", "shop", "design", shop.session("ada").now, "ada", "{}"), replaced=False
        )
    if path == "resume":
        done = asking.post(
            "/api/v1/stop", json={"patterns": ["shop/offer.hush"], "reason": "Not yet"}, headers=headers(shop, "ada")
        )
        assert done.status_code == 200
    answer = asking.post(f"/api/v1/{path}", json=wish, headers=headers(shop, "dora"))
    assert "hush" not in answer.text.lower(), answer.text
    stops = asking.get("/api/v1/stops", headers=headers(shop, "dora"))
    assert stops.status_code == 200
    assert "hush" not in stops.text.lower(), "what was stopped before it was live is design"


def test_a_report_knows_no_offer_of_design(secret: tuple[TestClient, Workspace]) -> None:
    """Who may not read design is told the same of an offer that only design has as of one that nothing has."""
    asking, shop = secret
    known = asking.post("/api/v1/store/report", json={"offers": ["hush"]}, headers=headers(shop, "ada"))
    assert known.status_code == 200
    answers = [
        asking.post("/api/v1/store/report", json={"offers": [name]}, headers=headers(shop, "dora"))
        for name in ("hush", "lull")
    ]
    assert answers[0].status_code == answers[1].status_code == 422
    assert answers[0].text.replace("hush", "lull") == answers[1].text


@pytest.mark.parametrize("at", ["", "live", "shop@live:3", "design", "shop@design:3", "specs", "nowhere@design"])
def test_the_page_of_a_resource_knows_no_offer_of_design(secret: tuple[TestClient, Workspace], at: str) -> None:
    """An offer that only design has is answered for as one that nothing has; and live tells nothing of design."""
    asking, shop = secret
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Unheard of"}}}}})
    shop.apply("ada")
    asking.cookies.set("offerkit_ui", token(shop, "dora"))
    answers = [asking.get(f"/ui/show?address=shop/offer.{name}&at={at}") for name in ("hush", "lull")]
    assert answers[0].status_code == answers[1].status_code == (404 if "live" in at or not at else 403)
    first, second = (re.sub(r"[0-9:]{8} UTC", "", answer.text) for answer in answers)
    assert first.replace("hush", "lull") == second
    shown = asking.get(f"/ui/show?address=shop/offer.safari&at={at}")
    assert shown.status_code == (200 if at in ("", "live") else 404 if "live" in at else 403)
    assert "Unheard of" not in shown.text
    assert "hush" not in shown.text.lower()
    asking.cookies.set("offerkit_ui", token(shop, "ada"))
    assert "Unheard of" in asking.get("/ui/show?address=shop/offer.safari").text


@pytest.mark.parametrize(
    "path",
    [
        "/ui/offers/shop/hush-abroad",
        "/ui/offers/shop/safari",
        "/ui/show?address=shop/offer.hush-abroad",
        "/ui/show?address=shop/offer.hush-abroad&at=design",
        "/ui/show?address=person&at=design",
        "/ui/show?address=shop/space.web&at=design",
        "/ui/show?address=shop/space.web&at=shop@design",
    ],
)
def test_reading_one_environment_tells_nothing_of_others(site: tuple[TestClient, Workspace], path: str) -> None:
    """Neither what is named alike, nor what refers to it from there."""
    asking, shop = site
    shop.change(
        {
            "environments/abroad.yaml": {"version": 1, "environment": {"dimension": "person"}},
            "specs/abroad/all.yaml": {
                "version": 1,
                "spaces": {"hushed": {"channel": "inbound-web", "fields": [{"name": "title"}]}},
                "categories": {"hushes": {}},
                "offers": {"hush-abroad": {"category": "hushes", "content": {"title": "Hush"}}},
            },
        }
    )
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"weights": [{"weight": 77}]}}}})
    shop.apply("ada")
    shop.approve("omar", "shop/offer.safari", "abroad/offer.hush-abroad")
    stop(shop.session("omar"), StopRequest(("shop/offer.safari", "abroad/offer.hush-abroad"), "Hush, both"))
    asking.cookies.set("offerkit_ui", token(shop, "olga"))
    text = re.sub(
        "shop/offer.hush-abroad|shop/hush-abroad|: Hush, both", "", asking.get(path).text.replace("<wbr>", "")
    )
    assert "hush" not in text.lower()
    asking.cookies.set("offerkit_ui", token(shop, "ada"))
    assert asking.get(path).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/ui/approvals", "/ui/promote"])
def test_no_form_shows_design(secret: tuple[TestClient, Workspace], path: str) -> None:
    """What a page refuses to show is not shown in the answer to its form either."""
    asking, shop = secret
    asking.cookies.set("offerkit_ui", token(shop, "dora"))
    seal = re.search(r'name="seal" value="([^"]+)"', asking.get("/ui/stops").text)
    assert seal is not None
    form = {"seal": seal[1], "address": "*", "decision": "approve", "digest": "0"}
    answer = asking.post(path, data=form, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403
    assert Code.NOT_A_DESIGN_READER in answer.text
    assert "hush" not in answer.text.lower()


def test_design_is_not_counted_for_who_may_not_read_it(secret: tuple[TestClient, Workspace]) -> None:
    asking, shop = secret
    plan = envelope(shop.promotion("ada")).decode()
    for path in ("impact", "limit"):
        answer = asking.post(f"/api/v1/store/{path}", json={"plan": plan}, headers=headers(shop, "dora"))
        assert answer.json()["errors"][0]["code"] == Code.NOT_A_DESIGN_READER


@pytest.mark.parametrize("path", ["store/decide", "store/override", "stop", "resume"])
def test_an_offer_of_design_is_as_one_that_nothing_has(secret: tuple[TestClient, Workspace], path: str) -> None:
    """A right name is no more than a guess to those who can neither read the offer nor decide on it."""
    asking, shop = secret
    shop.change({"specs/shop/offers.yaml": {"offers": {"hush": {"reviewers": {"content": ["gone"]}}}}})
    shop.change({"specs/shared.yaml": {"operators": {"gone": {"label": "x", "profile": "offer-manager"}}}})
    shop.apply("ada")
    shop.change({"specs/shared.yaml": {"operators": {"gone": {"enabled": False}}}})
    shop.apply("ada")
    asked = {"decision": "approved", "expect": "0" * 32} if path.endswith("decide") else {"reason": "Let me see"}
    answers = [
        asking.post(
            f"/api/v1/{path}", json={**asked, "patterns": [f"shop/offer.{name}"]}, headers=headers(shop, "dora")
        )
        for name in ("hush", "lull")
    ]
    assert answers[0].status_code >= 400
    assert answers[0].text.replace("hush", "lull") == answers[1].text


def test_a_named_reviewer_decides_on_settings_without_reading_design(site: tuple[TestClient, Workspace]) -> None:
    """An environment and a dimension have full addresses, too."""
    asking, shop = site
    shop.change({"environments/shop.yaml": {"environment": {"reviewers": {"settings": ["dora"]}}}})
    shop.apply("ada")
    shop.approve_all()
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"time_zone": "Asia/Tokyo"}},
            "specs/shared.yaml": {"dimensions": {"person": {"fields": {"height": {"type": "integer"}}}}},
        }
    )
    shop.apply("ada")
    wish = {"decision": "approved", "patterns": ["environment.shop", "dimension.person"], "settings": True}
    answer = asking.post("/api/v1/store/decide", json=wish, headers=headers(shop, "dora"))
    assert answer.status_code == 200, answer.text
    assert {key["address"] for key in answer.json()["keys"]} == {"environment.shop", "dimension.person"}
    guessed = {**wish, "patterns": ["environment.*"]}
    assert asking.post("/api/v1/store/decide", json=guessed, headers=headers(shop, "dora")).status_code == 403


def test_a_plan_cannot_ask_what_design_has(secret: tuple[TestClient, Workspace]) -> None:
    """A plan that says what design is like is refused in the same words, whether it is so or not."""
    asking, shop = secret
    shop.change({"specs/shared.yaml": {"profiles": {"sender": {"rights": [{"verb": "promote"}]}}}})
    shop.apply("ada")
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Lions"}}}})
    shop.apply("ada")
    plan = shop.promotion("ada")
    hush = Dependence(StageRef("shop", Stage.DESIGN), parse_address("shop/offer.hush"), "")
    lull = replace(hush, address=parse_address("shop/offer.lull"), fingerprint="1:" + "0" * 64)
    calls: list[tuple[str, dict[str, Any]]] = [("apply", {}), ("schedule", {"due": "2028-01-01T00:00:00.000000Z"})]
    for path, more in calls:
        answers = [
            asking.post(
                f"/api/v1/store/{path}",
                json={"plan": envelope(replace(plan, depends=(*plan.depends, guess))).decode(), **more},
                headers=headers(shop, who),
            )
            for who, guess in (("dora", hush), ("dora", lull), ("omar", hush))
        ]
        assert [answer.status_code for answer in answers] == [409, 409, 409], [answer.text for answer in answers]
        assert answers[0].text == answers[1].text
        assert "hush" not in answers[0].text
        assert "hush" in answers[2].text, "who may read design is told"
