"""Limits for outsiders: how often they can call, and which sites' pages can (CORS)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from offerkit.server.authentication import CALLER
from offerkit.server.client_address import is_loopback, rate_key
from offerkit.server.decision_service import DecisionService
from offerkit.server.problems import RequestError, error_response, problem_response

CALL_PATH = "/nl/propose"
"""What the script of the web page calls."""
STATUS_PATH = "/o"
"""Where tracked links lead."""
PROPOSE_PATH, UPDATE_PATH = "/api/v1/propose", "/api/v1/update"
"""What back ends call; a propose call names its environments in its body."""
_BACK_ENDS = (PROPOSE_PATH, UPDATE_PATH, "/interaction/")
"""Paths of back ends; those on this machine are not counted."""
_VISITORS = (CALL_PATH, STATUS_PATH)


class RateLimitAndCors:
    """Who is let in. Counts are each worker's own; nothing is counted for operators."""

    def __init__(self, service: DecisionService, public_url: str) -> None:
        """``public_url``: how browsers reach the service, without a slash at its end; empty: as each request says."""
        self._service, self._public_url = service, public_url
        self._rates = CallRates(service)

    def refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that does not get to the routes: one too many, or the question of a browser."""
        if scope["path"] != CALL_PATH:
            return self._often(scope)
        request = Request(scope)
        origin = request.headers.get("origin", "")
        if not origin:
            return self._often(scope)
        own = origin == own_origin(request, self._public_url)
        if not own and not self._service.served.inbound.may_ask(environment_of(request), origin):
            return problem_response(403, "Refused", "origin not allowed", CALL_PATH)
        scope[_ORIGIN] = origin
        return _preflight() if request.method == "OPTIONS" else self._often(scope)

    def _often(self, scope: Scope) -> Response | None:
        """The refusal of a caller who calls too often."""
        path = scope["path"]
        back_end = path.startswith(_BACK_ENDS)
        client = scope["client"][0] if scope.get("client") else ""
        if not (back_end or path in _VISITORS) or (back_end and is_loopback(client)) or CALLER in scope:
            return None
        request = Request(scope)
        # elsewhere the address names none: whoever adds ?env= does not choose how they are counted (see Rates.later)
        environment = environment_of(request) if path == CALL_PATH or path.startswith("/interaction/") else ""
        wait = self._rates.wait(client, environment)
        if not wait:
            if path == PROPOSE_PATH:
                self._rates.later(request, client)
            return None
        return error_response(TooOftenError(wait), path)


def allow_origin(scope: Scope, response: Response) -> None:
    """Let the page of another site read ``response``, where it was allowed to ask."""
    origin = scope.get(_ORIGIN)
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers.add_vary_header("Origin")


def environment_of(request: Request) -> str:
    """The environment that the address of a call names: ``?env=ENVIRONMENT``, or with ``@live``; empty for none."""
    path = str(request.scope["path"])
    if path.startswith("/interaction/"):
        return path.split("/")[2].removesuffix("@live")
    return request.query_params.get("env", "").removesuffix("@live")


def own_origin(request: Request, public_url: str) -> str:
    """Scheme and host by which browsers reach the service: as the settings say, else as the request does."""
    return public_url or f"{request.scope['scheme']}://{request.headers.get('host', '')}"


def _preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "600",
        },
    )


TOO_OFTEN = "too many calls from this address; try again later"
_COUNTED, _ORIGIN = "offerkit.counted", "offerkit.origin"


class TooOftenError(RequestError):
    """The caller's address calls too often."""

    def __init__(self, wait: int) -> None:
        """``wait``: seconds."""
        super().__init__(429, TOO_OFTEN, "Too many calls", retry_after=wait)


class CallRates:
    """The counts of one worker."""

    def __init__(self, service: DecisionService) -> None:
        """``service`` knows what the environments that are live allow."""
        self._service = service
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait(self, client: str, environment: str) -> int:
        """Count a call; how many seconds its caller has to wait, 0 when it may go on.

        Environments that are not known share one count, or whoever thinks up names would never be counted.
        """
        inbound = self._service.served.inbound
        item = _item(inbound.rate(environment))
        key = environment if environment in inbound.environments else ""
        if self._limiter.hit(item, key, rate_key(client)):
            return 0
        remaining = self._limiter.get_window_stats(item, key, rate_key(client)).reset_time - time.time()
        return min(max(ceil(remaining), 1), 60)

    def later(self, request: Request, client: str) -> None:
        """Note that the call has to be counted again by whoever reads in its body which environments it is for."""
        request.scope[_COUNTED] = partial(self._named, client)

    def _named(self, client: str, environments: Iterable[str]) -> None:
        known = self._service.served.inbound.environments
        for name in sorted({*environments} & known.keys()):
            wait = self.wait(client, name)
            if wait:
                raise TooOftenError(wait)


def count_spaces(request: Request, spaces: Iterable[str]) -> None:
    """Count a call for the environments of ``spaces``, if its caller is counted. Raises TooOftenError."""
    count: Callable[[Iterable[str]], None] | None = request.scope.get(_COUNTED)
    if count is not None:
        count(space.partition("/")[0] for space in spaces)


@lru_cache(maxsize=64)
def _item(rate: int) -> RateLimitItem:
    return RateLimitItemPerMinute(rate)
