"""The ways to decide for a million contacts: offerkit's batch, the two peers, and the unitary engine in a loop.

A peer knows the offers' conditions, weights and ties as offerkit compiled them, which nobody has to write by hand
then, and reads the history from Parquet, which is kinder to it than offerkit's own store; or, to do the same job, from
that store. Everything that a way does
counts: reading contacts and history, deciding, writing the result as Parquet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, timedelta
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

from batch_data import PARTNERS, catalog
from decisions_catalog import ENVIRONMENT, SPACE
from decisions_rules import NOW

from offerkit.address import ancestors
from offerkit.batch import Results, batch_program, batch_request, decide_all, open_contact_table
from offerkit.batch.condition_sql import bound_condition_sql
from offerkit.batch.program import BatchProgram
from offerkit.contacts.open import open_contacts
from offerkit.engine.call import CallContext
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide
from offerkit.engine.ranking import tie_text
from offerkit.models.dimension import Dimension
from offerkit.rules.nodes import CallNode, FieldNode, Literal, Node
from offerkit.store import Store
from offerkit.usecases.propose import history_of
from offerkit.usecases.simulate import fields_of

N = 3
LOOPED = 2_000
"""Contacts that the loop decides; its time is stated for all of them."""


def the_program() -> BatchProgram:
    """The call for everybody: three offers on the web space."""
    made = catalog()
    data = {name: field.sample for name, field in made.call_data.items() if field.required}
    call = make_call(
        made, SPACE, who=CallContext(None, "", NOW, "", False, many=True), n=N, categories=(), themes=(), data=data
    )
    return batch_program(made, call)


def contacts_of(made: BatchProgram, folder: Path) -> Any:
    """The contacts' file as the source of a dimension."""
    fields = {
        name: {"type": kind.base.value, **({"values": list(kind.values)} if kind.values else {})}
        for name, kind in made.catalog.dimension.fields.items()
    }
    source = {"format": "parquet", "path": "contacts.parquet"}
    key = list(made.catalog.dimension.key)
    dimension = Dimension.model_validate({"key": key, "fields": fields, "source": source})
    return open_contacts("recipient", dimension, folder, {}, UTC)


def offerkit_way(folder: Path, out: Path, *, history: bool = True) -> None:
    """``offerkit simulate --out``, without its report."""
    made = the_program()
    types = {name: kind for name, kind in made.catalog.dimension.fields.items() if name in set(fields_of(made))}
    with (
        open_contact_table(contacts_of(made, folder), made.catalog.dimension.key, types) as people,
        Store.open(folder / "store.db") as store,
    ):
        batch = batch_request(people, made, store if history else None)
        results = Results(people)
        for chunk in decide_all(people, batch):
            results.add(made, chunk)
        results.write(out, out.suffix)


def without_history(folder: Path, out: Path) -> None:
    """The same where nobody was offered anything."""
    offerkit_way(folder, out, history=False)


def loop_way(folder: Path, out: Path) -> float:
    """The unitary engine, contact by contact, with each one's history from the store."""
    made = the_program()
    begun = perf_counter()
    with Store.open(folder / "store.db") as store:
        source = contacts_of(made, folder)
        for row in source.rows(LOOPED):
            key = source.key_of(row)
            call = made.call._replace(contact=row, key=key)
            decide(made.catalog, call, history_of(store, made.catalog, key, NOW))
        return (perf_counter() - begun) / LOOPED * float(source.count())


def duckdb_way(folder: Path, out: Path, *, stored: bool = False) -> None:
    """One list of 200 ``CASE``, sorted, cut and unnested: the fastest form of six that were tried.

    ``stored``: the history is read from offerkit's store, as offerkit has to.
    """
    import duckdb

    made = the_program()
    with duckdb.connect() as db:
        db.execute("SET preserve_insertion_order = false")
        source = f"'{folder / 'contacts.parquet'}'"
        names = ", ".join(f'"{name}" AS "f_{name}"' for name in made.catalog.dimension.fields)
        db.execute(f"CREATE VIEW contact AS SELECT id AS k, {names} FROM {source}")
        _excluded_in_duckdb(db, made, folder, _three_from_store(db, folder) if stored else _three(folder))
        ranks = _rank_of_weights(made)
        cases = ", ".join(
            "CASE WHEN "
            + (
                " AND ".join(
                    bound_condition_sql(made.conditions[condition], made.facts) for condition in item.conditions
                )
                or "TRUE"
            )
            + f" THEN {ranks[number] << 40} + ((({made.catalog.offers[item.position].tie} * factor + shift)"
            f" & 4294967295) << 8) + {number} END"
            for number, item in enumerate(made.items)
        )
        before = tie_text(made.call.seed, made.facts.today)
        offers = ", ".join(f"'{made.catalog.offers[item.position].name}'" for item in made.items)
        required = [bound_condition_sql(each.condition, made.facts) for each in made.catalog.requirements]
        environment = " AND ".join(required) or "TRUE"
        db.execute(
            f"""COPY (WITH hashed AS (SELECT *, md5('{before}' || k) AS digest FROM contact WHERE {environment}),
            mixed AS (SELECT * EXCLUDE digest, ('0x' || digest[1:8])::BIGINT AS shift,
                ('0x' || digest[9:16])::BIGINT | 1 AS factor FROM hashed),
            listed AS (SELECT k, list_filter([{cases}], lambda x: x IS NOT NULL) AS keys FROM mixed),
            allowed AS (SELECT k, CASE WHEN items IS NULL THEN keys ELSE
                list_filter(keys, lambda x: NOT list_contains(items, x & 255)) END AS keys
                FROM listed LEFT JOIN excluded USING (k)),
            best AS (SELECT k, list_sort(keys)[1:{N}] AS keys FROM allowed)
            SELECT k AS contact, unnest(range(1, len(keys) + 1)) AS rank,
                [{offers}][(unnest(keys) & 255) + 1] AS offer FROM best) TO '{out}' (FORMAT parquet)"""
        )


def _rank_of_weights(made: BatchProgram) -> list[int]:
    weights = sorted({item.weight for item in made.items if item.weight is not None}, reverse=True)
    return [weights.index(item.weight) for item in made.items if item.weight is not None]


def _excluded_in_duckdb(db: Any, made: BatchProgram, folder: Path, three: str) -> None:
    """Items taken from contacts by the three rules, with a list for each contact; ``three``: what each rule counts."""
    db.execute("CREATE TABLE offered (item INTEGER, offer VARCHAR, category VARCHAR, partner BOOLEAN)")
    db.executemany("INSERT INTO offered VALUES (?, ?, ?, ?)", _offered(made))
    db.execute(
        f"""CREATE TABLE excluded AS WITH {three}
        SELECT k, list(item) AS items FROM (
            SELECT k, item FROM declined JOIN offered USING (offer)
            UNION ALL SELECT k, item FROM pressed JOIN offered USING (category)
            UNION ALL SELECT k, item FROM partnered SEMI JOIN (SELECT id AS k FROM '{folder / "contacts.parquet"}'
                WHERE loyalty <> 'gold') USING (k) CROSS JOIN (SELECT item FROM offered WHERE partner)) GROUP BY k"""
    )


def _three(folder: Path) -> str:
    """What the three rules count, from Parquet."""
    past, now = f"'{folder / 'history.parquet'}'", f"TIMESTAMP '{NOW:%Y-%m-%d %H:%M:%S}'"
    return f"""declined AS (SELECT DISTINCT contact AS k, offer FROM {past} WHERE time BETWEEN {now} - INTERVAL 60 DAY
            AND {now} AND status IN ('accepted', 'rejected')),
        pressed AS (SELECT contact AS k, category FROM {past} WHERE time BETWEEN {now} - INTERVAL 30 DAY AND {now}
            AND channel = 'inbound-web' GROUP BY ALL HAVING count(*) >= 2),
        partnered AS (SELECT contact AS k FROM {past} WHERE time BETWEEN {now} - INTERVAL 492 HOUR AND {now}
            AND weight >= 5 AND rank <= 2 AND category IN (SELECT category FROM offered WHERE partner)
            GROUP BY contact HAVING count(*) >= 2)"""


def _three_from_store(db: Any, folder: Path) -> str:
    """The same from the store: SQLite says which rule counts a row, DuckDB counts."""
    import numpy

    db.execute("CREATE TABLE past (k VARCHAR, offer VARCHAR, category VARCHAR, flags TINYINT)")
    for rows in stored_history(folder):
        k, offer, category, flags = zip(*rows, strict=True)
        texts = {"k": k, "offer": offer, "category": category}
        part = {name: numpy.array(cells, dtype=object) for name, cells in texts.items()}
        part["flags"] = numpy.array(flags, dtype=numpy.int8)
        db.register("part", part)
        db.execute("INSERT INTO past SELECT * FROM part")
        db.unregister("part")
    return """declined AS (SELECT DISTINCT k, offer FROM past WHERE flags & 1 <> 0),
        pressed AS (SELECT k, category FROM past WHERE flags & 2 <> 0 GROUP BY ALL HAVING count(*) >= 2),
        partnered AS (SELECT k FROM past WHERE flags & 4 <> 0 GROUP BY k HAVING count(*) >= 2)"""


def stored_history(folder: Path) -> Iterator[list[tuple[str, str, str, int]]]:
    """Contact, offer, category and which of the three rules count it, narrowed by the best SQL that was found."""
    since = [f"'{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}.000000Z'" for hours in (1440, 720, 492)]
    named = " OR ".join(f"category = '{name}' OR (category >= '{name}/' AND category < '{name}0')" for name in PARTNERS)
    tests = (
        f"status IN (3, 5) AND time >= {since[0]}", f"channel = 'inbound-web' AND time >= {since[1]}",
        f"rank <= 2 AND CAST(weight AS REAL) >= 5 AND ({named}) AND time >= {since[2]}",
    )  # fmt: skip
    flags = " + ".join(f"CASE WHEN {test} THEN {1 << bit} ELSE 0 END" for bit, test in enumerate(tests))
    with closing(sqlite3.connect(folder / "store.db")) as store:
        found = store.execute(
            f"SELECT contact, offer, category, {flags} FROM proposition NOT INDEXED WHERE environment = '{ENVIRONMENT}'"
            f" AND +time <= '{NOW:%Y-%m-%dT%H:%M:%S}.000000Z' AND (({') OR ('.join(tests)}))"
        )
        while part := found.fetchmany(100_000):
            yield part


def _offered(made: BatchProgram) -> list[tuple[int, str, str, bool]]:
    return [
        (number, offer.name, offer.category, bool({*ancestors(offer.category), offer.category} & set(PARTNERS)))
        for number, offer in enumerate(made.catalog.offers[item.position] for item in made.items)
    ]


def polars_way(folder: Path, out: Path, *, stored: bool = False) -> None:
    """Booleans from Polars, the top three from NumPy; ties by Polars' own hash, because it has no MD5.

    ``stored``: the history is read from offerkit's store, as offerkit has to.
    """
    import numpy

    from offerkit.batch.decide import by_group

    polars = _package()
    made = the_program()
    people = polars.read_parquet(folder / "contacts.parquet")
    truths = people.select(
        **{f"g{place}": _polars(condition.expression.checked.root, made).fill_null(False)
           for place, condition in enumerate(made.conditions) if condition.expression.checked is not None},
    )  # fmt: skip
    columns = [truths[f"g{place}"].to_numpy() for place in range(len(made.conditions))]
    inside = numpy.ones(len(people), dtype=bool)
    for each in made.catalog.requirements:
        inside &= columns[made.number(each.condition)]
    alive = numpy.empty((len(made.items), len(people)), dtype=bool)
    for number, item in enumerate(made.items):
        alive[number] = inside
        for condition in item.conditions:
            alive[number] &= columns[condition]
    del truths, columns
    _take_in_polars(made, _polars_from_store(folder) if stored else _polars_from_parquet(folder), people, alive)
    hashed = people["id"].hash(seed=1).to_numpy()
    mixing = (hashed >> numpy.uint64(32)).astype(numpy.uint32) | numpy.uint32(1), hashed.astype(numpy.uint32)
    ties = numpy.array([made.catalog.offers[item.position].tie for item in made.items], dtype=numpy.uint32)
    ranks = _rank_of_weights(made)
    groups = [list(part) for _, part in groupby(range(len(ranks)), key=ranks.__getitem__)]
    picks = numpy.concatenate([
        by_group(alive[:, part], groups, ties, (mixing[0][part], mixing[1][part]), N)
        for part in (slice(at, at + 32_768) for at in range(0, len(people), 32_768))
    ], axis=1)  # fmt: skip
    names = polars.Series([made.catalog.offers[item.position].name for item in made.items])
    rank, place = numpy.nonzero(picks >= 0)
    polars.DataFrame({
        "contact": people["id"].gather(place), "rank": rank + 1, "offer": names.gather(picks[rank, place]),
    }).write_parquet(out)  # fmt: skip


def _package() -> Any:
    """Polars, which only this benchmark needs."""
    return import_module("polars")


def _take_in_polars(made: BatchProgram, three: tuple[Any, Any, Any], people: Any, alive: Any) -> None:
    """``three``: the rows that each rule counts."""
    polars = _package()

    col, (declined, pressed, partnered) = polars.col, three
    places = people.select("id", "loyalty").with_row_index("n").rename({"id": "contact"}).lazy()
    rows = polars.DataFrame(_offered(made), schema=["item", "offer", "category", "partner"], orient="row").lazy()
    partner = rows.filter("partner")
    refused = declined.select("contact", "offer").unique().join(rows, on="offer")
    often = pressed.group_by("contact", "category").len().filter(col("len") >= 2).join(rows, on="category")
    both = partnered.join(partner.select("category").unique(), on="category", how="semi").group_by("contact").len(
    ).filter(col("len") >= 2).join(places.filter(col("loyalty") != "gold"), on="contact").select("n").join(
        partner.select("item"), how="cross"
    )  # fmt: skip
    for part in (refused.join(places, on="contact"), often.join(places, on="contact"), both):
        found = part.select("item", "n").collect()
        alive[found["item"].to_numpy(), found["n"].to_numpy()] = False


def _polars_from_parquet(folder: Path) -> tuple[Any, Any, Any]:
    polars = _package()
    col, now = polars.col, NOW.replace(tzinfo=None)
    past = polars.scan_parquet(folder / "history.parquet").filter(col("time") <= now)
    return (
        past.filter((col("time") >= now - timedelta(days=60)) & col("status").is_in(["accepted", "rejected"])),
        past.filter((col("time") >= now - timedelta(days=30)) & (col("channel") == "inbound-web")),
        past.filter((col("time") >= now - timedelta(hours=492)) & (col("weight") >= 5) & (col("rank") <= 2)),
    )


def _polars_from_store(folder: Path) -> tuple[Any, Any, Any]:
    polars = _package()
    names = {"contact": polars.String, "offer": polars.String, "category": polars.String, "flags": polars.Int8}
    parts = [
        polars.DataFrame(dict(zip(names, zip(*rows, strict=True), strict=True)), schema=names)
        for rows in stored_history(folder)
    ]
    past = polars.concat(parts).lazy()
    declined, pressed, partnered = (past.filter(polars.col("flags") & (1 << bit) != 0) for bit in range(3))
    return declined, pressed, partnered


def _polars(node: Node, made: BatchProgram) -> Any:
    """A condition as an expression of Polars, for what the rules of this benchmark use."""
    polars = _package()

    if isinstance(node, FieldNode):
        if node.namespace == "interaction":
            return polars.lit(made.call.data.get(node.name))
        return polars.col(node.name)
    if isinstance(node, Literal):
        return polars.lit(node.value)
    assert isinstance(node, CallNode), node
    name = node.name
    if name == "current_date":
        return polars.lit(made.facts.today)
    if name == "in":
        operand, *items = node.args
        values = [item.value for item in items if isinstance(item, Literal)]
        return _polars(operand, made).is_in(values)
    if name in ("date_diff", "days_since"):
        dates = [_polars(arg, made) for arg in node.args if not (isinstance(arg, Literal) and arg.value == "day")]
        return ((dates[1] if len(dates) > 1 else polars.lit(made.facts.today)) - dates[0]).dt.total_days()
    args = [_polars(arg, made) for arg in node.args]
    return _CALLS[name](args)


def _all(args: list[Any]) -> Any:
    polars = _package()

    return polars.all_horizontal(args)


def _first(args: list[Any]) -> Any:
    polars = _package()

    return polars.coalesce(args)


_CALLS: Mapping[str, Callable[[list[Any]], Any]] = {
    "and": _all, "coalesce": _first,
    "not": lambda args: ~args[0], "is_null": lambda args: args[0].is_null(),
    "eq": lambda args: args[0] == args[1], "ne": lambda args: args[0] != args[1],
    "lt": lambda args: args[0] < args[1], "le": lambda args: args[0] <= args[1],
    "gt": lambda args: args[0] > args[1], "ge": lambda args: args[0] >= args[1],
    "list_contains": lambda args: args[0].list.contains(args[1]),
    "between": lambda args: args[0].is_between(args[1], args[2]),
}  # fmt: skip

WAYS: Mapping[str, Callable[[Path, Path], float | None]] = {
    "offerkit": offerkit_way, "duckdb": duckdb_way, "polars": polars_way, "loop": loop_way,
    "offerkit, no history": without_history, "duckdb, from the store": partial(duckdb_way, stored=True),
    "polars, from the store": partial(polars_way, stored=True),
}  # fmt: skip
"""Each makes the result; the loop, which decides for some contacts only, gives the seconds for all."""
