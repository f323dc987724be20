"""A store behind an offerkit server: reads use a local copy, changes are requested from the server.

The history with all its bodies is fetched as a whole and kept until it changes. Plan, diff, history and audit work on
it as on any store, and it is verified here (docs/adr/0017-remote-store.md).
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import orjson

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, reason_of, refuse
from offerkit.fingerprint import Json
from offerkit.proxy import pool_for

PROTOCOL = "1"
"""The version of the protocol, which client and server must agree on."""
PROTOCOL_HEADER, OPERATOR_HEADER, SCOPE_HEADER = "Offerkit-Protocol", "Offerkit-Operator", "Offerkit-Scope"
TOKEN, TOKEN_FILE = "OFFERKIT_TOKEN", "OFFERKIT_TOKEN_FILE"
CHANGING = (
    *("/apply", "/decide", "/relay", "/override", "/schedule", "/withdraw"),
    *("/stop", "/resume", "/remove", "/erase", "/clear"),
)
"""Paths that change the store: a request that breaks off may have been carried out."""
LARGEST = 2 * 1024**3
"""Bytes of a copy, at most."""
_LOCAL = ("127.0.0.1", "localhost", "::1")
_KEPT = 24 * 3600
"""Seconds that an old copy is kept after its last use: another run may be reading it."""
_OFFERED = 20
"""Copies that a request offers to the server, at most."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """A copy of the store's history in a file, with the token's operator and scopes as the server reports them.

    ``scopes`` is as :func:`offerkit.governance.rights.scopes_text` writes it; empty from a server without scopes.
    ``withheld``: the refusal of a server that keeps its history from the operator; then nothing is at ``path``.
    """

    path: Path
    operator: str
    scopes: str
    withheld: Refused | None = None


@dataclass(frozen=True)
class RemoteStore:
    """An offerkit server with its store; ``url`` has neither user nor password."""

    url: str
    token: str = field(repr=False)

    def copy(self, folder: Path) -> StoreCopy:
        """The current history, in a file below ``folder``. Raises Refused when it cannot be fetched or stored."""
        try:
            return self._copy(folder)
        except OSError as error:
            raise _unkept(folder, error) from None

    def _copy(self, folder: Path) -> StoreCopy:
        name = sha256(self.url.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        copies = _kept(folder, name)
        status, etag, headers, content = self._newest(copies)
        if status == 304:
            path = copies[etag]
            with contextlib.suppress(FileNotFoundError):  # another run found it damaged and removed it
                if _check(path.read_bytes()) == path.stem.rpartition("-")[2]:
                    os.utime(path)
                    return StoreCopy(path, *_token_facts(headers))
                path.unlink()  # damaged, or cut short by a full disk: fetch it again
            _, etag, headers, content = self._newest({})
        target = folder / f"{name}-{etag}-{_check(content)}.db"
        with tempfile.TemporaryDirectory(dir=folder) as building:
            partial = Path(building) / target.name
            partial.touch(0o600)
            partial.write_bytes(content)
            partial.replace(target)
        _forget(folder.glob(f"{name}-*.db"), but=target)
        return StoreCopy(target, *_token_facts(headers))

    def _newest(self, copies: Mapping[str, Path]) -> tuple[int, str, dict[str, str], bytes]:
        """The server's newest copy, or 304 if ``kept`` has it already: status, ETag, headers and content."""
        etags = ", ".join(f'"{etag}"' for etag in copies)
        status, headers, content = self._ask("GET", "/api/v1/store/copy", None, {"If-None-Match": etags})
        etag = headers.get("etag", "").removeprefix("W/").strip('"')  # a proxy that compresses responses makes it weak
        if re.fullmatch(r"[0-9a-f]{16,64}", etag) is None or (status == 304 and etag not in copies):
            raise strange(self.url)
        return status, etag, headers, content

    def post(self, path: str, body: Json) -> Json:
        """Send a request with a body. Returns the response. Raises Refused with the server's errors."""
        try:
            sent = orjson.dumps(body)
        except orjson.JSONEncodeError:  # bytes of the command line that its encoding cannot read
            raise refuse(
                Code.BAD_VALUE,
                "what you typed has characters that are not UTF-8, so it cannot be sent",
                hint="Type it again, or check the encoding of your terminal and your files.",
            ) from None
        _, _, content = self._ask("POST", path, sent, {"Content-Type": "application/json"})
        try:
            answer: Json = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise strange(self.url) from None
        return answer

    def typed(self, type_: type[_T], path: str, body: Mapping[str, Json]) -> _T:
        """As :meth:`post`, with the response as data of a type."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(type_).validate_python(self.post(path, dict(body)))
        except ValidationError:
            raise strange(self.url) from None

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        import urllib3

        request_headers = {**headers, "Authorization": f"Bearer {self.token}", PROTOCOL_HEADER: PROTOCOL}
        pool = pool_for(self.url, urllib3.Timeout(connect=10, read=300))
        try:
            answer = pool.request(
                method, self.url + path, body=body, headers=request_headers, preload_content=False, redirect=False
            )
            content = answer.read(LARGEST + 1)
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.url, error, changing=path.endswith(CHANGING)) from None
        response_headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status not in (200, 304):
            raise _refused(self.url, answer.status, content)
        if response_headers.get(PROTOCOL_HEADER.lower()) != PROTOCOL or len(content) > LARGEST:
            raise strange(self.url)
        return answer.status, response_headers, content


def _token_facts(headers: Mapping[str, str]) -> tuple[str, str]:
    return headers.get(OPERATOR_HEADER.lower(), ""), headers.get(SCOPE_HEADER.lower(), "")


def remote_of(text: str, environ: Mapping[str, str]) -> RemoteStore:
    """The server that ``text`` names (``https://…``), with the operator's token from the environment.

    Raises Refused for an address that would send the token unencrypted, and for a missing token.
    """
    parts = _address(text)
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise refuse(
            Code.STORE_URL,
            f"http://{parts.hostname} would send your token unencrypted",
            hint="Use https://; http:// is only allowed for this machine.",
        )
    token = environ.get(TOKEN, "").strip()
    if not token and environ.get(TOKEN_FILE):
        try:
            token = Path(environ[TOKEN_FILE]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", "it is not text")
            raise refuse(
                Code.NO_OPERATOR,
                f"the file named by {TOKEN_FILE} cannot be read: {reason}",
                hint="Write the token into it, and nothing else; make it readable only by yourself.",
            ) from None
    if not token or not token.isascii() or not token.isprintable():
        raise refuse(
            Code.NO_OPERATOR,
            "a store behind a server needs an operator's token",
            hint=f"Set {TOKEN} or {TOKEN_FILE}; create a token on the server: “offerkit token create OPERATOR”.",
        )
    return RemoteStore(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", token)


def _address(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        sound = parts.port != 0 and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:  # an invalid port, half an IPv6 address
        sound = False
    if not sound or parts.username or parts.password or parts.query or parts.fragment:
        raise refuse(
            Code.STORE_URL, "the store's address cannot be read", hint="Write https://HOST, at most with a path."
        )
    return parts


def _kept(folder: Path, name: str) -> dict[str, Path]:
    """The last used copies of one server, by their ETag; not all, because headers have a maximum size."""
    used: list[tuple[float, Path]] = []
    for path in folder.glob(f"{name}-*-*.db"):
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            used.append((path.stat().st_mtime, path))
    return {path.stem.split("-")[1]: path for _, path in sorted(used)[-_OFFERED:]}


def _check(content: bytes) -> str:
    """The checksum of a copy, which is part of its name."""
    return blake2b(content, digest_size=16).hexdigest()


def _forget(copies: Iterable[Path], *, but: Path) -> None:
    for path in copies:
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            if path != but and path.stat().st_mtime < time.time() - _KEPT:
                path.unlink()


def _unkept(folder: Path, error: OSError) -> Refused:
    return refuse(
        Code.UNREADABLE,
        f"the copy of the store's history cannot be stored in {folder}: {reason_of(error)}",
        hint="Grant write access to that folder, or free some space.",
    )


def _unreachable(url: str, error: Exception, *, changing: bool) -> Refused:
    from urllib3.exceptions import ProxyError

    reason = type(getattr(error, "reason", None) or error).__name__
    if reason == "SSLError" and "CERTIFICATE_VERIFY" not in str(error):
        reason = "NoTLS"
    words = {
        "NewConnectionError": "nothing answers at that address",
        "ConnectTimeoutError": "it does not answer in time",
        "ReadTimeoutError": "it does not answer in time",
        "NameResolutionError": "no such host",
        "SSLError": "its certificate is not trusted",
        "NoTLS": "the server does not speak HTTPS",
        "SSLCertVerificationError": "its certificate is not trusted",
    }
    cause = words.get(reason, words.get(type(error).__name__, "the connection broke"))
    hint = "Check the address, and that “offerkit serve” is running."
    if isinstance(error, ProxyError):
        cause, hint = (
            "the proxy blocks it",
            "Check HTTPS_PROXY; NO_PROXY lists hosts that need no proxy.",
        )
    if changing and cause in ("it does not answer in time", "the connection broke"):
        hint += " The change may have been made all the same: check with “offerkit history”."
    return refuse(Code.REMOTE, f"{url} cannot be reached: {cause}", hint=hint)


def strange(url: str) -> Refused:
    """The error for a response that no offerkit server of this protocol gives."""
    return refuse(
        Code.REMOTE, f"{url} is not an offerkit server of this protocol", hint="Check the address, and both versions."
    )


def _refused(url: str, status: int, content: bytes) -> Refused:
    """The server's errors, as if they had been raised here."""
    try:
        diagnostics = [diagnostic_of(error) for error in orjson.loads(content)["errors"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        diagnostics = []
    if status == 401:
        diagnostics = [
            Diagnostic(
                Code.NO_OPERATOR,
                f"{url} does not accept your token",
                "It is unknown, expired or revoked, or its operator is disabled.",
                "Create a new token on the server: “offerkit token create OPERATOR”.",
            )
        ]
    if status in _TOLD and (not diagnostics or status == 429):
        diagnostics = [Diagnostic(Code.REMOTE, f"{url} {_TOLD[status][0]}", hint=_TOLD[status][1])]
    return Refused(diagnostics) if diagnostics else strange(url)


_BEHIND = (
    "cannot be reached: a proxy answers, but no offerkit server behind it",
    "Start “offerkit serve” there, or wait until it runs.",
)
_TOLD = {
    413: (
        "does not accept that much at once",
        "Narrow the plan by naming addresses; a proxy in front of the server may accept less than its 32 MB.",
    ),
    429: (
        "blocks your network address for a minute: too many wrong tokens came from it",
        "Look for runs with a revoked or expired token, then wait a minute.",
    ),
    502: _BEHIND,
    503: _BEHIND,
    504: _BEHIND,
}
"""Messages for responses of offerkit, or of a proxy in front of it, that give no reason themselves."""


def error_json(found: Diagnostic) -> dict[str, Json]:
    """A diagnostic as JSON, as a server sends it to its operators."""
    content: dict[str, Json] = {"code": str(found.code), "message": found.summary}
    for name, text in (("detail", found.detail), ("hint", found.hint), ("address", found.address)):
        if text:
            content[name] = text
    if found.position is not None:
        content["position"] = str(found.position)
    return content


def diagnostic_of(given: Json) -> Diagnostic:
    """A diagnostic of the server, as :func:`error_json` writes it.

    Raises ValueError for anything else, and for a code that this version does not know.
    """
    match given:
        case {"code": str(code), "message": str(message), **more}:
            detail, hint, address = (str(more.get(name, "")) for name in ("detail", "hint", "address"))
            return Diagnostic(Code(code), message, detail, hint, address, _position(more.get("position")))
        case _:
            raise ValueError("not a diagnostic")


def _position(text: object) -> Position | None:
    if not isinstance(text, str):
        return None
    file, line, column = text.rsplit(":", 2)
    return Position(file, int(line), int(column))
