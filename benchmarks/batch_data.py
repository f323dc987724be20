"""The catalog and the data of the benchmark of batches: 200 offers and rules, contacts, history."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import duckdb
from decisions_catalog import CHANNEL_OF, ENVIRONMENT, SPACE, Shape, live
from decisions_rules import COUNTRIES, INTERESTS, LANGUAGES, LOYALTY, TODAY

from offerkit.address import Address, Kind
from offerkit.engine.catalog import Catalog
from offerkit.engine.compile import compile_catalog
from offerkit.fingerprint import Json
from offerkit.store import Store

PARTNERS = ("group-2", "group-7")
_RULES: dict[str, dict[str, Json]] = {
    "declined": {
        "counted": {"of": "offer", "status": "accepted-or-rejected"}, "period": {"before": "60d"}, "max": 1,
    },
    "category-pressure": {
        "counted": {"of": "category", "same_channel": True}, "period": {"before": "30d"}, "max": 2,
    },
    "partners": {
        "applies_to": {"categories": list(PARTNERS)}, "channel": "inbound-web",
        "contacts": "recipient.loyalty <> 'gold'",
        "counted": {"of": "applies-to", "when": "proposition.weight >= 5 and proposition.rank <= 2"},
        "period": {"before": "20d 12h"}, "max": 2,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchShape(Shape):
    """As many rules as offers: each offer has its own."""

    @property
    def rules(self) -> int:
        """Distinct rules."""
        return self.offers


def catalog() -> Catalog:
    """All 200 offers stand on the space that is asked, all year; each has a rule of 3 to 5 conditions of its own."""
    bodies = {address: dict(body) for address, body in live(BatchShape(200)).bodies.items() if "/rule." not in address}
    for address, body in bodies.items():
        eligible = body.get("eligible")
        if "/offer." in address and isinstance(eligible, dict):
            body["eligible"] = {name: value for name, value in eligible.items() if name not in ("from", "until")}
        if "/category." in address:
            body.pop("enabled", None)
    bodies |= {Address(ENVIRONMENT, Kind.RULE, name): body for name, body in _RULES.items()}
    bodies[Address(ENVIRONMENT, Kind.TYPOLOGY, "pressure")] = {"rules": list[Json](sorted(_RULES))}
    made = compile_catalog(ENVIRONMENT, bodies, {address: (SPACE,) for address in bodies if "/offer." in address})
    assert not made.problems, made.problems
    return made


def generate(folder: Path, contacts: int, propositions: int) -> None:
    """Contacts and propositions as Parquet, and the propositions in a store; kept for the next run."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute("SELECT setseed(0.42)")
        for name, sql in (("contacts", _contacts(contacts)), ("history", _history(contacts, propositions))):
            if not (folder / f"{name}.parquet").exists():
                db.execute(f"COPY ({sql}) TO '{folder / name}.partial' (FORMAT parquet, COMPRESSION zstd)")
                (folder / f"{name}.partial").rename(folder / f"{name}.parquet")
        if not (folder / "store.db").exists():
            _store(db, folder)


def _store(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The history in a store as offerkit keeps it; its indexes are made at the end, because that is faster."""
    target = folder / "store.partial"
    target.unlink(missing_ok=True)
    Store.open(target, create=True).close()
    rows = db.execute(
        "SELECT lpad(to_hex(row_number() OVER ()), 20, '0') AS id, contact, space, channel, offer, category, rank,"
        " CAST(CAST(weight AS BIGINT) AS VARCHAR), list_position(['generated', 'presented', 'interested', 'accepted',"
        " 'scheduled', 'rejected'], status) - 1, strftime(time, '%Y-%m-%dT%H:%M:%S.000000Z') AS t"
        f" FROM '{folder / 'history.parquet'}' ORDER BY contact, t, id"
    )
    with sqlite3.connect(target) as store:
        store.execute("PRAGMA synchronous = off")
        indexes = store.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'proposition' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            store.execute(f"DROP INDEX {name}")
        while part := rows.fetchmany(100_000):
            store.executemany(
                "INSERT INTO proposition (id, environment, contact, space, channel, offer, category, interaction, rank,"
                " weight, status, time, changed, revision, data)"
                f" VALUES (?, '{ENVIRONMENT}', ?, ?, ?, ?, ?, 'call', ?, ?, ?, ?, ?, 1,"
                ' \'{"accepted":{},"proposed":{}}\')',
                [(*row, row[-1]) for row in part],
            )
        for _, sql in indexes:
            store.execute(sql)
    store.close()
    target.rename(folder / "store.db")


def _listed(values: list[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _pick(values: tuple[str, ...], weights: tuple[int, ...] = ()) -> str:
    drawn = [value for value, weight in zip(values, weights or (1,) * len(values), strict=True) for _ in range(weight)]
    return f"list_extract({_listed(drawn)}, 1 + CAST(floor(random() * {len(drawn)}) AS INT))"


def _maybe(sql: str) -> str:
    return f"CASE WHEN random() >= 0.0625 THEN {sql} END"


def _contacts(count: int) -> str:
    interests = f"list_filter({_listed(INTERESTS)}, lambda x: random() < 0.35)"
    return f"""SELECT 'c-' || lpad(i::VARCHAR, 7, '0') AS id, 'c' || i || '@example.com' AS email, 'Ada' AS first_name,
        {_maybe(_pick(COUNTRIES, tuple(range(12, 0, -1))))} AS country,
        {_maybe(_pick(LANGUAGES, (5, 4, 3, 2, 1)))} AS "language", {_pick(LOYALTY, (4, 3, 2, 1))} AS loyalty,
        {_maybe("CAST(18 + floor(random() * 68) AS BIGINT)")} AS age,
        CAST(least(60, floor(-6 * ln(1 - random()))) AS BIGINT) AS orders,
        CAST(floor(random() * 300000) / 100 AS DECIMAL(18,6)) AS spent,
        {_maybe("CAST(floor(random() * 1001) / 10 AS DECIMAL(18,6))")} AS score,
        DATE '{TODAY}' - CAST(1 + floor(random() * 4000) AS INT) AS member_since,
        {_maybe(f"DATE '{TODAY}' - CAST(floor(random() * 500) AS INT)")} AS last_order, random() < 0.6 AS newsletter,
        {_maybe(interests)} AS interests, {_maybe(_pick(("Paris", "Lyon", "Berlin", "Boston", "Montréal")))} AS city
        FROM range({count}) t(i)"""


def _history(contacts: int, count: int) -> str:
    made = catalog()
    offers, categories = [offer.name for offer in made.offers], [offer.category for offer in made.offers]
    return f"""WITH drawn AS (SELECT 1 + CAST(floor(200 * pow(random(), 3)) AS INT) AS o,
            1 + CAST(floor(random() * 4) AS INT) AS s, CAST(floor(random() * {contacts}) AS BIGINT) AS c,
            random() AS st, random() AS t, random() AS w, random() AS k FROM range({count}))
        SELECT 'c-' || lpad(c::VARCHAR, 7, '0') AS contact, {_listed(offers)}[o] AS offer,
            {_listed(categories)}[o] AS category, {_listed(list(CHANNEL_OF))}[s] AS space,
            {_listed(list(CHANNEL_OF.values()))}[s] AS channel,
            CASE WHEN st < 0.7 THEN 'presented' WHEN st < 0.85 THEN 'interested' WHEN st < 0.9 THEN 'accepted'
                ELSE 'rejected' END AS status,
            TIMESTAMP '{TODAY} 11:00:00' - to_seconds(CAST(floor(t * 60 * 86400) AS BIGINT)) AS time,
            CAST(1 + floor(w * 40) AS DECIMAL(18,6)) AS weight, CAST(1 + floor(k * 3) AS BIGINT) AS rank FROM drawn"""
