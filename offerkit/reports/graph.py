"""The dependency graph as text, Mermaid and DOT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offerkit.address import Address, Kind
from offerkit.reports.escape import visible
from offerkit.reports.style import PRESENTATION, Presentation

Edges = Mapping[Address, Sequence[Address]]
"""Addresses in topological order, each with the addresses it refers to."""

_SHAPES = {
    Kind.OFFER: ("([", "])"),
    Kind.CATEGORY: ("[/", "/]"),
    Kind.SPACE: ("[[", "]]"),
    Kind.ENVIRONMENT: ("{{", "}}"),
    Kind.FILTER: ("{", "}"),
}


@dataclass(frozen=True, slots=True)
class Graph:
    """Resources, and what each refers to."""

    edges: Edges


def graph_text(graph: Graph, presentation: Presentation = PRESENTATION) -> str:
    """Every resource, what it refers to indented below it. Ends with a newline."""
    edges, style = graph.edges, presentation.style
    rows: list[str] = []
    for address, targets in edges.items():
        rows.append(style.bold(visible(address)))
        rows += [f"  → {visible(target)}" for target in targets]
    count = sum(len(targets) for targets in edges.values())
    rows += ["", f"{len(edges):,} resources, {count:,} references."]
    return style.finish("\n".join(rows) + "\n")


def graph_mermaid(graph: Graph, _presentation: Presentation = PRESENTATION) -> str:
    """A Mermaid flowchart, for a fenced ``mermaid`` block. Ends with a newline."""
    edges = graph.edges
    names = _numbered(edges)
    rows = ["flowchart LR"]
    for address, name in names.items():
        left, right = _SHAPES.get(address.kind, ("[", "]"))
        rows.append(f'  {name}{left}"{address}"{right}')
    rows += [f"  {names[address]} --> {names[t]}" for address, targets in edges.items() for t in targets]
    return "\n".join(rows) + "\n"


def graph_dot(graph: Graph, _presentation: Presentation = PRESENTATION) -> str:
    """A Graphviz digraph. Ends with a newline."""
    edges = graph.edges
    rows = ["digraph offerkit {", "  rankdir=LR;", "  node [shape=box, fontname=Helvetica];"]
    rows += [f'  "{address}";' for address in _numbered(edges)]
    rows += [f'  "{address}" -> "{target}";' for address, targets in edges.items() for target in targets]
    return "\n".join([*rows, "}"]) + "\n"


def _numbered(edges: Edges) -> dict[Address, str]:
    every = dict.fromkeys([*edges, *(target for targets in edges.values() for target in targets)])
    return {address: f"n{number}" for number, address in enumerate(every)}
