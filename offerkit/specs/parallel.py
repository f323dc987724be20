"""Processes many files on all cores: forked children do a part of the work and return JSON.

Only for large projects, on systems that can fork, and in a process with one thread; everywhere else, and
whenever anything goes wrong, the caller does all of it itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
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
    answers = spread(files, lambda portion: _parse_here(portion, advance, several), _answers, several, meanwhile)
    return [
        answer if isinstance(answer, Parsed) else _understood(file, answer)
        for file, answer in zip(files, answers, strict=True)
    ]


def spread(
    items: list[T],
    here: Callable[[list[T]], list[Any]],
    away: Callable[[list[T]], list[Any]],
    several: int,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Any]:
    """The result for each of ``items``, in their order, from ``several`` processes.

    Each takes the next portion when it has done one: by ``here`` in this process, which does ``meanwhile`` first,
    by ``away`` in forked ones, whose results must be JSON. None for each item of a child that failed.
    """
    count = min(len(items), MOST_PORTIONS)
    if several < 2 or count < 2:
        return here(items)
    portions = [items[start::count] for start in range(count)]
    queue = _numbers(count)
    # This process does its share: one child less to start.
    children = [Child.start(partial(_done, queue, portions, away)) for _ in range(several - 1)]
    meanwhile()
    results: list[Any] = [None] * len(items)
    for number in _taken(queue):
        results[number::count] = here(portions[number])
    os.close(queue)
    for child in children:
        answer = child.answer()
        for number, done in answer if isinstance(answer, list) else ():
            if len(done) == len(portions[number]):
                results[number::count] = done
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


def _done(queue: int, portions: list[list[T]], work: Callable[[list[T]], list[Any]]) -> list[Any]:
    """What a child hands back: the number of each portion that it took, with its results, as JSON already."""
    return [[number, orjson.Fragment(_json(work(portions[number])))] for number in _taken(queue)]


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def workers() -> int:
    """How many processes may share work, including this one; 1 where forking is not possible."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    return min(os.cpu_count() or 1, MOST)


class Child(NamedTuple):
    """A forked process that does some work and hands back its result as JSON."""

    pid: int
    pipe: BinaryIO

    @classmethod
    def start(cls, work: Callable[[], object]) -> Child:
        """Begin ``work`` in a child."""
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write)
            return cls(pid, os.fdopen(read, "rb"))
        # The child: whatever happens, it must not run on into the parent's code.
        try:
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                pipe.write(_json(work()))
        finally:
            os._exit(0)

    def answer(self) -> object:
        """Wait for the child and return the result of its work; None when it failed."""
        with self.pipe as pipe:
            answer = pipe.read()
        os.waitpid(self.pid, 0)
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            return None


def _parse_here(files: list[SpecFile], advance: Callable[[int], None], workers: int) -> list[Parsed]:
    parsed = []
    for file in files:
        parsed.append(parse_file(file))
        advance(len(file.content) * workers // 1024)
    return parsed


def _answers(files: list[SpecFile]) -> list[list[Any] | None]:
    return [_answer(parse_file(file)) for file in files]


def _answer(parsed: Parsed) -> list[Any] | None:
    """A child's result for a file; None if the file has mistakes: the parent parses it again to report them."""
    if parsed.diagnostics:
        return None
    bodies = {address: body.decode() for address, body in parsed.bodies.items()}
    return [encode(parsed.records), bodies, parsed.moves]


def _understood(file: SpecFile, row: list[Any] | None) -> Parsed:
    """The parsed ``file`` from a child's result; without one, this process parses it."""
    if row is None:
        return parse_file(file)
    records, bodies, moves = row
    return Parsed(
        decode(file.path, records),
        {parse_address(address): body.encode() for address, body in bodies.items()},
        {parse_address(old): (parse_address(new), line, column) for old, (new, line, column) in moves.items()},
    )
