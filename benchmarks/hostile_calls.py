"""Measure what callers keep while somebody sends junk at the allowed rate: ten requests a second from one address.

The bundled project is taken live in a temporary copy and served by one process on one core; callers and attacker share
the other. For each kind of junk callers ask at full pace alone, then beside the attacker, in turn and several rounds of
it. What they keep is judged by the processor: what junk takes of the server's core in a second is not there for calls.
On a quiet machine that is the ratio of the calls; on one that is not, others take from both. Prints Markdown.

    python benchmarks/hostile_calls.py [--rounds 3] [--seconds 3] [--only WORD]
"""

from __future__ import annotations

import argparse
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from hostile_requests import requests
from serving import started

from offerkit.specs import find_project
from offerkit.times import utc
from offerkit.usecases.demonstration import live_copy
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.session import Session

HERE = Path(__file__).resolve().parent
PORT = 18_730
CALLERS, ATTACKERS = 8, 10
PACE = 10
"""Requests of the attacker in a second: what one address may ask of an environment that declares nothing else."""
ENOUGH = 0.8
BODY = (
    b'{"spaces":["recipients/web-home"],"contact":"%s","n":1,"data":{"page":"/travel","navigation_language":"fr"},'
    b'"store":false}'
)
_LENGTH = re.compile(rb"content-length: (\d+)")


class Asked(NamedTuple):
    """Calls that were answered, in how many seconds, and of the server's processor; seconds of the longest."""

    calls: int
    took: float
    used: float
    longest: float


def processor(process: int) -> float:
    """Seconds of processor time that ``process`` has taken, all its threads together."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def callers(port: int, process: int, seconds: float) -> Asked:
    """Ask on a few connections at full pace; all calls have to be answered with 200."""
    poll = selectors.DefaultSelector()
    body = BODY % b"ana@example.com"
    head = b"POST /api/v1/propose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    call = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    since: dict[socket.socket, float] = {}
    answers: dict[socket.socket, bytearray] = {}
    begin, used = time.perf_counter(), processor(process)
    for _ in range(CALLERS):
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(made, selectors.EVENT_READ)
        since[made], answers[made] = begin, bytearray()
        made.sendall(call)
    count, longest = 0, 0.0
    while time.perf_counter() < begin + seconds:
        for key, _ in poll.select(0.05):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            answer = answers[connection]
            answer += connection.recv(65_536)
            end = answer.find(b"\r\n\r\n")
            found = _LENGTH.search(answer, 0, end) if end >= 0 else None
            if found is None or len(answer) < end + 4 + int(found[1]):
                continue
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer.decode())
            now = time.perf_counter()
            count, longest = count + 1, max(longest, now - since[connection])
            answer.clear()
            since[connection] = now
            connection.sendall(call)
    took = time.perf_counter() - begin
    longest = max(longest, *(time.perf_counter() - each for each in since.values()))
    for connection in since:
        connection.close()
    return Asked(count, took, processor(process) - used, longest)


def attack(port: int, request: bytes) -> None:
    """Send ``request`` at the allowed pace until this process is ended; each on a connection of its own."""
    os.nice(19)  # an attacker has a machine of their own, and takes nothing from the callers
    print("ready", flush=True)

    def send() -> None:
        while True:
            due = time.perf_counter() + ATTACKERS / PACE
            try:
                with socket.socket() as connection:
                    connection.bind(("127.0.0.2", 0))
                    connection.settimeout(120)
                    connection.connect(("127.0.0.1", port))
                    connection.sendall(request)
                    answer = connection.recv(65_536)
                    print(answer[9:12].decode(), flush=True)
            except OSError:
                print("cut", flush=True)
            time.sleep(max(due - time.perf_counter(), 0))

    threads = [threading.Thread(target=send, daemon=True) for _ in range(ATTACKERS)]
    for thread in threads:
        thread.start()
        time.sleep(1 / PACE)
    threads[0].join()


@contextmanager
def attacked(port: int, name: str, token: str, said: list[str]) -> Iterator[None]:
    """An attacker in a process of its own; ``said`` gets the statuses that it was answered with."""
    command = [sys.executable, str(Path(__file__).resolve()), "--attack", name, "--port", str(port), "--token", token]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1)  # until it is under way
        yield
    finally:
        process.kill()
        out, _ = process.communicate()
        said += out.decode().split()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="of each measure")
    parser.add_argument("--rounds", type=int, default=3, help="of all measures, in turn")
    parser.add_argument("--only", default="", help="only the kinds with this word in their name")
    parser.add_argument("--attack", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.attack:
        attack(asked.port, requests(asked.token)[asked.attack]())
        return
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory(prefix="offerkit-hostile-") as temporary:
        print("\n".join(measured(asked, Path(temporary))))


def measured(asked: argparse.Namespace, folder: Path) -> list[str]:
    """The table."""
    project = find_project(HERE.parent)
    now = utc(datetime.now(UTC))
    root = live_copy(Session(project, now, environ=dict(os.environ), backend=LOCAL), folder).project.root
    program = str(Path(sys.executable).with_name("offerkit"))
    environ = {**os.environ, "OFFERKIT_OPERATOR": "ada"}
    made = subprocess.run([program, "token", "create", "olga"], cwd=root, env=environ, check=True, capture_output=True)
    found = re.search(r"\bofferkit[_A-Za-z0-9-]{20,}|\b[A-Za-z0-9_-]{40,}", made.stdout.decode())
    assert found is not None, made.stdout
    command = [program, "serve", "--port", str(asked.port), "--log-level", "error"]
    kinds = {name: len(made()) for name, made in requests(found[0]).items() if asked.only in name}
    lines = [
        f"| what is sent, {PACE} a second | bytes | answered | calls a second, alone | beside it | kept | longest |",
        "|:--|--:|--:|--:|--:|--:|--:|",
    ]
    rounds: dict[str, list[tuple[Asked, Asked]]] = {name: [] for name in kinds}
    said: dict[str, list[str]] = {name: [] for name in kinds}
    with started(command, asked.port, root, {}, "/health/ready") as process:
        callers(asked.port, process, 3)
        for _ in range(asked.rounds):
            for name, pairs in rounds.items():
                with attacked(asked.port, name, found[0], said[name]):
                    beside = callers(asked.port, process, asked.seconds)
                time.sleep(0.3)
                pairs.append((callers(asked.port, process, asked.seconds), beside))
    return lines + [_line(name, kinds[name], said[name], pairs) for name, pairs in rounds.items()]


def _line(name: str, size: int, said: list[str], pairs: list[tuple[Asked, Asked]]) -> str:
    alone, beside = (statistics.median(pair[which].calls / pair[which].took for pair in pairs) for which in (0, 1))
    kept = statistics.median(1 - _junk(*pair) for pair in pairs)
    longest = max(beside.longest for _, beside in pairs) * 1000
    statuses = ", ".join(sorted(set(said) - {"cut"})) or "nothing"
    judged = f"{kept:.0%}{'' if kept >= ENOUGH else ' **too few**'}"
    return f"| {name} | {size:,} | {statuses} | {alone:,.0f} | {beside:,.0f} | {judged} | {longest:,.0f} ms |"


def _junk(alone: Asked, beside: Asked) -> float:
    """The share of the server's core that junk took: what was used, without what the calls took."""
    return max(beside.used - beside.calls * alone.used / max(alone.calls, 1), 0) / beside.took


if __name__ == "__main__":
    main()
