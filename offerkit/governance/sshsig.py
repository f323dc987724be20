"""SSH signatures (OpenSSH's PROTOCOL.sshsig), verified without ``ssh-keygen``, an agent or a network.

Keys are compared as bytes, so that a signature counts for exactly the keys that an operator declares. The arithmetic
is of the package cryptography (extra “sign”).
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

from offerkit.diagnostics import Code, refuse
from offerkit.models.ssh_key import wire_strings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

NAMESPACE = "offerkit"
"""What signatures are for: one that was made for git, a file or another program is none here."""
LONGEST_SIGNATURE = 16_000
"""The most characters of a signature as text; one of RSA with 16,384 bits has 6,000."""
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_MAGIC, _VERSION = b"SSHSIG", b"\0\0\0\1"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_USER_PRESENT = 1
_SK_FORM = 5
"""Bytes at the end of a hardware token's signature: its flags, and how often it has signed."""


class SshSignature(NamedTuple):
    """A signature's parts: the public key, the namespace, the hash, and the signature itself with its algorithm."""

    key: bytes
    namespace: bytes
    hash_name: bytes
    signature: bytes

    @classmethod
    def parse(cls, text: str) -> SshSignature:
        """Read a signature as ``ssh-keygen -Y sign`` writes it. Raises ValueError for anything else."""
        lines = text.strip().splitlines() if len(text) <= LONGEST_SIGNATURE else []
        if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
            raise ValueError("it is not an SSH signature")
        try:
            blob = base64.b64decode("".join(lines[1:-1]), validate=True)
            parts = list(wire_strings(blob[10:]))
        except ValueError:  # also what is not base64
            raise ValueError("it is damaged") from None
        if blob[:10] != _MAGIC + _VERSION or len(parts) != 5 or parts[2]:
            raise ValueError("it is damaged, or of an unknown version")
        return cls(parts[0], parts[1], parts[3], parts[4])

    def signs(self, message: bytes) -> bool:
        """Whether this is a signature of ``message`` in :data:`NAMESPACE` by the key that it names.

        Raises Refused without the package that verifies.
        """
        if self.namespace != NAMESPACE.encode() or self.hash_name not in _HASHES:
            return False
        hashed = _HASHES[self.hash_name](message).digest()
        signed = _MAGIC + b"".join(map(_wire, (self.namespace, b"", self.hash_name, hashed)))
        try:
            algorithm, *rest = _signed_parts(self)
            return _verified(self.key, algorithm, rest, signed)
        except (ValueError, LookupError):  # also a key with too few parts, or of an unknown curve
            return False


def _wire(part: bytes) -> bytes:
    return struct.pack(">I", len(part)) + part


def _signed_parts(parsed: SshSignature) -> list[bytes]:
    """The algorithm and the signature; of a hardware token's, also its flags and counter."""
    blob = parsed.signature
    if parsed.key[4:7] == b"sk-":
        algorithm, signature = wire_strings(blob[:-_SK_FORM])
        return [algorithm, signature, blob[-_SK_FORM:]]
    algorithm, signature = wire_strings(blob)
    return [algorithm, signature]


def _verified(blob: bytes, algorithm: bytes, rest: list[bytes], signed: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    except ImportError:
        from offerkit.diagnostics.installation import install_hint

        raise refuse(
            Code.PACKAGE_MISSING,
            "signatures cannot be verified: a package is missing",
            detail="What is demanded to be signed counts only once its signature is verified.",
            hint=install_hint("sign"),
        ) from None
    name, *parts = wire_strings(blob)
    signature, trail = rest[0], rest[1] if len(rest) > 1 else b""
    kind = name.decode("ascii", "replace")
    if kind.startswith("sk-"):
        if not trail[0] & _USER_PRESENT:  # nobody touched the token
            return False
        signed = hashlib.sha256(parts[-1]).digest() + trail + hashlib.sha256(signed).digest()
    if algorithm != name and not (kind == "ssh-rsa" and algorithm in (b"rsa-sha2-512", b"rsa-sha2-256")):
        return False
    if algorithm == b"ssh-rsa":  # with SHA-1, which can be forged
        return False
    try:
        if "ed25519" in kind:
            _ed25519(parts[0]).verify(signature, signed)
        elif kind == "ssh-rsa":
            _verify_rsa(parts, algorithm, signature, signed)
        else:
            _verify_ecdsa(parts, signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _ed25519(raw: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


def _verify_rsa(parts: list[bytes], algorithm: bytes, signature: bytes, signed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256, SHA512

    exponent, modulus = (int.from_bytes(part, "big") for part in parts)
    key: RSAPublicKey = RSAPublicNumbers(exponent, modulus).public_key()
    key.verify(signature, signed, PKCS1v15(), SHA512() if algorithm == b"rsa-sha2-512" else SHA256())


def _verify_ecdsa(parts: list[bytes], signature: bytes, signed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

    curve, hashing = {
        b"nistp256": (ec.SECP256R1(), SHA256()),
        b"nistp384": (ec.SECP384R1(), SHA384()),
        b"nistp521": (ec.SECP521R1(), SHA512()),
    }[parts[0]]
    key: EllipticCurvePublicKey = ec.EllipticCurvePublicKey.from_encoded_point(curve, parts[1])
    r, s = (int.from_bytes(part, "big") for part in wire_strings(signature))
    key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashing))
