"""The fields that an environment declares for its offers, and the values that offers, templates and categories give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.fingerprint import JsonMap
from offerkit.models.expression_scopes import OFFER_FIELDS
from offerkit.models.offer_field import misfit
from offerkit.models.policy_names import OFFER_NAMES
from offerkit.rules.types import BaseType, FieldType
from offerkit.specs.record import DeclaredField, Index, Mistake, Record
from offerkit.state.effective import Inheritance

_GIVING = (Kind.CATEGORY, Kind.TEMPLATE, Kind.OFFER)
_BUILT_IN = frozenset({*OFFER_FIELDS, *OFFER_NAMES})


def bad_offer_fields(index: Index, environment: str, unsure: frozenset[str] = frozenset()) -> Iterator[Mistake]:
    """Fields with built-in names, values for undeclared fields, values of another type, and required values that lack.

    ``unsure``: environments with files that could not be read, which may give a value that seems to lack.
    """
    record = index.group(environment, Kind.ENVIRONMENT)[environment]
    if not record.valid:
        return  # what it declares is not known
    declared = {field.name: field for field in record.facts.offer_fields}
    yield from _taken(record, declared)
    yield from _values(index, record, declared)
    required = tuple(name for name, field in declared.items() if field.required)
    if required and environment not in unsure:
        yield from _lacking(index, environment, required)


def _taken(environment: Record, declared: Mapping[str, DeclaredField]) -> Iterator[Mistake]:
    for name in declared:
        if name in _BUILT_IN:
            where = "conditions, templates and policies" if name in OFFER_FIELDS else "policies"
            yield Mistake(
                environment,
                ("offer_fields", name),
                Code.OFFER_FIELD_TAKEN,
                f"“{name}” cannot be declared as a field of offers",
                f"In {where}, offer.{name} already means something else.",
                f"Name it differently, as in own_{name}.",
                on_key=True,
            )


def _values(index: Index, environment: Record, declared: Mapping[str, DeclaredField]) -> Iterator[Mistake]:
    @cache
    def why(name: str, value: str | tuple[str, ...]) -> str:
        field = declared[name]
        return misfit(value, FieldType(BaseType(field.type), field.values), field.least, field.most)

    @cache
    def near(name: str) -> str:
        where = f"Declare it under offer_fields in environments/{environment.name}.yaml."
        return suggestion(name, declared, where if not declared else f"Known: {', '.join(declared)}. {where}")

    for kind in _GIVING:
        for record in index.group(environment.name, kind).values():
            for name, value in record.facts.field_values.items():
                if name not in declared:
                    yield Mistake(
                        record,
                        ("fields", name),
                        Code.OFFER_FIELD_UNKNOWN,
                        f"{environment.name} declares no field “{name}” for its offers",
                        on_key=True,
                        hint=near(name),
                    )
                elif problem := why(name, value):
                    options = declared[name].values
                    yield Mistake(
                        record,
                        ("fields", name),
                        Code.OFFER_FIELD_VALUE,
                        f"“{name}” does not fit: {problem}",
                        hint=suggestion(str(value), options, f"Known: {', '.join(options)}.")
                        if options
                        else f"It is declared as {_shape(declared[name])}.",
                    )


def _shape(field: DeclaredField) -> str:
    """A field's type and range in words."""
    match field.least, field.most:
        case None, None:
            return field.type
        case least, None:
            return f"{field.type}, at least {least}"
        case None, most:
            return f"{field.type}, at most {most}"
        case least, most:
            return f"{field.type}, from {least} to {most}"


def _lacking(index: Index, environment: str, required: tuple[str, ...]) -> Iterator[Mistake]:
    """Offers without a value for a required field. Offers that give and inherit alike are checked once."""

    def body(address: Address) -> JsonMap | None:
        record = index.by_address.get(address)
        return _outline(record) if record is not None else None

    inheritance, sound = Inheritance(environment, body), set[object]()
    for record in index.group(environment, Kind.OFFER).values():
        if not record.valid:
            continue
        own = _outline(record)
        shape = (
            own.get("template"),
            own["category"],
            *(name for name in required if name in record.facts.field_values),
        )
        if shape in sound:
            continue
        offer = inheritance.offer(record.address)
        layers = (*offer.layers, *offer.categories)
        if not all(index.by_address[layer.address].valid for layer in layers):
            continue  # their own mistakes are reported instead
        missing = [name for name in required if name not in offer.fields]
        if not missing:
            sound.add(shape)
        for name in missing:
            yield Mistake(
                record,
                (),
                Code.OFFER_FIELD_MISSING,
                f"the offer has no value for “{name}”, which {environment} requires",
                "Neither the offer nor its templates and categories give one.",
                f"Add fields: {{{name}: …}} to the offer, or to its template or category.",
                on_key=True,
            )


def _outline(record: Record) -> JsonMap:
    """The part of a body that decides about fields: the template, the category, and the names of the given ones."""
    named = {str(ref.path[0]): ref.target.name for ref in record.refs if ref.path in (("template",), ("category",))}
    return {**named, "fields": dict.fromkeys(record.facts.field_values, "")}
