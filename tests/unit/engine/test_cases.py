"""Decision cases that cannot be run, and cases that are not as expected: a sentence for who wrote them."""

from __future__ import annotations

from typing import Any

import pytest

from offerkit.engine.case_values import CaseError
from offerkit.engine.cases import read_case, run_case
from offerkit.engine.inline_catalog import inline_bodies, inline_catalog

SECTIONS: dict[str, Any] = {
    "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}, "age": {"type": "integer"}}}},
    "environment": {"dimension": "person"},
    "spaces": {
        "web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]},
        "app": {"channel": "inbound-mobile", "unitary": True, "fields": [{"name": "title"}]},
    },
    "categories": {"all": {}, "other": {}},
    "offers": {
        "a": {"category": "all", "eligible": {"when": "person.age >= 18"}, "weights": [{"weight": 2.5}]},
        "b": {"category": "other"},
    },
}
CATALOG = inline_catalog(SECTIONS)
GOOD: dict[str, Any] = {
    "space": "web",
    "contact": {"age": 20},
    "now": "2026-06-01T10:00",
    "expect": {"offers": ["a", "b"]},
}


def _run(**changes: Any) -> tuple[str, ...]:
    raw = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    contacts = {"7": {"id": 7, "age": 70}}.get
    return run_case(CATALOG, read_case("case", raw), contacts).mismatches


def test_as_expected() -> None:
    assert _run() == ()
    assert _run(contact=7) == ()
    assert _run(contact=None, expect={"offers": ["b"], "out": {"a": "offer-condition"}}) == ()
    assert _run(spaces=["shop/web", "shop/app"], space=None, n=1, expect={"offers": {"web": ["a"], "app": ["b"]}}) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expect": {"offers": ["b", "a"]}}, "proposed a, b, expected b, a"),
        ({"contact": {"age": 3}}, "proposed b, expected a, b; a: offer-condition (the offer's condition: person.age >= 18 is false (person.age is 3))"),
        ({"categories": ["all"]}, "proposed a, expected a, b; b: not-in-slice (the call asks for other offers)"),
        ({"expect": {"offers": ["ab", "a", "b"]}}, "proposed a, b, expected ab, a, b; there is no offer ab; did you mean"),
        ({"expect": {"out": {"c": "not-in-slice"}}}, "there is no offer c"),
        ({"expect": {"any_order": ["b"]}}, "proposed a, b, expected b"),
        ({"expect": {"weights": {"a": 2}}}, "a has weight 2.5, expected 2"),
        ({"expect": {"weights": {"c": 2}}}, "c has weight not proposed, expected 2"),
        ({"expect": {"out": {"a": "filter"}}}, "a is proposed; expected it to be left out by filter"),
        ({"n": 1, "expect": {"out": {"b": "filter"}}}, "b is left out by beyond-n (others rank higher, and 1 was asked for), expected filter"),
        ({"n": 1, "expect": {"out": {"b": {"why": "beyond-n", "by": "offer.x"}}}}, "b is left out by shop/offer.b, expected offer.x"),
        ({"n": 1, "expect": {"out": {"b": {"why": "beyond-n", "says": "?"}}}}, "which does not contain “?”"),
        ({"expect": {"nothing": "environment-condition"}}, "expected nothing, because of environment-condition; it is decided"),
        ({"expect": {"reports": ["OFR856"]}}, "no report says “OFR856”"),
        ({"categories": ["al"], "expect": {"reports": []}}, "reported: OFR856 There is no category “al”. Did you mean all?"),
        ({"expect": {"refused": ["OFR850"]}}, "the call is not refused; expected OFR850"),
        ({"space": "wbe", "expect": {"refused": ["OFR852"]}}, "refused with OFR850"),
    ],
)  # fmt: skip
def test_not_as_expected(changes: dict[str, Any], said: str) -> None:
    [mismatch] = _run(**changes)
    assert said in mismatch


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": None}, "either space or spaces"),
        ({"spaces": ["web"]}, "either space or spaces"),
        ({"space": None, "spaces": ["one/web", "two/web"]}, "all be in one environment"),
        ({"now": None}, "a case must have a time"),
        ({"now": "yesterday"}, "now: "),
        ({"now": ""}, "must be a time such as"),
        ({"contcat": {}}, "a case has no key “contcat”. Did you mean contact?"),
        ({"contact": {"agee": 3}}, "contacts have no field “agee”. Did you mean age?"),
        ({"contact": {"age": "old"}}, "contact.age: "),
        ({"contact": "8"}, "there is no contact “8”"),
        ({"n": "many"}, "n must be a whole number"),
        ({"n": 0}, "the call asks for no offers"),
        ({"space": "wbe"}, "no live space “wbe”"),
        ({"categories": "all"}, "categories must be a list of names"),
        ({"expect": {}}, "expect is empty"),
        ({"expect": {"offer": ["a"]}}, "expect has no key “offer”. Did you mean offers?"),
        ({"expect": {"out": {"a": "filtr"}}}, "“filtr” is not a reason. Did you mean filter?"),
        ({"expect": {"out": {"a": {"wy": "filter"}}}}, "out has no key “wy”"),
        ({"expect": {"weights": {"a": "much"}}}, "the weight of a must be a number"),
        ({"history": "none"}, "history must be a list"),
        ({"history": [{"offer": "a"}]}, "either at or ago"),
        ({"history": [{"offer": "a", "ago": "2w"}]}, "“2w” is not a duration"),
        ({"history": [{"offer": "a", "ago": "2d", "status": "acepted"}]}, "Did you mean accepted"),
        ({"history": [{"offer": "a", "ago": "2d", "weight": "x"}]}, "history: "),
        ({"history": [{"ofer": "a", "ago": "2d"}]}, "a proposition in the history has no key “ofer”"),
    ],
)  # fmt: skip
def test_cannot_be_run(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError, match=said.replace("?", r"\?").replace("(", r"\(")):
        _run(**changes)


def test_no_case_at_all() -> None:
    for raw in (None, [], "web", {1: 2}):
        with pytest.raises(CaseError, match="a case must be a map"):
            read_case("case", raw)
    with pytest.raises(CaseError, match="expect must be a map"):
        read_case("case", {"space": "web", "now": "2026-06-01"})


def test_inline_catalogs_are_checked() -> None:
    with pytest.raises(CaseError, match="catalog has no key “offer”"):
        inline_bodies({"offer": {}})
    with pytest.raises(CaseError, match="offer “a”"):
        inline_bodies({**SECTIONS, "offers": {"a": {"categry": "all"}}})


def test_a_catalog_whose_dimension_is_not_there() -> None:
    with pytest.raises(CaseError, match="the catalog has no dimension “persn”"):
        inline_bodies({**SECTIONS, "environment": {"dimension": "persn"}})


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"offers": {"a": {"category": "c", "weights": [{"weight": "x"}]}}}, "offer “a”, weights, 0: “weight”: “x” is not a number."),
        ({"offers": {"a": {"category": "c", "wieghts": []}}}, "offer “a”: unknown field “wieghts”. Did you mean weights?"),
        ({"offers": {"a": 5}}, "offer “a”: “a” must be a map, not the number 5."),
        ({"offers": {"a": {}}}, "offer “a”: the field “category” is missing. Add “category:”."),
        ({"spaces": {"s": {"channel": "letter", "fields": [{"name": "a"}]}}}, "space “s”: “letter” is not a channel."),
        ({"filters": {"f": {"when": "a", "parameters": {"p": {"type": "integer", "default": [1]}}}}}, "filter “f”, parameters, p: “default” must be text, not a list."),
    ],
)  # fmt: skip
def test_a_wrong_value_of_a_catalog_is_one_sentence_in_our_words(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError) as raised:
        inline_bodies({"environment": {"dimension": "person"}, **sections})
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value) and "pydantic" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"now": "0001-01-01T00:00"}, "now: the time is outside the years 2 to 9998"),
        ({"now": "9999-12-31T23:59"}, "now: the time is outside the years 2 to 9998"),
        ({"history": [{"offer": "a", "at": "0001-06-01"}]}, "history.at: the time is outside the years 2 to 9998"),
        ({"now": "0100-01-01", "history": [{"offer": "a", "ago": "36500d"}]}, "history: the time is outside the years 2 to 9998"),
        ({"now": "0002-01-01", "history": [{"offer": "a", "ago": "99999d"}]}, "history: the time is outside the years 2 to 9998"),
        ({"n": "1_0"}, "n must be a whole number"), ({"n": "\u0663"}, "n must be a whole number"),
        ({"history": [{"offer": "a", "ago": "1d", "weight": "1_0"}]}, "weight must be a number"),
    ],
)  # fmt: skip
def test_numbers_and_times_that_python_takes_and_a_case_does_not(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        _run(**changes)


def test_the_ends_of_the_calendar_can_be_asked() -> None:
    for now in ("0002-01-01", "9998-12-31T23:59"):
        assert _run(now=now) == ()
