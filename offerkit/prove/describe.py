"""Describes who is concerned: what is true of everybody for whom a goal holds, checked with the solver."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from offerkit.prove.inquiry import Inquiry
from offerkit.prove.result import CommonFact
from offerkit.prove.smt import NoEncodingError, conj, disj, neg
from offerkit.prove.terms import written
from offerkit.rules.types import BaseType, FieldType, Value

_FACTS, _FIELDS, _VALUES, _CHECKS = 3, 8, 12, 60
_ORDERED = (BaseType.INTEGER, BaseType.DECIMAL, BaseType.DATE, BaseType.TIMESTAMP)


class _SpentError(Exception):
    """There have been enough checks."""


class Describer:
    """Finds facts about a goal of an inquiry, within a number of checks."""

    def __init__(self, inquiry: Inquiry, goal: str, literals: dict[BaseType, tuple[Value, ...]]) -> None:
        """``literals``: the constants of the formulas by type, which are the values and bounds that facts have."""
        self._inquiry, self._goal, self._literals = inquiry, goal, literals
        self._checks = 0

    def facts(self, context: str) -> tuple[tuple[CommonFact, ...], bool]:
        """At most three facts, the most telling first; and whether nobody else has them.

        ``context``: what is true of more than those concerned. A fact that follows from it tells less; if it only lists
        all declared values, as for how a contact is identified in a call, it tells nothing.
        """
        candidates: list[tuple[bool, int, CommonFact, str]] = []
        try:
            for key, variable in list(self._inquiry.encoder.fields.items())[:_FIELDS]:
                fact = self._fact(key, variable.type)
                if fact is not None:
                    term = self._term(fact)
                    follows = self._never(context, neg(term))
                    if not (follows and set(fact.among) == set(variable.type.values or (None,))):
                        candidates.append((follows, _breadth(fact), fact, term))
        except _SpentError:
            pass
        candidates.sort(key=lambda each: each[:2])
        chosen = candidates[:_FACTS]
        try:
            exact = bool(chosen) and self._never(conj(*(term for *_, term in candidates)), neg(self._goal))
        except _SpentError:
            exact = False
        return tuple(fact for _, _, fact, _ in chosen), exact and len(candidates) <= _FACTS

    def _never(self, *terms: str) -> bool:
        if self._checks >= _CHECKS:
            raise _SpentError
        self._checks += 1
        return self._inquiry.is_never(conj(*terms))

    def _fact(self, key: tuple[str, str], type_: FieldType) -> CommonFact | None:
        variable = self._inquiry.encoder.fields[key]
        base = type_.base
        if base is BaseType.LIST:
            return CommonFact(key) if self._never(self._goal, neg(variable.null)) else None
        if base is BaseType.BOOLEAN:
            return self._among(key, (True, False), closed=True)
        if base is BaseType.ENUMERATION and type_.values and len(type_.values) <= _VALUES:
            return self._among(key, type_.values, closed=True)
        if base in (BaseType.STRING, BaseType.ENUMERATION):
            texts = self._literals.get(BaseType.STRING, ()) + self._literals.get(BaseType.ENUMERATION, ())
            return self._among(key, tuple(dict.fromkeys(texts))[:_VALUES], closed=False)
        return self._range(key, base) if base in _ORDERED else None

    def _among(self, key: tuple[str, str], values: Sequence[Value], *, closed: bool) -> CommonFact | None:
        """The values that the field can have. ``closed``: there are no others."""
        null = self._inquiry.encoder.fields[key].null
        options = [self._equals(key, value) for value in values]
        if not closed and not self._never(self._goal, neg(null), *(neg(option) for option in options)):
            return None
        possible = [value for value, option in zip(values, options, strict=True) if not self._never(self._goal, option)]
        unknown = not self._never(self._goal, null)
        if closed and unknown and len(possible) == len(values):
            return None
        if not possible:
            return CommonFact(key) if unknown else None
        return CommonFact(key, (*possible, None) if unknown else tuple(possible))

    def _range(self, key: tuple[str, str], base: BaseType) -> CommonFact | None:
        variable = self._inquiry.encoder.fields[key]
        if not self._never(self._goal, variable.null):
            return CommonFact(key) if self._never(self._goal, neg(variable.null)) else None
        bounds = sorted(_bounds(self._literals, base))  # type: ignore[type-var]
        least = next(
            (b for b in reversed(bounds) if self._never(self._goal, f"(< {variable.value} {written(b)})")), None
        )
        most = next((b for b in bounds if self._never(self._goal, f"(> {variable.value} {written(b)})")), None)
        return None if least is most is None else CommonFact(key, least=least, most=most)

    def _equals(self, key: tuple[str, str], value: Value) -> str:
        try:
            return self._inquiry.equals(key, value)
        except NoEncodingError:
            return "false"

    def _term(self, fact: CommonFact) -> str:
        variable = self._inquiry.encoder.fields[fact.field]
        if fact.among:
            return disj(*(self._equals(fact.field, value) for value in fact.among))
        if fact.least is None and fact.most is None:
            return variable.null
        least = "true" if fact.least is None else f"(<= {written(fact.least)} {variable.value})"
        most = "true" if fact.most is None else f"(<= {variable.value} {written(fact.most)})"
        return conj(neg(variable.null), least, most)


def _breadth(fact: CommonFact) -> int:
    """How much a fact leaves open: one value, a few, a range, a bound."""
    if fact.among or (fact.least is None and fact.most is None):
        return max(0, len(fact.among) - 1)
    if fact.least is None or fact.most is None:
        return 200
    return 0 if fact.least == fact.most else 100


def _bounds(literals: dict[BaseType, tuple[Value, ...]], base: BaseType) -> set[Value]:
    """The constants of a type, and for whole numbers and days what is next to them."""
    values: set[Value] = set()
    for value in literals.get(base, ())[:_VALUES]:
        values.add(value)
        try:
            if isinstance(value, int) and not isinstance(value, bool):
                values |= {value - 1, value + 1}
            elif isinstance(value, date) and not isinstance(value, datetime):
                values |= {value - timedelta(days=1), value + timedelta(days=1)}
        except OverflowError:
            continue
    if base is BaseType.DECIMAL:
        values |= {Decimal(value) for value in literals.get(BaseType.INTEGER, ())[:_VALUES] if isinstance(value, int)}
    return {value for value in values if not isinstance(value, int) or abs(value) < 2**62}
