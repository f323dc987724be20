"""Who is elsewhere is told who holds the store and what to do, and nothing of the server's folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.ui import FORM, browser, hidden, log_in
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.plans.plan import envelope
from offerkit.server.redaction import redacted
from offerkit.server.ui import pages
from offerkit.store import errors, write_lock
from offerkit.store.location import parse_location
from offerkit.store.lock import Holder, still_locked

pytestmark = pytest.mark.embedded

SAFARI = {"specs/shop/offers.yaml": {"offers": {"safari": {"label": "x"}}}}


@pytest.mark.parametrize("wait", [0, 50])
def test_a_locked_store_is_told_without_its_path(shop: Workspace, wait: int) -> None:
    shop.go_live()
    shop.change(SAFARI)
    body = {"plan": envelope(shop.plan()).decode(), "lock_wait_ms": wait}
    header = {"Authorization": f"Bearer {token(shop, 'ada')}"}
    with client(shop) as asking, shop.session().writing() as store, store.lock(who="anna", timeout=0):
        answer = asking.post("/api/v1/store/apply", json=body, headers=header)
    assert answer.status_code == 503
    (found,) = answer.json()["errors"]
    assert found["code"] == "OFR604"
    assert found["message"].startswith("the store is locked by anna (process ")
    waited = "This run waited 0.05 s." if wait else "This run does not wait."
    assert found["detail"] == f"One process at a time changes the server's store. {waited}"
    assert "--lock-timeout" in found["hint"]
    assert str(shop.root) not in answer.text


def test_a_page_says_no_path_either(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOCK_SECONDS", 0.0)
    shop.go_live()
    shop.change(SAFARI)
    shop.apply("ada")
    shop.approve_all()
    with browser(shop) as asking:
        log_in(asking, token(shop, "ada"))
        page = asking.get("/ui/promote").text
        form = {name: hidden(page, name) for name in ("seal", "plan")}
        assert isinstance(shop.location, Path)
        with write_lock(shop.location, who="anna", timeout=0):
            answer = asking.post("/ui/promote", data=form, headers=FORM)
    assert answer.status_code == 503
    assert "the store is locked by anna" in answer.text
    assert str(shop.root) not in answer.text


def said(refused: Refused) -> tuple[str, str]:
    (found,) = refused.diagnostics
    return found.summary, found.detail


def test_places_are_called_what_they_are_to_others(shop: Workspace) -> None:
    session = shop.session()
    here = str(session.store)
    summary, _ = said(redacted(errors.missing(here), session))
    assert summary == "there is no store at the server's store"
    assert said(redacted(errors.full(here), session))[0] == "the server's store cannot grow"
    source = errors.unreadable(f"{shop.root}/people.csv", f"No such file: {shop.root}")
    assert said(redacted(source, session)) == (
        "the store people.csv cannot be opened",
        "No such file: the project's folder.",
    )


def test_a_databases_address_is_not_told(shop: Workspace) -> None:
    session = shop.session(store_path=parse_location("postgresql://offers@db.bank.example/offers"))
    refused = still_locked("postgresql://offers@db.bank.example/offers", Holder(3, "anna", "2026", "app1"), 0)
    found = said(redacted(refused, session))
    assert found[0] == "the store is locked by anna (process 3 on app1), since 2026"
    assert found[1].startswith("One process at a time changes the server's store.")
