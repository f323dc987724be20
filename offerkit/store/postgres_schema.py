"""Checks of a store's schema in PostgreSQL: whether it differs from the format, and whether it is damaged.

The catalogs are compared, object by object, with what the statements of :mod:`offerkit.store.schema` create: nothing
must stand in for the tables. Views on them in other schemas are allowed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from offerkit.store import schema

if TYPE_CHECKING:
    from offerkit.store.database import Database

_C, _DEFAULT = "text COLLATE C", "text COLLATE default"
_TYPES = {"TEXT": _C, "INTEGER": "integer"}
_MARKER = {
    ("column", "offerkit_store.one"): "boolean NOT NULL",
    ("column", "offerkit_store.token"): "bigint NOT NULL",
    ("column", "offerkit_store.who"): f"{_DEFAULT} NOT NULL",
    ("column", "offerkit_store.host"): f"{_DEFAULT} NOT NULL",
    ("column", "offerkit_store.pid"): "integer NOT NULL",
    ("column", "offerkit_store.since"): f"{_DEFAULT} NOT NULL",
    ("constraint", "offerkit_store: CHECK (one)"): "",
    ("constraint", "offerkit_store: PRIMARY KEY (one)"): "",
    ("index", "offerkit_store_pkey"): "UNIQUE offerkit_store btree (one)",
    ("table", "offerkit_store"): "",
}
"""The table that marks a schema as a store (:data:`offerkit.store.postgres.MARKER`)."""
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX \w+ ON (\w+) (\([^)]*\))(?: WHERE (.*))?")
_QUOTED = re.compile(r'"([a-z_]+)"')
"""A name that is also an SQL keyword, such as “time”; PostgreSQL quotes it, the format does not."""

_PLANTED = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema())),
    space AS (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        WHEN 'p' THEN 'partitioned table' WHEN 'S' THEN 'sequence' ELSE 'type' END, c.relname::text
        FROM own c WHERE c.relkind NOT IN ('r', 'i', 't')
    UNION ALL SELECT 'trigger', t.tgname::text FROM pg_trigger t JOIN own c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal
    UNION ALL SELECT 'rule', r.rulename::text FROM pg_rewrite r JOIN own c ON c.oid = r.ev_class
        WHERE c.relkind NOT IN ('v', 'm')
    UNION ALL SELECT 'policy', p.polname::text FROM pg_policy p JOIN own c ON c.oid = p.polrelid
    UNION ALL SELECT 'row security', c.relname::text FROM own c WHERE c.relrowsecurity
    UNION ALL SELECT 'inheriting table', h.inhrelid::regclass::text FROM pg_inherits h
        JOIN own c ON c.oid IN (h.inhparent, h.inhrelid) WHERE c.relkind <> 'i'
    UNION ALL SELECT 'function', p.proname::text FROM pg_proc p JOIN space ON space.oid = p.pronamespace
    UNION ALL SELECT 'operator', o.oprname::text FROM pg_operator o JOIN space ON space.oid = o.oprnamespace
    UNION ALL SELECT 'type', t.typname::text FROM pg_type t JOIN space ON space.oid = t.typnamespace
        WHERE t.typrelid = 0 AND t.typelem = 0
    UNION ALL SELECT 'collation', l.collname::text FROM pg_collation l JOIN space ON space.oid = l.collnamespace
    ORDER BY 1, 2"""
_COLUMNS = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema()))
    SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation = 0 THEN '' WHEN ln.nspname = 'pg_catalog' THEN ' COLLATE ' || l.collname
            ELSE ' COLLATE ' || ln.nspname || '.' || l.collname END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN ' GENERATED' ELSE '' END
        || COALESCE(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a JOIN own c ON c.oid = a.attrelid AND c.relkind = 'r'
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped"""
_CONSTRAINTS = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema()))
    SELECT c.relname || ': ' || pg_get_constraintdef(k.oid), '' FROM pg_constraint k
    JOIN own c ON c.oid = k.conrelid WHERE k.contype <> 'n'"""
_INDEXES = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema()))
    SELECT c.relname::text, CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || t.relname
        || split_part(pg_get_indexdef(i.indexrelid), ' USING', 2)
    FROM pg_index i JOIN own c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid"""
_TABLES = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema()))
    SELECT c.relname::text, CASE c.relpersistence WHEN 'p' THEN '' ELSE 'not kept through a crash' END
    FROM own c WHERE c.relkind = 'r'"""
_SWITCHED_OFF = """
    WITH own AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace
        WHERE nspname = current_schema()))
    SELECT DISTINCT c.relname::text FROM pg_trigger t JOIN own c ON c.oid = t.tgrelid
    WHERE t.tgisinternal AND t.tgenabled <> 'O' ORDER BY 1"""


def foreign_objects(db: Database) -> list[str]:
    """Views, triggers, rules, policies, functions and the like in the store's schema, in words."""
    objects: list[tuple[str, str]] = db.rows(_PLANTED)
    return [f"the {kind} {name[:80]}" for kind, name in objects]


def differences(db: Database) -> list[str]:
    """Every object of the store's schema that is missing, different, or not part of a store."""
    with closing(schema.model("")) as model:
        expected = {**_MARKER, **dict(_expected(model))}
    parts: dict[tuple[str, str], str] = {}
    queries = {"table": _TABLES, "column": _COLUMNS, "constraint": _CONSTRAINTS, "index": _INDEXES}
    for kind, sql in queries.items():
        rows: list[tuple[str, str]] = db.rows(sql)
        parts |= {(kind, _QUOTED.sub(r"\1", name)): _QUOTED.sub(r"\1", definition) for name, definition in rows}
    off: list[tuple[str]] = db.rows(_SWITCHED_OFF)
    texts = [f"{name} is not part of a store" for name in foreign_objects(db)]
    texts += schema.differences(expected, _of_known_tables(parts, expected))
    return texts + [f"foreign key checks of the table {table} are switched off" for (table,) in off]


def _of_known_tables(parts: schema.Parts, expected: schema.Parts) -> dict[tuple[str, str], str]:
    """Without the parts of tables that are not part of a store: those tables are reported themselves."""
    strange = {name for kind, name in parts.keys() - expected.keys() if kind == "table"}
    return {
        (kind, name): definition
        for (kind, name), definition in parts.items()
        if kind == "table" or not ({re.split(r"[.:]", name)[0], *definition.split(" ")[:2]} & strange)
    }


def _expected(model: sqlite3.Connection) -> Iterator[tuple[tuple[str, str], str]]:
    for (table,) in model.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield ("table", table), ""
        columns = model.execute("SELECT name, type, dflt_value, pk FROM pragma_table_info(?)", (table,)).fetchall()
        for column, kind, default, _ in columns:
            definition = f"{_TYPES[kind]} NOT NULL" + (f" DEFAULT {default}::text" if default is not None else "")
            yield ("column", f"{table}.{column}"), definition
        keys = _list(column for column, _, _, key in sorted(columns, key=lambda row: int(row[3])) if key)
        yield ("constraint", f"{table}: PRIMARY KEY {keys}"), ""
        yield ("index", f"{table}_pkey"), f"UNIQUE {table} btree {keys}"
        for column, other_table, other_column in model.execute(
            'SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)', (table,)
        ):
            yield ("constraint", f"{table}: FOREIGN KEY ({column}) REFERENCES {other_table}({other_column})"), ""
    for name, sql in model.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"):
        written = _INDEX.fullmatch(sql)
        assert written is not None, sql
        unique, of, keys, index_condition = written.groups()
        # the only condition of the format compares a text
        condition = f" WHERE ({index_condition}::text)" if index_condition else ""
        yield ("index", name), f"{unique or ''}{of} btree {keys}{condition}"


def _list(names: Iterable[str]) -> str:
    return f"({', '.join(names)})"


def damage(db: Database, name: str) -> list[str]:
    """Indexes that the server calls invalid, and pages with wrong checksums (if it keeps checksums)."""
    invalid: list[tuple[str]] = db.rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = ? AND NOT (i.indisvalid AND i.indisready) ORDER BY c.relname",
        (name,),
    )
    pages: list[tuple[int | None]] = db.rows(
        "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
    )
    return [f"the index {index} is not valid" for (index,) in invalid] + [
        f"the server found {failures} damaged pages in this database" for (failures,) in pages if failures
    ]
