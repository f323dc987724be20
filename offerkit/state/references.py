"""References: which addresses a resource relies on, in which order they are made, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import SHARED, SHARED_KINDS, Address, Kind, parse_address
from offerkit.fingerprint import Json, JsonPath
from offerkit.models import model_of

if TYPE_CHECKING:
    import networkx as nx

    from offerkit.models.base import Resource

    Graph = nx.DiGraph[str]


class Ref(NamedTuple):
    """A reference to ``target`` (an address) from ``path`` inside the resource."""

    target: str
    path: JsonPath


def resource_refs(address: Address, resource: Resource) -> Iterator[Ref]:
    """The references of a resource; what it relies on without naming it, its parent or environment, comes last."""
    for path, kind, name, environment in resource.references():
        shared = kind in SHARED_KINDS
        yield Ref(f"{kind}.{name}" if shared else f"{environment or address.environment}/{kind}.{name}", path)
    for target in implied(address):
        yield Ref(target, ())


def implied(address: str) -> list[str]:
    """What a resource relies on without naming it: its parent category, or its environment."""
    place = parse_address(address)
    if place.kind is Kind.CATEGORY and "/" in place.name:
        return [f"{place.environment}/category.{place.name.rpartition('/')[0]}"]
    if place.kind in SHARED_KINDS or place.kind is Kind.ENVIRONMENT or place.environment == SHARED:
        return []
    return [f"environment.{place.environment}"]


def may_wait(address: str, target: str) -> bool:
    """Whether what stands at ``address`` may be live before ``target``, which it names or belongs to.

    A rule may name offers and categories that are not live yet, a space fall back on another environment's; operators
    are never live. A campaign goes to live by itself, and what it belongs to is live when its offers are.
    """
    source, place = parse_address(address), parse_address(target)
    match source.kind:
        case Kind.RULE if target not in implied(address):
            return True
        case Kind.CAMPAIGN if target in implied(address):
            return True
    return place.kind is Kind.OPERATOR or SHARED != place.environment != source.environment


def references_of(address: str, body: Json) -> tuple[str, ...]:
    """The addresses that a body at ``address`` refers to, its parent category or environment included."""
    place = parse_address(address)
    resource = model_of(place.kind).model_validate(body)
    return tuple(dict.fromkeys(ref.target for ref in resource_refs(place, resource)))


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
