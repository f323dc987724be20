"""What changed inside a resource, field by field."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.plans import fields
from offerkit.plans.fields import field_changes, field_changes_by_place
from offerkit.plans.plan import ChangeOp, FieldChange


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [(change.op, change.path, change.before, change.after) for change in field_changes(before, after)]


BASE, SUMMER, WINTER = (
    {"label": "base", "weight": "1"},
    {"label": "summer", "weight": "2"},
    {"label": "winter", "weight": "3"},
)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"label": "a"}, {"label": "b"}, [("change", "label", "a", "b")]),
        ({}, {"label": "b"}, [("add", "label", None, "b")]),
        ({"label": "a"}, {}, [("remove", "label", "a", None)]),
        ({"enabled": False}, {}, [("remove", "enabled", False, None)]),
        # maps: each key
        (
            {"content": {"title": "a", "html": "x"}},
            {"content": {"title": "b", "text": "y"}},
            [
                ("remove", "content.html", "x", None),
                ("add", "content.text", None, "y"),
                ("change", "content.title", "a", "b"),
            ],
        ),
        ({}, {"content": {"title": "a"}}, [("add", "content", None, {"title": "a"})]),
        (
            {"eligible": {"from": "2026-01-01"}},
            {"eligible": {"from": "2026-01-01", "when": "x"}},
            [("add", "eligible.when", None, "x")],
        ),
        # lists of names: one value
        ({"themes": ["a", "b"]}, {"themes": ["b", "c"]}, [("change", "themes", ["a", "b"], ["b", "c"])]),
        (
            {"defaults": {"themes": ["a"]}},
            {"defaults": {"themes": ["b"]}},
            [("change", "defaults.themes", ["a"], ["b"])],
        ),
        # lists of maps with names: by name
        ({"weights": [BASE]}, {"weights": [SUMMER, BASE]}, [("add", "weights[summer]", None, SUMMER)]),
        ({"weights": [BASE, SUMMER]}, {"weights": [SUMMER]}, [("remove", "weights[base]", BASE, None)]),
        (
            {"weights": [BASE, SUMMER]},
            {"weights": [BASE, {**SUMMER, "weight": "9"}]},
            [("change", "weights[summer].weight", "2", "9")],
        ),
        (
            {"weights": [BASE, SUMMER]},
            {"weights": [SUMMER, BASE]},
            [("change", "weights.(order)", ["base", "summer"], ["summer", "base"])],
        ),
        (
            {"fields": [{"name": "title"}]},
            {"fields": [{"name": "title", "required": True}]},
            [("add", "fields[title].required", None, True)],
        ),
        (
            {"eligible": {"filters": [{"filter": "a"}]}},
            {"eligible": {"filters": [{"filter": "b"}]}},
            [
                ("remove", "eligible.filters[a]", {"filter": "a"}, None),
                ("add", "eligible.filters[b]", None, {"filter": "b"}),
            ],
        ),
        # … without: by content
        (
            {"weights": [{"weight": "1"}]},
            {"weights": [{"weight": "1"}, {"weight": "2"}]},
            [("add", "weights[2]", None, {"weight": "2"})],
        ),
        ({"weights": [{"weight": "1"}]}, {"weights": [{"weight": "2"}]}, [("change", "weights[1].weight", "1", "2")]),
        (
            {"weights": [{"weight": "1"}, {"weight": "2", "when": "x"}, {"weight": "3", "when": "y"}]},
            {"weights": [{"weight": "1"}, {"weight": "3", "when": "y"}]},
            [("remove", "weights[2]", {"weight": "2", "when": "x"}, None)],
        ),
        (
            {"weights": [{"weight": "1"}, {"weight": "2", "when": "x"}]},
            {"weights": [{"weight": "5", "when": "x"}]},
            [("remove", "weights[1]", {"weight": "1"}, None), ("change", "weights[2→1].weight", "2", "5")],
        ),
        (
            {"weights": [{"weight": "1"}, {"weight": "2"}, {"weight": "3"}]},
            {"weights": [{"weight": "3"}, {"weight": "1"}, {"weight": "2"}]},
            [("change", "weights.(order)", ["1", "2", "3"], ["3", "1", "2"])],
        ),
        (
            {"weights": [{"weight": "1"}, {"weight": "1"}]},
            {"weights": [{"weight": "1"}]},
            [("remove", "weights[2]", {"weight": "1"}, None)],
        ),
        # another item in the same place is one change of it
        (
            {"weights": [{"weight": "1", "when": "x"}]},
            {"weights": [{"weight": "2", "when": "y"}]},
            [("change", "weights[1]", {"weight": "1", "when": "x"}, {"weight": "2", "when": "y"})],
        ),
        # some with names, some without; a name that looks like a place is none
        (
            {"weights": [{"weight": "1"}, SUMMER]},
            {"weights": [{**SUMMER, "weight": "9", "from": "a"}, {"weight": "1"}]},
            [
                ("change", "weights.(order)", ["1", "summer"], ["summer", "1"]),
                ("add", "weights[summer].from", None, "a"),
                ("change", "weights[summer].weight", "2", "9"),
            ],
        ),
        (
            {"weights": [{"weight": "1"}, {"label": "1", "weight": "2"}]},
            {"weights": [{"label": "1", "weight": "3"}]},
            [("remove", "weights[1]", {"weight": "1"}, None), ("change", "weights[2→1].weight", "2", "3")],
        ),
        # an order is told although an item came
        (
            {"weights": [BASE, SUMMER]},
            {"weights": [SUMMER, BASE, WINTER]},
            [
                ("change", "weights.(order)", ["base", "summer"], ["summer", "base"]),
                ("add", "weights[winter]", None, WINTER),
            ],
        ),
        # deep
        (
            {"deliveries": {"a": {"cells": [{"when": "x", "offer": "o"}]}}},
            {"deliveries": {"a": {"cells": [{"when": "y", "offer": "o"}]}}},
            [("change", "deliveries.a.cells[1].when", "x", "y")],
        ),
        (
            {"representations": {"web": {"title": "a"}}},
            {"representations": {"web": {"title": "a"}, "mail": {"title": "b"}}},
            [("add", "representations.mail", None, {"title": "b"})],
        ),
    ],
)
def test_changes(before: dict[str, Any], after: dict[str, Any], changes: list[tuple[str, str, Any, Any]]) -> None:
    assert told(before, after) == changes


def test_an_insertion_at_the_front_is_one_addition() -> None:
    many = [{"label": f"w{n}", "weight": str(n)} for n in range(20)]
    assert told({"weights": many[1:]}, {"weights": many}) == [("add", "weights[w0]", None, many[0])]


def test_a_list_that_gets_names_says_so() -> None:
    changes = told({"weights": [{"weight": "1"}]}, {"weights": [{"label": "a", "weight": "1"}]})
    assert changes == [("add", "weights[1].label", None, "a")]


@pytest.mark.parametrize("name", ["", "label"])
def test_one_of_thousands_removed_is_one_change(name: str) -> None:
    many = [{"weight": str(n), "when": f"x = {n}"} | ({name: str(n)} if name else {}) for n in range(5_000)]
    place = "2501" if not name else "2500"
    assert told({"weights": many}, {"weights": many[:2500] + many[2501:]}) == [
        ("remove", f"weights[{place}]", many[2500], None)
    ]


def test_work_on_long_lists_grows_with_their_length() -> None:
    """Calls are counted on lists that have nothing in common, and on one that is turned round."""

    def calls(n: int) -> int:
        many = [{"weight": str(k), "when": f"x = {k}"} for k in range(n)]
        others = [{"weight": f"{k}y", "when": f"y = {k}"} for k in range(n)]
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(counted)
        try:
            field_changes({"weights": many}, {"weights": others})
            field_changes({"weights": many}, {"weights": many[::-1]})
        finally:
            sys.setprofile(None)
        return count

    assert calls(2_000) < calls(500) * 5


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (
            [{"weight": "1"}, {"weight": "2"}],
            [{"weight": "2"}],
            [("change", "weights[1].weight", "1", "2"), ("remove", "weights[2]", {"weight": "2"}, None)],
        ),
        ([BASE, SUMMER], [SUMMER, BASE, WINTER], [("add", "weights[winter]", None, WINTER)]),
        ([BASE, SUMMER], [SUMMER, BASE], [("change", "weights.(order)", ["base", "summer"], ["summer", "base"])]),
        (
            [{"weight": "1"}],
            [BASE],
            [("remove", "weights[1]", {"weight": "1"}, None), ("add", "weights[base]", None, BASE)],
        ),
    ],
)
def test_plans_of_earlier_versions_tell_by_place(
    before: list[Any], after: list[Any], changes: list[tuple[str, str, Any, Any]]
) -> None:
    made = field_changes_by_place({"weights": before}, {"weights": after})
    assert [(change.op, change.path, change.before, change.after) for change in made] == changes


def test_nothing_changed() -> None:
    assert told({"a": {"b": [1]}}, {"a": {"b": [1]}}) == []


leaves = st.sampled_from(["a", "b", "", True, False, 2, "2"])
items = st.lists(
    st.fixed_dictionaries({"weight": leaves}, optional={"label": st.sampled_from(["x", "y", "z"])}), max_size=3
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "label": leaves,
        "weights": items,
        "themes": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "content": st.dictionaries(st.sampled_from(["title", "html"]), leaves, max_size=2),
        "eligible": st.fixed_dictionaries({}, optional={"filters": items, "when": leaves}),
    },
)


@given(bodies, bodies)
def test_a_change_is_told_exactly_when_there_is_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = field_changes(before, after)
    assert bool(changes) == (before != after)
    assert [change.path for change in changes] == sorted(change.path for change in changes)
    assert len({change.path for change in changes}) == len(changes)
    back = field_changes(after, before)
    opposite = {ChangeOp.ADD: ChangeOp.REMOVE, ChangeOp.REMOVE: ChangeOp.ADD, ChangeOp.CHANGE: ChangeOp.CHANGE}
    assert {(opposite[c.op], c.path) for c in outside(changes)} == {(c.op, c.path) for c in outside(back)}
    # Which of two items that are alike is meant may be told otherwise on the way back, but of the same lists.
    assert {c.path.partition("[")[0].removesuffix(".(order)") for c in changes} == {
        c.path.partition("[")[0].removesuffix(".(order)") for c in back
    }


@given(bodies, bodies)
def test_plain_values_are_compared_as_deepdiff_does(before: dict[str, Any], after: dict[str, Any]) -> None:
    ways = field_changes, field_changes_by_place
    found = [way(before, after) for way in ways]
    with patch.object(fields, "_deep", fields._structural_changes):
        assert found == [way(before, after) for way in ways]


def test_plain_values_need_no_library() -> None:
    code = """
import sys
from offerkit.plans.fields import field_changes
before = {"label": "a", "content": {"title": "a", "html": "c"}, "weights": [{"weight": 1}]}
assert len(field_changes(before, {"label": "b", "content": {"title": "b", "text": "d"}, "weights": [{"weight": 2}]})) == 5
print({"deepdiff", "numpy"} & sys.modules.keys())
field_changes(before, {"weights": [{"weight": 1}, {"weight": 2}]})
print("deepdiff" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()", "True"]


def outside(changes: Sequence[FieldChange]) -> list[FieldChange]:
    """The changes that are not of an item of a list, nor of the order of one."""
    return [change for change in changes if "[" not in change.path and "(order)" not in change.path]


@given(items, items)
def test_as_many_items_come_and_go_as_one_list_is_longer(before: list[Any], after: list[Any]) -> None:
    """And an item that is the same in both lists, once, is neither."""
    changes = field_changes({"weights": before}, {"weights": after})
    if not before or not after:
        return
    whole = [change for change in changes if change.path.endswith("]")]
    come, gone = (sum(change.op is op for change in whole) for op in (ChangeOp.ADD, ChangeOp.REMOVE))
    assert len(before) + come - gone == len(after)
    for item in before:
        if before.count(item) == after.count(item) == 1:
            assert all(item not in (change.before, change.after) for change in whole)


def test_two_changes_of_one_path_have_an_order() -> None:
    """A name with a dot can look like a path; the order of a set must not decide which comes first."""
    found = [(change.path, change.op) for change in field_changes({"a.b": 1, "a": {}}, {"a": {"b": 1}})]
    assert found == sorted(found)
    assert [path for path, _ in found] == ["a.b", "a.b"]
