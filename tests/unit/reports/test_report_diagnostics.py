"""Diagnostics: the source line, the caret, and places that are not quite there; and as forges read them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from report_edges import FINDINGS, HOSTILE

from offerkit.diagnostics import Code, Diagnostic, Position, Severity
from offerkit.reports.diagnostics_forge import diagnostics_github, diagnostics_gitlab, diagnostics_sarif
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.diagnostics_text import counted, diagnostics_text
from offerkit.reports.style import Layout, Presentation, display_width


def shown(line: str, column: int) -> list[str]:
    """The excerpt of a file with that one line."""
    finding = Diagnostic(Code.BAD_VALUE, "bad", position=Position("a.yaml", 1, column))
    return diagnostics_text(DiagnosticsReport([finding], lambda file: [line])).split("\n")[2:5]


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
    assert (
        diagnostics_text(DiagnosticsReport([finding], lambda file: lines))
        == "error[OFR112]: no\n  --> a.yaml:3:1\n\n1 error.\n"
    )


def test_each_source_is_asked_for_once() -> None:
    asked: list[str] = []

    def source(file: str) -> list[str]:
        asked.append(file)
        return ["a", "b"]

    found = [Diagnostic(Code.BAD_VALUE, "x", position=Position("a.yaml", n, 1)) for n in (1, 2)]
    diagnostics_text(DiagnosticsReport(found, source))
    assert asked == ["a.yaml"]


def test_hostile_source_lines_are_spelled_out() -> None:
    assert "\x1b" not in "".join(shown("a: \x1b[2J\u202e", 4))


def test_nothing_to_say() -> None:
    assert diagnostics_text(DiagnosticsReport([])) == ""


def test_counts() -> None:
    found = [Diagnostic(Code.BUG, "x", severity=severity) for severity in (*Severity, Severity.ERROR)]
    assert counted(found) == "2 errors, 1 warning and 1 note."


def test_annotations_cannot_be_broken_out_of() -> None:
    finding = Diagnostic(Code.BUG, "50%\n::error::x", position=Position("a,b:c.yaml", 1, 2))
    assert diagnostics_github(DiagnosticsReport([finding])) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=OFR901::50%25%0A::error::x\n"
    )


def test_the_command_of_a_hint_is_not_broken_within_a_word() -> None:
    path = "/very/long/" + "x" * 90
    found = Diagnostic(
        Code.PACKAGE_MISSING, "a package is missing", hint=f"Install it: pip install '{path}[serve]' now"
    )
    rows = diagnostics_text(DiagnosticsReport([found]), Presentation(layout=Layout(width=40))).splitlines()
    assert [row.strip() for row in rows if path in row] == [f"'{path}[serve]'"]


LONG = "x" * 65_537
EVIL = f"{HOSTILE} [a](https://evil.example) \n::error::x\r\n##vso[a]b"
MANY = [
    *FINDINGS,
    Diagnostic(
        Code.BAD_VALUE,
        EVIL,
        EVIL,
        EVIL,
        "recipients/offer.a",
        Position(f"specs/{HOSTILE}, ü.yaml", 1, 1),
        Severity.NOTE,
    ),
    Diagnostic(Code.BAD_VALUE, LONG, LONG, related=((EVIL, Position("specs/a.yaml", 3, 4)),)),
]


def _schema() -> Any:
    return json.loads((Path(__file__).parents[2] / "schemas" / "sarif-2.1.0.json").read_text())


def test_sarif_is_what_its_schema_says() -> None:
    jsonschema.Draft4Validator.check_schema(_schema())
    for found in ([], MANY, MANY * 2_000):
        log = json.loads(diagnostics_sarif(DiagnosticsReport(found, folder="shop/offers/")))
        jsonschema.Draft4Validator(_schema()).validate(
            {**log, "runs": [{**log["runs"][0], "results": log["runs"][0]["results"][:20]}]}
        )
        run = log["runs"][0]
        assert len(run["results"]) == min(len(found), 5_000)
        assert ("invocations" in run) is (len(found) > 5_000)
        for one, result in zip(found, run["results"], strict=False):
            place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            file = one.position.file if one.position else "specs"
            assert unquote(place) == f"shop/offers/{file}" and set(place).isdisjoint(' ,|`<>"\x1b')
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == one.code
            assert "[a](" not in result["message"]["text"].replace("\\[", "") and len(result["message"]["text"]) < 3_000


def test_a_code_quality_report_has_what_gitlab_asks_for() -> None:
    report = json.loads(diagnostics_gitlab(DiagnosticsReport(MANY, folder="shop/")))
    assert len(report) == len(MANY)
    for one in report:
        assert one["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert one["location"]["path"].startswith("shop/specs") and one["location"]["lines"]["begin"] >= 1
        assert one["check_name"].startswith("OFR") and "\n" not in one["description"]
    assert len({one["fingerprint"] for one in report}) == len(report)


def test_a_finding_is_known_again_by_code_and_address() -> None:
    """Wherever it moves, whatever it says; two of the same code in one resource are still two."""

    def known(found: list[Diagnostic]) -> list[list[str]]:
        sarif = json.loads(diagnostics_sarif(DiagnosticsReport(found)))["runs"][0]["results"]
        return [
            [one["fingerprint"] for one in json.loads(diagnostics_gitlab(DiagnosticsReport(found)))],
            [one["partialFingerprints"]["codeAndAddress/v1"] for one in sarif],
            [one["partialFingerprints"]["primaryLocationLineHash"] for one in sarif],
        ]

    placed = [one for one in MANY if one.address]
    twice = [*placed, *placed]
    moved = [replace(one, summary="other", position=Position("specs/other.yaml", 99, 7)) for one in twice]
    assert known(moved) == known(twice)
    assert all(len(set(prints)) == len(twice) for prints in known(twice))
    for other in (replace(placed[0], code=Code.BUG), replace(placed[0], address="recipients/offer.other")):
        assert all(a != b for a, b in zip(known([other]), known([placed[0]]), strict=True))


@pytest.mark.parametrize(("number", "shown"), [(0, 0), (1, 1), (10, 10), (11, 10), (1_234, 10)])
def test_ten_annotations_of_a_kind(number: int, shown: int) -> None:
    found = [replace(one, severity=severity) for one in FINDINGS[:1] for severity in Severity for _ in range(number)]
    rows = diagnostics_github(DiagnosticsReport(found)).splitlines()
    for level in ("error", "warning", "notice"):
        mine = [row for row in rows if row.startswith(f"::{level} ")]
        assert len(mine) == shown
        if number > 10:
            assert mine[-1] == f"::{level} title=offerkit::and {number - 9:,} more"


def test_each_annotation_is_one_line_that_says_no_other_command() -> None:
    rows = diagnostics_github(DiagnosticsReport(MANY, folder="a,b:c%/")).split("\n")
    assert len(rows) == len(MANY) + 1 and not rows.pop()
    for row in rows:
        about = row.split("::", 2)[1]
        assert row.startswith(("::error ", "::warning ", "::notice ")) and "\x1b" not in row and "\r" not in row
        assert len(about.split(",")) in (1, 4), "a comma of a file's name would begin another property"
        assert len(row) < 9_000
