"""Links in rendered HTML: ``_urlType="11"`` made a tracked link, and links that would run a program found.

Nothing but the start tag of a tracked link is touched; every other byte stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

from offerkit.rendering.values import escape

_TRACKED = "_urltype"
_ATTRIBUTE = re.compile(
    r"""(?P<space>[\s/]+)(?P<name>[^\s/>=][^\s/>=]*)
    (?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>"']+))?""",
    re.VERBOSE,
)
_SPACED = r"[\x00-\x20]*".join
_SCRIPT = re.compile(_SPACED("script") + r"[\x00-\x20]*:", re.IGNORECASE)
_PROGRAM = re.compile(
    r"""\b(?:href|src|action|formaction|data|background|poster)\s*=\s*["']?[\x00-\x20]*(?:"""
    + "|".join(map(_SPACED, ("javascript", "vbscript")))
    + r")[\x00-\x20]*:",
    re.IGNORECASE,
)


def runs_program(html: str) -> bool:
    """Whether an address in rendered HTML begins with ``javascript:`` or the like, however it is spaced."""
    return _SCRIPT.search(html) is not None and _PROGRAM.search(html) is not None


def tracked(html: str, through: Callable[[str], str]) -> str:
    """``html`` with the ``href`` of each ``<a _urlType="11">`` led ``through`` a link, and the attribute taken away.

    Raises what ``through`` raises.
    """
    if _TRACKED not in html.lower():
        return html
    tags = _StartTags(html)
    tags.feed(html)
    tags.close()
    done, at = [], 0
    for start, tag in tags.found:
        done += [html[at:start], _rewritten(tag, through)]
        at = start + len(tag)
    return "".join(done) + html[at:]


class _StartTags(HTMLParser):
    """The start tags of tracked links with their offsets."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[int, str]] = []
        self._lines = [0, *(match.end() for match in re.finditer("\n", html))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and any(name == _TRACKED and value == "11" for name, value in attrs):
            line, column = self.getpos()
            self.found.append((self._lines[line - 1] + column, self.get_starttag_text() or ""))


def _rewritten(tag: str, through: Callable[[str], str]) -> str:
    def attribute(found: re.Match[str]) -> str:
        name = found["name"].lower()
        if name == _TRACKED:
            return ""
        if name == "href" and found["value"] is not None:
            target = unescape(found["value"].strip("\"'"))
            return f'{found["space"]}{found["name"]}="{escape(through(target.strip()))}"'
        return found.group()

    head = tag[:2]  # <a
    return head + _ATTRIBUTE.sub(attribute, tag[2:])
