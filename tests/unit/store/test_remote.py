"""A store behind a server: what is said of addresses, tokens and answers."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import urllib3

from offerkit.diagnostics import Code, Diagnostic, Position, Refused
from offerkit.proxy import pool_for
from offerkit.store.remote import PROTOCOL, PROTOCOL_HEADER, RemoteStore, remote_of

TOKEN = "ofk_0123456789ab_" + "s" * 43


def refused(url: str, environ: dict[str, str]) -> Diagnostic:
    with pytest.raises(Refused) as found:
        remote_of(url, environ)
    return found.value.diagnostics[0]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://offers.example", Code.STORE_URL),
        ("https://ada:secret@offers.example", Code.STORE_URL),
        ("https://offers.example/?token=secret", Code.STORE_URL),
        ("https://", Code.STORE_URL),
        ("https://[offers", Code.STORE_URL),
        ("https://offers.example:99999", Code.STORE_URL),
        ("https://offers.example:secret", Code.STORE_URL),
        ("https://offers.example:0", Code.STORE_URL),
        ("https://offers example", Code.STORE_URL),
    ],
)
def test_an_address_that_is_none_or_would_give_something_away_is_refused(url: str, code: Code) -> None:
    found = refused(url, {"OFFERKIT_TOKEN": TOKEN})
    assert found.code is code
    assert "secret" not in repr(found)


def test_a_token_is_needed(tmp_path: Path) -> None:
    assert refused("https://offers.example", {}).code is Code.NO_OPERATOR
    missing = refused("https://offers.example", {"OFFERKIT_TOKEN_FILE": str(tmp_path / "nothing")})
    assert "cannot be read" in missing.summary
    (tmp_path / "token").write_text(TOKEN + "\n")
    remote = remote_of("https://offers.example/team/", {"OFFERKIT_TOKEN_FILE": str(tmp_path / "token")})
    assert (remote.url, remote.token) == ("https://offers.example/team", TOKEN)
    assert TOKEN not in repr(remote)
    assert remote_of("https://offers.example", {"OFFERKIT_TOKEN": f" {TOKEN}\n"}).token == TOKEN


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes) -> Iterator[RemoteStore]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as remote:
        yield remote


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[RemoteStore]:
    """A server that answers as ``handler`` does."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))  # its end is noticed at once
    thread.start()
    try:
        yield RemoteStore(f"http://127.0.0.1:{server.server_port}", TOKEN)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


OURS = {PROTOCOL_HEADER: PROTOCOL}


@pytest.mark.parametrize(
    ("status", "headers", "body", "code", "says"),
    [
        (401, OURS, b"{}", Code.NO_OPERATOR, "does not accept your token"),
        (200, {}, b"<html>", Code.REMOTE, "not an offerkit server"),
        (200, {PROTOCOL_HEADER: "99"}, b"", Code.REMOTE, "both versions"),
        (200, {**OURS, "ETag": '"../../etc"'}, b"x", Code.REMOTE, "not an offerkit server"),
        (302, {"Location": "https://evil.example"}, b"", Code.REMOTE, "not an offerkit server"),
        (500, OURS, b"not json", Code.REMOTE, "not an offerkit server"),
        (502, {}, b"<html>Bad Gateway", Code.REMOTE, "no offerkit server behind it"),
        (
            503,
            OURS,
            b'{"errors": [{"code": "OFR606", "message": "the store is away"}]}',
            Code.STORE_MISSING,
            "store is away",
        ),
        (413, {}, b"<html>", Code.REMOTE, "Narrow the plan"),
        (429, OURS, b'{"errors": [{"code": "OFR751", "message": "wait"}]}', Code.REMOTE, "too many wrong tokens"),
        (
            403,
            OURS,
            b'{"errors": [{"code": "OFR701", "message": "ada may not", "hint": "ask"}]}',
            Code.NOT_ALLOWED,
            "ask",
        ),
        (403, OURS, b'{"errors": [{"code": "OFR000", "message": "x"}]}', Code.REMOTE, "not an offerkit server"),
        (403, OURS, b'{"errors": [{"code": "OFR701", "message": {"a": 1}}]}', Code.REMOTE, "not an offerkit server"),
        (403, OURS, b'{"errors": ["OFR701"]}', Code.REMOTE, "not an offerkit server"),
        (
            422,
            OURS,
            b'{"errors": [{"code": "OFR701", "message": "x", "position": "somewhere"}]}',
            Code.REMOTE,
            "not an offerkit server",
        ),
    ],
)
def test_what_a_server_answers(
    tmp_path: Path, status: int, headers: dict[str, str], body: bytes, code: Code, says: str
) -> None:
    with answering(status, headers, body) as remote, pytest.raises(Refused) as found:
        remote.copy(tmp_path)
    (told,) = found.value.diagnostics
    assert told.code is code
    assert says in f"{told.summary} {told.detail} {told.hint}"
    assert TOKEN not in repr(told)
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_keeps_its_place(tmp_path: Path) -> None:
    body = b'{"errors": [{"code": "OFR701", "message": "no", "address": "shop/offer.a", "position": "c:x.yaml:3:7"}]}'
    with answering(422, OURS, body) as remote, pytest.raises(Refused) as found:
        remote.copy(tmp_path)
    (told,) = found.value.diagnostics
    assert (told.address, told.position) == ("shop/offer.a", Position("c:x.yaml", 3, 7))


def test_an_answer_that_cannot_be_read() -> None:
    with answering(200, OURS, b"not json") as remote, pytest.raises(Refused, match="not an offerkit server"):
        remote.post("/api/v1/store/apply", {})


@contextmanager
def breaking() -> Iterator[str]:
    """The address of something that takes connections, and breaks them once it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with contextlib.suppress(OSError):  # the test is over
                while True:
                    with listening.accept()[0] as connection:
                        connection.recv(65536)
                        connection.sendall(b"no TLS, and no HTTP")

        thread = Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_connection_that_breaks_says_whether_something_may_have_been_done(tmp_path: Path) -> None:
    with breaking() as place:
        remote = RemoteStore(f"http://{place}", TOKEN)
        with pytest.raises(Refused, match="the connection broke") as reading:
            remote.copy(tmp_path)
        with pytest.raises(Refused, match="the connection broke") as changing:
            remote.post("/api/v1/store/apply", {})
        with pytest.raises(Refused, match="does not speak HTTPS"):
            RemoteStore(f"https://{place}", TOKEN).copy(tmp_path)
    assert "may have been made all the same" not in reading.value.diagnostics[0].hint
    assert "may have been made all the same" in changing.value.diagnostics[0].hint


def test_what_cannot_be_sent_is_told() -> None:
    """Bytes of the command line that are no text; nothing is asked of the server."""
    with pytest.raises(Refused) as caught:
        RemoteStore("http://127.0.0.1:1", TOKEN).post("/api/v1/explain", {"proposition": "7\udcff"})
    (found,) = caught.value.diagnostics
    assert found.code is Code.BAD_VALUE and "not UTF-8" in found.summary


def test_a_copy_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file where the folder would be")
    with (
        answering(200, {**OURS, "ETag": f'"{"a" * 64}"'}, b"content") as remote,
        pytest.raises(Refused, match="cannot be stored") as found,
    ):
        remote.copy(tmp_path / "remote")
    assert [told.code for told in found.value.diagnostics] == [Code.UNREADABLE]


def test_a_copy_that_another_run_may_be_reading_stays(tmp_path: Path) -> None:
    headers = {**OURS, "ETag": f'"{"a" * 64}"'}
    with answering(200, headers, b"content") as remote:
        first = remote.copy(tmp_path)
        headers["ETag"] = f'"{"b" * 64}"'
        second = remote.copy(tmp_path)
        assert first.path.exists()
        long_ago = time.time() - 2 * 24 * 3600
        os.utime(first.path, (long_ago, long_ago))
        headers["ETag"] = f'"{"c" * 64}"'
        third = remote.copy(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([second.path, third.path])


def test_a_copy_that_is_still_the_newest_counts_as_fresh(tmp_path: Path) -> None:
    headers = {**OURS, "ETag": f'"{"a" * 64}"'}
    with answering(200, headers, b"content") as remote:
        copy = remote.copy(tmp_path)
    os.utime(copy.path, (1, 1))
    with answering(304, headers, b"") as other:
        same = copy.path.rename(tmp_path / copy.path.name.replace(*map(_named, (remote, other))))
        other.copy(tmp_path)
    assert same.stat().st_mtime > 1


def _named(remote: RemoteStore) -> str:
    return sha256(remote.url.encode()).hexdigest()[:16]


@pytest.mark.parametrize("damage", [b"", b"conten", b"CONTENT", None])
def test_a_kept_copy_that_is_damaged_is_fetched_again(tmp_path: Path, damage: bytes | None) -> None:
    """An unchanged store costs one request without content; a copy is only used as the server gave it."""
    asked: list[int] = []
    headers = {**OURS, "ETag": f'W/"{"a" * 64}"'}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = f'"{"a" * 64}"' in self.headers.get("If-None-Match", "")
            asked.append(304 if known else 200)
            self.send_response(asked[-1])
            for name, value in {**headers, "Content-Length": "0" if known else "7"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if known else b"content")

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as remote:
        first = remote.copy(tmp_path)
        assert remote.copy(tmp_path) == first and asked == [200, 304]
        if damage is None:
            first.path.unlink()
        else:
            first.path.write_bytes(damage)
        assert remote.copy(tmp_path).path.read_bytes() == b"content"
        assert asked == ([200, 304, 200] if damage is None else [200, 304, 304, 200])
        assert remote.copy(tmp_path).path == first.path and len(list(tmp_path.iterdir())) == 1


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="nothing answers at that address"):
        RemoteStore("http://127.0.0.1:9", TOKEN).copy(tmp_path)


def test_a_copy_is_kept_while_nothing_changes(tmp_path: Path) -> None:
    with answering(200, {**OURS, "ETag": f'"{"a" * 64}"', "Offerkit-Operator": "ada"}, b"content") as had:
        first = had.copy(tmp_path)
    assert (first.path.read_bytes(), first.operator) == (b"content", "ada")
    with answering(304, {**OURS, "ETag": f'"{"a" * 64}"', "Offerkit-Operator": "omar"}, b"") as again:
        with pytest.raises(Refused, match="not an offerkit server"):
            again.copy(tmp_path)  # nothing was ever had from this address
        (kept,) = tmp_path.iterdir()
        kept.rename(tmp_path / kept.name.replace(_named(had), _named(again)))
        copy = again.copy(tmp_path)
    assert (copy.path.read_bytes(), copy.operator) == (b"content", "omar")


@contextmanager
def proxy(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that gives every CONNECT one answer: its HOST:PORT, and what was asked of it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            with contextlib.suppress(OSError), listening.accept()[0] as connection:
                connection.settimeout(10)
                while b"\r\n\r\n" not in b"".join(asked):
                    asked.append(connection.recv(65536))
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", asked
        listening.close()
        thread.join()


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("before", ["", "http://", "http://anna:s%40cret@"])
def test_a_proxy_is_asked_and_hears_no_token(no_proxies: pytest.MonkeyPatch, variable: str, before: str) -> None:
    with proxy(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (address, asked):
        no_proxies.setenv(variable, before + address)
        with pytest.raises(Refused) as found:
            RemoteStore("https://offers.example", TOKEN).post("/api/v1/store/apply", {})
    said = b"".join(asked)
    assert said.startswith(b"CONNECT offers.example:443 ")
    assert (b"Basic YW5uYTpzQGNyZXQ=" in said) == ("anna" in before)  # anna:s@cret
    assert TOKEN.encode() not in said
    (told,) = found.value.diagnostics
    assert told.summary == "https://offers.example cannot be reached: the proxy blocks it"
    assert "cret" not in repr(told) and "NO_PROXY" in told.hint and "may have been made all the same" not in told.hint


def test_a_proxy_that_is_none_is_refused_without_its_address(no_proxies: pytest.MonkeyPatch) -> None:
    for address in ("http://anna:secret@", "socks5://anna:secret@proxy:1080", "http://anna:secret@proxy:port"):
        no_proxies.setenv("HTTPS_PROXY", address)
        with pytest.raises(Refused) as found:
            pool_for("https://offers.example", urllib3.Timeout(1))
        (told,) = found.value.diagnostics
        assert told.code is Code.REMOTE and "secret" not in repr(told) and "HTTPS_PROXY" in told.summary


@pytest.mark.parametrize(
    ("url", "no"),
    [
        ("https://offers.example", "offers.example"),
        ("https://offers.bank.example:8443/team", ".bank.example,other"),
        ("https://offers.example", "*"),
        ("https://localhost:8140", ""),
        ("http://127.0.0.1:8140", ""),
        ("http://127.1.2.3:8140", ""),
        ("http://[::1]:8140", ""),
    ],
)
def test_no_proxy_is_asked_for_what_is_excepted_or_here(no_proxies: pytest.MonkeyPatch, url: str, no: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        no_proxies.setenv(name, "http://proxy:3128")
    no_proxies.setenv("NO_PROXY", no)
    assert not isinstance(pool_for(url, urllib3.Timeout(1)), urllib3.ProxyManager)
    no_proxies.delenv("NO_PROXY")
    assert isinstance(pool_for("https://offers.example", urllib3.Timeout(1)), urllib3.ProxyManager)
