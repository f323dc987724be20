"""``contact export``: everything that is stored about a contact, for the contact, as JSON that says what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from offerkit.fingerprint import Json
from offerkit.store import Store, contact_data
from offerkit.usecases.contact_access import ContactRights, not_a_contact_reader, operator_rights
from offerkit.usecases.contact_places import (
    ContactPlace,
    ContactPlaces,
    find_contact,
    folder_shown,
    nothing_stored,
    searched,
)
from offerkit.usecases.delivery_files import messages_of, set_aside_in
from offerkit.usecases.list_propositions import proposition_line
from offerkit.usecases.requests import ContactExport, ContactRequest
from offerkit.usecases.session import Session, who_is

FORMAT = 1
"""The format of an export; it grows when the meaning of a part changes."""
MEANINGS = {
    "propositions": "Offers that were proposed to the contact: when, where, at which rank, and the answer. “proposed”,"
    " “accepted” and “statuses” are what was stored with them; “product” is what the offer became for the contact.",
    "evidence": "What decisions about the contact read: its fields then, its history, and what hooks returned.",
    "cookies": "Cookies by which a browser is recognised as the contact's, and when it was last identified.",
    "messages": "Messages of deliveries that were written for the contact, as they were given to the sender.",
    "set_aside": "Deliveries that have no message for the contact, and why.",
}
"""What each part of an export is."""
_WHAT = "the export of a contact's data is"
NOT_INCLUDED = (
    "The contact's profile, which is read from its source.",
    "Backups and copies of the store, files that were written elsewhere, and what other systems received.",
    "Visits that no cookie leads to: a browser gets another cookie when the contact identifies.",
)
"""What an export cannot have."""


def export_contact(session: Session, request: ContactRequest) -> ContactExport:
    """Everything that is stored about a contact. Raises Refused, also unless the operator may read contacts."""
    return session.backend.export_contact(session, request)


def export_contact_here(session: Session, request: ContactRequest) -> ContactExport:
    """:func:`export_contact` where the store is."""
    root = session.project.root
    with session.existing() as store:
        actor = who_is(session, store)
        rights = operator_rights(store, actor.name)
        if not rights.all and not rights.named:
            raise not_a_contact_reader(actor.name, _WHAT, ())
        _check_reader(rights, actor.name, searched(store, request))
        found = find_contact(root, store, request)
        _check_reader(rights, actor.name, found.holding)
        data: dict[str, Json] = {
            "format": FORMAT,
            "contact": request.key,
            "exported": session.now,
            "operator": actor.name,
            "project": store.project,
            "environments": [*found.environments],
            "meanings": dict(MEANINGS),
            "not_included": [*NOT_INCLUDED],
            **_parts(root, store, found),
        }
    empty = not any(data[part] for part in MEANINGS)
    return ContactExport(data, (nothing_stored(session, request),) if empty else ())


def _parts(root: Path, store: Store, found: ContactPlaces) -> dict[str, Json]:
    messages: list[Json] = []
    aside: list[Json] = []
    for files in found.files:
        where: dict[str, Json] = {"environment": files.environment, "folder": folder_shown(files.folder, root)}
        messages += [{**where, "file": name, "message": message} for name, message in messages_of(files)]
        aside += [{**where, "file": name, "reason": reason} for name, reason in set_aside_in(files)]
    return {
        "propositions": [*_propositions(store, found.places)],
        "evidence": [*_evidence(store, found.places)],
        "cookies": [*_cookies(store, found.places)],
        "messages": messages,
        "set_aside": aside,
    }


def _propositions(store: Store, places: Iterable[ContactPlace]) -> Iterable[Json]:
    for place in places:
        for row in contact_data.proposed(store.database, place.environment, place.keys):
            line: dict[str, Json] = {**asdict(proposition_line(row))}
            yield line


def _evidence(store: Store, places: Iterable[ContactPlace]) -> Iterable[Json]:
    for place in places:
        for row in contact_data.evidence(store.database, place.environment, place.keys):
            line: dict[str, Json] = {**row._asdict()}
            yield line


def _cookies(store: Store, places: Iterable[ContactPlace]) -> Iterable[Json]:
    for place in places:
        for row in contact_data.cookies(store.database, place.environment, place.keys):
            yield {"environment": row.environment, "cookie": row.cookie, "identified": row.time}


def _check_reader(rights: ContactRights, operator: str, environments: Mapping[str, str]) -> None:
    """Raise Refused unless contacts of all ``environments`` (with their dimensions) may be read.

    What is searched is checked before it is: a refusal must not say where a contact is known.
    """
    hidden = sorted(name for name, dimension in environments.items() if not rights.may_read(name, dimension))
    if hidden:
        hint = f"Name environments whose contacts you may read: --environment {min(rights.named, default='NAME')}"
        raise not_a_contact_reader(operator, _WHAT, hidden, hint)
