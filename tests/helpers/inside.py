"""``offerkit`` as a call within this process: all that the program does, without a process of its own."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

from offerkit.cli.main import run


class Ended(NamedTuple):
    """How a command ended, and what it wrote to both streams."""

    code: int
    out: bytes
    err: bytes


def offerkit(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Ended:
    """Run a command as the program in ``folder`` with nothing but ``environ``; standard input is at its end.

    It has this process's memory: what offerkit remembers from the command before must not matter.
    """
    with ExitStack() as stack:
        out, err = (stack.enter_context(os.fdopen(os.memfd_create(name), "w+b")) for name in ("out", "err"))
        nothing = stack.enter_context(Path(os.devnull).open("rb"))
        with _streams(nothing.fileno(), out.fileno(), err.fileno()), _place(folder, environ), _leaving() as left:
            sys.argv = ["offerkit", *arguments]
            try:
                run()
            except _LeftError:
                code = left[0]
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read(), err.read())


class _LeftError(BaseException):
    """The program has ended the process."""


@contextmanager
def _leaving() -> Iterator[list[int]]:
    """``os._exit`` of this process, not of its forks, raises; the exit code is in the list."""
    before, process, codes, arguments = os._exit, os.getpid(), list[int](), sys.argv

    def leave(code: int) -> NoReturn:
        if os.getpid() != process:
            before(code)
        codes.append(code)
        raise _LeftError

    os._exit = leave
    try:
        yield codes
    finally:
        os._exit = before
        sys.argv = arguments
        gc.enable()


@contextmanager
def _place(folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """The working directory, the environment, and what comes of it."""
    before, there, mask = dict(os.environ), os.open(".", os.O_RDONLY), os.umask(0o022)
    try:
        _environ(environ)
        os.chdir(folder)
        yield
    finally:
        os.umask(mask)
        os.fchdir(there)
        os.close(there)
        _environ(before)


def _environ(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)
    time.tzset()


@contextmanager
def _streams(*numbers: int) -> Iterator[None]:
    """The three standard streams, those of Python and those of the process, are these files."""
    python = sys.stdin, sys.stdout, sys.stderr
    kept = [os.dup(number) for number in range(3)]
    try:
        for number, other in enumerate(numbers):
            os.dup2(other, number)
        sys.stdin = os.fdopen(0, closefd=False, encoding="utf-8", errors="surrogateescape")
        sys.stdout = os.fdopen(1, "w", closefd=False, encoding="utf-8", errors="surrogateescape")
        sys.stderr = os.fdopen(2, "w", closefd=False, encoding="utf-8", errors="backslashreplace", buffering=1)
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = python
        for number, other in enumerate(kept):
            os.dup2(other, number)
            os.close(other)
