"""``propositions --format jsonl``: every change of propositions once, for whoever keeps them elsewhere, in pages.

A cursor says what a reader has had. It names the last change, nothing of a contact, and is opaque to others.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import orjson

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import Json, canonical
from offerkit.store import Store
from offerkit.store.proposition_log import BEGINNING, LoggedChange, LogPlace
from offerkit.store.proposition_rows import keepable
from offerkit.usecases.contact_access import contact_rights, not_a_contact_reader
from offerkit.usecases.list_propositions import check_environment, proposition_line
from offerkit.usecases.requests import ExportedPage, ExportRequest
from offerkit.usecases.session import Session

START = "start"
"""Written for a cursor from which everything is new."""
_PREFIX = "ofc1."
_FIRST = (
    "The first export must write: the store logs changes from then on. Let somebody who may write to it export once."
)
LONGEST_CURSOR = 4_000


def export_page(session: Session, request: ExportRequest) -> ExportedPage:
    """The next page, from the local store or a server's. Raises Refused if the cursor is not one of that store's."""
    return session.backend.export_propositions(session, request)


def export_page_here(session: Session, request: ExportRequest) -> ExportedPage:
    """:func:`export_page` where the store is. Through a server, only for operators who may read the contacts."""
    with session.existing() as store:
        allowed = contact_rights(session, store)
        if not allowed.all and request.environment not in allowed.named:
            raise not_a_contact_reader(
                session.operator,
                "the export of propositions, which name contacts, is",
                [request.environment] if request.environment else (),
                "" if request.environment or not allowed.named else "Name an environment: --environment NAME",
            )
        if request.environment:
            check_environment(store, request.environment)
        place = _place(store, request)
        page = store.logged(place, request.environment) if store.log_begun() else None
    if page is None:
        _begin(session)
        return export_page_here(session, request)
    cursor = _text(request.environment, page.place)
    return ExportedPage([_line(change) for change in page.changes], cursor, page.more, page.waiting)


def _begin(session: Session) -> None:
    """Begin the log for the first reader."""
    try:
        with session.writing() as store:
            store.begin_log()
    except Refused as refused:
        (diagnostic, *_) = refused.diagnostics
        if diagnostic.code is not Code.STORE_READ_ONLY:
            raise
        raise Refused([replace(diagnostic, hint=f"{_FIRST} {diagnostic.hint}")]) from refused


def is_cursor(text: str) -> bool:
    """Whether ``text`` is meant as a cursor rather than a time."""
    return text == START or text.startswith(_PREFIX)


def _line(change: LoggedChange) -> Mapping[str, Json]:
    if change.proposition is None:
        return {
            "event": change.event,
            "environment": change.environment,
            "interaction": change.interaction,
            "changed": change.changed,
        }
    return {"event": change.event, **asdict(proposition_line(change.proposition))}


def _text(environment: str, place: LogPlace) -> str:
    known: Json = {
        "environment": environment,
        "old": None if place.old is None else list(place.old),
        "position": place.position,
        "id": place.id,
        "changed": place.changed,
        "passed": None if place.passed is None else list(place.passed),
    }
    return _PREFIX + base64.urlsafe_b64encode(canonical(known)).decode().rstrip("=")


def _place(store: Store, request: ExportRequest) -> LogPlace:
    if request.since in ("", START):
        return BEGINNING
    environment, place = _parsed(request.since)
    if environment != request.environment:
        raise refuse(
            Code.BAD_CURSOR,
            f"the cursor is for {environment or 'all environments'}, not for {request.environment or 'all'}",
            detail="A cursor counts what one reader has had, so it belongs to one choice of environment.",
            hint=f"Use --environment {environment}." if environment else "Leave out --environment.",
        )
    if not store.is_logged(place):
        raise refuse(
            Code.CURSOR_GONE,
            "the store no longer has the change that the cursor names",
            detail="It was restored from a backup, is another store, or the change was removed when its retention"
            " was over. An export from there would have gaps.",
            hint=f"Start again, and replace what was loaded: --since {START}",
        )
    return place


def _parsed(text: str) -> tuple[str, LogPlace]:
    if len(text) > LONGEST_CURSOR or not text.startswith(_PREFIX):
        raise _not_a_cursor(text)
    coded = text.removeprefix(_PREFIX)
    try:
        known = orjson.loads(base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _not_a_cursor(text) from None
    match known:
        case {
            "environment": str(environment),
            "old": None | [str(), str(), str()] as old,
            "position": str(position),
            "id": str(id_),
            "changed": str(changed),
            "passed": None | [str(), str()] as passed,
        } if keepable((*(old or ()), position, id_, changed, *(passed or ()))):
            before, after = tuple(old) if old else None, tuple(passed) if passed else None
            return environment, LogPlace(before, position, id_, changed, after)
        case _:
            raise _not_a_cursor(text)


def _not_a_cursor(text: str) -> Refused:
    return refuse(
        Code.BAD_CURSOR,
        f"“{text[:40]}” is not a cursor",
        detail="With --format jsonl, --since takes the cursor that an earlier run printed last.",
        hint=f"Use that cursor as it is, or --since {START} for everything.",
    )


def lines_text(lines: Sequence[Mapping[str, Json]]) -> bytes:
    """Lines as JSON, each with a newline at its end."""
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
