"""A PostgreSQL server on a free port of this machine: one for a whole run of tests, thrown away at its end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

SHARED = "OFFERKIT_TEST_POSTGRES"
"""The environment's name for the folder of the run's server, which all workers share."""
TOGETHER = 20
"""How many schemas are made in one database."""
_SCHEMAS = count()


def _programs() -> Path | None:
    found = [Path(path) for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return found[0].parent if found else None


class Server:
    """A server in ``folder``; ``url`` leads to its database ``postgres`` as its superuser, password and all."""

    def __init__(self, folder: Path) -> None:
        """Nothing is started yet."""
        self.folder = folder

    @property
    def password(self) -> str:
        """A password with characters that a URL must escape."""
        return (self.folder / "password").read_text()

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return int((self.folder / "port").read_text())

    def url(self, database: str = "postgres", user: str = "offers", password: str = "") -> str:
        """What libpq connects to."""
        return f"postgresql://{user}:{quote(password or self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def init(self) -> None:
        """Make the cluster. Skips the test where there is no server to be had."""
        programs = _programs()
        if programs is None:
            pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "password").write_text("p@ss/" + secrets.token_hex(8))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            (self.folder / "port").write_text(str(free.getsockname()[1]))
        for path in (self.folder, self.folder / "password"):
            if _user():
                shutil.chown(path, _user())
        subprocess.run(
            [
                programs / "initdb", "-D", self.folder / "data", "-U", "offers", "-A", "md5",
                "--pwfile", self.folder / "password", "-E", "UTF8", "--no-sync", "--locale=C",
            ],
            user=_user(), check=True, capture_output=True, cwd=self.folder,
        )  # fmt: skip

    def start(self, *options: str) -> None:
        """Start it, with settings like ``fsync=off``, and wait until it answers."""
        programs = _programs()
        assert programs is not None
        settings = [
            "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", "max_connections=60", *options,
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", self.folder / "data", "-p", str(self.port)]
                + [part for setting in settings for part in ("-c", setting)],
                user=_user(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        (self.folder / "pid").write_text(str(process.pid))
        self._wait(process)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT does not wait for whoever is connected, SIGQUIT is a crash."""
        with suppress(OSError, ValueError):
            pid = int((self.folder / "pid").read_text())
            os.kill(pid, how)
            for _ in range(600):
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                os.kill(pid, 0)  # raises when it is gone
                time.sleep(0.05)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        import psycopg

        for _ in range(600):
            assert process.poll() is None, (self.folder / "log").read_text()
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")


def _user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None  # the server refuses to be run by root


def shared_server() -> Server:
    """The server of this run of tests, started by whoever needs it first. It does not care for crashes."""
    from filelock import FileLock

    if _programs() is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    server = Server(Path(os.environ[SHARED]))
    with FileLock(f"{server.folder}.lock"):
        if not (server.folder / "pid").exists():
            server.init()
            server.start("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
    return server


def announce_server() -> None:
    """Say where the server of this run will be; called once, before any worker starts."""
    os.environ.setdefault(SHARED, str(Path(tempfile.gettempdir()) / f"offerkit-pg-{secrets.token_hex(6)}"))


def stop_shared_server() -> None:
    """Stop the server of this run, if anybody started it, and remove it."""
    server = Server(Path(os.environ[SHARED]))
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
    Path(f"{server.folder}.lock").unlink(missing_ok=True)


@contextmanager
def postgres_server(prepare: str) -> Iterator[str]:
    """The URL of a database of the run's server, prepared by these statements."""
    import psycopg

    server, name = shared_server(), f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            with psycopg.connect(server.url(name)) as own:
                own.execute(prepare)
            yield server.url(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def new_schema() -> str:
    """The URL of a store that is not there yet, in a schema of its own."""
    return f"{shared_server().url(_database(next(_SCHEMAS) // TOGETHER))}?schema=t_{secrets.token_hex(6)}"


@cache
def _database(number: int) -> str:
    """A new database: the more schemas one holds, the longer each of them takes to open."""
    import psycopg

    name = f"d_{secrets.token_hex(6)}"
    with psycopg.connect(shared_server().url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return name
