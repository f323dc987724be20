"""The tutorial as a session: its console blocks, run one after another in a new folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "x" * 64),
    (re.compile(r"\b[0-9a-f]{32}\b"), "x" * 32),
    (re.compile(r"\b[0-9a-f]{31}\b"), "x" * 31),
    (re.compile(r"\b[0-9a-f]{12}\b"), "x" * 12),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "YYYY-MM-DDTHH:MM:SSZ"),
]


class Session:
    """A shell that remembers its folder and what was exported."""

    def __init__(self, folder: Path, tools: Path) -> None:
        """Begin in ``folder``, without a git identity and in English; the programs in ``tools`` come first."""
        self.folder = folder
        self.environ = {
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "COLUMNS": "100",
        }

    def run(self, command: str) -> str:
        """What ``command`` prints, standard error included."""
        if command.startswith("cd "):
            self.folder /= command[3:]
            return ""
        if command.startswith("export "):
            name, _, value = command[7:].partition("=")
            self.environ[name] = value
            return ""
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{command}"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        return done.stdout.decode()


def replayed(markdown: str, folder: Path, tools: Path) -> str:
    """The page with what its commands print now."""
    session = Session(folder, tools)
    return BLOCK.sub(lambda block: f"```console\n{_block(session, block[1])}```", markdown)


def _block(session: Session, body: str) -> str:
    lines: list[str] = []
    for written in re.findall(r"^\$ .*\n(?:^> ?.*\n)*", body, re.MULTILINE):
        command = "\n".join(line[2:] for line in written.splitlines())
        printed = session.run(command).rstrip("\n")
        if lines and (lines[-1] or printed):
            lines.append("")
        lines += [*written.splitlines(), *printed.splitlines()]
        if not printed:
            lines.append("")
    text = "\n".join(lines).rstrip("\n") + "\n"
    return re.sub(r"\n\n+(?=\$ )", "\n\n", text)


def settled(markdown: str) -> str:
    """The page without what differs on every run: digests and times."""
    for pattern, stead in VARYING:
        markdown = pattern.sub(stead, markdown)
    return markdown
