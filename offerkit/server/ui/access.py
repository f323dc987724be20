"""Who can see the pages, and whether a form was sent from one of them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from offerkit.governance.rights import NO_SCOPES, TokenScopes
from offerkit.server.cookies import cookie_of

COOKIE = "offerkit_ui"
SECURE_COOKIE = "__Host-offerkit_ui"
"""The cookie's name over https: browsers then take it from this host alone, and never over http."""
HOURS = 12
LONGEST_TOKEN = 512

Openness = Literal["local", "login", "off"]
"""Access to the pages: without a login from this machine (local), with a login only, or not at all (off)."""


@dataclass(frozen=True)
class Viewer:
    """The reader of a page: an operator who logged in, or (``operator`` empty) a caller on this machine."""

    operator: str = ""
    token: str = ""
    scopes: TokenScopes = NO_SCOPES

    @property
    def seal(self) -> str:
        """What forms carry: made with the token, which only the operator's browser has, and telling nothing of it."""
        return hmac.new(self.token.encode(), b"offerkit ui form", hashlib.sha256).hexdigest() if self.token else ""


def token_of(request: Request) -> str:
    """The token that the browser keeps; empty when it has none."""
    return cookie_of(request, SECURE_COOKIE if is_secure(request) else COOKIE)[:LONGEST_TOKEN]


def is_secure(request: Request) -> bool:
    """Whether the page came over https, be it as far as a trusted proxy."""
    return request.url.scheme == "https"


def keep(response: Response, request: Request, token: str) -> None:
    """Have the browser keep ``token``: for these pages, out of the reach of scripts and of other sites."""
    secure = is_secure(request)
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        token,
        max_age=HOURS * 3600,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def forget(response: Response, request: Request) -> None:
    """Have the browser forget the token."""
    secure = is_secure(request)
    response.delete_cookie(
        SECURE_COOKIE if secure else COOKIE, path="/", secure=secure, httponly=True, samesite="strict"
    )


def same_origin(request: Request, public: str) -> bool:
    """Whether the browser says that a form was sent from a page of ours. One that says nothing is not believed.

    ``public``: the host (and port) by which browsers reach the service, where a proxy asks by another; or empty.
    """
    site = request.headers.get("sec-fetch-site", "")
    if site and site != "same-origin":
        return False
    origin = request.headers.get("origin", "")
    if not origin:
        return site == "same-origin"
    try:
        sender = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return sender != "" and sender in (request.headers.get("host", "").lower(), public.lower())


def sealed(viewer: Viewer, seal: str) -> bool:
    """Whether a form carries the seal of the operator who is logged in."""
    return bool(viewer.seal) and hmac.compare_digest(viewer.seal.encode(), seal.encode())
