"""Impacts and simulations against their golden files, and what no report of them may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson
import pytest
from report_bodies import DIGEST
from report_people import IMPACTS, SIMULATIONS
from report_samples import promote_plan

from offerkit.reports.impact import SpaceImpact, impact_json, impact_text
from offerkit.reports.impact_html import impact_html
from offerkit.reports.impact_markdown import impact_markdown
from offerkit.reports.plan_html import plan_html
from offerkit.reports.simulation import simulation_json, simulation_text
from offerkit.reports.simulation_html import simulation_html
from offerkit.reports.style import Style

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", IMPACTS)
def test_an_impact_in_every_form(name: str, golden: Golden) -> None:
    golden(f"impact-{name}.txt", impact_text(IMPACTS[name]))
    golden(f"impact-{name}.md", impact_markdown(IMPACTS[name]))
    golden(f"impact-{name}.html", impact_html(IMPACTS[name]) + "\n")
    golden(f"impact-{name}.json", impact_json(IMPACTS[name]))


def test_an_impact_in_colour_and_in_ascii(golden: Golden) -> None:
    golden("impact-sample.ansi", impact_text(IMPACTS["sample"], Style(colour=True)))
    assert impact_text(IMPACTS["sample"], Style(ascii=True)).isascii()


def test_a_plan_with_its_impact_is_one_page(golden: Golden) -> None:
    text = plan_html(promote_plan(), DIGEST, impact=IMPACTS["all"])
    golden("plan-promote-impact.html", text)
    assert text.count("<html") == 1
    assert text.count("<style>") == 1


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_simulation_in_every_form(name: str, golden: Golden) -> None:
    golden(f"simulation-{name}.txt", simulation_text(SIMULATIONS[name]))
    golden(f"simulation-{name}.html", simulation_html(SIMULATIONS[name]))
    golden(f"simulation-{name}.json", simulation_json(SIMULATIONS[name]))


@pytest.mark.parametrize("form", [impact_html, impact_markdown, impact_text])
def test_what_people_wrote_does_nothing(form: Callable[[object], str]) -> None:
    text = form(IMPACTS["hostile"])
    assert not set(text) & set("\x1b\x9b\u202e\u2066")
    if form is not impact_text:
        assert not re.search(r"<(img|script|a)\b", text)


@pytest.mark.parametrize("form", [impact_html, impact_markdown, impact_text])
def test_every_form_says_that_it_is_a_sample(form: Callable[[object], str]) -> None:
    said = form(IMPACTS["sample"])
    assert "Estimated from a fixed sample (recipients: 3,021 of 1,000,000 contacts" in said.replace("\n  ", " ")
    assert "±" in said
    assert "±" not in form(IMPACTS["all"])


def test_the_json_of_a_sample_has_estimates_with_intervals() -> None:
    space = orjson.loads(impact_json(IMPACTS["sample"]))["spaces"][0]
    assert space["sample"] == {"contacts": 3021, "population": 1_000_000}
    low, high = space["interval"]["emptied"]
    assert low < space["emptied"] < high
    assert space["emptied"] == round(244 / 3021 * 1_000_000)
    assert space["offers"][0]["interval"]["gained"] == [0, 1267]
    assert set(space["segments"][0][1][0]["interval"]) == {"contacts", "changed", "gained", "lost", "emptied"}


@pytest.mark.parametrize(
    ("lost", "served", "limit", "exceeds"),
    [(10, 100, "10%", False), (11, 100, "10%", True), (1, 1000, "0.1%", False), (2, 1000, "0.1%", True),
     (1, 1, "100%", False), (0, 0, "0%", False), (5, 5, "", False)],
)  # fmt: skip
def test_a_limit_is_exact(lost: int, served: int, limit: str, exceeds: bool) -> None:
    assert SpaceImpact("a/b", 1000, lost, lost, (), served, limit).exceeds is exceeds
