"""Places in markup where escaping cannot keep a value harmless, found when the specs are read.

Escaped text is safe between tags and inside a quoted attribute. In an attribute without quotes a space ends the
value; in a script, a style sheet or an ``on…`` attribute the value would be program text. A branch may leave the markup
in another place than the one beside it, so that all places are followed that a template can come to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from offerkit.rendering.markup import START, Mode, Place, after
from offerkit.rendering.scan import Piece, Token, Trouble

_PROGRAM_ATTRIBUTE = re.compile(r"on\w+|style|srcdoc", re.IGNORECASE)
_MOST = 16
"""Places that are followed at once."""
_GIVES_MARKUP = frozenset({"default", "first", "last"})
"""Filters that may give markup back as markup; all others give text, which is escaped."""

Places = frozenset[Place]


@dataclass(slots=True)
class _Block:
    """An open ``if`` or ``for``: the places before it, those at the ends of its branches."""

    before: Places
    ends: Places = field(default_factory=frozenset)
    always: bool = False
    """Whether one of the branches is taken whatever happens."""


def exposed(parts: Sequence[Piece], *, html: bool, xml: bool, markup: frozenset[str]) -> Iterator[Trouble]:
    """Values in places of HTML or XML where they could do harm, and names in ``markup`` where only text may stand."""
    if not (html or xml):
        return
    places: Places = frozenset((START,))
    blocks: list[_Block] = []
    markup_names = set(markup)
    for index, piece in enumerate(parts):
        match piece.kind:
            case "text":
                text = _trimmed(parts, index)
                places = frozenset(after(place, text, html=html) for place in places)
            case "expression":
                reasons = (_reason(place, html, _is_markup(piece.tokens, markup_names)) for place in places)
                yield from (Trouble(piece.start, reason) for reason in reasons if reason)
            case "statement":
                if _sets_markup(piece.tokens, markup_names):
                    markup_names.add(piece.tokens[1].text)
                if piece.tokens[0].text == "endfor" and blocks and not places <= blocks[-1].before:
                    yield Trouble(piece.start, "a loop ends in another place of the markup than it begins")
                places = _branched(piece.tokens[0].text, places, blocks)
            case _:
                pass
        if len(places) > _MOST:
            yield Trouble(piece.start, "its branches leave the markup in too many ways; close in each what it opens")
            return


def _branched(word: str, places: Places, blocks: list[_Block]) -> Places:
    match word:
        case "if" | "for":
            blocks.append(_Block(places))
        case "elif" | "else" if blocks:
            blocks[-1].ends |= places
            blocks[-1].always |= word == "else"
            return blocks[-1].before
        case "endif" | "endfor" if blocks:
            block = blocks.pop()
            return block.ends | places | (frozenset() if block.always else block.before)
        case _:
            pass
    return places


def _trimmed(parts: Sequence[Piece], index: int) -> str:
    """The text as ``{{-`` after it and ``-}}`` before it leave it."""
    text = parts[index].text
    if index and parts[index - 1].text[-3:-2] == "-":
        text = text.lstrip()
    if index + 1 < len(parts) and parts[index + 1].text[2:3] == "-":
        text = text.rstrip()
    return text


def _is_markup(tokens: Sequence[Token], names: set[str]) -> str:
    """The name of markup that an expression may print as it is."""
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text not in names or (index and tokens[index - 1].text == "."):
            continue
        filtered = index + 2 < len(tokens) and tokens[index + 1].text == "|"
        if not filtered or tokens[index + 2].text in _GIVES_MARKUP:
            return token.text
    return ""


def _sets_markup(tokens: Sequence[Token], names: set[str]) -> bool:
    return len(tokens) > 3 and tokens[0].text == "set" and bool(_is_markup(tokens[3:], names))


def _reason(place: Place, html: bool, markup: str) -> str:
    """Why no value may stand there; empty when it may."""
    match place.mode:
        case Mode.EQUALS | Mode.BARE:
            return f'a value in an attribute needs quotes: {place.name}="{{{{ … }}}}"'
        case Mode.NAME | Mode.TAG | Mode.ATTRIBUTE | Mode.AFTER:
            return "a value cannot stand inside a tag, only in a quoted attribute of it"
        case Mode.QUOTED if html and _PROGRAM_ATTRIBUTE.fullmatch(place.name):
            return f"a value cannot stand in the attribute {place.name}, which is a program"
        case Mode.RAW if place.name in ("script", "style"):
            return f"a value cannot stand inside <{place.name}>; give it to an attribute such as data-name"
        case Mode.COMMENT if not html:
            return "a value cannot stand in a comment or declaration"
        case Mode.TEXT:
            return ""
        case _:
            return f"{markup} is markup, which stands between tags only" if markup else ""
