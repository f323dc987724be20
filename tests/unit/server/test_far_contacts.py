"""Contacts' data through a server: explained, exported and erased as where the store is, for those who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from helpers.far import far_session
from helpers.hook_packages import install
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.server.redaction import STORE
from offerkit.store import contact_data
from offerkit.usecases.contact_erasure import clear_erased, erase_contact, plan_erasure
from offerkit.usecases.contact_export import export_contact
from offerkit.usecases.explain import explain_stored
from offerkit.usecases.history_cache import FRESH_SECONDS
from offerkit.usecases.requests import ContactRequest
from offerkit.usecases.session import Session

HOOKS = """
    def rooms(offer, contact, data, call):
        return [({"hotel": "Alba", "stars": 4}, offer.weight)]
"""
PATHS = ("/api/v1/explain", "/api/v1/contact/export", "/api/v1/contact/erase", "/api/v1/contact/clear")


@pytest.fixture
def live(shop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Live; a space keeps evidence, and an offer has products."""
    install(monkeypatch, tmp_path / "site", "rooms_far", HOOKS, {"rooms": "rooms"})
    with_people(shop)
    weights = [{"weight": 500, "dynamic": "rooms"}]
    shop.change(
        {
            "specs/shared.yaml": {"operators": {"olga": {"profile": "offer-manager"}}},
            "specs/shop/offers.yaml": {"offers": {"safari": {"weights": weights}}},
            "specs/shop/spaces.yaml": {"spaces": {"web": {"storage": {"evidence": True}}}},
        }
    )
    return shop.go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live) as found:
        yield found


@pytest.fixture
def ids(asking: TestClient) -> list[str]:
    """Propositions to the contact 1, and one to another."""
    found = []
    for contact in ("ann@example.com", "ann@example.com", "cyd@example.com"):
        answer = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": contact, "n": 2})
        assert answer.status_code == 200, answer.text
        found += [one["id"] for one in answer.json()["spaces"][0]["propositions"]]
    return found


def refused(code: Code, run: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        run()
    (found,) = caught.value.diagnostics
    assert found.code is code, found
    return f"{found.summary} {found.detail} {found.hint}"


@pytest.mark.parametrize("present", [False, True])
def test_an_explanation_is_the_same(live: Workspace, asking: TestClient, ids: list[str], present: bool) -> None:
    for id_ in ids:
        here = explain_stored(live.session(), id_, present=present)
        assert explain_stored(far_session(live, asking, "ada"), id_, present=present) == here
        assert here.repeated is not None and (here.present is not None) is present


def test_an_explanation_is_for_readers_of_contacts(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    """Nobody else learns whether there is such a proposition."""
    for id_ in (ids[0], "nothing"):
        refused(Code.NOT_A_READER, lambda id_=id_: explain_stored(far_session(live, asking, "olga"), id_))
    refused(Code.UNKNOWN_PROPOSITION, lambda: explain_stored(far_session(live, asking, "ada"), "nothing"))
    live.change({"environments/shop.yaml": {"environment": {"contacts": {"readers": ["olga"]}}}})
    live.apply("ada")
    assert explain_stored(far_session(live, asking, "olga", "read"), ids[0]).contact == "1"


def test_an_export_is_the_same(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    def parts(session: Session, key: str = "1") -> dict[str, Any]:
        return dict(export_contact(session, ContactRequest(key)).data) | {"exported": ""}

    assert parts(far_session(live, asking, "ada", "read")) == parts(live.session("ada"))
    assert len(parts(far_session(live, asking, "ada"))["propositions"]) == 4
    refused(Code.NOT_A_READER, lambda: parts(far_session(live, asking, "olga")))
    (warning,) = export_contact(far_session(live, asking, "ada"), ContactRequest("4711")).warnings
    assert (warning.code, warning.severity) == (Code.NO_MATCH, "warning")
    assert str(live.root) not in warning.detail and "deliveries" in warning.detail


def test_a_refused_export_does_not_say_whether_there_is_such_a_contact(
    live: Workspace, asking: TestClient, ids: list[str]
) -> None:
    """Nor in which environments: olga reads no contacts, and then those of another environment only."""

    def said(**more: Any) -> set[str]:
        return {
            refused(
                Code.NOT_A_READER,
                lambda key=key: export_contact(far_session(live, asking, "olga"), ContactRequest(key, **more)),
            )
            for key in ("1", "4711")
        }

    assert len(said()) == len(said(environments=("shop",))) == 1
    assert len(said(environments=("nowhere",))) == 1
    other = {"environment": {"dimension": "person", "label": "Other", "contacts": {"readers": ["olga"]}}}
    live.change({"environments/other.yaml": {"version": 1, **other}})
    live.apply("ada")
    (text,) = said()
    assert "contacts of shop;" in text and "--environment other" in text
    done = export_contact(far_session(live, asking, "olga"), ContactRequest("1", ("other",)))
    assert done.data["propositions"] == [] and done.warnings


def test_an_erasure_is_the_same(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    request = ContactRequest("1")
    session = far_session(live, asking, "ada", message="request 12")
    assert plan_erasure(session, request).erasure == plan_erasure(live.session("ada"), request).erasure
    assert stored(live, "1") == 4, "nothing changes until it is asked for"
    done = erase_contact(session, request).erasure
    assert (done.rows[0].propositions, done.rows[0].evidence) == (4, 2)
    assert clear_erased(session, request) == []
    with live.store() as store:
        row = store.revision(done.revision)
        assert row is not None
        assert (row.digest, row.action, row.actor, row.message) == (done.digest, "erase", "ada", "request 12")
        assert store.verify() == []
    assert (stored(live, "1"), stored(live, "3")) == (0, 2)
    assert explain_stored(far_session(live, asking, "ada"), ids[0]).contact == ""


def test_a_server_reads_the_history_of_an_erased_contact_again(shop: Workspace) -> None:
    """What it remembers of a contact has gone."""
    with_people(shop).change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1}}}})
    with client(shop.go_live()) as asking:

        def proposed() -> list[str]:
            call = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 9}
            answer = asking.post("/api/v1/propose", json=call).json()
            return [one["offer"] for one in answer["spaces"][0]["propositions"]]

        first, second = proposed(), proposed()
        assert second != first, "rules count what was proposed"
        erase_contact(far_session(shop, asking, "ada"), ContactRequest("1"))
        sleep(2 * FRESH_SECONDS)  # until then, what others write need not count
        assert proposed() == first, "as of somebody who is new"


def stored(live: Workspace, key: str) -> int:
    with live.store() as store:
        return contact_data.count(store.database, "shop", [key]).propositions


def test_who_may_erase(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    """Administrators, with a token that may: those that were made for other work may not."""
    request = ContactRequest("1")
    for act in (plan_erasure, erase_contact, clear_erased):
        for operator in ("olga", "omar"):
            said = refused(Code.NOT_ALLOWED, lambda a=act, o=operator: a(far_session(live, asking, o), request))
            assert "administrator" in said.lower()
        for scope in ("read", "apply", "approve", "promote", "stop"):
            session = far_session(live, asking, "ada", scope)
            assert "erase" in refused(Code.TOKEN_SCOPE, lambda a=act, s=session: a(s, request))
    assert plan_erasure(far_session(live, asking, "ada", "erase"), request).erasure.rows
    assert stored(live, "1") == 4


def test_what_is_refused(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    session = far_session(live, asking, "ada", message="for 1")
    refused(Code.KEY_IN_MESSAGE, lambda: erase_contact(session, ContactRequest("1")))
    refused(Code.CONTACT_KEY, lambda: erase_contact(session, ContactRequest("")))
    assert "shop" in refused(Code.NO_MATCH, lambda: plan_erasure(session, ContactRequest("1", ("shpo",))))
    folders = ContactRequest("1", folders=(live.root,))
    for act in (export_contact, plan_erasure, erase_contact, clear_erased):
        assert "--files" in refused(Code.REMOTE_NOT_THERE, lambda a=act: a(session, folders))
    patient = far_session(live, asking, "ada", lock_timeout=61.0)
    refused(Code.BAD_VALUE, lambda: erase_contact(patient, ContactRequest("1")))
    with live.session("ada").writing() as store, store.lock(who="bert", timeout=0):
        assert "bert" in refused(
            Code.STORE_LOCKED, lambda: erase_contact(session_of(live, asking), ContactRequest("1"))
        )
    assert stored(live, "1") == 4


def session_of(live: Workspace, asking: TestClient) -> Session:
    return far_session(live, asking, "ada")


def test_paths_of_the_server_are_not_told(live: Workspace, asking: TestClient, ids: list[str]) -> None:
    aside = live.root / ".offerkit/store.db.replaced-20260101T000000Z"
    if live.session().embedded:
        aside.write_bytes(b"")
        (warning,) = erase_contact(far_session(live, asking, "ada"), ContactRequest("1")).warnings
        assert warning.code is Code.ERASED_ELSEWHERE and STORE in warning.summary
        assert str(live.root) not in warning.summary


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"key": "7" * 501, "proposition": "x" * 201}, 422),
        ({"key": 7, "proposition": 7}, 422),
        ({"key": "1", "proposition": "x", "folders": ["/etc"]}, 422),
        ({"key": "1", "proposition": "x", "environments": ["shop"] * 1_001}, 422),
        ({"key": "1", "proposition": "x", "environments": ["x" * 501]}, 422),
        ([], 422),
    ],
)
def test_bodies_that_are_none(live: Workspace, asking: TestClient, body: object, status: int) -> None:
    headers = {"Authorization": f"Bearer {token(live, 'ada')}"}
    for path in PATHS:
        answer = asking.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
        assert {error["code"] for error in answer.json()["errors"]} == {"OFR751"}


@pytest.mark.embedded
def test_outsiders_are_told_nothing(live: Workspace, asking: TestClient) -> None:
    for path in PATHS:
        for body in ({"key": "1", "proposition": "x"}, {}):
            answer = asking.post(path, json=body)
            assert answer.status_code in (401, 403), path
            assert "shop" not in answer.text
