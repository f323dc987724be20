"""All contacts of a file into the table ``contact`` by DuckDB alone: values as ``parse_value`` reads them.

What is written in the one usual way is cast in SQL. Each other value is read once by ``parse_value``, however many
contacts have it. Where that is not enough (a value that fits no type, a key of several types), nothing is loaded, and
the caller reads row by row, which also says what is wrong, and where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from offerkit.batch.columns import insert
from offerkit.batch.condition_sql import column
from offerkit.contacts.bulk import Bulk, quoted
from offerkit.contacts.source import Contacts
from offerkit.rules.duckdb_literals import TYPES, literal
from offerkit.rules.types import BaseType, FieldType
from offerkit.rules.values import ENTRIES, LONGEST, parse_value

if TYPE_CHECKING:
    import duckdb

    Connection = duckdb.DuckDBPyConnection

ODD = 100_000
"""Values of a field that are read one by one, at most."""
_WRITTEN = {
    BaseType.INTEGER: r"-?(0|[1-9][0-9]{0,17})",
    BaseType.DECIMAL: r"-?(0|[1-9][0-9]{0,10})(\.[0-9]{1,6})?",
    BaseType.DATE: r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]",
    BaseType.TIMESTAMP: r"[12][0-9]{3}-[01][0-9]-[0-3][0-9][ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
}
"""How values are usually written in a CSV file: in these forms DuckDB reads the same as ``parse_value``."""
_SAME = {
    BaseType.STRING: ("VARCHAR",),
    BaseType.ENUMERATION: ("VARCHAR",),
    BaseType.INTEGER: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    BaseType.DECIMAL: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    BaseType.BOOLEAN: ("BOOLEAN",),
    BaseType.DATE: ("DATE",),
    BaseType.TIMESTAMP: ("TIMESTAMP",),
    BaseType.LIST: ("VARCHAR[]",),
}
"""Column types whose values DuckDB holds as we do; a decimal has its own rule."""
_KEYS = (BaseType.STRING, BaseType.ENUMERATION, BaseType.INTEGER, BaseType.DATE)


def load(connection: Connection, contacts: Contacts, types: Mapping[str, FieldType]) -> int | None:
    """Make and fill ``contact`` with the key and the fields of ``types``; how many there are.

    None: they are to be read row by row, and there is no table. Raises Refused when the file is not there, or has
    other columns.
    """
    import duckdb

    bulk = contacts.bulk()
    needed = {**{name: contacts.types[name] for name in contacts.key}, **types}
    if bulk is None or not all(_readable(bulk, name, type_) for name, type_ in needed.items()):
        return None
    if any(contacts.types[name].base not in _KEYS for name in contacts.key):
        return None
    try:
        odd = _fill(connection, bulk, contacts, types, ())
        if odd:
            connection.execute("DROP TABLE contact")
            mapped = [name for name, type_ in needed.items() if _map(connection, bulk, name, type_, contacts)]
            _fill(connection, bulk, contacts, types, mapped)
        count, keyed = _one(connection, "SELECT count(*), count(k) FROM contact")
    except (duckdb.InvalidInputException, duckdb.ConversionException, _RowByRowError):
        count, keyed = 0, -1
    if count != keyed:
        connection.execute("DROP TABLE IF EXISTS contact")
        return None
    return count


class _RowByRowError(Exception):
    """A value that fits no type, or too many odd ones."""


def _fill(
    connection: Connection, bulk: Bulk, contacts: Contacts, types: Mapping[str, FieldType], mapped: Sequence[str]
) -> int:
    """Make the table; how many contacts have a value that is not written in the usual way and is not ``mapped``."""
    needed = {**{name: contacts.types[name] for name in contacts.key}, **types}
    parts, odd = [f"{bulk.number} AS n"], ["FALSE"]
    for name, type_ in needed.items():
        cell = f"s.{quoted(name)}"
        usual, strange = _usual(cell, type_, text=bulk.text), _strange(cell, type_, text=bulk.text)
        if name in mapped:
            usual = f"CASE WHEN {strange} THEN {_table(name)}.value ELSE {usual} END"
        else:
            odd.append(strange)
        parts.append(f"{usual} AS {column(name)}")
    joins = "".join(f" LEFT JOIN {_table(name)} ON {_table(name)}.raw = s.{quoted(name)}" for name in mapped)
    # A join keeps no order; without one the rows come as they stand in the file.
    numbered = f"SELECT *, {bulk.number} AS place FROM {bulk.sql}" if mapped else f"SELECT * FROM {bulk.sql}"  # noqa: S608
    if mapped:
        parts[0] = "s.place AS n"
    connection.execute(
        f"CREATE TABLE contact AS SELECT n, {_key_text(contacts)} AS k"  # noqa: S608 - quoted
        f"{''.join(f', {column(name)}' for name in types)}, odd"
        f" FROM (SELECT {', '.join(parts)}, coalesce({' OR '.join(odd)}, FALSE) AS odd FROM ({numbered}) AS s{joins})"
        + (" ORDER BY n" if mapped else "")
    )
    count: int = _one(connection, "SELECT count(*) FILTER (odd) FROM contact")[0]
    return count


def _map(connection: Connection, bulk: Bulk, name: str, type_: FieldType, contacts: Contacts) -> bool:
    """Read the odd values of a field once each into a table; whether there are any. Raises _RowByRowError."""
    raw = quoted(name)
    found = connection.execute(
        f"SELECT DISTINCT {raw} FROM {bulk.sql} AS s"  # noqa: S608 - quoted
        f" WHERE {_strange(f's.{raw}', type_, text=bulk.text)} LIMIT {ODD + 1}"
    ).fetchall()
    if not found:
        return False
    raws = [value for (value,) in found]
    if len(raws) > ODD or not all(isinstance(value, str) for value in raws):
        raise _RowByRowError
    try:
        values = [parse_value(value, type_, contacts.zone) for value in raws]
    except ValueError as error:
        raise _RowByRowError from error
    import numpy

    connection.execute(f"CREATE TABLE {_table(name)} (raw VARCHAR, value {TYPES[type_.base]})")
    insert(connection, _table(name), {"raw": numpy.array(raws, dtype=object)}, [(type_, values)])
    return True


def _readable(bulk: Bulk, name: str, type_: FieldType) -> bool:
    if bulk.text:
        return True
    kind, _, digits = bulk.columns[name].partition("(")
    if type_.base is BaseType.DECIMAL and kind == "DECIMAL":
        width, _, scale = digits.rstrip(")").partition(",")
        return int(scale) <= 6 and int(width) - int(scale) <= 12
    return kind in _SAME[type_.base]


def _usual(cell: str, type_: FieldType, *, text: bool) -> str:
    """The value of a cell in SQL, where it is not :func:`_strange`."""
    base = type_.base
    match base:
        case BaseType.STRING | BaseType.ENUMERATION:
            return cell
        case BaseType.BOOLEAN if text:
            return f"({cell} = 'true')"
        case BaseType.LIST if text:
            return f"string_split({cell}, '|')"
        case BaseType.BOOLEAN | BaseType.LIST | BaseType.DATE | BaseType.TIMESTAMP if not text:
            return cell
        case _:
            return f"TRY_CAST({cell} AS {TYPES[base]})"


def _strange(cell: str, type_: FieldType, *, text: bool) -> str:
    """Whether a cell is to be looked at by ``parse_value``, in SQL; unknown for an empty one."""
    base = type_.base
    match base:
        case BaseType.STRING:
            return f"(strlen({cell}) > {LONGEST} OR contains({cell}, chr(0)))"
        case BaseType.ENUMERATION:
            return f"({cell} NOT IN ({', '.join(literal(value, BaseType.STRING) for value in type_.values)}))"
        case BaseType.BOOLEAN:
            return f"({cell} NOT IN ('true', 'false'))" if text else "FALSE"
        case BaseType.LIST if text:
            plain = f"NOT starts_with({cell}, '[') AND regexp_full_match({cell}, '[!-~]+')"
            return f"(strlen({cell}) > {ENTRIES} OR NOT ({plain}))"
        case BaseType.LIST:
            whole = f"array_to_string({cell}, '')"
            return f"(list_count({cell}) <> len({cell}) OR strlen({whole}) > {ENTRIES} OR contains({whole}, chr(0)))"
        case BaseType.DATE | BaseType.TIMESTAMP if not text:
            return f"({cell} < DATE '0001-01-01' OR {cell} >= DATE '10000-01-01')"
        case _:
            unread = f"({cell} IS NOT NULL AND TRY_CAST({cell} AS {TYPES[base]}) IS NULL)"
            return f"({unread} OR NOT regexp_full_match({cell}, '{_WRITTEN[base]}'))" if text else unread


def _key_text(contacts: Contacts) -> str:
    """What offerkit.contacts.keys.key_text writes."""
    parts = []
    for name in contacts.key:
        shown = f"CAST({column(name)} AS VARCHAR)"
        if contacts.types[name].base in (BaseType.STRING, BaseType.ENUMERATION):
            shown = f"replace(replace({shown}, '\\', '\\\\'), '|', '\\|')"
        parts.append(shown)
    return " || '|' || ".join(parts)


def _table(name: str) -> str:
    return quoted(f"odd {name}")


def _one(connection: Connection, sql: str) -> tuple[int, ...]:
    row: tuple[int, ...] = connection.execute(sql).fetchone() or ()
    return row
