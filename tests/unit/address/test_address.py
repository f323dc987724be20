"""Addresses, stages and patterns."""

from __future__ import annotations

import copy
import pickle
import sqlite3

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.address import (
    Address,
    AddressPattern,
    Kind,
    Stage,
    StageRef,
    environment_address,
    parse_address,
    parse_stage,
    valid_name,
)

LONGEST = "a" * 64


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("recipients/offer.canada-rockies", Address("recipients", Kind.OFFER, "canada-rockies")),
        ("recipients/category.travel/americas", Address("recipients", Kind.CATEGORY, "travel/americas")),
        ("dimension.recipient", Address("shared", Kind.DIMENSION, "recipient")),
        ("operator.ada", Address("shared", Kind.OPERATOR, "ada")),
        ("environment.visitors", Address("visitors", Kind.ENVIRONMENT, "visitors")),
        (f"x/offer.{LONGEST}", Address("x", Kind.OFFER, LONGEST)),
        ("x/offer.0", Address("x", Kind.OFFER, "0")),
    ],
)
def test_an_address_is_read_and_spelled_alike(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "offer.a",  # needs an environment
        "shop/dimension.person",  # has none
        "shop/operator.ada",
        "shop/environment.shop",
        "shop/offer",
        "shop/offer.",
        "shop/offer.a b",
        "shop/offer.-a",
        "shop/offer.a\n",
        "shop/offer.a/b",  # only categories are paths
        "shop/category.a//b",
        "shop/category./a",
        "shop/category.a/",
        "shop/category.a/b/c/d/e/f/g/h/i",  # nine parts
        "shop/ofer.a",
        "Offer.a",
        "shop/OFFER.a",
        "a/b/offer.c",
        "/offer.c",
        "shared/offer.c",
        "environment.shared",
        f"x/offer.{LONGEST}a",
        "x/offer.а",  # a Cyrillic letter
        "x/offer.a\u202e",
        "x/offer.é",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="“"):
        parse_address(text)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(lambda name: name != "shared")


@given(environment=names, kind=st.sampled_from(Kind), parts=st.lists(names, min_size=1, max_size=8))
def test_every_valid_address_comes_back(environment: str, kind: Kind, parts: list[str]) -> None:
    name = "/".join(parts) if kind is Kind.CATEGORY else parts[0]
    if kind in (Kind.DIMENSION, Kind.OPERATOR):
        environment = "shared"
    elif kind is Kind.ENVIRONMENT:
        environment = name
    address = Address(environment, kind, name)
    assert parse_address(str(address)) == address


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_refusal(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert str(address) == text


def test_addresses_sort_by_environment_then_kind_then_name() -> None:
    texts = ["b/offer.a", "a/offer.b", "a/category.z", "a/offer.a", "environment.a", "dimension.x"]
    ordered = sorted(texts, key=lambda text: parse_address(text).sort_key)
    assert ordered == ["environment.a", "a/category.z", "a/offer.a", "a/offer.b", "b/offer.a", "dimension.x"]


def test_no_environment_may_be_called_shared() -> None:
    assert not valid_name(Kind.ENVIRONMENT, "shared")
    assert valid_name(Kind.OFFER, "shared")


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("shop@design", StageRef("shop", Stage.DESIGN)),
        ("shop@live", StageRef("shop", Stage.LIVE)),
        ("shop@live:12", StageRef("shop", Stage.LIVE, "12")),
        ("shop@live:2026-11-01T12:00+01:00", StageRef("shop", Stage.LIVE, "2026-11-01T12:00+01:00")),
        ("shared@design", StageRef("shared", Stage.DESIGN)),
    ],
)
def test_a_stage_is_read_and_spelled_alike(text: str, ref: StageRef) -> None:
    assert parse_stage(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize(
    "text", ["", "shop", "shop@", "shop@life", "@live", "shop@live:", "a b@live", "shop@Live", "a/b@live"]
)
def test_what_is_no_stage_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a stage"):
        parse_stage(text)


EVERYTHING = [
    "dimension.person",
    "environment.shop",
    "shop/category.travel",
    "shop/category.travel/africa",
    "shop/category.traveller",
    "shop/offer.canada-rockies",
    "shop/offer.canada-whales",
    "guests/offer.canada-rockies",
    "guests/space.web",
]


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("shop/offer.canada-*", ["shop/offer.canada-rockies", "shop/offer.canada-whales"]),
        ("*/offer.canada-rockies", ["shop/offer.canada-rockies", "guests/offer.canada-rockies"]),
        ("offer.*", ["shop/offer.canada-rockies", "shop/offer.canada-whales", "guests/offer.canada-rockies"]),
        ("guests", ["guests/offer.canada-rockies", "guests/space.web"]),
        ("guests/*", ["guests/offer.canada-rockies", "guests/space.web"]),
        ("shop/category.travel/**", ["shop/category.travel", "shop/category.travel/africa"]),
        ("shop/category.travel", ["shop/category.travel"]),
        ("shop/category.*", ["shop/category.travel", "shop/category.travel/africa", "shop/category.traveller"]),
        ("shop/offer.canada-[rw]*s", ["shop/offer.canada-rockies", "shop/offer.canada-whales"]),
        ("shop/offer.CANADA-*", []),
        ("dimension.person", ["dimension.person"]),
        ("canada", []),
        ("", []),
        ("[", []),
    ],
)
def test_a_pattern_takes_in(pattern: str, taken: list[str]) -> None:
    compiled = AddressPattern(pattern)
    assert [text for text in EVERYTHING if compiled.matches(parse_address(text))] == taken


def test_an_environment_s_own_address_is_taken_in_by_its_name() -> None:
    assert AddressPattern("shop").matches(parse_address("environment.shop"))


@given(st.text(max_size=30))
def test_every_text_is_a_pattern(text: str) -> None:
    AddressPattern(text).matches(parse_address("shop/offer.a"))


def test_an_address_is_its_text_wherever_text_goes() -> None:
    address = parse_address("shop/offer.a")
    assert parse_address(address) is address
    assert {address: 1}["shop/offer.a"] == 1
    assert {"shop/offer.a": 1}[address] == 1
    assert orjson.dumps([address, parse_stage("shop@live")]) == b'["shop/offer.a","shop@live"]'
    db = sqlite3.connect(":memory:")
    assert db.execute("SELECT ? || '', ? || ''", (address, parse_stage("shop@live"))).fetchone() == (
        address,
        "shop@live",
    )


@pytest.mark.parametrize("value", [parse_address("shop/category.a/b"), parse_address("dimension.d")])
def test_a_copy_of_an_address_has_its_parts(value: Address) -> None:
    for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (made, made.environment, made.kind, made.name) == (value, value.environment, value.kind, value.name)


def test_a_copy_of_a_stage_has_its_parts() -> None:
    made = copy.deepcopy(StageRef("shop", Stage.LIVE, "12"))
    assert (made, made.environment, made.stage, made.at) == ("shop@live:12", "shop", Stage.LIVE, "12")


def test_what_stands_around_an_address() -> None:
    address = parse_address("shop/offer.a")
    assert address.stage(Stage.LIVE) == StageRef("shop", Stage.LIVE)
    assert address.stage(Stage.LIVE).on(Stage.DESIGN) == "shop@design"
    assert address.beside(Kind.SPACE, "s") == parse_address("shop/space.s")
    assert environment_address("shop") == parse_address("environment.shop")
    assert parse_address("dimension.d").stage(Stage.DESIGN) == "shared@design"


@pytest.mark.parametrize("value", [*Kind, *Stage])
def test_a_kind_or_stage_is_the_same_key_as_its_text(value: Kind | Stage) -> None:
    assert {value: 1}[value.value] == {value.value: 1}[value] == 1  # type: ignore[index]
    assert hash(value) == hash(value.value)
