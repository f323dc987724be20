"""The graph as SVG: a column for each layer; references point to the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offerkit.address import SHARED, Address, Kind
from offerkit.reports.escape import clip
from offerkit.reports.graph import Edges
from offerkit.reports.templating import call
from offerkit.reports.words import count

_COLUMN, _ROW, _BOX, _HEIGHT = 264, 30, 204, 22
_HEAD, _MARGIN = 30, 12
_LETTERS = 30
_ORDER = (
    Kind.CAMPAIGN,
    Kind.OFFER,
    Kind.TEMPLATE,
    Kind.CATEGORY,
    Kind.ENVIRONMENT,
    Kind.SPACE,
    Kind.TYPOLOGY,
    Kind.RULE,
    Kind.FILTER,
    Kind.DIMENSION,
    Kind.OPERATOR,
    Kind.PROFILE,
    Kind.CASES,
    Kind.POLICY,
    Kind.WEBHOOK,
)


def graph_svg(edges: Edges, focus: str) -> str:
    """An SVG element that explains itself in a title and a description; colours come from the page's style."""
    columns = _columns(edges)
    home = focus.partition("/")[0]
    coordinates = {
        address: (_MARGIN + column * _COLUMN, _MARGIN + _HEAD + row * _ROW)
        for column, (_, addresses) in enumerate(columns)
        for row, address in enumerate(addresses)
    }
    width = 2 * _MARGIN + max(0, len(columns) - 1) * _COLUMN + _BOX
    height = 2 * _MARGIN + _HEAD + max((len(addresses) for _, addresses in columns), default=0) * _ROW
    total = sum(len(targets) for targets in edges.values())
    in_columns = ", ".join(f"{len(addresses)} in column {title}" for title, addresses in columns)
    totals = f"{count(len(edges), 'resource')} and {count(total, 'reference')}"
    description = f"{totals}: {in_columns}. The table below says the same."
    lines = (_line(coordinates[a], coordinates[t]) for a, targets in edges.items() for t in targets if t in coordinates)
    heads = [
        (_MARGIN + column * _COLUMN, title, [_box(address, coordinates[address], focus, home) for address in addresses])
        for column, (title, addresses) in enumerate(columns)
    ]
    return call("graph.html", "graph", (width, height), focus, description, lines, _MARGIN + 14, heads, (_BOX, _HEIGHT))


def _columns(edges: Edges) -> list[tuple[str, Sequence[Address]]]:
    """The resources by kind, each kind left of those it refers to; within a kind, near their references."""
    by_kind: dict[Kind, list[Address]] = {}
    for address in edges:
        by_kind.setdefault(address.kind, []).append(address)
    found: list[tuple[str, Sequence[Address]]] = []
    above: Mapping[str, float] = {}
    for kind in _ORDER:
        if kind in by_kind:
            addresses = sorted(by_kind[kind], key=lambda a: (_middle(a, edges, above), a))
            above = {**above, **{address: row / len(addresses) for row, address in enumerate(addresses)}}
            found.append((str(kind), addresses))
    return found


def _middle(address: Address, edges: Edges, above: Mapping[str, float]) -> float:
    """Where those that refer to ``address`` stand on average, from 0 (top) to 1."""
    users = [above[user] for user, targets in edges.items() if address in targets and user in above]
    return sum(users) / len(users) if users else 0.0


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    """The path of a reference from box to box."""
    (x1, y1), (x2, y2) = start, end
    y1, y2 = y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    if x1 == x2:  # in one column: around its right side
        right = x1 + _BOX
        return f"M{right} {y1} C{right + 36} {y1} {right + 36} {y2} {right} {y2}"
    if x2 < x1:
        x1, x2, y1, y2 = x2, x1, y2, y1
    x1 += _BOX
    half = (x1 + x2) // 2
    return f"M{x1} {y1} C{half} {y1} {half} {y2} {x2} {y2}"


def _box(address: Address, corner: tuple[int, int], focus: str, home: str) -> tuple[str, str, int, int]:
    """The classes of a box, its name, and its upper left corner."""
    name = address.name if address.environment in (home, SHARED) else f"{address.environment}/{address.name}"
    return f"box {address.kind}{' chosen' if address == focus else ''}", clip(name, _LETTERS), *corner
