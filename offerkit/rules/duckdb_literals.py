"""Writes constants as escaped DuckDB SQL."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from offerkit.rules.types import BaseType, Value

TYPES = {
    BaseType.STRING: "VARCHAR",
    BaseType.ENUMERATION: "VARCHAR",
    BaseType.INTEGER: "BIGINT",
    BaseType.DECIMAL: "DECIMAL(18,6)",
    BaseType.BOOLEAN: "BOOLEAN",
    BaseType.DATE: "DATE",
    BaseType.TIMESTAMP: "TIMESTAMP",
    BaseType.LIST: "VARCHAR[]",
}
"""DuckDB's type of columns and constants, by base type."""


def literal(value: Value, base: BaseType) -> str:
    """A constant with exactly the type of ``base``."""
    match value:
        case None:
            return f"CAST(NULL AS {TYPES[base]})" if base in TYPES else "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Decimal():
            return f"CAST({value:f} AS {TYPES[base]})" if isinstance(value, Decimal) else f"CAST({value} AS BIGINT)"
        case str():
            # DuckDB stops reading a statement at a NUL.
            return "(" + text.replace("\0", "' || chr(0) || '") + ")" if "\0" in (text := _quoted(value)) else text
        case datetime():
            return f"TIMESTAMP '{value.isoformat(' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case tuple():
            return f"CAST([{', '.join(literal(part, BaseType.STRING) for part in value)}] AS VARCHAR[])"


def plain(value: Value, base: BaseType) -> str:
    """A constant for comparisons, as in hand-written SQL."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return literal(value, base)
    written = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, Decimal) and "." not in written:
        written += ".0"
    return f"({written})" if value < 0 else written


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
