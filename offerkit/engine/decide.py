"""Decides a call: domain.md §3, steps 1 (target loading) to 11. Callers identify (1), render and store (12).

:func:`decide` computes with a space program of bits; with ``explain`` it goes through the offers one by one
(explain.py). Both share the steps from the sort on (selection.py), and tests check that they give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from heapq import merge
from types import MappingProxyType
from typing import NamedTuple

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import typed
from offerkit.engine.condition import CallFacts, ConditionMemo, facts_at
from offerkit.engine.decision import DecisionNotes, DecisionTrace, SpaceDecision
from offerkit.engine.explain import explain as explained
from offerkit.engine.history import NEVER, GroupedHistory, PastProposition, RememberedHistory, RuleTally
from offerkit.engine.hooks import load_target, unusable_answer
from offerkit.engine.presentation_rules import (
    Moment,
    ReachedMaximum,
    all_last,
    applicable_offers,
    applies_at,
    lasts,
    reached_by,
    reached_with,
)
from offerkit.engine.ranking import RankedOffer
from offerkit.engine.reasons import ExclusionReason, environment_check
from offerkit.engine.report import Report
from offerkit.engine.resources import CompiledSpace
from offerkit.engine.selection import first_n, hook_call, sort_entries, weigh_offer
from offerkit.engine.slice import slice_of
from offerkit.engine.space_program import SpaceProgram, bits_of
from offerkit.engine.weights import best_weight


def decide(
    catalog: Catalog,
    call: Call,
    history: Sequence[PastProposition],
    *,
    explain: bool = False,
    notes: DecisionNotes | None = None,
) -> SpaceDecision:
    """The offers for one call (made by ``make_call``) to a contact with ``history``.

    ``history`` must reach back ``catalog.longest_period``; its order does not matter. With ``explain`` the answer is
    the same but has a trace, and takes about a hundred times longer. Without it, ``notes`` is filled in, at almost no
    cost.
    """
    space = catalog.spaces[call.space]
    reports = list(call.reports)
    facts = _facts(catalog, space, call, reports)
    if catalog.counts_history and history:
        facts = facts._replace(past=GroupedHistory(history, call.now))
    if notes is not None:
        notes.facts = facts
    for required in catalog.requirements:
        if required.condition.value(facts) is True:
            continue
        trace = DecisionTrace(environment_check(required).finding(facts), None, ()) if explain else None
        return SpaceDecision(
            (), tuple(reports), MappingProxyType(_NOTHING), ExclusionReason.ENVIRONMENT_CONDITION, trace
        )
    if explain:
        return explained(catalog, space, call, facts, history, reports)
    return _fast(catalog, space, call, facts, history, reports, notes)


def decide_many(
    catalog: Catalog, calls: Iterable[Call], history: Sequence[PastProposition], *, explain: bool = False
) -> list[SpaceDecision]:
    """Decisions for several calls of one interaction, in order; no offer is proposed twice."""
    decisions: list[SpaceDecision] = []
    proposed: frozenset[str] = frozenset()
    for call in calls:
        decision = decide(catalog, call._replace(exclude=call.exclude | proposed), history, explain=explain)
        proposed |= {chosen.offer for chosen in decision.chosen}
        decisions.append(decision)
    return decisions


_NOTHING = {"slice": 0, "eligible": 0, "presentable": 0, "chosen": 0}


def _facts(catalog: Catalog, space: CompiledSpace, call: Call, reports: list[Report]) -> CallFacts:
    """The facts of the call, including what the space's target-loading hook adds to the call data."""
    data = call.data
    if space.target_loading:
        added, report = load_target(call.hooks or catalog.hooks, space.target_loading, hook_call(catalog, call, data))
        values, mistakes = typed(catalog, added)
        if mistakes:
            problems = "; ".join(mistake.summary for mistake in mistakes)
            report, values = unusable_answer("target-loading", space.target_loading, problems), {}
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
    notes: DecisionNotes | None,
) -> SpaceDecision:
    """Steps 3 to 11 with a space program: sets of offers are bits of an integer."""
    program = catalog.space_program(space.name, facts.today, slice_of(space, call))
    alive = program.index.alive(facts)
    computed = (
        _computed(catalog, program, alive, call, ConditionMemo(facts), reports, notes) if program.computed else {}
    )
    if notes is not None:
        notes.eligible = program.constant_bits(alive) | sum(computed)
    eligible = program.count(alive) + len(computed)
    if history and call.ruled:
        moment = Moment(call.now, space.name, space.channel)
        weighed = WeighedBits(program, alive, computed)
        alive &= ~_excluded_bits(catalog, moment, weighed, facts, history)
    if notes is not None:
        notes.presentable = notes.eligible & alive
    presentable = program.count(alive) + sum(1 for bit in computed if bit & alive)
    if call.exclude:
        positions = {catalog.position_of[name] for name in call.exclude if name in catalog.position_of}
        alive &= ~bits_of(positions, program.of_offer)
    entries: Iterator[RankedOffer] = program.constant_entries(alive)
    if computed:
        entries = _merged(entries, (ranked for bit, ranked in computed.items() if bit & alive), space)
    order = sort_entries(catalog, space, call, facts, entries, reports)
    if notes is not None and space.post_processing:
        notes.ordered = bits_of({entry.position for entry in order}, program.of_offer)
    chosen = first_n(catalog, order, call.n)
    considered = {"slice": program.members, "eligible": eligible, "presentable": presentable, "chosen": len(chosen)}
    return SpaceDecision(chosen, tuple(reports), MappingProxyType(considered), data=facts.data)


def _computed(
    catalog: Catalog,
    program: SpaceProgram,
    alive: int,
    call: Call,
    memo: ConditionMemo,
    reports: list[Report],
    notes: DecisionNotes | None,
) -> dict[int, tuple[RankedOffer, ...]]:
    """By bit, the ranked entries of the offers whose weight is a formula or dynamic, if it holds."""
    entries_by_bit: dict[int, tuple[RankedOffer, ...]] = {}
    for part in program.computed:
        if alive & part.bit:
            holds = best_weight(part.weights, memo)
            weighed = weigh_offer(catalog, part.offer, holds, call, memo.facts, reports)
            if weighed.entries:
                entries_by_bit[part.bit] = weighed.entries
            elif notes is not None and holds is not None and weighed.out is ExclusionReason.NO_PRODUCT:
                notes.productless.append((part.offer.position, holds.source))
    return entries_by_bit


def _merged(
    constant: Iterator[RankedOffer], computed: Iterable[Sequence[RankedOffer]], space: CompiledSpace
) -> Iterator[RankedOffer]:
    """All entries by weight, highest first. Only a post-processing hook sees more than the best product of an offer."""
    flat = [entry for ranked in computed for entry in (ranked if space.post_processing else ranked[:1])]
    flat.sort(key=_weight, reverse=True)
    return merge(constant, flat, key=_weight, reverse=True)


def _weight(entry: RankedOffer) -> Decimal:
    return entry.weight


def _excluded_bits(
    catalog: Catalog,
    moment: Moment,
    weighed: WeighedBits,
    facts: CallFacts,
    history: Sequence[PastProposition],
) -> int:
    """The bits of the offers that presentation rules exclude. Rules that concern no eligible offer are skipped."""
    program, alive, excluded = weighed.program, weighed.alive, 0
    tally = _tally(catalog, moment, program, facts, history) if isinstance(history, RememberedHistory) else None
    counted = history if tally is not None else tuple(history)  # by what is in a rule's period only, if it is the first
    known, until, new = ({}, NEVER, {}) if tally is None else (tally.bits, tally.until, dict[int, int]())
    for position, about in enumerate(program.about):
        rule = catalog.rules[position]
        bits = _applicable_bits(catalog, program, position, facts) if about is None else about
        if not bits & alive & ~excluded or rule.channel not in ("", moment.channel):
            continue
        if position in known:
            bits = known[position]
        else:
            bits &= _excluded(catalog, program, reached_by(catalog, position, moment, counted, facts))
            if tally is not None and rule.steady:
                new[position], until = bits, min(until, lasts(rule, moment, history))
        if bits and rule.weighs:
            bits &= weighed.applicable(catalog, position, facts)
        if bits and (rule.contacts is None or rule.contacts.condition.value(facts) is True):
            excluded |= bits
    if new and tally is not None and isinstance(history, RememberedHistory):
        history.tallies[moment.space] = tally._replace(since=moment.now, until=until, bits={**known, **new})
    return excluded


def _tally(
    catalog: Catalog,
    moment: Moment,
    program: SpaceProgram,
    facts: CallFacts,
    history: RememberedHistory[SpaceProgram],
) -> RuleTally[SpaceProgram] | None:
    """The tally of ``history`` that is valid now, with what was added to it since; None on the first call."""
    tally = history.tally(moment.space, program, moment.now)
    if tally is None or tally.counted == len(history):
        return tally
    added, bits = history.since(tally.counted), dict(tally.bits)
    statuses = {past.status for past in added}
    for position, before in tally.bits.items():
        rule = catalog.rules[position]
        is_full = before and rule.of not in history.names
        if is_full or (rule.statuses and rule.statuses.isdisjoint(statuses)):
            continue
        reached = reached_with(catalog, position, moment, history, facts, added)
        if reached is not None:
            about = program.about[position]
            applicable = _applicable_bits(catalog, program, position, facts) if about is None else about
            bits[position] = before | applicable & _excluded(catalog, program, reached)
    until = min(tally.until, all_last(catalog, moment, added))
    tally = history.tallies[moment.space] = RuleTally(tally.program, len(history), moment.now, until, bits)
    return tally


def _applicable_bits(catalog: Catalog, program: SpaceProgram, position: int, facts: CallFacts) -> int:
    """The bits that a rule applies to now."""
    bits = program.today.get(position)
    if bits is None:
        rule = catalog.rules[position]
        bits = bits_of(applicable_offers(catalog, rule, facts), program.of_offer)
        if rule.daily:
            program.today[position] = bits
    return bits


def _excluded(catalog: Catalog, program: SpaceProgram, reached: ReachedMaximum | None) -> int:
    """The bits that a rule excludes, whichever it applies to."""
    if reached is None:
        return 0
    match reached.rule.of:
        case "offer":
            return bits_of(
                {catalog.position_of[name] for name in reached.by if name in catalog.position_of}, program.of_offer
            )
        case "category":
            return sum(program.of_category.get(path, 0) for path in reached.by)
        case _:
            return program.everything


class WeighedBits(NamedTuple):
    """The eligible offers of one decision with their weights, to which rules by weight apply.

    ``alive``: the bits whose conditions hold. ``computed``: by bit, the entries of offers with a computed weight,
    highest first; those without an entry have none.
    """

    program: SpaceProgram
    alive: int
    computed: Mapping[int, tuple[RankedOffer, ...]]

    def applicable(self, catalog: Catalog, position: int, facts: CallFacts) -> int:
        """All bits of the offers that the rule at ``position`` applies to, with the weight that they have."""
        program, rule = self.program, catalog.rules[position]
        bits = sum(
            bit
            for bit, ranked in self.computed.items()
            if applies_at(catalog, rule, catalog.offers[ranked[0].position], ranked[0].weight, facts)
        )
        matching = self._matching(catalog, position, facts) & self.alive
        if not program.repeats:
            return bits | matching
        size = len(program.entries) + len(program.computed)
        while matching:
            bit = 1 << matching.bit_length() - 1
            matching ^= bit
            own = bits_of({program.entries[size - bit.bit_length()].position}, program.of_offer)
            if own & self.alive < bit << 1:  # the highest weight that holds
                bits |= own
        return bits

    def _matching(self, catalog: Catalog, position: int, facts: CallFacts) -> int:
        """The entries of constant weight whose own weight the rule applies to; the same all day without a clock."""
        program, rule = self.program, catalog.rules[position]
        known = program.weighed.get(position) if rule.steady else None
        if known is not None:
            return known
        bit, bits = program.everything + 1, 0
        for entry in program.entries:
            bit >>= 1
            if applies_at(catalog, rule, catalog.offers[entry.position], entry.weight, facts):
                bits |= bit
        if rule.steady:
            program.weighed[position] = bits
        return bits
