"""What is refused: at its place, with what is wrong and how to mend it (tests/cases/rules/refused.yaml)."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.rules import SCOPE
from ruamel.yaml import YAML

from offerkit.rules.check import RuleError, check
from offerkit.rules.types import ExpectedResult

CASES = YAML(typ="safe").load(
    Path(__file__).parents[2].joinpath("cases/rules/refused.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_refused(case: dict[str, object]) -> None:
    text = str(case["text"])
    with pytest.raises(RuleError) as refused:
        check(text, SCOPE, ExpectedResult.VALUE)
    found = [(text[p.start : p.end], p.summary, p.hint) for p in refused.value.problems]
    expected = case["problems"]
    assert isinstance(expected, list)
    assert [place for place, _, _ in found] == [str(place) for place, _, _ in expected]
    for (_, summary, hint), (_, says, mends) in zip(found, expected, strict=True):
        assert str(says) in summary
        assert str(mends) in hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" * 10_001, "longer than 10,000 characters"), ("1," * 1_500, "more than 2,000 words"),
        ("(" * 26 + "1" + ")" * 26, "nested deeper than 25"), ("not " * 26 + "true", "nested deeper than 25"),
        ("lower(" * 26 + "'x'" + ")" * 26, "nested deeper than 25"), ("case " * 26, "nested deeper than 25"),
        (" + ".join(["1"] * 200), "more than 100 levels"), ("case " * 20 + "1" + " when 1 then 2 when 3 then 4 end" * 20, "2,000 parts"),
        ("recipient.name = 'a\x00b'", "U+0000"), ("recipient.name = '\ud800'", "U+D800"),
    ],
    ids=["long", "tokens", "parentheses", "not", "calls", "case", "plus", "nodes", "null", "surrogate"],
)  # fmt: skip
def test_too_much(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says.replace("+", r"\+")):
        check(text, SCOPE, ExpectedResult.VALUE)


def test_a_message_repeats_little_of_what_was_written() -> None:
    for text in (f"recipient.{'x' * 9_000}", "y" * 9_000, f"{'z' * 9_000}(1)", f"recipient.country = '{'v' * 9_000}'"):
        with pytest.raises(RuleError) as refused:
            check(text, SCOPE, ExpectedResult.VALUE)
        assert all(len(part) < 400 for p in refused.value.problems for part in (p.summary, p.detail, p.hint))


def test_the_error_says_everything() -> None:
    with pytest.raises(RuleError, match=r"no field “a”.*; .*no field “b”"):
        check("recipient.a = recipient.b", SCOPE, ExpectedResult.VALUE)
