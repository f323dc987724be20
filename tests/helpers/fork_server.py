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
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

OTHERS = "numpy duckdb sqlglot minijinja networkx difflib defusedxml.ElementTree filelock deepdiff pydantic psycopg ruamel.yaml"
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


def serve(path: str) -> NoReturn:
    """Answer until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{path}.draft")
        listener.listen(16)
        Path(f"{path}.draft").rename(path)  # whoever sees it can connect
        preload()
        gc.freeze()  # no fork walks over what they all share, and so copies it
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                os._exit(0)
            asked, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(asked)
            asked.close()


def _answer(asked: socket.socket) -> NoReturn:
    """Run what is asked for. The asker is told the exit code as the shell counts it; who watches, also which process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, streams, _, _ = socket.recv_fds(asked, 8, 3)
    length, content = int.from_bytes(header, "little"), b""
    while len(content) < length:
        content += asked.recv(length - len(content))
    given, program, watched = marshal.loads(content)
    process = os.fork()
    if process == 0:
        asked.close()
        _become(streams, *given)
        _run(program)
    for stream in streams:
        os.close(stream)  # it ends for its reader when the process does
    if watched:
        handle = os.pidfd_open(process)
        socket.send_fds(asked, [process.to_bytes(4, "little")], [handle])
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    asked.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


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
