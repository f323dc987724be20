"""``offerkit`` for sessions with many commands: each is a process of its own, but only the first one imports."""

from __future__ import annotations

import atexit
import marshal
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
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

    def start(self, arguments: list[str], folder: Path, environ: Mapping[str, str], program: str = "") -> Child:
        """Begin ``offerkit``, or a program given as a text; unlike a start of Python it is at work at once."""
        asked = socket.socket(socket.AF_UNIX)
        asked.connect(str(self.socket))
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        content = marshal.dumps(((arguments, dict(environ), str(folder), 0o022), program, True))
        socket.send_fds(asked, [len(content).to_bytes(8, "little")], [nothing, out_end, err_end])
        asked.sendall(content)
        for end in (nothing, out_end, err_end):
            os.close(end)
        pid, handles, _, _ = socket.recv_fds(asked, 4, 1)
        return Child(asked, int.from_bytes(pid, "little"), handles[0], out, err)


class Child:
    """A fork that is watched, used like a ``subprocess.Popen`` of texts."""

    def __init__(self, asked: socket.socket, pid: int, handle: int, out: int, err: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout, self.stderr = Stream(out), Stream(err)
        self._asked, self._handle = asked, handle

    def poll(self) -> int | None:
        """The exit code, when it has ended."""
        if self.returncode is None and select.select([self._asked], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        """The exit code; a failure when it does not end in time."""
        if self.returncode is None:
            if not select.select([self._asked], [], [], timeout)[0]:
                self.kill()
                raise AssertionError(f"the process did not end within {timeout} s")
            self._ended()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float = 600) -> tuple[str, str]:
        """What it printed from here on, to both streams, once it has ended."""
        limit, found = time.monotonic() + timeout, {self.stdout: b"", self.stderr: b""}
        reading = list(found)
        while reading:
            ready = select.select(reading, [], [], max(0.0, limit - time.monotonic()))[0]
            if not ready:
                self.kill()
                raise AssertionError(f"the process did not end within {timeout} s")
            for stream in ready:
                piece = os.read(stream.fileno(), 1 << 16)
                found[stream] += piece
                if not piece:
                    reading.remove(stream)
        self.wait(timeout)
        out, err = (content.decode() for content in found.values())
        return out, err

    def send_signal(self, number: int) -> None:
        """To this process and to no other that may have its number by now."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """At once, whatever it does."""
        self.send_signal(signal.SIGKILL)

    def _ended(self) -> None:
        code = self._asked.recv(1)
        self.returncode = code[0] if code else 70
        self._asked.close()

    def __del__(self) -> None:
        os.close(self._handle)


class Stream:
    """What a child prints, never read ahead of a line that was asked for."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        """For whoever waits for it."""
        return self._number

    def readline(self) -> str:
        """A line; what is left of one at the end."""
        line = b""
        while not line.endswith(b"\n") and (piece := os.read(self._number, 1)):
            line += piece
        return line.decode()

    def __del__(self) -> None:
        os.close(self._number)


@cache
def forks_of_this_process() -> Forked:
    """A server of forks, started when it is first needed, that ends with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(forked())


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
