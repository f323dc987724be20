"""What an offer is once its template and categories are counted in."""

from __future__ import annotations

from typing import Any

from offerkit.address import ancestors
from offerkit.models.inherit import category_chain, merged, names_in, with_template

STAGE: dict[str, dict[str, Any]] = {
    "s/template.base": {
        "label": "Base", "protected": True, "weights": [{"weight": "1"}],
        "content": {"text": "base", "title": "base"}, "eligible": {"when": "a", "until": "2026-01-01"},
    },
    "s/template.top": {
        "template": "base", "content": {"title": "top"}, "eligible": {"when": "b"},
        "representations": {"web": {"title": "web", "html": "h"}}, "themes": ["x", "y"],
    },
    "s/template.loop": {"template": "pool", "content": {"a": "loop"}},
    "s/template.pool": {"template": "loop", "content": {"a": "pool", "b": "pool"}},
    "s/category.a": {"label": "A"},
    "s/category.a/b/c": {"label": "C"},
}  # fmt: skip


def test_the_nearest_counts_key_by_key() -> None:
    offer = {"template": "top", "content": {"html": "own"}, "themes": ["z"], "representations": {"web": {"title": "o"}}}
    assert with_template("s", offer, STAGE.get) == {
        "template": "top",
        "content": {"text": "base", "title": "top", "html": "own"},
        "eligible": {"when": "b", "until": "2026-01-01"},
        "representations": {"web": {"title": "o", "html": "h"}},
        "themes": ["z"],
        "weights": [{"weight": "1"}],
    }


def test_a_template_s_own_label_and_protection_are_not_inherited() -> None:
    assert with_template("s", {"template": "base"}, STAGE.get).keys() == {"template", "weights", "content", "eligible"}


def test_a_missing_template_gives_nothing_and_a_circle_ends() -> None:
    assert with_template("s", {"template": "none", "label": "x"}, STAGE.get) == {"template": "none", "label": "x"}
    assert with_template("s", {"template": "loop"}, STAGE.get)["content"] == {"a": "loop", "b": "pool"}


def test_merging_changes_neither_side() -> None:
    base, over = {"a": {"x": 1}, "b": [1]}, {"a": {"y": 2}, "b": [2]}
    assert merged(base, over) == {"a": {"x": 1, "y": 2}, "b": [2]}
    assert (base, over) == ({"a": {"x": 1}, "b": [1]}, {"a": {"y": 2}, "b": [2]})


def test_ancestors_and_the_chain_of_categories() -> None:
    assert ancestors("a/b/c") == ["a", "a/b", "a/b/c"]
    assert [path for path, _ in category_chain("s", "a/b/c", STAGE.get)] == ["a", "a/b/c"]


def test_names_in_takes_only_lists_of_names() -> None:
    assert names_in({"a": {"b": ["x", 1, "y"]}}, "a", "b") == ("x", "y")
    assert names_in({"a": "x"}, "a", "b") == names_in(None, "a") == names_in({"a": {"b": "x"}}, "a", "b") == ()
