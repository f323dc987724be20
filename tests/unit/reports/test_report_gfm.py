"""What users wrote is text in every Markdown report: GitHub's own renderer finds nothing in it to act on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from report_bodies import BODIES, DESIGN, DIGEST, body, change
from report_requests import of_text

from offerkit.diagnostics import Position
from offerkit.engine.impact import Example, Impact, OfferImpact, Segment, SpaceImpact
from offerkit.governance.approval_items import ApprovalItem
from offerkit.plans.plan import Aspect, Blocked, Plan, PlanKind, Reason, StageBase, Step
from offerkit.reports.approvals import Approvals, approvals_markdown
from offerkit.reports.diff import DiffReport, diff_markdown
from offerkit.reports.escape import markdown, markdown_code, visible
from offerkit.reports.history import HistoryLine, RevisionHistory, history_markdown
from offerkit.reports.impact_markdown import impact_markdown
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.propositions import PropositionLine, Propositions, propositions_markdown
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.state.changes import Action, Entry

ACTING = [
    "https://evil.example", "http://é.example/?a=b&c", "www.evil.example", "evil.com", "é.de", "a@b.example", "mailto:a@b.example",
    "//evil.example", "evil.shop", "evil.xn--p1ai", "evil.рф", "evil.РФ", "evil.name/x", "xmpp:a@b.example/x", "ftp://evil.example", "<https://evil.example>", "[a](https://evil.example)", "![a](x.png)",
    "[a][b]", "[b]: https://evil.example", "@octocat", "Café@octocat", "(@octocat)", "@team/x", "é@b", "#26", "GH-26",
    "fixes #1", "closes gh-1", "org/repo#1", "org/repo@0123abc", "0123abc", "0123456789012345678901234567890123456789",
    "JIRA-12", ":smile:", "a:+1:b", ":-1:", ":100:", "!12", "~bug", '~"a bug"', "%milestone", "$snippet", "$1", "&1", "[vulnerability:1]",
    "[[wiki]]", "[TOC]", "/close", "{+ a +}", "[- a -]", "$a_b$", "$`a`$", "$$a$$", "*a*", "**a**", "_a_", "__a__", "~~a~~",
    "~a~", "`a`", "``", "```", "~~~", "```mermaid", "a | b", "|", "\\|", "\\", "\\\\|", "`|`", "a\\", "# a", "a #", "- a", "+ a", "* a",
    "- [ ] a", "[x]", "1. a", "1)", "> a", "[!NOTE]", "> [!NOTE]", "===", "---", "--- | ---", ":-", ":-:", "***", "    a", "  ",
    "[^1]", "[^1]: a", "<script>alert(1)</script>", "<img src=x onerror=a>", "<b>", "</details>", "</summary>", "</td>", "<!--",
    "-->", "<![CDATA[", "]]>", "<?", "?>", "&copy;", "&#64;octocat", "&lt;b&gt;", "&commat;octocat", "<br>", "\n", "\n\n",
    "\r", "\t", "\u2028", "\x1b[31m", "\u200b", "\u034f", "\u3164", "\xa0", "\u2800", "\ufe0f", "\u202e", "\U000e0041",
    "é", "word", " ", ",", ".", ":", "!", "(", ")", '"', "'", "@", "#", "$", "%", "&",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(ACTING), st.text(max_size=3)), min_size=1, max_size=5).map("".join)
_REFERENCES = (
    r"(?<![A-Za-z0-9_`])@[A-Za-z0-9]",  # GitHub's boundary is that of ASCII
    r"[A-Za-z0-9._+-]@[A-Za-z0-9-]+\.[A-Za-z0-9]",
    r"#\d|\bGH-\d|\b(?-i:[A-Z][A-Z0-9_]+)-\d",
    r"\b[0-9a-f]{7,40}\b",
    r":[a-z0-9_+-]*[a-z+][a-z0-9_+-]*:|:-1:|:100:|:1234:",
    r"//|\bwww\.|\S\.(?:com|de|shop|name|рф|РФ)(?!-?\w)|\.xn--",
    r"[!&$]\d|[~%][A-Za-z\"]|\$|\[\[|\[[a-z_]+:\d|\[TOC\]|[{\[][+-] ",
)


class _Rendered(HTMLParser):
    """What a comment comes to: its elements, its text, and what of that is not code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.all, self.bare = "", ""
        self._code = 0
        options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag in ("br", "p", "li", "td", "th", "summary"):
            self.bare += "\n"
        self._code += tag in ("code", "pre")
        assert not {name for name, _ in attrs} - {"align", "lang", "open"}, (tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        self.all += data
        self.bare += "`" if self._code else data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    @property
    def words(self) -> str:
        """All of the text, with its spaces taken together as a browser does."""
        return " ".join(self.all.split())


def sample_plan(text: str) -> Plan:
    position = Position(text, 1, 1)
    steps = (
        Step("recipients/offer.a", DESIGN, Action.CREATE, Reason.DECLARED, None, Entry("f-a"), text, position,
             notes=(text,)),
        Step("recipients/offer.b", DESIGN, Action.UPDATE, Reason.CHANGED, Entry("x1"), Entry("x2"), text, position,
             changes=(change("content.title", text, f"{text}!"), change(text, None, text),
                      change("content.html", f"1\n{text}\n2", f"1\n{text}!\n2"))),
    )  # fmt: skip
    blocked = (
        Blocked("recipients/offer.c", DESIGN, "OFR701", text, text, (text,), source=position),
        Blocked("recipients/offer.d", DESIGN, "OFR701", text, f"offerkit {text}", (text,), source=position),
    )
    bodies = {"f-a": body("offer", category="c", content={"html": text, "title": text})}
    bases = (StageBase(DESIGN, 1, "00"),)
    return Plan(PlanKind.APPLY, "bank", "0", bases, steps, blocked, notes=(text,), targets=(text,), bodies=bodies)


def _brief(plan: Plan) -> Plan:
    """Little of a plan that has a report of its own."""
    return replace(plan, steps=plan.steps[:1], blocked=plan.blocked[:1])


def sample_impact(text: str) -> Impact:
    offers = [OfferImpact(text, 1, 0, 1, 0, [Example(text, "lost", text)])]
    spaces = [SpaceImpact(text, 3, 1, 1, offers, 1, "", [(text, [Segment(text, 3, 1, 0, 1, 1)])])]
    return Impact(text, text, 3, spaces, [text])


def sample_history(text: str) -> list[HistoryLine]:
    return [HistoryLine(1, text, text, text, (text, text), text, text, text, text)]


def _proposition(text: str) -> list[PropositionLine]:
    return [PropositionLine(text, text, text, text, text, text, text, text, text, 1, text, text, text, 1, {}, {})]


REPORTS: dict[str, Callable[[str], str]] = {
    "plan": lambda text: plan_markdown(PlanReport(sample_plan(text), DIGEST)),
    "diff": lambda text: diff_markdown(DiffReport(sample_plan(text).steps, BODIES, (text, text))),
    "history": lambda text: history_markdown(RevisionHistory(sample_history(text))),
    "impact": lambda text: impact_markdown(sample_impact(text)),
    "approvals": lambda text: approvals_markdown(
        Approvals([ApprovalItem(text, text, Aspect.CONTENT, (text,), "approved", (text,), text, text)])
    ),
    "propositions": lambda text: propositions_markdown(Propositions(_proposition(text))),
    "pull request": lambda text: comment_markdown(of_text(text, _brief(sample_plan(text)), sample_impact(text))),
    "prose": lambda text: (
        f"- {markdown(text)}\n\n{markdown(text)}\n\n### {markdown(text)}\n\n**x {markdown(text)} x**\n"
    ),
    "code": lambda text: (
        f"{markdown_code(text)} x\n\n| a | b |\n|--|--|\n| {markdown_code(text)} | {markdown(text)} |\n"
    ),
}


def markdown_reports(text: str) -> dict[str, str]:
    """Every Markdown report of ``text``, by its name."""
    return {name: make(text) for name, make in REPORTS.items()}


def _check(report: str, text: str) -> None:
    make = REPORTS[report]
    rendered, plain = _Rendered(make(text)), _Rendered(make(re.sub(r"[^\s]", "x", text)))
    assert {**rendered.tags, "code": 0} == {**plain.tags, "code": 0}
    for pattern in _REFERENCES:
        found = re.search(pattern, rendered.bare, re.ASCII | re.IGNORECASE)
        assert found is None, (found, rendered.bare)
    shown = " ".join(visible(text).split())
    if report in ("prose", "code"):
        assert rendered.words.count(shown) >= 2


@pytest.mark.parametrize("report", REPORTS)
def test_what_acts_alone_does_nothing(report: str) -> None:
    for text in filter(str.strip, ACTING):
        _check(report, text)
        _check(report, f"a {text} {text}")


@pytest.mark.parametrize("report", REPORTS)
@given(text=TEXTS)
@example(text="`a@b.example\\|c`")
@example(text="evil.com---")
@example(text="evil.com-->")
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_composition_acts(report: str, text: str) -> None:
    if text.strip():
        _check(report, text)


def test_a_domain_ends_at_hyphens_but_not_at_one_within_a_name() -> None:
    """As linkify-it sees it: ``evil.com---`` is a domain and a dash, ``tv-plus`` one label, which is no ending."""
    assert [markdown(f"evil.com{after}") for after in ("-", "---", "---a", "-->")] == [
        "`evil.com-`", "`evil.com---`", "`evil.com---a`", "`evil.com-->`",
    ]  # fmt: skip
    assert markdown("recipients/offer.tv-plus") == "recipients/offer.tv-plus"
