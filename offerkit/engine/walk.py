"""The explained decision: every offer of the slice, one after the other, step by step (domain.md §3).

It is written to be read beside the domain, and shares no shortcut with the fast way (decide.py): tests hold the two
to the same answer, and benchmarks measure it as the plain loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import Facts, Memo, Path, failure
from offerkit.engine.decision import Decision, Finding, Slice, Trace, Verdict
from offerkit.engine.finish import first, in_order, weigh
from offerkit.engine.history import Past
from offerkit.engine.presentation import Moment, Reached, applied, reached
from offerkit.engine.ranking import Entry
from offerkit.engine.report import Report
from offerkit.engine.resources import Days, Offer, Requirement, Space, Weight
from offerkit.engine.slice import Wanted, wanted
from offerkit.engine.weights import Best, amount, best, standing
from offerkit.engine.why import Why
from offerkit.rules.values import show


def walk(
    catalog: Catalog, space: Space, call: Call, facts: Facts, history: Sequence[Past], reports: list[Report]
) -> Decision:
    """Steps 3 to 11, with a trace."""
    asked = wanted(space, call)
    slice_ = [catalog.offers[place] for place in catalog.members(asked)]
    memo = Memo(facts)
    moment = Moment(call.now, space.name, space.channel)
    rules = [reached(catalog, place, moment, history, facts) for place in range(len(catalog.rules))]
    over = [(found, applied(catalog, found.rule, facts)) for found in rules if found is not None]
    verdicts: dict[int, Verdict] = {}
    entries: list[Entry] = []
    eligible = presentable = 0
    for offer in slice_:
        verdict, found = _offer(catalog, space, offer, memo, reports)
        if found:
            eligible += 1
            verdict = _presented(verdict, offer, over)
            presentable += verdict.out is None
        if verdict.out is None and offer.name in call.exclude:
            reason = "another space of this call proposes it already"
            verdict = replace(verdict, out=Finding(Why.REPEATED, reason, offer.address))
        if verdict.out is None:
            entries.extend(found if space.post_processing else found[:1])
        verdicts[offer.place] = verdict
    entries.sort(key=lambda entry: entry.weight, reverse=True)
    everything = replace(call, n=max(call.n, len(entries)))
    order = in_order(catalog, space, everything, facts, entries, reports)
    chosen = first(catalog, order, call.n)
    _rank(catalog, space, call, verdicts, order)
    trace = Trace(None, _slice(catalog, asked, len(slice_)), tuple(verdicts[offer.place] for offer in slice_))
    considered = {
        "slice": len(slice_), "eligible": eligible, "presentable": presentable, "chosen": len(chosen),
    }  # fmt: skip
    return Decision(chosen, tuple(reports), MappingProxyType(considered), None, trace, facts.data)


def _slice(catalog: Catalog, asked: Wanted, size: int) -> Slice:
    always = tuple(sorted(path for path, category in catalog.categories.items() if category.always))
    return Slice(asked.source, asked.categories, asked.themes, always, size)


def _offer(
    catalog: Catalog, space: Space, offer: Offer, memo: Memo, reports: list[Report]
) -> tuple[Verdict, tuple[Entry, ...]]:
    """Steps 4 to 7 for one offer."""
    out = _categories(offer, memo) or _own(offer, space, memo)
    if out is not None:
        return Verdict(offer.name, offer.category, out), ()
    weights = standing(offer, space.name, memo.facts.today)
    notes = _notes(offer, space, weights, memo)
    found = best(weights, memo)
    weighed = weigh(catalog, offer, found, memo.facts, reports)
    verdict = Verdict(
        offer.name,
        offer.category,
        None if weighed.out is None else _weightless(offer, weighed.out, found, notes),
        weight=weighed.entries[0].weight if weighed.entries else None,
        number=found.number if found is not None else None,
        multipliers=offer.factors(memo.facts.today),
        source=(found.source.address, found.source.path) if found is not None else ("", ()),
        notes=notes,
    )
    return verdict, weighed.entries


def _categories(offer: Offer, memo: Memo) -> Finding | None:
    """Step 4, root to leaf."""
    today = memo.facts.today
    for category in offer.chain:
        name = f"category “{category.path}”"
        if not category.enabled:
            return Finding(Why.CATEGORY_DISABLED, f"{name} is disabled", category.address, ("enabled",))
        if not category.days.hold(today):
            reason, path = _days(name, category.days, memo.facts)
            return Finding(Why.CATEGORY_DATES, reason, category.address, path)
        if category.when is not None and memo.value(category.when.gate) is not True:
            return unmet(category.when, memo.facts, name)
    return None


def _own(offer: Offer, space: Space, memo: Memo) -> Finding | None:
    """Step 5."""
    if not offer.enabled:
        return Finding(Why.OFFER_DISABLED, "the offer is disabled", offer.address, ("enabled",))
    if space.name not in offer.spaces:
        where = ", ".join(sorted(offer.spaces))
        reason = f"it is not activated on {space.name}" + (f", only on {where}" if where else " or any other space")
        return Finding(Why.NOT_ACTIVATED, reason, offer.address)
    if not offer.days.hold(memo.facts.today):
        reason, path = _days("the offer", offer.days, memo.facts)
        return Finding(Why.OFFER_DATES, reason, *offer.where(path))
    for requirement in offer.requirements:
        if memo.value(requirement.gate) is not True:
            what = f"filter “{requirement.name}”" if requirement.why is Why.FILTER else "the offer's condition"
            return unmet(requirement, memo.facts, what)
    return None


def _days(what: str, days: Days, facts: Facts) -> tuple[str, Path]:
    if days.first is not None and facts.today < days.first:
        return f"{what} begins on {days.first}; it is {facts.today}", ("eligible", "from")
    return f"{what} ended on {days.last}; it is {facts.today}", ("eligible", "until")


def unmet(requirement: Requirement, facts: Facts, what: str) -> Finding:
    """Why a condition does not hold: the part of it that is not true, and the values it read."""
    condition = requirement.gate.condition
    if condition.problem:
        reason = f"{what} cannot be read, so it never holds: {condition.problem}"
        return Finding(requirement.why, reason, requirement.address, requirement.path, condition.text)
    found = failure(requirement.gate, facts)
    if found is None:  # the whole is not true although each part is: not for any condition we know of
        return Finding(requirement.why, f"{what} does not hold", requirement.address, requirement.path, condition.text)
    state = "is false" if found.result is False else "is unknown"
    read = ", ".join(f"{name} is {'unknown' if value is None else show(value)}" for name, value in found.values)
    reason = f"{what}: {found.text} {state}" + (f" ({read})" if read else "")
    return Finding(
        requirement.why, reason, requirement.address, requirement.path, found.text, found.offset, found.values
    )


def _notes(offer: Offer, space: Space, weights: Sequence[Weight], memo: Memo) -> tuple[str, ...]:
    """Which weights do not hold, and why."""
    facts = memo.facts
    notes: list[str] = []
    for place, weight in enumerate(offer.weights, 1):
        name = f"weight {place}" + (f" ({weight.label})" if weight.label else "")
        if weight not in weights:
            elsewhere = weight.spaces and space.name not in weight.spaces
            notes.append(f"{name} is only for {', '.join(sorted(weight.spaces))}" if elsewhere
                         else _days(name, weight.days, facts)[0])  # fmt: skip
        elif weight.when is not None and memo.value(weight.when.gate) is not True:
            notes.append(unmet(weight.when, facts, name).reason)
        elif weight.formula is not None and amount(value := memo.value(weight.formula)) is None:
            problem = weight.formula.condition.problem
            gave = (
                f"cannot be read: {problem}" if problem else "is unknown" if value is None else f"gives {show(value)}"
            )
            notes.append(f"{name}: its formula {gave}, so it does not hold")
    return tuple(notes)


def _weightless(offer: Offer, why: Why, found: Best | None, notes: Sequence[str]) -> Finding:
    if why is Why.NO_WEIGHT or found is None:
        reason = "none of its weights holds" + (f": {'; '.join(notes)}" if notes else "")
        return Finding(why, reason, *offer.where(("weights",)))
    if why is Why.NO_PRODUCT:
        reason = f"its dynamic-offer hook “{found.source.dynamic}” found no product"
        return Finding(why, reason, found.source.address, (*found.source.path, "dynamic"))
    reason = "its weight is 0" if not found.number else "its weight times the multipliers is 0"
    return Finding(why, reason, found.source.address, found.source.path)


def _presented(verdict: Verdict, offer: Offer, over: Sequence[tuple[Reached, frozenset[int]]]) -> Verdict:
    """Step 8: the first rule of the typology that excludes the offer."""
    for found, about in over:
        count = found.count(offer) if offer.place in about else 0
        if count:
            rule = found.rule
            reason = f"rule “{rule.name}”: {count} of at most {rule.maximum} propositions counted"
            finding = Finding(Why.PRESENTATION_RULE, reason, rule.address, ("max",))
            return replace(verdict, out=finding)
    return verdict


def _rank(catalog: Catalog, space: Space, call: Call, verdicts: dict[int, Verdict], order: Sequence[Entry]) -> None:
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
            reason = f"the post-processing hook “{space.post_processing}” took it out"
            finding = Finding(Why.HOOK_DROPPED, reason, space.address, ("hooks", "post_processing"))
            verdicts[place] = replace(verdict, out=finding)
        else:
            reason = f"others rank higher, and {call.n} {'was' if call.n == 1 else 'were'} asked for"
            verdicts[place] = replace(verdict, rank=rank, out=Finding(Why.BEYOND_N, reason, offer.address))
