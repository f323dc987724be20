"""Plans large and small: what is grouped, counted and left out."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from helpers.work import at_most
from report_bodies import DESIGN, DIGEST, LIVE
from report_edges import HOSTILE, empty_plan, huge_plan
from report_samples import apply_plan, promote_plan

from offerkit.address import Kind
from offerkit.fingerprint import Json
from offerkit.plans.plan import ApprovalReset, Aspect, Blocked, ChangeOp, FieldChange, PlanKind, Reason, Step
from offerkit.reports import words
from offerkit.reports.facts import Fact, facts
from offerkit.reports.fields import field_views
from offerkit.reports.groups import blocked_groups, sections
from offerkit.reports.plan_html import plan_html
from offerkit.reports.plan_markdown import plan_markdown
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.reports.style import CONCISE, Layout, Presentation, display_width, wrap
from offerkit.state.changes import Action, Entry

OFFER = "recipients/offer.gold-card"


def offer_step(**fields: object) -> Step:
    """A change of one offer."""
    return replace(Step(OFFER, LIVE, Action.UPDATE, Reason.APPROVED), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("report", [plan_text, plan_markdown, plan_html])
def test_the_work_on_ten_thousand_new_offers(report) -> None:  # type: ignore[no-untyped-def]
    plan = huge_plan(10_000)
    with at_most(1_000_000):
        text = report(PlanReport(plan, DIGEST))
    assert "… and 9,800 more offers" in text


def test_everything_on_request() -> None:
    text = plan_text(PlanReport(huge_plan(300), DIGEST), Presentation(layout=Layout().everything()))
    assert text.count("category: travel/americas/canada") == 300
    assert "more offers" not in text


def test_a_few_new_resources_show_their_fields_and_many_do_not() -> None:
    assert "category: travel" in plan_text(PlanReport(huge_plan(20), DIGEST))
    assert "category: travel" not in plan_text(PlanReport(huge_plan(21), DIGEST))


@pytest.mark.parametrize("limit", [2_000, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (10_000, 65_536))])
def test_a_comment_never_exceeds_its_limit(limit: int) -> None:
    large = huge_plan(3_000)
    notes = tuple(f"{HOSTILE} {number}" for number in range(1_000))
    blocked = tuple(Blocked(f"{OFFER}-{n}", LIVE, "OFR703", f"{HOSTILE} {n}", "x" * 5_000) for n in range(500))
    changed = tuple(replace(step, label="<" * 200, notes=notes[:5]) for step in large.steps)
    plan = replace(large, steps=changed + promote_plan().steps, notes=notes, blocked=blocked)
    text = plan_markdown(PlanReport(plan, DIGEST), Presentation(layout=Layout().everything(), limit=limit))
    assert len(text.encode()) <= limit
    assert "**Cut short**" in text
    assert text.count("<details>") == text.count("</details>")


def test_the_summary_counts_every_action() -> None:
    assert words.summary(apply_plan()) == "Plan: 3 to create, 3 to change, 1 to move, 1 to delete, 0 to deactivate."
    assert words.summary(promote_plan()).endswith("1 to deactivate; 14 blocked.")
    blocked = replace(empty_plan(PlanKind.PROMOTE), blocked=promote_plan().blocked)
    assert words.summary(blocked) == "No changes. What differs between design and live is blocked; 14 blocked."


def test_every_reason_and_action_has_words() -> None:
    assert set(words.REASONS) == set(Reason)
    assert set(words.SIGNS) == set(words.VERBS) == set(words.DONE) == set(Action)
    assert [words.plural(kind) for kind in (Kind.CATEGORY, Kind.TYPOLOGY, Kind.OFFER)] == [
        "categories",
        "typologies",
        "offers",
    ]


def test_sections_follow_stage_kind_and_action() -> None:
    found = sections(apply_plan().steps, 200)
    assert [section.title for section in found] == ["shared", DESIGN]
    assert [group.title for group in found[1].groups] == ["1 rule", "2 categories", "4 offers"]
    assert [bunch.action for bunch in found[1].groups[2].bunches] == [
        Action.CREATE,
        Action.UPDATE,
        Action.MOVE,
        Action.DELETE,
    ]


def test_where_a_live_offer_is_shown() -> None:
    before, after = Entry("a", ("email", "web")), Entry("b", ("sms", "web"))
    layout = Layout()
    assert facts(offer_step(before=before, after=after), layout) == [Fact("live on", "sms, web  (+ sms, - email)")]
    assert facts(offer_step(before=before, after=before), layout) == [Fact("live on", "email, web")]
    gone = offer_step(action=Action.DEACTIVATE, before=before, after=Entry("a", ()))
    assert facts(gone, layout) == [Fact("no longer live on", "email, web")]
    assert facts(offer_step(before=Entry("a"), after=Entry("b")), layout) == []


def test_resets_of_the_offer_itself_and_of_others() -> None:
    own = (
        ApprovalReset(OFFER, Aspect.CONTENT, "web", "ann"),
        ApprovalReset(OFFER, Aspect.CONTENT, "email", "ann"),
        ApprovalReset(OFFER, Aspect.ELIGIBILITY),
    )
    others = tuple(ApprovalReset(f"{OFFER}-{n}", Aspect.ELIGIBILITY, by="bob") for n in range(12))
    one = (ApprovalReset("visitors/offer.x", Aspect.CONTENT, "banner"),)
    assert [fact.text for fact in facts(offer_step(approvals_reset=own + others + one), Layout(names=2))] == [
        "content on email and web (by ann); eligibility",
        "content on banner of offer visitors/x",
        "eligibility of 12 offers: gold-card-0, gold-card-1 and 10 more",
    ]


def test_dependents_are_named_by_kind_and_counted() -> None:
    step = offer_step(dependents=(*(f"recipients/offer.o{n:02}" for n in range(13)), "recipients/campaign.summer"))
    [fact] = facts(step, Layout(names=3))
    assert fact.text == "offers o00, o01, o02 and 10 more; campaign summer"


def test_the_same_obstacles_are_told_once() -> None:
    [twelve, card, campaign] = blocked_groups(promote_plan().blocked)
    assert len(twelve.addresses) == 12
    assert [obstacle.how for obstacle in twelve.obstacles] == [
        "offerkit approve ADDRESS --content --space email",
        "offerkit approve ADDRESS --eligibility",
    ]
    assert (campaign.addresses, campaign.outcome) == (("recipients/campaign.summer",), f"not yet in {LIVE}")
    assert (card.position, card.outcome) == ("specs/recipients/offers.yaml:220", "stays live as it is")


def test_a_group_of_one_keeps_its_address_in_the_advice() -> None:
    [group] = blocked_groups([Blocked(OFFER, LIVE, "OFR703", "no", f"offerkit approve {OFFER}", ("ann",))])
    assert group.obstacles[0].how == f"offerkit approve {OFFER}"


def test_columns_stay_straight_with_wide_characters() -> None:
    assert display_width("旅行") == 4
    assert display_width("e\u0301") == 1
    assert wrap("aaa bbb ccc", 7) == ["aaa bbb", "ccc"]
    assert wrap("x" * 10, 4) == ["xxxx", "xxxx", "xx"]


def test_importing_the_text_report_is_cheap() -> None:
    code = (
        "import sys, offerkit.reports.plan_text, offerkit.reports.diagnostics_text;"
        "print(sorted({'pydantic', 'click', 'networkx', 'sqlite3', 'difflib', 'html', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_that_stay_in_a_long_list_do_not_look_removed() -> None:
    events = [f"an.event.with.a.rather.long.name.{number}" for number in range(3)]
    change = FieldChange(ChangeOp.CHANGE, "events", list[Json](events), list[Json]([*events[1:], "promotion.blocked"]))
    (view,) = field_views([change], CONCISE)
    assert [f"{line.mark} {line.text}" for line in view.lines] == [
        f"- {events[0]}",
        f"  {events[1]}",
        f"  {events[2]}",
        "+ promotion.blocked",
    ]
