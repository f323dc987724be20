"""Real connections: slow, cut, endless and lying ones get a proper refusal or none, and hold no place."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from helpers.real_connections import BODY, LONGEST, ORDINARY, POST, Running, everything, nothing_is_held, problem
from helpers.serving import with_people
from helpers.tokens import token
from helpers.workspace import Workspace

from offerkit.server import connections, request_limits, run
from offerkit.server.config import ServerConfig
from offerkit.server.connections import Connection

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return with_people(Workspace(tmp_path_factory.mktemp("live"))).go_live()


@pytest.fixture(scope="module")
def running(live: Workspace) -> Iterator[Running]:
    """One for all tests: what one caller does to it is to harm no other."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(connections, "PATIENCE", 0.4)
        monkeypatch.setattr(request_limits, "PATIENCE", 0.4)
        monkeypatch.setattr(request_limits, "LONG_PATIENCE", 1.5)
        monkeypatch.setattr(connections, "EVERY", 0.05)
        found = Running(live)
        yield found
        found.stop()


def test_one_connection_too_many_is_told_when_to_come_again(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", ORDINARY)
    monkeypatch.setattr(request_limits, "PATIENCE", ORDINARY)
    running = Running(with_people(shop).go_live(), most=2)
    try:
        with running.connect(), running.connect() as second:
            second.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
            answer = everything(second)
        assert problem(answer, 503) == "the service cannot answer now"
        head = answer.partition(b"\r\n\r\n")[0].lower()
        for name in (
            b"retry-after: 1",
            b"connection: close",
            b"x-content-type-options: nosniff",
            b"cache-control: no-store",
        ):
            assert name in head, head
        nothing_is_held(running)
        with running.connect() as alone:
            alone.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
            assert everything(alone).startswith(b"HTTP/1.1 200 ")
    finally:
        running.stop()


def test_only_a_body_that_came_with_its_head_needs_no_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "PATIENCE", 0.0)
    whole = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    for sent in (whole[: -len(BODY)], whole[:-1], whole.replace(BODY, b"")):
        with running.connect() as connection:
            connection.sendall(sent)
            problem(everything(connection), 408)
    with running.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        problem(everything(connection), 408)
    with running.connect() as connection:
        connection.sendall(whole)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(whole[: -len(BODY)])
        problem(everything(connection), 408)


@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/v1/pro",
        POST,
        POST + b"Content-Length: 60\r\n\r\n" + BODY,  # says more than it sends
        POST + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"spa',
        POST + b"Content-Length: 60\r\nExpect: 100-continue\r\n\r\n",
        b"POST /interaction/shop/web HTTP/1.1\r\nHost: here\r\nContent-Length: 60\r\n\r\n<",
        b"POST /nl/propose?env=shop HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ],
)
def test_a_request_that_never_ends_is_given_up(running: Running, head: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(head)
        answer = everything(connection).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert "too long" in problem(answer, 408)
    nothing_is_held(running)


@pytest.mark.parametrize(
    "head", [b"", POST + b"Content-Length: 9000\r\n\r\n", POST, POST + b"Content-Length: 90000\r\n\r\n"]
)
def test_a_dribble_holds_no_place(running: Running, head: bytes) -> None:
    """Headers or a body, a byte at a time; the last one is answered at once, and dribbles on."""
    begin = time.monotonic()
    with running.connect() as connection:
        connection.sendall(head)
        try:
            while time.monotonic() - begin < LONGEST:
                connection.sendall(b"a")
                time.sleep(0.02)
        except ConnectionError:
            pass
    assert time.monotonic() - begin < LONGEST / 2
    nothing_is_held(running)


@pytest.mark.parametrize("said", [b"", b"\r\n"])
def test_who_says_nothing_is_not_waited_for(running: Running, said: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(said)
        assert everything(connection) == b""
    nothing_is_held(running)


def test_a_connection_that_was_used_is_not_kept_for_line_ends(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"alive" in connection.recv(65536)
        connection.sendall(b"\r\n")
        assert everything(connection) == b""


def test_operators_may_take_longer(running: Running, live: Workspace) -> None:
    begin = time.monotonic()
    with running.connect() as connection:
        head = f"POST /api/v1/store/apply HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token(live, 'ada')}\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 60\r\n\r\n{{".encode())
        problem(everything(connection), 408)
    assert time.monotonic() - begin > 1.0


def test_calls_go_on_beside_slow_ones(running: Running) -> None:
    slow = [running.connect() for _ in range(50)]
    for one in slow:
        one.sendall(POST + b"Content-Length: 60\r\n\r\n{")
    with running.connect() as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert everything(connection).startswith(b"HTTP/1.1 200 ")
    for one in slow:
        problem(everything(one), 408)
        one.close()
    nothing_is_held(running)


@pytest.mark.parametrize("name", [b"X: ", b"", b"GET /"])
def test_headers_without_end_are_refused(running: Running, name: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(POST if name != b"GET /" else b"")
        answer = b""
        try:
            connection.sendall(name)
            for number in range(500):
                connection.sendall(b"a" * 1000 if name else b"X-%d: a\r\n" % number + b"Y: " + b"b" * 990 + b"\r\n")
        except ConnectionError:
            pass
        answer = everything(connection)
    assert answer == b"" or "65,536 bytes" in problem(answer, 431)
    nothing_is_held(running)


LIVE = b"GET /health/live HTTP/1.1\r\nHost: here\r\n"
MARKED = b"GET /health/ready HTTP/1.1\r\nHost: here\r\n\r\n"
"""A request behind another one, that must not be answered."""


@pytest.mark.parametrize("begin", [LIVE, POST + b"Content-Length: 2\r\n", LIVE.replace(b"1.1", b"1.0")])
@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"a" * 65_536 + b"\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"a" * 8_000) for number in range(9)),
        b"a:b\r\n" * 101,
        b"a:b\r\n" * 12_000,
    ],
)
def test_headers_over_the_limit_are_refused_when_they_come_at_once(
    running: Running, begin: bytes, headers: bytes
) -> None:
    with running.connect() as connection:
        connection.sendall(begin + headers + b"\r\n" + (b"{}" if b"Length" in begin else b"") + MARKED)
        answer = everything(connection)
    assert answer == b"" or "65,536 bytes" in problem(answer, 431)  # empty: what was not read any more reset it
    nothing_is_held(running)


def test_headers_just_within_the_limit_are_taken(running: Running) -> None:
    room = connections.HEAD - len(LIVE) - 200
    few = b"X: " + b"a" * room + b"\r\n"
    for headers in (few, b"a:b\r\n" * (request_limits.HEADERS - 2)):
        with running.connect() as connection:
            connection.sendall(LIVE + headers + b"Connection: close\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nHost: here\r\nHost: here\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: here\r\nX: y\r\nhost: evil.example\r\n\r\n",
        b"GET /health/live HTTP/1.0\r\nHost: here\r\nHost: evil.example\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: here, evil.example\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: me@here/x\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost:\r\n\r\n",
        b"POST /api/v1/propose HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /api/v1/propose HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /api/v1/propose HTTP/1.1\r\nHost: a\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_a_request_names_one_host_and_nothing_behind_it_is_read(running: Running, head: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(head + MARKED * 3)
        assert "one Host header" in problem(everything(connection), 400)
    nothing_is_held(running)


def test_requests_before_a_refused_one_are_answered_first(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(MARKED * 2 + b"GET /health/live HTTP/1.1\r\n\r\n" + MARKED)
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 200 ") == 2 and answer.count(b"HTTP/1.1 ") == 3
    assert "one Host header" in problem(answer[answer.index(b"HTTP/1.1 400 ") :], 400)
    with running.connect() as connection:
        connection.sendall(MARKED * 2 + b"nonsense\r\n\r\n" + MARKED)
        answer = everything(connection)
    assert answer.count(b"ready") <= 2, "nothing behind it is answered"
    assert "not an HTTP request" in problem(answer[answer.rindex(b"HTTP/1.1 400 ") :], 400)
    nothing_is_held(running)


def test_an_older_request_needs_no_host(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.0\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("target", [b"/" + b"a" * 9_000, b"/o?r=" + b"a" * 9_000, b"/" + b"%41" * 20_000])
def test_a_path_is_not_as_long_as_somebody_likes(running: Running, target: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: here\r\n\r\n" + MARKED)
        answer = everything(connection)
    assert answer == b"" or "8,192 bytes" in problem(answer, 414)
    nothing_is_held(running)


@pytest.mark.parametrize(
    "head",
    [
        POST + b"Content-Length: 51\r\nContent-Length: 51\r\n\r\n" + BODY,
        POST + b"Content-Length: 51, 51\r\n\r\n" + BODY,
        POST + b"Content-Length: +51\r\n\r\n" + BODY,
        POST + b"Content-Length: 51\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 51\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n" + BODY,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length\r\n: 51\r\n\r\n" + BODY,
        b"POST /api/v1/propose HTTP/1.1\r\n Host: here\r\n\r\n",
        LIVE + b"X: a\r\n\tb\r\n\r\n",
        LIVE + b"X: a\r\n b\r\n\r\n",
        LIVE + b"X: a\x00b\r\n\r\n",
        LIVE.replace(b"\r\n", b"\n") + b"\n",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(running: Running, head: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(head + MARKED)
        problem(everything(connection), 400)
    nothing_is_held(running)


def test_what_stands_behind_a_body_is_no_header(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(
            POST
            + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
            + b"Authorization: Bearer x\r\nX-Request-Id: trailer\r\nHost: evil.example\r\n\r\n"
        )
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 200 ") and b"trailer" not in answer  # a wrong token would be refused
    nothing_is_held(running)


def test_a_body_in_pieces_is_judged_by_all_its_bytes(running: Running) -> None:
    for pieces, statuses in ((200, (b"200",)), (request_limits.SMALL + 1, (b"413", b"408"))):
        body = BODY + b" " * (pieces - len(BODY))
        with running.connect() as connection:
            head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
            answer = everything(connection)
        assert answer[9:12] in statuses or (answer == b"" and b"413" in statuses), answer[:200]
    nothing_is_held(running)


def test_a_large_body_that_nobody_reads_does_not_hide_the_answer(running: Running) -> None:
    size = 1_000_000
    with running.connect() as connection:
        connection.sendall(POST.replace(b"/propose", b"/store/impact") + b"Content-Length: %d\r\n\r\n" % size)
        connection.sendall(b" " * size)
        connection.sendall(LIVE + b"Connection: close\r\n\r\n")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 401 ") and answer.count(b"HTTP/1.1 200 ") == 1
    nothing_is_held(running)


def test_a_body_without_end_is_not_read_for_ever(running: Running) -> None:
    sent = 0
    with running.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 64 * 1024 * 1024:
                connection.sendall(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
                sent += 0x1000
        except ConnectionError:
            pass
    assert sent < 16 * 1024 * 1024
    nothing_is_held(running)


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + BODY,
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n" + BODY,
        POST + b"Content-Length: 5x\r\n\r\n" + BODY,
        POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        POST + b"X: a\r\n b\rc\r\n\r\n",
        POST + b"X y: a\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_document(running: Running, request_: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(request_)
        assert "not an HTTP request" in problem(everything(connection), 400)
    nothing_is_held(running)


def test_a_length_that_says_too_little_ends_the_body_there(running: Running) -> None:
    """What is behind it is read as another request, and is none."""
    with running.connect() as connection:
        connection.sendall(POST + b"Content-Length: 10\r\n\r\n" + BODY)
        answer = everything(connection)
    assert b"HTTP/1.1 200" not in answer and answer.startswith(b"HTTP/1.1 4")
    nothing_is_held(running)


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@pytest.mark.parametrize("upgrade", [UPGRADE, WEBSOCKET])
@pytest.mark.parametrize("wait", [0, 0.1])
def test_an_upgrade_is_a_request_like_others(running: Running, upgrade: bytes, wait: float) -> None:
    """Its body is a body, however it comes: taken for a request, it would be one that no proxy saw."""
    body = MARKED + BODY
    sized = b"Content-Length: %d\r\n\r\n" % len(body), body
    chunked = b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    for head, written in (sized, chunked):
        with running.connect() as connection:
            connection.sendall(POST + upgrade + head)
            time.sleep(wait)
            connection.sendall(written)
            answer = connection.recv(65536)
            connection.sendall(POST + b"Content-Length: %d\r\n" % len(BODY) + upgrade + b"\r\n" + BODY)
            connection.sendall(LIVE + b"Connection: close\r\n\r\n")
            answer += everything(connection)
        assert b'"status":"ready"' not in answer
        assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"422", b"200", b"200"]
    nothing_is_held(running)


@pytest.mark.parametrize("upgrade", [UPGRADE, WEBSOCKET])
@pytest.mark.parametrize("split", [True, False])
def test_an_upgrade_that_is_seen_too_late_is_refused_and_nothing_behind_it_read(
    running: Running, upgrade: bytes, split: bool
) -> None:
    """In several parts, or behind another request that is not answered yet."""
    body = MARKED + BODY
    with running.connect() as connection:
        connection.sendall((POST + upgrade)[:-4] if split else LIVE + b"\r\n" + (POST + upgrade)[:-4])
        time.sleep(0.1 if split else 0)
        connection.sendall((POST + upgrade)[-4:] + b"Content-Length: %d\r\n\r\n" % len(body) + body + MARKED)
        answer = everything(connection)
    assert b'"status":"ready"' not in answer
    assert "without Upgrade" in problem(answer[answer.rindex(b"HTTP/1.1 ") :], 400)
    nothing_is_held(running)


def test_blanks_around_a_value_count_as_headers(running: Running) -> None:
    padded = b"X:" + b" " * 65_536 + b"a\r\n"
    for head in (LIVE, LIVE + UPGRADE):
        with running.connect() as connection:
            connection.sendall(head + padded + b"\r\n" + MARKED)
            answer = everything(connection)
        assert answer == b"" or "65,536 bytes" in problem(answer, 431)
    nothing_is_held(running)


def test_what_came_before_a_request_counts_for_none(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(POST + b"Content-Length: 65000\r\n\r\n" + b" " * 65_000 + LIVE[:20])
        time.sleep(0.1)
        connection.sendall(LIVE[20:] + b"X: " + b"a" * 60_000)
        time.sleep(0.1)
        connection.sendall(b"\r\nConnection: close\r\n\r\n")
        answer = everything(connection)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"422", b"200"]
    nothing_is_held(running)


def test_several_requests_at_once_are_answered_in_turn(running: Running) -> None:
    one = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    with running.connect() as connection:
        connection.sendall(one * 20 + b"GET /health/live HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert everything(connection).count(b"HTTP/1.1 200 OK") == 21
    nothing_is_held(running)


def test_who_never_reads_is_not_waited_for(running: Running) -> None:
    with running.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2)
        try:
            for _ in range(3_000):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n")
        except (TimeoutError, ConnectionError):
            pass
        nothing_is_held(running)


def test_the_command_serves_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: given.update(options))
    for name in ("signal.signal",):
        monkeypatch.setattr(f"offerkit.server.run.{name}", lambda *_: None)
    monkeypatch.setattr(run, "set_up_logs", lambda _: None)
    monkeypatch.setenv("OFFERKIT_SERVE", "")
    monkeypatch.setenv("OFFERKIT_STORE", "")
    run.serve(ServerConfig(str(tmp_path)), "")
    assert (given["http"], given["ws"], given["server_header"]) == (Connection, "none", False)
    assert given["limit_concurrency"] and given["timeout_keep_alive"] < ORDINARY
