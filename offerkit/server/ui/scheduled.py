"""What the page of the promotion says of scheduled promotions and freezes, and the form that withdraws one."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.governance.rights import TokenScope
from offerkit.plans.plan import Plan
from offerkit.server.routing import Operation
from offerkit.server.ui.pages import Facts, Pages, first
from offerkit.server.ui.stops import may
from offerkit.times import utc
from offerkit.usecases.apply import check_times
from offerkit.usecases.list_scheduled import list_scheduled
from offerkit.usecases.requests import ScheduleRequest
from offerkit.usecases.schedule import due_time, schedule, withdraw
from offerkit.usecases.session import Session

LONGEST = 2_000
"""Characters of a reason."""


def routes(pages: Pages) -> list[Operation]:
    """Withdrawing what was scheduled."""

    async def withdrawing(request: Request) -> Response:
        try:
            viewer, fields = await pages.form(request)
            number, reason = first(fields, "scheduled"), first(fields, "reason").strip()[:LONGEST]
            if not (number.isascii() and number.isdecimal() and len(number) < 10 and reason):
                raise refuse(Code.BAD_REQUEST, "withdrawing needs a reason", hint="Write why, and send the form again.")
            revision = await asyncio.to_thread(withdraw, pages.session(viewer), int(number), reason)
        except Refused as refused:
            return await pages.form_refused(request, refused)
        return RedirectResponse(f"/ui/history/{revision.serial}", 303)

    return [Operation("POST", "/ui/scheduled/withdraw", withdrawing)]


def schedule_facts(session: Session, plan: Plan) -> Facts:
    """What is scheduled, and why ``plan`` cannot be promoted now."""
    with session.existing() as store:
        items = list_scheduled(store)
    return {"scheduled": items, "closed": _closed(session, plan), "may_withdraw": may(session, TokenScope.PROMOTE)}


def _closed(session: Session, plan: Plan) -> tuple[Diagnostic, ...]:
    try:
        check_times(session, plan, session.operator)
    except Refused as refused:
        return refused.diagnostics
    return ()


def schedule_shown(session: Session, plan: Plan, at: str) -> int:
    """Schedule the plan that was shown for the time in the form. Returns the revision. Raises Refused."""
    return schedule(session, plan, ScheduleRequest(utc(due_time(session, plan, at)))).serial
