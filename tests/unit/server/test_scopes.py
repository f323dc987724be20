"""Tokens have scopes: every route says which it takes, and what a plan takes is judged by what it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.ui import FORM, browser, hidden, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.governance.approvals import Decision
from offerkit.governance.rights import TokenScope, required_scopes, scopes_of, scopes_text
from offerkit.plans.plan import Plan, PlanKind, envelope
from offerkit.server.app import application
from offerkit.server.config import ServerConfig
from offerkit.server.route_scopes import OPEN, ROUTES, check_scope
from offerkit.server.routing import Operation, Routes
from offerkit.store.remote import CHANGING, RemoteStore
from offerkit.usecases.apply import apply, entitled_actor
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.backends import ServerBackend
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.tokens import Bearer

SAFARI = "shop/offer.safari"
APPLY, DECIDE = "/api/v1/store/apply", "/api/v1/store/decide"
OTHERS = {
    "apply": ("read", "approve", "promote"),
    "approve": ("read", "apply", "promote"),
    "promote": ("read", "apply", "approve"),
}


@pytest.fixture
def changed(shop: Workspace) -> Workspace:
    """Live, and one offer changed since, in the specs only."""
    with_people(shop).go_live()
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Another safari"}}}}})
    return shop


@pytest.fixture
def asking(changed: Workspace) -> Iterator[TestClient]:
    with client(changed) as found:
        yield found


@pytest.mark.embedded
def test_every_route_declares_its_scope(live_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Operation] = []

    def routes(operations: Iterable[Operation], *given: Any) -> Routes:
        made.extend(operations)
        return Routes(made, *given)

    monkeypatch.setattr("offerkit.server.app.Routes", routes)
    application(live_shop.session(), ServerConfig(str(live_shop.root), demo=True, ui="local"))
    assert {(operation.method, operation.path) for operation in made} == set(ROUTES)


READING = ("/impact", "/limit", "/propositions", "/report", "/simulations", "/explain", "/contact/export")
"""Routes that only read, although they are posted to: what is asked is too long for an address, or private."""


@pytest.mark.embedded
def test_who_may_call_what() -> None:
    for (method, path), taken in ROUTES.items():
        operators_only = path.startswith(
            ("/api/v1/store", "/api/v1/stop", "/api/v1/resume", "/api/v1/explain", "/api/v1/contact", "/ui")
        ) and path not in (
            "/ui/",
            "/ui/style.css",
            "/ui/previews.js",
            "/ui/login",
            "/ui/logout",
        )
        assert bool(taken) is operators_only, path
        assert taken == OPEN or method == "GET" or path.endswith(READING) or TokenScope.READ not in taken
        if operators_only and method == "POST" and path.startswith("/api/"):
            assert path.endswith(CHANGING) is not path.endswith(READING), f"{path}: may it have been carried out?"
    with pytest.raises(KeyError):
        check_scope(Bearer("ada", frozenset(TokenScope)), "GET", "/ui/undeclared")


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("given", "text", "held"),
    [
        ((), "read", {"read"}),
        (("read",), "read", {"read"}),
        (("promote", "apply"), "read,apply,promote", {"read", "apply", "promote"}),
        (("apply", "apply"), "read,apply", {"read", "apply"}),
        (("all", "apply"), "all", {"read", "apply", "approve", "promote", "stop", "erase"}),
        (("stop",), "read,stop", {"read", "stop"}),
        (("erase",), "read,erase", {"read", "erase"}),
        (("relay",), "read,relay", {"read", "relay"}),
        (
            ("read", "apply", "approve", "promote"),
            "read,apply,approve,promote",
            {"read", "apply", "approve", "promote"},
        ),
    ],
)
def test_how_scopes_are_written(given: tuple[str, ...], text: str, held: set[str]) -> None:
    assert scopes_text(given) == text
    assert scopes_of(text) == held


@pytest.mark.embedded
@pytest.mark.parametrize("text", ["", "ALL", "all,apply", "everything", "Apply", "read apply", "apply;promote"])
def test_what_is_not_known_allows_nothing(text: str) -> None:
    assert scopes_of(text) <= {TokenScope.APPLY} if text == "all,apply" else scopes_of(text) == set()


def post(asking: TestClient, secret: str, path: str, body: dict[str, Any]) -> tuple[int, list[dict[str, str]]]:
    answer = asking.post(path, json=body, headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, answer.json().get("errors", [])


def refused(asking: TestClient, shop: Workspace, plan: Plan, *scopes: str) -> str:
    """The sentence with which a plan is refused for a token with ``scopes``; empty when it was applied."""
    before = last(shop)
    secret = token(shop, "ada", *scopes)
    status, errors = post(asking, secret, APPLY, {"plan": envelope(plan).decode()})
    if status == 200:
        return ""
    assert (status, {one["code"] for one in errors}) == (403, {"OFR708"}), errors
    assert last(shop) == before + 1, "the token alone"
    (found,) = errors
    assert "offerkit token create ada --scope" in found["hint"]
    return found["message"]


def last(shop: Workspace) -> int:
    with shop.store() as store:
        return store.last_serial()


def test_applying_takes_apply(asking: TestClient, changed: Workspace) -> None:
    plan = changed.plan()
    assert required_scopes(plan) == {TokenScope.APPLY}
    for other in OTHERS["apply"]:
        assert "apply" in refused(asking, changed, plan, other)
    assert refused(asking, changed, plan, "apply") == ""


def test_promoting_takes_promote(asking: TestClient, changed: Workspace) -> None:
    changed.apply("ada")
    changed.approve_all()
    plan = changed.promotion("ada")
    assert required_scopes(plan) == {TokenScope.PROMOTE}
    for other in OTHERS["promote"]:
        assert "promote" in refused(asking, changed, plan, other)
    assert refused(asking, changed, plan, "promote") == ""
    back = changed.rollback_plan("shop@live", last(changed) - 1)
    assert required_scopes(back) == {TokenScope.PROMOTE}
    assert "promote" in refused(asking, changed, back, "apply")
    design = changed.rollback_plan("shop@design", 1)
    assert required_scopes(design) == {TokenScope.APPLY}


def test_what_a_plan_does_counts_and_not_what_it_calls_itself(asking: TestClient, changed: Workspace) -> None:
    changed.apply("ada")
    changed.approve_all()
    promotion = changed.promotion("ada")
    for kind in PlanKind:
        forged = replace(promotion, kind=kind)
        assert TokenScope.PROMOTE in required_scopes(forged), kind
        assert "promote" in refused(asking, changed, forged, "apply", "approve")
    hidden_ = replace(promotion, kind=PlanKind.APPLY, base=())
    assert required_scopes(hidden_) == {TokenScope.PROMOTE} and "promote" in refused(asking, changed, hidden_, "apply")


def test_campaigns_are_applied(shop: Workspace) -> None:
    plan = shop.plan()
    live = {step.stage for step in plan.steps if step.stage.endswith("@live")}
    assert required_scopes(plan) == {TokenScope.APPLY}
    assert all("campaign." in step.address for step in plan.steps if step.stage in live)


def test_it_is_told_before_anything_is_sent(changed: Workspace) -> None:
    """A command line elsewhere knows the scopes of its token from the copy that it reads."""
    plan = changed.plan()
    nobody = RemoteStore("http://127.0.0.1:1", "secret")
    session = changed.session("ada", backend=ServerBackend(nobody), scopes=scopes_of("read"))
    for ask in (
        lambda: entitled_actor(session, plan),
        lambda: apply(session, plan),
        lambda: approve_or_reject(session, ApprovalRequest((SAFARI,)), Decision.APPROVED),
    ):
        with pytest.raises(Refused) as caught:
            ask()
        assert [found.code for found in caught.value.diagnostics] == [Code.TOKEN_SCOPE]
    assert (
        entitled_actor(changed.session("ada", backend=ServerBackend(nobody), scopes=scopes_of("read,apply")), plan).name
        == "ada"
    )


def test_deciding_takes_approve(asking: TestClient, changed: Workspace) -> None:
    changed.apply("ada")
    body = {"decision": "approved", "patterns": [SAFARI]}
    for other in OTHERS["approve"]:
        status, errors = post(asking, token(changed, "omar", other), DECIDE, body)
        assert (status, errors[0]["code"]) == (403, "OFR708")
        assert "approve" in errors[0]["message"]
    assert post(asking, token(changed, "omar", "approve"), DECIDE, body)[0] == 200


def test_reading_takes_no_more_than_read(asking: TestClient, changed: Workspace) -> None:
    header = {"Authorization": f"Bearer {token(changed, 'ada', 'read')}"}
    answer = asking.get("/api/v1/store/copy", headers=header)
    assert (answer.status_code, answer.headers["offerkit-scope"]) == (200, "read")
    plan = envelope(changed.plan()).decode()
    assert asking.post("/api/v1/store/impact", json={"plan": plan}, headers=header).status_code == 200
    assert asking.post("/api/v1/store/limit", json={"plan": plan}, headers=header).status_code == 200


@pytest.mark.embedded
@pytest.mark.parametrize("scope", ["", "everything", "apply", "ALL"])
def test_a_scope_that_another_hand_wrote_allows_nothing(changed: Workspace, scope: str) -> None:
    secret = token(changed, "ada")
    from helpers import tampering

    tampering.execute(changed.location, f"UPDATE token SET scope = '{scope}'")
    with client(changed) as asking:
        answer = asking.get("/api/v1/store/copy", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


def test_pages_are_held_to_the_tokens_scope(changed: Workspace) -> None:
    changed.apply("ada")
    with browser(changed, ui="login") as asking:
        log_in(asking, token(changed, "omar", "read"))
        for path in ("/ui", "/ui/approvals", "/ui/promote", "/ui/history", "/ui/offers", "/ui/diff", "/ui/graph"):
            assert asking.get(path).status_code == 200, path
        assert 'name="decision"' not in asking.get("/ui/approvals").text
        assert "which lacks the scope approve" in asking.get("/ui/approvals").text
        log_in(asking, token(changed, "omar", "approve"))
        page = asking.get("/ui/approvals").text
        assert 'name="decision"' in page
        seal = hidden(page, "seal")
        asking.cookies.clear()
        for path, scope in (("/ui/approvals", "approve"), ("/ui/promote", "promote")):
            secret = token(changed, "omar", *OTHERS[scope])
            log_in(asking, secret)
            before = last(changed)
            answer = asking.post(path, data={"seal": seal, "decision": "approve", "offer": SAFARI}, headers=FORM)
            assert answer.status_code == 403 and "[OFR708]" in answer.text and f"scope {scope}" in answer.text
            assert last(changed) == before
