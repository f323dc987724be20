"""The live offers that a change of settings affects, as the engine decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from offerkit.address import Address, Kind, ancestors, environment_address
from offerkit.fingerprint import JsonMap
from offerkit.governance.settings import differing_fields, environments_of, is_setting, renamed_body
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
    if not changed:
        return set()
    match address.kind:
        case Kind.SPACE:
            return offers.on(former, address)
        case Kind.RULE:
            return offers.under(former, address)
        case Kind.TYPOLOGY:
            using = (env.name for env in after.of_kind(Kind.ENVIRONMENT, address.environment))
            return {offer for name in using if offers.uses(name, address) for offer in offers.between(name)}
        case Kind.ENVIRONMENT if changed == {"typology"}:
            return offers.between(address.environment)
        case Kind.ENVIRONMENT:
            return offers.of(address.environment)
        case _:
            return {offer for name in environments_of(address, live, after) for offer in offers.of(name)}


class _Offers:
    """The offers of live, and those that rules and spaces apply to, before and after."""

    def __init__(self, live: Snapshot, after: Snapshot, renames: Mapping[Address, Address]) -> None:
        self.live, self.after, self.renames = live, after, renames
        self._former = {new: old for old, new in renames.items()}
        self._by_environment: dict[str, set[Address]] = {}
        self._in_use: dict[tuple[bool, str], dict[Address, None]] = {}

    def of(self, environment: str) -> set[Address]:
        """The offers that are live in an environment."""
        if environment not in self._by_environment:
            self._by_environment[environment] = {
                self._now(offer)
                for offer in self.live.of_kind(Kind.OFFER, environment)
                if self.live.entries[offer].activation and self._now(offer) in self.after.entries
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

    def uses(self, environment: str, typology: Address) -> bool:
        """Whether an environment uses a typology, before or after."""
        return any(
            (view(environment_address(environment)) or {}).get("typology") == name.name
            for view, name in ((self.live, self._former.get(typology, typology)), (self.after, typology))
        )

    def between(self, environment: str) -> set[Address]:
        """The offers covered by rules that an environment uses only before or only after."""
        before = {self._now(rule): rule for rule in self._rules(self.live, environment)}
        after = {rule: self._former.get(rule, rule) for rule in self._rules(self.after, environment)}
        offers: set[Address] = set()
        for rule in before.keys() ^ after.keys():
            if rule in before:
                offers |= {self._now(offer) for offer in self._reach(self.live, before[rule])}
            else:
                offers |= self._reach(self.after, rule)
        return offers & self.of(environment)

    def under(self, former: Address, address: Address) -> set[Address]:
        """The offers that a rule covers, before or after; none if no typology in use contains the rule."""
        environment = address.environment
        offers: set[Address] = set()
        if former in self._rules(self.live, environment):
            offers |= {self._now(offer) for offer in self._reach(self.live, former)}
        if address in self._rules(self.after, environment):
            offers |= self._reach(self.after, address)
        return offers & self.of(environment)

    def _now(self, address: Address) -> Address:
        return self.renames.get(address, address)

    @staticmethod
    def _active(view: Snapshot, offer: Address) -> tuple[str, ...]:
        entry = view.entries.get(offer)
        return (entry.activation if entry is not None else None) or ()

    def _rules(self, view: Snapshot, environment: str) -> Collection[Address]:
        """The rules of an environment's typology, in order."""
        key = view is self.live, environment
        if key not in self._in_use:
            body = view(environment_address(environment)) or {}
            typology = view(Address(environment, Kind.TYPOLOGY, str(body.get("typology")))) or {}
            names = names_in(typology.get("rules"))
            self._in_use[key] = dict.fromkeys(Address(environment, Kind.RULE, name) for name in names)
        return self._in_use[key].keys()

    def _reach(self, view: Snapshot, rule: Address) -> set[Address]:
        """The offers that a rule covers, on spaces of its channel; none if it is inactive."""
        body = view(rule)
        if body is None or body.get("enabled") is False:
            return set()
        offers = [offer for offer in view.of_kind(Kind.OFFER, rule.environment) if self._active(view, offer)]
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
        if about.get("when"):
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
        """The offers that meet a rule's condition; all of them if that depends on the time or on weights."""
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
