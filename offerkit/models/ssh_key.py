"""Public SSH keys: what is one, and what names it. It imports nothing slow, since every store knows of signatures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

LONGEST_KEY = 4_000
"""The most characters of a public key; one of RSA with 16,384 bits has 2,800."""
_CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_RSA_BITS = (2048, 16_384)
_SMALL_ORDER = {
    int(text, 16)
    for text in (
        "0",
        "1",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee",
        "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
        "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    )
}
"""Points of Ed25519 for which anybody can make signatures, without their signs."""
_EXPONENT_BITS = 64
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
        if [len(part) for part in parts] != [32]:
            return damaged
        weak = int.from_bytes(parts[0], "little") % (1 << 255) in _SMALL_ORDER
        return "anybody can sign for this key; make another one" if weak else ""
    if kind == "ssh-rsa":
        if len(parts) != 2 or not all(parts):
            return damaged
        exponent = int.from_bytes(parts[0], "big")
        if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > _EXPONENT_BITS:
            return "its exponent is none that ssh-keygen makes; make another key"
        bits = int.from_bytes(parts[1], "big").bit_length()
        fits = _RSA_BITS[0] <= bits <= _RSA_BITS[1]
        return "" if fits else f"an RSA key needs {_RSA_BITS[0]:,} to {_RSA_BITS[1]:,} bits; this one has {bits:,}"
    if len(parts) != 2:
        return damaged
    curve = parts[0].decode("ascii", "replace")
    fits = f"ecdsa-sha2-{curve}" in kind and len(parts[1]) == _CURVES.get(curve) and parts[1][:1] == b"\x04"
    return "" if fits else damaged
