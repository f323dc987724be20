"""HTTP connections through the proxy that HTTPS_PROXY and NO_PROXY name; this machine is reached directly."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from offerkit.diagnostics import Code, refuse

if TYPE_CHECKING:
    from urllib3 import PoolManager, Timeout


def pool_for(url: str, timeout: Timeout, code: Code = Code.REMOTE) -> PoolManager:
    """A connection pool for ``url``. Raises Refused with ``code`` when the proxy's address is invalid.

    The address is not printed, since it can contain a password.
    """
    import urllib3

    address = _proxy_of(url)
    if not address:
        return urllib3.PoolManager(timeout=timeout, retries=False)
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port, host = parts.port, parts.hostname
    except ValueError:
        port, host = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise refuse(
            code,
            "the proxy that HTTPS_PROXY names cannot be used",
            detail="Its address is not printed here, since it may hold a password.",
            hint="Write it as http://HOST:PORT, or name the server in NO_PROXY.",
        )
    headers = {}
    if parts.username is not None:  # sent to the proxy alone, ahead of the connection that it lets through
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=_as_latin_1(user))
    shown = f"[{host}]" if ":" in host else host
    where = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    return urllib3.ProxyManager(where, proxy_headers=headers, timeout=timeout, retries=False)


def _proxy_of(url: str) -> str:
    from urllib.request import getproxies, proxy_bypass  # loads what no other command needs

    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_this_machine(host) or proxy_bypass(parts.netloc):
        return ""
    found = getproxies()
    return found.get(parts.scheme) or found.get("all") or ""


def _is_this_machine(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _as_latin_1(text: str) -> str:
    """``text`` so that urllib3, which encodes it as Latin-1, sends its UTF-8."""
    return text.encode().decode("latin-1")
