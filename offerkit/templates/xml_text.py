"""XML that is built of texts: is it well-formed, and what is put into an element without reading it as a tree.

Whatever a space's functions give is checked here before it goes into an answer, so that it cannot end the element, or
the envelope, around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from offerkit.templates.values import escape

if TYPE_CHECKING:
    from pyexpat import XMLParserType

_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>\s*")
_BESIDE = "there is something beside its one element"
_START = re.compile(r"<[^\s/>]+")


def xml_trouble(text: str) -> tuple[str, int]:
    """Why ``text`` is not well-formed XML (the content of an element, or a document with ``<?xml … ?>``), and the line.

    Empty when it is. A document type is refused, since its entities could grow without bounds. So are prefixes that the
    text does not declare itself: they would mean what the answer around it declares, or make it unreadable.
    """
    is_document = text.startswith("<?xml") and text[5:6].isspace()
    return _trouble(text if is_document else f"<r>{text}</r>", _parser())


def node_trouble(text: str) -> tuple[str, int]:
    """Why ``text`` is not exactly one well-formed element, and the line; empty when it is."""
    if text.lstrip().startswith("\ufeff"):  # a byte order mark, which the parser passes over
        return _BESIDE, 1
    parser, outside = _parser(), _Outside()
    parser.StartElementHandler = outside.start
    parser.EndElementHandler = outside.end
    parser.CommentHandler = parser.ProcessingInstructionHandler = parser.XmlDeclHandler = outside.other
    return _trouble(text.strip(), parser)


def without_declaration(text: str) -> str:
    """``text`` without the ``<?xml … ?>`` that only a whole document may begin with."""
    return _DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text


def with_attribute(node: str, name: str, value: str) -> str:
    """``node`` (one element) with an attribute on its outermost element, if that has none of this name."""
    begun = _Root()
    parser = _parser()
    parser.StartElementHandler = begun.start
    parser.Parse(node.encode(), True)
    start = _START.match(node)
    if name in begun.attributes or start is None:
        return node
    return f"{node[: start.end()]} {name}={quoteattr(value)}{node[start.end() :]}"


def with_html(node: str, html: str) -> str:
    """``node`` (one element) with a rendered html, as text, at its end."""
    view = html_view(html)
    if node.endswith("/>"):
        start = _START.match(node)
        return f"{node[:-2]}>{view}</{start.group()[1:] if start else ''}>"
    before, _, end = node.rpartition("</")
    return f"{before}{view}</{end}"


def html_view(html: str) -> str:
    """The element that carries a rendered html as text."""
    return f"<htmlOfferView><mdSource>{escape(html)}</mdSource></htmlOfferView>"


@dataclass
class _Root:
    """The attributes of the outermost element."""

    attributes: dict[str, str] = field(default_factory=dict)
    begun: bool = False

    def start(self, _: str, attributes: dict[str, str]) -> None:
        if not self.begun:
            self.attributes, self.begun = attributes, True


@dataclass
class _Outside:
    """Refuses everything beside the outermost element."""

    depth: int = 0

    def start(self, *_: object) -> None:
        self.depth += 1

    def end(self, *_: object) -> None:
        self.depth -= 1

    def other(self, *_: object) -> None:
        if not self.depth:
            raise ValueError(_BESIDE)


def _parser() -> XMLParserType:
    from pyexpat import ParserCreate

    def refuse(*_: object) -> None:
        raise ValueError("a document type (<!DOCTYPE …>)")

    parser = ParserCreate("utf-8", " ")
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _trouble(document: str, parser: XMLParserType) -> tuple[str, int]:
    from pyexpat import ErrorString, ExpatError

    try:
        parser.Parse(document.encode(), True)
    except ExpatError as error:
        return f"not well-formed XML: {ErrorString(error.code)}", error.lineno
    except ValueError as error:  # also half a character, which cannot be encoded
        return f"not well-formed XML: {str(error)[:80]}", 0
    return "", 0
