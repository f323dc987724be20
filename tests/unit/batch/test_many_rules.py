"""More presentation rules, and more counts of contacts' histories, than one pass over the propositions takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers import random_catalog

from offerkit.batch import batch_program, batch_request, decide_all, open_contact_table
from offerkit.engine.call import CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.history import PastProposition
from offerkit.engine.inline_catalog import inline_catalog
from offerkit.store import Store

NUMBER = 70
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = [f"o{place:03}" for place in range(NUMBER)]
PEOPLE: list[dict[str, Any]] = [{"id": place} for place in range(6)]


def _catalog(rules: dict[str, Any], offers: dict[str, Any]) -> Catalog:
    return inline_catalog(
        {
            "dimensions": {"person": {"key": ["id"], "fields": {"id": {"type": "integer"}}}},
            "environment": {"dimension": "person", "typology": "t"},
            "typologies": {"t": {"rules": [*rules]}},
            "rules": rules,
            "spaces": {"web": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}},
            "categories": {"a": {}},
            "offers": {name: {"category": "a", **offers.get(name, {})} for name in NAMES},
        }
    )


BY_RULES = _catalog(
    {f"r{place:03}": {"applies_to": {"offers": [name]}, "period": {"before": f"{place + 1}h"}, "max": 1 + place % 2}
     for place, name in enumerate(NAMES)}, {},
)  # fmt: skip
BY_HISTORY = _catalog(
    {}, {name: {"eligible": {"history": [{"offer": name, "period": f"{place + 1}h", "at_most": place % 2}]}}
         for place, name in enumerate(NAMES)},
)  # fmt: skip


@pytest.mark.parametrize("catalog", [BY_RULES, BY_HISTORY], ids=["rules", "history"])
def test_a_batch_counts_by_all_of_them_as_a_call_does(catalog: Catalog, tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    past = {
        str(row["id"]): [
            PastProposition(name, "a", "web", "inbound-web", "presented", NOW - ago * hour, Decimal(1), 1)
            for place, name in enumerate(NAMES)
            for ago in ((place * 7 + row["id"] * 11) % 70, (place * 3 + row["id"]) % 90)
        ]
        for row in PEOPLE
    }
    expected = []
    for row in PEOPLE:
        call = make_call(catalog, "web", who=CallContext(row, str(row["id"]), NOW), n=100)
        expected.append([chosen.offer for chosen in decide(catalog, call, past[str(row["id"])]).chosen])
    program = batch_program(catalog, make_call(catalog, "web", who=CallContext(None, "", NOW, many=True), n=100))
    with Store.open(tmp_path / "store.db", create=True) as store:
        random_catalog.fill(store, catalog, past)
        with open_contact_table(PEOPLE, ("id",), catalog.dimension.fields) as people:
            (chunk,) = decide_all(people, batch_request(people, program, store))
            found = [
                [catalog.offers[program.items[item].position].name for item in column if item >= 0]
                for column in chunk.picks.T.tolist()
            ]
    assert found == expected
    assert all(5 < len(names) < NUMBER - 20 for names in expected), list(map(len, expected))
