"""The graph as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from offerkit.address import parse_address
from offerkit.reports.graph_svg import graph_svg

TEXTS: dict[str, list[str]] = {
    "shop/space.web": [],
    "shop/category.bank": [],
    "shop/category.bank/cards": ["shop/category.bank"],
    "shop/template.plain": ["other/space.web"],
    "other/space.web": [],
    "shop/offer.gold": ["shop/category.bank/cards", "shop/template.plain", "shop/space.web"],
}
EDGES = {parse_address(address): [*map(parse_address, targets)] for address, targets in TEXTS.items()}
_SVG = "{http://www.w3.org/2000/svg}"


def parsed(focus: str) -> ET.Element:
    return ET.fromstring(graph_svg(EDGES, focus).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def texts(found: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in found.iter(f"{_SVG}text")]


def test_every_resource_is_a_box_and_every_reference_a_line() -> None:
    found = parsed("shop/offer.gold")
    assert len(list(found.iter(f"{_SVG}rect"))) == len(EDGES)
    assert len(list(found.iter(f"{_SVG}path"))) == 5
    assert sorted(texts(found)) == sorted(
        ["offer", "gold", "template", "plain", "category", "bank/cards", "bank", "space", "other/web", "web"]
    )


def test_boxes_overlap_nowhere_and_stay_inside() -> None:
    found = parsed("shop/*")
    corners = {(rect.get("x"), rect.get("y")) for rect in found.iter(f"{_SVG}rect")}
    assert len(corners) == len(EDGES)
    width, height = int(found.get("width", "0")), int(found.get("height", "0"))
    for rect in found.iter(f"{_SVG}rect"):
        x, y, w, h = (int(rect.get(name, "-1")) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width and 0 <= y <= y + h <= height


def test_it_is_explained_in_words_and_marks_what_was_asked_for() -> None:
    found = parsed("shop/offer.gold")
    assert found.get("role") == "img"
    said = found.findtext(f"{_SVG}desc") or ""
    assert said.startswith("6 resources and 5 references: 1 in column offer")
    assert [g.get("class") for g in found.iter(f"{_SVG}g") if "chosen" in (g.get("class") or "")] == [
        "box offer chosen"
    ]


def test_what_was_asked_for_is_escaped() -> None:
    made = graph_svg(EDGES, "<script>\"'&")
    assert "<script>" not in made and "&lt;script&gt;" in made
