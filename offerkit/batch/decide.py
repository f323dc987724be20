"""The batch (domain.md §3 in batch mode: steps 2 to 6 and 8 to 11): every contact's offers, chunk by chunk.

DuckDB evaluates each condition once for each contact; what holds becomes a matrix of truths, from which NumPy takes
the first n. Hooks are for single calls: a dynamic offer counts as one offer here, and no post-processing runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from offerkit.batch.gates import gate_sql
from offerkit.batch.over import Over
from offerkit.batch.people import People
from offerkit.batch.program import Program
from offerkit.engine.ranking import tie_text
from offerkit.engine.weights import times
from offerkit.rules.duckdb_literals import literal
from offerkit.rules.types import Base

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.generic]

CHUNK = 32_768
"""Contacts that are decided at a time."""


@dataclass(frozen=True)
class Batch:
    """A program, and what history takes from whom."""

    program: Program
    over: Sequence[Over] = ()


@dataclass(frozen=True)
class Decided:
    """A chunk. ``first``: the number of its first contact. ``picks``: items by rank and contact, -1 for none.

    ``holds`` is the matrix of conditions (one row a condition, the last one the environment's filter), ``eligible``
    and ``presentable`` that of items before and after presentation rules.
    """

    first: int
    picks: NDArray[numpy.int32]
    holds: NDArray[numpy.bool_]
    eligible: NDArray[numpy.bool_]
    presentable: NDArray[numpy.bool_]


def decide_all(people: People, batch: Batch) -> Iterator[Decided]:
    """The decisions for all contacts, in their order."""
    made = _Made(batch)
    for first in range(0, people.count, CHUNK):
        yield made.chunk(people, first, min(first + CHUNK, people.count))


class _Made:
    """What is the same for every chunk."""

    def __init__(self, batch: Batch) -> None:
        import numpy

        self._batch = batch
        self._program = program = batch.program
        catalog, items = program.catalog, program.items
        self._ties = numpy.array([catalog.offers[item.place].tie for item in items], dtype=numpy.uint32)
        self._groups = _groups(program)
        self._repeated = _repeated(program)
        self._formulas = _Formulas(program)
        self._environment = None if catalog.when is None else program.number(catalog.when.gate)
        self._sql = self._select()

    def _select(self) -> str:
        program = self._program
        parts = [
            f"coalesce({gate_sql(gate, program.facts)}, FALSE) AS g{place}" for place, gate in enumerate(program.gates)
        ]
        parts += self._formulas.columns
        before = literal(tie_text(program.call.seed, program.facts.today), Base.STRING)
        parts.append(f"md5({before} || k) AS digest")
        if self._batch.over:
            parts.append("k")
        return f"SELECT {', '.join(parts)} FROM contact WHERE n >= ? AND n < ? ORDER BY n"  # noqa: S608 - escaped

    def chunk(self, people: People, first: int, last: int) -> Decided:
        """The contacts from ``first`` to before ``last``."""
        import numpy

        from offerkit.batch.rank import by_group, by_weight

        program = self._program
        rows = people.connection.execute(self._sql, [first, last]).fetchnumpy()
        width = last - first
        holds = numpy.zeros((len(program.gates) + 1, width), dtype=bool)
        for place in range(len(program.gates)):
            holds[place] = rows[f"g{place}"]
        holds[-1] = True if self._environment is None else holds[self._environment]
        alive = numpy.empty((len(program.items), width), dtype=bool)
        for place, item in enumerate(program.items):
            alive[place] = holds[-1]
            for gate in item.gates:
                alive[place] &= holds[gate]
        weights = self._formulas.weights(rows, holds, alive)
        eligible = alive.copy()
        self._take(alive, holds, rows)
        presentable = alive.copy()
        for later, earlier in self._repeated:
            alive[later] &= ~presentable[earlier]
        mixing = _mixing(rows["digest"])
        if weights is None:
            picks = by_group(alive, self._groups, self._ties, mixing, program.call.n)
        else:
            picks = by_weight(numpy.where(alive, weights, 0), self._ties, mixing, program.call.n)
        return Decided(first, picks, holds, eligible, presentable)

    def _take(self, alive: NDArray[numpy.bool_], holds: NDArray[numpy.bool_], rows: dict[str, Array]) -> None:
        """Step 8."""
        if not self._batch.over:
            return
        keys = rows["k"].tolist()
        for part in self._batch.over:
            for column, key in enumerate(keys):
                taken = part.keys.get(key)
                if taken is not None and (part.contacts is None or holds[part.contacts, column]):
                    alive[list(taken), column] = False


def _groups(program: Program) -> list[list[int]]:
    groups: list[list[int]] = []
    weight: Decimal | None = None
    for place, item in enumerate(program.items):
        if item.weight is None:
            continue
        if item.weight != weight:
            groups.append([])
            weight = item.weight
        groups[-1].append(place)
    return groups


def _repeated(program: Program) -> list[tuple[int, int]]:
    """Pairs of items of one offer: the later one counts only where the earlier one is out."""
    seen: dict[int, list[int]] = {}
    pairs = []
    for place, item in enumerate(program.items):
        for earlier in seen.setdefault(item.place, []):
            pairs.append((place, earlier))
        seen[item.place].append(place)
    return pairs


def _mixing(digests: Array) -> tuple[NDArray[numpy.uint32], NDArray[numpy.uint32]]:
    """Factor and shift of each contact, from the hexadecimal digits (offerkit.engine.ranking.mixing)."""
    import numpy

    raw = numpy.frombuffer(bytes.fromhex("".join(digests.tolist())), dtype=">u4").reshape(-1, 4)
    return raw[:, 1].astype(numpy.uint32) | numpy.uint32(1), raw[:, 0].astype(numpy.uint32)


class _Formulas:
    """The items whose weight is worked out for each contact, in whole numbers of one common unit: exact."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._computed = program.line.computed
        self._first = len(program.line.entries)
        self.columns: list[str] = []
        self._places: dict[int, str] = {}
        digits = 0
        for item in program.items:
            digits = max(digits, _decimals(item.weight) if item.weight is not None else 0)
        for part in self._computed:
            factor = times(Decimal(1), part.factors)
            for weight in part.weights:
                if weight.formula is None:
                    digits = max(digits, _decimals(times(weight.number or Decimal(0), part.factors)))
                else:
                    digits = max(digits, 6 + _decimals(factor))
                    self._places[id(weight)] = f"w{len(self.columns)}"
                    sql = gate_sql(weight.formula, program.facts)
                    self.columns.append(f"CAST(({sql}) AS DECIMAL(18,6)) AS w{len(self.columns)}")
        self.columns = [_micro(column) for column in self.columns]
        self._unit = Decimal(10) ** digits

    def weights(self, rows: dict[str, Array], holds: NDArray[numpy.bool_], alive: NDArray[numpy.bool_]) -> Array | None:
        """Weights by item and contact; None when no item needs it. Items without a weight are taken from ``alive``."""
        import numpy

        if not self._computed:
            return None
        numbers: dict[str, NDArray[numpy.object_]] = {}
        for name in self._places.values():
            column = numpy.ma.filled(rows[name], 0)
            numbers[name] = column.astype(object)
        width = alive.shape[1]
        found = numpy.zeros((len(self._program.items), width), dtype=object)
        for place, item in enumerate(self._program.items):
            if item.weight is not None:
                found[place] = int(item.weight * self._unit)
        for number, part in enumerate(self._computed):
            factor = times(Decimal(1), part.factors)
            best = numpy.zeros(width, dtype=object)
            for weight in part.weights:
                if weight.formula is None:
                    value: object = int(times(weight.number or Decimal(0), part.factors) * self._unit)
                    amounts = numpy.full(width, value, dtype=object)
                else:
                    scale = int(factor * self._unit / 10**6)
                    amounts = numpy.maximum(numbers[self._places[id(weight)]], 0) * scale
                if weight.when is not None:
                    amounts = numpy.where(holds[self._program.number(weight.when.gate)], amounts, 0)
                best = numpy.maximum(best, amounts)
            found[self._first + number] = best
            alive[self._first + number] &= (best > 0).astype(bool)
        most = max(abs(int(value)) for value in found.max(axis=1)) if width else 0
        return found.astype(numpy.int64) if most < 2**62 else found


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _micro(column: str) -> str:
    """A decimal of six digits as a whole number of millionths."""
    value, _, name = column.rpartition(" AS ")
    return f"CAST({value} * 1000000 AS BIGINT) AS {name}"
