"""The solver: z3 in a process of its own, which reads SMT-LIB 2 and answers on a pipe.

Nothing of z3 is imported. Killing the process, its absence, its memory limit and its silence all end in
:class:`SolverError`, whose message is the reason for "not decided". Each question starts from nothing and has z3's own
resource limit, so that its answer does not depend on what was asked before, or on the speed of the machine.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType
from typing import IO, TypeAlias

from offerkit.diagnostics import and_list

PACKAGE = "z3-solver"
OLDEST = (4, 13)
"""The oldest version that is used."""
"""For reports, which are read on other machines, too."""
_RESTARTS = 3
_LARGEST = 2_000_000
"""The most characters of a question."""
_END = b"offerkit-end"
_ERROR = re.compile(r"^\(error ", re.MULTILINE)
"""An error is a line of its own; elsewhere these are characters of a text in a model."""
_VERSION = re.compile(r'\(:version "(\d+)\.(\d+)')

Plain: TypeAlias = bool | int | str
"""A value in a model."""
_TOKEN = re.compile(r'\(|\)|"(?:[^"]|"")*"|[^\s()"]+')
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})")


class SolverError(Exception):
    """The solver gave no answer; the message says why, as the end of "not decided: …"."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``resources``: z3's units for each check; an idle machine does about a million in a second. ``megabytes``: the
    solver's memory. The seconds are a guard behind it: for one check, and for all of them together.
    """

    resources: int = 300_000
    question_seconds: float = 10.0
    total_seconds: float = 30.0
    megabytes: int = 1024


def solver_path() -> Path | None:
    """The executable that the package z3-solver installs; None if it is missing."""
    with suppress(PackageNotFoundError):
        for file in distribution(PACKAGE).files or ():
            if file.stem == "z3" and file.parent.name in ("bin", "Scripts"):
                path = Path(str(file.locate())).resolve()
                if path.is_file() and os.access(path, os.X_OK):
                    return path
        found = shutil.which("z3")
        return Path(found) if found else None
    return None


class Solver:
    """A running solver; a context manager. It starts at the first question and is started again when it dies."""

    def __init__(self, limits: Limits | None = None, path: Path | None = None) -> None:
        """``path``: the executable; by default the one of the package z3-solver."""
        self.limits = limits or Limits()
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._spent = 0.0
        self._broken = ""

    def __enter__(self) -> Solver:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait()

    def begin(self, script: str, *, otherwise: bool = False) -> None:
        """Forget everything and read a script. Raises SolverError.

        ``otherwise``: search in another order, which often finds at once what the first order does not.
        """
        if len(script) > _LARGEST:
            raise SolverError(f"the conditions have more than {_LARGEST:,} characters for the solver")
        order = "(set-option :smt.phase_selection 0)\n(set-option :smt.random_seed 4)\n" if otherwise else ""
        self.tell(f"(reset)\n{order}(set-option :rlimit {self.limits.resources})\n{script}")

    def tell(self, commands: str) -> str:
        """The solver's output for ``commands``. Raises SolverError, also if it does not understand them."""
        if self._broken:
            raise SolverError(self._broken)
        left = self.limits.total_seconds - self._spent
        if left <= 0:
            raise SolverError(f"proofs took longer than {self.limits.total_seconds:g} s altogether")
        begin = time.monotonic()
        try:
            output = self._exchange(self._running(), commands, begin + min(left, self.limits.question_seconds))
        except OSError:
            output = None
        finally:
            self._spent += time.monotonic() - begin
        if output is None:
            status = self._process.poll() if self._process is not None else None
            self.close()
            raise SolverError(self._why_gone(status))
        if _ERROR.search(output):
            if "out of memory" in output or "max. memory" in output:
                self.close()
                raise SolverError(f"the solver needs more than {self.limits.megabytes:,} MB")
            raise SolverError(f"the solver does not understand the question: {output[:200].strip()}")
        return output

    def _why_gone(self, status: int | None) -> str:
        if status is None:
            return f"the solver did not answer within {self.limits.question_seconds:g} s"
        return f"the solver stopped (status {status})"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        assert self._process is not None
        return self._process

    def _start(self) -> None:
        path = self._path or solver_path()
        if path is None:
            self._broken = f"the package {PACKAGE} is not installed"
            raise SolverError(self._broken)
        if self._starts > _RESTARTS:
            self._broken = f"the solver stopped {self._starts} times"
            raise SolverError(self._broken)
        self._starts += 1
        command = [str(path), "-in", "-smt2", f"-memory:{self.limits.megabytes}"]
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._broken = f"the solver cannot be started: {error.strerror}"
            raise SolverError(self._broken) from None
        deadline = time.monotonic() + self.limits.question_seconds
        output = self._exchange(self._process, "(get-info :version)", deadline)
        if output is None:
            status = self._process.poll()
            self.close()
            raise SolverError(self._why_gone(status))
        version = _VERSION.search(output)
        if version is None or (int(version[1]), int(version[2])) < OLDEST:
            self.close()
            what = f"version {version[1]}.{version[2]}" if version else "something else"
            wanted = ".".join(map(str, OLDEST))
            self._broken = f"the solver is {what}; {and_list([f'{PACKAGE} {wanted} or newer'])} is needed"
            raise SolverError(self._broken)

    def _exchange(self, process: subprocess.Popen[bytes], commands: str, deadline: float) -> str | None:
        """Write and read until the end mark; None if the process ends or the time does."""
        assert process.stdin is not None and process.stdout is not None
        rest = f'{commands}\n(echo "{_END.decode()}")\n'.encode()
        output = bytearray()
        for pipe in (process.stdin, process.stdout):
            os.set_blocking(pipe.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while True:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    return None
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        rest = rest[_write(process.stdin, rest) :]
                        if not rest:
                            selector.unregister(process.stdin)
                        continue
                    chunk = os.read(process.stdout.fileno(), 65536)
                    if not chunk:
                        process.wait()
                        return None
                    output += chunk
                    lines = output[-2 * len(_END) :].splitlines()
                    if lines and lines[-1] == _END and output.endswith(b"\n"):  # in a model it would be in quotes
                        return output[: output.rindex(_END)].decode("utf-8", "replace")


def _write(pipe: IO[bytes], data: bytes) -> int:
    try:
        return os.write(pipe.fileno(), data[:65536])
    except BlockingIOError:
        return 0


def values_in(output: str) -> list[Plain]:
    """The values that ``(get-value (…))`` printed, in the order of the terms. Raises ValueError if it is nothing such.

    The terms must be names, and the values Booleans, integers or strings.
    """
    tokens = _TOKEN.findall(output)
    values: list[Plain] = []
    at = tokens.index("(") + 1  # (( name value ) ( name value ) …)
    while at < len(tokens) and tokens[at] == "(":
        at += 2
        if tokens[at] == "(":  # (- 5)
            values.append(-int(tokens[at + 2]))
            at += 5
        else:
            values.append(_value(tokens[at]))
            at += 2
    return values


def _value(written: str) -> Plain:
    if written in ("true", "false"):
        return written == "true"
    if written.startswith('"'):
        return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), written[1:-1].replace('""', '"'))
    return int(written)
