"""Real SSH keys, made by ``ssh-keygen``, and signatures by them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    """A key: the file of its private part, and the public part as one line."""

    path: Path
    public: str

    def sign(self, message: bytes, namespace: str = "offerkit") -> str:
        """A signature of ``message``."""
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(self.path)]
        return subprocess.run(command, input=message, capture_output=True, check=True).stdout.decode()


def new_key(folder: Path, name: str, kind: str = "ed25519", *options: str) -> KeyPair:
    """A new key of a ``kind`` that ``ssh-keygen -t`` knows, without a passphrase."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", f"{name}@laptop", "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return KeyPair(path, path.with_suffix(".pub").read_text(encoding="ascii").strip())
