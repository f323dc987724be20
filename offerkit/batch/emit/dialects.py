"""What the SQL of five engines says in different words. Everything else in an emitted query is the same in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from offerkit.rules.types import Base

Words = Callable[..., str]


@dataclass(frozen=True)
class Dialect:
    """The words of one engine. Each function takes operands that are SQL already."""

    name: str
    quote: str
    types: dict[Base, str]
    md5: Words
    from_hex: Words
    date_diff: Words
    contains: Words
    starts_with: Words
    ends_with: Words
    list_contains: Words
    length: Words
    trim: Words = "TRIM({}, ' ')".format
    """Spaces only: some engines take away every white space unless told."""
    like: Words = "({} LIKE {})".format
    backslashes: int = 1
    """How many stand for one in a pattern of LIKE."""

    def quoted(self, name: str) -> str:
        """A name; always quoted, because ``user`` and ``order`` are names as well."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def text(self, value: str) -> str:
        """A text, escaped as the engine reads it: some take a backslash for an escape."""
        from sqlglot import exp

        return exp.Literal.string(value).sql(dialect=self.name)


def _types(text: str, whole: str, decimal: str, moment: str, listed: str) -> dict[Base, str]:
    return {
        Base.STRING: text, Base.ENUMERATION: text, Base.INTEGER: whole, Base.DECIMAL: decimal, Base.BOOLEAN: "BOOLEAN",
        Base.DATE: "DATE", Base.TIMESTAMP: moment, Base.LIST: listed,
    }  # fmt: skip


_SQL = _types("VARCHAR", "BIGINT", "DECIMAL(18, 6)", "TIMESTAMP", "VARCHAR[]")

DIALECTS = {
    "duckdb": Dialect(
        "duckdb", '"', _SQL, "MD5({})".format, "CAST('0x' || {} AS BIGINT)".format,
        "DATE_DIFF('day', {}, {})".format, "CONTAINS({}, {})".format, "STARTS_WITH({}, {})".format,
        "ENDS_WITH({}, {})".format, "LIST_CONTAINS({}, {})".format, "LENGTH({})".format,
    ),
    "postgres": Dialect(
        "postgres", '"', _SQL, "MD5({})".format, "CAST(CAST('x00000000' || {} AS BIT(64)) AS BIGINT)".format,
        "(CAST({1} AS DATE) - CAST({0} AS DATE))".format, "(STRPOS({}, {}) > 0)".format,
        "STARTS_WITH({}, {})".format, "(RIGHT({0}, LENGTH({1})) = {1})".format, "({1} = ANY({0}))".format,
        "LENGTH({})".format, "TRIM(BOTH ' ' FROM {})".format, backslashes=2,
    ),
    "spark": Dialect(
        "spark", "`", _types("STRING", "BIGINT", "DECIMAL(18, 6)", "TIMESTAMP", "ARRAY<STRING>"), "MD5({})".format,
        "CAST(CONV({}, 16, 10) AS BIGINT)".format, "DATEDIFF({1}, {0})".format, "CONTAINS({}, {})".format,
        "STARTSWITH({}, {})".format, "ENDSWITH({}, {})".format, "ARRAY_CONTAINS({}, {})".format,
        "CHAR_LENGTH({})".format, "TRIM(BOTH ' ' FROM {})".format, backslashes=2,
    ),
    "snowflake": Dialect(
        "snowflake", '"', _types("VARCHAR", "BIGINT", "DECIMAL(18, 6)", "TIMESTAMP_NTZ", "ARRAY"), "MD5({})".format,
        "TO_NUMBER({}, 'XXXXXXXX')".format, "DATEDIFF('day', {}, {})".format, "CONTAINS({}, {})".format,
        "STARTSWITH({}, {})".format, "ENDSWITH({}, {})".format, "ARRAY_CONTAINS(TO_VARIANT({1}), {0})".format,
        "LENGTH({})".format,
    ),
    "bigquery": Dialect(
        "bigquery", "`", _types("STRING", "INT64", "NUMERIC", "DATETIME", "ARRAY<STRING>"), "TO_HEX(MD5({}))".format,
        "CAST(CONCAT('0x', {}) AS INT64)".format, "DATE_DIFF({1}, {0}, DAY)".format,
        "(STRPOS({0}, {1}) > 0 OR ({1} = '' AND {0} IS NOT NULL))".format,
        "STARTS_WITH({}, {})".format, "ENDS_WITH({}, {})".format,
        "(CASE WHEN {0} IS NOT NULL THEN {1} IN UNNEST({0}) END)".format, "CHAR_LENGTH({})".format, backslashes=2,
    ),
}  # fmt: skip
"""By name. DuckDB's is for looking at a query here; Snowflake's and BigQuery's are parsed in our tests, not run."""
