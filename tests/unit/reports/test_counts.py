"""Rounded numbers of people: what they may be, that they tell no more, and how every report writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_people import ROUNDED

from offerkit.engine.counts import About, Count, FewerThan, as_json, count_of, exceeds, rounded, said, share, size
from offerkit.engine.impact import Impact, OfferImpact, SpaceImpact, rounded_space
from offerkit.reports.impact import impact_html, impact_json, impact_text
from offerkit.reports.impact_markdown import impact_markdown
from offerkit.reports.impact_record import recorded

PEOPLE = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("exact", "told"),
    [(0, 0), (1, FewerThan(5)), (4, FewerThan(5)), (5, About(5)), (9, About(9)), (92, About(92)), (99, About(99)),
     (100, About(100)), (104, About(100)), (105, About(110)), (994, About(990)), (995, About(1_000)),
     (1_237, About(1_200)), (3_021, About(3_000)), (1_250_000, About(1_300_000))],
)  # fmt: skip
def test_a_number_is_none_a_few_or_two_digits(exact: int, told: Count) -> None:
    assert rounded(exact) == told


@given(PEOPLE, PEOPLE)
def test_rounding_keeps_the_order_and_so_shares_stay_below_all(a: int, b: int) -> None:
    less, more = sorted((a, b))
    assert size(rounded(less)) <= size(rounded(more))
    found = share(rounded(less), rounded(more))
    assert (
        found in ("", "0%", "0.0%", "less than 1%") or 0 <= int(found.removeprefix("about ").removesuffix("%")) <= 100
    )


@given(st.integers(1, 10**9))
def test_a_rounded_number_is_near_and_cannot_be_taken_for_an_exact_one(exact: int) -> None:
    told = rounded(exact)
    assert not isinstance(told, int)
    if exact >= 5:
        assert abs(size(told) - exact) * 20 <= exact
    assert count_of(as_json(told)) == told


@pytest.mark.parametrize("wrong", [True, "5", None, [], {}, {"about": "5"}, {"some": 5}, 1.5])
def test_what_is_no_number_of_people_is_none(wrong: Any) -> None:
    assert count_of(wrong) is None


def numbers(found: Any) -> Iterator[Any]:
    if isinstance(found, dict) and found.keys() in ({"about"}, {"fewer_than"}):
        yield found
    elif isinstance(found, dict | list):
        for value in found.values() if isinstance(found, dict) else found:
            yield from numbers(value)
    elif isinstance(found, int) and not isinstance(found, bool):
        yield found


@st.composite
def spaces(draw: st.DrawFn) -> SpaceImpact:
    contacts = draw(PEOPLE)
    served = draw(st.integers(0, contacts))
    emptied = draw(st.integers(0, served))
    part = st.integers(0, contacts)
    offers = [
        OfferImpact(f"o{place}", draw(part), draw(part), draw(part), draw(part))
        for place in range(draw(st.integers(0, 4)))
    ]
    limit = draw(st.sampled_from(["", "0%", "10%", "12.3456%", "100%"]))
    return SpaceImpact("a/b", contacts, draw(part), emptied, offers, served, limit)


@given(spaces(), st.booleans())
def test_every_number_of_a_rounded_impact_tells_no_more_than_it_may(space: SpaceImpact, judged: bool) -> None:
    made = Impact("", "", 3, [rounded_space(space, judged=judged)])
    data = orjson.loads(impact_json(made))["spaces"]
    for found in numbers(data):
        about = found.get("about") if isinstance(found, dict) else None
        assert found in (0, {"fewer_than": 5}) or (about >= 5 and len(str(about).rstrip("0")) <= 2)
    for form in (impact_text, impact_markdown, impact_html):
        text = re.sub(r'aria-label="[^"]*"|(width|x|height)="[^"]*"', "", form(made)).replace(
            space.max_lost or "\0", ""
        )
        for number in re.findall(r"[0-9][0-9,]*", text.partition("for each")[2]):
            assert len(number.replace(",", "").rstrip("0")) <= 2, text


@given(spaces(), st.lists(st.integers(-2, 2), min_size=4, max_size=4))
def test_what_rounds_to_the_same_is_told_the_same(space: SpaceImpact, steps: list[int]) -> None:
    names = ("contacts", "changed", "emptied", "served")
    exact = [size(getattr(space, name)) for name in names]
    near = [max(0, number + step) for number, step in zip(exact, steps, strict=True)]
    other = SpaceImpact("a/b", near[0], near[1], near[2], space.offers, near[3], space.max_lost)
    if [rounded(number) for number in exact] == [rounded(number) for number in near]:
        assert rounded_space(space, judged=False) == rounded_space(other, judged=False)


def test_a_few_are_never_more_than_a_limit_allows_as_far_as_is_told() -> None:
    assert not exceeds(FewerThan(5), FewerThan(5), "0%")
    assert exceeds(About(340), About(1_200), "20%") and not exceeds(About(340), About(1_200), "")


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0"), (7, "+7"), (About(1_200), "about 1,200"), (FewerThan(5), "fewer than 5")]
)
def test_a_number_in_words(count: Count, words: str) -> None:
    assert said(count, "+") == words


@pytest.mark.parametrize("form", [impact_text, impact_markdown, impact_html])
def test_every_form_says_that_numbers_are_rounded(form: Any) -> None:
    said = form(ROUNDED).replace("\n  ", " ")
    assert "Numbers of contacts are rounded: you may not read the contacts of recipients." in said
    assert "about 1,500 of about 3,000 contacts (about 50%) get other offers" in said
    assert "fewer than 5" in said


def test_numbers_that_were_recorded_exactly_before_are_shown_rounded() -> None:
    old = {"space": "a/b", "contacts": 3_021, "served": 2_398, "lost": 428, "max_lost": "17.8%"}
    new = {**old, "contacts": {"about": 3_000}, "served": {"about": 2_400}, "lost": {"about": 430}, "exceeds": True}
    for one in (old, new):
        ((row,), _) = recorded({"impact": {"spaces": [one, {"space": "a/c", "served": "many"}]}})
        assert (row.served, row.lost, row.share, row.exceeds) == (About(2_400), About(430), "about 18%", True)
