"""Findings about values that nothing reads, or that nothing gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.linting import ENVIRONMENT, FILES, MARK, linted, place, written

from offerkit.diagnostics import Code, Severity

_SPACES = FILES["specs/shop/spaces.yaml"]
_OFFER = "categories: {c: {}}\noffers:\n  a: {category: c, content: {title: x}, fields: {margin: 3}"


@pytest.mark.parametrize(
    ("more", "spaces"),
    [
        (", weights: [{formula: offer.margin}]", _SPACES),
        (', eligible: {when: \'person.score > "offer"."margin"\'}', _SPACES),
        (", weights: [{weight: 1, dynamic: rates}]", _SPACES),
        (", representations: {web: {title: '{{ offer.margin }}'}}", _SPACES),
        ("", _SPACES.replace("unitary: true", "unitary: true, hooks: {post_processing: best}", 1)),
        ("", _SPACES.replace("unitary: true", "unitary: true, storage: {proposed_data: {m: offer.margin}}", 1)),
    ],
)
def test_a_field_of_offers_that_something_reads_is_none(tmp_path: Path, more: str, spaces: str) -> None:
    environment = ENVIRONMENT + "  offer_fields: {margin: {type: decimal}}\n"
    written(tmp_path, _OFFER + more + "}\n", {"environments/shop.yaml": environment, "specs/shop/spaces.yaml": spaces})
    assert not [found for found in linted(tmp_path).diagnostics if found.code is Code.UNREAD_FIELD]


def test_a_field_of_offers_that_nothing_reads_is_noted(tmp_path: Path) -> None:
    """Not one whose name another that is read begins with."""
    fields = f"  offer_fields:\n    {MARK}margin: {{type: decimal}}\n    margin_rate: {{type: decimal}}\n"
    text = _OFFER + ", eligible: {when: offer.margin_rate is null}}\n"
    (where,) = written(tmp_path, text, {"environments/shop.yaml": ENVIRONMENT + fields})
    (found,) = [found for found in linted(tmp_path).diagnostics if found.code is Code.UNREAD_FIELD]
    assert (place(found), found.severity) == (where, Severity.NOTE)
    assert found.summary == "nothing reads the field “margin” of offers"
    assert found.hint == "Read it as offer.margin, or remove it."


def test_a_field_that_nothing_reads_is_named_as_a_condition_writes_it(tmp_path: Path) -> None:
    fields = "  offer_fields:\n    sold-until: {type: date}\n"
    written(tmp_path, _OFFER.replace(", fields: {margin: 3}", "}\n"), {"environments/shop.yaml": ENVIRONMENT + fields})
    (found,) = [found for found in linted(tmp_path).diagnostics if found.code is Code.UNREAD_FIELD]
    assert found.hint == 'Read it as offer."sold-until", or remove it.'


@pytest.mark.parametrize(
    ("text", "render"),
    [
        ("  a: {category: c, content: {title: ‸'{{ product.hotel }}'}}", ""),
        ("  a: {category: c, content: {title: '{{ product.hotel }}'}, weights: [{weight: 1, dynamic: rates}]}", ""),
        ("  a: {category: c, content: {title: x}}", "render: {text: ‸'{{ product.hotel }}'}, "),
        (
            "  a: {category: c, template: t}\n  b: {category: c, template: t, weights: [{weight: 1, dynamic: rates}]}",
            "",
        ),
        ("  a: {category: c, template: t}\n  b: {category: c, template: t, content: {title: x}}", "?"),
    ],
)
def test_a_text_about_products_that_never_are_is_noted(tmp_path: Path, text: str, render: str) -> None:
    """Of a template only if none of its offers is dynamic; also of a space where no offer is."""
    mark = MARK if render == "?" else ""
    templates = (
        f"templates:\n  t: {{content: {{title: {mark}'{{{{ product.hotel }}}}'}}}}\n" if "template" in text else ""
    )
    files = {
        "environments/shop.yaml": ENVIRONMENT + "  product_fields: {hotel: {type: string}}\n",
        "specs/shop/spaces.yaml": _SPACES.replace("web: {", "web: {" + render.strip("?"), 1),
    }
    places = written(tmp_path, f"categories: {{c: {{}}}}\n{templates}offers:\n{text}\n", files)
    found = [found for found in linted(tmp_path).diagnostics if found.code is Code.NEVER_PRODUCT]
    assert [place(one) for one in found] == places
    assert all(one.severity is Severity.NOTE for one in found)
    assert all(one.summary == "the text reads product.hotel, which is always unknown" for one in found)
