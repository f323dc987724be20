"""API tokens, by which operators identify themselves over the network. Shown once, stored as a hash."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes, token_hex

from offerkit.address import SHARED, Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.governance.rights import (
    NO_SCOPES,
    Actor,
    TokenScope,
    TokenScopes,
    may_manage_tokens,
    scopes_of,
    scopes_text,
    token_scope_errors,
)
from offerkit.store import Store
from offerkit.store.tokens import TokenRow
from offerkit.times import duration, instant, utc
from offerkit.usecases.session import Session, operators, who_is

LONGEST = timedelta(days=366)
LONGEST_NAME = 200
_FORM = re.compile(r"ofk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token's operator and scopes; ``operator`` is empty for an invalid token."""

    operator: str = ""
    scopes: TokenScopes = NO_SCOPES


NOBODY = Bearer()


def create(
    session: Session, operator: str, name: str, expires: str, scopes: Iterable[str] = (TokenScope.READ,)
) -> tuple[TokenRow, str]:
    """Create a token for ``operator``, valid for ``expires`` (such as ``90d``); returns it with its secret text.

    Administrators create tokens for anybody, others for themselves. Raises Refused otherwise, if the operator is
    unknown or disabled, and for scopes that exclude each other.
    """
    scopes = tuple(scopes)
    until = _until(session.now, expires)
    _check_name(name)
    with _changing(session) as (store, actor):
        _check_may(actor, operator)
        known = operators(store)
        if operator not in known:
            raise refuse(Code.NO_OPERATOR, f"there is no operator “{operator[:80]}”", hint=suggestion(operator, known))
        if found := token_scope_errors(scopes, bool(known[operator].get("automation"))):
            raise Refused(found)
        if known[operator].get("enabled") is False:
            raise refuse(Code.NOT_ALLOWED, f"operator {operator} is disabled", hint="An administrator can enable them.")
        id_ = token_hex(6)
        text = f"ofk_{id_}_{urlsafe_b64encode(token_bytes(32)).rstrip(b'=').decode()}"
        row = TokenRow(id_, token_hash(text), operator, name, session.now, actor.name, until, scope=scopes_text(scopes))
        store.add_token(row)
    return row, text


def revoke(session: Session, id_: str) -> TokenRow:
    """Revoke a token. Raises Refused if it does not exist, or the operator lacks the right."""
    with _changing(session) as (store, actor):
        row = store.token(id_)
        if row is None:
            known = [token.id for token in store.tokens()]
            raise refuse(
                Code.NO_MATCH,
                f"there is no token {id_[:40]}",
                hint=suggestion(id_, known, "“offerkit token list” shows them."),
            )
        _check_may(actor, row.operator)
        store.revoke_token(id_, session.now, actor.name)
    return row


@contextmanager
def _changing(session: Session) -> Iterator[tuple[Store, Actor]]:
    """The locked store and the operator. Creating and revoking a token are revisions."""
    with session.existing() as store:
        actor = who_is(session, store)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        yield store, who_is(session, store)


def bearer_of(store: Store, text: str, now: datetime) -> Bearer:
    """The bearer of the token ``text`` at ``now``; :data:`NOBODY` if it is not valid for any reason."""
    match = _FORM.fullmatch(text)
    row = store.token(match[1]) if match else None
    if row is None or not hmac.compare_digest(row.hash, token_hash(text)) or row.revoked or row.expires <= utc(now):
        return NOBODY
    body = operators(store).get(row.operator)
    if body is None or body.get("enabled") is False or orphaned(store, row):
        return NOBODY
    scopes = scopes_of(row.scope)
    return Bearer(row.operator, scopes) if TokenScope.READ in scopes else NOBODY


def orphaned(store: Store, row: TokenRow) -> str:
    """When the operator whom the token was made for was removed; empty if they still exist.

    A later operator of the same name is a different person.
    """
    since = store.last_left(StageRef(SHARED, Stage.DESIGN), Address(SHARED, Kind.OPERATOR, row.operator))
    return since if row.created <= since else ""


def token_hash(text: str) -> str:
    """The stored hash of a token; 256 random bits need no slow hash."""
    return sha256(text.encode()).hexdigest()


def _check_may(actor: Actor, operator: str) -> None:
    """Raise Refused unless ``actor`` may manage tokens of ``operator``."""
    if refused := may_manage_tokens(actor, operator):
        raise Refused([refused])


def _check_name(name: str) -> None:
    """Raise Refused for names unsuitable for a permanent history."""
    if len(name) > LONGEST_NAME or not (name.isprintable() or not name):
        raise refuse(
            Code.BAD_VALUE,
            f"the token's name must be a single line of up to {LONGEST_NAME} characters",
            hint="Describe the token's purpose in a few words.",
        )


def _until(now: str, expires: str) -> str:
    try:
        span = duration(expires)
    except ValueError as error:
        raise refuse(Code.BAD_VALUE, str(error), hint="Write --expires 90d.") from None
    if not timedelta() < span <= LONGEST:
        raise refuse(
            Code.BAD_VALUE,
            "a token must be valid for at least an hour and at most a year",
            hint="Write --expires 90d, and create a new one then.",
        )
    return utc(instant(now) + span)
