"""Filters as offers use them: each parameter has a value, and each value fits its parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from offerkit.address import Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.graph.record import Finding, Index, PathInside, Record
from offerkit.models.values import misfit
from offerkit.rules.types import Base, FieldType


def bad_uses(index: Index, environment: str) -> Iterator[Finding]:
    """What is wrong with the values that offers and templates of ``environment`` give to filters."""
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            given = dict(record.facts.given)
            for ref in record.refs:
                used = index.by_address.get(ref.target) if ref.path[:2] == ("eligible", "filters") else None
                values = given.get(ref.path, {})
                shape = (ref.target, *values.items())
                if used is None or not used.valid or shape in sound:
                    continue
                findings = list(_use(record, ref.path, values, used))
                yield from findings
                if not findings:
                    sound.add(shape)


def _use(record: Record, use: PathInside, values: Mapping[str, str], used: Record) -> Iterator[Finding]:
    known = {name: FieldType(Base(base), options) for name, base, options in used.facts.types}
    for name, text in values.items():
        path = (*use, "with", name)
        if name not in known:
            none = f"{used.name} has no parameters; remove the value."
            yield Finding(
                record, path, Code.PARAMETER, f"filter {used.name} has no parameter “{name}”", on_key=True,
                hint=suggestion(name, known, f"Known: {', '.join(known)}." if known else none),
            )  # fmt: skip
        elif why := misfit(text, known[name]):
            options = known[name].values
            yield Finding(
                record, path, Code.PARAMETER, f"parameter {name} of filter {used.name}: {why}",
                hint=suggestion(text, options, f"Known: {', '.join(options)}.") if options
                else f"It is declared as {known[name].base}.",
            )  # fmt: skip
    for name in used.facts.required:
        if name not in values:
            yield Finding(
                record, use, Code.PARAMETER, f"filter {used.name} needs a value for its parameter “{name}”",
                "The parameter has no default.",
                f"Write {{filter: {used.name}, with: {{{name}: …}}}}.",
            )  # fmt: skip
