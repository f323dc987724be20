"""Spaces whose hooks take part in a decision: each contact is decided by itself there (domain.md §3 steps 7 and 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from offerkit.batch import Batch, Decided, People, Program, decide_all
from offerkit.batch.gates import column
from offerkit.batch.program import weights_of
from offerkit.engine.decide import decide
from offerkit.engine.decision import Decision
from offerkit.engine.reasons import Cause, Check, checks
from offerkit.engine.resources import Offer
from offerkit.engine.slice import wanted
from offerkit.engine.weights import tidy
from offerkit.rules.types import Row, Value
from offerkit.store import Store
from offerkit.workflow.proposing import history_of


def asks_hooks(made: Program) -> bool:
    """Whether somebody's code takes part: what target loading adds may count in any condition."""
    space = made.catalog.spaces[made.call.space]
    dynamic = any(weight.dynamic for weight in weights_of(made.line))
    return bool(space.target_loading or space.post_processing or dynamic)


def decide_people(people: People, batch: Batch, store: Store | None, *, count: bool = False) -> Iterator[Decided]:
    """The batch; where hooks take part, with the picks of single calls instead of its own.

    ``count``: there, the reasons of all of them as well (``Decided.counted``), in the same calls.
    ``people`` need all fields of the contact then (offerkit.workflow.simulating.fields_of).
    """
    chunks = decide_all(people, batch)
    return _hooked(people, batch.program, store, chunks, count=count) if asks_hooks(batch.program) else chunks


def _hooked(
    people: People, made: Program, store: Store | None, chunks: Iterator[Decided], *, count: bool
) -> Iterator[Decided]:
    catalog = made.catalog
    first_item: dict[int, int] = {}
    for number, item in enumerate(made.items):
        first_item.setdefault(item.place, number)
    for chunk in chunks:
        picks = chunk.picks.copy()
        picks[:] = -1
        alone = _Alone(made, store, list(contact_rows(people, chunk.first, chunk.picks.shape[1])))
        counted: Counter[tuple[int, Cause]] = Counter()
        for place in range(len(alone.contacts)):
            decision = alone.decide(place, explain=count)
            if count:
                counted.update(alone.causes(decision, whole=False).items())
            for rank, chosen in enumerate(decision.chosen):
                item_ = first_item.get(catalog.place_of[chosen.offer])
                if item_ is not None:
                    picks[rank, place] = item_
        yield replace(chunk, picks=picks, alone=alone.reasons, counted=counted if count else None)


class _Alone:
    """The contacts of a chunk, each decided in a call of its own."""

    def __init__(self, made: Program, store: Store | None, contacts: Sequence[tuple[str, Row]]) -> None:
        self.contacts = contacts
        self._made, self._store, self._catalog = made, store, made.catalog
        self._known: dict[int, Sequence[Check]] = {}
        self._slice = made.catalog.members(wanted(made.catalog.spaces[made.call.space], made.call))

    def decide(self, column: int, *, explain: bool = False) -> Decision:
        """The decision for one of them."""
        key, contact = self.contacts[column]
        catalog, now = self._catalog, self._made.call.now
        history = history_of(self._store, catalog, key, now) if self._store is not None else ()
        call = replace(self._made.call, contact={**catalog.nobody, **contact}, key=key)
        return decide(catalog, call, history, explain=explain, known=self._checks if explain else None)

    def reasons(self, column: int) -> Mapping[int, Cause]:
        """By place, why one of them is not proposed an offer of the slice; of any, if nothing is proposed at all."""
        return self.causes(self.decide(column, explain=True), whole=True)

    def causes(self, decision: Decision, *, whole: bool) -> Mapping[int, Cause]:
        """The same of a decision; ``whole``: not of the slice alone."""
        trace, catalog = decision.trace, self._catalog
        if trace is None:
            return {}
        if trace.environment is not None:
            return dict.fromkeys(range(len(catalog.offers)) if whole else self._slice, trace.environment.cause)
        return {catalog.place_of[out.offer]: out.out.cause for out in trace.verdicts if out.out is not None}

    def _checks(self, offer: Offer) -> Sequence[Check]:
        found = self._known.get(offer.place)
        if found is None:
            space = self._catalog.spaces[self._made.call.space]
            found = self._known[offer.place] = tuple(checks(offer, space, self._made.facts.today))
        return found


def contact_rows(people: People, first: int, count: int) -> Iterator[tuple[str, Row]]:
    """Key and fields of contacts, as the engine takes them."""
    names = list(people.types)
    columns = ", ".join(["k", *(column(name) for name in names)])
    rows = people.connection.execute(
        f"SELECT {columns} FROM contact WHERE n >= ? AND n < ? ORDER BY n",  # noqa: S608 - quoted
        [first, first + count],
    ).fetchall()
    for key, *cells in rows:
        yield key, {name: value_of(cell) for name, cell in zip(names, cells, strict=True)}


def value_of(cell: object) -> Value:
    """What DuckDB gives for a column, as contacts hold it."""
    match cell:
        case Decimal():
            return tidy(cell)
        case list():
            return tuple(cell)
        case _:
            return cell  # type: ignore[return-value]
