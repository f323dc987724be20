"""``--impact`` and the limit on it through a server: the contacts are there, the plan is made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.engine.counts import About, FewerThan
from offerkit.engine.impact import rounded_space
from offerkit.governance.approvals import Decision
from offerkit.plans.plan import Plan, envelope
from offerkit.reports.impact import impact_text
from offerkit.store.remote import RemoteStore, _refused
from offerkit.usecases import impact
from offerkit.usecases.apply import apply, check_impact
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.backends import ServerBackend
from offerkit.usecases.requests import ApprovalRequest, ImpactRequest
from offerkit.usecases.session import Session

SHARED, OFFERS, ENVIRONMENT = "specs/shared.yaml", "specs/shop/offers.yaml", "environments/shop.yaml"
PEOPLE = "id,email,first_name,age,country\n" + "".join(
    f"{n},p{n}@example.com,P{n},{10 * n},{'FR' if n % 2 else 'DE'}\n" for n in range(1, 11)
)


class Far(RemoteStore):
    """A server in this process, asked as over the network."""

    def post(self, path: str, body: Any) -> Any:
        answer = ASKING[0].post(path, json=body, headers={"Authorization": f"Bearer {self.token}"})
        if answer.status_code != 200:
            raise _refused(self.url, answer.status_code, answer.content)
        return answer.json()


ASKING: list[TestClient] = []


@pytest.fixture
def people(shop: Workspace) -> Workspace:
    """Live, ten contacts aged 10 to 100, the safari for everybody; 20 % may be lost."""
    shop.change(
        {
            SHARED: {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}},
            "data/people.csv": PEOPLE,
            ENVIRONMENT: {"environment": {"impact": {"max_lost": "20%"}}},
            OFFERS: {"offers": {"saver": None, "gold-card": None, "safari": {"content": {"html": "Lions"}}}},
        }
    )
    return shop.go_live()


@pytest.fixture
def server(people: Workspace) -> Iterator[TestClient]:
    with client(people) as found:
        ASKING[:] = [found]
        yield found
    ASKING.clear()


def far(people: Workspace, operator: str, **more: Any) -> Session:
    """A session elsewhere: with the same history, but where there are no contacts."""
    elsewhere = people.root / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    session = people.session(operator, backend=ServerBackend(Far("http://far", token(people, operator))), **more)
    return replace(session, project=replace(session.project, root=elsewhere))


def older(people: Workspace, age: int) -> Plan:
    people.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age >= {age}"}}}}})
    people.apply("ada")
    people.approve_all()
    return people.promotion("ada")


def test_the_impact_is_the_same_as_where_the_store_is(people: Workspace, server: TestClient) -> None:
    plan = older(people, 31)
    asked = ImpactRequest(2, "", ("person.country",), examples=True)
    there = impact.impact_of_plan(far(people, "ada"), plan, asked)
    assert [replace(space, offers=(), segments=()) for space in there.spaces] == [
        replace(space, offers=(), segments=())
        for space in impact.impact_of_plan(people.session("ada"), plan, asked).spaces
    ]
    (space, *_) = there.spaces
    assert (space.emptied, space.served, space.exceeds) == (3, 10, True)
    assert space.offers[0].examples[0].contact == "1"
    assert space.segments[0][0] == "person.country"


def test_rounded_numbers_arrive_as_what_they_are(people: Workspace, server: TestClient) -> None:
    plan = older(people, 31)
    there = impact.impact_of_plan(far(people, "omar"), plan, ImpactRequest(2))
    here = impact.impact_of_plan(people.session("omar"), plan, ImpactRequest(2))
    rounded = [rounded_space(space, judged=True) for space in here.spaces]
    assert impact_text(there) == impact_text(replace(there, spaces=rounded))
    assert (there.spaces[0].emptied, there.spaces[0].served, there.spaces[0].exceeds) == (FewerThan(5), About(10), True)
    assert "fewer than 5 of about 10 contacts get other offers" in impact_text(there)
    with pytest.raises(
        Refused, match="--examples is reserved for operators who may read contacts of shop; omar is not one of them"
    ):
        impact.impact_of_plan(far(people, "omar"), plan, ImpactRequest(examples=True))


def test_of_a_plan_of_specs_and_on_a_sample(people: Workspace, server: TestClient) -> None:
    people.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age >= 31"}}}}})
    made = impact.impact_of_plan(far(people, "dora"), people.plan(), ImpactRequest(sample=4))
    assert made.spaces[0].sample is not None and made.spaces[0].sample.population == 10


def test_a_question_that_makes_no_sense_is_refused_as_it_is_here(people: Workspace, server: TestClient) -> None:
    plan = older(people, 31)
    for asked in (
        ImpactRequest(0),
        ImpactRequest(101),
        ImpactRequest(at="someday"),
        ImpactRequest(by=("person.nothing",)),
    ):
        said = []
        for session in (people.session("ada"), far(people, "ada")):
            with pytest.raises(Refused) as caught:
                impact.impact_of_plan(session, plan, asked)
            said.append(caught.value.diagnostics)
        assert said[0] == said[1]


def test_no_number_is_too_large_to_be_refused(people: Workspace, server: TestClient) -> None:
    headers = {"Authorization": f"Bearer {token(people, 'ada')}"}
    for number in (10**9, 10**30, -(10**9)):
        answer = server.post("/api/v1/store/impact", json={"plan": "", "n": number}, headers=headers)
        assert answer.status_code == 422 and "n: must be " in answer.text, answer.text


def test_the_limit_is_judged_before_anybody_is_asked(people: Workspace, server: TestClient) -> None:
    plan = older(people, 31)
    with pytest.raises(Refused) as caught:
        check_impact(far(people, "ada"), plan)
    assert [found.code for found in caught.value.diagnostics] == [Code.IMPACT]
    with pytest.raises(Refused) as caught:
        apply(far(people, "ada"), plan)
    assert [found.code for found in caught.value.diagnostics] == [Code.IMPACT]
    record = check_impact(far(people, "ada", override_impact="it is wanted"), plan)
    assert record["impact"]["override"] == "it is wanted"  # type: ignore[index,call-overload]
    with pytest.raises(Refused, match="needs a reason"):
        check_impact(far(people, "ada", override_impact=" "), plan)
    assert apply(far(people, "ada", override_impact="it is wanted"), plan).revision.actor == "ada"


def test_nothing_is_asked_where_nothing_is_limited(people: Workspace) -> None:
    people.change({ENVIRONMENT: {"environment": {"impact": None}}})
    people.apply("ada")
    with pytest.raises(IndexError):  # there is no server here: the limit that live has counts still
        check_impact(far(people, "ada"), people.promotion("ada"))
    people.promote("ada")
    assert check_impact(far(people, "ada"), older(people, 31)) == {}


def test_a_stale_plan_tells_nothing(people: Workspace, server: TestClient) -> None:
    plan = older(people, 31)
    people.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age >= 12"}}}}})
    people.apply("ada")
    people.approve_all()
    people.promote("ada")
    for ask in (lambda s: impact.impact_of_plan(s, plan, ImpactRequest()), lambda s: check_impact(s, plan)):
        with pytest.raises(Refused) as caught:
            ask(far(people, "ada"))
        assert {found.code for found in caught.value.diagnostics} == {Code.PLAN_STALE}


def test_other_contacts_are_read_only_for_who_may_set_them(people: Workspace, server: TestClient) -> None:
    (people.root / "secrets.csv").write_text(PEOPLE, encoding="utf-8")
    people.change({SHARED: {"dimensions": {"person": {"source": {"path": "secrets.csv"}}}}})
    plan = people.plan()
    with pytest.raises(Refused, match="is not allowed to change a dimension"):
        impact.impact_of_plan(far(people, "omar"), plan, ImpactRequest())
    assert impact.impact_of_plan(far(people, "ada"), plan, ImpactRequest()).spaces


@pytest.mark.parametrize("path", ["/api/v1/store/impact", "/api/v1/store/limit"])
def test_outsiders_and_no_plans_are_refused(people: Workspace, server: TestClient, path: str) -> None:
    text = envelope(older(people, 31)).decode()
    assert server.post(path, json={"plan": text}).status_code == 401
    assert server.post(path, content=b"{" * 1_000).status_code == 401  # not even read
    headers = {"Authorization": f"Bearer {token(people, 'ada')}"}
    assert server.post(path, json={"plan": "{}"}, headers=headers).status_code == 422
    assert server.post(path, json={"plan": text, "more": 1}, headers=headers).status_code == 422


def test_of_many_approved_through_a_server_the_refused_are_told(people: Workspace, server: TestClient) -> None:
    """Also to earlier versions, which know only of what is left to others."""
    people.change(
        {OFFERS: {"offers": {name: {"category": "travel", "content": {"title": name}} for name in ("one", "two")}}}
    )
    people.change({OFFERS: {"offers": {"two": {"reviewers": {"content": ["brand"]}}}}})
    people.apply("ada")
    wish = ApprovalRequest(("shop/offer.*",), content=True)
    decided = approve_or_reject(far(people, "omar"), wish, Decision.APPROVED)
    assert {key.address for key in decided.keys} == {"shop/offer.one"} and decided.left == ()
    (found,) = decided.refused
    assert (found.code, found.address) == (Code.NOT_ALLOWED, "shop/offer.two") and found.detail
    answer = server.post(
        "/api/v1/store/decide",
        json={"decision": "rejected", "patterns": ["shop/offer.*"], "content": True},
        headers={"Authorization": f"Bearer {token(people, 'omar')}"},
    ).json()
    assert answer["left"] == [found.summary] and [one["code"] for one in answer["refused"]] == ["OFR701"]
