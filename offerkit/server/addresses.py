"""Where a call comes from: this machine, or elsewhere."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from starlette.requests import Request

_NAMES = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


@lru_cache(maxsize=4096)
def is_loopback(client: str) -> bool:
    """Whether ``client`` is an address of this machine."""
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False


def client_of(request: Request) -> str:
    """The caller's address; empty when it is not known."""
    return request.client.host if request.client else ""


def is_local(request: Request) -> bool:
    """Whether the caller is on this machine, and is no proxy that speaks for somebody else.

    The name that was asked for has to be this machine's too: a page elsewhere can have its own name lead here.
    """
    if not is_loopback(client_of(request)) or any(name in request.headers for name in _FORWARDED):
        return False
    asked = request.headers.get("host", "")
    name = asked if asked.endswith("]") else asked.rpartition(":")[0] or asked
    return name.lower() in _NAMES
