"""Authentication: callers are operators with a token, or outsiders."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from offerkit.diagnostics import Refused
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.server.client_address import rate_key
from offerkit.server.problems import problem_response, refusal_response
from offerkit.server.routing import HEADERS_BY_NAME
from offerkit.server.thread_worker import now
from offerkit.store import Store
from offerkit.times import utc
from offerkit.usecases.session import Session
from offerkit.usecases.tokens import NOBODY, Bearer, bearer_of, token_hash

CALLER = "offerkit.caller"
"""The key of a request's scope that holds the token's operator and scopes."""
KNOWN_FOR = 5.0
"""Seconds that a token is cached: a revoked token can work this much longer."""
GUESSES, LOOKED_UP = 20, 300
"""Limits of wrong tokens a minute from one address: how many get 401, and how many are looked up.

Beyond the first, wrong tokens get 429, and valid ones keep working for colleagues at the same address. Beyond the
second, only tokens that were valid before are looked up. 256 random bits cannot be guessed at that pace."""
_GUESSES, _LOOKED_UP = RateLimitItemPerMinute(GUESSES), RateLimitItemPerMinute(LOOKED_UP)


INSIDER = "offerkit.insider"
"""The key of a request's scope that says whether the caller can see the catalog; by default operators can."""


class GuessedTooOftenError(Exception):
    """The address sent too many wrong tokens; this one was wrong, too, or was not looked up."""


def caller_of(request: Request) -> Bearer:
    """The operator and scopes of the request's token; NOBODY for outsiders."""
    found: Bearer = request.scope.get(CALLER, NOBODY)
    return found


def operator_of(request: Request) -> str:
    """The operator of the request's token; empty for outsiders."""
    return caller_of(request).operator


def acting(session: Session, caller: Bearer, lock_timeout: float, message: str = "", override: str = "") -> Session:
    """``session``, the server's own, as that of ``caller`` now; ``override``: why an impact limit does not hold."""
    return replace(
        session,
        operator=caller.operator,
        email="",
        user="",
        now=utc(now()),
        lock_timeout=lock_timeout,
        message=message,
        override_impact=override,
        scopes=caller.scopes,
        through_server=True,
    )


class TokenLookup:
    """Looks tokens up in a thread of its own, and caches the results for KNOWN_FOR seconds."""

    def __init__(self, session: Session) -> None:
        """The store is opened when a token is first seen."""
        self._session = session
        self._pool = ThreadPoolExecutor(1, "offerkit-tokens")
        self._stack = ExitStack()
        self._store: Store | None = None
        self._known: BoundedCache[str, tuple[Bearer, float]] = BoundedCache(1_000)
        self._counted: BoundedCache[str, bool] = BoundedCache(1_000)
        self._guesses = MovingWindowRateLimiter(MemoryStorage())

    def forget(self) -> None:
        """Empty the cache and close the store."""
        self._known.clear()
        self._pool.submit(self._let_go)

    def _let_go(self) -> None:
        self._store = None
        self._stack.close()

    def close(self) -> None:
        """Give the store back."""
        self._pool.shutdown(wait=True)
        self._stack.close()

    async def by_token(self, text: str, client: str) -> Bearer:
        """Whose token it is, and its scopes; nobody's when it does not count.

        Raises GuessedTooOftenError when ``client`` sent too many that did not, Refused when the store is away.
        """
        key = token_hash(text)
        known = self._known.peek(key)
        if known is not None and known[0].operator and known[1] > time.monotonic():
            return known[0]
        who = rate_key(client)
        if not (self._counted.peek(key) or self._guesses.test(_LOOKED_UP, who)):
            raise GuessedTooOftenError
        if known is None or known[1] <= time.monotonic():
            bearer = await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, text)
            known = (bearer, time.monotonic() + KNOWN_FOR)
            self._known.put(key, known)
            if bearer.operator or self._counted.peek(key):  # wrong ones would drive out the right ones
                self._counted.put(key, bool(bearer.operator))
        if not known[0].operator:
            self._guesses.hit(_LOOKED_UP, who)
            if not self._guesses.hit(_GUESSES, who):
                raise GuessedTooOftenError
        return known[0]

    def _ask(self, text: str) -> Bearer:
        try:
            if self._store is None:
                self._store = self._stack.enter_context(self._session.writing())
            self._store.check_in_place()
            return bearer_of(self._store, text, now())
        except Refused:  # the next lookup opens the store again
            self._let_go()
            raise


async def authenticated(scope: Scope, tokens: TokenLookup) -> Response | None:
    """Note the operator of a request's bearer token; the refusal if the token does not count."""
    header = scope[HEADERS_BY_NAME].get(b"authorization")
    if not header:
        return None
    client = scope["client"][0] if scope.get("client") else ""
    scheme, _, text = header.decode("latin-1").partition(" ")
    try:
        bearer = await tokens.by_token(text.strip() if scheme.lower() == "bearer" else "", client)
    except GuessedTooOftenError:
        response = problem_response(429, "Too many wrong tokens", "too many wrong tokens; wait a minute", scope["path"])
        response.headers["Retry-After"] = str(_GUESSES.get_expiry())
        return response
    except Refused as refused:
        return refusal_response(refused, insider=False, instance=scope["path"])
    if bearer.operator:
        scope[CALLER] = bearer
        return None
    response = problem_response(401, "Invalid token", "this token is not valid", scope["path"])
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
