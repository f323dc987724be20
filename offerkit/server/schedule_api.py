"""The calls by which operators schedule promotions, and withdraw them."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from offerkit.server.authentication import acting
from offerkit.server.json_bodies import read_body
from offerkit.server.operator_api import (
    HasSession,
    LockWait,
    PlanText,
    ShortText,
    SignedBody,
    answer,
    operation,
    operator_caller,
    with_signature,
)
from offerkit.server.routing import Operation
from offerkit.server.schemas import RequestBody
from offerkit.store import RevisionRow
from offerkit.usecases.backends import SCHEDULE, WITHDRAW, plan_of, scheduled_json
from offerkit.usecases.design_access import keeping_compared
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.schedule import schedule, withdraw
from offerkit.usecases.session import Session

_INSTANT = r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"


class ScheduleBody(SignedBody):
    """A saved promotion, and when it is to be carried out, exactly as it is; times are UTC."""

    plan: PlanText
    due: Annotated[str, Field(pattern=f"^{_INSTANT}$")]
    not_after: Annotated[str, Field(pattern=f"^({_INSTANT})?$")] = ""
    message: ShortText = ""
    override_impact: ShortText = ""
    lock_wait_ms: LockWait = 0


class WithdrawBody(RequestBody):
    """The revision that scheduled a promotion which is not to be carried out, and why."""

    scheduled: Annotated[int, Field(gt=0, lt=2**31)]
    reason: Annotated[ShortText, Field(min_length=1)]
    lock_wait_ms: LockWait = 0


def routes(service: HasSession) -> list[Operation]:
    """The calls on the store of ``service``."""

    async def scheduling(request: Request) -> Response:
        """Store a promotion for its time, as the token's operator."""
        body = await read_body(request, ScheduleBody)
        wait = body.lock_wait_ms / 1000
        session = acting(service.session, operator_caller(request), wait, body.message, body.override_impact)
        session = with_signature(session, body)
        return answer(scheduled_json(await asyncio.to_thread(_scheduled, session, body)))

    async def withdrawing(request: Request) -> Response:
        """Take a scheduled promotion back."""
        body = await read_body(request, WithdrawBody)
        session = acting(service.session, operator_caller(request), body.lock_wait_ms / 1000)
        return answer(scheduled_json(await asyncio.to_thread(withdraw, session, body.scheduled, body.reason)))

    return [
        operation("POST", SCHEDULE, scheduling, ScheduleBody),
        operation("POST", WITHDRAW, withdrawing, WithdrawBody),
    ]


def _scheduled(session: Session, body: ScheduleBody) -> RevisionRow:
    with keeping_compared(session):
        return schedule(session, plan_of(body.plan), ScheduleRequest(body.due, body.not_after))
