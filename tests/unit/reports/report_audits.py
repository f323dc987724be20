"""What audits prove, what exports hold and what is erased, as samples."""

from __future__ import annotations

from offerkit.governance.anchors import AcceptedLoss, LostAnchor
from offerkit.reports.audit import (
    AnchoredRevision,
    EnvironmentThen,
    LiveThen,
    OfferThen,
    RecordedLine,
    RecordOverview,
    StoppedThen,
    VerifiedRecord,
    VerifiedStore,
)
from offerkit.reports.contact_erasure import ContactErasure, ErasedFiles, ErasedRows

TIME = "2026-11-01T12:00:00Z"


def _line(text: str) -> RecordedLine:
    return RecordedLine(5, TIME, "promote", text, text, "d" * 64)


def _then(text: str) -> LiveThen:
    offers = (
        OfferThen("bank/offer.gold", text, ("email", "web"), "f" * 64, _line(text)),
        OfferThen("bank/offer.tour", "", ("web",), "a" * 64, _line(text)),
    )
    states = (
        EnvironmentThen("bank", _line(text), ("email", "web"), offers),
        EnvironmentThen("empty", _line(text), (), ()),
        EnvironmentThen("new", None, (), ()),
    )
    return LiveThen(text, text, _line(text), states, (StoppedThen("bank/offer.tour", text, text, TIME, 4),))


def _loss(text: str) -> AcceptedLoss:
    return AcceptedLoss(9, TIME, text, text, (LostAnchor(7, "a" * 64, ("git", text)), LostAnchor(8, "b" * 64, (text,))))


AUDITS = {
    "ContactErasure": ContactErasure(
        (ErasedRows("bank", 12, 1, 2), ErasedRows("web", 1, 0, 1, visitor=True)),
        (ErasedFiles("deliveries/summer/first", 1, 2),),
        9,
        "d" * 64,
    ),
    "ContactErasure-empty": ContactErasure((), ()),
    "ContactErasure-hostile": ContactErasure(
        (ErasedRows("\u202e\x1b", 1, 0, 0),), (ErasedFiles("\u200b\x1b[2J", 0, 1),)
    ),
    "VerifiedStore": VerifiedStore(6, "d" * 64, 2, 8, judged=2, unprovable=("that clocks were right", "more")),
    "VerifiedStore-empty": VerifiedStore(0, "", None, 8),
    "VerifiedStore-hostile": VerifiedStore(
        1, "d" * 64, 0, 8, accepted=(_loss("\u202e\x1b"), AcceptedLoss(3, TIME, "", "", ()))
    ),
    "VerifiedStore-signed": VerifiedStore(6, "d" * 64, 2, 8, 3, 12, accepted=(_loss("Monday"),)),
    "AnchoredRevision": AnchoredRevision(6, "d" * 64, ("git",), ("file:anchors.jsonl",), _loss("Monday")),
    "AnchoredRevision-hostile": AnchoredRevision(6, "d" * 64, ("file:\u202e\x1b",), ("file:\u200b",)),
    "VerifiedRecord": VerifiedRecord("h.jsonl", "p1", 6, 21, "d" * 64, "e" * 64, 2, ("that clocks were right", "more")),
    "VerifiedRecord-hostile": VerifiedRecord("\u202e", "\x1b\u200b", 0, 0, "", "e" * 64, 0, ()),
    "RecordOverview": RecordOverview(
        "h.jsonl", "p1", 6, 21, "d" * 64, _line("omar"), _line("dora"), {"apply": 2}, {"bank": 3}, ("bank/offer.tour",)
    ),
    "RecordOverview-hostile": RecordOverview(
        "\u202e", "\u200b", 6, 1, "", _line("\x1b"), None, {"\u202e": 1200}, {"bank": 1}, tuple(["x\u200b"] * 21)
    ),
    "LiveThen": _then("omar"),
    "LiveThen-before": LiveThen("h.jsonl", "2020-01-01 (UTC)", None, (), ()),
    "LiveThen-hostile": _then("<b>\u202e\x1b[31m\u200b"),
}
