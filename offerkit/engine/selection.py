"""Steps that decide.py and explain.py share: weights (6, 7), then sort, post-process and take the first n (9 to 11)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import CallFacts
from offerkit.engine.decision import ChosenOffer
from offerkit.engine.hooks import post_process, products
from offerkit.engine.ranking import RankedOffer, first_entries, ranked, tie_break
from offerkit.engine.reasons import ExclusionReason
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledOffer, CompiledSpace
from offerkit.engine.weights import BestWeight, plain_number, times
from offerkit.hooks import Candidate, HookCall, HookOffer
from offerkit.models.expression_scopes import OFFER_FIELDS
from offerkit.rules.types import Row
from offerkit.times import local


class WeighedOffer(NamedTuple):
    """An offer's entries, the best first; if there are none, ``out`` says why."""

    entries: tuple[RankedOffer, ...]
    out: ExclusionReason | None = None


def hook_call(catalog: Catalog, call: Call, data: Row) -> HookCall:
    """``call`` for hooks, which cannot change it."""
    space = catalog.spaces[call.space]
    return HookCall(
        space=f"{catalog.environment}/{call.space}",
        channel=space.channel,
        now=local(call.now, catalog.zone),
        n=call.wanted_count,
        contact=MappingProxyType(dict(call.contact)),
        data=MappingProxyType(dict(data)),
        key=call.key,
        permanent=call.permanent,
        session=call.session,
    )


def weigh_offer(
    catalog: Catalog,
    offer: CompiledOffer,
    found: BestWeight | None,
    call: Call,
    facts: CallFacts,
    reports: list[Report],
) -> WeighedOffer:
    """Steps 6 and 7: the weight that holds, times the multipliers; or a dynamic offer's products, each with its own.

    A product's weight replaces the offer's, so the multipliers apply to it as well. If the hook fails, the offer is
    used without a product.
    """
    if found is None:
        return WeighedOffer((), ExclusionReason.NO_WEIGHT)
    factors = offer.factors(facts.today)
    entry = RankedOffer(times(found.number, factors), offer.position)
    if entry.weight <= 0:
        return WeighedOffer((), ExclusionReason.WEIGHT_ZERO)
    if not found.source.dynamic:
        return WeighedOffer((entry,))
    product_weights, report = products(
        call.hooks or catalog.hooks,
        found.source.dynamic,
        _hook_offer(offer, found.number),
        hook_call(catalog, call, facts.data),
        catalog.product_fields,
    )
    if report is not None:
        reports.append(report)
    if product_weights is None:
        return WeighedOffer((entry,))
    entries = [
        RankedOffer(times(weight, factors), offer.position, product, order)
        for order, (product, weight) in enumerate(product_weights)
    ]
    positive = sorted((entry for entry in entries if entry.weight > 0), key=lambda entry: (-entry.weight, entry.order))
    return WeighedOffer(tuple(positive), None if positive else ExclusionReason.NO_PRODUCT)


def sort_entries(
    catalog: Catalog,
    space: CompiledSpace,
    call: Call,
    facts: CallFacts,
    entries: Iterable[RankedOffer],
    reports: list[Report],
) -> list[RankedOffer]:
    """Steps 9 and 10 for ``entries``, which come by weight, highest first. Without a hook, only the first n are sorted.

    A post-processing hook sees every product of a dynamic offer; only the first of each offer is kept. Its order
    counts, whatever new weights it gives.
    """
    tie = partial(tie_break, catalog.offers, call.seed, call.key, facts.today)
    if not space.post_processing:
        return ranked(entries, tie, call.n)
    order = ranked(entries, tie, None)
    candidates = [_candidate(catalog.offers[entry.position], entry) for entry in order]
    hooks, asked = call.hooks or catalog.hooks, hook_call(catalog, call, facts.data)
    kept, report = post_process(hooks, space.post_processing, candidates, asked)
    if report is not None:
        reports.append(report)
    if kept is None:
        return first_entries(order)
    return first_entries(
        order[position] if weight is None else order[position]._replace(weight=plain_number(weight))
        for position, weight in kept
    )


def _hook_offer(offer: CompiledOffer, weight: Decimal) -> HookOffer:
    code, label, fields = _attributes(offer)
    return HookOffer(offer.name, code, label, offer.category, tuple(sorted(offer.themes)), weight, fields)


def _candidate(offer: CompiledOffer, entry: RankedOffer) -> Candidate:
    code, label, fields = _attributes(offer)
    themes = tuple(sorted(offer.themes))
    return Candidate(offer.name, offer.category, entry.weight, entry.product, code, label, themes, fields)


def _attributes(offer: CompiledOffer) -> tuple[str, str, Row]:
    """An offer's code and label, and its values of the environment's ``offer_fields``."""
    fields = {name: value for name, value in offer.row.items() if name not in OFFER_FIELDS}
    return str(offer.row["code"]), str(offer.row["label"] or ""), MappingProxyType(fields)


def first_n(catalog: Catalog, order: Iterable[RankedOffer], n: int) -> tuple[ChosenOffer, ...]:
    """Step 11: the first ``n``, ranked from 1."""
    chosen: list[ChosenOffer] = []
    for rank, entry in enumerate(order, 1):
        if rank > n:
            break
        offer = catalog.offers[entry.position]
        chosen.append(ChosenOffer(offer.name, offer.category, entry.weight, rank, entry.product))
    return tuple(chosen)
