"""The explained decision: goes through the offers of the slice one by one, step by step (domain.md §3).

It reads like the domain document and uses none of the shortcuts of decide.py: tests check that both give the same
answer, and benchmarks measure it as the plain loop.
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
from offerkit.engine.presentation_rules import Moment, ReachedMaximum, applicable_offers, applies_at, reached
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.reasons import ExclusionReason, Finding
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledOffer, CompiledSpace
from offerkit.engine.selection import first_n, sort_entries, weigh_offer
from offerkit.engine.slice import Slice, SliceSource, slice_of
from offerkit.engine.weights import BestWeight, applicable_weights, best_weight


def explain(
    catalog: Catalog,
    space: CompiledSpace,
    call: Call,
    facts: CallFacts,
    history: Sequence[PastProposition],
    reports: list[Report],
) -> SpaceDecision:
    """Steps 3 to 11, with a trace."""
    requested = slice_of(space, call)
    offers = [catalog.offers[position] for position in catalog.members(requested)]
    memo = ConditionMemo(facts)
    moment = Moment(call.now, space.name, space.channel)
    places = range(len(catalog.rules) if call.ruled else 0)
    rules = [reached(catalog, position, moment, history, facts) for position in places]
    maxima = [(maximum, applicable_offers(catalog, maximum.rule, facts)) for maximum in rules if maximum is not None]
    traces: dict[int, OfferTrace] = {}
    entries: list[RankedOffer] = []
    eligible = presentable = 0
    for offer in offers:
        trace, products = _offer(catalog, space, offer, call, memo, reports)
        if products:
            eligible += 1
            trace = _presented(catalog, trace, products[0], maxima, facts)
            presentable += trace.out is None
        if trace.out is None and offer.name in call.exclude:
            trace = replace(trace, out=reasons.repeated(offer))
        if trace.out is None:
            entries.extend(products if space.post_processing else products[:1])
        traces[offer.position] = trace
    entries.sort(key=lambda entry: entry.weight, reverse=True)
    everything = call._replace(n=max(call.n, len(entries)), wanted=call.wanted_count)
    order = sort_entries(catalog, space, everything, facts, entries, reports)
    chosen = first_n(catalog, order, call.n)
    _rank(catalog, space, call, traces, entries, order)
    return SpaceDecision(
        chosen,
        tuple(reports),
        MappingProxyType(
            {"slice": len(offers), "eligible": eligible, "presentable": presentable, "chosen": len(chosen)}
        ),
        trace=DecisionTrace(
            None, _slice(catalog, space, requested, len(offers)), tuple(traces[offer.position] for offer in offers)
        ),
        data=facts.data,
    )


def _slice(catalog: Catalog, space: CompiledSpace, requested: Slice, size: int) -> SliceTrace:
    always = tuple(sorted(path for path, category in catalog.categories.items() if category.always))
    others = reasons.not_in_slice(space, called=requested.source is SliceSource.CALL)
    return SliceTrace(requested.source, requested.categories, requested.themes, always, size, others)


def _offer(
    catalog: Catalog, space: CompiledSpace, offer: CompiledOffer, call: Call, memo: ConditionMemo, reports: list[Report]
) -> tuple[OfferTrace, tuple[RankedOffer, ...]]:
    """Steps 4 to 7 for one offer."""
    out = _unmet(offer, space, memo)
    if out is not None:
        return OfferTrace(offer.name, offer.category, out), ()
    today = memo.facts.today
    notes = reasons.weight_notes(offer, space, memo)
    weight = best_weight(applicable_weights(offer, space.name, today), memo)
    weighed = weigh_offer(catalog, offer, weight, call, memo.facts, reports)
    trace = OfferTrace(
        offer.name,
        offer.category,
        _weightless(offer, weighed.out, weight, notes),
        weight=weighed.entries[0].weight if weighed.entries else None,
        number=weight.number if weight is not None else None,
        multipliers=offer.factors(today),
        source=(weight.source.address, weight.source.path) if weight is not None else ("", ()),
        notes=notes,
    )
    return trace, weighed.entries


def _unmet(offer: CompiledOffer, space: CompiledSpace, memo: ConditionMemo) -> Finding | None:
    """Steps 4 and 5."""
    for check in reasons.checks(offer, space, memo.facts.today):
        if check.requirement is None or memo.value(check.requirement.condition) is not True:
            return check.finding(memo.facts)
    return None


def _weightless(
    offer: CompiledOffer, why: ExclusionReason | None, weight: BestWeight | None, notes: Sequence[str]
) -> Finding | None:
    """Steps 6 and 7."""
    if why is None:
        return None
    if weight is None:
        return reasons.no_weight(offer, notes)
    if why is ExclusionReason.NO_PRODUCT:
        return reasons.no_product(weight.source)
    return reasons.weight_zero(weight.source)


def _presented(
    catalog: Catalog,
    trace: OfferTrace,
    best: RankedOffer,
    maxima: Sequence[tuple[ReachedMaximum, frozenset[int]]],
    facts: CallFacts,
) -> OfferTrace:
    """Step 8: the first rule of the typology that excludes the offer with its weight (``best``), if any."""
    offer = catalog.offers[best.position]
    for maximum, applies_to in maxima:
        count = maximum.count(offer) if offer.position in applies_to else 0
        if count and (not maximum.rule.weighs or applies_at(catalog, maximum.rule, offer, best.weight, facts)):
            return replace(trace, out=reasons.presentation_rule(maximum.rule, count))
    return trace


def _rank(
    catalog: Catalog,
    space: CompiledSpace,
    call: Call,
    traces: dict[int, OfferTrace],
    entries: Sequence[RankedOffer],
    order: Sequence[RankedOffer],
) -> None:
    """Write the outcome of steps 10 and 11 into ``traces``. ``entries``: as they were before step 10."""
    ranks = {entry.position: (rank, entry) for rank, entry in enumerate(order, 1)}
    before = {(entry.position, entry.order): entry.weight for entry in entries}
    for position, trace in traces.items():
        if trace.out is not None:
            continue
        offer = catalog.offers[position]
        if position not in ranks:
            dropped = bool(space.post_processing)
            out = reasons.hook_dropped(space) if dropped else reasons.beyond_n(offer, call.n)
            traces[position] = replace(trace, out=out)
            continue
        rank, entry = ranks[position]
        former = before[position, entry.order]
        if former != entry.weight:
            trace = replace(trace, weight=entry.weight, weight_before=former)
        if rank <= call.n:
            traces[position] = replace(trace, rank=rank, weight=entry.weight)
        else:
            traces[position] = replace(trace, rank=rank, out=reasons.beyond_n(offer, call.n))
