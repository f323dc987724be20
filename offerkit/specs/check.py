"""Checks between resources: duplicates, unknown references, circles; consistency.py and conditions.py have the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from offerkit.address import ADMINISTRATIVE_KINDS, Address, Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.models.profiles import BUILT_IN_PROFILES
from offerkit.specs.conditions import Checker, bad_expressions, check_expressions
from offerkit.specs.consistency import inconsistencies
from offerkit.specs.offer_fields import bad_offer_fields
from offerkit.specs.record import Index, Mistake, Record
from offerkit.state.references import Ref

CIRCULAR_KINDS = (Kind.TEMPLATE, Kind.SPACE)
"""The kinds that may refer to their own kind. Categories may too, but a path cannot contain itself."""


def check(
    records: list[Record], unsure: frozenset[str] = frozenset(), checker: Checker = check_expressions
) -> Iterator[Mistake]:
    """Every mistake between ``records``: duplicates, unknown names, circles, broken rules between resources, and
    invalid conditions (found by ``checker``).

    ``unsure``: environments with files that could not be read. Something that seems to be missing there may be in
    one of them, so it is not reported.
    """
    index = Index.of(records)
    yield from duplicates(records)
    yield from unknown_references(index, unsure)
    yield from cycles(index)
    yield from inconsistencies(index, unsure)
    for environment in index.environments:
        yield from bad_offer_fields(index, environment, unsure)
    yield from bad_expressions(index, checker, unsure)


def duplicates(records: list[Record]) -> Iterator[Mistake]:
    """Resources that are declared twice, in one file or two."""
    declared: dict[str, Record] = {}
    for record in records:
        earlier = declared.setdefault(record.address, record)
        if earlier is not record:
            yield Mistake(
                record,
                (),
                Code.DECLARED_TWICE,
                f"{record.address} is declared twice",
                "A name must be unique, across all files.",
                "Rename or remove one of the two.",
                on_key=True,
                related=(("first here", earlier),),
            )


def unknown_references(index: Index, unsure: frozenset[str] = frozenset()) -> Iterator[Mistake]:
    """References to something undeclared, with similar names; an undeclared environment is reported once."""
    declared = index.by_address
    reported: set[str] = set()

    @cache
    def near(environment: str, kind: Kind, name: str, otherwise: str) -> str:
        known = index.group(environment, kind)
        if kind is Kind.ENVIRONMENT:
            return suggestion(name, index.environments, otherwise)
        return suggestion(name, (*BUILT_IN_PROFILES, *known) if kind is Kind.PROFILE else known, otherwise)

    for record in declared.values():
        for ref in record.refs:
            if ref.target in declared or ref.target in reported or ref.target.environment in unsure:
                continue
            if not ref.path and record.kind is not Kind.CATEGORY:
                reported.add(ref.target)
            yield _unknown(index, record, ref, near)


def _unknown(index: Index, record: Record, ref: Ref, near: Callable[[str, Kind, str, str], str]) -> Mistake:
    """``near`` suggests names; it is cached, as the same name may be missing in thousands of offers."""
    if not ref.path and record.kind is Kind.CATEGORY:
        parent = ref.target.name
        return Mistake(
            record,
            (),
            Code.MISSING_PARENT,
            f"the parent category “{parent}” is not declared",
            "A category's path is its place in the tree: each part of it must be declared as a category.",
            suggestion(
                parent,
                [n for n in index.group(record.environment, Kind.CATEGORY) if not n.startswith(f"{parent}/")],
                f"Declare {parent} as well.",
            ),
            on_key=True,
        )
    if not ref.path:
        return Mistake(
            record,
            (),
            Code.UNKNOWN_REFERENCE,
            f"the environment “{record.environment}” is not declared",
            "The space of a case names this environment."
            if record.kind is Kind.CASES
            else "A folder of specs/ is named after the environment that its resources belong to.",
            suggestion(
                record.environment, index.environments, f"Declare it in environments/{record.environment}.yaml."
            ),
            on_key=True,
        )
    target = ref.target
    environment, kind, name = target.environment, target.kind, target.name
    elsewhere = sorted(env for (env, other_kind), group in index.groups.items() if other_kind is kind and name in group)
    if elsewhere and environment == record.environment:
        return Mistake(
            record,
            ref.path,
            Code.FOREIGN_REFERENCE,
            f"there is no {kind} “{name}” in {record.environment}; there is one in {elsewhere[0]}",
            "Resources can only refer to resources of their own environment.",
            near(environment, kind, name, f"Declare it in specs/{record.environment}/ as well."),
            named=name,
        )
    return Mistake(
        record,
        ref.path,
        Code.UNKNOWN_REFERENCE,
        f"there is no {kind} “{name}”"
        + (
            f" in {environment}"
            if environment != record.environment and kind not in (*ADMINISTRATIVE_KINDS, Kind.ENVIRONMENT)
            else ""
        ),
        hint=near(environment, kind, name, f"Declare {ref.target}, or correct the name."),
        named=name,
    )


def cycles(index: Index) -> Iterator[Mistake]:
    """References that form a circle, each with the positions of its parts."""
    suspects = [
        record
        for (_, kind), group in index.groups.items()
        if kind in CIRCULAR_KINDS
        for record in group.values()
        if any(ref.target.kind is kind for ref in record.refs)
    ]
    if not suspects:
        return
    import networkx as nx

    names = {record.address for record in suspects}
    graph: nx.DiGraph[Address] = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((r.address, ref.target) for r in suspects for ref in r.refs if ref.target in names)
    for ring in sorted(_from_smallest(ring) for ring in nx.simple_cycles(graph)):
        members = [index.by_address[address] for address in ring]
        first, following = members[0], (*members[1:], members[0])
        path = next(ref.path for ref in first.refs if ref.target == following[0].address)
        yield Mistake(
            first,
            path,
            Code.CYCLE,
            "these refer to each other in a circle: " + " → ".join([*ring, ring[0]]),
            "Each of them would depend on itself.",
            "Remove one of the references.",
            related=tuple((f"{member.address} is here", member) for member in members[1:]),
        )


def _from_smallest(ring: list[Address]) -> list[Address]:
    start = ring.index(min(ring))
    return ring[start:] + ring[:start]
