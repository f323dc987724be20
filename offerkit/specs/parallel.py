"""Processes many files on all cores: forked children do a part of the work and return JSON.

Only for large projects, on systems that can fork, and in a process with one thread; everywhere else, and
whenever anything goes wrong, the caller does all of it itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
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


def parse_files(files: list[SpecFile], advance: Callable[[int], None] = lambda kilobytes: None) -> list[Parsed]:
    """The parsed ``files``, in their order; ``advance`` gets the number of kilobytes read."""
    several = workers() if sum(len(file.content) for file in files) >= WORTH_IT else 1
    answers = spread(files, lambda portion: _parse_here(portion, advance, several), _answers, several)
    return [
        answer if isinstance(answer, Parsed) else _understood(file, answer)
        for file, answer in zip(files, answers, strict=True)
    ]


def spread(
    items: list[T], here: Callable[[list[T]], list[Any]], away: Callable[[list[T]], list[Any]], several: int
) -> list[Any]:
    """The result for each of ``items``, in their order, from ``several`` processes.

    A part is done by ``here`` in this process, the others by ``away`` in forked ones, whose results must be JSON.
    None for each item of a child that failed.
    """
    portions = [items[start::several] for start in range(several)]
    # The first portion is this process's own: one child less to start.
    children = [Child.start(partial(away, portion)) for portion in portions[1:]]
    results: list[Any] = [None] * len(items)
    results[0::several] = here(portions[0])
    for start, child in enumerate(children, 1):
        answer = child.answer()
        if isinstance(answer, list) and len(answer) == len(portions[start]):
            results[start::several] = answer
    return results


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
                pipe.write(orjson.dumps(work(), option=orjson.OPT_NON_STR_KEYS))
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
