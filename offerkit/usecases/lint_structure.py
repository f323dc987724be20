"""What ``lint`` finds without a solver: dates, weights of 0, empty categories, filters and parameters without a use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum

from offerkit.address import Kind, ancestors, environment_address
from offerkit.diagnostics import Code, Severity, and_list
from offerkit.engine.catalog import Catalog
from offerkit.engine.resources import CompiledCategory, CompiledOffer, CompiledWeight, Days
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.prove.question import Holds
from offerkit.reports.words import count
from offerkit.state.effective import filters_of
from offerkit.usecases.conditions import written_conditions
from offerkit.usecases.lint_findings import (
    Agreed,
    LintFinding,
    LintPlace,
    LintScope,
    OpenDays,
    category_windows,
    common_days,
    no_days,
    windows_of,
)
from offerkit.usecases.lint_values import never_products, never_stored, unread_fields


class Standing(StrEnum):
    """Whether an offer can be eligible: yes; no, because it is switched off; not any more; never."""

    OPEN = "open"
    OFF = "off"
    ENDED = "ended"
    NEVER = "never"


def structural_findings(scope: LintScope) -> tuple[list[LintFinding], dict[int, Standing]]:
    """All findings of this module but empty categories, and by position the standing of each offer."""
    findings = [
        *_category_dates(scope),
        *_unused_filters(scope),
        *_unread_parameters(scope),
        *_hidden_facts(scope),
        *never_stored(scope),
        *unread_fields(scope),
        *never_products(scope),
    ]
    standings: dict[int, Standing] = {}
    agreed = Agreed()
    for offer in scope.catalog.offers:
        standings[offer.position], found = _offer(scope, offer, agreed)
        findings += found
    return [*findings, *agreed.findings()], standings


def _category_dates(scope: LintScope) -> Iterator[LintFinding]:
    """Categories and multipliers whose days never come, or have passed; what a category above already says is not
    repeated.
    """
    for path, category in scope.catalog.categories.items():
        windows = category_windows(scope.catalog, path)
        own = windows[-1] if windows and windows[-1].first.address == category.address else None
        above = common_days(windows[:-1] if own is not None else windows)
        if not _enabled(scope.catalog, path) or no_days(above) or _ended(above, scope.today):
            continue
        if own is not None:
            finding = _dates(windows[:-1], own, scope.today, "No offer of it can be proposed.")
            if finding is not None:
                yield finding
                continue
        multiplier = category.multiplier
        if multiplier is not None and multiplier.days != Days():
            window = OpenDays.at(
                multiplier.days, f"the multiplier of category {path}", category.address, ("multiplier",)
            )
            finding = _dates(windows, window, scope.today, "It multiplies no weight.")
            if finding is not None:
                yield finding


def _dates(windows: list[OpenDays], own: OpenDays, today: date, effect: str) -> LintFinding | None:
    """The finding if ``own`` and ``windows``, which have days in common, have none, or only days before ``today``."""
    common = common_days([*windows, own])
    if no_days(common):
        late = max((window for window in [*windows, own] if window.days.first is not None), key=_first)
        early = min((window for window in [*windows, own] if window.days.last is not None), key=_last)
        other = early if late is own else late
        if late is own:
            text = f"{own.name} begins on {late.days.first}, after {other.name} ends on {early.days.last}"
            place, there = own.first, other.last
        else:
            text = f"{own.name} ends on {early.days.last}, before {other.name} begins on {late.days.first}"
            place, there = own.last, other.first
        return LintFinding(
            Code.DATES_NEVER_MEET,
            text,
            place,
            f"They have no day in common. {effect}",
            "Change one of the two periods.",
            related=((f"the period of {other.name}", there),),
        )
    if own.days.last is not None and own.days.last < today:
        return LintFinding(
            Code.ENDED,
            f"{own.name} ended on {own.days.last}",
            own.last,
            effect,
            "Give it new dates, or remove it.",
            Severity.NOTE,
        )
    return None


def _first(window: OpenDays) -> date:
    return window.days.first or date.min


def _last(window: OpenDays) -> date:
    return window.days.last or date.max


def _ended(days: Days, today: date) -> bool:
    return days.last is not None and days.last < today


def _offer(scope: LintScope, offer: CompiledOffer, agreed: Agreed) -> tuple[Standing, list[LintFinding]]:
    """The standing of an offer, and what is to be said of its dates and weights."""
    if not offer.enabled or not offer.spaces or not _enabled(scope.catalog, offer.category):
        return Standing.OFF, []
    above = category_windows(scope.catalog, offer.category)
    windows = windows_of(scope.catalog, offer)
    if no_days(common_days(above)):
        return Standing.NEVER, []
    if _ended(common_days(above), scope.today):
        return Standing.ENDED, []
    if len(windows) > len(above):
        finding = _dates(above, windows[-1], scope.today, "The offer cannot be proposed.")
        if finding is not None:
            standing = Standing.NEVER if finding.code is Code.DATES_NEVER_MEET else Standing.ENDED
            return standing, [_at_offer(finding, offer)]
    if any(_always_zero(category) for category in offer.chain):
        return Standing.NEVER, []
    return _weights(scope, offer, windows, agreed)


def _at_offer(finding: LintFinding, offer: CompiledOffer) -> LintFinding:
    """A finding about dates that come from a template: at the offer, which need not be the only one with them."""
    if finding.place.address == offer.address:
        return finding
    given = (f"offer {offer.name} has its dates from {finding.place.address}", finding.place)
    return LintFinding(
        finding.code,
        finding.summary,
        LintPlace(offer.address),
        finding.detail,
        finding.hint,
        finding.severity,
        (given, *finding.related),
    )


def _always_zero(category: CompiledCategory) -> bool:
    multiplier = category.multiplier
    return multiplier is not None and not multiplier.factor and multiplier.days == Days()


def _weights(
    scope: LintScope, offer: CompiledOffer, windows: list[OpenDays], agreed: Agreed
) -> tuple[Standing, list[LintFinding]]:
    """An offer whose own dates are fine: can one of its weights hold, on a space that it is shown on?"""
    if not any(map(_can_hold, offer.weights)):
        zero = _lone_zero(offer)
        agreed.add(Code.LONE_ZERO, zero.place, zero)
        return Standing.NEVER, []
    outcomes: list[Code | None] = []
    for position, weight in enumerate(offer.weights, 1):
        name = f"weight {position} of {weight.address}" + (f" ({weight.label})" if weight.label else "")
        finding: LintFinding | None = None
        if weight.days != Days():
            window = OpenDays.at(weight.days, name, weight.address, weight.path)
            finding = _dates(windows, window, scope.today, "The weight is not used.")
            agreed.add(Code.DATES_NEVER_MEET, window.first, finding)
        if _can_hold(weight) and (not weight.spaces or weight.spaces & offer.spaces):
            outcomes.append(finding.code if finding is not None else None)
    if None in outcomes:
        return Standing.OPEN, []
    if not outcomes:
        return Standing.NEVER, [_no_space(offer)]
    if Code.ENDED in outcomes:
        return Standing.ENDED, [_no_weight(offer, "ever holds again", "have ended", Code.ENDED)]
    return Standing.NEVER, [_no_weight(offer, "ever holds", "never begin before the offer ends", Code.UNREACHABLE)]


def _can_hold(weight: CompiledWeight) -> bool:
    """Whether a weight can be above 0: neither a 0, nor a formula whose value is known and no weight."""
    return weight.computed or bool(weight.value)


def _lone_zero(offer: CompiledOffer) -> LintFinding:
    weight = offer.weights[0]
    formulas = any(each.formula is not None for each in offer.weights)
    what = "unknown, 0 or less" if formulas else "0"
    return LintFinding(
        Code.LONE_ZERO,
        f"all weights are {what}" if len(offer.weights) > 1 else f"the only weight is {what}",
        LintPlace(weight.address, (*weight.path, "weight" if weight.formula is None else "formula")),
        "An offer with a weight of 0 is never eligible; it does not come last.",
        "Give it a small weight, such as 0.1, to show it when nothing else is left. To switch it off: enabled: false.",
    )


def _no_space(offer: CompiledOffer) -> LintFinding:
    named = sorted({space for weight in offer.weights if _can_hold(weight) for space in weight.spaces})
    address, path = offer.where(("weights",))
    return LintFinding(
        Code.UNREACHABLE,
        f"no contact can be eligible for offer {offer.name} on any space",
        LintPlace(offer.address),
        f"It is shown on {and_list(sorted(offer.spaces))}, but its weights are for {and_list(named)}.",
        "Add a weight for a space that it is shown on.",
        related=(("the weights", LintPlace(address, path)),),
    )


def _no_weight(offer: CompiledOffer, when: str, why: str, code: Code) -> LintFinding:
    address, path = offer.where(("weights",))
    return LintFinding(
        code,
        f"no weight of offer {offer.name} {when}",
        LintPlace(offer.address),
        f"Its weights {why}. The offer cannot be proposed.",
        "Add a weight without dates, or with other ones.",
        Severity.NOTE if code is Code.ENDED else Severity.WARNING,
        (("the weights", LintPlace(address, path)),),
    )


def _enabled(catalog: Catalog, path: str) -> bool:
    """Whether a category and all above it are enabled."""
    return all(catalog.categories[name].enabled for name in ancestors(path))


def empty_categories(scope: LintScope, standings: Mapping[int, Standing]) -> Iterator[LintFinding]:
    """Categories none of whose offers can be eligible; of several below each other only the topmost."""
    catalog = scope.catalog
    reachable = {path for path in catalog.categories if _reachable(catalog, path, standings)}
    parents = {path.rpartition("/")[0] for path in catalog.categories}
    for path, category in catalog.categories.items():
        parent = path.rpartition("/")[0]
        if path in reachable or not _enabled(catalog, path) or (parent and parent not in reachable):
            continue
        days = common_days(category_windows(catalog, path))
        if no_days(days) or _ended(days, scope.today):  # its dates are a finding of their own
            continue
        numbers = Counter(standings[position] for position in catalog.by_category.get(path, ()))
        below = path in parents
        parts = [f"{numbers[standing]:,} {words}" for standing, words in _STANDING_WORDS.items() if numbers[standing]]
        never = not numbers or numbers[Standing.NEVER]
        whole = "It and the categories below it have" if below else "It has"
        yield LintFinding(
            Code.EMPTY_CATEGORY,
            f"no offer of category {path} can be proposed",
            LintPlace(category.address),
            f"{whole} {count(sum(numbers.values()), 'offer')}: {and_list(parts)}." if parts else f"{whole} no offers.",
            "Add an offer, or remove the category; to keep it for later: enabled: false.",
            Severity.WARNING if never else Severity.NOTE,
        )


_STANDING_WORDS = {
    Standing.NEVER: "can never be eligible",
    Standing.ENDED: "ended",
    Standing.OFF: "switched off or not on any space",
}


def _reachable(catalog: Catalog, path: str, standings: Mapping[int, Standing]) -> bool:
    return any(standings[position] is Standing.OPEN for position in catalog.by_category.get(path, ()))


def _unused_filters(scope: LintScope) -> Iterator[LintFinding]:
    """Filters that nothing uses."""
    view, environment = scope.view, scope.catalog.environment
    used = {
        name
        for kind in (Kind.OFFER, Kind.TEMPLATE, Kind.CATEGORY, Kind.ENVIRONMENT)
        for address in view.of_kind(kind, environment)
        for name in filters_of(view(address) or {})
    }
    for address in view.of_kind(Kind.FILTER, environment):
        if address.name not in used:
            yield LintFinding(
                Code.UNUSED_FILTER,
                f"nothing uses filter {address.name}",
                LintPlace(address),
                hint="Remove it, or name it in an offer: eligible: {filters: [" + address.name + "]}.",
            )


def _hidden_facts(scope: LintScope) -> Iterator[LintFinding]:
    """Call data that is named like a built-in fact of a call, which conditions cannot read then."""
    for name in CALL_FACTS:
        if name in scope.catalog.call_data:
            yield LintFinding(
                Code.FACT_HIDDEN,
                f"call data “{name}” hides the {name} of the call",
                LintPlace(environment_address(scope.catalog.environment), ("call_data", name), on_key=True),
                f"interaction.{name} is what a call passes, and not the {name} that every call has.",
                "Rename the call data to read the fact; otherwise nothing is to be done.",
                Severity.NOTE,
            )


def _unread_parameters(scope: LintScope) -> Iterator[LintFinding]:
    """Parameters that the condition of their filter does not read; values for them change nothing."""
    for address in scope.view.of_kind(Kind.FILTER, scope.catalog.environment):
        body = scope.view(address) or {}
        parameters = body.get("parameters")
        if not isinstance(parameters, dict):
            continue
        formula = written_conditions(scope.catalog, address, body).get(("when",))
        if not isinstance(formula, Holds):  # it cannot be read, which is reported elsewhere
            continue
        read = {name for namespace, name in formula.expression.fields if namespace == "parameter"}
        for name in parameters:
            if name not in read:
                yield LintFinding(
                    Code.UNUSED_PARAMETER,
                    f"the condition of filter {address.name} does not read its parameter “{name}”",
                    LintPlace(address, ("parameters", name), on_key=True),
                    "Values that offers give to it change nothing.",
                    f"Remove it, or use it in the condition: parameter.{name}.",
                )
