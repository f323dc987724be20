"""A PostgreSQL server of our own on a free port of this machine, thrown away at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "p@ss/" + secrets.token_hex(8)


def _programs() -> Path | None:
    found = [Path(path) for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return found[0].parent if found else None


@contextmanager
def postgres_server(prepare: str) -> Iterator[str]:
    """The URL of a server whose database was prepared by these statements."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    folder = Path("/tmp") / f"offerkit-pg-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    user = None
    if os.geteuid() == 0:  # the server refuses to be run by root
        user = "postgres"
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "password").write_text(PASSWORD)
    if user:
        shutil.chown(folder / "password", user)
    data = str(folder / "data")
    made = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "offers",
        "-A",
        "scram-sha-256",
        "--pwfile",
        folder / "password",
        "-E",
        "UTF8",
    ]
    subprocess.run(made, user=user, check=True, capture_output=True, cwd=folder)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), *options],
            user=user,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        quoted = PASSWORD.replace("@", "%40").replace("/", "%2F")
        where = f"postgresql://offers:{quoted}@127.0.0.1:{port}/postgres"
        _prepare(where, server, prepare)
        yield where
    finally:
        server.send_signal(signal.SIGINT)  # "fast": does not wait for whoever is still connected
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder)


def _prepare(where: str, server: subprocess.Popen[bytes], prepare: str) -> None:
    import psycopg

    for _ in range(300):
        assert server.poll() is None, "the server has ended"
        try:
            with psycopg.connect(where, connect_timeout=5) as connection:
                connection.execute(prepare)
                return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
