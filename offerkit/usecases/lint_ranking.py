"""Offers that are always outweighed by one that is always there, and presentation rules contained in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from offerkit.diagnostics import Code, Severity, and_list, or_list
from offerkit.engine.catalog import Catalog
from offerkit.engine.resources import (
    CompiledOffer,
    CompiledSpace,
    CompiledWeight,
    Days,
    LocatedCondition,
    PresentationRule,
)
from offerkit.engine.slice import Slice, SliceSource
from offerkit.engine.weights import plain_number
from offerkit.reports.words import listing
from offerkit.usecases.lint_findings import (
    LintFinding,
    LintPlace,
    LintScope,
    common_days,
    windows_of,
)
from offerkit.usecases.lint_parts import ConditionParts, PartProofs
from offerkit.usecases.lint_structure import Standing
from offerkit.usecases.lint_weights import covers, meet

_CANDIDATES = 8
"""How many of the heaviest offers that are always there each other offer of a space is compared with."""
_NAMED = 3
"""How many presentation rules are named in a finding."""
_RULES = 300
"""How many presentation rules of a typology are compared with each other."""


@dataclass(frozen=True, slots=True)
class _AlwaysThere:
    """An offer for which every contact of the environment is eligible on its days; ``weights``: those for everybody."""

    offer: CompiledOffer
    days: Days
    weights: tuple[CompiledWeight, ...]

    def top(self, space: str) -> Decimal:
        """Its highest number on a space, on any day, before multipliers."""
        numbers = [w.number for w in self.weights if w.number is not None and (not w.spaces or space in w.spaces)]
        return max(numbers, default=Decimal(0))


@dataclass(slots=True)
class _Outweighed:
    """Where an offer is outweighed by another one, and what can take that one away there."""

    most: Decimal
    least: Decimal
    spaces: list[str] = field(default_factory=list)
    unless: dict[str, list[str]] = field(default_factory=dict)


def outweighed_findings(
    scope: LintScope, standings: Mapping[int, Standing], parts: ConditionParts, proofs: PartProofs
) -> Iterator[LintFinding]:
    """Offers that a call for one never gets on a space, because one other offer is always there and weighs more."""
    catalog = scope.catalog
    opened = (offer for offer in catalog.offers if standings[offer.position] is Standing.OPEN)
    offers = [(offer, common_days(windows_of(catalog, offer))) for offer in opened]
    always = list(_always_there(scope, offers, parts, proofs))
    entries: dict[tuple[int, int], _Outweighed] = {}
    for space in catalog.spaces.values():
        members = frozenset(catalog.members(_default_slice(space)))
        there = [each for each in always if space.name in each.offer.spaces and each.offer.position in members]
        there.sort(key=lambda each: (-each.top(space.name), each.offer.position))
        for offer, days in offers if there else ():
            if space.name not in offer.spaces or offer.position not in members:
                continue
            choices = []
            for other in there[:_CANDIDATES]:
                compared = _compared(scope, space.name, offer, days, other)
                if compared is not None:
                    choices.append((other.offer, compared, list(_taken_away(catalog, space, other.offer, offer))))
            if choices:
                heavier, (most, least), reasons = min(choices, key=lambda choice: len(choice[2]))
                entry = entries.setdefault((offer.position, heavier.position), _Outweighed(most, least))
                entry.most, entry.least = max(entry.most, most), min(entry.least, least)
                entry.spaces.append(space.name)
                for why in reasons:
                    entry.unless.setdefault(why, []).append(space.name)
    for (position, by), entry in entries.items():
        yield _outweighed(catalog.offers[position], catalog.offers[by], entry)


def _default_slice(space: CompiledSpace) -> Slice:
    source = SliceSource.DEFAULTS if space.categories or space.themes else SliceSource.WHOLE
    return Slice(source, space.categories, space.themes)


def _always_there(
    scope: LintScope, offers: Sequence[tuple[CompiledOffer, Days]], parts: ConditionParts, proofs: PartProofs
) -> Iterator[_AlwaysThere]:
    """The offers that ask no more of contacts than the environment does, with their weights that do not either."""
    around = parts.all_of(scope.catalog.requirements)

    def free(condition: LocatedCondition) -> bool:
        own = parts.of(condition)
        return bool(own) and proofs.all_implied(own, around)

    for offer, days in offers:
        if any(weight.dynamic for weight in offer.weights):  # the hook may find no product, or give other weights
            continue
        weights = tuple(weight for weight in offer.weights if weight.number and all(map(free, weight.requirements)))
        above = (condition for category in offer.chain for condition in category.requirements)
        if weights and all(map(free, (*above, *offer.requirements))):
            yield _AlwaysThere(offer, days, weights)


def _compared(
    scope: LintScope, space: str, offer: CompiledOffer, days: Days, other: _AlwaysThere
) -> tuple[Decimal, Decimal] | None:
    """The most that ``offer`` can weigh and the least that ``other`` does, if that is more on all days of ``offer``."""
    if other.offer is offer or not covers(other.days, days, scope.today):
        return None
    most = _most(scope, space, offer, days)
    least = max(
        (
            weight.number
            for weight in other.weights
            if weight.number is not None
            and (not weight.spaces or space in weight.spaces)
            and covers(weight.days, days, scope.today)
        ),
        default=None,
    )
    if most is None or least is None:
        return None
    common = {category.path for category in offer.chain} & {category.path for category in other.offer.chain}
    most *= _factor(scope, offer, common, days, highest=True)
    least *= _factor(scope, other.offer, common, days, highest=False)
    return (plain_number(most), plain_number(least)) if most < least else None


def _most(scope: LintScope, space: str, offer: CompiledOffer, days: Days) -> Decimal | None:
    """The highest weight that an offer can have on a space; None if a formula or a hook gives it."""
    most = Decimal(0)
    for weight in offer.weights:
        if (weight.spaces and space not in weight.spaces) or not meet(weight.days, days, scope.today):
            continue
        if weight.number is None or weight.dynamic:
            return None
        most = max(most, weight.number)
    return most


def _factor(scope: LintScope, offer: CompiledOffer, common: set[str], days: Days, *, highest: bool) -> Decimal:
    """The product of an offer's multipliers at its highest or lowest, without those that both offers have."""
    product = Decimal(1)
    for category in offer.chain:
        multiplier = category.multiplier
        if multiplier is None or category.path in common or not meet(multiplier.days, days, scope.today):
            continue
        if covers(multiplier.days, days, scope.today):
            product *= multiplier.factor
        else:
            product *= max(multiplier.factor, Decimal(1)) if highest else min(multiplier.factor, Decimal(1))
    return product


def _taken_away(catalog: Catalog, space: CompiledSpace, other: CompiledOffer, offer: CompiledOffer) -> Iterator[str]:
    """What can leave ``other`` out of a decision on ``space`` that still considers ``offer``."""
    rules = [rule for rule in catalog.rules if rule.channel in ("", space.channel)]
    names = [rule.name for rule in rules if _leaves_out_alone(rule, other, offer)]
    if names:
        yield f"a presentation rule ({listing(names, _NAMED)}) leaves it out"
    if space.post_processing:
        yield f"the hook “{space.post_processing}” leaves it out or moves it back"
    if other.spaces - {space.name}:
        yield "another space of the same call proposes it first"
    below = f"{other.category}/".startswith(f"{offer.category}/") and offer.themes <= other.themes
    if not below and other.position not in catalog.always:
        yield "the call asks for categories or themes that it does not have"
    if not space.channel.startswith("inbound-"):
        yield "a delivery names its offers"


def _leaves_out_alone(rule: PresentationRule, other: CompiledOffer, offer: CompiledOffer) -> bool:
    """Whether a rule can leave ``other`` out for a contact for whom it does not leave ``offer`` out."""
    if rule.applies is None:
        return True
    if other.position not in rule.applies:
        return False
    if offer.position not in rule.applies or rule.of == "offer":
        return True
    return rule.of == "category" and other.category != offer.category


def _outweighed(offer: CompiledOffer, other: CompiledOffer, entry: _Outweighed) -> LintFinding:
    spaces = and_list(entry.spaces)
    reasons = [
        why if len(on) == len(entry.spaces) else f"{why} (on {and_list(on)})" for why, on in entry.unless.items()
    ]
    return LintFinding(
        Code.OUTWEIGHED,
        f"calls for one offer on {spaces} never get {offer.name}: {other.name} is always there and weighs more"
        f" ({entry.least}, not {entry.most} or less)",
        LintPlace(offer.address),
        f"Unless {or_list(reasons)}." if reasons else f"Nothing can take {other.name} away there.",
        f"Give {offer.name} a higher weight, or limit {other.name}.",
        Severity.NOTE if reasons else Severity.WARNING,
        ((f"offer {other.name}", LintPlace(other.address)),),
    )


def rule_findings(scope: LintScope, parts: ConditionParts, proofs: PartProofs) -> Iterator[LintFinding]:
    """Presentation rules of the typology that leave out nothing that another one does not leave out, too."""
    rules = list(scope.catalog.rules[:_RULES])
    staying = list(rules)
    for rule in reversed(rules):
        if rule.applies == frozenset():  # it has no effect on what is there, whatever other rules do
            continue
        others = (other for other in staying if other is not rule)
        wider = next((other for other in others if _contains(scope, other, rule, parts, proofs)), None)
        if wider is not None:
            staying.remove(rule)
            yield LintFinding(
                Code.RULE_CONTAINED,
                f"rule {rule.name} is contained in rule {wider.name}",
                LintPlace(rule.address),
                f"Whatever {rule.name} leaves out, {wider.name} leaves out, too.",
                f"Remove {rule.name}, or make it stricter than {wider.name}.",
                related=((f"rule {wider.name}", LintPlace(wider.address)),),
            )


def _contains(
    scope: LintScope, wide: PresentationRule, narrow: PresentationRule, parts: ConditionParts, proofs: PartProofs
) -> bool:
    """Whether ``wide`` leaves out every offer that ``narrow`` does, for every contact and history."""
    if not (
        wide.maximum <= narrow.maximum
        and wide.before >= narrow.before
        and wide.after >= narrow.after
        and wide.channel in ("", narrow.channel)
        and (not wide.same_channel or narrow.same_channel)
        and (not wide.statuses or (bool(narrow.statuses) and narrow.statuses <= wide.statuses))
        and (wide.when is None or wide.when is narrow.when)
    ):
        return False
    same_subject = _same_subject(wide, narrow)
    if wide.applies is None or narrow.applies is None:
        if not (same_subject or wide.everything):
            return False
    elif not narrow.applies <= wide.applies:
        return False
    if wide.of != "all" and (wide.of != narrow.of or (wide.of == "applies-to" and not same_subject)):
        return False
    if wide.contacts is None:
        return True
    asked = parts.of(wide.contacts)
    given = [*parts.all_of(scope.catalog.requirements), *parts.of(narrow.contacts)]
    return bool(asked) and proofs.all_implied(asked, given)


def _same_subject(wide: PresentationRule, narrow: PresentationRule) -> bool:
    """Whether two rules apply to the same offers by the same words."""
    return (wide.everything, wide.offers, wide.categories, wide.applies_when) == (
        narrow.everything,
        narrow.offers,
        narrow.categories,
        narrow.applies_when,
    )
