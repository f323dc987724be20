"""The hooks that a catalog names, from the installed packages (entry points of the group ``offerkit.hooks``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offerkit.engine.hooks import NO_HOOKS, Hooks
from offerkit.fingerprint import Json
from offerkit.models.inherit import JsonMap

GROUP = "offerkit.hooks"


def installed(bodies: Mapping[str, JsonMap]) -> Hooks:
    """The hooks named in ``bodies`` that some installed package offers; the engine reports those that are missing.

    A package that cannot be imported counts as missing: a hook may never keep a call from being answered.
    """
    named = set(_named(list(bodies.values())))
    if not named:
        return NO_HOOKS
    from importlib.metadata import entry_points

    found: dict[str, Any] = {}
    for point in entry_points(group=GROUP):
        if point.name in named:
            try:
                found[point.name] = point.load()
            except Exception:  # noqa: S112 - somebody else's code; the engine tells that the hook is not there
                continue
    return Hooks(found, found, found)


def _named(value: Json | list[JsonMap]) -> Iterator[str]:
    """The names that stand where a hook is named: ``hooks.*`` of a space, ``dynamic`` of a weight."""
    if isinstance(value, dict):
        hooks = value.get("hooks")
        if isinstance(hooks, dict):
            yield from (name for name in hooks.values() if isinstance(name, str))
        dynamic = value.get("dynamic")
        if isinstance(dynamic, str):
            yield dynamic
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)
