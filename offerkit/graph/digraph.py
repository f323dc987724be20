"""The dependency graph on networkx: cycles, order, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from offerkit.address import Kind, parse_address
from offerkit.diagnostics import Code
from offerkit.graph.record import Finding, Index, Record

if TYPE_CHECKING:
    import networkx as nx

    Graph = nx.DiGraph[str]

CIRCULAR_KINDS = (Kind.TEMPLATE, Kind.SPACE)
"""The kinds that may refer to their own kind. Categories may too, but a path cannot contain itself."""


def build(records: Iterable[Record]) -> Graph:
    """The graph of ``records``: an edge leads from a resource to what it refers to."""
    import networkx as nx

    graph: Graph = nx.DiGraph()
    for record in records:
        graph.add_node(record.address)
        graph.add_edges_from((record.address, ref.target) for ref in record.refs)
    return graph


def cycles(index: Index) -> Iterator[Finding]:
    """References that lead back to where they began, each with the positions that form it."""
    suspects = [
        record
        for (_, kind), group in index.groups.items()
        if kind in CIRCULAR_KINDS
        for record in group.values()
        if any(parse_address(ref.target).kind is kind for ref in record.refs)
    ]
    if not suspects:
        return
    import networkx as nx

    names = {record.address for record in suspects}
    graph = build(record._replace(refs=tuple(ref for ref in record.refs if ref.target in names)) for record in suspects)
    for ring in sorted(_from_smallest(ring) for ring in nx.simple_cycles(graph)):
        members = [index.by_address[address] for address in ring]
        first, following = members[0], (*members[1:], members[0])
        path = next(ref.path for ref in first.refs if ref.target == following[0].address)
        yield Finding(
            first, path, Code.CYCLE, "these refer to each other in a circle: " + " → ".join([*ring, ring[0]]),
            "What one of them means would depend on itself.",
            "Remove one of the references.",
            related=tuple((f"{member.address} is here", member) for member in members[1:]),
        )  # fmt: skip


def _from_smallest(ring: list[str]) -> list[str]:
    start = ring.index(min(ring))
    return ring[start:] + ring[:start]


def _firm(address: str, targets: Iterable[str]) -> Iterator[str]:
    """The references that order and effects follow.

    Everything belongs to its environment without being changed by it, and a presentation rule names offers
    and categories that in turn live under the typology it is in: both would make circles that mean nothing.
    """
    # Hot for every offer of a project: told from the text, without parsing addresses.
    from_rule = "/rule." in address
    for target in targets:
        if not target.startswith("environment.") and not (
            from_rule and ("/offer." in target or "/category." in target)
        ):
            yield target


def creation_order(refs: Mapping[str, Iterable[str]]) -> list[str]:
    """The addresses of ``refs``, each after all it refers to; stable: ties by environment, kind and name."""
    if len(refs) < 2:
        return list(refs)
    import networkx as nx

    def place(address: str) -> tuple[str, int, str]:
        return parse_address(address).sort_key

    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(refs)
    for address, targets in refs.items():
        graph.add_edges_from((target, address) for target in _firm(address, targets) if target in refs)
    return list(nx.lexicographical_topological_sort(graph, key=place))


def dependents(refs: Mapping[str, Iterable[str]], changed: Iterable[str]) -> dict[str, list[str]]:
    """For each changed address, all that it may have an effect on: what refers to it, directly or not, sorted."""
    reverse: dict[str, list[str]] = {}
    for address, targets in refs.items():
        for target in _firm(address, targets):
            reverse.setdefault(target, []).append(address)
    result = {}
    for start in changed:
        if start not in reverse:
            continue
        seen, pending = set[str](), list(reverse[start])
        while pending:
            address = pending.pop()
            if address not in seen and address != start:
                seen.add(address)
                pending.extend(reverse.get(address, ()))
        result[start] = sorted(seen)
    return result


def closure(refs: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """All that ``start`` relies on, directly or through others, without itself."""
    seen, pending = set[str](), list(refs.get(start, ()))
    while pending:
        address = pending.pop()
        if address not in seen:
            seen.add(address)
            pending.extend(refs.get(address, ()))
    seen.discard(start)
    return seen
