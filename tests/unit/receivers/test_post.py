"""Posting an event to receivers that are honest, down, slow or hostile, on real sockets."""

from __future__ import annotations

import hmac
import socket
import threading
import time
from base64 import b64decode, b64encode

import pytest
from helpers.receiver import (
    answers,
    drips,
    floods,
    floods_headers,
    hangs_up,
    receiving,
    says_nothing,
    talks_nonsense,
)

from offerkit.diagnostics import Code, Refused
from offerkit.models.webhook import receiver_error, variable_of
from offerkit.receivers.post import PostResult, _forbidden, post
from offerkit.receivers.signing import secrets_of, signature

KEY = bytes(range(32))
BODY = '{"specversion":"1.0","data":{"label":"ü"}}'.encode()
NOW = 1_796_015_595
SOON = 0.5
"""Seconds that the tests wait for a receiver that does not answer."""


def sent(url: str, seconds: float = 5.0) -> PostResult:
    return post(url, "e1", BODY, [KEY], NOW, seconds=seconds)


def test_the_signature_is_the_one_of_the_standard() -> None:
    """The example of the Standard Webhooks libraries."""
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_arrives_as_it_is_and_signed() -> None:
    with receiving() as receiver:
        assert sent(receiver.url) == PostResult()
    ((headers, body),) = receiver.requests
    assert body == BODY
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("e1", str(NOW))
    digest = hmac.digest(KEY, f"e1.{NOW}.".encode() + BODY, "sha256")
    assert headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
    assert not {"cookie", "authorization"} & headers.keys()


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (answers("200 OK", body=b"thanks"), PostResult()),
        (answers("302 Found", "Location: http://127.0.0.1:1/elsewhere"), "redirects are not followed"),
        (answers("307 Temporary Redirect", "Location: file:///etc/passwd"), "redirects are not followed"),
        (answers("500 Server Error"), "it answered with status 500"),
        (answers("410 Gone"), PostResult("it answered with status 410", gone=True)),
        (answers("429 Slow", "Retry-After: 120"), PostResult("it answered with status 429", wait=120)),
        (answers("503 Down", "Retry-After: " + "9" * 5000), PostResult("it answered with status 503")),
        (answers("503 Down", "Retry-After: -5"), PostResult("it answered with status 503")),
        (floods, PostResult()),
        (floods_headers, "no usable answer"),
        (talks_nonsense, "no usable answer"),
        (hangs_up, "no usable answer"),
    ],
)
def test_what_a_receiver_says(behaviour: object, expected: PostResult | str) -> None:
    """Only the status counts, and nothing that it sends is repeated."""
    begun = time.monotonic()
    with receiving(behaviour) as receiver:  # type: ignore[arg-type]
        result = sent(receiver.url)
    assert time.monotonic() - begun < 5
    if isinstance(expected, PostResult):
        assert result == expected
    else:
        assert expected in result.failure
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("behaviour", [says_nothing, drips])
def test_a_slow_receiver_is_left_at_the_deadline(behaviour: object) -> None:
    """One that never answers, and one that drips bytes so that no single read takes long."""
    begun = time.monotonic()
    with receiving(behaviour) as receiver:  # type: ignore[arg-type]
        result = sent(receiver.url, SOON)
    assert result == PostResult("no answer within 0.5 seconds", unreachable=True)
    assert time.monotonic() - begun < 4
    assert not [one for one in threading.enumerate() if isinstance(one, threading.Timer) and one.is_alive()]


def test_a_receiver_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = sent(f"http://127.0.0.1:{port}/")
    assert result.unreachable and "no usable answer" in result.failure
    nowhere = sent("https://receiver.invalid/x")
    assert nowhere.unreachable and nowhere.failure


def test_a_receiver_without_a_certificate() -> None:
    """Plain HTTP where TLS is expected: nothing is sent."""
    with receiving() as receiver:
        result = sent(receiver.url.replace("http://", "https://"), SOON)
    assert result.unreachable and receiver.requests == []


def test_a_proxy_with_a_bad_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks://user:secret@here:1")
    result = sent("https://receiver.invalid/x")
    assert result.unreachable and "proxy" in result.failure and "secret" not in result.failure


@pytest.mark.parametrize(
    ("address", "plain", "allowed"),
    [
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),
        ("10.0.0.7", False, True),
        ("10.0.0.7", True, False),
        ("93.184.216.34", True, False),
        ("127.0.0.1", True, True),
        ("::1", True, True),
    ],
)
def test_where_a_name_may_lead(address: str, plain: bool, allowed: bool) -> None:
    """Metadata services of clouds are link-local; plain HTTP stays on this machine, whatever a name resolves to."""
    assert (_forbidden(address, plain=plain) == "") is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://hub.example.com/offers?x=1", True),
        ("https://hub.example.com:8443", True),
        ("http://localhost:8080/x", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:9/x", True),
        ("http://hub.example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://127.0.0.1@hub.example.com/", False),
        ("https://user:secret@hub.example.com/", False),
        ("https://hub.example.com/#x", False),
        ("https:///x", False),
        ("https://hub.example.com:99999/", False),
        ("https://hub.example.com:0/", False),
        ("https://hub example.com/", False),
        ("https://hub.example.com/\r\nX: y", False),
        ("https://hüb.example.com/", False),
        ("https://[x/", False),
        ("file:///etc/passwd", False),
        ("ftp://hub.example.com/", False),
        ("hub.example.com", False),
        ("", False),
        ("https://hub.example.com/" + "x" * 2_000, False),
    ],
)
def test_what_can_be_a_receiver(url: str, allowed: bool) -> None:
    assert (receiver_error(url) == "") is allowed


def test_secrets() -> None:
    one, two = (f"whsec_{b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
    name = variable_of("my-hub")
    assert name == "OFFERKIT_WEBHOOK_SECRET_MY_HUB"
    assert secrets_of("my-hub", {name: f" {one}  {two} "}) == (b"\1" * 32, b"\2" * 32)
    assert signature([b"\1" * 32, b"\2" * 32], "e", 1, b"x").count("v1,") == 2
    for bad in (
        "",
        "geheim",
        "whsec_",
        "whsec_!!",
        "whsec_" + b64encode(b"short").decode(),
        one.removeprefix("whsec_"),
    ):
        with pytest.raises(Refused) as refused:
            secrets_of("my-hub", {name: bad} if bad else {})
        (finding,) = refused.value.diagnostics
        assert finding.code is Code.WEBHOOK_SECRET
        assert not bad or bad == "whsec_" or bad not in str(finding), "it is never printed"


def test_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked for a tunnel, and gets nothing of the event."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            client, _ = listening.accept()
            with client:
                asked.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        result = sent("https://hub.example.com/offers")
        thread.join(5)
    assert result.unreachable
    (head,) = asked
    assert head.startswith(b"CONNECT hub.example.com:443 ")
    assert BODY not in head and b"webhook-" not in head
