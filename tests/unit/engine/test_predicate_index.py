"""The predicate index: what it remembers is bounded, threads share it, and it follows the day."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Thread
from tracemalloc import get_traced_memory, start, stop

import pytest

from offerkit.engine import predicate_index
from offerkit.engine.condition import BoundCondition, CallFacts, CompiledExpression
from offerkit.engine.predicate_index import FieldMasks, PredicateIndex, RememberedBytes, SharedParts, mask_of
from offerkit.rules.check import check
from offerkit.rules.steps import SteppedParts
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope, Value

NOW = datetime(2026, 6, 1, 10)
SPACES = ("person", "interaction")
SCOPE = NameScope(
    {
        "person": {
            name.value: FieldType(name) for name in BaseType if name not in (BaseType.NULL, BaseType.ENUMERATION)
        },
        "interaction": {"page": FieldType(BaseType.STRING)},
    }
)
NOBODY: dict[str, Value] = dict.fromkeys(SCOPE.namespaces["person"])


def conditions(*texts: str) -> list[tuple[BoundCondition]]:
    """For each thing its only condition."""
    return [
        (BoundCondition(CompiledExpression(text, check(text, SCOPE, ExpectedResult.CONDITION), "", SPACES)),)
        for text in texts
    ]


def index(texts: Sequence[str]) -> PredicateIndex:
    return PredicateIndex(conditions(*texts), SharedParts("person"), NOW.date())


def facts(now: datetime = NOW, /, **fields: Value) -> CallFacts:
    return CallFacts({**NOBODY, **fields}, {"page": fields.get("page")}, now, now.date())


def left(made: PredicateIndex, of: CallFacts, count: int) -> list[int]:
    """The numbers of the things that are left."""
    return [number for number, mark in enumerate(f"{made.alive(of):0{count}b}") if mark == "1"]


TEXTS = (
    "person.integer >= 18",
    "person.integer in (17, 20)",
    "person.integer is null or person.boolean",
    "person.integer < 5",
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"integer": 17, "boolean": False}, [1]),
        ({"integer": 18, "boolean": True}, [0, 2]),
        ({"integer": 20}, [0, 1]),
        ({"integer": 4}, [3]),
        ({}, [2]),
    ],
)
def test_what_is_left(fields: dict[str, Value], expected: list[int]) -> None:
    assert left(index(TEXTS), facts(**fields), len(TEXTS)) == expected


def test_a_list_that_an_offer_has() -> None:
    """It is a constant, as a list of alternatives is."""
    scope = NameScope({**SCOPE.namespaces, "offer": {"cities": FieldType(BaseType.LIST)}})
    checked = check("contains(offer.cities, person.string)", scope, ExpectedResult.CONDITION)
    expression = CompiledExpression(checked.text, checked, "", (*SPACES, "offer"))
    lists: list[tuple[str, ...] | None] = [("Lyon", "Paris"), (), ("Paris",), None]
    needs = [(BoundCondition(expression, ({"cities": cities},)),) for cities in lists]
    made = PredicateIndex(needs, SharedParts("person"), NOW.date())
    assert [left(made, facts(string=city), 4) for city in ("Paris", "Lyon", "", None)] == [[0, 2], [0], [], []]


def test_parts_that_threads_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may make its own of the same test; both count."""
    texts = ["person.integer > person.decimal"] * 3
    parts, needs = SharedParts("person"), conditions(*texts)
    read = SharedParts.of
    monkeypatch.setattr(SharedParts, "of", lambda *given: _copied(read(*given)))
    made = PredicateIndex([(*needs[0], *needs[1]), needs[1], needs[2]], parts, NOW.date())
    assert left(made, facts(integer=1, decimal=Decimal(0)), 3) == [0, 1, 2]
    assert left(made, facts(integer=0, decimal=Decimal(0)), 3) == []


def _copied(read: SteppedParts) -> SteppedParts:
    return read._replace(parts=tuple(replace(part) for part in read.parts or ()))


def test_nothing_needs_anything() -> None:
    assert PredicateIndex([], SharedParts("person"), NOW.date()).alive(facts()) == 0
    assert PredicateIndex([(), ()], SharedParts("person"), NOW.date()).alive(facts()) == 0b11


def test_one_that_never_holds_and_one_that_always_does() -> None:
    texts = ("1 > 2 and person.integer > 0", "1 < 2", "null")
    assert left(index(texts), facts(integer=1), len(texts)) == [1]


def test_one_is_not_true() -> None:
    """The steps of a number that changes at 1 equal those of a test."""
    made = index(["person.integer > 0", "person.decimal >= 1"])
    answers = [left(made, facts(integer=number, decimal=Decimal(number)), 2) for number in (-1, 0, 1, 2)]
    assert answers == [[], [], [0, 1], [0, 1]]


def test_the_day_turns() -> None:
    """Parts that depend on the day are read anew, the others are not."""
    texts = ("person.date >= current_date", "days_since(person.date) = 0", "age_in_years(person.date) >= 18")
    needs, parts = conditions(*texts), SharedParts("person")
    born = date(2008, 6, 2)
    found = []
    for day in (1, 2, 1, 3):
        now = NOW.replace(day=day, hour=23, minute=59, second=59)
        made = PredicateIndex(needs, parts, now.date())
        found.append((left(made, facts(now, date=date(2026, 6, 2)), 3), left(made, facts(now, date=born), 3)))
    assert found == [([0], []), ([0, 1], [2]), ([0], []), ([], [2])]


def test_the_time_of_day_is_never_remembered() -> None:
    made = index(("person.timestamp > now - interval '1 hour'", "person.timestamp > now - interval '2 hours'"))
    seen = NOW - timedelta(minutes=59)
    later = NOW + timedelta(minutes=2)
    assert [left(made, facts(now, timestamp=seen), 2) for now in (NOW, later, NOW)] == [[0, 1], [1], [0, 1]]


def test_ever_new_values_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicate_index, "FIELD_BYTES", 20_000)
    texts = [
        f"person.integer >= {number} and person.decimal < {number}.5 and person.string <> 'text {number}'"
        f" and lower(interaction.page) like '%{number}%x' and not contains(person.list, 'tag {number % 10}')"
        for number in range(100)
    ]
    made = index(texts)

    def ask(numbers: range) -> int:
        for number in numbers:
            text = f"text {number}"
            made.alive(
                facts(NOW, page=text, integer=number, decimal=Decimal(number), string=text, list=(text, "tag 1"))
            )
        return get_traced_memory()[0]

    start()
    try:
        before = ask(range(10))
        grown = [ask(range(begin, begin + 500)) - before for begin in range(0, 3_000, 500)]
    finally:
        stop()
    assert 20_000 < max(grown) < 3 * 5 * 20_000


def test_long_values_are_not_remembered() -> None:
    masks = FieldMasks("string", NOW.date(), 1, RememberedBytes())
    masks.tables.append((None, predicate_index.StepTable([], 1)))
    for value in ("x" * 201, ("x",) * 10, ("x" * 150,) * 2, "x" * 200, ("x",) * 9):
        assert masks[value] == 1
    assert sorted(map(len, masks)) == [9, 200]  # type: ignore[arg-type]


def test_values_of_many_bytes_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of wide characters, and lists of short texts, which take more than their characters."""
    monkeypatch.setattr(predicate_index, "FIELD_BYTES", 50_000)
    masks = FieldMasks("list", NOW.date(), 1, RememberedBytes())
    masks.tables.append((None, predicate_index.StepTable([], 1)))
    most = 0
    for number in range(0x4000, 0x4400):
        assert masks["\U0001f600" * 190 + chr(number)] == masks[tuple(map(chr, range(number, number + 9)))] == 1
        most = max(
            most,
            sum(sys.getsizeof(value) + sum(map(sys.getsizeof, value)) for value in masks if isinstance(value, tuple))
            + sum(sys.getsizeof(value) for value in masks if isinstance(value, str)),
        )
    assert 20_000 < most < 50_000


def test_indexes_are_made_while_all_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever new slices in one thread, ever new values in another."""
    monkeypatch.setattr(predicate_index, "CATALOG_BYTES", 1)
    parts, needs = SharedParts("person"), conditions("person.integer > 0")
    kept = [PredicateIndex(needs, parts, NOW.date()) for _ in range(300)]
    failed: list[Exception] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def make() -> None:
        for _ in range(300):
            kept.append(PredicateIndex(needs, parts, NOW.date()))

    def ask() -> None:
        try:
            for number in range(300):
                assert kept[0].alive(facts(integer=number + 1)) == 1
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=work) for work in (make, ask, ask)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failed


def test_numbers_of_bits() -> None:
    for numbers in ([], [0], [7, 8], [3, 65, 64], [3, 3]):
        assert mask_of(numbers) == sum(1 << number for number in set(numbers))


def test_few_masks_of_a_large_table_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are derived, and are the same."""
    count = 300
    texts = [f"person.integer in ({number}, {number + 7})" for number in range(count)]
    whole = index(texts)
    monkeypatch.setattr(predicate_index, "TABLE_BYTES", 1_000)
    few = index(texts)
    for number in range(-1, count + 9):
        expected = [each for each in (number - 7, number) if 0 <= each < count]
        assert left(few, facts(integer=number), count) == expected == left(whole, facts(integer=number), count)


def test_threads_share_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicate_index, "FIELD_BYTES", 4_000)
    texts = [f"person.integer >= {number} and person.string <> '{number}'" for number in range(300)]
    made = index(texts)
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 600):
            age = number % 300
            found = made.alive(facts(integer=age, string=str(age // 2))).bit_count()
            if found != age + 1 - (1 if age // 2 <= age else 0):
                wrong.append(number)

    threads = [Thread(target=ask, args=(first,)) for first in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_all_fields_forget_when_a_catalog_remembers_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many slices are asked."""
    monkeypatch.setattr(predicate_index, "CATALOG_BYTES", 50_000)
    parts, needs = SharedParts("person"), conditions("person.integer > 0 and person.string <> 'x'")
    many = [PredicateIndex(needs, parts, NOW.date()) for _ in range(50)]

    def ask(numbers: range) -> int:
        for number in numbers:
            assert many[number % 50].alive(facts(integer=number + 1, string=f"text {number}")) == 1
        return get_traced_memory()[0]

    start()
    try:
        before = ask(range(50))
        grown = [ask(range(begin, begin + 500)) - before for begin in range(1_000, 6_000, 500)]
    finally:
        stop()
    assert max(grown) < 3 * 50_000


@pytest.mark.parametrize("rules", [200, 1_600])
def test_work_does_not_grow_with_rules(rules: int) -> None:
    """For a contact that was met and for one that was not; what is evaluated is each term, once."""
    texts = [
        f"person.integer >= {number} and person.string in ('a', 't{number}') and days_since(person.date) < {number}"
        f" and (person.decimal < {number}.5 or person.decimal is null) and coalesce(interaction.page, 'x') <> 'p{number}'"
        for number in range(rules)
    ]
    made = index(texts)
    rows = [
        facts(integer=number, string=f"t{number}", date=date(2026, 1, number + 1), decimal=Decimal(number), page="y")
        for number in range(3)
    ]
    made.alive(rows[0])
    assert _calls(made, rows[0]) < 20
    assert _calls(made, rows[1]) < 100


def _calls(made: PredicateIndex, of: CallFacts) -> int:
    """How many functions are called, those of C included."""
    count = 0

    def counting(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        made.alive(of)
    finally:
        sys.setprofile(None)
    return count
