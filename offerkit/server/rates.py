"""How often an address may call an environment: each environment counts for itself, whatever the way of the call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from math import ceil

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from offerkit.server.addresses import counted_as
from offerkit.server.desk import Desk

TOO_OFTEN = "too many calls came from this address; try again later"
_COUNTED = "offerkit.counted"


class TooOftenError(HTTPException):
    """The caller's address calls too often; ``headers`` say how long to wait."""

    def __init__(self, wait: int) -> None:
        """``wait``: seconds."""
        super().__init__(429, TOO_OFTEN, {"Retry-After": str(wait)})


class Rates:
    """The counts of one worker."""

    def __init__(self, desk: Desk) -> None:
        """``desk`` knows what the environments that are live allow."""
        self._desk = desk
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def wait(self, client: str, environment: str) -> int:
        """Count a call; how many seconds its caller has to wait, 0 when it may go on.

        Environments that are not known share one count, or whoever thinks up names would never be counted.
        """
        declared = self._desk.served.declared
        item = _item(declared.rate(environment))
        key = environment if environment in declared.environments else ""
        if self._limiter.hit(item, key, counted_as(client)):
            return 0
        left = self._limiter.get_window_stats(item, key, counted_as(client)).reset_time - time.time()
        return min(max(ceil(left), 1), 60)

    def later(self, request: Request, client: str) -> None:
        """Note that the call has to be counted again by whoever reads in its body which environments it is for."""
        request.scope[_COUNTED] = partial(self._named, client)

    def _named(self, client: str, environments: Iterable[str]) -> None:
        known = self._desk.served.declared.environments
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
