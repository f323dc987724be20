"""Whatever is written: a checked tree, or problems with places inside the text; nothing else, and soon."""

from __future__ import annotations

from helpers.rules import SCOPE, tree
from helpers.work import at_most
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.rules.check import DEPTH, NODES, RuleError, check, conjuncts
from offerkit.rules.nodes import walk
from offerkit.rules.types import ExpectedResult

VALID = (
    "recipient.country <> 'CA' and recipient.age >= 18",
    "case recipient.country when 'FR' then 1 else 2.5 end + coalesce(recipient.score, 0)",
    "date_diff('day', recipient.birth_date, current_date) between 0 and 30 or not recipient.consent is true",
    "recipient.last_login - interval '3 days' > timestamp '2026-01-01 10:00:00'",
    "extract(year from recipient.birth_date) not in (1, 2, null)",
    "lower(recipient.name) like 'a%' and contains(recipient.products, 'x' || substring(recipient.name from 2 for 3))",
)
WORDS = [
    *[
        "(",
        "(",
        ")",
        ")",
        ",",
        ".",
        "-",
        "+",
        "*",
        "/",
        "%",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "||",
        "::",
        "==",
        ";",
        "?",
        ":",
        "$",
        "@",
        "!",
        "~",
        "[",
        "]",
        "{",
        "}",
        "--",
        "/*",
        "*/",
        "'",
        '"',
        "`",
        "\\",
        "#",
        "&",
        "|",
        "^",
        "_",
        "é",
        "😀",
        "\t",
        "\n",
        "0",
        "1",
        "9.",
        ".5",
        "1e5",
    ],
    *[
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "between",
        "like",
        "case",
        "when",
        "then",
        "else",
        "end",
        "true",
        "false",
        "interval",
        "date",
        "timestamp",
        "extract",
        "from",
        "for",
    ],
    *[
        "select",
        "over",
        "distinct",
        "as",
        "cast",
        "within",
        "ignore",
        "nulls",
        "at",
        "time",
        "zone",
        "escape",
        "collate",
        "filter",
        "row",
        "if",
        "any",
        "map",
        "struct",
        "array",
    ],
    *[
        "recipient",
        "recipient.age",
        "recipient.score",
        "recipient.name",
        "recipient.country",
        "recipient.birth_date",
        "recipient.end",
    ],
    *[
        "recipient.last_login",
        "recipient.consent",
        "recipient.products",
        "interaction.basket",
        "offer.code",
        "now",
        "current_date",
        "'FR'",
    ],
    *[
        "'x'",
        "'day'",
        "'3",
        "days'",
        "'2026-01-01'",
        "1",
        "2.5",
        "lower(",
        "coalesce(",
        "date_diff(",
        "round(",
        "substring(",
        "concat(",
        "pg_sleep(",
        "year",
        "day",
    ],
]
SPACED = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
JOINED = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(["", " ", *WORDS])) + text[end:]
    return text


def verdict(text: str) -> None:
    with at_most(1_000_000):
        _verdict(text)


def _verdict(text: str) -> None:
    try:
        checked = check(text, SCOPE, ExpectedResult.VALUE)
    except RuleError as refused:
        assert refused.problems
        for problem in refused.problems:
            assert 0 <= problem.start <= problem.end <= len(text)
            assert problem.summary
    else:
        nodes = list(walk(checked.root))
        assert len(nodes) <= NODES
        assert all(0 <= node.start < node.end <= len(text) for node in nodes)
        assert all(part.text in text for part in conjuncts(checked))
        assert tree(check(f"  ({text})\n", SCOPE, ExpectedResult.VALUE).root) == tree(checked.root)


@settings(max_examples=150)
@given(st.one_of(SPACED, JOINED, mutated(), st.text(max_size=40)))
def test_a_tree_or_problems(text: str) -> None:
    verdict(text)


@settings(max_examples=60)
@given(
    st.sampled_from(
        [
            "(",
            "not ",
            "- ",
            "lower(",
            "case when true then ",
            "case ",
            "1 + ",
            "1 = ",
            "true and ",
            "1 in (",
            "interval ",
            "extract(",
            "1 between ",
            "a.",
            "x is not ",
        ]
    ),
    st.integers(1, 400),
    SPACED,
)
def test_repetition_is_bounded(part: str, times: int, rest: str) -> None:
    verdict(part * times + rest)


def test_depth_is_within_what_python_can_walk() -> None:
    assert DEPTH <= 100
