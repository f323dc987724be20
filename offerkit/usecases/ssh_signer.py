"""Signing with ``ssh-keygen``, which asks for passphrases and hardware tokens itself, or with an SSH agent."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.fingerprint import JsonMap
from offerkit.governance.sshsig import LONGEST_SIGNATURE, NAMESPACE
from offerkit.models.ssh_key import key_blob

AGENT = "agent"
"""What is written instead of a key's file to sign with any of the operator's keys that an SSH agent holds."""
_PATIENCE = 300
"""Seconds for a passphrase or a touch of a token."""
_SHOWN = 300


@dataclass(frozen=True)
class SshSigner:
    """Signs with the key in the file ``key``, or with :data:`AGENT`. ``environ`` finds the programs and the agent."""

    key: str
    environ: Mapping[str, str]

    def sign(self, statement: bytes, keys: list[JsonMap]) -> str:
        """The signature of ``statement``. Raises Refused if the key or the program cannot be used."""
        if self.key != AGENT:
            path = Path(self.key).expanduser()
            if not path.is_file():
                raise _not_signed(f"there is no key file {str(path)[:200]}", "Name your private key, or “agent”.")
            return self._signed(["-f", str(path)], statement)
        held = self._held(keys)
        with tempfile.TemporaryDirectory(prefix="offerkit-sign-") as folder:
            public = Path(folder) / "key.pub"
            public.write_text(held + "\n", encoding="ascii")
            return self._signed(["-U", "-f", str(public)], statement)

    def _held(self, keys: list[JsonMap]) -> str:
        """The first of the operator's keys that the agent holds."""
        listed = self._run(["ssh-add", "-L"], b"", quiet=True)
        blobs = {line.split()[1] for line in listed.stdout.decode("utf-8", "replace").splitlines() if " " in line}
        for key in keys:
            text = str(key.get("key"))
            key_blob(text)
            if text.split()[1] in blobs:
                return text
        if not keys:
            raise _not_signed("no keys are declared for you", "An administrator declares them: operators: keys.")
        raise _not_signed("the SSH agent holds none of your declared keys", "Add one with ssh-add, or name its file.")

    def _signed(self, words: list[str], statement: bytes) -> str:
        done = self._run(["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, *words], statement, quiet=False)
        text = done.stdout[: LONGEST_SIGNATURE + 1].decode("ascii", "replace")
        if done.returncode or not text.startswith("-----BEGIN SSH SIGNATURE-----"):
            said = (done.stderr or b"").decode("utf-8", "replace").strip().splitlines()
            raise _not_signed(
                "ssh-keygen did not sign" + (f": {said[-1][:_SHOWN]}" if said else ""),
                "Check the key: ssh-keygen -Y sign -n offerkit -f KEYFILE FILE",
            )
        return text

    def _run(self, command: list[str], stdin: bytes, *, quiet: bool) -> subprocess.CompletedProcess[bytes]:
        # On a terminal, ssh-keygen says there that a token is to be touched.
        errors = None if not quiet and sys.stderr.isatty() else subprocess.PIPE
        try:
            return subprocess.run(  # noqa: S603 - fixed programs; the words of a user are arguments of options
                command,
                env=dict(self.environ),
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=_PATIENCE,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise _not_signed(
                f"{command[0]} could not be run: {reason_of(error)}", "Install OpenSSH’s client, which brings it."
            ) from None


def _not_signed(summary: str, hint: str) -> Refused:
    return refuse(Code.NOT_SIGNED, summary, detail="Nothing was recorded.", hint=hint)
