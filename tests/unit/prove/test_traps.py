"""Where proofs of conditions go wrong easily: each trap with its verdict, pinned and at every moment from then on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from helpers.rules import checked

from offerkit.prove.prover import Prover
from offerkit.prove.question import FALSE, Holds
from offerkit.prove.result import Comparison
from offerkit.rules.types import ExpectedResult

AT = datetime(2026, 11, 28, 10, 30)


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    with Prover() as prover:
        yield prover
        assert prover.unreplayed == 0


def compared(prover: Prover, before: str, after: str, at: datetime = AT) -> Comparison:
    old, new = (Holds(checked(text, ExpectedResult.CONDITION)) for text in (before, after))
    return prover.compare(old, new, at)


TRAPS = {
    "a contact without a country": (
        "recipient.country <> 'FR'",
        "not coalesce(recipient.country = 'FR', false)",
        "more",
        "more",
    ),
    "not equal leaves the unknown out": (
        "recipient.country <> 'FR'",
        "not (recipient.country = 'FR')",
        "same",
        "same",
    ),
    "an unknown right side is unknown, too": (
        "recipient.age < recipient.score",
        "recipient.age < recipient.score and recipient.score is not null",
        "same",
        "same",
    ),
    "true or unknown is true": (
        "recipient.consent or recipient.age > 3",
        "recipient.consent or coalesce(recipient.age > 3, false)",
        "same",
        "same",
    ),
    "like is contains": ("recipient.name like '%A%'", "contains(recipient.name, 'A')", "same", "same"),
    "an underscore is one character": ("recipient.name like '_'", "length(recipient.name) = 1", "same", "same"),
    "the prefix and the suffix do not overlap": (
        "recipient.name like 'ab%ba'",
        "starts_with(recipient.name, 'ab') and ends_with(recipient.name, 'ba')",
        "more",
        "more",
    ),
    "the greatest integer has no next": (
        "recipient.age + 1 > recipient.age",
        "recipient.age is not null",
        "more",
        "more",
    ),
    "the least integer has no absolute value": ("abs(recipient.age) >= 0", "recipient.age is not null", "more", "more"),
    "the greatest decimal is not rounded": (
        "round(recipient.score) >= 1",
        "recipient.score >= 0.5",
        "more",
        "more",
    ),
    "a product leaves its range": (
        "recipient.score * 2.0 > 0.0",
        "recipient.score > 0.0",
        "more",
        "more",
    ),
    "the empty text is a text": ("recipient.name = ''", "recipient.name is null", "both", "both"),
    "the empty text is in every text": ("contains(recipient.name, '')", "recipient.name is not null", "same", "same"),
    "the sixth digit": ("recipient.score > 0.1", "recipient.score >= 0.100001", "same", "same"),
    "the fifth digit": ("recipient.score > 0.1", "recipient.score >= 0.10001", "fewer", "fewer"),
    "halves are rounded away from zero": (
        "round(recipient.score) >= 1 and recipient.score < 9",
        "recipient.score >= 0.5 and recipient.score < 9",
        "same",
        "same",
    ),
    "negative halves as well": (
        "round(recipient.score) <= -1 and recipient.score > -9",
        "recipient.score <= -0.5 and recipient.score > -9",
        "same",
        "same",
    ),
    "floor goes down below zero": (
        "floor(recipient.score) <= -1",
        "recipient.score < 0",
        "same",
        "same",
    ),
    "an integer division is exact": ("recipient.age / 2 > 1", "recipient.age >= 3", "more", "more"),
    "now, five minutes later": (
        "recipient.last_login > timestamp '2026-11-28 10:25:00'",
        "recipient.last_login > now - interval '5 minutes'",
        "same",
        "fewer",
    ),
    "what begins tomorrow": (
        "recipient.age >= 18",
        "recipient.age >= 21 or current_date > date '2026-12-01'",
        "fewer",
        "both",
    ),
    "what has begun stays": (
        "recipient.age >= 18",
        "recipient.age >= 18 and current_date >= date '2026-11-28'",
        "same",
        "same",
    ),
    "days since a fixed day grow": (
        "days_since(date '2026-11-01') < 30",
        "recipient.age >= 18",
        "fewer",
        "both",
    ),
    "the last day of a month": (
        "recipient.birth_date = date '2026-01-31' and recipient.birth_date + interval '1 month' = date '2026-02-28'",
        "recipient.birth_date = date '2026-01-31'",
        "same",
        "same",
    ),
    "months are not days": (
        "recipient.birth_date + interval '1 month' = date '2026-02-28'",
        "recipient.birth_date in (date '2026-01-28', date '2026-01-29', date '2026-01-30', date '2026-01-31')",
        "same",
        "same",
    ),
    "an age is a number of years": (
        "age_in_years(recipient.birth_date) >= 18",
        "recipient.birth_date <= current_date - interval '18 years'",
        "same",
        "same",
    ),
    "an age of zero, and before birth": (
        "age_in_years(recipient.birth_date) = 0",
        "recipient.birth_date > current_date - interval '1 year' and recipient.birth_date < current_date + interval '1 year'",
        "same",
        "fewer",
    ),
    "there is a 29 February": (
        "recipient.birth_date >= date '2024-02-29'",
        "recipient.birth_date > date '2024-02-28'",
        "same",
        "same",
    ),
    "there is none in 1900": (
        "extract(year from recipient.birth_date) = 1900 and extract(doy from recipient.birth_date) = 60",
        "recipient.birth_date = date '1900-03-01'",
        "same",
        "same",
    ),
    "there is one in 2000": (
        "extract(year from recipient.birth_date) = 2000 and extract(doy from recipient.birth_date) = 60",
        "recipient.birth_date = date '2000-02-29'",
        "same",
        "same",
    ),
    "29 February 1900 is no day": (
        "extract(year from recipient.birth_date) = 1900 and extract(month from recipient.birth_date) = 2 and extract(day from recipient.birth_date) >= 29",
        "false",
        "same",
        "same",
    ),
    "a remainder has the sign of its number": (
        "recipient.age % 2 = 1",
        "recipient.age % 2 <> 0",
        "more",
        "more",
    ),
    "a week begins on Monday": (
        "date_trunc('week', recipient.birth_date) = date '2026-11-23'",
        "recipient.birth_date between date '2026-11-23' and date '2026-11-29'",
        "same",
        "same",
    ),
    "lower case of letters beyond ASCII": (
        "lower(recipient.name) = 'é'",
        "recipient.name in ('é', 'É')",
        "same",
        "same",
    ),
    "a sign that is folded in one direction": (
        "lower(recipient.name) = 'k'",
        "recipient.name in ('k', 'K')",
        "fewer",
        "fewer",
    ),
    "trim takes spaces only": ("trim(recipient.name) = 'a'", "recipient.name in ('a', ' a', 'a ')", "fewer", "fewer"),
    "a list of one entry does not have two": (
        "contains(recipient.products, 'a') and contains(recipient.products, 'b') and length(recipient.products) = 1",
        "false",
        "same",
        "same",
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap(prover: Prover, trap: str) -> None:
    before, after, now, later = TRAPS[trap]
    comparison = compared(prover, before, after)
    assert (comparison.now.verdict, comparison.later.verdict) == (now, later), comparison


@pytest.mark.parametrize("text", ["offerkit-end", '(error "x', "(error", ") (", "offerkit-end offerkit-end", "''"])
def test_a_text_that_reads_as_words_of_the_solver(prover: Prover, text: str) -> None:
    side = compared(prover, "false", f"recipient.name = '{text}' and recipient.age = 5").now.gained
    assert side.witness is not None
    assert dict(side.witness.values) == {("recipient", "name"): text.replace("''", "'"), ("recipient", "age"): 5}


@pytest.mark.parametrize(
    "condition",
    [
        "contains(recipient.products, '\U00030000') or contains(recipient.products, recipient.name)",
        "recipient.name > '\U0002ffff' and length(recipient.name) = 1",  # one character above it, of those without SMT
    ],
)
def test_a_rare_character_never_makes_somebody_nobody(prover: Prover, condition: str) -> None:
    comparison = compared(prover, "false", condition)
    assert (comparison.now.verdict, comparison.later.verdict) == ("not decided", "not decided")
    assert prover.implied(FALSE, [Holds(checked(condition, ExpectedResult.CONDITION))], AT) == "undecided"


def test_the_contact_without_a_country_is_the_example(prover: Prover) -> None:
    before, after, *_ = TRAPS["a contact without a country"]
    witness = compared(prover, before, after).now.gained.witness
    assert witness is not None
    assert dict(witness.values) == {("recipient", "country"): None}


@pytest.mark.parametrize(
    ("at", "born", "is_adult"),
    [
        (datetime(2026, 2, 28), "2008-02-29", False),  # in common years, it counts as 1 March
        (datetime(2026, 3, 1), "2008-02-29", True),
        (datetime(2028, 2, 29), "2010-02-28", True),
        (datetime(2028, 2, 29), "2010-03-01", False),
        (datetime(2028, 2, 28), "2008-02-29", True),
    ],
)
def test_birthdays_on_29_february(prover: Prover, at: datetime, born: str, is_adult: bool) -> None:
    condition = f"recipient.birth_date = date '{born}' and age_in_years(recipient.birth_date) >= 18"
    now = compared(prover, "false", condition, at).now
    assert now.verdict == ("more" if is_adult else "same")
