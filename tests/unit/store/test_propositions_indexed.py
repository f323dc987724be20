"""Every read of propositions is a search in the index that is meant for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from proposition_samples import at, made

from offerkit.models.status import Status
from offerkit.store import DataWithStatus, DeliveryRun, PropositionQuery, Store, deliveries

RUN = DeliveryRun("recipients", "c", "d", "call-1", "email", 4, at(1), at(1), "ada", 1, 1)


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """SQLite's plans are read here; PostgreSQL's in test_postgres_indexed.py."""
    return tmp_path / "store.db"


READS: dict[str, tuple[Callable[[Store], object], str]] = {
    "past": (lambda s: s.past("recipients", "c-1", at(0)), "PRIMARY KEY (environment=? AND contact=? AND time>?)"),
    "past with data": (
        lambda s: s.past_with_data("recipients", "c-1", at(0)),
        "PRIMARY KEY (environment=? AND contact=? AND time>?)",
    ),
    "one": (lambda s: s.proposition("p-1"), "proposition_id (id=?)"),
    "all": (lambda s: s.propositions(), "proposition_time (environment=?)"),
    "since": (
        lambda s: s.propositions(PropositionQuery("recipients", since=at(1))),
        "proposition_time (environment=? AND time>?)",
    ),
    "by offer": (
        lambda s: s.propositions(PropositionQuery(offer="o")),
        "proposition_time (environment=?)",
    ),
    "by space": (
        lambda s: s.propositions(PropositionQuery(space="w")),
        "proposition_time (environment=?)",
    ),
    "by contact": (
        lambda s: s.propositions(PropositionQuery(contact="c")),
        "PRIMARY KEY (environment=? AND contact=?)",
    ),
    "by status": (
        lambda s: s.propositions(PropositionQuery(status=Status.ACCEPTED)),
        "proposition_time (environment=?)",
    ),
    "contact before offer": (
        lambda s: s.propositions(PropositionQuery(contact="c", offer="o", space="w")),
        "PRIMARY KEY (environment=? AND contact=?)",
    ),
    "offer and space": (
        lambda s: s.propositions(PropositionQuery(offer="o", space="w", since=at(0), until=at(9))),
        "proposition_time (environment=? AND time>? AND time<?)",
    ),
    "next page": (
        lambda s: s.propositions(PropositionQuery("recipients", offer="o", before=(at(9), "p"))),
        "proposition_time (environment=? AND (time,id)<(?,?))",
    ),
    "purge": (lambda s: s.purge_propositions("recipients", at(0), 10), "proposition_time (environment=? AND time<?)"),
    "set": (lambda s: s.set_status("p-1", Status.ACCEPTED, at(9)), "proposition_id (id=?)"),
    "waiting": (
        lambda s: s.delivery_waiting(RUN, "p-1"),
        "proposition_time (environment=? AND (time,id)>(?,?) AND time<?)",
    ),
    "sent with data": (
        lambda s: deliveries._store_data(s.database, RUN, {"p-1": DataWithStatus({})}),
        "proposition_id (id=?)",
    ),
    "add": (lambda s: s.add_propositions([made(5)]), "proposition_id (id=?)"),
}


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("name", READS)
def test_read_by_index(store: Store, name: str, analyzed: bool) -> None:
    read, index = READS[name]
    store.add_propositions([made(number) for number in range(1, 4)])
    connection = store._db._connection  # type: ignore[attr-defined]
    if analyzed:
        connection.execute("ANALYZE")
    ran: list[str] = []
    connection.set_trace_callback(ran.append)
    read(store)
    connection.set_trace_callback(None)
    asked = [sql for sql in ran if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
    plans = [[row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql)] for sql in asked]
    steps = [step for plan in plans for step in plan]
    assert steps
    assert [step for step in steps if "SCAN" in step or "SORT" in step or "B-TREE" in step] == []
    begins = ("SEARCH proposition USING ", "SEARCH proposition_change", "SEARCH delivery_run USING COVERING INDEX")
    assert all(step.startswith(begins) for step in steps), steps
    if not analyzed:  # with three rows known to the planner, any index is as good
        assert any(step.endswith(index) for step in steps), steps
