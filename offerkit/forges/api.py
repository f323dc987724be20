"""A client of forges' JSON APIs over HTTPS: pages, rate limits, interrupted answers.

A forge's answers are untrusted and limited in size: their texts appear in messages only as one short line. The token
is sent only to the configured origin, in a header.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import orjson

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.forges.fields import Unlike
from offerkit.proxy import pool_for

LARGEST, LARGEST_FILE = 16 * 1024**2, 128 * 1024**2
"""The largest sizes of an answer and of a file, in bytes."""
PAGE = 100
"""Items per page, the most that both forges give."""
MOST_PAGES = 200
PATIENCE = 600.0
"""Seconds that a run waits for rate limits and failed requests in total."""
_TRIES = 4
_REDIRECTS = 3
_REDIRECTED = (301, 302, 307, 308)
_SLOWEST = 300.0
"""Seconds within which an answer must be complete."""
_DEFAULT_WAIT = 60.0
"""Seconds to wait if a rate limit names none, as GitHub's documentation asks."""
_LOCAL = ("127.0.0.1", "localhost", "::1")

if TYPE_CHECKING:
    from urllib3 import PoolManager

T = TypeVar("T")
Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class AnswerLost(Refused):
    """A request to create something whose outcome is unknown: look before you retry."""


class _Broken(Exception):  # noqa: N818 - the state of one try, internal to this module
    """A try without a usable answer; ``sent``: whether the forge may have carried it out."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.why, self.sent = why, sent


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass
class Api:
    """The API at ``url``. ``tell`` reports every wait before it begins; ``sleep`` and ``clock`` are in seconds."""

    name: str
    url: str
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    patience: float = PATIENCE
    timeouts: tuple[float, float] = (10.0, 30.0)
    """Seconds to wait for a connection, and for the next bytes of an answer."""

    def __post_init__(self) -> None:
        self.url = checked_url(self.name, self.url)

    @cached_property
    def _pool(self) -> PoolManager:
        from urllib3 import Timeout

        return pool_for(self.url, Timeout(connect=self.timeouts[0], read=self.timeouts[1]), Code.FORGE)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """The JSON at ``path``."""
        return self._json(self._ask("GET", self._at(path, query), None))

    def find(self, path: str) -> Json:
        """The JSON at ``path``; None if nothing exists there."""
        answer = self._ask("GET", self._at(path), None, missing_is_fine=True)
        return self._json(answer) if answer.status < 300 else None

    def pages(self, path: str, query: Mapping[str, str] | None = None, *, of: str = "") -> list[Json]:
        """The items of all pages of a list; with ``of``, each page is an object with the items under that name.

        Raises Refused if a page leads to another host, or for more than ``MOST_PAGES``; the list is never cut short.
        """
        address = self._at(path, {**(query or {}), "per_page": str(PAGE)})
        items: list[Json] = []
        requested: set[str] = set()
        while address:
            if address in requested or len(requested) >= MOST_PAGES:
                raise self.strange(f"GET {path} has no last page")
            requested.add(address)
            answer = self._ask("GET", address, None)
            page = self._json(answer)
            page = page.get(of) if of and isinstance(page, dict) else page
            if not isinstance(page, list):
                raise self.strange(f"GET {path} does not return a list")
            items += page
            address = self._next_page(address, answer.headers.get("link", ""))
        return items

    def download(self, path: str) -> bytes:
        """The file at ``path``, which forges store at another host; the token is not sent there."""
        answer = self._ask("GET", self._at(path), None, raw=True)
        if answer.status not in _REDIRECTED:
            return answer.content
        file_url = answer.headers.get("location", "")
        try:
            parts = urlsplit(file_url)
            without_token = replace(self, url=f"{parts.scheme}://{parts.netloc}", headers={})
        except (ValueError, Refused):
            raise self.strange(f"GET {path} leads to an address that is invalid or not https") from None
        answer_elsewhere = without_token._ask("GET", file_url, None, raw=True)
        if answer_elsewhere.status in _REDIRECTED:
            raise self.strange(f"GET {path} is redirected twice")
        return answer_elsewhere.content

    def create(self, path: str, body: Json, read: Callable[[Json], T]) -> T:
        """Create something; returns what ``read`` makes of the answer. Raises AnswerLost if the outcome is unknown."""
        answer = self._ask("POST", self._at(path), body)
        try:
            content = self._json(answer)
            return self.read(lambda: read(content))
        except Refused as error:
            raise AnswerLost(error.diagnostics) from None

    def change(self, method: Literal["PATCH", "PUT", "DELETE"], path: str, body: Json) -> bool:
        """Change or delete what is at ``path``; False if nothing exists there."""
        return self._ask(method, self._at(path), body, missing_is_fine=True).status < 300

    def query(self, url: str, text: str, variables: Mapping[str, Json]) -> dict[str, Json]:
        """The data of a GraphQL query at ``url``, on the same origin. It only reads, so it may be repeated."""
        if _origin(url) != _origin(self.url):
            raise self.strange("its GraphQL API is at another host")
        answer = self._json(self._ask("POST", url, {"query": text, "variables": dict(variables)}, repeatable=True))
        match answer:
            case {"errors": [{"message": str(message)}, *_]}:
                raise self.strange(f"GraphQL: {self.shown(message)}")
            case {"data": dict(data)}:
                return data
            case _:
                raise self.strange("its GraphQL API answers without data")

    def read(self, read: Callable[[], T]) -> T:
        """What ``read`` makes of an answer. Raises Refused if the answer is not what the API documents."""
        try:
            return read()
        except Unlike as error:
            raise self.strange(f"“{error}” is missing or of another type") from None

    def strange(self, what: str) -> Refused:
        """The error for an answer that the forge's API does not document."""
        return refuse(
            Code.FORGE, f"{self.name} gives no usable answer: {what}", hint=f"Check that {self.url} is its API."
        )

    def shown(self, text: str) -> str:
        """A text of the forge on one short line; a token in it is masked."""
        line = "".join(char if char.isprintable() else " " for char in text.replace(self.token, "…")[:1000])
        return " ".join(line.split())[:200]

    def _at(self, path: str, query: Mapping[str, str] | None = None) -> str:
        return self.url + path + (f"?{urlencode(query)}" if query else "")

    def _json(self, answer: _Answer) -> Json:
        try:
            content: Json = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise self.strange("it is not JSON") from None
        return content

    def _is_cut_short(self, method: Method, answer: _Answer) -> bool:
        """Whether an answer that must be JSON is not: cut short without a connection error, or from something else."""
        if method in ("PATCH", "PUT", "DELETE"):
            return False  # it was carried out; the answer is not read
        try:
            orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            return True
        return False

    def _next_page(self, address: str, links: str) -> str:
        for link in links.split(","):
            match = re.fullmatch(r"\s*<([^<>]{1,4000})>\s*;(.*)", link, re.DOTALL)
            if match is not None and re.search(r"(?:^|;)\s*rel=\"?next\"?\s*(?:;|$)", match[2]):
                return self._same_origin(address, match[1], "a page")
        return ""

    def _same_origin(self, address: str, target: str, what: str) -> str:
        try:
            url = urljoin(address, target)
        except ValueError:
            url = ""
        if _origin(url) != _origin(self.url):
            host = self.shown(urlsplit(url).netloc) if _origin(url) else "an address that cannot be read"
            raise refuse(
                Code.FORGE,
                f"{self.name} leads with {what} to another host: {host}",
                detail="The token is sent only to the configured host.",
                hint="If the forge has moved, name its new API.",
            )
        return url

    def _ask(
        self,
        method: Method,
        address: str,
        body: Json,
        *,
        repeatable: bool | None = None,
        missing_is_fine: bool = False,
        raw: bool = False,
    ) -> _Answer:
        """The answer to a request, after waiting and retrying where that is safe. Raises Refused for errors.

        ``raw``: the answer need not be JSON, and the caller follows redirects.
        """
        safe = method != "POST" if repeatable is None else repeatable
        what = f"{method} {urlsplit(address).path}"
        failures = redirects = limits = 0
        while True:
            try:
                answer = self._once(method, address, body, LARGEST_FILE if raw else LARGEST)
            except _Broken as broken:
                if broken.sent and not safe:
                    raise AnswerLost(self._unreachable(what, broken.why).diagnostics) from None
                failures = self._again(what, broken.why, failures)
                continue
            if self._is_limited(answer):
                self._wait_for_limit(what, answer, 2.0**limits)
                limits += 1
            elif raw and answer.status in _REDIRECTED:
                return answer
            elif answer.status in _REDIRECTED and (method == "GET" or answer.status in (307, 308)):
                redirects += 1
                if redirects > _REDIRECTS:
                    raise self.strange(f"{what} is redirected without end")
                address = self._same_origin(address, answer.headers.get("location", ""), "a redirect")
            elif answer.status < 300 and safe and not raw and self._is_cut_short(method, answer):
                failures = self._again(what, "its answer is not JSON", failures)
            elif answer.status < 300 or (missing_is_fine and answer.status in (404, 410)):
                return answer
            elif answer.status < 500 and answer.status not in (408, 425):
                raise self._refused(what, answer)
            elif not safe:
                raise AnswerLost(self._unreachable(what, f"it answers {answer.status}").diagnostics)
            else:
                failures = self._again(what, f"it answers {answer.status}", failures, _seconds(answer))

    def _once(self, method: Method, address: str, body: Json, limit: int) -> _Answer:
        import urllib3

        headers = {"User-Agent": "offerkit", "Accept-Encoding": "identity", **self.headers}
        if method in ("POST", "PATCH", "PUT"):
            headers["Content-Type"] = "application/json"
        content = orjson.dumps(body) if "Content-Type" in headers else None
        try:
            answer = self._pool.request(
                method, address, body=content, headers=headers, preload_content=False, redirect=False, retries=False
            )
            with answer:
                headers_received = {name.lower(): value for name, value in answer.headers.items()}
                return _Answer(answer.status, headers_received, self._read(answer, limit))
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise _Broken(_why(error), sent=False) from None
        except urllib3.exceptions.ProxyError as error:
            raise _Broken(_why(error), sent=False) from None
        except urllib3.exceptions.HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise self._unreachable(f"{method} {urlsplit(address).path}", _why(error)) from None
            raise _Broken(_why(error)) from None

    def _read(self, answer: object, limit: int) -> bytes:
        """The whole answer, of at most ``limit`` bytes; urllib3 raises if it is shorter than its headers say."""
        from urllib3 import HTTPResponse

        assert isinstance(answer, HTTPResponse)
        deadline = time.monotonic() + _SLOWEST
        content = bytearray()
        while chunk := answer.read1(65536, decode_content=False):
            content += chunk
            if len(content) > limit:
                raise self.strange(f"it is larger than {limit // 1024**2} MB")
            if time.monotonic() > deadline:
                raise _Broken("its answer takes too long")
        return bytes(content)

    def _is_limited(self, answer: _Answer) -> bool:
        if answer.status == 429:
            return True
        if answer.status != 403:
            return False
        headers = answer.headers
        return (
            headers.get("x-ratelimit-remaining") == "0"
            or "retry-after" in headers
            or b"rate limit" in answer.content[:2000].lower()
        )

    def _wait_for_limit(self, what: str, answer: _Answer, least: float) -> None:
        seconds = _seconds(answer)
        if seconds is None:
            seconds = _until_reset(answer, self.clock())
        seconds = max(least, _DEFAULT_WAIT if seconds is None else seconds)
        if seconds > self.patience:
            raise refuse(
                Code.FORGE_LIMIT,
                f"{self.name} limits the rate of requests: {what} would have to wait {_duration(seconds)}",
                detail=f"This run waits at most {_duration(PATIENCE)} in all.",
                hint="Run it again later, or use a token of its own.",
            )
        self._pause(f"{self.name} limits the rate of requests", seconds)

    def _again(self, what: str, why: str, failures: int, seconds: float | None = None) -> int:
        pause = max(1.0, 2.0**failures if seconds is None else seconds)
        if failures + 1 >= _TRIES or pause > self.patience:
            raise self._unreachable(what, why)
        self._pause(f"{self.name}: {what}: {why}", pause)
        return failures + 1

    def _pause(self, why: str, seconds: float) -> None:
        self.patience -= seconds
        self.tell(f"{why}; trying again in {_duration(seconds)}")
        self.sleep(seconds)

    def _unreachable(self, what: str, why: str) -> Refused:
        return refuse(
            Code.FORGE,
            f"{self.name} cannot be used: {what}: {why}",
            hint=f"Check {self.url}, and {self.name}'s status page; then run it again.",
        )

    def _refused(self, what: str, answer: _Answer) -> Refused:
        try:
            match orjson.loads(answer.content):
                case {"message": str(message)} | {"error": str(message)} | {"error_description": str(message)}:
                    said = f": {self.shown(message)}"
                case _:
                    said = ""
        except orjson.JSONDecodeError:
            said = ""
        return refuse(
            Code.FORGE_REFUSES,
            f"{self.name} refuses {what} with {answer.status}{said}",
            hint=_HINTS.get(answer.status, "Check the token's permissions, and the repository and number."),
        )


_HINTS = {
    401: "The token is unknown, expired or revoked: create a new one.",
    403: "Give the token (or the job, under “permissions”) the right to do this, such as writing to pull requests.",
    404: "Check the repository and the number; without read access, a token gets “not found”.",
}


def checked_url(name: str, url: str) -> str:
    """``url`` without its final slash. Raises Refused if it is not an address, or would send the token unencrypted."""
    try:
        parts = urlsplit(url)
        valid = parts.port != 0 and bool(parts.hostname) and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        valid = False
    if (
        not valid
        or parts.username is not None
        or parts.query
        or parts.fragment
        or parts.scheme not in ("http", "https")
    ):
        raise refuse(
            Code.FORGE_SETTINGS, f"the address of {name}'s API cannot be read", hint="Write https://HOST/PATH."
        )
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise refuse(
            Code.FORGE_SETTINGS,
            f"http://{parts.hostname} would send the token unprotected",
            hint="Use https://; http:// is for this machine only.",
        )
    return url.rstrip("/")


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return None
    if parts.username is not None or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port


def _seconds(answer: _Answer) -> float | None:
    """What Retry-After asks for: seconds, or a time by the server's own clock."""
    retry_after = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    retry_at, now = _http_date(retry_after), _http_date(answer.headers.get("date", ""))
    return retry_at - now if retry_at is not None and now is not None else None


def _until_reset(answer: _Answer, local: float) -> float | None:
    """Seconds until the limit is lifted: GitHub's and GitLab's headers give it in seconds since 1970."""
    reset = answer.headers.get("x-ratelimit-reset") or answer.headers.get("ratelimit-reset") or ""
    if answer.headers.get("x-ratelimit-remaining", answer.headers.get("ratelimit-remaining", "0")) != "0":
        return None  # not the limit that is reset then
    if not re.fullmatch(r"[0-9]{1,12}", reset):
        return None
    now = _http_date(answer.headers.get("date", ""))
    return float(reset) - (local if now is None else now) + 1


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _duration(seconds: float) -> str:
    rounded = max(1, round(seconds))
    return f"{rounded} s" if rounded < 120 else f"{rounded / 60:,.0f} min"


def _why(error: Exception) -> str:
    from urllib3 import exceptions

    words: dict[type[Exception], str] = {
        exceptions.NameResolutionError: "unknown host",
        exceptions.NewConnectionError: "connection refused",
        exceptions.ConnectTimeoutError: "it does not answer in time",
        exceptions.ReadTimeoutError: "it does not answer in time",
        exceptions.ProxyError: "the proxy does not let it through; check HTTPS_PROXY and NO_PROXY",
        exceptions.SSLError: "no trusted TLS connection is possible",
    }
    return next((text for kind, text in words.items() if isinstance(error, kind)), "the connection broke")
