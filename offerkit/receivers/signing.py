"""The signature of an event by the Standard Webhooks scheme: HMAC-SHA256 of its id, the time and its exact bytes.

A receiver that knows the secret can tell who sent it and that nobody changed it, and refuse what is old
(https://github.com/standard-webhooks/standard-webhooks).
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from offerkit.diagnostics import Code, refuse
from offerkit.models.webhook import variable_of

_MARK = "whsec_"
_SHORTEST, _LONGEST = 24, 64
"""How many bytes a secret has, as the scheme recommends."""


def secrets_of(webhook: str, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The secrets that sign the events for ``webhook``: several, separated by blanks, while one replaces another.

    Raises Refused when the variable is missing or not a secret. What it holds is never printed.
    """
    name = variable_of(webhook)
    words = environ.get(name, "").split()
    if not words:
        raise refuse(
            Code.WEBHOOK_SECRET,
            f"the environment variable {name} is not set",
            detail=f"Events for the webhook {webhook} are signed with it, and none is sent unsigned.",
            hint=f"Set it, and give the receiver the same: {name}=whsec_$(openssl rand -base64 32)",
        )
    return tuple(_key(name, word) for word in words)


def _key(name: str, word: str) -> bytes:
    try:
        key = b64decode(word.removeprefix(_MARK), validate=True) if word.startswith(_MARK) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise refuse(
            Code.WEBHOOK_SECRET,
            f"the environment variable {name} is not a secret for webhooks",
            detail=f"A secret is whsec_ and {_SHORTEST} to {_LONGEST} random bytes in base64; several are separated by"
            " blanks.",
            hint=f"Make one: {name}=whsec_$(openssl rand -base64 32)",
        )
    return key


def signature(keys: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``: one ``v1,…`` for each key."""
    content = f"{id_}.{timestamp}.".encode() + body
    return " ".join(f"v1,{b64encode(hmac.digest(key, content, 'sha256')).decode()}" for key in keys)
