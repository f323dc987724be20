"""Examples are small, plausible and confirmed; descriptions are true of everybody concerned."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from helpers.rules import checked

from offerkit.prove import encode
from offerkit.prove.prover import Prover
from offerkit.prove.question import DayRange, FieldHint, Formula, Holds
from offerkit.prove.replay import DuckReplay
from offerkit.prove.result import CommonFact, Comparison, Existence, Side, Verdict
from offerkit.rules.types import ExpectedResult, Value

AT = datetime(2026, 11, 28, 10, 30)
HINTS = {
    ("recipient", "age"): FieldHint(0, 110, (44,)),
    ("recipient", "name"): FieldHint(examples=("Ana",)),
    ("recipient", "birth_date"): FieldHint(date(1920, 1, 1), date(2026, 1, 1), (date(1984, 2, 29),)),
    ("interaction", "basket"): FieldHint(Decimal(0), Decimal(500), (Decimal("79.9"),)),
}


@pytest.fixture(scope="module")
def prover() -> Iterator[Prover]:
    with Prover(hints=HINTS) as prover:
        yield prover
        assert prover.unreplayed == 0


def condition(text: str) -> Holds:
    return Holds(checked(text, ExpectedResult.CONDITION))


def compared(prover: Prover, before: str | Formula, after: str | Formula) -> Comparison:
    old, new = (condition(each) if isinstance(each, str) else each for each in (before, after))
    return prover.compare(old, new, AT)


def example(side: Side) -> dict[str, Value]:
    assert side.witness is not None
    return {name: value for (_, name), value in side.witness.values.items()}


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("recipient.age >= 18", "recipient.age >= 21", {"age": 18}),
        ("recipient.age > 3", "recipient.age > 100", {"age": 44}),  # the example that the field declares
        ("recipient.consent", "recipient.consent and recipient.age > 60", {"consent": True, "age": 44}),
        # Either is enough to be lost; nothing else matters.
        ("true", "false", {}),
        ("recipient.country = 'FR' or recipient.age = 3", "recipient.age = 3", {"country": "FR", "age": 44}),
        ("recipient.name is not null", "recipient.name is null", {"name": "Ana"}),
        ("length(recipient.name) > 2", "length(recipient.name) > 3", {"name": "Ana"}),
        ("recipient.tier = 'gold'", "recipient.tier = 'silver'", {"tier": "gold"}),
        ("recipient.tier <> 'gold' or recipient.tier is null", "recipient.tier <> 'gold'", {"tier": None}),
        ("interaction.basket > 50", "interaction.basket > 100", {"basket": Decimal("79.9")}),
        ("interaction.basket > 100", "interaction.basket > 101", {"basket": Decimal(101)}),
        ("contains(recipient.products, 'card')", "contains(recipient.products, 'loan')", {"products": ("card",)}),
        ("age_in_years(recipient.birth_date) >= 18", "false", {"birth_date": date(1984, 2, 29)}),
        (
            "age_in_years(recipient.birth_date) >= 18",
            "age_in_years(recipient.birth_date) >= 19",
            {"birth_date": date(2008, 11, 28)},
        ),
        ("lower(recipient.name) = 'gold'", "recipient.name = 'gold'", {"name": "GOLD"}),
    ],
)
def test_an_example_is_small_and_plausible(prover: Prover, before: str, after: str, values: dict[str, Value]) -> None:
    found = example(compared(prover, before, after).now.lost)
    if values.get("name") == "GOLD":
        values = {"name": found["name"]}
        assert str(found["name"]).lower() == "gold"
    assert found == values


@pytest.mark.parametrize(
    ("before", "after", "moment"),
    [
        ("false", "current_date > date '2026-12-01'", datetime(2026, 12, 2)),
        ("false", "now > timestamp '2026-11-28 10:30:00'", datetime(2026, 11, 28, 10, 30, 1)),
        (
            "false",
            "extract(day from current_date) = 29 and extract(month from current_date) = 2",
            datetime(2028, 2, 29),
        ),
        ("false", "extract(year from current_date) > 2026", datetime(2027, 1, 1)),
        (DayRange(last=date(2026, 12, 24)), "false", AT),
        (DayRange(first=date(2026, 12, 24)), "false", datetime(2026, 12, 24)),
        ("current_date >= date '2026-11-01'", DayRange(last=date(2026, 12, 24)), datetime(2026, 12, 25)),
    ],
)
def test_the_moment_of_an_example_is_the_earliest_plausible_one(
    prover: Prover, before: str | Formula, after: str | Formula, moment: datetime
) -> None:
    later = compared(prover, before, after).later
    [witness] = [side.witness for side in (later.gained, later.lost) if side.witness is not None]
    assert witness.moment == moment


@pytest.mark.parametrize(
    ("before", "after", "facts", "exact"),
    [
        ("recipient.age >= 18", "recipient.age > 18", [("age", (), 18, 18)], True),
        ("recipient.age > 18", "recipient.age > 21", [("age", (), 19, 21)], True),
        (
            "recipient.country is null or recipient.country = 'FR'",
            "recipient.country = 'FR'",
            [("country", (), None, None)],
            True,
        ),
        ("true", "recipient.country <> 'FR'", [("country", ("FR", None), None, None)], True),
        ("recipient.name in ('a', 'b')", "recipient.name = 'a'", [("name", ("b",), None, None)], True),
        (
            "recipient.consent and recipient.age > 3",
            "recipient.consent and recipient.age > 4",
            [("age", (), 4, 4), ("consent", (True,), None, None)],
            True,
        ),
        ("recipient.age * recipient.age > 100", "recipient.age > 100", [("age", (), None, 100)], False),
        ("interaction.basket > 50", "false", [("basket", (), Decimal(50), None)], False),
        (
            "recipient.birth_date >= date '2000-01-01'",
            "recipient.birth_date > date '2000-01-31'",
            [("birth_date", (), date(2000, 1, 1), date(2000, 1, 31))],
            True,
        ),
    ],
)
def test_what_all_of_them_have_in_common(
    prover: Prover, before: str, after: str, facts: list[tuple[str, tuple[Value, ...], Value, Value]], exact: bool
) -> None:
    lost = compared(prover, before, after).now.lost
    expected = [
        CommonFact(("interaction" if name == "basket" else "recipient", name), among, least, most)
        for name, among, least, most in facts
    ]
    assert (list(lost.facts), lost.exact) == (expected, exact)


def test_an_example_that_the_evaluator_denies_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encode._SIGNS, "gt", ">=")
    with Prover() as prover:
        gained = compared(prover, "recipient.age > 19", "recipient.age > 18 and recipient.age < 19").now.gained
        assert (gained.answer, gained.witness) == (Existence.UNDECIDED, None)
        assert gained.why == "an example could not be confirmed"
        assert prover.unreplayed


def test_an_example_that_duckdb_denies_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckReplay, "denies", lambda *_: True)
    with Prover() as prover:
        now = compared(prover, "recipient.age >= 18", "recipient.age > 18").now
        assert (now.verdict, now.lost.witness) == (Verdict.NOT_DECIDED, None)
        assert prover.unreplayed == 1


def test_without_duckdb_the_evaluator_in_python_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with Prover() as prover:
        assert compared(prover, "recipient.age >= 18", "recipient.age > 18").now.verdict is Verdict.FEWER


def test_duckdb_denies_what_is_not_so() -> None:
    replay = DuckReplay()
    old, new = condition("recipient.age >= 18"), condition("recipient.age > 18")
    answers = [replay.denies(old, new, {("recipient", "age"): age}, AT) for age in (17, 18, 19, None)]
    replay.close()
    assert answers == [True, False, True, True]
