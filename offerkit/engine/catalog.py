"""The compiled catalog: a stage in the form that the engine reads, immutable (docs/adr/0012-compiled-catalog.md).

What depends on neither the contact nor the moment is computed when the catalog is compiled (compile.py): the values
that offers inherit, category chains, checked and shared rules, indexes by category and theme. What depends on the day
(space_program.py) or is compiled lazily (condition.py) is computed on first use and cached; that changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from functools import cached_property
from typing import NamedTuple

from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.hooks import Hooks
from offerkit.engine.predicate_index import SharedParts
from offerkit.engine.report import Report
from offerkit.engine.resources import (
    CallField,
    CompiledCategory,
    CompiledDimension,
    CompiledOffer,
    CompiledSpace,
    LocatedCondition,
    PresentationRule,
)
from offerkit.engine.slice import Slice, SliceSource
from offerkit.engine.space_program import SpaceProgram, SpaceProgramBuilder
from offerkit.models.expression_scopes import OFFER_FIELDS, ExpressionRole, expression_scope
from offerkit.rules.types import FieldType, NameScope, Row
from offerkit.state.former_names import FormerNames

PROGRAM_BYTES = 1 << 28
"""About the most that the space programs of a catalog take; there are at most 512."""


class _ProgramKey(NamedTuple):
    space: str
    today: date
    categories: frozenset[str]
    themes: frozenset[str]
    nowhere: bool
    offers: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class CatalogCache:
    """What a catalog computes lazily: space programs by space, day and slice.

    ``about``: by a presentation rule's position, whether it applies to an offer in the category it was proposed in.
    """

    space_programs: BoundedCache[_ProgramKey, SpaceProgram] = field(
        default_factory=lambda: BoundedCache(
            PROGRAM_BYTES, lambda program: max(program.size_bytes, PROGRAM_BYTES // 512)
        )
    )
    about: dict[int, dict[tuple[str, str], bool]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Catalog:
    """A compiled stage. ``problems``: rules that cannot be read; they never hold.

    ``longest_period``: how far back rules and conditions look, that is, how much history a decision needs.
    ``counts_history``: whether conditions count propositions (``eligible.history``).
    """

    environment: str
    revision: int
    zone: tzinfo
    anonymous: bool
    dimension: CompiledDimension
    call_data: Mapping[str, CallField]
    requirements: tuple[LocatedCondition, ...]
    """The environment's filters in order, then its condition."""
    product_fields: Mapping[str, FieldType]
    """The declared values of the products of dynamic offers."""
    spaces: Mapping[str, CompiledSpace]
    categories: Mapping[str, CompiledCategory]
    offers: tuple[CompiledOffer, ...]
    position_of: Mapping[str, int]
    rules: tuple[PresentationRule, ...]
    by_category: Mapping[str, tuple[int, ...]]
    """Positions of offers by category, including those of its subcategories."""
    by_theme: Mapping[str, tuple[int, ...]]
    always: frozenset[int]
    longest_period: timedelta
    hooks: Hooks
    problems: tuple[Report, ...]
    nobody: Row
    """The profile of a contact about whom nothing is known."""
    no_data: Row
    """The call data of a call without any."""
    no_product: Row
    """``product.<field>`` of an offer that is no product of a dynamic offer."""
    sample_product: Row
    """The declared samples of products' values, for previews."""
    offer_fields: Mapping[str, FieldType]
    """The types of the fields that the environment declares for its offers."""
    parts: SharedParts = field(repr=False)
    """The parts of the conditions, once read: also of the same catalog with other stops."""
    counts_history: bool = False
    former_names: FormerNames = ()
    """What propositions may call otherwise than it is called here."""
    call_facts: tuple[str, ...] = ()
    """The built-in facts of a call that something in the stage reads."""
    cache: CatalogCache = field(default_factory=CatalogCache, init=False, repr=False)

    @cached_property
    def no_offer(self) -> Row:
        """The fields of an offer about which nothing is known, such as one that is no longer in the catalog."""
        return dict.fromkeys((*OFFER_FIELDS, *self.offer_fields))

    @cached_property
    def seldom_read(self) -> frozenset[tuple[str, str]]:
        """What presentation rules read of propositions besides the usual: deliveries, stored data, products."""
        return frozenset[tuple[str, str]]().union(*(rule.seldom_read for rule in self.rules))

    @cached_property
    def shortest_period(self) -> timedelta:
        """How far back the presentation rule looks that looks back least."""
        return min((rule.before for rule in self.rules), default=timedelta(0))

    @cached_property
    def required_data(self) -> tuple[str, ...]:
        """The names of the call data that every call must have."""
        return tuple(name for name, field in self.call_data.items() if field.required)

    @property
    def reads_history(self) -> bool:
        """Whether a decision needs the contact's propositions."""
        return self.counts_history or bool(self.rules)

    def scope(self, role: ExpressionRole, parameters: Mapping[str, FieldType] | None = None) -> NameScope:
        """The names that an expression in ``role`` can use; ``parameters``: those of a filter."""
        data = {name: field.type for name, field in self.call_data.items()}
        dimension = self.dimension
        return expression_scope(
            role, dimension.name, dimension.fields, data, parameters, self.offer_fields, self.product_fields
        )

    def members(self, wanted: Slice) -> list[int]:
        """The positions of the slice's offers: those in a category or with a theme; if both are named, both must match.

        Offers of categories that are always included are added, unless nothing that was named exists or the call names
        offers.
        """
        if wanted.nowhere:
            return []
        if wanted.offers is not None:
            return sorted(self.position_of[name] for name in wanted.offers if name in self.position_of)
        if not wanted.categories and not wanted.themes:
            return list(range(len(self.offers)))
        matching: set[int] | None = None
        for names, index in ((wanted.categories, self.by_category), (wanted.themes, self.by_theme)):
            if names:
                positions = {position for name in names for position in index.get(name, ())}
                matching = positions if matching is None else matching & positions
        return sorted((matching or set()) | self.always)

    def space_program(self, space: str, today: date, wanted: Slice) -> SpaceProgram:
        """The program of a slice on a space and day, cached."""
        key = _ProgramKey(
            space, today, frozenset(wanted.categories), frozenset(wanted.themes), wanted.nowhere, wanted.offers
        )
        return self.cache.space_programs.get(key, lambda: self._make_space_program(space, today, self.members(wanted)))

    def prepare(self, space: str, today: date, wanted: Slice) -> None:
        """Make and compile what calls of a slice need on that day, so that none of them waits for it."""
        self.space_program(space, today, wanted).index.compile()

    def known_slices(self, today: date) -> list[tuple[str, Slice]]:
        """The spaces and slices whose programs of that day are cached, the oldest first."""
        keys = [key for key in self.cache.space_programs.known() if key.today == today]
        return [
            (key.space, Slice(SliceSource.CALL, tuple(key.categories), tuple(key.themes), key.nowhere, key.offers))
            for key in keys
        ]

    def about(
        self, position: int, pairs: Set[tuple[str, str]], judge: Callable[[tuple[str, str]], bool]
    ) -> Mapping[tuple[str, str], bool]:
        """Whether the rule at ``position`` applies to each of ``pairs``: an offer, and the category it was proposed in.

        ``judge`` is called once for each pair, unless the rule's condition on offers depends on the clock.
        """
        if self.rules[position].applies is None:
            return {pair: judge(pair) for pair in pairs}
        known = self.cache.about.setdefault(position, {})
        new = {pair for pair in pairs if pair not in known}
        if new and len(known) > 2 * len(self.offers) + 1_000:  # offers that were deleted or have moved
            known, new = {}, set(pairs)
            self.cache.about[position] = known
        for pair in new:
            known[pair] = judge(pair)
        return known

    def _make_space_program(self, space: str, today: date, positions: Sequence[int]) -> SpaceProgram:
        return SpaceProgramBuilder(self.offers, self.rules, space, today, self.parts).build(positions)
