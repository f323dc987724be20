"""The types of the extra data that the spaces of an environment store with propositions, by name.

One name means one thing: what several spaces, or several statuses, store under it must have one type. Whole numbers fit
among numbers, and closed lists of texts among texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope


class StoredTypes(NamedTuple):
    """``types``: by name. ``conflicts``: by name, the types of what is stored under it, if they do not fit."""

    types: Mapping[str, FieldType]
    conflicts: Mapping[str, tuple[FieldType, ...]]


def stored_types(expressions: Iterable[tuple[str, str]], scope: NameScope) -> StoredTypes:
    """What ``expressions`` (name and text) give; without those that cannot be read, which are reported themselves."""
    from offerkit.rules.check import RuleError, check

    found: dict[str, dict[FieldType, None]] = {}
    for name, text in expressions:
        try:
            type_ = check(text, scope, ExpectedResult.VALUE).type
        except RuleError:
            continue
        if type_.base is not BaseType.NULL:
            found.setdefault(name, {})[type_] = None
    types: dict[str, FieldType] = {}
    conflicts: dict[str, tuple[FieldType, ...]] = {}
    for name, kinds in found.items():
        common = _common(list(kinds))
        if common is None:
            conflicts[name] = tuple(kinds)
        else:
            types[name] = common
    return StoredTypes(types, conflicts)


def _common(kinds: list[FieldType]) -> FieldType | None:
    """The type that has all values of ``kinds``; None if no type has them."""
    bases = {kind.base for kind in kinds}
    if bases == {BaseType.ENUMERATION}:
        return FieldType(BaseType.ENUMERATION, tuple(dict.fromkeys(value for kind in kinds for value in kind.values)))
    if len(bases) == 1:
        return kinds[0]
    if bases == {BaseType.INTEGER, BaseType.DECIMAL}:
        return FieldType(BaseType.DECIMAL)
    return FieldType(BaseType.STRING) if bases == {BaseType.STRING, BaseType.ENUMERATION} else None
