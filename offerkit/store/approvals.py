"""The table of approvals: approvals, rejections, and what was stopped and resumed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from offerkit.address import parse_address
from offerkit.governance.approvals import Approval, Decision
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.store import errors
from offerkit.store.database import Database, chunks
from offerkit.store.rows import ApprovalText, RecordedRevision

COLUMNS = "address, aspect, space, fingerprint, decision, operator, comment"
_SELECTED = (
    f"SELECT a.serial, r.time, {', '.join(f'a.{column}' for column in COLUMNS.split(', '))} FROM approval a"  # noqa: S608
    " JOIN revision r ON r.serial = a.serial"
)

_Texts: TypeAlias = tuple[int, str, str, str, str, str, str, str, str]
"""The columns of a decision, with its revision and that revision's time."""


def approval_text(approval: Approval) -> ApprovalText:
    """The columns of ``approval``."""
    key = approval.key
    return (
        key.address,
        key.aspect.value,
        key.space,
        key.fingerprint,
        approval.decision.value,
        approval.operator,
        approval.comment,
    )


def approval_texts(db: Database, serial: int) -> list[ApprovalText]:
    """The columns of one revision's approvals."""
    sql = f"SELECT {COLUMNS} FROM approval WHERE serial = ? ORDER BY address, aspect, space"  # noqa: S608
    return db.rows(sql, (serial,))


def approvals(db: Database, addresses: Iterable[str] | None = None) -> list[Approval]:
    """All decisions, or those on ``addresses``, oldest first."""
    if addresses is None:
        return _read(db, db.rows(_SELECTED))
    rows: list[_Texts] = []
    for marks, part in chunks(addresses):
        rows += db.rows(f"{_SELECTED} WHERE a.address IN ({marks})", part)
    return _read(db, rows)


def stops(db: Database) -> list[Approval]:
    """What was stopped and resumed, oldest first."""
    return _read(db, db.rows(f"{_SELECTED} WHERE a.aspect = ?", (Aspect.STOP.value,)))


def recorded_approvals(recorded: RecordedRevision) -> list[Approval]:
    """The decisions of a recorded revision. Raises ValueError for values that are never written."""
    revision = recorded.revision
    try:
        return [_approval((revision.serial, revision.time, *row)) for row in recorded.approvals]
    except KeyError as error:
        raise ValueError("an approval with values that are never written") from error


def _read(db: Database, rows: list[_Texts]) -> list[Approval]:
    try:
        return [_approval(row) for row in sorted(rows)]
    except (KeyError, TypeError, ValueError) as error:
        raise errors.damaged(db.name, "An approval was edited: it has values that are never written") from error


# Ten thousand offers have a hundred thousand approvals, and calling an enumeration is slow.
_ASPECTS = {each.value: each for each in Aspect}
_DECISIONS = {each.value: each for each in Decision}


def _approval(row: _Texts) -> Approval:
    serial, time, address, aspect, space, fingerprint, decision, operator, comment = row
    key = ApprovalKey(parse_address(address), _ASPECTS[aspect], space, fingerprint)
    return Approval(key, _DECISIONS[decision], operator, comment, serial, time)
