"""What conditions of policies see is what a naive reading of the bodies says, and of the type that it is declared with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from helpers.files import base, patched
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.policies import EnvironmentPolicies, Subject, declared_violations
from offerkit.governance.policy_offers import DeclaredFields
from offerkit.models import model_of
from offerkit.models.policy import GOVERNED
from offerkit.models.policy_names import names_of
from offerkit.rules.types import BaseType, FieldType
from offerkit.state.changes import Body, Entry
from offerkit.state.snapshot import Snapshot

NOW = "2026-06-01T12:00:00.000000Z"
days = st.dates(date(2026, 1, 1), date(2026, 12, 31)).map(str)
TYPES: dict[BaseType, type | tuple[type, ...]] = {
    BaseType.STRING: str, BaseType.ENUMERATION: str, BaseType.BOOLEAN: bool, BaseType.INTEGER: int, BaseType.DECIMAL: Decimal,
    BaseType.DATE: date, BaseType.LIST: tuple,
}  # fmt: skip


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


flags, numbers = st.booleans(), st.integers(0, 60)
layers = {
    "template": maybe(eligible=maybe(until=days), weights=st.lists(st.builds(lambda n: {"weight": n}, numbers), max_size=2)),
    "category": maybe(eligible=maybe(**{"from": days}), enabled=flags, multiplier=st.builds(lambda n: {"factor": n}, numbers)),
    "above": maybe(eligible=maybe(until=days), enabled=flags, multiplier=st.builds(lambda n: {"factor": n}, numbers)),
    "offer": maybe(
        template=st.just("t"), enabled=flags, eligible=maybe(until=days, **{"from": days}),
        weights=st.lists(st.one_of(
            st.builds(lambda n: {"weight": n}, numbers), st.just({"formula": "person.age"})), max_size=2),
    ),
}  # fmt: skip


def state_of(bodies: dict[Address, dict[str, Any]]) -> Snapshot:
    """A state of bodies, each as its model writes it."""
    entries, kept = {}, {}
    for address, value in bodies.items():
        text = canonical(model_of(address.kind).model_validate(value).body())
        print_ = fingerprint(address.kind, text)
        entries[address], kept[print_] = Entry(print_), Body(address.kind, text.decode())
    return Snapshot(entries, kept)


@given(said=st.fixed_dictionaries(layers), bound=numbers)
@settings(max_examples=40)
def test_a_naive_reading_agrees(said: dict[str, dict[str, Any]], bound: int) -> None:
    offer = {"category": "a/b", **said["offer"]}
    period = offer.get("eligible", {})
    if "from" in period and "until" in period and period["from"] > period["until"]:
        period.pop("from")
    at = {"offer": Address("s", Kind.OFFER, "o"), "template": Address("s", Kind.TEMPLATE, "t"),
          "above": Address("s", Kind.CATEGORY, "a"), "category": Address("s", Kind.CATEGORY, "a/b")}  # fmt: skip
    bodies = {at[name]: body for name, body in {**said, "offer": offer}.items()}
    state = state_of({**bodies, environment_address("s"): {"dimension": "d"}})
    own = {name: value for name, value in offer.items() if value != []}  # an empty list says nothing: it is inherited
    parts = [{**(said["template"] if "template" in offer else {}), **own}, said["above"], said["category"]]
    if "template" in offer:
        parts[0]["eligible"] = {**said["template"].get("eligible", {}), **offer.get("eligible", {})}
    ends = [part["eligible"]["until"] for part in parts if "until" in part.get("eligible", {})]
    starts = [part["eligible"]["from"] for part in parts if "from" in part.get("eligible", {})]
    weights = parts[0].get("weights") or [{"weight": 1}]
    numbers_only = all("weight" in weight for weight in weights)  # a formula may be higher
    factor = 1
    for part in parts[1:]:
        factor *= part.get("multiplier", {}).get("factor", 1)
    expected = {
        "offer.until is not null": bool(ends),
        f"offer.until = date '{min(ends, default='2020-01-01')}'": bool(ends),
        f"offer.from = date '{max(starts, default='2020-01-01')}'": bool(starts),
        f"offer.weight <= {bound}": numbers_only and max(each["weight"] for each in weights) <= bound,
        f"offer.multiplier = {factor}": True,
        "offer.enabled": all(part.get("enabled", True) for part in parts),
        "offer.template = 't'": "template" in offer,
    }
    texts = dict(enumerate(expected))
    policies = {Address("s", Kind.POLICY, f"p{n}"): {"require": text, "message": "x"} for n, text in texts.items()}
    view = state_of({**policies, environment_address("s"): {"dimension": "d"}})
    broken = {found.policy.address.name for found in declared_violations(EnvironmentPolicies("s", (view,), NOW), state)}
    assert {texts[int(name[1:])] for name in broken} == {text for text, holds in expected.items() if not holds}


def test_every_name_of_every_kind_has_a_value_of_its_type() -> None:
    """Of the small project, with one policy and one file of cases in it."""
    files = patched(base(), {"specs/shop/more.yaml": {
        "policies": {"p": {"require": "true", "message": "x"}}, "cases": {"c": {"cases": {"x": {"space": "shop/web"}}}},
        "campaigns": {"c": {}},
    }})  # fmt: skip
    sections = {"categories": Kind.CATEGORY, "policies": Kind.POLICY, "typologies": Kind.TYPOLOGY, "cases": Kind.CASES}
    bodies: dict[Address, dict[str, Any]] = {
        environment_address("shop"): files["environments/shop.yaml"]["environment"]
    }
    for path, content in files.items():
        for section, named in content.items() if path.startswith("specs/") else ():
            if section != "version":
                kind = sections.get(section) or Kind(section[:-1])
                bodies |= {
                    Address("shop" if "shop/" in path else SHARED, kind, name): body for name, body in named.items()
                }
    state = state_of(bodies)
    seen = set()
    for address in bodies:
        if address.kind.value not in GOVERNED:
            continue
        seen.add(address.kind.value)
        names = names_of(address.kind)
        row = Subject(address, state).row(address.kind.value, names, DeclaredFields())
        assert row.keys() == names.keys()
        for name, value in row.items():
            assert value is None or fits(value, names[name]), (address, name, value)
    assert seen == set(GOVERNED)


def fits(value: object, type_: FieldType) -> bool:
    """Whether a value is one of that type."""
    if not isinstance(value, TYPES[type_.base]) or (isinstance(value, bool) and type_.base is not BaseType.BOOLEAN):
        return False
    if isinstance(value, tuple):
        return all(type(item) is str for item in value) and list(value) == sorted(value)
    return not type_.values or value in type_.values
