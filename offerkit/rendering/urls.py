"""URLs: what a URL field may hold, and the link that sets a proposition's status."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from offerkit.rendering.values import MARK

_MAX_URL = 4_096
# No user information before the host (https://bank.example@evil.example), no backslash, nothing that ends an attribute,
# and nothing invisible that would show another address than it is (U+200B to U+200F, U+202A to U+202E, U+2066 to 2069).
_URL = re.compile(
    r"""https?://
    (?:\[[0-9a-f:.]{2,45}\]|[^\W_](?:[\w.-]*[^\W_])?\.?)
    (?::[0-9]{1,5})?
    (?:[/?#][^\s\x00-\x20\x7f-\x9f\\<>"`\u200b-\u200f\u202a-\u202e\u2066-\u2069]*)?""",
    re.VERBOSE | re.IGNORECASE,
)
_STATUSES = 6


@lru_cache(maxsize=4096)
def url_trouble(url: str) -> str:
    """Why ``url`` is not an absolute http(s) URL; empty when it is."""
    if len(url) > _MAX_URL:
        return f"a URL has {_MAX_URL:,} characters at most"
    if _URL.fullmatch(url):
        return ""
    if not re.match(r"https?://", url, re.IGNORECASE):
        return f"not an http(s) URL: {_short(url)}"
    if "@" in re.split(r"[/?#]", url[8:], maxsplit=1)[0]:
        return f"a URL with a user name: {_short(url)}"
    return f"not a valid URL: {_short(url)}"


def cannot_be_url(text: str) -> bool:
    """Whether ``text``, a template or not, is no http(s) URL whatever its values are; an empty text may be one."""
    written, brace, _ = text.partition("{")
    written = written.strip()
    if not written:
        return False
    if not brace:
        return url_trouble(written) != ""
    scheme = written[: len("https://")].lower()
    return not any(scheme.startswith(known) or known.startswith(scheme) for known in ("http://", "https://"))


def put_together(url: str) -> str:
    """A URL whose values are marked, without the marks. Raises ValueError when a value reaches into scheme or host."""
    url = url.strip(" \t\n")
    if MARK in url:
        before = url[: url.index(MARK)]
        if re.match(r"https?://[^/?#]+[/?#]", before, re.IGNORECASE) is None:
            raise ValueError("the scheme and host of a URL are written out; values may stand behind them")
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
