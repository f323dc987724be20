"""The compiled catalog: a stage as the engine asks it, immutable (docs/adr/0012-compiled-catalog.md).

Everything that does not depend on the contact or the moment is worked out when it is made (compile.py): templates
laid under offers, category chains, rules checked and shared, an index by category and theme. What depends on the day
(space_program.py) or is compiled late (condition.py) is made on first use and kept, which changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo

from offerkit.engine.bounded_cache import BoundedCache
from offerkit.engine.hooks import Hooks
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
from offerkit.engine.slice import Slice
from offerkit.engine.space_program import ConditionBundle, SpaceProgram, SpaceProgramBuilder, bundle_of
from offerkit.rules.types import Row


@dataclass(frozen=True, slots=True)
class CatalogCache:
    """What a catalog keeps of what it made: space_programs by space, day and slice; one bundle a space.

    ``about`` says by a presentation rule's place whether it is about an offer in the category that it was proposed in.
    """

    space_programs: BoundedCache[tuple[object, ...], SpaceProgram] = field(default_factory=lambda: BoundedCache(512))
    bundles: BoundedCache[str, ConditionBundle] = field(default_factory=lambda: BoundedCache(64))
    about: dict[int, dict[tuple[str, str], bool]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Catalog:
    """A stage, compiled. ``problems``: rules that could not be read; they never hold.

    ``longest_period`` is how far back presentation rules look: all the history that a decision needs.
    """

    environment: str
    revision: int
    zone: tzinfo
    anonymous: bool
    dimension: CompiledDimension
    call_data: Mapping[str, CallField]
    when: LocatedCondition | None
    spaces: Mapping[str, CompiledSpace]
    categories: Mapping[str, CompiledCategory]
    offers: tuple[CompiledOffer, ...]
    place_of: Mapping[str, int]
    rules: tuple[PresentationRule, ...]
    by_category: Mapping[str, tuple[int, ...]]
    """Offers by category, everything below it included."""
    by_theme: Mapping[str, tuple[int, ...]]
    always: frozenset[int]
    longest_period: timedelta
    hooks: Hooks
    problems: tuple[Report, ...]
    nobody: Row
    """A contact of whom nothing is known."""
    no_data: Row
    """Call data when none was passed."""
    cache: CatalogCache = field(default_factory=CatalogCache, init=False, repr=False)

    def members(self, wanted: Slice) -> list[int]:
        """The places of the slice's offers: below a category or with a theme; both named: both must hold.

        Offers of categories that are always included are added, except when nothing that was named exists, or offers
        are named themselves.
        """
        if wanted.nowhere:
            return []
        if wanted.offers is not None:
            return sorted(self.place_of[name] for name in wanted.offers if name in self.place_of)
        if not wanted.categories and not wanted.themes:
            return list(range(len(self.offers)))
        found: set[int] | None = None
        for names, index in ((wanted.categories, self.by_category), (wanted.themes, self.by_theme)):
            if names:
                places = {place for name in names for place in index.get(name, ())}
                found = places if found is None else found & places
        return sorted((found or set()) | self.always)

    def space_program(self, space: str, today: date, wanted: Slice) -> SpaceProgram:
        """The space_program of a slice on a space and day, made when it is not kept yet."""
        key = (space, today, wanted.nowhere, frozenset(wanted.categories), frozenset(wanted.themes), wanted.offers)
        return self.cache.space_programs.get(key, lambda: self._make_space_program(space, today, self.members(wanted)))

    def about(
        self, place: int, pairs: Set[tuple[str, str]], judge: Callable[[tuple[str, str]], bool]
    ) -> Mapping[tuple[str, str], bool]:
        """Whether the rule at ``place`` is about each of ``pairs``, an offer and the category it was proposed in.

        ``judge`` is asked once for each pair, unless what the rule is about depends on the clock.
        """
        if self.rules[place].applies is None:
            return {pair: judge(pair) for pair in pairs}
        known = self.cache.about.setdefault(place, {})
        new = {pair for pair in pairs if pair not in known}
        if new and len(known) > 2 * len(self.offers) + 1_000:  # offers that are gone, or were elsewhere
            known, new = {}, set(pairs)
            self.cache.about[place] = known
        for pair in new:
            known[pair] = judge(pair)
        return known

    def _make_space_program(self, space: str, today: date, places: Sequence[int]) -> SpaceProgram:
        return SpaceProgramBuilder(self.offers, self.rules, space, today, self._bundle).build(places)

    def _bundle(self, space: str) -> ConditionBundle:
        return self.cache.bundles.get(space, lambda: bundle_of(self.offers, space, self.dimension.name))
