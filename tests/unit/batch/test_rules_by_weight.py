"""Rules that apply by weight or count by stored data: the same for one contact, for all, and as a query, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from offerkit.batch import batch_program, batch_request, decide_all, open_contact_table
from offerkit.batch.emit import DIALECTS, InputTables, emit
from offerkit.diagnostics import Code, Refused
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.models.status import Status, status_number
from offerkit.store import PropositionRow, Store
from offerkit.times import utc

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AGES = (None, 3, 20, 30, 40)


def catalog(rule: Mapping[str, Any], weights: Mapping[str, Sequence[Mapping[str, Any]]], **category: Any) -> Catalog:
    return inline_catalog(
        {
            "dimensions": {
                "person": {"key": ["id"], "fields": {"id": {"type": "integer"}, "age": {"type": "integer"}}}
            },
            "environment": {"dimension": "person", "typology": "t", "product_fields": {"hotel": {"type": "string"}}},
            "spaces": {
                "web": {
                    "channel": "inbound-web",
                    "unitary": True,
                    "fields": [{"name": "title"}],
                    "storage": {"proposed_data": {"age": "person.age"}},
                }
            },
            "typologies": {"t": {"rules": ["r"]}},
            "rules": {"r": {"max": 1, **rule}},
            "categories": {"c": category},
            "offers": {
                name: {"category": "c", "themes": [name], "weights": list(own)} for name, own in weights.items()
            },
        }
    )


def past(offer: str, weight: str = "1") -> PastProposition:
    return PastProposition(offer, "c", "web", "inbound-web", "presented", NOW - timedelta(days=1), Decimal(weight), 1)


def answers(made: Catalog, history: Sequence[PastProposition], folder: Path) -> Iterator[list[list[str]]]:
    """What each contact gets: by single calls, explained calls, the batch, and the query in DuckDB."""
    people = [{"id": number, "age": age} for number, age in enumerate(AGES)]
    calls = [make_call(made, "web", who=CallContext(row, str(row["id"]), NOW, "s"), n=20) for row in people]
    for explain in (False, True):
        yield [[one.offer for one in decide(made, call, history, explain=explain).chosen] for call in calls]
    rows = [
        PropositionRow(
            f"{row['id']}-{number}", "shop", str(row["id"]), one.space, one.channel, one.offer, one.category, "call", 1,
            one.weight, Status(one.status), utc(one.time), utc(one.time), 1,
        )
        for row in people
        for number, one in enumerate(history)
    ]  # fmt: skip
    program = batch_program(made, calls[0]._replace(key=""))
    with Store.open(folder / "store.db", create=True) as store:
        store.add_propositions(rows)
        with open_contact_table(people, ("id",), made.dimension.fields) as table:
            (chunk,) = decide_all(table, batch_request(table, program, store))
    names = [made.offers[item.position].name for item in program.items]
    yield [[names[item] for item in column if item >= 0] for column in chunk.picks.T.tolist()]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE person (id BIGINT, age BIGINT)")
        db.executemany("INSERT INTO person VALUES (?, ?)", [(row["id"], row["age"]) for row in people])
        db.execute(
            "CREATE TABLE proposition (contact VARCHAR, environment VARCHAR, space VARCHAR, channel VARCHAR,"
            ' offer VARCHAR, category VARCHAR, "rank" BIGINT, weight VARCHAR, status BIGINT, "time" VARCHAR)'
        )
        for row in rows:
            cells = (row.contact, "shop", row.space, row.channel, row.offer, row.category, 1, str(row.weight))
            db.execute(
                f"INSERT INTO proposition VALUES ({', '.join('?' * 10)})",
                (*cells, status_number(row.status), row.time),
            )
        found: list[list[str]] = [[] for _ in people]
        for _, contact, _, offer, _ in sorted(db.execute(emit(program, "duckdb", InputTables("person"))).fetchall()):
            found[int(contact)].append(offer)
        yield found


N = [{"weight": "1"}]


@pytest.mark.parametrize(
    ("when", "weights", "multiplier", "out"),
    [
        ("offer.weight > 5", {"a": [{"weight": 10, "when": "person.age > 25"}, {"weight": 5}]}, None, {3, 4}),
        ("offer.weight = 5", {"a": [{"weight": 10, "when": "person.age > 25"}, {"weight": 5}]}, None, {0, 1, 2}),
        ("offer.weight >= 30", {"a": [{"formula": "person.age"}, {"weight": 1}]}, None, {3, 4}),
        ("offer.weight between 25 and 35", {"a": [{"formula": "person.age * 1.25"}, {"weight": 30}]}, None, {0, 1, 2}),
        ("offer.weight = 60", {"a": [{"formula": "person.age"}, {"weight": 1}]}, "3", {2}),
        ("offer.weight = 0.000002", {"a": [{"weight": "0.0000015"}]}, None, {0, 1, 2, 3, 4}),
        ("offer.weight = 0.000001", {"a": [{"weight": "0.0000014"}]}, None, {0, 1, 2, 3, 4}),
        ("offer.weight > 1", {"a": [{"weight": "999999999999"}]}, "2", set()),
        ("offer.weight is null", {"a": [{"weight": "999999999999"}]}, "2", {0, 1, 2, 3, 4}),
        ("offer.weight > 5 and offer.name = 'b'", {"a": [{"weight": 10}]}, None, set()),
        ("offer.weight > 20 or contains(offer.themes, 'a')", {"a": N}, None, {0, 1, 2, 3, 4}),
        ("offer.weight * 2 > 7 and offer.until is null", {"a": [{"weight": "3.6"}]}, None, {0, 1, 2, 3, 4}),
    ],
)
def test_by_weight(when: str, weights: dict[str, Any], multiplier: str | None, out: set[int], tmp_path: Path) -> None:
    """``out``: the contacts, by number, whom the rule does not let have the offer ``a``."""
    factor = {"multiplier": {"factor": multiplier}} if multiplier else {}
    made = catalog({"applies_to": {"when": when}, "counted": {"of": "all"}}, {**weights, "b": N}, **factor)
    assert not made.problems
    for answer in answers(made, [past("gone")], tmp_path):
        assert {number for number, names in enumerate(answer) if "a" not in names} == out


@pytest.mark.parametrize(
    ("weight", "counts"),
    [("10", True), ("5", False), ("9.9999995", True), ("9.9999994", False), ("1000000000000", False)],
)
def test_a_proposition_counts_by_its_weight(weight: str, counts: bool, tmp_path: Path) -> None:
    rule = {"applies_to": {"offers": ["b"], "when": "offer.weight >= 10 and offer.name <> 'a'"}}
    made = catalog({**rule, "counted": {"of": "applies-to"}}, {"a": N, "b": N, "c": N})
    for answer in answers(made, [past("c", weight)], tmp_path):
        assert all(("b" not in names) == counts and "a" in names for names in answer)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"counted": {"when": "stored.age > 3"}}, "stored.age"),
        ({"counted": {"when": "product.hotel = 'Sea'"}}, "product.hotel"),
        (
            {"applies_to": {"when": "contains(offer.themes, 'a')"}, "counted": {"of": "applies-to"}},
            "offer.themes",
        ),
    ],
)
def test_what_is_not_emitted_is_refused_by_name(dialect: str, rule: dict[str, Any], named: str) -> None:
    made = catalog(rule, {"a": N})
    program = batch_program(made, make_call(made, "web", who=CallContext(None, "", NOW, "s"), n=1))
    with pytest.raises(Refused) as told:
        emit(program, dialect, InputTables("person"))
    (found,) = told.value.diagnostics
    assert found.code is Code.NOT_EMITTED
    assert f"“{named}” has no equivalent" in found.summary
    assert found.address == "shop/rule.r"
