"""Requests that nobody has a use for but who wants a server to be busy: for each entrance, as large as it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

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


Maker: TypeAlias = Callable[[], bytes]


def requests(token: str) -> dict[str, Maker]:
    """All of them by their names, each made when it is needed; ``token`` is an operator's."""
    made: dict[str, Maker] = {}
    for path in (PROPOSE, UPDATE, PAGE):
        made |= {f"{path}: {name}": partial(_junk, path, junk, ROOM - 100, "") for name, junk in _JUNK.items()}
    made |= _ENGINE | _XML | _HTTP
    more = f"Authorization: Bearer {token}\r\n"
    made |= {f"{IMPACT}: {name}": partial(_junk, IMPACT, junk, LARGE, more) for name, junk in _JUNK.items()}
    made |= {f"{IMPACT}: {name}": partial(_plan, plan, more) for name, plan in _PLANS.items()}
    return {**made, f"{IMPACT}: nobody's": partial(_plan, _PLANS["a plan of blanks"], "")}


def _junk(path: str, junk: Callable[[int], bytes], room: int, more: str) -> bytes:
    return _post(path, _BEGIN[path] + b"," + junk(room) + b"}", more=more)


def _plan(plan: Callable[[int], bytes], more: str) -> bytes:
    return _post(IMPACT, plan(LARGE), more=more)


def _asking(spaces: list[str], name: str = "", data: int = 0, categories: int = 0) -> bytes:
    body = {
        "spaces": spaces, "categories": [f"travel-{number}-{'x' * 90}" for number in range(categories)],
        "themes": [f"theme-{number}-{'x' * 90}" for number in range(categories)],
        "data": {"page": "/", **{name.format(number): 0 for number in range(data)}}, "store": False,
    }  # fmt: skip
    return _post(PROPOSE, json.dumps(body).encode())


def _largest() -> bytes:
    body = {
        "spaces": _EVERYWHERE, "contact": "ana@example.com", "cookie": "c" * 400, "n": 100,
        "outputs": ["html", "text", "xml"],
        "data": {"page": "x" * 2_000, "navigation_language": "fr", "destination": "y" * 2_000}, "store": False,
    }  # fmt: skip
    return _post(PROPOSE, json.dumps(body).encode())


def _soap(inner: bytes) -> bytes:
    return _post(SOAP, _ENVELOPE % inner, "application/soap+xml")


def _attributes(form: bytes, count: int, before: bytes = b"") -> bytes:
    many = b"".join(form % number for number in range(count))
    return _soap(b"<context><interaction " + before + many + b"/></context>")


def _chunked() -> bytes:
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in _BEGIN[PROPOSE] + b" " * ROOM)
    head = f"POST {PROPOSE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + pieces + b"0\r\n\r\n"


def _post(path: str, body: bytes, kind: str = "application/json", more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


def _listed(item: bytes, room: int) -> bytes:
    return b"[" + b",".join([item] * (room // (len(item) + 1))) + b"]"


_JUNK: dict[str, Callable[[int], bytes]] = {
    "100 lists of 100 objects as call data": lambda _: (
        b'"data":{' + b",".join(b'"k%d":' % number + _listed(b"{}", 300) for number in range(100)) + b"}"
    ),
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
_EVERYWHERE = ["recipients/web-home", "recipients/web-banner", "visitors/web-home-anonymous"]
_ENGINE: dict[str, Maker] = {
    "100 names that are not declared, for 20 spaces": lambda: _asking(
        [f"{space}{' ' * number}" for number in range(10) for space in _EVERYWHERE[:2]], f"d{{}}{'a' * 100}", 100
    ),
    "20 spaces that are not there": lambda: _asking([f"recipients/web-{number}" for number in range(20)]),
    "50 categories and 50 themes that are not there": lambda: _asking(_EVERYWHERE, categories=50),
    "the largest call that is answered": _largest,
}
_XML: dict[str, Maker] = {
    "XML: elements": lambda: _soap(b"<a/>" * (ROOM // 4)),
    "XML: attributes": lambda: _attributes(b"a%d='' ", ROOM // 10),
    "XML: attributes in a long namespace": lambda: _attributes(
        b"b:a%d='' ", 3_000, b"xmlns:b='" + b"c" * 28_000 + b"' "
    ),
}
_HTTP: dict[str, Maker] = {
    "query parameters": lambda: _get("/o?" + "&a=1" * (ROOM // 4)),
    "a long path": lambda: _get("/interaction/" + "%41" * (ROOM // 3) + "/a"),
    "cookies": lambda: _post(
        PAGE, _BEGIN[PAGE] + b',"data":{"page":"/"}}', more="Cookie: " + "a=1; " * (ROOM // 5) + "\r\n"
    ),
    "headers": lambda: _post(PAGE, _BEGIN[PAGE] + b"}", more="a:b\r\n" * (ROOM // 5)),
    "chunks of one byte": _chunked,
}
