"""What changes make of a state: what they touch, what is called otherwise, and what would be named in vain."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from offerkit.address import Stage, parse_address
from offerkit.fingerprint import fingerprint
from offerkit.state.changes import Body, Entry
from offerkit.state.snapshot import BeforeAfter, Snapshot

SPACE = {"channel": "inbound-web", "fields": [{"name": "title"}], "label": "S", "unitary": True}
OFFER = {"label": "O", "category": "c", "content": {"title": "T"}}
STATE: dict[str, dict[str, Any]] = {
    "dimension.person": {"label": "P", "key": ["id"], "fields": {"id": {}}},
    "dimension.guest": {"label": "G", "key": ["id"], "fields": {"id": {}}},
    "dimension.idle": {"label": "I", "key": ["id"], "fields": {"id": {}}},
    "operator.ada": {"profile": "administrator"},
    "environment.a": {"label": "A", "dimension": "person", "typology": "t"},
    "environment.b": {"label": "B", "dimension": "guest", "anonymous": True},
    "environment.c": {"label": "C", "dimension": "person"},
    "a/space.home": SPACE | {"identification": {"keys": ["id"], "fallback": "b/banner"}},
    "b/space.banner": SPACE,
    "a/category.c": {"label": "C"},
    "a/offer.o": OFFER,
    "a/offer.off": OFFER,
    "a/rule.r": {"label": "R", "max": 1, "applies_to": {"categories": ["c"]}, "period": {"before": "1d"}},
    "a/typology.t": {"label": "T", "rules": ["r"]},
    "a/campaign.m": {"label": "M", "deliveries": {"d": {"space": "home", "offers": ["o"]}}, "from": "2026-01-01"},
}
ACTIVE = {"a/offer.o": ("home",), "a/offer.off": ()}


def state(changed: dict[str, dict[str, Any] | None] | None = None) -> Snapshot:
    """The project, with some bodies replaced; None: not there."""
    entries, bodies = {}, {}
    for address, body in {**STATE, **(changed or {})}.items():
        if body is not None:
            place = parse_address(address)
            text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            print_ = fingerprint(place.kind, text)
            bodies[print_] = Body(place.kind, text.decode())
            entries[place] = Entry(print_, ACTIVE.get(address))
    return Snapshot(entries, bodies)


def becoming(changed: dict[str, dict[str, Any] | None], moves: dict[str, str] | None = None) -> BeforeAfter:
    """What takes the project to itself with some bodies replaced."""
    before, after = state(), state(changed)
    renamed = {parse_address(old): parse_address(new) for old, new in (moves or {}).items()}
    return BeforeAfter.of(before, before.diff(after, Stage.LIVE, renamed), after.bodies)


@pytest.mark.parametrize(
    ("changed", "touched", "deciding"),
    [
        ({}, [], []),
        ({"a/offer.o": {**OFFER, "label": "new"}}, ["a"], ["a"]),
        ({"a/offer.o": None}, ["a"], ["a"]),
        ({"b/space.banner": {**SPACE, "label": "new"}, "a/offer.o": None}, ["a", "b"], ["a", "b"]),
        ({"dimension.person": {**STATE["dimension.person"], "label": "new"}}, ["a", "c"], ["a", "b", "c"]),
        ({"dimension.guest": {**STATE["dimension.guest"], "label": "new"}}, ["b"], ["a", "b", "c"]),
        ({"dimension.idle": {**STATE["dimension.idle"], "label": "new"}}, [], ["a", "b", "c"]),
        (
            {"dimension.idle": None, "environment.c": {**STATE["environment.c"], "dimension": "guest"}},
            ["c"],
            ["a", "b", "c"],
        ),
        ({"operator.ada": None}, [], []),
        ({"a/campaign.m": None}, ["a"], []),
        ({"environment.c": None}, ["c"], ["c"]),
        ({"environment.d": {"label": "D", "dimension": "guest"}}, ["d"], ["d"]),
    ],
)
def test_which_environments_are_touched(changed: dict[str, Any], touched: list[str], deciding: list[str]) -> None:
    found = becoming(changed)
    assert (found.touched, found.deciding) == (touched, deciding)


def test_a_dimension_touches_who_uses_it_before_and_who_does_after() -> None:
    other = {**STATE["environment.c"], "dimension": "idle"}
    changed = {**STATE["dimension.idle"], "label": "new"}
    found = BeforeAfter.of(state(), [step("dimension.idle", changed), step("environment.c", other)], state().bodies)
    assert found.touched == ["c"]
    alone = BeforeAfter.of(state({"environment.c": other}), [step("dimension.idle", changed)])
    assert alone.touched == ["c"]


def step(address: str, body: dict[str, Any]) -> Any:
    """The change of one address."""
    (found,) = state().diff(state({address: body}), Stage.LIVE)
    return found


def test_both_states_are_kept_apart() -> None:
    found = becoming({"a/offer.o": None})
    assert found.before("a/offer.o") == OFFER
    assert found.after("a/offer.o") is None
    assert found.pair == (found.before, found.after)


def test_renames() -> None:
    found = becoming({"a/category.c": None, "a/category.d": {"label": "C"}}, {"a/category.c": "a/category.d"})
    assert found.origins == {"a/category.d": "a/category.c"}
    assert found.addresses == {"a/category.c", "a/category.d"}


@pytest.mark.parametrize(
    ("gone", "naming"),
    [
        ("b/space.banner", {"a/space.home": ["b/space.banner"]}),
        ("a/category.c", {"a/offer.o": ["a/category.c"], "a/rule.r": ["a/category.c"]}),
        ("a/typology.t", {"environment.a": ["a/typology.t"]}),
        ("a/rule.r", {"a/typology.t": ["a/rule.r"]}),
        ("a/space.home", {"a/campaign.m": ["a/space.home"]}),
        ("a/offer.o", {"a/campaign.m": ["a/offer.o"]}),
        ("a/offer.off", {}),
        ("dimension.guest", {"environment.b": ["dimension.guest"]}),
        ("dimension.idle", {}),
        ("environment.b", {"b/space.banner": ["environment.b"]}),
    ],
)
def test_what_is_gone_and_still_named(gone: str, naming: dict[str, list[str]]) -> None:
    assert becoming({gone: None}).left_behind() == naming


def test_what_is_renamed_and_still_named() -> None:
    moved = {"b/space.banner": None, "b/space.top": SPACE}
    assert becoming(moved, {"b/space.banner": "b/space.top"}).left_behind() == {"a/space.home": ["b/space.banner"]}
    both = {**moved, "a/space.home": SPACE | {"identification": {"keys": ["id"], "fallback": "b/top"}}}
    assert becoming(both, {"b/space.banner": "b/space.top"}).left_behind() == {}


def test_what_goes_with_what_names_it() -> None:
    assert becoming({"environment.b": None, "b/space.banner": None, "a/space.home": SPACE}).left_behind() == {}


def test_what_was_missing_before_is_not_left_behind_now() -> None:
    before = state({"b/space.banner": None})
    change = step("a/category.c", {"label": "new"})
    assert BeforeAfter.of(before, [change], state({"a/category.c": {"label": "new"}}).bodies).left_behind() == {}
