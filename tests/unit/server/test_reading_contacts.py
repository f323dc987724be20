"""What a server tells of people to operators who may not read contacts, whatever they send: rounded numbers, and no one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.ui import browser, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.address import Kind
from offerkit.fingerprint import canonical, fingerprint
from offerkit.plans.fields import field_changes
from offerkit.plans.plan import Plan, envelope
from offerkit.server import authentication, decision_service
from offerkit.state.changes import Body, Entry

SHARED, OFFERS, ENVIRONMENT, FILE = (
    "specs/shared.yaml",
    "specs/shop/offers.yaml",
    "environments/shop.yaml",
    "data/people.csv",
)
COUNT = 1_237
Answer = dict[str, Any]


def people(*, other: bool = False) -> str:
    """Contacts of three countries and of ages up to 90; the ``other`` ones differ by three people, and in no rounded number."""
    rows = [(n, 10 + n % 81, ("FR", "DE", "BE")[n % 3]) for n in range(1, COUNT + 1)]
    if other:
        rows = [(n, 10 if n in (60, 141) else age, country) for n, age, country in rows if n != COUNT]
    return "id,email,first_name,age,country\n" + "".join(f"{n},p{n}@example.com,P{n},{a},{c}\n" for n, a, c in rows)


@pytest.fixture
def live(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Live; everybody gets the safari, and 20 % may be lost."""
    monkeypatch.setattr(authentication, "KNOWN_FOR", 0.0)
    monkeypatch.setattr(decision_service, "KNOWN_FOR", 0.0)
    shop.change(
        {
            SHARED: {
                "dimensions": {"person": {"source": {"format": "csv", "path": FILE}}},
                "operators": {"olga": {"profile": "offer-manager"}},
            },
            FILE: people(),
            ENVIRONMENT: {"environment": {"impact": {"max_lost": "20%"}}},
            OFFERS: {"offers": {"saver": None, "gold-card": None, "safari": {"content": {"html": "Lions"}}}},
        }
    )
    return shop.go_live()


@pytest.fixture
def server(live: Workspace) -> Iterator[TestClient]:
    with client(live) as asking:
        yield asking


@pytest.fixture
def ask(live: Workspace, server: TestClient) -> Callable[..., Any]:
    """Ask as an operator about a plan; the answer, whatever it is."""
    tokens = {name: token(live, name) for name in ("ada", "omar", "dora", "olga")}

    def asked(operator: str, call: str, plan: Plan, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[operator]}"}
        return server.post(f"/api/v1/store/{call}", json={"plan": envelope(plan).decode(), **more}, headers=headers)

    return asked


def forged(live: Workspace, when: str, **more: Any) -> Plan:
    """A plan that nobody applied, with any condition somebody makes up."""
    kept = live.files
    live.change({OFFERS: {"offers": {"safari": {"eligible": {"when": when}}}}, **more})
    plan = live.plan()
    live.files = kept
    live.change({})
    return plan


def numbers(found: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number in an answer, and every rounded one as it stands there."""
    if isinstance(found, dict) and found.keys() in ({"about"}, {"fewer_than"}):
        yield path, found
    elif isinstance(found, dict | list):
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield path, found


def tells_no_more(found: Any) -> bool:
    """Whether ``found`` is none, fewer than five, or has two significant digits."""
    if isinstance(found, dict):
        about = found.get("about")
        return found == {"fewer_than": 5} or (about >= 5 and len(str(about).rstrip("0")) <= 2)
    return bool(found == 0)


CONDITIONS = (
    "person.id = 7",
    "person.id <> 7",
    "person.email = 'p7@example.com'",
    "person.id in (7, 8, 9)",
    "person.id > 4",
    "person.age >= 31",
    "person.age < 31 or person.id = 7",
    "person.country = 'FR'",
    "person.country = 'FR' and person.id < 40",
    "person.first_name like 'P1%'",
    "person.age / (person.id - 7) > 0",
    "person.id < 0",
    "person.id > 0",
)


@pytest.mark.parametrize("when", [*CONDITIONS[:5], *(pytest.param(w, marks=pytest.mark.slow) for w in CONDITIONS[5:])])
@pytest.mark.parametrize(
    "more", [{}, *(pytest.param(more, marks=pytest.mark.slow) for more in ({"n": 1}, {"n": 7, "at": "2031-05-06"}))]
)
def test_no_made_up_plan_gets_an_exact_number(
    live: Workspace, ask: Callable[..., Any], when: str, more: Answer
) -> None:
    plan = forged(live, when)
    answer = ask("omar", "impact", plan, **more)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert all(tells_no_more(found) for path, found in numbers(made["spaces"])), answer.text
    assert made["spaces"][0]["contacts"] == {"about": 1_200}
    assert all(offer["examples"] == [] for space in made["spaces"] for offer in space["offers"])
    assert all(space["segments"] == [] and space["sample"] is None for space in made["spaces"])
    assert not re.search(r"p\d+@example|\bP\d+\b", answer.text)
    exact = ask("dora", "impact", plan, **more).json()
    found = {n for _, n in numbers(exact["spaces"]) if isinstance(n, int) and n and len(str(n).rstrip("0")) > 2}
    assert COUNT in found
    assert not found & {n for _, n in numbers(made) if isinstance(n, int)}


@pytest.mark.slow
def test_answers_differ_by_nothing_but_rounded_numbers(live: Workspace, ask: Callable[..., Any]) -> None:
    limits = ("20%", "25%", "25.9%", "25.95%", "26%", "26.1%", "0%", "100%")
    plans = [forged(live, when) for when in ("person.age >= 31", "person.age < 31", "person.id <> 7")]
    plans += [
        forged(live, "person.age >= 31", **{ENVIRONMENT: {"environment": {"impact": {"max_lost": text}}}})
        for text in limits
    ]
    seen, exact = [], []
    for other in (False, True):
        (live.root / FILE).write_text(people(other=other), encoding="utf-8")
        seen.append([ask("omar", "impact", plan, n=n).json()["spaces"] for plan in plans for n in (1, 3)])
        exact.append([ask("ada", "impact", plan).json()["spaces"][0]["contacts"] for plan in plans])
    assert seen[0] == seen[1]
    assert exact[0] != exact[1]


def test_not_even_the_order_tells_which_number_is_larger(live: Workspace, ask: Callable[..., Any]) -> None:
    offers = {
        name: {"category": "travel", "eligible": {"when": when}, "content": {"title": name, "html": name}}
        for name, when in (
            ("a-one", "person.id = 7"),
            ("b-four", "person.id in (1, 2, 3, 4)"),
            ("c-two", "person.id < 3"),
        )
    }
    live.change({OFFERS: {"offers": offers}})
    space = ask("omar", "impact", live.plan(), n=9).json()["spaces"][0]
    assert [offer["offer"] for offer in space["offers"]] == ["a-one", "b-four", "c-two"]
    assert {json.dumps(offer["gained"]) for offer in space["offers"]} == {'{"fewer_than": 5}'}
    space = ask("dora", "impact", live.plan(), n=9).json()["spaces"][0]
    assert [(offer["offer"], offer["gained"]) for offer in space["offers"]] == [
        ("b-four", 4),
        ("c-two", 2),
        ("a-one", 1),
    ]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"by": ["person.email"]}, "--by"),
        ({"by": ["country"]}, "--by"),
        ({"sample": 4}, "--sample"),
        ({"sample": 200_000}, "--sample"),
        ({"examples": True}, "--examples"),
    ],
)
def test_what_tells_contacts_apart_is_refused(
    live: Workspace, ask: Callable[..., Any], more: Answer, named: str
) -> None:
    plan = forged(live, "person.id = 7")
    answer = ask("omar", "impact", plan, **more)
    assert answer.status_code == 403
    (error,) = answer.json()["errors"]
    assert error["code"] == "OFR757" and error["message"].startswith(f"{named} is reserved for operators who may read")
    assert "shop" in error["message"] and "omar is not one of them" in error["message"]
    assert ask("dora", "impact", plan, **{**more, "examples": True}).status_code == 200


def test_contacts_are_named_when_that_is_asked_for_only(live: Workspace, ask: Callable[..., Any]) -> None:
    plan = forged(live, "person.id <> 7")
    for operator in ("ada", "dora"):
        answer = ask(operator, "impact", plan, by=["person.country", "first_name"])
        space = answer.json()["spaces"][0]
        assert [example["contact"] for example in space["offers"][0]["examples"]] == [""]
        assert {part["value"] for part in space["segments"][0][1]} == {"FR", "DE", "BE"}
        assert {part["value"] for part in space["segments"][1][1]} == {"(other values)"}
        assert ask(operator, "impact", plan, by=["person.email"]).json()["errors"][0]["code"] == "OFR758"
        space = ask(operator, "impact", plan, by=["email"], examples=True).json()["spaces"][0]
        assert space["offers"][0]["examples"][0]["contact"] == "7"
        assert "p1000@example.com" in {part["value"] for part in space["segments"][0][1]}


def older(live: Workspace, age: int) -> Plan:
    live.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age >= {age}"}}}}})
    live.apply("ada")
    live.approve_all()
    return live.promotion("ada")


def test_the_impact_limit_is_judged_exactly_and_told_rounded(live: Workspace, ask: Callable[..., Any]) -> None:
    plan = older(live, 31)
    said = {}
    for other in (False, True):
        (live.root / FILE).write_text(people(other=other), encoding="utf-8")
        for call in ("limit", "apply"):
            answer = ask("omar", call, plan)
            (error,) = answer.json()["errors"]
            assert error["code"] == "OFR705"
            said[call, other] = error["message"], error["detail"]
    assert len(set(said.values())) == 1
    message, detail = said["limit", False]
    assert message == (
        "the promotion would leave about 340 of the about 1,200 contacts who get an offer on shop/mail with none"
        " (about 28%); shop allows 20%"
    )
    assert detail.startswith(
        "about 340 contacts lose safari: the offer's condition: person.age >= 31 (shop/offer.safari)."
    )
    exact = ask("ada", "limit", plan).json()["errors"][0]
    assert re.search(r"leave 3\d\d of the 1,236 contacts", exact["message"])


def test_the_history_that_everybody_may_copy_has_rounded_numbers(live: Workspace, ask: Callable[..., Any]) -> None:
    plan = older(live, 31)
    record = ask("ada", "limit", plan, override_impact="the law").json()["impact"]
    assert {path.rpartition(".")[2] for path, _ in numbers(record)} == {"contacts", "served", "lost"}
    assert all(tells_no_more(found) for _, found in numbers(record))
    applied = ask("ada", "apply", plan, override_impact="the law").json()["revision"]["details"]["impact"]
    assert applied == record
    with live.store() as store:
        assert store.revisions(limit=1)[0].details["impact"] == record
    assert live.verified() == []


def test_a_limit_that_holds_exactly_or_not_is_decided_by_exact_numbers(
    live: Workspace, ask: Callable[..., Any]
) -> None:
    lost = sum(10 + n % 81 < 20 for n in range(1, COUNT + 1))
    below = lost * 1_000_000 // COUNT
    for share, status in ((below, 422), (below + 1, 200)):
        live.change({ENVIRONMENT: {"environment": {"impact": {"max_lost": f"{share / 10_000:.4f}%"}}}})
        assert ask("omar", "limit", older(live, 20)).status_code == status


def test_rows_that_cannot_be_read_are_not_quoted(live: Workspace, ask: Callable[..., Any]) -> None:
    plan = older(live, 31)
    wrong = people().replace("7,p7@example.com,P7,17,", "7,p7@example.com,P7,secret,").replace("\n8,", "\neight,")
    (live.root / FILE).write_text(wrong, encoding="utf-8")
    for call in ("impact", "limit", "apply"):
        text = ask("omar", call, plan).text
        assert "the contacts of shop cannot be read" in text
        assert not re.search(r"secret|eight|people\.csv|p7@", text), text
        assert "secret" in ask("ada", call, plan).text


def test_whom_an_environment_names_reads_its_contacts_and_no_others(live: Workspace, ask: Callable[..., Any]) -> None:
    named = {"environment": {"contacts": {"readers": ["omar"]}}}
    sent = forged(live, "person.age >= 31", **{ENVIRONMENT: named})
    assert ask("omar", "impact", sent).json()["spaces"][0]["contacts"] == {
        "about": 1_200
    }  # a plan makes nobody a reader
    live.change({ENVIRONMENT: named})
    live.apply("ada")
    assert ask("omar", "impact", forged(live, "person.age >= 31")).json()["spaces"][0]["contacts"] == COUNT
    assert ask("olga", "impact", forged(live, "person.age >= 31")).json()["spaces"][0]["contacts"] == {"about": 1_200}
    assert "1,237" in ask("omar", "limit", older(live, 31)).text
    live.change({ENVIRONMENT: {"environment": {"contacts": None}}})
    live.apply("ada")
    assert ask("omar", "impact", forged(live, "person.age >= 32")).json()["spaces"][0]["contacts"] == {"about": 1_200}


def test_each_environment_is_told_by_its_own_readers(live: Workspace, ask: Callable[..., Any]) -> None:
    spaces = live.files["specs/shop/spaces.yaml"]["spaces"]
    staff = {
        "key": ["id"],
        "fields": {"id": {"type": "integer"}, "email": {"type": "text"}},
        "source": {"format": "csv", "path": "data/staff.csv"},
    }
    fields = dict(live.files[SHARED]["dimensions"]["person"]["fields"])
    offers = {"lunch": {"category": "food", "content": {"title": "Lunch"}}}
    live.change(
        {
            SHARED: {"dimensions": {"staff": {**staff, "fields": fields}}},
            "data/staff.csv": people(),
            ENVIRONMENT: {"environment": {"contacts": {"readers": ["omar"]}}},
            "environments/canteen.yaml": {"version": 1, "environment": {"dimension": "staff"}},
            "specs/canteen/all.yaml": {
                "version": 1,
                "spaces": {"web": spaces["web"]},
                "categories": {"food": {}},
                "offers": offers,
            },
        }
    )
    live.apply("ada")
    live.change(
        {
            OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age >= 31"}}}},
            "specs/canteen/all.yaml": {"offers": {"lunch": {"eligible": {"when": "staff.age >= 31"}}}},
        }
    )
    answer = ask("omar", "impact", live.plan())
    found = {space["space"]: space["contacts"] for space in answer.json()["spaces"]}
    assert found == {"canteen/web": {"about": 1_200}, "shop/mail": COUNT, "shop/web": COUNT}
    assert ask("omar", "impact", live.plan(), by=["age"]).json()["errors"][0]["code"] == "OFR757"
    assert ask("omar", "impact", live.plan("shop"), by=["age"]).status_code == 200
    answer = ask(
        "omar", "impact", pointed_at(live, "staff")
    )  # whose contacts are not those that shop names readers for
    assert {json.dumps(space["contacts"]) for space in answer.json()["spaces"]} == {'{"about": 1200}'}


def pointed_at(live: Workspace, dimension: str) -> Plan:
    """A plan put together by hand that gives the shop another dimension."""
    live.change({ENVIRONMENT: {"environment": {"label": "Another"}}})
    plan = live.plan("environment.shop")
    (step,) = plan.steps
    assert step.before is not None
    with live.store() as store:
        was = json.loads(store.bodies([step.before.fingerprint])[step.before.fingerprint].text)
    body = {**was, "dimension": dimension}
    text = canonical(body).decode()
    key = fingerprint("environment", text.encode())
    changes = tuple(field_changes(was, body))
    made = replace(step, after=Entry(key), changes=changes, label=str(body.get("label", "")))
    return replace(plan, steps=(made,), bodies={key: Body(Kind.ENVIRONMENT, text)})


def test_what_a_contact_gets_is_explained_to_who_may_read_contacts(live: Workspace, server: TestClient) -> None:
    asked = {"spaces": ["shop/web"], "contact": "p7@example.com", "store": False}
    for operator, reads in (("ada", True), ("dora", True), ("omar", False)):
        headers = {"Authorization": f"Bearer {token(live, operator)}"}
        answer = server.post("/api/v1/propose", json=asked, headers=headers)
        assert answer.status_code == 200
        assert ("weight" in answer.text) is reads and ("contact" in answer.json()["spaces"][0]) is reads
        answer = server.post("/api/v1/propose", json={**asked, "explain": True}, headers=headers)
        assert answer.status_code == (200 if reads else 403)
        nobody = {"spaces": ["shop/web"], "explain": True, "store": False}
        assert server.post("/api/v1/propose", json=nobody, headers=headers).status_code == 200
    live.change({ENVIRONMENT: {"environment": {"contacts": {"readers": ["omar"]}}}})
    live.apply("ada")
    assert server.post("/api/v1/propose", json={**asked, "explain": True}, headers=headers).status_code == 200


def test_a_space_that_falls_back_explains_visitors_to_who_may_read_those(live: Workspace) -> None:
    """A reader of the shop's contacts asks for a space of the shop, and is answered for a visitor of another place."""
    source = {"format": "csv", "path": "data/guests.csv"}
    live.change(
        {
            "data/guests.csv": "id,device\nguest-0001,secret\n",
            SHARED: {
                "dimensions": {
                    "guest": {"key": ["id"], "visitors": True, "source": source, "fields": {"id": {}, "device": {}}}
                }
            },
            "environments/guests.yaml": {"version": 1, "environment": {"dimension": "guest", "anonymous": True}},
            "specs/guests/all.yaml": {
                "version": 1,
                "categories": {"all": {}},
                "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
                "offers": {"hello": {"category": "all", "content": {"title": "Hi"}}},
            },
            "specs/shop/spaces.yaml": {"spaces": {"web": {"identification": {"fallback": "guests/web"}}}},
            ENVIRONMENT: {"environment": {"contacts": {"readers": ["olga"]}}},
        }
    )
    live.apply("ada")
    live.approve_all()
    live.promote("ada")
    asked = {"spaces": ["shop/web"], "store": False}
    with client(live) as asking:
        headers = {"Authorization": f"Bearer {token(live, 'olga')}"}
        for cookie, status in (({}, 200), ({"contact": "p7@example.com"}, 200), ({"cookie": "guest-0001"}, 403)):
            answer = asking.post("/api/v1/propose", json={**asked, **cookie, "explain": True}, headers=headers)
            assert answer.status_code == status, answer.text
        assert "contacts of guests" in answer.text
        answer = asking.post("/api/v1/propose", json={**asked, **cookie}, headers=headers)
        assert answer.json()["spaces"][0]["space"] == "guests/web" and "weight" not in answer.text
        headers = {"Authorization": f"Bearer {token(live, 'dora')}"}
        answer = asking.post("/api/v1/propose", json={**asked, **cookie, "explain": True}, headers=headers)
        assert answer.status_code == 200, answer.text


def test_a_contact_that_cannot_be_read_is_not_quoted(live: Workspace, server: TestClient) -> None:
    wrong = people().replace("7,p7@example.com,P7,17,", "7,p7@example.com,P7,secret,")
    (live.root / FILE).write_text(wrong, encoding="utf-8")
    asked = {"spaces": ["shop/web"], "contact": "p7@example.com", "store": False}
    for operator, told in (("ada", True), ("omar", False)):
        headers = {"Authorization": f"Bearer {token(live, operator)}"}
        answer = server.post("/api/v1/propose", json=asked, headers=headers)
        assert answer.status_code == 503 and ("secret" in answer.text) is told


def test_an_operators_token_stands_for_a_signed_key_only_if_they_may_read_contacts(live: Workspace) -> None:
    live.change({ENVIRONMENT: {"environment": {"inbound": {"contact_keys": "signed", "key_secret_env": "KEYS"}}}})
    live.apply("ada")
    live.approve_all()
    live.promote("ada")
    asked = {"spaces": ["shop/web"], "contact": "p7@example.com", "store": False}
    with client(live, {"KEYS": "k" * 32}) as asking:
        for operator, status in (("dora", 200), ("omar", 403)):
            headers = {"Authorization": f"Bearer {token(live, operator)}"}
            assert asking.post("/api/v1/propose", json=asked, headers=headers).status_code == status


def test_pages_tell_each_what_they_may_know_though_it_is_counted_once(live: Workspace) -> None:
    older(live, 31)
    with browser(live) as asking:
        said = {}
        for operator in ("ada", "omar", "dora"):
            log_in(asking, token(live, operator))
            said[operator] = asking.get("/ui/promote").text
    for operator, rounded in (("ada", False), ("omar", True), ("dora", False)):
        page = said[operator]
        assert ("about 1,200" in page) is rounded and ("1,237" in page) is not rounded, operator
        assert "[OFR705]" in page
    with browser(live) as nobody:
        page = nobody.get("/ui/promote").text
        assert "about 1,200" in page and "1,237" not in page


def test_a_cases_reason_is_not_told(live: Workspace, ask: Callable[..., Any]) -> None:
    live.change({ENVIRONMENT: {"environment": {"promotion": {"tests": True}, "impact": None}}})
    case = {"space": "shop/web", "contact": "7", "now": "2026-06-01T10:00", "expect": {"offers": ["safari"]}}
    anything = {**case, "expect": {"out": {}}}
    live.change({"cases/any.yaml": {"version": 1, "cases": {"seven gets anything": anything}}})
    plan = older(live, 31)
    live.change({"cases/all.yaml": {"version": 1, "cases": {"seven gets it": case}}})
    live.apply("ada", "shop/cases.all")
    text = ask("omar", "apply", plan).text
    assert "OFR891" in text and "seven gets it" in text and "17" not in text
    assert "person.age is 17" in ask("ada", "apply", plan).text
