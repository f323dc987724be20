"""Proofs to be shown: every verdict, both readings of the clock, alike and different, and what was not decided."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from report_requests import AFRICA, ROCKIES, TOUR

from offerkit.prove.proofs import (
    ChangeProofs,
    NarrowingOutcome,
    ProofMoment,
    ProvedAbout,
    ProvedChange,
    ProvedCondition,
    ProvedOffer,
)
from offerkit.prove.result import CommonFact, Comparison, Existence, Extent, Reading, Side, Witness
from offerkit.reports.proof_words import StatedProofs, stated
from offerkit.rules.types import Value

AT = datetime(2026, 11, 29, 12, 0)
NONE = Side(Existence.NONE)
AGE, COUNTRY, PAGE = ("recipient", "age"), ("recipient", "country"), ("interaction", "page")


def some(*facts: CommonFact, exact: bool = True, moment: datetime = AT, **values: Value) -> Side:
    """Somebody: described by ``facts``, for example with these fields."""
    witness = Witness({("recipient", name): value for name, value in values.items()}, moment) if values else None
    return Side(Existence.SOME, witness, facts, exact)


def undecided(why: str) -> Side:
    """Nobody knows."""
    return Side(Existence.UNDECIDED, why=why)


def change(
    gained: Side,
    lost: Side,
    *,
    later: Reading | None = None,
    about: ProvedAbout = ProvedAbout.ELIGIBLE,
    offers: int = 1,
    after: Extent = Extent.SOME,
    path: str = "",
    example_of: str = "",
) -> ProvedChange:
    """One answer about the condition at ``path`` and a number of offers."""  # fmt: skip
    now = Reading(gained, lost, Extent.SOME, after)
    found = (ProvedOffer(TOUR, ("email", "web"), edited=True), ProvedOffer(ROCKIES, ("web",), edited=False))[:offers]
    return ProvedChange(
        "recipients",
        about,
        Comparison(AT, now, later or now),
        (ProvedCondition(AFRICA, path),) if path else (),
        found,
        example_of,
    )


def proofs(text: str) -> StatedProofs:
    """Every kind of answer; ``text`` wherever a value or a reason is quoted."""
    affluent = CommonFact(("recipient", "segment"), among=("affluent", text))
    tomorrow = datetime(2026, 12, 2)
    return stated(
        ChangeProofs(
            (
                change(
                    some(affluent, age=18, segment=text), NONE, path="eligible.when", offers=2, example_of=f"x {text}"
                ),
                change(NONE, some(CommonFact(AGE, least=18, most=20), CommonFact(PAGE, among=(text,)), exact=False)),
                change(
                    NONE,
                    some(CommonFact(AGE, least=18), country=None, interests=(text, "city"), score=Decimal("0.500000")),
                    later=Reading(some(moment=tomorrow, born=date(2000, 2, 29)), undecided(text)),
                ),
                change(undecided(text), NONE, path="when", offers=0),
                change(NONE, some(CommonFact(COUNTRY)), after=Extent.NOBODY),
                change(some(consent=True), NONE, after=Extent.EVERYBODY),
                change(some(CommonFact(AGE, most=17), age=17), some(CommonFact(AGE, least=66, most=66), age=66)),
                change(NONE, NONE, offers=2),
                change(some(age=1), NONE, about=ProvedAbout.LIMITED, path="contacts", offers=0),
            ),
            (ProofMoment("recipients", AT, "Europe/Paris"),),
            (("visitors", f"visitors is in only one of the two states {text}: nothing is compared there."),),
            narrowing=(NarrowingOutcome(TOUR), NarrowingOutcome(ROCKIES, text)),
        )
    )


PROOFS = proofs("private")
MISSING = StatedProofs(missing="Not shown: proofs. Install it with: pip install 'offerkit[prove]'.")
ELSEWHERE = stated(
    ChangeProofs(
        (change(NONE, NONE),),
        (ProofMoment("recipients", AT, "Europe/Paris"), ProofMoment("visitors", AT, "UTC")),
    )
)
