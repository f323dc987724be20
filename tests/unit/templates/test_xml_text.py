"""Whatever a space's function makes, what is accepted never ends the element around it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.templates.xml_text import node_trouble, with_attribute, with_html, without_declaration, xml_trouble

_PIECES = st.sampled_from(
    [
        "<a>",
        "</a>",
        "<a/>",
        '<a div="x">',
        "<a b='1'>",
        '<x:a xmlns:x="urn:x">',
        "</x:a>",
        "<!-- c -->",
        "<?p d?>",
        '<?xml version="1.0"?>',
        "<![CDATA[ ]]>",
        "]]>",
        "&amp;",
        "&x;",
        "<!DOCTYPE a>",
        "</r>",
        "<r>",
        " ",
        "\n",
        "text",
        'div="y"',
        "\x00",
        "\ud800",
        "é",
        "-->",
        '"',
        ">",
    ]
)
_TEXTS = st.lists(_PIECES, max_size=6).map("".join)
_VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), max_size=20)


@pytest.mark.slow
@given(_TEXTS, _VALUES, _VALUES)
@settings(max_examples=2_000, deadline=None)
def test_an_accepted_element_stays_one_element(text: str, div: str, html: str) -> None:
    node = text.strip()
    if node_trouble(node)[0]:
        return
    own = ElementTree.fromstring(node)
    made = with_html(with_attribute(node, "div", div), html)
    around = ElementTree.fromstring(f'<propositions xmlns="urn:nms:interaction">{made}</propositions>')
    assert len(around) == 1 and not (around.text or "").strip() and not (around[0].tail or "").strip()
    assert around[0].get("div") == own.get("div", div)
    assert len(around[0]) == len(own) + 1
    source = around[0][-1][0]
    assert (source.text or "").split() == html.split()


@pytest.mark.slow
@given(_TEXTS)
@settings(max_examples=2_000, deadline=None)
def test_accepted_content_stays_inside(text: str) -> None:
    if xml_trouble(text)[0]:
        return
    around = ElementTree.fromstring(f"<a><b>{without_declaration(text)}</b></a>")
    assert len(around) == 1


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ("", "no element found"),
        ("text", "syntax error"),
        ("<a/><b/>", "junk after document element"),
        ("<a/>text", "junk after document element"),
        ("<!-- c --><a/>", "beside its one element"),
        ("<a/><!-- c -->", "beside its one element"),
        ("<?p?><a/>", "beside its one element"),
        ("\ufeff<a/>", "beside its one element"),
        ('<?xml version="1.0"?><a/>', "beside its one element"),
        ("<!DOCTYPE a><a/>", "a document type"),
        ("<x:a/>", "unbound prefix"),
        ("<a x:b='1'/>", "unbound prefix"),
        ("<a><b></a>", "mismatched tag"),
        ("<a>\ud800</a>", "surrogates"),
    ],
)
def test_what_is_no_element_says_why(node: str, says: str) -> None:
    assert says in node_trouble(node)[0]


def test_comments_inside_are_fine() -> None:
    assert node_trouble("<a><!-- c --><?p?><b/></a>") == ("", 0)
    assert with_html("<a/>", "x") == "<a><htmlOfferView><mdSource>x</mdSource></htmlOfferView></a>"
    assert with_html("<x:a xmlns:x='u'/>", "x").endswith("</x:a>")
