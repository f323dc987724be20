"""Nothing that nobody sees stays unseen, in any form of a report; emoji stay what they are."""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import orjson
import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_bodies import BODIES, DIGEST
from report_requests import of_text
from test_report_gfm import ACTING, TEXTS, markdown_reports, sample_history, sample_impact, sample_plan

from offerkit.diagnostics import Code, Diagnostic, Position
from offerkit.reports import invisible
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.diagnostics_text import diagnostics_text
from offerkit.reports.diff import DiffReport, diff_html, diff_json, diff_text
from offerkit.reports.escape import json_text, visible
from offerkit.reports.history import RevisionHistory, history_html, history_json, history_text
from offerkit.reports.impact import impact_html, impact_json, impact_text
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.reports.pull_request import pull_request_json
from offerkit.reports.pull_request_html import pull_request_html
from offerkit.reports.render import render

EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


@pytest.mark.parametrize(
    ("table", "name"),
    [(invisible._IGNORABLE, "Default_Ignorable_Code_Point"), (invisible._PICTOGRAPHIC, "Extended_Pictographic")],
)
def test_the_tables_are_those_of_unicode(table: str, name: str) -> None:
    runs = regex.findall(rf"\p{{{name}}}+", EVERY_CHARACTER)
    ranges = " ".join(f"{ord(run[0]):X}" if len(run) == 1 else f"{ord(run[0]):X}-{ord(run[-1]):X}" for run in runs)
    assert table.strip() == "\n".join(textwrap.wrap(ranges, 118, break_on_hyphens=False))


def test_what_is_hidden_is_what_its_properties_say() -> None:
    signs = EVERY_CHARACTER[:0x32000] + EVERY_CHARACTER[0xE0000:0xE1000] + "\U000f0000\U0010fffd\U0010ffff"
    known = set(regex.findall(r"[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]", signs))
    hidden = set(filter(invisible.is_hidden, signs))
    differing = hidden ^ ((known | invisible._BLANK) - {" "})
    assert {unicodedata.category(sign) for sign in differing} <= {"Cn"}  # the interpreter knows fewer characters


@pytest.mark.parametrize(
    "sign",
    ["\u034f", "\u115f", "\u1160", "\u3164", "\uffa0", "\xa0", "\u2003", "\u2800", "\ufe00", "\ufe0f", "\U000e0100",
     "\U000e0041", "\U000e0001", "\u180e", "\u200b", "\u200c", "\u200d", "\u2060", "\u2062", "\u00ad", "\u061c",
     "\u202e", "\u2066", "\u2028", "\u2029", "\x00", "\x1b", "\x7f", "\x85", "\x9b", "\ue000", "\ufffe", "\ufffc",
     "\U000f0000", "\U000e01ef", "\U0001d173", "\u17b4", "\ud800", "\U00016fe4"],
)  # fmt: skip
def test_every_kind_of_invisible_is_spelled_out(sign: str) -> None:
    escape = invisible.escaped(sign)
    assert escape.isascii()
    assert visible(f"a{sign}b") == f"a{escape}b"
    assert visible(f"é\n{sign}", multiline=True) == f"é\n{escape}"


@pytest.mark.parametrize(
    "text",
    [
        "❤️",
        "1️⃣ #️⃣",
        "👩‍👩‍👧",
        "👩🏽‍🚀",
        "🏳️‍🌈",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "👁️‍🗨️",
        "🇫🇷",
        "✈️",
        "🏋🏾‍♀️",
        "e\u0301",
        "ế",
        "पिता",
        "עִבְרִית",
        "ไทยนี้",
        "\U0001fae9",
    ],
)
def test_emoji_and_marks_stay(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\ufe0f", "a\\ufe0f"),
        ("1\ufe0f", "1\\ufe0f"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f\\ufe0f"),
        ("a\u200d👧", "a\\u200d👧"),
        ("👩\u200da", "👩\\u200da"),
        ("👩\u200d\u200d👧", "👩\\u200d\\u200d👧"),
        ("\U0001f3f4\U000e0061\U000e0062\U000e007f", "\U0001f3f4\\U000e0061\\U000e0062\\U000e007f"),
        ("\u0301a", "\\u0301a"),
        ('"\u0301', '"\\u0301'),
        ("z" + "\u0301" * 6, "z\u0301\u0301\u0301\u0301\\u0301\\u0301"),
        ("a\u200b\u0301", "a\\u200b\\u0301"),
    ],
)
def test_joiners_and_marks_that_join_nothing_are_spelled_out(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_json_hides_nothing_and_says_the_same() -> None:
    value = {"k\u034f": ["a\u200b\xa0\U000e0041", "\x7f\x85é 旅 👩‍👧", "\n"]}
    text = json_text(value)
    assert orjson.loads(text) == value
    assert "é 旅" in text
    assert not {sign for sign in text if sign != "\n" and invisible.is_hidden(sign)}


def _reports(text: str) -> dict[str, str]:
    """Every form that hides nothing, by its name."""
    plan, titles = sample_plan(text), (text, text)
    found = [
        Diagnostic(
            Code.BAD_VALUE, text, text, text, position=Position(text, 1, 2), related=((text, Position(text, 1, 1)),)
        )
    ]
    return {
        **markdown_reports(text),
        "plan.txt": plan_text(PlanReport(plan, DIGEST)),
        "plan.html": plan_html(PlanReport(plan, DIGEST, sample_impact(text))),
        "diff.txt": diff_text(DiffReport(plan.steps, BODIES, titles)),
        "diff.html": diff_html(DiffReport(plan.steps, BODIES, titles)),
        "diff.json": diff_json(DiffReport(plan.steps, BODIES, titles)),
        "history.txt": history_text(RevisionHistory(sample_history(text))),
        "history.html": history_html(RevisionHistory(sample_history(text))),
        "history.json": history_json(RevisionHistory(sample_history(text))),
        "impact.txt": impact_text(sample_impact(text)),
        "impact.html": impact_html(sample_impact(text)),
        "impact.json": impact_json(sample_impact(text)),
        "request.html": pull_request_html(of_text(text, plan, sample_impact(text))),
        "request.json": pull_request_json(of_text(text, plan, sample_impact(text))),
        "diagnostics.txt": diagnostics_text(DiagnosticsReport(found, {text: [text.replace("\n", " ")]}.get)),
        **{
            f"diagnostics.{form}": render(DiagnosticsReport([Diagnostic(Code.BAD_VALUE, text, text, text)]), form)
            for form in ("github", "sarif", "gitlab")
        },
    }


def _unseen(text: str) -> set[str]:
    return {sign for sign in invisible._emoji().sub("", text) if sign != "\n" and invisible.is_hidden(sign)}


SIGNS = st.characters(categories=("Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me", "So"))


@given(text=st.lists(st.one_of(st.sampled_from(ACTING), SIGNS), max_size=6).map("".join))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_report_hides_anything(text: str) -> None:
    for name, report in _reports(f"x{text}").items():
        assert not _unseen(report), name


class _Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[tuple[str, str]] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update((tag, name) for name, _ in attrs)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


@given(text=TEXTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_page_has_an_element_of_a_users_text(text: str) -> None:
    if not text.strip():
        return
    plain = "".join(sign if sign.isspace() else "x" for sign in text)
    for name, page in _reports(text).items():
        if name.endswith(".html"):
            rendered, expected = _Elements(page), _Elements(_reports(plain)[name])
            more = rendered.tags - expected.tags
            assert set(more) <= {"br", "span"} and more["br"] <= more["span"], name  # these name look-alikes and hosts
            assert set(rendered.attributes) == set(expected.attributes), name
