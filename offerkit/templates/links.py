"""Links in rendered HTML: rewrites tracked links (``_urlType="11"``), and finds links that would run a script.

Only the start tags of tracked links change; every other byte stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape

from offerkit.models.status import parse_status
from offerkit.templates.markup import start_tags
from offerkit.templates.scan import Piece, TemplateFault, Token
from offerkit.templates.urls import url_fault
from offerkit.templates.values import escape

_TRACKED = "_urltype"
_ATTRIBUTE = re.compile(
    r"""(?P<space>(?<![\s/])[\s/]++|(?<=["']))(?P<name>[^\s/>="'][^\s/>=]*+)
    (?:\s*+=\s*+(?P<value>"[^"]*"|'[^']*'|[^\s>"']+))?""",
    re.VERBOSE,
)
_SPACED = r"[\x00-\x20]*".join
_SUSPECT = re.compile(_SPACED("script") + r"|data:|&#|&(?:colon|tab|newline)\b", re.IGNORECASE)
_ADDRESS = re.compile(
    r"""(?<![\w-])(?:href|src|action|formaction|data|background|poster|content|to|from|by|values)\s*=\s*
    (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>]+))""",
    re.VERBOSE | re.IGNORECASE,
)
_BLANK = re.compile(r"[\x00-\x20]+")
_PROGRAM = re.compile(r"(?:.*;url=['\"]?|.*;)?(?:javascript|vbscript):|data:[^,;]*(?:html|xml|script)")
_PICTURES = ("img", "source", "input", "image")
_TAG = re.compile(r"<([a-z]+)")
_VALUE = "\ufffc"
"""Stands for each character of a block of a template."""
RUNS_PROGRAM = "a link that runs a script (javascript:, or a data: page)"


def runs_program(html: str) -> bool:
    """Whether an address in rendered HTML is a program, however it is written.

    ``javascript:`` and the like, and a page or script as ``data:``. A drawing (SVG) runs nothing as a picture.
    """
    return _program_at(html) is not None


def _program_at(html: str) -> int | None:
    if _SUSPECT.search(html) is None:
        return None
    for match in _ADDRESS.finditer(html):
        address = _BLANK.sub("", unescape(match["double"] or match["single"] or match["bare"] or "")).lower()
        if _PROGRAM.match(address) and not (address.startswith("data:image/") and _in_picture(html, match.start())):
            return match.start()
    return None


def dead_links(parts: Sequence[Piece], *, html: bool) -> Iterator[TemplateFault]:
    """Links that every rendering refuses, whatever its values are: programs, and tracked links to no URL."""
    for piece in parts:
        for index, token in enumerate(piece.tokens):
            if token.text == "status_url" and token.kind == "name":
                yield from _status_link(piece.tokens[index + 1 : index + 6])
    if not html:
        return
    written = "".join(piece.text if piece.kind == "text" else _VALUE * len(piece.text) for piece in parts)
    if (at := _program_at(written)) is not None:
        yield TemplateFault(at, RUNS_PROGRAM)
    for start, end, name in start_tags(written) if may_track(written) else ():
        if name == "a" and _is_tracked(written[start:end]):
            for attribute in _ATTRIBUTE.finditer(written[start:end], 2):
                if attribute["name"].lower() == "href" and attribute["value"] and _VALUE not in attribute["value"]:
                    target = unescape(attribute["value"].strip("\"'")).strip()
                    if target and (fault := url_fault(target)):
                        yield TemplateFault(
                            start + attribute.start("value"), f"a tracked link does not lead to a URL: {fault.reason}"
                        )


def has_no_links(html: str) -> bool:
    """Whether ``html``, which is no template, certainly has none of the links that :func:`dead_links` looks for."""
    return _SUSPECT.search(html) is None and not may_track(html)


def _status_link(tokens: Sequence[Token]) -> Iterator[TemplateFault]:
    """Errors in the literal arguments of ``status_url``; ``tokens`` follow its name."""
    texts = [token.text for token in tokens]
    if texts[:1] != ["("] or len(tokens) < 4 or texts[2] not in (",", ")"):
        return
    if (status := _literal(tokens[1])) is not None:
        try:
            parse_status(status)
        except ValueError as error:
            yield TemplateFault(tokens[1].at, f"status_url: {str(error).rstrip('.')}")
    if texts[2] == "," and texts[4:] == [")"] and (target := _literal(tokens[3])) and (fault := url_fault(target)):
        yield TemplateFault(tokens[3].at, f"status_url does not lead to a URL: {fault.reason}")


def _literal(token: Token) -> str | None:
    """The text or number that is written there; None for anything else."""
    if token.kind == "string" and "\\" not in token.text:
        return token.text[1:-1]
    return token.text if token.kind == "number" else None


def _in_picture(html: str, at: int) -> bool:
    tag = _TAG.match(html.lower(), max(html.rfind("<", 0, at), 0))
    return tag is not None and tag[1] in _PICTURES


def may_track(html: str) -> bool:
    """Whether ``html`` may have a tracked link; without one, :func:`tracked` gives it back as it is."""
    return _TRACKED in html.lower()


def tracked(html: str, through: Callable[[str], str]) -> str:
    """``html`` with each ``<a _urlType="11">`` rewritten: ``through`` gives its new ``href``, ``_urlType`` is removed.

    Raises what ``through`` raises.
    """
    if not may_track(html):
        return html
    pieces, at = [], 0
    for start, end, name in start_tags(html):
        if name == "a" and _is_tracked(html[start:end]):
            pieces += [html[at:start], _rewritten(html[start:end], through)]
            at = end
    return "".join(pieces) + html[at:]


def _is_tracked(tag: str) -> bool:
    attributes = _ATTRIBUTE.finditer(tag, 2)
    return any(
        attribute["name"].lower() == _TRACKED and (attribute["value"] or "").strip("\"'") == "11"
        for attribute in attributes
    )


def _rewritten(tag: str, through: Callable[[str], str]) -> str:
    def attribute(match: re.Match[str]) -> str:
        name = match["name"].lower()
        if name == _TRACKED:
            return ""
        if name == "href" and match["value"] is not None:
            target = unescape(match["value"].strip("\"'"))
            return f'{match["space"]}{match["name"]}="{escape(through(target.strip()))}"'
        return match.group()

    head = tag[:2]  # <a
    return head + _ATTRIBUTE.sub(attribute, tag[2:])
