"""A process that has offerkit imported and runs each command that it is asked for in a fork of itself.

Such a command is a process of its own, with its caller's streams, folder and environment; all that is saved is the time
to import. ``fork_client.py`` asks for it. Run as ``python -P fork_server.py SOCKET``; the end of its standard input is
its own.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import pkgutil
import select
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

OTHERS = "numpy duckdb sqlglot minijinja networkx difflib defusedxml.ElementTree filelock pydantic psycopg ruamel.yaml"
"""What offerkit imports where it needs it."""


def preload() -> None:
    """Import all there is of offerkit but its server, and what that imports late."""
    import offerkit

    for found in pkgutil.walk_packages(offerkit.__path__, "offerkit."):
        if not found.name.startswith("offerkit.server") and not found.name.endswith("__main__"):
            with suppress(ImportError):  # it needs what only some have installed
                importlib.import_module(found.name)
    for name in OTHERS.split():
        with suppress(ImportError):
            importlib.import_module(name)


Running = dict[int, tuple[int, socket.socket]]
"""By the handle of a process: its number, and who is told how it ends."""


def serve(path: str) -> NoReturn:
    """Answer until standard input ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{path}.draft")
        listener.listen(16)
        Path(f"{path}.draft").rename(path)  # whoever sees it can connect
        preload()
        gc.freeze()  # no fork walks over what they all share, and so copies it
        running: Running = {}
        while True:
            ready, _, _ = select.select([listener, sys.stdin, *running], [], [])
            if sys.stdin in ready:
                os._exit(0)
            for handle in [handle for handle in running if handle in ready]:
                _tell(handle, *running.pop(handle))
            if listener in ready:
                _begin(listener, running)


def _begin(listener: socket.socket, running: Running) -> None:
    """Run one command in a fork. Who watches it is told at once which process that is."""
    asked, _ = listener.accept()
    header, streams, _, _ = socket.recv_fds(asked, 8, 3)
    length, content = int.from_bytes(header, "little"), b""
    while len(content) < length:
        content += asked.recv(length - len(content))
    given, program, watched = marshal.loads(content)
    process = os.fork()
    if process == 0:
        for handle, (_, other) in running.items():
            os.close(handle)
            other.close()
        listener.close()
        asked.close()
        _become(streams, *given)
        _run(program)
    for stream in streams:
        os.close(stream)  # it ends for its reader when the process does
    handle = os.pidfd_open(process)
    running[handle] = (process, asked)
    if watched:
        socket.send_fds(asked, [process.to_bytes(4, "little")], [handle])


def _tell(handle: int, process: int, asked: socket.socket) -> None:
    """Send the exit code of a process that has ended, as the shell counts it."""
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    with suppress(OSError):  # nobody waits for it any more
        asked.send(bytes([code if code >= 0 else 128 - code]))
    asked.close()
    os.close(handle)


def _run(program: str) -> NoReturn:
    """The command line, or the text of a program."""
    if not program:
        from offerkit.cli.main import run

        run()
        os._exit(70)  # it does not return
    main = type(sys)("__main__")
    sys.modules["__main__"] = main
    code = 0
    try:
        exec(program, vars(main))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else bool(ended.code)
    except BaseException:
        traceback.print_exc()
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


def _become(streams: list[int], arguments: list[str], environ: dict[str, str], folder: str, mask: int) -> None:
    """What the interpreter would have found at its start."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False, errors="surrogateescape")  # noqa: SIM115 - kept to the end
    sys.stdout = open(1, "w", closefd=False, errors="surrogateescape")  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace", buffering=1)  # noqa: SIM115
    sys.argv = ["offerkit", *arguments]
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    os.umask(mask)


if __name__ == "__main__":
    serve(sys.argv[1])
