"""The API of operators' command lines about contacts: a proposition explained, a contact exported or erased.

Keys come in bodies, since addresses are logged. Calls are carried out one at a time: each can read all files of
deliveries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from pydantic import FailFast, Field
from starlette.requests import Request
from starlette.responses import Response

from offerkit.diagnostics import Diagnostic, Refused
from offerkit.fingerprint import Json
from offerkit.server.authentication import acting
from offerkit.server.json_bodies import read_body
from offerkit.server.operator_api import HasSession, LockWait, ShortText, answer, operation, operator_caller
from offerkit.server.redaction import redacted
from offerkit.server.routing import Operation
from offerkit.server.schemas import RequestBody
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.usecases.contact_backends import (
    CLEAR,
    ERASE_CONTACT,
    EXPLAIN,
    EXPORT_CONTACT,
    cleared_json,
    erased_json,
    explained_json,
    exported_json,
)
from offerkit.usecases.contact_erasure import clear_erased, erase_contact, plan_erasure
from offerkit.usecases.contact_export import export_contact
from offerkit.usecases.explain import explain_stored
from offerkit.usecases.requests import ContactRequest
from offerkit.usecases.session import Session


class ExplainBody(RequestBody):
    """The proposition to explain; ``present``: also decide again with the contact as it is now."""

    proposition: Annotated[str, Field(max_length=200)]
    present: bool = False


class ContactBody(RequestBody):
    """A contact by primary key, and in which environments to look; none: in all of its dimension."""

    key: Annotated[str, Field(max_length=LONGEST_KEY)]
    environments: Annotated[list[Annotated[str, Field(max_length=500)]], FailFast(), Field(max_length=1_000)] = Field(
        []
    )


class EraseBody(ContactBody):
    """A contact to erase; ``dry_run``: only say what would be erased."""

    dry_run: bool = False
    message: ShortText = ""
    lock_wait_ms: LockWait = 0


def routes(service: HasSession) -> list[Operation]:
    """The calls on the contacts of ``service``."""
    alone = asyncio.Lock()

    async def answered(session: Session, act: Callable[[Session], Json]) -> Response:
        async with alone:
            return answer(await asyncio.to_thread(act, session))

    def told(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
        return redacted(Refused(diagnostics), service.session).diagnostics

    async def explaining(request: Request) -> Response:
        """What decided a stored proposition, for operators who may read the contacts of its environment."""
        body = await read_body(request, ExplainBody)
        session = acting(service.session, operator_caller(request), 0.0)
        return await answered(
            session, lambda own: explained_json(explain_stored(own, body.proposition, present=body.present))
        )

    async def exporting(request: Request) -> Response:
        """Everything that is stored about a contact, for operators who may read contacts."""
        body = await read_body(request, ContactBody)

        def export(session: Session) -> Json:
            exported = export_contact(session, _request(body))
            return exported_json(replace(exported, warnings=told(exported.warnings)))

        return await answered(acting(service.session, operator_caller(request), 0.0), export)

    async def erasing(request: Request) -> Response:
        """Erase a contact from what is stored, as the token's operator, who is an administrator."""
        body = await read_body(request, EraseBody)
        session = acting(service.session, operator_caller(request), body.lock_wait_ms / 1000, body.message)

        def erase(session: Session) -> Json:
            outcome = (plan_erasure if body.dry_run else erase_contact)(session, _request(body))
            return erased_json(replace(outcome, warnings=told(outcome.warnings)))

        return await answered(session, erase)

    async def clearing(request: Request) -> Response:
        """Clear what erased rows left in the store's files; it says what is not erased after it."""
        body = await read_body(request, ContactBody)
        session = acting(service.session, operator_caller(request), 0.0)
        return await answered(session, lambda own: cleared_json(told(tuple(clear_erased(own, _request(body))))))

    return [
        operation("POST", EXPLAIN, explaining, ExplainBody),
        operation("POST", EXPORT_CONTACT, exporting, ContactBody),
        operation("POST", ERASE_CONTACT, erasing, EraseBody),
        operation("POST", CLEAR, clearing, ContactBody),
    ]


def _request(body: ContactBody) -> ContactRequest:
    return ContactRequest(body.key, tuple(body.environments))
