"""The decision: domain.md §3, steps 1 (target loading) to 11. Steps 1 (who) and 12 (store, render) are the caller's.

:func:`decide` answers from a lineup of bits; with ``explain`` it walks offer by offer (explain.py). What follows the
sort they share (finish.py), and tests hold both to the same answer.
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
from offerkit.engine.condition import Facts, Gate, Memo, facts_at
from offerkit.engine.decision import Decision, Noted, Trace
from offerkit.engine.explain import explain as explained
from offerkit.engine.finish import first, in_order, weigh
from offerkit.engine.history import Past, Remembered, Tally
from offerkit.engine.hooks import load_target, rubbish
from offerkit.engine.lineup import Lineup, bits_of
from offerkit.engine.presentation import Moment, applied, lasts, reached_by
from offerkit.engine.ranking import Entry
from offerkit.engine.reasons import Reason, environment_check
from offerkit.engine.report import Report
from offerkit.engine.resources import Space
from offerkit.engine.slice import wanted
from offerkit.engine.weights import best
from offerkit.rules.types import Value


def decide(
    catalog: Catalog, call: Call, history: Sequence[Past], *, explain: bool = False, noted: Noted | None = None
) -> Decision:
    """The offers for one call, made by ``make_call``, to a contact with ``history``.

    ``history`` needs to reach back ``catalog.longest_period``; its order means nothing. With ``explain`` the answer
    is the same, with a trace, and takes some hundred times longer. Without, ``noted`` is filled in, at almost no cost.
    """
    space = catalog.spaces[call.space]
    reports = list(call.reports)
    facts = _facts(catalog, space, call, reports)
    if noted is not None:
        noted.facts = facts
    if catalog.when is not None and catalog.when.gate.value(facts) is not True:
        trace = Trace(environment_check(catalog.when).finding(facts), None, ()) if explain else None
        return Decision((), tuple(reports), MappingProxyType(_NOTHING), Reason.ENVIRONMENT_CONDITION, trace)
    if explain:
        return explained(catalog, space, call, facts, history, reports)
    return _fast(catalog, space, call, facts, history, reports, noted)


def decide_many(
    catalog: Catalog, calls: Iterable[Call], history: Sequence[Past], *, explain: bool = False
) -> list[Decision]:
    """A decision for each of several calls of one interaction, in order; no offer is proposed twice."""
    decisions: list[Decision] = []
    taken: frozenset[str] = frozenset()
    for call in calls:
        decision = decide(catalog, replace(call, exclude=call.exclude | taken), history, explain=explain)
        taken |= {chosen.offer for chosen in decision.chosen}
        decisions.append(decision)
    return decisions


_NOTHING = {"slice": 0, "eligible": 0, "presentable": 0, "chosen": 0}


def _facts(catalog: Catalog, space: Space, call: Call, reports: list[Report]) -> Facts:
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
    space: Space,
    call: Call,
    facts: Facts,
    history: Sequence[Past],
    reports: list[Report],
    noted: Noted | None,
) -> Decision:
    """Steps 3 to 11 over a lineup: sets of offers are bits of an integer."""
    line = catalog.lineup(space.name, facts.today, wanted(space, call))
    known: dict[Gate, Value] = {}
    alive = line.alive(facts, known)
    computed = _computed(catalog, line, alive, Memo(facts, known), reports, noted) if line.computed else {}
    if noted is not None:
        noted.eligible = line.constant(alive) | sum(computed)
    eligible = line.count(alive) + len(computed)
    if history:
        moment = Moment(call.now, space.name, space.channel)
        alive &= ~_over(catalog, moment, line, alive, facts, history)
    if noted is not None:
        noted.presentable = noted.eligible & alive
    presentable = line.count(alive) + sum(1 for bit in computed if bit & alive)
    if call.exclude:
        places = {catalog.place_of[name] for name in call.exclude if name in catalog.place_of}
        alive &= ~bits_of(places, line.of_offer)
    entries: Iterator[Entry] = line.standing(alive)
    if computed:
        entries = _merged(entries, (found for bit, found in computed.items() if bit & alive), space)
    order = in_order(catalog, space, call, facts, entries, reports)
    if noted is not None and space.post_processing:
        noted.ordered = bits_of({entry.place for entry in order}, line.of_offer)
    chosen = first(catalog, order, call.n)
    considered = {"slice": line.members, "eligible": eligible, "presentable": presentable, "chosen": len(chosen)}
    return Decision(chosen, tuple(reports), MappingProxyType(considered), data=facts.data)


def _computed(
    catalog: Catalog, line: Lineup, alive: int, memo: Memo, reports: list[Report], noted: Noted | None
) -> dict[int, tuple[Entry, ...]]:
    """By bit, the entries of the offers whose weight is a formula or dynamic, if it holds."""
    found: dict[int, tuple[Entry, ...]] = {}
    for part in line.computed:
        if alive & part.bit:
            holds = best(part.weights, memo)
            weighed = weigh(catalog, part.offer, holds, memo.facts, reports)
            if weighed.entries:
                found[part.bit] = weighed.entries
            elif noted is not None and holds is not None and weighed.out is Reason.NO_PRODUCT:
                noted.productless.append((part.offer.place, holds.source))
    return found


def _merged(constant: Iterator[Entry], computed: Iterable[Sequence[Entry]], space: Space) -> Iterator[Entry]:
    """All entries by weight, highest first. Only a hook gets to see more than the best product of an offer."""
    flat = [entry for found in computed for entry in (found if space.post_processing else found[:1])]
    flat.sort(key=_weight, reverse=True)
    return merge(constant, flat, key=_weight, reverse=True)


def _weight(entry: Entry) -> Decimal:
    return entry.weight


def _over(catalog: Catalog, moment: Moment, line: Lineup, alive: int, facts: Facts, history: Sequence[Past]) -> int:
    """The bits of the offers that presentation rules exclude; rules about nothing that is ``alive`` are not counted."""
    dead = 0
    tally = history.tally(moment.space, line) if isinstance(history, Remembered) else None
    for place, about in enumerate(line.about):
        rule = catalog.rules[place]
        bits = bits_of(applied(catalog, rule, facts), line.of_offer) if about is None else about
        if not bits & alive & ~dead or rule.channel not in ("", moment.channel):
            continue
        known = tally.get(place) if tally is not None else None
        if known is not None and known.since <= moment.now <= known.until:
            bits = known.bits
        else:
            bits &= _excluded(catalog, place, moment, line, facts, history)
            if tally is not None and rule.steady:
                tally[place] = Tally(bits, moment.now, lasts(rule, moment, history))
        if bits and (rule.contacts is None or rule.contacts.gate.value(facts) is True):
            dead |= bits
    return dead


def _excluded(catalog: Catalog, place: int, moment: Moment, line: Lineup, facts: Facts, history: Sequence[Past]) -> int:
    """The bits that a rule excludes, of those that it applies to, by what ``history`` holds."""
    over = reached_by(catalog, place, moment, history, facts)
    if over is None:
        return 0
    match over.rule.of:
        case "offer":
            return bits_of({catalog.place_of[name] for name in over.by if name in catalog.place_of}, line.of_offer)
        case "category":
            return sum(line.of_category.get(path, 0) for path in over.by)
        case _:
            return line.everything
