"""Operators' tokens, stored as hashes, which are useless for signing in.

Creating or revoking a token adds a revision with a digest of the token's row: a row that is edited, added, removed or
reactivated outside of offerkit shows in ``audit verify`` (docs/adr/0023-tokens-in-the-chain.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

from offerkit.fingerprint import Json, canonical, digest
from offerkit.store import append
from offerkit.store.database import Database
from offerkit.store.proposition_rows import keepable
from offerkit.store.rows import Draft, RevisionRow
from offerkit.times import check_utc

COLUMNS = "id, hash, operator, name, created, created_by, expires, revoked, scope"
_SELECT = f"SELECT {COLUMNS} FROM token"  # noqa: S608 - constants
ACTIONS = CREATE, REVOKE, ADOPT = "token-create", "token-revoke", "token-adopt"
"""Actions of revisions that create or revoke a token, or adopt the tokens of a format before 5."""
_SCHEME = b"offerkit token 1"
_TEXT = tuple[str, str, str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token. ``hash`` is the SHA-256 of the whole token, as hexadecimal digits.

    ``created``, ``expires`` and ``revoked`` are UTC as the store writes it; ``revoked`` is empty until then.
    ``scope`` is what it can be used for (:mod:`offerkit.governance.rights`).
    """

    id: str
    hash: str
    operator: str
    name: str
    created: str
    created_by: str
    expires: str
    revoked: str = ""
    scope: str = ""

    @property
    def digest(self) -> str:
        """A digest of all of the row except ``revoked``, for the history; it reveals nothing of the token itself."""
        cells = [self.id, self.hash, self.operator, self.name, self.created, self.created_by, self.expires, self.scope]
        return digest(_SCHEME, canonical(cells))


def create(db: Database, row: TokenRow) -> RevisionRow:
    """Store a token and append a revision that records it; inside a write transaction."""
    for time in (row.created, row.expires):
        check_utc(time)
    revision = append.append(db, Draft(CREATE, row.created_by, row.created, details={"token": _facts(row)}))
    db.insert("token", COLUMNS, [astuple(row)])
    return revision


def revoke(db: Database, id_: str, time: str, actor: str) -> RevisionRow | None:
    """Revoke a token and append a revision that records it; inside a write transaction.

    None if it was already revoked or does not exist.
    """
    check_utc(time)
    row = token(db, id_)
    if row is None or row.revoked:
        return None
    db.run("UPDATE token SET revoked = ? WHERE id = ?", (time, id_))
    return append.append(db, Draft(REVOKE, actor, time, details={"token": _facts(replace(row, revoked=time))}))


def adopt(db: Database, time: str) -> None:
    """Record a store's tokens, as they are, in its history; inside a write transaction."""
    facts: list[Json] = [_facts(row) for row in tokens(db)]
    if facts:
        message = "Tokens from before format 5, taken over as they were found."
        append.append(db, Draft(ADOPT, "offerkit", time, message, details={"tokens": facts}))


def tokens(db: Database) -> list[TokenRow]:
    """All tokens, newest first."""
    rows: list[_TEXT] = db.rows(f"{_SELECT} ORDER BY created DESC, id")
    return [TokenRow(*row) for row in rows]


def token(db: Database, id_: str) -> TokenRow | None:
    """The token with that id; None if it does not exist."""
    rows: list[_TEXT] = db.rows(f"{_SELECT} WHERE id = ?", (id_,)) if keepable([id_]) else []
    return TokenRow(*rows[0]) if rows else None


def _facts(row: TokenRow) -> dict[str, Json]:
    """What the history records of a token: neither the token nor its hash."""
    return {name: getattr(row, name) for name in TokenEvent.__slots__}


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """The state of a token after a revision, as the revision records it."""

    id: str
    operator: str
    name: str
    scope: str
    created: str
    created_by: str
    expires: str
    revoked: str
    digest: str


def events(action: str, details: Mapping[str, Json]) -> list[TokenEvent]:
    """The tokens that a revision with that action and details records; empty if it is not about tokens.

    Raises ValueError for details that offerkit never writes.
    """
    match action, details:
        case (("token-create" | "token-revoke"), {"token": dict(facts)}):
            token_facts = [facts]
        case ("token-adopt", {"tokens": list(every)}):
            token_facts = [facts for facts in every if isinstance(facts, dict)]
        case _ if action in (CREATE, REVOKE, ADOPT):
            raise ValueError("the revision names no token")
        case _:
            return []
    names = TokenEvent.__slots__
    if any(not isinstance(facts.get(name), str) for facts in token_facts for name in names):
        raise ValueError("a token lacks some of its fields")
    return [TokenEvent(*(str(facts[name]) for name in names)) for facts in token_facts]
