"""What changed inside one resource, field by field. Only ever called where the fingerprints differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias, cast

import orjson

from offerkit.address import Kind
from offerkit.diagnostics import has_secret, masked
from offerkit.diagnostics.secret import MASK
from offerkit.fingerprint import Json, JsonMap, canonical
from offerkit.plans.plan import ChangeOp, FieldChange

_NAMES = ("name", "label", "filter")
_ORDER = "(order)"
_URLS = ("source", "source.url")
"""Where a body can hold a database URL; in old bodies, from before this was validated, it can contain a secret."""
_CONTACT_KEYS = ("contact", "key")
"""The fields of a decision case that can hold a contact's key or profile."""
NOT_SHOWN = "(not shown)"
_EFFORT = 2_500
"""Up to this many pairs, the remaining items of two lists are all compared with each other."""


class _Match(NamedTuple):
    """The indexes of a list item before and after, None if absent. ``key`` identifies it in paths."""

    key: str
    old: int | None
    new: int | None


class _PathPart(NamedTuple):
    """The values at one part of a path, before and after; ``same``: whether they are one value that changed inside."""

    key: str
    old: object
    new: object
    same: bool = True


Tree: TypeAlias = "str | dict[str, Tree]"
_ABSENT = object()
Matching: TypeAlias = Callable[[list[Json], list[Json]], tuple[list[_Match], list[str]]]
"""Matches the items of two lists; also gives the keys of reordered items, first in the old and then the new order."""
_Signs: TypeAlias = Callable[[int], list[bytes]]


def field_changes(before: JsonMap, after: JsonMap) -> tuple[FieldChange, ...]:
    """The changes that lead from ``before`` to ``after``, in the order of their paths.

    List items are matched by name, then by equal content, then by similarity. An item without a name is identified by
    its position, ``[3]``, or by both positions, ``[3→2]``, if it moved.
    """
    return _sorted(_map_changes(before, after, _by_content))


def field_changes_by_place(before: JsonMap, after: JsonMap) -> tuple[FieldChange, ...]:
    """:func:`field_changes` as in plans of earlier versions: items without names are matched by position."""
    return _sorted(_map_changes(before, after, _by_position))


def _sorted(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    return tuple(sorted(changes, key=lambda change: (change.path, change.op)))


def redacted_changes(changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """``changes`` as plans show and store them: without secrets in database URLs, and without contacts of cases."""
    return tuple(
        replace(change, before=without_secret(change.before), after=without_secret(change.after))
        if change.path in _URLS
        else _contacts_redacted(change)
        if change.path.startswith("cases.")
        else change
        for change in changes
    )


def without_contact(case: Json) -> Json:
    """A decision case without its contact, which must not appear in plans that are passed around."""
    if not isinstance(case, dict):
        return case
    return {key: NOT_SHOWN if key in _CONTACT_KEYS and value is not None else value for key, value in case.items()}


def _contacts_redacted(change: FieldChange) -> FieldChange:
    """A change of decision cases without contacts' keys and profiles."""
    if any(f".{key}" in change.path for key in _CONTACT_KEYS):
        shown: list[Json] = [NOT_SHOWN if value is not None else None for value in (change.before, change.after)]
    else:
        shown = [without_contact(value) for value in (change.before, change.after)]
    return replace(change, before=shown[0], after=shown[1])


def redacted_fields(kind: str, fields: JsonMap) -> JsonMap:
    """The fields of a body as reports show them: without secrets in database URLs, and without contacts of cases."""
    if kind == Kind.DIMENSION and "source" in fields:
        return {**fields, "source": without_secret(fields["source"])}
    if kind == Kind.CASES and isinstance(cases := fields.get("cases"), dict):
        return {**fields, "cases": {name: without_contact(case) for name, case in cases.items()}}
    return fields


def without_secret(value: Json) -> Json:
    """A dimension's ``source``, or its URL, without secrets."""
    if isinstance(value, dict):
        return {key: without_secret(item) if key == "url" else item for key, item in value.items()}
    if not isinstance(value, str) or not has_secret(value):
        return value
    shown = masked(value)
    return shown if shown != value or MASK in value else MASK  # the secret's position is unknown: mask everything


def _map_changes(before: JsonMap, after: JsonMap, matching: Matching) -> Iterator[FieldChange]:
    old_tree, new_tree = {}, {}
    for key in before.keys() | after.keys():
        if key not in before or key not in after:
            yield _change(key, before.get(key, _ABSENT), after.get(key, _ABSENT))
        elif before[key] != after[key]:
            old, new = _trees(before[key], after[key], matching)
            if isinstance(old, dict):
                old_tree[key], new_tree[key] = old, new
            else:
                yield _change(key, before[key], after[key])
    if old_tree:
        yield from _deep(old_tree, new_tree)


def _deep(before: Mapping[str, Tree], after: Mapping[str, Tree], path: str = "") -> Iterator[FieldChange]:
    """The changes between two trees, whose leaves are values that are shown as a whole.

    Where the items of a list are not the same ones, deepdiff compares: it takes longer to import than most plans.
    """
    keys = before.keys() | after.keys()
    if any(_names_item(key) and not (key in before and key in after) for key in keys):
        yield from _structural_changes(before, after, path)
        return
    for key in keys:
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _deep(old, new, path + key)
        elif old != new:
            yield _change(path + key, _read(old), _read(new))


def _names_item(key: str) -> bool:
    """Whether a part of a path stands for an item of a list."""
    return key.startswith("[")


def _structural_changes(before: Mapping[str, Tree], after: Mapping[str, Tree], path: str = "") -> Iterator[FieldChange]:
    from deepdiff import DeepDiff

    differences = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    for levels in differences.values():
        for level in levels:
            yield _change(path + "".join(level.path(output_format="list")), _read(level.t1), _read(level.t2))


def _change(path: str, old: object, new: object) -> FieldChange:
    op = ChangeOp.ADD if old is _ABSENT else ChangeOp.REMOVE if new is _ABSENT else ChangeOp.CHANGE
    old_value, new_value = (None if value is _ABSENT else cast(Json, value) for value in (old, new))
    return FieldChange(op, path, old_value, new_value)


def _read(leaf: object) -> object:
    return orjson.loads(leaf) if isinstance(leaf, str) else _ABSENT


def _trees(old: Json, new: Json, matching: Matching) -> tuple[Tree, Tree]:
    """Both values as nested maps by path part, as deep as both are maps or matched lists.

    The leaves are canonical text: values that are shown as a whole, before and after.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        named = [_PathPart(f".{key}", old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in old.keys() | new.keys()]
        return _branches(named, matching)
    if isinstance(old, list) and isinstance(new, list) and _has_maps(old) and _has_maps(new):
        return _branches(_items(old, new, matching), matching)
    return _leaf(old), _leaf(new)


def _branches(parts: Iterable[_PathPart], matching: Matching) -> tuple[Tree, Tree]:
    """Trees of the parts that differ; a part absent on one side is a leaf on the other."""
    before: dict[str, Tree] = {}
    after: dict[str, Tree] = {}
    for key, old, new, same in parts:
        if same and old is not _ABSENT and new is not _ABSENT:
            if old != new:
                before[key], after[key] = _trees(cast(Json, old), cast(Json, new), matching)
            continue
        if old is not _ABSENT:
            before[key] = _leaf(cast(Json, old))
        if new is not _ABSENT:
            after[key] = _leaf(cast(Json, new))
    return before, after


def _leaf(value: Json) -> str:
    return canonical(value).decode()


def _has_maps(items: list[Json]) -> bool:
    return any(isinstance(item, dict) for item in items)


def _items(old: list[Json], new: list[Json], matching: Matching) -> Iterator[_PathPart]:
    matches, reordered = matching(old, new)
    removed: dict[str, Json] = {}
    added: dict[str, Json] = {}
    for key, i, j in matches:
        if i is not None and j is not None:
            yield _PathPart(f"[{key}]", old[i], new[j])
        elif i is not None:
            removed[f"[{key}]"] = old[i]
        elif j is not None:
            added[f"[{key}]"] = new[j]
    for where in removed.keys() | added.keys():  # in both: different items at the same position
        yield _PathPart(where, removed.get(where, _ABSENT), added.get(where, _ABSENT), same=False)
    if reordered:
        half = len(reordered) // 2
        yield _PathPart(f".{_ORDER}", list(reordered[:half]), list(reordered[half:]))


def _names_of(items: Sequence[Json]) -> list[str] | None:
    """The distinct names of all ``items``, or None if they do not all have one."""
    for field in _NAMES:
        names = [item.get(field) if isinstance(item, dict) else None for item in items]
        result = [name for name in names if isinstance(name, str)]
        if len(result) == len(items) == len(set(result)):
            return result
    return None


def _by_position(old: list[Json], new: list[Json]) -> tuple[list[_Match], list[str]]:
    """Match items by name within their list, else by position; report a new order only for equal sets of names."""
    old_names, new_names = _names_of(old), _names_of(new)
    before = {key: i for i, key in enumerate(old_names or [str(position) for position in range(1, len(old) + 1)])}
    after = {key: j for j, key in enumerate(new_names or [str(position) for position in range(1, len(new) + 1)])}
    reordered = (
        old_names is not None and new_names is not None and old_names != new_names and set(old_names) == set(new_names)
    )
    return [_Match(key, before.get(key), after.get(key)) for key in before | after], [
        *before,
        *after,
    ] if reordered else []


def _by_content(old: list[Json], new: list[Json]) -> tuple[list[_Match], list[str]]:
    """Match items by name, then by equality, by a difference in one field, and by similarity; never all pairs."""
    pairs = dict(_paired(old, new))
    old_names, new_names = _distinct_names(old), _distinct_names(new)
    matches = [_Match(_key(old_names[i], new_names[j], i, j), i, j) for i, j in pairs.items()]
    paired_new = set(pairs.values())
    matches += [_Match(old_names[i] or str(i + 1), i, None) for i in range(len(old)) if i not in pairs]
    matches += [_Match(new_names[j] or str(j + 1), None, j) for j in range(len(new)) if j not in paired_new]
    paired_old = sorted(pairs)
    order = sorted(paired_old, key=pairs.__getitem__)
    reordered = [old_names[i] or str(i + 1) for i in (*paired_old, *order)] if paired_old != order else []
    return matches, reordered


def _key(was: str, will: str, i: int, j: int) -> str:
    if was and was == will:
        return was
    return str(i + 1) if i == j else f"{i + 1}→{j + 1}"


def _distinct_names(items: list[Json]) -> list[str]:
    """The name of each item; empty if it is missing, not unique, or looks like a position."""
    names = _names_of(items)
    if names is not None:
        return names
    result = [_name(item) for item in items]
    counts: dict[str, int] = {}
    for name in result:
        counts[name] = counts.get(name, 0) + 1
    return ["" if counts[name] > 1 or not name.strip("0123456789→") else name for name in result]


def _name(item: Json) -> str:
    names = (item.get(field) for field in _NAMES) if isinstance(item, dict) else ()
    return next((name for name in names if isinstance(name, str)), "")


def _paired(old: list[Json], new: list[Json]) -> Iterator[tuple[int, int]]:
    """The matching items of ``old`` and ``new``, by index."""
    old_names, new_names = _names_of(old), _names_of(new)
    if old_names is not None and new_names is not None:
        positions = {name: j for j, name in enumerate(new_names)}
        yield from ((i, positions[name]) for i, name in enumerate(old_names) if name in positions)
        return
    old_keys, new_keys = _distinct_names(old), _distinct_names(new)
    left, right = list(range(len(old))), list(range(len(new)))
    passes: tuple[tuple[_Signs, _Signs], ...] = (
        (lambda i: [canonical(old[i])], lambda j: [canonical(new[j])]),
        (
            lambda i: [old_keys[i].encode()] if old_keys[i] else [],
            lambda j: [new_keys[j].encode()] if new_keys[j] else [],
        ),
        (lambda i: _nearly(old[i]), lambda j: _nearly(new[j])),
    )
    for signs, counterparts in passes:
        pairs = dict(_in_common({i: signs(i) for i in left}, {j: counterparts(j) for j in right}))
        yield from pairs.items()
        paired_new = set(pairs.values())
        left, right = [i for i in left if i not in pairs], [j for j in right if j not in paired_new]
    yield from _most_alike(old, left, new, right)


def _in_common(left: Mapping[int, list[bytes]], right: Mapping[int, list[bytes]]) -> Iterator[tuple[int, int]]:
    """Pairs of items that share a sign; each item is used once, in list order."""
    waiting: dict[bytes, deque[int]] = {}
    for j, signs in right.items():
        for sign in signs:
            waiting.setdefault(sign, deque()).append(j)
    used: set[int] = set()
    for i, signs in left.items():
        for sign in signs:
            queue = waiting.get(sign) or deque[int]()
            while queue and queue[0] in used:
                queue.popleft()
            if queue:
                used.add(queue[0])
                yield i, queue.popleft()
                break


def _nearly(item: Json) -> list[bytes]:
    """Signs that an item shares with items that differ in one field: itself, and itself without each of its fields."""
    if not isinstance(item, dict):
        return []
    rests = ({key: value for key, value in item.items() if key != field} for field in sorted(item))
    return [canonical(rest) for rest in (item, *rests) if rest]


def _most_alike(old: list[Json], left: list[int], new: list[Json], right: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs with at least as many equal fields as different ones; of too many, only pairs in the same order."""
    if len(left) * len(right) <= _EFFORT:
        candidates = [(i, j) for i in left for j in right]
    else:
        candidates = list(zip(left, right, strict=False))
    scored = [(*_unlike(old[i], new[j]), abs(i - j), i, j) for i, j in candidates]
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for differing, common, _, i, j in sorted(scored):
        if differing <= max(1, -common) and i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            yield i, j


def _unlike(old: Json, new: Json) -> tuple[int, int]:
    """How many fields of two items differ, and, as a negative number, how many are equal."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 1_000, 0
    common = sum(1 for key in old if key in new and old[key] == new[key])
    return len(old.keys() | new.keys()) - common, -common
