"""The plans that the reports' tests show: a small bank and travel catalog."""

from __future__ import annotations

from report_bodies import BODIES, DESIGN, HTML_AFTER, HTML_BEFORE, LIVE, OFFERS, change

from offerkit.diagnostics import Position
from offerkit.plans.plan import ApprovalReset, Aspect, Blocked, Plan, PlanKind, Reason, StageBase, Step
from offerkit.state.changes import Action, Entry


def apply_plan() -> Plan:
    """Every action that a change of the specs can lead to."""
    reset = ApprovalReset
    card = "recipients/offer.partner-card"
    inherited = tuple(
        reset(f"recipients/offer.africa-{number:02}", Aspect.ELIGIBILITY, by="risk") for number in range(1, 13)
    )
    steps = (
        Step(
            "dimension.recipient",
            "shared",
            Action.UPDATE,
            Reason.CHANGED,
            Entry("a1"),
            Entry("a2"),
            source=Position("specs/dimensions.yaml", 4, 3),
            changes=(
                change("fields[segment].type", "integer", "text"),
                change("fields[loyalty]", None, {"type": "text", "label": "Tier"}),
            ),
            dependents=("environment.recipients", "recipients/filter.frequent-travelers"),
        ),
        Step(
            "recipients/category.travel/africa",
            DESIGN,
            Action.UPDATE,
            Reason.CHANGED,
            Entry("b1"),
            Entry("b2"),
            "Africa",
            Position("specs/recipients/catalog.yaml", 31, 3),
            changes=(
                change("multiplier.factor", "1.5", "2"),
                change("themes", ["safari", "winter"], ["safari"]),
                change("eligible.when", None, "recipient.age >= 21"),
            ),
            approvals_reset=inherited,
            dependents=tuple(f"recipients/offer.africa-{number:02}" for number in range(1, 13)),
        ),
        Step(
            "recipients/category.travel/americas/canada",
            DESIGN,
            Action.CREATE,
            Reason.DECLARED,
            None,
            Entry("f-canada"),
            "Canada",
            Position("specs/recipients/catalog.yaml", 12, 3),
        ),
        Step(
            "recipients/rule.canada-once",
            DESIGN,
            Action.CREATE,
            Reason.DECLARED,
            None,
            Entry("f-rule"),
            "Canada once",
            Position("specs/recipients/rules.yaml", 3, 3),
        ),
        Step(
            "recipients/offer.canada-rockies",
            DESIGN,
            Action.CREATE,
            Reason.DECLARED,
            None,
            Entry("f-rockies"),
            "Rockies by train",
            Position(OFFERS, 14, 3),
        ),
        Step(
            "recipients/offer.canada-tour",
            DESIGN,
            Action.UPDATE,
            Reason.CHANGED,
            Entry("c1"),
            Entry("c2"),
            "Canada, coast to coast",
            Position(OFFERS, 52, 3),
            changes=(
                change("content.title", "Ten days in Canada", "Nine days in Canada"),
                change("weights[summer].weight", "20", "25"),
                change("content.html", HTML_BEFORE, HTML_AFTER),
                change("themes", ["rail"], ["coast", "rail"]),
                change("content.image_url", None, "https://travel.example/canada.jpg"),
                change("eligible.until", "2026-12-31"),
                change(
                    "content.destination_url",
                    "https://travel.example/en/canada/tours/coast-to-coast?src=bank",
                    "https://travel.example/en/canada/tours/coast-to-coast?src=offers",
                ),
            ),
            approvals_reset=(
                reset("recipients/offer.canada-tour", Aspect.CONTENT, "web-home", "brand"),
                reset("recipients/offer.canada-tour", Aspect.CONTENT, "email", "brand"),
                reset("recipients/offer.canada-tour", Aspect.ELIGIBILITY, "", "risk"),
            ),
            dependents=("recipients/campaign.summer",),
        ),
        Step(
            card,
            DESIGN,
            Action.MOVE,
            Reason.RENAMED,
            Entry("d1"),
            Entry("d1"),
            "Partner card",
            Position(OFFERS, 80, 3),
            moved_from="recipients/offer.card-partner",
        ),
        Step(
            "recipients/offer.old-loan",
            DESIGN,
            Action.DELETE,
            Reason.REMOVED,
            Entry("e1"),
            None,
            "Loan of 2019",
            notes=("It stays live until the next promotion.",),
        ),
    )
    base = (StageBase("shared", 3, "00"), StageBase(DESIGN, 12, "11"))
    return Plan(PlanKind.APPLY, "bank", "0.1.0", base, steps, bodies=BODIES)


def promote_plan() -> Plan:
    """A promotion: what goes live, what rides along, what is blocked."""

    def entry(print_: str, *spaces: str) -> Entry:
        return Entry(print_, spaces)

    steps = (
        Step(
            "recipients/category.travel/africa",
            LIVE,
            Action.UPDATE,
            Reason.RIDES_ALONG,
            Entry("b1"),
            Entry("b2"),
            "Africa",
            Position("specs/recipients/catalog.yaml", 31, 3),
            changes=(change("multiplier.factor", "1.5", "2"),),
            dependents=("recipients/offer.africa-01", "recipients/offer.africa-02"),
        ),
        Step(
            "recipients/offer.canada-rockies",
            LIVE,
            Action.CREATE,
            Reason.APPROVED,
            None,
            entry("f-rockies", "web-home"),
            "Rockies by train",
            Position(OFFERS, 14, 3),
            notes=("Content is refused on email, so it is not shown there.",),
        ),
        Step(
            "recipients/offer.canada-tour",
            LIVE,
            Action.UPDATE,
            Reason.APPROVED,
            entry("c1", "call-centre", "web-home"),
            entry("c2", "email", "web-home"),
            "Canada, coast to coast",
            Position(OFFERS, 52, 3),
            changes=(change("content.title", "Ten days in Canada", "Nine days in Canada"),),
        ),
        Step(
            "recipients/offer.old-loan",
            LIVE,
            Action.DEACTIVATE,
            Reason.REMOVED_FROM_DESIGN,
            entry("e1", "email", "web-home"),
            entry("e1"),
            "Loan of 2019",
        ),
    )
    blocked = [
        item
        for number in range(1, 13)
        for address in [f"recipients/offer.africa-{number:02}"]
        for item in (
            Blocked(
                address,
                LIVE,
                "OFR703",
                "its content on email is not approved",
                f"offerkit approve {address} --content --space email",
                ("brand",),
                source=Position(OFFERS, 100 + number, 3),
            ),
            Blocked(
                address,
                LIVE,
                "OFR703",
                "its eligibility is not approved",
                f"offerkit approve {address} --eligibility",
                ("anna", "risk"),
                source=Position(OFFERS, 100 + number, 3),
            ),
        )
    ]
    blocked.append(
        Blocked(
            "recipients/offer.gold-card",
            LIVE,
            "OFR402",
            "space web-home requires image_url, which the offer does not give",
            "Give image_url in content or in representations.web-home.",
            live=True,
            source=Position(OFFERS, 220, 3),
        )
    )
    blocked.append(
        Blocked("recipients/campaign.summer", LIVE, "OFR405", "names offer gold-card, which is not live", live=False)
    )
    base = (StageBase(DESIGN, 13, "11"), StageBase(LIVE, 0, "22"))
    notes = ("recipients@live was rolled back to revision 9 by anna; this plan brings 2 of its changes back.",)
    return Plan(
        PlanKind.PROMOTE,
        "bank",
        "0.1.0",
        base,
        steps,
        tuple(blocked),
        notes=notes,
        targets=("recipients",),
        bodies=BODIES,
    )
