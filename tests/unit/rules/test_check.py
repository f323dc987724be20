"""What the checker makes of expressions: the tree, the types, the conversions it puts in, the places."""

from __future__ import annotations

import pytest
from helpers.rules import SCOPE, checked, tree

from offerkit.rules.check import RuleError, check, conjuncts
from offerkit.rules.nodes import CallNode, walk
from offerkit.rules.types import BaseType, ExpectedResult

TREES = [
    ("recipient.age >= 18", "(ge recipient.age 18)"),
    ("recipient.age <> 18 or recipient.age != 19", "(or (ne recipient.age 18) (ne recipient.age 19))"),
    ("recipient.consent and (recipient.consent and recipient.age = 1) and true", "(and recipient.consent recipient.consent (eq recipient.age 1) True)"),
    ("not recipient.consent or recipient.consent", "(or (not recipient.consent) recipient.consent)"),
    ("not recipient.age = 1", "(not (eq recipient.age 1))"),
    ("recipient.age between 1 and 3 and recipient.consent", "(and (and (ge recipient.age 1) (le recipient.age 3)) recipient.consent)"),
    ("recipient.age not between 1 and 3", "(not (and (ge recipient.age 1) (le recipient.age 3)))"),
    ("recipient.country in ('FR', null)", "(in recipient.country 'FR' null)"),
    ("not recipient.age not in (1, 2.5)", "(not (not (in (to_decimal recipient.age) 1d 2.5d)))"),
    ("recipient.name is not null", "(not (is_null recipient.name))"),
    ("recipient.consent is not true", "(not (is_true recipient.consent))"),
    ("recipient.consent is false", "(is_false recipient.consent)"),
    ("recipient.name like 'a%'", "(like recipient.name 'a%')"),
    ("recipient.name not like 'a%'", "(not (like recipient.name 'a%'))"),
    ("(recipient.age = 3) = true", "(eq (eq recipient.age 3) True)"),
    # numbers
    ("1 + 2 - 3 * 4", "(sub (add 1 2) (mul 3 4))"),
    ("10 + 20 * coalesce(recipient.score, 0)", "(add 10d (mul 20d (coalesce recipient.score 0d)))"),
    ("recipient.age / 2", "(div (to_decimal recipient.age) 2d)"),
    ("recipient.age % 2 + mod(recipient.age, 3)", "(add (mod recipient.age 2) (mod recipient.age 3))"),
    ("- recipient.age * -2", "(mul (neg recipient.age) -2)"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("0.5 + 5.0 + 0.50", "(add (add 0.5d 5.0d) 0.50d)"),
    ("round(recipient.age)", "(round (to_decimal recipient.age))"),
    ("round(recipient.score, 2)", "(round recipient.score 2)"),
    ("floor(recipient.age)", "(floor recipient.age)"),
    ("greatest(recipient.age, 1.5, null)", "(greatest (to_decimal recipient.age) 1.5d null)"),
    # texts and lists
    ("'a' || recipient.name || 'it''s'", "(concat 'a' recipient.name \"it's\")"),
    ("substring(recipient.name from 2 for 3)", "(substring recipient.name 2 3)"),
    ("length(recipient.name) + length(recipient.products)", "(add (length recipient.name) (list_length recipient.products))"),
    ("contains(recipient.products, 'x') or contains(recipient.name, 'x')", "(or (list_contains recipient.products 'x') (contains recipient.name 'x'))"),
    ("LOWER(recipient.name) = 'x' AND TRUE", "(and (eq (lower recipient.name) 'x') True)"),
    ("coalesce(recipient.country, '') not in ('CA', '')", "(not (in (coalesce recipient.country '') 'CA' ''))"),
    # dates
    ("recipient.birth_date >= '2000-02-29'", "(ge recipient.birth_date 2000-02-29)"),
    ("recipient.last_login >= '2000-02-29'", "(ge recipient.last_login 2000-02-29 00:00:00)"),
    ("recipient.last_login > recipient.birth_date", "(gt recipient.last_login (to_timestamp recipient.birth_date))"),
    ("current_date > now and NOW() = current_timestamp", "(and (gt (to_timestamp (current_date)) (now)) (eq (now) (now)))"),
    ("date '2026-01-31' + interval '1 year 6 months' - interval 2 weeks", "(date_add (date_add 2026-01-31 18m0d0s) 0m-14d0s)"),
    ("interval '3' day + recipient.birth_date", "(date_add recipient.birth_date 0m3d0s)"),
    ("recipient.birth_date - interval '-2 hours'", "(date_add (to_timestamp recipient.birth_date) 0m0d7200s)"),
    ("timestamp '2026-01-31 10:00' - interval '90 minutes'", "(date_add 2026-01-31 10:00:00 0m0d-5400s)"),
    ("date_diff(day, '2026-01-01', current_date)", "(date_diff 'day' 2026-01-01 (current_date))"),
    ("date_diff('hour', recipient.birth_date, current_date)", "(date_diff 'hour' (to_timestamp recipient.birth_date) (to_timestamp (current_date)))"),
    ("extract(dow from recipient.birth_date) + extract('hour', recipient.last_login)", "(add (extract 'dow' recipient.birth_date) (extract 'hour' recipient.last_login))"),
    ("date_trunc('month', recipient.birth_date)", "(date_trunc 'month' recipient.birth_date)"),
    ("age_in_years(recipient.birth_date) >= age_in_years(recipient.birth_date, '2026-01-01')", "(ge (age_in_years recipient.birth_date) (age_in_years recipient.birth_date 2026-01-01))"),
    # case
    ("case when recipient.consent then 1 else 2.5 end", "(case recipient.consent: 1d, else: 2.5d)"),
    ("case recipient.country when 'FR' then 'x' when 'BE' then null end", "(case (eq recipient.country 'FR'): 'x', (eq recipient.country 'BE'): null, else: null)"),
    # names
    ('"recipient"."age" = 1 and interaction."call-reason" = recipient.end', "(and (eq recipient.age 1) (eq interaction.call-reason recipient.end))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TREES, ids=[text for text, _ in TREES])
def test_the_tree(text: str, expected: str) -> None:
    assert tree(checked(text).root) == expected


TYPES = [
    ("recipient.age", BaseType.INTEGER), ("recipient.age + 0.5", BaseType.DECIMAL), ("recipient.age / 1", BaseType.DECIMAL),
    ("abs(recipient.age)", BaseType.INTEGER), ("ceil(recipient.score)", BaseType.INTEGER), ("round(recipient.age)", BaseType.DECIMAL),
    ("recipient.birth_date + interval '1 day'", BaseType.DATE), ("recipient.birth_date + interval '1 hour'", BaseType.TIMESTAMP),
    ("date_trunc('day', recipient.last_login)", BaseType.TIMESTAMP), ("coalesce(recipient.country, '')", BaseType.ENUMERATION),
    ("coalesce(recipient.country, recipient.name)", BaseType.STRING), ("coalesce(null, 1)", BaseType.INTEGER), ("null", BaseType.NULL),
    ("case when true then recipient.country else 'other' end", BaseType.STRING), ("recipient.products", BaseType.LIST),
    ("nullif(recipient.age, 0)", BaseType.INTEGER), ("greatest(recipient.birth_date, now)", BaseType.TIMESTAMP),
]  # fmt: skip


@pytest.mark.parametrize(("text", "base"), TYPES, ids=[text for text, _ in TYPES])
def test_the_type(text: str, base: BaseType) -> None:
    assert checked(text).type.base is base


def test_null_takes_the_type_of_its_place() -> None:
    root = checked("coalesce(recipient.score, null)").root
    assert isinstance(root, CallNode)
    assert [getattr(arg, "type").base for arg in root.args] == [BaseType.DECIMAL, BaseType.DECIMAL]  # noqa: B009
    assert check("null", SCOPE, ExpectedResult.CONDITION).type.base is BaseType.BOOLEAN
    assert check("null", SCOPE, ExpectedResult.FORMULA).type.base is BaseType.DECIMAL


def test_what_it_reads() -> None:
    found = checked("recipient.score > interaction.basket and recipient.age > recipient.score")
    assert found.fields == (("interaction", "basket"), ("recipient", "age"), ("recipient", "score"))
    assert not found.uses_clock
    assert found.uses("interaction")
    assert not found.uses("offer")


@pytest.mark.parametrize(
    "text", ["now", "current_date", "days_since(recipient.birth_date)", "age_in_years(recipient.birth_date)"]
)
def test_it_knows_that_the_clock_is_asked(text: str) -> None:
    assert checked(f"{text} is null").uses_clock


def test_the_clock_is_not_asked_when_the_day_is_given() -> None:
    assert not checked("age_in_years(recipient.birth_date, '2026-01-01') is null").uses_clock


PLACES = """'é😀' = recipient.name
  and (recipient.age >= 18) and not recipient.country in ('FR', 'BE')
and case when recipient.consent then 1 end = round( recipient.score , 2)"""


def test_places_in_several_lines_with_any_characters() -> None:
    found = {tree(node): PLACES[node.start : node.end] for node in walk(checked(PLACES).root)}
    assert found["(eq 'é😀' recipient.name)"] == "'é😀' = recipient.name"
    assert found["(ge recipient.age 18)"] == "recipient.age >= 18"
    assert found["(in recipient.country 'FR' 'BE')"] == "recipient.country in ('FR', 'BE')"
    assert found["(round recipient.score 2)"] == "round( recipient.score , 2)"
    assert found["(case recipient.consent: 1, else: null)"] == "case when recipient.consent then 1 end"


def test_conjuncts_are_the_parts_of_the_and_at_the_top() -> None:
    parts = conjuncts(checked(PLACES))
    assert [part.text for part in parts] == [
        "'é😀' = recipient.name",
        "recipient.age >= 18",
        "not recipient.country in ('FR', 'BE')",
        "case when recipient.consent then 1 end = round( recipient.score , 2)",
    ]
    assert parts[1].fields == (("recipient", "age"),)
    assert all(PLACES[part.root.start : part.root.end] == part.text for part in parts)


@pytest.mark.parametrize(
    "text", ["recipient.age between 1 and 3", "recipient.consent or recipient.consent", "recipient.consent"]
)
def test_one_conjunct(text: str) -> None:
    assert [part.text for part in conjuncts(checked(text))] == [text]


def test_a_between_stays_whole_among_conjuncts() -> None:
    parts = conjuncts(checked("recipient.consent and recipient.age between 1 and 3"))
    assert [part.text for part in parts] == ["recipient.consent", "recipient.age between 1 and 3"]


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        (
            "recipient.age",
            ExpectedResult.CONDITION,
            "“recipient.age” is a whole number, but a condition (true or false) is needed here",
        ),
        (
            "recipient.name",
            ExpectedResult.CONDITION,
            "“recipient.name” is a text, but a condition (true or false) is needed here",
        ),
        (
            "recipient.consent",
            ExpectedResult.FORMULA,
            "“recipient.consent” is a condition (true or false), but a formula must give a number",
        ),
        ("recipient.name", ExpectedResult.FORMULA, "“recipient.name” is a text, but a formula must give a number"),
    ],
)
def test_it_has_to_give_what_is_wanted(text: str, wanted: ExpectedResult, says: str) -> None:
    with pytest.raises(RuleError) as refused:
        check(text, SCOPE, wanted)
    assert [problem.summary for problem in refused.value.problems] == [says]


@pytest.mark.parametrize(
    "text",
    [
        " and ".join(["recipient.consent"] * 400), " || ".join(["recipient.name"] * 400), " + ".join(["1"] * 90),
        "recipient.age in (" + ", ".join(map(str, range(900))) + ")", "(" * 25 + "1" + ")" * 25, "not " * 25 + "true",
        "lower(" * 25 + "'x'" + ")" * 25,
    ],
    ids=["and", "concat", "plus", "in", "parentheses", "not", "calls"],
)  # fmt: skip
def test_long_expressions_that_are_fine(text: str) -> None:
    assert checked(text).text == text
