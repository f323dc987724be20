"""Order, dependents and needs of a graph of addresses."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from offerkit.address import Address, Kind, parse_address
from offerkit.state.references import closure, creation_order, dependents


def typed(refs: dict[str, list[str]]) -> dict[Address, list[Address]]:
    return {parse_address(address): [*map(parse_address, targets)] for address, targets in refs.items()}


REFS = typed(
    {
        "s/offer.a": ["s/category.x/y", "s/filter.f", "environment.s"],
        "s/offer.b": ["s/category.x", "environment.s"],
        "s/category.x/y": ["s/category.x"],
        "s/category.x": ["environment.s"],
        "s/filter.f": ["environment.s"],
        "environment.s": ["dimension.d", "s/typology.t"],
        "s/typology.t": ["s/rule.r", "environment.s"],
        "s/rule.r": ["s/offer.a", "s/category.x", "environment.s"],
        "dimension.d": [],
    }
)


def test_everything_is_made_after_what_it_needs() -> None:
    assert creation_order(REFS) == [
        "s/filter.f",
        "s/rule.r",
        "s/typology.t",
        "s/category.x",
        "s/category.x/y",
        "s/offer.a",
        "s/offer.b",
        "dimension.d",
        "environment.s",
    ]


def test_the_order_does_not_depend_on_that_of_the_input() -> None:
    for seed in range(10):
        names = random.Random(seed).sample(sorted(REFS), len(REFS))
        assert creation_order({name: REFS[name][::-1] for name in names}) == creation_order(REFS)


def test_references_to_what_is_not_in_the_graph_do_not_order() -> None:
    assert creation_order(typed({"s/offer.a": ["s/filter.none"]})) == ["s/offer.a"]


def test_what_a_change_may_have_an_effect_on() -> None:
    found = dependents(REFS, ["s/category.x", "s/filter.f", "s/offer.b", "dimension.d", "s/rule.r"])
    assert found == {
        "s/category.x": ["s/category.x/y", "s/offer.a", "s/offer.b"],
        "s/filter.f": ["s/offer.a"],
        "dimension.d": ["environment.s"],  # an environment changes nothing of what is in it
        "s/rule.r": ["environment.s", "s/typology.t"],
    }


def test_all_that_something_relies_on() -> None:
    assert closure(REFS, "s/category.x/y") == {
        "s/category.x",
        "environment.s",
        "dimension.d",
        "s/typology.t",
        "s/rule.r",
        "s/offer.a",
        "s/filter.f",
    }
    assert closure(REFS, "dimension.d") == closure(REFS, "nothing") == set()


graphs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20)


@given(graphs)
def test_any_graph_without_circles_is_ordered(pairs: list[tuple[int, int]]) -> None:
    nodes = [Address("s", Kind.FILTER, f"n{n}") for n in range(9)]
    refs: dict[Address, list[Address]] = {node: [] for node in nodes}
    for high, low in pairs:
        if high > low:
            refs[nodes[high]].append(nodes[low])
    order = creation_order(refs)
    assert sorted(order) == sorted(refs)
    for address, targets in refs.items():
        assert all(order.index(target) < order.index(address) for target in targets)
    for start in refs:
        below = dependents(refs, [start]).get(start, [])
        assert below == sorted(a for a in refs if start in closure(refs, a))
