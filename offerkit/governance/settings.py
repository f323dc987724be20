"""Settings: environments with their filters, spaces, rules, typologies, dimensions and policies.

They affect many offers at once.

No approval of an offer covers them. If an environment names reviewers of its settings, a change waits for their
approval, which is bound to a fingerprint. With separation of duties, nobody alone promotes settings they changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offerkit.address import SHARED, Address, Kind, environment_address
from offerkit.diagnostics import Code, Diagnostic
from offerkit.fingerprint import Json, JsonMap, canonical, digest, json_map
from offerkit.governance.approvals import Decisions, rejected
from offerkit.governance.aspects import approval_keys
from offerkit.governance.bound_reads import product_field_meaning, read_by_settings
from offerkit.models import model_of
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.state.effective import filters_of
from offerkit.state.references import resource_refs
from offerkit.state.snapshot import BeforeAfter, Snapshot

SETTING_KINDS = (Kind.DIMENSION, Kind.ENVIRONMENT, Kind.SPACE, Kind.RULE, Kind.TYPOLOGY, Kind.POLICY)
"""The kinds that are settings."""
SCHEME = "2:"
"""The prefix of a setting's fingerprint."""

_FOR_READERS = frozenset({"label", "description"})
_FOR_EXAMPLES = frozenset({"range", "examples"})
"""The properties of a dimension's field, or of call data, that only invented examples use."""
_ENVIRONMENT_EXAMPLES = "call_data_examples"
"""What only previews use of an environment."""
_DECLARING_FIELDS = {Kind.DIMENSION: "fields", Kind.ENVIRONMENT: "call_data"}
_FOR_AUTHORS = frozenset({"label", "description", "range", "required"})
"""The properties of a declared field of offers that judge specs, or are for readers; they do not affect contacts."""
_APPROVED_AS_CONTENT = frozenset({"fields", "render"})
_OF_PEOPLE = frozenset({"promotion", "impact", "contacts", "reviewers"})
"""The fields of an environment about who may do what; they do not affect contacts."""


def is_setting(address: Address, *views: Snapshot) -> bool:
    """Whether a resource is a setting: by its kind, or a filter of the environment itself in one of ``views``."""
    if address.kind is not Kind.FILTER:
        return address.kind in SETTING_KINDS
    environment = environment_address(address.environment)
    return any(address.name in filters_of(view(environment) or {}) for view in views)


def settings_in(*views: Snapshot) -> Iterator[Address]:
    """The settings in any of ``views``; one can come twice."""
    for view in views:
        for kind in SETTING_KINDS:
            yield from view.of_kind(kind)
        for environment in view.of_kind(Kind.ENVIRONMENT):
            used = {environment.beside(Kind.FILTER, name) for name in filters_of(view(environment) or {})}
            yield from (address for address in used if any(address in each.entries for each in views))


def settings_key(view: Snapshot, address: Address) -> ApprovalKey:
    """The approval key of the settings at ``address`` in ``view``; there is one for their absence, too."""
    return ApprovalKey(address, Aspect.SETTINGS, "", SCHEME + digest(b"settings", _meaning(view, address)))


def keys_to_decide(view: Snapshot, address: Address) -> list[ApprovalKey]:
    """All keys to decide on at ``address``: an offer's aspects, or one key for settings."""
    return approval_keys(view, address) if address.kind is Kind.OFFER else [settings_key(view, address)]


def same_settings(
    view: Snapshot, address: Address, other: Snapshot, former: Address, renames: Mapping[Address, Address]
) -> bool:
    """Whether the settings at ``former`` in ``other`` equal those at ``address`` in ``view``, apart from renames.

    ``renames``: addresses in ``other`` → addresses in ``view``. Other settings that name them must follow the rename.
    """
    if former != address and address in names_that_stay(view, other, renames):
        return False
    return _meaning(view, address) == _meaning(other, former, renames)


def names_that_stay(view: Snapshot, other: Snapshot, renames: Mapping[Address, Address]) -> set[Address]:
    """The addresses that settings of ``view`` name, as they did in ``other``: no rename was followed.

    If something else has such a name in ``view``, the settings mean that now.
    """
    return {name for _, _, names in _names_kept(view, other, renames) for name in names}


def _names_kept(
    view: Snapshot, other: Snapshot, renames: Mapping[Address, Address]
) -> Iterator[tuple[Address, Address, set[Address]]]:
    """The settings in both states, by their address in ``view`` and in ``other``, with what they name in both."""
    old_names = {new: old for old, new in renames.items()}
    for user in (user for kind in SETTING_KINDS for user in view.of_kind(kind)):
        was = old_names.get(user, user)
        if was in other.entries and (names := set(view.references(user)).intersection(other.references(was))):
            yield user, was, names


def _meaning(view: Snapshot, address: Address, renames: Mapping[Address, Address] | None = None) -> bytes:
    """The canonical bytes of the settings at ``address``, without what affects no contact (labels, plausible
    values of fields) and without a space's fields and rendering (approved with each offer's content).

    Other settings can read the name of a space, so that a renamed one is bound to its name.
    """
    called = read_by_settings(view, address) if address.kind is Kind.SPACE else ""
    effective = _effective(address, renamed_body(view, address, renames or {}))
    return canonical([address.kind, effective, called] if called else [address.kind, effective])


def renamed_body(view: Snapshot, address: Address, renames: Mapping[Address, Address]) -> JsonMap | None:
    """The body at ``address`` in ``view`` with its references renamed, in canonical form."""
    body = view.read(address)
    return body if body is None or not renames else _with_names(address, body, renames)


def _effective(address: Address, body: JsonMap | None) -> JsonMap | None:
    left_out = _FOR_READERS | {_ENVIRONMENT_EXAMPLES} | (_APPROVED_AS_CONTENT if address.kind is Kind.SPACE else set())
    if body is None:
        return None
    result = {name: value for name, value in body.items() if name not in left_out}
    declared = _DECLARING_FIELDS.get(address.kind, "")
    if isinstance(fields := result.get(declared), dict):
        result[declared] = {name: field_meaning(field) for name, field in fields.items()}
    if isinstance(fields := result.get("offer_fields"), dict):
        result["offer_fields"] = {
            name: {key: value for key, value in json_map(field).items() if key not in _FOR_AUTHORS}
            for name, field in fields.items()
        }
    if isinstance(fields := result.get("product_fields"), dict):
        result["product_fields"] = {name: product_field_meaning(field) for name, field in fields.items()}
    return result


def field_meaning(field: Json) -> Json:
    """A declared field without its plausible values, which affect no contact."""
    if not isinstance(field, dict):
        return field
    return {name: value for name, value in field.items() if name not in _FOR_EXAMPLES}


def differing_fields(
    address: Address, before: JsonMap | None, after: JsonMap | None, *, people: bool = False
) -> set[str]:
    """The fields of a setting that differ, among those that affect contacts' offers.

    ``people``: include an environment's fields about who may do what.
    """
    was, will = _effective(address, before) or {}, _effective(address, after) or {}
    result = {name for name in was.keys() | will.keys() if was.get(name) != will.get(name)}
    return result - _OF_PEOPLE if address.kind is Kind.ENVIRONMENT and not people else result


def _with_names(address: Address, body: Any, renames: Mapping[Address, Address]) -> JsonMap:
    for target, path in resource_refs(address, model_of(address.kind).model_validate(body)):
        new = renames.get(target)
        if new is None or not path:
            continue
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
        holder[path[-1]] = f"{new.environment}/{new.name}" if "/" in old and old != target.name else new.name
    return model_of(address.kind).model_validate(body).body()


def unapproved_settings(live: BeforeAfter, decisions: Decisions) -> Iterator[Diagnostic]:
    """The settings that a promotion changes and that wait for reviewers: the gate that every plan must pass."""
    for address in passed_on(live):
        yield _unapproved(f"{address} live under a name by which settings mean another one", address)
    for step in live.changes:
        address, former = step.address, step.moved_from or step.address
        if not is_setting(address, live.before, live.after):
            continue
        renames = {old: new for new, old in live.origins.items()}
        key = settings_key(live.after, address)
        if same_settings(live.after, address, live.before, former, renames):
            continue
        if decisions.unmet(key) or rejected(decisions, key) is not None:
            yield _unapproved(f"the settings of {address} live without approval", address)


def _unapproved(what: str, address: Address) -> Diagnostic:
    return Diagnostic(
        Code.NOT_APPROVED,
        f"the plan would make {what}",
        "Approvals are checked again when a plan is applied.",
        "Make the plan again with “offerkit promote --out FILE”.",
        address,
    )


def passed_on(live: BeforeAfter) -> list[Address]:
    """The renamed offers and categories that get a name by which settings, such as a rule, mean another one."""
    moved = {address for address in live.origins if address.kind in (Kind.OFFER, Kind.CATEGORY)}
    renames = {old: new for new, old in live.origins.items()}
    found: set[Address] = set()
    for user, was, names in _names_kept(live.after, live.before, renames) if moved else ():
        if not moved.isdisjoint(names) and _meaning(live.after, user) != _meaning(live.before, was, renames):
            found |= moved & names
    return sorted(found)


def named_reviewers(view: Snapshot, environment: str) -> tuple[str, ...]:
    """The reviewers of settings that an environment names."""
    return reviewers_in(view(environment_address(environment)))


def reviewers_in(environment: JsonMap | None) -> tuple[str, ...]:
    """The reviewers of settings named in the body of an environment."""
    reviewers = (environment or {}).get("reviewers")
    listed = reviewers.get("settings") if isinstance(reviewers, dict) else None
    return tuple(str(name) for name in listed) if isinstance(listed, list) else ()


def environments_of(address: Address, *views: Snapshot) -> list[str]:
    """The environment that the settings at ``address`` belong to; for a dimension, those that use it in any view."""
    if address.environment != SHARED:
        return [address.environment]
    return sorted(
        {
            env.name
            for view in views
            for env in view.of_kind(Kind.ENVIRONMENT)
            if (view(env) or {}).get("dimension") == address.name
        }
    )
