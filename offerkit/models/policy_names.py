"""The names that a policy's condition can use, and their values for a resource (docs/policies.md).

An offer's names give the effective values, with templates and categories applied. Names of other kinds give the
declared properties; nested ones are joined with an underscore: ``environment.promotion_tests``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, cast, get_args, get_origin

from pydantic import BaseModel

from offerkit.address import Kind
from offerkit.models.policy import GOVERNED, STEP
from offerkit.models.registry import model_of
from offerkit.rules.types import BaseType, FieldType, NameScope, Value

_TEXT, _DAY, _FLAG, _LIST = (
    FieldType(base) for base in (BaseType.STRING, BaseType.DATE, BaseType.BOOLEAN, BaseType.LIST)
)
_LARGEST = Decimal(10) ** 12

ACTIONS = ("create", "update", "move", "deactivate", "delete")
OFFER_NAMES: dict[str, FieldType] = {
    "name": _TEXT,
    "code": _TEXT,
    "label": _TEXT,
    "description": _TEXT,
    "category": _TEXT,
    "template": _TEXT,
    "enabled": _FLAG,
    "protected": _FLAG,
    "from": _DAY,
    "until": _DAY,
    "when": _TEXT,
    "filters": _LIST,
    "themes": _LIST,
    "spaces": _LIST,
    "content": _LIST,
    "weight": FieldType(BaseType.DECIMAL),
    "multiplier": FieldType(BaseType.DECIMAL),
    "content_reviewers": _LIST,
    "eligibility_reviewers": _LIST,
}
"""``offer.<name>``: the effective values, with everything the offer inherits, read in governance/policies.py."""
RESOURCE_NAMES: dict[str, FieldType] = {
    "address": _TEXT,
    "kind": FieldType(BaseType.ENUMERATION, GOVERNED),
    "name": _TEXT,
    "label": _TEXT,
    "description": _TEXT,
    "protected": _FLAG,
}
"""``resource.<name>``: for a resource of any kind."""
STEP_NAMES: dict[str, FieldType] = {
    "action": FieldType(BaseType.ENUMERATION, ACTIONS),
    "stage": FieldType(BaseType.ENUMERATION, ("design", "live")),
    "kind": FieldType(BaseType.ENUMERATION, GOVERNED),
    "changed": _LIST,
    "moved_from": _TEXT,
}
"""``step.<name>``: for a change; a condition that uses one applies to changes only."""
CHANGES = ("step", "before")
"""The namespaces that only changes have."""


class _Property(NamedTuple):
    """A property of a kind: its path of attributes and its type."""

    path: tuple[str, ...]
    type: FieldType


def scope_of(applies_to: Iterable[str], offer_fields: Mapping[str, FieldType] | None = None) -> NameScope:
    """The names for the condition of a policy that applies to these kinds.

    ``before.<name>``, the value before the change, is available if there is only one kind. ``offer_fields``: those that
    the environment declares.
    """
    wanted = tuple(applies_to)
    kinds = [Kind(word) for word in (GOVERNED if STEP in wanted else wanted)]
    spaces: dict[str, Mapping[str, FieldType]] = {"resource": RESOURCE_NAMES, "step": STEP_NAMES}
    own = {Kind.OFFER: {**(offer_fields or {}), **OFFER_NAMES}}
    spaces |= {kind.value: own.get(kind) or names_of(kind) for kind in kinds}
    if len(kinds) == 1:
        spaces["before"] = spaces[kinds[0].value]
    return NameScope(spaces)


def judged_kinds(applies_to: Iterable[str], spaces: Iterable[str]) -> frozenset[Kind]:
    """The kinds that a condition with these namespaces applies to.

    A condition on the properties of one kind does not apply to other kinds.
    """
    wanted = tuple(applies_to)
    kinds = frozenset(Kind(word) for word in (GOVERNED if STEP in wanted else wanted))
    named = {space for space in spaces if space in GOVERNED}
    return kinds & {Kind(space) for space in named} if named else kinds


@cache
def names_of(kind: Kind) -> Mapping[str, FieldType]:
    """The properties of a kind, with their types."""
    if kind is Kind.OFFER:
        return OFFER_NAMES
    return {"name": _TEXT, **{name: found.type for name, found in _properties(kind).items()}}


def values_of(kind: Kind, name: str, body: Mapping[str, Any] | None, wanted: Iterable[str]) -> dict[str, Value]:
    """The ``wanted`` properties of a resource whose kind inherits nothing; all None if ``body`` is None."""
    if body is None:
        return dict.fromkeys(wanted)
    resource = model_of(kind).model_validate(body)
    known = _properties(kind)
    return {each: name if each == "name" else _read(resource, known[each].path) for each in wanted}


@cache
def _properties(kind: Kind) -> dict[str, _Property]:
    return dict(_walk(model_of(kind), "", ()))


def _walk(model: type[BaseModel], above: str, path: tuple[str, ...]) -> Iterator[tuple[str, _Property]]:
    for attribute, info in model.model_fields.items():
        name, found = above + (info.alias or attribute), _type(info.annotation)
        if isinstance(found, FieldType):
            yield name, _Property((*path, attribute), found)
        elif found is not None:
            yield from _walk(found, f"{name}_", (*path, attribute))


def _type(annotation: Any) -> FieldType | type[BaseModel] | None:
    """The type of a property, the model of a nested part, or None if conditions cannot read it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        several = [each for each in arguments if each is not type(None)]
        return _type(several[0]) if len(several) == 1 else None
    if origin is Literal:
        return FieldType(BaseType.ENUMERATION, tuple(map(str, arguments)))
    if origin is tuple:
        return _LIST if isinstance(found := _type(arguments[0]), FieldType) and found.base in _WORDS else None
    if origin is dict:
        return _LIST
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return _PLAIN.get(annotation)


_WORDS = (BaseType.STRING, BaseType.ENUMERATION)
_PLAIN = {
    bool: _FLAG,
    str: _TEXT,
    date: _DAY,
    int: FieldType(BaseType.INTEGER),
    Decimal: FieldType(BaseType.DECIMAL),
}


def _read(resource: Any, path: tuple[str, ...]) -> Value:
    for name in path:
        resource = getattr(resource, name) if resource is not None else None
    match resource:
        case Decimal():
            return decimal(resource)
        case dict() | tuple():
            return tuple(sorted(map(str, resource)))
        case _:
            return cast(Value, resource)


def decimal(number: Decimal) -> Decimal | None:
    """A number for conditions: six decimals; None (unknown) if it is too large for them."""
    return number.quantize(Decimal("0.000001")) if abs(number) < _LARGEST else None
