"""Places in markup where escaping cannot keep a value harmless, found when the specs are read.

Escaped text is safe between tags and inside a quoted attribute. In an attribute without quotes a space ends the
value; in a script, a style sheet or an ``on…`` attribute the value would be program text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offerkit.rendering.scan import Piece, Trouble

_STEP = re.compile(
    r"""(?P<comment><!--)|(?P<open></?(?P<tag>[a-zA-Z][^\s/>]*))|(?P<close>>)
    |(?P<attribute>[^\s"'<>/=]+)\s*=\s*(?P<quote>["']?)""",
    re.VERBOSE,
)
_PROGRAMS = ("script", "style")
_PROGRAM_ATTRIBUTE = re.compile(r"on\w+|style|srcdoc", re.IGNORECASE)


class _Place:
    """Where a position in markup is, fed with the plain text before it."""

    def __init__(self) -> None:
        self.tag = ""  # the tag that is open, as in <a href=
        self.attribute = ""  # the attribute whose value is open
        self.quote = ""
        self.until = ""  # the text that ends a script, a style sheet or a comment

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self.until:
                end = text.lower().find(self.until, at)
                if end < 0:
                    return
                at, self.until = end + len(self.until), ""
            elif self.quote:
                end = text.find(self.quote, at)
                if end < 0:
                    return
                at, self.quote, self.attribute = end + 1, "", ""
            else:
                at = self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        # `=` at the very end of a text: a value without quotes begins there
        self.attribute = ""
        match = _STEP.search(text, at)
        if match is None:
            return len(text)
        if match["comment"] and not self.tag:
            self.until = "-->"
        elif match["open"] and not self.tag:
            self.tag = match["tag"].lower() if not match.group().startswith("</") else "/"
        elif match["close"] and self.tag:
            if self.tag in _PROGRAMS:
                self.until = f"</{self.tag}"
            self.tag = ""
        elif match["attribute"] and self.tag:
            self.quote = match["quote"]
            if self.quote or match.end() == len(text):
                self.attribute = match["attribute"]
        return match.end()


def exposed(parts: Sequence[Piece], *, html: bool) -> Iterator[Trouble]:
    """Values in places where they could do harm; scripts and the like only where the text is ``html``."""
    place = _Place()
    for piece in parts:
        if piece.kind == "text":
            place.feed(piece.text)
        elif piece.kind == "expression":
            reason = _reason(place, html)
            if reason:
                yield Trouble(piece.start, reason)


def _reason(place: _Place, html: bool) -> str:
    if place.tag and not place.quote:
        if place.attribute:
            return f'a value in an attribute needs quotes: {place.attribute}="{{{{ … }}}}"'
        return "a value cannot stand inside a tag, only in a quoted attribute of it" if html else ""
    if not html:
        return ""
    if place.until and place.until != "-->":
        return f"a value cannot stand inside <{place.until[2:]}>; give it to an attribute such as data-name"
    if place.quote and _PROGRAM_ATTRIBUTE.fullmatch(place.attribute):
        return f"a value cannot stand in the attribute {place.attribute}, which is a program"
    return ""
