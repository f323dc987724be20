"""References: which addresses a resource depends on, the order of creation, and dependents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, SHARED_KINDS, Address, Kind, known_address
from offerkit.fingerprint import Json, JsonPath, json_map
from offerkit.models import model_of

if TYPE_CHECKING:
    import networkx as nx

    from offerkit.models.base import Resource

    Graph = nx.DiGraph[Address]

_NOWHERE = (Kind.ENVIRONMENT,)
_SHARED_KINDS = frozenset(SHARED_KINDS)
_NAMED_BY_RULES = (*_NOWHERE, Kind.OFFER, Kind.CATEGORY)
_WITH_VALUES = (Kind.OFFER, Kind.TEMPLATE, Kind.CATEGORY)
"""The kinds that give values to the environment's ``offer_fields``."""


class Ref(NamedTuple):
    """A reference to ``target`` (an address) from ``path`` inside the resource."""

    target: Address
    path: JsonPath


def resource_refs(address: Address, resource: Resource) -> Iterator[Ref]:
    """The references of a resource; implied ones (its parent category or environment) come last."""
    own = address.environment
    for path, kind, name, environment in resource.references():
        home = SHARED if kind in _SHARED_KINDS else environment or own
        yield Ref(known_address(home, kind, name), path)
    for target in implied(address):
        yield Ref(target, ())


def implied(address: Address) -> list[Address]:
    """The implied reference of a resource: its parent category or its environment."""
    if address.kind is Kind.CATEGORY and "/" in address.name:
        return [address.beside(Kind.CATEGORY, address.name.rpartition("/")[0])]
    if address.kind is Kind.ENVIRONMENT or address.environment == SHARED:
        return []
    return [known_address(address.environment, Kind.ENVIRONMENT, address.environment)]


def may_wait(address: Address, target: Address) -> bool:
    """Whether the resource at ``address`` can be live before ``target``, which it references.

    A rule can name offers and categories that are not live yet, and so can what counts a contact's propositions
    (``eligible.history``; a category that an offer counts goes live with it). A space can fall back to another
    environment.
    Operators are never live. A campaign goes live on its own; its environment is live once its offers are.
    """
    match address.kind:
        case Kind.RULE if target not in implied(address):
            return True
        case Kind.CAMPAIGN if target in implied(address):
            return True
        case Kind.OFFER | Kind.TEMPLATE | Kind.CATEGORY if _only_counts(address, target):
            return True
    return target.kind in ADMINISTRATIVE_KINDS or SHARED != target.environment != address.environment


def _only_counts(address: Address, target: Address) -> bool:
    """Whether an offer, template or category names ``target`` only to count propositions of it."""
    if target.kind is Kind.OFFER:
        return address.kind in (Kind.OFFER, Kind.TEMPLATE, Kind.CATEGORY)
    return address.kind is target.kind is Kind.CATEGORY and target not in implied(address)


def references_of(address: Address, body: Json) -> tuple[Address, ...]:
    """The addresses that a body at ``address`` references, including its parent category or environment."""
    if address.kind in _WITH_VALUES:  # which name nothing, and can be many
        body = {name: value for name, value in json_map(body).items() if name != "fields"}
    resource = model_of(address.kind).model_validate(body)
    return tuple(dict.fromkeys(ref.target for ref in resource_refs(address, resource)))


def _firm(address: Address, targets: Iterable[Address]) -> Iterator[Address]:
    """The references that matter for order and effects.

    The environment is left out because it does not change what belongs to it. A presentation rule's offers and
    categories are left out because they fall under the rule's typology, and offers and categories that are only
    counted because their changes do not change who counts them. All of them would make meaningless cycles.
    """
    passed_over = _NAMED_BY_RULES if address.kind is Kind.RULE else _NOWHERE
    for target in targets:
        if target.kind not in passed_over and not _only_counts(address, target):
            yield target


def creation_order(refs: Mapping[Address, Iterable[Address]]) -> list[Address]:
    """The addresses of ``refs`` in topological order: each after its references; ties by environment, kind and name."""
    if len(refs) < 2:
        return list(refs)
    import networkx as nx

    graph: Graph = nx.DiGraph()
    graph.add_nodes_from(refs)
    for address, targets in refs.items():
        graph.add_edges_from((target, address) for target in _firm(address, targets) if target in refs)
    return list(nx.lexicographical_topological_sort(graph, key=attrgetter("sort_key")))


def dependents(refs: Mapping[Address, Iterable[Address]], changed: Iterable[Address]) -> dict[Address, list[Address]]:
    """For each changed address, everything that references it, directly or indirectly, sorted."""
    reverse: dict[Address, list[Address]] = {}
    for address, targets in refs.items():
        for target in _firm(address, targets):
            reverse.setdefault(target, []).append(address)
    result = {}
    for start in changed:
        if start not in reverse:
            continue
        visited, pending = set[Address](), list(reverse[start])
        while pending:
            address = pending.pop()
            if address not in visited and address != start:
                visited.add(address)
                pending.extend(reverse.get(address, ()))
        result[start] = sorted(visited)
    return result


def closure(refs: Mapping[Address, Iterable[Address]], start: Address) -> set[Address]:
    """Everything that ``start`` references, directly or indirectly, without itself."""
    visited, pending = set[Address](), list(refs.get(start, ()))
    while pending:
        address = pending.pop()
        if address not in visited:
            visited.add(address)
            pending.extend(refs.get(address, ()))
    visited.discard(start)
    return visited
