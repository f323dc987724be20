"""The dialects of Snowflake and BigQuery. Tests only parse their queries, so only documented behavior is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from offerkit.batch.emit.common import Cells, NotEmittedError, decimal_limits, sign_of, types, whole_limits
from offerkit.batch.emit.dialects import RuleDialect


class Snowflake(RuleDialect):
    """Integers have 38 digits, enough for any product of two 64-bit integers. Values cannot be named."""

    name = "snowflake"
    types = types("VARCHAR", "NUMBER(38, 0)", "NUMBER(18, 6)", "TIMESTAMP_NTZ", "ARRAY")

    def array(self, parts: Sequence[str]) -> str:
        return f"ARRAY_CONSTRUCT({', '.join(parts)})"

    def list_constant(self, parts: Sequence[str]) -> str:
        return self.array(parts)

    def element(self, array: str, place: str, kind: str) -> str:
        return f"CAST(GET({array}, {place}) AS {kind})"

    def named(self, body: Callable[..., str], values: Sequence[str]) -> str:
        raise NotEmittedError("contains(list, …) with a computed entry")

    def weight_type(self, whole: int, digits: int) -> str:
        if digits > 12:
            raise NotEmittedError(f"weights with {digits} digits after the point")
        return super().weight_type(whole, digits)

    def whole_column(self, column: str) -> str:
        return f"CASE WHEN MOD({column}, 1) = 0 THEN {self.within(column, *whole_limits())} END"

    def decimal_column(self, column: str) -> str:
        return self._decimal(column)

    def decimal_text(self, column: str) -> str:
        return f"TRY_TO_DECIMAL({column}, 18, 6)"

    def from_hex(self, digits: str) -> str:
        return f"TO_NUMBER({digits}, 'XXXXXXXX')"

    def iso(self, day: str) -> str:
        return f"TO_CHAR({day}, 'YYYY-MM-DD')"

    def extreme(self, name: str, args: list[str]) -> str:
        return f"{name}_IGNORE_NULLS({', '.join(args)})"

    def _decimal(self, number: str) -> str:
        return f"CAST({self.within(f'ROUND({number}, 6)', *decimal_limits())} AS NUMBER(18, 6))"

    def whole(self, name: str, left: str, right: str) -> str:
        return self.within(f"{left} {sign_of(name)} {right}", *whole_limits())

    def decimal(self, name: str, left: str, right: str) -> str:
        return self._decimal(f"{left} {sign_of(name)} {right}")

    def signed(self, name: str, value: str, *, whole: bool) -> str:
        result = f"(- {value})" if name == "neg" else f"ABS({value})"
        return self.within(result, *whole_limits()) if whole else result

    def as_decimal(self, value: str) -> str:
        return self._decimal(value)

    def trim(self, text: str) -> str:
        return f"TRIM({text}, ' ')"

    def length(self, text: str) -> str:
        return f"LENGTH({text})"

    def list_contains(self, listed: str, entry: str) -> str:
        return f"ARRAY_CONTAINS(TO_VARIANT({entry}), {listed})"

    def list_length(self, listed: str) -> str:
        return f"ARRAY_SIZE({listed})"

    def days(self, begin: str, end: str) -> str:
        return f"DATEDIFF('day', {begin}, {end})"

    def years(self, last: str, first: str) -> str:
        return f"TRUNC(({last} - {first}) / 10000)"


class BigQuery(RuleDialect):
    """``SAFE_`` functions give null where others fail; decimals are computed as BIGNUMERIC."""

    name = "bigquery"
    quote = "`"
    types = types("STRING", "INT64", "NUMERIC", "DATETIME", "ARRAY<STRING>")
    backslashes = 2

    def array(self, parts: Sequence[str]) -> str:
        return f"[{', '.join(parts)}]"

    def element(self, array: str, place: str, kind: str) -> str:
        return f"{array}[OFFSET({place})]"

    def weight_type(self, whole: int, digits: int) -> str:
        if max(whole, digits) > 37:
            raise NotEmittedError(f"weights of {whole + digits} digits")
        return "BIGNUMERIC"

    def factor(self, number: Decimal) -> str:
        return f"BIGNUMERIC '{number:f}'"

    def relation(self, names: Sequence[str], kinds: Sequence[str], rows: Sequence[Cells]) -> str:
        quoted_columns = [(self.quoted(name), kind) for name, kind in zip(names, kinds, strict=True)]
        struct = ", ".join(f"{name} {'STRING' if kind == 'BIGNUMERIC' else kind}" for name, kind in quoted_columns)
        columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in quoted_columns)
        values = ",\n    ".join(f"({', '.join(map(self.cell, row))})" for row in rows)
        return f"SELECT {columns} FROM UNNEST(ARRAY<STRUCT<{struct}>>[\n    {values}\n  ])"  # noqa: S608 - quoted

    def named(self, body: Callable[..., str], values: Sequence[str]) -> str:
        names = [f"v.p{index}" for index in range(len(values))]
        columns = ", ".join(f"{value} AS p{index}" for index, value in enumerate(values))
        return f"(SELECT {body(*names)} FROM (SELECT {columns}) AS v)"  # noqa: S608 - written here

    def plain_text(self, column: str) -> str:
        return f"COLLATE(CAST({column} AS STRING), '')"

    def whole_column(self, column: str) -> str:
        number = f"SAFE_CAST({self.digits(column)} AS BIGNUMERIC)"
        return f"CASE WHEN MOD({number}, 1) = 0 THEN SAFE_CAST({number} AS INT64) END"

    def decimal_column(self, column: str) -> str:
        return self._decimal(f"SAFE_CAST({self.digits(column)} AS BIGNUMERIC)")

    def md5(self, text: str) -> str:
        return f"TO_HEX(MD5({text}))"

    def from_hex(self, digits: str) -> str:
        return f"CAST(CONCAT('0x', {digits}) AS INT64)"

    def extreme(self, name: str, args: list[str]) -> str:
        aggregate = "MAX" if name == "GREATEST" else "MIN"
        return f"(SELECT {aggregate}(v) FROM UNNEST([{', '.join(args)}]) AS v)"  # noqa: S608 - written here

    def _decimal(self, number: str) -> str:
        least, most = (f"BIGNUMERIC '{limit.strip('()')}'" for limit in decimal_limits())
        return f"CAST({self.within(f'ROUND({number}, 6)', least, most)} AS NUMERIC)"

    def whole(self, name: str, left: str, right: str) -> str:
        return f"SAFE_{ {'add': 'ADD', 'sub': 'SUBTRACT', 'mul': 'MULTIPLY'}[name] }({left}, {right})"

    def decimal(self, name: str, left: str, right: str) -> str:
        return self._decimal(f"CAST({left} AS BIGNUMERIC) {sign_of(name)} CAST({right} AS BIGNUMERIC)")

    def signed(self, name: str, value: str, *, whole: bool) -> str:
        if not whole:
            return f"(- {value})" if name == "neg" else f"ABS({value})"
        return f"SAFE_NEGATE({value})" if name == "neg" else f"SAFE.ABS({value})"

    def as_decimal(self, value: str) -> str:
        return self._decimal(f"CAST({value} AS BIGNUMERIC)")

    def trim(self, text: str) -> str:
        return f"TRIM({text}, ' ')"

    def length(self, text: str) -> str:
        return f"CHAR_LENGTH({text})"

    def contains(self, text: str, part: str) -> str:
        return self.let(lambda x, y: f"(STRPOS({x}, {y}) > 0 OR ({y} = '' AND {x} IS NOT NULL))", text, part)

    def starts_with(self, text: str, part: str) -> str:
        return f"STARTS_WITH({text}, {part})"

    def ends_with(self, text: str, part: str) -> str:
        return f"ENDS_WITH({text}, {part})"

    def list_contains(self, listed: str, entry: str) -> str:
        return f"CASE WHEN {listed} IS NOT NULL THEN {entry} IN UNNEST({listed}) END"

    def list_length(self, listed: str) -> str:
        return f"ARRAY_LENGTH({listed})"

    def days(self, begin: str, end: str) -> str:
        return f"DATE_DIFF(CAST({end} AS DATE), CAST({begin} AS DATE), DAY)"

    def years(self, last: str, first: str) -> str:
        return f"DIV({last} - {first}, 10000)"
