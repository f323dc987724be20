"""The address of a caller: on this machine, or elsewhere."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

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


@lru_cache(maxsize=4096)
def rate_key(client: str) -> str:
    """What rates are counted by: an IPv6 address counts as its /64, since its owner has the whole network.

    An IPv4 address written as IPv6 counts as the IPv4 address; otherwise all of those would be one caller.
    """
    try:
        address = ip_address(client)
    except ValueError:
        return client[:64]
    if not isinstance(address, IPv6Address):
        return client
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def client_of(request: Request) -> str:
    """The caller's address; empty when it is not known."""
    return request.client.host if request.client else ""


def is_local(request: Request) -> bool:
    """Whether the caller is on this machine and is not a proxy for another caller.

    The Host must name this machine, too: another site can let its own name resolve to 127.0.0.1 (DNS rebinding).
    """
    if not is_loopback(client_of(request)) or any(name in request.headers for name in _FORWARDED):
        return False
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.lower() in _NAMES
