"""Processes many files on all cores: forked children do a part of the work and return JSON.

Only for large projects, on systems that can fork, and in a process with one thread; everywhere else, and
whenever anything goes wrong, the caller does all of it itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, NamedTuple, TypeVar

import orjson

from offerkit.address import parse_address
from offerkit.specs.cache import decode, encode
from offerkit.specs.parse import Parsed, parse_file
from offerkit.specs.project import SpecFile

T = TypeVar("T")

WORTH_IT = 1_000_000
"""The number of bytes from which on forking saves time."""
MOST = 8
_BUFFER = 1 << 20
MOST_PORTIONS = 64
"""In how many portions work is cut: who is quicker takes more of them."""


def parse_files(
    files: list[SpecFile],
    advance: Callable[[int], None] = lambda kilobytes: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Parsed]:
    """The parsed ``files``, in their order; ``advance`` gets the number of kilobytes read.

    ``meanwhile`` is done while other processes already parse, if there are any.
    """
    several = workers() if sum(len(file.content) for file in files) >= WORTH_IT else 1
    answers = spread(
        files, lambda portion: _parse_here(portion, advance, several), _answers, several, (meanwhile, _understood)
    )
    return [answer or _parse_here([file], advance, 0)[0] for file, answer in zip(files, answers, strict=True)]


def spread(
    items: list[T],
    here: Callable[[list[T]], list[Any]],
    away: Callable[[list[T]], list[Any]],
    several: int,
    between: tuple[Callable[[], object], Callable[[T, Any], Any]] = (lambda: None, lambda item, answer: answer),
) -> list[Any]:
    """The result for each of ``items``, in their order, from ``several`` processes.

    Each takes the next portion when it has done one: by ``here`` in this process, by ``away`` in forked ones, whose
    results must be JSON. ``between``: what this process does first, and what it makes of a result of another, while
    they work on. None for each item that a child failed to do.
    """
    count = min(len(items), MOST_PORTIONS)
    if several < 2 or count < 2:
        return here(items)
    portions = [items[start::count] for start in range(count)]
    queue = _numbers(count)
    # This process does its share: one child less to start.
    children = [Child.start(partial(_done, queue, portions, away)) for _ in range(several - 1)]
    heard: SimpleQueue[bytes] = SimpleQueue()
    listeners = [Thread(target=child.listen, args=(heard,), daemon=True) for child in children]
    for listener in listeners:
        listener.start()
    results: list[Any] = [None] * len(items)

    def understand(line: bytes) -> None:
        number, done = orjson.loads(line)
        results[number::count] = map(between[1], portions[number], done)

    between[0]()
    for number in _taken(queue):
        results[number::count] = here(portions[number])
        while not heard.empty():
            understand(heard.get())
    os.close(queue)
    for listener in listeners:
        listener.join()
    while not heard.empty():
        understand(heard.get())
    return results


def _numbers(count: int) -> int:
    """A pipe with a byte for each number below ``count``, for whoever reads it first."""
    read, write = os.pipe()
    os.write(write, bytes(range(count)))
    os.close(write)
    return read


def _taken(queue: int) -> Iterator[int]:
    """The numbers that this process gets from a pipe, until it is empty."""
    while byte := os.read(queue, 1):
        yield byte[0]


def _done(queue: int, portions: list[list[T]], work: Callable[[list[T]], list[Any]]) -> Iterator[list[Any]]:
    """What a child hands back: the number of each portion that it took, with its results."""
    for number in _taken(queue):
        yield [number, work(portions[number])]


def workers() -> int:
    """How many processes may share work, including this one; 1 where forking is not possible."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    return min(os.cpu_count() or 1, MOST)


class Child(NamedTuple):
    """A forked process that does some work and hands back its results as lines of JSON."""

    pid: int
    pipe: BinaryIO

    @classmethod
    def start(cls, work: Callable[[], Iterable[object]]) -> Child:
        """Begin ``work`` in a child."""
        read, write = os.pipe()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # else a child waits for its listener, as that does for this process
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _BUFFER)
        pid = os.fork()
        if pid:
            os.close(write)
            return cls(pid, os.fdopen(read, "rb", _BUFFER))
        # The child: whatever happens, it must not run on into the parent's code.
        try:
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                for result in work():
                    pipe.write(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE))
                    pipe.flush()
        finally:
            os._exit(0)

    def results(self) -> Iterator[bytes]:
        """Each result as soon as it is there; what a child that was killed did not finish is left out."""
        with self.pipe as pipe:
            yield from (line for line in pipe if line.endswith(b"\n"))
        os.waitpid(self.pid, 0)

    def listen(self, heard: SimpleQueue[bytes]) -> None:
        """Pass on all results, so that the child never waits."""
        for line in self.results():
            heard.put(line)


def _parse_here(files: list[SpecFile], advance: Callable[[int], None], workers: int) -> list[Parsed]:
    parsed = []
    for file in files:
        parsed.append(parse_file(file))
        if not parsed[-1].diagnostics:
            parsed[-1].row = _packed(_row(parsed[-1]))
        advance(len(file.content) * workers // 1024)
    return parsed


def _row(parsed: Parsed) -> dict[str, Any]:
    """What the cache keeps of a file; it is made here, so that all processes share that work, too."""
    moves = [[old_address, *move] for old_address, move in parsed.moves.items()]
    return {"records": encode(parsed.records), "moves": moves}


def _packed(row: dict[str, Any]) -> orjson.Fragment:
    """A row as text: a tenth of the memory until it is written, and nothing to take apart afterwards."""
    return orjson.Fragment(orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS))


def _answers(files: list[SpecFile]) -> list[list[Any] | None]:
    return [_answer(parse_file(file)) for file in files]


def _answer(parsed: Parsed) -> list[Any] | None:
    """A child's result for a file; None if the file has mistakes: the parent parses it again to report them."""
    if parsed.diagnostics:
        return None
    return [_row(parsed), {address: body.decode() for address, body in parsed.bodies.items()}]


def _understood(file: SpecFile, answer: list[Any] | None) -> Parsed | None:
    """The parsed ``file`` from a child's result, if there is one."""
    if answer is None:
        return None
    row, bodies = answer
    return Parsed(
        decode(file.path, row["records"]),
        {parse_address(address): body.encode() for address, body in bodies.items()},
        {parse_address(old): (parse_address(new), line, column) for old, new, line, column in row["moves"]},
        row=_packed(row),
    )
