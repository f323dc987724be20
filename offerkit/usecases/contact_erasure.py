"""``contact erase``: a contact is taken out of everything that offerkit keeps, and that is recorded without the key.

Files of deliveries go first, then all rows in one transaction with the revision that records it, then what deleted rows
left in the store's files. A run that is killed has done whole steps; the next run finds the rest
(docs/adr/0074-rights-of-contacts.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from glob import escape
from pathlib import Path
from unicodedata import category, normalize

from offerkit.diagnostics import Code, Diagnostic, Severity, refuse
from offerkit.fingerprint import Json
from offerkit.governance.rights import Actor, check_administrator
from offerkit.reports.contact_erasure import ContactErasure, ErasedFiles, ErasedRows
from offerkit.store import Draft, RevisionRow, Store, contact_data
from offerkit.store.contact_data import ERASE, ERASED, PERSONAL, ContactRows
from offerkit.usecases.contact_places import ContactPlaces, find_contact, find_places, folder_shown, nothing_stored
from offerkit.usecases.delivery_files import erase_from
from offerkit.usecases.delivery_folder import unfinished_of
from offerkit.usecases.requests import ContactRequest, ErasureOutcome
from offerkit.usecases.restore import WORKPLACE
from offerkit.usecases.session import Session, who_is

_TELLING = 5
"""Characters of a key that a message is searched for even within words; shorter ones are parts of many words."""
AGAIN = "Run the command again: it continues with what is left."


def plan_erasure(session: Session, request: ContactRequest) -> ErasureOutcome:
    """What :func:`erase_contact` would erase. Raises Refused, also unless the operator is an administrator."""
    return session.backend.plan_erasure(session, request)


def plan_erasure_here(session: Session, request: ContactRequest) -> ErasureOutcome:
    """:func:`plan_erasure` where the store is."""
    with session.existing() as store:
        _administrator(session, store)
        found = find_contact(session.project.root, store, request)
        _check_message(session.message, found)
    erasure = _erasure(session.project.root, found, [(place.rows, place.visitor) for place in found.places])
    return ErasureOutcome(erasure, (nothing_stored(session, request),) if erasure.empty else ())


def erase_contact(session: Session, request: ContactRequest) -> ErasureOutcome:
    """Erase a contact; :func:`clear_erased` comes after it. Raises Refused as :func:`plan_erasure` does.

    What others store for the contact meanwhile is erased as well, until the transaction of the store. It is recorded
    also if nothing is stored: a restored backup may have what was purged since, and must not bring it back.
    """
    return session.backend.erase_contact(session, request)


def erase_contact_here(session: Session, request: ContactRequest) -> ErasureOutcome:
    """:func:`erase_contact` where the store is."""
    with session.writing() as store:
        actor = _administrator(session, store)
        with store.lock(who=actor.name, timeout=session.lock_timeout, waiting=session.waiting):
            found = find_contact(session.project.root, store, request)
            _check_message(session.message, found)
            for files in found.files:
                erase_from(files)
            with store.database.erasing():
                actor = _administrator(session, store)
                rows = [
                    (contact_data.erase(store.database, place.environment, place.keys, session.now), place.visitor)
                    for place in find_places(store, request)
                ]
                erasure = _erasure(session.project.root, found, rows)
                revision = _record(session, store, actor, erasure)
    erased = replace(erasure, revision=revision.serial, digest=revision.digest)
    return ErasureOutcome(erased, tuple(_unreached(session)))


def clear_erased(session: Session, request: ContactRequest) -> list[Diagnostic]:
    """Clear what deleted rows left in the store's files, whoever deleted them; returns what is not erased after it.

    Raises Refused as :func:`plan_erasure` does.
    """
    return session.backend.clear_erased(session, request)


def clear_erased_here(session: Session, request: ContactRequest) -> list[Diagnostic]:
    """:func:`clear_erased` where the store is."""
    with session.writing() as store:
        _administrator(session, store)
        left = store.database.clear_deleted([*PERSONAL])
        since = sum(place.rows.total for place in find_places(store, request))
    unfinished = []
    if left:
        unfinished.append(
            Diagnostic(
                Code.NOT_ERASED,
                "the contact is erased, but not yet overwritten in the store's files",
                f"{left[0].upper()}{left[1:]}.",
                AGAIN,
            )
        )
    if since:
        unfinished.append(
            Diagnostic(
                Code.NOT_ERASED,
                f"{since:,} rows were stored for the contact since it was erased",
                "A server or a delivery that still knows the contact continues to store what it proposes.",
                f"Remove the contact from its source first. {AGAIN}",
            )
        )
    return unfinished


def _unreached(session: Session) -> list[Diagnostic]:
    """Warnings about what may have the contact as well: stores that were set aside, files of deliveries that moved."""
    folders = {session.project.state}
    names = {session.store.name if isinstance(session.store, Path) else session.store.schema}
    if isinstance(session.store, Path):
        real = session.store.resolve()
        folders |= {session.store.parent, real.parent}
        names.add(real.name)
    ends = [f"{escape(name)}[.-]{end}-*" for name in sorted(names) for end in ("replaced", "wal.stale")]
    kept = {path.resolve(): path for folder in sorted(folders) for end in ends for path in folder.glob(end)}
    cut_off = {path.resolve(): path for folder in sorted(folders) for path in folder.glob(f"{WORKPLACE}*")}
    warnings = [
        _elsewhere(
            f"{path!s:.200} was set aside and may have the contact",
            "It is a store, or a part of one, from before a restore.",
            "Delete it when it is no longer needed.",
        )
        for path in kept.values()
    ]
    warnings += [
        _elsewhere(
            f"{path!s:.200} may have the contact",
            "A restore of a backup works there, or was interrupted.",
            "Delete it when no restore is running.",
        )
        for path in cut_off.values()
    ]
    with session.existing() as store:
        written = [Path(run.folder) for run in store.deliveries() if run.folder]
    moved = [folder for folder in written if not folder.is_dir() and not unfinished_of(folder).is_dir()]
    if moved:
        more = f" and {len(moved) - 1:,} more" if len(moved) > 1 else ""
        warnings.append(
            _elsewhere(
                f"the files of deliveries are no longer in {moved[0]!s:.200}{more}, and may have the contact",
                "They were moved, or this is another machine.",
                f"{'On that machine, name' if session.through_server else 'Name'} the folders where they are now:"
                " --files DIR",
            )
        )
    return warnings


def _elsewhere(what: str, why: str, how: str) -> Diagnostic:
    return Diagnostic(Code.ERASED_ELSEWHERE, what, why, how, severity=Severity.WARNING)


def _administrator(session: Session, store: Store) -> Actor:
    actor = who_is(session, store)
    check_administrator(actor, "erase contacts")
    return actor


def _check_message(message: str, found: ContactPlaces) -> None:
    """Raises Refused when the message names the contact, in any spelling: the history keeps it for good."""
    text = _plain(message)
    keys = [key for key in map(_plain, found.spelled) if key]
    words = [re.escape(key) if len(key) >= _TELLING else rf"(?<![^\W_]){re.escape(key)}(?![^\W_])" for key in keys]
    if any(re.search(word, text) for word in words):
        raise refuse(
            Code.KEY_IN_MESSAGE,
            "the message has the contact's key in it",
            detail="The history keeps every message for good, so the contact would not be erased.",
            hint="Name the case by a number of your own instead.",
        )


def _plain(text: str) -> str:
    """``text`` without what only makes it look different: case, compatible letters, characters that are not shown."""
    shown = "".join(letter for letter in normalize("NFKC", text) if category(letter) != "Cf")
    return normalize("NFKC", shown.casefold())


def _erasure(root: Path, found: ContactPlaces, rows: Sequence[tuple[ContactRows, bool]]) -> ContactErasure:
    return ContactErasure(
        [
            ErasedRows(row.environment, row.propositions, row.evidence, row.cookies, visits)
            for row, visits in rows
            if row.total
        ],
        [ErasedFiles(folder_shown(one.folder, root), one.messages, one.others) for one in found.files],
    )


def _record(session: Session, store: Store, actor: Actor, erasure: ContactErasure) -> RevisionRow:
    """The revision: who, when and how much; neither the key nor anything that could be compared with it."""
    counts: dict[str, Json] = {row.environment: _counts(row) for row in erasure.rows}
    details: dict[str, Json] = {ERASED: counts}
    if erasure.files:
        details["files"] = _sums(erasure.files)
    return store.append(Draft(ERASE, actor.name, session.now, session.message, details=details))


def _counts(rows: ErasedRows) -> dict[str, Json]:
    return {"propositions": rows.propositions, "evidence": rows.evidence, "cookies": rows.cookies}


def _sums(known: Sequence[ErasedFiles]) -> dict[str, Json]:
    return {
        "folders": len(known),
        "messages": sum(one.messages for one in known),
        "others": sum(one.others for one in known),
    }
