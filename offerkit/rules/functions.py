"""The closed list of functions: their canonical names (in the checked tree) and their written names.

The checker follows this list; both evaluators, the SQL for other engines and docs/rules.md must have each function.
``Signature.name`` is the name of the ``CallNode``; ``written`` is the name in expressions (empty: it is an operator, or
only the checker inserts it).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from offerkit.rules.types import BaseType


class Takes(StrEnum):
    """What an argument can be; the values are used in messages."""

    TEXT = "a text"
    """A string or enumeration."""
    INTEGER = "a whole number"
    NUMBER = "a number"
    """An integer or a decimal; several in one call are all integers or all decimals."""
    BOOLEAN = "a condition (true or false)"
    DATE = "a date"
    MOMENT = "a date or timestamp"
    """Several in one call are all dates or all timestamps."""
    LIST = "a list"
    INTERVAL = "an interval"
    ANY = "a value"
    """Several in one call have one type."""
    UNIT = "a unit of time"
    """A text literal from the function's ``units``."""
    CONSTANT_TEXT = "a text in quotes"
    """A text literal."""
    CONSTANT_INTEGER = "a whole number in digits"
    """An integer literal."""


class Group(StrEnum):
    """The sections of the list in docs/rules.md."""

    LOGIC = "logic"
    COMPARISON = "comparison"
    NULLS = "unknown values"
    ARITHMETIC = "numbers"
    CONVERSION = "conversion"
    TEXT = "text"
    TIME = "dates and times"
    LIST = "lists"


SAME = None
"""The result has the type of the last argument that is not a unit or constant."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One function. ``required``: its fewest arguments (-1: all); ``rest``: the last one can be repeated."""

    name: str
    group: Group
    takes: tuple[Takes, ...]
    gives: BaseType | None
    required: int = -1
    rest: bool = False
    written: str = ""
    example: str = ""
    meaning: str = ""
    units: tuple[str, ...] = ()

    def fewest(self) -> int:
        """The fewest arguments that it takes."""
        return len(self.takes) if self.required < 0 else self.required


DATE_UNITS = ("year", "quarter", "month", "week", "day")
CLOCK_UNITS = ("hour", "minute", "second")
UNITS = (*DATE_UNITS, *CLOCK_UNITS)
"""Units of intervals, ``date_diff`` and ``date_trunc``; clock units need a timestamp in ``date_trunc``."""
EXTRACT_UNITS = ("year", "quarter", "month", "week", "day", "dow", "doy", *CLOCK_UNITS)

_B, _N, _I, _T, _M, _D, _A = (
    Takes.BOOLEAN,
    Takes.NUMBER,
    Takes.INTEGER,
    Takes.TEXT,
    Takes.MOMENT,
    Takes.DATE,
    Takes.ANY,
)

_LOGIC = (
    Signature("and", Group.LOGIC, (_B, _B), BaseType.BOOLEAN, rest=True, example="a and b"),
    Signature("or", Group.LOGIC, (_B, _B), BaseType.BOOLEAN, rest=True, example="a or b"),
    Signature("not", Group.LOGIC, (_B,), BaseType.BOOLEAN, example="not a"),
    Signature("is_null", Group.LOGIC, (_A,), BaseType.BOOLEAN, example="x is null"),
    Signature("is_true", Group.LOGIC, (_B,), BaseType.BOOLEAN, example="a is true"),
    Signature("is_false", Group.LOGIC, (_B,), BaseType.BOOLEAN, example="a is false"),
)
_COMPARISON = (
    *(
        Signature(name, Group.COMPARISON, (_A, _A), BaseType.BOOLEAN, example=f"x {sign} y")
        for name, sign in (("eq", "="), ("ne", "<>"), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="))
    ),
    Signature("in", Group.COMPARISON, (_A, _A), BaseType.BOOLEAN, rest=True, example="x in ('a', 'b')"),
)
_NULLS = (
    Signature(
        "coalesce",
        Group.NULLS,
        (_A, _A),
        SAME,
        required=1,
        rest=True,
        written="coalesce",
        example="coalesce(x, 0)",
        meaning="the first argument that is known",
    ),
    Signature(
        "nullif",
        Group.NULLS,
        (_A, _A),
        SAME,
        written="nullif",
        example="nullif(x, 0)",
        meaning="unknown when both are equal, else the first",
    ),
    Signature(
        "greatest",
        Group.NULLS,
        (_A, _A),
        SAME,
        required=1,
        rest=True,
        written="greatest",
        example="greatest(x, y, 0)",
        meaning="the greatest of those that are known; numbers, texts, dates, timestamps",
    ),
    Signature(
        "least",
        Group.NULLS,
        (_A, _A),
        SAME,
        required=1,
        rest=True,
        written="least",
        example="least(x, 100)",
        meaning="the least of those that are known",
    ),
)
_ARITHMETIC = (
    Signature("add", Group.ARITHMETIC, (_N, _N), SAME, example="x + y"),
    Signature("sub", Group.ARITHMETIC, (_N, _N), SAME, example="x - y"),
    Signature("mul", Group.ARITHMETIC, (_N, _N), SAME, example="x * y"),
    Signature("div", Group.ARITHMETIC, (_N, _N), BaseType.DECIMAL, example="x / y"),
    Signature("neg", Group.ARITHMETIC, (_N,), SAME, example="-x"),
    Signature(
        "mod",
        Group.ARITHMETIC,
        (_N, _N),
        SAME,
        written="mod",
        example="mod(x, 7)",
        meaning="the remainder of a division, with the sign of x; also x % 7",
    ),
    Signature(
        "abs",
        Group.ARITHMETIC,
        (_N,),
        SAME,
        written="abs",
        example="abs(x)",
        meaning="the absolute value of x",
    ),
    Signature(
        "round",
        Group.ARITHMETIC,
        (_N, Takes.CONSTANT_INTEGER),
        BaseType.DECIMAL,
        required=1,
        written="round",
        example="round(x, 2)",
        meaning="rounded to 0 to 6 digits after the point (by default 0), halves away from zero; a decimal",
    ),
    Signature(
        "floor",
        Group.ARITHMETIC,
        (_N,),
        BaseType.INTEGER,
        written="floor",
        example="floor(x)",
        meaning="the greatest whole number that is not above x",
    ),
    Signature(
        "ceil",
        Group.ARITHMETIC,
        (_N,),
        BaseType.INTEGER,
        written="ceil",
        example="ceil(x)",
        meaning="the least whole number that is not below x",
    ),
)
_CONVERSION = (
    Signature("to_decimal", Group.CONVERSION, (_I,), BaseType.DECIMAL),
    Signature("to_timestamp", Group.CONVERSION, (_D,), BaseType.TIMESTAMP),
)
_TEXT = (
    Signature(
        "lower",
        Group.TEXT,
        (_T,),
        BaseType.STRING,
        written="lower",
        example="lower(x)",
        meaning="in lower case",
    ),
    Signature(
        "upper",
        Group.TEXT,
        (_T,),
        BaseType.STRING,
        written="upper",
        example="upper(x)",
        meaning="in upper case",
    ),
    Signature(
        "trim",
        Group.TEXT,
        (_T,),
        BaseType.STRING,
        written="trim",
        example="trim(x)",
        meaning="without leading and trailing spaces",
    ),
    Signature(
        "length",
        Group.TEXT,
        (_T,),
        BaseType.INTEGER,
        written="length",
        example="length(x)",
        meaning="the number of characters in a text, or of entries in a list",
    ),
    Signature(
        "substring",
        Group.TEXT,
        (_T, _I, _I),
        BaseType.STRING,
        required=2,
        written="substring",
        example="substring(x, 1, 3)",
        meaning="the part from a position (the first is 1), of the given length or up to the end",
    ),
    Signature(
        "concat",
        Group.TEXT,
        (_T, _T),
        BaseType.STRING,
        required=1,
        rest=True,
        written="concat",
        example="concat(x, ' ', y)",
        meaning="the arguments joined; also x || y; unknown if any argument is",
    ),
    Signature(
        "starts_with",
        Group.TEXT,
        (_T, _T),
        BaseType.BOOLEAN,
        written="starts_with",
        example="starts_with(x, 'FR-')",
        meaning="whether the first begins with the second",
    ),
    Signature(
        "ends_with",
        Group.TEXT,
        (_T, _T),
        BaseType.BOOLEAN,
        written="ends_with",
        example="ends_with(x, '.org')",
        meaning="whether the first ends with the second",
    ),
    Signature(
        "contains",
        Group.TEXT,
        (_T, _T),
        BaseType.BOOLEAN,
        written="contains",
        example="contains(x, 'gold')",
        meaning="whether the first contains the second; for a list, whether it has that entry",
    ),
    Signature(
        "replace",
        Group.TEXT,
        (_T, _T, _T),
        BaseType.STRING,
        written="replace",
        example="replace(x, '-', '')",
        meaning="each occurrence of the second replaced by the third",
    ),
    Signature("like", Group.TEXT, (_T, Takes.CONSTANT_TEXT), BaseType.BOOLEAN, example="x like 'FR-%'"),
)
_TIME = (
    Signature(
        "current_date",
        Group.TIME,
        (),
        BaseType.DATE,
        written="current_date",
        example="current_date",
        meaning="today, in the environment's time zone",
    ),
    Signature(
        "now",
        Group.TIME,
        (),
        BaseType.TIMESTAMP,
        written="now",
        example="now",
        meaning="this moment, in the environment's time zone; also now() and current_timestamp",
    ),
    Signature("date_add", Group.TIME, (_M, Takes.INTERVAL), SAME, example="x + interval '3 days'"),
    Signature(
        "date_trunc",
        Group.TIME,
        (Takes.UNIT, _M),
        SAME,
        written="date_trunc",
        example="date_trunc('month', x)",
        meaning="the beginning of the year, quarter, month, week (Monday), day, hour, minute or second",
        units=UNITS,
    ),
    Signature(
        "date_diff",
        Group.TIME,
        (Takes.UNIT, _M, _M),
        BaseType.INTEGER,
        written="date_diff",
        example="date_diff('day', x, y)",
        meaning="how often the unit changes from x to y; negative if y is before x",
        units=UNITS,
    ),
    Signature(
        "extract",
        Group.TIME,
        (Takes.UNIT, _M),
        BaseType.INTEGER,
        written="extract",
        example="extract(year from x)",
        meaning="that part as a whole number; dow: 0 is Sunday; doy: day of the year; week: of ISO 8601",
        units=EXTRACT_UNITS,
    ),
    Signature(
        "age_in_years",
        Group.TIME,
        (_D, _D),
        BaseType.INTEGER,
        required=1,
        written="age_in_years",
        example="age_in_years(x)",
        meaning="full years since a birth date, today or on a second date",
    ),
    Signature(
        "days_since",
        Group.TIME,
        (_D,),
        BaseType.INTEGER,
        written="days_since",
        example="days_since(x)",
        meaning="days from a date to today; negative for a future date",
    ),
    Signature(
        "days_until",
        Group.TIME,
        (_D,),
        BaseType.INTEGER,
        written="days_until",
        example="days_until(x)",
        meaning="days from today to a date; negative for a past date",
    ),
)
_LIST = (
    Signature("list_contains", Group.LIST, (Takes.LIST, _T), BaseType.BOOLEAN, example="contains(list, 'x')"),
    Signature("list_length", Group.LIST, (Takes.LIST,), BaseType.INTEGER, example="length(list)"),
)

FUNCTIONS: dict[str, Signature] = {
    signature.name: signature
    for signature in (*_LOGIC, *_COMPARISON, *_NULLS, *_ARITHMETIC, *_CONVERSION, *_TEXT, *_TIME, *_LIST)
}
"""By canonical name."""

WRITTEN: tuple[str, ...] = tuple(signature.written for signature in FUNCTIONS.values() if signature.written)
"""The function names that expressions can use."""
