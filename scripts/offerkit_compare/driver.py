"""Runs sessions of commands with the offerkit of the Python that executes it; standard library only.

Each line of standard input is a session as JSON, each line of the answer says what came of it. A command is a fork of
this process, which has offerkit imported: a process of its own with the folder, clock and random numbers that it is
given.
Nothing of offerkit is used but ``offerkit.cli.main.run``, so that any version can be driven.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import hashlib
import importlib
import json
import os
import pkgutil
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import traceback
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NoReturn

STORE = Path(".offerkit") / "store.db"
OTHERS = "numpy duckdb sqlglot minijinja networkx difflib deepdiff defusedxml.ElementTree filelock pydantic ruamel.yaml"
CLOCK: list[int] = []
"""The time that a fork was given, in nanoseconds."""
IDENTITY = re.compile(r'"id": ?"([^"]+)"')
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-06-01T08:00:00Z",
    "GIT_COMMITTER_DATE": "2026-06-01T08:00:00Z",
}


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    real = time.time_ns
    time.time_ns = lambda: CLOCK[0] if CLOCK else real()  # before anything imports it by name
    time.time = lambda: time.time_ns() / 1e9
    elapsed = time.perf_counter
    time.perf_counter = lambda: 0.0 if CLOCK else elapsed()  # cases tell how long they took
    _preload()
    gc.freeze()
    for line in sys.stdin:
        session = json.loads(line)
        answers.write(json.dumps(_run(session)) + "\n")
        answers.flush()


def _preload() -> None:
    """Import all there is of offerkit but its server, and what that imports late."""
    import offerkit

    for found in pkgutil.walk_packages(offerkit.__path__, "offerkit."):
        if not found.name.startswith("offerkit.server") and not found.name.endswith("__main__"):
            with suppress(ImportError):
                importlib.import_module(found.name)
    for name in OTHERS.split():
        with suppress(ImportError):
            importlib.import_module(name)


def _run(session: dict[str, Any]) -> dict[str, Any]:
    """What each step of a session prints and leaves in the store, and all files at the end."""
    root = Path(session["root"])
    project = root / "p"
    project.mkdir(parents=True)
    (root / "home").mkdir()
    environ = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(root / "home"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "USER": "root",
        **GIT,
    }
    results: list[dict[str, Any]] = []
    for number, step in enumerate(session["steps"]):
        result: dict[str, Any] = {}
        if "write" in step:
            _write(project, step["write"])
        elif "git" in step:
            subprocess.run(["git", *step["git"]], cwd=project, env=environ, check=True, stdout=2)
        else:
            arguments = [_filled(word, results) for word in step["run"]]
            result = _command(root, project, environ, arguments, step["now"], f"{session['seed']}:{number}")
            result["store"] = _dump(project)
        results.append(result)
    files = {
        str(path.relative_to(project)): _content(path)
        for path in sorted(project.rglob("*"))
        if path.is_file() and not {".offerkit", ".git"}.intersection(path.relative_to(project).parts)
    }
    shutil.rmtree(root, ignore_errors=True)
    return {"results": results, "files": files}


def _write(project: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        path = project / name
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _filled(word: str, results: list[dict[str, Any]]) -> str:
    """``@proposition`` is the last one that a command told the id of."""
    if word != "@proposition":
        return word
    for result in reversed(results):
        if found := IDENTITY.search(result.get("stdout", "")):
            return found[1]
    return "none"


def _command(
    root: Path, project: Path, environ: dict[str, str], arguments: list[str], now: str, seed: str
) -> dict[str, Any]:
    streams = [root / "stdout", root / "stderr"]
    process = os.fork()
    if process == 0:
        _become(streams, project, environ, arguments, now, seed)
    _, status = os.waitpid(process, 0)
    stdout, stderr = (path.read_bytes().decode("utf-8", "backslashreplace") for path in streams)
    return {"run": arguments, "code": os.waitstatus_to_exitcode(status), "stdout": stdout, "stderr": stderr}


def _become(
    streams: list[Path], project: Path, environ: dict[str, str], arguments: list[str], now: str, seed: str
) -> NoReturn:
    """Be a process that was started with these arguments at that time, and run the program."""
    code = 70
    try:
        for number, path in enumerate([Path(os.devnull), *streams]):
            handle = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", closefd=False, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        sys.argv = ["offerkit", *arguments]
        os.environ.clear()
        os.environ.update(environ)
        time.tzset()
        os.chdir(project)
        _stop_clock(datetime.datetime.fromisoformat(now))
        _fix_chance(seed)
        from offerkit.cli.main import run

        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else bool(ended.code)
    except BaseException:  # whatever it is belongs into the comparison
        traceback.print_exc()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _stop_clock(now: datetime.datetime) -> None:
    """Let ``datetime.now()`` and ``time.time()`` be ``now``: in the class itself, since others hold it already."""

    def fixed(kind: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return now.astimezone(tz) if tz is not None else now.replace(tzinfo=None)

    (attributes,) = gc.get_referents(datetime.datetime.__dict__)
    attributes["now"] = classmethod(fixed)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))
    CLOCK.append(int(now.timestamp() * 1_000_000) * 1000)


def _fix_chance(seed: str) -> None:
    """Let random bytes follow from ``seed`` and from how many were asked for before."""
    given = 0

    def fixed(size: int) -> bytes:
        nonlocal given
        begin, given = given, given + size
        first, last = begin // 32, (begin + size) // 32
        blocks = b"".join(hashlib.sha256(f"{seed}:{place}".encode()).digest() for place in range(first, last + 1))
        return blocks[begin - first * 32 :][:size]

    os.urandom = fixed


def _dump(project: Path) -> str | None:
    """The tables of the store, row by row."""
    if not (project / STORE).exists():
        return None
    with closing(sqlite3.connect(f"file:{project / STORE}?mode=ro", uri=True)) as db:
        return "\n".join(db.iterdump())


def _content(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}"


if __name__ == "__main__":
    main()
