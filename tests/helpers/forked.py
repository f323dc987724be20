"""``offerkit`` for sessions with many commands: each is a process of its own, but only the first one imports."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Forked:
    """A server of forks at ``socket``."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def install(self, tools: Path) -> None:
        """Put an ``offerkit`` into the folder ``tools`` that lets the server run it."""
        tools.mkdir(parents=True, exist_ok=True)
        words = ["-IS", str(HERE / "fork_client.py"), str(self.socket), sys.executable]
        tool = tools / "offerkit"
        tool.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)


@contextmanager
def forked() -> Iterator[Forked]:
    """A server for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="offerkit-fork-", dir="/tmp") as folder:
        socket = Path(folder) / "socket"
        environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        with subprocess.Popen(
            [sys.executable, "-P", str(HERE / "fork_server.py"), str(socket)], stdin=subprocess.PIPE, env=environ
        ) as server:
            assert server.stdin is not None
            try:
                while not socket.exists():
                    assert server.poll() is None, "the server of forks did not start"
                    time.sleep(0.02)
                yield Forked(socket)
            finally:
                server.stdin.close()
