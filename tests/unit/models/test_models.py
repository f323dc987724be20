"""Every kind: the least and the most one can say, and what its canonical body holds of it."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.resource_examples import COMMON, FULL, MINIMAL, N
from pydantic import ValidationError

from offerkit.address import Kind
from offerkit.fingerprint import canonical, fingerprint
from offerkit.models import model_of
from offerkit.models.base import Number
from offerkit.models.registry import model_of as registered


def body(kind: Kind, value: dict[str, Any]) -> dict[str, Any]:
    return model_of(kind).model_validate(value).body()


def print_of(kind: Kind, value: dict[str, Any]) -> str:
    return fingerprint(kind, canonical(body(kind, value)))


@pytest.mark.parametrize("kind", Kind)
def test_the_least(kind: Kind) -> None:
    assert body(kind, MINIMAL[kind]) == MINIMAL[kind] or kind is Kind.DIMENSION
    assert body(kind, body(kind, MINIMAL[kind])) == body(kind, MINIMAL[kind])


@pytest.mark.parametrize("kind", Kind)
def test_the_most_is_all_in_the_body(kind: Kind) -> None:
    full = {**COMMON, **FULL[kind]}
    assert body(kind, full) == full


@pytest.mark.parametrize("kind", Kind)
def test_a_body_reads_as_itself(kind: Kind) -> None:
    first = body(kind, {**COMMON, **FULL[kind]})
    assert body(kind, first) == first


@pytest.mark.parametrize("kind", Kind)
def test_every_field_of_the_model_is_in_the_fullest_example(kind: Kind) -> None:
    model = model_of(kind)
    names = {info.alias or name for name, info in model.model_fields.items()}
    assert names == {*COMMON, *FULL[kind]}


@pytest.mark.parametrize("kind", Kind)
def test_a_default_written_out_is_as_good_as_left_out(kind: Kind) -> None:
    model = model_of(kind)
    resource = model.model_validate(MINIMAL[kind])
    written = resource.model_dump(mode="json", by_alias=True)
    kept = {k: v for k, v in written.items() if v is not None}
    assert print_of(kind, kept) == print_of(kind, MINIMAL[kind])


@pytest.mark.parametrize("kind", Kind)
def test_nothing_else_is_taken(kind: Kind) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        model_of(kind).model_validate({**MINIMAL[kind], "other": 1})


@pytest.mark.parametrize("kind", Kind)
def test_a_resource_cannot_be_changed(kind: Kind) -> None:
    resource = model_of(kind).model_validate(MINIMAL[kind])
    with pytest.raises(ValidationError, match="frozen"):
        resource.label = "x"  # type: ignore[misc]


def test_the_registry_knows_every_kind() -> None:
    assert {model_of(kind).kind for kind in Kind} == set(Kind)
    assert registered(Kind.OFFER) is model_of(Kind.OFFER)


@pytest.mark.parametrize(
    "spellings",
    [
        ["10", "10.0", "1e1", "+10", "010", "0xA", "0o12", "10.000000", "100E-1"],
        ["0.5", ".5", "5e-1", "0.50"],
        ["0", "0.0", "0e5", "-0", "00"],
        ["1000000", "1e6", "1E+6"],
        ["0.000001", "1e-6"],
    ],
)
def test_equal_weights_have_one_fingerprint(spellings: list[str]) -> None:
    prints = {print_of(Kind.OFFER, {"category": "a", "weights": [{"weight": Number(text)}]}) for text in spellings}
    assert len(prints) == 1


@pytest.mark.parametrize(
    "text", ["7", "010", "10", "9" * 15, "1" + "0" * 15, "9" * 16, "1" + "0" * 16, "9" * 17, "٣", "1²"]
)
def test_a_whole_weight_is_judged_like_the_same_with_a_fraction(text: str) -> None:
    def weighed(number: str) -> object:
        try:
            return body(Kind.OFFER, {"category": "a", "weights": [{"weight": N(number)}]})["weights"]
        except ValidationError as error:
            return error.errors()[0]["type"]

    assert weighed(text) == weighed(f"{text}.0")


def test_different_weights_have_different_fingerprints() -> None:
    texts = ["0", "1", "10", "0.1", "0.10000000000000000001"]
    assert len({print_of(Kind.OFFER, {"category": "a", "weights": [{"weight": N(text)}]}) for text in texts}) == 5


def test_a_weight_never_passes_through_a_binary_float() -> None:
    text = "0.1234567890123456789012345678"
    assert body(Kind.OFFER, {"category": "a", "weights": [{"weight": N(text)}]})["weights"] == [{"weight": text}]


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "x",
        "",
        " 1",
        "1 ",
        "1_0",
        "nan",
        ".nan",
        ".inf",
        "Infinity",
        "1e16",
        "1e-13",
        "1" * 29,
        "٣",
        "1e999999999999",
        "0x" + "f" * 40,
        "0x",
        "0b1",
    ],
)
def test_no_weight(text: str) -> None:
    for value in (text, Number(text)):
        with pytest.raises(ValidationError):
            model_of(Kind.OFFER).model_validate({"category": "a", "weights": [{"weight": value}]})


@pytest.mark.parametrize("value", [True, None, 1.5, [1], {}])
def test_no_weight_of_another_type(value: object) -> None:
    with pytest.raises(ValidationError):
        model_of(Kind.OFFER).model_validate({"category": "a", "weights": [{"weight": value}]})


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("010", 10), ("+3", 3), ("0x10", 16), ("0o10", 8)])
def test_integers(text: str, number: int) -> None:
    assert body(Kind.RULE, {"max": Number(text)}) == {"max": number}


@pytest.mark.parametrize(
    "value", ["1", "x", N("1.0"), N("1e3"), N("0"), N("-1"), N("9" * 19), N("0x" + "f" * 16), True, 1.0, None]
)
def test_no_integer(value: object) -> None:
    with pytest.raises(ValidationError):
        model_of(Kind.RULE).model_validate({"max": value})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2d 6h", "2d 6h"),
        ("2d6h", "2d 6h"),
        ("48h", "2d"),
        ("30h", "1d 6h"),
        ("0d", "0d"),
        ("0h", "0d"),
        ("7d", "7d"),
        ("07d", "7d"),
        ("1d 24h", "2d"),
        ("6h", "6h"),
    ],
)
def test_durations_have_one_spelling(text: str, kept: str) -> None:
    dimension = {**MINIMAL[Kind.DIMENSION], "history": {"retention": text}}
    assert body(Kind.DIMENSION, dimension)["history"] == {"retention": kept}


@pytest.mark.parametrize(
    "value", ["", " ", "d", "h", "1", "1w", "6h 2d", "-1d", "1.5d", "1d  6h", "1d 6h ", "123456d", 1, True]
)
def test_no_duration(value: object) -> None:
    with pytest.raises(ValidationError):
        model_of(Kind.DIMENSION).model_validate({**MINIMAL[Kind.DIMENSION], "history": {"retention": value}})


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-1-1", "20260101", "2026-W01-1", "2026-01-01T00:00", "01-01-2026", "no", "0000-01-01"]
)
def test_no_day(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a calendar date"):
        model_of(Kind.CATEGORY).model_validate({"eligible": {"from": text}})


def test_a_period_may_be_one_day_but_not_less() -> None:
    model = model_of(Kind.CATEGORY)
    model.model_validate({"eligible": {"from": "2024-02-29", "until": "2024-02-29"}})
    with pytest.raises(ValidationError, match="is before from"):
        model.model_validate({"eligible": {"from": "2024-03-01", "until": "2024-02-29"}})


def test_where_order_means_nothing_it_changes_no_fingerprint() -> None:
    offer = FULL[Kind.OFFER]
    for path in ("themes", "spaces"):
        assert print_of(Kind.OFFER, {**offer, path: offer[path][::-1]}) == print_of(Kind.OFFER, offer)
    turned = {**offer, "content": dict(reversed(offer["content"].items()))}
    assert print_of(Kind.OFFER, turned) == print_of(Kind.OFFER, offer)


def test_where_order_means_something_it_changes_the_fingerprint() -> None:
    offer, space, campaign = FULL[Kind.OFFER], FULL[Kind.SPACE], FULL[Kind.CAMPAIGN]
    turned = {**offer, "weights": offer["weights"][::-1]}
    assert print_of(Kind.OFFER, turned) != print_of(Kind.OFFER, offer)
    assert print_of(Kind.SPACE, {**space, "fields": space["fields"][::-1]}) != print_of(Kind.SPACE, space)
    keys = {**space["identification"], "keys": ["a", "b"]}
    assert print_of(Kind.SPACE, {**space, "identification": keys}) != print_of(Kind.SPACE, space)
    outlines = {"two": {**campaign["outlines"]["two"], "offers": ["a", "b"]}}
    assert print_of(Kind.CAMPAIGN, {**campaign, "outlines": outlines}) != print_of(Kind.CAMPAIGN, campaign)


def test_a_filter_may_be_named_alone() -> None:
    short = {"category": "a", "eligible": {"filters": ["adults", {"filter": "rich"}]}}
    assert body(Kind.OFFER, short)["eligible"] == {"filters": [{"filter": "adults"}, {"filter": "rich"}]}


def test_a_number_keeps_its_spelling_where_text_is_wanted() -> None:
    assert body(Kind.OFFER, {"category": "a", "label": N("010"), "code": N("1e3")}) == {
        "category": "a",
        "label": "010",
        "code": "1e3",
    }


@pytest.mark.parametrize(
    ("name", "given", "format_"),
    [
        ("title", None, "text"),
        ("html", None, "html"),
        ("image_url", None, "url"),
        ("html", "text", "text"),
        ("x", "url", "url"),
    ],
)
def test_a_field_s_format_goes_by_its_name_unless_said(name: str, given: str | None, format_: str) -> None:
    from offerkit.models.space import SpaceField

    assert SpaceField.model_validate({"name": name, "type": given}).format == format_


def test_references() -> None:
    def of(kind: Kind) -> list[tuple[str, str, str]]:
        found = model_of(kind).model_validate(FULL[kind]).references()
        return [(ref.kind, ref.name, ref.environment) for ref in found]

    assert of(Kind.OFFER) == [
        ("category", "bank/cards", ""),
        ("template", "plain", ""),
        ("filter", "adults", ""),
        ("filter", "rich", ""),
        ("space", "mail", ""),
        ("space", "web", ""),
        ("space", "web", ""),
        ("space", "mail", ""),
        ("space", "web", ""),
        ("operator", "brand", ""),
        ("operator", "risk", ""),
    ]
    assert of(Kind.ENVIRONMENT) == [
        ("dimension", "person", ""),
        ("typology", "calm", ""),
        ("filter", "adults", ""),
        ("operator", "ada", ""),
        ("operator", "omar", ""),
        ("operator", "dora", ""),
        ("operator", "olga", ""),
        ("operator", "risk", ""),
    ]
    assert of(Kind.SPACE) == [
        ("space", "web", "guests"),
        ("category", "a", "guests"),
        ("category", "b", "guests"),
        ("category", "a/b", ""),
    ]
    assert of(Kind.RULE) == [("offer", "a", ""), ("offer", "b", ""), ("category", "c", ""), ("category", "d/e", "")]
    assert of(Kind.CAMPAIGN) == [
        ("offer", "b", ""),
        ("offer", "a", ""),
        ("space", "mail", ""),
        ("category", "a", ""),
        ("space", "mail", ""),
        ("offer", "b", ""),
        ("offer", "a", ""),
        ("space", "mail", ""),
        ("space", "mail", ""),
        ("offer", "a", ""),
    ]
    assert of(Kind.DIMENSION) == of(Kind.OPERATOR) == of(Kind.FILTER) == of(Kind.CATEGORY) == []
