"""Impacts and simulations against their golden files, and what no report of them may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import orjson
import pytest
from report_bodies import DIGEST
from report_edges import huge_plan
from report_people import IMPACTS, SIMULATIONS
from report_samples import promote_plan

from offerkit.engine.impact import Example, Impact, OfferImpact, Segment, SpaceImpact
from offerkit.engine.simulation import GroupResult, Simulation, SpaceResult
from offerkit.reports.impact import impact_html, impact_json, impact_text
from offerkit.reports.impact_markdown import impact_markdown
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.simulation import simulation_html, simulation_json, simulation_text
from offerkit.reports.style import ALL, CONCISE, Presentation, Style

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", IMPACTS)
def test_an_impact_in_every_form(name: str, golden: Golden) -> None:
    golden(f"impact-{name}.txt", impact_text(IMPACTS[name]))
    golden(f"impact-{name}.md", impact_markdown(IMPACTS[name]))
    golden(f"impact-{name}.html", impact_html(IMPACTS[name]) + "\n")
    golden(f"impact-{name}.json", impact_json(IMPACTS[name]))


def test_an_impact_in_colour_and_in_ascii(golden: Golden) -> None:
    golden("impact-sample.ansi", impact_text(IMPACTS["sample"], Presentation(Style(colour=True))))
    assert impact_text(IMPACTS["sample"], Presentation(Style(ascii=True))).isascii()


def test_a_plan_with_its_impact_is_one_page(golden: Golden) -> None:
    text = plan_html(PlanReport(promote_plan(), DIGEST, IMPACTS["all"]))
    golden("plan-promote-impact.html", text)
    assert text.count("<html") == 1
    assert text.count("<style>") == 1


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_simulation_in_every_form(name: str, golden: Golden) -> None:
    golden(f"simulation-{name}.txt", simulation_text(SIMULATIONS[name]))
    golden(f"simulation-{name}.html", simulation_html(SIMULATIONS[name]))
    golden(f"simulation-{name}.json", simulation_json(SIMULATIONS[name]))


@pytest.mark.parametrize("form", [simulation_html, simulation_text])
def test_a_simulation_says_how_many_groups_it_leaves_out(form: Callable[[Simulation], str]) -> None:
    groups = [GroupResult([f"sea-{number}"], 90, 100, [90]) for number in range(1_030)]
    for shown, left_out in ((20, ""), (1_030, "and 1,010 more groups")):
        space = SpaceResult("shop/web", 100, [10, 90], [], groups=[("offer.theme", groups[:shown])])
        text = form(Simulation("shop", "live", "now", 1, [space]))
        assert text.count("sea-") == 20 and left_out in text and ("more groups" in text) == bool(left_out)


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


def huge_impact(spaces: int, offers: int, values: int) -> Impact:
    """An impact on many spaces, each with many offers and segments, with long reasons."""
    told = [Example("", "lost", f"the offer's condition (recipients/offer.number-{n}) " + "<" * 400) for n in range(4)]
    return Impact(
        "before", "after", 3,
        [
            SpaceImpact(
                f"recipients/space-{space}", 1_000_000, 500_000, 1_000,
                [OfferImpact(f"offer-{n}", 10, 5, 5, 5, told) for n in range(offers)], 900_000, "10%",
                [("recipient.country", [Segment(f"value-{n} " + "|" * 50, 10, 5, 1, 2, 3) for n in range(values)])],
            )
            for space in range(spaces)
        ],
        [f"environment-{n}" for n in range(500)],
    )  # fmt: skip


@pytest.mark.parametrize("limit", [4_000, 20_000, 65_536])
@pytest.mark.parametrize("size", [(1, 2_000, 5), (8, 60, 20), (400, 3, 3)])
def test_an_impact_in_a_comment_never_exceeds_its_limit(limit: int, size: tuple[int, int, int]) -> None:
    text = impact_markdown(huge_impact(*size), Presentation(layout=CONCISE._replace(names=5), limit=limit))
    assert len(text.encode()) <= limit
    assert "**Cut short**" in text
    spaces, offers, values = size
    shown = sum(line.startswith(("| offer-", "| value-", "**recipients", "⚠ ")) for line in text.split("\n"))
    left_out = re.search(r"Cut short\*\*: ([\d,]+) table row", text)
    assert left_out and shown + int(left_out[1].replace(",", "")) == spaces * (1 + offers + values)


def test_an_impact_in_full_leaves_nothing_out() -> None:
    text = impact_markdown(huge_impact(3, 700, 300), Presentation(layout=CONCISE.everything(), limit=ALL))
    assert "Cut short" not in text and "…" not in text
    assert text.count("| offer-") == 2_100 and text.count("| value-") == 900 and text.count("number-3)") == 2_100
    assert "environment-499" in text


@pytest.mark.parametrize("full", [False, True])
def test_a_plan_and_its_impact_fit_into_one_comment_together(full: bool) -> None:
    plan = huge_plan(2_000)
    layout = CONCISE.everything() if full else CONCISE
    presentation = Presentation(layout=layout, limit=ALL if full else 65_536)
    text = plan_markdown(PlanReport(plan, DIGEST, huge_impact(8, 200, 20)), presentation)
    assert (len(text.encode()) <= 65_536) is not full
    assert text.count("## Impact") == 1 and text.startswith("### Apply the specs")
    assert ("bulk-001999" in text) is full and (text.count("| offer-") == 1_600) is full
