"""The explained decision: every offer of the slice, one after the other, step by step (domain.md §3).

It is written to be read beside the domain, and shares no shortcut with the fast way (decide.py): tests hold the two
to the same answer, and benchmarks measure it as the plain loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from offerkit.engine import reasons
from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import CallFacts, ConditionMemo
from offerkit.engine.decision import DecisionTrace, OfferTrace, SliceTrace, SpaceDecision
from offerkit.engine.history import PastProposition
from offerkit.engine.presentation_rules import Moment, ReachedMaximum, applied, reached
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.reasons import ExclusionReason, Finding
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledOffer, CompiledSpace
from offerkit.engine.selection import first_n, in_order, weigh_offer
from offerkit.engine.slice import Slice, SliceSource, slice_of
from offerkit.engine.weights import BestWeight, best, standing


def explain(
    catalog: Catalog,
    space: CompiledSpace,
    call: Call,
    facts: CallFacts,
    history: Sequence[PastProposition],
    reports: list[Report],
) -> SpaceDecision:
    """Steps 3 to 11, with a trace."""
    asked = slice_of(space, call)
    slice_ = [catalog.offers[place] for place in catalog.members(asked)]
    memo = ConditionMemo(facts)
    moment = Moment(call.now, space.name, space.channel)
    rules = [reached(catalog, place, moment, history, facts) for place in range(len(catalog.rules))]
    over = [(found, applied(catalog, found.rule, facts)) for found in rules if found is not None]
    verdicts: dict[int, OfferTrace] = {}
    entries: list[RankedOffer] = []
    eligible = presentable = 0
    for offer in slice_:
        verdict, found = _offer(catalog, space, offer, memo, reports)
        if found:
            eligible += 1
            verdict = _presented(verdict, offer, over)
            presentable += verdict.out is None
        if verdict.out is None and offer.name in call.exclude:
            verdict = replace(verdict, out=reasons.repeated(offer))
        if verdict.out is None:
            entries.extend(found if space.post_processing else found[:1])
        verdicts[offer.place] = verdict
    entries.sort(key=lambda entry: entry.weight, reverse=True)
    everything = replace(call, n=max(call.n, len(entries)))
    order = in_order(catalog, space, everything, facts, entries, reports)
    chosen = first_n(catalog, order, call.n)
    _rank(catalog, space, call, verdicts, order)
    trace = DecisionTrace(
        None, _slice(catalog, space, asked, len(slice_)), tuple(verdicts[offer.place] for offer in slice_)
    )
    considered = {
        "slice": len(slice_),
        "eligible": eligible,
        "presentable": presentable,
        "chosen": len(chosen),
    }
    return SpaceDecision(chosen, tuple(reports), MappingProxyType(considered), None, trace, facts.data)


def _slice(catalog: Catalog, space: CompiledSpace, asked: Slice, size: int) -> SliceTrace:
    always = tuple(sorted(path for path, category in catalog.categories.items() if category.always))
    others = reasons.not_in_slice(space, called=asked.source is SliceSource.CALL)
    return SliceTrace(asked.source, asked.categories, asked.themes, always, size, others)


def _offer(
    catalog: Catalog, space: CompiledSpace, offer: CompiledOffer, memo: ConditionMemo, reports: list[Report]
) -> tuple[OfferTrace, tuple[RankedOffer, ...]]:
    """Steps 4 to 7 for one offer."""
    out = _unmet(offer, space, memo)
    if out is not None:
        return OfferTrace(offer.name, offer.category, out), ()
    today = memo.facts.today
    notes = reasons.weight_notes(offer, space, memo)
    found = best(standing(offer, space.name, today), memo)
    weighed = weigh_offer(catalog, offer, found, memo.facts, reports)
    verdict = OfferTrace(
        offer.name,
        offer.category,
        _weightless(offer, weighed.out, found, notes),
        weight=weighed.entries[0].weight if weighed.entries else None,
        number=found.number if found is not None else None,
        multipliers=offer.factors(today),
        source=(found.source.address, found.source.path) if found is not None else ("", ()),
        notes=notes,
    )
    return verdict, weighed.entries


def _unmet(offer: CompiledOffer, space: CompiledSpace, memo: ConditionMemo) -> Finding | None:
    """Steps 4 and 5."""
    for check in reasons.checks(offer, space, memo.facts.today):
        if check.requirement is None or memo.value(check.requirement.condition) is not True:
            return check.finding(memo.facts)
    return None


def _weightless(
    offer: CompiledOffer, why: ExclusionReason | None, found: BestWeight | None, notes: Sequence[str]
) -> Finding | None:
    """Steps 6 and 7."""
    if why is None:
        return None
    if found is None:
        return reasons.no_weight(offer, notes)
    if why is ExclusionReason.NO_PRODUCT:
        return reasons.no_product(found.source)
    return reasons.weight_zero(found.source)


def _presented(
    verdict: OfferTrace, offer: CompiledOffer, over: Sequence[tuple[ReachedMaximum, frozenset[int]]]
) -> OfferTrace:
    """Step 8: the first rule of the typology that excludes the offer."""
    for found, about in over:
        count = found.count(offer) if offer.place in about else 0
        if count:
            return replace(verdict, out=reasons.enough(found.rule, count))
    return verdict


def _rank(
    catalog: Catalog, space: CompiledSpace, call: Call, verdicts: dict[int, OfferTrace], order: Sequence[RankedOffer]
) -> None:
    """Steps 10 and 11 written into the verdicts."""
    rank_of = {entry.place: rank for rank, entry in enumerate(order, 1)}
    weight_of = {entry.place: entry.weight for entry in order}
    for place, verdict in verdicts.items():
        if verdict.out is not None:
            continue
        offer = catalog.offers[place]
        rank = rank_of.get(place)
        if rank is not None and rank <= call.n:
            verdicts[place] = replace(verdict, rank=rank, weight=weight_of[place])
        elif rank is None and space.post_processing:
            verdicts[place] = replace(verdict, out=reasons.hook_dropped(space))
        else:
            verdicts[place] = replace(verdict, rank=rank, out=reasons.beyond_n(offer, call.n))
