"""Weights that never win: another one of the same offer is at least as high whenever they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from offerkit.diagnostics import Code
from offerkit.engine.resources import CompiledOffer, CompiledWeight, Days
from offerkit.models.expression_scopes import ExpressionRole
from offerkit.prove.question import Holds
from offerkit.rules.check import RuleError, check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.types import ExpectedResult, Row
from offerkit.usecases.lint_findings import (
    Agreed,
    LintFinding,
    LintPlace,
    LintScope,
    OpenDays,
    common_days,
    no_days,
    windows_of,
)
from offerkit.usecases.lint_parts import ConditionPart, ConditionParts, PartProofs, whole_part
from offerkit.usecases.lint_structure import Standing


def weight_findings(
    scope: LintScope, standings: dict[int, Standing], parts: ConditionParts, proofs: PartProofs
) -> Iterator[LintFinding]:
    """Of each offer, the weights that can be removed without a change; those of templates if all their offers agree."""
    agreed = Agreed()
    lint = _Weights(scope, parts, proofs)
    for offer in scope.catalog.offers:
        if standings[offer.position] is Standing.OPEN and len(offer.weights) > 1:
            lint.add(offer, agreed)
    yield from agreed.findings()


class _Candidate(NamedTuple):
    """A weight that can hold: its position from 1, the spaces and days on which it does, and its condition."""

    position: int
    weight: CompiledWeight
    spaces: frozenset[str]
    days: Days
    parts: tuple[ConditionPart, ...]


class _Weights:
    """Compares the weights of offers."""

    def __init__(self, scope: LintScope, parts: ConditionParts, proofs: PartProofs) -> None:
        self._scope, self._parts, self._proofs = scope, parts, proofs
        self._names = scope.catalog.scope(ExpressionRole.OFFER)

    def add(self, offer: CompiledOffer, agreed: Agreed) -> None:
        """Add an offer's answers: from the last weight on, whether one that stays is always at least as high."""
        candidates = list(self._candidates(offer))
        around = [part for requirement in self._around(offer) for part in requirement]
        staying = list(candidates)
        for weight in reversed(candidates):
            place = LintPlace(weight.weight.address, weight.weight.path)
            winner = next(
                (other for other in staying if other is not weight and self._wins(other, weight, around, offer.row)),
                None,
            )
            if winner is not None:
                staying.remove(weight)
            agreed.add(Code.WEIGHT_NEVER_WINS, place, _finding(weight, winner) if winner is not None else None)

    def _candidates(self, offer: CompiledOffer) -> Iterator[_Candidate]:
        """The weights above 0 that can hold from now on."""
        windows = windows_of(self._scope.catalog, offer)
        for position, weight in enumerate(offer.weights, 1):
            spaces = weight.spaces & offer.spaces if weight.spaces else offer.spaces
            days = common_days([*windows, OpenDays.at(weight.days, "", weight.address, weight.path)])
            ended = days.last is not None and days.last < self._scope.today
            if weight.number != 0 and spaces and not no_days(days) and not ended:
                yield _Candidate(position, weight, spaces, days, self._parts.all_of(weight.requirements))

    def _around(self, offer: CompiledOffer) -> Iterator[tuple[ConditionPart, ...]]:
        yield self._parts.all_of(self._scope.catalog.requirements)
        for category in offer.chain:
            yield self._parts.all_of(category.requirements)
        for requirement in offer.requirements:
            yield self._parts.of(requirement)

    def _wins(self, high: _Candidate, low: _Candidate, around: list[ConditionPart], offer: Row) -> bool:
        """Whether ``high`` holds, and is at least as high, whenever ``low`` holds."""
        if not low.spaces <= high.spaces or not covers(high.weight.days, low.days, self._scope.today):
            return False
        for weight in (high.weight, low.weight):  # one that cannot be read never holds; that is reported elsewhere
            if not all(map(self._parts.of, weight.requirements)):
                return False
        given = [*around, *low.parts]
        value = self._at_least(high, low, given, offer)
        return value and self._proofs.all_implied(high.parts, given)

    def _at_least(self, high: _Candidate, low: _Candidate, given: list[ConditionPart], offer: Row) -> bool:
        """Whether the value of ``high`` is at least that of ``low``, wherever ``low`` holds.

        ``offer``: the values of the fields of the offer whose weights they are.
        """
        above, below = high.weight, low.weight
        strict = (above.dynamic or below.dynamic) and high.position > low.position  # the first of equal ones counts
        sign = ">" if strict else ">="
        if above.number is not None and below.number is not None:
            return above.number > below.number if strict else above.number >= below.number
        if above.formula is not None and below.formula is not None and above.formula is below.formula:
            return not strict
        if self._proofs.prover is None:
            return False
        texts = [_value(weight) for weight in (above, below)]
        place = LintPlace(below.address, below.path)
        try:
            compared = check(f"{texts[0]} {sign} {texts[1]}", self._names, ExpectedResult.CONDITION)
        except RuleError:  # longer or deeper than a condition may be
            return False
        if below.formula is not None and below.formula.expression.checked is not None:
            holds = _of_offer(below.formula.expression.checked, offer, positive=True)
            given = [*given, whole_part(holds, place)]
        return self._proofs.implied(whole_part(_of_offer(compared, offer), place), given)


def _of_offer(expression: CheckedExpression, offer: Row, *, positive: bool = False) -> Holds:
    """An expression about one offer, whose fields are known."""
    read = {name: offer[name] for namespace, name in expression.fields if namespace == "offer"}
    return Holds(expression, (("offer", read),) if read else (), positive)


def covers(days: Days, inner: Days, today: date) -> bool:
    """Whether ``days`` has every day of ``inner`` from ``today`` on."""
    first = today if inner.first is None else max(today, inner.first)
    return (days.first is None or days.first <= first) and (
        days.last is None or (inner.last is not None and inner.last <= days.last)
    )


def meet(days: Days, inner: Days, today: date) -> bool:
    """Whether two periods have a day in common from ``today`` on."""
    first = max(each for each in (days.first, inner.first, today) if each is not None)
    return all(each is None or first <= each for each in (days.last, inner.last))


def _value(weight: CompiledWeight) -> str:
    """A weight's number or formula, as an expression."""
    if weight.formula is not None:
        return f"({weight.formula.expression.text})"
    return _plain(weight.number or Decimal(0))


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def _finding(low: _Candidate, high: _Candidate) -> LintFinding:
    name = f"weight {low.position}" + (f" ({low.weight.label})" if low.weight.label else "")
    other = f"weight {high.position}" + (f" ({high.weight.label})" if high.weight.label else "")
    values = (
        f" ({_plain(high.weight.number)}, not {_plain(low.weight.number)})"
        if high.weight.number is not None and low.weight.number is not None and high.weight.number != low.weight.number
        else ""
    )
    return LintFinding(
        Code.WEIGHT_NEVER_WINS,
        f"{name} never wins: whenever it holds, {other} also holds and is at least as high{values}",
        LintPlace(low.weight.address, low.weight.path),
        "The highest of the weights that hold counts.",
        f"Remove {name}, make it higher, or limit {other}.",
        related=((other, LintPlace(high.weight.address, high.weight.path)),),
    )
