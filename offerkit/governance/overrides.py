"""Overrides: an entitled second person lifts an obstacle and records the reason.

There is one mechanism for all obstacles. An :class:`Obstacle` is identified by its kind, its address and a fingerprint.
An :class:`Override` is stored as a revision and lifts exactly that obstacle: once the resource changes, it lifts
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self, TypeAlias

from offerkit.address import Address, parse_address
from offerkit.diagnostics import Code, Diagnostic, or_list, refuse
from offerkit.fingerprint import Json
from offerkit.governance.profiles import ADMINISTRATOR, OFFER_MANAGER
from offerkit.governance.rights import Actor

OVERRIDE_ACTION = "override"
"""The action of a revision that records overrides."""
DETAILS_KEY = "override"
"""The key in the revision's details that lists the overrides."""
MAX_REASON = 2000
"""The longest reason, in characters."""

Operators: TypeAlias = Mapping[str, Mapping[str, Json]]
"""The bodies of all operators by name."""


class OverrideKind(StrEnum):
    """The kind of requirement that an override replaces."""

    REVIEWERS = "reviewers"
    """The approval of reviewers none of whom can approve any more."""
    SETTINGS = "settings"
    """A second person for a promotion of settings."""
    CASES = "cases"
    """Decision cases that fail or are protected."""
    POLICIES = "policies"
    """A policy that denies a change."""
    CALENDAR = "calendar"
    """A freeze of promotions, or a time outside of their windows."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that keeps a change out of live; an entitled person who is not one of ``authors`` can override it.

    ``says``: the clause that plans show. ``details`` are stored with the override. ``named``: operators named for it.
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
    """A recorded override: its obstacle, operator, reason and revision."""

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
        """The override as a sentence in plans."""
        return (
            f"{self.address}: {self.says}, was overridden by {self.operator} in revision {self.revision}: {self.reason}"
        )


class Revision(Protocol):
    """A revision as the store records it."""

    @property
    def serial(self) -> int: ...
    @property
    def actor(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Json]: ...


class Overrides:
    """All recorded overrides; tells whether an obstacle is lifted."""

    def __init__(self, given: Iterable[Override] = ()) -> None:
        """``given``: oldest first."""
        self.given = tuple(given)
        self._by_key = {(item.lifts, item.address, item.fingerprint): item for item in self.given}

    @classmethod
    def of(cls, revisions: Iterable[Revision]) -> Self:
        """The overrides that ``revisions`` with the action :data:`OVERRIDE_ACTION` record, in any order."""
        rows = sorted(revisions, key=lambda row: row.serial)
        return cls(
            override for row in rows for override in overrides_in(row.details, row.actor, row.message, row.serial)
        )

    def lifting(self, lifts: OverrideKind, address: Address, fingerprint: str, *, after: int = 0) -> Override | None:
        """The last override of exactly this obstacle, if recorded after revision ``after``."""
        result = self._by_key.get((lifts, address, fingerprint))
        return result if result is not None and result.revision > after else None


def overrides_in(details: Mapping[str, Json], operator: str, reason: str, revision: int) -> Iterator[Override]:
    """The overrides in the details of a revision; entries that this version cannot read are left out."""
    overrides = details.get(DETAILS_KEY)
    for item in overrides if isinstance(overrides, list) else ():
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
                        operator=operator,
                        reason=reason,
                        revision=revision,
                        says=says,
                        details=more if isinstance(more, dict) else {},
                    )
                except ValueError:
                    continue
            case _:
                continue


def override_details(obstacles: Iterable[Obstacle]) -> dict[str, Json]:
    """The details of a revision that overrides ``obstacles``."""
    return {
        DETAILS_KEY: [
            {
                "lifts": obstacle.lifts.value,
                "address": obstacle.address,
                "fingerprint": obstacle.fingerprint,
                "says": obstacle.says,
                "details": dict(obstacle.details),
            }
            for obstacle in sorted(
                obstacles, key=lambda obstacle: (obstacle.lifts, obstacle.address, obstacle.fingerprint)
            )
        ]
    }


def check_reason(
    reason: str,
    lacking: str = "an override needs a reason",
    detail: str = f"Write 1 to {MAX_REASON:,} characters of UTF-8 text; they are kept in the history.",
    hint: str = "",
) -> str:
    """``reason`` with whitespace normalized. Raises Refused if it is empty, too long or cannot be stored; the other
    arguments are what is said then.
    """
    text = " ".join(reason.split())
    if not text or len(text) > MAX_REASON or "\0" in text or text != text.encode(errors="replace").decode():
        raise refuse(Code.BAD_VALUE, lacking, detail=detail, hint=hint)
    return text


def entitled(obstacle: Obstacle, operators: Operators) -> tuple[str, ...]:
    """The operators who may override ``obstacle``, sorted: never one of its authors, never an automation.

    If any operator named for it is active, only those named. Otherwise administrators; if there is only one, or all are
    authors, offer managers too. A second person for settings or cases can be any offer manager; for settings, any
    operator if there is only one administrator.
    """
    active = {name: str(body.get("profile", "")) for name, body in operators.items() if _is_active_person(body)}
    eligible = {name: profile for name, profile in active.items() if name not in obstacle.authors}
    if not active.keys().isdisjoint(obstacle.named):
        return tuple(sorted(eligible.keys() & set(obstacle.named)))
    profiles: set[str] = {ADMINISTRATOR}
    single = sum(profile == ADMINISTRATOR for profile in active.values()) < 2
    if (
        single
        or ADMINISTRATOR not in eligible.values()
        or obstacle.lifts in (OverrideKind.SETTINGS, OverrideKind.CASES)
    ):
        profiles.add(OFFER_MANAGER)
    if obstacle.lifts is OverrideKind.SETTINGS and (single or profiles.isdisjoint(eligible.values())):
        profiles |= set(eligible.values())
    return tuple(sorted(name for name, profile in eligible.items() if profile in profiles))


def override_refusal(actor: Actor, obstacle: Obstacle, operators: Operators) -> Diagnostic | None:
    """The reason why ``actor`` is not allowed to override ``obstacle``, or None."""
    who = entitled(obstacle, operators)
    if actor.name in who:
        return None
    own = actor.name in obstacle.authors
    return Diagnostic(
        Code.NOT_ALLOWED,
        f"{actor.name}{_profile(actor.profile)} is not allowed to override what keeps {obstacle.address} back: "
        + ("they made the change" if own else f"only {or_list(who)} may" if who else "nobody may"),
        f"What would be overridden: {obstacle.says}. An override needs a second, entitled person.",
        f"Ask {or_list(who)} to override it." if who else "Enable or declare a second administrator.",
        obstacle.address,
    )


def _profile(profile: str | None) -> str:
    return f" ({profile})" if profile is not None else ""


def _is_active_person(body: Mapping[str, Json]) -> bool:
    """Whether an operator is enabled and not an automation."""
    return body.get("enabled") is not False and body.get("automation") is not True


def active_people(names: Collection[str], operators: Operators) -> tuple[str, ...]:
    """Those of ``names`` who are enabled operators and not automations, sorted."""
    return tuple(name for name in sorted(names) if name in operators and _is_active_person(operators[name]))
