"""Decides for all contacts, chunk by chunk (domain.md §3 in batch mode: steps 2 to 6 and 8 to 11).

DuckDB evaluates each condition once for each contact; the results form a Boolean matrix, from which NumPy takes the
first n offers. Hooks are not called here: with hooks, offerkit.usecases.per_contact decides contact by contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from offerkit.batch.condition_sql import bound_condition_sql, gives_integer
from offerkit.batch.condition_table import ConditionTable
from offerkit.batch.contact_histories import NO_COUNTS, HistoryCounts, count_histories
from offerkit.batch.contact_table import ContactTable
from offerkit.batch.exclusions import Exclusions, find_exclusions
from offerkit.batch.program import BatchProgram
from offerkit.engine.condition import BoundCondition
from offerkit.engine.presentation_rules import applies_at
from offerkit.engine.ranking import tie_text
from offerkit.engine.reasons import Cause
from offerkit.engine.resources import PresentationRule
from offerkit.engine.weights import in_units, times
from offerkit.hooks import Product
from offerkit.rules.duckdb_literals import literal
from offerkit.rules.types import BaseType
from offerkit.store import Store

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.generic]
    Flags: TypeAlias = NDArray[numpy.bool_]
    Numbers: TypeAlias = NDArray[numpy.int64]
    Ties: TypeAlias = NDArray[numpy.uint32]
    Picks: TypeAlias = NDArray[numpy.int32]

CHUNK = 32_768
"""The number of contacts that are decided at a time."""
_BEHIND = 1 << 40
"""Greater than every tie, which has 32 bits."""


@dataclass(frozen=True)
class BatchRequest:
    """A program, what presentation rules exclude, and what conditions count of the contacts' histories."""

    program: BatchProgram
    exclusions: Sequence[Exclusions] = ()
    histories: HistoryCounts = NO_COUNTS


@dataclass(frozen=True)
class DecidedChunk:
    """The decisions for a chunk of contacts. ``first``: the number of its first contact. ``picks``: items by rank and
    contact, -1 for none.

    ``holds`` is the matrix of conditions (one row for each condition, the last one for the environment's filter),
    ``eligible`` and ``presentable`` those of items before and after presentation rules. ``positive``: the contacts for
    whom a formula gives a weight. If hooks took part (offerkit.usecases.per_contact): ``kept``, the items that the
    post-processing hook did not drop, and ``productless``, by position, the contacts for whom a dynamic-offer hook
    found no product; ``products``, by rank (from 0) and contact, what dynamic offers became.
    """

    first: int
    picks: NDArray[numpy.int32]
    holds: NDArray[numpy.bool_]
    eligible: NDArray[numpy.bool_]
    presentable: NDArray[numpy.bool_]
    positive: Mapping[BoundCondition, NDArray[numpy.bool_]] = field(default_factory=dict)
    kept: NDArray[numpy.bool_] | None = None
    productless: Mapping[int, Mapping[Cause, NDArray[numpy.bool_]]] = field(default_factory=dict)
    products: Mapping[tuple[int, int], Product] = field(default_factory=dict)


def batch_request(
    people: ContactTable, program: BatchProgram, store: Store | None, *, ruled: bool = True
) -> BatchRequest:
    """The request of ``program`` with what ``store`` has of the contacts; without a store nobody has a history.

    ``ruled``: whether presentation rules exclude offers.
    """
    if store is None:
        return BatchRequest(program, histories=count_histories(people, program, None))
    with store.counting() as history:
        exclusions = find_exclusions(people, program, history) if ruled else []
        return BatchRequest(program, exclusions, count_histories(people, program, history))


def decide_all(people: ContactTable, batch: BatchRequest) -> Iterator[DecidedChunk]:
    """The decisions for all contacts, in the order of the table."""
    decider = _ChunkDecider(batch)
    table = decider.open(people)
    try:
        for first in range(0, people.count, CHUNK):
            yield decider.chunk(people, table, first, min(first + CHUNK, people.count))
    finally:
        table.drop()


class _ChunkDecider:
    """Decides chunks; has what is the same for all of them."""

    def __init__(self, batch: BatchRequest) -> None:
        import numpy

        self._batch = batch
        self._program = program = batch.program
        catalog, items = program.catalog, program.items
        self._ties = numpy.array([catalog.offers[item.position].tie for item in items], dtype=numpy.uint32)
        self._groups = _groups(program)
        self._repeated = _repeated(program)
        self._formulas = _Formulas(program)
        self._environment = [program.number(requirement.condition) for requirement in catalog.requirements]

    def open(self, people: ContactTable) -> ConditionTable:
        """Create the table of every condition for each contact."""
        program = self._program
        before = literal(tie_text(program.call.seed, program.facts.today), BaseType.STRING)
        further = [*self._formulas.columns, f"md5_number_upper({before} || k) AS digest"]
        return ConditionTable(people, program, further)

    def chunk(self, people: ContactTable, table: ConditionTable, first: int, last: int) -> DecidedChunk:
        """The decisions for the contacts from ``first`` to before ``last``."""
        import numpy

        program = self._program
        rows = people.connection.execute(
            f"SELECT * FROM {table.name} WHERE n >= ? AND n < ? ORDER BY n",  # noqa: S608 - our own name
            [first, last],
        ).fetchnumpy()
        width = last - first
        holds = numpy.empty((len(program.conditions) + 1, width), dtype=bool)
        table.holds(rows, holds[:-1])
        self._batch.histories.holds(people, holds, first)
        holds[-1] = holds[self._environment].all(axis=0)
        alive = numpy.empty((len(program.items), width), dtype=bool)
        for position, item in enumerate(program.items):
            alive[position] = holds[-1]
            for condition in item.conditions:
                alive[position] &= holds[condition]
        weights = self._formulas.weights(rows, holds, alive)
        eligible = alive.copy()
        self._apply_exclusions(people, alive, holds, first, self._weighed(eligible, weights))
        presentable = alive.copy()
        for later, earlier in self._repeated:
            alive[later] &= ~presentable[earlier]
        mixing = _mixing(rows["digest"])
        if weights is None:
            picks = by_group(alive, self._groups, self._ties, mixing, program.call.n)
        else:
            picks = by_weight(numpy.where(alive, weights, 0), self._ties, mixing, program.call.n)
        return DecidedChunk(first, picks, holds, eligible, presentable, self._formulas.positive(rows))

    def _apply_exclusions(
        self,
        people: ContactTable,
        alive: NDArray[numpy.bool_],
        holds: NDArray[numpy.bool_],
        first: int,
        weighed: WeighedItems | None,
    ) -> None:
        """Step 8: clear what presentation rules exclude in ``alive``."""
        for part in self._batch.exclusions:
            applies = weighed.applicable(part.rule) if weighed is not None and part.rule.weighs else None
            for columns, items in part.excluded(people, first, first + alive.shape[1]):
                matching = columns if part.contacts is None else columns[holds[part.contacts, columns]]
                for item in items:
                    alive[item, matching if applies is None else matching[applies[item][matching]]] = False

    def _weighed(self, eligible: NDArray[numpy.bool_], weights: Array | None) -> WeighedItems | None:
        """The weights of this chunk, if a rule applies by weight."""
        if not any(part.rule.weighs for part in self._batch.exclusions):
            return None
        return WeighedItems(self._program, eligible, weights, self._formulas.unit)


def _groups(program: BatchProgram) -> list[list[int]]:
    groups: list[list[int]] = []
    weight: Decimal | None = None
    for position, item in enumerate(program.items):
        if item.weight is None:
            continue
        if item.weight != weight:
            groups.append([])
            weight = item.weight
        groups[-1].append(position)
    return groups


def _repeated(program: BatchProgram) -> list[tuple[int, int]]:
    """Pairs of items of the same offer: the later one only counts where the earlier one is out."""
    earlier_items: dict[int, list[int]] = {}
    pairs = []
    for position, item in enumerate(program.items):
        for earlier in earlier_items.setdefault(item.position, []):
            pairs.append((position, earlier))
        earlier_items[item.position].append(position)
    return pairs


def _mixing(digests: Array) -> tuple[NDArray[numpy.uint32], NDArray[numpy.uint32]]:
    """Each contact's factor and shift, from the upper half of the MD5 (offerkit.engine.ranking.mixing)."""
    import numpy

    halves = numpy.ma.getdata(digests).astype("<u8").view("u1").reshape(-1, 8)
    words = halves.view(">u4")
    return words[:, 1].astype(numpy.uint32) | numpy.uint32(1), words[:, 0].astype(numpy.uint32)


class _Formulas:
    """The items whose weight is computed for each contact, exactly: in whole numbers of a common unit."""

    def __init__(self, program: BatchProgram) -> None:
        self._program = program
        self._computed = program.space_program.computed
        self._first = len(program.space_program.entries)
        self.columns: list[str] = []
        self._formula_columns: dict[int, tuple[str, int]] = {}
        """By weight, the column of its formula, and the factor of the numbers in it."""
        digits = 0
        for item in program.items:
            digits = max(digits, _decimals(item.weight) if item.weight is not None else 0)
        for part in self._computed:
            factor = times(Decimal(1), part.factors)
            for weight in part.weights:
                if weight.formula is None:
                    digits = max(digits, _decimals(times(weight.number or Decimal(0), part.factors)))
                else:
                    # An integer has up to 64 bits, which is more than fits before the point of a decimal.
                    is_integer = gives_integer(weight.formula)
                    digits = max(digits, (0 if is_integer else 6) + _decimals(factor))
                    name = f"w{len(self.columns)}"
                    sql = bound_condition_sql(weight.formula, program.facts, program.row_data)
                    self._formula_columns[id(weight)] = name, 1 if is_integer else 10**6
                    value = sql if is_integer else f"CAST(({sql}) AS DECIMAL(38,6)) * CAST(1000000 AS DECIMAL(7,0))"
                    self.columns.append(f"CAST({value} AS BIGINT) AS {name}")
        self.unit = Decimal(10) ** digits

    def positive(self, rows: dict[str, Array]) -> dict[BoundCondition, NDArray[numpy.bool_]]:
        """By formula, the contacts for whom it gives a weight, a number above 0."""
        import numpy

        contacts_by_formula: dict[BoundCondition, NDArray[numpy.bool_]] = {}
        for part in self._computed:
            for weight in part.weights:
                if weight.formula is not None:
                    column = numpy.ma.filled(rows[self._formula_columns[id(weight)][0]], 0)
                    contacts_by_formula[weight.formula] = numpy.greater(column.astype(numpy.int64), 0)
        return contacts_by_formula

    def weights(self, rows: dict[str, Array], holds: NDArray[numpy.bool_], alive: NDArray[numpy.bool_]) -> Array | None:
        """Weights by item and contact; None if none is computed. Clears items without a weight in ``alive``."""
        import numpy

        if not self._computed:
            return None
        numbers: dict[str, NDArray[numpy.object_]] = {}
        for name, _ in self._formula_columns.values():
            column = numpy.ma.filled(rows[name], 0)
            numbers[name] = column.astype(object)
        width = alive.shape[1]
        weights = numpy.zeros((len(self._program.items), width), dtype=object)
        for position, item in enumerate(self._program.items):
            if item.weight is not None:
                weights[position] = int(item.weight * self.unit)
        for number, part in enumerate(self._computed):
            factor = times(Decimal(1), part.factors)
            best = numpy.zeros(width, dtype=object)
            for weight in part.weights:
                if weight.formula is None:
                    value: object = int(times(weight.number or Decimal(0), part.factors) * self.unit)
                    amounts = numpy.full(width, value, dtype=object)
                else:
                    name, millionths = self._formula_columns[id(weight)]
                    amounts = numpy.maximum(numbers[name], 0) * int(factor * self.unit / millionths)
                for requirement in weight.requirements:
                    amounts = numpy.where(holds[self._program.number(requirement.condition)], amounts, 0)
                best = numpy.maximum(best, amounts)
            weights[self._first + number] = best
            alive[self._first + number] &= (best > 0).astype(bool)
        most = max(abs(int(value)) for value in weights.max(axis=1)) if width else 0
        return weights.astype(numpy.int64) if most < 2**62 else weights


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def by_group(alive: Flags, groups: Sequence[Sequence[int]], ties: Ties, mixing: tuple[Ties, Ties], n: int) -> Picks:
    """The picked items, one row for each rank, -1 for none. ``groups``: items of equal weight, the highest first.

    ``ties`` are the items' hashes, ``mixing`` factor and shift of each contact (offerkit.engine.ranking).
    """
    import numpy

    excluded_key = numpy.uint64(_BEHIND)
    width = alive.shape[1]
    picks = numpy.full((n, width), -1, dtype=numpy.int32)
    count = numpy.zeros(width, dtype=numpy.int64)
    for group in groups:
        if len(group) == 1:
            chosen = numpy.flatnonzero(alive[group[0]] & (count < n))
            picks[count[chosen], chosen] = group[0]
            count[chosen] += 1
            continue
        part = alive[list(group)]
        unfilled = numpy.flatnonzero(part.any(axis=0) & (count < n))
        if not len(unfilled):
            continue
        keys = numpy.where(part[:, unfilled], _mixed(ties[list(group)], mixing, unfilled), excluded_key)
        for _ in range(min(n, len(group))):
            best = keys.argmin(axis=0)
            where = numpy.arange(len(unfilled))
            is_pick = (keys[best, where] < excluded_key) & (count[unfilled] < n)
            if not is_pick.any():
                break
            columns, items = unfilled[is_pick], numpy.asarray(group)[best[is_pick]]
            picks[count[columns], columns] = items
            count[columns] += 1
            keys[best, where] = excluded_key
    return picks


def by_weight(weights: Numbers, ties: Ties, mixing: tuple[Ties, Ties], n: int) -> Picks:
    """Like :func:`by_group`, for weights that differ between contacts; 0 means out. Overwrites ``weights``."""
    import numpy

    excluded_key = numpy.uint64(_BEHIND)
    width = weights.shape[1]
    picks = numpy.full((n, width), -1, dtype=numpy.int32)
    columns = numpy.arange(width)
    keys = _mixed(ties, mixing, columns)
    for rank in range(min(n, len(weights))):
        highest = weights.max(axis=0, initial=0)
        candidates = (weights == highest) & (weights > 0)
        if not candidates.any():
            break
        best = numpy.where(candidates, keys, excluded_key).argmin(axis=0)
        has_candidate = highest > 0
        picks[rank, has_candidate] = best[has_candidate]
        weights[best, columns] = 0
    return picks


def _mixed(ties: Ties, mixing: tuple[Ties, Ties], columns: NDArray[numpy.intp]) -> NDArray[numpy.uint64]:
    import numpy

    factor, shift = mixing
    mixed = ties[:, None] * factor[columns][None, :] + shift[columns][None, :]  # wraps around at 2**32, as intended
    return mixed.astype(numpy.uint64)


class WeighedItems:
    """The eligible items of a chunk with their weights, to which rules by weight apply (domain.md §3 step 8).

    ``weights``: by item and contact, in whole numbers, ``unit`` for a weight of 1; None if no weight is computed.
    """

    def __init__(self, program: BatchProgram, eligible: Flags, weights: Array | None, unit: Decimal) -> None:
        self._program, self._eligible, self._weights, self._unit = program, eligible, weights, unit
        self._items_of: dict[int, list[int]] = {}
        for number, item in enumerate(program.items):
            self._items_of.setdefault(item.position, []).append(number)

    def applicable(self, rule: PresentationRule) -> Flags:
        """By item and contact, whether ``rule`` applies to the item's offer with the weight it has for the contact."""
        import numpy

        applies = numpy.zeros_like(self._eligible)
        for items in self._items_of.values():
            undecided = numpy.ones(self._eligible.shape[1], dtype=bool)
            of_offer = numpy.zeros_like(undecided)
            for item in items:  # the highest weight first
                winners = numpy.flatnonzero(undecided & self._eligible[item])
                of_offer[winners] = self._matching(rule, item, winners)
                undecided[winners] = False
            applies[items] = of_offer
        return applies

    def _matching(self, rule: PresentationRule, item: int, contacts: NDArray[numpy.intp]) -> Flags | bool:
        """Whether the rule applies with the weight of ``item``, for these contacts."""
        import numpy

        catalog, facts = self._program.catalog, self._program.facts
        offer, weight = catalog.offers[self._program.items[item].position], self._program.items[item].weight
        if weight is not None:
            return len(contacts) > 0 and applies_at(catalog, rule, offer, weight, facts)
        assert self._weights is not None
        numbers, place_of = numpy.unique(self._weights[item][contacts], return_inverse=True)
        known = [applies_at(catalog, rule, offer, in_units(int(number), self._unit), facts) for number in numbers]
        return numpy.array(known, dtype=bool)[place_of]
