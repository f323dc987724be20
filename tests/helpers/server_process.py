"""A real ``offerkit serve``, and callers of it that never give up a call."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def call(self, path: str, body: object | None = None, *, timeout: float = 60) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, headers (small letters), body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            if body is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The processes below the server's own."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    command = (entry / "cmdline").read_bytes()
                except (OSError, ValueError):
                    continue
                if parent == self.process.pid and b"resource_tracker" not in command:
                    found.append(int(entry.name))
        return found

    def stop(self) -> int:
        """End it gracefully; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def serving(root: Path, *options: str, store: str = "") -> Iterator[Server]:
    """``offerkit serve`` in the project ``root``, ready; killed at the end if it still runs."""
    port, log = free_port(), root / "serve.log"
    environ = {**os.environ, "OFFERKIT_STORE": store} if store else dict(os.environ)
    program = [sys.executable, "-m", "offerkit.cli.main", "serve", "--port", str(port), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(program, cwd=root, stderr=out, stdout=out, env=environ, start_new_session=True)
    server = Server(process, port, log)
    try:
        _until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_ready(server: Server) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended: {server.log.read_text()[-2000:]}")
        try:
            if server.call("/health/ready", timeout=2)[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server never became ready: {server.log.read_text()[-2000:]}")


@dataclass
class Callers:
    """Threads that propose again and again; a connection that breaks is made anew and the call asked again."""

    server: Server
    body: dict[str, Any]
    threads: int = 4
    answers: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    broken: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._running = [threading.Thread(target=self._call) for _ in range(self.threads)]

    def __enter__(self) -> Callers:
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()

    def _call(self) -> None:
        while not self._stop.is_set():
            try:
                status, headers, body = self.server.call("/api/v1/propose", self.body)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                time.sleep(0.01)
                continue
            if status != 200:
                self.wrong.append(f"{status} {body[:200]!r}")
                continue
            answer = json.loads(body)
            if str(answer["revision"]) != headers["offerkit-revision"]:
                self.wrong.append(f"names {answer['revision']} and {headers['offerkit-revision']}")
            self.answers.append(answer)

    def ids(self) -> set[str]:
        """Every proposition that was answered."""
        return {p["id"] for answer in self.answers for space in answer["spaces"] for p in space["propositions"]}
