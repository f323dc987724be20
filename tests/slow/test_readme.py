"""The README's commands in a fresh clone, to the letter, by somebody who answers at a terminal."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.server_process import free_port
from helpers.wheelhouse import wheelhouse

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
BLOCK = re.compile(r"^```(?:bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(title: str) -> list[str]:
    """The blocks of commands of a section of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return BLOCK.findall(readme.partition(f"\n## {title}\n")[2].partition("\n## ")[0])


def at_a_terminal(script: str, folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """The exit code and what is printed; questions are answered with yes."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "-e", "-c", script], environ)
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
        if said.endswith(b"is accepted: "):
            os.write(terminal, b"yes\n")
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said.decode()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of what is committed or would be, and the variables of a machine that has nothing else."""
    home = tmp_path_factory.mktemp("home")
    target = home / "clone"
    kept = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in kept.stdout.split("\0"):
        if name and not name.startswith(("tests/", "docs/")) and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    wheels = wheelhouse(tmp_path_factory)
    left = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    python = str(Path(getattr(sys, "_base_executable", sys.executable)).parent)
    path = os.pathsep.join([python, "/usr/bin", "/bin"])
    return target, {**left, **wheels, "HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def test_every_command_of_the_readme_runs(clone: tuple[Path, dict[str, str]]) -> None:
    folder, environ = clone
    [start] = blocks("Quick start")
    *users, serve, ask = blocks("Four users, three commands each")
    assert len(users) == 4  # what all begin with, reviewer, release manager, auditor
    back, serve = serve.rsplit("cd - && ", 1)  # the engineer's last command serves until it is stopped
    script = "\n".join([start, *users, back, "offerkit deliver winter-2026/black-week --as dora --at 2026-11-24T10:00"])
    code, said = at_a_terminal(script, folder, environ)
    assert code == 0, said
    assert said.count("Only “yes” is accepted: yes") == 2
    assert "2 proposed" in said
    assert "Out of live at once: recipients/offer.gold-card." in said
    assert "The history is sound" in said
    assert "cases, all as expected" in said
    assert (folder.parent / "my-offers" / "plans" / "README.md").is_file()

    port = str(free_port())
    shown = subprocess.Popen(
        ["bash", "-e", "-c", serve.replace("--demo", f"--demo --port {port}")],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    asking = ask.replace("8080", port).replace("curl -s", "curl -sf --retry 60 --retry-connrefused --retry-delay 1")
    try:
        answer = subprocess.run(["bash", "-c", asking], env=environ, capture_output=True, text=True, check=False)
        while answer.returncode and shown.poll() is None:
            time.sleep(1)
            answer = subprocess.run(["bash", "-c", asking], env=environ, capture_output=True, text=True, check=False)
    finally:
        os.killpg(shown.pid, signal.SIGTERM)
        rest = shown.communicate()[0]
    assert '"gold-card"' in answer.stdout, f"{answer}\n{rest}"
