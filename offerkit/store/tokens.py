"""Operators' tokens, as their hashes: what a store keeps lets nobody in.

Each that is made or revoked is a revision of the history, which holds a digest of the token's row: a row that another
hand edits, adds, removes or lets count again shows on ``audit verify`` (docs/adr/0023-tokens-in-the-chain.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from offerkit.fingerprint import Json, canonical, digest
from offerkit.store import append
from offerkit.store.database import Database
from offerkit.store.rows import Draft, RevisionRow
from offerkit.times import check_utc

COLUMNS = "id, hash, operator, name, created, created_by, expires, revoked, scope"
_SELECT = f"SELECT {COLUMNS} FROM token"  # noqa: S608 - constants
ACTIONS = CREATE, REVOKE, ADOPT = "token-create", "token-revoke", "token-adopt"
"""The actions of revisions that make a token, revoke one, or take over those from before there were such revisions."""
_SCHEME = b"offerkit token 1"
_TEXT = tuple[str, str, str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token. ``hash`` is the SHA-256 of the whole token, as hexadecimal digits.

    ``created``, ``expires`` and ``revoked`` are UTC as the store writes it; ``revoked`` is empty while it counts.
    ``scope`` is what it may be used for (:mod:`offerkit.governance.rights`).
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
        """Stands for all of the row but ``revoked``, in the history; of a token's random bits it shows nothing."""
        made = [self.id, self.hash, self.operator, self.name, self.created, self.created_by, self.expires, self.scope]
        return digest(_SCHEME, canonical(made))


def create(db: Database, row: TokenRow) -> RevisionRow:
    """Keep a token, with the revision that says so; inside a write transaction."""
    for time in (row.created, row.expires):
        check_utc(time)
    made = append.append(db, Draft(CREATE, row.created_by, row.created, details={"token": _facts(row)}))
    db.insert("token", COLUMNS, [_cells(row)])
    return made


def revoke(db: Database, id_: str, time: str, actor: str) -> RevisionRow | None:
    """Let a token count no more from ``time`` on, with the revision that says so; inside a write transaction.

    None when it did not count already, or there is no such one.
    """
    check_utc(time)
    row = token(db, id_)
    if row is None or row.revoked:
        return None
    db.run("UPDATE token SET revoked = ? WHERE id = ?", (time, id_))
    return append.append(db, Draft(REVOKE, actor, time, details={"token": _facts(replace(row, revoked=time))}))


def adopt(db: Database, time: str) -> None:
    """Tie the tokens that stand in a store, as they are, to its history; inside a write transaction."""
    found: list[Json] = [_facts(row) for row in tokens(db)]
    if found:
        message = "Tokens from before format 5, taken over as they were found."
        append.append(db, Draft(ADOPT, "offerkit", time, message, details={"tokens": found}))


def tokens(db: Database) -> list[TokenRow]:
    """All tokens, the newest first."""
    rows: list[_TEXT] = db.rows(f"{_SELECT} ORDER BY created DESC, id")
    return [TokenRow(*row) for row in rows]


def token(db: Database, id_: str) -> TokenRow | None:
    """The token with that id; None when there is no such one."""
    rows: list[_TEXT] = db.rows(f"{_SELECT} WHERE id = ?", (id_,))
    return TokenRow(*rows[0]) if rows else None


def _cells(row: TokenRow) -> _TEXT:
    return (
        row.id, row.hash, row.operator, row.name, row.created, row.created_by, row.expires, row.revoked, row.scope
    )  # fmt: skip


def _facts(row: TokenRow) -> dict[str, Json]:
    """What the history tells of a token: neither the token nor its hash."""
    return {
        "id": row.id, "operator": row.operator, "name": row.name, "scope": row.scope, "created": row.created,
        "created_by": row.created_by, "expires": row.expires, "revoked": row.revoked, "digest": row.digest,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """What a revision says of a token: how it stood after it."""

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
    """What a revision with that action and details says of tokens; nothing for what is of no token.

    Raises ValueError for details that we never write.
    """
    match action, details:
        case (("token-create" | "token-revoke"), {"token": dict(one)}):
            found = [one]
        case ("token-adopt", {"tokens": list(every)}):
            found = [one for one in every if isinstance(one, dict)]
        case _ if action in (CREATE, REVOKE, ADOPT):
            raise ValueError("no token is named")
        case _:
            return []
    names = TokenEvent.__slots__
    if any(not isinstance(one.get(name), str) for one in found for name in names):
        raise ValueError("a token without all that is said of one")
    return [TokenEvent(*(str(one[name]) for name in names)) for one in found]
