"""In PostgreSQL, too, every read of propositions is a search in an index, among many and without sorting.

The default run asks that of SQLite only (test_propositions_indexed.py): it takes many rows to ask PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from helpers.postgres import new_schema
from proposition_samples import at, made

from offerkit.models.status import Status
from offerkit.store import PropositionQuery, Store, parse_location

pytestmark = pytest.mark.slow
MANY = 40_000

READS: dict[str, tuple[Callable[[Store], object], str]] = {
    "past": (lambda s: s.past("recipients", "c-7", moment(0)), "proposition_pkey"),
    "by contact": (lambda s: s.propositions(PropositionQuery("recipients", contact="c-7")), "proposition_pkey"),
    "one": (lambda s: s.proposition("p-1"), "proposition_id"),
    "newest": (lambda s: s.propositions(PropositionQuery("recipients")), "proposition_time"),
    "by offer": (lambda s: s.propositions(PropositionQuery("recipients", offer="o-3")), "proposition_time"),
    "by space": (lambda s: s.propositions(PropositionQuery("recipients", space="s-2")), "proposition_time"),
    "offer and space": (
        lambda s: s.propositions(PropositionQuery("recipients", offer="o-3", space="s-2", since=moment(0))),
        "proposition_time",
    ),
    "next page": (
        lambda s: s.propositions(PropositionQuery("recipients", offer="o-3", before=(moment(20_000), "p"))),
        "proposition_time",
    ),
    "purge": (lambda s: s.purge_propositions("recipients", moment(2000), 50), "proposition_time"),
    "set": (lambda s: s.set_status("p-30000", Status.ACCEPTED, at(9)), "proposition_id"),
}


def moment(n: int) -> str:
    """One proposition a minute."""
    return f"2026-{n // 40320 + 1:02}-{n // 1440 % 28 + 1:02}T{n // 60 % 24:02}:{n % 60:02}:00.000000Z"


FEW = ("offer and space",)
"""The planner expects a few rows of the newest 10,000, and finds them in one pass over this table as soon."""


@pytest.fixture(scope="module")
def filled() -> Iterator[Store]:
    with Store.open(parse_location(new_schema()), create=True) as store:
        store.add_propositions(
            [
                made(1, id=f"p-{n}", time=moment(n), contact=f"c-{n % 2000}", offer=f"o-{n % 20}", space=f"s-{n % 5}")
                for n in range(1, MANY)
            ]
        )
        store._db.run("ANALYZE proposition")  # as autovacuum does
        yield store


@pytest.mark.parametrize("name", READS)
def test_read_by_index(filled: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read, index = READS[name]
    db = filled._db
    asked: list[tuple[str, Sequence[object]]] = []
    for method in ("rows", "run"):
        plain = getattr(type(db), method)

        def spy(self: object, sql: str, args: Sequence[object] = (), plain: Callable[..., object] = plain) -> object:
            asked.append((sql, args))
            return plain(self, sql, args)

        monkeypatch.setattr(type(db), method, spy)
    read(filled)
    monkeypatch.undo()
    plans = [
        [row[0] for row in db.rows(f"EXPLAIN {sql}", args)]  # type: ignore[arg-type]
        for sql, args in asked
        if sql.startswith(("SELECT", "UPDATE", "DELETE"))
    ]
    steps = [step for plan in plans for step in plan]
    assert any(index in step for step in steps), steps
    wrong = () if name in FEW else ("Seq Scan", "Sort")
    assert [step for step in steps if any(part in step for part in wrong)] == []
