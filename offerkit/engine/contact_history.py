"""The contact's own history in eligibilities (``eligible.history``): numbers of earlier propositions.

A proposition counts from *now − period* to *now*, both ends included, as presentation rules count
(presentation_rules.py): by the offer's name and the category it had when it was proposed, with the status it has now.
A theme means the offers that have it now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from offerkit.engine.condition import BoundCondition, CallFacts, CompiledExpression
from offerkit.engine.history import GroupedHistory, PastProposition, counted_statuses
from offerkit.models.contact_history import HistoryEntry
from offerkit.times import duration

_NO_SPACES = ("", "")
"""Such a condition has no expression, and so no namespaces."""


@dataclass(frozen=True, slots=True)
class CountedPropositions:
    """Which propositions count: those of ``offers`` (of a theme, or a single one), or of ``category`` and below.

    ``statuses``: empty means any. ``text``: in words, without the number. ``theme``: the one that ``offers`` have now.
    """

    offers: frozenset[str]
    category: str
    statuses: frozenset[str]
    period: timedelta
    text: str
    theme: str = ""

    def number(self, facts: CallFacts) -> int:
        """How many propositions of the contact's history count."""
        return 0 if facts.past is None else sum(1 for _ in self.of(facts.past))

    def numbered(self, least: int, most: int | None = None) -> str:
        """The text behind these numbers: ``proposition of offer gold-card in 30d`` behind 1, or at least 1."""
        return self.text.replace("propositions", "proposition", 1) if (most or least) == 1 else self.text

    def within(self, other: CountedPropositions) -> bool:
        """Whether all that counts here counts in ``other`` as well, whichever offers have a theme."""
        if self.theme or other.theme:
            of_other = self.theme == other.theme
        elif other.category:
            of_other = f"{self.category}/".startswith(f"{other.category}/")
        else:
            of_other = not self.category and self.offers == other.offers
        statuses = not other.statuses or (bool(self.statuses) and self.statuses <= other.statuses)
        return of_other and statuses and self.period <= other.period

    def of(self, history: GroupedHistory) -> Iterator[PastProposition]:
        """The propositions that count."""
        if self.category:
            pasts = history.of_category(self.category, self.period)
        else:
            pasts = history.of_offers(self.offers, self.period)
        return (past for past in pasts if not self.statuses or past.status in self.statuses)


@dataclass(frozen=True, eq=False, slots=True)
class HistoryCondition(BoundCondition):
    """The number of counted propositions is at least ``least`` and at most ``most`` (None: any number)."""

    counted: CountedPropositions = field(kw_only=True)
    least: int = field(kw_only=True)
    most: int | None = field(kw_only=True)

    @property
    def uses_clock(self) -> bool:
        """Time decides what is in the period."""
        return True

    def value(self, facts: CallFacts) -> bool:
        """Whether the number is within the limits."""
        number = self.counted.number(facts)
        return number >= self.least and (self.most is None or number <= self.most)


class ContactHistories:
    """The conditions on histories of one environment, each made once. ``carriers`` returns the offers with a theme."""

    def __init__(self, carriers: Callable[[str], frozenset[str]]) -> None:
        self._carriers = carriers
        self._counted: dict[tuple[object, ...], CountedPropositions] = {}
        self._conditions: dict[tuple[object, ...], HistoryCondition] = {}

    def condition(self, entry: HistoryEntry) -> HistoryCondition:
        """The condition of an entry; the same for equal entries."""
        key = (entry.offer, entry.category, entry.theme, entry.status, entry.period)
        counted = self._counted.get(key)
        if counted is None:
            counted = self._counted[key] = CountedPropositions(
                offers=self._offers(entry),
                category=entry.category or "",
                statuses=counted_statuses(entry.status),
                period=duration(entry.period),
                text=_words(entry),
                theme=entry.theme or "",
            )
        name = (*key, entry.at_least, entry.at_most)
        if name not in self._conditions:
            limits = (entry.at_least or 0, entry.at_most)
            text = f"{limits_text(*limits)} {counted.numbered(*limits)}"
            expression = CompiledExpression(text, None, "", _NO_SPACES)
            self._conditions[name] = HistoryCondition(
                expression, counted=counted, least=entry.at_least or 0, most=entry.at_most
            )
        return self._conditions[name]

    def __bool__(self) -> bool:
        """Whether anything is counted."""
        return bool(self._conditions)

    @property
    def longest(self) -> timedelta:
        """The longest period of a condition; 0 without conditions."""
        return max((counted.period for counted in self._counted.values()), default=timedelta(0))

    def _offers(self, entry: HistoryEntry) -> frozenset[str]:
        if entry.theme is not None:
            return self._carriers(entry.theme)
        return frozenset() if entry.offer is None else frozenset({entry.offer})


def limits_text(least: int, most: int | None) -> str:
    """The limits in words: ``at least 1``, ``at most 2``, ``1 to 3``."""
    if most is None:
        return f"at least {least}"
    return f"{least} to {most}" if least else f"at most {most}"


def counted_by(conditions: Iterable[BoundCondition]) -> dict[CountedPropositions, int]:
    """What ``conditions`` count, each once and numbered."""
    counted = dict.fromkeys(each.counted for each in conditions if isinstance(each, HistoryCondition))
    return {each: number for number, each in enumerate(counted)}


def _words(entry: HistoryEntry) -> str:
    kinds = (("offer", entry.offer), ("category", entry.category), ("theme", entry.theme))
    of = next(f"{kind} {name}" for kind, name in kinds if name is not None)
    status = "" if entry.status == "any" else f"{entry.status.replace('-', ' ')} "
    return f"{status}propositions of {of} in {entry.period}"
