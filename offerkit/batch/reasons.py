"""Why contacts do not get an offer: the reasons of offerkit.engine.reasons, for a whole chunk at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from offerkit.batch.decide import DecidedChunk
from offerkit.batch.program import BatchProgram
from offerkit.engine import reasons
from offerkit.engine.reasons import Cause, ExclusionReason
from offerkit.engine.resources import CompiledOffer, CompiledWeight
from offerkit.engine.slice import SliceSource, slice_of
from offerkit.engine.weights import applicable_weights

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[numpy.bool_]
    Columns: TypeAlias = NDArray[numpy.intp]


@dataclass(frozen=True)
class _OfferChecks:
    """What an offer must pass, computed once: its items, its checks (None: nobody passes), its weights."""

    own: Sequence[int]
    checks: Sequence[tuple[Cause, int | None]]
    weights: Sequence[CompiledWeight]
    multiplied: bool
    """Whether one of its multipliers is 0."""


class Reasons:
    """The reasons of one program, which must be made with ``batch_program(…, reasons=True)``."""

    def __init__(self, program: BatchProgram) -> None:
        self._program = program
        self._checks_of: dict[int, _OfferChecks] = {}
        space = program.catalog.spaces[program.call.space]
        requested = slice_of(space, program.call)
        self.slice: Sequence[int] = program.catalog.members(requested)
        """The positions of the slice's offers."""
        self._inside = frozenset(self.slice)
        self._others = reasons.not_in_slice(space, called=requested.source is SliceSource.CALL).cause
        self._dropped = reasons.hook_dropped(space).cause
        self._environment = [
            (reasons.environment_check(each).cause, program.number(each.condition))
            for each in program.catalog.requirements
        ]

    def of(self, chunk: DecidedChunk, name: str, columns: Columns) -> list[tuple[Cause, Columns]]:
        """Why the contacts ``columns`` do not get the offer ``name``; each contact has one cause."""
        import numpy

        position = self._program.catalog.position_of.get(name)
        if position is None:
            return [(reasons.no_offer(), columns)]
        remaining = numpy.ones(len(columns), dtype=bool)
        return [(cause, columns[out]) for cause, out in self._out(chunk, position, remaining, lambda row: row[columns])]

    def count(self, chunk: DecidedChunk) -> Iterator[tuple[int, Cause, int]]:
        """By position, why the contacts of a chunk are not proposed each offer of the slice, and how many of them."""
        import numpy

        width = chunk.picks.shape[1]
        has_offer = numpy.zeros((len(self._program.items), width), dtype=bool)
        ranks, columns = numpy.nonzero(chunk.picks >= 0)
        has_offer[chunk.picks[ranks, columns], columns] = True
        for position in self.slice:
            remaining = ~_any(has_offer, self._of(position).own)
            for cause, out in self._out(chunk, position, remaining, lambda row: row):
                yield position, cause, int(numpy.count_nonzero(out))

    def _out(
        self, chunk: DecidedChunk, position: int, left: Flags, look: Callable[[Flags], Flags]
    ) -> Iterator[tuple[Cause, Flags]]:
        """Splits ``left`` by the first reason that applies; ``look`` selects the flags of ``left``."""

        def out(holds: Flags) -> Flags:
            nonlocal left
            excluded, left = left & ~holds, left & holds
            return excluded

        for own_cause, own in self._environment:
            if (excluded := out(look(chunk.holds[own]))).any():
                yield own_cause, excluded
        if position not in self._inside:
            if left.any():
                yield self._others, left
            return
        offer_checks = self._of(position)
        for cause, number in offer_checks.checks:
            if number is None:
                if left.any():
                    yield cause, left
                return
            if (excluded := out(look(chunk.holds[number]))).any():
                yield cause, excluded
        if (excluded := out(look(_any(chunk.eligible, offer_checks.own)))).any():
            for cause, productless in chunk.productless.get(position, {}).items():
                if (none := excluded & look(productless)).any():
                    yield cause, none
                    excluded = excluded & ~none
            yield from self._weightless(chunk, position, excluded, look)
        if (excluded := out(look(_any(chunk.presentable, offer_checks.own)))).any():
            yield reasons.cause_of(ExclusionReason.PRESENTATION_RULE), excluded
        if chunk.kept is not None and (excluded := out(look(_any(chunk.kept, offer_checks.own)))).any():
            yield self._dropped, excluded
        if left.any():
            yield reasons.cause_of(ExclusionReason.BEYOND_N), left

    def _weightless(
        self, chunk: DecidedChunk, position: int, gone: Flags, look: Callable[[Flags], Flags]
    ) -> Iterator[tuple[Cause, Flags]]:
        """Step 6: contacts for whom a weight holds but is 0; then those for whom none holds."""
        offer_checks = self._of(position)
        for weight in offer_checks.weights:
            if not offer_checks.multiplied and (weight.formula is not None or weight.number):
                continue  # contacts for whom it holds are eligible
            if weight.formula is not None and weight.formula in chunk.positive:
                weight_is_zero = gone & look(chunk.positive[weight.formula])
            else:
                weight_is_zero = gone if weight.value is not None else gone & ~gone
            for requirement in weight.requirements:
                weight_is_zero = weight_is_zero & look(chunk.holds[self._program.number(requirement.condition)])
            if weight_is_zero.any():
                yield reasons.weight_zero(weight).cause, weight_is_zero
                gone = gone & ~weight_is_zero
        if gone.any():
            yield reasons.no_weight(self._program.catalog.offers[position]).cause, gone

    def _of(self, position: int) -> _OfferChecks:
        known = self._checks_of.get(position)
        if known is None:
            known = self._checks_of[position] = self._prepared(self._program.catalog.offers[position])
        return known

    def _prepared(self, offer: CompiledOffer) -> _OfferChecks:
        program, today = self._program, self._program.facts.today
        space = program.catalog.spaces[program.call.space]
        return _OfferChecks(
            self._items.get(offer.position, ()),
            [
                (check.cause, None if check.requirement is None else program.number(check.requirement.condition))
                for check in reasons.checks(offer, space, today)
            ],
            applicable_weights(offer, space.name, today),
            any(not factor for _, factor in offer.factors(today)),
        )

    @cached_property
    def _items(self) -> Mapping[int, Sequence[int]]:
        items: dict[int, list[int]] = {}
        for number, item in enumerate(self._program.items):
            items.setdefault(item.position, []).append(number)
        return items


def _any(rows: Flags, chosen: Sequence[int]) -> Flags:
    """By column, whether any of the ``chosen`` rows is set."""
    import numpy

    return numpy.asarray(rows[list(chosen)].any(axis=0), dtype=bool)
