"""What changed inside one resource, field by field. Only ever called where the fingerprints differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from offerkit.diagnostics import has_secret, masked
from offerkit.diagnostics.secret import MASK
from offerkit.fingerprint import Json
from offerkit.models.inherit import JsonMap
from offerkit.planning.plan import ChangeOp, FieldChange

_NAMES = ("name", "label", "filter")
_ORDER = "(order)"
_URLS = ("source", "source.url")
"""Where a body may hold the URL of a database: with a secret, if it is of a time when validate let it pass."""


def field_changes(before: JsonMap, after: JsonMap) -> tuple[FieldChange, ...]:
    """The changes that lead from ``before`` to ``after``, in the order of their paths."""
    found: list[FieldChange] = []
    deep_before: dict[str, Any] = {}
    deep_after: dict[str, Any] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key not in before or key not in after or not _nested(old) or not _nested(new):
            found.append(_change(key, old, new, key in before, key in after))
        else:
            deep_before[key], deep_after[key] = _maps(old), _maps(new)
    if deep_before:
        found += _deep(deep_before, deep_after)
    return tuple(sorted(found, key=lambda change: change.path))


def concealed(changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """``changes`` as plans show and keep them: with no secret of a database's URL."""
    return tuple(
        replace(change, before=without_secret(change.before), after=without_secret(change.after))
        if change.path in _URLS
        else change
        for change in changes
    )


def without_secret(value: Json) -> Json:
    """A dimension's ``source``, or its URL, with no secret in it."""
    if isinstance(value, dict):
        return {key: without_secret(item) if key == "url" else item for key, item in value.items()}
    if not isinstance(value, str) or not has_secret(value):
        return value
    shown = masked(value)
    return shown if shown != value or MASK in value else MASK  # one in a disguise: its place is unknown


def _nested(value: Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


def _maps(value: Json) -> Any:
    """Lists of maps as maps by name, so that an inserted item is not a change of all that follow."""
    if isinstance(value, dict):
        return {key: _maps(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if not any(isinstance(item, dict) for item in value):
        return tuple(value)  # a list of names is one value, shown before and after as a whole
    for name in _NAMES:
        keys = [item.get(name) if isinstance(item, dict) else None for item in value]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            mapped: dict[str, Any] = {f"[{key}]": _maps(item) for key, item in zip(keys, value, strict=True)}
            return {**mapped, _ORDER: tuple(str(key) for key in keys)}
    return {f"[{place}]": _maps(item) for place, item in enumerate(value, 1)}


def _deep(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    from deepdiff import DeepDiff

    changes: dict[str, FieldChange] = {}
    tree = DeepDiff(before, after, view="tree", ignore_type_in_groups=[], threshold_to_diff_deeper=0)
    for levels in tree.values():
        for level in levels:
            keys = _to_whole_value(before, after, level.path(output_format="list"))
            if keys[-1] == _ORDER and not _same_names(before, after, keys):
                continue
            path = ".".join(str(key) for key in keys).replace(".[", "[")
            old, new = _at(before, keys), _at(after, keys)
            changes[path] = _change(path, _plain(old), _plain(new), old is not _ABSENT, new is not _ABSENT)
    return list(changes.values())


_ABSENT = object()


def _at(value: Any, keys: list[Any]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value


def _to_whole_value(before: dict[str, Any], after: dict[str, Any], keys: list[Any]) -> list[Any]:
    for length in range(1, len(keys)):
        if isinstance(_at(before, keys[:length]), tuple) or isinstance(_at(after, keys[:length]), tuple):
            return keys[:length]
    return keys


def _same_names(before: dict[str, Any], after: dict[str, Any], keys: list[Any]) -> bool:
    old, new = _at(before, keys), _at(after, keys)
    return old is not _ABSENT and new is not _ABSENT and set(old) == set(new)


def _plain(value: Any) -> Json:
    """A value as it stood in the body, named maps turned back into lists."""
    if value is _ABSENT:
        return None
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict):
        if any(key == _ORDER or str(key).startswith("[") for key in value):
            return [_plain(item) for key, item in value.items() if key != _ORDER]
        return {key: _plain(item) for key, item in value.items()}
    plain: Json = value
    return plain


def _change(path: str, old: Json, new: Json, was: bool, is_: bool) -> FieldChange:
    if not was:
        return FieldChange(ChangeOp.ADD, path, None, new)
    if not is_:
        return FieldChange(ChangeOp.REMOVE, path, old, None)
    return FieldChange(ChangeOp.CHANGE, path, old, new)
