"""What each profile allows: the table of domain.md §1 as data, and the profiles that a project declares.

A right is a verb, for ``write`` with a kind, in some environments or in all. Only **applied** profiles count, as only
applied operators do (docs/adr/0058-declared-profiles.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from offerkit.address import SHARED, Kind
from offerkit.models.profiles import BUILT_IN_PROFILES, Verb
from offerkit.state.snapshot import Snapshot

ADMINISTRATOR = "administrator"
OFFER_MANAGER = "offer-manager"
DELIVERY_MANAGER = "delivery-manager"
_ALL_THREE = (ADMINISTRATOR, OFFER_MANAGER, DELIVERY_MANAGER)
_OFFERS = (ADMINISTRATOR, OFFER_MANAGER)

WRITERS: dict[Kind, tuple[str, ...]] = {
    Kind.DIMENSION: (ADMINISTRATOR,),
    Kind.PROFILE: (ADMINISTRATOR,),
    Kind.OPERATOR: (ADMINISTRATOR,),
    Kind.ENVIRONMENT: (ADMINISTRATOR,),
    Kind.RULE: (ADMINISTRATOR,),
    Kind.TYPOLOGY: (ADMINISTRATOR,),
    Kind.SPACE: _OFFERS,
    Kind.FILTER: _OFFERS,
    Kind.CATEGORY: _OFFERS,
    Kind.TEMPLATE: _OFFERS,
    Kind.OFFER: _OFFERS,
    Kind.CAMPAIGN: (ADMINISTRATOR, DELIVERY_MANAGER),
    Kind.CASES: _OFFERS,
    Kind.POLICY: (ADMINISTRATOR,),
    Kind.WEBHOOK: (ADMINISTRATOR,),
}
"""The built-in profiles that may change each kind: in design, and campaigns in live."""

HOLDERS: dict[Verb, tuple[str, ...]] = {
    Verb.READ: _ALL_THREE,
    Verb.APPROVE: (OFFER_MANAGER, ADMINISTRATOR),
    Verb.PROMOTE: _OFFERS,
    Verb.PURGE: (ADMINISTRATOR,),
    Verb.STOP: _OFFERS,
    Verb.DELIVER: _ALL_THREE,
    Verb.KEEP_SIMULATIONS: _ALL_THREE,
    Verb.CONTACTS: (ADMINISTRATOR, DELIVERY_MANAGER),
}
"""The built-in profiles with each right except ``write``, in the order in which they are named."""


@dataclass(frozen=True, slots=True)
class Right:
    """``verb``, for ``write`` on one ``kind``; ``environments``: where it holds, empty for everywhere."""

    verb: Verb
    kind: Kind | None = None
    environments: tuple[str, ...] = ()

    def covers(self, wanted: Right) -> bool:
        """Whether this right includes ``wanted``, which is for one environment, or for all."""
        if (self.verb, self.kind) != (wanted.verb, wanted.kind):
            return False
        return not self.environments or (bool(wanted.environments) and set(wanted.environments) <= {*self.environments})


def right_to(verb: Verb, environment: str, kind: Kind | None = None) -> Right:
    """The right that an action in ``environment`` needs; what all environments share needs a right for all."""
    return Right(verb, kind, () if environment in ("", SHARED) else (environment,))


def _built_in(name: str) -> Iterator[Right]:
    yield from (Right(Verb.WRITE, kind) for kind, writers in WRITERS.items() if name in writers)
    yield from (Right(verb) for verb, holders in HOLDERS.items() if name in holders)


def _declared(body: Mapping[str, Any]) -> Iterator[Right]:
    if body.get("extends") in BUILT_IN_PROFILES:
        yield from _built_in(str(body["extends"]))
    for right in body.get("rights", ()):
        environments = tuple(right.get("environments", ()))
        verb = Verb(right["verb"])
        kinds: Iterable[Kind | None] = map(Kind, right.get("kinds", ())) if verb is Verb.WRITE else (None,)
        yield from (Right(verb, kind, environments) for kind in kinds)


class Profiles:
    """The built-in profiles and the declared ones, each with its rights."""

    def __init__(self, bodies: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """``bodies``: the applied profiles by name. One with a built-in name, which none can have, does not count."""
        self._rights = {name: tuple(_built_in(name)) for name in BUILT_IN_PROFILES}
        self.declared = tuple(sorted(name for name in bodies or {} if name not in self._rights))
        for name in self.declared:
            assert bodies is not None
            self._rights[name] = tuple(_declared(bodies[name]))

    def rights(self, profile: str) -> tuple[Right, ...]:
        """The rights of ``profile``; none for a profile that does not exist any more."""
        return self._rights.get(profile, ())

    def allow(self, profile: str, wanted: Right) -> bool:
        """Whether operators with ``profile`` have the right ``wanted``."""
        return any(right.covers(wanted) for right in self.rights(profile))

    def allowing(self, wanted: Right) -> tuple[str, ...]:
        """The profiles with the right ``wanted``: the built-in ones first."""
        built_in = WRITERS[wanted.kind] if wanted.kind is not None else HOLDERS[wanted.verb]
        return (*built_in, *(name for name in self.declared if self.allow(name, wanted)))


BUILT_IN = Profiles()
"""Only the built-in profiles."""


def applied_profiles(design: Snapshot) -> Profiles:
    """The profiles of the shared stage in ``design``."""
    key = ("profiles", "")
    if key not in design.memo:
        bodies = {address.name: design(address) or {} for address in design.of_kind(Kind.PROFILE)}
        design.memo[key] = Profiles(bodies) if bodies else BUILT_IN
    known: Profiles = design.memo[key]
    return known
