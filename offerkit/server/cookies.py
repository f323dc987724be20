"""The two cookies of the web page (domain.md §5), by which a visitor is recognized."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from offerkit.usecases.random_ids import random_hex

PERMANENT, SESSION = "uuid230", "nlid"
MONTHS_13 = 396 * 24 * 3600
"""Seconds that the permanent cookie is kept: what data protection authorities accept, and browsers too."""
_TAKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Visitor:
    """The visitor of a page, by its cookies; a visitor without cookies gets new ones."""

    def __init__(self, request: Request) -> None:
        """Reads the request's cookies; values that this server cannot have set are ignored."""
        self._permanent = _cookie(request, PERMANENT)
        self._session = _cookie(request, SESSION)
        self.cookie = self._permanent or random_hex(32)
        """The key by which the engine knows the visitor: 128 random bits."""
        self.session = self._session or random_hex(32)
        """The id of the visitor's session."""

    def renew(self, cookie: str) -> None:
        """From now on the visitor is known by ``cookie``, and the session is another one as well."""
        self.cookie, self.session = cookie, random_hex(32)
        self._permanent = self._session = ""

    def leave(self, response: Response, *, secure: bool, elsewhere: bool) -> None:
        """Set on ``response`` what is missing. ``elsewhere``: pages of other sites may ask, which needs https."""
        if not self._permanent:
            _set(response, PERMANENT, self.cookie, MONTHS_13, secure, elsewhere)
        if not self._session:
            _set(response, SESSION, self.session, None, secure, elsewhere)


def cookie_of(request: Request, name: str) -> str:
    """The value of one cookie; empty without it. Reading all of them takes the longer the more somebody sends."""
    named = re.compile(rf"(?:^|;)[ \t]*{name}=([^;]*)")
    headers = [header for header in request.headers.getlist("cookie") if name in header]
    values = [value for header in headers for value in named.findall(header)]
    return values[-1].strip(' \t"') if values else ""


def _cookie(request: Request, name: str) -> str:
    value = cookie_of(request, name)
    return value if _TAKEN.fullmatch(value) else ""


def _set(response: Response, name: str, value: str, age: int | None, secure: bool, elsewhere: bool) -> None:
    response.set_cookie(
        name,
        value,
        max_age=age,
        path="/",
        httponly=True,
        secure=secure,
        samesite="none" if secure and elsewhere else "lax",
    )
