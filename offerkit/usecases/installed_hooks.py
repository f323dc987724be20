"""Finds the hooks that a catalog names in installed packages (entry points in the group ``offerkit.hooks``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any

from offerkit.address import Address
from offerkit.engine.hooks import HOOK_ERRORS, NO_HOOKS, Hooks, error_text
from offerkit.fingerprint import Json, JsonMap

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "offerkit.hooks"
_LOADING = RLock()
"""Warning filters belong to the whole process: threads changing them at the same time would leave them changed."""


def load_hooks(bodies: Mapping[Address, JsonMap]) -> Hooks:
    """Load the hooks named in ``bodies`` from installed packages; the engine reports those that are missing.

    A hook that cannot be imported is replaced by one that fails when called. The engine reports that too: a broken hook
    must never keep a call from being answered.
    """
    named = set(_named(list(bodies.values())))
    if not named:
        return NO_HOOKS
    from importlib.metadata import entry_points

    hooks: dict[str, Any] = {}
    for point in entry_points(group=GROUP):
        if point.name in named:
            try:
                hooks[point.name] = _loaded(point)
            except KeyboardInterrupt:
                raise
            except HOOK_ERRORS as error:  # third-party code
                hooks[point.name] = _failing(error_text(error))
    return Hooks(hooks, hooks, hooks)


def _loaded(point: EntryPoint) -> Any:
    """Load a hook. Deprecation warnings about moved offerkit modules go to standard error once; they are
    never errors.
    """
    with _LOADING, warnings.catch_warnings():
        warnings.filterwarnings("default", r"offerkit\.", DeprecationWarning)
        return point.load()


def _failing(why: str) -> Callable[..., None]:
    """A stand-in for a hook that could not be imported; it raises the reason."""

    def hook(*_: object) -> None:
        raise ImportError(f"it cannot be imported: {why}")

    return hook


def _named(value: Json | list[JsonMap]) -> Iterator[str]:
    """All hook names in bodies: ``hooks.*`` of a space, ``dynamic`` of a weight."""
    if isinstance(value, dict):
        hooks = value.get("hooks")
        if isinstance(hooks, dict):
            yield from (name for name in hooks.values() if isinstance(name, str))
        dynamic = value.get("dynamic")
        if isinstance(dynamic, str):
            yield dynamic
        for part in value.values():
            if isinstance(part, dict | list):
                yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict | list):
                yield from _named(part)
