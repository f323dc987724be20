"""Where status links may lead: declared hosts and this service, never anywhere else."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from offerkit.server.declared import Declared
from offerkit.templates.urls import url_trouble

_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_PRINTED = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is in the address that a browser is sent to; everything else is written with %."""


def target_of(wanted: str, own: str, declared: Declared) -> str:
    """The address to lead to; empty when ``wanted`` is not one of ``own`` (scheme and host) or of a declared host."""
    if len(wanted) <= 4_096 and _PATH.fullmatch(wanted):
        return quote(wanted, safe=_PRINTED)
    if url_trouble(wanted):
        return ""
    parts = urlsplit(wanted)
    if f"{parts.scheme}://{parts.netloc}" == own:
        return quote(wanted, safe=_PRINTED)
    try:
        host, port = (parts.hostname or "").rstrip(".").encode("idna").decode().lower(), parts.port
    except ValueError:  # a port or a name that is none
        return ""
    if not declared.may_lead_to(host):
        return ""
    return quote(parts._replace(netloc=f"{host}:{port}" if port else host).geturl(), safe=_PRINTED)
