"""Signing with ssh-keygen: a key's file, an agent, and what keeps it from signing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ssh_keys import KeyPair, new_key

from offerkit.diagnostics import Code, Refused
from offerkit.governance.sshsig import SshSignature
from offerkit.usecases.ssh_signer import AGENT, SshSigner

STATEMENT = b'{"action":"approve"}'


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return new_key(tmp_path, "ana")


@pytest.fixture
def agent(tmp_path: Path, key: KeyPair) -> Iterator[dict[str, str]]:
    """The variables of an agent that holds the key, whose file is gone."""
    started = subprocess.run(["ssh-agent", "-s", "-a", str(tmp_path / "agent")], capture_output=True, check=True)
    environ = {**os.environ, **_texts(started.stdout)}
    subprocess.run(["ssh-add", "-q", str(key.path)], env=environ, check=True, capture_output=True)
    key.path.unlink()
    yield environ
    os.kill(int(environ["SSH_AGENT_PID"]), 15)


def _texts(output: bytes) -> dict[str, str]:
    return dict(re.findall(r"(SSH_\w+)=([^;]+);", output.decode()))


def test_a_file_signs(key: KeyPair) -> None:
    text = SshSigner(str(key.path), os.environ).sign(STATEMENT, [])
    assert SshSignature.parse(text).signs(STATEMENT)


def test_an_agent_signs_with_the_operators_key(agent: dict[str, str], key: KeyPair, tmp_path: Path) -> None:
    keys = [{"key": " ".join(each.public.split()[:2])} for each in (new_key(tmp_path, "other"), key)]
    text = SshSigner(AGENT, agent).sign(STATEMENT, [*keys])
    assert SshSignature.parse(text).signs(STATEMENT)
    text = SshSigner(f"{key.path}.pub", agent).sign(STATEMENT, [])  # the public key names the agent's
    assert SshSignature.parse(text).signs(STATEMENT)


def test_what_cannot_sign_is_said(key: KeyPair, tmp_path: Path) -> None:
    no_agent = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    declared = [{"key": " ".join(key.public.split()[:2])}]
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("hello")
    for signer, keys, why in (
        (SshSigner(str(tmp_path / "none"), no_agent), [], "there is no key file"),
        (SshSigner(str(tmp_path), no_agent), [], "there is no key file"),
        (SshSigner(str(nonsense), no_agent), [], "ssh-keygen did not sign"),
        (SshSigner(AGENT, no_agent), [], "no keys are declared for you"),
        (SshSigner(AGENT, no_agent), declared, "holds none of your declared keys"),
        (SshSigner(str(key.path), {"PATH": str(tmp_path)}), [], "ssh-keygen could not be run"),
    ):
        with pytest.raises(Refused) as error:
            signer.sign(STATEMENT, [*keys])
        (found,) = error.value.diagnostics
        assert found.code is Code.NOT_SIGNED
        assert why in found.summary
        assert found.hint
