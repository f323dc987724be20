"""What reports must also stand: hostile texts, huge and empty plans; findings and a history to show."""

from __future__ import annotations

from report_bodies import BODIES, DESIGN, DIGEST, OFFERS, body, change

from offerkit.diagnostics import Code, Diagnostic, Position, Severity
from offerkit.plans.plan import Blocked, Plan, PlanKind, Reason, StageBase, Step
from offerkit.reports.history import HistoryLine
from offerkit.state.changes import Action, Entry

HOSTILE = (
    "\x1b[31mred\x1b[0m <img src=x onerror=alert(1)> | `b` **x** @octocat #1 "
    "\u202egnp.exe\u2066 \x9b2J [a](javascript:b)"
)


def hostile_plan() -> Plan:
    """Every text that a person may write tries to act."""
    position = Position("specs/``` | <b>.yaml", 1, 1)
    steps = (
        Step(
            "recipients/offer.a",
            DESIGN,
            Action.CREATE,
            Reason.DECLARED,
            None,
            Entry("f-hostile"),
            HOSTILE,
            position,
            notes=(HOSTILE,),
        ),
        Step(
            "recipients/offer.b",
            DESIGN,
            Action.UPDATE,
            Reason.CHANGED,
            Entry("x1"),
            Entry("x2"),
            "x" * 10_000,
            position,
            changes=(
                change("content.title", HOSTILE[:40], HOSTILE[40:80]),
                change("content.html", f"```\n{HOSTILE}\n</details>", f"```\n````\r\n{HOSTILE}</pre>\n\ttab"),
            ),
        ),
    )
    blocked = (
        Blocked("recipients/offer.c", DESIGN, "OFR701", HOSTILE, HOSTILE, (HOSTILE,), source=position),
        Blocked("recipients/offer.d", DESIGN, "OFR701", HOSTILE, HOSTILE, (HOSTILE,), source=position),
    )
    bodies = {"f-hostile": body("offer", category="c", content={"html": f"```\n{HOSTILE}\n", "title": HOSTILE})}
    return Plan(
        PlanKind.APPLY,
        "bank",
        "0.1.0",
        (StageBase(DESIGN, 1, "00"),),
        steps,
        blocked,
        notes=(HOSTILE,),
        targets=(HOSTILE,),
        bodies=bodies,
    )


def huge_plan(number: int = 10_000) -> Plan:
    """Many new offers."""
    steps = tuple(
        Step(
            f"recipients/offer.bulk-{place:06}",
            DESIGN,
            Action.CREATE,
            Reason.DECLARED,
            None,
            Entry("f-rockies"),
            f"Bulk offer {place}",
            Position("specs/recipients/bulk.yaml", 3 + 20 * place, 3),
        )
        for place in range(number)
    )
    return Plan(PlanKind.APPLY, "bank", "0.1.0", (StageBase(DESIGN, 0, "00"),), steps, bodies=BODIES)


def empty_plan(kind: PlanKind = PlanKind.APPLY) -> Plan:
    """Nothing to do."""
    return Plan(kind, "bank", "0.1.0", (StageBase(DESIGN, 12, "11"),))


FINDINGS = (
    Diagnostic(
        Code.UNKNOWN_REFERENCE,
        "unknown category “travel/americas/canda”",
        "An offer belongs to one declared category.",
        "Did you mean travel/americas/canada?",
        "recipients/offer.canada-rockies",
        Position(OFFERS, 4, 15),
    ),
    Diagnostic(
        Code.DECLARED_TWICE,
        "offer “gold-card” is declared twice",
        hint="Remove one of them.",
        address="recipients/offer.gold-card",
        position=Position(OFFERS, 6, 3),
        related=(("first declared here", Position("specs/recipients/cards.yaml", 2, 3)),),
    ),
    Diagnostic(
        Code.UNKNOWN_VARIABLE,
        "the template names “first_nam”",
        position=Position(OFFERS, 8, 21),
        severity=Severity.WARNING,
    ),
    Diagnostic(Code.STORE_LOCKED, "the store is locked by anna", hint="Wait, or give --lock-timeout 60."),
)
SOURCES = {
    OFFERS: [
        "version: 1",
        "offers:",
        "  canada-rockies:",
        "    category: travel/americas/canda",
        "    label: Rockies",
        "  gold-card:",
        "    content:",
        '      title: "旅行 {{ recipient.first_nam }}"  # 旅',
    ],
    "specs/recipients/cards.yaml": ["offers:", "  gold-card: {label: Gold}"],
}
HISTORY = (
    HistoryLine(
        12,
        "2026-11-01 09:14",
        "anna",
        "promote",
        ("recipients@live", "visitors@live"),
        "3 created, 1 changed",
        "Autumn offers",
        DIGEST,
    ),
    HistoryLine(11, "2026-10-30 17:02", "brand", "approve", (DESIGN,), "14 approvals", "", DIGEST[::-1]),
    HistoryLine(
        1,
        "2026-10-01 08:00",
        "\x1b[2Jeve|<b>",
        "apply",
        ("shared", DESIGN),
        "40 created",
        "The first apply:\n\u202eall | of <b>it</b>",
        DIGEST[8:] + DIGEST[:8],
    ),
)
