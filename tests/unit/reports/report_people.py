"""Impacts and simulations to show: of all contacts, of a sample, of nobody, and with texts that try to act."""

from __future__ import annotations

from report_edges import HOSTILE

from offerkit.engine.estimate import Sample
from offerkit.engine.impact import (
    Example,
    FailedHook,
    Impact,
    OfferImpact,
    Segment,
    SpaceImpact,
    rounded_space,
    without_contacts,
)
from offerkit.engine.simulation import AxisValue, GroupResult, Loss, OfferResult, Simulation, SpaceResult

_RULE = "the environment's filter"
_OFFERS = (
    OfferImpact("canada-quebec-carnival", 976, 0, 244, 0,
                [Example("50", "lost", _RULE), Example("64", "lost", _RULE), Example("81", "lost", "others weigh more")]),
    OfferImpact("young-account", 111, 1_204, 0, 12,
                [Example("12", "gained", "before: filter “age-between”: recipient.age between parameter.youngest and"
                         " parameter.oldest"), Example("7", "moved", "rank 1 → 2")]),
)  # fmt: skip
_COUNTRIES = (
    Segment("FR", 1_484, 900, 700, 203, 203), Segment("BE", 395, 150, 100, 41, 0), Segment("unknown", 2, 0, 0, 0, 0),
)  # fmt: skip
_HOOKS = [FailedHook("OFR861", "dynamic-offer", "hotel-rates", ["hotel", "inn", "motel", "tent"], 0, 3_021)]
SPACES = (
    SpaceImpact("recipients/web-home", 3_021, 1_460, 244, _OFFERS, 2_398, "10%", [("recipient.country", _COUNTRIES)]),
    SpaceImpact("recipients/email", 3_021, 12, 0, _OFFERS[1:], 2_398, "10%", failed_hooks=_HOOKS),
    SpaceImpact("recipients/sms", 3_021, 0, 0, (), 2_379, "10%"),
)
TIMES = ("2026-11-24 10:29 CET", "2027-07-01 12:00 CEST")
_FEW = SpaceImpact("recipients/sms", 3_021, 3, 2, [OfferImpact("small", 40, 0, 3, 0)], 2_379, "10%")
ROUNDED = Impact(*TIMES, 3, [rounded_space(space, judged=True) for space in (*SPACES[:2], _FEW)], ("visitors",))
"""For somebody who may not read contacts."""
_SAMPLE = Sample(3_021, 1_000_000)
IMPACTS = {
    "all": Impact(*TIMES, 3, SPACES, ("visitors",)),
    "sample": Impact(
        *TIMES, 3,
        [SpaceImpact(s.space, 1_000_000, s.changed, s.emptied, s.offers, s.served, s.max_lost, s.segments, _SAMPLE)
         for s in SPACES],
    ),
    "rounded": ROUNDED,
    "unnamed": Impact(*TIMES, 3, [without_contacts(space) for space in SPACES]),
    "hooks": Impact(
        *TIMES, 3,
        [SpaceImpact(f"recipients/{name}", 40, 0, 0, (), 40, failed_hooks=[
            FailedHook("OFR860", "target-loading", "weather", [], 40, 40),
            FailedHook("OFR862", "post-processing", "mixed", [], 1, 0)]) for name in ("a", "b", "c", "d")],
    ),
    "nothing": Impact("", "", 3, ()),
    "hostile": Impact(
        HOSTILE, HOSTILE, 3,
        [SpaceImpact("recipients/web", 3, 1, 1, [OfferImpact("a", 1, 0, 1, 0, [Example(HOSTILE, "lost", HOSTILE)])], 1,
                     "", [(HOSTILE, [Segment(HOSTILE, 3, 1, 0, 1, 1)])],
                     failed_hooks=[FailedHook("OFR861", "dynamic-offer", HOSTILE, [HOSTILE], 1, 1)])],
        [HOSTILE],
    ),
}  # fmt: skip
"""By what they show."""

_CONDITION = Loss("the offer's condition: recipient.segment = 'private'", "recipients/offer.platinum", 2_700)
SIMULATIONS = {
    "all": Simulation("recipients", "live", "2026-06-01 10:00 CEST", 3, [
        SpaceResult("recipients/web-home", 3_021, [623, 98, 300, 2_000], [
            OfferResult("gold-card", "bank/best-offer", 1_580, [1_200, 300, 80], [Loss("others weigh more", "", 640)]),
            OfferResult("livret-plus", "bank", 900, [0, 700, 200]),
            OfferResult("platinum", "bank/best-offer", 0, [0, 0, 0],
                        [_CONDITION, Loss("presentation rules", "", 12)]),
            OfferResult("old-loan", "bank", 0, [0, 0, 0], [Loss("it is disabled", "recipients/offer.old-loan", 0)]),
        ], [("recipient.country", [AxisValue("FR", 1_484, 203, [("gold-card", 800), ("livret-plus", 12)]),
                                   AxisValue("unknown", 2, 2, [])])],
            [("offer.category", [GroupResult(["bank/best-offer"], 1_580, 3_021, [1_200, 300, 80]),
                                 GroupResult(["bank"], 900, 3_021, [0, 700, 200])]),
             ("recipient.country, offer.theme", [GroupResult(["FR", "summer"], 12, 1_484, [12, 0, 0])])]),
        SpaceResult("recipients/sms", 0, [0, 0, 0, 0], []),
    ]),
    "hostile": Simulation("recipients", "live", HOSTILE, 1, [
        SpaceResult("recipients/web", 2, [1, 1], [
            OfferResult("a", "b", 1, [1]), OfferResult("c", "b", 0, [0], [Loss(HOSTILE, HOSTILE, 1)]),
        ], [(HOSTILE, [AxisValue(HOSTILE, 2, 1, [("a", 1)])])],
            [(HOSTILE, [GroupResult([HOSTILE, HOSTILE], 1, 2, [1])])]),
    ], {"page": HOSTILE}, HOSTILE, HOSTILE),
}  # fmt: skip
