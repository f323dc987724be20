"""Signed contact keys: proof that the site itself, and not its visitor, names the contact.

``base64url(key).expiry.hex(hmac_sha256(secret, environment + "\\n" + key + "\\n" + expiry))``, without padding;
``expiry`` is a Unix time in seconds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.models.inbound import Inbound
from offerkit.server.inbound import InboundRules
from offerkit.usecases.requests import ProposeRequest

SHORTEST = 16
"""Bytes of the shortest secret that is taken."""
_SIGNED = re.compile(r"(?P<key>[A-Za-z0-9_-]{1,3000})\.(?P<expiry>[0-9]{1,12})\.(?P<proof>[0-9a-f]{64})")


def sign(secret: bytes, environment: str, key: str, expiry: int) -> str:
    """``key`` with a signature that holds in ``environment`` up to ``expiry``."""
    text = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return f"{text}.{expiry}.{_proof(secret, environment, key, str(expiry))}"


def unsign(secret: bytes, environment: str, signed: str, now: float) -> str:
    """The key in ``signed``. Raises Refused when its signature is invalid, expired or for another environment."""
    match = _SIGNED.fullmatch(signed)
    if match is None:
        raise _refused("the contact's key is not signed")
    padded = match["key"] + "=" * (-len(match["key"]) % 4)
    try:
        key = base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, ValueError):
        raise _refused("the contact's key is not signed") from None
    if not hmac.compare_digest(_proof(secret, environment, key, match["expiry"]), match["proof"]):
        raise _refused("the contact's key has an invalid signature")
    if int(match["expiry"]) < now:
        raise _refused("the signature of the contact's key has expired")
    return key


def secret_of(environment: str, inbound: Inbound, environ: Mapping[str, str]) -> bytes:
    """The secret of an environment's signed keys. Raises Refused when it is not there, or too short."""
    variable = inbound.key_secret_env
    if variable is None:
        hint = f"Name an environment variable in environments/{environment}.yaml: inbound: {{key_secret_env: …}}."
        raise refuse(
            Code.KEY_UNCHECKED, f"the environment {environment} declares no secret for contact keys", hint=hint
        )
    secret = environ.get(variable, "").encode()
    if len(secret) < SHORTEST:
        what = "too short" if secret else "not set"
        raise refuse(
            Code.KEY_UNCHECKED,
            f"the secret of contact keys in {variable} is {what}",
            hint=f"Set {variable} to {SHORTEST} random characters or more, for example: openssl rand -hex 32.",
        )
    return secret


def verified(inbound: InboundRules, environ: Mapping[str, str], ask: ProposeRequest) -> ProposeRequest:
    """``ask`` with its key unsigned, where an environment requires signed keys.

    Raises Refused when the key is raw, or its signature is invalid, expired or for another environment.
    """
    if not (inbound.signing and ask.contact):
        return ask
    names = dict.fromkeys(space.partition("/")[0] for space in ask.spaces)
    wary = [name for name in names if name in inbound.signing]
    if not wary:
        return ask
    keys = {
        unsign(secret_of(name, inbound.environments[name], environ), name, ask.contact, ask.at.timestamp())
        for name in wary
    }
    return ask._replace(contact=keys.pop())


def _proof(secret: bytes, environment: str, key: str, expiry: str) -> str:
    return hmac.new(secret, f"{environment}\n{key}\n{expiry}".encode(), hashlib.sha256).hexdigest()


def _refused(why: str) -> Refused:
    return refuse(
        Code.KEY_SIGNATURE, why, hint="Sign it on the site's own server, as offerkit contact-key ENVIRONMENT KEY does."
    )
