"""The table of a batch's conditions holds what the engine says for each contact, however their parts are evaluated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy
import pytest

from offerkit.batch import batch_program, condition_table, open_contact_table
from offerkit.batch.condition_table import ConditionTable
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.inline_catalog import inline_catalog

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PARTS = [
    "person.age >= 18", "person.age between 30 and 40", "person.age + 1 > 34", "person.age is null",
    "person.age / (person.age - 33) > 2", "not (person.age < 40)",
    "person.tier = 'gold'", "person.tier in ('gold', '')", "lower(person.tier) like 's%'", "person.tier <> 'gold'",
    "person.spent > 9.99", "person.spent <= 999999999999", "coalesce(person.spent, 0) = 0", "person.spent * 2 > 10",
    "days_since(person.since) > 30", "person.since < date '2026-05-01'", "person.since > now() - interval '2 days'",
    "contains(person.wants, 'news')", "person.wants is not null", "length(person.wants) > 1",
    "person.open", "not person.open", "person.open is null",
    "person.age > 33 or person.tier = 'gold'", "person.age > person.spent", "person.open or person.since is null",
    "interaction.page = '/a'", "interaction.page is null", "true", "person.age > interaction.least",
]  # fmt: skip
"""Parts of one field of each type, of several, and of none."""
FIELDS = {
    "id": "integer", "age": "integer", "tier": "string", "spent": "decimal", "since": "date", "wants": "list",
    "open": "boolean",
}  # fmt: skip


def _catalog(rng: Random) -> Catalog:
    offers = {}
    for number in range(rng.choice((1, 7, 8, 9, 30))):
        parts = rng.sample(PARTS, rng.choice((1, 1, 2, 4)))
        offers[f"o{number}"] = {"category": "a", "eligible": {"when": " and ".join(f"({part})" for part in parts)}}
    return inline_catalog(
        {
            "dimensions": {
                "person": {"key": ["id"], "fields": {name: {"type": type_} for name, type_ in FIELDS.items()}}
            },
            "environment": {
                "dimension": "person",
                "call_data": {"page": {"type": "string"}, "least": {"type": "integer"}},
            },
            "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
            "categories": {"a": {}},
            "offers": offers,
        }
    )


def _people(rng: Random) -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "age": rng.choice((None, 17, 18, 30, 33, 34, 40, 41, 2**63 - 1, -(2**63))),
            "tier": rng.choice((None, "", "gold", "Gold", "silver", "é'\"")),
            "spent": rng.choice((None, Decimal(0), Decimal("9.99"), Decimal("9.990001"), Decimal(10**12 - 1))),
            "since": rng.choice((None, date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 31))),
            "wants": rng.choice((None, (), ("news",), ("news", "sport"), ("sport", "news"))),
            "open": rng.choice((None, True, False)),
        }
        for number in range(60)
    ]


@pytest.mark.parametrize("values", [65_536, 4], ids=["few values", "too many"])
@pytest.mark.parametrize("many", [0, 61], ids=["by value", "by contact"])
def test_it_holds_what_the_engine_says(many: int, values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition_table, "MANY", many)
    monkeypatch.setattr(condition_table, "_SHARING", 1)
    monkeypatch.setattr(condition_table, "_VALUES", values)
    held = kinds = 0
    for seed in range(30):
        rng = Random(seed)
        catalog, rows = _catalog(rng), _people(rng)
        data = rng.choice(({}, {"page": "/a"}, {"page": "/b", "least": 20}))
        context = CallContext(None, "", NOW + timedelta(days=rng.randrange(3)), many=True)
        program = batch_program(catalog, make_call(catalog, "web", who=context, n=1, data=data))
        unread = [c.expression.problem for c in program.conditions if c.expression.checked is None]
        assert unread == []
        expected = [
            [condition.value(program.facts._replace(contact=row)) is True for row in rows]
            for condition in program.conditions
        ]
        with open_contact_table(rows, ("id",), catalog.dimension.fields) as people:
            table = ConditionTable(people, program, ["k"])
            found = people.connection.execute(f"SELECT * FROM {table.name} ORDER BY n").fetchnumpy()
            holds = numpy.empty((len(program.conditions), len(rows)), dtype=bool)
            table.holds(found, holds)
            table.drop()
            assert [name for (name,) in people.connection.execute("SHOW TABLES").fetchall()] == ["contact"]
        assert holds.tolist() == expected
        held += int(holds.sum())
        kinds += sum(name.startswith("v") for name in found)
    assert held > 2_000
    assert kinds == 0 if many else kinds > 20
