"""Requests that nobody has a use for but who wants a server to be busy: for each entrance, as large as it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

ROOM = 62_000
"""Bytes of a body: just under what callers may send."""
LARGE = 31_000_000
"""Bytes of an operator's: just under that limit."""
PROPOSE, UPDATE, PAGE = "/api/v1/propose", "/api/v1/update", "/nl/propose?env=recipients"
SOAP, IMPACT = "/interaction/recipients/web-home", "/api/v1/store/impact"
_BEGIN = {
    PROPOSE: b'{"spaces":["recipients/web-home"]',
    UPDATE: b'{"proposition":"x","status":"accepted"',
    PAGE: b'{"divs":[{"id":"i_web-home"}]',
    IMPACT: b'{"plan":""',
}
_ENVELOPE = (
    b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><Propose xmlns="urn:nms:interaction">'
    b"%s</Propose></e:Body></e:Envelope>"
)


class Hostile(NamedTuple):
    """A request, ready to be sent, and what kind it is of."""

    name: str
    bytes: bytes


def requests(token: str) -> Iterator[Hostile]:
    """All of them; ``token`` is an operator's."""
    for path in (PROPOSE, UPDATE, PAGE):
        for name, made in _JUNK.items():
            body = _BEGIN[path] + b"," + made(ROOM - 100) + b"}"
            yield Hostile(f"{path}: {name}", _post(path, body))
    spaces = ["recipients/web-home", "recipients/web-banner", *(f"recipients/{number}" for number in range(18))]
    yield Hostile("20 spaces, 100 made-up names", _asking(spaces[:2] * 10, f"d{{}}{'a' * 100}", 100, 0))
    yield Hostile("20 spaces that are not there", _asking(spaces[2:], "", 0, 0))
    yield Hostile("20 spaces, 50 made-up categories", _asking(_EVERYWHERE, "", 0, 50))
    yield Hostile("the largest call that is answered", _largest())
    yield Hostile("XML: elements", _post(SOAP, _ENVELOPE % (b"<a/>" * (ROOM // 4)), "application/soap+xml"))
    many = b"".join(b"a%d='' " % number for number in range(ROOM // 10))
    context = b"<context><interaction " + many + b"/></context>"
    yield Hostile("XML: attributes", _post(SOAP, _ENVELOPE % context, "application/soap+xml"))
    yield Hostile("query parameters", _get("/o?" + "&a=1" * (ROOM // 4)))
    yield Hostile("cookies", _post(PAGE, _BEGIN[PAGE] + b"}", "application/json", "Cookie: " + "a=1; " * (ROOM // 5)))
    yield Hostile("headers", _post(PAGE, _BEGIN[PAGE] + b"}", "application/json", "\r\n".join(["a:b"] * (ROOM // 5))))
    yield Hostile("a long path", _get("/interaction/" + "%41" * (ROOM // 3) + "/a"))
    small = b"".join(b"1\r\n%c\r\n" % byte for byte in _BEGIN[PROPOSE] + b" " * ROOM) + b"0\r\n\r\n"
    head = f"POST {PROPOSE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield Hostile("chunks of one byte", head.encode() + small)
    more = f"Authorization: Bearer {token}"
    for name, made in {**_JUNK, **_PLANS}.items():
        large = made(LARGE)
        body = large if name in _PLANS else _BEGIN[IMPACT] + b"," + large + b"}"
        yield Hostile(f"{IMPACT}: {name}", _post(IMPACT, body, "application/json", more))
    yield Hostile(f"{IMPACT}: nobody's", _post(IMPACT, _PLANS["a plan of blanks"](LARGE)))


def _listed(item: bytes, room: int) -> bytes:
    return b"[" + b",".join([item] * (room // (len(item) + 1))) + b"]"


_JUNK: dict[str, Callable[[int], bytes]] = {
    "a list of objects as call data": lambda room: b'"data":{"k":' + _listed(b"{}", room) + b"}",
    "a list of texts as call data": lambda room: b'"data":{"k":' + _listed(b'""', room) + b"}",
    "names that are not known": lambda room: b",".join(b'"a%x":0' % number for number in range(room // 13)),
    "call data that is not declared": (
        lambda room: b'"data":{' + b",".join(b'"a%x":0' % number for number in range(room // 13)) + b"}"
    ),
    "objects as names of spaces": lambda room: b'"themes":' + _listed(b"{}", room),
    "brackets in brackets": lambda room: b'"data":' + b"[" * (room // 2) + b"]" * (room // 2),
    "long numbers": lambda room: b'"data":{"k":' + _listed(b"9" * 4_000, room) + b"}",
    "a number of all bytes": lambda room: b'"n":1.' + b"3" * room,
    "escapes": lambda room: b'"data":{"page":"' + b"\\u00e9" * (room // 6) + b'"}',
}
_PLANS: dict[str, Callable[[int], bytes]] = {
    "a plan of blanks": lambda room: b'{"plan":"' + b" " * room + b'"}',
    "a plan of brackets": lambda room: b'{"plan":"' + b"[" * room + b'"}',
    "a plan of escaped quotes": lambda room: b'{"plan":"[' + b'\\"\\",' * (room // 5) + b'0]"}',
    "a plan of objects": lambda room: b'{"plan":"[' + b"{}," * (room // 3) + b'0]"}',
}
_EVERYWHERE = ["recipients/web-home", "recipients/web-banner", "recipients/mobile-app", "visitors/web-home-anonymous"]


def _asking(spaces: list[str], name: str, data: int, categories: int) -> bytes:
    body = {
        "spaces": spaces, "categories": [f"travel-{number}-{'x' * 90}" for number in range(categories)],
        "themes": [f"theme-{number}-{'x' * 90}" for number in range(categories)],
        "data": {name.format(number): 0 for number in range(data)}, "store": False,
    }  # fmt: skip
    return _post(PROPOSE, json.dumps(body).encode())


def _largest() -> bytes:
    body = {
        "spaces": _EVERYWHERE, "contact": "ana@example.com", "cookie": "c" * 400, "n": 100,
        "outputs": ["html", "text", "xml"],
        "data": {"page": "x" * 2_000, "navigation_language": "fr", "destination": "y" * 2_000}, "store": False,
    }  # fmt: skip
    return _post(PROPOSE, json.dumps(body).encode())


def _post(path: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n"
    return f"{head}{more}{more and chr(13) + chr(10)}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
