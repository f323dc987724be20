"""Public SSH keys of operators, with the days on which they are valid."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from offerkit.models.base import Period

MAX_KEYS = 20
"""The most keys of one operator."""
LONGEST_KEY = 4_000
"""The most characters of a public key; one of RSA with 16,384 bits has 2,800."""
_CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_RSA_BITS = (2048, 16_384)
_SHAPE = re.compile(r"([a-z0-9@.-]{7,60}) ([A-Za-z0-9+/]+={0,2})(?: .*)?")
_KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    *(f"ecdsa-sha2-{curve}" for curve in _CURVES),
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def wire_strings(blob: bytes) -> Iterator[bytes]:
    """The strings in SSH's binary form (RFC 4251). Raises ValueError if it is anything else."""
    rest = memoryview(blob)
    while rest:
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length:
            raise ValueError("a string is cut off")
        yield bytes(rest[4 : 4 + length])
        rest = rest[4 + length :]


def key_blob(text: str) -> bytes:
    """The binary form of a public key as it is in ``.pub`` files. Raises ValueError, with the reason."""
    if "PRIVATE KEY" in text:
        raise ValueError("it is a private key; write the public one, from the file that ends in .pub")
    shape = _SHAPE.fullmatch(text.strip()) if len(text) <= LONGEST_KEY else None
    if shape is None:
        raise ValueError("a public key is one line such as “ssh-ed25519 AAAA…”, as in the file that ends in .pub")
    if shape[1] not in _KINDS:
        raise ValueError(f"its type is not one of {', '.join(_KINDS)}")
    try:
        blob = base64.b64decode(shape[2], validate=True)
        name, *parts = wire_strings(blob)
    except (binascii.Error, ValueError):
        raise ValueError("its base64 text is damaged or cut off") from None
    if name.decode("ascii", "replace") != shape[1]:
        raise ValueError("its base64 text is of another type than it says")
    if why := _wrong_parts(shape[1], parts):
        raise ValueError(why)
    return blob


def key_fingerprint(text: str) -> str:
    """What names a public key, as in ``ssh-keygen -l``: ``SHA256:…``."""
    return fingerprint_of(key_blob(text))


def fingerprint_of(blob: bytes) -> str:
    """The fingerprint of a public key in binary form."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _wrong_parts(kind: str, parts: list[bytes]) -> str:
    damaged = "its base64 text is damaged or cut off"
    if kind.startswith("sk-"):  # a key of a hardware token ends with the name of its application
        parts = parts[:-1] if len(parts) > 1 and parts[-1] else []
    if kind.endswith(("ssh-ed25519", "ssh-ed25519@openssh.com")):
        return "" if [len(part) for part in parts] == [32] else damaged
    if kind == "ssh-rsa":
        if len(parts) != 2 or not all(parts):
            return damaged
        bits = int.from_bytes(parts[1], "big").bit_length()
        fits = _RSA_BITS[0] <= bits <= _RSA_BITS[1]
        return "" if fits else f"an RSA key needs {_RSA_BITS[0]:,} to {_RSA_BITS[1]:,} bits; this one has {bits:,}"
    if len(parts) != 2:
        return damaged
    curve = parts[0].decode("ascii", "replace")
    fits = f"ecdsa-sha2-{curve}" in kind and len(parts[1]) == _CURVES.get(curve) and parts[1][:1] == b"\x04"
    return "" if fits else damaged


def _public_key(text: str) -> str:
    try:
        key_blob(text)
    except ValueError as error:  # the text is not repeated: it may be a private key
        raise PydanticCustomError("key", "this is not a public SSH key: {why}", {"why": str(error)}) from None
    return " ".join(text.split()[:2])


PublicKey = Annotated[str, AfterValidator(_public_key), WithJsonSchema({"type": "string", "maxLength": LONGEST_KEY})]
"""A public key, without its comment."""


class OperatorKey(Period):
    """A public key that verifies an operator's signatures, on whole days in UTC, both ends included."""

    key: PublicKey = Field(description="The public key, as in the file that ends in .pub.")

    @model_validator(mode="before")
    @classmethod
    def _by_key_alone(cls, value: object) -> object:
        if isinstance(value, str):
            return {"key": value}
        if isinstance(value, dict):
            return value
        raise PydanticCustomError("key", "expected a public key, or {key: KEY, from: DAY, until: DAY}")
