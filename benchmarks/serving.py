"""Measure ``offerkit serve`` over loopback: propose with and without storing, on SQLite and on PostgreSQL, beside
FastAPI and Starlette answering a constant and zen-engine on the same 200 rules behind Starlette; and calls for
contacts never met before, apart from those for contacts that call again and again.

Each server has one core and one process, the load (wrk, from Debian's package of that name) the other. All servers are
measured in turn, several rounds of it: medians are printed, and ratios are taken within a round, so that a drifting
machine does not decide. “others” is what other processes took of the server's core meanwhile, at most. Prints Markdown.

    python benchmarks/serving.py [--contacts 1000000] [--sources jsonl,sqlite] [--rounds 3] [--seconds 5]
        [--memory-seconds 600] [--postgres postgresql://USER@HOST/DB]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from decisions_measure import quantile
from serving_load import paced
from serving_project import write_project

from offerkit.store import parse_location

HERE = Path(__file__).resolve().parent
OFFERS, PEOPLE, NEW = 1_000, 10_000, 30_000
"""Live offers; contacts that call again and again, and those that call once, all with 20 propositions."""
CONNECTIONS = {False: 8, True: 16}
"""At once, without and with storing: what waits shares a transaction."""
BARE = ("bare FastAPI", "bare Starlette")
PEERS = {BARE[0]: "fastapi", BARE[1]: "starlette", "zen-engine, 200 rules": "zen"}
SHARE = 0.7
FIRST_SECONDS = 3
"""Of each measure of first calls: their contacts must last for all rounds."""
BODY = '{"spaces":["recipients/web-home"],"contact":"%s","n":3,"data":{"device":"mobile","basket":12.5},"store":%s}'
SCRIPT = """
math.randomseed(7)
local new = %d
local number = function() return math.random(0, %d) end
if new > 0 then number = function() new = new + 1; return new - 1 end end
request = function()
  local body = string.format('%s', string.format("c-%%06d", number() * %d))
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
    others: float = 0.0
    """The share of the server's core that other processes took meanwhile; from a few percent on, p99 tells of them."""


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


def full(port: int, *, store: bool, seconds: int, folder: Path, new: int = 0, apart: int = 1, times: int = 1) -> Load:
    """As much as wrk on the other core can send over a few connections.

    ``new``: the first of the contacts to call once, in their order, instead of any of those that call again and again.
    ``apart``: how far contacts that call stand apart in the file. ``times`` as many connections as usual.
    """
    script = folder / "load.lua"
    body = BODY % ("%s", str(store).lower())
    script.write_text(SCRIPT % (new, PEOPLE - 1, body, apart))
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{CONNECTIONS[store] * times}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert rate is not None
    return Load(float(rate[1]), _seconds(said, "50%"), _seconds(said, "99%"), int(failed[1]) if failed else 0)


def _seconds(said: str, part: str) -> float:
    found = re.search(rf"{part}\s+([\d.]+)(us|ms|s)\b", said)
    assert found is not None
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]


def steady(port: int, rate: float, seconds: int, *, store: bool, apart: int) -> Load:
    """Calls at a steady ``rate``: a call's time counts from when it was due."""
    times, failed, took = paced(port, rate, seconds, lambda number: _body(number, apart, store=store))
    return Load(len(times) / took, quantile(times, 0.5), quantile(times, 0.99), failed)


def _body(number: int, apart: int, *, store: bool) -> str:
    return BODY % (f"c-{number * 7919 % PEOPLE * apart:06d}", str(store).lower())


@contextmanager
def alone(process: int, servers: Iterable[int]) -> Iterator[None]:
    """Only this one of the ``servers`` runs inside: one that rests searches all its memory for garbage now and then."""
    others = [other for other in servers if other != process]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        time.sleep(0.5)  # what was due while this one was stopped
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def watched(process: int, measure: Callable[[], Load]) -> Load:
    """The load, with what other processes took of the server's core."""
    core, own, begin = _core(), _spent(process), time.monotonic()
    load = measure()
    others = (_core() - core) - (_spent(process) - own)
    return replace(load, others=max(others, 0.0) / (time.monotonic() - begin))


def _core() -> float:
    """Seconds that core 0 was not idle."""
    ticks = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu0 ")).split()[1:]
    return (sum(map(int, ticks[:8])) - int(ticks[3]) - int(ticks[4])) / os.sysconf("SC_CLK_TCK")


def _spent(process: int) -> float:
    """Seconds of the processor that the process has taken."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> int:
    """Bytes that the process holds."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def median(rounds: Sequence[Load]) -> Load:
    """Each figure's median."""
    return Load(
        statistics.median(load.rate for load in rounds),
        statistics.median(load.median for load in rounds),
        statistics.median(load.p99 for load in rounds),
        sum(load.failed for load in rounds),
        max(load.others for load in rounds),
    )


def row(name: str, rounds: Sequence[Load], bare: Sequence[Sequence[Load]]) -> str:
    """A line of the table; the ratios to the bare frameworks are taken round by round."""
    load = median(rounds)
    pairs = (zip(rounds, others, strict=True) for others in bare)
    ratios = " | ".join(f"{statistics.median(mine.rate / other.rate for mine, other in each):.2f}" for each in pairs)
    times = f"{load.median * 1e3:.2f} ms | {load.p99 * 1e3:.2f} ms"
    return f"| {name} | {load.rate:,.0f} | {times} | {ratios} | {load.failed} | {load.others:.0%} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each measure")
    parser.add_argument("--rounds", type=int, default=3, help="of all measures, in turn")
    parser.add_argument("--memory-seconds", type=int, default=0, help="of load on each store, for its memory")
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--sources", default="", help="formats of contacts to measure besides csv: jsonl,sqlite")
    parser.add_argument("--postgres", default="")
    asked = parser.parse_args()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is needed: apt-get install wrk util-linux")
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory(prefix="offerkit-serving-") as temporary:
        print("\n".join(measured(asked, Path(temporary))))


def measured(asked: argparse.Namespace, folder: Path) -> list[str]:
    """The table: all servers are up, and one at a time has something to do."""
    with ExitStack() as stack:
        peers = {}
        for port, (name, kind) in enumerate(PEERS.items(), 18_700):
            command = [sys.executable, str(HERE / "serving_peers.py"), kind, str(port)]
            peers[name] = port, stack.enter_context(started(command, port, folder, {}, "/openapi.json"))
        sources = filter(None, asked.sources.split(","))
        stores = [("SQLite", "csv", ""), *([("PostgreSQL", "csv", asked.postgres)] if asked.postgres else [])]
        stores += [(f"SQLite, contacts in {source}", source, "") for source in sources]
        ours = {}
        for port, (name, source, url) in enumerate(stores, 18_710):
            root = folder / str(port)
            store = url or str(root / ".offerkit/store.db")
            ours[name] = port, stack.enter_context(_offerkit(store, source, asked.contacts, port, root))
        return _rounds(asked, peers, ours, folder)


def _offerkit(store: str, source: str, contacts: int, port: int, root: Path) -> AbstractContextManager[int]:
    write_project(root, parse_location(store), OFFERS, contacts, PEOPLE + NEW, source)
    program = str(Path(sys.executable).with_name("offerkit"))
    command = [program, "serve", "--port", str(port), "--log-level", "error"]
    return started(command, port, root, {"OFFERKIT_STORE": store}, "/health/ready")


def _rounds(
    asked: argparse.Namespace, peers: dict[str, tuple[int, int]], ours: dict[str, tuple[int, int]], folder: Path
) -> list[str]:
    apart = asked.contacts // (PEOPLE + NEW)
    for port, _ in peers.values():
        full(port, store=False, seconds=2, folder=folder)
    for port, _ in ours.values():
        full(port, store=False, seconds=20, folder=folder, apart=apart)  # every contact was met
    new = dict.fromkeys(ours, PEOPLE)
    loads: dict[str, list[Load]] = {}
    servers = [process for _, process in (*peers.values(), *ours.values())]

    def measured_pair(what: str, port: int, process: int, *, store: bool) -> None:
        with alone(process, servers):
            load = watched(process, lambda: full(port, store=store, seconds=asked.seconds, folder=folder, apart=apart))
            rate = load.rate * SHARE
            part = watched(process, lambda: steady(port, rate, asked.seconds, store=store, apart=apart))
        loads.setdefault(what, []).append(load)
        loads.setdefault(f"{what}, at {SHARE:.0%} of that", []).append(part)

    def measured_new(name: str, port: int, process: int) -> None:
        with alone(process, servers):
            load = watched(
                process,
                lambda: full(port, store=False, seconds=FIRST_SECONDS, folder=folder, new=new[name], apart=apart),
            )
        loads.setdefault(f"offerkit, {name}, not stored, first calls", []).append(load)
        new[name] += int(load.rate * (FIRST_SECONDS + 1))

    for _ in range(asked.rounds):
        for name, server in peers.items():
            measured_pair(name, *server, store=False)
        for store in (False, True):
            for name, server in ours.items():
                measured_pair(f"offerkit, {name}, {'stored' if store else 'not stored'}", *server, store=store)
        for name, server in ours.items():
            measured_new(name, *server)
    if max(new.values()) > PEOPLE + NEW:
        print("some contacts called twice: fewer rounds, or a larger NEW", file=sys.stderr)
    bare = [loads[name] for name in BARE]
    lines = ["| | requests a second | p50 | p99 | of bare FastAPI | of bare Starlette | failed | others |"]
    lines += ["|:--|--:|--:|--:|--:|--:|--:|--:|", *(row(name, rounds, bare) for name, rounds in loads.items())]
    return lines + [_memory(asked.memory_seconds, name, *ours[name], folder) for name in ours if asked.memory_seconds]


def _memory(seconds: int, name: str, port: int, process: int, folder: Path) -> str:
    before = resident(process)
    for store in (False, True):
        full(port, store=store, seconds=seconds // 2, folder=folder)
    after = resident(process)
    sizes = f"{after / 1e6:,.0f} MB | {(after - before) / 1e6:+.1f} MB"
    return f"| {name}, memory after {seconds} s, half of it storing | {sizes} | | | | | |"


if __name__ == "__main__":
    main()
