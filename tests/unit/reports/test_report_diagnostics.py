"""Diagnostics: the source line, the caret, and places that are not quite there."""

from __future__ import annotations

import pytest

from offerkit.diagnostics import Code, Diagnostic, Position, Severity
from offerkit.reports.diagnostics_json import diagnostics_github
from offerkit.reports.diagnostics_text import counted, diagnostics_text
from offerkit.reports.style import display_width


def shown(line: str, column: int) -> list[str]:
    """The excerpt of a file with that one line."""
    finding = Diagnostic(Code.BAD_VALUE, "bad", position=Position("a.yaml", 1, column))
    return diagnostics_text([finding], lambda file: [line]).split("\n")[2:5]


@pytest.mark.parametrize(
    ("line", "column", "marked"),
    [
        ("weight: -1  # no", 9, "-1"),
        ('title: "a b" # c', 8, '"a b"'),
        ("title: 'it''s' # c", 8, "'it''s'"),
        ("{weight: 1, from: x}", 10, "1"),
        ("gold-card:", 1, "gold-card"),
        ("\tweight: 1", 2, "weight"),
        ("title: 旅行 x", 8, "旅行"),
    ],
)
def test_the_caret_stands_under_the_token(line: str, column: int, marked: str) -> None:
    _, source, carets = shown(line, column)
    start = carets.index("^")
    before = source[: source.index(marked, len("1 | "))]
    assert display_width(before) == start
    assert carets.count("^") == display_width(marked)


def test_a_column_beyond_the_line_points_to_its_end() -> None:
    assert shown("a: b", 99)[2] == "  |     ^"


def test_a_very_long_line_is_cut_around_the_mistake() -> None:
    _, source, carets = shown("x" * 50_000 + " wrong " + "y" * 50_000, 50_002)
    assert len(source) < 120
    assert source[carets.index("^") :].startswith("wrong ")


@pytest.mark.parametrize("lines", [None, [], ["only one"]])
def test_a_source_that_cannot_be_shown_is_left_out(lines: list[str] | None) -> None:
    finding = Diagnostic(Code.UNREADABLE, "no", position=Position("a.yaml", 3, 1))
    assert diagnostics_text([finding], lambda file: lines) == "error[OFR112]: no\n  --> a.yaml:3:1\n\n1 error.\n"


def test_each_source_is_asked_for_once() -> None:
    asked: list[str] = []

    def source(file: str) -> list[str]:
        asked.append(file)
        return ["a", "b"]

    diagnostics_text([Diagnostic(Code.BAD_VALUE, "x", position=Position("a.yaml", n, 1)) for n in (1, 2)], source)
    assert asked == ["a.yaml"]


def test_hostile_source_lines_are_spelled_out() -> None:
    assert "\x1b" not in "".join(shown("a: \x1b[2J\u202e", 4))


def test_nothing_to_say() -> None:
    assert diagnostics_text([], lambda file: None) == ""


def test_counts() -> None:
    found = [Diagnostic(Code.BUG, "x", severity=severity) for severity in (*Severity, Severity.ERROR)]
    assert counted(found) == "2 errors, 1 warning and 1 note."


def test_annotations_cannot_be_broken_out_of() -> None:
    finding = Diagnostic(Code.BUG, "50%\n::error::x", position=Position("a,b:c.yaml", 1, 2))
    assert diagnostics_github([finding]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=OFR901::50%25%0A::error::x\n"
    )


def test_the_command_of_a_hint_is_not_broken_within_a_word() -> None:
    path = "/very/long/" + "x" * 90
    found = Diagnostic(
        Code.PACKAGE_MISSING, "a package is missing", hint=f"Install it: pip install '{path}[serve]' now"
    )
    rows = diagnostics_text([found], lambda file: None, width=40).splitlines()
    assert [row.strip() for row in rows if path in row] == [f"'{path}[serve]'"]
