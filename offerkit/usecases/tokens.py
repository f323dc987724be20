"""Tokens: how an operator shows over the network who they are. Made once, shown once, kept as a hash."""

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
    ADMINISTRATOR,
    NO_SCOPES,
    Actor,
    TokenScope,
    TokenScopes,
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
    """Whose token it is, and what it may be used for; ``operator`` is empty for one that does not count."""

    operator: str = ""
    scopes: TokenScopes = NO_SCOPES


NOBODY = Bearer()


def create(
    session: Session, operator: str, name: str, expires: str, scopes: Iterable[str] = (TokenScope.READ,)
) -> tuple[TokenRow, str]:
    """A token for ``operator`` that counts for ``expires`` (``90d``), and its text, which is kept nowhere.

    Administrators make them for anybody, others for themselves. Raises Refused otherwise, for an operator who
    is unknown or disabled, and for scopes that do not go together.
    """
    scopes = tuple(scopes)
    until = _until(session.now, expires)
    _check_name(name)
    with _changing(session) as (store, actor):
        _may(actor, operator)
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
    """Let a token count no more. Raises Refused when there is no such one, or the operator may not."""
    with _changing(session) as (store, actor):
        row = store.token(id_)
        if row is None:
            known = [found.id for found in store.tokens()]
            raise refuse(
                Code.NO_MATCH,
                f"there is no token {id_[:40]}",
                hint=suggestion(id_, known, "“offerkit token list” shows them."),
            )
        _may(actor, row.operator)
        store.revoke_token(id_, session.now, actor.name)
    return row


@contextmanager
def _changing(session: Session) -> Iterator[tuple[Store, Actor]]:
    """The locked store, since a token that is made or revoked is a revision, and who is asking."""
    with session.existing() as store:
        actor = who_is(session, store)
    with (
        session.writing() as store,
        store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting),
        store.transaction(),
    ):
        yield store, who_is(session, store)


def bearer_of(store: Store, text: str, now: datetime) -> Bearer:
    """Whose token ``text`` is, at ``now``, and its scopes; nobody's when it does not count, whatever the reason."""
    found = _FORM.fullmatch(text)
    row = store.token(found[1]) if found else None
    if row is None or not hmac.compare_digest(row.hash, token_hash(text)) or row.revoked or row.expires <= utc(now):
        return NOBODY
    body = operators(store).get(row.operator)
    if body is None or body.get("enabled") is False or orphaned(store, row):
        return NOBODY
    scopes = scopes_of(row.scope)
    return Bearer(row.operator, scopes) if TokenScope.READ in scopes else NOBODY


def orphaned(store: Store, row: TokenRow) -> str:
    """Since when the operator is gone whom the token was made for; empty while they are there.

    One of the same name who was made later is somebody else.
    """
    since = store.begun_again(StageRef(SHARED, Stage.DESIGN), Address(SHARED, Kind.OPERATOR, row.operator))
    return since if row.created <= since else ""


def token_hash(text: str) -> str:
    """What is kept of a token: 256 random bits need no slow hash."""
    return sha256(text.encode()).hexdigest()


def _may(actor: Actor, operator: str) -> None:
    if actor.profile not in (None, ADMINISTRATOR) and actor.name != operator:
        raise refuse(
            Code.NOT_ALLOWED,
            f"{actor.name} may not manage tokens of {operator[:80]}",
            detail="An operator's token is as good as the operator.",
            hint="Administrators may, and everybody their own.",
        )


def _check_name(name: str) -> None:
    """Raise Refused for what a history should not carry for ever."""
    if len(name) > LONGEST_NAME or not (name.isprintable() or not name):
        raise refuse(
            Code.BAD_VALUE,
            f"the token's name is not one line of up to {LONGEST_NAME} characters",
            hint="Say in a few words what the token is for.",
        )


def _until(now: str, expires: str) -> str:
    try:
        span = duration(expires)
    except ValueError as error:
        raise refuse(Code.BAD_VALUE, str(error), hint="Write --expires 90d.") from None
    if not timedelta() < span <= LONGEST:
        raise refuse(
            Code.BAD_VALUE,
            "a token counts for an hour at least and a year at most",
            hint="Write --expires 90d, and make a new one then.",
        )
    return utc(instant(now) + span)
