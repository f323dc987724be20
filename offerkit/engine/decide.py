"""The decision: domain.md §3, steps 1 (target loading) to 11. Steps 1 (who) and 12 (store, render) are the caller's.

:func:`decide` answers from a space program of bits; with ``explain`` it goes offer by offer (explain.py). What follows
the sort is shared (selection.py), and tests hold both to the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from heapq import merge
from types import MappingProxyType

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import typed
from offerkit.engine.condition import BoundCondition, CallFacts, ConditionMemo, facts_at
from offerkit.engine.decision import DecisionNotes, DecisionTrace, SpaceDecision
from offerkit.engine.explain import explain as explained
from offerkit.engine.history import PastProposition, RememberedHistory, RuleTally
from offerkit.engine.hooks import load_target, rubbish
from offerkit.engine.presentation_rules import Moment, applied, lasts, reached_by
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.reasons import ExclusionReason, environment_check
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledSpace
from offerkit.engine.selection import first_n, in_order, weigh_offer
from offerkit.engine.slice import slice_of
from offerkit.engine.space_program import SpaceProgram, bits_of
from offerkit.engine.weights import best
from offerkit.rules.types import Value


def decide(
    catalog: Catalog,
    call: Call,
    history: Sequence[PastProposition],
    *,
    explain: bool = False,
    noted: DecisionNotes | None = None,
) -> SpaceDecision:
    """The offers for one call, made by ``make_call``, to a contact with ``history``.

    ``history`` needs to reach back ``catalog.longest_period``; its order means nothing. With ``explain`` the answer
    is the same, with a trace, and takes some hundred times longer. Without, ``noted`` is filled in, at almost no cost.
    """
    space = catalog.spaces[call.space]
    reports = list(call.reports)
    facts = _facts(catalog, space, call, reports)
    if noted is not None:
        noted.facts = facts
    if catalog.when is not None and catalog.when.condition.value(facts) is not True:
        trace = DecisionTrace(environment_check(catalog.when).finding(facts), None, ()) if explain else None
        return SpaceDecision(
            (), tuple(reports), MappingProxyType(_NOTHING), ExclusionReason.ENVIRONMENT_CONDITION, trace
        )
    if explain:
        return explained(catalog, space, call, facts, history, reports)
    return _fast(catalog, space, call, facts, history, reports, noted)


def decide_many(
    catalog: Catalog, calls: Iterable[Call], history: Sequence[PastProposition], *, explain: bool = False
) -> list[SpaceDecision]:
    """A decision for each of several calls of one interaction, in order; no offer is proposed twice."""
    decisions: list[SpaceDecision] = []
    taken: frozenset[str] = frozenset()
    for call in calls:
        decision = decide(catalog, replace(call, exclude=call.exclude | taken), history, explain=explain)
        taken |= {chosen.offer for chosen in decision.chosen}
        decisions.append(decision)
    return decisions


_NOTHING = {"slice": 0, "eligible": 0, "presentable": 0, "chosen": 0}


def _facts(catalog: Catalog, space: CompiledSpace, call: Call, reports: list[Report]) -> CallFacts:
    """The clock of the environment's zone; the call data with what the space's target-loading hook adds."""
    data = call.data
    if space.target_loading:
        added, report = load_target(catalog.hooks, space.target_loading, call.contact, data)
        values, wrong = typed(catalog, added)
        if wrong:
            what = "; ".join(found.summary for found in wrong)
            report, values = rubbish("target-loading", space.target_loading, what), {}
        if report is not None:
            reports.append(report)
        data = {**data, **values}
    return facts_at(call.now, catalog.zone, call.contact, data)


def _fast(
    catalog: Catalog,
    space: CompiledSpace,
    call: Call,
    facts: CallFacts,
    history: Sequence[PastProposition],
    reports: list[Report],
    noted: DecisionNotes | None,
) -> SpaceDecision:
    """Steps 3 to 11 over a space_program: sets of offers are bits of an integer."""
    program = catalog.space_program(space.name, facts.today, slice_of(space, call))
    known: dict[BoundCondition, Value] = {}
    alive = program.alive(facts, known)
    computed = (
        _computed(catalog, program, alive, ConditionMemo(facts, known), reports, noted) if program.computed else {}
    )
    if noted is not None:
        noted.eligible = program.constant(alive) | sum(computed)
    eligible = program.count(alive) + len(computed)
    if history:
        moment = Moment(call.now, space.name, space.channel)
        alive &= ~_over(catalog, moment, program, alive, facts, history)
    if noted is not None:
        noted.presentable = noted.eligible & alive
    presentable = program.count(alive) + sum(1 for bit in computed if bit & alive)
    if call.exclude:
        places = {catalog.place_of[name] for name in call.exclude if name in catalog.place_of}
        alive &= ~bits_of(places, program.of_offer)
    entries: Iterator[RankedOffer] = program.standing(alive)
    if computed:
        entries = _merged(entries, (found for bit, found in computed.items() if bit & alive), space)
    order = in_order(catalog, space, call, facts, entries, reports)
    if noted is not None and space.post_processing:
        noted.ordered = bits_of({entry.place for entry in order}, program.of_offer)
    chosen = first_n(catalog, order, call.n)
    considered = {"slice": program.members, "eligible": eligible, "presentable": presentable, "chosen": len(chosen)}
    return SpaceDecision(chosen, tuple(reports), MappingProxyType(considered), data=facts.data)


def _computed(
    catalog: Catalog,
    program: SpaceProgram,
    alive: int,
    memo: ConditionMemo,
    reports: list[Report],
    noted: DecisionNotes | None,
) -> dict[int, tuple[RankedOffer, ...]]:
    """By bit, the entries of the offers whose weight is a formula or dynamic, if it holds."""
    found: dict[int, tuple[RankedOffer, ...]] = {}
    for part in program.computed:
        if alive & part.bit:
            holds = best(part.weights, memo)
            weighed = weigh_offer(catalog, part.offer, holds, memo.facts, reports)
            if weighed.entries:
                found[part.bit] = weighed.entries
            elif noted is not None and holds is not None and weighed.out is ExclusionReason.NO_PRODUCT:
                noted.productless.append((part.offer.place, holds.source))
    return found


def _merged(
    constant: Iterator[RankedOffer], computed: Iterable[Sequence[RankedOffer]], space: CompiledSpace
) -> Iterator[RankedOffer]:
    """All entries by weight, highest first. Only a hook gets to see more than the best product of an offer."""
    flat = [entry for found in computed for entry in (found if space.post_processing else found[:1])]
    flat.sort(key=_weight, reverse=True)
    return merge(constant, flat, key=_weight, reverse=True)


def _weight(entry: RankedOffer) -> Decimal:
    return entry.weight


def _over(
    catalog: Catalog,
    moment: Moment,
    program: SpaceProgram,
    alive: int,
    facts: CallFacts,
    history: Sequence[PastProposition],
) -> int:
    """The bits of the offers that presentation rules exclude; rules about nothing that is ``alive`` are not counted."""
    dead = 0
    tally = history.tally(moment.space, program) if isinstance(history, RememberedHistory) else None
    for place, about in enumerate(program.about):
        rule = catalog.rules[place]
        bits = bits_of(applied(catalog, rule, facts), program.of_offer) if about is None else about
        if not bits & alive & ~dead or rule.channel not in ("", moment.channel):
            continue
        known = tally.get(place) if tally is not None else None
        if known is not None and known.since <= moment.now <= known.until:
            bits = known.bits
        else:
            bits &= _excluded(catalog, place, moment, program, facts, history)
            if tally is not None and rule.steady:
                tally[place] = RuleTally(bits, moment.now, lasts(rule, moment, history))
        if bits and (rule.contacts is None or rule.contacts.condition.value(facts) is True):
            dead |= bits
    return dead


def _excluded(
    catalog: Catalog,
    place: int,
    moment: Moment,
    program: SpaceProgram,
    facts: CallFacts,
    history: Sequence[PastProposition],
) -> int:
    """The bits that a rule excludes, of those that it applies to, by what ``history`` holds."""
    over = reached_by(catalog, place, moment, history, facts)
    if over is None:
        return 0
    match over.rule.of:
        case "offer":
            return bits_of({catalog.place_of[name] for name in over.by if name in catalog.place_of}, program.of_offer)
        case "category":
            return sum(program.of_category.get(path, 0) for path in over.by)
        case _:
            return program.everything
