"""Parsing many files on all cores: forked children parse, and hand back JSON.

Only for large projects, on systems that can fork, and in a process with one thread; everywhere else, and
whenever anything goes wrong, the caller parses the files itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

import orjson

from offerkit.loader.cache import decode, encode
from offerkit.loader.parse import Parsed, parse_file
from offerkit.loader.project import SpecFile

WORTH_IT = 1_000_000
"""From so many bytes on, forking costs less than it saves."""
MOST = 8


def parse_files(files: list[SpecFile], advance: Callable[[int], None] = lambda kilobytes: None) -> list[Parsed]:
    """The parsed ``files``, in their order; ``advance`` is told of each kilobyte that was read."""
    workers = min(os.cpu_count() or 1, MOST)
    small = sum(len(file.content) for file in files) < WORTH_IT
    if small or workers < 2 or not hasattr(os, "fork") or threading.active_count() > 1:
        return _parse_here(files, advance, 1)
    portions = [files[start::workers] for start in range(workers)]
    # The first portion is this process's own: one child less to start.
    children = [_start(portion) for portion in portions[1:]]
    done = {
        file.path: parsed for file, parsed in zip(portions[0], _parse_here(portions[0], advance, workers), strict=True)
    }
    for portion, (pid, pipe) in zip(portions[1:], children, strict=True):
        with pipe:
            answer = pipe.read()
        os.waitpid(pid, 0)
        done |= _understood(portion, answer)
    return [done.get(file.path) or parse_file(file) for file in files]


def _parse_here(files: list[SpecFile], advance: Callable[[int], None], workers: int) -> list[Parsed]:
    parsed = []
    for file in files:
        parsed.append(parse_file(file))
        advance(len(file.content) * workers // 1024)
    return parsed


def _start(files: list[SpecFile]) -> tuple[int, BinaryIO]:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, os.fdopen(read, "rb")
    # The child: whatever happens, it must not run on into the parent's code.
    try:
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            pipe.write(orjson.dumps([_answer(parse_file(file)) for file in files]))
    finally:
        os._exit(0)


def _answer(parsed: Parsed) -> list[Any] | None:
    """What a child says of a file; nothing of one with mistakes, which the parent parses again to tell them."""
    if parsed.found:
        return None
    bodies = {address: body.decode() for address, body in parsed.bodies.items()}
    return [encode(parsed.records), bodies, parsed.moves]


def _understood(files: list[SpecFile], answer: bytes) -> dict[str, Parsed]:
    try:
        rows = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    done: dict[str, Parsed] = {}
    for file, row in zip(files, rows, strict=True):
        if row is not None:
            records, bodies, moves = row
            done[file.path] = Parsed(
                decode(file.path, records),
                {address: body.encode() for address, body in bodies.items()},
                {before: (move[0], move[1], move[2]) for before, move in moves.items()},
            )
    return done
