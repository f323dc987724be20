"""Checks a call before anything is decided: every mistake at once, each with how to mend it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC

from offerkit.diagnostics import Code, Diagnostic, Refused, nearest, or_list, suggestion
from offerkit.engine.call import MAX_COUNT, Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.report import Report
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import parse_value

TOLD = 5
"""Unknown names that are told one by one; of more, how many there are, and then none is compared with known ones."""


def make_call(
    catalog: Catalog,
    space: str,
    *,
    who: CallContext,
    n: int = 1,
    categories: Iterable[str] = (),
    themes: Iterable[str] = (),
    data: Mapping[str, object] | None = None,
) -> Call:
    """A call that can be decided, for ``n`` offers on ``space`` (its name).

    A category or theme that does not exist is a warning; when none of those named exists, the answer is empty. A call
    for a whole population (``who.many``) may lack required call data: there is nobody who could pass them.
    Raises Refused with everything else that is wrong: the space, ``n``, call data; ValueError when ``now`` has no
    time zone.
    """
    if who.now.tzinfo is None:
        raise ValueError("the proposition date needs a time zone")
    wanted_categories, wanted_themes = tuple(dict.fromkeys(categories)), tuple(dict.fromkeys(themes))
    values, wrong = call_data(catalog, data or {}, hints=who.hints, required=not who.many)
    wrong = [*_space(catalog, space, many=who.many, hints=who.hints), *_count(n), *wrong]
    if wrong:
        raise Refused(wrong)
    known_categories = tuple(name for name in wanted_categories if name in catalog.categories)
    known_themes = tuple(name for name in wanted_themes if name in catalog.by_theme)
    return Call(
        space=space,
        n=n,
        categories=known_categories,
        themes=known_themes,
        data=values,
        contact=contact_row(catalog, who.contact),
        key=who.key,
        now=who.now.astimezone(UTC),
        seed=who.seed,
        anonymous=who.anonymous,
        nowhere=bool((wanted_categories and not known_categories) or (wanted_themes and not known_themes)),
        reports=(
            *_unknown("category", wanted_categories, catalog.categories, hints=who.hints),
            *_unknown("theme", wanted_themes, catalog.by_theme, hints=who.hints),
        ),
    )


def contact_row(catalog: Catalog, contact: Row | None) -> Row:
    """The contact with every field of the dimension; what is not given is unknown."""
    if contact is None:
        return catalog.nobody
    if contact.keys() >= catalog.nobody.keys():
        return contact
    return {**catalog.nobody, **contact}


def call_data(
    catalog: Catalog, data: Mapping[str, object], *, hints: bool = True, required: bool = True
) -> tuple[Row, list[Diagnostic]]:
    """Typed call data with every declared field, and what is wrong with it.

    What is not given is unknown. That is a mistake for required fields, unless ``required`` is false: outside of a
    call (simulations, deliveries, previews) there is nobody who could pass them.
    """
    values, wrong = typed(catalog, data, hints=hints)
    if not required:
        return {**catalog.no_data, **values}, wrong
    missing = [name for name, field in catalog.call_data.items() if field.required and name not in data]
    empty = [name for name, field in catalog.call_data.items() if field.required and values.get(name, "") is None]
    for name in (*missing, *empty):
        wrong.append(
            Diagnostic(
                Code.MISSING_CALL_DATA,
                f"the call lacks “{name}”",
                f"The environment {catalog.environment} requires it of every call: rules read it.",
                f"Pass it: --data {name}=VALUE.",
                f"environment.{catalog.environment}",
            )
        )
    return {**catalog.no_data, **values}, wrong


def typed(
    catalog: Catalog, data: Mapping[str, object], *, hints: bool = True
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """The values of ``data`` as declared, without those that are wrong, and what is wrong with them.

    Each is read as the one type that is declared for it. Of many that are not declared, the first few are told.
    """
    values: dict[str, Value] = {}
    wrong: list[Diagnostic] = []
    undeclared: list[str] = []
    for name, raw in data.items():
        field = catalog.call_data.get(name)
        if field is None:
            undeclared.append(name)
            continue
        try:
            values[name] = parse_value(raw, field.type, catalog.zone)
        except ValueError as error:
            wrong.append(_ill_typed(name, field.type, error))
    wrong += [_undeclared(catalog, name, hints=hints and len(undeclared) <= TOLD) for name in undeclared[:TOLD]]
    if len(undeclared) > TOLD:
        wrong.append(_more_undeclared(catalog, len(undeclared) - TOLD))
    return values, wrong


def _space(catalog: Catalog, name: str, *, many: bool, hints: bool) -> Iterator[Diagnostic]:
    space = catalog.spaces.get(name)
    where = f"{catalog.environment}/space.{name}"[:200]
    if space is None:
        hint = suggestion(name, catalog.spaces) if hints else ""
        detail = "Only spaces that were promoted can be asked."
        yield Diagnostic(Code.UNKNOWN_SPACE, f"there is no live space “{name[:80]}”", detail, hint)
    elif not space.unitary and not many:
        unitary = or_list(sorted(found.name for found in catalog.spaces.values() if found.unitary))
        yield Diagnostic(
            Code.NOT_UNITARY,
            f"the space “{name}” cannot be asked for one contact",
            "It is not unitary: it is filled in batch, by deliveries.",
            "Declare it with unitary: true" + (f", or ask {unitary}." if unitary else "."),
            where,
        )


def _count(n: int) -> Iterator[Diagnostic]:
    if not 1 <= n <= MAX_COUNT:
        what = "no offers" if n == 0 else f"{n} offers" if abs(n) < 10**9 else "far too many offers"
        yield Diagnostic(
            Code.BAD_COUNT,
            f"the call asks for {what}",
            f"A call proposes from 1 to {MAX_COUNT} offers.",
            f"Ask for a number from 1 to {MAX_COUNT}.",
        )


def _undeclared(catalog: Catalog, name: str, *, hints: bool) -> Diagnostic:
    declare = f"Declare it under call_data in environments/{catalog.environment}.yaml."
    return Diagnostic(
        Code.UNKNOWN_CALL_DATA,
        f"call data “{name[:80]}” is not declared",
        f"The environment {catalog.environment} lists the call data that rules and personalisation may use.",
        suggestion(name, catalog.call_data, declare) if hints else declare,
        f"environment.{catalog.environment}",
    )


def _more_undeclared(catalog: Catalog, count: int) -> Diagnostic:
    return Diagnostic(
        Code.UNKNOWN_CALL_DATA,
        f"{count:,} more call data are not declared",
        f"The environment {catalog.environment} lists the call data that rules and personalisation may use.",
        f"Pass what environments/{catalog.environment}.yaml declares under call_data, and nothing else.",
        f"environment.{catalog.environment}",
    )


def _ill_typed(name: str, type_: FieldType, error: ValueError) -> Diagnostic:
    hint = f"One of: {', '.join(type_.values[:20])}." if type_.base is BaseType.ENUMERATION else ""
    return Diagnostic(Code.BAD_CALL_DATA, f"call data “{name}” is not of type {type_.base}", str(error), hint)


def _unknown(kind: str, wanted: Iterable[str], known: Collection[str], *, hints: bool) -> Iterator[Report]:
    names = [name for name in wanted if name not in known]
    for name in names[:TOLD]:
        close = nearest(name, known) if hints and len(names) <= TOLD else ()
        hint = f" Did you mean {or_list(close)}?" if close else ""
        yield Report(Code.UNKNOWN_SLICE, f"There is no {kind} “{name[:80]}”.{hint}", name[:80])
    if len(names) > TOLD:
        more = f"{len(names) - TOLD:,} more names of the call are no {kind}."
        yield Report(Code.UNKNOWN_SLICE, more)
