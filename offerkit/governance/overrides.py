"""Overrides: how an entitled second person lifts what nobody else can lift any more, with a reason that is kept.

One mechanism for all of them. What stands in the way is an :class:`Obstacle`, named by what it is about, its address
and the fingerprint of exactly that. An :class:`Override` of it is a revision of its own, and lifts that obstacle and
no other: once what is there changes, it lifts nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self, TypeAlias

from offerkit.address import Address, parse_address
from offerkit.diagnostics import Code, Diagnostic, or_list, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import ADMINISTRATOR, OFFER_MANAGER, Actor
from offerkit.models.profiles import Profile

OVERRIDE_ACTION = "override"
"""The action of a revision that records overrides."""
DETAILS_KEY = "override"
"""Where the details of such a revision list them."""
MAX_REASON = 2000
"""The longest reason, in characters."""

Operators: TypeAlias = Mapping[str, Mapping[str, Json]]
"""The bodies of all operators by name."""


class OverrideKind(StrEnum):
    """What an override takes the place of."""

    REVIEWERS = "reviewers"
    """The word of reviewers who are gone for good."""
    SETTINGS = "settings"
    """A second person who promotes what changes many offers at once."""
    CASES = "cases"
    """Cases that say otherwise."""
    POLICIES = "policies"
    """A policy that denies it."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps something out of live, and what an entitled person who is none of ``authors`` may override.

    ``says`` is the sentence that stands in plans: what is overridden. ``details`` are kept with the override.
    ``named``: the operators who are named for it.
    """

    lifts: OverrideKind
    address: Address
    fingerprint: str
    says: str
    authors: frozenset[str] = frozenset()
    details: Mapping[str, Json] = field(default_factory=dict, compare=False)
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """One that was given: of which obstacle, by whom, why, and in which revision."""

    lifts: OverrideKind
    address: Address
    fingerprint: str
    operator: str
    reason: str
    revision: int
    says: str = ""
    details: Mapping[str, Json] = field(default_factory=dict, compare=False)

    @property
    def sentence(self) -> str:
        """It as plans say it."""
        return (
            f"{self.address}: {self.says}, was overridden by {self.operator} in revision {self.revision}: {self.reason}"
        )


class Revision(Protocol):
    """A revision as the history has it."""

    @property
    def serial(self) -> int: ...
    @property
    def actor(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Json]: ...


class Overrides:
    """All that were given, to be asked whether an obstacle is lifted."""

    def __init__(self, given: Iterable[Override] = ()) -> None:
        """``given``: oldest first."""
        self.given = tuple(given)
        self._by_key = {(each.lifts, each.address, each.fingerprint): each for each in self.given}

    @classmethod
    def of(cls, revisions: Iterable[Revision]) -> Self:
        """Those that ``revisions`` of the action :data:`OVERRIDE_ACTION` record, in any order."""
        rows = sorted(revisions, key=lambda row: row.serial)
        return cls(each for row in rows for each in overrides_in(row.details, row.actor, row.message, row.serial))

    def lifting(self, lifts: OverrideKind, address: Address, fingerprint: str, *, after: int = 0) -> Override | None:
        """The last override of exactly this, if it was given after revision ``after``."""
        found = self._by_key.get((lifts, address, fingerprint))
        return found if found is not None and found.revision > after else None


def overrides_in(details: Mapping[str, Json], operator: str, reason: str, revision: int) -> Iterator[Override]:
    """The overrides that the details of a revision hold; what is none of this version's is left out."""
    found = details.get(DETAILS_KEY)
    for item in found if isinstance(found, list) else ():
        match item:
            case {
                "lifts": str(lifts),
                "address": str(address),
                "fingerprint": str(fingerprint),
                "says": str(says),
                "details": more,
            }:
                try:
                    yield Override(
                        OverrideKind(lifts),
                        parse_address(address),
                        fingerprint,
                        operator,
                        reason,
                        revision,
                        says,
                        more if isinstance(more, dict) else {},
                    )
                except ValueError:
                    continue
            case _:
                continue


def override_details(obstacles: Iterable[Obstacle]) -> dict[str, Json]:
    """``obstacles`` as the details of the revision that overrides them."""
    return {
        DETAILS_KEY: [
            {
                "lifts": each.lifts.value,
                "address": each.address,
                "fingerprint": each.fingerprint,
                "says": each.says,
                "details": dict(each.details),
            }
            for each in sorted(obstacles, key=lambda each: (each.lifts, each.address, each.fingerprint))
        ]
    }


def check_reason(reason: str) -> str:
    """``reason`` without spaces around it. Raises Refused when it says nothing or cannot be kept."""
    text = " ".join(reason.split())
    if not text or len(text) > MAX_REASON or "\0" in text or text != text.encode(errors="replace").decode():
        raise refuse(
            Code.BAD_VALUE,
            "an override needs a reason",
            detail=f"It is kept in the history: some words, in UTF-8, at most {MAX_REASON:,} characters.",
        )
    return text


def entitled(obstacle: Obstacle, operators: Operators) -> tuple[str, ...]:
    """The operators who may override ``obstacle``, sorted: never one of its authors, never an automation.

    Those who are named for it, as long as one of them is there. Else an administrator; where there is one only, or each
    of them is an author, an offer manager as well. A second person for settings may be any offer manager, and any
    operator where there is one administrator only.
    """
    people = {name: str(body.get("profile", "")) for name, body in operators.items() if _is_active_person(body)}
    others = {name: profile for name, profile in people.items() if name not in obstacle.authors}
    if not people.keys().isdisjoint(obstacle.named):
        return tuple(sorted(others.keys() & set(obstacle.named)))
    profiles: set[str] = {ADMINISTRATOR}
    single = sum(profile == ADMINISTRATOR for profile in people.values()) < 2
    if single or ADMINISTRATOR not in others.values() or obstacle.lifts in (OverrideKind.SETTINGS, OverrideKind.CASES):
        profiles.add(OFFER_MANAGER)
    if obstacle.lifts is OverrideKind.SETTINGS and (single or profiles.isdisjoint(others.values())):
        profiles |= set(others.values())
    return tuple(sorted(name for name, profile in others.items() if profile in profiles))


def override_refusal(actor: Actor, obstacle: Obstacle, operators: Operators) -> Diagnostic | None:
    """Why ``actor`` may not override ``obstacle``; None if they may."""
    who = entitled(obstacle, operators)
    if actor.name in who:
        return None
    own = actor.name in obstacle.authors
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name}{_profile(actor.profile)} may not override what keeps {obstacle.address} back: "
        + ("the change is theirs" if own else f"{or_list(who)} may" if who else "nobody may"),
        f"What would be overridden: {obstacle.says}. That takes a second person who is entitled to.",
        f"Let {or_list(who)} override it." if who else "Enable or declare a second administrator.",
        obstacle.address,
    )


def _profile(profile: Profile | None) -> str:
    return f" ({profile})" if profile is not None else ""


def _is_active_person(body: Mapping[str, Json]) -> bool:
    """Whether an operator is a person who may do something."""
    return body.get("enabled") is not False and body.get("automation") is not True


def active_people(names: Collection[str], operators: Operators) -> tuple[str, ...]:
    """Those of ``names`` who are enabled operators, and people."""
    return tuple(name for name in sorted(names) if name in operators and _is_active_person(operators[name]))
