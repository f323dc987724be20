"""Random checked trees and rows for the rule language: every operator and function, every type, awkward values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from offerkit.rules.functions import EXTRACT_UNITS, UNITS
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node, walk
from offerkit.rules.types import BaseType, FieldType, Value

B, S, E, INT, D, DATE, TIME, LIST = (
    BaseType.BOOLEAN, BaseType.STRING, BaseType.ENUMERATION, BaseType.INTEGER, BaseType.DECIMAL, BaseType.DATE, BaseType.TIMESTAMP, BaseType.LIST,
)  # fmt: skip
TYPES = (B, S, INT, D, DATE, TIME, LIST)
FIELDS: dict[tuple[str, str], BaseType] = {
    (space, f"{base.value}_{number}"): base
    for base in (B, S, E, INT, D, DATE, TIME, LIST)
    for space, number in (("recipient", 1), ("recipient", 2), ("interaction", 1))
}
NOW = datetime(2028, 2, 29, 13, 14, 15, 678901)

_TEXTS = [
    "", "", " ", "a", "A", "b", "ab", "aab", "FR", "fr", " FR  ", "\ta\t", "\u00a0a", "é", "e\u0301", "É", "ß", "ẞ", "straße", "İ", "ı",
    "ﬁn", "ŉ", "ǆ", "ᾳ", "Σ", "ΣΑΣ", "😀", "a😀b", "👩‍👩‍👧", "𐐀", "a%b", "a_b", "%", "_", "a\\b", "\\%", "'", '"', "''; --", "\n", "a\0b",
    "ΐ", "Ω", "K", "aaaaaaaaaa", "null", "true", "2026-01-01",
]  # fmt: skip
_PATTERNS = [
    "%",
    "_",
    "__",
    "a%",
    "%b",
    "%a%",
    "a%b",
    "a_b",
    "%_",
    "_%_",
    "%a%b%",
    "%a_%",
    "a%a%a",
    "FR",
    "\\%",
    "%😀%",
    "%é",
    "'%",
    "a__%b%_",
]
_INTEGERS = [
    0,
    0,
    1,
    1,
    -1,
    2,
    3,
    -3,
    7,
    10,
    18,
    100,
    -100,
    2**31 - 1,
    -(2**31),
    2**31,
    2**53,
    10**12,
    10**12 - 1,
    2**63 - 1,
    -(2**63),
    2**62,
    3037000500,
]
_DECIMALS = ["0", "0", "1", "-1", "0.1", "0.2", "0.3", "0.5", "-0.5", "1.5", "2.5", "-2.5", "0.000001", "-0.000001", "0.000001", "0.000003", "-0.000005", "2", "4", "-2", "0.333333", "3",
             "7", "999999999999.999999", "-999999999999.999999", "999999999999.5", "1000000", "0.0000015", "123456.789012", "0.045", "99.995"]  # fmt: skip
_DATES = ["0001-01-01", "0001-01-31", "9999-12-31", "9999-12-01", "2024-02-29", "2000-02-29", "1900-02-28", "2023-02-28", "2024-01-31", "2024-12-31",
          "2025-01-01", "1969-12-31", "1970-01-01", "1970-01-04", "2028-02-29", "2028-02-28", "2028-03-01", "2010-02-28", "2010-03-01", "2020-12-28"]  # fmt: skip
_CLOCKS = ["00:00:00", "23:59:59.999999", "12:30:00", "00:00:00.000001", "13:14:15.678901", "01:59:59"]
_MONTHS = [0, 0, 1, -1, 3, 12, -12, 13, 120, 12 * 10_000, -(12 * 9999), 10**9]
_DAYS = [0, 0, 1, -1, 7, 30, 31, -365, 366, 10_000, 3_652_058, -4_000_000, 10**9]
_SECONDS = [0, 1, -1, 60, 3600, -86_400, 86_399, 10**9, 10**12, -(10**12)]


def value(random: Random, base: BaseType) -> Value:
    """A known value."""
    pick = random.choice
    match base:
        case BaseType.STRING | BaseType.ENUMERATION:
            return pick(_TEXTS) if random.random() < 0.8 else "".join(pick(_TEXTS) for _ in range(random.randrange(5)))
        case BaseType.INTEGER:
            return pick(_INTEGERS) if random.random() < 0.7 else random.randrange(-50, 150)
        case BaseType.DECIMAL:
            if random.random() < 0.7:
                return Decimal(pick(_DECIMALS)).quantize(Decimal("0.000001"))
            return Decimal(random.randrange(-(10 ** random.randrange(1, 18)), 10**9)).scaleb(-6)
        case BaseType.BOOLEAN:
            return random.random() < 0.5
        case BaseType.DATE:
            if random.random() < 0.6:
                return date.fromisoformat(pick(_DATES))
            return date(2026, 1, 1) + timedelta(days=random.randrange(-30_000, 5_000))
        case BaseType.TIMESTAMP:
            return datetime.fromisoformat(f"{value(random, BaseType.DATE)} {pick(_CLOCKS)}")
        case _:
            return tuple(pick(_TEXTS) for _ in range(random.choice([0, 1, 2, 5])))


def row(random: Random) -> dict[tuple[str, str], Value]:
    """A value for each field, one in six unknown."""
    return {key: None if random.random() < 1 / 6 else value(random, base) for key, base in FIELDS.items()}


def checked(root: Node) -> CheckedExpression:
    """As the checker would give it."""
    assert not isinstance(root, Interval)
    pairs = {(node.namespace, node.name) for node in walk(root) if isinstance(node, FieldNode)}
    return CheckedExpression(str(root), root, root.type, tuple(sorted(pairs)), True)


class Trees:
    """Makes trees; ``depth`` counts the levels that may follow."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.makers: dict[BaseType, list[Callable[[int], Node]]] = {
            base: [getattr(self, name) for name in dir(self) if name.startswith(f"{base.value}_")] for base in TYPES
        }

    def tree(self, base: BaseType, depth: int) -> Node:
        """A tree of a type."""
        if depth <= 0 or self.random.random() < 0.12:
            return self.leaf(base)
        maker = self.random.choice(
            [self.of_any_type, *self.makers[base] * 2] if base is not LIST else [self.of_any_type]
        )
        return maker(depth - 1) if maker != self.of_any_type else self.of_any_type(depth - 1, base)

    def leaf(self, base: BaseType) -> Node:
        chance = self.random.random()
        if chance < 0.6:
            wanted = (S, E) if base is S else (base,)
            key = self.random.choice([key for key, kind in FIELDS.items() if kind in wanted])
            return FieldNode(FieldType(FIELDS[key]), 0, 0, *key)
        if chance < 0.66 or base is LIST:
            return Literal(FieldType(base), 0, 0, None)
        if base in (DATE, TIME) and chance < 0.75:
            return CallNode(FieldType(base), 0, 0, "current_date" if base is DATE else "now", ())
        return self.literal(base)

    def literal(self, base: BaseType) -> Node:
        return Literal(FieldType(base), 0, 0, value(self.random, base))

    def call(self, base: BaseType, name: str, *args: Node) -> Node:
        return CallNode(FieldType(base), 0, 0, name, args)

    def some(self, base: BaseType, depth: int, fewest: int = 2, most: int = 4) -> list[Node]:
        return [self.tree(base, depth) for _ in range(self.random.randint(fewest, most))]

    def text(self, base: BaseType, *words: str) -> Node:
        return Literal(FieldType(base), 0, 0, self.random.choice(words))

    # of_any_type(depth, base); the others are named <type>_<what>(depth)

    def of_any_type(self, depth: int, base: BaseType) -> Node:
        match self.random.randrange(5 if base in (LIST, B) else 6):
            case 0 | 1:
                pairs = [
                    (self.tree(B, depth), self.tree(base, depth)) for _ in range(self.random.choice([1, 1, 2, 10]))
                ]
                default = self.tree(base, depth) if self.random.random() < 0.7 else None
                return CaseNode(FieldType(base), 0, 0, tuple(pairs), default)
            case 2 | 3:
                return self.call(base, "coalesce", *self.some(base, depth, 1, self.random.choice([2, 3, 10])))
            case 4:
                return self.call(base, "nullif", self.tree(base, depth), self.tree(base, depth))
            case _:
                return self.call(base, self.random.choice(["greatest", "least"]), *self.some(base, depth, 1))

    def boolean_logic(self, depth: int) -> Node:
        return self.call(B, self.random.choice(["and", "or"]), *self.some(B, depth))

    boolean_logic_again = boolean_logic

    def boolean_test(self, depth: int) -> Node:
        return self.call(B, self.random.choice(["not", "not", "is_true", "is_false"]), self.tree(B, depth))

    def boolean_null(self, depth: int) -> Node:
        return self.call(B, "is_null", self.tree(self.random.choice(TYPES), depth))

    def boolean_compare(self, depth: int) -> Node:
        base = self.random.choice(TYPES[:-1])
        name = self.random.choice(["eq", "ne"] if base is B else ["eq", "ne", "lt", "le", "gt", "ge"])
        return self.call(B, name, self.tree(base, depth), self.tree(base, depth))

    boolean_compare_again = boolean_compare

    def boolean_between(self, depth: int) -> Node:
        base = self.random.choice((S, INT, D, DATE, TIME))
        operand = self.tree(base, depth)
        low, high = (
            self.call(B, "ge", operand, self.tree(base, depth)),
            self.call(B, "le", operand, self.tree(base, depth)),
        )
        return self.call(B, "and", low, high)

    def boolean_in(self, depth: int) -> Node:
        base = self.random.choice(TYPES[:-1])
        items = [self.literal(base) for _ in range(self.random.randint(0, 4))]
        if self.random.random() < 0.3:
            items.append(Literal(FieldType(base), 0, 0, None))
        if not items or self.random.random() < 0.3:
            items += self.some(base, depth, 1, 2)
        return self.call(B, "in", self.tree(base, depth), *items)

    def boolean_text(self, depth: int) -> Node:
        name = self.random.choice(["starts_with", "ends_with", "contains"])
        return self.call(B, name, self.tree(S, depth), self.tree(S, depth))

    def boolean_like(self, depth: int) -> Node:
        return self.call(B, "like", self.tree(S, depth), self.text(S, *_PATTERNS, *_TEXTS))

    def boolean_list(self, depth: int) -> Node:
        return self.call(B, "list_contains", self.tree(LIST, depth), self.tree(S, depth))

    def string_one(self, depth: int) -> Node:
        return self.call(S, self.random.choice(["lower", "upper", "trim"]), self.tree(S, depth))

    def string_concat(self, depth: int) -> Node:
        return self.call(S, "concat", *self.some(S, depth, 1))

    def string_substring(self, depth: int) -> Node:
        small = [Literal(FieldType(INT), 0, 0, self.random.choice([-2, 0, 1, 2, 3, 2**40])) for _ in range(2)]
        numbers = [self.tree(INT, depth) if self.random.random() < 0.3 else number for number in small]
        return self.call(S, "substring", self.tree(S, depth), *numbers[: self.random.randint(1, 2)])

    def string_replace(self, depth: int) -> Node:
        return self.call(S, "replace", *(self.tree(S, depth) for _ in range(3)))

    def integer_arithmetic(self, depth: int) -> Node:
        name = self.random.choice(["add", "sub", "mul", "mod"])
        return self.call(INT, name, self.tree(INT, depth), self.tree(INT, depth))

    def integer_one(self, depth: int) -> Node:
        return self.call(INT, self.random.choice(["neg", "abs"]), self.tree(INT, depth))

    def integer_floor(self, depth: int) -> Node:
        return self.call(INT, self.random.choice(["floor", "ceil"]), self.tree(self.random.choice((INT, D)), depth))

    def integer_length(self, depth: int) -> Node:
        if self.random.random() < 0.5:
            return self.call(INT, "length", self.tree(S, depth))
        return self.call(INT, "list_length", self.tree(LIST, depth))

    def integer_diff(self, depth: int) -> Node:
        base = self.random.choice((DATE, TIME))
        return self.call(INT, "date_diff", self.text(S, *UNITS), self.tree(base, depth), self.tree(base, depth))

    def integer_extract(self, depth: int) -> Node:
        return self.call(
            INT, "extract", self.text(S, *EXTRACT_UNITS), self.tree(self.random.choice((DATE, TIME)), depth)
        )

    def integer_days(self, depth: int) -> Node:
        name = self.random.choice(["age_in_years", "days_since", "days_until"])
        more = self.some(DATE, depth, 0, 1) if name == "age_in_years" else []
        return self.call(INT, name, self.tree(DATE, depth), *more)

    def decimal_arithmetic(self, depth: int) -> Node:
        name = self.random.choice(["add", "sub", "mul", "div", "mod"])
        return self.call(D, name, self.tree(D, depth), self.tree(D, depth))

    def decimal_quotient(self, depth: int) -> Node:
        return self.call(D, "div", self.tree(INT, depth), self.tree(INT, depth))

    def decimal_one(self, depth: int) -> Node:
        return self.call(D, self.random.choice(["neg", "abs"]), self.tree(D, depth))

    def decimal_round(self, depth: int) -> Node:
        digits = [] if self.random.random() < 0.3 else [Literal(FieldType(INT), 0, 0, self.random.randint(0, 6))]
        return self.call(D, "round", self.tree(self.random.choice((INT, D)), depth), *digits)

    def decimal_from_integer(self, depth: int) -> Node:
        return self.call(D, "to_decimal", self.tree(INT, depth))

    def date_add(self, depth: int) -> Node:
        span = Interval(0, 0, self.random.choice(_MONTHS), self.random.choice(_DAYS))
        return self.call(DATE, "date_add", self.tree(DATE, depth), span)

    def date_trunc(self, depth: int) -> Node:
        return self.call(DATE, "date_trunc", self.text(S, *UNITS[:5]), self.tree(DATE, depth))

    def timestamp_add(self, depth: int) -> Node:
        pick = self.random.choice
        span = Interval(0, 0, pick(_MONTHS), pick(_DAYS), pick(_SECONDS))
        return self.call(TIME, "date_add", self.tree(pick((DATE, TIME)), depth), span)

    def timestamp_trunc(self, depth: int) -> Node:
        return self.call(TIME, "date_trunc", self.text(S, *UNITS), self.tree(TIME, depth))

    def timestamp_of_date(self, depth: int) -> Node:
        return self.call(TIME, "to_timestamp", self.tree(DATE, depth))
