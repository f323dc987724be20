"""All contacts as the table ``contact`` of DuckDB: what a batch decides from.

Cells that DuckDB reads as offerkit does, or that a CSV file gives as text, become values in SQL: a value written in
the usual way is cast, any other one is read once by ``parse_value``, however many contacts have it. Where that is not
enough (a value that fits no type, say), contacts are read row by row, which also says what is wrong, and where.
Both ways give the same table (tests/property/test_bulk_contacts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from offerkit.contacts.bad_rows import BadRows
from offerkit.contacts.keys import key_text
from offerkit.contacts.relation import Relation, quote_name
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Refused
from offerkit.rules.duckdb_literals import TYPES, literal
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import ENTRIES, LONGEST, parse_value, show

if TYPE_CHECKING:
    import duckdb

    Connection = duckdb.DuckDBPyConnection

Progress = Callable[[int], None]
"""Called with the number of contacts that were just read."""
BATCH = 20_000
"""Contacts that are passed to DuckDB at a time."""
MOST_ODD = 100_000
"""Values of a field that are read one by one, at most."""
_USUAL = {
    BaseType.INTEGER: r"-?(0|[1-9][0-9]{0,17})",
    BaseType.DECIMAL: r"-?(0|[1-9][0-9]{0,10})(\.[0-9]{1,6})?",
    BaseType.DATE: r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]",
    BaseType.TIMESTAMP: r"[12][0-9]{3}-[01][0-9]-[0-3][0-9][ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]",
}
"""How values are usually written in a text file: in these forms DuckDB reads the same as ``parse_value``."""
_KEYS = (BaseType.STRING, BaseType.ENUMERATION, BaseType.INTEGER, BaseType.DATE)
"""Types of key fields whose text DuckDB writes as :func:`~offerkit.contacts.keys.key_text` does."""


def fill(
    connection: Connection,
    source: Contacts | Iterable[Row],
    key: Sequence[str],
    types: Mapping[str, FieldType],
    bad: BadRows,
    progress: Progress | None = None,
) -> int:
    """Make and fill ``contact``: ``n`` from 0 in the source's order, ``k`` the key as text, the fields of ``types``.

    Returns how many contacts there are. Those that cannot be read go to ``bad``. Raises Refused when the source cannot
    be read at all.
    """
    if isinstance(source, Contacts):
        count = _load(connection, source, types)
        if count is not None:
            if progress is not None:
                progress(count)
            return count
        source = source.rows(bad=bad)
    return _insert(connection, source, key, types, progress)


def column(field: str) -> str:
    """The quoted name of the column that holds a field of the contact."""
    return '"f_' + field.replace('"', '""') + '"'


def data_column(name: str) -> str:
    """The quoted name of the column that holds call data of the contact."""
    return '"d_' + name.replace('"', '""') + '"'


def _load(connection: Connection, contacts: Contacts, types: Mapping[str, FieldType]) -> int | None:
    """Fill the table in SQL. Returns how many contacts there are; None, and no table, if that is not possible."""
    import duckdb

    needed = {**{name: contacts.types[name] for name in contacts.key}, **types}
    if any(contacts.types[name].base not in _KEYS for name in contacts.key):
        return None
    relation = contacts.relation([*needed]) or _staged(connection, contacts, [*needed])
    if relation is None:
        return None
    try:
        odd = _create(connection, relation, contacts, types, ())
        if odd:
            connection.execute("DROP TABLE contact")
            mapped = [name for name, type_ in needed.items() if _map(connection, relation, name, type_, contacts)]
            _create(connection, relation, contacts, types, mapped)
        count, keyed = _one(connection, "SELECT count(*), count(k) FROM contact")
    except (duckdb.InvalidInputException, duckdb.ConversionException, _RowByRowError):
        count, keyed = 0, -1
    connection.execute("DROP TABLE IF EXISTS staged")
    if count != keyed:
        connection.execute("DROP TABLE IF EXISTS contact")
        return None
    return count


def _staged(connection: Connection, contacts: Contacts, fields: Sequence[str]) -> Relation | None:
    """The source's own text cells as a table; None if it has none, or if a row cannot be cut into cells."""
    batches = contacts.cells(fields, BATCH)
    if batches is None:
        return None
    import numpy

    names = [quote_name(name) for name in fields]
    connection.execute(f"CREATE TABLE staged (n BIGINT, {', '.join(f'{name} VARCHAR' for name in names)})")
    count = 0
    try:
        for batch in batches:
            chunk: dict[str, object] = {
                f"c{number}": _texts(cells) for number, cells in enumerate(zip(*batch, strict=True))
            }
            chunk["n"] = numpy.arange(count, count + len(batch))
            connection.register("chunk", chunk)
            columns = ", ".join(f"CAST(c{number} AS VARCHAR)" for number in range(len(fields)))
            connection.execute(f"INSERT INTO staged SELECT n, {columns} FROM chunk")  # noqa: S608 - our own names
            connection.unregister("chunk")
            count += len(batch)
    except Refused:  # a row cannot be cut into cells: reading row by row reports it
        connection.execute("DROP TABLE staged")
        return None
    return Relation("staged", text=True, number="n")


class _RowByRowError(Exception):
    """A value that fits no type, or too many odd ones."""


def _create(
    connection: Connection,
    relation: Relation,
    contacts: Contacts,
    types: Mapping[str, FieldType],
    mapped: Sequence[str],
) -> int:
    """Create the table. Returns how many contacts have an odd value in a field that is not ``mapped``."""
    needed = {**{name: contacts.types[name] for name in contacts.key}, **types}
    columns, odd = [f"{relation.number} AS n"], ["FALSE"]
    for name, type_ in needed.items():
        cell = f"s.{quote_name(name)}"
        value, is_odd = _usual(cell, type_, text=relation.text), _odd(cell, type_, text=relation.text)
        if name in mapped:
            value = f"CASE WHEN {is_odd} THEN {_table(name)}.value ELSE {value} END"
        else:
            odd.append(is_odd)
        columns.append(f"{value} AS {column(name)}")
    joins = "".join(f" LEFT JOIN {_table(name)} ON {_table(name)}.raw = s.{quote_name(name)}" for name in mapped)
    # A join does not keep the order; without one, rows come in the order of the file.
    number = f", {relation.number} AS place" if mapped else ""
    numbered = f"SELECT *{number} FROM {relation.sql}"  # noqa: S608 - quoted
    if mapped:
        columns[0] = "s.place AS n"
    connection.execute(
        f"CREATE TABLE contact AS SELECT n, {_key_text(contacts)} AS k"  # noqa: S608 - quoted
        f"{''.join(f', {column(name)}' for name in types)}, odd"
        f" FROM (SELECT {', '.join(columns)}, coalesce({' OR '.join(odd)}, FALSE) AS odd FROM ({numbered}) AS s{joins})"
        + (" ORDER BY n" if mapped else "")
    )
    count: int = _one(connection, "SELECT count(*) FILTER (odd) FROM contact")[0]
    return count


def _map(connection: Connection, relation: Relation, name: str, type_: FieldType, contacts: Contacts) -> bool:
    """Read each odd value of a field once, into a table. Returns whether there are any. Raises _RowByRowError."""
    raw = quote_name(name)
    distinct = connection.execute(
        f"SELECT DISTINCT {raw} FROM {relation.sql} AS s"  # noqa: S608 - quoted
        f" WHERE {_odd(f's.{raw}', type_, text=relation.text)} LIMIT {MOST_ODD + 1}"
    ).fetchall()
    if not distinct:
        return False
    raws = [value for (value,) in distinct]
    if len(raws) > MOST_ODD or not all(isinstance(value, str) for value in raws):
        raise _RowByRowError
    try:
        values = [parse_value(value, type_, contacts.zone) for value in raws]
    except ValueError as error:
        raise _RowByRowError from error
    connection.execute(f"CREATE OR REPLACE TABLE {_table(name)} (raw VARCHAR, value {TYPES[type_.base]})")
    _add(connection, _table(name), {"raw": _texts(raws)}, [(type_, values)])
    return True


def _usual(cell: str, type_: FieldType, *, text: bool) -> str:
    """In SQL, the value of a cell that is not :func:`_odd`."""
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


def _odd(cell: str, type_: FieldType, *, text: bool) -> str:
    """In SQL, whether ``parse_value`` has to read a cell; NULL for an unknown value."""
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
            joined = f"array_to_string({cell}, '')"
            return f"(list_count({cell}) <> len({cell}) OR strlen({joined}) > {ENTRIES} OR contains({joined}, chr(0)))"
        case BaseType.DATE | BaseType.TIMESTAMP if not text:
            return f"({cell} < DATE '0001-01-01' OR {cell} >= DATE '10000-01-01')"
        case _:
            unread = f"({cell} IS NOT NULL AND TRY_CAST({cell} AS {TYPES[base]}) IS NULL)"
            return f"({unread} OR NOT regexp_full_match({cell}, '{_USUAL[base]}'))" if text else unread


def _key_text(contacts: Contacts) -> str:
    """In SQL, the same as :func:`~offerkit.contacts.keys.key_text`."""
    parts = []
    for name in contacts.key:
        shown = f"CAST({column(name)} AS VARCHAR)"
        if contacts.types[name].base in (BaseType.STRING, BaseType.ENUMERATION):
            shown = f"replace(replace({shown}, '\\', '\\\\'), '|', '\\|')"
        parts.append(shown)
    return " || '|' || ".join(parts)


def _table(name: str) -> str:
    return quote_name(f"odd {name}")


def _one(connection: Connection, sql: str) -> tuple[int, ...]:
    row: tuple[int, ...] = connection.execute(sql).fetchone() or ()
    return row


def _insert(
    connection: Connection,
    rows: Iterable[Row],
    key: Sequence[str],
    types: Mapping[str, FieldType],
    progress: Progress | None,
) -> int:
    """Fill the table row by row. Returns how many contacts there are."""
    import numpy

    columns = "".join(f", {column(name)} {TYPES[type_.base]}" for name, type_ in types.items())
    connection.execute(f"CREATE TABLE contact (n BIGINT, k VARCHAR{columns})")
    count = 0
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        arrays = {
            "n": numpy.arange(count, count + len(batch)),
            "k": _texts([key_text(row[name] for name in key) for row in batch]),
        }
        _add(connection, "contact", arrays, ((type_, [row[name] for row in batch]) for name, type_ in types.items()))
        count += len(batch)
        if progress is not None:
            progress(len(batch))
    return count


def _texts(values: Sequence[str | None]) -> object:
    import numpy

    return numpy.array(values, dtype=object)


def _add(
    connection: Connection, table: str, arrays: Mapping[str, object], columns: Iterable[tuple[FieldType, list[Value]]]
) -> None:
    """Add rows to ``table``: the arrays ``given`` as they are, then typed values column by column."""
    chunk: dict[str, object] = dict(arrays)
    selected = list(arrays)
    for number, (type_, values) in enumerate(columns):
        chunk[f"c{number}"] = _texts([_text(value) for value in values])
        selected.append(_typed(f"c{number}", type_))
    connection.register("chunk", chunk)
    connection.execute(f"INSERT INTO {table} SELECT {', '.join(selected)} FROM chunk")  # noqa: S608 - our own names
    connection.unregister("chunk")


def _text(value: Value) -> str | None:
    if isinstance(value, tuple):  # NUL is in no value, so it may part them; the first sign is for the empty list
        return "+" + "\0".join(value) if value else "-"
    return None if value is None else show(value)


def _typed(name: str, type_: FieldType) -> str:
    match type_.base:
        case BaseType.STRING | BaseType.ENUMERATION:
            return f"CAST({name} AS VARCHAR)"
        case BaseType.LIST:
            return (
                f"CASE WHEN {name} = '-' THEN CAST([] AS VARCHAR[])"
                f" ELSE string_split(substring(CAST({name} AS VARCHAR), 2), chr(0)) END"
            )
        case base:
            return f"CAST({name} AS {TYPES[base]})"
