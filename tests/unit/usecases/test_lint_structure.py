"""Findings that need no solver: each where it is, and none where it only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.linting import ENVIRONMENT, FILES, MARK, linted, place, session, written

from offerkit.diagnostics import Code, Severity

CONTENT = "content: {title: x}"

FOUND: dict[str, tuple[Code, str, str]] = {
    "an offer that begins after its category has ended": (
        Code.DATES_NEVER_MEET,
        "offer a begins on 2026-12-01, after category c ends on 2026-11-30",
        f"""categories:
  c: {{eligible: {{until: 2026-11-30}}}}
  b: {{}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{from: ‸2026-12-01}}}}
  z: {{category: c, {CONTENT}}}
  y: {{category: b, {CONTENT}}}
""",
    ),
    "an offer that ends before its category begins": (
        Code.DATES_NEVER_MEET,
        "offer a ends on 2026-11-30, before category c begins on 2026-12-01",
        f"""categories:
  c: {{eligible: {{from: 2026-12-01}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{until: ‸2026-11-30}}}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "a category that ends before the one above begins": (
        Code.DATES_NEVER_MEET,
        "category c/d ends on 2026-11-30, before category c begins on 2026-12-01",
        f"""categories:
  c: {{eligible: {{from: 2026-12-01}}}}
  c/d: {{eligible: {{until: ‸2026-11-30}}}}
offers:
  a: {{category: c/d, {CONTENT}}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "a weight outside of the offer's days": (
        Code.DATES_NEVER_MEET,
        "weight 2 of shop/offer.a (spring) begins on 2027-03-01, after offer a ends on 2026-12-31",
        f"""categories: {{c: {{}}}}
offers:
  a:
    category: c
    {CONTENT}
    eligible: {{until: 2026-12-31}}
    weights: [{{weight: 2}}, {{weight: 5, label: spring, from: ‸2027-03-01}}]
""",
    ),
    "a multiplier outside of its category's days": (
        Code.DATES_NEVER_MEET,
        "the multiplier of category c ends on 2026-07-31, before category c begins on 2026-08-01",
        f"""categories:
  c: {{eligible: {{from: 2026-08-01}}, multiplier: {{factor: 2, until: ‸2026-07-31}}}}
offers:
  a: {{category: c, {CONTENT}}}
""",
    ),
    "a weight of a template outside of the days of all offers": (
        Code.DATES_NEVER_MEET,
        "weight 1 of shop/template.t begins on 2027-03-01, after offer a ends on 2026-12-31",
        f"""categories: {{c: {{}}}}
templates:
  t: {{eligible: {{until: 2026-12-31}}, weights: [{{weight: 5, from: ‸2027-03-01}}, {{weight: 1}}]}}
offers:
  a: {{category: c, template: t, {CONTENT}}}
  b: {{category: c, template: t, {CONTENT}}}
""",
    ),
    "dates that come from a template": (
        Code.DATES_NEVER_MEET,
        "offer a ends on 2026-11-30, before category c begins on 2026-12-01",
        f"""categories:
  c: {{eligible: {{from: 2026-12-01}}}}
templates:
  t: {{eligible: {{until: 2026-11-30}}}}
offers:
  ‸a: {{category: c, template: t, {CONTENT}}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "an offer that has ended": (
        Code.ENDED,
        "offer a ended on 2026-06-14",
        f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{until: ‸2026-06-14}}}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "a category that has ended, whatever its offers say": (
        Code.ENDED,
        "category c ended on 2026-06-14",
        f"""categories:
  c: {{eligible: {{until: ‸2026-06-14}}}}
  c/d: {{eligible: {{until: 2026-06-01}}, multiplier: {{factor: 2, until: 2026-05-01}}}}
  e: {{}}
offers:
  a: {{category: c/d, {CONTENT}, eligible: {{until: 2026-06-01}}}}
  z: {{category: e, {CONTENT}}}
""",
    ),
    "a weight that has ended": (
        Code.ENDED,
        "weight 2 of shop/offer.a ended on 2026-06-14",
        f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{weight: 1}}, {{weight: 5, until: ‸2026-06-14}}]}}
""",
    ),
    "a lone weight of 0": (
        Code.LONE_ZERO,
        "the only weight is 0",
        f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{weight: ‸0}}]}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "weights of 0 that come from a template are told once": (
        Code.LONE_ZERO,
        "all weights are 0",
        f"""categories: {{c: {{}}}}
templates:
  t: {{weights: [{{weight: ‸0, spaces: [web]}}, {{weight: 0.0}}]}}
offers:
  a: {{category: c, template: t, {CONTENT}}}
  b: {{category: c, template: t, {CONTENT}}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "weights for spaces that the offer is not shown on": (
        Code.UNREACHABLE,
        "no contact can be eligible for offer a on any space",
        f"""categories: {{c: {{}}}}
offers:
  ‸a: {{category: c, {CONTENT}, spaces: [web], weights: [{{weight: 3, spaces: [app]}}]}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "a formula that is 0 for every contact": (
        Code.LONE_ZERO,
        "the only weight is unknown, 0 or less",
        f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{formula: ‸1 - 1}}]}}
  z: {{category: c, {CONTENT}}}
""",
    ),
    "a category without offers": (
        Code.EMPTY_CATEGORY,
        "no offer of category c can be proposed",
        f"""categories:
  ‸c: {{}}
  c/d: {{}}
  e: {{}}
offers:
  z: {{category: e, {CONTENT}}}
""",
    ),
    "a category whose multiplier is 0": (
        Code.EMPTY_CATEGORY,
        "no offer of category c can be proposed",
        f"""categories:
  ‸c: {{multiplier: {{factor: 0}}}}
  e: {{}}
offers:
  a: {{category: c, {CONTENT}}}
  z: {{category: e, {CONTENT}}}
""",
    ),
    "a filter that nothing uses": (
        Code.UNUSED_FILTER,
        "nothing uses filter young",
        f"""categories: {{c: {{}}}}
filters:
  ‸young: {{when: person.age < 26}}
  adult: {{when: person.age >= 18}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{filters: [adult]}}}}
""",
    ),
    "a parameter that the condition does not read": (
        Code.UNUSED_PARAMETER,
        "the condition of filter between does not read its parameter “oldest”",
        f"""categories: {{c: {{}}}}
filters:
  between:
    when: person.age >= parameter.youngest
    parameters:
      youngest: {{type: integer}}
      ‸oldest: {{type: integer, default: 120}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{filters: [{{filter: between, with: {{youngest: 3}}}}]}}}}
""",
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found_where_it_is(name: str, tmp_path: Path) -> None:
    """One finding alone, at the mark, with a reason or a way to mend it."""
    code, summary, text = FOUND[name]
    (where,) = written(tmp_path, text)
    (found,) = linted(tmp_path).diagnostics
    assert (found.code, found.summary, place(found)) == (code, summary, where)
    assert found.hint
    assert found.severity is (Severity.NOTE if code is Code.ENDED else Severity.WARNING)


CLEAN: dict[str, str] = {
    "days that meet on a single day": f"""categories:
  c: {{eligible: {{until: 2026-12-01}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{from: 2026-12-01}}}}
""",
    "a window that begins tomorrow": f"""categories:
  c: {{eligible: {{from: 2026-06-16}}, multiplier: {{factor: 2, from: 2026-06-16}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{from: 2026-06-16}}, weights: [{{weight: 1, from: 2026-06-16}}]}}
""",
    "a last day that is today": f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{until: 2026-06-15}}, weights: [{{weight: 1, until: 2026-06-15}}]}}
""",
    "what is switched off on purpose": f"""categories:
  c: {{}}
  d: {{enabled: false, eligible: {{until: 2026-01-01}}}}
  d/e: {{eligible: {{from: 2026-12-01}}}}
offers:
  a: {{category: c, {CONTENT}}}
  b: {{category: c, {CONTENT}, enabled: false, weights: [{{weight: 0}}]}}
  e: {{category: d/e, {CONTENT}, eligible: {{until: 2026-03-01}}}}
""",
    "a weight of 0 beside another": f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{weight: 0}}, {{weight: 2, when: person.age > 30}}]}}
""",
    "a formula that can be 0": f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{formula: person.score}}]}}
""",
    "a factor of 0 for some days": f"""categories:
  c: {{multiplier: {{factor: 0, until: 2026-07-01}}}}
offers:
  a: {{category: c, {CONTENT}}}
""",
    "a template's weight that suits one of its offers": f"""categories: {{c: {{}}}}
templates:
  t: {{weights: [{{weight: 5, from: 2027-03-01}}, {{weight: 1}}]}}
offers:
  a: {{category: c, template: t, {CONTENT}, eligible: {{until: 2026-12-31}}}}
  b: {{category: c, template: t, {CONTENT}}}
""",
    "a filter that only a template uses, and an offer's filter with its parameter": f"""categories: {{c: {{}}}}
filters:
  adult: {{when: person.age >= 18}}
  older: {{when: person.age >= parameter.age, parameters: {{age: {{type: integer, default: 3}}}}}}
templates:
  t: {{eligible: {{filters: [adult]}}}}
offers:
  a: {{category: c, template: t, {CONTENT}}}
  b: {{category: c, {CONTENT}, eligible: {{filters: [older]}}}}
""",
    "an offer below a category": f"""categories:
  c: {{}}
  c/d: {{}}
offers:
  a: {{category: c/d, {CONTENT}}}
""",
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_meant_is_not_found(name: str, tmp_path: Path) -> None:
    written(tmp_path, CLEAN[name])
    assert linted(tmp_path).diagnostics == ()


def test_the_other_part_is_told_with_its_place(tmp_path: Path) -> None:
    where, other = written(
        tmp_path,
        f"""offers:
  a: {{category: c, {CONTENT}, eligible: {{from: ‸2026-12-01}}}}
  z: {{category: c, {CONTENT}}}
categories:
  c: {{eligible: {{until: ‸2026-11-30}}}}
""",
    )
    (found,) = linted(tmp_path).diagnostics
    assert place(found) == where
    assert [(text, tuple(at)) for text, at in found.related] == [("the period of category c", other)]


def test_a_day_is_one_of_the_environments_zone(tmp_path: Path) -> None:
    """At half past ten in the evening in UTC it is the next day in Paris."""
    written(
        tmp_path,
        f"""categories: {{c: {{}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{until: 2026-06-15}}}}
  z: {{category: c, {CONTENT}}}
""",
    )
    assert linted(tmp_path, at="2026-06-15T21:59+00:00").diagnostics == ()
    assert [found.code for found in linted(tmp_path, at="2026-06-15T22:30+00:00").diagnostics] == [Code.ENDED]


def test_categories_whose_offers_have_ended_or_are_off_are_notes(tmp_path: Path) -> None:
    written(
        tmp_path,
        f"""categories: {{c: {{}}, d: {{}}}}
offers:
  a: {{category: c, {CONTENT}, enabled: false}}
  b: {{category: d, {CONTENT}, weights: [{{weight: 1, until: 2026-01-01}}]}}
""",
    )
    found = linted(tmp_path).diagnostics
    assert {item.severity for item in found} == {Severity.NOTE}
    empty = [item.detail for item in found if item.code is Code.EMPTY_CATEGORY]
    assert empty == ["It has 1 offer: 1 switched off or not on any space.", "It has 1 offer: 1 ended."]


def test_a_state_of_the_store_has_addresses_and_paths(tmp_path: Path) -> None:
    """Design has what was applied; nothing is live, so nothing is found there."""
    from offerkit.plans.make import AddressPatterns
    from offerkit.usecases.apply import apply
    from offerkit.usecases.plan import plan

    written(
        tmp_path,
        f"""categories:
  c: {{eligible: {{until: 2026-11-30}}}}
offers:
  a: {{category: c, {CONTENT}, eligible: {{from: 2026-12-01}}}}
  z: {{category: c, {CONTENT}}}
operators: {{}}
""".replace("operators: {}\n", ""),
        {"specs/operators.yaml": "version: 1\noperators: {ada: {profile: administrator}}\n"},
    )
    run = session(tmp_path)
    apply(run, plan(run, AddressPatterns.of((), ())))
    for state in ("design", "shop@design", "shop@design:1"):
        (found,) = linted(tmp_path, state).diagnostics
        assert (found.position, found.address) == (None, "shop/offer.a")
        assert found.summary.endswith("ends on 2026-11-30 (eligible.from)")
        assert "The period of category c: shop/category.c (eligible.until)." in found.detail
    assert linted(tmp_path, "live").diagnostics == ()


def test_call_data_named_like_a_fact_of_the_call_is_noted(tmp_path: Path) -> None:
    """A project that declared it before the fact was built in keeps its meaning, and is told once."""
    environment = ENVIRONMENT.replace("page:", f"{MARK}channel:")
    (where,) = written(
        tmp_path,
        f"categories: {{c: {{}}}}\noffers:\n  a: {{category: c, {CONTENT}}}\n",
        {"environments/shop.yaml": environment},
    )
    (found,) = linted(tmp_path).diagnostics
    assert (found.code, place(found), found.severity) == (Code.FACT_HIDDEN, where, Severity.NOTE)
    assert found.summary == "call data “channel” hides the channel of the call"


@pytest.mark.parametrize(
    ("storage", "weight", "when", "said"),
    [
        ("{enabled: false, proposed_data: {page: interaction.page}}", "", "‸stored.page = 'a'", "stored.page"),
        ("{proposed_data: {page: interaction.page}}", "", "stored.page = 'a'", ""),
        ("{status_data: {rejected: {page: interaction.page}}}", "", "stored.page = 'a'", ""),
        ("{}", "", "‸product.hotel = 'Sea'", "product.hotel"),
        ("{}", ", weights: [{weight: 1, dynamic: rates}]", "product.hotel = 'Sea'", ""),
    ],
)
def test_a_rule_that_counts_by_what_nothing_stores_is_noted(
    tmp_path: Path, storage: str, weight: str, when: str, said: str
) -> None:
    """A rule of the typology, and only what is read: a single call finds nothing there, either."""
    spaces = FILES["specs/shop/spaces.yaml"]
    files = {
        "environments/shop.yaml": ENVIRONMENT + "  product_fields: {hotel: {type: string}}\n",
        "specs/shop/spaces.yaml": spaces.replace("rules: []", "rules: [r]").replace(
            "unitary: true", f"unitary: true, storage: {storage}", 1
        ),
    }
    text = f"""categories: {{c: {{}}}}
rules: {{r: {{counted: {{when: {when}}}, max: 1}}}}
offers:
  a: {{category: c, {CONTENT}{weight}}}
"""
    places = written(tmp_path, text, files)
    found = linted(tmp_path).diagnostics
    assert [place(one) for one in found] == places
    assert [(one.code, one.severity, one.summary) for one in found] == [
        (Code.NEVER_STORED, Severity.NOTE, f"rule r counts by {said}, which nothing stores")
    ] * bool(said)


def test_filters_of_environments_categories_and_weights_are_used(tmp_path: Path) -> None:
    """None of them is reported as unused, and what they require is known to the proofs."""
    environment = ENVIRONMENT.replace("  typology: t\n", "  typology: t\n  filters: [adult]\n")
    text = f"""categories:
  c: {{eligible: {{filters: [old]}}}}
filters:
  adult: {{when: person.age >= 18}}
  old: {{when: person.age >= 60}}
  rich: {{when: person.score > 3}}
offers:
  a: {{category: c, {CONTENT}, weights: [{{weight: 2, filters: [rich]}}, {{weight: 1}}]}}
"""
    assert written(tmp_path, text, {"environments/shop.yaml": environment}) == []
    assert linted(tmp_path).diagnostics == ()
