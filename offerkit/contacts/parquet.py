"""Contacts in a Parquet file: the one place that knows the format.

DuckDB reads it: 68 MB installed, where pyarrow takes 170, and the batch evaluator needs it anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.contacts.files import inside, open_file
from offerkit.contacts.relation import Relation, literal_path, quote_name, quote_text
from offerkit.contacts.table import database_refused, first_line, missing_package
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.rules.types import BaseType, FieldType, Value

if TYPE_CHECKING:
    import duckdb

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "DATE")
_FITTING: Mapping[BaseType, tuple[str, ...]] = {
    BaseType.STRING: ("VARCHAR", "ENUM", "UUID"),
    BaseType.ENUMERATION: ("VARCHAR", "ENUM"),
    BaseType.INTEGER: _INTEGERS,
    BaseType.DECIMAL: (*_INTEGERS, "DECIMAL", "FLOAT", "DOUBLE"),
    BaseType.BOOLEAN: ("BOOLEAN",),
    BaseType.DATE: ("DATE",),
    BaseType.TIMESTAMP: _TIMES,
    BaseType.LIST: ("VARCHAR[]",),
}
"""DuckDB's column types that can hold a field's values, without parameters."""
_SAME: Mapping[BaseType, tuple[str, ...]] = {
    BaseType.STRING: ("VARCHAR",),
    BaseType.ENUMERATION: ("VARCHAR",),
    BaseType.INTEGER: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    BaseType.DECIMAL: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    BaseType.BOOLEAN: ("BOOLEAN",),
    BaseType.DATE: ("DATE",),
    BaseType.TIMESTAMP: ("TIMESTAMP",),
    BaseType.LIST: ("VARCHAR[]",),
}
"""Those of them whose values DuckDB holds as offerkit does; DECIMAL has its own rule."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 1000
_ZONED = "TIMESTAMP WITH TIME ZONE"
_NEVER = 2**62
"""Microseconds after 1970 that are past every year."""


class ParquetTable:
    """A Parquet file of the project."""

    def __init__(self, root: Path, path: str) -> None:
        """``path`` is relative to the project's folder."""
        self._root = root
        self._path = path
        self.label = f"the file {path}"
        self._types: dict[str, str] = {}
        self._kept: duckdb.DuckDBPyConnection | None = None

    def columns(self, types: Mapping[str, FieldType]) -> Sequence[str]:
        """The file's columns. Raises Refused when a column's type does not fit its field."""
        cursor = self._run("describe select * from read_parquet(?)", [])
        self._types = {str(name): str(kind) for name, kind, *_ in cursor.fetchall()}
        wrong = [
            Diagnostic(
                Code.CONTACT_COLUMNS,
                f"the column “{name}” of {self.label} has the type {self._types[name][:80]}, which is not"
                f" {_article(type_.base.value)}",
                hint="Write the file with the field's type, or declare the field with the file's type.",
            )
            for name, type_ in types.items()
            if name in self._types and not _fits(self._types[name], type_.base)
        ]
        if wrong:
            raise Refused(wrong)
        return list(self._types)

    def read(self, columns: Sequence[str], equal: Mapping[str, Value], limit: int) -> Iterator[Sequence[object]]:
        """The rows, fetched a thousand at a time."""
        zoned = [index for index, name in enumerate(columns) if self._types.get(name) == _ZONED]
        parts = [_cell(name, self._types.get(name, "")) for name in columns]
        where = " and ".join(f"{quote_name(name)} = {self._parameter(name)}" for name in equal)
        sql = f"select {', '.join(parts)} from read_parquet(?)" + (f" where {where}" if where else "")  # noqa: S608
        cursor = self._run(sql + (f" limit {limit:d}" if limit else ""), list(equal.values()))
        while batch := self._fetch(cursor):
            for row in batch:
                yield _with_times(row, zoned) if zoned else row

    def _parameter(self, name: str) -> str:
        # a text that is not a UUID matches none
        return "TRY_CAST(? AS UUID)" if self._types.get(name) == "UUID" else "?"

    def relation(self, types: Mapping[str, FieldType]) -> Relation | None:
        """The file, unless a column has a type that DuckDB and offerkit read differently."""
        if not all(_same(self._types[name], type_.base) for name, type_ in types.items()):
            return None
        path = quote_text(literal_path(str(inside(self._root, self._path))))
        return Relation(f"read_parquet({path}, file_row_number=true)", text=False, number="file_row_number")

    def count(self) -> int:
        """The number of rows, from the file's footer."""
        row = self._run("select count(*) from read_parquet(?)", []).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close DuckDB."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _run(self, sql: str, args: Sequence[Value]) -> duckdb.DuckDBPyConnection:
        open_file(self._root, self._path).close()
        try:
            import duckdb
        except ImportError as error:
            raise missing_package("a Parquet file", "duckdb", "parquet") from error
        try:
            if self._kept is None:
                self._kept = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 1})
                self._kept.execute("set enable_progress_bar = false")
                self._kept.execute("set enable_external_file_cache = false")  # each query reads the file as it is
            return self._kept.cursor().execute(sql, [literal_path(str(inside(self._root, self._path))), *args])
        except duckdb.Error as error:
            raise database_refused(
                self.label, first_line(error), "Check that it is a complete Parquet file."
            ) from error

    def _fetch(self, cursor: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
        import duckdb

        try:
            return cursor.fetchmany(_BATCH)
        except (duckdb.Error, ValueError, OverflowError) as error:
            raise database_refused(self.label, first_line(error)) from error


def _fits(kind: str, base: BaseType) -> bool:
    # a column without any value has the type NULL
    return kind == '"NULL"' or kind.partition("(")[0] in _FITTING[base]


def _same(kind: str, base: BaseType) -> bool:
    name, _, digits = kind.partition("(")
    if base is BaseType.DECIMAL and name == "DECIMAL":
        width, _, scale = digits.rstrip(")").partition(",")
        return int(scale) <= 6 and int(width) - int(scale) <= 12
    return name in _SAME[base]


def _article(base: str) -> str:
    return f"an {base}" if base[0] in "aeiou" else f"a {base}"


def _cell(name: str, kind: str) -> str:
    """In SQL, what is fetched of a column.

    Python's driver gives infinity as the year 9999, so it is fetched as a later year, which no field can hold.
    """
    cell = quote_name(name)
    if kind == _ZONED:  # would need the package pytz; as microseconds it needs nothing
        return f"CASE WHEN NOT isfinite({cell}) THEN {_NEVER} ELSE epoch_us({cell}) END"
    if kind not in _TIMES:
        return cell
    type_ = "DATE" if kind == "DATE" else "TIMESTAMP"
    return f"CASE WHEN NOT isfinite({cell}) THEN {type_} '12999-01-01' ELSE CAST({cell} AS {type_}) END"


def _with_times(row: Sequence[object], zoned: Sequence[int]) -> Sequence[object]:
    changed = list(row)
    for index in zoned:
        moment = changed[index]
        if isinstance(moment, int):
            try:
                changed[index] = _EPOCH + timedelta(microseconds=moment)
            except OverflowError:  # a year that no field can hold: a text that is no timestamp
                changed[index] = str(moment)
    return changed
