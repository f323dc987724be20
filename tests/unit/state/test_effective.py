"""What an offer is once its templates, categories and spaces are counted in, and who says so."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from offerkit.address import Address, Kind, ancestors, parse_address
from offerkit.state.changes import Body, Entry
from offerkit.state.effective import EffectiveOffer, Inheritance, Layer, merged, names_in
from offerkit.state.snapshot import Snapshot

Bodies = dict[str, dict[str, Any]]
STAGE: Bodies = {
    "s/template.base": {
        "label": "Base",
        "description": "d",
        "protected": True,
        "weights": [{"weight": "1"}],
        "content": {"text": "base", "title": "base"},
        "eligible": {"when": "a", "until": "2026-01-01"},
    },
    "s/template.top": {
        "template": "base",
        "content": {"title": "top"},
        "eligible": {"when": "b"},
        "representations": {"web": {"title": "web", "html": "h"}},
        "themes": ["x", "y"],
        "reviewers": {"content": ["brand"]},
    },
    "s/template.loop": {"template": "pool", "content": {"a": "loop"}},
    "s/template.pool": {"template": "loop", "content": {"a": "pool", "b": "pool"}},
    "s/template.itself": {"template": "itself", "content": {"a": "itself"}},
    "s/template.lost": {"template": "none", "content": {"a": "lost"}},
    "s/template.posted": {"spaces": ["mail", "web"]},
    "s/category.a": {"label": "A", "themes": ["red"], "always_include": True},
    "s/category.a/b/c": {"label": "C", "themes": ["blue"]},
    "s/category.d": {},
    "s/filter.adult": {"when": "person.age >= 18"},
    "s/space.mail": {"fields": [{"name": "title", "required": True}, {"name": "html", "required": True}]},
    "s/space.web": {"fields": [{"name": "html"}, {"name": "title", "required": True}]},
    "s/space.wall": {"fields": [{"name": "image", "required": True}]},
}
OFFER: dict[str, Any] = {
    "template": "top",
    "category": "a/b/c",
    "content": {"html": "own"},
    "themes": ["z"],
    "representations": {"web": {"title": "o"}},
}


def effective(offer: dict[str, Any], stage: Bodies = STAGE) -> EffectiveOffer:
    bodies = {parse_address(text): body for text, body in {**stage, "s/offer.o": offer}.items()}
    spaces = [address for address in bodies if address.kind is Kind.SPACE]
    return Inheritance("s", bodies.get, spaces).offer(Address("s", Kind.OFFER, "o"))


def test_the_nearest_counts_key_by_key() -> None:
    assert effective(OFFER).body == {
        "template": "top",
        "category": "a/b/c",
        "content": {"text": "base", "title": "top", "html": "own"},
        "eligible": {"when": "b", "until": "2026-01-01"},
        "representations": {"web": {"title": "o", "html": "h"}},
        "themes": ["z"],
        "weights": [{"weight": "1"}],
        "reviewers": {"content": ["brand"]},
    }


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("content",),
        ("content", "text"),
        ("content", "none"),
        ("representations", "web"),
        ("eligible", "when"),
        ("themes",),
        ("weights",),
        ("code",),
        ("themes", "deeper"),
        ("label",),
        ("representations", "wall", "title"),
    ],
)
def test_what_is_asked_for_by_path_is_what_stands_in_the_whole(path: tuple[str, ...]) -> None:
    offer = effective(OFFER)
    value: Any = offer.body
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    assert offer.get(*path) == value


def test_only_maps_are_merged() -> None:
    """A list, or a text where a template has a map, takes the place of all that is below it."""
    offer = effective({"template": "top", "content": "odd", "eligible": ["odd"]})
    assert offer.get("content") == "odd" == offer.body["content"]
    assert offer.get("content", "title") is None
    assert offer.get("eligible", "when") is None
    assert effective({"template": "top", "themes": {}}).get("themes") == {}


def test_what_is_empty_is_said() -> None:
    """An empty map inherits what it leaves out, an empty list stands for itself."""
    offer = effective({"template": "top", "content": {}, "representations": {"web": {}}, "themes": []})
    assert offer.content("web") == {"title": "web", "html": "h"}
    assert offer.get("themes") == []
    assert offer.origin(("themes",)) == "s/offer.o"
    assert offer.origin(("content", "title")) == "s/template.top"


def test_a_template_s_own_label_and_protection_are_not_inherited() -> None:
    assert effective({"template": "base"}).body.keys() == {"template", "weights", "content", "eligible"}


@pytest.mark.parametrize(
    ("template", "layers", "content"),
    [
        ("none", [], None),
        ("lost", ["lost"], {"a": "lost"}),
        ("itself", ["itself"], {"a": "itself"}),
        ("loop", ["loop", "pool"], {"a": "loop", "b": "pool"}),
        (7, [], None),
    ],
)
def test_a_missing_template_gives_nothing_and_a_circle_ends(template: object, layers: list[str], content: Any) -> None:
    offer = effective({"template": template})
    assert [layer.name for layer in offer.layers] == ["o", *layers]
    assert offer.get("content") == content


def test_merging_changes_neither_side() -> None:
    base, over = {"a": {"x": 1}, "b": [1]}, {"a": {"y": 2}, "b": [2]}
    assert merged(base, over) == {"a": {"x": 1, "y": 2}, "b": [2]}
    assert (base, over) == ({"a": {"x": 1}, "b": [1]}, {"a": {"y": 2}, "b": [2]})


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (("content", "html"), "s/offer.o"),
        (("content", "title"), "s/template.top"),
        (("content", "text"), "s/template.base"),
        (("eligible", "until"), "s/template.base"),
        (("eligible", "when"), "s/template.top"),
        (("weights", 0, "when"), "s/template.base"),
        (("themes", 1), "s/offer.o"),
        (("code",), "s/offer.o"),  # nobody says it
    ],
)
def test_who_says_what(path: tuple[str | int, ...], says: str) -> None:
    assert effective(OFFER).origin(path) == says


def test_what_categories_hand_down() -> None:
    """Those that are not there hand nothing down, and keep nothing from coming down."""
    offer = effective(OFFER)
    assert ancestors("a/b/c") == ["a", "a/b", "a/b/c"]
    assert offer.categories == (
        Layer("s/category.a", STAGE["s/category.a"]),
        Layer("s/category.a/b/c", STAGE["s/category.a/b/c"]),
    )
    assert offer.themes == {"red", "blue", "z"}
    assert offer.around.always_included("a/b/c")
    assert not offer.around.always_included("d")
    assert effective({"category": "d", "template": "top"}).themes == {"x", "y"}
    assert effective({}).categories == ()


def test_content_is_the_representation_over_the_content_for_the_fields_of_the_space() -> None:
    offer = effective(OFFER)
    assert offer.content("mail") == {"title": "top", "html": "own"}
    assert offer.content("web") == {"html": "h", "title": "o"}  # a template's representation counts before own content
    assert list(offer.content("web")) == ["html", "title"]  # in the order of the space
    assert offer.content("wall") == offer.content("none") == {}
    assert offer.content_origin("web", "html") == ("s/template.top", ("representations", "web", "html"))
    assert offer.content_origin("web", "title") == ("s/offer.o", ("representations", "web", "title"))
    assert offer.content_origin("mail", "title") == ("s/template.top", ("content", "title"))
    assert offer.content_origin("mail", "image") is None


def test_spaces_are_those_it_names_or_those_it_has_the_fields_for() -> None:
    assert effective(OFFER).shown_on == ("mail", "web")
    assert effective({"content": {"title": "t"}}).shown_on == ("web",)
    assert effective({"content": {"title": "t"}, "representations": {"mail": {"html": "h"}}}).shown_on == (
        "mail",
        "web",
    )
    assert effective({"content": {"image": "i"}}).shown_on == ("wall",)
    assert effective({}).shown_on == ()
    assert effective({**OFFER, "spaces": ["wall", "none"]}).shown_on == ("wall",)  # also where a field is missing
    assert effective({"template": "posted"}).shown_on == ("mail", "web")
    assert effective({"template": "posted", "spaces": ["wall"]}).shown_on == ("wall",)
    assert effective({"spaces": ["none"]}).shown_on == ()


def test_offers_of_one_shape_share_their_spaces_and_no_others_do() -> None:
    bodies: Bodies = {
        **STAGE,
        "s/offer.a": {"content": {"title": "1"}},
        "s/offer.b": {"content": {"title": "2"}},
        "s/offer.c": {"content": {"title": "1"}, "template": "top"},
        "s/offer.d": {"content": {"title": "1"}, "representations": {"mail": {"html": ""}}},
        "s/offer.e": {"content": {"html": ""}},
        "s/offer.f": {"content": {"html": ""}, "template": "base"},
    }
    there = {parse_address(text): body for text, body in bodies.items()}
    spaces = [address for address in there if address.kind is Kind.SPACE]
    around = Inheritance("s", there.get, spaces)
    seen = {name: around.offer(Address("s", Kind.OFFER, name)).shown_on for name in "abcdef"}
    assert seen == {"a": ("web",), "b": ("web",), "c": ("web",), "d": ("mail", "web"), "e": (), "f": ("mail", "web")}


def test_missing_fields_in_the_order_of_the_space() -> None:
    assert effective({}).missing("mail") == ["title", "html"]
    assert effective({"representations": {"web": {"title": "t"}}}).missing("mail") == ["title", "html"]
    assert effective(OFFER).missing("wall") == ["image"]
    assert effective(OFFER).missing("none") == []


def test_filters_and_reviewers_are_those_of_the_nearest() -> None:
    stage: Bodies = {**STAGE, "s/template.f": {"eligible": {"filters": [{"filter": "adult"}]}}}
    assert effective({"template": "f"}, stage).filters == ("adult",)
    own = effective({"template": "f", "eligible": {"filters": [{"filter": "b"}, {"filter": "a"}]}}, stage)
    assert own.filters == ("b", "a")
    assert own.around.filter("adult") == ("s/filter.adult", STAGE["s/filter.adult"])
    assert own.around.filter("none") == ("s/filter.none", None)
    assert effective(OFFER).reviewers("content") == ("brand",)
    assert effective(OFFER).reviewers("eligibility") == ()


def test_what_it_relies_on() -> None:
    stage: Bodies = {**STAGE, "s/template.f": {"eligible": {"filters": [{"filter": "adult"}]}, "template": "posted"}}
    offer = effective({"template": "f", "category": "a/b/c", "eligible": {"filters": [{"filter": "own"}]}}, stage)
    assert offer.relies_on == {
        "s/template.f",
        "s/template.posted",
        "s/category.a",
        "s/category.a/b/c",
        "s/filter.adult",
        "s/filter.own",
        "s/space.mail",
        "s/space.web",
    }
    assert {a for a in effective({}, stage).relies_on if "/space." in a} == {
        "s/space.mail",
        "s/space.web",
        "s/space.wall",
    }


def test_names_in_takes_only_lists_of_names() -> None:
    assert names_in({"a": {"b": ["x", 1, "y"]}}, "a", "b") == ("x", "y")
    assert names_in({"a": "x"}, "a", "b") == names_in(None, "a") == names_in({"a": {"b": "x"}}, "a", "b") == ()


def test_a_snapshot_is_gone_when_nobody_holds_it() -> None:
    """Commands run without the collector of cycles, and a promotion makes many snapshots."""
    offer = Address("s", Kind.OFFER, "o")
    seen = Snapshot({}, {}).with_entries({offer: Entry("x")}, {"x": Body(Kind.OFFER, '{"category":"a"}')})
    assert seen.offer(offer).shown_on == ()
    gone = weakref.ref(seen)
    gc.disable()
    try:
        del seen
        assert gone() is None
    finally:
        gc.enable()
