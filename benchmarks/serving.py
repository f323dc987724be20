"""Measure ``offerkit serve`` over loopback: propose with and without storing, on SQLite and on PostgreSQL, beside the
bare framework answering a constant and zen-engine on the same 200 rules behind the same framework.

Each server has one core and one process, the load (wrk, from Debian's package of that name) the other. Prints Markdown.

    python benchmarks/serving.py [--seconds 10] [--memory-seconds 60] [--postgres postgresql://USER@HOST/DB?schema=NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from decisions_measure import quantile
from serving_project import write_project

from offerkit.store import parse_location

HERE = Path(__file__).resolve().parent
OFFERS, PEOPLE = 1_000, 10_000
CONNECTIONS = {False: 8, True: 16}
"""At once, without and with storing: what waits shares a transaction."""
SHARE = 0.7
BODY = '{"spaces":["recipients/web-home"],"contact":"%s","n":3,"data":{"device":"mobile","basket":12.5},"store":%s}'
SCRIPT = """
math.randomseed(7)
request = function()
  local body = string.format('%s', string.format("c-%%06d", math.random(0, %d)))
  return wrk.format("POST", "/api/v1/propose", {["Content-Type"] = "application/json"}, body)
end
"""


@dataclass(frozen=True)
class Load:
    """Requests a second at full load, and seconds at the median and the 99th percentile."""

    rate: float
    median: float
    p99: float
    failed: int


@contextmanager
def started(command: list[str], port: int, cwd: Path, environ: dict[str, str], path: str) -> Iterator[int]:
    """A server on core 0, answering at ``path``; its process id."""
    pinned = ["taskset", "-c", "0", *command]
    with (cwd / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(pinned, cwd=cwd, env={**os.environ, **environ}, stdout=log, stderr=log)
    try:
        _until(f"http://127.0.0.1:{port}{path}", process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _until(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no server answers at {url}")


def full(port: int, *, store: bool, seconds: int, folder: Path) -> Load:
    """As much as wrk on the other core can send over a few connections."""
    script = folder / "load.lua"
    body = BODY % ("%s", str(store).lower())
    script.write_text(SCRIPT % (body, PEOPLE - 1))
    command = [
        "taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS[store]}", f"-d{seconds}s", "--latency", "-s", str(script),
        f"http://127.0.0.1:{port}",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert rate is not None
    return Load(float(rate[1]), _seconds(said, "50%"), _seconds(said, "99%"), int(failed[1]) if failed else 0)


def _seconds(said: str, part: str) -> float:
    found = re.search(rf"{part}\s+([\d.]+)(us|ms|s)\b", said)
    assert found is not None
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]


async def paced(port: int, rate: float, seconds: float, *, store: bool) -> Load:
    """Calls at a steady ``rate``, whatever the server does: a call's time counts from when it was due."""
    times: list[float] = []
    failed = 0
    waiting: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(64):
        waiting.put_nowait(await asyncio.open_connection("127.0.0.1", port))

    async def call(number: int, due: float) -> None:
        nonlocal failed
        reader, writer = await waiting.get()
        body = BODY % (f"c-{number * 7919 % PEOPLE:06d}", str(store).lower())
        head = "POST /api/v1/propose HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        await reader.readexactly(int(length[1]))
        failed += not answer.startswith(b"HTTP/1.1 200")
        times.append(time.perf_counter() - due)
        waiting.put_nowait((reader, writer))

    begin = time.perf_counter()
    calls = []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        if due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
        calls.append(asyncio.create_task(call(number, due)))
    await asyncio.gather(*calls)
    times.sort()
    return Load(len(times) / (time.perf_counter() - begin), quantile(times, 0.5), quantile(times, 0.99), failed)


def resident(process: int) -> int:
    """Bytes that the process holds."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def row(name: str, load: Load, bare: Load | None) -> str:
    """A line of the table."""
    ratio = f"{load.rate / bare.rate:.2f}" if bare is not None else ""
    times = f"{load.median * 1e3:.2f} ms | {load.p99 * 1e3:.2f} ms"
    return f"| {name} | {load.rate:,.0f} | {times} | {ratio} | {load.failed} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--memory-seconds", type=int, default=60)
    parser.add_argument("--postgres", default="")
    asked = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is needed: apt-get install wrk util-linux")
    with tempfile.TemporaryDirectory(prefix="offerkit-serving-") as temporary:
        print("\n".join(measured(asked, Path(temporary))))


def measured(asked: argparse.Namespace, folder: Path) -> list[str]:
    """The table, the servers one after the other."""
    lines = ["| | requests a second | p50 | p99 | of bare | failed |", "|:--|--:|--:|--:|--:|--:|"]
    bare: Load | None = None
    for port, (name, kind) in enumerate((("the bare framework", "bare"), ("zen-engine, 200 rules", "zen")), 18_700):
        command = [sys.executable, str(HERE / "serving_peers.py"), kind, str(port)]
        with started(command, port, folder, {}, "/openapi.json"):
            full(port, store=False, seconds=2, folder=folder)
            load = full(port, store=False, seconds=asked.seconds, folder=folder)
            lines.append(row(name, load, bare))
            bare = bare or load
    stores = [("SQLite", str(folder / "sqlite/.offerkit/store.db"))]
    stores += [("PostgreSQL", asked.postgres)] if asked.postgres else []
    for port, (name, store) in enumerate(stores, 18_710):
        root = folder / name.lower()
        write_project(root, parse_location(store), OFFERS, PEOPLE)
        program = [
            str(Path(sys.executable).with_name("offerkit")),
            "serve",
            "--port",
            str(port),
            "--log-level",
            "error",
        ]
        with started(program, port, root, {"OFFERKIT_STORE": store}, "/health/ready") as process:
            lines += _offerkit(asked, name, port, process, bare, root)
    return lines


def _offerkit(
    asked: argparse.Namespace, name: str, port: int, process: int, bare: Load | None, folder: Path
) -> list[str]:
    lines = []
    full(port, store=False, seconds=10, folder=folder)  # every contact was met once
    for store in (False, True):
        what = f"offerkit, {name}, {'stored' if store else 'not stored'}"
        load = full(port, store=store, seconds=asked.seconds, folder=folder)
        lines.append(row(what, load, bare))
        steady = asyncio.run(paced(port, load.rate * SHARE, asked.seconds, store=store))
        lines.append(row(f"{what}, at {SHARE:.0%} of that", steady, bare))
        if not store and asked.memory_seconds:
            before = resident(process)
            full(port, store=False, seconds=asked.memory_seconds, folder=folder)
            grown = resident(process) - before
            lines.append(f"| memory after {asked.memory_seconds} s more | {resident(process) / 1e6:,.0f} MB | "
                         f"{grown / 1e6:+.1f} MB | | | |")  # fmt: skip
    return lines


if __name__ == "__main__":
    main()
