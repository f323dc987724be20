"""A sample of every class of results that can be shown, and one in which every text tries to act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from report_audits import AUDITS
from report_bodies import BODIES, DIGEST, change
from report_edges import FINDINGS, HISTORY, HOSTILE, SOURCES, hostile_plan
from report_explained import EXPLAINED
from report_people import IMPACTS, SIMULATIONS
from report_proofs import ELSEWHERE, MISSING, PROOFS, proofs
from report_requests import AFRICA, ROCKIES, TOUR, hostile, request
from report_samples import promote_plan
from report_whole import PLAIN_RESOURCE, STAMP, whole

from offerkit.address import parse_address
from offerkit.diagnostics import Code, Diagnostic, Position
from offerkit.engine.answer import Answer, ProposedOffer, SpaceAnswer
from offerkit.engine.case_results import CaseOutcome, CaseResults
from offerkit.engine.evaluated import EvaluatedExpression
from offerkit.engine.identify import IdentifiedBy
from offerkit.engine.preview import Preview, SpacePreview
from offerkit.engine.report import Report
from offerkit.engine.simulation_comparison import ComparedCount, ComparedSimulations, ComparedSpace
from offerkit.engine.status_report import StatusCounts, StatusReport, StatusRow
from offerkit.engine.weight_table import ShownMultiplier, ShownWeight, WeightTable
from offerkit.governance.approval_items import ApprovalItem, ReviewedAspect
from offerkit.governance.granted import GrantedRight, OperatorRights
from offerkit.governance.notices import OutboxRow
from offerkit.governance.stopped import Stopped
from offerkit.models.profiles import Verb
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.prove.result import Comparison, Existence, Extent, Reading, Side, Witness, undecided
from offerkit.reports.answer import AnswerReport
from offerkit.reports.approvals import Approvals, DecisionReport, OverrideReport, RelayedReview, RelayReport
from offerkit.reports.delivery import CellCount, DeliveryResult
from offerkit.reports.diagnostics_json import DiagnosticsReport
from offerkit.reports.diff import DiffExtras, DiffReport, DiffStamp, SpecPositions, StateStamp
from offerkit.reports.graph import Graph
from offerkit.reports.history import HistoryLine, RevisionHistory
from offerkit.reports.outbox import OutboxReport
from offerkit.reports.plan_text import PlanReport
from offerkit.reports.proof_words import StatedProofs
from offerkit.reports.proofs import ComparedConditions
from offerkit.reports.propositions import PropositionLine, Propositions
from offerkit.reports.reached import OlderCheckout
from offerkit.reports.rights import RightsReport
from offerkit.reports.scheduled import DueItem, DueReport, ScheduledItem, ScheduledList
from offerkit.reports.stops import ResumeReport, StopList, StopReport
from offerkit.reports.whole_resource import LiveStanding
from offerkit.state.eligibility import AffectedOffers, Condition
from offerkit.usecases.requests import KeptSimulation, KeptSimulations


def _status_report(by: list[str], *groups: tuple[str, ...]) -> StatusReport:
    rows = [
        StatusRow(values, StatusCounts(100 * place, 5, 20, 10 + place, 7)) for place, values in enumerate(groups, 1)
    ]
    total = StatusCounts(300, 10, 40, 23, 14)
    filters = {"space": [by[0]]}
    return StatusReport(by, rows, total, "Europe/Paris", "2026-11-01", "2026-12-01", filters, [by[0]], True)


def _compared_runs(text: str) -> ComparedSimulations:
    about = {"name": text, "environment": text, "stage": text, "at": text, "time": text, "actor": text}
    before = {**about, "revision": 3, "digest": DIGEST, "options": {}}
    count = ComparedCount(text, 100, 120, 1_000, 1_100, 1.5, None)
    space = ComparedSpace(text, count, [count, ComparedCount("saver", 5, 0, 1_000, 1_100, 2.0, 1.0)], [(text, [count])])
    return ComparedSimulations(before, {**before, "revision": 0}, [space], [text], [text], [text])


def _history(text: str) -> HistoryLine:
    return HistoryLine(
        serial=1,
        time=text,
        actor=text,
        action=text,
        stages=(text,),
        summary=text,
        message=text,
        digest=text,
        override=text,
        authors=(text,),
        read=text,
    )


def _beside(text: str) -> DiffExtras:
    plan = promote_plan()
    return DiffExtras(
        places={plan.steps[0].address: SpecPositions(Position(f"specs/{text}.yaml", 3, 1), None)},
        reached=(
            AffectedOffers(
                (Condition("until", "2027-04-30", AFRICA),),
                (
                    Condition("when", text, AFRICA),
                    Condition("multiplier", {"factor": "2", "from": "2026-01-01"}, AFRICA),
                ),
                (TOUR, ROCKIES),
            ),
            AffectedOffers((), (Condition("themes", [text], AFRICA),), (TOUR,)),
        ),
        lacking=OlderCheckout(3, plan.steps[:2]),
        impact=IMPACTS["hostile" if text == HOSTILE else "all"],
    )


def _rows(text: str) -> tuple[ApprovalItem, ...]:
    return (
        ApprovalItem(
            TOUR, text, Aspect.CONTENT, ("email", "web"), "waiting", ("brand", text), live=True, authors=("omar", text)
        ),
        ApprovalItem(TOUR, text, Aspect.ELIGIBILITY, (), "approved", ("risk",), by=text, comment=text),
        ApprovalItem(ROCKIES, "Rockies", Aspect.ELIGIBILITY, (), "rejected", ("risk",), by="anna"),
    )


KEYS = (
    ApprovalKey(TOUR, Aspect.CONTENT, "email", "c1"),
    ApprovalKey(TOUR, Aspect.ELIGIBILITY, "", "c2"),
    ApprovalKey(ROCKIES, Aspect.CONTENT, "web", "c3"),
)


def _decision(text: str) -> DecisionReport:
    shown = (
        ReviewedAspect(KEYS[0], text, (change("title", text, f"{text}!"),)),
        ReviewedAspect(KEYS[1], text, (change("title", text, f"{text}!"),)),
        ReviewedAspect(KEYS[2], text, new=True),
    )
    return DecisionReport(
        "approved", KEYS, (text,) * 12, FINDINGS[:2], 7, DIGEST, shown, "Revision 7 by anna, 0123456789ab."
    )


def _answer(text: str) -> Answer:
    proposed = ProposedOffer(
        "p1",
        "gold-card",
        text,
        "bank",
        1,
        Decimal("2.5"),
        "proposed",
        {"title": text},
        {"html": "<p>Gold</p>\n", "xml": "<title/>\n"},
    )
    space = SpaceAnswer(
        "bank/web",
        "bank",
        "web",
        IdentifiedBy("explicit"),
        text,
        3,
        (proposed, proposed._replace(id="", rank=2)),
        (Report(Code.HOOK_FAILED, text, text),),
    )
    return Answer("i1", datetime(2026, 11, 29, 12, tzinfo=UTC), (space, space._replace(proposed=(), contact="")), text)


def _preview(text: str) -> Preview:
    return Preview(
        "bank/offer.gold",
        "bank@design",
        text,
        (
            SpacePreview(
                "web", "inbound-web", {"title": text}, {"html": f"<b>{text}</b>\n", "text": f"\n{text}\nmore\n"}
            ),
            SpacePreview("email", "email", {}, {}, text),
        ),
    )


def _weights(text: str) -> WeightTable:
    multiplier = ShownMultiplier("bank", "1.5", "2026-11-01", "2026-12-31", holds=True)
    number = ShownWeight(
        offer=parse_address("bank/offer.gold"),
        label=text,
        category="bank/cards",
        number=1,
        name=text,
        origin="bank/template.plain",
        value="10",
        is_formula=False,
        dynamic="",
        first="2026-11-01",
        last="",
        spaces=("web",),
        filters=("adults",),
        when=text,
        multipliers=(multiplier, replace(multiplier, category="bank/cards", first="", last="", holds=False)),
        effective="15",
        why="",
    )
    formula = replace(
        number, number=2, name="", value=text, is_formula=True, dynamic="products", effective="", why=text, filters=()
    )
    return WeightTable("bank@design", (("bank", "2026-11-30"),), (number, formula))


def _proposition(text: str) -> PropositionLine:
    return PropositionLine(
        id=text,
        time="2026-11-29T10:00:00Z",
        environment="bank",
        contact=text,
        space="web",
        channel="inbound-web",
        offer="gold",
        category="bank",
        interaction="i1",
        rank=1,
        weight="2.5",
        status="accepted",
        changed="2026-11-29T11:00:00Z",
        revision=3,
        proposed={"page": text},
        accepted={text: 1},
    )


def _delivery(text: str) -> DeliveryResult:
    return DeliveryResult(
        name=text,
        environment="bank",
        space="email",
        time="2026-11-29 12:00 CET",
        revision=3,
        run="r1",
        dry=False,
        contacts=1_000,
        messages=900,
        propositions=1_700,
        stored=1_700,
        wanted=2,
        aside={text: 60, "no address": 40},
        by_slot={"": {"gold": [800, 50], "young": [100, 750]}},
        failures={"gold": (1, text, text), "young": (2_000, text, text)},
        folder=text,
        resumed=2,
        data={"page": text},
    )


def _outcomes(text: str) -> tuple[CaseOutcome, ...]:
    at = Position("cases/cards.yaml", 3, 1)
    return (
        CaseOutcome(f"{text} passes", at, seconds=0.25),
        CaseOutcome(f"{text} fails", at, (f"gold: {text}", "young: out"), seconds=0.5),
        CaseOutcome("breaks", Position("cases/other.yaml", 9, 1), error=text),
    )


def _late(row: ApprovalItem) -> ApprovalItem:
    if row.state != "waiting":
        return row
    return row._replace(since="2026-11-01T12:00:00.000000Z", due="2026-11-04T12:00:00.000000Z", overdue=True)


def _events(failure: str) -> list[OutboxRow]:
    """One event in each state."""
    body = '{"specversion":"1.0","id":"1","type":"offerkit.offers.stopped","data":{}}'
    time = "2026-11-01T12:00:00.000000Z"
    return [
        OutboxRow("1" * 32, failure, "offerkit.offers.stopped", body, time, time, attempts, state, "", "", why, done)
        for attempts, state, why, done in (
            (0, "waiting", "", ""), (3, "waiting", failure, ""), (14, "dead", failure, time), (1, "sent", "", time),
        )
    ]  # fmt: skip


def _rights(name: str) -> list[OperatorRights]:
    """An operator with rights, an automation that is disabled, and one without any."""
    granted = (
        GrantedRight(Verb.WRITE, ("rule", "typology"), ("recipients",), f"profile {name}"),
        GrantedRight(Verb.STOP, (), (), "promotion.stoppers"),
    )
    return [
        OperatorRights(name, name, True, False, granted),
        OperatorRights("robot", "administrator", False, True, ()),
        OperatorRights("dora", name, True, False, ()),
    ]


def _stopped(text: str) -> tuple[Stopped, ...]:
    return (
        Stopped(TOUR, text, "2026-11-20T10:00:00", text, 7, (TOUR, ROCKIES), declared=True),
        Stopped(AFRICA, "anna", "2026-11-20T10:00:00", "Recalled.", 8, (), declared=False),
    )


def _scheduled(text: str) -> tuple[ScheduledItem, ...]:
    waiting = ScheduledItem(
        7,
        "waiting",
        due="2026-12-07T05:00:00.000000Z",
        due_shown="2026-12-07 06:00 CET",
        not_after="2026-12-07T08:00:00.000000Z",
        not_after_shown="2026-12-07 09:00 CET",
        by=text,
        time="2026-11-20T10:00:00.000000Z",
        message=text,
        environments=("recipients",),
        steps=3,
        plan="a" * 64,
        closed=(text,),
    )
    over = replace(waiting, serial=5, closed=(), ended="2026-12-07T05:00:03.000000Z", ended_by=text, ended_in=9)
    return (
        waiting,
        replace(over, state="promoted", steps=1),
        replace(over, state="withdrawn", ended_message=text),
        replace(over, state="refused", reasons=(("OFR505", text, text),)),
    )


def _finding(text: str) -> Diagnostic:
    return Diagnostic(
        Code.BAD_VALUE, text, text, text, position=Position(text, 1, 1), related=((text, Position(text, 1, 1)),)
    )


def _evaluated(text: str, total: int | None) -> EvaluatedExpression:
    return EvaluatedExpression(
        "bank", "text", False, text, (("recipient.name", text),), ((text, 30), ("null", 12)), total
    )


def _side(text: str) -> Side:
    witness = Witness({("recipient", "name"): text, ("recipient", "age"): None}, datetime(2026, 12, 1, 9))
    return Side(Existence.SOME, witness)


def _compared(text: str, later: Reading) -> ComparedConditions:
    now = Reading(Side(Existence.NONE), _side(text), Extent.SOME, Extent.SOME)
    comparison = Comparison(datetime(2026, 11, 28, 10, 30), now, later)
    return ComparedConditions("bank", f"name = {text}", text, ZoneInfo("Europe/Paris"), comparison)


EDGES = {
    parse_address(address): [*map(parse_address, targets)]
    for address, targets in {
        "shop/space.web": [],
        "shop/category.bank": [],
        "shop/filter.adults": [],
        "shop/offer.gold": ["shop/category.bank", "shop/space.web", "shop/filter.adults"],
    }.items()
}
DIFF = DiffReport(promote_plan().steps, BODIES, ("recipients@live:9", "recipients@design"))
_STOP = StopReport(
    7, (TOUR, parse_address("recipients/space.web")), (TOUR, ROCKIES), FINDINGS[:2], "Revision 7 by anna."
)
RESULTS: Mapping[str, object] = {
    "PlanReport": PlanReport(promote_plan(), DIGEST),
    "PlanReport-impact": PlanReport(promote_plan(), DIGEST, IMPACTS["sample"]),
    "PlanReport-proofs": PlanReport(promote_plan(), DIGEST, None, PROOFS),
    "PlanReport-hostile": PlanReport(hostile_plan(), DIGEST, IMPACTS["hostile"], proofs(HOSTILE)),
    "DiffReport": DIFF,
    "DiffReport-beside": replace(DIFF, beside=_beside("Africa")),
    "DiffReport-proofs": replace(DIFF, beside=DiffExtras(proofs=PROOFS)),
    "DiffReport-across": replace(DIFF, titles=("recipients@live", "visitors@live"), across=("recipients", "visitors")),
    "DiffReport-behind": replace(DIFF, steps=(), beside=DiffExtras(lacking=OlderCheckout(1, promote_plan().steps[:1]))),
    "DiffReport-filed": replace(
        DIFF,
        stamp=DiffStamp(
            "anna",
            "2026-11-01T12:00:00Z",
            "1.2.3",
            (
                StateStamp("recipients@live:9", "recipients", "d" * 64, 9),
                StateStamp("git:main", "recipients", "e" * 64, source="c" * 40),
            ),
        ),
    ),
    "DiffReport-hostile": DiffReport(
        hostile_plan().steps, hostile_plan().bodies, (HOSTILE, HOSTILE), None, _beside(HOSTILE)
    ),
    "WholeResource": whole("Canada"),
    "WholeResource-plain": PLAIN_RESOURCE,
    "WholeResource-off": replace(
        whole("Canada"), standing=whole("Canada").standing._replace(live=LiveStanding(ROCKIES, (), STAMP, STAMP))
    ),
    "WholeResource-hostile": whole(HOSTILE),
    "RevisionHistory": RevisionHistory(HISTORY),
    "RevisionHistory-empty": RevisionHistory(()),
    "RevisionHistory-hostile": RevisionHistory((_history(HOSTILE),), HOSTILE),
    "Impact": IMPACTS["all"],
    "Impact-hostile": IMPACTS["hostile"],
    "StatedProofs": PROOFS,
    "StatedProofs-elsewhere": ELSEWHERE,
    "StatedProofs-missing": MISSING,
    "StatedProofs-nothing": StatedProofs(),
    "StatedProofs-hostile": proofs(HOSTILE),
    "PullRequest": request(),
    "PullRequest-proofs": replace(request(), proofs=PROOFS),
    "PullRequest-hostile": replace(hostile(), proofs=proofs(HOSTILE)),
    "Approvals": Approvals(_rows("Canada, coast to coast")),
    "Approvals-empty": Approvals(()),
    "Approvals-overdue": Approvals([_late(row) for row in _rows("Canada, coast to coast")]),
    "Approvals-hostile": Approvals(_rows(HOSTILE)),
    "DecisionReport": _decision("Canada"),
    "DecisionReport-shown": replace(_decision("Canada"), only_shown=True),
    "DecisionReport-empty": DecisionReport("rejected", ()),
    "DecisionReport-hostile": _decision(HOSTILE),
    "OverrideReport": OverrideReport(7, ("settings (recipients/offer.a)",), "Revision 7 by anna."),
    "OverrideReport-hostile": OverrideReport(7, (HOSTILE,)),
    "RelayReport": RelayReport(
        (RelayedReview("anna", "r1", 7, KEYS, ("risk",)),), ("r0 stands",), ("r2 is old",), FINDINGS[:1]
    ),
    "RelayReport-empty": RelayReport(),
    "RelayReport-hostile": RelayReport(
        (RelayedReview(HOSTILE, HOSTILE, 7, KEYS, (HOSTILE,)),), (HOSTILE,), (HOSTILE,), (_finding(HOSTILE),)
    ),
    **AUDITS,
    **EXPLAINED,
    "OutboxReport": OutboxReport(_events("down")),
    "OutboxReport-empty": OutboxReport(()),
    "OutboxReport-hostile": OutboxReport(_events(HOSTILE)),
    "RightsReport": RightsReport(_rights("anna")),
    "RightsReport-empty": RightsReport(()),
    "RightsReport-hostile": RightsReport(_rights(HOSTILE)),
    "ScheduledList": ScheduledList(_scheduled("anna")),
    "ScheduledList-empty": ScheduledList(()),
    "ScheduledList-hostile": ScheduledList(_scheduled(HOSTILE)),
    "DueReport": DueReport((DueItem(7, 9, "anna"), DueItem(8, 10, "rita", (_finding("too late"),)))),
    "DueReport-empty": DueReport(()),
    "DueReport-hostile": DueReport((DueItem(7, 9, HOSTILE, (_finding(HOSTILE),)), DueItem(8, 10, HOSTILE))),
    "StopList": StopList(_stopped("anna")),
    "StopList-empty": StopList(()),
    "StopList-hostile": StopList(_stopped(HOSTILE)),
    "StopReport": _STOP,
    "StopReport-before": StopReport(None, (TOUR,)),
    "StopReport-hostile": StopReport(7, (TOUR,), (HOSTILE,), (_finding(HOSTILE),)),
    "ResumeReport": ResumeReport(7, (TOUR,), (), FINDINGS[:2], "Revision 7 by anna."),
    "ResumeReport-hostile": ResumeReport(7, (HOSTILE,), (), (_finding(HOSTILE),)),
    "AnswerReport": AnswerReport(_answer("Gold")),
    "AnswerReport-hostile": AnswerReport(_answer(HOSTILE)),
    "Preview": _preview("Gold"),
    "Preview-nowhere": Preview("bank/offer.gold", "bank@live", "", ()),
    "Preview-hostile": _preview(HOSTILE),
    "WeightTable": _weights("12"),
    "WeightTable-empty": WeightTable("specs", (), ()),
    "WeightTable-hostile": _weights(HOSTILE),
    "Propositions": Propositions((_proposition("12"), _proposition("=1+1"))),
    "Propositions-empty": Propositions(()),
    "Propositions-hostile": Propositions((_proposition(HOSTILE),)),
    "Simulation": SIMULATIONS["all"],
    "Simulation-hostile": SIMULATIONS["hostile"],
    "StatusReport": _status_report(["date", "offer"], ("2026-11-01", "gold"), ("2026-11-04", "=1+1")),
    "StatusReport-bars": _status_report(["category"], ("bank",), ("travel",)),
    "StatusReport-total": StatusReport([], [], StatusCounts(10, 1, 2, 3, 1), "UTC", "2026-11-01 00:00 UTC"),
    "StatusReport-empty": StatusReport(["offer"], [], StatusCounts(), "UTC"),
    "StatusReport-hostile": _status_report([HOSTILE], (HOSTILE,), ("",)),
    "KeptSimulations": KeptSimulations([KeptSimulation("spring", "recipients", "live", "2026-11-01T12:00:00Z", "ada")]),
    "KeptSimulations-empty": KeptSimulations([]),
    "KeptSimulations-hostile": KeptSimulations([KeptSimulation(*[HOSTILE] * 5)]),
    "ComparedSimulations": _compared_runs("gold"),
    "ComparedSimulations-hostile": _compared_runs(HOSTILE),
    "DeliveryResult": _delivery("autumn/cards"),
    "DeliveryResult-dry": replace(
        _delivery("autumn/cards"), dry=True, wanted=1, by_slot={"": {"gold": [900]}}, failures={}, data={}
    ),
    "DeliveryResult-slots": replace(
        _delivery("autumn/letter"),
        space="hero, tile",
        by_slot={"hero": {"gold": [900]}, "tiles": {"young": [500, 300]}},
        missing={"recipient.best_offer names no live offer, in slot tiles": 100},
        cells=(CellCount("tiles", 1, 300, 400, 300), CellCount("tiles", 2, None, 500, 500)),
    ),
    "DeliveryResult-hostile": _delivery(HOSTILE),
    "CaseResults": CaseResults(_outcomes("gold")),
    "CaseResults-empty": CaseResults(()),
    "CaseResults-hostile": CaseResults(_outcomes(HOSTILE)),
    "EvaluatedExpression": _evaluated("Gold", None),
    "EvaluatedExpression-counted": _evaluated("Gold", 50),
    "EvaluatedExpression-hostile": _evaluated(HOSTILE, 50),
    "ComparedConditions": _compared("Gold", Reading(_side("Gold"), Side(Existence.NONE), Extent.SOME, Extent.SOME)),
    "ComparedConditions-undecided": _compared("Gold", undecided("it needs more steps than the solver may take")),
    "ComparedConditions-hostile": _compared(HOSTILE, undecided(HOSTILE)),
    "Graph": Graph(EDGES),
    "Graph-hostile": Graph(EDGES),  # addresses hold no text that could act
    "DiagnosticsReport": DiagnosticsReport(FINDINGS, SOURCES.get, "shop/offers/"),
    "DiagnosticsReport-empty": DiagnosticsReport(()),
    "DiagnosticsReport-hostile": DiagnosticsReport((_finding(HOSTILE),), lambda file: [HOSTILE]),
}
"""By the class, with what is special about it behind a hyphen."""
