"""Checks a call before it is decided, and reports every mistake at once, each with a hint."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC

from offerkit.diagnostics import Code, Diagnostic, Refused, nearest, or_list, suggestion
from offerkit.engine.call import MAX_COUNT, Call, CallContext
from offerkit.engine.call_facts import BATCH, with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.report import Report
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import parse_value

MOST_REPORTED = 5
"""Unknown names that are reported one by one. If there are more, they are counted, and none gets a suggestion."""


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

    A category or theme that does not exist is a warning; if none of those named exists, the answer is empty. A call
    for all contacts (``who.many``) need not have the required call data, because nobody could pass them.
    Raises Refused for everything else that is wrong (space, ``n``, call data), and ValueError if ``now`` has no time
    zone.
    """
    if who.now.tzinfo is None:
        raise ValueError("the proposition date must have a time zone")
    wanted_categories, wanted_themes = tuple(dict.fromkeys(categories)), tuple(dict.fromkeys(themes))
    values, wrong = call_data(catalog, data or {}, hints=who.hints, required=not who.many)
    known_space = catalog.spaces.get(space)
    if wrong or known_space is None or not (known_space.unitary or who.many) or not 1 <= n <= MAX_COUNT:
        raise Refused([*_space(catalog, space, many=who.many, hints=who.hints), *_count(n), *wrong])
    known_categories, no_category = _known("category", wanted_categories, catalog.categories, hints=who.hints)
    known_themes, no_theme = _known("theme", wanted_themes, catalog.by_theme, hints=who.hints)
    return Call(
        space=space,
        n=n,
        categories=known_categories,
        themes=known_themes,
        data=with_call_facts(catalog, values, space, BATCH if who.many else who.identification),
        contact=contact_row(catalog, who.contact),
        key=who.key,
        permanent=who.permanent,
        session=who.session,
        now=who.now.astimezone(UTC),
        seed=who.seed,
        anonymous=who.anonymous,
        nowhere=bool((wanted_categories and not known_categories) or (wanted_themes and not known_themes)),
        reports=(*no_category, *no_theme),
    )


def contact_row(catalog: Catalog, contact: Row | None) -> Row:
    """The profile with every field of the dimension; missing values are unknown."""
    if contact is None:
        return catalog.nobody
    if contact.keys() >= catalog.nobody.keys():
        return contact
    return {**catalog.nobody, **contact}


def call_data(
    catalog: Catalog, data: Mapping[str, object], *, hints: bool = True, required: bool = True
) -> tuple[Row, list[Diagnostic]]:
    """Typed call data with every declared field, and what is wrong with it.

    Missing values are unknown. That is a mistake for required fields, unless ``required`` is false: outside of a call
    (simulations, deliveries, previews) nobody could pass them.
    """
    values, wrong = typed(catalog, data, hints=hints)
    if not required:
        return {**catalog.no_data, **values}, wrong
    missing = [name for name in catalog.required_data if name not in data]
    empty = [name for name in catalog.required_data if values.get(name, "") is None]
    for name in (*missing, *empty):
        wrong.append(
            Diagnostic(
                Code.MISSING_CALL_DATA,
                f"the call lacks “{name}”",
                f"The environment {catalog.environment} requires it in every call, because rules read it.",
                f"Pass it: --data {name}=VALUE.",
                f"environment.{catalog.environment}",
            )
        )
    return {**catalog.no_data, **values}, wrong


def typed(
    catalog: Catalog, data: Mapping[str, object], *, hints: bool = True
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """The values of ``data`` in their declared types, without those that are wrong, and what is wrong with those.

    If many names are not declared, the first few are reported.
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
    wrong += [
        _undeclared(catalog, name, hints=hints and len(undeclared) <= MOST_REPORTED)
        for name in undeclared[:MOST_REPORTED]
    ]
    if len(undeclared) > MOST_REPORTED:
        wrong.append(_more_undeclared(catalog, len(undeclared) - MOST_REPORTED))
    return values, wrong


def _space(catalog: Catalog, name: str, *, many: bool, hints: bool) -> Iterator[Diagnostic]:
    space = catalog.spaces.get(name)
    where = f"{catalog.environment}/space.{name}"[:200]
    if space is None:
        hint = suggestion(name, catalog.spaces) if hints else ""
        detail = "Calls are answered for promoted spaces only."
        yield Diagnostic(Code.UNKNOWN_SPACE, f"there is no live space “{name[:80]}”", detail, hint)
    elif not space.unitary and not many:
        unitary = or_list(sorted(known_space.name for known_space in catalog.spaces.values() if known_space.unitary))
        yield Diagnostic(
            Code.NOT_UNITARY,
            f"the space “{name}” does not answer calls for one contact",
            "It is not unitary; deliveries fill it in batch.",
            f"Preview it: offerkit propose --space {catalog.environment}/{name} --contact KEY --explain."
            " Or declare it with unitary: true" + (f", or call {unitary}." if unitary else "."),
            where,
        )


def _count(n: int) -> Iterator[Diagnostic]:
    if not 1 <= n <= MAX_COUNT:
        what = "no offers" if n == 0 else f"{n} offers" if abs(n) < 10**9 else "far too many offers"
        yield Diagnostic(
            Code.BAD_COUNT,
            f"the call asks for {what}",
            f"A call proposes 1 to {MAX_COUNT} offers.",
            f"Ask for 1 to {MAX_COUNT} offers.",
        )


def _undeclared(catalog: Catalog, name: str, *, hints: bool) -> Diagnostic:
    if name in CALL_FACTS:
        return Diagnostic(
            Code.UNKNOWN_CALL_DATA,
            f"“{name}” is a fact of every call, which cannot be passed as call data",
            "offerkit itself knows where a call is answered and how the contact was identified.",
            "Leave it out.",
            f"environment.{catalog.environment}",
        )
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
        f"Pass only what environments/{catalog.environment}.yaml declares under call_data.",
        f"environment.{catalog.environment}",
    )


def _ill_typed(name: str, type_: FieldType, error: ValueError) -> Diagnostic:
    hint = f"One of: {', '.join(type_.values[:20])}." if type_.base is BaseType.ENUMERATION else ""
    return Diagnostic(Code.BAD_CALL_DATA, f"call data “{name}” is not of type {type_.base}", str(error), hint)


def _known(
    kind: str, wanted: tuple[str, ...], known: Collection[str], *, hints: bool
) -> tuple[tuple[str, ...], Iterable[Report]]:
    """Those of ``wanted`` that are ``known``, and reports about all others."""
    if not wanted:
        return (), ()
    found = tuple(name for name in wanted if name in known)
    return found, _unknown(kind, [name for name in wanted if name not in known], known, hints=hints)


def _unknown(kind: str, names: Sequence[str], known: Collection[str], *, hints: bool) -> Iterator[Report]:
    for name in names[:MOST_REPORTED]:
        close = nearest(name, known) if hints and len(names) <= MOST_REPORTED else ()
        hint = f" Did you mean {or_list(close)}?" if close else ""
        yield Report(Code.UNKNOWN_SLICE, f"There is no {kind} “{name[:80]}”.{hint}", name[:80])
    if len(names) > MOST_REPORTED:
        more = f"{len(names) - MOST_REPORTED:,} more names in the call are not a {kind}."
        yield Report(Code.UNKNOWN_SLICE, more)
