"""What a person wrote never acts on the terminal, the comment or the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from report_bodies import BODIES, DIGEST
from report_edges import HOSTILE, hostile_plan

from offerkit.reports import escape
from offerkit.reports.diff import DiffReport, diff_html, diff_markdown, diff_text
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.reports.style import Presentation, Style

ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, Grüße, 旅行, 👩‍👩‍👧", "plain text, Grüße, 旅行, 👩‍👩‍👧"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x00b\x07\x7f\x9b", "a\\x00b\\x07\\x7f\\x9b"),
        ("\u202eexe.gnp\u2066\u200f", "\\u202eexe.gnp\\u2066\\u200f"),
        ("a\u2028b\u2029c\u200bd\ufeff", "a\\u2028b\\u2029c\\u200bd\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ],
)
def test_what_is_invisible_is_spelled_out(raw: str, shown: str) -> None:
    assert escape.visible(raw) == shown


def test_newlines_stay_only_where_they_are_meant() -> None:
    assert escape.visible("a\n\tb\r\x1b", multiline=True) == "a\n    b\\r\\x1b"


def test_ascii_only() -> None:
    assert escape.ascii_only("“a” → b… × é 旅") == '"a" -> b... x \\xe9 \\u65c5'


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("a|b\\|c", "a&#124;b\\\\&#124;c"),
        ("*a* _b_ c_d `e` [f](g) ~h~ $i$", "\\*a\\* \\_b\\_ c_d \\`e\\` \\[f\\](g) `~h~` `$i$`"),
        ("@octocat a@b recipients@live", "`@octocat` a@b recipients@live"),
        ("#12 # 12", "`#12` \\# 12"),
        ("see https://x.example/a|b, or a@b.example.", "see `https://x.example/a`&#124;`b`, or `a@b.example`."),
        ("Café@octocat :smile: GH-26 0123abc", "`Café@octocat` `:smile:` `GH-26` `0123abc`"),
        ("1. a", "1\\. a"),
        ("- a", "\\- a"),
        ("/close", "`/close`"),
        ("a\nb", "a\\\\nb"),
    ],
)
def test_markdown_prose(raw: str, shown: str) -> None:
    assert escape.markdown(raw) == shown


def test_markdown_code_spans() -> None:
    assert escape.markdown_code("specs/a.yaml:1") == "`specs/a.yaml:1`"
    assert escape.markdown_code("a`b|c") == "``a`b``&#124;`c`"
    assert escape.markdown_code("") == ""


def test_a_fence_is_longer_than_any_inside() -> None:
    assert escape.fenced("a\n`````\nb", "diff").startswith("``````diff\n")


def test_html_and_summaries() -> None:
    assert escape.html("<a href=\"x\" title='y'>&\x1b") == "&lt;a href=&quot;x&quot; title=&#x27;y&#x27;&gt;&amp;\\x1b"
    assert escape.summary_html("@me #1 it's") == "<code>@me</code> <code>#1</code> it&#x27;s"


def test_workflow_commands() -> None:
    assert escape.workflow_message("100%\r\n::set-env") == "100%25%0D%0A::set-env"
    assert escape.workflow_property("a:b,c\n") == "a%3Ab%2Cc%0A"


@pytest.mark.parametrize("style", [Style(), Style(ascii=True)])
def test_no_report_lets_a_control_character_through(style: Style) -> None:
    plan = hostile_plan()
    titles = (HOSTILE, HOSTILE)
    reports = [
        plan_text(PlanReport(plan, DIGEST), Presentation(style)),
        plan_markdown(PlanReport(plan, DIGEST)),
        plan_html(PlanReport(plan, DIGEST)),
        diff_text(DiffReport(plan.steps, BODIES, titles), Presentation(style)),
        diff_markdown(DiffReport(plan.steps, BODIES, titles)),
        diff_html(DiffReport(plan.steps, BODIES, titles)),
    ]
    for report in reports:
        assert ACTING.search(report) is None


def test_only_our_own_colours_reach_a_terminal() -> None:
    text = plan_text(PlanReport(hostile_plan(), DIGEST), Presentation(Style(colour=True)))
    assert ACTING.search(re.sub(r"\x1b\[(?:\d;)?\d{1,2}m", "", text)) is None
    assert text.count("\x1b[0m") * 2 == text.count("\x1b[")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    tags = _Tags()
    tags.feed(plan_html(PlanReport(hostile_plan(), DIGEST)))
    assert tags.open == []
    assert not tags.seen & {"script", "img", "a", "iframe", "link", "object", "form"}
    assert tags.attributes <= {"lang", "charset", "name", "content", "http-equiv", "class", "scope"}


def test_a_table_keeps_its_columns() -> None:
    rows = [line for line in plan_markdown(PlanReport(hostile_plan(), DIGEST)).split("\n") if line.startswith("| ")]
    assert rows
    assert {row.count("|") for row in rows} == {5}
