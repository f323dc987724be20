"""Plans that somebody put together by hand, with a right digest, sent to every call that takes one: refused, or sound."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import pytest
from helpers.repeats import often
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.address import Kind
from offerkit.diagnostics import Code, refuse
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.plans.fields import field_changes
from offerkit.plans.plan import encode
from offerkit.store import Store

pytestmark = pytest.mark.embedded

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("impact", {}),
    ("impact", {"at": "2027-06-01", "by": ["person.country"]}),
    ("limit", {}),
    ("decide", {"decision": "approved", "patterns": ["shop/offer.*"]}),
    ("apply", {}),
)
NEW = {
    "environments/shop.yaml": {"environment": {"label": "The shop"}},
    "specs/shared.yaml": {"dimensions": {"person": {"label": "Person"}}},
    "specs/shop/spaces.yaml": {"spaces": {"web": {"label": "The web"}}},
    "specs/shop/catalog.yaml": {
        "filters": {"adults": {"label": "Adults"}},
        "rules": {"weekly": {"label": "Weekly"}},
        "typologies": {"calm": {"label": "Calm"}},
        "categories": {"bank": {"label": "The bank"}, "travel/far": {"label": "Far"}},
        "templates": {"plain": {"label": "Plain"}},
    },
    "specs/shop/offers.yaml": {
        "offers": {"gold-card": {"label": "Golden card"}, "saver": None, "safari": {"category": "travel/far"}}
    },
}
STRANGE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63 - 1,
    "",
    "x",
    "\0",
    "nope",
    "shop/offer.nope",
    "nope/space.web",
    "a" * 300,
    "person.nope > 3",
    "1 ==",
    [],
    {},
    [1],
    {"a": 1},
    ["nope"],
)
Document = dict[str, Any]


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


@pytest.fixture
def plan(live: Workspace) -> Document:
    """A plan that changes something of each kind."""
    live.change(NEW)
    made: Document = json.loads(encode(live.plan()))
    return made


@pytest.fixture
def before(plan: Document, live: Workspace) -> dict[str, Any]:
    """What stands where the plan changes something, by its fingerprint."""
    prints = [step["before"]["fingerprint"] for step in plan["steps"] if step["before"]]
    with live.store() as store:
        return {key: json.loads(body.text) for key, body in store.bodies(prints).items()}


@pytest.fixture
def sent(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Document], dict[str, Any]]]:
    """Send a document everywhere; nothing of it is kept, so that the next is judged as this one was."""

    def append(self: Store, draft: object) -> None:
        raise refuse(Code.BUSY, "it would be carried out")

    header = {"Authorization": f"Bearer {token(live, 'ada')}"}
    monkeypatch.setattr(Store, "append", append)
    with client(live) as asking:
        yield lambda document: answers(asking, header, document)


def answers(asking: TestClient, header: dict[str, str], document: Document) -> dict[str, Any]:
    data = canonical(document)
    text = f'{{"digest":"{hashlib.sha256(data).hexdigest()}","plan":{data.decode()}}}'
    found = {}
    for call, more in CALLS:
        answer = asking.post(f"/api/v1/store/{call}", json={"plan": text, **more}, headers=header)
        said = answer.json()
        assert answer.status_code != 500, (call, said, text[:3000])
        assert answer.status_code == 200 or said["errors"][0]["code"] != "OFR999", (call, said)
        found[call] = said
    return found


def step_of(plan: Document, address: str) -> Document:
    found: Document = next(step for step in plan["steps"] if step["address"] == address)
    return found


def forged(plan: Document, before: Document, address: str, change: Callable[[Document], Any]) -> Document:
    """``plan`` with another body at ``address``, described as what it does."""
    plan = copy.deepcopy(plan)
    step = step_of(plan, address)
    old = plan["bodies"][step["after"]["fingerprint"]]
    body = json.loads(old["text"])
    body = change(body) or body
    with suppress(ValueError):  # as the specs would have made it, where they could
        body = model_of(Kind(old["kind"])).model_validate(body).body()
    text = canonical(body).decode()
    key = fingerprint(old["kind"], text.encode())
    plan["bodies"][key] = {"kind": old["kind"], "text": text}
    step["after"]["fingerprint"] = key
    step["label"] = str(body.get("label", ""))
    if step["before"] is not None:
        changes = field_changes(before[step["before"]["fingerprint"]], body)
        step["changes"] = [asdict(change) for change in changes]
    return plan


WRONG: list[tuple[str, Document, str]] = [
    ("shop/offer.safari", {"category": "nowhere"}, "shop/category.nowhere"),
    ("shop/offer.safari", {"template": "nope"}, "shop/template.nope"),
    ("shop/offer.gold-card", {"eligible": {"filters": ["nope"]}}, "shop/filter.nope"),
    ("environment.shop", {"dimension": "nobody"}, "dimension.nobody"),
    ("environment.shop", {"typology": "nope"}, "shop/typology.nope"),
    ("shop/typology.calm", {"rules": ["nope"]}, "shop/rule.nope"),
    ("shop/template.plain", {"reviewers": {"content": ["nobody"]}}, "operator.nobody"),
]


@pytest.mark.parametrize(("address", "wrong", "names"), WRONG, ids=[names for _, _, names in WRONG])
def test_a_body_that_names_nothing_is_refused(
    plan: Document, before: Document, sent: Callable[[Document], Any], address: str, wrong: Document, names: str
) -> None:
    found = sent(forged(plan, before, address, lambda body: body.update(wrong)))
    for call in ("impact", "apply"):
        (error,) = found[call]["errors"]
        assert error["code"] == "OFR502"
        assert error["message"] == f"the plan cannot be right: {address} names {names}, which would not exist"


def test_what_others_name_is_not_taken_away(plan: Document, sent: Callable[[Document], Any]) -> None:
    kept = step_of(plan, "shop/offer.saver")
    gone = copy.deepcopy(plan)
    step = step_of(gone, "shop/filter.adults")
    step.update(action="delete", after=None, changes=[], label="")
    gone["steps"] = [step, kept]
    message = sent(gone)["apply"]["errors"][0]["message"]
    assert message == "the plan cannot be right: shop/offer.gold-card names shop/filter.adults, which would not exist"


def test_an_environment_without_its_dimension_is_refused(plan: Document, sent: Callable[[Document], Any]) -> None:
    lost = {**plan, "steps": [step_of(plan, "dimension.person")]}
    lost["steps"][0].update(action="delete", after=None, changes=[], label="")
    assert "environment.shop names dimension.person" in sent(lost)["impact"]["errors"][0]["message"]


def test_the_plan_itself_is_carried_out(plan: Document, sent: Callable[[Document], Any]) -> None:
    found = sent(plan)
    assert found["apply"]["errors"][0]["message"] == "it would be carried out"
    assert "spaces" in found["impact"]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_no_plan_is_a_mistake_of_ours(
    plan: Document, before: Document, sent: Callable[[Document], Any], seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(10 if seed == 1 else often(30, 60)):
        made = copy.deepcopy(plan)
        if chance.random() < 0.7:
            step = chance.choice([step for step in made["steps"] if step["after"]])
            made = forged(made, before, step["address"], lambda body: spoilt(body, chance))
        else:
            made = spoilt(made, chance)
        sent(made)


def spoilt(document: Document, chance: random.Random) -> Any:
    """``document`` with something taken out of it, or something strange in its place."""
    places = list(places_of(document, ()))[1:]
    place = chance.choice(places)
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if chance.random() < 0.35:
        del holder[place[-1]]
    else:
        holder[place[-1]] = copy.deepcopy(chance.choice(STRANGE))
    return document


def places_of(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield place
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from places_of(part, (*place, key))
