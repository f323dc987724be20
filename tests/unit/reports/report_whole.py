"""An offer shown whole: with everything that such a report can say, in usual words or in others."""

from __future__ import annotations

from report_bodies import change
from report_requests import AFRICA, ROCKIES, TOUR

from offerkit.address import Stage, parse_address
from offerkit.diagnostics import Position
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.overrides import Override, OverrideKind
from offerkit.plans.plan import Aspect
from offerkit.reports.whole_resource import (
    DecidedAspect,
    LiveStanding,
    Referring,
    ResourceStanding,
    RevisionStamp,
    ScheduledChange,
    ShownPart,
    StandingOverride,
    StandingStop,
    WaitingAspect,
    WholeResource,
)

STAMP = RevisionStamp(7, "2026-11-29T12:00:00.000000Z", "anna")


def whole(text: str) -> WholeResource:
    """An offer that is live, stopped, and changed in design."""
    stamp = RevisionStamp(7, "2026-11-29T12:00:00.000000Z", text)
    at = Position(f"specs/{text}.yaml", 3, 1)
    filters = parse_address("recipients/filter.adults")
    return WholeResource(
        TOUR,
        text,
        text,
        (
            ShownPart("Properties", "label", text, TOUR, "own", at),
            ShownPart("Eligibility", "eligible.when", f"recipient.name = '{text}'", AFRICA, "category", at),
            ShownPart("Eligibility", "when", text, filters, "filter", None, AFRICA),
            ShownPart("Weight", "weights", [{"weight": "10", "label": text}], TOUR, "own"),
            ShownPart("Weight", "multiplier", {"factor": "2", "from": "2026-01-01"}, AFRICA, "category"),
            ShownPart("Themes", "themes", [text, "winter"], TOUR, "own", at),
            ShownPart("Content on email", "html", f"<p>{text}</p>\nsecond\n", TOUR, "own", at),
        ),
        ("email", "web"),
        ResourceStanding(
            stamp,
            LiveStanding(ROCKIES, (("email", stamp), ("web", stamp._replace(serial=9))), stamp),
            (change("title", text, f"{text}!"), change("content.html", f"<p>{text}</p>\n", f"<p>{text}!</p>\n")),
            (
                DecidedAspect(
                    Stage.DESIGN, Aspect.CONTENT, "email", "approved", True, text, stamp, text, f"review {text}", text
                ),
                DecidedAspect(Stage.DESIGN, Aspect.CONTENT, "web", "approved", False, text, stamp, lack=text),
                DecidedAspect(Stage.DESIGN, Aspect.ELIGIBILITY, ""),
                DecidedAspect(Stage.LIVE, Aspect.ELIGIBILITY, "", "rejected", True, text, stamp, text),
            ),
            (
                WaitingAspect(
                    ApprovalItem(TOUR, text, Aspect.ELIGIBILITY, (), "waiting", ("risk", text), authors=(text,)),
                    (change("weights", text, f"{text}!"),),
                    False,
                ),
                WaitingAspect(
                    ApprovalItem(
                        TOUR,
                        text,
                        Aspect.CONTENT,
                        ("web",),
                        "waiting",
                        ("brand",),
                        since="2026-11-01T12:00:00.000000Z",
                        due="2026-11-04T12:00:00.000000Z",
                        overdue=True,
                    ),
                    (),
                    True,
                ),
            ),
            (StandingStop(AFRICA, stamp, text),),
            tuple(
                StandingOverride(Override(kind, TOUR, "f", text, text, 8, text), lifting)
                for kind, lifting in ((OverrideKind.REVIEWERS, True), (OverrideKind.POLICIES, False))
            ),
            (ScheduledChange("2026-12-01T05:00:00.000000Z", "2026-12-01 06:00 CET", stamp),),
        ),
        (
            Referring(parse_address("recipients/campaign.winter"), "deliveries.card.offers", "names it"),
            Referring(parse_address("recipients/rule.weekly"), "", f"applies to offers for which: {text}"),
            Referring("simulation spring", "live", "counted it"),
        ),
    )


PLAIN_RESOURCE = WholeResource(
    parse_address("recipients/space.web"), "", "specs", (ShownPart("Properties", "fields", [], AFRICA, "own"),)
)
"""As little as there can be: declared, never applied, and nothing refers to it."""
