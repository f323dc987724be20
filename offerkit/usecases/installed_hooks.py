"""The hooks that a catalog names, from the installed packages (entry points of the group ``offerkit.hooks``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any

from offerkit.address import Address
from offerkit.engine.hooks import HOOK_ERRORS, NO_HOOKS, Hooks
from offerkit.fingerprint import Json, JsonMap

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "offerkit.hooks"
_LOADING = RLock()
"""What warnings are shown is the whole process's: threads that change it at a time would leave it changed."""


def load_hooks(bodies: Mapping[Address, JsonMap]) -> Hooks:
    """The hooks named in ``bodies`` that some installed package offers; the engine reports those that are missing.

    A hook that cannot be imported fails whenever it is called, which the engine reports: it may never keep a call
    from being answered.
    """
    named = set(_named(list(bodies.values())))
    if not named:
        return NO_HOOKS
    from importlib.metadata import entry_points

    found: dict[str, Any] = {}
    for point in entry_points(group=GROUP):
        if point.name in named:
            try:
                found[point.name] = _loaded(point)
            except HOOK_ERRORS as error:  # somebody else's code
                found[point.name] = _failing(f"{type(error).__name__}: {error}"[:200])
    return Hooks(found, found, found)


def _loaded(point: EntryPoint) -> Any:
    """The hook at ``point``. That it imports what has moved is told on standard error, once, and is never an error."""
    with _LOADING, warnings.catch_warnings():
        warnings.filterwarnings("default", r"offerkit\.", DeprecationWarning)
        return point.load()


def _failing(why: str) -> Callable[..., None]:
    """A hook that says why the one that was meant is not there."""

    def hook(*_: object) -> None:
        raise ImportError(f"it cannot be imported: {why}")

    return hook


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
