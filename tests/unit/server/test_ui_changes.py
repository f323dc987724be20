"""Approving and promoting at /ui: as the operator who is logged in, with the same checks; forged forms change nothing."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import with_people
from helpers.tokens import token
from helpers.ui import ELSEWHERE, FORM, Outline, browser, hidden, log_in
from helpers.workspace import Workspace
from limits import RateLimitItemPerMinute
from starlette.testclient import TestClient

from offerkit.address import parse_address
from offerkit.diagnostics import Code, refuse
from offerkit.plans.plan import plan_digest
from offerkit.server import authentication
from offerkit.server.ui import promotion
from offerkit.usecases import impact_limit, tokens
from offerkit.usecases.review import review_tokens

GOLD = "shop/offer.gold-card"


@pytest.fixture
def changed(shop: Workspace) -> Workspace:
    """Live, then changed in design: the content of gold-card waits for brand."""
    with_people(shop).go_live()
    shop.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {"content": {"title": "More gold"}}}}})
    shop.apply("ada")
    return shop


@pytest.fixture
def asking(changed: Workspace) -> Iterator[TestClient]:
    with browser(changed, ELSEWHERE) as found:
        yield found


def as_(asking: TestClient, shop: Workspace, operator: str) -> TestClient:
    asking.cookies.clear()
    log_in(asking, token(shop, operator))
    return asking


def seal(asking: TestClient) -> str:
    return hidden(asking.get("/ui").text, "seal")


def last(shop: Workspace) -> tuple[int, str, str, str]:
    with shop.store() as store:
        (row,) = store.revisions(limit=1)
    return row.serial, row.action, row.actor, row.message


def shown(workspace: Workspace, *offers: str) -> list[str]:
    """What the form says of offers that are as they are now."""
    with workspace.store() as store:
        return [
            f"{address} {name}"
            for address, name in review_tokens(store, [parse_address(offer) for offer in offers if offer]).items()
        ]


def approve(asking: TestClient, **more: str) -> None:
    page = asking.get("/ui/approvals?show=all").text
    found = re.search(f'name="offer" value="({GOLD} [0-9a-f]+)"', page)
    assert found
    fields = {"offer": found[1], "decision": "approve", "seal": seal(asking), **more}
    answer = asking.post("/ui/approvals", data=fields, headers=FORM)
    assert answer.status_code == 303, answer.text
    assert "✓ Decided" in asking.get(answer.headers["location"]).text


def test_the_token_is_kept_in_a_cookie_that_only_this_service_gets(asking: TestClient, changed: Workspace) -> None:
    secret = token(changed, "brand")
    answer = asking.post("/ui/login", data={"token": secret, "to": "/ui/approvals"}, headers=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/approvals")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/")) and "Secure" not in cookie
    page = asking.get("/ui")
    assert "<b>brand</b>" in page.text and secret not in page.text and not Outline(page.text).wrong
    secure = asking.post(
        "https://127.0.0.1:8140/ui/login", data={"token": secret}, headers={"Origin": "https://127.0.0.1:8140"}
    )
    assert "Secure" in secure.headers["set-cookie"] and "__Host-" in secure.headers["set-cookie"]


def test_what_is_no_token_logs_nobody_in(asking: TestClient) -> None:
    for given in ("", "nobody's", "x" * 5_000, "\x00", "' OR 1=1 --"):
        answer = asking.post("/ui/login", data={"token": given}, headers=FORM)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "this token is not valid" in answer.text
        assert given.strip("\x00") == "" or given not in answer.text


def test_guessing_is_stopped_and_hinders_nobody(
    asking: TestClient, changed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_LOOKED_UP", RateLimitItemPerMinute(30))
    known, other = token(changed, "ada"), token(changed, "brand")

    def log_in(text: str) -> int:
        status: int = asking.post("/ui/login", data={"token": text}, headers=FORM).status_code
        return status

    def guess(first: int, end: int) -> set[int]:
        return {log_in(f"ofk_000000000000_{number:043}") for number in range(first, end)}

    assert guess(0, authentication.GUESSES + 1) == {401}
    assert log_in(known) == 303, "colleagues at the same address go on working"
    assert guess(authentication.GUESSES + 1, 31) == {401}
    assert (log_in(known), log_in(other)) == (303, 401), "what never counted is not looked up any more"


def test_a_revoked_token_ends_the_login(
    asking: TestClient, changed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "KNOWN_FOR", 0.0)
    form = {"offer": GOLD, "decision": "approve", "seal": seal(as_(asking, changed, "brand"))}
    with changed.store() as store:
        (row,) = store.tokens()
    tokens.revoke(changed.session("ada"), row.id)
    before = last(changed)
    assert asking.post("/ui/approvals", data=form, headers=FORM).status_code == 401
    assert last(changed) == before
    answer = asking.get("/ui")
    assert answer.status_code == 303 and 'offerkit_ui=""' in answer.headers["set-cookie"]


def test_the_login_leads_to_no_other_place(asking: TestClient, changed: Workspace) -> None:
    secret = token(changed, "ada")
    for to in (
        "https://evil.example",
        "//evil.example",
        "/ui/../x",
        "/other",
        "/ui//evil",
        "/ui\\x",
        "/ui@evil.example",
    ):
        answer = asking.post("/ui/login", data={"token": secret, "to": to}, headers=FORM)
        assert answer.headers["location"] == "/ui", to


def test_logging_out_forgets_the_token(asking: TestClient, changed: Workspace) -> None:
    as_(asking, changed, "ada")
    answer = asking.post("/ui/logout", data={"seal": seal(asking)}, headers=FORM)
    assert answer.status_code == 303
    assert asking.get("/ui").status_code == 303


def test_an_approval_is_the_operators_who_is_logged_in(asking: TestClient, changed: Workspace) -> None:
    page = as_(asking, changed, "brand").get("/ui/approvals").text
    assert re.search(f'value="{GOLD} [0-9a-f]{{32}}" aria-label="Choose {GOLD}"', page)
    assert not Outline(page).wrong
    approve(asking, comment="Well said.")
    assert last(changed)[1:] == ("approve", "brand", "Well said.")
    assert "Nothing is waiting for approval" in asking.get("/ui/approvals").text
    assert changed.verified() == []


def test_a_rejection_too(asking: TestClient, changed: Workspace) -> None:
    approve(as_(asking, changed, "brand"), decision="reject", aspect="content")
    assert last(changed)[1:3] == ("reject", "brand")


@pytest.mark.parametrize(
    ("operator", "fields", "status", "why"),
    [
        ("dora", {"offer": GOLD, "aspect": "content"}, 403, "is not allowed to decide"),
        ("brand", {"offer": GOLD, "aspect": "eligibility"}, 403, "is not allowed to decide"),
        ("brand", {"offer": "shop/offer.gold-crad"}, 422, "gold-card"),
        ("brand", {"aspect": "content"}, 422, "no offer was chosen"),
        ("brand", {"offer": GOLD, "decision": "perhaps"}, 422, "neither approve nor reject"),
    ],
)
def test_what_is_refused_is_told_and_changes_nothing(
    asking: TestClient, changed: Workspace, operator: str, fields: dict[str, str], status: int, why: str
) -> None:
    as_(asking, changed, operator)
    before = last(changed)
    offer = fields.get("offer", "")
    offers = shown(changed, offer) if offer == GOLD else [offer]
    given = {"decision": "approve", "seal": seal(asking), **fields, "offer": offers if "offer" in fields else []}
    answer = asking.post("/ui/approvals", data=given, headers=FORM)
    assert answer.status_code == status
    assert why in answer.text and "Nothing was changed." in answer.text and "[OFR" in answer.text
    assert not Outline(answer.text).wrong
    assert last(changed) == before


def test_what_changed_since_it_was_shown_is_not_approved(asking: TestClient, changed: Workspace) -> None:
    page = as_(asking, changed, "brand").get("/ui/offers/shop/gold-card").text
    form = {"offer": hidden(page, "offer"), "decision": "approve", "seal": seal(asking)}
    changed.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {"content": {"title": "All the gold"}}}}})
    changed.apply("ada")
    before = last(changed)
    for offer in (form["offer"], GOLD, f"{GOLD} ", f"{GOLD} {'0' * 32}", "shop/offer.*"):
        answer = asking.post("/ui/approvals", data={**form, "offer": offer}, headers=FORM)
        assert answer.status_code == 409 and "[OFR707]" in answer.text, offer
    assert last(changed) == before
    form["offer"] = hidden(asking.get("/ui/offers/shop/gold-card").text, "offer")
    assert asking.post("/ui/approvals", data=form, headers=FORM).status_code == 303
    assert last(changed)[1:3] == ("approve", "brand")


def test_of_many_ticked_those_that_may_be_are_decided_and_the_others_told(
    asking: TestClient, changed: Workspace
) -> None:
    as_(asking, changed, "brand")
    offers = shown(changed, GOLD, "shop/offer.safari")
    form = {"offer": offers, "decision": "approve", "aspect": "content", "seal": seal(asking)}
    answer = asking.post("/ui/approvals", data=form, headers=FORM)
    assert answer.status_code == 200 and not Outline(answer.text).wrong
    serial, action, actor, _ = last(changed)
    assert (action, actor) == ("approve", "brand")
    assert f'href="/ui/history/{serial}"' in answer.text and "Nothing was changed" not in answer.text
    assert "is not allowed to decide on the content of shop/offer.safari" in answer.text and "[OFR701]" in answer.text
    answer = asking.post("/ui/approvals", data=form, headers=FORM)
    assert "already made" in answer.text and last(changed)[0] == serial


@pytest.mark.parametrize(
    ("headers", "sealed"),
    [
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site", **FORM}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({}, True),
        (FORM, False),
    ],
)
def test_a_forged_form_changes_nothing(
    asking: TestClient, changed: Workspace, headers: dict[str, str], sealed: bool
) -> None:
    own = seal(as_(asking, changed, "omar"))
    before = last(changed)
    fields = {"offer": "shop/offer.saver", "decision": "reject", "plan": "0" * 64, "seal": own if sealed else "0" * 64}
    for path in ("/ui/approvals", "/ui/promote", "/ui/logout"):
        answer = asking.post(path, data=fields, headers=headers)
        assert answer.status_code == 403, path
        assert "not sent from a page of this service" in answer.text
    assert last(changed) == before and asking.get("/ui").status_code == 200


def test_behind_a_proxy_forms_come_from_the_public_address(changed: Workspace) -> None:
    public = {"Origin": "https://offers.example", "X-Forwarded-For": "203.0.113.9"}
    with browser(changed, public_url="https://offers.example") as asking:
        given = {"token": token(changed, "ada")}
        assert asking.post("/ui/login", data=given, headers=public).status_code == 303
        assert asking.post("/ui/login", data=given, headers={"Origin": "https://evil.example"}).status_code == 403


def test_another_operators_seal_is_not_taken(asking: TestClient, changed: Workspace) -> None:
    foreign = seal(as_(asking, changed, "ada"))
    as_(asking, changed, "brand")
    fields = {"offer": GOLD, "decision": "approve", "seal": foreign}
    assert asking.post("/ui/approvals", data=fields, headers=FORM).status_code == 403


def test_without_a_login_no_form_is_taken_not_even_here(changed: Workspace) -> None:
    before = last(changed)
    with browser(changed) as here:
        for path in ("/ui/approvals", "/ui/promote"):
            answer = here.post(path, data={"offer": GOLD, "decision": "approve", "seal": ""}, headers=FORM)
            assert answer.status_code == 401 and "you are not logged in" in answer.text
    assert last(changed) == before


def ready(asking: TestClient, changed: Workspace) -> dict[str, str]:
    """The form of the promotion that is possible once brand has approved, as omar sees it."""
    changed.approve("brand")
    page = as_(asking, changed, "omar").get("/ui/promote").text
    assert "Promote exactly this to live" in page and not Outline(page).wrong
    return {"plan": hidden(page, "plan"), "seal": hidden(page, "seal"), "message": "Gold for all"}


def test_the_plan_that_was_shown_goes_live_as_the_operators(asking: TestClient, changed: Workspace) -> None:
    answer = asking.post("/ui/promote", data=ready(asking, changed), headers=FORM)
    assert answer.status_code == 303, answer.text
    serial, *rest = last(changed)
    assert rest == ["promote", "omar", "Gold for all"]
    assert answer.headers["location"] == f"/ui/history/{serial}"
    assert "More gold" in asking.get(answer.headers["location"]).text
    with changed.store() as store:
        assert store.entries("shop@live")[GOLD].fingerprint == store.entries("shop@design")[GOLD].fingerprint
    assert "No changes" in asking.get("/ui/promote").text
    assert changed.verified() == []


def test_a_plan_that_changed_meanwhile_is_shown_anew_and_not_applied(asking: TestClient, changed: Workspace) -> None:
    form = ready(asking, changed)
    changed.change({"specs/shop/offers.yaml": {"offers": {"saver": {"content": {"title": "Save more"}}}}})
    changed.apply("ada")
    changed.approve("omar", "shop/offer.saver")
    before = last(changed)
    answer = asking.post("/ui/promote", data=form, headers=FORM)
    assert answer.status_code == 409
    assert "The plan has changed since you saw it" in answer.text and "Save more" in answer.text
    assert last(changed) == before
    fresh = {**form, "plan": hidden(answer.text, "plan")}
    assert asking.post("/ui/promote", data=fresh, headers=FORM).status_code == 303
    assert last(changed)[1:3] == ("promote", "omar")


def test_what_goes_live_on_pages_is_anchored(asking: TestClient, changed: Workspace, tmp_path: Path) -> None:
    """A promotion and a stop; a place that cannot be used undoes neither, and is logged."""
    place = tmp_path / "anchors.jsonl"
    places = [f"file:{place}", f"file:{tmp_path / 'missing' / 'anchors.jsonl'}"]
    changed.change({"environments/shop.yaml": {"environment": {"promotion": {"anchors": places}}}})
    changed.apply("ada")
    assert asking.post("/ui/promote", data=ready(asking, changed), headers=FORM).status_code == 303
    seal_ = {"seal": seal(asking), "address": GOLD, "reason": "Wrong", "sure": "yes"}
    assert asking.post("/ui/stop", data=seal_, headers=FORM).status_code == 303
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    assert [line["action"] for line in lines] == ["promote", "stop"]
    assert lines[-1]["revision"] == last(changed)[0]


def test_the_same_form_sent_twice_promotes_once(asking: TestClient, changed: Workspace) -> None:
    form = ready(asking, changed)
    assert asking.post("/ui/promote", data=form, headers=FORM).status_code == 303
    before = last(changed)
    assert asking.post("/ui/promote", data=form, headers=FORM).status_code == 409
    assert last(changed) == before


def test_who_may_not_promote_is_told_before_and_refused_after(asking: TestClient, changed: Workspace) -> None:
    form = ready(asking, changed)
    page = as_(asking, changed, "dora").get("/ui/promote").text
    assert "dora is not allowed to promote this" in page and "Promote exactly this" not in page
    before = last(changed)
    answer = asking.post("/ui/promote", data={**form, "seal": seal(asking)}, headers=FORM)
    assert answer.status_code in (403, 409)
    assert last(changed) == before


def limited(asking: TestClient, changed: Workspace, when: str, share: str) -> str:
    """The page of a promotion after which offers are for some people only, as omar sees it."""
    offers = {name: {"eligible": {"when": when}} for name in ("gold-card", "safari", "saver")}
    changed.change(
        {
            "specs/shop/offers.yaml": {"offers": offers},
            "environments/shop.yaml": {"environment": {"impact": {"max_lost": share}}},
        }
    )
    changed.apply("ada")
    changed.approve_all()
    page = as_(asking, changed, "omar").get("/ui/promote").text
    assert not Outline(page).wrong
    return page


def test_the_impact_limit_is_shown_with_the_plan(asking: TestClient, changed: Workspace) -> None:
    changed.approve("brand")
    assert "None of these environments limits" in as_(asking, changed, "omar").get("/ui/promote").text
    page = limited(asking, changed, "person.age >= 18", "50%")
    assert "The plan is within the impact limit." in page and "✓ within" in page and ">50%</td>" in page
    form = {"plan": hidden(page, "plan"), "seal": hidden(page, "seal")}
    answer = asking.post("/ui/promote", data=form, headers=FORM)
    assert answer.status_code == 303
    page = asking.get(answer.headers["location"]).text
    assert not Outline(page).wrong
    assert "Impact on contacts" in page and "✓ within" in page and ">50%</td>" in page
    assert "Impact on contacts" not in asking.get("/ui/history/1").text


def test_what_takes_too_much_has_no_button_and_is_refused(asking: TestClient, changed: Workspace) -> None:
    page = limited(asking, changed, "person.age >= 40", "10%")
    assert "The plan exceeds the impact limit." in page and "✗ exceeded" in page and "[OFR705]" in page
    assert "person.age &gt;= 40" in page and "Promote exactly this" not in page
    before = last(changed)
    plan = plan_digest(changed.promotion("omar"))
    answer = asking.post("/ui/promote", data={"plan": plan, "seal": seal(asking)}, headers=FORM)
    assert answer.status_code == 422
    assert "[OFR705]" in answer.text and "Nothing was changed." in answer.text
    assert last(changed) == before


def test_whoever_looks_again_does_not_count_again_but_promoting_does(
    asking: TestClient, changed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    weigh = impact_limit.measure_losses
    monkeypatch.setattr(impact_limit, "measure_losses", lambda *given: counted.append("") or weigh(*given))
    page = limited(asking, changed, "person.age >= 18", "50%")
    assert asking.get("/ui/promote?environment=shop").status_code == 200
    assert asking.get("/ui/promote").text.count("✓ within") == page.count("✓ within") > 0
    assert len(counted) == 1
    with (changed.root / "people.csv").open("a") as people:
        people.writelines(
            f"{n},p{n}@example.com,P,17,FR\n" for n in range(10, 20)
        )  # who would be left without an offer
    form = {"plan": hidden(page, "plan"), "seal": hidden(page, "seal")}
    assert asking.post("/ui/promote", data=form, headers=FORM).status_code == 422
    assert len(counted) == 2


def test_a_long_count_is_made_beside_the_page(
    asking: TestClient, changed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "PATIENCE", 0.05)
    let_on, running = threading.Event(), []
    weigh = impact_limit.measure_losses

    def slowly(*given: Any) -> Any:
        running.append("")
        assert let_on.wait(60)
        return weigh(*given)

    monkeypatch.setattr(impact_limit, "measure_losses", slowly)
    page = limited(asking, changed, "person.age >= 18", "50%")
    again = '<meta http-equiv="refresh" content="5; url=/ui/promote">'
    assert again in page and "The impact is being measured" in page and "Promote exactly this" not in page
    assert (
        "✓ within" not in page and "is within the impact limit" not in page and "None of these environments" not in page
    )
    assert again in asking.get("/ui/promote").text
    assert "url=/ui/promote?environment=shop&amp;full=true" in asking.get("/ui/promote?environment=shop&full=true").text
    changed.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Another plan"}}}})
    changed.apply("ada")
    changed.approve_all()
    assert "once another plan has been measured" in asking.get("/ui/promote").text
    assert len(running) == 1
    let_on.set()
    end = time.monotonic() + 60
    while "The impact is being measured" in (page := asking.get("/ui/promote").text):
        assert time.monotonic() < end
    assert "http-equiv" not in page and "✓ within" in page and "Promote exactly this" in page
    assert len(running) == 2


def test_a_count_that_fails_late_is_told_once_it_has_failed(
    asking: TestClient, changed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "PATIENCE", 0.05)
    times: list[str] = []

    def slowly(*given: Any) -> Any:
        times.append("")
        time.sleep(0.3)
        raise refuse(Code.UNREADABLE, "the contacts went away")

    monkeypatch.setattr(impact_limit, "measure_losses", slowly)
    assert "The impact is being measured" in limited(asking, changed, "person.age >= 18", "50%")
    time.sleep(0.6)
    assert "the contacts went away" in asking.get("/ui/promote").text
    assert len(times) == 1


def test_contacts_that_cannot_be_read_are_told_with_the_limit(asking: TestClient, changed: Workspace) -> None:
    (changed.root / "people.csv").unlink()
    page = limited(asking, changed, "person.age >= 18", "50%")
    assert "[OFR706]" in page and "cannot be measured" in page and "Promote exactly this" not in page


@pytest.mark.parametrize("body", [b"\xff\xfe", b"%zz=%ff", b"&".join([b"a=1"] * 1_500)])
def test_what_is_no_form_is_refused(asking: TestClient, changed: Workspace, body: bytes) -> None:
    as_(asking, changed, "brand")
    answer = asking.post("/ui/approvals", content=body, headers=FORM)
    assert answer.status_code in (403, 422)
    assert "Nothing was changed." in answer.text


def test_a_promotion_shows_what_is_proved_of_it_once_a_minute(asking: TestClient, changed: Workspace) -> None:
    changed.change({"specs/shop/offers.yaml": {"offers": {"safari": {"eligible": {"when": "person.age >= 21"}}}}})
    changed.apply("ada")
    changed.approve("omar", "shop/offer.safari")
    page = as_(asking, changed, "omar").get("/ui/promote").text
    assert not Outline(page).wrong
    for text in ("Proofs: 1 condition and 1 offer", "Nobody becomes eligible.", "(invented)", "hooks are not proved"):
        assert text in page
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "proofs_html", lambda found, _layout: f"proved {found.changes[0].verdict}")
        patch.setattr("offerkit.usecases.proofs.proofs_of_plan", None)  # it is not asked again
        assert "proved fewer" in asking.get("/ui/promote").text
