"""Propose and update over JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.store import Store

PROPOSE, UPDATE = "/api/v1/propose", "/api/v1/update"


ENVELOPE = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">'
    "<targetId>ann@example.com</targetId></Propose></e:Body></e:Envelope>"
)


@pytest.fixture
def served(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


@pytest.fixture
def asking(served: Workspace) -> Iterator[TestClient]:
    with client(served, ui="local") as found:
        yield found


def ask(asking: TestClient, **more: Any) -> Any:
    return asking.post(PROPOSE, json={"spaces": ["shop/web"], "contact": "ann@example.com", "n": 2, **more})


def kept(shop: Workspace) -> list[str]:
    with shop.store() as store:
        return [row.id for row in store.propositions()]


def test_what_is_answered_is_stored_first(asking: TestClient, served: Workspace) -> None:
    answer = ask(asking, outputs=["html"])
    (space,) = answer.json()["spaces"]
    assert [p["offer"] for p in space["propositions"]] == ["gold-card", "safari"]
    assert space["propositions"][0]["rendered"] == {"html": "<b>Gold</b>"}
    assert sorted(kept(served)) == sorted(p["id"] for p in space["propositions"])
    assert answer.headers["offerkit-revision"] == str(answer.json()["revision"])


def test_an_outsider_sees_no_weights_categories_or_reasons(asking: TestClient) -> None:
    answer = ask(asking, categories=["bnak"])
    (space,) = answer.json()["spaces"]
    assert space["propositions"] == []
    assert set(space) == {"asked", "space", "identified", "revision", "propositions"}
    assert "bank" not in answer.text.replace("bnak", "")


def test_nothing_is_stored_when_it_is_not_wanted(asking: TestClient, served: Workspace) -> None:
    assert ask(asking, store=False).json()["spaces"][0]["propositions"][0]["id"] == ""
    assert kept(served) == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"spaces": ["shop/wbe"]}, 404, "OFR850"),
        ({"spaces": ["shop"]}, 404, "OFR850"),
        ({"spaces": ["nowhere/web"]}, 404, "OFR850"),
        ({"spaces": ["shop/mail"]}, 404, "OFR850"),
        ({"spaces": []}, 422, "OFR751"),
        ({"n": 0}, 422, "OFR751"),
        ({"n": "2"}, 422, "OFR751"),
        ({"data": {"colour": "red"}}, 422, "OFR853"),
        ({"unknown": 1}, 422, "OFR751"),
        ({"explain": True}, 403, "OFR701"),
        ({"at": "2026-01-01"}, 403, "OFR701"),
    ],
)
def test_a_wrong_call_is_told_without_the_catalog(
    asking: TestClient, served: Workspace, change: dict[str, Any], status: int, code: str
) -> None:
    answer = ask(asking, **change)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["code"] == code
    assert not {"hint", "detail", "address"} & error.keys()
    assert kept(served) == []


def test_outsiders_do_not_hear_that_a_delivery_space_is_there(asking: TestClient, served: Workspace) -> None:
    def said(space: str, **more: Any) -> str:
        return ask(asking, spaces=[space], data={"colour": "red"}, **more).text.replace(space.partition("/")[2], "it")

    assert said("shop/mail") == said("shop/nope")
    paths = [f"/interaction/shop/{name}" for name in ("mail", "nope")]
    faults = [asking.post(path, content=ENVELOPE) for path in paths]
    assert len({(fault.status_code, fault.text.replace("mail", "nope")) for fault in faults}) == 1
    headers = {"Authorization": f"Bearer {token(served, 'ada')}"}
    (error,) = asking.post(PROPOSE, json={"spaces": ["shop/mail"]}, headers=headers).json()["errors"]
    assert (error["code"], error["address"]) == ("OFR851", "shop/space.mail")
    assert "call web" in error["hint"]


def test_a_body_that_is_too_large_is_refused(asking: TestClient) -> None:
    answer = asking.post(PROPOSE, content=b'{"contact": "' + b"a" * 70_000 + b'"}')
    assert answer.status_code == 413


def test_a_status_is_set_once_and_only_along_sensible_steps(asking: TestClient) -> None:
    id_ = ask(asking).json()["spaces"][0]["propositions"][0]["id"]
    first = asking.post(UPDATE, json={"proposition": id_, "status": "accepted"})
    assert first.json() == {"proposition": id_, "status": "accepted", "before": "presented", "changed": True}
    again = asking.post(UPDATE, json={"proposition": id_, "status": "accepted"})
    assert again.json()["changed"] is False
    back = asking.post(UPDATE, json={"proposition": id_, "status": "presented"})
    assert (back.status_code, back.json()["errors"][0]["code"]) == (409, "OFR881")


def test_a_proposition_that_is_not_there_or_elsewhere_is_the_same_to_outsiders(asking: TestClient) -> None:
    id_ = ask(asking).json()["spaces"][0]["propositions"][0]["id"]
    foreign = asking.post(UPDATE, json={"proposition": id_, "status": "accepted", "environment": "other"})
    unknown = asking.post(UPDATE, json={"proposition": "nothing", "status": "accepted", "environment": "other"})
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["errors"][0]["code"] == unknown.json()["errors"][0]["code"] == "OFR880"


def test_an_update_takes_declared_call_data_only(asking: TestClient) -> None:
    id_ = ask(asking).json()["spaces"][0]["propositions"][0]["id"]
    answer = asking.post(UPDATE, json={"proposition": id_, "status": "accepted", "data": {"colour": "red"}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "OFR853")


def test_a_wrong_value_does_not_bring_the_right_ones(served: Workspace) -> None:
    secret = {"plan": {"type": "enumeration", "values": ["secret-plan"], "required": True}}
    served.change({"environments/shop.yaml": {"environment": {"call_data": secret}}})
    served.go_live()
    with client(served, ui="local") as asking:
        for data in ({"plan": "wrong"}, {"plan": ["wrong"]}, {"plan": 1}, {"plna": "wrong"}, {}):
            answer = ask(asking, data=data)
            assert answer.status_code == 422
            assert "secret" not in answer.text


def test_a_new_revision_is_picked_up_and_named(asking: TestClient, served: Workspace) -> None:
    before = ask(asking, store=False)
    served.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Elephants"}}}}})
    served.apply("ada")
    served.approve_all()
    served.promote("ada")
    until = time.monotonic() + 60
    while ask(asking, store=False).headers["offerkit-revision"] == before.headers["offerkit-revision"]:
        assert time.monotonic() < until, "the new revision was never picked up"
        time.sleep(0.02)
    after = ask(asking, store=False)
    assert after.json()["spaces"][0]["propositions"][1]["fields"]["title"] == "Elephants"
    assert after.json()["spaces"][0]["revision"] > before.json()["spaces"][0]["revision"]


def test_health_readiness_and_measures(asking: TestClient) -> None:
    assert asking.get("/health/live").json() == {"status": "alive"}
    assert asking.get("/health/ready").json()["status"] == "ready"
    ask(asking)
    refused = asking.get("/metrics")
    assert refused.status_code == 403, "the measures name spaces: they are not for everybody"


def test_measures_count_decisions_and_what_kept_offers_out(served: Workspace) -> None:
    with client(served, ui="local") as asking:
        asking.headers["x-request-id"] = "abc"
        here = TestClient(asking.app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 1))
        behind = TestClient(asking.app, base_url="https://offers.example", client=("127.0.0.1", 1))
        assert behind.get("/metrics").status_code == 403, "a proxy on this machine speaks for others"
        assert ask(asking, n=1).headers["x-request-id"] == "abc"
        text = here.get("/metrics").text
    assert 'offerkit_decisions_total{identified="explicit",space="shop/web"} 1.0' in text
    assert 'offerkit_excluded_offers_total{reason="beyond-n"} 2.0' in text
    assert 'offerkit_requests_total{method="POST",route="/api/v1/propose",status="200"} 1.0' in text


def test_the_interface_is_described(asking: TestClient) -> None:
    described = asking.get("/openapi.json").json()
    assert {PROPOSE, UPDATE} <= described["paths"].keys()
    assert "404" in described["paths"][PROPOSE]["post"]["responses"]
    ids = [method["operationId"] for methods in described["paths"].values() for method in methods.values()]
    assert len(ids) == len({*ids})
    assert {"apply", "stop", "simulations", "remove-simulations"} <= {*ids}


def test_a_store_that_went_away_is_a_problem_of_ours(served: Workspace) -> None:
    with client(served, ui="local") as asking:
        with Store.open(served.location, write=True) as store, store.transaction():
            answer = ask(asking, store=False)  # deciding goes on while somebody holds the lock
        assert answer.status_code == 200
        missing = asking.get("/nothing")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "OFR751")
