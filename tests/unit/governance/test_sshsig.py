"""SSH signatures as ssh-keygen makes them, of every kind of key, and what is none."""

from __future__ import annotations

import base64
import hashlib
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from helpers.ssh_keys import KeyPair, new_key

from offerkit.governance.sshsig import NAMESPACE, SshSignature
from offerkit.models.ssh_key import fingerprint_of, key_blob, key_fingerprint

MESSAGE = b'{"action":"approve"}'
KINDS = [("ed25519",), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "384"), ("ecdsa", "-b", "521"), ("rsa", "-b", "2048")]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return new_key(tmp_path_factory.mktemp("keys"), "ana")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind))
def test_every_kind_of_key_is_verified(kind: tuple[str, ...], tmp_path: Path) -> None:
    key = new_key(tmp_path, "key", *kind)
    signature = SshSignature.parse(key.sign(MESSAGE))
    assert signature.key == key_blob(key.public)
    assert signature.signs(MESSAGE)
    assert not signature.signs(MESSAGE + b" ")


def _text(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


@pytest.mark.parametrize("flags", [1, 5, 0])
def test_a_hardware_token_must_have_been_touched(flags: int) -> None:
    """As OpenSSH's PROTOCOL.u2f has it; the arithmetic is real, only the token is a key in memory."""
    secret = Ed25519PrivateKey.generate()
    raw = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kind = b"sk-ssh-ed25519@openssh.com"
    blob = _text(kind, raw, b"ssh:")
    trail = bytes([flags]) + struct.pack(">I", 7)
    signed = b"SSHSIG" + _text(NAMESPACE.encode(), b"", b"sha512", hashlib.sha512(MESSAGE).digest())
    inner = hashlib.sha256(b"ssh:").digest() + trail + hashlib.sha256(signed).digest()
    signature = _text(kind, secret.sign(inner)) + trail
    wire = b"SSHSIG" + struct.pack(">I", 1) + _text(blob, NAMESPACE.encode(), b"", b"sha512", signature)
    armored = f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(wire).decode()}\n-----END SSH SIGNATURE-----\n"
    parsed = SshSignature.parse(armored)
    assert parsed.key == key_blob(f"{kind.decode()} {base64.b64encode(blob).decode()}")
    assert parsed.signs(MESSAGE) is bool(flags & 1)


def test_a_signature_for_another_program_is_none(pair: KeyPair) -> None:
    assert not SshSignature.parse(pair.sign(MESSAGE, "git")).signs(MESSAGE)


def test_no_bit_of_a_signature_can_be_changed(pair: KeyPair) -> None:
    """Whatever byte is changed: it is no signature, one by another key, or one of something else."""
    lines = pair.sign(MESSAGE).splitlines()
    wire = base64.b64decode("".join(lines[1:-1]))
    for place in range(len(wire)):
        changed = wire[:place] + bytes([wire[place] ^ 1]) + wire[place + 1 :]
        text = "\n".join([lines[0], base64.b64encode(changed).decode(), lines[-1]])
        try:
            parsed = SshSignature.parse(text)
        except ValueError:
            continue
        assert parsed.key != key_blob(pair.public) or not parsed.signs(MESSAGE), place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----",
        "-----BEGIN SSH SIGNATURE-----\n????\n-----END SSH SIGNATURE-----",
        "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----",
        "-----BEGIN SSH SIGNATURE-----\n" + "A" * 20_000 + "\n-----END SSH SIGNATURE-----",
    ],
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|not an SSH signature"):
        SshSignature.parse(text)


def test_fingerprints_are_those_of_ssh_keygen(pair: KeyPair) -> None:
    import subprocess

    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{pair.path}.pub"], capture_output=True, check=True).stdout
    assert key_fingerprint(pair.public) == shown.split()[1].decode() == fingerprint_of(key_blob(pair.public))


def test_keys_that_are_none_are_refused_with_the_reason(pair: KeyPair, tmp_path: Path) -> None:
    kind, text, _ = pair.public.split()
    short = new_key(tmp_path, "short", "rsa", "-b", "1024").public
    other = new_key(tmp_path, "other", "ecdsa").public.split()[1]
    for wrong, why in (
        (pair.path.read_text(encoding="ascii"), "private key"),
        ("ssh-dss AAAA", "its type is not one of"),
        (f"{kind} {text[:-4]}", "damaged or cut off"),
        (f"{kind} {other}", "of another type"),
        (short, "2,048 to 16,384 bits; this one has 1,024"),
        ("hello", "is one line"),
        (f"{kind} {text}\n{kind} {text}", "is one line"),
        (f"{kind} " + "A" * 5_000, "is one line"),
    ):
        with pytest.raises(ValueError, match=why):
            key_blob(wrong)


def _public(kind: str, *parts: bytes) -> str:
    wire = b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), *parts))
    return f"{kind} {base64.b64encode(wire).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        _public("ssh-ed25519", b"\1" + bytes(31)),
        _public("ssh-ed25519", b"\1" + bytes(30) + b"\x80"),
        _public("ssh-ed25519", bytes(32)),
        _public("ssh-rsa", b"\1", b"\0" + b"\xff" * 256),
        _public("ssh-rsa", b"\2", b"\0" + b"\xff" * 256),
        _public("ssh-rsa", b"\x7f" * 250, b"\0" + b"\xff" * 256),
    ],
)
def test_a_key_for_which_anybody_can_sign_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="make another"):
        key_blob(text)


@pytest.mark.parametrize(
    "parts", [(b"ssh-ed25519",), (b"ssh-rsa", b"\1"), (b"ecdsa-sha2-nistp256", b"nistp999", b"x"), (b"ssh-dss",), ()]
)
def test_a_key_that_is_damaged_signs_nothing(parts: tuple[bytes, ...]) -> None:
    def wire(*each: bytes) -> bytes:
        return b"".join(len(part).to_bytes(4, "big") + part for part in each)

    for name in (b"ssh-ed25519", b"rsa-sha2-512", b"ecdsa-sha2-nistp256"):
        found = SshSignature(wire(*parts), b"offerkit", b"sha512", wire(name, wire(b"\1", b"\1")))
        assert not found.signs(b"anything")
