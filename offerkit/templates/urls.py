"""URLs: what a URL field may hold, and the link that sets a proposition's status."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from offerkit.templates.scan import Branches, Piece, is_template, pieces, trimmed
from offerkit.templates.values import MARK

_MAX_URL = 4_096
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#\\]")
_LABEL = re.compile(r"\w(?:[\w-]{0,61}\w)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_PORT = re.compile(r"0*[1-9][0-9]{0,4}")
_MAX_HOST = 253
_MAX_PORT = 65_535
# Nothing that ends an attribute, and nothing invisible that would show another address than it is (U+200B to U+200F,
# U+202A to U+202E, U+2066 to U+2069). A backslash is a slash to browsers.
_FORBIDDEN = re.compile(r"""[\s\x00-\x20\x7f-\x9f\\<>"`\u200b-\u200f\u202a-\u202e\u2066-\u2069]""")
_BLANKS = " \t\n"
"""What may stand around a URL in a field: a block of YAML ends with a line break."""
_NO_SCHEME = "it does not begin with http:// or https://"
_STATUSES = 6


class Fault(NamedTuple):
    """Why a text is no URL, in half a sentence (“its port …”), and the offset of what is wrong."""

    reason: str
    at: int


@lru_cache(maxsize=4096)
def url_fault(url: str) -> Fault | None:
    """What keeps ``url`` from being an absolute http(s) URL that a browser can open; None when it is one.

    Scheme, host and port are those of the URL standard (https://url.spec.whatwg.org), but for user names, which are
    refused: ``https://bank.example@evil.example`` leads to evil.example.
    """
    if len(url) > _MAX_URL:
        return Fault(f"it has more than {_MAX_URL:,} characters", _MAX_URL)
    scheme = _SCHEME.match(url)
    if scheme is None:
        return Fault(_NO_SCHEME, 0)
    end = _AUTHORITY_END.search(url, scheme.end())
    stop = end.start() if end else len(url)
    if fault := _authority_fault(url[scheme.end() : stop]):
        return Fault(fault.reason, scheme.end() + fault.at)
    return _tail_fault(url, stop)


@lru_cache(maxsize=4096)
def _authority_fault(authority: str) -> Fault | None:
    if "@" in authority:
        return Fault("it has a user name before the host", 0)
    if forbidden := _FORBIDDEN.search(authority):
        return Fault(f"its host has {_named(forbidden.group())} in it", forbidden.start())
    bracket = authority.find("]") if authority.startswith("[") else -1
    colon = authority.find(":", bracket + 1)
    host, port = (authority, None) if colon < 0 else (authority[:colon], authority[colon + 1 :])
    if not host:
        return Fault("it has no host", 0)
    if reason := _host_fault(host):
        return Fault(reason, 0)
    if port and (_PORT.fullmatch(port) is None or int(port) > _MAX_PORT):  # an empty one is the scheme's own
        return Fault(f"its port is not a number from 1 to {_MAX_PORT}", len(host) + 1)
    return None


def _host_fault(host: str) -> str:
    if host.startswith("["):
        return "" if host.endswith("]") and _is_address(host[1:-1], 6) else "its host is not an IPv6 address"
    labels = host.removesuffix(".").split(".")
    if not all(labels):
        return "its host has an empty part between dots"
    if _NUMBER.fullmatch(labels[-1]):
        return "" if _is_address(".".join(labels), 4) else "its host ends in a number but is not an IPv4 address"
    if len(host) > _MAX_HOST + 1:
        return f"its host has more than {_MAX_HOST} characters"
    if not host.isascii():
        try:
            host = host.removesuffix(".").encode("idna").decode()
        except UnicodeError:
            return "its host is not an internet name"
        labels = host.split(".")
    if len(host.removesuffix(".")) > _MAX_HOST:
        return f"its host has more than {_MAX_HOST} characters"
    if host.startswith("_") or not all(_LABEL.fullmatch(label) for label in labels):
        return "its host is not an internet name"
    return ""


def _is_address(text: str, version: int) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(text).version == version and "%" not in text
    except ValueError:
        return False


def _tail_fault(text: str, at: int) -> Fault | None:
    forbidden = _FORBIDDEN.search(text, at)
    return Fault(f"it has {_named(forbidden.group())} in it", forbidden.start()) if forbidden else None


def _named(character: str) -> str:
    if character in _BLANKS:
        return "a space" if character == " " else "a tab or line break"
    return (
        f"the character {character}" if character.isprintable() else f"the invisible character U+{ord(character):04X}"
    )


@lru_cache(maxsize=4096)
def url_trouble(url: str) -> str:
    """Why ``url`` is not an absolute http(s) URL, with its beginning; empty when it is."""
    fault = url_fault(url)
    return f"{_short(url)} is not a valid URL: {fault.reason}" if fault else ""


def names_database(url: str) -> bool:
    """Whether ``url`` can be the URL of a contacts database; it is not opened."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # not a port, or not an address
        return False
    if parts.scheme == "sqlite":
        return "://" in url and not parts.netloc and len(parts.path) > 1
    return parts.scheme in ("postgresql", "postgres") and "://" in url and port != 0 and url.isprintable()


def service_trouble(url: str, *, query: bool = False) -> str:
    """Why ``url`` is not the URL of a service; empty when it is.

    Paths or parameters are appended to it, so it has no fragment, and a query only with ``query``.
    """
    if trouble := url_trouble(url):
        return trouble
    wrong = "#" if "#" in url else "?" if "?" in url and not query else ""
    return f"{_short(url)} is not the URL of a service: it has a {wrong}" if wrong else ""


class _UrlPrefix(NamedTuple):
    """The part of a URL written by a template: its text up to the end of the host; ``gap``: it ends in a space."""

    text: str = ""
    hosted: bool = False
    gap: bool = False


_MOST = 16
"""Beginnings of a URL that are followed at once."""


def template_fault(template: str) -> Fault | None:
    """Why the result of ``template`` (or a plain text) is not an http(s) URL on one of its branches; it can be empty.

    Scheme, host and port must be written out on every branch; values are only allowed after them.
    """
    if not is_template(template):
        blank = len(template) - len(template.lstrip(_BLANKS))
        fault = url_fault(template.strip(_BLANKS)) if template.strip(_BLANKS) else None
        return Fault(fault.reason, blank + fault.at) if fault else None
    parts = pieces(template)
    branches = Branches(_UrlPrefix())
    for index, piece in enumerate(parts):
        states: set[_UrlPrefix] = set()
        for state in branches.states:
            moved = _moved(state, parts, index)
            if isinstance(moved, Fault):
                return moved
            states.add(moved)
        branches.states = frozenset(states)
        if piece.kind == "statement" and piece.tokens:
            loop_states = branches.repeated(piece.tokens[0].text)
            if loop_states is not None and _grown(branches.states, loop_states):
                return Fault("a loop writes its scheme, host or port", piece.start)
            branches.follow(piece.tokens[0].text)
        if len(branches.states) > _MOST:
            return Fault("its branches begin it in too many different ways", piece.start)
    for state in branches.states:
        text = state.text.strip(_BLANKS)
        if not state.hosted and text and (fault := url_fault(text)):
            return Fault(fault.reason, 0)
    return None


def _moved(state: _UrlPrefix, parts: Sequence[Piece], index: int) -> _UrlPrefix | Fault:
    """The state after one more piece."""
    piece = parts[index]
    if piece.kind == "expression":
        if state.hosted:
            return Fault("it has a space before a value", piece.start) if state.gap else state
        return _in_front(state.text, piece.start)
    if piece.kind != "text":
        return state
    text = trimmed(parts, index)
    begin = piece.start + piece.text.find(text)
    if not state.hosted:
        beginning = (state.text + text).lstrip(_BLANKS)
        scheme = _SCHEME.match(beginning)
        end = _AUTHORITY_END.search(beginning, scheme.end()) if scheme else None
        if end is None:
            return _UrlPrefix(beginning)
        if fault := url_fault(beginning[: end.start()]):
            return Fault(fault.reason, begin)
        begin += len(text) - (len(beginning) - end.start())
        text = beginning[end.start() :]
    stripped = text.rstrip(_BLANKS)
    if stripped and state.gap:
        return Fault("it has a space in it", begin)
    if fault := _tail_fault(stripped, 0):
        return Fault(fault.reason, begin + fault.at)
    return _UrlPrefix(hosted=True, gap=(state.gap and state.hosted) or len(stripped) < len(text))


def _in_front(text: str, at: int) -> Fault:
    """The error for a value at ``at`` that follows ``text``, the beginning of a URL."""
    scheme = _SCHEME.match(text)
    if scheme is not None:
        return Fault(
            f"a value is used in its {'port' if ':' in text[scheme.end() :].rpartition(']')[2] else 'host'}", at
        )
    if any(prefix.startswith(text.lower()) for prefix in ("http://", "https://")):
        return Fault("a value is used where its scheme and host must be written out", at)
    return Fault(_NO_SCHEME, 0)


def _grown(states: frozenset[_UrlPrefix], loop_states: frozenset[_UrlPrefix]) -> bool:
    """Whether a loop's body extends an unfinished scheme or host, so that each round gives another one."""
    return any(not state.hosted and state not in loop_states for state in states)


def put_together(url: str) -> str:
    """Remove the marks of values from a URL. Raises ValueError when a value is part of scheme or host."""
    url = url.strip(_BLANKS)
    if MARK in url:
        beginning = url[: url.index(MARK)]
        if re.match(r"https?://[^/?#]+[/?#]", beginning, re.IGNORECASE) is None:
            raise ValueError("write out the scheme and host of a URL; values are only allowed after them")
        url = url.replace(MARK, "")
    if trouble := url_trouble(url):
        raise ValueError(trouble)
    return url


def status_url(base: str, proposition: str, status: int, redirect: str) -> str:
    """The link that sets a proposition's status, then leads to ``redirect`` (domain.md §5).

    ``base`` is the address of the service, absolute or a path (``/o``); an empty ``redirect`` leads nowhere.
    Raises ValueError for a status that is not 0 to 5 and a redirect that is no http(s) URL.
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 0 <= status < _STATUSES:
        raise ValueError(f"a status is 0 to {_STATUSES - 1}")
    if redirect and (trouble := url_trouble(redirect)):
        raise ValueError(trouble)
    link = f"{base}{'&' if '?' in base else '?'}a=UpdateStatus&p={quote(proposition, safe='')}&st={status}"
    return f"{link}&r={quote(redirect, safe='')}" if redirect else link


def _short(url: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in url[:80])
