"""Tokens and sqlglot's tree."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlglot import exp

from offerkit.rules.grammar import DIALECT
from offerkit.rules.infer import parse
from offerkit.rules.problems import ProblemList, RuleError
from offerkit.rules.scan import scan


def texts(text: str) -> list[str]:
    return [token.text for token in scan(text, ProblemList(text))]


def test_words_after_a_dot_are_names() -> None:
    text = "recipient.case = recipient.null"
    assert isinstance(parse(text, ProblemList(text))[0], exp.EQ)


def test_no_function_and_no_type_of_sqlglot_is_known() -> None:
    for text in ("cast(1)", "if(true)", "date(1)", "struct(1)", "count(1)", "extract(1)", "decimal(1)", "any(1)"):
        assert isinstance(DIALECT.parser().parse(DIALECT.tokenize(text), text)[0], exp.Anonymous), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date '2026-01-01'", ["date constant", "(", "2026-01-01", ")"]),
        ("interval 3 days", ["interval constant", "(", "3", ",", "days", ")"]),
        ("extract(year from x.y)", ["extract", "(", "year", ",", "x", ".", "y", ")"]),
        ("x.date", ["x", ".", "date"]),
    ],
)
def test_forms_that_become_calls(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_places_of_rewritten_tokens_lie_in_the_text() -> None:
    text = "a.b > interval '3' day"
    assert all(0 <= token.start <= token.end < len(text) for token in scan(text, ProblemList(text)))


def test_the_names_of_made_up_calls_cannot_be_written() -> None:
    with pytest.raises(RuleError):
        parse("\"date constant\"('2026-01-01')", ProblemList("\"date constant\"('2026-01-01')"))


def test_sqlglot_is_imported_only_when_something_is_checked() -> None:
    code = "import sys, offerkit.rules.check, offerkit.rules.values; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
