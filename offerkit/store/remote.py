"""A store behind an offerkit server: what operators may read of it is copied here, what changes it is asked for.

The history with all its bodies is fetched as a whole and kept as long as nothing changed. Plan, diff, history and audit
work on it as on any store, and are checked here (docs/adr/0017-remote-store.md).
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
from urllib.parse import SplitResult, urlsplit

import orjson

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, reason_of, refuse
from offerkit.fingerprint import Json
from offerkit.proxy import pool_for

PROTOCOL = "1"
"""What client and server have to agree on."""
PROTOCOL_HEADER, OPERATOR_HEADER, SCOPE_HEADER = "Offerkit-Protocol", "Offerkit-Operator", "Offerkit-Scope"
TOKEN, TOKEN_FILE = "OFFERKIT_TOKEN", "OFFERKIT_TOKEN_FILE"
CHANGING = ("/apply", "/decide", "/relay")
"""The paths that change the store: a call that breaks off may have been carried out."""
LARGEST = 2 * 1024**3
"""Bytes of a copy that are taken at most."""
_LOCAL = ("127.0.0.1", "localhost", "::1")
_KEPT = 24 * 3600
"""Seconds that a copy stays after it was last the newest: another run may be reading it."""
_OFFERED = 20
"""Copies that are named to the server at most."""


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """A copy of the store's history in a file, and what the server says of the token: whose it is, and its scopes.

    ``scopes`` is as :func:`offerkit.governance.rights.scopes_text` writes it; empty from a server that knows none.
    """

    path: Path
    operator: str
    scopes: str


@dataclass(frozen=True)
class RemoteStore:
    """An offerkit server that holds a store; ``url`` has neither user nor password."""

    url: str
    token: str = field(repr=False)

    def copy(self, folder: Path) -> StoreCopy:
        """The history as it is now, in a file below ``folder``. Raises Refused when it cannot be had."""
        try:
            return self._copy(folder)
        except OSError as error:
            raise _unkept(folder, error) from None

    def _copy(self, folder: Path) -> StoreCopy:
        name = sha256(self.url.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        kept = _kept(folder, name)
        status, etag, headers, content = self._newest(kept)
        if status == 304:
            path = kept[etag]
            with contextlib.suppress(FileNotFoundError):  # another run found it damaged
                if _check(path.read_bytes()) == path.stem.rpartition("-")[2]:
                    os.utime(path)
                    return StoreCopy(path, *_token_facts(headers))
                path.unlink()  # damaged, or cut short by a full disk: what the server has counts
            _, etag, headers, content = self._newest({})
        target = folder / f"{name}-{etag}-{_check(content)}.db"
        with tempfile.TemporaryDirectory(dir=folder) as building:
            partial = Path(building) / target.name
            partial.touch(0o600)
            partial.write_bytes(content)
            partial.replace(target)
        _forget(folder.glob(f"{name}-*.db"), but=target)
        return StoreCopy(target, *_token_facts(headers))

    def _newest(self, kept: Mapping[str, Path]) -> tuple[int, str, dict[str, str], bytes]:
        """What the server says of its newest copy, and that copy unless ``kept`` has it (304): one request."""
        known = ", ".join(f'"{etag}"' for etag in kept)
        status, headers, content = self._ask("GET", "/api/v1/store/copy", None, {"If-None-Match": known})
        etag = headers.get("etag", "").removeprefix("W/").strip('"')  # a proxy that packs answers makes it weak
        if re.fullmatch(r"[0-9a-f]{16,64}", etag) is None or (status == 304 and etag not in kept):
            raise strange(self.url)
        return status, etag, headers, content

    def post(self, path: str, body: Json) -> Json:
        """Ask the server to do something; what it says was done. Raises Refused with all that it refuses."""
        _, _, content = self._ask("POST", path, orjson.dumps(body), {"Content-Type": "application/json"})
        try:
            made: Json = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise strange(self.url) from None
        return made

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        import urllib3

        said = {**headers, "Authorization": f"Bearer {self.token}", PROTOCOL_HEADER: PROTOCOL}
        pool = pool_for(self.url, urllib3.Timeout(connect=10, read=300))
        try:
            answer = pool.request(
                method, self.url + path, body=body, headers=said, preload_content=False, redirect=False
            )
            content = answer.read(LARGEST + 1)
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.url, error, changing=path.endswith(CHANGING)) from None
        found = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status not in (200, 304):
            raise _refused(self.url, answer.status, content)
        if found.get(PROTOCOL_HEADER.lower()) != PROTOCOL or len(content) > LARGEST:
            raise strange(self.url)
        return answer.status, found, content


def _token_facts(headers: Mapping[str, str]) -> tuple[str, str]:
    return headers.get(OPERATOR_HEADER.lower(), ""), headers.get(SCOPE_HEADER.lower(), "")


def remote_of(text: str, environ: Mapping[str, str]) -> RemoteStore:
    """The server that ``text`` names (``https://…``), with the operator's token from the environment.

    Raises Refused for an address that would send the token unprotected, and when there is no token.
    """
    parts = _address(text)
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise refuse(
            Code.STORE_URL,
            f"http://{parts.hostname} would send your token unprotected",
            hint="Use https://; http:// is for this machine only.",
        )
    token = environ.get(TOKEN, "").strip()
    if not token and environ.get(TOKEN_FILE):
        try:
            token = Path(environ[TOKEN_FILE]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", "it is no text")
            raise refuse(
                Code.NO_OPERATOR,
                f"the file that {TOKEN_FILE} names cannot be read: {reason}",
                hint="Write the token into it, and nothing else; let only yourself read it.",
            ) from None
    if not token or not token.isascii() or not token.isprintable():
        raise refuse(
            Code.NO_OPERATOR,
            "a store behind a server needs an operator's token",
            hint=f"Set {TOKEN} or {TOKEN_FILE}; “offerkit token create OPERATOR” on the server's side makes one.",
        )
    return RemoteStore(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", token)


def _address(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        sound = parts.port != 0 and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:  # a port that is none, half an IPv6 address
        sound = False
    if not sound or parts.username or parts.password or parts.query or parts.fragment:
        raise refuse(
            Code.STORE_URL, "the store's address cannot be read", hint="Write https://HOST, with nothing but a path."
        )
    return parts


def _kept(folder: Path, name: str) -> dict[str, Path]:
    """The copies of one server by the revision that each is of, the last used ones: headers have their limits."""
    used: list[tuple[float, Path]] = []
    for path in folder.glob(f"{name}-*-*.db"):
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            used.append((path.stat().st_mtime, path))
    return {path.stem.split("-")[1]: path for _, path in sorted(used)[-_OFFERED:]}


def _check(content: bytes) -> str:
    """What a copy's name says of its bytes."""
    return blake2b(content, digest_size=16).hexdigest()


def _forget(copies: Iterable[Path], *, but: Path) -> None:
    for path in copies:
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            if path != but and path.stat().st_mtime < time.time() - _KEPT:
                path.unlink()


def _unkept(folder: Path, error: OSError) -> Refused:
    return refuse(
        Code.UNREADABLE,
        f"the copy of the store's history cannot be kept in {folder}: {reason_of(error)}",
        hint="Grant write access to that folder, or free some space.",
    )


def _unreachable(url: str, error: Exception, *, changing: bool) -> Refused:
    from urllib3.exceptions import ProxyError

    reason = type(getattr(error, "reason", None) or error).__name__
    if reason == "SSLError" and "CERTIFICATE_VERIFY" not in str(error):
        reason = "NoTLS"
    words = {
        "NewConnectionError": "nothing answers there",
        "ConnectTimeoutError": "it does not answer in time",
        "ReadTimeoutError": "it does not answer in time",
        "NameResolutionError": "there is no such host",
        "SSLError": "its certificate is not trusted",
        "NoTLS": "what answers there does not speak https",
        "SSLCertVerificationError": "its certificate is not trusted",
    }
    why = words.get(reason, words.get(type(error).__name__, "the connection broke"))
    hint = "Check the address, and that “offerkit serve” runs."
    if isinstance(error, ProxyError):
        why, hint = (
            "the proxy does not let it through",
            "Check HTTPS_PROXY; NO_PROXY names what needs none.",
        )
    if changing and why in ("it does not answer in time", "the connection broke"):
        hint += " What was asked may have been done all the same: “offerkit history” tells."
    return refuse(Code.REMOTE, f"{url} cannot be reached: {why}", hint=hint)


def strange(url: str) -> Refused:
    """What is said of an answer that no offerkit server of this protocol gives."""
    return refuse(
        Code.REMOTE, f"{url} is no offerkit server of this protocol", hint="Check the address, and both versions."
    )


def _refused(url: str, status: int, content: bytes) -> Refused:
    """What the server refuses, as if it had been refused here."""
    try:
        found = [diagnostic_of(one) for one in orjson.loads(content)["errors"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        found = []
    if status == 401:
        found = [
            Diagnostic(
                Code.NO_OPERATOR,
                f"{url} does not take your token",
                "It is unknown, expired or revoked, or its operator is disabled.",
                "“offerkit token create OPERATOR” on the server's side makes a new one.",
            )
        ]
    if status in _TOLD and (not found or status == 429):
        found = [Diagnostic(Code.REMOTE, f"{url} {_TOLD[status][0]}", hint=_TOLD[status][1])]
    return Refused(found) if found else strange(url)


_BEHIND = (
    "cannot be reached: a proxy answers, and no offerkit behind it",
    "Start “offerkit serve” there, or wait for it.",
)
_TOLD = {
    413: (
        "does not take that much at once",
        "Narrow the plan by naming addresses; a proxy before the server may take less than its 32 MB.",
    ),
    429: (
        "answers nobody at your address for a minute: too many wrong tokens came from there",
        "Look for runs with a token that was revoked or has expired, then wait a minute.",
    ),
    502: _BEHIND,
    503: _BEHIND,
    504: _BEHIND,
}
"""What is said of answers that offerkit itself, or a proxy before it, gives without a reason that can be shown."""


def error_json(found: Diagnostic) -> dict[str, Json]:
    """A finding as a server tells it to its operators."""
    made: dict[str, Json] = {"code": str(found.code), "message": found.summary}
    for name, text in (("detail", found.detail), ("hint", found.hint), ("address", found.address)):
        if text:
            made[name] = text
    if found.position is not None:
        made["position"] = str(found.position)
    return made


def diagnostic_of(given: Json) -> Diagnostic:
    """One finding of the server, as :func:`error_json` writes it.

    Raises ValueError for what is none, or has a code that is not known here.
    """
    match given:
        case {"code": str(code), "message": str(message), **more}:
            detail, hint, address = (str(more.get(name, "")) for name in ("detail", "hint", "address"))
            return Diagnostic(Code(code), message, detail, hint, address, _position(more.get("position")))
        case _:
            raise ValueError("no finding")


def _position(given: object) -> Position | None:
    if not isinstance(given, str):
        return None
    file, line, column = given.rsplit(":", 2)
    return Position(file, int(line), int(column))
