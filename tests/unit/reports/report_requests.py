"""Pull requests to show: one that changes much, one in which every text tries to act, one that is far too large."""

from __future__ import annotations

from dataclasses import replace

from report_bodies import DESIGN, HTML_AFTER, HTML_BEFORE, OFFERS, change
from report_edges import FINDINGS, HOSTILE, hostile_plan
from report_people import IMPACTS
from report_samples import apply_plan

from offerkit.address import parse_address
from offerkit.diagnostics import Code, Diagnostic, Position
from offerkit.engine.impact import Impact
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.stopped import Stopped
from offerkit.plans.plan import Aspect, Plan, PlanKind, Reason, StageBase, Step
from offerkit.reports.pull_request import Behind, PullRequest
from offerkit.state.changes import Action, Entry
from offerkit.state.eligibility import AffectedOffers, Condition

TOUR, ROCKIES = parse_address("recipients/offer.canada-tour"), parse_address("recipients/offer.canada-rockies")
AFRICA = parse_address("recipients/category.travel/africa")
MEANING = "1:" + "9f86d081884c7d65" * 4
HEAD = "0123456789abcdef0123456789abcdef01234567"
MARKER = '<!-- offerkit {"v":1,"env":"recipients"} -->'


def _waiting(address: str, label: str, aspect: Aspect, spaces: tuple[str, ...], *who: str) -> ApprovalItem:
    return ApprovalItem(parse_address(address), label, aspect, spaces, "waiting", who)


def request() -> PullRequest:
    """Everything that there is to say."""
    plan = apply_plan()
    plan = replace(plan, base=plan.base[1:], steps=plan.steps[1:])
    return PullRequest(
        "recipients", plan, MEANING, "recipients@design at revision 12", HEAD, "offerkit ci plan --out offerkit-ci",
        IMPACTS["all"],
        (
            _waiting(TOUR, "Canada, coast to coast", Aspect.CONTENT, ("email", "web-home"), "brand"),
            _waiting(ROCKIES, "Rockies by train", Aspect.CONTENT, ("email", "web-home"), "brand"),
            _waiting(TOUR, "Canada, coast to coast", Aspect.ELIGIBILITY, (), "anna", "risk")._replace(within="2d 6h"),
        ),
        Behind("origin/main", 3, (parse_address("recipients/offer.old-loan"),)),
        (Stopped(TOUR, "anna", "2026-11-20T10:00:00", "The price was wrong.", 7, (TOUR,), declared=True),),
        FINDINGS[2:],
        12,
        "https://forge.example/bank/offers/actions/runs/7",
        (AffectedOffers((Condition("until", "2027-04-30", AFRICA),),
                 (Condition("until", "2027-03-31", AFRICA), Condition("filter", {"filter": "grown", "when": "recipient.age > 20"}, AFRICA)),
                 tuple(parse_address(f"recipients/offer.africa-{number:02}") for number in range(1, 13))),),
    )  # fmt: skip


def small() -> PullRequest:
    """One weight, nobody asked."""
    step = Step(TOUR, DESIGN, Action.UPDATE, Reason.CHANGED, Entry("c1"), Entry("c2"), "Canada, coast to coast",
                Position(OFFERS, 52, 3), changes=(change("weights[summer].weight", "20", "25"),))  # fmt: skip
    plan = Plan(PlanKind.APPLY, "bank", "0", (StageBase(DESIGN, 12, "11"),), (step,))
    return PullRequest("recipients", plan, MEANING, "main at 9f86d081", HEAD, "offerkit ci plan", approvals=())


def of_text(text: str, plan: Plan, impact: Impact) -> PullRequest:
    """``text`` wherever somebody may write."""
    finding = Diagnostic(Code.BAD_VALUE, text, text, text, position=Position(text, 1, 1))
    return PullRequest(
        text, plan, text, text, text, text, impact,
        (ApprovalItem(TOUR, text, Aspect.CONTENT, (text,), "waiting", (text,), text, text),),
        Behind(text, 3, (TOUR,)), (Stopped(TOUR, text, text, text, 7, (TOUR,), declared=True),), (finding,), 1, f"offerkit {text}",
        (AffectedOffers((), (Condition("when", text, AFRICA), Condition(text, [text], AFRICA)), (TOUR,)),),
    )  # fmt: skip


def hostile() -> PullRequest:
    """Every text tries to act."""
    return of_text(HOSTILE, hostile_plan(), IMPACTS["hostile"])


def huge(number: int = 10_000, text: str = "") -> PullRequest:
    """Many offers of which much changes; ``text`` is in each."""
    steps = tuple(
        Step(
            f"recipients/offer.bulk-{place:06}", DESIGN, Action.DELETE if place == number - 1 else Action.UPDATE,
            Reason.CHANGED, Entry("x1"), Entry("x2") if place < number - 1 else None, f"Bulk offer {place} {text}",
            Position("specs/recipients/bulk.yaml", 3 + 20 * place, 3),
            changes=(change("content.html", HTML_BEFORE, HTML_AFTER), change("content.title", text, f"{text}!"))
            if place < number - 1 else (),
        )
        for place in range(number)
    )  # fmt: skip
    plan = Plan(PlanKind.APPLY, "bank", "0", (StageBase(DESIGN, 12, "11"),), steps, notes=(text,) if text else ())
    made = of_text(text, plan, IMPACTS["all"]) if text else replace(request(), plan=plan, behind=None, stopped=())
    rows = tuple(
        _waiting(f"recipients/offer.bulk-{place:06}", text, Aspect.CONTENT, (f"space-{place}",), f"someone-{place} {text}")
        for place in range(min(number, 500))
    )  # fmt: skip
    return replace(made, approvals=rows)
