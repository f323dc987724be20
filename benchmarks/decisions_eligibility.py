"""Measure eligibility: the answers of 200 rules for one contact, by every way of all three."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decisions_measure import Spread, per_item, spread
from decisions_rules import Contact, Rule
from decisions_ways import CEL, NEVER_MET, OFFERKIT, ZEN, Prepared, Way, ways
from measure import BenchmarkError


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds that one contact takes, all rules."""

    peer: str
    title: str
    contacts: int
    seconds: Spread
    single: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a peer answers as offerkit does, over the contacts and rules compared."""

    peer: str
    contacts: int
    answers: int
    eligible_only_there: int
    """The peer says eligible, we do not: what is unknown counted for them."""
    eligible_only_here: int
    failed: int
    """The peer gave no answer; none is taken as not eligible."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Everything about the rules alone."""

    rules: int
    share: float
    """The part of all answers that is eligible."""
    timed: Sequence[Timed]
    complete: Sequence[Agreement]
    """Contacts of whom everything is known."""
    unknown: Sequence[Agreement]
    """Contacts with something unknown."""

    def best(self, peer: str) -> Timed:
        """A peer's fastest way."""
        return min((each for each in self.timed if each.peer == peer), key=lambda each: each.seconds.median)

    @property
    def never_met(self) -> Timed:
        """Ours, for contacts that were never met before."""
        return next(each for each in self.timed if each.title == NEVER_MET)

    def usual(self, peer: str) -> Timed:
        """A peer's fastest way that asks a rule at a time."""
        ways = (each for each in self.timed if each.peer == peer and each.single)
        return min(ways, key=lambda each: each.seconds.median)


def measure(rules: Sequence[Rule], contacts: Sequence[Contact], rounds: int, quick: bool) -> Eligibility:
    """Check that all agree where nothing is unknown, count where they differ, and time every way in turn."""
    found = ways(rules)
    known = [contact for contact in contacts if contact.complete]
    others = [contact for contact in contacts if not contact.complete]
    few = 20 if quick else 100
    check_ways(found, known[:few])
    ours = next(way for way in found if way.peer == OFFERKIT)
    eligible = sum(sum(map(bool, ours.answers(ours.prepare(contact)))) for contact in known)
    complete = [compare(found, peer, _sample(known, peer, few), len(rules)) for peer in (ZEN, CEL)]
    if any(each.eligible_only_here or each.eligible_only_there or each.failed for each in complete):
        raise BenchmarkError(f"not the same rules: {complete}")
    return Eligibility(
        rules=len(rules),
        share=eligible / (len(known) * len(rules)),
        timed=time_ways(found, known, rounds),
        complete=complete,
        unknown=[compare(found, peer, _sample(others, peer, few), len(rules)) for peer in (ZEN, CEL)],
    )


def _sample(contacts: Sequence[Contact], peer: str, few: int) -> Sequence[Contact]:
    return contacts[:few] if peer == CEL else contacts


def check_ways(found: Sequence[Way], contacts: Sequence[Contact]) -> None:
    """Raise when two ways give different answers for a contact of whom everything is known."""
    for contact in contacts[:20]:
        answers = {way.title: [bool(answer) for answer in way.answers(way.prepare(contact))] for way in found}
        first, *rest = answers
        wrong = [title for title in rest if answers[title] != answers[first]]
        if wrong:
            raise BenchmarkError(f"“{wrong[0]}” does not answer as “{first}” does")


def compare(found: Sequence[Way], peer: str, contacts: Sequence[Contact], rules: int) -> Agreement:
    """Ask a peer and offerkit each rule by itself, and count where they differ."""
    ours = next(way for way in found if way.peer == OFFERKIT)
    theirs = next(way for way in found if way.peer == peer)
    only_there = only_here = failed = 0
    for contact in contacts:
        answers = [bool(answer) for answer in ours.answers(ours.prepare(contact))]
        prepared = theirs.prepare(contact)
        for number in range(rules):
            answer = _answer(theirs, number, prepared)
            failed += answer is None
            only_there += bool(answer) and not answers[number]
            only_here += answers[number] and not answer
    return Agreement(peer, len(contacts), len(contacts) * rules, only_there, only_here, failed)


def _answer(way: Way, number: int, prepared: Prepared) -> bool | None:
    assert way.ask_one is not None
    try:
        return bool(way.ask_one(number, prepared))
    except Exception:  # each peer raises its own, and some only Exception
        return None


def time_ways(found: Sequence[Way], contacts: Sequence[Contact], rounds: int) -> list[Timed]:
    """Time every way once a round, in turn, every second round backwards, after a round that is not counted."""
    jobs: list[Callable[[], float]] = []
    counts = []
    for way in found:
        prepared = [way.prepare(contact) for contact in contacts[: way.contacts]]
        counts.append(len(prepared))
        jobs.append(_job(way, prepared))
    seconds: list[list[float]] = [[] for _ in jobs]
    for round_ in range(rounds + 1):
        for place in range(len(jobs)) if round_ % 2 == 0 else reversed(range(len(jobs))):
            took = jobs[place]()
            if round_:
                seconds[place].append(took)
    return [
        Timed(way.peer, way.title, count, spread(values), way.single)
        for way, count, values in zip(found, counts, seconds, strict=True)
    ]


def _job(way: Way, prepared: Sequence[Prepared]) -> Callable[[], float]:
    def timed() -> float:
        ask = way.ask if way.renew is None else way.renew()

        def ask_all() -> None:
            for each in prepared:
                ask(each)

        return per_item(ask_all, len(prepared))

    return timed
