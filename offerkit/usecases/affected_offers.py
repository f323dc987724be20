"""The live offers that a change of settings affects, as the engine decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from offerkit.address import Address, Kind, ancestors, environment_address
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.governance.settings import differing_fields, environments_of, is_setting, renamed_body, same_settings
from offerkit.state.changes import Delta
from offerkit.state.effective import names_in
from offerkit.state.snapshot import Snapshot
from offerkit.usecases.catalogs import Catalogs, catalogs_as_live


def affected_offers(
    live: Snapshot, after: Snapshot, deltas: Iterable[Delta], renames: Mapping[Address, Address]
) -> dict[Address, list[Address]]:
    """By changed settings, the live offers that the change affects, sorted, by their names afterwards.

    ``after``: live after the promotion; ``renames``: from old to new names.
    """
    offers = _Offers(live, after, renames)
    return {
        delta.address: sorted(_reached(offers, delta)) for delta in deltas if is_setting(delta.address, live, after)
    }


def _reached(offers: _Offers, delta: Delta) -> set[Address]:
    address, former = delta.address, delta.moved_from or delta.address
    live, after = offers.live, offers.after
    changed = differing_fields(address, renamed_body(live, former, offers.renames), after(address))
    if not changed and (former == address or same_settings(after, address, live, former, offers.renames)):
        return set()
    match address.kind:
        case Kind.SPACE:
            return offers.on(former, address)
        case Kind.RULE:
            return offers.under(address)
        case Kind.TYPOLOGY:
            return offers.between(address.environment, address)
        case Kind.ENVIRONMENT if changed == {"typology"}:
            return offers.between(address.environment)
        case Kind.ENVIRONMENT:
            return offers.of(address.environment)
        case _:
            return {offer for name in environments_of(address, live, after) for offer in offers.of(name)}


class _Use(NamedTuple):
    """A rule in use and its typology, by their new names. ``outline``: the offers of the outline that names that."""

    rule: Address
    typology: Address
    outline: frozenset[str] | None = None


class _Offers:
    """The offers of live, and those that rules and spaces apply to, before and after."""

    def __init__(self, live: Snapshot, after: Snapshot, renames: Mapping[Address, Address]) -> None:
        self.live, self.after, self.renames = live, after, renames
        self._former = {new: old for old, new in renames.items()}
        self._by_environment: dict[str, set[Address]] = {}
        self._in_use: dict[tuple[bool, str], dict[tuple[str, Address], _Use]] = {}
        self._by_rule: dict[tuple[bool, str], dict[Address, list[_Use]]] = {}

    def of(self, environment: str) -> set[Address]:
        """The offers that are live in an environment."""
        if environment not in self._by_environment:
            self._by_environment[environment] = {
                self._new_name(self.live, offer)
                for offer in self.live.of_kind(Kind.OFFER, environment)
                if self.live.entries[offer].activation and self._new_name(self.live, offer) in self.after.entries
            }
        return self._by_environment[environment]

    def on(self, former: Address, address: Address) -> set[Address]:
        """The offers that are live on a space, before or after."""
        return {
            offer
            for offer in self.of(address.environment)
            if former.name in self._active(self.live, self._former.get(offer, offer))
            or address.name in self._active(self.after, offer)
        }

    def between(self, environment: str, typology: Address | None = None) -> set[Address]:
        """The offers covered by rules that an environment uses only before or only after.

        ``typology``: instead, wherever this one is used before or after, also by outlines of campaigns.
        """
        before, after = self._uses(self.live, environment), self._uses(self.after, environment)
        every = (*before.items(), *after.items())
        places = {place for (place, _), use in every if typology == use.typology} if typology else {""}
        offers: set[Address] = set()
        for place, rule in before.keys() ^ after.keys():
            if place in places:
                view, uses = (self.live, before) if (place, rule) in before else (self.after, after)
                offers |= self._covered(view, uses[place, rule])
        return offers

    def under(self, rule: Address) -> set[Address]:
        """The offers that a rule covers, before or after; none if no typology in use contains the rule."""
        offers: set[Address] = set()
        for view in (self.live, self.after):
            for use in self._uses_of(view, rule):
                offers |= self._covered(view, use)
        return offers

    def _new_name(self, view: Snapshot, address: Address) -> Address:
        return self.renames.get(address, address) if view is self.live else address

    @staticmethod
    def _active(view: Snapshot, offer: Address) -> tuple[str, ...]:
        entry = view.entries.get(offer)
        return (entry.activation if entry is not None else None) or ()

    def _uses(self, view: Snapshot, environment: str) -> dict[tuple[str, Address], _Use]:
        """The rules in use, by where (empty: everywhere, else an outline) and new name.

        An outline's typology adds rules to those of the environment.
        """
        key = view is self.live, environment
        if key not in self._in_use:
            uses = self._in_use[key] = {}
            own = (view(environment_address(environment)) or {}).get("typology")
            for use in self._of_typology(view, environment, own, None):
                uses["", use.rule] = use
            for campaign in view.of_kind(Kind.CAMPAIGN, environment):
                for name, outline in json_map((view(campaign) or {}).get("outlines")).items():
                    body = json_map(outline)
                    named = frozenset(names_in(body.get("offers")))
                    for use in self._of_typology(view, environment, body.get("typology"), named):
                        if ("", use.rule) not in uses:
                            uses[f"{campaign.name}/{name}", use.rule] = use
        return self._in_use[key]

    def _uses_of(self, view: Snapshot, rule: Address) -> Sequence[_Use]:
        """Where one rule is in use."""
        key = view is self.live, rule.environment
        if key not in self._by_rule:
            by_rule = self._by_rule[key] = {}
            for use in self._uses(view, rule.environment).values():
                by_rule.setdefault(use.rule, []).append(use)
        return self._by_rule[key].get(rule, ())

    def _of_typology(
        self, view: Snapshot, environment: str, name: Json, outline: frozenset[str] | None
    ) -> Iterator[_Use]:
        if isinstance(name, str):
            typology = Address(environment, Kind.TYPOLOGY, name)
            for rule in names_in((view(typology) or {}).get("rules")):
                yield _Use(
                    self._new_name(view, typology.beside(Kind.RULE, rule)), self._new_name(view, typology), outline
                )

    def _covered(self, view: Snapshot, use: _Use) -> set[Address]:
        """The live offers that a rule concerns where it is used, by their new names."""
        rule = self._former.get(use.rule, use.rule) if view is self.live else use.rule
        reached = self._reach(view, rule)
        return {self._new_name(view, offer) for offer in reached if use.outline is None or offer.name in use.outline}

    def _reach(self, view: Snapshot, rule: Address) -> set[Address]:
        """The live offers that a rule covers, on spaces of its channel; none if it is inactive."""
        body = view(rule)
        if body is None or body.get("enabled") is False:
            return set()
        live = self.of(rule.environment)
        every = view.of_kind(Kind.OFFER, rule.environment) if live else ()
        offers = [offer for offer in every if self._active(view, offer) and self._new_name(view, offer) in live]
        channel = body.get("channel")
        if channel:
            spaces = {
                space.name
                for space in view.of_kind(Kind.SPACE, rule.environment)
                if (view(space) or {}).get("channel") == channel
            }
            offers = [offer for offer in offers if not spaces.isdisjoint(self._active(view, offer))]
        about = body.get("applies_to")
        if not isinstance(about, dict) or not about:
            return set(offers)
        if about.get("when") and offers:  # a first promotion compiles nothing for this
            return self._compiled(view, rule, offers)
        return {offer for offer in offers if self._named(view, offer, about)}

    @staticmethod
    def _named(view: Snapshot, offer: Address, about: JsonMap) -> bool:
        if offer.name in names_in(about.get("offers")):
            return True
        effective = view.offer(offer)
        if not effective.themes.isdisjoint(names_in(about.get("themes"))):
            return True
        return not set(names_in(about.get("categories"))).isdisjoint(ancestors(effective.category))

    def _compiled(self, view: Snapshot, rule: Address, offers: list[Address]) -> set[Address]:
        """The offers that meet a rule's condition; all if that depends on the time or weights, or in outlines only."""
        catalogs = self._catalogs[0] if view is self.live else self._catalogs[1]
        catalog = catalogs[rule.environment]
        for compiled_rule in catalog.rules:
            if compiled_rule.address == rule and compiled_rule.applies is not None:
                names = {catalog.offers[position].name for position in compiled_rule.applies}
                return {offer for offer in offers if offer.name in names}
        return set(offers)

    @cached_property
    def _catalogs(self) -> tuple[Catalogs, Catalogs]:
        return catalogs_as_live(self.live), catalogs_as_live(self.after)
