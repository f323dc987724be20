"""``rights``: what each operator may do, where, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offerkit.address import SHARED, SHARED_KINDS, Kind
from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.governance.granted import GrantedRight, OperatorRights
from offerkit.governance.profiles import Profiles, right_to
from offerkit.models.profiles import Verb
from offerkit.store import Store
from offerkit.store.stage_snapshots import environments
from offerkit.usecases.session import operators, profiles, promoters, promotion_settings


def list_rights(store: Store, operator: str = "") -> list[OperatorRights]:
    """The rights of every operator, or of one. Raises Refused for an unknown operator."""
    known = operators(store)
    if operator and operator not in known:
        hint = suggestion(operator, known, "Operators: " + ", ".join(sorted(known)) + ".")
        raise refuse(Code.NO_OPERATOR, f"there is no operator “{operator[:80]}”", hint=hint)
    reader = _RightsReader(store)
    return [reader.of(name, known[name]) for name in sorted(known) if not operator or name == operator]


class _RightsReader:
    """Finds the rights of operators in one state of the store."""

    def __init__(self, store: Store) -> None:
        self._profiles: Profiles = profiles(store)
        self._environments = environments(store)
        self._promoters = promoters(store)
        self._settings = promotion_settings(store)
        self._readers = _named_readers(store)

    def of(self, name: str, body: Mapping[str, Any]) -> OperatorRights:
        """The rights of one operator."""
        profile, automation = str(body.get("profile", "")), bool(body.get("automation", False))
        enabled = body.get("enabled") is not False
        found: dict[tuple[Verb, str], dict[str, list[str]]] = {}
        for verb, kind, where, why in self._each(name, profile, automation) if enabled else ():
            found.setdefault((verb, why), {}).setdefault(kind, []).append(where)
        rights: dict[tuple[Verb, str, tuple[str, ...]], list[str]] = {}
        for (verb, why), kinds in found.items():
            for kind, places in kinds.items():
                rights.setdefault((verb, why, tuple(places)), []).append(kind)
        granted = tuple(
            GrantedRight(verb, tuple(kind for kind in kinds if kind), self._where(places), why)
            for (verb, why, places), kinds in rights.items()
        )
        return OperatorRights(name, profile, enabled, automation, granted)

    def _where(self, places: tuple[str, ...]) -> tuple[str, ...]:
        """``places``; empty if they are all environments."""
        return () if places in ((SHARED,), tuple(self._environments)) else places

    def _each(self, name: str, profile: str, automation: bool) -> Iterator[tuple[Verb, str, str, str]]:
        """Every verb, kind and environment that the operator may use, and why."""
        by_profile = f"profile {profile}"
        for kind in Kind:
            for where in (SHARED,) if kind in SHARED_KINDS else self._environments:
                if self._profiles.allow(profile, right_to(Verb.WRITE, where, kind)):
                    yield Verb.WRITE, kind.value, where, by_profile
        for verb in Verb:
            if verb is Verb.WRITE or (automation and verb in (Verb.APPROVE, Verb.STOP)):
                continue
            for where in self._environments:
                why = self._why(verb, where, name) or by_profile
                named_only = verb is Verb.PROMOTE and where in self._promoters
                if why != by_profile or (not named_only and self._profiles.allow(profile, right_to(verb, where))):
                    yield verb, "", where, why

    def _why(self, verb: Verb, environment: str, name: str) -> str:
        """The property of the environment that names the operator for ``verb``; empty without one."""
        if verb is Verb.PROMOTE and name in self._promoters.get(environment, ()):
            return "promotion.promoters"
        if verb is Verb.STOP and name in self._settings.get(environment, {}).get("stoppers", ()):
            return "promotion.stoppers"
        if verb is Verb.CONTACTS and name in self._readers.get(environment, ()):
            return "contacts.readers"
        return ""


def _named_readers(store: Store) -> dict[str, tuple[str, ...]]:
    from offerkit.usecases.contact_access import environment_bodies

    return {name: tuple(body.get("contacts", {}).get("readers", ())) for name, body in environment_bodies(store)}
