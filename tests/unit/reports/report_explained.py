"""Samples of explained propositions: without evidence, repeated, different, and with texts that try to act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from report_edges import HOSTILE

from offerkit.engine.decision import DecisionTrace
from offerkit.engine.explained import ExplainedProposition, PastApproval, PastRevision, PastRule, Repetition


def _explained(text: str) -> ExplainedProposition:
    revision = PastRevision(7, "promote", text, "2026-11-29T12:00:00.000000Z", text)
    return ExplainedProposition(
        id=text,
        time="2026-11-30T12:00:00.000000Z",
        environment="bank",
        space="web",
        channel="inbound-web",
        contact=text,
        interaction=text,
        offer="gold-card",
        label=text,
        category="cards",
        rank=1,
        weight="12.5",
        status="accepted",
        changed="2026-11-30T12:05:00.000000Z",
        revision=7,
        product={"hotel": text},
        delivery="",
        decided_by=revision,
        promoted_by=replace(revision, revision=5),
        content={"title": text},
        shown={},
        approvals=(
            PastApproval(
                "bank/offer.gold-card", "eligibility", "", text, text, replace(revision, revision=4, action="approve")
            ),
            PastApproval("bank/offer.gold-card", "content", "web"),
            PastApproval("bank/space.web", "settings", "", text, "", replace(revision, revision=3)),
        ),
        rules=(
            PastRule("environment", "environment.bank › when", text),
            PastRule("offer", "bank/offer.gold-card › eligible.when", text, "holds", {"person.name": text}),
            PastRule("offer", "bank/offer.gold-card › eligible.filters.0", ""),
        ),
        unknown=(text, "By which key or cookie the contact was identified."),
    )


def _repeated(text: str, *differences: str) -> Repetition:
    return Repetition(differences, "0.1.0", "0.2.0", {"person.name": text}, DecisionTrace(None, None, ()))


_SOUND = _explained("Gold")
EXPLAINED: Mapping[str, object] = {
    "ExplainedProposition": _SOUND,
    "ExplainedProposition-repeated": replace(
        _SOUND, shown={"title": "Gold, Ann"}, unknown=(), repeated=replace(_repeated("Ann"), engine="0.2.0")
    ),
    "ExplainedProposition-differs": replace(
        _SOUND,
        repeated=_repeated("Ann", "rank 1: stored gold-card in cards with weight 12.5; repeated: nothing"),
        present=replace(_repeated("Bea"), evidence=False, trace=None),
        contact="",
        delivery="winter/mail",
        decided_by=None,
        product=None,
    ),
    "ExplainedProposition-hostile": replace(
        _explained(HOSTILE),
        shown={"title": HOSTILE},
        repeated=_repeated(HOSTILE, HOSTILE),
        present=_repeated(HOSTILE, HOSTILE),
    ),
}
