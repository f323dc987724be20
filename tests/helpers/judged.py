"""Histories as an audit judges them again, and revisions that nobody could have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.workspace import Workspace
from offerkit.diagnostics import Diagnostic, Refused
from offerkit.fingerprint import fingerprint
from offerkit.reports.audit import VerifiedRecord
from offerkit.state.changes import Body
from offerkit.store import ChangeRow, Draft, Store
from offerkit.usecases.audit import AuditedStore, audit, write_history
from offerkit.usecases.audit_file import audit_file

LATER = "2027-01-01T00:00:00.000000Z"


def export(shop: Workspace) -> Path:
    path = shop.root / "history.jsonl"
    with shop.store() as store, path.open("wb") as file:
        write_history(store, file)
    return path


def verified(shop: Workspace) -> VerifiedRecord:
    return audit_file(export(shop))


def findings(shop: Workspace) -> list[Diagnostic]:
    """What is wrong with the history: the same in its store and in an export of it."""
    with pytest.raises(Refused) as caught:
        verified(shop)
    with pytest.raises(Refused) as in_store, shop.store() as store:
        audit(AuditedStore(store))
    assert in_store.value.diagnostics == caught.value.diagnostics
    return caught.value.diagnostics


def forge(
    shop: Workspace,
    action: str,
    *changes: ChangeRow,
    bodies: tuple[Body, ...] = (),
    actor: str = "ada",
    **more: object,
) -> None:
    """Append a revision past all checks, with right digests: as somebody does who knows the code."""
    named = {fingerprint(body.kind, body.text.encode()): body for body in bodies}
    with Store.open(shop.location, write=True) as store, store.transaction():
        store.append(Draft(action, actor, LATER, changes=changes, bodies=named, **more))  # type: ignore[arg-type]
