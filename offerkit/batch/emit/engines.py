"""The dialects of PostgreSQL, Spark and DuckDB, which our tests run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from offerkit.batch.emit.common import Cells, clamped, decimal_limits, grown, sign_of, types, whole_limits
from offerkit.batch.emit.dialects import Dialect, RuleDialect
from offerkit.batch.emit.warehouses import BigQuery, Snowflake
from offerkit.rules.types import BaseType

_NUMBER = "^ *[-+]?([0-9]{1,200}([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,3})? *$"
"""Matches a number in PostgreSQL; a number with more digits is out of range anyway."""


class Postgres(RuleDialect):
    """PostgreSQL 12 and newer. Computes with NUMERIC, which has no limit, and then checks the limits."""

    name = "postgres"
    types = types("TEXT", "BIGINT", "NUMERIC(18, 6)", "TIMESTAMP", "TEXT[]")
    backslashes = 2
    materialized = "MATERIALIZED "

    def named(self, body: Callable[..., str], values: Sequence[str]) -> str:
        names = [f"v.p{index}" for index in range(len(values))]
        columns = ", ".join(f"{value} AS p{index}" for index, value in enumerate(values))
        # Without OFFSET the planner would inline the values into the body, once for each use.
        return f"(SELECT {body(*names)} FROM (SELECT {columns} OFFSET 0) AS v)"  # noqa: S608 - written here

    def place_type(self) -> str:
        return "INTEGER"

    def weight_type(self, whole: int, digits: int) -> str:
        return "NUMERIC"

    def plain_text(self, column: str) -> str:
        return f'CAST({column} AS TEXT) COLLATE "C"'

    def collated(self, text: str) -> str:
        return f'{text} COLLATE "C"'

    def whole_column(self, column: str) -> str:
        number = self._read(column)
        return f"CASE WHEN {number} % 1 = 0 THEN {self._whole(number)} END"

    def decimal_column(self, column: str) -> str:
        return self._decimal(self._read(column))

    def _read(self, column: str) -> str:
        """Through text, or null: a floating-point number loses digits when cast to NUMERIC, and infinity fails."""
        text = self.digits(column)
        return f"CASE WHEN {text} ~ '{_NUMBER}' THEN CAST({text} AS NUMERIC) END"

    def list_column(self, column: str) -> str:
        value = f'CAST({column} AS TEXT[]) COLLATE "C"'
        known = f"CASE WHEN ARRAY_POSITION({value}, NULL) IS NULL THEN {value} END"
        # ARRAY_POSITION fails for multidimensional arrays, which array columns can contain.
        return f"CASE WHEN COALESCE(ARRAY_NDIMS({value}), 1) = 1 THEN {known} END"

    def iso(self, day: str) -> str:
        return f"TO_CHAR({day}, 'YYYY-MM-DD')"

    def from_hex(self, digits: str) -> str:
        return f"CAST(CAST('x00000000' || {digits} AS BIT(64)) AS BIGINT)"

    def _whole(self, number: str) -> str:
        return f"CAST({self.within(number, *whole_limits())} AS BIGINT)"

    def _decimal(self, number: str) -> str:
        return self.within(f"ROUND({number}, 6)", *decimal_limits())

    def whole(self, name: str, left: str, right: str) -> str:
        return self._whole(f"CAST({left} AS NUMERIC) {sign_of(name)} {right}")

    def decimal(self, name: str, left: str, right: str) -> str:
        return self._decimal(f"{left} {sign_of(name)} {right}")

    def signed(self, name: str, value: str, *, whole: bool) -> str:
        number = f"CAST({value} AS NUMERIC)" if whole else value
        result = f"(- {number})" if name == "neg" else f"ABS({number})"
        return self._whole(result) if whole else result

    def quotient(self, left: str, right: str, *, whole: bool) -> str:
        cut = f"DIV(CAST({left} AS NUMERIC) * 10000000, NULLIF(CAST({right} AS NUMERIC), 0))"
        return self._decimal(f"{cut} * 0.0000001")

    def rest(self, left: str, right: str) -> str:
        return f"MOD({left}, NULLIF({right}, 0))"

    def rounded(self, value: str, digits: int) -> str:
        return self._decimal(f"ROUND(CAST({value} AS NUMERIC), {digits})")

    def as_decimal(self, value: str) -> str:
        return self._decimal(f"CAST({value} AS NUMERIC)")

    def contains(self, text: str, part: str) -> str:
        return f"(STRPOS({self.collated(text)}, {part}) > 0)"

    def starts_with(self, text: str, part: str) -> str:
        return f"STARTS_WITH({self.collated(text)}, {part})"

    def ends_with(self, text: str, part: str) -> str:
        return f"STARTS_WITH(REVERSE({self.collated(text)}), REVERSE({part}))"

    def replaced(self, text: str, old: str, new: str) -> str:
        too_long = grown("LENGTH({})".format, "({} / {})", f"CAST({text} AS TEXT)", old, new)
        return f"CASE WHEN NOT ({too_long}) THEN REPLACE({self.collated(text)}, {old}, {new}) END"

    def part(self, text: str, start: str, size: str | None = None) -> str:
        first = f"CAST({clamped(start, 1)} AS INTEGER)"
        if size is None:
            return f"SUBSTRING({text} FROM {first})"
        end = f"CAST(GREATEST(LEAST(CAST({start} AS NUMERIC) + {size} - 1, 2147483647), 0) AS INTEGER)"
        known = f"{start} IS NOT NULL AND {size} >= 0"
        return f"CASE WHEN {known} THEN SUBSTRING(LEFT({text}, {end}) FROM {first}) END"

    def list_contains(self, listed: str, entry: str) -> str:
        return f"({self.collated(entry)} = ANY({listed}))"

    def days(self, begin: str, end: str) -> str:
        return f"CAST(CAST({end} AS DATE) - CAST({begin} AS DATE) AS BIGINT)"

    def years(self, last: str, first: str) -> str:
        return f"(({last} - {first}) / 10000)"

    def extract(self, unit: str, moment: str) -> str:
        return f"CAST(FLOOR(EXTRACT({unit.upper()} FROM CAST({moment} AS TIMESTAMP))) AS BIGINT)"

    def date_diff(self, unit: str, begin: str, end: str) -> str:
        match unit:
            case "day":
                return self.days(begin, end)
            case "year":
                return f"({self.extract('year', end)} - {self.extract('year', begin)})"
            case "quarter" | "month":
                many = 4 if unit == "quarter" else 12

                def place(moment: str) -> str:
                    return f"{self.extract('year', moment)} * {many} + {self.extract(unit, moment)}"

                return self.let(lambda first, last: f"(({place(last)}) - ({place(first)}))", begin, end)
            case "week":
                first, last = (f"(CAST({moment} AS DATE) - DATE '0001-01-01') / 7" for moment in (begin, end))
                return f"CAST({last} - {first} AS BIGINT)"
            case _:
                seconds = {"hour": 3600, "minute": 60, "second": 1}[unit]
                first, last = (f"DATE_TRUNC('{unit}', CAST({moment} AS TIMESTAMP))" for moment in (begin, end))
                return f"CAST(EXTRACT(EPOCH FROM ({last} - {first})) / {seconds} AS BIGINT)"

    def date_trunc(self, unit: str, moment: str, kind: str, base: BaseType) -> str:
        return f"CAST(DATE_TRUNC('{unit}', CAST({moment} AS TIMESTAMP)) AS {kind})"

    def later(self, moment: str, unit: str, number: int, edge: str) -> str:
        span = "{} days {} seconds".format(*_split(number)) if unit == "seconds" else f"{number} {unit}"
        extreme, step = ("LEAST", "+") if number > 0 else ("GREATEST", "-")
        beyond = f"({edge} {step} INTERVAL '1 microsecond')"
        return f"(NULLIF({extreme}({moment}, {beyond}), {beyond}) + INTERVAL '{span}')"


class Spark(RuleDialect):
    """Spark 3.4 and newer, with or without ``spark.sql.ansi.enabled``; independent of the session's time zone."""

    name = "spark"
    quote = "`"
    types = types("STRING", "BIGINT", "DECIMAL(18, 6)", "TIMESTAMP_NTZ", "ARRAY<STRING>")
    backslashes = 2

    def whole_constant(self, value: int) -> str:
        return f"{value}L" if value >= 0 else f"({value}L)"

    def array(self, parts: Sequence[str]) -> str:
        return f"ARRAY({', '.join(parts)})"

    def element(self, array: str, place: str, kind: str) -> str:
        return f"{array}[{place}]"

    def relation(self, names: Sequence[str], kinds: Sequence[str], rows: Sequence[Cells]) -> str:
        """One text with a line for each row, because thousands of constants would be parsed and resolved one by one."""
        text = self.types[BaseType.STRING]
        cells = [cell for row in rows for cell in row if isinstance(cell, str)]
        nulls = any(cell is None and kind == text for row in rows for cell, kind in zip(row, kinds, strict=True))
        if nulls or any("\t" in cell or "\n" in cell for cell in cells):
            return super().relation(names, kinds, rows)
        lines = self.text("\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in rows))
        parts = [f"p[{place}]" if kind == text else f"NULLIF(p[{place}], '')" for place, kind in enumerate(kinds)]
        columns = ", ".join(
            f"CAST({part} AS {kind}) AS {self.quoted(name)}"
            for part, kind, name in zip(parts, kinds, names, strict=True)
        )
        split = f"SELECT SPLIT(line, '\\t', -1) AS p FROM (SELECT EXPLODE(SPLIT({lines}, '\\n', -1)) AS line)"  # noqa: S608
        return f"SELECT {columns} FROM ({split})"  # noqa: S608 - quoted

    def named(self, body: Callable[..., str], values: Sequence[str]) -> str:
        names = [f"v.p{index}" for index in range(len(values))]
        columns = ", ".join(f"{value} AS p{index}" for index, value in enumerate(values))
        return f"TRANSFORM(ARRAY(STRUCT({columns})), v -> {body(*names)})[0]"

    def list_column(self, column: str) -> str:
        return f"CASE WHEN NOT EXISTS({column}, v -> v IS NULL) THEN {column} END"

    def from_hex(self, digits: str) -> str:
        return f"CAST(CONV({digits}, 16, 10) AS BIGINT)"

    def nullif(self, value: str, other: str) -> str:
        return self.let(lambda x, y: f"CASE WHEN {x} = {y} THEN NULL ELSE {x} END", value, other)

    def whole(self, name: str, left: str, right: str) -> str:
        # Not TRY_ADD and the like: the optimizer merges several of them, and then misses overflows in between.
        return f"TRY_CAST(CAST({left} AS DECIMAL(19, 0)) {sign_of(name)} CAST({right} AS DECIMAL(19, 0)) AS BIGINT)"

    def _decimal(self, number: str) -> str:
        return f"TRY_CAST({number} AS DECIMAL(18, 6))"

    def decimal(self, name: str, left: str, right: str) -> str:
        return self._decimal(f"({left} {sign_of(name)} {right})")

    def signed(self, name: str, value: str, *, whole: bool) -> str:
        number = f"CAST({value} AS DECIMAL(20, 0))" if whole else value
        result = f"(- {number})" if name == "neg" else f"ABS({number})"
        return f"TRY_CAST({result} AS BIGINT)" if whole else result

    def quotient(self, left: str, right: str, *, whole: bool) -> str:
        def body(x: str, y: str) -> str:
            rest = f"({x} * 10000000) % {y}"
            cut = f"({x} * 10000000 - {rest}) / {y}"
            return f"CASE WHEN {y} <> 0 THEN {self._decimal(f'({cut}) * 0.0000001')} END"

        return self.let(body, *(f"CAST({value} AS DECIMAL(20, 0))" if whole else value for value in (left, right)))

    def rest(self, left: str, right: str) -> str:
        return self.let(lambda x, y: f"CASE WHEN {y} <> 0 THEN {x} % {y} END", left, right)

    def rounded(self, value: str, digits: int) -> str:
        return self._decimal(f"ROUND({value}, {digits})")

    def replaced(self, text: str, old: str, new: str) -> str:
        too_long = grown(self.length, "({} div {})", text, old, new)
        return f"CASE WHEN NOT ({too_long}) THEN REPLACE({text}, {old}, {new}) END"

    def part(self, text: str, start: str, size: str | None = None) -> str:
        first = f"CAST({clamped(start, 1)} AS INT)"
        if size is None:
            return f"SUBSTRING({text}, {first})"
        end = f"CAST({start} AS DECIMAL(20, 0)) + {size} - 1"
        cut = f"CAST(GREATEST(LEAST({end}, 2147483647), 0) AS INT)"
        known = f"{start} IS NOT NULL AND {size} >= 0"
        return f"CASE WHEN {known} THEN SUBSTRING(SUBSTRING({text}, 1, {cut}), {first}) END"

    def list_length(self, listed: str) -> str:
        return f"CAST(ARRAY_SIZE({listed}) AS BIGINT)"

    def days(self, begin: str, end: str) -> str:
        return f"CAST(DATEDIFF(CAST({end} AS DATE), CAST({begin} AS DATE)) AS BIGINT)"

    def years(self, last: str, first: str) -> str:
        return f"(({last} - {first}) div 10000)"

    def extract(self, unit: str, moment: str) -> str:
        function = {"week": "WEEKOFYEAR", "dow": "DAYOFWEEK", "doy": "DAYOFYEAR"}.get(unit, unit.upper())
        if unit in ("hour", "minute", "second"):
            moment = f"CAST({moment} AS TIMESTAMP_NTZ)"
        return f"CAST({function}({moment}){' - 1' if unit == 'dow' else ''} AS BIGINT)"

    def date_diff(self, unit: str, begin: str, end: str) -> str:
        if unit == "day":
            return self.days(begin, end)

        def place(moment: str) -> str:
            day = self.days("DATE '0001-01-01'", moment)
            if unit in ("year", "quarter", "month"):
                many = {"year": 1, "quarter": 4, "month": 12}[unit]
                year = self.extract("year", moment)
                return year if many == 1 else f"{year} * {many} + {self.extract(unit, moment)}"
            if unit == "week":
                return f"{day} div 7"
            found = f"{day} * 24 + {self.extract('hour', moment)}"
            for finer in ("minute", "second")[: ("hour", "minute", "second").index(unit)]:
                found = f"({found}) * 60 + {self.extract(finer, moment)}"
            return found

        return self.let(lambda first, last: f"(({place(last)}) - ({place(first)}))", begin, end)

    def date_trunc(self, unit: str, moment: str, kind: str, base: BaseType) -> str:
        if unit not in ("hour", "minute", "second"):
            day = f"CAST({moment} AS DATE)"
            return f"CAST({day if unit == 'day' else f'TRUNC({day}, {chr(39)}{unit}{chr(39)})'} AS {kind})"
        if base is BaseType.DATE:
            return moment
        # Through text, because DATE_TRUNC gives an instant in the session's time zone.
        kept, rest = {"hour": (13, ":00:00"), "minute": (16, ":00"), "second": (19, "")}[unit]
        return f"CAST(SUBSTRING(CAST({moment} AS STRING), 1, {kept}) || '{rest}' AS TIMESTAMP_NTZ)"

    def later(self, moment: str, unit: str, number: int, edge: str) -> str:
        if unit == "months":
            span = f"MAKE_YM_INTERVAL(0, {number})"
        else:
            days, seconds = (number, 0) if unit == "days" else _split(number)
            span = f"MAKE_DT_INTERVAL({days}, 0, 0, {seconds})"
        test = "<=" if number > 0 else ">="
        return self.let(lambda t: f"CASE WHEN {t} {test} {edge} THEN {t} + {span} END", moment)


class DuckDB(Dialect):
    """The SQL that the batch itself runs (offerkit.rules.duckdb), to inspect a query locally."""

    name = "duckdb"
    types = types("VARCHAR", "BIGINT", "DECIMAL(18, 6)", "TIMESTAMP", "VARCHAR[]")
    materialized = "MATERIALIZED "

    def array(self, parts: Sequence[str]) -> str:
        return f"[{', '.join(parts)}]"

    def list_column(self, column: str) -> str:
        return f"CASE WHEN LIST_COUNT({column}) = LEN({column}) THEN {column} END"

    def multiplicand(self, value: str) -> str:
        return f"CAST({value} AS DECIMAL(19, 6))"  # wider than 64 bits: a product of narrower ones has 18 digits

    def from_hex(self, digits: str) -> str:
        return f"CAST('0x' || {digits} AS BIGINT)"

    def starts_with(self, text: str, part: str) -> str:
        return f"STARTS_WITH({text}, {part})"


def _split(seconds: int) -> tuple[int, int]:
    """Days and remaining seconds, with the same sign."""
    days, rest = divmod(abs(seconds), 86_400)
    return (days, rest) if seconds >= 0 else (-days, -rest)


DIALECTS: dict[str, Dialect] = {engine.name: engine() for engine in (DuckDB, Postgres, Spark, Snowflake, BigQuery)}
"""The dialects by name."""
