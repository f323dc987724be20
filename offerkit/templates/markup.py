"""A tokenizer for HTML and XML as browsers read them (short for the HTML standard's): what is at a position."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum, auto
from typing import NamedTuple

_RAW = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
"""Elements of HTML whose content is text up to their end tag."""
_OPENS = re.compile(r"<(?:!--|!\[CDATA\[|[!?]|/?(?=[A-Za-z_:])|/?\Z)")
_NAME = re.compile(r"[^\s/>]*")
_ATTRIBUTE_NAME = re.compile(r"[^\s/>=]*")
_WHOLE_TAG = re.compile(r"/?[A-Za-z_:][^\s/>]*(?=[\s/>])")
_WHOLE_ATTRIBUTES = re.compile(
    r"""(?:[\s/]++[^\s"'<>/=]++=(?:"[^"]*+"|'[^']*+'))*
    (?P<begun>[\s/]++(?P<name>[^\s"'<>/=]++)=(?P<quote>["']))?""",
    re.VERBOSE,
)
"""What most tags are made of, at once; the steps are for the rest.

What follows the attributes is optional, so they are never gone through twice. Before Python 3.11.5 a possessive group
(``(…)*+``) loses the names of what is matched behind it.
"""
_SPACE = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s/]*")
_BARE = re.compile(r"[^\s>]*")
_COMMENT_ENDS = re.compile(r"--!?>")
LOADED = frozenset({("script", "src"), ("script", "href"), ("script", "xlink:href"), ("base", "href")})
"""Tags and attributes of HTML whose address is run as a program, or says where programs come from."""
_HOSTED = re.compile(r"\s*(?:(?:https?:)?//[^/?#\\]+[/?#]|/(?![/\\]).)", re.IGNORECASE)


class Mode(StrEnum):
    """What is being read."""

    TEXT = auto()
    NAME = auto()
    """The name of a tag, from its ``<`` on."""
    TAG = auto()
    """Between the attributes of a tag."""
    ATTRIBUTE = auto()
    """The name of an attribute."""
    AFTER = auto()
    """Behind that name, where ``=`` may come."""
    EQUALS = auto()
    """Behind the ``=``."""
    BARE = auto()
    """A value without quotes."""
    QUOTED = auto()
    RAW = auto()
    """Text of an element such as ``<script>``."""
    COMMENT = auto()
    """A comment, declaration or instruction."""
    CDATA = auto()


class MarkupState(NamedTuple):
    """A mode; the tag's name; ``name``: of the attribute, or the element that is raw text; ``end``: what ends it.

    ``hosted``: in an attribute of ``LOADED``, that its scheme and host are written out before.
    """

    mode: Mode
    tag: str = ""
    name: str = ""
    end: str = ""
    hosted: bool = False


START = MarkupState(Mode.TEXT)
_IN_TAG = (Mode.TAG, Mode.AFTER, Mode.EQUALS)
"""Modes in which a ``>`` ends the tag."""


def after(state: MarkupState, text: str, *, html: bool) -> MarkupState:
    """The state behind ``text`` that begins at ``state``."""
    at = 0
    while at < len(text):
        state, at = _step(state, text, at, html)
    return state


def start_tags(html: str) -> Iterator[tuple[int, int, str]]:
    """Each start tag of HTML: its beginning, its end, and its name in small letters."""
    state, at, begin = START, 0, 0
    while at < len(html):
        previous = state
        state, at = _step(state, html, at, True)
        if previous.mode is Mode.TEXT and state.mode in (Mode.NAME, Mode.TAG):
            begin = at - 1 - len(state.tag)
        elif previous.mode in _IN_TAG and state.mode in (Mode.TEXT, Mode.RAW) and not previous.tag.startswith("/"):
            yield begin, at, previous.tag


def _step(state: MarkupState, text: str, at: int, html: bool) -> tuple[MarkupState, int]:
    match state.mode:
        case Mode.TEXT:
            return _opened(text, at, html)
        case Mode.NAME:
            name = _NAME.match(text, at)
            assert name is not None, "it matches nothing at all too"
            tag = state.tag + name.group().lower()
            return MarkupState(Mode.NAME if name.end() == len(text) else Mode.TAG, tag), name.end()
        case Mode.QUOTED:
            end = text.find(state.end, at)
            if end >= 0:
                return MarkupState(Mode.TAG, state.tag), end + 1
            if (state.tag, state.name) in LOADED and at and _HOSTED.match(text, at):
                state = state._replace(hosted=True)
            return state, len(text)
        case Mode.RAW:
            end_tag = re.compile(state.end, re.IGNORECASE).search(text, at)
            return (MarkupState(Mode.TAG, "/"), end_tag.end()) if end_tag else (state, len(text))
        case Mode.COMMENT | Mode.CDATA:
            return _closed(state, text, at, html)
        case _:
            return _in_tag(state, text, at, html)


def _opened(text: str, at: int, html: bool) -> tuple[MarkupState, int]:
    match = _OPENS.search(text, at)
    if match is None:
        return START, len(text)
    end = match.end()
    match match.group():
        case "<" | "</" if tag := _WHOLE_TAG.match(text, match.start() + 1):
            return MarkupState(Mode.TAG, tag.group().lower()), tag.end()
        case "<" | "</" as sign:
            return MarkupState(Mode.NAME, sign[1:]), end
        case "<!--":
            empty = re.compile(r"-?>").match(text, end) if html else None
            return (START, empty.end()) if empty else (MarkupState(Mode.COMMENT, end="-->"), end)
        case "<![CDATA[" if not html:
            return MarkupState(Mode.CDATA, end="]]>"), end
        case "<?" if not html:
            return MarkupState(Mode.COMMENT, end="?>"), end
        case _:
            return MarkupState(Mode.COMMENT, end=">"), end


def _closed(state: MarkupState, text: str, at: int, html: bool) -> tuple[MarkupState, int]:
    if html and state.end == "-->":
        match = _COMMENT_ENDS.search(text, at)
        return (START, match.end()) if match else (state, len(text))
    end = text.find(state.end, at)
    return (state, len(text)) if end < 0 else (START, end + len(state.end))


def _in_tag(state: MarkupState, text: str, at: int, html: bool) -> tuple[MarkupState, int]:
    """A step between a tag's name and its ``>``."""
    sign = text[at]
    if state.mode is Mode.BARE:
        bare = _BARE.match(text, at)
        assert bare is not None, "it matches nothing at all too"
        return (state if bare.end() == len(text) else MarkupState(Mode.TAG, state.tag)), bare.end()
    if state.mode is Mode.ATTRIBUTE:
        name = _ATTRIBUTE_NAME.match(text, at)
        assert name is not None, "it matches nothing at all too"
        full = state.name + name.group().lower()
        return MarkupState(Mode.ATTRIBUTE if name.end() == len(text) else Mode.AFTER, state.tag, full), name.end()
    if state.mode is Mode.TAG and (attributes := _WHOLE_ATTRIBUTES.match(text, at)) and attributes.end() > at:
        begun = (
            MarkupState(Mode.QUOTED, state.tag, attributes["name"].lower(), attributes["quote"])
            if attributes["begun"]
            else state
        )
        return begun, attributes.end()
    if sign.isspace() or (sign == "/" and state.mode is Mode.TAG):
        space = (_BETWEEN if state.mode is Mode.TAG else _SPACE).match(text, at)
        assert space is not None, "it matches nothing at all too"
        return state, space.end()
    if sign == ">":
        raw = html and state.tag in _RAW
        return (MarkupState(Mode.RAW, name=state.tag, end=f"</{state.tag}") if raw else START), at + 1
    if state.mode is Mode.EQUALS:
        return (MarkupState(Mode.QUOTED, state.tag, state.name, sign), at + 1) if sign in "\"'" else (_bare(state), at)
    if state.mode is Mode.AFTER and sign == "=":
        return MarkupState(Mode.EQUALS, state.tag, state.name), at + 1
    if sign == "/":
        return MarkupState(Mode.TAG, state.tag), at + 1
    return MarkupState(Mode.ATTRIBUTE, state.tag, sign.lower()), at + 1


def _bare(state: MarkupState) -> MarkupState:
    return MarkupState(Mode.BARE, state.tag, state.name)
