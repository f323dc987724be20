"""The rule language in the SQL of five engines: with the same meaning, or refused by name.

The SQL never fails, whatever the data: a result outside its type is null, as it is unknown in
:mod:`offerkit.rules.numbers`. No operand is written twice, so that the text stays about as long as the rule: what is
needed more than once is named first (:meth:`Dialect.let`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from offerkit.batch.emit.common import Cells, NotEmittedError, calendar_of, edge_of, letters
from offerkit.rules.duckdb import base_of
from offerkit.rules.nodes import CallNode, Interval, Literal
from offerkit.rules.types import BaseType, FieldType, Value

COMPARED = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TEXT = (BaseType.STRING, BaseType.ENUMERATION)
_ATOM = re.compile(
    r"""(?:\w+\.)?(?:"(?:[^"]|"")*"|`(?:[^`]|``)*`|\w+)|\(?-?\d+L?\)?"""
    r"""|'(?:[^'\\]|'')*'|CAST\('[^'\\]*' AS [A-Z_0-9]+(?:\(\d+, \d+\))?\)"""
)
"""Matches a name or constant, which can be written twice at no cost."""


class Dialect(ABC):
    """What all engines write in the same way of tables; subclasses override what differs. Operands are SQL."""

    name: ClassVar[str]
    quote: ClassVar[str] = '"'
    types: ClassVar[dict[BaseType, str]]
    backslashes: ClassVar[int] = 1
    """How many backslashes stand for one in a LIKE pattern."""
    materialized: ClassVar[str] = ""
    """The keyword before the query of a table that must be computed once, however often it is read."""

    # Names, constants, relations

    def quoted(self, name: str) -> str:
        """A name; always quoted, because names can be keywords such as ``user`` or ``order``."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def table(self, name: str) -> str:
        """The quoted name of a table, with its schema and database if given."""
        return ".".join(map(self.quoted, name.split(".")))

    def text(self, value: str) -> str:
        """A text literal, escaped for the engine: in some, a backslash is an escape character."""
        from sqlglot import exp

        if "\0" in value:
            raise NotEmittedError("a text with a null character")
        return exp.Literal.string(value).sql(dialect=self.name)

    def constant(self, value: Value, base: BaseType) -> str:
        """A constant with exactly the type of ``base``."""
        match value:
            case None:
                return f"CAST(NULL AS {self.types[base]})"
            case bool():
                return "TRUE" if value else "FALSE"
            case int():
                return self.whole_constant(value)
            case Decimal():
                return f"CAST('{value:f}' AS {self.types[BaseType.DECIMAL]})"
            case datetime():
                return f"CAST('{value.isoformat(' ')}' AS {self.types[BaseType.TIMESTAMP]})"
            case date():
                return f"CAST('{value.isoformat()}' AS DATE)"
            case str():
                return self.text(value)
            case tuple():
                return self.list_constant([self.text(part) for part in value])

    def whole_constant(self, value: int) -> str:
        """An integer constant."""
        return str(value) if value >= 0 else f"({value})"

    def list_constant(self, parts: Sequence[str]) -> str:
        """A list constant; ``parts`` are text literals."""
        return f"CAST({self.array(parts)} AS {self.types[BaseType.LIST]})"

    def array(self, parts: Sequence[str]) -> str:
        """An array of one or more values of the same type."""
        return f"ARRAY[{', '.join(parts)}]"

    def element(self, array: str, place: str, kind: str) -> str:
        """The element of an array at the index ``place``, from 0; ``kind``: its type."""
        return f"{array}[{place} + 1]"

    def place_type(self) -> str:
        """The type of array indexes."""
        return self.types[BaseType.INTEGER]

    def weight_type(self, whole: int, digits: int) -> str:
        """A type for numbers with ``whole`` digits before the point and ``digits`` after it, exact in products."""
        if whole + digits > 37:
            raise NotEmittedError(f"weights of {whole + digits} digits")
        return f"DECIMAL({whole + digits}, {digits})"

    def multiplicand(self, value: str) -> str:
        """A decimal that is multiplied by a factor, with room for the digits of the product."""
        return value

    def factor(self, number: Decimal) -> str:
        """A constant factor, exact."""
        written = f"{number:f}"
        digits = len(written.partition(".")[2])
        return f"CAST('{written}' AS DECIMAL({len(written.replace('.', '').lstrip('-'))}, {digits}))"

    def cell(self, value: str | int | None) -> str:
        """A constant in a relation; its column determines the type."""
        return "NULL" if value is None else str(value) if isinstance(value, int) else self.text(value)

    def relation(self, names: Sequence[str], kinds: Sequence[str], rows: Sequence[Cells]) -> str:
        """A query that returns ``rows`` of constants; ``kinds`` are the columns' types."""
        values = ",\n    ".join(f"({', '.join(map(self.cell, row))})" for row in rows)
        typed = [(self.quoted(name), kind) for name, kind in zip(names, kinds, strict=True)]
        columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in typed)
        named = ", ".join(name for name, _ in typed)
        return f"SELECT {columns} FROM (VALUES\n    {values}\n  ) AS {self.quoted('given')}({named})"  # noqa: S608 - quoted

    # Columns of contacts and histories

    def field(self, column: str, type_: FieldType) -> str:
        """A column as a value of its type; what offerkit would not accept is null."""
        kind = self.types[type_.base]
        match type_.base:
            case BaseType.STRING:
                return self.plain_text(column)
            case BaseType.ENUMERATION:
                known = ", ".join(self.text(value) for value in type_.values)
                return f"CASE WHEN {self.plain_text(column)} IN ({known}) THEN {self.plain_text(column)} END"
            case BaseType.INTEGER:
                return self.whole_column(column)
            case BaseType.DECIMAL:
                return self.decimal_column(column)
            case BaseType.DATE | BaseType.TIMESTAMP:
                value = f"CAST({column} AS {kind})"
                first, last = (f"CAST('{day}' AS {kind})" for day in calendar_of(type_.base))
                return f"CASE WHEN {value} >= {first} AND {value} <= {last} THEN {value} END"
            case BaseType.LIST:
                return self.list_column(column)
            case _:
                return column

    def plain_text(self, column: str) -> str:
        """A text that is compared code point by code point."""
        return f"CAST({column} AS {self.types[BaseType.STRING]})"

    def whole_column(self, column: str) -> str:
        """A 64-bit integer, or null; engines would round or truncate other numbers, which offerkit refuses."""
        number = f"TRY_CAST({self.digits(column)} AS DECIMAL(38, 10))"
        return f"CASE WHEN {number} % 1 = 0 THEN TRY_CAST({number} AS {self.types[BaseType.INTEGER]}) END"

    def decimal_column(self, column: str) -> str:
        """A decimal with twelve digits before the point and six after it, or null; also from a text."""
        return f"TRY_CAST({self.digits(column)} AS {self.types[BaseType.DECIMAL]})"

    def digits(self, column: str) -> str:
        """A number as text: a floating-point column is read in its shortest decimal form, as in offerkit."""
        return f"CAST({column} AS {self.types[BaseType.STRING]})"

    def decimal_text(self, column: str) -> str:
        """A decimal in a text, or null."""
        return self.decimal_column(column)

    def list_column(self, column: str) -> str:
        """A list, or null if any entry is null."""
        return column

    def key(self, column: str, type_: FieldType) -> str:
        """A part of a contact's key as text (offerkit.contacts.keys). Raises NotEmittedError."""
        value = self.field(column, type_)
        match type_.base:
            case BaseType.STRING | BaseType.ENUMERATION:
                slash, bar = self.text("\\"), self.text("|")
                value = f"NULLIF({value}, '')"
                return (
                    f"REPLACE(REPLACE({value}, {slash}, {self.text(chr(92) * 2)}), {bar}, {self.text(chr(92) + '|')})"
                )
            case BaseType.INTEGER:
                return f"CAST({value} AS {self.types[BaseType.STRING]})"
            case BaseType.BOOLEAN:
                return f"CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END"
            case BaseType.DATE:
                return self.iso(value)
            case base:
                raise NotEmittedError(f"a key of type {base}")

    def iso(self, day: str) -> str:
        """A date in the form 2026-01-31."""
        return f"CAST({day} AS {self.types[BaseType.STRING]})"

    def md5(self, text: str) -> str:
        """The MD5 digest in hexadecimal digits."""
        return f"MD5({text})"

    @abstractmethod
    def from_hex(self, digits: str) -> str:
        """The number with these eight hexadecimal digits."""

    # Texts that are compared

    def collated(self, text: str) -> str:
        """A text that is compared by code point, whatever the database's collation."""
        return text

    def starts_with(self, text: str, part: str) -> str:
        """True for an empty part, too."""
        return f"STARTSWITH({text}, {part})"


class RuleDialect(Dialect):
    """What all engines but the batch's own write in the same way of conditions and formulas."""

    def let(self, body: Callable[..., str], *values: str) -> str:
        """``body`` of values that it may use several times; they are named first, unless they are short."""
        if all(_ATOM.fullmatch(value) for value in values):
            return body(*values)
        return self.named(body, values)

    @abstractmethod
    def named(self, body: Callable[..., str], values: Sequence[str]) -> str:
        """``body`` of values that are named first, so that no value is inside it."""

    # Calls

    def call(self, node: CallNode, args: list[str]) -> str:
        """An operator or function; ``args`` are its arguments as SQL, without intervals. Raises NotEmittedError."""
        name = node.name
        match name:
            case "and" | "or":
                return "(" + f" {name.upper()} ".join(args) + ")"
            case "not":
                return f"(NOT {args[0]})"
            case "is_null":
                return f"({args[0]} IS NULL)"
            # Some engines drop “IS TRUE”, and turn “IS NOT FALSE” into “NOT NOT x”, which is unknown for unknown.
            case "is_true":
                return f"COALESCE({args[0]}, FALSE)"
            case "is_false":
                return f"(NOT COALESCE({args[0]}, TRUE))"
            case "coalesce":
                return f"COALESCE({', '.join(args)})" if len(args) > 1 else args[0]
            case "to_timestamp":
                return f"CAST({args[0]} AS {self.types[BaseType.TIMESTAMP]})"
            case "add" | "sub" | "mul" | "neg" | "abs" | "div" | "mod" | "round" | "floor" | "ceil" | "to_decimal":
                return self._number(node, args)
            case _ if name in COMPARED or name in ("in", "nullif", "greatest", "least"):
                return self._compared(node, args)
            case "now" | "current_date":
                raise AssertionError("the clock is a constant")
            case _:
                return self._other(node, args)

    def _compared(self, node: CallNode, args: list[str]) -> str:
        first = self.collated(args[0]) if base_of(node.args[0]) in _TEXT else args[0]
        match node.name:
            case "in":
                return f"({first} IN ({', '.join(args[1:])}))"
            case "nullif":
                return self.nullif(first, args[1])
            case "greatest" | "least":
                return self.extreme(node.name.upper(), [first, *args[1:]]) if len(args) > 1 else args[0]
            case name:
                return f"({first} {COMPARED[name]} {args[1]})"

    def _number(self, node: CallNode, args: list[str]) -> str:
        is_integer = base_of(node.args[0]) is BaseType.INTEGER
        match node.name:
            case "add" | "sub" | "mul" if is_integer:
                return self.whole(node.name, *args)
            case "add" | "sub" | "mul":
                return self.decimal(node.name, *args)
            case "neg" | "abs":
                return self.signed(node.name, args[0], whole=is_integer)
            case "floor" | "ceil":
                return (
                    args[0] if is_integer else f"CAST({node.name.upper()}({args[0]}) AS {self.types[BaseType.INTEGER]})"
                )
            case "div":
                return self.quotient(*args, whole=is_integer)
            case "mod":
                return self.rest(*args)
            case "to_decimal":
                return self.as_decimal(args[0])
            case _:
                return self.rounded(args[0], int(args[1].rstrip("L")) if len(args) > 1 else 0)

    def _other(self, node: CallNode, args: list[str]) -> str:
        """Functions on texts, times and lists."""
        unit = node.args[0].value if isinstance(node.args[0], Literal) else None
        match node.name:
            case "concat":
                return "(" + " || ".join(args) + ")"
            case "lower" | "upper":
                return self.translated(args[0], *map(self.text, letters(node.name)))
            case "trim" | "length" | "contains" | "starts_with" | "ends_with" | "replace" | "substring":
                return self._text(node.name, args)
            case "like":
                return self._like(node, args[0])
            case "list_contains":
                return self.let(self._listed, *args)
            case "list_length":
                return self.list_length(args[0])
            case "age_in_years":
                return self.years(self.day_number(args[1]), self.day_number(args[0]))
            case "date_diff":
                return self.date_diff(str(unit), *args[1:])
            case "extract":
                return self.extract(str(unit), args[1])
            case "date_trunc":
                return self.date_trunc(str(unit), args[1], self.types[base_of(node)], base_of(node.args[1]))
            case "date_add":
                return self._date_add(node, args[0])
            case name:
                raise NotEmittedError(name)

    def _text(self, name: str, args: list[str]) -> str:
        match name:
            case "trim":
                return self.trim(args[0])
            case "length":
                return self.length(args[0])
            case "contains":
                return self.contains(*args)
            case "starts_with":
                return self.starts_with(*args)
            case "ends_with":
                return self.ends_with(*args)
            case "replace":
                return self.let(self.replaced, *args)
            case _:
                return self.let(self.part, *args)

    def _like(self, node: CallNode, operand: str) -> str:
        """LIKE; a backslash in the pattern is an ordinary character, although some engines take it for an escape."""
        pattern = node.args[1].value if isinstance(node.args[1], Literal) else None
        if not isinstance(pattern, str):
            return f"CAST(NULL AS {self.types[BaseType.BOOLEAN]})"
        return f"({self.collated(operand)} LIKE {self.text(pattern.replace(chr(92), chr(92) * self.backslashes))})"

    def _listed(self, listed: str, entry: str) -> str:
        # For some engines, an empty list does not contain null; in offerkit, that is unknown.
        return f"CASE WHEN {entry} IS NOT NULL THEN {self.list_contains(listed, entry)} END"

    def _date_add(self, node: CallNode, moment: str) -> str:
        """Adds months, then days, then seconds; null if any step leaves the calendar."""
        span, base = node.args[1], base_of(node)
        assert isinstance(span, Interval)
        later = f"CAST({moment} AS {self.types[BaseType.TIMESTAMP]})"
        for unit, number in (("months", span.months), ("days", span.days), ("seconds", span.seconds)):
            if number:
                edge = edge_of(unit, number)
                if edge is None:
                    return self.constant(None, base)
                later = self.later(later, unit, number, self.constant(edge, BaseType.TIMESTAMP))
        return f"CAST({later} AS {self.types[base]})"

    # Single functions, as most engines write them. What an engine lacks raises NotEmittedError.

    def nullif(self, value: str, other: str) -> str:
        """NULLIF: null if both are equal."""
        return f"NULLIF({value}, {other})"

    def extreme(self, name: str, args: list[str]) -> str:
        """GREATEST or LEAST of the values that are not null."""
        return f"{name}({', '.join(args)})"

    def whole(self, name: str, left: str, right: str) -> str:
        """A sum, difference or product of integers; null if it does not fit."""
        raise NotEmittedError(name)

    def decimal(self, name: str, left: str, right: str) -> str:
        """A sum, difference or product of decimals; null if it does not fit."""
        raise NotEmittedError(name)

    def signed(self, name: str, value: str, *, whole: bool) -> str:
        """``neg`` or ``abs``."""
        raise NotEmittedError(name)

    def quotient(self, left: str, right: str, *, whole: bool) -> str:
        """A quotient, rounded once to six digits, halves away from zero; null if the divisor is zero."""
        raise NotEmittedError("division")

    def rest(self, left: str, right: str) -> str:
        """A remainder, with the sign of ``left``; null if the divisor is zero."""
        raise NotEmittedError("mod")

    def rounded(self, value: str, digits: int) -> str:
        """A rounded decimal, halves away from zero."""
        raise NotEmittedError("round")

    def as_decimal(self, value: str) -> str:
        """An integer as a decimal, or null."""
        return f"TRY_CAST({value} AS {self.types[BaseType.DECIMAL]})"

    def translated(self, text: str, before: str, after: str) -> str:
        """``text`` with each character of ``before`` replaced by the one at the same index in ``after``."""
        return f"TRANSLATE({text}, {before}, {after})"

    def trim(self, text: str) -> str:
        """Without leading and trailing spaces; by default, some engines remove all white space."""
        return f"TRIM(BOTH ' ' FROM {text})"

    def length(self, text: str) -> str:
        """The length in code points."""
        return f"CAST(CHAR_LENGTH({text}) AS {self.types[BaseType.INTEGER]})"

    def contains(self, text: str, part: str) -> str:
        """True for an empty part, too."""
        return f"CONTAINS({text}, {part})"

    def ends_with(self, text: str, part: str) -> str:
        """True for an empty part, too."""
        return f"ENDSWITH({text}, {part})"

    def replaced(self, text: str, old: str, new: str) -> str:
        """REPLACE; null if the result would be longer than ``LONGEST``."""
        raise NotEmittedError("replace")

    def part(self, text: str, start: str, size: str | None = None) -> str:
        """``substring``."""
        raise NotEmittedError("substring")

    def list_contains(self, listed: str, entry: str) -> str:
        """Whether a list contains an entry that is not null."""
        return f"ARRAY_CONTAINS({listed}, {entry})"

    def list_length(self, listed: str) -> str:
        """The number of entries; null for null."""
        return f"CAST(CARDINALITY({listed}) AS {self.types[BaseType.INTEGER]})"

    @abstractmethod
    def days(self, begin: str, end: str) -> str:
        """Calendar days between dates or timestamps."""

    def day_number(self, day: str) -> str:
        """2026-12-31 as 20261231."""
        return f"CAST(REPLACE({self.iso(day)}, '-', '') AS {self.types[BaseType.INTEGER]})"

    @abstractmethod
    def years(self, last: str, first: str) -> str:
        """Full years between day numbers, rounded towards zero."""

    def extract(self, unit: str, moment: str) -> str:
        """A part of a date or timestamp."""
        if unit in ("year", "month", "day"):
            return f"CAST(EXTRACT({unit.upper()} FROM {moment}) AS {self.types[BaseType.INTEGER]})"
        raise NotEmittedError(f"extract({unit} …)")

    def date_diff(self, unit: str, begin: str, end: str) -> str:
        """How often the unit changes."""
        if unit == "day":
            return self.days(begin, end)
        raise NotEmittedError(f"date_diff('{unit}', …)")

    def date_trunc(self, unit: str, moment: str, kind: str, base: BaseType) -> str:
        """The beginning of the unit, as type ``kind``; ``base`` is the type of the moment."""
        raise NotEmittedError("date_trunc")

    def later(self, moment: str, unit: str, number: int, edge: str) -> str:
        """A timestamp plus so many months, days or seconds; null beyond ``edge``: the last moment (or, going back, the
        first) from which the result stays in the calendar."""
        raise NotEmittedError("intervals")

    def within(self, value: str, least: str, most: str) -> str:
        """``value``, or null if it is not between ``least`` and ``most`` (both excluded); written once."""
        return f"NULLIF(NULLIF(GREATEST(LEAST({value}, {most}), {least}), {most}), {least})"
