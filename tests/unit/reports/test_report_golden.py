"""Every report against its golden file; read each changed file before you commit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from report_bodies import BODIES, DIGEST
from report_edges import FINDINGS, HISTORY, SOURCES, empty_plan, hostile_plan, huge_plan
from report_samples import apply_plan, promote_plan

from offerkit import __version__
from offerkit.plans.plan import Plan, PlanKind
from offerkit.reports.diagnostics_json import DiagnosticsReport, diagnostics_json
from offerkit.reports.diagnostics_text import diagnostics_text
from offerkit.reports.diff import DiffReport, diff_html, diff_json, diff_markdown, diff_text
from offerkit.reports.history import RevisionHistory, history_html, history_json, history_markdown, history_text
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport, blocked_text, plan_text
from offerkit.reports.render import render
from offerkit.reports.style import Layout, Presentation, Style

Golden = Callable[[str, str], None]
TITLES = ("recipients@live:9", "recipients@design")
PLANS: dict[str, Callable[[], Plan]] = {
    "apply": cache(apply_plan),
    "promote": cache(promote_plan),
    "hostile": cache(hostile_plan),
    "empty": cache(empty_plan),
    "huge": cache(huge_plan),
}
SHORT = Layout(limit=12, names=5)
"""Keeps the golden file of the huge plan small."""


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_text(name: str, golden: Golden) -> None:
    layout = SHORT if name == "huge" else Layout()
    golden(f"plan-{name}.txt", plan_text(PlanReport(PLANS[name](), DIGEST), Presentation(layout=layout)))


def test_a_plan_in_colour(golden: Golden) -> None:
    golden("plan-apply.ansi", plan_text(PlanReport(PLANS["apply"](), DIGEST), Presentation(Style(colour=True))))


def test_a_plan_in_ascii(golden: Golden) -> None:
    golden("plan-apply-ascii.txt", plan_text(PlanReport(PLANS["apply"](), DIGEST), Presentation(Style(ascii=True))))


def test_a_plan_in_full(golden: Golden) -> None:
    presentation = Presentation(layout=Layout().everything())
    golden("plan-promote-full.txt", plan_text(PlanReport(PLANS["promote"](), DIGEST), presentation))


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_markdown(name: str, golden: Golden) -> None:
    layout = SHORT if name == "huge" else Layout(names=5)
    golden(f"plan-{name}.md", plan_markdown(PlanReport(PLANS[name](), DIGEST), Presentation(layout=layout)))


def test_a_comment_cut_short(golden: Golden) -> None:
    presentation = Presentation(layout=Layout(names=5), limit=3_000)
    golden("plan-apply-cut.md", plan_markdown(PlanReport(PLANS["apply"](), DIGEST), presentation))


@pytest.mark.parametrize("name", ["apply", "promote", "hostile", "empty"])
def test_a_plan_as_html(name: str, golden: Golden) -> None:
    golden(f"plan-{name}.html", plan_html(PlanReport(PLANS[name](), DIGEST)))


@pytest.mark.parametrize("kind", PlanKind)
def test_an_empty_plan_says_why(kind: PlanKind, golden: Golden) -> None:
    golden(f"empty-{kind}.txt", plan_text(PlanReport(empty_plan(kind), DIGEST)))


def test_a_diff(golden: Golden) -> None:
    diff = DiffReport([*PLANS["promote"]().steps, PLANS["apply"]().steps[-2]], BODIES, TITLES)
    golden("diff.txt", diff_text(diff))
    golden("diff.md", diff_markdown(diff))
    golden("diff.html", diff_html(diff))
    golden("diff.json", diff_json(diff))


def test_no_difference(golden: Golden) -> None:
    golden("diff-empty.txt", diff_text(DiffReport((), {}, TITLES)))
    golden("diff-empty.md", diff_markdown(DiffReport((), {}, TITLES)))


def test_a_history(golden: Golden) -> None:
    golden("history.txt", history_text(RevisionHistory(HISTORY)))
    golden("history.md", history_markdown(RevisionHistory(HISTORY)))
    golden("history.html", history_html(RevisionHistory(HISTORY)))
    golden("history.json", history_json(RevisionHistory(HISTORY)))


def test_a_history_on_a_terminal(golden: Golden) -> None:
    """A row takes no more columns than the terminal has; what does not fit stands below it."""
    narrow = Presentation(layout=Layout(width=80, table=80))
    text = history_text(RevisionHistory(HISTORY), narrow)
    golden("history-80.txt", text)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [60, 80, 100])
def test_what_is_blocked_fits_into_the_width(width: int) -> None:
    text = blocked_text(PLANS["promote"]().blocked, layout=Layout(width=width))
    assert max(map(len, text.splitlines())) <= width


def test_diagnostics(golden: Golden) -> None:
    found = DiagnosticsReport(FINDINGS, SOURCES.get, "shop/offers/")
    golden("diagnostics.txt", diagnostics_text(found))
    golden("diagnostics.ansi", diagnostics_text(found, Presentation(Style(colour=True))))
    golden("diagnostics.json", diagnostics_json(found))
    for form in ("github", "sarif", "gitlab"):
        golden(f"diagnostics.{form}", render(found, form).replace(__version__, "VERSION"))


def test_the_same_plan_gives_the_same_text() -> None:
    plan = promote_plan()
    shuffled = replace(plan, steps=plan.steps[::-1])
    assert plan_text(PlanReport(shuffled, DIGEST)) == plan_text(PlanReport(plan, DIGEST))
