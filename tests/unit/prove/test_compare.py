"""What changes of conditions mean, decided by the real solver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from helpers.rules import checked

from offerkit.prove.prover import Prover
from offerkit.prove.question import Holds
from offerkit.prove.replay import is_true
from offerkit.prove.result import Existence, Extent, Verdict
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

AT = datetime(2026, 11, 28, 10, 30)


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    with Prover() as prover:
        yield prover
        assert prover.unreplayed == 0


@pytest.mark.parametrize(
    ("before", "after", "now", "later"),
    [
        ("recipient.age >= 18", "recipient.age > 18", "fewer", "fewer"),
        ("recipient.age >= 18", "not (recipient.age < 18)", "same", "same"),
        # What widens tomorrow is the same today.
        ("recipient.age >= 21", "recipient.age >= 21 or current_date > date '2026-12-01'", "same", "more"),
        ("recipient.age >= 18", "recipient.age >= 21 or current_date > date '2026-12-01'", "fewer", "both"),
        ("recipient.country <> 'FR'", "not coalesce(recipient.country = 'FR', false)", "more", "more"),
        ("recipient.name like '%A%'", "contains(recipient.name, 'A')", "same", "same"),
        ("recipient.age + 1 > recipient.age", "recipient.age is not null", "more", "more"),
        ("recipient.age > 18", "recipient.age > 18 and recipient.age < 18", "nobody", "nobody"),
        ("recipient.age > 18", "recipient.age is null or recipient.age is not null", "everybody", "everybody"),
        ("recipient.age > 18", "recipient.age > 20 or recipient.age = 3", "both", "both"),
        ("recipient.name = ''", "length(recipient.name) = 0", "same", "same"),
        ("round(recipient.score) >= 1", "recipient.score >= 0.5", "more", "more"),  # at the end of the range
        ("recipient.score > 0.1", "recipient.score >= 0.100001", "same", "same"),
    ],
)
def test_a_change(prover: Prover, before: str, after: str, now: str, later: str) -> None:
    holds = [Holds(checked(text, ExpectedResult.CONDITION)) for text in (before, after)]
    comparison = prover.compare(holds[0], holds[1], AT)
    assert (comparison.now.verdict, comparison.later.verdict) == (Verdict(now), Verdict(later))


def _with_age(type_: FieldType, text: str) -> Holds:
    return Holds(checked(text, ExpectedResult.CONDITION, NameScope({"recipient": {"age": type_}})))


def test_a_field_of_another_type_is_not_compared(prover: Prover) -> None:
    integer, decimal = FieldType(BaseType.INTEGER), FieldType(BaseType.DECIMAL)
    before, after = _with_age(integer, "recipient.age is null"), _with_age(decimal, "recipient.age is null")
    comparison = prover.compare(before, after, AT)
    assert comparison.now.verdict is Verdict.NOT_DECIDED
    assert "recipient.age has another type afterwards" in comparison.now.why


def test_that_every_call_has_one_of_all_values_is_not_said(prover: Prover) -> None:
    by = FieldType(BaseType.ENUMERATION, ("key", "cookie", "nobody"))
    scope = NameScope({"recipient": {"age": FieldType(BaseType.INTEGER), "by": by}})
    called = "recipient.by in ('key', 'cookie', 'nobody')"
    before, after, narrower = (
        Holds(checked(f"{text} and {called}", ExpectedResult.CONDITION, scope))
        for text in ("recipient.age > 18", "recipient.age > 21", "recipient.age > 18 and recipient.by <> 'key'")
    )
    assert [fact.field[1] for fact in prover.compare(before, after, AT).now.lost.facts] == ["age"]
    (lost, *_) = prover.compare(before, narrower, AT).now.lost.facts
    assert (lost.field[1], lost.among) == ("by", ("key",))


def test_an_enumeration_with_another_value_has_all_of_them(prover: Prover) -> None:
    two, three = (FieldType(BaseType.ENUMERATION, values) for values in (("a", "b"), ("a", "b", "c")))
    before, after = _with_age(two, "recipient.age <> 'a'"), _with_age(three, "recipient.age in ('b', 'c')")
    assert prover.compare(before, after, AT).now.verdict is Verdict.SAME
    assert prover.compare(before, _with_age(three, "recipient.age = 'b'"), AT).now.verdict is Verdict.FEWER


def _holds(*texts: str) -> list[Holds]:
    return [Holds(checked(text, ExpectedResult.CONDITION)) for text in texts]


def test_a_smallest_contradiction(prover: Prover) -> None:
    parts = _holds("recipient.age > 18", "recipient.consent", "recipient.age < 10", "recipient.country = 'FR'")
    assert prover.contradiction(parts, AT) == (0, 2)
    assert prover.contradiction(parts[:2], AT) is None
    assert prover.contradiction(_holds("current_date < date '2026-11-28'"), AT) == (0,)
    assert prover.contradiction(_holds("current_date > date '2026-11-28'"), AT) is None


def test_what_adds_nothing(prover: Prover) -> None:
    adult, teen = _holds("recipient.age >= 18", "recipient.age >= 16")
    assert prover.implied(teen, [adult], AT) is Existence.NONE
    assert prover.implied(adult, [teen], AT) is Existence.SOME


def test_parts_without_an_encoding_are_decided_by_their_values(prover: Prover) -> None:
    same, other, upper = _holds(
        "lower(recipient.name) = recipient.end",
        "length(lower(recipient.name)) > 3 and lower(recipient.name) = recipient.end",
        "upper(recipient.name) <> upper(recipient.name)",
    )
    assert prover.compare(same, same, AT).now.verdict is Verdict.SAME
    assert prover.implied(same, [other], AT) is Existence.NONE
    assert prover.contradiction([same, upper], AT) == (1,)
    assert prover.contradiction([same, other], AT) in (None, ())  # never a wrong answer
    assert prover.extent(upper, AT)[1] is Extent.NOBODY
    comparison = prover.compare(other, same, AT)
    assert comparison.now.lost.answer is Existence.NONE
    assert comparison.opaque == ("lower",)


def test_questions_that_differ_in_an_opaque_part_only_are_not_one(prover: Prover) -> None:
    never = _holds("false")[0]
    for function, text in (("lower", "a"), ("upper", "A")):
        condition = _holds(f"{function}(recipient.name) = recipient.end and recipient.end = '{text}'")[0]
        witness = prover.compare(never, condition, AT).now.gained.witness
        assert witness is not None and witness.values["recipient", "end"] == text
    lower, upper = _holds("lower(recipient.name) = recipient.end", "upper(recipient.name) = recipient.end")
    for part in (lower, upper):
        witness = prover.compare(never, part, AT).now.gained.witness
        assert witness is not None and is_true(part, witness.values, AT)
