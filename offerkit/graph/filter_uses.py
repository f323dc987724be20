"""Filters as offers use them: each parameter has a value, and each value fits its parameter."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.graph.record import Finding, Index, Record, Use
from offerkit.models.values import misfit
from offerkit.rules.types import Base, FieldType


def bad_uses(index: Index, environment: str) -> Iterator[Finding]:
    """What is wrong with the values that offers and templates of ``environment`` give to filters."""
    filters = index.group(environment, Kind.FILTER)
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            for use in record.facts.uses:
                used = filters.get(use.filter)
                shape = (use.filter, *use.values.items())
                if used is None or not used.valid or shape in sound:
                    continue
                findings = list(_use(record, use, used))
                yield from findings
                if not findings:
                    sound.add(shape)


def _use(record: Record, use: Use, used: Record) -> Iterator[Finding]:
    known = {name: FieldType(Base(base), values) for name, base, values in used.facts.types}
    for name, text in use.values.items():
        path = (*use.path, "with", name)
        if name not in known:
            none = f"{use.filter} has no parameters; remove the value."
            yield Finding(
                record, path, Code.PARAMETER, f"filter {use.filter} has no parameter “{name}”", on_key=True,
                hint=suggestion(name, known, f"Known: {', '.join(known)}." if known else none),
            )  # fmt: skip
        elif why := misfit(text, known[name]):
            yield Finding(
                record, path, Code.PARAMETER, f"parameter {name} of filter {use.filter}: {why}",
                hint=suggestion(text, known[name].values, f"Known: {', '.join(known[name].values)}.")
                if known[name].values else f"It is declared as {known[name].base}.",
            )  # fmt: skip
    for name in used.facts.required:
        if name not in use.values:
            yield Finding(
                record, use.path, Code.PARAMETER, f"filter {use.filter} needs a value for its parameter “{name}”",
                "The parameter has no default.",
                f"Write {{filter: {use.filter}, with: {{{name}: …}}}}.",
            )  # fmt: skip
