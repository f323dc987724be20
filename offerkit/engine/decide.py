"""The decision: domain.md §3, steps 1 (target loading) to 11. Steps 1 (who) and 12 (store, render) are the caller's.

:func:`decide` answers from a lineup of bits; with ``explain`` it walks offer by offer (walk.py). They share what
follows the sort, and tests hold both to the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from heapq import merge
from types import MappingProxyType

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog, Space
from offerkit.engine.check_call import typed
from offerkit.engine.condition import Facts, Gate, Memo
from offerkit.engine.decision import Chosen, Decision, Trace
from offerkit.engine.history import Past
from offerkit.engine.hooks import Candidate, load_target, post_process, products, rubbish
from offerkit.engine.lineup import Lineup, bits_of, lineup
from offerkit.engine.presentation import Moment, applied, reached
from offerkit.engine.ranking import Entry, once, ranked, tie_key
from offerkit.engine.report import Report
from offerkit.engine.slice import wanted
from offerkit.engine.weights import best, times
from offerkit.engine.why import Why
from offerkit.rules.types import Row, Value


def decide(catalog: Catalog, call: Call, history: Sequence[Past], *, explain: bool = False) -> Decision:
    """The offers for one call, made by ``make_call``, to a contact with ``history``.

    ``history`` needs to reach back ``catalog.longest_period``; its order means nothing. With ``explain`` the answer
    is the same, with a trace, and takes some hundred times longer.
    """
    space = catalog.spaces[call.space]
    reports = list(call.reports)
    facts = _facts(catalog, space, call, reports)
    if catalog.when is not None and catalog.when.gate.value(facts) is not True:
        return _nothing(catalog, facts, reports, explain)
    if explain:
        from offerkit.engine.walk import walk

        return walk(catalog, call, history, facts, reports)
    line = lineup(catalog, space.name, facts.today, wanted(space, call))
    known: dict[Gate, Value] = {}
    alive = line.alive(facts, known)
    computed = _computed(catalog, space, line, alive, Memo(facts, known), facts, reports)
    alive &= ~sum(part.bit for part in line.computed if part.offer.place not in computed)
    eligible = line.count(alive) + len(computed)
    alive &= ~_over(catalog, space, call, line, facts, history)
    computed = {place: found for place, found in computed.items() if alive & line.of_offer[place]}
    presentable = line.count(alive) + len(computed)
    alive &= ~bits_of((catalog.place_of[name] for name in call.exclude if name in catalog.place_of), line.of_offer)
    entries = (entry for place, found in computed.items() if alive & line.of_offer[place] for entry in found)
    chosen = finish(catalog, space, call, facts, _merged(line.standing(alive), list(entries)), reports)
    considered = {"slice": line.members, "eligible": eligible, "presentable": presentable, "chosen": len(chosen)}
    return Decision(chosen, tuple(reports), MappingProxyType(considered))


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


def finish(
    catalog: Catalog, space: Space, call: Call, facts: Facts, entries: Iterable[Entry], reports: list[Report]
) -> tuple[Chosen, ...]:
    """Steps 9 to 11 for what may be proposed: sort, post-process, keep the first n.

    ``entries`` come by weight, highest first. Of a dynamic offer's products the best is kept.
    """
    order = final_order(catalog, space, call, facts, entries, reports)
    return tuple(
        Chosen(catalog.offers[entry.place].name, catalog.offers[entry.place].category, entry.weight, rank, entry.product)
        for rank, entry in enumerate(order[: call.n], 1)
    )
